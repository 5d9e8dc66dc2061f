#!/usr/bin/env python3
"""What trytond itself makes of a grown database: read, searched, validated and continued.

Usage: VENV/bin/python orm.py postgresql://postgres@127.0.0.1:PORT/DATABASE

Nothing is kept: every transaction is rolled back. The last line is `N findings`.
"""
import collections
import datetime
import random
import re
import sys
from urllib.parse import urlsplit

from trytond.config import config

# Copies were entered before this day, what fill.py made after it.
GROWN = "create_date < timestamp '2026-01-03'"
SAMPLE = 8


def main(uri):
    parts = urlsplit(uri)
    database = parts.path.lstrip('/')
    config.set('database', 'uri', '%s://%s/' % (parts.scheme, parts.netloc))
    from trytond.pool import Pool
    from trytond.transaction import Transaction
    Pool.start()
    pool = Pool(database)
    with Transaction().start(database, 0, readonly=True):
        pool.init()
    random.seed(20260101)
    findings = []
    context = {'language': 'en', 'company': 1, 'active_test': False}
    with Transaction().start(database, 1, readonly=True, context=context) as transaction:
        records = readable(pool, transaction, findings)
    with Transaction().start(database, 0, readonly=True, context={'active_test': False}):
        users = {user.login: user.id for user in pool.get('res.user').search([])}
    for login in ('doctor', 'nurse', 'frontdesk', 'lab', 'nogroup'):
        rights(pool, Transaction, database, login, users[login], findings)
    with Transaction().start(database, 1, context={'language': 'en', 'company': 1}) as transaction:
        continued(pool, findings)
        transaction.rollback()
    for finding in findings:
        print(finding)
    print('trytond: %d records of %d models read, searched and validated' % records)
    print('%d findings' % len(findings))


def ids(cursor, table, condition):
    """Some rows of all over the table."""
    cursor.execute('SELECT min(id), max(id) FROM "%s" WHERE %s' % (table, condition))
    low, high = cursor.fetchone()
    found = set()
    for _ in range(SAMPLE if low is not None else 0):
        cursor.execute('SELECT id FROM "%s" WHERE %s AND id >= %%s ORDER BY id LIMIT 1' % (table, condition), (random.randint(low, high),))
        found.update(row[0] for row in cursor.fetchall())
    return sorted(found)


def readable(pool, transaction, findings):
    """Of each model some copies: all fields, the name of the record, a search by it, and what Tryton demands of a record."""
    cursor = transaction.connection.cursor()
    read = models = 0
    for name, Model in sorted(pool.iterobject(type='model')):
        if not hasattr(Model, '__table__') or getattr(Model, 'table_query', None) is not None or name.startswith('res.'):
            continue
        table = Model._table
        cursor.execute("SELECT 1 FROM information_schema.columns WHERE table_name = %s AND column_name = 'create_date'", (table,))
        if not cursor.fetchone():
            continue
        grown = ids(cursor, table, GROWN)
        if not grown:
            continue
        models += 1
        read += len(grown)
        stored = [field for field, definition in Model._fields.items() if not hasattr(definition, 'getter') or not definition.getter]
        try:
            rows = Model.read(grown, [*stored, 'rec_name'])
            if len(rows) != len(grown):
                findings.append('%s: not all read' % name)
            found = Model.search([('id', 'in', grown)])
            if sorted(record.id for record in found) != grown:
                findings.append('%s: not all found' % name)
        except Exception as error:
            findings.append('%s: %s' % (name, brief(error)))
            continue
        # fill.py writes rows that forms refuse; their copies are refused for the same reason.
        cursor.execute('SELECT id FROM "%s" WHERE NOT coalesce(%s, false) ORDER BY id' % (table, GROWN))
        refused = complaints(Model, grown)
        if refused:
            known = complaints(Model, [row[0] for row in cursor.fetchall()])
            findings += ['%s: %s' % (name, complaint) for complaint in refused - known]
    return read, models


def complaints(Model, records):
    found = set()
    for record in records:
        try:
            Model._validate(Model.browse([record]))
        except Exception as error:
            found.add(brief(error))
    return found


def brief(error):
    """The kind of complaint and the field, without the record that it is about and the value."""
    text = ' '.join(str(part) for part in error.args) or str(error)
    text = re.sub(r'\d+', '…', re.sub(r'(?<!field )"[^"]*"', '…', text))
    return '%s %s' % (type(error).__name__, ' '.join(text.split())[:300])


def rights(pool, transaction, database, login, user, findings):
    """What a user may read of a copy is what the user may read of a record by fill.py."""
    entered = datetime.datetime(2026, 1, 3)
    with transaction().start(database, user, readonly=True):
        preferences = pool.get('res.user').get_preferences(context_only=True)
    for model in ('gnuhealth.patient', 'gnuhealth.patient.evaluation', 'gnuhealth.patient.disease', 'gnuhealth.lab',
                  'gnuhealth.appointment', 'gnuhealth.patient.medication'):
        with transaction().start(database, user, readonly=True, context=dict(preferences, _check_access=True)):
            Model = pool.get(model)
            outcomes = []
            for operator in ('<', '>='):
                try:
                    last = Model.search([('create_date', operator, entered)], limit=20, order=[('id', 'DESC')])
                    outcomes.append(len(Model.read([record.id for record in last], ['rec_name', 'create_date'])))
                except Exception as error:
                    outcomes.append(type(error).__name__)
            if outcomes[0] != outcomes[1]:
                findings.append('%s as %s: %s of the copies, %s of the others' % (model, login, *outcomes))


def continued(pool, findings):
    """The hospital goes on: every numbered record can be created, and its number is new."""
    moment = datetime.datetime(2026, 3, 2, 14, 0)
    numbers = collections.OrderedDict()
    try:
        get = pool.get
        institution = get('gnuhealth.institution').search([], limit=1)[0].id
        doctor = get('gnuhealth.healthprofessional').search([], limit=1)[0].id
        party, = get('party.party').create([{
            'name': 'Newcomer', 'lastname': 'After', 'is_person': True, 'is_patient': True, 'gender': 'f', 'fed_country': 'ARG',
            'dob': datetime.date(1990, 1, 1)}])
        patient, = get('gnuhealth.patient').create([{'party': party.id}])
        numbers['gnuhealth.appointment'] = ('name', {
            'patient': patient.id, 'appointment_date': moment, 'state': 'confirmed', 'institution': institution, 'healthprof': doctor})
        numbers['gnuhealth.patient.evaluation'] = ('code', {
            'patient': patient.id, 'evaluation_start': moment, 'healthprof': doctor, 'institution': institution})
        numbers['gnuhealth.prescription.order'] = ('prescription_id', {
            'patient': patient.id, 'healthprof': doctor, 'prescription_date': moment, 'prescription_warning_ack': True})
        test = get('gnuhealth.lab.test_type').search([], limit=1)[0].id
        numbers['gnuhealth.patient.lab.test'] = ('request', {
            'patient_id': patient.id, 'test_type': test, 'date': moment, 'doctor_id': doctor, 'source_type': 'patient'})
        numbers['gnuhealth.lab'] = ('name', {'patient': patient.id, 'test': test, 'date_requested': moment, 'source_type': 'patient'})
        pathology = get('gnuhealth.pathology').search([], limit=1)[0].id
        numbers['gnuhealth.patient.disease'] = ('rec_name', {'patient': patient.id, 'pathology': pathology, 'institution': institution})
    except Exception as error:
        findings.append('a new patient: %s' % brief(error))
        return
    for model, (number, values) in numbers.items():
        try:
            record, = get(model).create([values])
            if number != 'rec_name' and get(model).search([(number, '=', getattr(record, number))], count=True) != 1:
                findings.append('%s: the new number is not new' % model)
        except Exception as error:
            findings.append('%s: a new one: %s' % (model, brief(error)))
            break


if __name__ == '__main__':
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(sys.argv[1])
