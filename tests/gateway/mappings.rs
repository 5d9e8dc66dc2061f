//! Findings: one folder of `tests/mappings` for each rule of `src/mapping`, with a broken mapping over the shipped ones
//! and the findings that it must have. `X.toml.more` is put before the shipped `X.toml`.
//! GNUHEALTH_FHIR_BLESS=1 writes `expected.txt` anew: read the difference.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use gnuhealth_fhir::mapping::{Files, Findings, Options, compile};

use crate::harness::demo;

fn root(below: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(below)
}

fn folders() -> BTreeSet<String> {
    let entries = fs::read_dir(root("tests/mappings")).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// Ids of the rules in the source: the first text of every `findings.add(`.
fn rules() -> BTreeSet<String> {
    let mut rules = BTreeSet::new();
    for entry in fs::read_dir(root("src/mapping")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            continue;
        }
        let text = fs::read_to_string(path).unwrap();
        for call in text.split("findings.add(").skip(1).chain(
            text.split("findings\n").skip(1).filter_map(|rest| rest.trim_start().strip_prefix(".add(")),
        ) {
            let id = call.trim_start().strip_prefix('"').expect("a rule has its id as text");
            rules.insert(id.split('"').next().unwrap().to_owned());
        }
    }
    rules
}

fn findings(files: &Files) -> Findings {
    let options = Options { site: "http://hospital.example".to_owned() };
    compile(files, &demo().gateway.catalog, &options).1
}

fn broken(folder: &Path) -> Files {
    let mut files = Files::shipped();
    files.overlay(folder).unwrap();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|end| end == "more") {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let shipped = files.iter().find(|(known, _)| *known == name).unwrap().1.to_owned();
            files.insert(&name, &(fs::read_to_string(&path).unwrap() + &shipped));
        }
    }
    files
}

#[test]
fn the_shipped_mappings_have_no_findings() {
    let found: Vec<String> = findings(&Files::shipped()).0.iter().map(ToString::to_string).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn every_rule_has_a_folder() {
    let (rules, folders) = (rules(), folders());
    assert!(rules.len() > 30, "the rules are found in the source: {rules:?}");
    assert_eq!(rules, folders, "src/mapping and tests/mappings");
}

#[test]
fn every_finding_tells_place_expectation_and_hint() {
    let bless = std::env::var_os("GNUHEALTH_FHIR_BLESS").is_some();
    let mut wrong = Vec::new();
    for rule in folders() {
        let folder = root("tests/mappings").join(&rule);
        let found = findings(&broken(&folder));
        assert!(found.0.iter().any(|finding| finding.rule == rule), "{rule}: {found:?}");
        let text: String = found.0.iter().map(|finding| format!("{finding}\n")).collect();
        let expected = folder.join("expected.txt");
        if bless {
            fs::write(&expected, &text).unwrap();
        }
        if fs::read_to_string(&expected).unwrap_or_default() != text {
            wrong.push(format!("{rule}:\n{text}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
