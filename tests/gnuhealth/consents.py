#!/usr/bin/env python3
"""Fill the example module `hospital_consent` in a filled GNU Health 5.0.

Usage: VENV/bin/python consents.py postgresql://postgres@127.0.0.1:PORT/DATABASE
"""
import datetime
import sys
from urllib.parse import urlsplit

from trytond.config import config

STATES = ['signed', 'signed', 'draft', 'withdrawn', 'refused']
KINDS = ['treatment', 'research', 'release']


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
    with Transaction().start(database, 1) as transaction:
        patients = pool.get('gnuhealth.patient').search([], order=[('id', 'ASC')], limit=40)
        professionals = pool.get('gnuhealth.healthprofessional').search([], order=[('id', 'ASC')])
        institution, = pool.get('gnuhealth.institution').search([], order=[('id', 'ASC')], limit=1)
        pool.get('hospital.consent').create([consent(number, patient, professionals, institution)
                                             for number, patient in enumerate(patients)])
        transaction.commit()


def consent(number, patient, professionals, institution):
    state = STATES[number % len(STATES)]
    signed = datetime.datetime(2025, 1 + number % 12, 1 + number % 28, 10, 30)
    return {
        'patient': patient.id, 'kind': KINDS[number % 3], 'state': state, 'number': 'C%04d' % number,
        'signed': None if state == 'draft' else signed,
        'valid_until': datetime.date(2030, 12, 31) if number % 4 else None,
        'witness': professionals[number % len(professionals)].id if number % 2 else None,
        'institution': institution.id if number % 7 else None,
        'provisions': [('create', [
            {'sequence': part, 'allowed': bool(part % 2), 'text': 'Provision %d' % part} for part in range(number % 3)])],
    }


if __name__ == '__main__':
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(sys.argv[1])
