#!/usr/bin/env python3
"""Sign in to a database as the real trytond does it.

Usage: VENV/bin/python sign_in.py postgresql://postgres@127.0.0.1:PORT/DATABASE

Each line of standard input is one try as JSON, answered by one line: the id of the user, null for a no, "limited" when there
were too many failures, "crash" when trytond fails.

  {"login": …, "password": …, "cookie": …, "address": …}
  {"user": …, "session": …}
  {"application": …, "key": …}

{"settings": {name: value}} changes [session] of the configuration. Nobody is kept waiting after failures.
"""
import json
import sys
import time
from urllib.parse import urlsplit

from trytond.config import config


def main(uri):
    parts = urlsplit(uri)
    database = parts.path.lstrip('/')
    config.set('database', 'uri', '%s://%s/' % (parts.scheme, parts.netloc))
    from trytond import security
    from trytond.exceptions import RateLimitException
    from trytond.pool import Pool
    from trytond.transaction import Transaction
    time.sleep = lambda seconds: None
    Pool.start()
    pool = Pool(database)
    with Transaction().start(database, 0, readonly=True):
        pool.init()

    def login(ask):
        # Tryton 6.0 remembers users for minutes; the test changes them meanwhile.
        cache = getattr(pool.get('res.user'), '_get_login_cache', None)
        if cache is not None:
            with Transaction().start(database, 0):
                cache.clear()
        parameters = {'password': ask['password'], 'device_cookie': ask.get('cookie')}
        context = {'_request': {'remote_addr': ask.get('address')}}
        return security.login(database, ask['login'], parameters, cache=False, context=context)

    def key(ask):
        with Transaction().start(database, 0, readonly=True):
            found = pool.get('res.user.application').check(ask['key'], ask['application'])
            return found.user.id if found and found.user else None

    def answer(ask):
        if 'settings' in ask:
            for name, value in ask['settings'].items():
                config.set('session', name, str(value))
            return None
        try:
            if 'session' in ask:
                return security.check(database, ask['user'], ask['session'])
            return key(ask) if 'key' in ask else login(ask) or None
        except RateLimitException:
            return 'limited'
        except Exception as error:
            print(repr(error), file=sys.stderr)
            return 'crash'

    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)


if __name__ == '__main__':
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(sys.argv[1])
