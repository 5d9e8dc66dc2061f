//! Conditional reads (<https://hl7.org/fhir/R4/http.html#cread>).

use std::time::{Duration, SystemTime};

use hyper::header::{ETAG, HeaderMap, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED};
use jiff::Timestamp;

use crate::interaction::Answer;

/// Adds `ETag` and `Last-Modified`.
pub(super) fn validators(answer: &Answer, headers: &mut HeaderMap) {
    if let Some(Ok(tag)) =
        answer.version.as_ref().map(|version| HeaderValue::from_str(&format!("W/\"{version}\"")))
    {
        headers.insert(ETAG, tag);
    }
    if let Some(time) = answer.last_modified.and_then(http_date) {
        headers.insert(LAST_MODIFIED, time);
    }
}

/// Whether the client already has this answer (<https://www.rfc-editor.org/rfc/rfc9110#section-13.2.2>).
pub(in crate::server) fn unchanged(headers: &HeaderMap, answer: &Answer) -> bool {
    if headers.contains_key(IF_NONE_MATCH) {
        let Some(version) = &answer.version else { return false };
        let mut tags = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        return tags.any(|line| {
            line.split(',').map(str::trim).any(|tag| {
                let tag = tag.strip_prefix("W/").unwrap_or(tag);
                tag == "*" || tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')) == Some(version)
            })
        });
    }
    let since = headers.get(IF_MODIFIED_SINCE).and_then(|value| value.to_str().ok());
    match (since.and_then(|since| httpdate::parse_http_date(since).ok()), modified(answer)) {
        (Some(since), Some(modified)) => modified <= since,
        _ => false,
    }
}

/// An instant as HTTP writes it.
pub(in crate::server) fn http_date(time: Timestamp) -> Option<HeaderValue> {
    HeaderValue::from_str(&httpdate::fmt_http_date(system_time(time)?)).ok()
}

fn modified(answer: &Answer) -> Option<SystemTime> {
    system_time(answer.last_modified?)
}

/// Whole seconds, as HTTP knows them.
fn system_time(time: Timestamp) -> Option<SystemTime> {
    let seconds = u64::try_from(time.as_second()).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds)).filter(|_| seconds < 253_402_300_800)
}

#[cfg(test)]
mod tests {
    use hyper::header::{HeaderMap, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH};

    use super::{unchanged, validators};
    use crate::interaction::Answer;

    fn answer() -> Answer {
        let last_modified = Some("1994-11-06T08:49:37.9Z".parse().unwrap());
        Answer { version: Some("v1".into()), last_modified, ..Answer::default() }
    }

    fn has(none_match: Option<&'static str>, since: Option<&'static str>) -> bool {
        let mut headers = HeaderMap::new();
        none_match.map(|value| headers.insert(IF_NONE_MATCH, HeaderValue::from_static(value)));
        since.map(|value| headers.insert(IF_MODIFIED_SINCE, HeaderValue::from_static(value)));
        unchanged(&headers, &answer())
    }

    #[test]
    fn validators_are_sent() {
        let mut headers = HeaderMap::new();
        validators(&answer(), &mut headers);
        assert_eq!(headers["etag"], "W/\"v1\"");
        assert_eq!(headers["last-modified"], "Sun, 06 Nov 1994 08:49:37 GMT");
    }

    #[test]
    fn tags_win_over_times() {
        for tag in ["W/\"v1\"", "\"v1\"", "\"v0\", W/\"v1\"", "*"] {
            assert!(has(Some(tag), None), "{tag}");
        }
        for tag in ["W/\"v2\"", "v1", "", "W/\"v1"] {
            assert!(!has(Some(tag), Some("Sun, 06 Nov 2094 08:49:37 GMT")), "{tag}");
        }
        assert!(has(None, Some("Sun, 06 Nov 1994 08:49:37 GMT")));
        assert!(!has(None, Some("Sun, 06 Nov 1994 08:49:36 GMT")));
        assert!(!has(None, Some("yesterday")));
        assert!(!has(None, None));
    }
}
