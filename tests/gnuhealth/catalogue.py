#!/usr/bin/env python3
"""Print what a Tryton database does not store about its models: inverse fields, searchers, orders, singletons…

Usage: VENV/bin/python catalogue.py 5.0.json

Reads the classes of every installed module and needs no database. One model per line, keys sorted, no defaults
written: a key that is absent is false or nothing.
"""
import json
import sys

from trytond import model as tryton
from trytond.model import fields
from trytond import modules as tryton_modules
from trytond.config import config
from trytond.pool import Pool
from trytond.transaction import Transaction

# Longer lists (the time zones) are no vocabulary, and come out of a set in no order.
LONGEST_SELECTION = 150
NOT_MODULES = {'tests'}


def load():
    """All installed modules, as if they were activated together."""
    Pool.start()
    installed = getattr(tryton_modules, 'get_modules', None) or tryton_modules.get_module_list
    graph = tryton_modules.create_graph(set(installed()) - NOT_MODULES)
    pool = Pool(':memory:')
    Pool._pool[':memory:'] = {kind: {} for kind in pool.classes}
    pool._modules = []
    names = [node.name for node in graph]
    for name in names:
        pool.fill(name, set(names))
    pool.setup()
    return pool, names


OPERATORS = ('=', '!=', 'like', 'not like', 'ilike', 'not ilike', 'in', 'not in', '<', '<=', '>', '>=')
# With and without wildcards, quotes and separators, so that code which looks into the value shows itself.
TEXTS = ('probe', '%probe%', '%pro%be%', 'pro%', '%be', 'pr_be', ' a / b ', 'A, B', '1')


def describe_search(Model, name, searcher):
    """The clauses that a searcher puts in the place of one: known when they are the same clause on other paths, for each
    operator and value. `module` is where the code stands."""
    method = getattr(Model, searcher)
    function = getattr(method, '__func__', method)
    if function is tryton.ModelStorage.search_rec_name.__func__ and Model._rec_name in Model._fields:
        # As the key `rec_name` of the model says.
        return None
    parts = function.__module__.split('.')
    module = parts[2] if parts[:2] == ['trytond', 'modules'] else 'ir'
    if function.__qualname__.startswith('tree.<locals>.'):
        names = dict(zip(function.__code__.co_freevars, (cell.cell_contents for cell in function.__closure__)))
        return {'module': module, 'tree': [names['name'], names['parent'], names['separator']]}
    found = None
    for operator in OPERATORS:
        lists = operator.endswith('in')
        for value in ((['probe', None], ['x'], [1, 2], []) if lists else TEXTS + (None, 7, True, False)):
            try:
                paths = probe(method, name, operator, value)
            except Exception:
                # Only text fits a pattern: what happens to other values does not matter.
                if not operator.endswith('like') or isinstance(value, str):
                    return None
                continue
            if found is None:
                found = paths
            # A wildcard in front is cut off only where there is one.
            for one, other in zip(found, paths):
                if one['path'] == other['path'] and other.get('cut'):
                    one['cut'] = True
            if [one['path'] for one in found] != [other['path'] for other in paths]:
                return None
    return {'module': module, 'paths': [path if path.get('cut') else path['path'] for path in found]}


def probe(method, name, operator, value):
    domain = list(method(name, (name, operator, value)))
    negative = operator.startswith(('!', 'not '))
    if domain and domain[0] in ('AND', 'OR'):
        if (domain.pop(0) == 'AND') != negative and len(domain) > 1:
            raise ValueError('another operator')
    elif len(domain) > 1:
        raise ValueError('no operator')
    paths = []
    for path, other, result in domain:
        described = {'path': path}
        if (type(result), result) != (type(value), value):
            # Without the wildcard in front an index helps.
            if not (operator.endswith('like') and value == '%probe%' and result == 'probe%'):
                raise ValueError('another value')
            described['cut'] = True
        if other != operator or not isinstance(path, str):
            raise ValueError('another operator')
        paths.append(described)
    return paths


def describe_field(pool, Model, name, field):
    described = {}
    if isinstance(field, fields.Function):
        described['function'] = field.getter
        if field.searcher:
            described['searcher'] = field.searcher
            search = describe_search(Model, name, field.searcher)
            if search is not None:
                described['search'] = search
        if isinstance(field, fields.MultiValue):
            described = {'multivalue': True}
        field = field._field
    described['type'] = field._type
    if getattr(field, 'translate', False):
        described['translate'] = True
    if field.required:
        described['required'] = True
    # Values of char fields are trimmed (7.0) unless this says otherwise.
    if field._type == 'char' and getattr(field, 'strip', True) is not True:
        described['strip'] = field.strip or 'no'
    if isinstance(field, fields.Many2One):
        described['target'] = field.model_name
        for key in ('left', 'right', 'path'):
            if getattr(field, key, None):
                described[key] = getattr(field, key)
    elif isinstance(field, fields.One2Many):
        described.update(target=field.model_name, inverse=field.field)
        inverse = field.field and field.get_target()._fields.get(field.field)
        if inverse and inverse._type == 'reference':
            described['reference'] = True
    elif isinstance(field, fields.Many2Many):
        described.update(relation=field.relation_name, origin=field.origin, target_field=field.target)
        described['target'] = field.get_target().__name__ if field.target else field.relation_name
        origin = field.origin and pool.get(field.relation_name)._fields.get(field.origin)
        if origin and origin._type == 'reference':
            described['reference'] = True
    if getattr(field, 'filter', None):
        described['filter'] = field.filter
    selection = getattr(field, 'selection', None)
    if isinstance(selection, str):
        described['selection'] = selection
    elif selection and len(selection) <= LONGEST_SELECTION:
        described['selection'] = [option[0] for option in selection]
    for key, method in (('domain_method', 'domain_' + name), ('order_method', 'order_' + name)):
        if hasattr(Model, method):
            described[key] = True
    return {key: value for key, value in described.items() if value is not None}


def describe(pool, Model):
    described = {'kind': 'sql', 'rec_name': Model._rec_name}
    if callable(Model.table_query):
        described['kind'] = 'table_query'
    else:
        described['table'] = Model._table
    # Records are called by their field `rec_name`, and found by it, as in any model without code of its own.
    if all(getattr(getattr(Model, method), '__func__', getattr(Model, method))
           is getattr(getattr(tryton.ModelStorage, method), '__func__', getattr(tryton.ModelStorage, method))
           for method in ('get_rec_name', 'search_rec_name')):
        described['plain_name'] = True
    if Model._order_name:
        described['order_name'] = Model._order_name
    described['order'] = [list(item) for item in Model._order]
    if issubclass(Model, tryton.ModelSingleton):
        described['singleton'] = True
    if Model.__access__:
        described['access'] = sorted(Model.__access__)
    if 'active' in Model._fields:
        described['active'] = True
    described['fields'] = {
        name: describe_field(pool, Model, name, field) for name, field in Model._fields.items()
        if name not in ('id', 'create_uid', 'create_date', 'write_uid', 'write_date')}
    return described


def main(path):
    config.set('database', 'uri', 'sqlite://')
    # Classes ask the database what it can do, and for nothing in it.
    with Transaction().start(':memory:', 0):
        pool, modules = load()
        models = {name: describe(pool, Model) for name, Model in pool.iterobject()
                  if issubclass(Model, tryton.ModelSQL)}
    lines = ['%s:%s' % (json.dumps(name), json.dumps(
        models[name], sort_keys=True, separators=(',', ':'), ensure_ascii=False)) for name in sorted(models)]
    with open(path, 'w', encoding='utf-8') as file:
        file.write('{\n' + ',\n'.join(lines) + '\n}\n')
    print('%s: %d models of %d modules' % (path, len(models), len(modules)))


if __name__ == '__main__':
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(sys.argv[1])
