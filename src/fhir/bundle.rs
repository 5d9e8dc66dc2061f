//! Bundles of search results and histories, written as they come: <https://hl7.org/fhir/R4/bundle.html>.

use std::ops::Range;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::REDACTED;

/// What a Bundle is (<https://hl7.org/fhir/R4/valueset-bundle-type.html>).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What a search found.
    Searchset,
    /// Versions of resources.
    History,
}

/// The version of a resource that was written.
#[derive(Clone, Debug)]
pub struct Version {
    /// `meta.versionId`.
    pub id: String,
    /// `meta.lastUpdated`.
    pub updated: Option<Timestamp>,
}

/// A Bundle under construction.
#[derive(Debug)]
pub struct Bundle {
    kind: Kind,
    now: Timestamp,
    redacted: bool,
    /// Address of the search.
    place: String,
    /// Base of the resources.
    home: String,
    /// What the links say of the form of an answer.
    form: Vec<(String, String)>,
    links: Vec<(String, String)>,
    total: Option<i64>,
    entries: Vec<u8>,
    /// Where the resources are in `entries`.
    resources: Vec<Written>,
    outcomes: Vec<u8>,
    /// The outcomes, without entries around them.
    told: Vec<Vec<u8>>,
    /// Position of the next page.
    next: Option<String>,
}

/// A resource among the entries.
#[derive(Debug)]
struct Written {
    place: Range<usize>,
    /// Its address, unless it is a match.
    beside: Option<String>,
}

/// The resources of a Bundle, one in each line: <https://hl7.org/fhir/R4/nd-json.html>.
#[derive(Debug, Default)]
pub struct Lines {
    /// The matches, with the ends of their lines.
    pub matches: Vec<u8>,
    /// What came beside them: each with what tells it from others, which is its address or, for an outcome, all of it.
    pub beside: Vec<(Vec<u8>, Vec<u8>)>,
    /// Position of the next page.
    pub next: Option<String>,
}

impl Bundle {
    /// An empty Bundle; `place` is its address, `home` is the base of its resources.
    pub fn new(kind: Kind, place: &str, home: &str, now: Timestamp) -> Self {
        Self {
            kind,
            now,
            redacted: false,
            place: place.to_owned(),
            home: home.to_owned(),
            form: Vec::new(),
            links: Vec::new(),
            total: None,
            entries: Vec::with_capacity(64 * 1024),
            resources: Vec::new(),
            outcomes: Vec::new(),
            told: Vec::new(),
            next: None,
        }
    }

    /// The links lead to answers of this form: `_format` and `_pretty` as the client sent them.
    pub fn form(mut self, pairs: &[(String, String)]) -> Self {
        self.form = pairs.to_vec();
        self
    }

    /// There may be more that is closed to the reader.
    pub fn redact(&mut self) {
        self.redacted = true;
    }

    /// Number of all matches.
    pub fn total(&mut self, total: i64) {
        self.total = Some(total);
    }

    /// A link to a search of the same place; `page` is a position in it.
    pub fn link(&mut self, relation: &str, pairs: &[(String, String)], page: Option<&str>) {
        if relation == "next" {
            self.next = page.map(str::to_owned);
        }
        let pairs = pairs.iter().chain(&self.form).map(|(name, value)| (name.as_str(), value.as_str()));
        self.links.push((relation.to_owned(), address(&self.place, pairs, page)));
    }

    /// Adds the resource at `[type]/[id]` that `write` writes; takes it back and returns false when it cannot. In a history
    /// it is an update: whether a version is the first one nobody knows.
    pub fn entry(
        &mut self,
        place: &str,
        mode: &str,
        write: impl FnOnce(&mut Vec<u8>) -> Option<Version>,
    ) -> bool {
        let start = self.entries.len();
        self.entries.extend_from_slice(b",{\"fullUrl\":");
        text(&mut self.entries, &format!("{}/{place}", self.home));
        self.entries.extend_from_slice(b",\"resource\":");
        let resource = self.entries.len();
        let Some(version) = write(&mut self.entries) else {
            self.entries.truncate(start);
            return false;
        };
        let beside = (mode != "match").then(|| place.to_owned());
        self.resources.push(Written { place: resource..self.entries.len(), beside });
        match self.kind {
            Kind::Searchset => {
                self.entries.extend_from_slice(b",\"search\":{\"mode\":");
                text(&mut self.entries, mode);
                self.entries.extend_from_slice(b"}}");
            }
            Kind::History => {
                let mut response = json!({ "status": "200", "etag": format!("W/\"{}\"", version.id) });
                if let Some(updated) = version.updated {
                    response["lastModified"] = updated.to_string().into();
                }
                self.about(&json!({ "request": { "method": "PUT", "url": place }, "response": response }));
            }
        }
        true
    }

    /// Adds a match that is read nowhere else: `url` stands for it in this Bundle.
    pub fn unaddressed(&mut self, url: &str, resource: &[u8]) {
        self.entries.extend_from_slice(b",{\"fullUrl\":");
        text(&mut self.entries, url);
        self.entries.extend_from_slice(b",\"resource\":");
        let start = self.entries.len();
        self.entries.extend_from_slice(resource);
        self.resources.push(Written { place: start..self.entries.len(), beside: None });
        self.entries.extend_from_slice(b",\"search\":{\"mode\":\"match\"}}");
    }

    /// Adds that the resource at `[type]/[id]` was deleted.
    pub fn deletion(&mut self, place: &str, time: Timestamp) {
        self.entries.extend_from_slice(b",{\"fullUrl\":");
        text(&mut self.entries, &format!("{}/{place}", self.home));
        self.about(&json!({
            "request": { "method": "DELETE", "url": place },
            "response": { "status": "204", "lastModified": time.to_string() },
        }));
    }

    /// Adds the last members of an entry.
    fn about(&mut self, members: &Value) {
        self.entries.push(b',');
        self.entries.extend_from_slice(&members.to_string().as_bytes()[1..]);
    }

    /// Adds an OperationOutcome about the search itself.
    pub fn outcome(&mut self, outcome: &[u8]) {
        let (before, after) = match self.kind {
            Kind::Searchset => (",{\"resource\":", ",\"search\":{\"mode\":\"outcome\"}}"),
            // An entry of a history has a request.
            Kind::History => (
                ",{\"request\":{\"method\":\"GET\",\"url\":\"_history\"},\"response\":{\"status\":\"200\",\"outcome\":",
                "}}",
            ),
        };
        self.outcomes.extend_from_slice(before.as_bytes());
        self.outcomes.extend_from_slice(outcome);
        self.outcomes.extend_from_slice(after.as_bytes());
        self.told.push(outcome.to_vec());
    }

    /// The resources alone.
    pub fn lines(self) -> Lines {
        let mut lines = Lines { next: self.next, ..Lines::default() };
        for Written { place, beside } in self.resources {
            let resource = &self.entries[place];
            match beside {
                None => {
                    lines.matches.extend_from_slice(resource);
                    lines.matches.push(b'\n');
                }
                Some(address) => lines.beside.push((address.into_bytes(), line(resource))),
            }
        }
        lines.beside.extend(self.told.into_iter().map(|outcome| (line(&outcome), line(&outcome))));
        lines
    }

    /// The bundle as JSON.
    pub fn finish(self) -> Vec<u8> {
        let mut out = Vec::with_capacity(1024 + self.entries.len() + self.outcomes.len());
        out.extend_from_slice(b"{\"resourceType\":\"Bundle\",\"meta\":{\"lastUpdated\":");
        text(&mut out, &self.now.to_string());
        if self.redacted {
            out.push(b',');
            out.extend_from_slice(REDACTED.as_bytes());
        }
        out.extend_from_slice(match self.kind {
            Kind::Searchset => b"},\"type\":\"searchset\"".as_slice(),
            Kind::History => b"},\"type\":\"history\"",
        });
        if let Some(total) = self.total {
            out.extend_from_slice(format!(",\"total\":{total}").as_bytes());
        }
        out.extend_from_slice(b",\"link\":[");
        for (index, (relation, url)) in self.links.iter().enumerate() {
            out.extend_from_slice(if index == 0 { b"{\"relation\":" } else { b",{\"relation\":" });
            text(&mut out, relation);
            out.extend_from_slice(b",\"url\":");
            text(&mut out, url);
            out.push(b'}');
        }
        out.push(b']');
        let mut entries = self.entries;
        entries.extend_from_slice(&self.outcomes);
        if let Some(rest) = entries.strip_prefix(b",") {
            out.extend_from_slice(b",\"entry\":[");
            out.extend_from_slice(rest);
            out.push(b']');
        }
        out.push(b'}');
        out
    }
}

/// A link to a place below the base with parameters; `page` is a position in it.
pub fn address<'a>(
    place: &str,
    pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
    page: Option<&str>,
) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(pairs).extend_pairs(page.map(|page| ("_page", page)));
    let query = query.finish();
    if query.is_empty() { place.to_owned() } else { format!("{place}?{query}") }
}

fn text(out: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(out, text).expect("a vector takes every byte");
}

fn line(resource: &[u8]) -> Vec<u8> {
    [resource, b"\n"].concat()
}
