//! Date values: <https://hl7.org/fhir/R4/search.html#date>.
//!
//! A value is a half-open range of time, as wide as it is precise. A record is one too: a DATE is its whole local day, a
//! timestamp is a point. The prefixes compare ranges.

use jiff::{
    SignedDuration, Timestamp, ToSpan,
    civil::{Date, DateTime},
    tz::TimeZone,
};

use super::{Prefix, wrong};
use crate::error::Error;

/// The last year that FHIR can write.
const LAST_YEAR: i16 = 9999;

/// A half-open range of instants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// First instant.
    pub start: Timestamp,
    /// First instant after it.
    pub end: Timestamp,
}

/// A date with its prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateValue {
    /// Prefix.
    pub prefix: Prefix,
    /// Range; for `ap` widened by a tenth of the distance to now.
    pub range: Range,
    /// The range as days and times of the site.
    pub local: Local,
}

/// A half-open range of local time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Local {
    /// First moment.
    pub start: DateTime,
    /// First moment after it; none when that is later than the last year that FHIR can write.
    pub end: Option<DateTime>,
}

impl Range {
    /// The range reaches beyond what can be represented: the last days of year 9999 are often sent for "without end".
    pub fn endless(&self) -> bool {
        self.end == Timestamp::MAX
    }

    fn local(&self, zone: &TimeZone) -> Local {
        let end = (!self.endless()).then(|| zone.to_datetime(self.end));
        Local { start: zone.to_datetime(self.start), end }
    }
}

impl DateValue {
    /// Reads a value. Without an offset it is local time of the site.
    ///
    /// # Errors
    /// Not a date of the forms that FHIR allows.
    pub fn parse(text: &str, zone: &TimeZone, now: Timestamp) -> Result<Self, Error> {
        let (prefix, literal) = Prefix::split(text);
        let (mut range, mut local) = range(literal, zone).ok_or_else(|| {
            wrong("YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm[:ss[.sss]][Z|±hh:mm]", text)
        })?;
        if prefix == Prefix::Ap {
            let distance = now.duration_since(range.start).abs() / 10;
            range.start = range.start.checked_sub(distance).unwrap_or(Timestamp::MIN);
            range.end = range.end.checked_add(distance).unwrap_or(Timestamp::MAX);
            local = range.local(zone);
        }
        Ok(Self { prefix, range, local })
    }
}

fn range(text: &str, zone: &TimeZone) -> Option<(Range, Local)> {
    let bytes = text.as_bytes();
    let number = |from: usize, to: usize| -> Option<i16> {
        let part = text.get(from..to)?;
        part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok())?
    };
    let local = |start: DateTime, end: Option<DateTime>| -> Option<(Range, Local)> {
        let at = |time: DateTime| zone.to_ambiguous_zoned(time).compatible().map(|zoned| zoned.timestamp());
        let bounded = |time: Option<DateTime>| time.and_then(|time| at(time).ok()).unwrap_or(Timestamp::MAX);
        let first = if start.year() == LAST_YEAR { bounded(Some(start)) } else { at(start).ok()? };
        Some((Range { start: first, end: bounded(end) }, Local { start, end }))
    };
    let midnight = |date: Date| date.to_datetime(jiff::civil::Time::midnight());
    // There is no year 0: https://hl7.org/fhir/R4/datatypes.html#date
    if number(0, 4)? == 0 {
        return None;
    }
    match bytes.len() {
        4 => {
            let start = Date::new(number(0, 4)?, 1, 1).ok()?;
            local(midnight(start), start.checked_add(1.year()).ok().map(midnight))
        }
        7 if bytes[4] == b'-' => {
            let start = Date::new(number(0, 4)?, number(5, 7)?.try_into().ok()?, 1).ok()?;
            local(midnight(start), start.checked_add(1.month()).ok().map(midnight))
        }
        10 if bytes[4] == b'-' && bytes[7] == b'-' => {
            let month = number(5, 7)?.try_into().ok()?;
            let start = Date::new(number(0, 4)?, month, number(8, 10)?.try_into().ok()?).ok()?;
            local(midnight(start), start.checked_add(1.day()).ok().map(midnight))
        }
        16.. if bytes[10] == b'T' => {
            let offset = text.get(11..)?.find(['Z', '+', '-', ' ']).map(|at| at + 11);
            let (time, zoned) = match offset {
                // A plus sign of a query that was not encoded arrives as a blank.
                Some(at) => (text.get(..at)?, Some(text.get(at..)?.replace(' ', "+"))),
                None => (text, None),
            };
            let (start, width) = moment(time)?;
            match zoned {
                Some(offset) => {
                    if offset != "Z" && offset.len() != 6 {
                        return None;
                    }
                    let at = |time: DateTime| format!("{time}{offset}").parse::<Timestamp>().ok();
                    let start = match at(start) {
                        Some(start) => start,
                        // The offset can be read; the year is too late for it.
                        None if start.year() == LAST_YEAR => {
                            at(start.with().year(LAST_YEAR - 1).build().ok()?)?;
                            Timestamp::MAX
                        }
                        None => return None,
                    };
                    let range = Range { start, end: start.checked_add(width).unwrap_or(Timestamp::MAX) };
                    Some((range, range.local(zone)))
                }
                None => local(start, start.checked_add(width).ok()),
            }
        }
        _ => None,
    }
}

/// A local time of day and how wide its precision makes it.
fn moment(text: &str) -> Option<(DateTime, SignedDuration)> {
    match text.len() {
        16 => Some((format!("{text}:00").parse().ok()?, SignedDuration::from_secs(60))),
        19 => Some((text.parse().ok()?, SignedDuration::from_secs(1))),
        21..=29 if text.as_bytes()[19] == b'.' => {
            let digits = u32::try_from(text.len() - 20).ok()?;
            // Timestamps of PostgreSQL have six digits; a finer value still covers one of them.
            let width = 10i64.pow(9 - digits.min(6));
            Some((text.parse().ok()?, SignedDuration::from_nanos(width)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> (Prefix, String, String) {
        let zone = TimeZone::get("America/Argentina/Buenos_Aires").unwrap();
        let value = DateValue::parse(text, &zone, "2026-01-01T00:00:00Z".parse().unwrap()).unwrap();
        (value.prefix, value.range.start.to_string(), value.range.end.to_string())
    }

    #[test]
    fn precision_is_width_and_dates_are_local() {
        let cases = [
            ("2024", "2024-01-01T03:00:00Z", "2025-01-01T03:00:00Z"),
            ("2024-02", "2024-02-01T03:00:00Z", "2024-03-01T03:00:00Z"),
            ("2024-02-29", "2024-02-29T03:00:00Z", "2024-03-01T03:00:00Z"),
            ("2024-02-29T10:00", "2024-02-29T13:00:00Z", "2024-02-29T13:01:00Z"),
            ("2024-02-29T10:00Z", "2024-02-29T10:00:00Z", "2024-02-29T10:01:00Z"),
            ("2024-02-29T10:00:05+02:00", "2024-02-29T08:00:05Z", "2024-02-29T08:00:06Z"),
            ("2024-02-29T10:00:05 02:00", "2024-02-29T08:00:05Z", "2024-02-29T08:00:06Z"),
            ("2024-02-29T10:00:05.5Z", "2024-02-29T10:00:05.5Z", "2024-02-29T10:00:05.6Z"),
        ];
        for (text, start, end) in cases {
            assert_eq!(parse(text), (Prefix::Eq, start.to_owned(), end.to_owned()), "{text}");
        }
        assert_eq!(parse("ge2024-01-01").0, Prefix::Ge);
    }

    #[test]
    fn the_end_of_time_is_a_date() {
        let last = Timestamp::MAX.to_string();
        for text in [
            "9999",
            "9999-12",
            "9999-12-31",
            "9999-12-31T23:59",
            "9999-12-31T23:59:59Z",
            "9999-12-31T23:59:60-14:00",
        ] {
            assert_eq!(parse(text).2, last, "{text}");
        }
        assert_eq!(parse("9999-12-30").1, "9999-12-30T03:00:00Z");
        assert_eq!(parse("0001-01-01T00:00:00+14:00").1, "0000-12-31T10:00:00Z");
    }

    #[test]
    fn the_last_days_have_no_end_but_a_start() {
        for (zone, text, start, end) in [
            ("UTC", "9999", "9999-01-01T00:00:00", None),
            ("UTC", "9999-12-31", "9999-12-31T00:00:00", None),
            ("UTC", "9999-12-30", "9999-12-30T00:00:00", Some("9999-12-31T00:00:00")),
            ("America/Argentina/Buenos_Aires", "9999-12-31", "9999-12-31T00:00:00", None),
            (
                "America/Argentina/Buenos_Aires",
                "9999-12-30",
                "9999-12-30T00:00:00",
                Some("9999-12-31T00:00:00"),
            ),
            ("Pacific/Kiritimati", "9999-12-31", "9999-12-31T00:00:00", None),
        ] {
            let zone = TimeZone::get(zone).unwrap();
            let value = DateValue::parse(text, &zone, Timestamp::UNIX_EPOCH).unwrap();
            let found = (value.local.start.to_string(), value.local.end.map(|end| end.to_string()));
            assert_eq!(found, (start.to_owned(), end.map(str::to_owned)), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for bad in [
            "",
            "24",
            "2023-02-29",
            "2024-13",
            "2024-1-1",
            "2024-01-01T10",
            "2024-01-01T25:00",
            "gt",
            "x",
            "2024-01-01T10:00:00+99:00",
            "20240101",
            "2024-01-01T10:00:00Z[Europe/Paris]",
            "2024-01-01T10:00:00+00",
            "9999-12-31T23:59:59+99:00",
            "9999-12-31T23:59:59Z0",
            "10000",
            "0000",
            "0000-12-31",
            "0000-12-31T23:59:59Z",
        ] {
            assert!(DateValue::parse(bad, &TimeZone::UTC, Timestamp::UNIX_EPOCH).is_err(), "{bad}");
        }
    }
}
