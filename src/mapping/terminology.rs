//! What the code maps say and which codes the mappings name, as resources: a ConceptMap for each map, and the code systems
//! that are GNU Health's own with their value sets. They are sources like those of files, of the row of the module `health`,
//! so that they are searched, paged and guarded in the same way.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    sync::Arc,
};

use super::{
    codes::{Code, CodeMap, Systems},
    finding::Findings,
    text::{self, Item, Kind, Table},
};

/// Code systems with the displays of their codes.
type Concepts = BTreeMap<String, BTreeMap<String, Option<String>>>;

/// Files that stand beside the others. `files` are those that may name codes.
pub fn generated(
    codes: &BTreeMap<String, Arc<CodeMap>>,
    files: &[&Table],
    names: &Systems,
    site: &str,
    findings: &mut Findings,
) -> Vec<Table> {
    let own = format!("{site}/CodeSystem/");
    let mut maps = Vec::new();
    let mut systems = Concepts::new();
    let mut add = |system: &str, code: &str, display: Option<&str>| {
        let known = systems.entry(system.to_owned()).or_default().entry(code.to_owned()).or_default();
        *known = known.take().or(display.map(str::to_owned));
    };
    for map in codes.values() {
        for code in map.entries.values().flatten() {
            if let Some(system) = code.system.as_deref().filter(|system| system.starts_with(&own)) {
                add(system, &code.code, code.display.as_deref());
            }
        }
        maps.extend(concept_map(map, site));
    }
    let mut written = BTreeSet::new();
    for file in files {
        named(file, &mut |system, code, display| {
            if let Some(system) = names.known(system).filter(|system| system.starts_with(&own)) {
                add(&system, code, display);
            }
        });
        written.extend(written_out(file, names));
    }
    // A catalogue of the database that is a code system has more codes than the mappings know.
    systems.retain(|system, _| !written.contains(system));
    let own = systems.iter().map(|(system, concepts)| code_system(system, concepts)).collect();
    let sets = systems.keys().map(|system| value_set(system)).collect();
    [("ConceptMap", maps), ("CodeSystem", own), ("ValueSet", sets)]
        .into_iter()
        .filter(|(_, emits): &(_, Vec<String>)| !emits.is_empty())
        .filter_map(|(type_name, emits)| file(type_name, &emits, findings))
        .collect()
}

/// A file of these emits. They are read one by one: what a reader of a long text needs is ten times as long.
fn file(type_name: &str, emits: &[String], findings: &mut Findings) -> Option<Table> {
    let name = format!("codes ({type_name})");
    let mut file = text::parse(&name, &source(type_name), findings)?;
    for emit in emits {
        append(&mut file, text::parse(&name, emit, findings)?);
    }
    Some(file)
}

/// Adds the entries of another table: tables of the same name become one, as lists do.
fn append(table: &mut Table, other: Table) {
    for (key, item) in other.entries {
        match (table.entries.iter_mut().find(|(own, _)| own.name == key.name), item.kind) {
            (Some((_, Item { kind: Kind::Table(own), .. })), Kind::Table(other)) => append(own, other),
            (Some((_, Item { kind: Kind::List(own), .. })), Kind::List(other)) => own.extend(other),
            (_, kind) => table.entries.push((key, Item { kind, ..item })),
        }
    }
}

/// Every constant coding of a file: `"=SYSTEM CODE DISPLAY"`, and tables that say the same with constants.
fn named(table: &Table, found: &mut impl FnMut(&str, &str, Option<&str>)) {
    let constant = |name: &str| table.item(name)?.text()?.strip_prefix('=');
    if let (Some(system), Some(code)) = (constant("system"), constant("code")) {
        found(system, code, constant("display"));
    }
    table.entries.iter().for_each(|(_, item)| named_in(item, found));
}

fn named_in(item: &Item, found: &mut impl FnMut(&str, &str, Option<&str>)) {
    match &item.kind {
        Kind::Text(text) => {
            let mut words = text.strip_prefix('=').unwrap_or_default().splitn(3, ' ');
            if let (Some(system), Some(code)) = (words.next(), words.next()) {
                found(system, code, words.next());
            }
        }
        Kind::List(items) => items.iter().for_each(|item| named_in(item, found)),
        Kind::Table(table) => named(table, found),
        Kind::Number(_) | Kind::Flag(_) => {}
    }
}

/// URLs of the code systems that a file serves.
fn written_out(file: &Table, names: &Systems) -> Vec<String> {
    if file.item("type").and_then(Item::text) != Some("CodeSystem") {
        return Vec::new();
    }
    let sources = file.item("source").and_then(Item::table).map(|table| table.entries.as_slice());
    let sources = sources.unwrap_or_default().iter().filter_map(|(_, source)| source.table());
    let url = |source: &Table| {
        let url = source.item("element")?.table()?.item("url")?.text()?.strip_prefix('=')?;
        names.known(url)
    };
    sources.chain([file]).filter_map(url).collect()
}

fn source(type_name: &str) -> String {
    format!(
        "type = {0}\n[source.codes]\nmodel = \"ir.module\"\nid = \"codes\"\nwhere = {{ name = \"health\" }}\n",
        quoted(type_name)
    )
}

/// None of a map without codes.
fn concept_map(map: &CodeMap, site: &str) -> Option<String> {
    let mut groups: BTreeMap<Option<&str>, Vec<(&str, &Code)>> = BTreeMap::new();
    for (key, code) in &map.entries {
        // A key without a code has no target: it is not in the map.
        if let Some(code) = code {
            groups.entry(code.system.as_deref()).or_default().push((key, code));
        }
    }
    if groups.is_empty() {
        return None;
    }
    let url = format!("{site}/ConceptMap/{}", map.name);
    let source = format!("{site}/CodeSystem/tryton/{}", map.name);
    let mut out = emit(&map.name, &url);
    let groups: Vec<String> = groups
        .into_iter()
        .map(|(system, codes)| {
            let elements: Vec<String> = codes
                .into_iter()
                .map(|(key, code)| {
                    let equivalence = equivalence(map, code, site);
                    let display =
                        code.display.as_ref().map(|text| member("display", text)).unwrap_or_default();
                    format!(
                        "{{ {}target = [{{ {}{display}equivalence = \"={equivalence}\" }}] }}",
                        member("code", key),
                        member("code", &code.code)
                    )
                })
                .collect();
            let target = system.map(|system| member("target", system)).unwrap_or_default();
            format!("{{ {}{target}element = [{}] }}", member("source", &source), elements.join(", "))
        })
        .collect();
    let _ = writeln!(out, "group = [{}]", groups.join(", "));
    Some(out)
}

/// How the meanings of a key and its code relate: what the map says of it, else what follows. Codes of GNU Health's own code
/// systems are made of the keys; of codes of others it is known that somebody chose them for the key, and no more.
fn equivalence<'a>(map: &CodeMap, code: &'a Code, site: &str) -> &'a str {
    let own = code.system.as_deref().is_some_and(|system| system.starts_with(&format!("{site}/CodeSystem/")));
    let shared = map.keys(|other| (&other.system, &other.code) == (&code.system, &code.code)).count() > 1;
    match &code.equivalence {
        Some(said) => said,
        None if own && shared => "wider",
        None if own => "equivalent",
        None => "relatedto",
    }
}

fn code_system(system: &str, concepts: &BTreeMap<String, Option<String>>) -> String {
    let mut out = emit(last(system), system);
    let _ = writeln!(out, "caseSensitive = true\ncontent = \"=complete\"\ncount = {}", concepts.len());
    let _ = writeln!(out, "valueSet = {}", quoted(&format!("={}", set_of(system))));
    let concepts: Vec<String> = concepts
        .iter()
        .map(|(code, display)| {
            let display = display.as_ref().map(|text| member("display", text)).unwrap_or_default();
            format!("{{ {}{display}}}", member("code", code)).replace(", }", " }")
        })
        .collect();
    let _ = writeln!(out, "concept = [{}]", concepts.join(", "));
    out
}

fn value_set(system: &str) -> String {
    let mut out = emit(last(system), &set_of(system));
    let _ = writeln!(out, "compose = {{ include = [{{ system = {} }}] }}", quoted(&format!("={system}")));
    out
}

/// What every one of them has.
fn emit(name: &str, url: &str) -> String {
    format!(
        "[[source.codes.emit]]\nkey = {}\nurl = {}\nname = {}\nstatus = \"=active\"\n",
        quoted(&key(name)),
        quoted(&format!("={url}")),
        quoted(&format!("={}", computable(name)))
    )
}

/// `{site}/CodeSystem/x` → `{site}/ValueSet/x`.
fn set_of(system: &str) -> String {
    system.replacen("/CodeSystem/", "/ValueSet/", 1)
}

fn last(system: &str) -> &str {
    system.rsplit_once("/CodeSystem/").map_or(system, |(_, name)| name)
}

/// The name as a part of an id.
fn key(name: &str) -> String {
    name.chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
        .take(44)
        .collect()
}

/// `birth-place` → `BirthPlace`: FHIR wants a name that programs can use.
fn computable(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let mut computable = String::new();
    for word in words {
        computable.push_str(&word[..1].to_ascii_uppercase());
        computable.push_str(&word[1..]);
    }
    computable
}

fn member(name: &str, text: &str) -> String {
    format!("{name} = {}, ", quoted(&format!("={text}")))
}

/// A text of TOML; those of JSON are the same.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
