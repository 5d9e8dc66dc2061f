//! Validated keys of applications (`res_user_application`).

use std::collections::HashMap;

use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use crate::error::{self, Error, Result};

/// Whose each key is. Only what a secret of this process makes of a key is kept: a key cannot be found in memory, and
/// the time of a look says nothing about how much of a key is right.
#[derive(Debug)]
pub(super) struct Keys {
    secret: Hmac<Sha256>,
    /// `None`: the rows do not agree.
    owners: HashMap<[u8; 32], Option<i32>>,
}

impl Keys {
    /// # Errors
    /// The operating system gives no random bytes.
    pub(super) fn new() -> Result<Self> {
        let mut secret = [0; 64];
        getrandom::fill(&mut secret).map_err(|error| Error::new(&error::INTERNAL).cause(error))?;
        let secret = Hmac::new_from_slice(&secret).expect("HMAC takes keys of any length");
        Ok(Self { secret, owners: HashMap::new() })
    }

    /// Adds a row. Nothing in Tryton keeps two rows from having one key; whose it is then depends on the order of the rows,
    /// so here it is nobody's.
    pub(super) fn add(&mut self, application: &str, key: &str, user: Option<i32>) {
        let digest = self.digest(application, key);
        let owner = self.owners.entry(digest).or_insert(user);
        if *owner != user {
            *owner = None;
        }
    }

    pub(super) fn owner(&self, application: &str, key: &str) -> Option<i32> {
        self.owners.get(&self.digest(application, key)).copied().flatten()
    }

    /// No text of PostgreSQL has a NUL byte: it parts name and key.
    fn digest(&self, application: &str, key: &str) -> [u8; 32] {
        let mut mac = self.secret.clone();
        mac.update(application.as_bytes());
        mac.update(&[0]);
        mac.update(key.as_bytes());
        mac.finalize().into_bytes().into()
    }
}

#[cfg(test)]
mod tests {
    use super::Keys;

    #[test]
    fn a_key_is_of_one_application_and_one_user() {
        let mut keys = Keys::new().unwrap();
        for (application, key, user) in [
            ("fhir", "abc", Some(1)),
            ("other", "abc", Some(2)),
            ("fhir", "same", Some(3)),
            ("fhir", "same", Some(3)),
            ("fhir", "shared", Some(3)),
            ("fhir", "shared", Some(4)),
            ("fhir", "shared", Some(3)),
            ("fhir", "nobody", None),
            ("fhir", "half", Some(5)),
            ("fhir", "half", None),
            ("fhir", "", Some(6)),
        ] {
            keys.add(application, key, user);
        }
        assert_eq!(keys.owner("fhir", "abc"), Some(1));
        assert_eq!(keys.owner("other", "abc"), Some(2));
        assert_eq!(keys.owner("fhir", "same"), Some(3));
        for (application, key) in [
            ("fhir", "shared"),
            ("fhir", "nobody"),
            ("fhir", "half"),
            ("fhir", "ABC"),
            ("fhir", "ab"),
            ("fhir", "abcd"),
            ("fhi", "rabc"),
            ("", "abc"),
        ] {
            assert_eq!(keys.owner(application, key), None, "{application} {key}");
        }
    }
}
