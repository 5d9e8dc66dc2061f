"""The grown database: restored, copied from itself, counted."""
import json
import time

from builder import HERE, Failure, run, say
from builder.series import digest

from . import PATIENTS_OF_ONE, REPEATED, TEMPLATES, names
from .insertion import Table, statement

FOLDER = HERE / 'growth'
# Foreign keys are checked for all rows afterwards; for each row they cost more than the row.
SESSION = ("SET session_replication_role = replica; SET work_mem = '256MB'; SET max_parallel_workers_per_gather = 0;"
           " SET jit = off; SET timezone = 'UTC'")


class Hospital:
    def __init__(self, series, database):
        self.series, self.server, self.database = series, series.server, database

    def ready(self, patients):
        """Make the grown database stand; without a number any will do."""
        mark = self.server.mark(self.database)
        if patients is None and mark.startswith(self.key()):
            return
        patients = TEMPLATES * -(-(patients or 1000) // TEMPLATES)
        if mark == '%s %d' % (self.key(), patients):
            return
        start = time.monotonic()
        self.restore()
        self.grow(patients // TEMPLATES - 1)
        self.server.set_mark(self.database, '%s %d' % (self.key(), patients))
        self.report(time.monotonic() - start)

    def key(self):
        sources = [path.read_text() for path in sorted([*FOLDER.glob('*.py'), *FOLDER.glob('*.sql')])
                   if path.name not in ('check.py', 'orm.py', 'gateway.py', 'shape.py', 'elsewhere.py')]
        return digest(self.series.filled_key(), sources)

    def restore(self):
        dump = self.series.folder / ('filled-%s.dump' % self.series.filled_key())
        if not dump.exists():
            raise Failure('There is no filled hospital to copy; run tests/gnuhealth/build 5.0 first.')
        self.server.restore(dump, self.database)
        self.series.let_read(self.database)

    def grow(self, copies):
        self.script('graph.sql')
        self.sql(*names.statements())
        self.sql('UPDATE grow.tbl t SET repeat = r.repeat FROM (VALUES %s) AS r (name, repeat) WHERE r.name = t.name' % ', '.join(
            "('%s', %s)" % pair for pair in REPEATED.items()))
        staff = -(-copies // PATIENTS_OF_ONE)
        self.script('persons.sql', copies=copies, staff=staff, templates=TEMPLATES)
        tables = self.tables()
        for table in sorted(tables.values(), key=lambda table: table.name):
            start = time.monotonic()
            self.sql(statement(table, tables, copies, staff))
            if time.monotonic() - start > 5:
                say('%-40s %5.0f s' % (table.name, time.monotonic() - start))
        self.script('sequences.sql', copies=copies)
        start = time.monotonic()
        broken = self.broken_keys()
        if broken:
            raise Failure('Foreign keys are broken: %s' % ', '.join(broken))
        say('%-40s %5.0f s' % ('all foreign keys hold', time.monotonic() - start))
        self.sql('DROP SCHEMA grow CASCADE', 'VACUUM ANALYZE')

    def tables(self):
        found = json.loads(self.server.sql(self.database, (FOLDER / 'tables.sql').read_text()))
        tables = {}
        for row in found:
            table = tables[row['name']] = Table(row['name'], row['size'], row['base'], row['repeat'], row['levels'])
            table.columns = [(column['name'], column['kind']) for column in row['columns']]
            table.links = row['links']
            table.references = set(row['references'])
        return tables

    def broken_keys(self):
        """Every foreign key that a row breaks."""
        keys = json.loads(self.server.sql(self.database, (FOLDER / 'keys.sql').read_text()))
        parts = ["SELECT '%(name)s' AS key WHERE EXISTS (SELECT FROM %(child)s c LEFT JOIN %(parent)s p ON p.%(target)s = c.%(field)s"
                 ' WHERE c.%(field)s IS NOT NULL AND p.%(target)s IS NULL)' % key for key in keys]
        broken = []
        for first in range(0, len(parts), 50):
            broken += self.sql(*parts[first:first + 50]).splitlines()
        return broken

    def sql(self, *statements):
        return self.server.sql(self.database, SESSION, *statements)

    def script(self, name, **variables):
        command = [self.server.bin / 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-d', self.server.uri(self.database)]
        for variable, value in variables.items():
            command += ['-v', '%s=%s' % (variable, value)]
        run(command + ['-c', SESSION, '-f', FOLDER / name], self.series.log, 'the script ' + name)

    def report(self, seconds):
        rows = self.server.sql(self.database, '''
            SELECT format('%-44s %12s %10s', c.relname, c.reltuples::bigint, pg_size_pretty(pg_total_relation_size(c.oid)))
            FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
            ORDER BY pg_total_relation_size(c.oid) DESC LIMIT 25''')
        size = self.server.sql(self.database, 'SELECT pg_size_pretty(pg_database_size(current_database()))')
        patients = self.server.sql(self.database, 'SELECT count(*) FROM gnuhealth_patient')
        say('%s\n%s: %s patients, %s, grown in %.1f minutes' % (rows, self.database, patients, size, seconds / 60))
