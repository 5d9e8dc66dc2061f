//! What the code maps say, as resources: a ConceptMap for each map, and the code systems that are GNU Health's own with
//! their value sets. They are sources like those of files, of the row of the module `health`, so that they are searched,
//! paged and guarded in the same way.

use std::{collections::BTreeMap, fmt::Write as _, sync::Arc};

use super::codes::{Code, CodeMap};

/// Files that stand beside the others: name and text.
pub fn generated(codes: &BTreeMap<String, Arc<CodeMap>>, site: &str) -> Vec<(&'static str, String)> {
    let mut maps = String::new();
    let mut systems: BTreeMap<&str, BTreeMap<&str, Option<&str>>> = BTreeMap::new();
    for map in codes.values() {
        for code in map.entries.values().flatten() {
            if let Some(system) = code.system.as_deref().filter(|system| system.starts_with(site)) {
                let display = systems.entry(system).or_default().entry(&code.code).or_default();
                *display = display.or(code.display.as_deref());
            }
        }
        concept_map(&mut maps, map, site);
    }
    let (mut own, mut sets) = (String::new(), String::new());
    for (system, concepts) in &systems {
        code_system(&mut own, system, concepts);
        value_set(&mut sets, system);
    }
    [("ConceptMap", maps), ("CodeSystem", own), ("ValueSet", sets)]
        .into_iter()
        .filter(|(_, emits)| !emits.is_empty())
        .map(|(type_name, emits)| (type_name, source(type_name) + &emits))
        .collect()
}

fn source(type_name: &str) -> String {
    format!(
        "type = {0}\n[source.codes]\nmodel = \"ir.module\"\nid = \"codes\"\nwhere = {{ name = \"health\" }}\n",
        quoted(type_name)
    )
}

fn concept_map(out: &mut String, map: &CodeMap, site: &str) {
    let mut groups: BTreeMap<Option<&str>, Vec<(&str, &Code)>> = BTreeMap::new();
    for (key, code) in &map.entries {
        // A key without a code has no target: it is not in the map.
        if let Some(code) = code {
            groups.entry(code.system.as_deref()).or_default().push((key, code));
        }
    }
    if groups.is_empty() {
        return;
    }
    let url = format!("{site}/ConceptMap/{}", map.name);
    let source = format!("{site}/CodeSystem/tryton/{}", map.name);
    emit(out, &map.name, &url);
    let groups: Vec<String> = groups
        .into_iter()
        .map(|(system, codes)| {
            let elements: Vec<String> = codes
                .into_iter()
                .map(|(key, code)| {
                    let display =
                        code.display.as_ref().map(|text| member("display", text)).unwrap_or_default();
                    format!(
                        "{{ {}target = [{{ {}{display}equivalence = \"=equivalent\" }}] }}",
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
}

fn code_system(out: &mut String, system: &str, concepts: &BTreeMap<&str, Option<&str>>) {
    emit(out, last(system), system);
    let _ = writeln!(out, "caseSensitive = true\ncontent = \"=complete\"\ncount = {}", concepts.len());
    let _ = writeln!(out, "valueSet = {}", quoted(&format!("={}", set_of(system))));
    let concepts: Vec<String> = concepts
        .iter()
        .map(|(code, display)| {
            let display = display.map(|text| member("display", text)).unwrap_or_default();
            format!("{{ {}{display}}}", member("code", code)).replace(", }", " }")
        })
        .collect();
    let _ = writeln!(out, "concept = [{}]", concepts.join(", "));
}

fn value_set(out: &mut String, system: &str) {
    emit(out, last(system), &set_of(system));
    let _ = writeln!(out, "compose = {{ include = [{{ system = {} }}] }}", quoted(&format!("={system}")));
}

/// What every one of them has.
fn emit(out: &mut String, name: &str, url: &str) {
    let _ = writeln!(
        out,
        "[[source.codes.emit]]\nkey = {}\nurl = {}\nname = {}\nstatus = \"=active\"",
        quoted(&key(name)),
        quoted(&format!("={url}")),
        quoted(&format!("={}", computable(name)))
    );
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
