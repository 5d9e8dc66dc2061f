"""Whether a grown database is sound: for PostgreSQL, for trytond, for the gateway."""
import json
import time

from builder import Failure, run, say

from . import shape
from .gateway import COUNTS, Gateway


def check(hospital, program):
    findings = [*keys(hospital), *definitions(hospital), *sequences(hospital), *by_trytond(hospital)]
    if program:
        findings += by_gateway(hospital, program)
    for finding in findings:
        say(finding)
    if findings:
        raise Failure('%d findings' % len(findings))
    say('%s is sound' % hospital.database)


def keys(hospital):
    broken = hospital.broken_keys()
    say('foreign keys: %d broken' % len(broken))
    return ['foreign key %s is broken' % key for key in broken]


def definitions(hospital):
    """Tables, constraints, indexes, triggers: those of the dump, all valid."""
    server, series = hospital.server, hospital.series
    dump = series.folder / ('filled-%s.dump' % series.filled_key())
    listed = run([server.bin / 'pg_restore', '-l', dump], what='reading the dump').splitlines()
    kinds = 'TABLE', 'CONSTRAINT', 'FK CONSTRAINT', 'INDEX', 'TRIGGER'
    wanted = {kind: sum(' %s public ' % kind in line for line in listed) for kind in kinds}
    wanted['CONSTRAINT'] -= wanted['FK CONSTRAINT']
    found = json.loads(server.sql(hospital.database, """
        SELECT json_build_object(
          'TABLE', (SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace),
          'CONSTRAINT', (SELECT count(*) FROM pg_constraint WHERE contype IN ('p', 'u', 'x') AND connamespace = 'public'::regnamespace),
          'FK CONSTRAINT', (SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND convalidated),
          'INDEX', (SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
                    WHERE c.relnamespace = 'public'::regnamespace AND i.indisvalid
                    AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))),
          'TRIGGER', (SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal))"""))
    say('definitions: %s' % ', '.join('%d %s' % (count, kind.lower()) for kind, count in found.items()))
    differing = ['%s: %d instead of %d' % (kind, found[kind], count) for kind, count in wanted.items() if found[kind] != count]
    if server.sql(hospital.database, "SELECT count(*) FROM pg_namespace WHERE nspname = 'grow'") != '0':
        differing.append('the scratch schema is still there')
    return differing


def sequences(hospital):
    tables = hospital.server.sql(hospital.database, """
        SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'id'
        WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
          AND pg_get_serial_sequence(quote_ident(c.relname), 'id') IS NOT NULL
        """).splitlines()
    behind = hospital.server.sql(hospital.database, ' UNION ALL '.join(
        "(SELECT '%s' FROM (SELECT max(id) AS last FROM \"%s\") t WHERE last >"
        " coalesce(pg_sequence_last_value(pg_get_serial_sequence('\"%s\"', 'id')), 0))" % (table, table, table)
        for table in tables)).splitlines()
    say('sequences: %d, %d behind' % (len(tables), len(behind)))
    return ['the sequence of %s is behind' % table for table in behind]


def by_trytond(hospital):
    output = hospital.series.python_file('growth/orm.py', hospital.server.uri(hospital.database), what='asking trytond').splitlines()
    at = next(number for number, line in enumerate(output) if line.startswith('trytond: '))
    say(output[at])
    count = int(output[at + 1].split()[0])
    return output[at - count:at]


def by_gateway(hospital, program):
    """The gateway counts what SQL counts, and a copy has the elements of what it was copied from."""
    findings = []
    with Gateway(program, hospital.server.uri(hospital.database, 'fhir_reader')) as gateway:
        for query, sql in COUNTS.items():
            start = time.monotonic()
            answered = gateway.get('%s%s_summary=count' % (query, '&' if '?' in query else '?')).get('total')
            wanted = int(hospital.server.sql(hospital.database, sql))
            say('gateway: %-40s %9s, SQL %9s, %5.1f s' % (query, answered, wanted, time.monotonic() - start))
            if answered != wanted:
                findings.append('%s: the gateway counts %s, SQL %s' % (query, answered, wanted))
        findings += shapes(hospital, gateway)
    return findings


def shapes(hospital, gateway):
    """The elements of a sample of copies, compared with those that the gateway writes for records of trytond."""
    findings, compared = [], 0
    for kind, (table, prefix, resource_when) in shape.SOURCES.items():
        def sample(condition, limit):
            return hospital.server.sql(
                hospital.database, 'SELECT id FROM "%s" WHERE %s AND %s ORDER BY hashint8extended(id, 7) LIMIT %d' % (
                    table, resource_when, condition, limit)).split()

        known = set()
        for record in sample("NOT coalesce(create_date < timestamp '2026-01-03', false)", 600):
            known |= shape.paths(gateway.get('%s/%s%s' % (kind, prefix, record), missing=True))
        for record in sample("create_date < timestamp '2026-01-03'", 40):
            resource = gateway.get('%s/%s%s' % (kind, prefix, record), missing=True)
            if not resource or resource['resourceType'] != kind:
                findings.append('%s/%s%s cannot be read' % (kind, prefix, record))
                continue
            compared += 1
            strange = shape.paths(resource) - known
            if strange:
                findings.append('%s/%s%s has %s, which none by trytond has' % (
                    kind, prefix, record, ', '.join(sorted(strange))))
    say('gateway: %d copies have the elements of their models' % compared)
    return findings
