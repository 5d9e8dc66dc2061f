//! The forms of primitive values: <https://hl7.org/fhir/R4/datatypes.html#primitive>.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::civil::{Date, Time};
use serde_json::Value;

/// What a value of this primitive type must be, when it is not; `None`: it fits, or the type is not a primitive one.
pub fn expected(kind: &str, value: &Value) -> Option<&'static str> {
    let number = |fits: fn(i64) -> bool| value.as_i64().is_some_and(fits);
    let text = |fits: fn(&str) -> bool| value.as_str().is_some_and(fits);
    let (fits, expected) = match kind {
        "boolean" => (value.is_boolean(), "true or false, without quotes"),
        "integer" => (number(|n| i32::try_from(n).is_ok()), "a whole number of 32 bits, without quotes"),
        "unsignedInt" => (number(|n| (0..=i64::from(i32::MAX)).contains(&n)), "a whole number from 0 on"),
        "positiveInt" => (number(|n| (1..=i64::from(i32::MAX)).contains(&n)), "a whole number from 1 on"),
        "decimal" => (value.is_number(), "a number, without quotes"),
        "id" => (text(is_id), "1 to 64 letters, digits, - or ."),
        "code" => (text(is_code), "a code: no blanks around it, none twice"),
        "date" => (text(is_date), "a date: YYYY, YYYY-MM or YYYY-MM-DD"),
        "dateTime" => (
            text(is_date_time),
            "a date, or a date with a time of day and its zone: YYYY-MM-DDThh:mm:ss+zz:zz",
        ),
        "instant" => (text(is_instant), "a date with a time of day and its zone: YYYY-MM-DDThh:mm:ss+zz:zz"),
        "time" => (text(is_time), "a time of day: hh:mm:ss"),
        "base64Binary" => (text(is_base64), "bytes in base64"),
        "uri" | "url" | "canonical" => (text(is_uri), "an address without blanks"),
        "oid" => (text(is_oid), "urn:oid: and an object identifier"),
        "uuid" => (text(is_uuid), "urn:uuid: and a UUID in lower case"),
        "string" | "markdown" => (text(is_text), "a text that is not empty, without control characters"),
        "xhtml" => (text(|text| text.starts_with("<div") && text.ends_with("</div>")), "a <div> of XHTML"),
        _ => (true, ""),
    };
    (!fits).then_some(expected)
}

fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
}

fn is_code(text: &str) -> bool {
    !text.is_empty() && text.split(' ').all(|word| !word.is_empty() && !word.contains(char::is_whitespace))
}

fn is_text(text: &str) -> bool {
    let control = |character: char| character.is_control() && !matches!(character, '\t' | '\r' | '\n');
    !text.trim().is_empty() && !text.contains(control)
}

fn is_uri(text: &str) -> bool {
    !text.is_empty() && !text.contains(char::is_whitespace)
}

fn is_base64(text: &str) -> bool {
    let packed: String = text.chars().filter(|character| !character.is_ascii_whitespace()).collect();
    !packed.is_empty() && STANDARD.decode(packed).is_ok()
}

fn is_oid(text: &str) -> bool {
    let Some(numbers) = text.strip_prefix("urn:oid:") else { return false };
    let mut arcs = numbers.split('.');
    let first = arcs.next().is_some_and(|first| matches!(first, "0" | "1" | "2"));
    let number = |arc: &str| {
        !arc.is_empty() && arc.bytes().all(|b| b.is_ascii_digit()) && (arc == "0" || !arc.starts_with('0'))
    };
    first && numbers.contains('.') && arcs.all(number)
}

fn is_uuid(text: &str) -> bool {
    let Some(groups) = text.strip_prefix("urn:uuid:") else { return false };
    let hexadecimal = |group: &str| group.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    groups.split('-').map(str::len).eq([8, 4, 4, 4, 12]) && groups.split('-').all(hexadecimal)
}

fn digits(text: &str, count: usize) -> bool {
    text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_day(text: &str) -> bool {
    text.len() == 10 && digits(&text[..4], 4) && !text.starts_with("0000") && text.parse::<Date>().is_ok()
}

fn is_date(text: &str) -> bool {
    if !text.is_ascii() {
        return false;
    }
    match text.len() {
        4 => digits(text, 4) && text != "0000",
        7 => is_day(&format!("{text}-01")),
        _ => is_day(text),
    }
}

fn is_time(text: &str) -> bool {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let parts: Vec<&str> = whole.split(':').collect();
    parts.len() == 3
        && parts.iter().all(|part| digits(part, 2))
        && !fraction.is_empty()
        && fraction.bytes().all(|byte| byte.is_ascii_digit())
        && whole.parse::<Time>().is_ok()
}

fn is_zone(text: &str) -> bool {
    let Some((hours, minutes)) = text.strip_prefix(['+', '-']).and_then(|zone| zone.split_once(':')) else {
        return text == "Z";
    };
    let within = |part: &str, most| digits(part, 2) && part.parse().is_ok_and(|number: u8| number <= most);
    within(hours, 14) && within(minutes, 59)
}

fn is_instant(text: &str) -> bool {
    let Some((date, rest)) = text.split_once('T') else { return false };
    let Some(zone) = rest.find(['Z', '+', '-']) else { return false };
    is_day(date) && date.is_ascii() && is_time(&rest[..zone]) && is_zone(&rest[zone..])
}

fn is_date_time(text: &str) -> bool {
    is_date(text) || is_instant(text)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::expected;

    #[test]
    fn values_that_fit_and_values_that_do_not() {
        let table: &[(&str, &[Value], &[Value])] = &[
            ("boolean", &[json!(true)], &[json!("true"), json!(1)]),
            (
                "integer",
                &[json!(-5), json!(2_147_483_647)],
                &[json!(2_147_483_648_i64), json!(1.5), json!("1")],
            ),
            ("unsignedInt", &[json!(0)], &[json!(-1)]),
            ("positiveInt", &[json!(1)], &[json!(0)]),
            ("decimal", &[json!(1.50), json!(-3)], &[json!("1.5"), json!(true)]),
            ("id", &[json!("ev-7.a")], &[json!(""), json!("a_b"), json!("x".repeat(65)), json!(7)]),
            ("code", &[json!("a b")], &[json!(" a"), json!("a  b"), json!("a\tb"), json!("")]),
            (
                "date",
                &[json!("1973"), json!("1973-06"), json!("2024-02-29")],
                &[
                    json!("73"),
                    json!("1973-13"),
                    json!("2023-02-29"),
                    json!("1973-6-1"),
                    json!("0000"),
                    json!("é73"),
                ],
            ),
            (
                "dateTime",
                &[json!("2015"), json!("2015-02-07T13:28:17-05:00"), json!("2015-02-07T13:28:17.239Z")],
                &[json!("2015-02-07T13:28:17"), json!("2015-02-07T13:28Z"), json!("2015-02-07 13:28:17Z")],
            ),
            (
                "instant",
                &[json!("2015-02-07T13:28:17.239+02:00")],
                &[json!("2015-02-07"), json!("2015-02-07T25:28:17Z"), json!("2015-02-07T13:28:17+15:00")],
            ),
            (
                "time",
                &[json!("13:28:17"), json!("13:28:17.5")],
                &[json!("13:28"), json!("24:00:00"), json!("1:02:03")],
            ),
            ("base64Binary", &[json!("aGFs\nbG8=")], &[json!("a"), json!("a b!"), json!("")]),
            ("uri", &[json!("urn:x")], &[json!("a b"), json!("")]),
            (
                "oid",
                &[json!("urn:oid:1.2.840")],
                &[json!("1.2.3"), json!("urn:oid:3.1"), json!("urn:oid:1.02")],
            ),
            (
                "uuid",
                &[json!("urn:uuid:c757873d-ec9a-4326-a141-556f43239520")],
                &[json!("urn:uuid:C757873D-ec9a-4326-a141-556f43239520"), json!("c757873d")],
            ),
            ("string", &[json!("Peña\n")], &[json!(""), json!("  "), json!("\u{1}"), json!(7)]),
            ("xhtml", &[json!("<div xmlns=\"http://www.w3.org/1999/xhtml\"/></div>")], &[json!("<p/>")]),
            ("HumanName", &[json!({})], &[]),
        ];
        for (kind, good, bad) in table {
            for value in *good {
                assert_eq!(expected(kind, value), None, "{kind} {value}");
            }
            for value in *bad {
                assert!(expected(kind, value).is_some(), "{kind} {value}");
            }
        }
    }
}
