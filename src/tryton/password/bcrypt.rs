//! `$2(a|b|y)$cost$salt-and-sum`.

use super::{Unusable, encoding};

/// Highest cost that is checked: 16 takes some seconds, each further one twice as long (Tryton writes 12).
const HIGHEST_COST: u32 = 16;

/// Bytes of the password that bcrypt looks at.
const SIGNIFICANT: usize = 72;

/// A hash of bcrypt.
#[derive(Clone, PartialEq, Eq)]
pub struct Bcrypt {
    cost: u32,
    salt: [u8; 16],
    sum: [u8; 23],
}

impl Bcrypt {
    /// Reads a complete bcrypt string.
    pub(super) fn parse(text: &str) -> Result<Self, Unusable> {
        // 2x is left out: it marks hashes of a broken implementation that Python's bcrypt does not check either.
        let rest = ["$2b$", "$2a$", "$2y$"].iter().find_map(|prefix| text.strip_prefix(prefix));
        let (cost, rest) = rest.and_then(|rest| rest.split_once('$')).ok_or(Unusable::Unknown)?;
        let (salt, sum) = rest.split_at_checked(22).ok_or(Unusable::Unknown)?;
        if cost.len() != 2 || sum.len() != 31 {
            return Err(Unusable::Unknown);
        }
        let cost = encoding::decimal(cost.strip_prefix('0').unwrap_or(cost))?;
        let salt = encoding::of_bcrypt(salt)?.try_into().map_err(|_| Unusable::Unknown)?;
        let sum = encoding::of_bcrypt(sum)?.try_into().map_err(|_| Unusable::Unknown)?;
        match cost {
            4..=HIGHEST_COST => Ok(Self { cost, salt, sum }),
            17..=31 => Err(Unusable::TooCostly),
            _ => Err(Unusable::Unknown),
        }
    }

    pub(super) fn verify(&self, password: &[u8]) -> bool {
        // A NUL byte would end the password early; Python's bcrypt refuses it. The work is done all the same.
        let refused = password.contains(&0);
        let mut key = [0; SIGNIFICANT];
        let length = password.len().min(SIGNIFICANT);
        key[..length].copy_from_slice(&password[..length]);
        // The key includes the NUL byte that ends it, when there is room.
        let sum = bcrypt::bcrypt(self.cost, self.salt, &key[..SIGNIFICANT.min(length + 1)]);
        encoding::same(&sum[..self.sum.len()], &self.sum) && !refused
    }

    pub(super) fn cost(&self) -> u32 {
        self.cost
    }

    pub(super) fn decoy(cost: u32) -> Self {
        Self { cost, salt: encoding::DECOY_SALT, sum: [0; 23] }
    }
}
