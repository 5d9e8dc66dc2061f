//! Clauses across relations (semantics 7.3). Targets are looked up without access checks, as Tryton does inside a domain.

use super::{
    Refused,
    clause::{Leaf, Operator},
    compile::Compiler,
    node::{Node, Operand, Rows, Term},
    scalar,
};
use crate::{
    sql,
    tryton::{
        Name,
        catalog::{Field, FieldKind, Model, Series},
        pyson::{Pyson, Value},
    },
};

/// How the rows of a one2many or of a link table point back.
struct Origin<'a> {
    model: &'a Model,
    field: &'a str,
    /// The back pointer is `model,id` text of this model.
    by_reference: Option<&'a str>,
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// The clause also holds where the column is NULL.
fn accepts_null(leaf: &Leaf) -> bool {
    let nulls = leaf.value.items().is_some_and(|items| items.contains(&Value::Null));
    match leaf.operator {
        Operator::NotEqual => leaf.value != Value::Null,
        Operator::NotIn => !nulls,
        operator => operator.negative(),
    }
}

fn is_empty(domain: &Value) -> bool {
    match domain.items() {
        Some([]) => true,
        Some([Value::Text(word)]) => word == "AND" || word == "OR",
        _ => false,
    }
}

/// Some clause of the domain, not inside a `where`, has a path with a dot.
fn goes_through_relation(domain: &Value) -> bool {
    match Leaf::of(domain) {
        Ok(Some(leaf)) => leaf.path.contains('.'),
        _ => domain.items().into_iter().flatten().any(goes_through_relation),
    }
}

fn is_tree(operator: Operator) -> bool {
    use Operator::{ChildOf, NotChildOf, NotParentOf, ParentOf};
    matches!(operator, ChildOf | NotChildOf | ParentOf | NotParentOf)
}

fn is_where(operator: Operator) -> bool {
    matches!(operator, Operator::Where | Operator::NotWhere)
}

fn negated(node: Node, operator: Operator) -> Node {
    if operator.negative() { node.not() } else { node }
}

impl Compiler<'_> {
    /// Below a many2one nothing is filtered by `active`.
    pub(super) fn many2one(
        self,
        model: &Model,
        field: &Field,
        target: &str,
        leaf: &Leaf,
        rest: Option<&str>,
    ) -> Result<Node, Refused> {
        let column = Term::Column(field.name);
        let (operator, value) = (leaf.operator, &leaf.value);
        let path = match rest {
            Some(rest) => rest,
            None if is_tree(operator) && target == model.name => return self.tree(model, field, leaf),
            None if is_tree(operator) => {
                let rows = self.rows(self.model(target)?, Term::id(), &Self::tree_clause(leaf)?, false)?;
                return Ok(negated(Node::is_in(column, rows), operator));
            }
            None if is_where(operator) => {
                let value = &self.searched_apart(value);
                let rows = self.rows(self.model(target)?, Term::id(), value, false)?;
                let found = Node::is_in(column.clone(), rows);
                // Tryton 7.0 binds the sub-query to the column, so that NULL is never in it.
                let found = match self.series() {
                    Series::V6_0 => found,
                    Series::V7_0 => Node::NotNull(column).and(found),
                };
                return Ok(negated(found, operator));
            }
            None if matches!(value, Value::Text(_)) => "rec_name",
            None => return scalar::test(self.series(), field, column, leaf),
        };
        let target = self.model(target)?;
        let clause = Value::List(vec![leaf.on(path)]);
        let joined = |node| Node::Joined { column: field.name, table: target.table, node: Box::new(node) };
        let node = match self.series() {
            Series::V7_0 if target.large && path == "id" => {
                return scalar::test(self.series(), field, column, leaf);
            }
            Series::V7_0 if target.large => joined(self.search(target, &clause, false, false)?),
            Series::V7_0 => Node::is_in(column.clone(), self.rows(target, Term::id(), &clause, false)?),
            // Tryton 6.0 joins, and asks for `active` in a way that no row without target passes.
            Series::V6_0 => {
                let clause = Self::with_any_active(target, clause);
                joined(self.search(target, &clause, false, false)?)
            }
        };
        Ok(if accepts_null(leaf) { node.or(Node::Null(column)) } else { node })
    }

    /// Tryton 7.0 searches the alternatives of an OR one by one when one of them goes through a relation, and then
    /// leaves out those that are empty instead of taking them as true.
    fn searched_apart(self, domain: &Value) -> Value {
        match domain.items() {
            Some([Value::Text(word), items @ ..])
                if word == "OR"
                    && self.series() >= Series::V7_0
                    && items.iter().any(goes_through_relation) =>
            {
                let filled = items.iter().filter(|item| !is_empty(item)).cloned();
                Value::List([text("OR")].into_iter().chain(filled).collect())
            }
            _ => domain.clone(),
        }
    }

    fn with_any_active(target: &Model, clause: Value) -> Value {
        if !target.fields.contains("active") {
            return clause;
        }
        let both = Value::List(vec![Value::Bool(true), Value::Bool(false)]);
        Value::List(vec![clause, Value::List(vec![text("active"), text("in"), both])])
    }

    /// `[tree field, child_of, value]` on the target.
    fn tree_clause(leaf: &Leaf) -> Result<Value, Refused> {
        let Some(Value::Text(field)) = leaf.rest.first() else {
            return Err(Refused("child_of to another model names no tree".into()));
        };
        let down = matches!(leaf.operator, Operator::ChildOf | Operator::NotChildOf);
        let operator = if down { Operator::ChildOf } else { Operator::ParentOf };
        Ok(Value::List(vec![text(field), text(operator.text()), leaf.value.clone()]))
    }

    pub(super) fn reference(self, field: &Field, leaf: &Leaf, rest: &str) -> Result<Node, Refused> {
        let [Value::Text(target), more @ ..] = leaf.rest.as_slice() else {
            return Err(Refused("a clause through a reference names no model".into()));
        };
        let model = self.model(target)?;
        let clause = Leaf { rest: more.to_vec(), ..leaf.clone() }.on(rest);
        let clause = Self::with_any_active(model, Value::List(vec![clause]));
        let rows = self.rows(model, Term::id(), &clause, false)?;
        let column = Term::Column(field.name);
        let node =
            Node::is_in(Term::ReferenceId(field.name), rows).and(self.of_model(column.clone(), target));
        Ok(if accepts_null(leaf) { node.or(Node::Null(column)) } else { node })
    }

    /// The text points to this model. The underscores in its name are wildcards in Tryton as well.
    fn of_model(self, column: Term, model: &str) -> Node {
        let word = if self.series() >= Series::V7_0 { "LIKE" } else { "ILIKE" };
        Node::Compare(column, word, Operand::Value(sql::Value::Text(format!("{model},%"))))
    }

    fn origin<'a>(
        self,
        model: &'a Model,
        rows: &'a Model,
        field: Option<Name>,
    ) -> Result<Origin<'a>, Refused> {
        let back = field.and_then(|name| rows.fields.get(name.as_str())).filter(|back| back.stored);
        match back {
            Some(Field { name, kind: FieldKind::Many2One { .. }, .. }) => {
                Ok(Origin { model: rows, field: name, by_reference: None })
            }
            Some(Field { name, kind: FieldKind::Reference, .. }) => {
                Ok(Origin { model: rows, field: name, by_reference: Some(&model.name) })
            }
            _ => Err(Refused(format!("how {} points back to {} is not known", rows.name, model.name))),
        }
    }

    fn filter(field: &Field) -> Result<Option<Value>, Refused> {
        let Some(text) = &field.filter else { return Ok(None) };
        let parsed = Pyson::parse(text).map_err(Refused)?;
        let now = jiff::civil::DateTime::MIN;
        let context = crate::tryton::pyson::Context {
            values: std::collections::BTreeMap::new(),
            now,
            series: Series::V7_0,
        };
        parsed.eval(&context).map(Some).map_err(Refused)
    }

    pub(super) fn one2many(
        self,
        model: &Model,
        field: &Field,
        leaf: &Leaf,
        rest: Option<&str>,
        active: bool,
    ) -> Result<Node, Refused> {
        let FieldKind::One2Many { target, inverse, .. } = &field.kind else {
            return Err(Refused("not a one2many".into()));
        };
        let target = self.model(target)?;
        let origin = self.origin(model, target, *inverse)?;
        let filter = Self::filter(field)?;
        let path = match (rest, &leaf.value) {
            (Some(_), _) if is_where(leaf.operator) => return Err(Refused("where behind a dot".into())),
            (Some(rest), _) => rest,
            (None, Value::Null) => {
                let known = self.linked(
                    &origin,
                    self.search(target, &filter.unwrap_or(Value::List(Vec::new())), active, active)?,
                );
                return self.none_or_some(known, leaf.operator);
            }
            (None, Value::Text(_)) => "rec_name",
            (None, _) => "id",
        };
        let mut domain =
            if is_where(leaf.operator) { leaf.value.clone() } else { Value::List(vec![leaf.on(path)]) };
        if let (Some(model), Value::List(items)) = (origin.by_reference, &mut domain) {
            items.push(Value::List(vec![text(origin.field), text("like"), text(&format!("{model},%"))]));
        }
        if let Some(filter) = filter {
            domain = Value::List(vec![domain, filter]);
        }
        let mut rows = self.rows(target, origin.term(), &domain, active)?;
        let exists = target.large && self.series() >= Series::V7_0;
        if exists {
            rows.filter = rows.filter.and(Node::NotNull(origin.term()));
        }
        Ok(origin.answer(rows, leaf.operator, exists))
    }

    pub(super) fn many2many(
        self,
        model: &Model,
        field: &Field,
        leaf: &Leaf,
        rest: Option<&str>,
        active: bool,
    ) -> Result<Node, Refused> {
        let FieldKind::Many2Many { relation, origin, link: Some(link), target: Some(target) } = &field.kind
        else {
            return Err(Refused("the link of a many2many is not known".into()));
        };
        let relation = self.model(relation)?;
        let origin = self.origin(model, relation, *origin)?;
        let filter = Self::filter(field)?;
        let linked = |domain: &Value| -> Result<Node, Refused> {
            let rows = self.rows(self.model(target)?, Term::id(), domain, active)?;
            Ok(Node::is_in(Term::Column(*link), rows))
        };
        let path = match (rest, &leaf.value) {
            (Some(_), _) if is_where(leaf.operator) => return Err(Refused("where behind a dot".into())),
            (Some(rest), _) => rest,
            (None, _) if is_tree(leaf.operator) => {
                if *target == model.name {
                    return Err(Refused("a tree through a many2many".into()));
                }
                let mut domain = vec![Self::tree_clause(leaf)?];
                domain.extend(filter);
                let rows = self.linked(&origin, linked(&Value::List(domain))?);
                return Ok(negated(Node::is_in(Term::id(), rows), leaf.operator));
            }
            (None, Value::Null) => {
                let filter = filter.map(|filter| linked(&filter)).transpose()?;
                let rows = self.linked(&origin, filter.unwrap_or(Node::Constant(true)));
                return self.none_or_some(rows, leaf.operator);
            }
            (None, Value::Text(_)) => "rec_name",
            (None, _) => "id",
        };
        let mut domain = if is_where(leaf.operator) {
            Value::List(vec![text(link), text("where"), leaf.value.clone()])
        } else {
            let mut items = vec![leaf.on(&format!("{link}.{path}"))];
            if let Some(model) = origin.by_reference {
                let prefix = text(&format!("{model},%"));
                items.push(Value::List(vec![text(origin.field), text("like"), prefix]));
            }
            Value::List(items)
        };
        if let Some(filter) = filter {
            domain = Value::List(vec![domain, Value::List(vec![text(link), text("where"), filter])]);
        }
        let rows = self.rows(relation, origin.term(), &domain, active)?;
        Ok(origin.answer(rows, leaf.operator, false))
    }

    /// The records that rows with `condition` point back to.
    fn linked(self, origin: &Origin<'_>, condition: Node) -> Rows {
        let mut all = vec![Node::NotNull(origin.term())];
        if let Some(model) = origin.by_reference {
            all.push(self.of_model(Term::Column(origin.field.into()), model));
        }
        all.push(condition);
        Rows { table: origin.model.table, term: origin.term(), filter: Node::All(all) }
    }

    /// `= null`: no row at all; `!= null`: some row.
    fn none_or_some(self, rows: Rows, operator: Operator) -> Result<Node, Refused> {
        let some = Node::is_in(Term::id(), rows);
        match operator {
            Operator::Equal => Ok(some.not()),
            Operator::NotEqual => Ok(some),
            _ => Err(Refused("null does not fit the operator".into())),
        }
    }
}

impl Origin<'_> {
    fn term(&self) -> Term {
        match self.by_reference {
            Some(_) => Term::ReferenceId(self.field.into()),
            None => Term::Column(self.field.into()),
        }
    }

    /// The record has such a row; for negative operators also if it has no row at all. Where Tryton asks with IN one
    /// row that points to nothing makes the latter unknown; where it asks with EXISTS it does not.
    fn answer(&self, rows: Rows, operator: Operator, exists: bool) -> Node {
        let found = Node::is_in(Term::id(), rows);
        match operator {
            Operator::NotWhere => found.not(),
            operator if operator.negative() => {
                let filter = if exists { Node::NotNull(self.term()) } else { Node::Constant(true) };
                let all = Rows { table: self.model.table, term: self.term(), filter };
                found.or(Node::is_in(Term::id(), all).not())
            }
            _ => found,
        }
    }
}
