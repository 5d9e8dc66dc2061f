//! `sha1$sum$salt`: one SHA-1 of password and salt, written by series before passlib came.

use sha1::Digest as _;

use super::{Unusable, encoding};

/// A salted SHA-1 sum.
#[derive(Clone, PartialEq, Eq)]
pub struct Sha1 {
    sum: [u8; 20],
    salt: String,
}

impl Sha1 {
    /// Reads what follows `sha1$`.
    pub(super) fn parse(text: &str) -> Result<Self, Unusable> {
        let (digits, salt) = text.split_once('$').ok_or(Unusable::Unknown)?;
        let digits: &[u8; 40] = digits.as_bytes().try_into().map_err(|_| Unusable::Unknown)?;
        let mut sum = [0; 20];
        for (byte, pair) in sum.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
        }
        Ok(Self { sum, salt: salt.to_owned() })
    }

    pub(super) fn verify(&self, password: &[u8]) -> bool {
        let sum = sha1::Sha1::new_with_prefix(password).chain_update(&self.salt).finalize();
        encoding::same(&sum, &self.sum)
    }

    pub(super) fn decoy() -> Self {
        Self { sum: [0; 20], salt: String::new() }
    }
}

/// Lower case only: Tryton compares the text of the sum.
fn nibble(digit: u8) -> Result<u8, Unusable> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        _ => Err(Unusable::Unknown),
    }
}
