"""Building blocks of the command `build`."""
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent.parent
CHECKOUT = HERE.parent.parent


class Failure(Exception):
    """Something the reader of the message can do something about."""


def say(text):
    print(text, file=sys.stderr, flush=True)


def cache():
    given = os.environ.get('GNUHEALTH_FHIR_CACHE')
    if given:
        return pathlib.Path(given).absolute()
    return pathlib.Path(os.environ.get('XDG_CACHE_HOME') or pathlib.Path.home() / '.cache').absolute() / 'gnuhealth-fhir'


def run(command, log=None, what=None, **options):
    """Run a command without terminal; on failure say what it was for and how its output ends."""
    command = [str(part) for part in command]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)
    except OSError as error:
        raise Failure('%s: cannot run %s: %s' % (what or command[0], command[0], error.strerror))
    output = done.stdout.decode(errors='replace')
    if log:
        with open(log, 'a') as file:
            file.write('$ %s\n%s\n' % (' '.join(command), output))
    if done.returncode:
        tail = '\n'.join(output.splitlines()[-15:])
        raise Failure('%s failed (%s ended with %d)%s:\n%s' % (
            what or command[0], command[0], done.returncode, ', see %s' % log if log else '', tail))
    return output


def apt_install(*packages):
    """Whether packages could be installed: only as root where there is apt."""
    import shutil
    if os.geteuid() != 0 or not shutil.which('apt-get'):
        return False
    environment = dict(os.environ, DEBIAN_FRONTEND='noninteractive')
    say('installing %s with apt-get' % ' '.join(packages))
    try:
        run(['apt-get', 'update', '-q'], env=environment, what='apt-get update')
    except Failure as failure:
        say(str(failure))
    run(['apt-get', 'install', '-q', '-y', '--no-install-recommends', *packages], env=environment, what='apt-get install')
    return True
