//! Names of models, fields and tables, and other texts that mappings say again and again.

use std::{
    borrow::Borrow,
    collections::HashSet,
    fmt,
    ops::Deref,
    sync::{Mutex, PoisonError},
};

/// A name of Tryton or of a table, or another text of a mapping. The same few thousand stand in tens of thousands of places, so
/// each is in memory once, for as long as the program runs: only catalogues and mappings bring new ones, never a request.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Name(&'static str);

static ALL: Mutex<Option<All>> = Mutex::new(None);

/// Bytes of names that are taken from the system at once. One by one they would lie all over what is released around them, and
/// keep it from the system.
const BLOCK: usize = 128 * 1024;
/// Names that there is room for without moving them.
const NAMES: usize = 7000;

#[derive(Default)]
struct All {
    names: HashSet<&'static str>,
    /// What is left of a block.
    free: &'static mut [u8],
}

impl All {
    fn name(&mut self, text: &str) -> &'static str {
        if let Some(known) = self.names.get(text) {
            return known;
        }
        if self.free.len() < text.len() {
            self.free = vec![0; BLOCK.max(text.len())].leak();
        }
        let (new, free) = std::mem::take(&mut self.free).split_at_mut(text.len());
        self.free = free;
        new.copy_from_slice(text.as_bytes());
        let new: &'static [u8] = new;
        let new = std::str::from_utf8(new).expect("a copy of a text is a text");
        self.names.insert(new);
        new
    }
}

impl Name {
    /// Takes room for the names of a hospital, where the names that come next are made beside what is needed for a moment
    /// ([`crate::heap`]).
    pub fn make_room() {
        let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
        let all = all.get_or_insert_default();
        all.names.reserve(NAMES.saturating_sub(all.names.len()));
        if all.free.is_empty() {
            all.free = vec![0; BLOCK].leak();
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &'static str {
        self.0
    }
}

impl From<&str> for Name {
    fn from(text: &str) -> Self {
        let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
        Self(all.get_or_insert_default().name(text))
    }
}

impl From<String> for Name {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<&String> for Name {
    fn from(text: &String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0.to_owned()
    }
}

impl Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        self.0
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        self.0
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        self.0
    }
}

impl PartialEq<str> for Name {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

impl PartialEq<&str> for Name {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

impl PartialEq<String> for Name {
    fn eq(&self, other: &String) -> bool {
        self.0 == other
    }
}

impl PartialEq<Name> for str {
    fn eq(&self, other: &Name) -> bool {
        self == other.0
    }
}

impl PartialEq<Name> for &str {
    fn eq(&self, other: &Name) -> bool {
        *self == other.0
    }
}

impl PartialEq<Name> for String {
    fn eq(&self, other: &Name) -> bool {
        self == other.0
    }
}

impl serde::Serialize for Name {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_in_memory_once() {
        let [one, other] = ["party.party", &["party", "party"].join(".")].map(Name::from);
        assert!(std::ptr::eq(one.as_str(), other.as_str()));
        assert_eq!(one, "party.party");
        // Longer than a block, and beside it.
        let long = "ñ".repeat(BLOCK);
        assert_eq!([Name::from(&long), Name::from("é")].map(|name| name.len()), [2 * BLOCK, 2]);
        assert_eq!(Name::from(&long), long);
        assert!(Name::from("party.address") < one);
        assert_eq!(format!("{one:>12}|"), " party.party|");
    }
}
