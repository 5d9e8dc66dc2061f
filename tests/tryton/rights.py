#!/usr/bin/env python3
"""Print what users of a GNU Health database may read, as the real trytond decides it.

Usage: VENV/bin/python rights.py postgresql://postgres@127.0.0.1:PORT/DATABASE < question

The question is one line of JSON: {"users": [login, …], "models": [name, …]}. One line per user comes back:
{"groups": [id, …], "models": {name: {"read": true, "hidden": [field, …], "count": 2, "ids": [id, …]}}}, without the ids
where there are many. The database must not change meanwhile: the caches of trytond are kept.
"""
import json
import sys
from urllib.parse import urlsplit

from trytond.config import config

MOST = 2000


def describe(pool, name):
    read = bool(pool.get('ir.model.access').get_access([name])[name]['read'])
    fields = pool.get('ir.model.field.access').get_access([name])[name]
    described = {'read': read, 'hidden': sorted(field for field in fields if not fields[field].get('read', True))}
    Model = pool.get(name)
    try:
        if not callable(Model.table_query):
            described['count'] = Model.search([], count=True)
            if described['count'] <= MOST:
                described['ids'] = sorted(record.id for record in Model.search([]))
    except Exception as error:
        described['error'] = type(error).__name__
    return described


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
    question = json.loads(sys.stdin.readline())
    for login in question['users']:
        with Transaction().start(database, 0, readonly=True):
            user, = pool.get('res.user').search([('login', '=', login)])
        with Transaction().start(database, user.id, readonly=True) as transaction:
            preferences = pool.get('res.user').get_preferences(context_only=True)
            with transaction.set_context(preferences, _check_access=True):
                answer = {
                    'groups': sorted(set(pool.get('res.user').get_groups())),
                    'models': {name: describe(pool, name) for name in question['models']}}
        print(json.dumps(answer), flush=True)


if __name__ == '__main__':
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(sys.argv[1])
