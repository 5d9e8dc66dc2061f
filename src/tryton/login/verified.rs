//! Credentials that were verified before.

use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock},
    time::Instant,
};

use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use crate::error::{self, Error, Result};

use super::UserId;

/// Stands for a credential: keyed, so that it says nothing outside of this process.
pub(super) type Key = [u8; 32];

const SHARDS: usize = 16;

/// Verified credentials. Neither names nor secrets are kept, only keys made from them with a secret that ends with this
/// process; and `P`, by which it is known whether a credential still holds.
pub(super) struct Verified<P> {
    secret: Hmac<Sha256>,
    shards: [RwLock<HashMap<Key, Entry<P>>>; SHARDS],
    /// Entries per shard.
    most: usize,
}

struct Entry<P> {
    user: UserId,
    proof: P,
    since: Instant,
}

impl<P> Verified<P> {
    /// # Errors
    /// The operating system gives no random bytes.
    pub(super) fn new(most: usize) -> Result<Self> {
        let mut secret = [0; 64];
        getrandom::fill(&mut secret).map_err(|error| Error::new(&error::INTERNAL).cause(error))?;
        let secret = Hmac::new_from_slice(&secret).expect("HMAC takes keys of any length");
        Ok(Self { secret, shards: Default::default(), most: most.div_ceil(SHARDS) })
    }

    /// The name must not hold a NUL byte: it ends where the secret begins.
    pub(super) fn key(&self, name: &str, secret: &str) -> Key {
        let mut mac = self.secret.clone();
        mac.update(name.as_bytes());
        mac.update(&[0]);
        mac.update(secret.as_bytes());
        mac.finalize().into_bytes().into()
    }

    /// The user, when `current` confirms that the credential still holds. Otherwise it is forgotten.
    ///
    /// # Errors
    /// That of `current`; the credential stays.
    pub(super) fn user(
        &self,
        key: &Key,
        current: impl Fn(UserId, &P) -> Result<bool>,
    ) -> Result<Option<UserId>> {
        let shard = self.shard(key);
        {
            let entries = shard.read().unwrap_or_else(PoisonError::into_inner);
            let Some(entry) = entries.get(key) else { return Ok(None) };
            if current(entry.user, &entry.proof)? {
                return Ok(Some(entry.user));
            }
        }
        let mut entries = shard.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = entries.get(key)
            && !current(entry.user, &entry.proof)?
        {
            entries.remove(key);
        }
        Ok(None)
    }

    /// By what it is known that the credential still holds.
    pub(super) fn proof(&self, key: &Key) -> Option<P>
    where
        P: Clone,
    {
        let entries = self.shard(key).read().unwrap_or_else(PoisonError::into_inner);
        entries.get(key).map(|entry| entry.proof.clone())
    }

    pub(super) fn remember(&self, key: Key, user: UserId, proof: P) {
        let mut entries = self.shard(&key).write().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= self.most && !entries.contains_key(&key) {
            let oldest = entries.iter().min_by_key(|(_, entry)| entry.since).map(|(key, _)| *key);
            match oldest {
                Some(oldest) => entries.remove(&oldest),
                // Nothing is to be remembered.
                None => return,
            };
        }
        entries.insert(key, Entry { user, proof, since: Instant::now() });
    }

    fn shard(&self, key: &Key) -> &RwLock<HashMap<Key, Entry<P>>> {
        &self.shards[usize::from(key[0]) % SHARDS]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(verified: &Verified<String>) -> usize {
        verified.shards.iter().map(|shard| shard.read().unwrap().len()).sum()
    }

    #[test]
    fn a_credential_is_known_until_its_hash_changes() {
        let verified = Verified::new(100).unwrap();
        let key = verified.key("nurse", "secret");
        assert_eq!(verified.user(&key, |_, _| Ok(true)).unwrap(), None);
        verified.remember(key, 7, "hash".to_owned());
        assert_eq!(verified.user(&key, |user, hash| Ok(user == 7 && hash == "hash")).unwrap(), Some(7));
        assert_eq!(verified.user(&verified.key("nurse", "Secret"), |_, _| Ok(true)).unwrap(), None);
        assert!(verified.user(&key, |_, _| Err(Error::new(&error::DATABASE_UNAVAILABLE))).is_err());
        assert_eq!(verified.user(&key, |_, _| Ok(true)).unwrap(), Some(7), "kept while nothing is known");
        assert_eq!(verified.user(&key, |_, hash| Ok(hash == "other")).unwrap(), None);
        assert_eq!(verified.user(&key, |_, _| Ok(true)).unwrap(), None, "forgotten, not only refused");
        assert_eq!(entries(&verified), 0);
    }

    #[test]
    fn keys_tell_where_the_login_ends_and_belong_to_one_process() {
        let verified = Verified::<String>::new(100).unwrap();
        assert_ne!(verified.key("ab", "c"), verified.key("a", "bc"));
        assert_ne!(verified.key("a", "b"), Verified::<String>::new(100).unwrap().key("a", "b"));
    }

    #[test]
    fn the_number_of_credentials_is_bounded() {
        for most in [0, 64] {
            let verified = Verified::new(most).unwrap();
            for number in 0..1000 {
                let key = verified.key("nurse", &number.to_string());
                verified.remember(key, number, "hash".to_owned());
            }
            assert!(entries(&verified) <= most);
        }
    }
}
