//! Links between pages: encrypted, so that nobody reads or makes one; bound to user, search and mapping; for a while.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chacha20poly1305::{
    Key, KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    error::{self, Error, Result},
    plan::{Cursor, Direction},
};

/// Longest text that can be a link of ours.
const LENGTH: usize = 8192;

/// Seconds by which the clocks of instances that share a key may differ.
const SKEW: i64 = 5 * 60;

/// Makes and reads links between pages.
pub struct PageLinks {
    cipher: XChaCha20Poly1305,
    lifetime: Duration,
}

impl std::fmt::Debug for PageLinks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("<redacted>")
    }
}

/// What a link is bound to; it opens nothing else.
#[derive(Clone, Copy, Debug)]
pub struct Binding<'a> {
    /// User.
    pub user: i32,
    /// What is searched: a type, or a type in a compartment.
    pub place: &'a str,
    /// Parameters of the search in order.
    pub pairs: &'a [(String, String)],
    /// Fingerprint of the mappings.
    pub mapping: u64,
}

impl Binding<'_> {
    fn bytes(&self) -> Vec<u8> {
        let mut hash = Sha256::new();
        let mut part = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        };
        part(&self.user.to_be_bytes());
        part(self.place.as_bytes());
        part(&self.mapping.to_be_bytes());
        for (key, value) in self.pairs {
            part(key.as_bytes());
            part(value.as_bytes());
        }
        hash.finalize().to_vec()
    }
}

#[derive(Serialize, Deserialize)]
struct Content {
    /// Seconds since 1970 after which the link is no longer followed.
    #[serde(rename = "e")]
    expires: i64,
    #[serde(rename = "n")]
    next: bool,
    #[serde(rename = "k")]
    keys: Vec<Option<String>>,
    #[serde(rename = "p")]
    position: (i32, i32, i32),
}

impl PageLinks {
    /// With a key shared by several instances, or a random one.
    ///
    /// # Errors
    /// No source of randomness.
    pub fn new(key: Option<&str>, lifetime: Duration) -> Result<Self> {
        let mut bytes = [0u8; 32];
        match key {
            Some(key) => bytes.copy_from_slice(&Sha256::digest(key.as_bytes())),
            None => random(&mut bytes)?,
        }
        Ok(Self { cipher: XChaCha20Poly1305::new(Key::from_slice(&bytes)), lifetime })
    }

    /// The same links, with another lifetime.
    pub fn lasting(&self, lifetime: Duration) -> Self {
        Self { cipher: self.cipher.clone(), lifetime }
    }

    /// A link to the page beyond a cursor.
    ///
    /// # Errors
    /// No source of randomness.
    pub fn seal(&self, cursor: &Cursor, binding: Binding<'_>, now: Timestamp) -> Result<String> {
        let lifetime = i64::try_from(self.lifetime.as_secs()).unwrap_or(i64::MAX);
        let content = Content {
            expires: now.as_second().saturating_add(lifetime),
            next: cursor.direction == Direction::Next,
            keys: cursor.keys.clone(),
            position: (cursor.source, cursor.record, cursor.emit),
        };
        let plain =
            serde_json::to_vec(&content).map_err(|error| Error::new(&error::INTERNAL).cause(error))?;
        let mut nonce = [0u8; 24];
        random(&mut nonce)?;
        let payload = Payload { msg: &plain, aad: &binding.bytes() };
        let sealed = self
            .cipher
            .encrypt(XNonce::from_slice(&nonce), payload)
            .map_err(|_| Error::new(&error::INTERNAL).cause("a paging link could not be encrypted"))?;
        let mut bytes = nonce.to_vec();
        bytes.extend(sealed);
        Ok(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The cursor of a link.
    ///
    /// # Errors
    /// Not a link of ours for this user and search, or too old.
    pub fn open(&self, text: &str, binding: Binding<'_>, now: Timestamp) -> Result<Cursor> {
        let foreign = || Error::new(&error::PAGE_FOREIGN).at("_page");
        if text.len() > LENGTH {
            return Err(foreign());
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| foreign())?;
        let (nonce, sealed) = bytes.split_at_checked(24).ok_or_else(foreign)?;
        let payload = Payload { msg: sealed, aad: &binding.bytes() };
        let plain = self.cipher.decrypt(XNonce::from_slice(nonce), payload).map_err(|_| foreign())?;
        let content: Content = serde_json::from_slice(&plain).map_err(|_| foreign())?;
        let lifetime = i64::try_from(self.lifetime.as_secs()).unwrap_or(i64::MAX);
        // Also a link that would live longer than any made now: the clock went back since then.
        let longest = now.as_second().saturating_add(lifetime).saturating_add(SKEW);
        if content.expires < now.as_second() || content.expires > longest {
            return Err(Error::new(&error::PAGE_EXPIRED).at("_page"));
        }
        let (source, record, emit) = content.position;
        let direction = if content.next { Direction::Next } else { Direction::Previous };
        Ok(Cursor { keys: content.keys, source, record, emit, direction })
    }
}

fn random(bytes: &mut [u8]) -> Result<()> {
    getrandom::fill(bytes).map_err(|error| Error::new(&error::INTERNAL).cause(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_opens_for_its_user_and_search_only_and_for_a_while() {
        let links = PageLinks::new(None, Duration::from_secs(60)).unwrap();
        let cursor = Cursor {
            keys: vec![Some("a".into()), None],
            source: 1,
            record: 2,
            emit: 3,
            direction: Direction::Previous,
        };
        let pairs = vec![("name".to_owned(), "x".to_owned())];
        let binding = Binding { user: 5, place: "Patient", pairs: &pairs, mapping: 9 };
        let now = Timestamp::UNIX_EPOCH;
        let link = links.seal(&cursor, binding, now).unwrap();
        assert_eq!(links.open(&link, binding, now).unwrap(), cursor);
        for (seconds, good) in [(-300, true), (-301, false), (60, true), (61, false)] {
            let other = now + jiff::SignedDuration::from_secs(seconds);
            assert_eq!(links.open(&link, binding, other).is_ok(), good, "{seconds}");
        }
        let late = now + jiff::SignedDuration::from_secs(61);
        assert_eq!(links.open(&link, binding, late).unwrap_err().entry(), &error::PAGE_EXPIRED);
        let others = [
            Binding { user: 6, ..binding },
            Binding { place: "Person", ..binding },
            Binding { mapping: 8, ..binding },
            Binding { pairs: &[], ..binding },
        ];
        for other in others {
            assert_eq!(links.open(&link, other, now).unwrap_err().entry(), &error::PAGE_FOREIGN);
        }
        for end in [0, 10, link.len() - 1] {
            assert_eq!(links.open(&link[..end], binding, now).unwrap_err().entry(), &error::PAGE_FOREIGN);
        }
        let other_server = PageLinks::new(None, Duration::from_secs(60)).unwrap();
        assert!(other_server.open(&link, binding, now).is_err());
    }
}
