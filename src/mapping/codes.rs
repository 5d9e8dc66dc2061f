//! Code maps: keys that Tryton stores → FHIR codes.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    finding::{Findings, suggestion},
    text::{Item, Kind, Table},
};

/// A code map. It must name every key of the selection it is used for.
#[derive(Debug, PartialEq, Eq)]
pub struct CodeMap {
    /// File name without extension.
    pub name: String,
    /// Entries by Tryton key.
    pub entries: BTreeMap<String, Option<Code>>,
}

/// The FHIR code of a key; an entry without one leaves the element out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    /// Code system.
    pub system: Option<String>,
    /// Code.
    pub code: String,
    /// Display text.
    pub display: Option<String>,
    /// What the mapping says of the meanings of key and code: a code of
    /// <http://hl7.org/fhir/R4/valueset-concept-map-equivalence.html>.
    pub equivalence: Option<String>,
}

impl CodeMap {
    /// Code of a key.
    pub fn code(&self, key: &str) -> Option<&Code> {
        self.entries.get(key)?.as_ref()
    }

    /// Keys and a text of their codes, of those that have it.
    pub fn texts<'a>(
        &'a self,
        text: impl Fn(&'a Code) -> Option<&'a String> + 'a,
    ) -> impl Iterator<Item = (String, String)> {
        let entries = self.entries.iter();
        entries.filter_map(move |(key, code)| Some((key.clone(), text(code.as_ref()?)?.clone())))
    }

    /// Keys whose code satisfies a condition.
    pub fn keys<'a>(&'a self, wanted: impl Fn(&Code) -> bool + 'a) -> impl Iterator<Item = &'a str> {
        self.entries
            .iter()
            .filter(move |(_, code)| code.as_ref().is_some_and(&wanted))
            .map(|(key, _)| key.as_str())
    }
}

/// Names of code systems and identifier systems (`systems.toml`).
#[derive(Debug, Default)]
pub struct Systems {
    site: String,
    names: BTreeMap<String, String>,
}

impl Systems {
    /// Reads `systems.toml`; `{site}` stands for the configured prefix.
    pub fn read(table: Option<&Table>, site: &str, findings: &mut Findings) -> Self {
        let mut names = BTreeMap::new();
        for (key, item) in table.map(|table| table.entries.as_slice()).unwrap_or_default() {
            match item.text() {
                Some(uri) => drop(names.insert(key.name.clone(), uri.replace("{site}", site))),
                None => findings.add("systems", &item.place, "a URI in quotes", item.describe(), ""),
            }
        }
        Self { site: site.to_owned(), names }
    }

    /// A constant with the site's prefix in place of `{site}`.
    pub fn expand(&self, text: &str) -> String {
        text.replace("{site}", &self.site)
    }

    /// The URI of a name, or of a text that is one.
    pub fn known(&self, text: &str) -> Option<String> {
        let uri = || Some(self.expand(text)).filter(|text| text.contains(':') || text.contains('/'));
        self.names.get(text).cloned().or_else(uri)
    }

    /// The URI of a name; text with a colon or a slash is a URI already.
    pub fn uri(&self, text: &str, item: &Item, findings: &mut Findings) -> Option<String> {
        if let Some(uri) = self.known(text) {
            return Some(uri);
        }
        findings.add(
            "system-unknown",
            &item.place,
            "a name from systems.toml or a URI",
            format!("`{text}`"),
            suggestion(text, self.names.keys().map(String::as_str)),
        );
        None
    }
}

/// What an entry and a whole map can say of the meanings. `narrower` and `inexact` would want a comment.
const EQUIVALENCES: [&str; 4] = ["equal", "equivalent", "wider", "relatedto"];

/// Reads a file of `codes/`: `system` and `equivalence` for all codes, and `[map]` with a code, a table or `false` for each key.
pub fn read(name: &str, table: &Table, systems: &Systems, findings: &mut Findings) -> Arc<CodeMap> {
    let system = table.item("system").and_then(|item| systems.uri(item.text()?, item, findings));
    let whole = equivalence(table, findings);
    let mut entries = BTreeMap::new();
    for (key, item) in &table.entries {
        match (key.name.as_str(), &item.kind) {
            ("system" | "description" | "equivalence", Kind::Text(_)) => {}
            ("map", Kind::Table(map)) => {
                for (key, item) in &map.entries {
                    let mut code = entry(item, system.as_deref(), systems, findings);
                    if let Some(code) = &mut code {
                        code.equivalence = code.equivalence.take().or_else(|| whole.clone());
                    }
                    entries.insert(key.name.clone(), code);
                }
            }
            _ => findings.add(
                "codes-key",
                &key.place,
                "`system`, `equivalence`, `description` or `[map]`",
                format!("`{}` = {}", key.name, item.describe()),
                suggestion(&key.name, ["system", "equivalence", "description", "map"]),
            ),
        }
    }
    Arc::new(CodeMap { name: name.to_owned(), entries })
}

fn equivalence(table: &Table, findings: &mut Findings) -> Option<String> {
    let item = table.item("equivalence")?;
    let known = item.text().filter(|text| EQUIVALENCES.contains(text));
    if known.is_none() {
        let hint = suggestion(item.text().unwrap_or_default(), EQUIVALENCES);
        findings.add("codes-equivalence", &item.place, EQUIVALENCES.join(", "), item.describe(), hint);
    }
    known.map(str::to_owned)
}

fn entry(item: &Item, system: Option<&str>, systems: &Systems, findings: &mut Findings) -> Option<Code> {
    let coded = |system: Option<&str>, code: &str, display: Option<&str>, equivalence: Option<String>| {
        let display = display.or_else(|| crate::fhir::codes::display(system?, code)).map(str::to_owned);
        Some(Code { system: system.map(str::to_owned), code: code.to_owned(), display, equivalence })
    };
    match &item.kind {
        Kind::Text(code) => coded(system, code, None, None),
        Kind::Flag(false) => None,
        Kind::Table(table) => {
            let own = table.item("system").and_then(|item| systems.uri(item.text()?, item, findings));
            let code = table.item("code").and_then(Item::text);
            let display = table.item("display").and_then(Item::text);
            match code {
                Some(code) => {
                    let equivalence = equivalence(table, findings);
                    coded(own.as_deref().or(system), code, display, equivalence)
                }
                None => {
                    findings.add("codes-entry", &item.place, "a `code`", "none", "");
                    None
                }
            }
        }
        _ => {
            findings.add("codes-entry", &item.place, "a code, a table or `false`", item.describe(), "");
            None
        }
    }
}
