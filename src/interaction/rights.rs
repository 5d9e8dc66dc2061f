//! The rights of a user: as lines for people, of `access` and of how a search is answered; and as data for the user's own eyes.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use serde_json::{Value, json};

use crate::{
    mapping::{
        Read,
        compiled::{ResourceType, Source},
    },
    tryton::{AccessReason, Explanation, ModelReason, User},
};

/// Who it is.
pub fn user(explanation: &Explanation<'_>, user: &User) -> String {
    let list = |names: BTreeSet<&str>| {
        if names.is_empty() { "none".to_owned() } else { names.into_iter().collect::<Vec<_>>().join(", ") }
    };
    let mut out = format!("user {} (id {})\n", user.login, user.id);
    let _ = writeln!(out, "groups: {}", list(explanation.groups()));
    let idle = explanation.idle_groups();
    if !idle.is_empty() {
        let _ = writeln!(out, "groups that are not active and do not count: {}", list(idle));
    }
    out
}

/// What of the types is served, element by element, then the models behind, each with what decides.
pub fn types(explanation: &Explanation<'_>, kinds: &[&ResourceType]) -> String {
    let mut out = String::new();
    let mut models = Models::new();
    for kind in kinds {
        let _ = writeln!(out, "\n{}", kind.name);
        for source in &kind.sources {
            out.push_str(&Served::of(explanation, source, &mut models).text());
        }
    }
    out.push_str("\nmodels\n");
    for (model, fields) in &models {
        out.push_str(&self::model(explanation, model, fields));
    }
    out
}

/// What of the types is served, as data. It says what is closed, not who decided so: that is for administrators.
pub(super) fn data<'k>(
    explanation: &Explanation<'_>,
    kinds: impl Iterator<Item = &'k ResourceType>,
) -> Value {
    let mut models = Models::new();
    let kinds = kinds.map(|kind| {
        let sources = kind.sources.iter().map(|source| Served::of(explanation, source, &mut models).json());
        json!({ "type": kind.name, "sources": sources.collect::<Vec<_>>() })
    });
    let kinds: Vec<_> = kinds.collect();
    json!({ "groups": explanation.groups(), "types": kinds })
}

/// The models behind the resources, each with its fields that are closed.
type Models<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

/// What is closed of what is read, for one user. Every model that is asked for is noted.
struct Closed<'a, 'e> {
    explanation: &'e Explanation<'e>,
    models: &'e mut Models<'a>,
}

impl<'a> Closed<'a, '_> {
    fn is(&mut self, read: Read<'a>) -> bool {
        let permit = &self.explanation.permit;
        match read {
            Read::Model(model) => {
                self.models.entry(model).or_default();
                !permit.model(model)
            }
            // A closed model says it for its fields.
            Read::Field(model, field) => {
                let closed = permit.model(model) && !permit.field(model, field);
                if closed {
                    self.models.entry(model).or_default().insert(field);
                }
                closed
            }
        }
    }

    /// Those of the reads that are closed, by name; empty when none is.
    fn of(&mut self, reads: BTreeSet<Read<'a>>) -> String {
        names(reads.into_iter().filter(|read| self.is(*read)))
    }
}

fn names<'a>(reads: impl IntoIterator<Item = Read<'a>>) -> String {
    let name = |read| match read {
        Read::Model(model) => model.to_owned(),
        Read::Field(model, field) => format!("{model}.{field}"),
    };
    reads.into_iter().map(name).collect::<Vec<_>>().join(", ")
}

/// What of the records of one source is served.
struct Served<'a> {
    source: &'a Source,
    /// What closes all of it.
    closed: String,
    /// Record rules decide which records.
    restricted: bool,
    /// Keys of resources that are not served, with what closes them.
    keys: Vec<(&'a str, String)>,
    /// Elements that are withheld with what closes them, and the keys of the resources that this is true of; none: all.
    elements: Vec<(String, String, Vec<&'a str>)>,
}

impl<'a> Served<'a> {
    fn of(explanation: &Explanation<'_>, source: &'a Source, models: &mut Models<'a>) -> Self {
        let mut closed = Closed { explanation, models };
        let of_source = closed.of(source.reads());
        let restricted = !explanation.rules(&source.model).is_empty();
        let mut told = Self { source, closed: of_source, restricted, keys: Vec::new(), elements: Vec::new() };
        if !told.closed.is_empty() {
            return told;
        }
        // Most resources of one record withhold the same: said once, with the keys of the ids that it is true of.
        let mut elements: BTreeMap<(String, String), Vec<&str>> = BTreeMap::new();
        let mut served = 0;
        for (index, emit) in source.emits.iter().enumerate() {
            let key = emit.key.as_deref().unwrap_or_default();
            let of_emit = closed.of(source.emit_reads(index));
            if !of_emit.is_empty() {
                told.keys.push((key, of_emit));
                continue;
            }
            served += 1;
            for (path, reads) in source.withheld(index, &mut |read| closed.is(read)) {
                elements.entry((path, names(reads))).or_default().push(key);
            }
        }
        for ((path, names), keys) in elements {
            let keys = if keys.len() == served { Vec::new() } else { keys };
            told.elements.push((path, names, keys));
        }
        told
    }

    fn text(&self) -> String {
        let mut out = format!("  {}", self.source.model);
        if let Some(prefix) = &self.source.prefix {
            let _ = write!(out, " (ids {prefix}-…)");
        }
        if !self.closed.is_empty() {
            let _ = writeln!(out, ": not served, closed: {}", self.closed);
            return out;
        }
        out.push_str(": served");
        if self.restricted {
            out.push_str(", the records that rules allow");
        }
        out.push('\n');
        for (key, closed) in &self.keys {
            let _ = writeln!(out, "    ids …-{key}: not served, closed: {closed}");
        }
        for (path, closed, keys) in &self.elements {
            let only = match keys.as_slice() {
                [] => String::new(),
                keys => format!(" (only ids …-{})", keys.join(", …-")),
            };
            let _ = writeln!(out, "    {path}: withheld, closed: {closed}{only}");
        }
        out
    }

    fn json(&self) -> Value {
        let elements = self
            .elements
            .iter()
            .map(|(path, closed, keys)| json!({ "element": path, "closed": closed, "only": keys }));
        let keys = self.keys.iter().map(|(key, closed)| json!({ "key": key, "closed": closed }));
        json!({
            "model": self.source.model,
            "closed": self.closed,
            "restricted": self.restricted,
            "keys": keys.collect::<Vec<_>>(),
            "withheld": elements.collect::<Vec<_>>(),
        })
    }
}

fn model(explanation: &Explanation<'_>, model: &str, fields: &BTreeSet<&str>) -> String {
    let mut out = format!("  {model}: {}\n", decision(&explanation.model(model)));
    for field in fields {
        let _ = writeln!(out, "    {field}: {}", decision(&explanation.field(model, field)));
    }
    if explanation.permit.model(model) {
        let rules = explanation.rules(model);
        for rule in rules.iter().filter(|rule| rule.global) {
            let _ = writeln!(out, "    must satisfy {rule}");
        }
        let other: Vec<_> = rules.iter().filter(|rule| !rule.global).map(ToString::to_string).collect();
        if !other.is_empty() {
            let _ = writeln!(out, "    must satisfy one of {}", other.join(", "));
        }
    }
    out
}

fn decision(reason: &ModelReason) -> String {
    let list = |rows: &[AccessReason]| rows.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    match reason {
        ModelReason::Unknown => "closed, this database does not have it".to_owned(),
        ModelReason::Free => "open, no access restricts it".to_owned(),
        ModelReason::Allowed(rows) => format!("open, {}", list(rows)),
        ModelReason::Forbidden(rows) => format!("closed, {}", list(rows)),
        ModelReason::Refused { rule_group: Some(name), reason } => {
            format!("closed, a record rule of \"{name}\" cannot be repeated: {reason}")
        }
        ModelReason::Refused { rule_group: None, reason } => format!("closed, {reason}"),
    }
}
