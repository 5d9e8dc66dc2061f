//! Leaves and conditions of a mapping → expressions over columns.

use super::{
    compile::Compiler,
    compiled::{Column, Condition, Exists, Expression, Kind as Type},
    finding::Place,
    path::{Context, Found},
    text::{Item, Kind, Table},
};
use crate::tryton::Field;

/// A compiled leaf, and the field behind it when it is a single column.
pub type Leaf = (Expression, Option<Field>);

const NUMBER: &str = "a number or a field that holds one";

impl Compiler<'_> {
    /// The expression of a leaf. `None`: nothing in this database, or a finding was added.
    pub(super) fn expression(&mut self, context: &Context, item: &Item) -> Option<Leaf> {
        match &item.kind {
            Kind::Text(text) => match text.strip_prefix('=') {
                Some(constant) => Some((Expression::Constant(self.systems.expand(constant)), None)),
                None => self
                    .column(context, text, item)
                    .map(|(column, field)| (Expression::Column(Box::new(column)), Some(field))),
            },
            Kind::Table(table) => self.operation(context, table, item),
            _ => {
                self.findings.add(
                    "leaf",
                    &item.place,
                    "a path of Tryton fields",
                    item.describe(),
                    "a constant text starts with `=`",
                );
                None
            }
        }
    }

    fn column(&mut self, context: &Context, path: &str, item: &Item) -> Option<(Column, Field)> {
        match self.resolver.column(context, path, &item.place, &mut self.findings)? {
            Found::Here(found) => Some(found),
            Found::Absent => None,
        }
    }

    fn operation(&mut self, context: &Context, table: &Table, item: &Item) -> Option<Leaf> {
        if let Some(path) = table.item("path") {
            let (expression, field) = self.expression(context, path)?;
            if let Some(pattern) = table.item("extract").and_then(Item::text) {
                return Some((Expression::Extract(Box::new(expression), pattern.to_owned()), None));
            }
            let texts: Vec<_> = table
                .item("replace")
                .map(Item::each)
                .unwrap_or_default()
                .iter()
                .filter_map(Item::text)
                .collect();
            return Some(match texts.as_slice() {
                [from, to] => {
                    (Expression::Replace(Box::new(expression), (*from).to_owned(), (*to).to_owned()), None)
                }
                _ => (expression, field),
            });
        }
        if let Some(rows) = table.item("count") {
            let filter = table.item("where");
            return Some((Expression::Count(Box::new(self.related(context, rows, filter)?)), None));
        }
        if let Some(rows) = table.item("latest") {
            return self.latest(context, rows);
        }
        if let Some(list) = table.item("first") {
            let all: Vec<_> = list.each().iter().filter_map(|item| self.expression(context, item)).collect();
            self.alike(&list.place, all.iter().map(|(value, _)| value));
            return match all.len() {
                0 => None,
                1 => all.into_iter().next(),
                _ => Some((Expression::First(all.into_iter().map(|(value, _)| value).collect()), None)),
            };
        }
        if let Some(list) = table.item("join") {
            let separator = table.item("with").and_then(Item::text).unwrap_or(" ").to_owned();
            let all: Vec<_> =
                list.each().iter().filter_map(|item| Some(self.expression(context, item)?.0)).collect();
            return (!all.is_empty()).then_some((Expression::Join(all, separator), None));
        }
        if let Some(list) = table.item("all") {
            let all: Vec<_> =
                list.each().iter().filter_map(|item| Some(self.expression(context, item)?.0)).collect();
            return (!all.is_empty()).then_some((Expression::All(all), None));
        }
        for (key, make) in [("sum", Expression::Sum as fn(_) -> _), ("product", Expression::Product)] {
            if let Some(list) = table.item(key) {
                let all: Option<Vec<_>> =
                    list.each().iter().map(|item| self.operand(context, item)).collect();
                return all.map(|all| (make(all), None));
            }
        }
        if let Some(list) = table.item("case") {
            let mut branches = Vec::new();
            for branch in list.each() {
                let Some(parts) = branch.table() else {
                    self.findings.add(
                        "case",
                        &branch.place,
                        "a table with `when` and `then`",
                        branch.describe(),
                        "",
                    );
                    continue;
                };
                let when = match parts.item("when") {
                    Some(when) => self.condition(context, when),
                    None => Some(Condition::Always),
                };
                let then = match parts.item("then") {
                    Some(then) => self.expression(context, then),
                    None => {
                        self.findings.add("case", &branch.place, "a `then`", "none", "");
                        None
                    }
                };
                if let (Some(when), Some((then, _))) = (when, then) {
                    branches.push((when, then));
                }
            }
            self.alike(&list.place, branches.iter().map(|(_, value)| value));
            return (!branches.is_empty()).then_some((Expression::Case(branches), None));
        }
        self.findings.add(
            "leaf",
            &item.place,
            "one of `path`, `first`, `join`, `all`, `sum`, `product`, `count`, `latest`, `case`",
            format!(
                "a table with {}",
                table.entries.iter().map(|(key, _)| key.name.as_str()).collect::<Vec<_>>().join(", ")
            ),
            "",
        );
        None
    }

    /// A condition: a path that must be known, a list of which any must hold, or a table of which all must hold.
    /// `None`: it names something that this database does not have, so it can never hold.
    pub(super) fn condition(&mut self, context: &Context, item: &Item) -> Option<Condition> {
        match &item.kind {
            Kind::Text(_) => Some(Condition::Known(self.expression(context, item)?.0)),
            Kind::Flag(true) => Some(Condition::Always),
            Kind::List(items) => {
                let all: Vec<_> = items.iter().filter_map(|item| self.condition(context, item)).collect();
                (!all.is_empty()).then_some(Condition::Any(all))
            }
            Kind::Table(table) => {
                let mut all = Vec::new();
                for (key, value) in &table.entries {
                    match key.name.as_str() {
                        "not" => match self.condition(context, value) {
                            Some(inner) => all.push(Condition::Not(Box::new(inner))),
                            None => all.push(Condition::Always),
                        },
                        "any" => {
                            let any: Vec<_> = value
                                .each()
                                .iter()
                                .filter_map(|item| self.condition(context, item))
                                .collect();
                            if any.is_empty() {
                                return None;
                            }
                            all.push(Condition::Any(any));
                        }
                        "exists" => all.push(self.exists(context, value)?),
                        path => {
                            let path = Item { kind: Kind::Text(path.to_owned()), place: key.place.clone() };
                            let (expression, field) = self.expression(context, &path)?;
                            all.push(self.comparison(context, expression, field, value)?);
                        }
                    }
                }
                all.shrink_to_fit();
                Some(Condition::All(all))
            }
            _ => {
                self.findings.add("condition", &item.place, "a path, a list or a table", item.describe(), "");
                None
            }
        }
    }

    fn comparison(
        &mut self,
        context: &Context,
        expression: Expression,
        field: Option<Field>,
        value: &Item,
    ) -> Option<Condition> {
        match &value.kind {
            Kind::Flag(wanted) => {
                let known = Condition::Known(expression);
                Some(if *wanted { known } else { Condition::Not(Box::new(known)) })
            }
            Kind::Text(text) if text.starts_with('^') => {
                Some(Condition::Same(expression, self.expression(context, value)?.0))
            }
            Kind::Text(_) | Kind::Number(_) | Kind::List(_) => {
                let keys: Vec<String> = value
                    .each()
                    .iter()
                    .filter_map(|item| match &item.kind {
                        Kind::Text(text) | Kind::Number(text) => Some(text.clone()),
                        _ => None,
                    })
                    .collect();
                if let (Expression::Column(column), Some(known)) =
                    (&expression, field.as_ref().and_then(|field| field.selection.as_ref()))
                {
                    for key in keys.iter().filter(|key| !known.contains(key)) {
                        // A key that another series has is no mistake.
                        if !self.resolver.catalog.documented_key(&column.model, &column.field, key) {
                            self.findings.add(
                                "selection-key",
                                &value.place,
                                "a key of the selection",
                                format!("\"{key}\""),
                                super::finding::suggestion(key, known.iter().map(String::as_str)),
                            );
                        }
                    }
                }
                Some(Condition::OneOf(expression, keys))
            }
            Kind::Table(table) => {
                let bound = table.item("above").or_else(|| table.item("below"));
                let pattern = table.item("matches").and_then(Item::text);
                let not = table.item("not");
                if let Some(other) = table.item("same") {
                    return Some(Condition::Same(expression, self.expression(context, other)?.0));
                }
                match (bound, pattern, not) {
                    (Some(bound), None, None) if expression.kind() != Type::Text => {
                        let bound = self.bound(context, bound)?;
                        Some(if table.has("above") {
                            Condition::Above(expression, bound)
                        } else {
                            Condition::Above(bound, expression)
                        })
                    }
                    (None, Some(pattern), None) => Some(Condition::Matches(expression, pattern.to_owned())),
                    (None, None, Some(not)) => self
                        .comparison(context, expression, field, not)
                        .map(|inner| Condition::Not(Box::new(inner))),
                    _ => {
                        self.findings.add(
                            "condition",
                            &value.place,
                            "one of `above`, `below` (a number or a path), `same` (a path), `matches` (a pattern) or `not`",
                            "a table without it",
                            "",
                        );
                        None
                    }
                }
            }
        }
    }

    /// What a number is compared with: a number, or the path of a field that holds one.
    fn bound(&mut self, context: &Context, item: &Item) -> Option<Expression> {
        let expression = self.number(context, item)?;
        if expression.is_number() {
            return Some(expression);
        }
        self.findings.add("condition", &item.place, NUMBER, item.describe(), "");
        None
    }

    /// Alternatives of one value are of one kind: PostgreSQL makes one column of them.
    fn alike<'e>(&mut self, place: &Place, mut all: impl Iterator<Item = &'e Expression>) {
        let Some(first) = all.next().map(Expression::kind) else { return };
        if let Some(other) = all.map(Expression::kind).find(|kind| *kind != first) {
            let hint = "write an element for each, with a `when`";
            self.findings.add(
                "type-mismatch",
                place,
                format!("{} as the first", first.name()),
                other.name(),
                hint,
            );
        }
    }

    /// What is added or multiplied.
    fn operand(&mut self, context: &Context, item: &Item) -> Option<Expression> {
        let expression = self.number(context, item)?;
        if expression.is_number() {
            return Some(expression);
        }
        self.findings.add("type-mismatch", &item.place, NUMBER, item.describe(), "");
        None
    }

    fn number(&mut self, context: &Context, item: &Item) -> Option<Expression> {
        match &item.kind {
            Kind::Number(number) => Some(Expression::Number(number.clone())),
            _ => self.expression(context, item).map(|(expression, _)| expression),
        }
    }

    /// `{ each = ROWS, where = CONDITION, path = VALUE }`: the last day, the last moment.
    fn latest(&mut self, context: &Context, item: &Item) -> Option<Leaf> {
        let table = item.table()?;
        let (each, path) = (table.item("each")?, table.item("path")?);
        let rows = self.related(context, each, table.item("where"))?;
        let (value, _) = self.expression(&context.row(&rows.relation.model), path)?;
        if !matches!(value.kind(), Type::Date | Type::Timestamp) {
            self.findings.add("type-mismatch", &path.place, "a date or a time", value.kind().name(), "");
            return None;
        }
        Some((Expression::Latest(Box::new(rows), Box::new(value)), None))
    }

    fn exists(&mut self, context: &Context, item: &Item) -> Option<Condition> {
        let (path, filter) = match &item.kind {
            Kind::Text(_) => (item, None),
            Kind::Table(table) => (table.item("each")?, table.item("where")),
            _ => return None,
        };
        Some(Condition::Exists(Box::new(self.related(context, path, filter)?)))
    }

    /// Rows that a path leads to.
    fn related(&mut self, context: &Context, path: &Item, filter: Option<&Item>) -> Option<Exists> {
        let text = path.text()?;
        let (up, hops, relation) = match self.resolver.rows(context, text, &path.place, &mut self.findings)? {
            Found::Here(rows) => rows,
            Found::Absent => return None,
        };
        let filter = match filter {
            Some(filter) => Some(self.condition(&context.row(&relation.model), filter)?),
            None => None,
        };
        Some(Exists { hops, up, relation, filter })
    }
}
