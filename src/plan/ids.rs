//! Resource ids: a reversible function of source and primary key, without a table.
//!
//! `7` for the only source of a type, else `<prefix>-<record>[-<key>]`.

use crate::mapping::compiled::ResourceType;

/// A record and the emit that a resource id stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// Index of the source.
    pub source: usize,
    /// Index of the emit.
    pub emit: usize,
    /// Record id.
    pub record: i32,
}

/// The id of a resource.
pub fn format_id(kind: &ResourceType, target: Target) -> String {
    let source = &kind.sources[target.source];
    let key = source.emits[target.emit].key.as_deref();
    match (&source.prefix, key) {
        (None, None) => target.record.to_string(),
        (Some(prefix), None) => format!("{prefix}-{}", target.record),
        (Some(prefix), Some(key)) => format!("{prefix}-{}-{key}", target.record),
        (None, Some(key)) => format!("{}-{key}", target.record),
    }
}

/// The record behind an id. Only the exact form that [`format_id`] gives is read: `07` or `+7` is no id.
pub fn parse_id(kind: &ResourceType, id: &str) -> Option<Target> {
    kind.sources.iter().enumerate().find_map(|(source, candidate)| {
        let rest = match &candidate.prefix {
            Some(prefix) => id.strip_prefix(prefix.as_str())?.strip_prefix('-')?,
            None => id,
        };
        let (number, key) = match rest.split_once('-') {
            Some((number, key)) => (number, Some(key)),
            None => (rest, None),
        };
        let record: i32 =
            number.parse().ok().filter(|record: &i32| *record >= 0 && record.to_string() == number)?;
        let emit = candidate.emits.iter().position(|emit| emit.key.as_deref() == key)?;
        Some(Target { source, emit, record })
    })
}
