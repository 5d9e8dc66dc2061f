//! Char and text fields: accents, and the full text search that Tryton does behind `ilike`.

use super::{
    Refused,
    clause::{Leaf, Operator},
    compile::Compiler,
    node::{Node, Operand, Term},
    scalar,
};
use crate::{
    sql,
    tryton::{
        catalog::{Field, FieldKind},
        pyson::Value,
    },
};

impl Compiler<'_> {
    pub(super) fn text(self, field: &Field, term: Term, leaf: &Leaf) -> Result<Node, Refused> {
        if !matches!(leaf.operator, Operator::ILike | Operator::NotILike) || leaf.value == Value::Null {
            return scalar::test(self.series(), field, term, leaf);
        }
        let Value::Text(pattern) = &leaf.value else {
            return Err(Refused("a pattern is not a text".into()));
        };
        let negative = leaf.operator == Operator::NotILike;
        let value = scalar::convert(self.series(), field, &leaf.value)?;
        let (column, operand) = if self.catalog.unaccent {
            (Term::Unaccent(Box::new(term.clone())), Operand::Unaccent(value))
        } else {
            (term.clone(), Operand::Value(value))
        };
        let plain = Node::Compare(column.clone(), scalar::comparison(leaf.operator)?, operand);
        if field.kind != FieldKind::Text || !is_full_text(pattern) {
            return Ok(plain);
        }
        if self.catalog.unaccent {
            return Err(Refused("full text search without accents".into()));
        }
        let words = Operand::Words(sql::Value::Text(unescape(pattern)));
        let found = Node::Compare(Term::FullText(Box::new(column)), "@@", words);
        let found = if negative { found.not() } else { found };
        Ok(match (self.catalog.similarity, negative) {
            (false, _) => found,
            (true, true) => plain.or(found),
            (true, false) => plain.and(found),
        })
    }
}

/// Wildcards at both ends or at none, and none inside (`trytond.tools.is_full_text`).
pub(super) fn is_full_text(pattern: &str) -> bool {
    let inner = pattern.strip_prefix('%').unwrap_or(pattern);
    let inner = match inner.strip_suffix('%') {
        Some(inner) if !inner.ends_with('\\') => inner,
        _ => inner,
    };
    let inner = inner.replace("\\%", "").replace("\\_", "");
    !pattern.is_empty() && !inner.contains(['%', '_']) && pattern.starts_with('%') == pattern.ends_with('%')
}

fn unescape(pattern: &str) -> String {
    pattern.replace("\\%", "%").replace("\\_", "_").replace("\\\\", "\\")
}
