//! Bundles of search results, written as they come: <https://hl7.org/fhir/R4/bundle.html>.

use jiff::Timestamp;

/// A searchset under construction.
#[derive(Debug)]
pub struct Bundle {
    /// Address of the search.
    place: String,
    /// Base of the resources.
    home: String,
    /// What the links say of the form of an answer.
    form: Vec<(String, String)>,
    out: Vec<u8>,
    links: Vec<(String, String)>,
    total: Option<i64>,
    entries: Vec<u8>,
    outcomes: Vec<u8>,
}

impl Bundle {
    /// An empty searchset; `place` is the address of the search, `home` is the base of its resources.
    pub fn searchset(place: &str, home: &str, now: Timestamp) -> Self {
        let mut out = Vec::with_capacity(64 * 1024);
        out.extend_from_slice(b"{\"resourceType\":\"Bundle\",\"meta\":{\"lastUpdated\":");
        text(&mut out, &now.to_string());
        out.extend_from_slice(b"},\"type\":\"searchset\"");
        Self {
            place: place.to_owned(),
            home: home.to_owned(),
            form: Vec::new(),
            out,
            links: Vec::new(),
            total: None,
            entries: Vec::with_capacity(64 * 1024),
            outcomes: Vec::new(),
        }
    }

    /// The links lead to answers of this form: `_format` and `_pretty` as the client sent them.
    pub fn form(mut self, pairs: &[(String, String)]) -> Self {
        self.form = pairs.to_vec();
        self
    }

    /// Number of all matches.
    pub fn total(&mut self, total: i64) {
        self.total = Some(total);
    }

    /// A link to a search of the same place; `page` is a position in it.
    pub fn link(&mut self, relation: &str, pairs: &[(String, String)], page: Option<&str>) {
        let pairs = pairs.iter().chain(&self.form).map(|(name, value)| (name.as_str(), value.as_str()));
        self.links.push((relation.to_owned(), address(&self.place, pairs, page)));
    }

    /// Adds the resource at `[type]/[id]` that `write` writes; takes it back and returns false when it cannot.
    pub fn entry(&mut self, place: &str, mode: &str, write: impl FnOnce(&mut Vec<u8>) -> bool) -> bool {
        let start = self.entries.len();
        self.entries.extend_from_slice(b",{\"fullUrl\":");
        text(&mut self.entries, &format!("{}/{place}", self.home));
        self.entries.extend_from_slice(b",\"resource\":");
        if !write(&mut self.entries) {
            self.entries.truncate(start);
            return false;
        }
        self.entries.extend_from_slice(b",\"search\":{\"mode\":");
        text(&mut self.entries, mode);
        self.entries.extend_from_slice(b"}}");
        true
    }

    /// Adds an OperationOutcome about the search itself.
    pub fn outcome(&mut self, outcome: &[u8]) {
        self.outcomes.extend_from_slice(b",{\"resource\":");
        self.outcomes.extend_from_slice(outcome);
        self.outcomes.extend_from_slice(b",\"search\":{\"mode\":\"outcome\"}}");
    }

    /// The bundle as JSON.
    pub fn finish(self) -> Vec<u8> {
        let mut out = self.out;
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
    out.extend_from_slice(serde_json::Value::from(text).to_string().as_bytes());
}
