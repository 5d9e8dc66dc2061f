//! Fields that hold JSON: multiselection and dict.

use super::{
    Refused,
    clause::{Leaf, Operator},
    compile::Compiler,
    node::{Node, Operand, Term},
    scalar,
};
use crate::{
    sql,
    tryton::{catalog::Field, pyson::Value},
};

fn unfit() -> Refused {
    Refused("the value does not fit the field".into())
}

fn json(value: &Value) -> Result<serde_json::Value, Refused> {
    Ok(match value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(value) => (*value).into(),
        Value::Int(value) => i64::try_from(*value).map_err(|_| unfit())?.into(),
        Value::Float(value) => {
            serde_json::Number::from_f64(*value).map(serde_json::Value::Number).ok_or_else(unfit)?
        }
        Value::Text(text) => text.as_str().into(),
        _ => return Err(unfit()),
    })
}

fn bound(value: &serde_json::Value) -> Operand {
    Operand::Value(sql::Value::Json(value.to_string()))
}

impl Compiler<'_> {
    pub(super) fn multi_selection(self, field: &Field, leaf: &Leaf) -> Result<Node, Refused> {
        let term = Term::Json(field.name);
        let keys = |items: &[Value]| -> Result<Vec<String>, Refused> {
            let mut keys = Vec::new();
            for item in items {
                match item {
                    Value::Null => {}
                    Value::Text(text) => keys.push(text.clone()),
                    _ => return Err(unfit()),
                }
            }
            keys.sort();
            keys.dedup();
            Ok(keys)
        };
        match leaf.operator {
            Operator::In | Operator::NotIn => {
                let node = match (&leaf.value, leaf.value.items()) {
                    (Value::Null, _) => Node::Constant(false),
                    (Value::Text(text), _) => {
                        Node::Compare(term, "?", Operand::Value(sql::Value::Text(text.clone())))
                    }
                    (_, Some(items)) => {
                        Node::Compare(term, "?|", Operand::Value(sql::Value::Texts(keys(items)?)))
                    }
                    _ => return Err(unfit()),
                };
                Ok(if leaf.operator == Operator::NotIn { node.not() } else { node })
            }
            Operator::Equal | Operator::NotEqual => match (&leaf.value, leaf.value.items()) {
                (Value::Null, _) if leaf.operator == Operator::Equal => Ok(Node::Null(term)),
                (Value::Null, _) => Ok(Node::NotNull(term)),
                (_, Some(items)) if !items.contains(&Value::Null) => {
                    let value = bound(&keys(items)?.into());
                    Ok(Node::Compare(term, scalar::comparison(leaf.operator)?, value))
                }
                _ => Err(unfit()),
            },
            _ => Err(Refused(format!("the operator {} does not fit the field", leaf.operator.text()))),
        }
    }

    pub(super) fn dict(self, field: &Field, leaf: &Leaf, key: Option<&str>) -> Result<Node, Refused> {
        let whole = Term::Json(field.name);
        let column = Term::Column(field.name);
        let Some(key) = key else {
            let null = bound(&serde_json::Value::Null);
            return match (leaf.operator, &leaf.value) {
                (Operator::Equal, Value::Null) => Ok(Node::Compare(whole, "=", null).or(Node::Null(column))),
                (Operator::NotEqual, Value::Null) => {
                    Ok(Node::Compare(whole, "<>", null).and(Node::NotNull(column)))
                }
                _ => Err(unfit()),
            };
        };
        let entry = |text| Term::JsonKey { column: field.name, key: key.to_owned(), text };
        let present = Node::Compare(whole.clone(), "?", Operand::Value(sql::Value::Text(key.to_owned())));
        match (leaf.operator, &leaf.value) {
            (Operator::Equal, Value::Null) => Ok(present.not()),
            (Operator::NotEqual, Value::Null) => Ok(present),
            (Operator::Equal | Operator::NotEqual, value) => {
                let pair = serde_json::Map::from_iter([(key.to_owned(), json(value)?)]);
                let contains = Node::Compare(whole, "@>", bound(&pair.into()));
                Ok(if leaf.operator == Operator::Equal { contains } else { contains.not().and(present) })
            }
            (Operator::In | Operator::NotIn, value) => {
                let items = value.items().ok_or_else(unfit)?;
                if items.contains(&Value::Null) {
                    return Err(unfit());
                }
                let each =
                    items.iter().map(|item| Ok(Node::Compare(entry(false), "@>", bound(&json(item)?))));
                let any = Node::Any(each.collect::<Result<_, _>>()?);
                Ok(match (leaf.operator, items.is_empty()) {
                    (Operator::In, true) => Node::Constant(false),
                    (_, true) => Node::Constant(true),
                    (Operator::In, false) => any,
                    _ => any.not(),
                })
            }
            (operator, value) if scalar::is_like(operator) => {
                if self.catalog.unaccent {
                    return Err(Refused("a search without accents".into()));
                }
                let pattern = Operand::Value(sql::Value::Text(json(value)?.to_string()));
                Ok(Node::Compare(entry(true), scalar::comparison(operator)?, pattern))
            }
            (operator, value) => {
                Ok(Node::Compare(entry(false), scalar::comparison(operator)?, bound(&json(value)?)))
            }
        }
    }
}
