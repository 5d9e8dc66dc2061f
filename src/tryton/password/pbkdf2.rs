//! `$pbkdf2-sha512$rounds$salt$sum`.

use sha2::Sha512;

use super::{Unusable, encoding};

/// Most rounds that are checked, some seconds (Tryton writes 25 000).
const MOST_ROUNDS: u32 = 5_000_000;

/// A hash of PBKDF2 with HMAC-SHA-512.
#[derive(Clone, PartialEq, Eq)]
pub struct Pbkdf2 {
    rounds: u32,
    salt: Vec<u8>,
    sum: [u8; 64],
}

impl Pbkdf2 {
    /// Reads what follows `$pbkdf2-sha512$`.
    pub(super) fn parse(text: &str) -> Result<Self, Unusable> {
        let mut parts = text.split('$');
        let (Some(rounds), Some(salt), Some(sum), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Unusable::Unknown);
        };
        let rounds = encoding::decimal(rounds)?;
        let sum = encoding::dotted(sum)?.try_into().map_err(|_| Unusable::Unknown)?;
        match rounds {
            0 => Err(Unusable::Unknown),
            1..=MOST_ROUNDS => Ok(Self { rounds, salt: encoding::dotted(salt)?, sum }),
            _ => Err(Unusable::TooCostly),
        }
    }

    pub(super) fn verify(&self, password: &[u8]) -> bool {
        let sum = pbkdf2::pbkdf2_hmac_array::<Sha512, 64>(password, &self.salt, self.rounds);
        encoding::same(&sum, &self.sum)
    }

    pub(super) fn rounds(&self) -> u32 {
        self.rounds
    }

    pub(super) fn decoy(rounds: u32) -> Self {
        Self { rounds, salt: encoding::DECOY_SALT.to_vec(), sum: [0; 64] }
    }
}
