//! Password hashes that Tryton 5.0 to 8.2 leaves in `res_user.password_hash`: verified, never written.
//!
//! Which series writes which scheme: passlib in Tryton 5.0 to 7.4 (bcrypt, pbkdf2-sha512, later argon2 and scrypt),
//! pwdlib from 7.6 (argon2, bcrypt), and two forms of older series (`sha1$`, `bcrypt$`). All of them are read here,
//! whatever Python packages the Tryton host has.

mod argon2;
mod bcrypt;
mod encoding;
mod pbkdf2;
mod scrypt;
mod sha1;

pub use self::{
    argon2::{Argon2, Argon2Cost},
    bcrypt::Bcrypt,
    pbkdf2::Pbkdf2,
    scrypt::{Scrypt, ScryptCost},
    sha1::Sha1,
};

use std::fmt;

/// Longest password that is looked at, in characters; passlib refuses longer ones too.
pub const LONGEST_PASSWORD: usize = 4096;

/// Most memory that one check may take, in bytes (1 GiB; Tryton's own defaults take 64 MiB).
const MOST_MEMORY: u64 = 1 << 30;

/// Most memory that one check may pass over, in bytes (8 GiB, some seconds).
const MOST_WORK: u64 = 8 << 30;

/// Longest sum or salt that is read, in bytes.
const LONGEST_PART: usize = 1024;

/// A stored password hash.
#[derive(Clone, PartialEq, Eq)]
pub enum Hash {
    /// `$argon2id$`, `$argon2i$`, `$argon2d$`.
    Argon2(Argon2),
    /// `$scrypt$` and `$7$`.
    Scrypt(Scrypt),
    /// `$2a$`, `$2b$`, `$2y$`, and the same after `bcrypt$`.
    Bcrypt(Bcrypt),
    /// `$pbkdf2-sha512$`.
    Pbkdf2(Pbkdf2),
    /// `sha1$`, before Tryton 4.
    Sha1(Sha1),
}

/// What a check of a hash costs. Hashes of equal cost take equal time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cost {
    /// Argon2.
    Argon2(Argon2Cost),
    /// scrypt.
    Scrypt(ScryptCost),
    /// bcrypt: log2 of the rounds.
    Bcrypt(u32),
    /// PBKDF2: rounds.
    Pbkdf2(u32),
    /// SHA-1: next to nothing.
    Sha1,
}

/// Why a stored hash cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// Not one of the forms that Tryton writes.
    Unknown,
    /// A known form whose parameters ask for more memory or time than a check may take.
    TooCostly,
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "the password hash has a form that is not known",
            Self::TooCostly => "the password hash asks for more memory or time than a check may take",
        })
    }
}

impl Hash {
    /// Reads a stored hash.
    ///
    /// # Errors
    /// [`Unusable`]; nobody can sign in with such a hash.
    pub fn parse(stored: &str) -> Result<Self, Unusable> {
        if let Some(rest) = stored.strip_prefix("$argon2") {
            Argon2::parse(rest).map(Self::Argon2)
        } else if let Some(rest) = stored.strip_prefix("$scrypt$") {
            Scrypt::parse(rest).map(Self::Scrypt)
        } else if let Some(rest) = stored.strip_prefix("$7$") {
            Scrypt::parse_crypt(rest).map(Self::Scrypt)
        } else if let Some(rest) = stored.strip_prefix("$pbkdf2-sha512$") {
            Pbkdf2::parse(rest).map(Self::Pbkdf2)
        } else if let Some(rest) = stored.strip_prefix("sha1$") {
            Sha1::parse(rest).map(Self::Sha1)
        } else {
            Bcrypt::parse(stored.strip_prefix("bcrypt$").unwrap_or(stored)).map(Self::Bcrypt)
        }
    }

    /// Whether `password` belongs to this hash. Takes the time and memory of [`Hash::cost`]: never call it on an
    /// async worker.
    pub fn verify(&self, password: &str) -> bool {
        if password.chars().nth(LONGEST_PASSWORD).is_some() {
            return false;
        }
        let password = password.as_bytes();
        match self {
            Self::Argon2(hash) => hash.verify(password),
            Self::Scrypt(hash) => hash.verify(password),
            Self::Bcrypt(hash) => hash.verify(password),
            Self::Pbkdf2(hash) => hash.verify(password),
            Self::Sha1(hash) => hash.verify(password),
        }
    }

    /// What a check costs.
    pub fn cost(&self) -> Cost {
        match self {
            Self::Argon2(hash) => Cost::Argon2(hash.cost()),
            Self::Scrypt(hash) => Cost::Scrypt(hash.cost()),
            Self::Bcrypt(hash) => Cost::Bcrypt(hash.cost()),
            Self::Pbkdf2(hash) => Cost::Pbkdf2(hash.rounds()),
            Self::Sha1(_) => Cost::Sha1,
        }
    }

    /// A hash of this cost that is not made from a password: for checks whose answer is known to be no.
    pub fn decoy(cost: Cost) -> Self {
        match cost {
            Cost::Argon2(cost) => Self::Argon2(Argon2::decoy(cost)),
            Cost::Scrypt(cost) => Self::Scrypt(Scrypt::decoy(cost)),
            Cost::Bcrypt(cost) => Self::Bcrypt(Bcrypt::decoy(cost)),
            Cost::Pbkdf2(rounds) => Self::Pbkdf2(Pbkdf2::decoy(rounds)),
            Cost::Sha1 => Self::Sha1(Sha1::decoy()),
        }
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} <redacted>", self.cost())
    }
}

#[cfg(test)]
mod tests;
