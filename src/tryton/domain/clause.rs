//! Reading a domain: which lists are clauses, which are groups, and where `active` is implied.

use super::Refused;
use crate::tryton::pyson::Value;

/// A domain.
#[derive(Clone, Debug)]
pub(super) enum Clause {
    All(Vec<Clause>),
    Any(Vec<Clause>),
    Leaf(Leaf),
}

/// `[path, operator, value]`, and what may follow.
#[derive(Clone, Debug)]
pub(super) struct Leaf {
    pub path: String,
    pub operator: Operator,
    pub value: Value,
    /// Fourth element and beyond.
    pub rest: Vec<Value>,
}

macro_rules! operators {
    ($($name:ident = $text:literal;)+) => {
        /// Operators of clauses.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Operator { $($name),+ }

        impl Operator {
            pub(super) fn of(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$name),)+ _ => None }
            }

            /// As it is written in a domain.
            pub(super) fn text(self) -> &'static str {
                match self { $(Self::$name => $text),+ }
            }
        }
    };
}

operators! {
    Equal = "="; NotEqual = "!=";
    Like = "like"; NotLike = "not like"; ILike = "ilike"; NotILike = "not ilike";
    In = "in"; NotIn = "not in";
    Less = "<"; Greater = ">"; LessEqual = "<="; GreaterEqual = ">=";
    ChildOf = "child_of"; NotChildOf = "not child_of"; ParentOf = "parent_of"; NotParentOf = "not parent_of";
    Where = "where"; NotWhere = "not where";
}

impl Operator {
    fn pattern(self) -> bool {
        matches!(self, Self::Like | Self::NotLike | Self::ILike | Self::NotILike)
    }

    /// `!=` and everything that starts with `not`.
    pub(super) fn negative(self) -> bool {
        self.text().starts_with(['!', 'n'])
    }
}

impl Leaf {
    /// The field, and the rest of the path behind the first dot.
    pub(super) fn split(&self) -> (&str, Option<&str>) {
        match self.path.split_once('.') {
            Some((field, rest)) => (field, Some(rest)),
            None => (&self.path, None),
        }
    }

    /// The same clause on another path, as a value.
    pub(super) fn on(&self, path: &str) -> Value {
        let mut items = vec![
            Value::Text(path.to_owned()),
            Value::Text(self.operator.text().to_owned()),
            self.value.clone(),
        ];
        items.extend(self.rest.iter().cloned());
        Value::List(items)
    }

    pub(super) fn of(value: &Value) -> Result<Option<Self>, Refused> {
        let Some([path, Value::Text(operator), value, rest @ ..]) = value.items() else { return Ok(None) };
        let Some(operator) = Operator::of(operator) else { return Ok(None) };
        let Value::Text(path) = path else { return Err(Refused("a clause without a field".into())) };
        if operator.pattern() && matches!(value, Value::Text(text) if escapes_nothing(text)) {
            return Err(Refused("a pattern ends with a backslash, which PostgreSQL refuses".into()));
        }
        let (value, rest) = (value.clone(), rest.to_vec());
        Ok(Some(Self { path: path.clone(), operator, value, rest }))
    }
}

/// A pattern that ends with an escape and nothing behind it.
fn escapes_nothing(pattern: &str) -> bool {
    let end = pattern.len() - pattern.trim_end_matches('\\').len();
    end % 2 == 1
}

impl Clause {
    /// Reads a domain; nested groups with the same operator become one, as in Tryton.
    pub(super) fn of(domain: &Value) -> Result<Self, Refused> {
        if let Some(leaf) = Leaf::of(domain)? {
            return Ok(Self::Leaf(leaf));
        }
        let items = domain.items().ok_or_else(|| Refused("a domain is not a list".into()))?;
        let (any, items) = match items {
            [Value::Text(word), items @ ..] => match word.as_str() {
                "AND" => (false, items),
                "OR" => (true, items),
                _ => return Err(Refused(format!("neither a clause nor an operator: {word}"))),
            },
            items => (false, items),
        };
        let mut parts = Vec::with_capacity(items.len());
        for item in items {
            if let Some(leaf) = Leaf::of(item)? {
                parts.push(Self::Leaf(leaf));
                continue;
            }
            match (item, any) {
                (Value::List(inner), _) if inner.is_empty() => parts.push(Self::All(Vec::new())),
                (Value::List(_), _) => match (Self::of(item)?, any) {
                    (Self::All(inner), false) | (Self::Any(inner), true) => parts.extend(inner),
                    (group, _) => parts.push(group),
                },
                _ => return Err(Refused("an element of a domain is not a list".into())),
            }
        }
        Ok(if any { Self::Any(parts) } else { Self::All(parts) })
    }

    /// Adds `active = true` to each list that has no clause on `active` (semantics 7.4).
    pub(super) fn with_active(self) -> Self {
        let active = Self::Leaf(Leaf {
            path: "active".into(),
            operator: Operator::Equal,
            value: Value::Bool(true),
            rest: Vec::new(),
        });
        let (any, parts) = match self {
            leaf @ Self::Leaf(_) => return Self::All(vec![leaf, active]),
            Self::All(parts) => (false, parts),
            Self::Any(parts) => (true, parts),
        };
        let asked = parts.iter().any(|part| matches!(part, Self::Leaf(leaf) if leaf.path == "active"));
        let descend = |part| if matches!(part, Self::Leaf(_)) { part } else { part.with_active() };
        let mut parts: Vec<_> = parts.into_iter().map(descend).collect();
        match (any, asked) {
            (false, true) => Self::All(parts),
            (true, true) => Self::Any(parts),
            (false, false) => {
                parts.push(active);
                Self::All(parts)
            }
            (true, false) => Self::All(vec![Self::Any(parts), active]),
        }
    }
}
