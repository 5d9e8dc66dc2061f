#!/usr/bin/env python3
"""Fill a freshly initialised GNU Health database with a synthetic hospital.

Usage: VENV/bin/python fill.py postgresql://postgres@127.0.0.1:PORT/DATABASE [DEPARTMENT…]

Runs on GNU Health 5.0 and 4.4 through trytond's own ORM, so that the rows are those the real system writes.
Everything but create_date and write_date is the same on every run.
"""
import importlib
import sys
import time
from urllib.parse import urlsplit

from trytond.config import config

# In this order: each department finds what the earlier ones left in the world.
DEPARTMENTS = [
    'company', 'places', 'users', 'professionals', 'people', 'names', 'contacts', 'identifiers', 'conditions', 'evaluations',
    'laboratory', 'medication', 'appointments', 'imaging', 'inpatient', 'nursing', 'surgery', 'maternity', 'specialties', 'social',
    'billing', 'special', 'administration', 'clinical', 'observations', 'documents', 'pharmacy',
]


class Anything:
    """Tryton 7 wants a table locked before the transaction starts. Nobody else is here: every table counts as locked."""

    def __contains__(self, _table):
        return True


def main(uri, departments):
    parts = urlsplit(uri)
    database = parts.path.lstrip('/')
    config.set('database', 'uri', '%s://%s/' % (parts.scheme, parts.netloc))
    config.set('password', 'length', '4')
    config.set('password', 'entropy', '0')
    # Contents of attachments stay in the database: its copies have no file store beside them.
    config.add_section('attachment') if not config.has_section('attachment') else None
    config.set('attachment', 'filestore', 'False')

    from trytond.pool import Pool
    from trytond.transaction import Transaction
    from hospital.world import ANCHOR, World, make_deterministic

    Pool.start()
    pool = Pool(database)
    with Transaction().start(database, 0, readonly=True):
        pool.init()
    make_deterministic()
    with Transaction().start(database, 1, context={'language': 'en'}) as transaction:
        transaction._locked_tables = Anything()
        world = World(pool, transaction)
        if world.search('party.party', limit=1):
            raise SystemExit('%s already holds parties; fill a freshly initialised database' % database)
        for name in departments or DEPARTMENTS:
            start = time.monotonic()
            department = importlib.import_module('hospital.' + name)
            # Tryton puts the year of this date into the numbers it draws.
            with transaction.set_context(date=ANCHOR.date(), **getattr(world, 'context', {})):
                department.fill(world)
            print('%-14s %5.1f s' % (name, time.monotonic() - start), file=sys.stderr)
        transaction.commit()
    if world.absent:
        print('not in this series or not activated: ' + ', '.join(sorted(world.absent)), file=sys.stderr)
    from hospital.users import USERS
    for login, password, _ in USERS:
        print('%-20s %s' % (login, password))


if __name__ == '__main__':
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    main(sys.argv[1], sys.argv[2:])
