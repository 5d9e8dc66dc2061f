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


def describe_field(pool, Model, name, field):
    described = {}
    if isinstance(field, fields.Function):
        described['function'] = field.getter
        if field.searcher:
            described['searcher'] = field.searcher
        if isinstance(field, fields.MultiValue):
            described = {'multivalue': True}
        field = field._field
    described['type'] = field._type
    if getattr(field, 'translate', False):
        described['translate'] = True
    if field.required:
        described['required'] = True
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
