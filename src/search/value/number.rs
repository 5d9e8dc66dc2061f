//! Number and quantity values: <https://hl7.org/fhir/R4/search.html#number>.
//!
//! Digits stay text: a decimal never passes through a float. The precision of the literal as typed gives the range that
//! it stands for: `100` is 99.5 to 100.5, `100.00` is 99.995 to 100.005.

use octofhir_ucum::Number;

use super::{
    Prefix, split, unescape,
    unit::{UCUM, Unit, decimal},
    wrong,
};
use crate::error::Error;

/// A number with the half-open range that its digits imply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberValue {
    /// Prefix.
    pub prefix: Prefix,
    /// The number as typed.
    pub literal: String,
    /// Half a unit of the last digit: `0.5`, `0.005`, `5e2`.
    pub half: String,
}

impl NumberValue {
    /// Reads a value.
    ///
    /// # Errors
    /// Not a decimal.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let (prefix, literal) = Prefix::split(text);
        let half = half_unit(literal).ok_or_else(|| wrong("a decimal number", text))?;
        Ok(Self { prefix, literal: literal.to_owned(), half })
    }
}

/// Half a unit of the last digit that counts, or nothing when the text is not a decimal.
fn half_unit(text: &str) -> Option<String> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let bounded = whole.len() + fraction.len() <= 60 && exponent.unsigned_abs() <= 60;
    if whole.is_empty() || !digits(whole) || !digits(fraction) || !bounded || mantissa.ends_with('.') {
        return None;
    }
    let last = exponent - i32::try_from(fraction.len()).ok()?;
    Some(format!("5e{}", last - 1))
}

/// The numbers that decide a comparison, in decimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The number itself.
    pub exact: String,
    /// The half-open range that its digits stand for.
    pub rounded: (String, String),
    /// The half-open range of what is about as much: a tenth more or less.
    pub near: (String, String),
}

impl NumberValue {
    /// What decides the comparison with numbers of another unit.
    fn bounds(&self, convert: impl Fn(Number) -> Option<Number>) -> Option<Bounds> {
        let (exact, half) = (Number::parse(&self.literal)?, Number::parse(&self.half)?);
        let tenth = exact.abs().checked_mul(Number::parse("0.1")?)?;
        let end = |number: Number| decimal(convert(number)?);
        let (low, high) = (exact.checked_sub(half)?, exact.checked_add(half)?);
        let (least, most) = (exact.checked_sub(tenth)?, exact.checked_add(tenth)?.checked_add(half)?);
        Some(Bounds { exact: end(exact)?, rounded: (end(low)?, end(high)?), near: (end(least)?, end(most)?) })
    }
}

/// `[number]|[system]|[code]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuantityValue {
    /// The number.
    pub number: NumberValue,
    /// System of the unit.
    pub system: Option<String>,
    /// Code of the unit, or its text when there is no system.
    pub code: Option<String>,
    /// The same, when it is a unit of UCUM.
    unit: Option<Unit>,
}

impl QuantityValue {
    /// Reads a value.
    ///
    /// # Errors
    /// Not a quantity.
    pub fn parse(text: &str) -> Result<Self, Error> {
        // A fourth part is one too many.
        let parts = split(text, '|', 4);
        let given = |part: &str| -> Result<Option<String>, Error> {
            if part.is_empty() { Ok(None) } else { unescape(part).map(Some) }
        };
        match parts.as_slice() {
            [number] => {
                Ok(Self { number: NumberValue::parse(number)?, system: None, code: None, unit: None })
            }
            [number, system, code] => {
                let (system, code) = (given(system)?, given(code)?);
                let unit = code.as_deref().filter(|_| system.as_deref() == Some(UCUM)).and_then(Unit::parse);
                Ok(Self { number: NumberValue::parse(number)?, system, code, unit })
            }
            _ => Err(wrong("[number] or [number]|[system]|[code]", text)),
        }
    }
}

impl QuantityValue {
    /// The number in another unit of UCUM; `None` when it is not one of the same dimension.
    pub fn within(&self, code: &str) -> Option<Bounds> {
        let (from, to) = (self.unit.as_ref()?, Unit::parse(code)?);
        self.number.bounds(|number| from.convert(number, &to))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digits_decide_the_range() {
        for (text, half) in
            [("100", "5e-1"), ("100.00", "5e-3"), ("1e2", "5e1"), ("-0.5", "5e-2"), ("5.40e-3", "5e-6")]
        {
            assert_eq!(NumberValue::parse(text).unwrap().half, half, "{text}");
        }
        for bad in [
            "",
            ".5",
            "5.",
            "1e",
            "NaN",
            "0x1",
            "1,5",
            "1e999",
            "--1",
            "1e-2147483648",
            "1e2147483647",
            "1e-61",
        ] {
            assert!(NumberValue::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn quantities() {
        let value = QuantityValue::parse("ge5.4|http://unitsofmeasure.org|mg").unwrap();
        assert_eq!(value.number.prefix, Prefix::Ge);
        assert_eq!(value.code.as_deref(), Some("mg"));
        assert_eq!(QuantityValue::parse("5||mg").unwrap().system, None);
        assert!(QuantityValue::parse("5|mg").is_err());
        assert!(QuantityValue::parse("5|a|b|c").is_err());
        assert_eq!(QuantityValue::parse("5|a|b\\|c").unwrap().code.as_deref(), Some("b|c"));
    }
}
