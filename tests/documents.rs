//! What is written about the program is true: generated files are as generated, links lead somewhere, every finding is
//! explained, the example mappings hold.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Duration,
};

use gnuhealth_fhir::{
    config,
    demo::{
        Error,
        postgres::{Choice, Server},
        snapshot,
    },
    mapping::{self, Files},
    store::{self, Store},
    tryton::{Catalog, Series},
};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const LANGUAGE: &str = include_str!("../src/manual/mapping-language.md");

/// Files below a folder of the checkout that end so, without what was built.
fn files(folder: &str, end: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(ROOT).join(folder)];
    while let Some(current) = folders.pop() {
        for entry in fs::read_dir(&current).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            let name = entry.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if entry.is_dir() && name != "target" && name != ".git" {
                folders.push(entry);
            } else if name.ends_with(end) {
                found.push(entry);
            }
        }
    }
    found
}

fn printed(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_gnuhealth-fhir")).args(arguments).output();
    String::from_utf8(output.expect("the program starts").stdout).expect("UTF-8")
}

#[test]
fn generated_files_are_as_generated() {
    let hint = "write it anew: gnuhealth-fhir docs";
    assert!(config::reference() == include_str!("../config.toml"), "config.toml is old; {hint} config");
    assert!(
        printed(&["docs", "errors"]) == include_str!("../src/manual/errors.md"),
        "src/manual/errors.md is old; {hint} errors"
    );
    assert!(
        printed(&["docs", "coverage"]) == include_str!("../src/manual/coverage.md"),
        "src/manual/coverage.md is old; {hint} coverage"
    );
    assert!(
        printed(&["docs", "types"]) == include_str!("../src/manual/resource-types.md"),
        "src/manual/resource-types.md is old; {hint} types"
    );
    assert!(
        printed(&["docs", "parameters"]) == include_str!("../src/manual/search-parameters.md"),
        "src/manual/search-parameters.md is old; {hint} parameters"
    );
}

#[test]
fn what_is_said_not_to_be_served_is_not() {
    let served = include_str!("../src/manual/resource-types.md");
    let rows = include_str!("../src/manual/not-served.md")
        .lines()
        .filter_map(|line| line.strip_prefix("| "))
        .skip(1);
    let names: Vec<_> =
        rows.filter_map(|row| row.split_once(" | ")).flat_map(|(names, _)| names.split(", ")).collect();
    assert!(names.len() > 5);
    for name in names {
        assert!(!served.contains(&format!("| {name} |")), "{name}");
    }
}

#[test]
fn every_column_is_mapped_or_left_out_for_a_reason() {
    for series in [Series::V7_0, Series::V6_0] {
        let files = Files::shipped();
        let catalog = Catalog::full(series, files.modules()).expect("the embedded catalogue");
        let options = mapping::Options { site: "http://hospital.example".to_owned() };
        let (compiled, findings) = mapping::compile(&files, &catalog, &options);
        assert_eq!(findings.0, []);
        if series == Series::V7_0 {
            assert_eq!(compiled.skipped, [], "a model or a module that GNU Health does not have");
        }
        let all = mapping::coverage(&catalog, &compiled);
        assert!(all["gnuhealth.patient.ecg"].mapped.contains(&"qrs".to_owned()));
        assert!(all.len() > 110, "{series:?}: {}", all.len());
        let neither: Vec<_> = all
            .iter()
            .filter(|(_, coverage)| !coverage.missing.is_empty())
            .map(|(model, coverage)| format!("{model}: {}", coverage.missing.join(", ")))
            .collect();
        assert!(neither.is_empty(), "{series:?}: neither mapped nor left out:\n{}", neither.join("\n"));
    }
}

/// Ids of rules in the source: the first argument of `findings.add`.
fn rules() -> BTreeSet<String> {
    let mut rules = BTreeSet::new();
    for file in files("src/mapping", ".rs") {
        let text = fs::read_to_string(file).expect("text");
        let text = text.split("#[cfg(test)]").next().unwrap_or_default();
        for call in text.split("findings.add(").skip(1) {
            let literal = call.trim_start().strip_prefix('"').and_then(|rest| rest.split_once('"'));
            rules.extend(literal.map(|(rule, _)| rule.to_owned()));
        }
    }
    rules
}

/// Ids of rules in the manual: the first column of the table under "Findings".
fn explained() -> BTreeSet<String> {
    let (_, findings) = LANGUAGE.split_once("\n## Findings\n").expect("the manual lists the findings");
    let rows = findings.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    rows.map(|(rule, _)| rule.to_owned()).collect()
}

#[test]
fn every_finding_is_explained() {
    let (rules, explained) = (rules(), explained());
    assert!(rules.len() > 20, "the source is no longer understood: {rules:?}");
    assert_eq!(rules, explained, "src/manual/mapping-language.md and src/mapping differ");
}

#[test]
fn examples_of_the_manual_are_toml() {
    for part in LANGUAGE.split("```toml\n").skip(1) {
        let example = part.split("```").next().unwrap_or_default();
        assert!(toml::from_str::<toml::Table>(example).is_ok(), "{example}");
    }
}

#[test]
fn every_setting_of_the_manual_exists() {
    for file in files("src/manual", ".md").into_iter().chain(files("examples", ".md")) {
        let text = fs::read_to_string(&file).expect("text");
        for variable in text.split(config::ENVIRONMENT_PREFIX).skip(1) {
            let name: String = variable.chars().take_while(|c| c.is_ascii_uppercase() || *c == '_').collect();
            let known = config::Config::KEYS.iter().any(|key| key.name.to_uppercase() == name);
            assert!(known || name == "CONFIG", "{}: {name}", file.display());
        }
    }
}

#[test]
fn links_lead_somewhere() {
    for file in files("", ".md") {
        let text = fs::read_to_string(&file).expect("text");
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let path = target.split('#').next().unwrap_or_default();
            if !path.is_empty() && !target.contains(':') {
                let place = file.parent().expect("a folder").join(path);
                assert!(place.exists(), "{}: {target}", file.display());
            }
        }
    }
}

/// What a module imports from others of this crate, without its tests.
fn imports(module: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let single = PathBuf::from(format!("{ROOT}/src/{module}.rs"));
    let single = single.exists().then_some(single);
    let all = files(&format!("src/{module}"), ".rs").into_iter().chain(single);
    for file in all
        .filter(|file| !file.ends_with("tests.rs") && !file.starts_with(format!("{ROOT}/src/demo/runtime")))
    {
        let text = fs::read_to_string(file).expect("text");
        let text = text.split("#[cfg(test)]").next().unwrap_or_default();
        let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        let text = lines.collect::<Vec<_>>().join("\n");
        for (at, start) in text.match_indices("crate::") {
            if text[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_') {
                continue;
            }
            found.extend(names(&text[at + start.len()..]));
        }
    }
    found.remove(module);
    found
}

/// The first names of `a::b`, or of `{a::{b, c}, d}`.
fn names(path: &str) -> Vec<String> {
    let word = |text: &str| -> String {
        text.trim_start().chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
    };
    let Some(list) = path.strip_prefix('{') else { return vec![word(path)] };
    let (mut depth, mut start, mut found) = (1, 0, Vec::new());
    for (at, character) in list.char_indices() {
        depth += i32::from(character == '{') - i32::from(character == '}');
        if depth == 0 || (depth == 1 && character == ',') {
            found.push(word(&list[start..at]));
            start = at + 1;
        }
        if depth == 0 {
            break;
        }
    }
    found.retain(|name| !name.is_empty());
    found
}

#[test]
fn modules_import_what_the_picture_of_the_house_says() {
    let picture = include_str!("../src/lib.rs");
    let quoted = |text: &str| text.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    let mut layers = BTreeMap::new();
    for row in picture.lines().filter_map(|line| line.strip_prefix("//! | ")) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        if let (Ok(layer), Some(module)) = (cells[0].parse::<u8>(), quoted(cells[1]).first()) {
            layers.insert(module.clone(), (layer, quoted(cells[3])));
        }
    }
    let modules: BTreeSet<_> = picture.lines().filter_map(|line| line.strip_prefix("pub mod ")).collect();
    let modules: BTreeSet<_> = modules.iter().map(|line| line.trim_end_matches(';').to_owned()).collect();
    assert_eq!(layers.keys().cloned().collect::<BTreeSet<_>>(), modules);
    for (module, (layer, uses)) in &layers {
        assert_eq!(imports(module), uses.iter().cloned().collect(), "{module}");
        for used in uses {
            assert!(layers[used].0 <= *layer, "{module} of layer {layer} uses {used}");
        }
    }
}

/// The folder lies over the shipped files and holds for the demo hospital.
#[tokio::test]
async fn the_example_mappings_hold() {
    let server = match Server::start(Choice::Auto, None).await {
        Ok(server) => server,
        Err(Error::NothingInstalled) => {
            println!("skipped: there is no PostgreSQL");
            return;
        }
        Err(error) => panic!("{error}"),
    };
    snapshot::load(server.url(), include_bytes!("../src/demo/hospital-5.0.sql.zst").as_slice())
        .await
        .expect("the hospital is loaded");
    let seconds = Duration::from_secs;
    let options = store::Options {
        url: server.url().to_owned(),
        database: None,
        connections: 2,
        statement_timeout: seconds(30),
        wait: seconds(5),
        pooler: false,
        replicas: None,
    };
    let store = Arc::new(Store::open(&options).await.expect("it answers"));
    let catalog = Catalog::load(&store).await.expect("a GNU Health database");
    let mut files = Files::shipped();
    let options = mapping::Options { site: "http://hospital.example".to_owned() };
    let sources = |compiled: &mapping::Compiled| compiled.types["Observation"].sources.len();
    let (shipped, findings) = mapping::compile(&files, &catalog, &options);
    assert_eq!(findings.0, []);
    files.overlay(&Path::new(ROOT).join("examples/mappings")).expect("a folder");
    let (own, findings) = mapping::compile(&files, &catalog, &options);
    assert_eq!(findings.0, []);
    assert_eq!(sources(&own), sources(&shipped) + 1);
    drop(store);
    server.stop().await;
}
