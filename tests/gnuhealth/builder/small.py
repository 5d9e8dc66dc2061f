"""GNU Health 5.0 with the module `health` alone, and the same with a module of the hospital's own."""
import shutil

from . import CHECKOUT, HERE, cache
from .series import Series, digest

# What the module `health` can hold.
DEPARTMENTS = ['company', 'places', 'users', 'professionals', 'people', 'names', 'contacts', 'identifiers', 'conditions', 'evaluations',
               'appointments']
MODULE = CHECKOUT / 'examples' / 'custom-module' / 'hospital_consent'


class Small(Series):
    def __init__(self, server):
        super().__init__('5.0', server)
        self.name = '5.0 with health alone'
        self.database = 'gh50small'
        self.folder = cache() / '5.0-small'
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log = self.folder / 'build.log'
        self.departments = DEPARTMENTS

    def modules(self):
        return ['health']


class Custom(Series):
    """The small one and a module that GNU Health does not have."""

    def __init__(self, small):
        super().__init__('5.0', small.server)
        self.small = small
        self.name = '5.0 with a module of the hospital'
        self.database = 'gh50custom'
        self.folder = cache() / '5.0-custom'
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log = self.folder / 'build.log'

    def filled_key(self):
        sources = [HERE / 'consents.py', *sorted(MODULE.glob('*.*'))]
        return digest([self.small.filled_key()], [path.read_text() for path in sources])

    def fill(self, dump):
        scratch = self.database + '_scratch'
        self.server.sql('postgres', 'DROP DATABASE IF EXISTS "%s" WITH (FORCE)' % scratch,
                        'CREATE DATABASE "%s" TEMPLATE "%s"' % (scratch, self.small.database))
        module = self.packages() / MODULE.name
        shutil.copytree(MODULE, module, dirs_exist_ok=True)
        try:
            self.activate(scratch, [MODULE.name])
            self.python_file('consents.py', self.server.uri(scratch), what='filling ' + MODULE.name)
        finally:
            # The catalogues are made of all modules that lie there.
            shutil.rmtree(module)
        self.forget('filled-*.dump')
        self.server.dump(scratch, dump)
        self.server.sql('postgres', 'DROP DATABASE "%s" WITH (FORCE)' % scratch)
