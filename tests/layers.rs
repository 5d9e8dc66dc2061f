//! Which module may import which. The table is the one of the crate's design: imports go downwards only, and each
//! foreign protocol is known in one place.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Module → modules of this crate that it may name, beside itself. `error` is open to all.
const MAY_NAME: [(&str, &[&str]); 18] = [
    ("server", &["audit", "interaction", "fhir", "config", "page", "spans", "tls"]),
    ("interaction", &["audit", "plan", "render", "search", "mapping", "tryton", "fhir", "spans", "store"]),
    ("plan", &["render", "mapping", "search", "tryton", "sql"]),
    ("render", &["mapping", "search", "fhir"]),
    ("search", &["fhir"]),
    ("mapping", &["fhir", "search", "tryton", "heap"]),
    ("tryton", &["store", "sql", "heap"]),
    ("fhir", &[]),
    ("store", &["spans", "sql", "tls"]),
    ("sql", &[]),
    ("audit", &[]),
    ("config", &[]),
    ("page", &[]),
    ("spans", &[]),
    ("tls", &[]),
    ("error", &[]),
    ("heap", &[]),
    ("demo", &[]),
];

/// Crate → modules that may name it.
const KNOWN_IN: [(&str, &[&str]); 14] = [
    ("hyper", &["server"]),
    ("hyper_util", &["server"]),
    ("http_body_util", &["server"]),
    ("prometheus_client", &["server"]),
    ("opentelemetry_proto", &["server"]),
    ("prost", &["server"]),
    ("rustls", &["tls"]),
    ("tokio_postgres", &["store", "demo"]),
    ("deadpool", &["store"]),
    ("deadpool_postgres", &["store"]),
    ("fhir_sdk", &["model"]),
    ("quick_xml", &["fhir"]),
    ("clap", &["cli"]),
    ("tracing_subscriber", &["cli"]),
];

/// A word that stands for itself: not part of a longer one, not a step of a path.
fn words<'t>(text: &'t str, word: &'t str) -> impl Iterator<Item = usize> + 't {
    let part = |character: char| character.is_alphanumeric() || character == '_';
    text.match_indices(word).map(|(at, _)| at).filter(move |at| {
        let (before, after) = (&text[..*at], &text[at + word.len()..]);
        !before.ends_with(part) && !before.ends_with("::") && !after.starts_with(part)
    })
}

/// The first names of what follows a path separator: one, or those of a list in braces.
fn heads(text: &str) -> Vec<&str> {
    let name = |text: &str| text.find(|character: char| !(character.is_alphanumeric() || character == '_'));
    let Some(list) = text.strip_prefix('{') else { return vec![&text[..name(text).unwrap_or(text.len())]] };
    let (mut depth, mut start, mut heads) = (1, 0, Vec::new());
    for (at, character) in list.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 || (depth == 1 && character == ',') {
            let item = list[start..at].trim_start();
            heads.push(&item[..name(item).unwrap_or(item.len())]);
            start = at + 1;
        }
        if depth == 0 {
            break;
        }
    }
    heads.retain(|head| !head.is_empty());
    heads
}

/// Source without comments and without the tests at its end.
fn code(text: &str) -> String {
    let text = text.split("\n#[cfg(test)]").next().unwrap_or_default();
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// What the source at this module path (`["plan", "page"]`) must not name.
fn forbidden(path: &[&str], text: &str) -> BTreeSet<String> {
    let text = code(text);
    let module = path[0];
    let mut named: BTreeSet<&str> = BTreeSet::new();
    for at in words(&text, "crate") {
        if let Some(rest) = text[at..].strip_prefix("crate::") {
            named.extend(heads(rest));
        }
    }
    // `super` often enough is the crate too.
    for at in words(&text, "super") {
        let rest = text[at..].trim_start_matches("super::");
        let steps = (text.len() - at - rest.len()) / "super::".len();
        if steps == path.len() {
            named.extend(heads(rest));
        }
    }
    let mut wrong = BTreeSet::new();
    if let Some((_, allowed)) = MAY_NAME.iter().find(|(name, _)| *name == module) {
        let modules = MAY_NAME.iter().map(|(name, _)| *name).chain(["cli"]);
        for other in modules.filter(|other| named.contains(other)) {
            if other != module && other != "error" && !allowed.contains(&other) {
                wrong.insert(format!("{module} names {other}"));
            }
        }
    }
    for (foreign, places) in KNOWN_IN {
        if !places.contains(&module) && words(&text, foreign).next().is_some() {
            wrong.insert(format!("{module} names {foreign}"));
        }
    }
    // These are pure: no tasks, no clock, no network.
    if ["plan", "render", "search", "mapping", "fhir", "sql"].contains(&module)
        && words(&text, "tokio").next().is_some()
    {
        wrong.insert(format!("{module} names tokio"));
    }
    wrong
}

fn sources(folder: &Path, all: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, all);
        } else if path.extension().is_some_and(|end| end == "rs")
            && path.file_name().is_some_and(|name| name != "tests.rs")
        {
            all.push(path);
        }
    }
}

#[test]
fn imports_go_downwards() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    assert!(files.len() > 100, "the sources are found");
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for file in files {
        let relative = file.strip_prefix(&root).expect("below src").with_extension("");
        let mut path: Vec<&str> = relative.iter().filter_map(|part| part.to_str()).collect();
        path.retain(|part| *part != "mod");
        if path == ["lib"] || path == ["main"] {
            continue;
        }
        seen.insert(path[0].to_owned());
        let text = fs::read_to_string(&file).expect("a source");
        wrong.extend(
            forbidden(&path, &text).into_iter().map(|arrow| format!("{}: {arrow}", relative.display())),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let known: BTreeSet<String> = MAY_NAME
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .chain(["cli".to_owned(), "model".to_owned()])
        .collect();
    assert_eq!(seen, known, "every module has its line in the table");
}

#[test]
fn a_wrong_arrow_is_found_however_it_is_written() {
    let found = |path: &[&str], text: &str| forbidden(path, text).into_iter().collect::<Vec<_>>().join("; ");
    assert_eq!(found(&["server", "handle"], "use crate::tryton::Permit;"), "server names tryton");
    assert_eq!(
        found(&["server"], "use crate::{\n  error::{self, Error},\n  plan::{page, read},\n};"),
        "server names plan"
    );
    assert_eq!(found(&["server"], "fn f() { super::mapping::compile() }"), "server names mapping");
    assert_eq!(found(&["server", "a"], "use super::super::store;"), "server names store");
    assert_eq!(found(&["server", "a"], "use super::mapping;"), "", "a module of its own");
    assert_eq!(found(&["tryton", "a"], "let x = crate::fhir::codes::listed();"), "tryton names fhir");
    assert_eq!(found(&["fhir"], "use crate::{error, tryton};"), "fhir names tryton");
    assert_eq!(found(&["search"], "use crate::mapping;"), "search names mapping");
    assert_eq!(found(&["plan"], "use tokio_postgres::Row;"), "plan names tokio_postgres");
    assert_eq!(found(&["interaction"], "fn f(_: hyper::Uri) {}"), "interaction names hyper");
    assert_eq!(found(&["interaction"], "use crate::{cli};"), "interaction names cli");
    assert_eq!(
        found(
            &["interaction"],
            "// hyper\n/// crate::cli\nuse crate::hyper_like;\n#[cfg(test)]\nmod t { use hyper::X; }"
        ),
        ""
    );
    assert_eq!(found(&["cli", "log"], "use clap::Parser; use crate::tryton;"), "");
}
