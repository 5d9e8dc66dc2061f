use std::{path::Path, time::Duration};

use super::{Config, Given, Origin, load, reference};

fn file(text: &str) -> Result<super::Loaded, Vec<String>> {
    load(&[], Some((Path::new("config.toml"), text)))
        .map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

fn given(name: &'static str, text: &str, origin: Origin) -> Given {
    Given { name, text: text.to_owned(), origin }
}

#[test]
fn defaults_can_be_read() {
    let loaded = load(&[], None).unwrap();
    assert_eq!(loaded.config.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(loaded.config.base_path.as_str(), "/fhir");
    assert_eq!(loaded.config.watch_interval.as_millis(), 400);
    assert_eq!(loaded.config.max_body.0, 1 << 20);
    assert!(loaded.origins.iter().all(|(_, origin)| *origin == Origin::Default));
}

#[test]
fn flag_wins_over_environment_over_file_over_default() {
    let text = "max_count = 300\nconnections = 3\nlog = \"json\"\n";
    let given = [
        given("connections", "5", Origin::Flag),
        given("connections", "4", Origin::Environment),
        given("max_count", "400", Origin::Environment),
    ];
    let loaded = load(&given, Some((Path::new("config.toml"), text))).unwrap();
    assert_eq!(loaded.config.connections.get(), 5);
    assert_eq!(loaded.config.max_count.get(), 400);
    let origin = |name: &str| loaded.origins.iter().find(|(key, _)| *key == name).unwrap().1.clone();
    assert_eq!(origin("connections"), Origin::Flag);
    assert_eq!(origin("max_count"), Origin::Environment);
    assert_eq!(origin("log"), Origin::File { path: "config.toml".into(), line: 3 });
    assert_eq!(origin("listen"), Origin::Default);
}

#[test]
fn every_problem_of_a_file_is_told_with_its_place() {
    let problems = file("listne = \"x\"\n\nzzz = 1\ntrusted_proxies = \"10.0.0.0/8\"\n").unwrap_err();
    assert_eq!(
        problems,
        [
            "config.toml:1:1: there is no key \"listne\"; did you mean \"listen\"?",
            "config.toml:3:1: there is no key \"zzz\"; gnuhealth-fhir docs config lists the keys",
            "config.toml:4:1: trusted_proxies: expected a list of texts, [\"…\", \"…\"]",
        ]
    );
    let problems = file("statement_timeout = 30\nlisten = \"here\"\nmax_count = 10").unwrap_err();
    assert!(
        problems[0].starts_with("config.toml:1: statement_timeout: \"30\" is not a length"),
        "{problems:?}"
    );
    assert!(problems[1].starts_with("config.toml:2: listen: \"here\" is not an address"), "{problems:?}");
    assert_eq!(file("max_count = 10").unwrap_err(), ["default_count (50) is larger than max_count (10)"]);
    assert_eq!(file("log = \"text\"\nlog = \"json\"").unwrap_err().len(), 1);
    // A value can be a password: what is told of a broken file holds none.
    let broken = [
        "database_url = \"topsecret",
        "database_url = topsecret",
        "page_link_key = \"a\"topsecret\"",
        "topsecret",
    ];
    for text in broken {
        let told = file(text).unwrap_err().concat();
        assert!(!told.contains("topsecret"), "{told}");
    }
}

#[test]
fn lists_are_read_from_file_and_flag() {
    let loaded = file("trusted_proxies = [\"10.0.0.0/8\", \"::1\"]").unwrap();
    assert_eq!(loaded.config.trusted_proxies.len(), 2);
    let loaded = load(&[given("trusted_proxies", "10.0.0.0/8, ::1", Origin::Flag)], None).unwrap();
    assert_eq!(loaded.config.trusted_proxies.len(), 2);
}

#[test]
fn secrets_are_never_shown() {
    let text = "database_url = \"postgresql://u:topsecret@h/db\"\npage_link_key = \"topsecret-topsecret-topsecret-topsecret\"";
    let loaded = file(text).unwrap();
    assert!(!format!("{loaded:?} {:?}", loaded.config.values()).contains("topsecret"));
    for broken in [
        "database_url = \"topsecret\"",
        "database_url = \"http://topsecret@x\"",
        "page_link_key = \"topsecret\"",
        "database_url = 'postgresql://u:topsecret@h' x",
        "database_url = topsecret",
    ] {
        let problems = file(broken).unwrap_err();
        assert!(!format!("{problems:?}").contains("topsecret"), "{problems:?}");
    }
}

#[test]
fn misspelt_variables_are_noted() {
    let mut loaded = load(&[], None).unwrap();
    let names = ["GNUHEALTH_FHIR_LISTNE", "GNUHEALTH_FHIR_LISTEN", "GNUHEALTH_FHIR_SERVICE_HOST", "HOME"];
    loaded.note_variables(names.into_iter().map(str::to_owned));
    assert_eq!(loaded.notes.len(), 1);
    assert!(loaded.notes[0].contains("did you mean GNUHEALTH_FHIR_LISTEN?"));
}

#[test]
fn replicas_need_a_lag_that_can_be_watched() {
    let text =
        |lag: &str| format!("replica_url = \"postgresql://two,three/health\"\nreplica_lag = \"{lag}\"");
    assert_eq!(file(&text("200ms")).unwrap().config.replica_lag, Duration::from_millis(200));
    let problems = format!("{:?}", file(&text("199ms")).unwrap_err());
    assert!(problems.contains("replica_lag (199 ms)"), "{problems}");
    assert!(file("replica_url = \"two,three\"").is_err());
    assert_eq!(load(&[], None).unwrap().config.replica_lag, Duration::from_secs(2));
}

#[test]
fn the_database_is_explained_when_it_is_missing() {
    let config = |text: &str| file(text).unwrap().config.database().map_err(|problem| problem.to_string());
    assert!(config("").unwrap_err().contains("--database-url"));
    assert!(config("trytond_conf = \"x\"").unwrap_err().contains("--database NAME"));
    assert!(config("trytond_conf = \"/no/x\"\ndatabase = \"d\"").unwrap_err().contains("cannot be read"));
    assert_eq!(config("database_url = \"postgresql://h/d\"").unwrap().url.expose(), "postgresql://h/d");
    assert!(file("database_url = \"postgresql://h/d\"\ntrytond_conf = \"x\"").is_err());
}

#[test]
fn the_reference_is_up_to_date_and_loads() {
    let reference = reference();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config.toml");
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(stored == reference, "run: cargo run -- docs config > config.toml");
    file(&stored).unwrap();
    let uncommented: String = reference
        .lines()
        .filter_map(|line| line.strip_prefix("# "))
        .filter(|line| {
            line.split_once(" = ").is_some_and(|(name, _)| Config::KEYS.iter().any(|key| key.name == name))
        })
        .filter(|line| !line.starts_with("page_link_key") && !line.starts_with("trytond_conf"))
        .map(|line| format!("{line}\n"))
        .collect();
    file(&uncommented).unwrap();
}
