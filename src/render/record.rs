//! PostgreSQL's binary form of records, arrays and scalars.
//!
//! <https://www.postgresql.org/docs/current/protocol-overview.html#PROTOCOL-FORMAT-CODES>: a record is a count and for
//! each column the type id, a length (−1 is NULL) and the bytes; an array is dimensions and elements the same way.

use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, Time},
};

/// Bytes that are not what the statement asked for: a defect of this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// The columns of a record.
pub type Columns<'a> = Vec<Option<&'a [u8]>>;

struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    fn int(&mut self) -> Result<i32, Malformed> {
        let bytes = self.take(4)?.try_into().map_err(|_| Malformed)?;
        Ok(i32::from_be_bytes(bytes))
    }

    fn value(&mut self) -> Result<Option<&'a [u8]>, Malformed> {
        match self.int()? {
            -1 => Ok(None),
            length => self.take(usize::try_from(length).map_err(|_| Malformed)?).map(Some),
        }
    }
}

/// The columns of a record.
///
/// # Errors
/// [`Malformed`].
pub fn columns(bytes: &[u8]) -> Result<Columns<'_>, Malformed> {
    let mut cursor = Cursor(bytes);
    let count = usize::try_from(cursor.int()?).map_err(|_| Malformed)?;
    let mut columns = Vec::with_capacity(count.min(2048));
    for _ in 0..count {
        cursor.int()?;
        columns.push(cursor.value()?);
    }
    Ok(columns)
}

/// The elements of a one-dimensional array.
///
/// # Errors
/// [`Malformed`].
pub fn elements(bytes: &[u8]) -> Result<Vec<Option<&[u8]>>, Malformed> {
    let mut cursor = Cursor(bytes);
    let dimensions = cursor.int()?;
    cursor.take(8)?;
    if dimensions == 0 {
        return Ok(Vec::new());
    }
    let count = usize::try_from(cursor.int()?).map_err(|_| Malformed)?;
    cursor.take(4)?;
    (0..count).map(|_| cursor.value()).collect()
}

/// `int2`, `int4` or `int8`.
pub fn integer(bytes: &[u8]) -> Result<i64, Malformed> {
    match bytes.len() {
        2 => bytes.try_into().map(i16::from_be_bytes).map(i64::from).map_err(|_| Malformed),
        4 => bytes.try_into().map(i32::from_be_bytes).map(i64::from).map_err(|_| Malformed),
        8 => bytes.try_into().map(i64::from_be_bytes).map_err(|_| Malformed),
        _ => Err(Malformed),
    }
}

/// `float8` or `float4`.
pub fn float(bytes: &[u8]) -> Result<f64, Malformed> {
    match bytes.len() {
        4 => bytes.try_into().map(f32::from_be_bytes).map(f64::from).map_err(|_| Malformed),
        8 => bytes.try_into().map(f64::from_be_bytes).map_err(|_| Malformed),
        _ => Err(Malformed),
    }
}

/// `bool`.
pub fn boolean(bytes: &[u8]) -> bool {
    bytes.first() == Some(&1)
}

/// `numeric` as decimal digits, all of them kept; `None` for NaN and infinities, which FHIR cannot write.
pub fn numeric(bytes: &[u8]) -> Result<Option<String>, Malformed> {
    let (header, digits) = bytes.split_at_checked(8).ok_or(Malformed)?;
    let short = |at: usize| i16::from_be_bytes([header[at], header[at + 1]]);
    let (count, weight, sign, scale) = (short(0), short(2), short(4) as u16, short(6));
    if sign == 0xC000 || sign == 0xD000 || sign == 0xF000 {
        return Ok(None);
    }
    let count = usize::try_from(count).map_err(|_| Malformed)?;
    let scale = usize::try_from(scale).map_err(|_| Malformed)?;
    if digits.len() != count * 2 {
        return Err(Malformed);
    }
    let group = |index: i32| -> u16 {
        usize::try_from(index)
            .ok()
            .and_then(|index| digits.get(index * 2..index * 2 + 2))
            .map_or(0, |pair| u16::from_be_bytes([pair[0], pair[1]]))
    };
    let mut text = String::new();
    if sign == 0x4000 {
        text.push('-');
    }
    if weight < 0 {
        text.push('0');
    }
    for index in 0..=i32::from(weight) {
        let group = group(index);
        if index == 0 { text.push_str(&group.to_string()) } else { text.push_str(&format!("{group:04}")) }
    }
    if scale > 0 {
        text.push('.');
        let start = text.len();
        let mut index = i32::from(weight) + 1;
        while text.len() - start < scale {
            text.push_str(&if index < 0 { "0000".to_owned() } else { format!("{:04}", group(index)) });
            index += 1;
        }
        text.truncate(start + scale);
    }
    Ok(Some(text))
}

/// `date`; `None` for infinities and for years that FHIR cannot write: it has 1 to 9999.
pub fn date(bytes: &[u8]) -> Result<Option<Date>, Malformed> {
    if bytes.len() != 4 {
        return Err(Malformed);
    }
    let days = integer(bytes)?;
    let epoch = Date::constant(2000, 1, 1);
    let date = epoch.checked_add(SignedDuration::from_hours(days.saturating_mul(24))).ok();
    Ok(date.filter(|date| date.year() >= 1))
}

/// `timestamp`, which Tryton stores as naive UTC; `None` for infinities and for years that FHIR cannot write.
///
/// # Errors
/// [`Malformed`].
pub fn timestamp(bytes: &[u8]) -> Result<Option<Timestamp>, Malformed> {
    // Microseconds from 1970-01-01 to 2000-01-01.
    const EPOCH: i64 = 946_684_800_000_000;
    // 0001-01-01.
    const FIRST: i64 = -62_135_596_800_000_000;
    let micros = integer(bytes)?.checked_add(EPOCH).filter(|micros| *micros >= FIRST);
    Ok(micros.and_then(|micros| Timestamp::from_microsecond(micros).ok()))
}

/// `time`; `None` for 24:00, which FHIR cannot write.
///
/// # Errors
/// [`Malformed`].
pub fn time(bytes: &[u8]) -> Result<Option<Time>, Malformed> {
    Ok(Time::midnight().checked_add(SignedDuration::from_micros(integer(bytes)?)).ok())
}

/// Text.
pub fn text(bytes: &[u8]) -> Result<&str, Malformed> {
    std::str::from_utf8(bytes).map_err(|_| Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(weight: i16, sign: u16, scale: i16, digits: &[u16]) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend((digits.len() as i16).to_be_bytes());
        bytes.extend(weight.to_be_bytes());
        bytes.extend(sign.to_be_bytes());
        bytes.extend(scale.to_be_bytes());
        digits.iter().for_each(|digit| bytes.extend(digit.to_be_bytes()));
        bytes
    }

    #[test]
    fn numerics_keep_their_digits() {
        let cases: [(&str, Vec<u8>); 6] = [
            ("0", encoded(0, 0, 0, &[])),
            ("12345678.90", encoded(1, 0, 2, &[1234, 5678, 9000])),
            ("-0.0010", encoded(-1, 0x4000, 4, &[10])),
            ("0.000012", encoded(-2, 0, 6, &[1200])),
            ("10000", encoded(1, 0, 0, &[1])),
            ("1.50", encoded(0, 0, 2, &[1, 5000])),
        ];
        for (expected, bytes) in cases {
            assert_eq!(numeric(&bytes), Ok(Some(expected.to_owned())));
        }
        assert_eq!(numeric(&encoded(0, 0xC000, 0, &[])), Ok(None));
        assert_eq!(numeric(&[1]), Err(Malformed));
    }

    #[test]
    fn dates_and_timestamps() {
        assert_eq!(date(&(-1i32).to_be_bytes()), Ok(Some(Date::constant(1999, 12, 31))));
        assert_eq!(date(&i32::MAX.to_be_bytes()), Ok(None));
        assert_eq!(date(&i64::MAX.to_be_bytes()), Err(Malformed));
        let first = -730_119_i32;
        assert_eq!(date(&first.to_be_bytes()), Ok(Some(Date::constant(1, 1, 1))));
        assert_eq!(date(&(first - 1).to_be_bytes()), Ok(None), "the year before 1");
        let before = i64::from(first) * 86_400_000_000 - 1;
        assert_eq!(timestamp(&before.to_be_bytes()), Ok(None));
        assert_eq!(
            timestamp(&(before + 1).to_be_bytes()).unwrap().unwrap().to_string(),
            "0001-01-01T00:00:00Z"
        );
        let second = timestamp(&1_500_000i64.to_be_bytes()).unwrap().unwrap();
        assert_eq!(second.to_string(), "2000-01-01T00:00:01.5Z");
        assert_eq!(timestamp(&i64::MAX.to_be_bytes()), Ok(None));
    }

    #[test]
    fn times_of_day() {
        let at = |micros: i64| time(&micros.to_be_bytes()).unwrap().map(|time| time.to_string());
        assert_eq!(at(30_600_000_000).as_deref(), Some("08:30:00"));
        assert_eq!(at(86_400_000_000), None);
    }

    #[test]
    fn truncated_bytes_are_refused() {
        let mut record = Vec::new();
        record.extend(1i32.to_be_bytes());
        record.extend(23i32.to_be_bytes());
        record.extend(4i32.to_be_bytes());
        record.extend(7i32.to_be_bytes());
        assert_eq!(columns(&record).unwrap(), [Some(&7i32.to_be_bytes()[..])]);
        for end in 0..record.len() {
            assert_eq!(columns(&record[..end]), Err(Malformed), "{end}");
        }
    }
}
