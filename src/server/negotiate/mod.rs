//! What form the client wants the answer in (<https://hl7.org/fhir/R4/http.html#mime-type>).

mod language;
mod media;
mod prefer;
mod weighted;

pub(super) use language::languages;
pub(super) use media::Media;
pub(super) use prefer::preference;
pub(super) use weighted::weighted;

use hyper::header::{ACCEPT, HeaderMap};

use crate::{
    error::{self, Error, Result},
    interaction::Format,
};

/// The form of the answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Form {
    pub media: Media,
    pub pretty: bool,
    /// The bytes of a Binary are wanted.
    pub raw: bool,
}

impl Form {
    /// What an interaction needs to know of it.
    pub(super) fn format(self) -> Format {
        if self.raw { Format::Bytes } else { self.media.format() }
    }
}

/// The form of the answer to a request that cannot be read any further, as far as it can be known.
pub(super) fn guess(headers: &HeaderMap, query: &str) -> Form {
    let mut pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    form(headers, &mut pairs, false).unwrap_or_default()
}

/// Finds the form of the answer, and takes `_format` and `_pretty` out of `pairs`.
///
/// # Errors
/// None of the requested formats is offered, or the parameters contradict each other.
pub(super) fn form(headers: &HeaderMap, pairs: &mut Vec<(String, String)>, binary: bool) -> Result<Form> {
    let pretty = match take(pairs, "_pretty")?.as_deref() {
        None | Some("false") => false,
        Some("true" | "") => true,
        Some(_) => {
            return Err(Error::new(&error::PARAMETER_VALUE)
                .detail("_pretty is true or false.")
                .at("_pretty"));
        }
    };
    // `_format` overrides Accept (https://hl7.org/fhir/R4/http.html#parameters).
    let accept = || headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let (media, raw) = match take(pairs, "_format")?.filter(|format| !format.is_empty()) {
        Some(format) => {
            let media = Media::named(&format);
            (media.ok_or_else(|| Error::new(&error::NOT_ACCEPTABLE).at("_format"))?, false)
        }
        // Whoever does not name a format of FHIR gets a Binary as it is (https://hl7.org/fhir/R4/binary.html#rest).
        None if binary && !accept().any(media::names_fhir) => (Media::default(), true),
        None => (Media::accepted(accept())?, false),
    };
    Ok(Form { media, pretty, raw })
}

fn take(pairs: &mut Vec<(String, String)>, name: &str) -> Result<Option<String>> {
    let mut found: Option<String> = None;
    for (_, value) in pairs.extract_if(.., |(key, _)| key == name) {
        if found.as_ref().is_some_and(|first| *first != value) {
            let detail = format!("{name} is given twice with different values.");
            return Err(Error::new(&error::PARAMETER_VALUE).detail(detail).at(name));
        }
        found = Some(value);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use hyper::header::{ACCEPT, HeaderMap, HeaderValue};

    use super::form;

    fn negotiate(accept: &[&str], query: &[(&str, &str)]) -> Result<(String, bool, usize), &'static str> {
        let mut headers = HeaderMap::new();
        for value in accept {
            headers.append(ACCEPT, HeaderValue::from_str(value).unwrap());
        }
        let mut pairs: Vec<_> =
            query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        form(&headers, &mut pairs, false)
            .map(|form| (form.media.content_type().to_owned(), form.pretty, pairs.len()))
            .map_err(|error| error.entry().code)
    }

    const FHIR: &str = "application/fhir+json; charset=utf-8";
    const JSON: &str = "application/json; charset=utf-8";

    #[test]
    fn accept_is_weighed() {
        let accept = |values: &[&str]| negotiate(values, &[]).map(|(media, ..)| media);
        for values in [
            &[][..],
            &["*/*"],
            &["application/*"],
            &[""],
            &["application/fhir+json"],
            &["application/json;q=0.3, application/fhir+json"],
            &["application/fhir+xml;q=0.9, application/fhir+json"],
            &["application/fhir+json, application/fhir+xml"],
            &["APPLICATION/FHIR+JSON; Charset=UTF-8"],
            &["application/json;q=0.1, */*"],
        ] {
            assert_eq!(accept(values).as_deref(), Ok(FHIR), "{values:?}");
        }
        assert_eq!(accept(&["application/json"]).as_deref(), Ok(JSON));
        assert_eq!(accept(&["application/json, application/fhir+json;q=0.9"]).as_deref(), Ok(JSON));
        assert_eq!(
            accept(&["application/fhir+json; fhirVersion=4.0"]).as_deref(),
            Ok("application/fhir+json; fhirVersion=4.0; charset=utf-8")
        );
        for (values, expected) in [
            (&["application/fhir+xml", "application/fhir+json;q=0.5"][..], "application/fhir+xml"),
            (&["application/xml"], "application/xml"),
            (&["text/xml, text/json;q=0.9"], "text/xml"),
            (&["text/*"], "text/json"),
            // A browser, which says that it likes XML better than what it does not name.
            (&["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"], "application/xml"),
            (&["application/fhir+ndjson"], "application/fhir+ndjson"),
        ] {
            assert_eq!(accept(values), Ok(format!("{expected}; charset=utf-8")), "{values:?}");
        }
        assert_eq!(
            accept(&["application/fhir+xml;fhirVersion=\"4.0\""]).as_deref(),
            Ok("application/fhir+xml; fhirVersion=4.0; charset=utf-8")
        );
        for values in [
            &["application/fhir+turtle"][..],
            &["text/html"],
            &["application/fhir+xml; fhirVersion=5.0"],
            &["application/fhir+json; fhirVersion=3.0"],
            &["application/fhir+json;q=0"],
            &["*/*;q=0"],
            &["text/*;q=0"],
        ] {
            assert_eq!(accept(values), Err("not-acceptable"), "{values:?}");
        }
        assert_eq!(accept(&["application/fhir+json;q=0, */*"]).as_deref(), Ok(JSON));
    }

    #[test]
    fn a_binary_is_raw_unless_fhir_is_named() {
        let raw = |accept: &str, query: &[(&str, &str)], binary: bool| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, HeaderValue::from_str(accept).unwrap());
            let mut pairs: Vec<_> =
                query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            form(&headers, &mut pairs, binary).map(|form| form.raw).map_err(|error| error.entry().code)
        };
        for accept in ["*/*", "image/png", "application/pdf, */*;q=0.1", "application/json", "text/html"] {
            assert_eq!(raw(accept, &[], true), Ok(true), "{accept}");
        }
        assert_eq!(raw("image/png, application/FHIR+json", &[], true), Ok(false));
        assert_eq!(raw("*/*", &[("_format", "json")], true), Ok(false));
        assert_eq!(raw("application/fhir+xml", &[], true), Ok(false));
        assert_eq!(raw("application/fhir+turtle", &[], true), Err("not-acceptable"));
        assert_eq!(raw("image/png", &[], false), Err("not-acceptable"));
        assert_eq!(raw("*/*", &[], false), Ok(false));
    }

    #[test]
    fn format_wins_and_is_taken_out() {
        let xml = &["application/fhir+xml"][..];
        assert_eq!(negotiate(xml, &[("_format", "json"), ("name", "x")]), Ok((FHIR.into(), false, 1)));
        assert_eq!(
            negotiate(xml, &[("_format", "application/fhir json"), ("_pretty", "true")]),
            Ok((FHIR.into(), true, 0))
        );
        assert_eq!(negotiate(&[], &[("_format", "application/json")]), Ok((JSON.into(), false, 0)));
        assert_eq!(negotiate(&[], &[("_format", "json"), ("_format", "json")]), Ok((FHIR.into(), false, 0)));
        const XML: &str = "application/fhir+xml; charset=utf-8";
        for format in ["xml", "application/fhir+xml", "application/fhir xml", "application/xml+fhir"] {
            assert_eq!(negotiate(&[], &[("_format", format)]), Ok((XML.into(), false, 0)), "{format}");
        }
        for format in ["application/xml", "text/xml"] {
            let expected = Ok((format!("{format}; charset=utf-8"), false, 0));
            assert_eq!(negotiate(&[], &[("_format", format)]), expected);
        }
        assert_eq!(
            negotiate(&[], &[("_format", "ndjson")]),
            Ok(("application/fhir+ndjson; charset=utf-8".into(), false, 0))
        );
        for format in ["html", "turtle", "application/fhir+json; fhirVersion=5.0", "*/*;;", "json;q=1;"] {
            assert_eq!(negotiate(&[], &[("_format", format)]), Err("not-acceptable"), "{format}");
        }
        assert_eq!(negotiate(&[], &[("_format", "json"), ("_format", "xml")]), Err("parameter-value"));
        assert_eq!(negotiate(&[], &[("_pretty", "x")]), Err("parameter-value"));
    }
}
