"""A private PostgreSQL server: its own directory and port, trust on 127.0.0.1, no care for power cuts."""
import glob
import os
import pathlib
import pwd
import re
import shutil
import socket
import subprocess

from . import Failure, apt_install, cache, run, say

FIRST_PORT = 5433
SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
fsync = off
synchronous_commit = off
full_page_writes = off
max_connections = 200
shared_buffers = 256MB
maintenance_work_mem = 128MB
timezone = 'UTC'
log_timezone = 'UTC'
"""
PLACES = ['/usr/lib/postgresql/*/bin', '/usr/pgsql-*/bin', '/opt/homebrew/opt/postgresql@*/bin', '/usr/local/pgsql/bin']


def binaries():
    """The directory of the newest server found."""
    found = {}
    on_path = [folder for folder in os.environ.get('PATH', '').split(os.pathsep) if folder]
    for folder in on_path + [folder for place in PLACES for folder in glob.glob(place)]:
        if all(os.access(os.path.join(folder, name), os.X_OK) for name in ('initdb', 'pg_ctl', 'pg_dump', 'psql')):
            version = run([os.path.join(folder, 'pg_ctl'), '--version'], what='asking PostgreSQL for its version')
            found.setdefault(int(re.search(r'\d+', version).group()), pathlib.Path(folder))
    return found[max(found)] if found else None


class Server:
    def __init__(self):
        self.bin = binaries()
        if self.bin is None and apt_install('postgresql'):
            self.bin = binaries()
        if self.bin is None:
            raise Failure('No PostgreSQL server found on the PATH or in %s. Install one, 15 or newer '
                          '(Debian, Ubuntu: apt-get install postgresql).' % ', '.join(PLACES))
        self.account = self.unprivileged()
        self.folder = self.place()
        self.data = self.folder / 'data'
        self.port = None

    def unprivileged(self):
        """PostgreSQL refuses to run as root; then it runs as somebody else."""
        if os.geteuid() != 0:
            return None
        for name in ('postgres', 'nobody'):
            try:
                return pwd.getpwnam(name)
            except KeyError:
                continue
        raise Failure('PostgreSQL does not run as root and there is neither a user postgres nor a user nobody.')

    def place(self):
        folder = cache() / 'postgresql'
        folder.mkdir(parents=True, exist_ok=True)
        if self.account is None:
            return folder
        os.chown(folder, self.account.pw_uid, self.account.pw_gid)
        if subprocess.run(['test', '-w', str(folder)], **self.identity()).returncode == 0:
            return folder
        # The cache of root is often closed to others.
        folder = pathlib.Path('/var/cache/gnuhealth-fhir-postgresql')
        folder.mkdir(exist_ok=True)
        os.chown(folder, self.account.pw_uid, self.account.pw_gid)
        folder.chmod(0o700)
        return folder

    def identity(self):
        options = {'cwd': '/', 'env': dict(os.environ, LC_ALL='C', PGTZ='UTC')}
        if self.account is not None:
            options.update(user=self.account.pw_uid, group=self.account.pw_gid, extra_groups=[])
            options['env']['HOME'] = str(self.account.pw_dir)
        return options

    def start(self):
        version = self.bin.joinpath('pg_ctl')
        major = re.search(r'\d+', run([version, '--version'])).group()
        ready = self.folder / 'ready'
        if not ready.exists() or ready.read_text().split()[0] != major:
            self.create(major, ready)
        if self.running():
            self.port = int(ready.read_text().split()[1])
            return
        self.port = free_port(int(ready.read_text().split()[1]))
        ready.write_text('%s %d\n' % (major, self.port))
        say('starting PostgreSQL %s on port %d' % (major, self.port))
        self.forget_dead()
        log = self.folder / 'log'
        with open(os.devnull, 'r+b') as nowhere:
            done = subprocess.run(
                [str(self.bin / 'pg_ctl'), '-D', str(self.data), '-l', str(log), '-o', '-p %d' % self.port, '-w', '-t', '60',
                 'start'], stdin=nowhere, stdout=nowhere, stderr=nowhere, **self.identity())
        if done.returncode:
            raise Failure('PostgreSQL does not start on port %d; %s ends with:\n%s' % (
                self.port, log, '\n'.join(log.read_text().splitlines()[-10:]) if log.exists() else '(nothing)'))

    def create(self, major, ready):
        say('making a PostgreSQL %s cluster in %s' % (major, self.folder))
        if self.data.exists():
            self.stop()
            shutil.rmtree(self.data)
        options = self.identity()
        command = [self.bin / 'initdb', '-D', self.data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '-N']
        try:
            run(command + ['--locale=C.UTF-8'], what='initdb', **options)
        except Failure:
            shutil.rmtree(self.data, ignore_errors=True)
            run(command + ['--locale=C'], what='initdb', **options)
        with open(self.data / 'postgresql.conf', 'a') as file:
            file.write(SETTINGS)
        ready.write_text('%s %d\n' % (major, free_port(FIRST_PORT)))

    def running(self):
        return self.data.exists() and subprocess.run(
            [str(self.bin / 'pg_ctl'), '-D', str(self.data), 'status'], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, **self.identity()).returncode == 0

    def forget_dead(self):
        """A pid file of a machine that was switched off may name a process of somebody else."""
        pid = self.data / 'postmaster.pid'
        if pid.exists():
            pid.unlink()

    def stop(self):
        if self.running():
            run([self.bin / 'pg_ctl', '-D', self.data, '-m', 'fast', '-w', 'stop'], what='stopping PostgreSQL', **self.identity())

    def uri(self, database, user='postgres'):
        return 'postgresql://%s@127.0.0.1:%d/%s' % (user, self.port, database)

    def sql(self, database, *statements):
        command = [self.bin / 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-d', self.uri(database)]
        for statement in statements:
            command += ['-c', statement]
        return run(command, what='SQL on ' + database).strip()

    def mark(self, database):
        """What the comment of a database says it holds: it is written last."""
        return self.sql('postgres', "SELECT coalesce(shobj_description(oid, 'pg_database'), '') FROM pg_database"
                                    " WHERE datname = '%s'" % database)

    def set_mark(self, database, text):
        self.sql('postgres', "COMMENT ON DATABASE \"%s\" IS '%s'" % (database, text))

    def empty(self, database):
        self.sql('postgres', 'DROP DATABASE IF EXISTS "%s" WITH (FORCE)' % database,
                 'CREATE DATABASE "%s" TEMPLATE template0 ENCODING \'UTF8\'' % database)

    def dump(self, database, path):
        """Into a file that is there whole or not at all."""
        part = path.with_suffix('.part')
        run([self.bin / 'pg_dump', '-Fc', '--no-owner', '--no-privileges', '-d', self.uri(database), '-f', part],
            what='dumping ' + database)
        part.rename(path)

    def restore(self, path, database):
        self.empty(database)
        run([self.bin / 'pg_restore', '--no-owner', '--no-privileges', '-j', '2', '-d', self.uri(database), path],
            what='restoring ' + database)
        self.sql(database, 'ANALYZE')


def free_port(wanted):
    for port in range(wanted, wanted + 200):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(('127.0.0.1', port))
                return port
            except OSError:
                continue
    raise Failure('No free port between %d and %d.' % (wanted, wanted + 199))
