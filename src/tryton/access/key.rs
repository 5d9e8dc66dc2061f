//! A number for a set of rights.

use std::collections::HashMap;

use jiff::civil::DateTime;
use xxhash_rust::xxh3::{Xxh3, xxh3_64_with_seed};

use super::Readable;
use crate::tryton::Name;

/// The number of these rights: a hash of everything that decides what may be read.
pub(super) fn of(models: &HashMap<Name, Readable>, language: Option<&str>) -> u64 {
    let mut names: Vec<_> = models.iter().collect();
    names.sort_unstable_by_key(|(name, _)| *name);
    let mut hash = Xxh3::new();
    let mut text = |text: &str| {
        hash.update(&text.len().to_le_bytes());
        hash.update(text.as_bytes());
    };
    text(language.unwrap_or_default());
    for (name, readable) in names {
        text(name);
        text(&readable.hidden.len().to_string());
        readable.hidden.iter().for_each(|field| text(field));
        if let Some(rules) = &readable.rules {
            text(&rules.identity());
        }
    }
    hash.digest()
}

/// The number of rights that depend on the time.
pub(super) fn at(key: u64, now: DateTime) -> u64 {
    xxh3_64_with_seed(now.to_string().as_bytes(), key)
}
