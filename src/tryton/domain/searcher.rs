//! Fields that code of Tryton searches (`search_rec_name` and other searchers), where the catalogue knows what that code
//! does.

use super::{
    Refused,
    clause::{Clause, Leaf, Operator},
    like::is_full_text,
    scalar::is_like,
};
use crate::tryton::{
    catalog::{Search, SearchPath},
    pyson::Value,
};

/// What stands in the place of a clause.
pub(super) enum Searched {
    Clause(Clause),
    /// The records that a search finds, and all below them by this field.
    Descendants(String, Value),
}

fn text(text: impl Into<String>) -> Value {
    Value::Text(text.into())
}

/// What the searcher makes of a clause.
pub(super) fn clause(search: &Search, leaf: &Leaf) -> Result<Searched, Refused> {
    use Operator::{
        Equal, Greater, GreaterEqual, ILike, In, Less, LessEqual, Like, NotEqual, NotILike, NotIn, NotLike,
    };
    let known =
        [Equal, NotEqual, Less, LessEqual, Greater, GreaterEqual, In, NotIn, Like, NotLike, ILike, NotILike];
    if !known.contains(&leaf.operator) || !leaf.rest.is_empty() {
        return Err(Refused(format!("{} is answered by code of Tryton", leaf.operator.text())));
    }
    if is_like(leaf.operator) && !matches!(leaf.value, Value::Text(_)) {
        return Err(Refused("a pattern is not a text".into()));
    }
    match search {
        Search::Paths(paths) => {
            let parts = paths.iter().map(|path| Clause::Leaf(on_path(path, leaf))).collect();
            Ok(Searched::Clause(match (paths.len(), leaf.operator.negative()) {
                (0 | 1, _) | (_, true) => Clause::All(parts),
                _ => Clause::Any(parts),
            }))
        }
        Search::Tree { name, parent, separator } => Names { name, parent, separator }.clause(leaf),
    }
}

fn on_path(path: &SearchPath, leaf: &Leaf) -> Leaf {
    let value = match &leaf.value {
        Value::Text(pattern) if path.cut && is_like(leaf.operator) && is_full_text(pattern) => {
            text(pattern.strip_prefix('%').unwrap_or(pattern))
        }
        value => value.clone(),
    };
    Leaf { path: path.path.clone(), value, ..leaf.clone() }
}

/// `trytond.model.tree`: the name of a record is the names of its ancestors and its own.
struct Names<'a> {
    name: &'a str,
    parent: &'a str,
    separator: &'a str,
}

impl Names<'_> {
    fn clause(&self, leaf: &Leaf) -> Result<Searched, Refused> {
        let domain = self.domain(leaf.operator, &leaf.value)?;
        let below = matches!(&leaf.value, Value::Text(pattern)
            if is_like(leaf.operator) && pattern.replace("%%", "__").ends_with('%'));
        Ok(if below {
            Searched::Descendants(self.parent.to_owned(), domain)
        } else {
            Searched::Clause(Clause::of(&domain)?)
        })
    }

    fn domain(&self, operator: Operator, value: &Value) -> Result<Value, Refused> {
        let clause = |path: String, operator: Operator, value: Value| {
            Value::List(vec![text(path), text(operator.text()), value])
        };
        match value {
            Value::Text(pattern) => Ok(self.path(operator, pattern)),
            Value::Null => Ok(Value::List(vec![clause(self.name.to_owned(), operator, Value::Null)])),
            _ => {
                let items = value.items().ok_or_else(|| Refused("a name is not a text".into()))?;
                // `!=` with a list is `=` with each here, as in Tryton.
                let (word, operator) = match operator.text().starts_with("not") {
                    true => ("AND", Operator::NotEqual),
                    false => ("OR", Operator::Equal),
                };
                let mut any = vec![text(word)];
                for item in items {
                    any.push(self.domain(operator, item)?);
                }
                Ok(Value::List(any))
            }
        }
    }

    /// Each part of the text is the name of one record on the way up.
    fn path(&self, operator: Operator, pattern: &str) -> Value {
        let mut domain = Vec::new();
        let mut field = self.name.to_owned();
        let mut top = String::new();
        for part in pattern.rsplit(self.separator) {
            domain.push(Value::List(vec![text(field.as_str()), text(operator.text()), text(part.trim())]));
            field = format!("{}.{field}", self.parent);
            top = if top.is_empty() { self.parent.to_owned() } else { format!("{}.{top}", self.parent) };
        }
        if !is_like(operator) || !pattern.replace("%%", "__").starts_with('%') {
            let root = if operator.negative() { Operator::NotEqual } else { Operator::Equal };
            domain.push(Value::List(vec![text(top), text(root.text()), Value::Null]));
            if operator.negative() {
                domain.insert(0, text("OR"));
            }
        }
        Value::List(domain)
    }
}
