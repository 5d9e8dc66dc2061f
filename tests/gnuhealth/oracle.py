#!/usr/bin/env python3
"""Ask the real trytond what a user may see: JSON lines in, JSON lines out.

Usage: VENV/bin/python oracle.py postgresql://postgres@127.0.0.1:PORT/DATABASE < questions

    {"user": "doctor", "op": "search", "model": "gnuhealth.patient", "domain": [["active", "=", true]],
     "order": [["id", "ASC"]], "offset": 0, "limit": 10}
    {"user": "doctor", "op": "count", "model": …, "domain": …}
    {"user": "doctor", "op": "read", "model": …, "ids": [1, 2], "fields": ["id", "rec_name"]}
    {"user": "doctor", "op": "read_each", …}          every id alone: a list of records and errors
    {"user": "doctor", "op": "search_read", …}
    {"user": "doctor", "op": "access", "model": …}        [read, write, create, delete]
    {"user": "doctor", "op": "field_access", "model": …}  {field: [read, write, create, delete]}
    {"user": "doctor", "op": "rule", "model": …}          the domain of the record rules
    {"user": "doctor", "op": "groups"}                    ids of the groups
    {"user": "doctor", "op": "preferences"}               the context of the user
    {"op": "login", "login": …, "password": …}            id of the user or null
    more keys: "context": {…} over the preferences; "id": anything, comes back

Answers: {"result": …} or {"error": class of the exception, "message": text, "crash": an error of Python itself}. Each question has its own read-only
transaction and empty caches, so tests may change rows in between. Values are encoded as in Tryton's JSON-RPC.
"""
import json
import sys
from urllib.parse import urlsplit

from trytond.config import config

MODES = ('read', 'write', 'create', 'delete')


class Oracle:
    def __init__(self, uri):
        parts = urlsplit(uri)
        self.database = parts.path.lstrip('/')
        config.set('database', 'uri', '%s://%s/' % (parts.scheme, parts.netloc))
        from trytond.pool import Pool
        from trytond.transaction import Transaction
        self.transaction = Transaction
        Pool.start()
        self.pool = Pool(self.database)
        with Transaction().start(self.database, 0, readonly=True):
            self.pool.init()
        self.verify_only()

    def verify_only(self):
        """A login must not rewrite an old hash: trytond would commit that on its own."""
        User = self.pool.get('res.user')
        check = User.check_password

        def check_password(password, hash_):
            answer = check(password, hash_)
            return (answer[0], None) if answer else (False, None)

        User.check_password = check_password

    def forget(self):
        from trytond.cache import Cache
        for instance in Cache._instances.values() if isinstance(Cache._instances, dict) else Cache._instances:
            for name in ('_timestamp', '_database_cache', '_transaction_lower'):
                getattr(instance, name, {}).pop(self.database, None)

    def answer(self, question):
        self.forget()
        if question['op'] == 'login':
            with self.transaction().start(self.database, 0, readonly=True):
                return self.pool.get('res.user')._login_password(
                    question['login'], {'password': question['password']})
        with self.transaction().start(self.database, 0, readonly=True, context={'active_test': False}):
            users = self.pool.get('res.user').search([('login', '=', question['user'])])
            if not users:
                raise LookupError('no user %s' % question['user'])
            user = users[0].id
        with self.transaction().start(self.database, user, readonly=True) as transaction:
            preferences = self.pool.get('res.user').get_preferences(context_only=True)
            with transaction.set_context(preferences, _check_access=True, **question.get('context', {})):
                return self.ask(question, preferences)

    def ask(self, question, preferences):
        operation = question['op']
        if operation == 'groups':
            return sorted(self.pool.get('res.user').get_groups())
        if operation == 'preferences':
            return preferences
        name = question['model']
        Model = self.pool.get(name)
        if operation == 'access':
            access = self.pool.get('ir.model.access').get_access([name])[name]
            return [bool(access[mode]) for mode in MODES]
        if operation == 'field_access':
            access = self.pool.get('ir.model.field.access').get_access([name])[name]
            return {field: [access[field].get(mode, True) for mode in MODES] for field in sorted(access)}
        if operation == 'rule':
            return self.pool.get('ir.rule').domain_get(name)
        if operation == 'read':
            return Model.read(question['ids'], question['fields'])
        if operation == 'read_each':
            return [self.alone(Model, id_, question['fields']) for id_ in question['ids']]
        from trytond.protocols.jsonrpc import JSONDecoder
        domain = json.loads(json.dumps(question.get('domain', [])), object_hook=JSONDecoder())
        options = {key: question[key] for key in ('offset', 'limit', 'order') if question.get(key) is not None}
        if operation == 'count':
            return Model.search(domain, count=True)
        if operation == 'search':
            return [record.id for record in Model.search(domain, **options)]
        if operation == 'search_read':
            return Model.search_read(domain, fields_names=question['fields'], **options)
        raise LookupError('no operation %s' % operation)

    def alone(self, Model, id_, fields):
        try:
            return Model.read([id_], fields)[0]
        except Exception as error:
            return failure(error)


def failure(error):
    return {
        'error': type(error).__name__,
        'message': ' '.join(str(part) for part in error.args if part),
        # Not raised by Tryton or the database but by Python: the code met what it was not written for.
        'crash': type(error).__module__ == 'builtins',
    }


def main(uri):
    # The first import of trytond chooses the backend by the configuration, so the oracle goes first.
    oracle = Oracle(uri)
    from trytond.protocols.jsonrpc import JSONEncoder
    for line in sys.stdin:
        if not line.strip():
            continue
        question = json.loads(line)
        try:
            answer = {'result': oracle.answer(question)}
        except Exception as error:
            answer = failure(error)
        if 'id' in question:
            answer['id'] = question['id']
        print(json.dumps(answer, cls=JSONEncoder, ensure_ascii=False), flush=True)


if __name__ == '__main__':
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(sys.argv[1])
