#!/usr/bin/env python3
"""Write a filled GNU Health database as the small SQL file the demo loads.

Usage: snapshot.py postgresql://postgres@127.0.0.1:PORT/DATABASE hospital.sql.zst

The file holds facts only: the schema, access rights, the synthetic hospital and those rows of the code catalogues it
refers to. No views, actions, translations, help texts or descriptions. Sections, each opened by a line `-- [name]`:

    [tables]       CREATE TABLE, CREATE SEQUENCE, identity columns; each statement ends with a line ending in `;`
    [data]         blocks of `COPY table (columns) FROM stdin;`, lines of text format, `\\.`
    [sequences]    SELECT setval(…);
    [constraints]  primary and unique keys, indexes, foreign keys

The same database gives the same bytes. Needs psql, pg_dump and zstd on the path; loads on PostgreSQL 15 and newer.
"""
import os
import re
import subprocess
import sys

ANCHOR = "timestamp '2026-01-01 09:00:00'"

# Emptied; what may be NULL there and points here becomes NULL.
EMPTY = re.compile(
    r'ir_(ui|action|translation|message|model_button|model_log|export|cache|session|trigger|queue|cron|error|email|avatar'
    r'|note|module_dependency|module_config|calendar|icon)'
    r'|res_user_(login_attempt|device|warning|application)|res_user-ir_action|cron_company_rel'
    r'|gnuhealth_(command|help|online_document|federation_queue|federation_object|pediatrics_growth_charts_who'
    r'|surgery_protocol|pathology_group|disease_group_members|ir)'
    r'|account_.*template|country_organization|country_region|party_address_(format|subdivision_type)|webdav|calendar_')
# Only the rows that kept rows refer to, and these.
PARTIAL = {
    'ir_action': 'false',
    'gnuhealth_pathology': "code ~ '^[ABEFIJKNORZ][0-9][0-9]$'",
    'gnuhealth_pathology_category': 'false',
    'gnuhealth_procedure': 'false',
    'gnuhealth_gene': 'false',
    'gnuhealth_occupation': 'false',
    'ir_model_data': 'false',
    'country_region': 'false',
}
# Words of others: labels, help, descriptions of catalogues.
BLANK = {
    'ir_model': ['name', 'info'],
    'ir_model_field': ['field_description', 'help'],
    'ir_model_access': ['description'],
    'ir_model_field_access': ['description'],
    'ir_module': ['description'],
    'ir_model_data': ['values', 'fs_values'],
    'gnuhealth_pathology': ['info'],
    'gnuhealth_lab_test_type': ['info'],
    'gnuhealth_medicament': ['adverse_reaction', 'composition', 'dosage', 'indications', 'notes', 'overdosage', 'pregnancy',
                             'presentation', 'storage'],
    'gnuhealth_drugs_recreational': ['info'],
    'gnuhealth_diet_therapeutic': ['description'],
    'gnuhealth_diet_belief': ['description'],
    'gnuhealth_vegetarian_types': ['desc'],
    'gnuhealth_gene': ['info'],
    'gnuhealth_ethnicity': ['notes'],
}
# Shipped demo users keep their groups and lose their passwords; our own are the ones to log in with.
REPLACE = {
    ('res_user', 'password_hash'): "CASE WHEN login LIKE 'demo\\_%' THEN NULL ELSE password_hash END",
    ('res_user', 'active'): "active AND login NOT LIKE 'demo\\_%'",
}


class Database:
    def __init__(self, uri):
        self.uri = uri

    def run(self, *command, stdin=''):
        done = subprocess.run([*command, '-d', self.uri], input=stdin.encode(), stdout=subprocess.PIPE,
                              env=dict(os.environ, PGCLIENTENCODING='UTF8', PGTZ='UTC', PGOPTIONS=''))
        if done.returncode:
            raise SystemExit('%s failed' % command[0])
        return done.stdout.decode()

    def rows(self, query):
        lines = self.run('psql', '-XqAt', '-F', '\x1f', '-v', 'ON_ERROR_STOP=1', stdin=query + ';').splitlines()
        return [line.split('\x1f') for line in lines]

    def ids(self, query):
        return {int(row[0]) for row in self.rows(query)}


class Selection:
    """Which rows of which table go out, closed under foreign keys."""

    def __init__(self, database):
        self.database = database
        self.columns = {}
        for table, column, nullable in database.rows(
                "SELECT table_name, column_name, is_nullable FROM information_schema.columns"
                " WHERE table_schema = 'public' ORDER BY table_name, ordinal_position"):
            self.columns.setdefault(table, {})[column] = nullable == 'YES'
        self.references = [tuple(row) for row in database.rows(
            "SELECT r.relname, a.attname, t.relname FROM pg_constraint c JOIN pg_class r ON r.oid = c.conrelid"
            " JOIN pg_class t ON t.oid = c.confrelid JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum = c.conkey[1]"
            " WHERE c.contype = 'f' AND c.connamespace = 'public'::regnamespace ORDER BY 1, 2, 3")]
        self.kept = {}
        for table in self.columns:
            if table in PARTIAL:
                self.kept[table] = database.ids('SELECT id FROM "%s" WHERE %s' % (table, PARTIAL[table]))
            elif EMPTY.match(table):
                self.kept[table] = set()
        self.close()
        self.data_ids()

    def nulled(self, table, column):
        """A link into an emptied table that can go."""
        return any(self.columns[table][column] for t, c, target in self.references
                   if (t, c) == (table, column) and EMPTY.match(target))

    def close(self):
        waiting = list(self.columns)
        while waiting:
            table = waiting.pop(0)
            for source, column, target in self.references:
                if source != table or target not in self.kept or self.nulled(table, column):
                    continue
                condition = self.condition(table)
                wanted = self.database.ids('SELECT DISTINCT "%s" FROM "%s" WHERE "%s" IS NOT NULL AND %s' % (
                    column, table, column, condition)) if condition != 'false' else set()
                if wanted - self.kept[target]:
                    self.kept[target] |= wanted
                    waiting.append(target)

    def condition(self, table):
        if table not in self.kept:
            return 'true'
        if not self.kept[table]:
            return 'false'
        return 'id IN (%s)' % ','.join(map(str, sorted(self.kept[table])))

    def data_ids(self):
        """The names modules gave their rows, for the codes that stay."""
        for model, table in (('gnuhealth.pathology', 'gnuhealth_pathology'), ('gnuhealth.procedure', 'gnuhealth_procedure')):
            self.kept['ir_model_data'] |= self.database.ids(
                "SELECT id FROM ir_model_data WHERE model = '%s' AND db_id IN (SELECT id FROM \"%s\" WHERE %s)" % (
                    model, table, self.condition(table)))

    def query(self, table):
        values = [self.value(table, column) for column in self.columns[table]]
        return 'SELECT %s FROM public."%s" WHERE %s ORDER BY id' % (', '.join(values), table, self.condition(table))

    def value(self, table, column):
        quoted = '"%s"' % column
        if (table, column) in REPLACE:
            return REPLACE[table, column]
        if column in BLANK.get(table, ()) or (table == 'ir_action' and column == 'name'):
            return 'NULL' if self.columns[table][column] else "''"
        if column in ('create_date', 'write_date'):
            # The hour of the build is nobody's fact.
            return "CASE WHEN %s IS NOT NULL THEN %s + id * interval '1 second' END" % (quoted, ANCHOR)
        if self.nulled(table, column):
            return 'NULL'
        return quoted


def schema(database, section):
    """The statements of a section of pg_dump, without its comments and settings."""
    dump = database.run('pg_dump', '--section=' + section, '--no-owner', '--no-privileges', '--no-comments',
                        '--no-publications', '--schema=public')
    statements, current = [], []
    for line in dump.splitlines():
        if not current and (not line.strip() or line.startswith(('--', '\\', 'SET ', 'SELECT '))):
            continue
        current.append(line)
        if line.endswith(';'):
            statements.append('\n'.join(current))
            current = []
    return [text for text in statements if not re.match(r'CREATE (SCHEMA|EXTENSION|FUNCTION|TRIGGER)', text)]


def data(database, selection):
    script = []
    for table in sorted(selection.columns):
        if selection.condition(table) == 'false':
            continue
        names = ', '.join('"%s"' % column for column in selection.columns[table])
        script.append("\\qecho 'COPY public.\"%s\" (%s) FROM stdin;'" % (table, names))
        script.append('COPY (%s) TO STDOUT;' % selection.query(table))
        script.append("\\qecho '\\\\.'")
    text = database.run('psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', stdin='\n'.join(script) + '\n')
    blocks = re.findall(r'^COPY public\..*? FROM stdin;\n(?:.*\n)*?\\\.\n', text, re.M)
    return [block for block in blocks if block.count('\n') > 2]


def sequences(database):
    return ["SELECT pg_catalog.setval('public.\"%s\"', %s, true);" % tuple(row) for row in database.rows(
        "SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL"
        ' ORDER BY sequencename COLLATE "C"')]


def main(uri, path):
    database = Database(uri)
    selection = Selection(database)
    parts = ['-- A synthetic hospital in GNU Health 5.0. Nobody in it exists. Generated: do not edit.',
             "-- [tables]", *schema(database, 'pre-data'),
             '-- [data]', ''.join(data(database, selection)).rstrip('\n'),
             '-- [sequences]', *sequences(database),
             '-- [constraints]', *schema(database, 'post-data')]
    text = '\n'.join(parts) + '\n'
    packed = subprocess.run(['zstd', '-19', '-q', '-c'], input=text.encode(), stdout=subprocess.PIPE, check=True).stdout
    with open(path, 'wb') as output:
        output.write(packed)
    print('%s: %d kB of SQL, %d kB compressed' % (path, len(text.encode()) // 1000, len(packed) // 1000), file=sys.stderr)


if __name__ == '__main__':
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    main(*sys.argv[1:])
