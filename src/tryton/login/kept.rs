//! Sign-ins that a browser keeps, as a text that it sends back.
//!
//! The text is sealed, so that nobody reads or makes one. It is bound to login and password as they are, so whoever is no
//! longer active or has another password is out at once, as with a password itself. It ends when it was not used for a
//! while, and at longest some time after its beginning. All of it is in the text: every instance with the same key knows
//! it, and none remembers who is signed in. Only what its user ended is remembered, by the instance that was told.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chacha20poly1305::{
    Key, KeyInit as _, XChaCha20Poly1305, XNonce,
    aead::{Aead as _, Payload},
};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::error::{self, Error, Result};

use super::{Inner, SignIn, UserId};

/// Says what the key and the sealed bytes are for: the same setting protects other things too.
const PURPOSE: &[u8] = b"gnuhealth-fhir: a sign-in that a browser keeps, 1";
/// Bytes of the nonce of XChaCha20.
const NONCE: usize = 24;
/// Bytes of what is sealed.
const PLAIN: usize = 4 + 16 + 8 + 8 + 32;
/// Characters of a text at most; all of ours are shorter.
const LONGEST: usize = 256;
/// How far the clocks of instances may differ, in milliseconds.
const SKEW: i64 = 60_000;
/// A text is renewed when this part of the idle time has passed.
const RENEWED_AFTER: i64 = 10;

/// How long a kept sign-in holds.
#[derive(Clone, Debug)]
pub struct Options {
    /// Key shared by several instances; random when absent.
    pub key: Option<String>,
    /// It ends when it was not used for this long.
    pub idle: Duration,
    /// It ends this long after the sign-in, however much it is used.
    pub longest: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { key: None, idle: Duration::from_secs(15 * 60), longest: Duration::from_secs(12 * 60 * 60) }
    }
}

/// What a user is signed in with, without saying it: another one when login or password change.
#[derive(Clone, Copy)]
pub struct Proof([u8; 32]);

impl Proof {
    /// Of a user with this login and this stored hash.
    pub fn of(user: UserId, login: &str, password_hash: &str) -> Self {
        let mut hash = Sha256::new();
        for part in [PURPOSE, &user.to_be_bytes(), login.as_bytes(), password_hash.as_bytes()] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Self(hash.finalize().into())
    }

    fn is(self, other: Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

/// What is sealed. Times are milliseconds since 1970.
struct Kept {
    user: UserId,
    id: [u8; 16],
    began: i64,
    used: i64,
    proof: Proof,
}

/// Seals and opens.
pub(super) struct Keeper {
    cipher: XChaCha20Poly1305,
    idle: i64,
    longest: i64,
    /// What was ended by its user, until when it would have held.
    ended: Arc<Mutex<HashMap<[u8; 16], i64>>>,
}

fn ended() -> Error {
    Error::new(&error::SESSION_ENDED)
}

fn random(bytes: &mut [u8]) -> Result<()> {
    getrandom::fill(bytes).map_err(|error| Error::new(&error::INTERNAL).cause(error))
}

impl Keeper {
    /// # Errors
    /// The operating system gives no random bytes.
    pub(super) fn new(options: &Options) -> Result<Self> {
        let mut key = [0; 32];
        match &options.key {
            Some(shared) => {
                let hash = Sha256::new().chain_update(PURPOSE).chain_update(shared);
                key.copy_from_slice(&hash.finalize());
            }
            None => random(&mut key)?,
        }
        let milliseconds = |time: Duration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        Ok(Self {
            cipher: XChaCha20Poly1305::new(Key::from_slice(&key)),
            idle: milliseconds(options.idle),
            longest: milliseconds(options.longest),
            ended: Arc::default(),
        })
    }

    /// What was ended stays so; with `same_key` what holds goes on, too.
    pub(super) fn after(&mut self, before: &Self, same_key: bool) {
        self.ended = Arc::clone(&before.ended);
        if same_key {
            self.cipher = before.cipher.clone();
        }
    }

    fn begin(&self, user: UserId, proof: Proof, now: Timestamp) -> Result<String> {
        let mut id = [0; 16];
        random(&mut id)?;
        let now = now.as_millisecond();
        self.seal(&Kept { user, id, began: now, used: now, proof })
    }

    fn seal(&self, kept: &Kept) -> Result<String> {
        let mut plain = Vec::with_capacity(PLAIN);
        plain.extend(kept.user.to_be_bytes());
        plain.extend(kept.id);
        plain.extend(kept.began.to_be_bytes());
        plain.extend(kept.used.to_be_bytes());
        plain.extend(kept.proof.0);
        let mut bytes = vec![0; NONCE];
        random(&mut bytes)?;
        let payload = Payload { msg: &plain, aad: PURPOSE };
        let sealed = self
            .cipher
            .encrypt(XNonce::from_slice(&bytes), payload)
            .map_err(|_| Error::new(&error::INTERNAL).cause("a sign-in could not be encrypted"))?;
        bytes.extend(sealed);
        Ok(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// What a text says, when it is ours and holds now.
    fn open(&self, text: &str, now: Timestamp) -> Result<Kept> {
        if text.len() > LONGEST {
            return Err(ended());
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| ended())?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE).ok_or_else(ended)?;
        let payload = Payload { msg: sealed, aad: PURPOSE };
        let plain = self.cipher.decrypt(XNonce::from_slice(nonce), payload).map_err(|_| ended())?;
        let kept = Kept::read(&plain).ok_or_else(ended)?;
        let now = now.as_millisecond();
        // A time that is still to come is nobody's: the clock was set back, or another one is wrong.
        let holds = |since: i64, time: i64| {
            let passed = now.saturating_sub(since);
            passed >= -SKEW && passed < time
        };
        if !holds(kept.used, self.idle) || !holds(kept.began, self.longest) || self.was_ended(&kept.id) {
            return Err(ended());
        }
        Ok(kept)
    }

    fn was_ended(&self, id: &[u8; 16]) -> bool {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).contains_key(id)
    }

    fn end(&self, text: &str, now: Timestamp) {
        let Ok(kept) = self.open(text, now) else { return };
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let now = now.as_millisecond();
        ended.retain(|_, until| *until > now);
        // A text from a clock that goes ahead holds that much longer.
        ended.insert(kept.id, kept.began.saturating_add(self.longest).saturating_add(SKEW));
    }

    /// The text with its last use now, when it is worth a new one.
    fn renewed(&self, text: &str, now: Timestamp) -> Option<String> {
        let kept = self.open(text, now).ok()?;
        let now = now.as_millisecond();
        if now.saturating_sub(kept.used) < self.idle / RENEWED_AFTER {
            return None;
        }
        self.seal(&Kept { used: now, ..kept }).ok()
    }
}

impl Kept {
    fn read(plain: &[u8]) -> Option<Self> {
        let plain: &[u8; PLAIN] = plain.try_into().ok()?;
        let (user, rest) = plain.split_first_chunk()?;
        let (id, rest) = rest.split_first_chunk()?;
        let (began, rest) = rest.split_first_chunk()?;
        let (used, rest) = rest.split_first_chunk()?;
        Some(Self {
            user: UserId::from_be_bytes(*user),
            id: *id,
            began: i64::from_be_bytes(*began),
            used: i64::from_be_bytes(*used),
            proof: Proof(rest.try_into().ok()?),
        })
    }
}

impl SignIn {
    /// Signs in with a password, and gives the text that a browser keeps.
    ///
    /// # Errors
    /// As [`SignIn::sign_in`]. A code for a forgotten password gives none: it ends by the clock, which nothing tells.
    pub async fn keep(&self, login: &str, password: &str, client: Option<IpAddr>) -> Result<String> {
        let user = self.with_password(login, password, client).await?;
        let Inner { verified, keeper, .. } = &*self.0;
        let hash = verified.proof(&verified.key(login, password)).ok_or_else(|| {
            Error::new(&error::CREDENTIAL_SCHEME).detail(
                "A code for a forgotten password does not sign in here; first set a password in GNU Health.",
            )
        })?;
        keeper.begin(user, Proof::of(user, login, &hash), Timestamp::now())
    }

    /// The user whose browser keeps this text.
    pub(super) fn with_kept(&self, text: &str) -> Result<UserId> {
        let Inner { accounts, keeper, options, .. } = &*self.0;
        let kept = keeper.open(text, Timestamp::now())?;
        let holds = accounts.proof(kept.user)?.is_some_and(|proof| proof.is(kept.proof));
        if holds && options.passwords { Ok(kept.user) } else { Err(ended()) }
    }

    /// The text to keep from now on, when it is time for a new one.
    pub fn renewed(&self, text: &str) -> Option<String> {
        self.with_kept(text).ok()?;
        self.0.keeper.renewed(text, Timestamp::now())
    }

    /// Ends a kept sign-in.
    pub fn end(&self, text: &str) {
        self.0.keeper.end(text, Timestamp::now());
    }

    /// How long a kept sign-in holds without being used.
    pub fn idle(&self) -> Duration {
        self.0.options.kept.idle
    }
}

#[cfg(test)]
mod tests;
