//! What differs between requests that have a plan in common.

use super::keyset::Cursor;
use crate::sql::Value;

/// What fills the gaps of a plan.
pub type Gaps = Vec<Value>;

/// The gap of the record that a read or a search asks for.
pub(super) const RECORD: usize = 0;
/// The same record as an array.
pub(super) const RECORDS: usize = 1;
/// The gap of the record that a further page begins behind.
pub(super) const LAST_RECORD: usize = 2;
/// The gap of its emit.
pub(super) const LAST_EMIT: usize = 3;
/// The gap of its first sort key; those of the others follow.
pub(super) const LAST_KEYS: usize = 4;

/// What fills the gaps of the plan of a search that asks for this record and begins behind this position.
pub fn of_search(record: Option<i32>, cursor: Option<&Cursor>) -> Gaps {
    let mut all = Vec::new();
    if record.is_some() || cursor.is_some() {
        let record = record.unwrap_or_default();
        all.extend([Value::Int4(record), Value::Int4s(vec![record])]);
    }
    if let Some(cursor) = cursor {
        all.extend([Value::Int4(cursor.record), Value::Int4(cursor.emit)]);
        all.extend(cursor.keys.iter().map(|key| Value::Text(key.clone().unwrap_or_default())));
    }
    all
}
