//! The command line as a process: exit codes, sentences, and that no secret is printed.

use std::process::{Command, Output};

const URL: &str = "postgresql://gnuhealth:topsecret@127.0.0.1:1/health";

fn run(arguments: &[&str], variables: &[(&str, &str)]) -> (i32, String, String) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut command = Command::new(env!("CARGO_BIN_EXE_gnuhealth-fhir"));
    command.args(arguments).env_clear().envs(variables.iter().copied()).current_dir(folder.path());
    let Output { status, stdout, stderr } = command.output().expect("the program starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    let (stdout, stderr) = (text(stdout), text(stderr));
    assert!(!stdout.contains("topsecret") && !stderr.contains("topsecret"), "{stdout}{stderr}");
    (status.code().expect("no signal"), stdout, stderr)
}

#[test]
fn wrong_use_is_2_and_failure_is_1() {
    assert_eq!(run(&[], &[]).0, 2);
    assert_eq!(run(&["serve", "--listne", "x"], &[]).0, 2);
    assert_eq!(run(&["nonsense"], &[]).0, 2);
    let (code, _, stderr) = run(&["serve"], &[]);
    assert_eq!(code, 1);
    assert!(stderr.starts_with("error: no database is configured; give --database-url"), "{stderr}");
    assert_eq!(run(&["--version"], &[]).0, 0);
}

#[test]
fn every_wrong_setting_is_told_with_its_source() {
    let (code, _, stderr) = run(
        &["check", "--listen", "here", "--max-count", "0"],
        &[("GNUHEALTH_FHIR_LOG", "loud"), ("GNUHEALTH_FHIR_PAGE_LINK_KEY", "topsecret")],
    );
    assert_eq!(code, 1);
    for part in [
        "flag --listen: \"here\"",
        "flag --max-count: \"0\"",
        "environment variable GNUHEALTH_FHIR_LOG: \"loud\" is not one of text, json",
        "GNUHEALTH_FHIR_PAGE_LINK_KEY: it is shorter",
    ] {
        assert!(stderr.contains(part), "{part}: {stderr}");
    }
    assert!(
        run(&["check", "--config", "no.toml"], &[])
            .2
            .contains("no.toml: the file with the settings cannot be read")
    );
}

#[test]
fn an_unreachable_database_is_told_without_the_password() {
    for command in ["serve", "check"] {
        let (code, _, stderr) =
            run(&[command, "--database-url", URL], &[("GNUHEALTH_FHIR_LOG_LEVEL", "trace")]);
        assert_eq!(code, 1);
        assert!(stderr.contains("no PostgreSQL server answers at 127.0.0.1:1"), "{stderr}");
    }
}

#[test]
fn settings_are_shown_with_their_source_and_without_secrets() {
    let variables = [
        ("GNUHEALTH_FHIR_DATABASE_URL", URL),
        ("GNUHEALTH_FHIR_LISTEN", ""),
        ("GNUHEALTH_FHIR_MAX_COUNTS", "1"),
    ];
    let (code, stdout, _) = run(&["show", "config", "--max-count", "70"], &variables);
    assert_eq!(code, 0);
    let line = |name: &str| stdout.lines().find(|line| line.starts_with(name)).unwrap_or_default().to_owned();
    assert!(line("database_url").contains("postgresql://gnuhealth:<redacted>@127.0.0.1:1/health"));
    assert!(line("database_url").ends_with("environment"));
    assert!(line("max_count").ends_with("flag") && line("listen").ends_with("default"));
    assert_eq!(run(&["serve", "--help"], &variables).0, 0);
    assert!(run(&["check"], &variables).2.contains("did you mean GNUHEALTH_FHIR_MAX_COUNT?"));
}

#[test]
fn documents_are_generated() {
    assert_eq!(run(&["docs", "config"], &[]).1, include_str!("../config.toml"));
    assert!(run(&["docs", "errors"], &[]).1.contains("| `resource-unknown` |"));
    assert!(run(&["docs", "man"], &[]).1.starts_with(".ie"));
    let page = run(&["docs", "man", "show", "config"], &[]).1;
    assert!(page.contains(".TH gnuhealth-fhir-show-config 1"), "{page}");
    assert!(run(&["docs", "man", "nonsense"], &[]).2.contains("there is no command nonsense"));
    assert!(run(&["docs", "completions", "bash"], &[]).1.contains("gnuhealth-fhir"));
    let folder = tempfile::tempdir().expect("a temporary folder");
    assert_eq!(run(&["docs", "manual", folder.path().to_str().expect("UTF-8")], &[]).0, 0);
    assert!(folder.path().join("index.html").exists());
}
