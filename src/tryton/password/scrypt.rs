//! `$scrypt$ln=…,r=…,p=…$salt$sum`, and the form of `crypt`: `$7$Nrrrrrppppp…salt…$sum`.

use scrypt::Params;

use super::{MOST_MEMORY, MOST_WORK, Unusable, encoding};

/// A hash of scrypt.
#[derive(Clone, PartialEq, Eq)]
pub struct Scrypt {
    cost: ScryptCost,
    salt: Vec<u8>,
    sum: Vec<u8>,
}

/// Everything that decides how long a check takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ScryptCost {
    log_n: u8,
    r: u32,
    p: u32,
}

/// What Tryton 7.0 takes when nothing else is configured: `ln=16,r=8,p=1`.
impl Default for ScryptCost {
    fn default() -> Self {
        Self { log_n: 16, r: 8, p: 1 }
    }
}

impl Scrypt {
    /// Reads what follows `$scrypt$`.
    pub(super) fn parse(text: &str) -> Result<Self, Unusable> {
        let mut parts = text.split('$');
        let (Some(numbers), Some(salt), Some(sum), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Unusable::Unknown);
        };
        let mut numbers = numbers.split(',');
        let log_n = encoding::parameter(numbers.next(), "ln")?;
        let r = encoding::parameter(numbers.next(), "r")?;
        let p = encoding::parameter(numbers.next(), "p")?;
        if numbers.next().is_some() {
            return Err(Unusable::Unknown);
        }
        Self::new(log_n, r, p, encoding::plain(salt)?, encoding::plain(sum)?)
    }

    /// Reads what follows `$7$`: one character for log2 N, five for r, five for p, the salt as it stands, the sum.
    pub(super) fn parse_crypt(text: &str) -> Result<Self, Unusable> {
        let (head, sum) = text.rsplit_once('$').ok_or(Unusable::Unknown)?;
        let Some((numbers, salt)) = head.as_bytes().split_at_checked(11) else {
            return Err(Unusable::Unknown);
        };
        let log_n = encoding::crypt_number(&numbers[..1])?;
        let r = encoding::crypt_number(&numbers[1..6])?;
        let p = encoding::crypt_number(&numbers[6..])?;
        Self::new(log_n, r, p, salt.to_vec(), encoding::crypt_bytes(sum.as_bytes())?)
    }

    fn new(log_n: u32, r: u32, p: u32, salt: Vec<u8>, sum: Vec<u8>) -> Result<Self, Unusable> {
        let block = 128 * u64::from(r);
        let memory = 1_u64.checked_shl(log_n).and_then(|n| n.checked_mul(block)).unwrap_or(u64::MAX);
        if memory > MOST_MEMORY || memory.saturating_mul(u64::from(p)) > MOST_WORK {
            return Err(Unusable::TooCostly);
        }
        let log_n = u8::try_from(log_n).map_err(|_| Unusable::TooCostly)?;
        let cost = ScryptCost { log_n, r, p };
        // Shorter sums would make guessing cheap; passlib writes 32 bytes.
        if log_n == 0 || sum.len() < 16 || cost.params().is_none() {
            return Err(Unusable::Unknown);
        }
        Ok(Self { cost, salt, sum })
    }

    pub(super) fn verify(&self, password: &[u8]) -> bool {
        let Some(params) = self.cost.params() else { return false };
        let mut sum = vec![0; self.sum.len()];
        scrypt::scrypt(password, &self.salt, &params, &mut sum)
            .is_ok_and(|()| encoding::same(&sum, &self.sum))
    }

    pub(super) fn cost(&self) -> ScryptCost {
        self.cost
    }

    pub(super) fn decoy(cost: ScryptCost) -> Self {
        Self { cost, salt: encoding::DECOY_SALT.to_vec(), sum: vec![0; 32] }
    }
}

impl ScryptCost {
    fn params(&self) -> Option<Params> {
        // The crate looks at the length only when it writes hashes itself.
        Params::new(self.log_n, self.r, self.p, Params::RECOMMENDED_LEN).ok()
    }
}
