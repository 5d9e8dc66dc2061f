//! The base64 dialects of password hashes.

use base64::{
    Engine as _,
    alphabet::{Alphabet, BCRYPT, CRYPT, STANDARD},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use super::{LONGEST_PART, Unusable};

/// Hashes of old libraries have noise in the unused bits of the last character; passlib ignores it.
const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_allow_trailing_bits(true)
    .with_decode_padding_mode(DecodePaddingMode::RequireNone);

static PLAIN: GeneralPurpose = GeneralPurpose::new(&STANDARD, LENIENT);
static OF_BCRYPT: GeneralPurpose = GeneralPurpose::new(&BCRYPT, LENIENT);

fn decode(engine: &GeneralPurpose, text: &str) -> Result<Vec<u8>, Unusable> {
    let bytes = engine.decode(text).map_err(|_| Unusable::Unknown)?;
    if bytes.len() > LONGEST_PART { Err(Unusable::Unknown) } else { Ok(bytes) }
}

/// Standard alphabet without padding (`b64` of passlib).
pub(super) fn plain(text: &str) -> Result<Vec<u8>, Unusable> {
    decode(&PLAIN, text)
}

/// Standard alphabet without padding, `.` instead of `+` (`ab64` of passlib).
pub(super) fn dotted(text: &str) -> Result<Vec<u8>, Unusable> {
    if text.contains('+') {
        return Err(Unusable::Unknown);
    }
    decode(&PLAIN, &text.replace('.', "+"))
}

/// The alphabet and order of bcrypt.
pub(super) fn of_bcrypt(text: &str) -> Result<Vec<u8>, Unusable> {
    decode(&OF_BCRYPT, text)
}

/// Value of a character of the alphabet of `crypt` (`./0-9A-Za-z`).
fn crypt_digit(character: u8) -> Result<u32, Unusable> {
    let alphabet: &Alphabet = &CRYPT;
    let position = alphabet.as_str().bytes().position(|known| known == character);
    Ok(u32::try_from(position.ok_or(Unusable::Unknown)?).expect("the alphabet has 64 characters"))
}

/// A number of up to five characters of `crypt`, least significant first.
pub(super) fn crypt_number(text: &[u8]) -> Result<u32, Unusable> {
    text.iter().rev().try_fold(0, |number, &character| Ok(number << 6 | crypt_digit(character)?))
}

/// Bytes in the order of `crypt`: every four characters are a little-endian number of three bytes.
pub(super) fn crypt_bytes(text: &[u8]) -> Result<Vec<u8>, Unusable> {
    let mut bytes = Vec::new();
    for group in text.chunks(4).take(LONGEST_PART) {
        let number = crypt_number(group)?.to_le_bytes();
        bytes.extend_from_slice(&number[..group.len() * 6 / 8]);
    }
    Ok(bytes)
}

/// A decimal number as passlib writes it: digits only, no leading zero.
pub(super) fn decimal(text: &str) -> Result<u32, Unusable> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().map_err(|_| Unusable::Unknown) } else { Err(Unusable::Unknown) }
}

/// The value of `name=value`.
pub(super) fn parameter(text: Option<&str>, name: &str) -> Result<u32, Unusable> {
    let value = text.and_then(|text| text.strip_prefix(name)).and_then(|text| text.strip_prefix('='));
    decimal(value.ok_or(Unusable::Unknown)?)
}

/// Salt for a decoy. It need not be random: no decoy ever verifies.
pub(super) const DECOY_SALT: [u8; 16] = *b"decoy decoy deco";

/// Whether two sums are equal, in a time that depends on the length only.
pub(super) fn same(left: &[u8], right: &[u8]) -> bool {
    use subtle::ConstantTimeEq as _;
    left.ct_eq(right).into()
}
