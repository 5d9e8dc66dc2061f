//! `$argon2(id|i|d)$v=19$m=…,t=…,p=…$salt$sum`.

use argon2::{Algorithm, Params, Version};

use super::{MOST_MEMORY, MOST_WORK, Unusable, encoding};

/// A hash of Argon2.
#[derive(Clone, PartialEq, Eq)]
pub struct Argon2 {
    cost: Argon2Cost,
    salt: Vec<u8>,
    sum: Vec<u8>,
}

/// Everything that decides how long a check takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Argon2Cost {
    variant: Variant,
    /// Version 16, before the one of today (19).
    old: bool,
    kibibytes: u32,
    passes: u32,
    lanes: u32,
    length: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Variant {
    D,
    I,
    Id,
}

impl Argon2 {
    /// Reads what follows `$argon2`.
    pub(super) fn parse(text: &str) -> Result<Self, Unusable> {
        let mut parts = text.split('$');
        let variant = match parts.next() {
            Some("id") => Variant::Id,
            Some("i") => Variant::I,
            Some("d") => Variant::D,
            _ => return Err(Unusable::Unknown),
        };
        let mut part = parts.next().ok_or(Unusable::Unknown)?;
        let old = match part.strip_prefix("v=") {
            Some(version) => {
                part = parts.next().ok_or(Unusable::Unknown)?;
                match version {
                    "19" => false,
                    "16" => true,
                    _ => return Err(Unusable::Unknown),
                }
            }
            None => true,
        };
        let mut numbers = part.split(',');
        let kibibytes = encoding::parameter(numbers.next(), "m")?;
        let passes = encoding::parameter(numbers.next(), "t")?;
        let lanes = encoding::parameter(numbers.next(), "p")?;
        let (Some(salt), Some(sum), None, None) = (parts.next(), parts.next(), parts.next(), numbers.next())
        else {
            return Err(Unusable::Unknown);
        };
        let (salt, sum) = (encoding::plain(salt)?, encoding::plain(sum)?);
        let bytes = u64::from(kibibytes) << 10;
        if bytes > MOST_MEMORY || bytes.saturating_mul(u64::from(passes)) > MOST_WORK {
            return Err(Unusable::TooCostly);
        }
        let cost = Argon2Cost { variant, old, kibibytes, passes, lanes, length: sum.len() };
        if lanes > kibibytes || salt.len() < argon2::MIN_SALT_LEN || cost.params().is_none() {
            return Err(Unusable::Unknown);
        }
        Ok(Self { cost, salt, sum })
    }

    pub(super) fn verify(&self, password: &[u8]) -> bool {
        let algorithm = match self.cost.variant {
            Variant::D => Algorithm::Argon2d,
            Variant::I => Algorithm::Argon2i,
            Variant::Id => Algorithm::Argon2id,
        };
        let version = if self.cost.old { Version::V0x10 } else { Version::V0x13 };
        let Some(params) = self.cost.params() else { return false };
        let mut sum = vec![0; self.sum.len()];
        argon2::Argon2::new(algorithm, version, params)
            .hash_password_into(password, &self.salt, &mut sum)
            .is_ok_and(|()| encoding::same(&sum, &self.sum))
    }

    pub(super) fn cost(&self) -> Argon2Cost {
        self.cost
    }

    pub(super) fn decoy(cost: Argon2Cost) -> Self {
        Self { cost, salt: encoding::DECOY_SALT.to_vec(), sum: vec![0; cost.length] }
    }
}

impl Argon2Cost {
    fn params(&self) -> Option<Params> {
        Params::new(self.kibibytes, self.passes, self.lanes, Some(self.length)).ok()
    }
}
