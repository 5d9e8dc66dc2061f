//! Paging by position, not by counting: the next page starts after the last row of this one.
//!
//! The order is the sort keys, then source, record, emit: unique, so no row is lost or repeated while others are
//! inserted. Missing values come last, in both directions of a key.

use super::gaps::{LAST_EMIT, LAST_KEYS, LAST_RECORD};
use crate::{
    mapping::compiled::Kind,
    sql::{Alias, Fragment, Value},
};

/// Which way a page goes from its cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Rows after the cursor.
    Next,
    /// Rows before the cursor.
    Previous,
}

/// The position of a row in the order of a search.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cursor {
    /// Values of the sort keys as PostgreSQL writes them.
    pub keys: Vec<Option<String>>,
    /// Source.
    pub source: i32,
    /// Record.
    pub record: i32,
    /// Emit.
    pub emit: i32,
    /// Which way to go.
    pub direction: Direction,
}

impl Cursor {
    /// Before all rows of a source, in a search without sort keys.
    pub fn before(source: usize) -> Self {
        let source = i32::try_from(source).unwrap_or(i32::MAX);
        Self { keys: Vec::new(), source, record: i32::MIN, emit: i32::MIN, direction: Direction::Next }
    }

    /// What a plan depends on: all positions in a source have a plan in common, as far as the same keys are missing. The rest
    /// fills its gaps.
    pub fn form(&self) -> Self {
        let keys = self.keys.iter().map(|key| key.as_ref().map(|_| String::new())).collect();
        Self { keys, source: self.source, record: 0, emit: 0, direction: self.direction }
    }
}

/// A sort key of a statement.
#[derive(Clone, Debug)]
pub struct Key {
    /// Type that the text of a cursor is read as.
    pub kind: Kind,
    /// Largest first.
    pub descending: bool,
}

/// The value of a cursor in this gap, read as the type of a sort key.
fn typed(kind: Kind, gap: usize) -> Fragment {
    let value = Fragment::new().bind(Value::TextGap(gap));
    let text = Fragment::raw("(").then(value.clone()).text("::");
    match kind {
        Kind::Date => text.text("date)"),
        Kind::Timestamp => text.text("timestamp)"),
        Kind::Time => text.text("time)"),
        Kind::Integer => text.text("int8)"),
        Kind::Float => text.text("float8)"),
        Kind::Numeric => text.text("numeric)"),
        Kind::Boolean => text.text("bool)"),
        Kind::Text | Kind::Binary => value,
    }
}

/// Rows beyond the cursor. `keys` are the expressions of this branch; source, record and emit decide ties.
pub fn beyond(cursor: &Cursor, keys: &[(Key, Fragment)], tie: Fragment) -> Fragment {
    let next = cursor.direction == Direction::Next;
    let mut all = tie;
    for (index, ((key, expression), value)) in keys.iter().zip(&cursor.keys).enumerate().rev() {
        let is_null = expression.clone().parens().text(" IS NULL");
        all = match value {
            Some(_) => {
                let value = typed(key.kind, LAST_KEYS + index);
                let ahead = if next == key.descending { " < " } else { " > " };
                let same = Fragment::all([expression.clone().text(" = ").then(value.clone()), all]);
                let farther = expression.clone().text(ahead).then(value);
                // Missing values stand behind all others.
                if next { Fragment::any([farther, same, is_null]) } else { Fragment::any([farther, same]) }
            }
            None => {
                let same = Fragment::all([is_null, all]);
                let before = expression.clone().parens().text(" IS NOT NULL");
                if next { same } else { Fragment::any([before, same]) }
            }
        };
    }
    all
}

/// Of rows that are equal in all keys those beyond the cursor, in a branch of one source.
pub fn tie(cursor: &Cursor, source: usize, record: &Fragment, emit: &Fragment) -> Fragment {
    let next = cursor.direction == Direction::Next;
    match (i32::try_from(source).unwrap_or(i32::MAX).cmp(&cursor.source), next) {
        (std::cmp::Ordering::Less, true) | (std::cmp::Ordering::Greater, false) => Fragment::truth(false),
        (std::cmp::Ordering::Greater, true) | (std::cmp::Ordering::Less, false) => Fragment::truth(true),
        (std::cmp::Ordering::Equal, _) => {
            let pair = Fragment::raw("(").then(record.clone()).text(", ").then(emit.clone()).text(")");
            let beyond = pair.text(if next { " > " } else { " < " }).then(last().parens());
            // Emits of a record are rows of their own, and no index knows them: without this the page would begin at the first
            // record each time.
            let from = record.clone().text(if next { " >= " } else { " <= " }).bind(Value::Gap(LAST_RECORD));
            Fragment::all([from, beyond])
        }
    }
}

/// The same in a branch of several sources.
pub fn tie_of_many(cursor: &Cursor, source: &Fragment, record: &Fragment, emit: &Fragment) -> Fragment {
    let place = Fragment::join([source, record, emit].map(Fragment::clone), ", ").parens();
    let here = Fragment::raw("(").bind(cursor.source).text(", ").then(last()).text(")");
    let ahead = if cursor.direction == Direction::Next { " > " } else { " < " };
    place.text(ahead).then(here)
}

/// Record and emit of the cursor.
fn last() -> Fragment {
    Fragment::new().bind(Value::Gap(LAST_RECORD)).text(", ").bind(Value::Gap(LAST_EMIT))
}

/// ORDER BY over columns `s0…`, `src`, `pk`, `k` of a page; of `page`, when the page is joined with other tables.
pub fn order(keys: &[Key], direction: Direction, page: Option<Alias>) -> Fragment {
    let next = direction == Direction::Next;
    // A bare `s0` would mean the column of the answer, which is text: 10 before 9.
    let column = |order: Fragment| match page {
        Some(page) => order.alias(page).text("."),
        None => order,
    };
    let mut order = Fragment::new();
    for (index, key) in keys.iter().enumerate() {
        order = column(order).text("s").number(index);
        order.push(match (next != key.descending, next) {
            (true, true) => " ASC NULLS LAST, ",
            (false, true) => " DESC NULLS LAST, ",
            (true, false) => " ASC NULLS FIRST, ",
            (false, false) => " DESC NULLS FIRST, ",
        });
    }
    let end = if next { ["src, ", "pk, ", "k"] } else { ["src DESC, ", "pk DESC, ", "k DESC"] };
    end.into_iter().fold(order, |order, name| column(order).text(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_begins_at_its_record() {
        let cursor = Cursor { record: 7, emit: 2, ..Cursor::before(1) };
        let [record, emit] = ["t0.id", "t1.k"].map(Fragment::raw);
        let text = |direction, source| {
            let cursor = Cursor { direction, ..cursor.clone() };
            tie(&cursor, source, &record, &emit).finish().text
        };
        // The first part is what an index of the records can be asked for.
        assert_eq!(text(Direction::Next, 1), "(t0.id >= $1::int4 AND (t0.id, t1.k) > ($2::int4, $3::int4))");
        assert_eq!(
            text(Direction::Previous, 1),
            "(t0.id <= $1::int4 AND (t0.id, t1.k) < ($2::int4, $3::int4))"
        );
        assert_eq!([0, 2].map(|source| text(Direction::Next, source)), ["FALSE", "TRUE"]);
    }

    #[test]
    fn an_order_beside_other_tables_names_the_columns_of_the_page() {
        let keys = [Key { kind: Kind::Numeric, descending: true }];
        let text = |direction, page| order(&keys, direction, page).finish().text;
        assert_eq!(text(Direction::Next, None), "s0 DESC NULLS LAST, src, pk, k");
        // The answer has a column `s0` as well, of text.
        assert_eq!(text(Direction::Next, Some(Alias(3))), "t3.s0 DESC NULLS LAST, t3.src, t3.pk, t3.k");
        assert_eq!(
            text(Direction::Previous, Some(Alias(3))),
            "t3.s0 ASC NULLS FIRST, t3.src DESC, t3.pk DESC, t3.k DESC"
        );
    }
}
