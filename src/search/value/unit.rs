//! Units of quantities: <https://ucum.org/ucum>. Values of the same dimension are compared, whatever their unit.

use octofhir_ucum::{Number, get_canonical_units};

/// The system of UCUM's units.
pub const UCUM: &str = "http://unitsofmeasure.org";
/// Characters of a unit at most.
const LENGTH: usize = 64;
/// Digits that are told apart. Factors have 28, of which those of a third or a seventh are rounded.
const DIGITS: u32 = 24;

/// A unit of UCUM. A number of it, times the factor, with the offset, is one of the base units of its dimension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    base: String,
    factor: Number,
    offset: Number,
}

impl Unit {
    /// Reads the code of a unit. `None`: not a unit, one of a scale that is not linear (pH, decibel), or one with a text
    /// in braces, which says what is counted: that many cells are not that many colonies.
    pub fn parse(code: &str) -> Option<Self> {
        if code.len() > LENGTH || code.contains('{') {
            return None;
        }
        let found = get_canonical_units(code).ok()?;
        Some(Self { base: found.unit, factor: found.factor, offset: found.offset })
    }

    /// The same amount in another unit; `None` when that is of another dimension.
    pub fn convert(&self, number: Number, to: &Self) -> Option<Number> {
        if self.base != to.base {
            return None;
        }
        let base = number.checked_mul(self.factor)?.checked_add(self.offset)?;
        base.checked_sub(to.offset)?.checked_div(to.factor)
    }
}

/// A number as PostgreSQL reads it; `None` for one that no record has.
pub fn decimal(number: Number) -> Option<String> {
    let (mut digits, mut exponent) = number.to_integer_and_exponent();
    let surplus = digits.unsigned_abs().checked_ilog10().map_or(0, |last| (last + 1).saturating_sub(DIGITS));
    if surplus > 0 {
        let unit = 10_i128.pow(surplus);
        digits = (digits + digits.signum() * unit / 2) / unit;
        exponent = exponent.checked_add(i32::try_from(surplus).ok()?)?;
    }
    (exponent.unsigned_abs() <= 1000).then(|| format!("{digits}e{exponent}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn convert(number: &str, from: &str, to: &str) -> Option<String> {
        let (from, to) = (Unit::parse(from)?, Unit::parse(to)?);
        decimal(from.convert(Number::parse(number).unwrap(), &to)?)
    }

    #[test]
    fn amounts_of_one_dimension() {
        for (number, from, to, expected) in [
            ("5.4", "g/L", "mg/dL", "54e1"),
            ("0.1", "kg", "g", "1e2"),
            ("98.6", "[degF]", "Cel", "37e0"),
            ("37", "Cel", "K", "31015e-2"),
            ("1", "mm/h", "m/h", "1e-3"),
            ("1", "mg/dl", "mg/dL", "1e0"),
            ("3", "d", "wk", "428571428571428571428571e-24"),
            ("7.5", "10*3/uL", "10*9/L", "75e-1"),
            ("120", "mm[Hg]", "kPa", "1599864e-5"),
        ] {
            assert_eq!(convert(number, from, to).as_deref(), Some(expected), "{number} {from} in {to}");
        }
    }

    #[test]
    fn what_is_not_of_one_dimension_is_not_converted() {
        for (from, to) in [
            ("mg", "mL"),
            ("U/L", "[IU]/L"),
            ("{cells}/uL", "/uL"),
            ("[pH]", "mol/L"),
            ("nonsense", "mg"),
            ("m2147483647", "m"),
            ("((((((((((((((((((((((((((((((((((((((((m", "m"),
            ("10*999999", "1"),
        ] {
            assert_eq!(convert("1", from, to), None, "{from} in {to}");
        }
    }
}
