#!/usr/bin/env python3
"""Decide as the real trytond who may see what: one line of JSON in, one line out, in one process with empty caches per line.

Usage: VENV/bin/python decisions.py postgresql://postgres@127.0.0.1:PORT/DATABASE < questions

    {"users": [login, …], "models": {name: [id, …], …}, "domains": [[model, PYSON, active], …]}

For each user: the groups, and for each model whether it may be read, the hidden fields, the records that a search shows
and, of the listed ids, which can be read alone. For each domain the records that it selects, without any right, with the
test of `active` or without it. What raises is {"error": class}.

    {"access": true}

The fields of each stored model that hand on access and record rules: {name: [field, …], …}, without those that do not.
"""
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / 'gnuhealth'))

from oracle import Oracle, failure  # noqa: E402


class Decisions(Oracle):
    def answer(self, question):
        self.forget()
        if question.get('access'):
            from trytond.model import ModelSQL
            return {name: sorted(Model.__access__) for name, Model in self.pool.iterobject()
                    if issubclass(Model, ModelSQL) and Model.__access__}
        return {
            'users': [self.user(login, question['models']) for login in question['users']],
            'domains': [self.domain(*domain) for domain in question['domains']],
        }

    def user(self, login, models):
        User = self.pool.get('res.user')
        with self.transaction().start(self.database, 0, readonly=True):
            user, = User.search([('login', '=', login)])
        with self.transaction().start(self.database, user.id, readonly=True) as transaction:
            preferences = User.get_preferences(context_only=True)
            with transaction.set_context(preferences, _check_access=True):
                return {
                    'groups': sorted(set(User.get_groups())),
                    'models': {name: self.model(name, ids) for name, ids in models.items()},
                }

    def model(self, name, ids):
        Model = self.pool.get(name)
        fields = self.pool.get('ir.model.field.access').get_access([name])[name]
        return {
            'read': bool(self.pool.get('ir.model.access').get_access([name])[name]['read']),
            'hidden': sorted(field for field in fields if not fields[field].get('read', True)),
            'ids': self.search(Model, []),
            'readable': [id_ for id_ in ids if self.readable(Model, id_)],
        }

    def domain(self, name, text, active):
        """As Tryton adds a record rule to a search; `active` of the model itself is tested only when asked."""
        from trytond.model.modelsql import convert_from
        from trytond.pyson import PYSONDecoder
        Model = self.pool.get(name)
        with self.transaction().start(self.database, 0, readonly=True) as transaction:
            try:
                domain = PYSONDecoder({}).decode(text)
                tables, expression = Model.search_domain(domain, active_test=active)
                table, _ = tables[None]
                cursor = transaction.connection.cursor()
                cursor.execute(*convert_from(None, tables).select(table.id, where=expression))
                return sorted(id_ for id_, in cursor)
            except Exception as error:
                return failure(error)

    def search(self, Model, domain):
        try:
            return sorted(record.id for record in Model.search(domain, order=[]))
        except Exception as error:
            # After an error of the database the transaction is of no use.
            self.transaction().rollback()
            return failure(error)

    def readable(self, Model, id_):
        try:
            # No field: those may be forbidden.
            return bool(Model.read([id_], []))
        except Exception:
            self.transaction().rollback()
            return False


def main(uri):
    decisions = Decisions(uri)
    for line in sys.stdin:
        print(json.dumps(decisions.answer(json.loads(line))), flush=True)


if __name__ == '__main__':
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(sys.argv[1])
