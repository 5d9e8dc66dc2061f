//! Media types of FHIR.

use super::weighted;
use crate::{
    error::{self, Error, Result},
    interaction::Format,
};

/// The media type of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::server) struct Media {
    name: Name,
    /// The client asked with `fhirVersion=4.0`.
    version: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Name {
    #[default]
    FhirJson,
    Json,
    TextJson,
    FhirXml,
    Xml,
    TextXml,
    Lines,
}

/// In the order of preference when the client has none.
const NAMES: [(Name, &str); 7] = [
    (Name::FhirJson, "application/fhir+json"),
    (Name::Json, "application/json"),
    (Name::TextJson, "text/json"),
    (Name::FhirXml, "application/fhir+xml"),
    (Name::Xml, "application/xml"),
    (Name::TextXml, "text/xml"),
    (Name::Lines, "application/fhir+ndjson"),
];

/// Further values of `_format`: short ones, and the names that older clients send.
const SHORT: [(Name, &str); 7] = [
    (Name::FhirJson, "json"),
    (Name::FhirJson, "*/*"),
    (Name::FhirJson, "application/json+fhir"),
    (Name::FhirXml, "xml"),
    (Name::FhirXml, "application/xml+fhir"),
    (Name::Lines, "ndjson"),
    (Name::Lines, "application/ndjson"),
];

/// A media range of `Accept`.
struct Range {
    name: String,
    version: bool,
}

impl Range {
    /// Reads a range; `None` for parameters that exclude what is served here.
    fn read(text: &str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let name = parts.next()?.to_ascii_lowercase();
        let mut version = false;
        for part in parts {
            let (key, value) = part.split_once('=')?;
            let value = value.trim().trim_matches('"');
            match key.trim().to_ascii_lowercase().as_str() {
                "fhirversion" if value == "4.0" => version = true,
                "charset" if value.eq_ignore_ascii_case("utf-8") => {}
                "fhirversion" | "charset" => return None,
                _ => {}
            }
        }
        Some(Self { name, version })
    }

    /// How exactly this range names a media type; `None`: not at all.
    fn fit(&self, name: &str) -> Option<u8> {
        match self.name.as_str() {
            "*/*" => Some(0),
            range if range == name => Some(2),
            range => {
                let family = range.strip_suffix('*').filter(|family| family.ends_with('/'))?;
                name.starts_with(family).then_some(1)
            }
        }
    }
}

/// A line of `Accept` names a format of FHIR itself.
pub(super) fn names_fhir(line: &str) -> bool {
    weighted(line).any(|(range, weight)| {
        let name = range.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        weight > 0 && name.starts_with("application/fhir+")
    })
}

impl Media {
    /// The media type for a value of `_format`.
    pub(super) fn named(format: &str) -> Option<Self> {
        // `+` stands for a blank in a query; clients forget to encode it.
        let range = Range::read(&format.replace("fhir json", "fhir+json").replace("fhir xml", "fhir+xml"))?;
        let (name, _) = NAMES.iter().chain(&SHORT).find(|(_, known)| *known == range.name)?;
        Some(Self { name: *name, version: range.version })
    }

    /// The best media type for the lines of `Accept`.
    pub(super) fn accepted<'a>(lines: impl Iterator<Item = &'a str>) -> Result<Self> {
        let ranges: Vec<(String, u16)> = lines.flat_map(weighted).collect();
        if ranges.is_empty() {
            return Ok(Self::default());
        }
        let ranges: Vec<(Range, u16)> =
            ranges.into_iter().filter_map(|(text, weight)| Some((Range::read(&text)?, weight))).collect();
        let mut best: Option<(u16, Self)> = None;
        for (name, text) in NAMES {
            // The most exact range decides the weight (https://www.rfc-editor.org/rfc/rfc9110#name-accept).
            let fits =
                ranges.iter().filter_map(|(range, weight)| Some((range.fit(text)?, *weight, range.version)));
            let Some((_, weight, version)) = fits.max_by_key(|(fit, weight, _)| (*fit, *weight)) else {
                continue;
            };
            if weight > 0 && best.is_none_or(|(top, _)| weight > top) {
                best = Some((weight, Self { name, version }));
            }
        }
        best.map(|(_, media)| media).ok_or_else(|| Error::new(&error::NOT_ACCEPTABLE))
    }

    /// The form of a resource in this media type.
    pub(in crate::server) fn format(self) -> Format {
        match self.name {
            Name::FhirJson | Name::Json | Name::TextJson => Format::Json,
            Name::FhirXml | Name::Xml | Name::TextXml => Format::Xml,
            Name::Lines => Format::Lines,
        }
    }

    /// For `Content-Type`.
    pub(in crate::server) fn content_type(self) -> &'static str {
        match (self.name, self.version) {
            (Name::FhirJson, false) => "application/fhir+json; charset=utf-8",
            (Name::FhirJson, true) => "application/fhir+json; fhirVersion=4.0; charset=utf-8",
            (Name::Json, _) => "application/json; charset=utf-8",
            (Name::TextJson, _) => "text/json; charset=utf-8",
            (Name::FhirXml, false) => "application/fhir+xml; charset=utf-8",
            (Name::FhirXml, true) => "application/fhir+xml; fhirVersion=4.0; charset=utf-8",
            (Name::Xml, _) => "application/xml; charset=utf-8",
            (Name::TextXml, _) => "text/xml; charset=utf-8",
            (Name::Lines, false) => "application/fhir+ndjson; charset=utf-8",
            (Name::Lines, true) => "application/fhir+ndjson; fhirVersion=4.0; charset=utf-8",
        }
    }
}
