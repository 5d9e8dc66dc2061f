"""The statement that copies one table: `INSERT … SELECT` from its own rows, once for each person, or as often as events repeat."""
import re

from .variety import JOINS, SPAN, expression

# Days that do not tell when a record was entered.
LATER = re.compile('dob|expir|birth|^bd$|lmp|next|last|review|member|end|to$|_to_|tod|dismissed|discharge|return|amputee|_from$|healed'
                   '|stop|activation')


class Table:
    """What the catalogue says: name as PostgreSQL prints it, columns with their types, links, and where the ids of copies start."""

    def __init__(self, name, size, base, repeat, levels):
        self.name, self.size, self.base, self.repeat, self.levels = name, size, base, repeat, levels
        self.columns, self.links, self.references = [], {}, set()

    def times(self, weight='p.weight'):
        return 'greatest(1, ceil(%s * %s))::int' % (weight, self.repeat) if self.repeat else '1'

    def identity(self, copies, rank, back, copy='p.copy'):
        """The id of the copy of a row; what happened later has the greater id."""
        return '%d + ((%d - (%s))::bigint * %d + %s) * %d + %s' % (self.base, self.levels - 1, back, copies, copy, self.size, rank)


def statement(table, tables, copies, staff):
    joins, values = [], []
    for number, (column, kind) in enumerate(table.columns):
        alias = 'l%d' % number
        if column == 'id':
            values.append('v.id::integer')
        elif column == 'create_date':
            values.append('x.created')
        elif column == 'write_date':
            values.append('CASE WHEN t.write_date IS NULL AND grow.u(v.id, 1) < .85 THEN NULL'
                          " ELSE x.created + pow(grow.u(v.id, 2), 3) * interval '300 days' END")
        elif expression(table.name, column, kind):
            values.append(expression(table.name, column, kind))
        elif table.links.get(column) in tables:
            parent = tables[table.links[column]]
            joins.append('LEFT JOIN grow.owned %s ON %s.tbl = \'%s\' AND %s.id = t."%s"' % (alias, alias, parent.name, alias, column))
            back = '0'
            if parent.repeat:
                # An event and what belongs to it are the same time back; of somebody else's only the last is sure to be.
                back = 'CASE WHEN %s.owner = o.owner THEN n.r %% %s ELSE 0 END' % (alias, parent.times())
            # A health professional of the hospital as it was, or of one of the copies.
            values.append('CASE WHEN {a}.id IS NULL OR {a}.owner < 0 AND v.staff < 0 THEN t."{c}" ELSE ({id})::integer END'.format(
                a=alias, c=column, id=parent.identity(
                    copies, alias + '.rank', back, 'CASE WHEN %s.owner < 0 THEN v.staff ELSE p.copy END' % alias)))
        elif column in table.references:
            joins.append('LEFT JOIN grow.owned %s ON %s.reference = t."%s" LEFT JOIN grow.tbl %st ON %st.name = %s.tbl' % (
                alias, alias, column, alias, alias, alias))
            values.append(
                "CASE WHEN {a}.id IS NULL THEN t.\"{c}\" ELSE split_part(t.\"{c}\", ',', 1) || ',' ||"
                ' ({a}t.base + (({a}t.levels - 1)::bigint * {k} + p.copy) * {a}t.size + {a}.rank) END'.format(a=alias, c=column, k=copies))
        elif kind == 'date':
            values.append('t."%s" - v.days' % column)
        elif kind.startswith('timestamp'):
            values.append('t."%s" - w.earlier' % column)
        else:
            values.append('t."%s"' % column)
    entered = ['t."%s" - w.earlier' % column for column, kind in table.columns
               if (kind == 'date' or kind.startswith('timestamp')) and column not in ('create_date', 'write_date')
               and not LATER.search(column)]
    moment = 'least(%s)' % ', '.join(entered) if entered and table.name not in ('party_party', 'gnuhealth_patient') else 'NULL'
    choice = JOINS.get(table.name)
    if choice:
        joins.append("LEFT JOIN grow.choice {c} ON {c}.kind = '{c}' AND {c}.place ="
                     " floor((SELECT count(*) FROM grow.choice WHERE kind = '{c}') * pow(grow.u(v.id, 3), 3))::int".format(c=choice))
    names = ', '.join('"%s"' % column for column, _ in table.columns)
    return '\n'.join([
        'INSERT INTO %s (%s)' % (table.name, names),
        'SELECT ' + ',\n  '.join(values),
        'FROM grow.person p',
        "JOIN grow.owned o ON o.tbl = '%s' AND o.owner = p.owner" % table.name,
        'JOIN %s t ON t.id = o.id' % table.name,
        'CROSS JOIN LATERAL generate_series(0, %s - 1) AS n (r)' % table.times(),
        # Each time back falls into its own part of the years between the first event and birth.
        'CROSS JOIN LATERAL (SELECT %s AS id, (%d - n.r)::bigint * %d * %d + (p.copy + 1) * %d AS step,' % (
            table.identity(copies, 'o.rank', 'n.r'), table.levels - 1, copies, SPAN, SPAN),
        '  CASE WHEN p.owner < 0 THEN p.copy ELSE floor(%d * grow.u(p.key, 2000 + n.r))::int - 1 END AS staff,' % (staff + 1),
        '  p.days + CASE WHEN n.r = 0 THEN 0 ELSE floor(p.slack * (n.r - grow.u(p.key, 1000 + n.r)) / %s)::int END'
        ' AS days) v' % table.times(),
        "CROSS JOIN LATERAL (SELECT v.days * interval '1 day' + p.minutes * interval '1 minute' AS earlier) w",
        "CROSS JOIN LATERAL (SELECT least(coalesce(%s, p.registered), timestamp '2026-01-01')"
        " + grow.u(v.id, 4) * interval '8 hours' AS created) x" % moment,
        *joins,
        'ORDER BY n.r DESC, p.copy, o.rank'])
