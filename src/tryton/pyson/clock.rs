//! Dates and times: the arithmetic of Python's `relativedelta`.

use std::collections::BTreeMap;

use jiff::{
    SignedDuration,
    civil::{Date, DateTime, Time},
};

use super::Value;

type Arguments = BTreeMap<String, Value>;

fn whole(given: &Arguments, key: &str) -> Result<Option<i64>, String> {
    match given.get(key) {
        None => Err(format!("the key {key} is missing")),
        Some(Value::Null) => Ok(None),
        Some(Value::Bool(value)) => Ok(Some(i64::from(*value))),
        Some(Value::Int(value)) => i64::try_from(*value).map(Some).map_err(|error| error.to_string()),
        Some(_) => Err(format!("{key} is not a whole number")),
    }
}

fn delta(given: &Arguments, key: &str) -> Result<i64, String> {
    whole(given, key)?.ok_or_else(|| format!("{key} is null"))
}

/// Years, months and days: absolute values replace, then years and months are added, then the day is cut to the length
/// of the month, then days are added.
fn shifted(given: &Arguments, base: Date) -> Result<Date, String> {
    let replaced =
        |key: &str, old: i64| Ok::<_, String>(whole(given, key)?.filter(|new| *new != 0).unwrap_or(old));
    let mut year = replaced("y", i64::from(base.year()))?;
    let mut month = replaced("M", i64::from(base.month()))?;
    let day = replaced("d", i64::from(base.day()))?;
    let months = delta(given, "dM")?;
    year = year.saturating_add(delta(given, "dy")?).saturating_add(months / 12);
    month = month.saturating_add(months % 12);
    if months != 0 && month > 12 {
        (year, month) = (year.saturating_add(1), month - 12);
    } else if months != 0 && month < 1 {
        (year, month) = (year.saturating_sub(1), month + 12);
    }
    let out = |_| "the date does not exist".to_owned();
    let first = match i16::try_from(year) {
        Ok(year) if year >= 1 => Date::new(year, i8::try_from(month).map_err(|_| "no such month")?, 1),
        _ => return Err("the year is out of range".into()),
    };
    let first = first.map_err(|_| "the date does not exist".to_owned())?;
    let day = day.min(i64::from(first.days_in_month()));
    let date =
        Date::new(first.year(), first.month(), i8::try_from(day).map_err(|_| "no such day")?).map_err(out)?;
    let date = jiff::Span::new()
        .try_days(delta(given, "dd")?)
        .and_then(|span| date.checked_add(span))
        .map_err(out)?;
    if date.year() < 1 { Err("the year is out of range".into()) } else { Ok(date) }
}

pub(super) fn date(given: &Arguments, now: DateTime) -> Result<Date, String> {
    let base = match given.get("start") {
        Some(Value::Date(date)) => *date,
        Some(Value::DateTime(moment)) => moment.date(),
        _ => now.date(),
    };
    shifted(given, base)
}

pub(super) fn date_time(given: &Arguments, now: DateTime) -> Result<DateTime, String> {
    let base = match given.get("start") {
        Some(Value::Date(date)) => date.at(0, 0, 0, 0),
        Some(Value::DateTime(moment)) => *moment,
        _ => now,
    };
    let replaced = |key: &str, old: i64| Ok::<_, String>(whole(given, key)?.unwrap_or(old));
    let small = |value: i64| i8::try_from(value).map_err(|_| "the time does not exist".to_owned());
    let microsecond = replaced("ms", i64::from(base.subsec_nanosecond() / 1000))?;
    if !(0..1_000_000).contains(&microsecond) {
        return Err("the time does not exist".into());
    }
    let time = Time::new(
        small(replaced("h", base.hour().into())?)?,
        small(replaced("m", base.minute().into())?)?,
        small(replaced("s", base.second().into())?)?,
        i32::try_from(microsecond * 1000).map_err(|error| error.to_string())?,
    )
    .map_err(|_| "the time does not exist".to_owned())?;
    let far = || "the time is out of range".to_owned();
    let (hours, minutes, seconds) = (delta(given, "dh")?, delta(given, "dm")?, delta(given, "ds")?);
    let seconds = hours
        .checked_mul(3600)
        .zip(minutes.checked_mul(60))
        .and_then(|(hours, minutes)| hours.checked_add(minutes)?.checked_add(seconds))
        .ok_or_else(far)?;
    let span = SignedDuration::from_secs(seconds)
        .checked_add(SignedDuration::from_micros(delta(given, "dms")?))
        .ok_or_else(far)?;
    shifted(given, base.date())?.to_datetime(time).checked_add(span).map_err(|_| far())
}

/// Microseconds of a `TimeDelta`; parts may be fractions.
pub(super) fn time_delta(given: &Arguments) -> Result<i128, String> {
    let mut sum = 0;
    for (key, unit) in [("d", 86_400_000_000_i128), ("s", 1_000_000), ("m", 1)] {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            reason = "microseconds of human spans fit"
        )]
        let part = match given.get(key) {
            None => return Err(format!("the key {key} is missing")),
            Some(Value::Bool(value)) => i128::from(*value) * unit,
            Some(Value::Int(value)) => value.checked_mul(unit).ok_or("too large")?,
            Some(Value::Float(value)) if value.is_finite() => (value * unit as f64).round_ties_even() as i128,
            Some(_) => return Err(format!("{key} is not a number")),
        };
        sum += part;
    }
    Ok(sum)
}

/// Seconds since 1970, UTC.
pub(super) fn seconds(moment: DateTime) -> f64 {
    moment
        .to_zoned(jiff::tz::TimeZone::UTC)
        .map_or(f64::NAN, |zoned| zoned.timestamp().as_duration().as_secs_f64())
}
