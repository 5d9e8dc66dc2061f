"""One series of GNU Health: its packages, its modules, its databases."""
import hashlib
import os
import shutil
import time

from . import HERE, Failure, apt_install, cache, run, say

# Activated in both; a module that a series does not have is left out.
MODULES = '''
health health_icd10 health_lab health_imaging health_inpatient health_surgery health_nursing health_services
health_services_lab health_pediatrics health_gyneco health_lifestyle health_socioeconomics health_genetics
health_insurance health_icu health_stock health_disability health_contact_tracing health_ems health_federation
health_history health_who_essential_medicines health_calendar health_iss health_ophthalmology health_archives
health_crypto health_crypto_lab health_icd9procs health_services_imaging health_dentistry
health_imaging_worklist health_stock_inpatient health_stock_nursing health_stock_surgery health_icd11
health_ntd_chagas health_ntd_dengue health_surgery_protocols health_orthanc
'''.split()
SERIES = {
    '5.0': {
        'requirements': ['gnuhealth-all-modules==5.0.4', 'gnuhealth==5.0.6', 'trytond==7.0.59', 'psycopg2-binary'],
        'without': [],
    },
    '4.4': {
        # Newer bcrypt breaks the passlib of that time.
        'requirements': ['gnuhealth-all-modules==4.4.1', 'gnuhealth==4.4.1', 'trytond==6.0.76', 'psycopg2-binary',
                         'bcrypt<4.1', 'setuptools<70'],
        'without': ['health_dentistry', 'health_icd11'],
    },
}
PYTHONS = ['python3.11', 'python3.12', 'python3.10', 'python3.9', 'python3']


class Series:
    def __init__(self, name, server):
        self.name, self.server = name, server
        self.database = 'gh' + name.replace('.', '')
        self.folder = cache() / name
        self.folder.mkdir(parents=True, exist_ok=True)
        self.venv = self.folder / 'venv'
        self.log = self.folder / 'build.log'
        self.python = self.venv / 'bin' / 'python'
        self.requirements = SERIES[name]['requirements']
        # What fill.py fills; nothing: everything.
        self.departments = []

    def modules(self):
        without = SERIES[self.name]['without']
        return [name for name in MODULES if name not in without and (self.packages() / name).is_dir()]

    def packages(self):
        """Where Tryton looks for modules."""
        return next(self.venv.glob('lib/python3*/site-packages/trytond/modules'))

    def virtualenv(self):
        """The packages from PyPI; the mark is written when all are there."""
        mark = self.venv / 'complete'
        wanted = '\n'.join(self.requirements)
        if mark.exists() and mark.read_text() == wanted and self.works(self.python):
            return
        say('%s: installing %s' % (self.name, ', '.join(self.requirements)))
        shutil.rmtree(self.venv, ignore_errors=True)
        python = self.interpreter()
        try:
            run([python, '-m', 'venv', self.venv], self.log, 'making a virtual environment')
        except Failure:
            if not apt_install('python3-venv'):
                raise
            run([python, '-m', 'venv', self.venv], self.log, 'making a virtual environment')
        run([self.python, '-m', 'pip', 'install', '--disable-pip-version-check', '--no-input', '-q', *self.requirements],
            self.log, 'installing GNU Health %s from PyPI' % self.name)
        mark.write_text(wanted)

    def interpreter(self):
        given = os.environ.get('GNUHEALTH_FHIR_PYTHON')
        for name in [given] if given else PYTHONS:
            path = shutil.which(name)
            if path and self.works(path):
                return path
        raise Failure('No Python among %s; GNU Health %s wants 3.9 to 3.12.' % (given or ', '.join(PYTHONS), self.name))

    def works(self, python):
        try:
            run([python, '-c', 'import sys, venv; assert (3, 9) <= sys.version_info[:2]'])
            return True
        except Failure:
            return False

    # The databases: initialised by Tryton, then filled; each kept as a dump named after all that made it.

    def initialised_key(self):
        return digest(self.requirements, self.modules())

    def filled_key(self):
        sources = [HERE / 'fill.py', *sorted((HERE / 'hospital').glob('*.py'))]
        return digest([self.initialised_key(), *self.departments], [path.read_text() for path in sources])

    def ready(self):
        """Make the filled database stand on the server."""
        self.virtualenv()
        key = self.filled_key()
        if self.server.mark(self.database) == key:
            return
        dump = self.folder / ('filled-%s.dump' % key)
        if not dump.exists():
            self.fill(dump)
        start = time.monotonic()
        self.server.restore(dump, self.database)
        self.let_read(self.database)
        self.server.set_mark(self.database, key)
        say('%s: restored %s in %.0f s' % (self.name, self.database, time.monotonic() - start))

    def fill(self, dump):
        start, scratch = time.monotonic(), self.database + '_scratch'
        initialised = self.folder / ('initialised-%s.dump' % self.initialised_key())
        if initialised.exists():
            self.server.restore(initialised, scratch)
        else:
            self.initialise(scratch)
            self.forget('initialised-*.dump')
            self.server.dump(scratch, initialised)
        say('%s: filling the database' % self.name)
        self.python_file('fill.py', self.server.uri(scratch), *self.departments, what='filling GNU Health %s' % self.name)
        self.forget('filled-*.dump')
        self.server.dump(scratch, dump)
        self.server.sql('postgres', 'DROP DATABASE "%s" WITH (FORCE)' % scratch)
        say('%s: built in %.0f s' % (self.name, time.monotonic() - start))

    def initialise(self, database):
        self.server.empty(database)
        self.activate(database, ['ir', 'res'], '--email', 'admin@example.org', '-p')
        self.activate(database, self.modules(), '--activate-dependencies')

    def activate(self, database, modules, *options):
        say('%s: activating %d modules (minutes)' % (self.name, len(modules)))
        config, password = self.folder / 'trytond.conf', self.folder / 'password'
        config.write_text('[database]\nuri = %s\n[password]\nlength = 4\n' % self.server.uri(''))
        password.write_text('admin')
        admin = [self.venv / 'bin' / 'trytond-admin', '-c', config, '-d', database]
        environment = dict(os.environ, TRYTONPASSFILE=str(password))
        run([*admin, '-u', *modules, *options], self.log, 'activating modules of GNU Health %s' % self.name, env=environment)

    def python_file(self, file, *arguments, what):
        return run([self.python, '-W', 'ignore', HERE / file, *arguments], self.log, what,
                   env=dict(os.environ, PYTHONDONTWRITEBYTECODE='1', PYTHONHASHSEED='0'))

    def let_read(self, database):
        """A role that may read and do nothing else: what the gateway is meant to run with."""
        if not self.server.sql('postgres', "SELECT 1 FROM pg_roles WHERE rolname = 'fhir_reader'"):
            self.server.sql('postgres', 'CREATE ROLE fhir_reader LOGIN')
        self.server.sql(
            database, 'REVOKE CREATE ON SCHEMA public FROM PUBLIC', 'GRANT USAGE ON SCHEMA public TO fhir_reader',
            'GRANT SELECT ON ALL TABLES IN SCHEMA public TO fhir_reader')

    def forget(self, pattern):
        for path in self.folder.glob(pattern):
            path.unlink()

    def catalogue(self, path):
        self.virtualenv()
        text = run([self.python, '-W', 'ignore', HERE / 'catalogue.py', path], self.log, 'the catalogue of ' + self.name,
                   env=dict(os.environ, PYTHONDONTWRITEBYTECODE='1'))
        say(text.splitlines()[-1])


def digest(*parts):
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
