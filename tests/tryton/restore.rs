//! Restoring the databases that the cases were observed on.

use std::{
    io::{Read as _, Write as _},
    process::{Command, Stdio},
};

fn psql(database: &str) -> Option<Command> {
    let url = std::env::var("GNUHEALTH_FHIR_TEST_PG").ok()?;
    let mut command = Command::new("psql");
    command.args(["--quiet", "--no-psqlrc", "--set", "ON_ERROR_STOP=1", "--dbname"]);
    command.arg(format!("{}/{database}", url.trim_end_matches('/')));
    command.stdin(Stdio::piped()).stdout(Stdio::null());
    Some(command)
}

/// Runs a script; `None` when there is no server or no `psql`.
pub fn run(database: &str, script: &[u8]) -> Option<()> {
    let mut child = psql(database)?.spawn().map_err(|error| println!("skipped: psql: {error}")).ok()?;
    child.stdin.take().expect("it is piped").write_all(script).expect("psql reads the script");
    assert!(child.wait().expect("psql ends").success(), "psql fails on {database}");
    Some(())
}

/// Makes `copy` of a database of the server; `None` when there is no server. The original may be in use.
pub fn copy(original: &str, copy: &str) -> Option<()> {
    let server = std::env::var("GNUHEALTH_FHIR_TEST_PG").ok()?;
    let server = server.trim_end_matches('/');
    run("postgres", format!("CREATE DATABASE {copy} TEMPLATE template0;").as_bytes())?;
    let mut restored = psql(copy)?;
    let mut dump = Command::new("pg_dump")
        .args(["--no-owner", "--no-privileges", "--dbname", &format!("{server}/{original}")])
        .stdout(Stdio::piped())
        .spawn()
        .expect("pg_dump starts");
    restored.stdin(dump.stdout.take().expect("it is piped"));
    let restored = restored.status();
    let dumped = dump.wait();
    let restored = restored.expect("psql starts");
    assert!(restored.success() && dumped.expect("pg_dump ends").success(), "{original} is copied");
    run(copy, b"ANALYZE")
}

/// Creates `database` anew from a compressed dump; `None` when there is no server or no `psql`.
pub fn restore(database: &str, dump: &[u8]) -> Option<()> {
    let script = format!("DROP DATABASE IF EXISTS {database} WITH (FORCE);\nCREATE DATABASE {database};\n");
    run("postgres", script.as_bytes())?;
    let mut text = String::new();
    ruzstd::decoding::StreamingDecoder::new(dump)
        .expect("a frame")
        .read_to_string(&mut text)
        .expect("the dump is text");
    // Only the newest clients know these.
    let lines =
        text.lines().filter(|line| !line.starts_with("\\restrict") && !line.starts_with("\\unrestrict"));
    run(database, lines.collect::<Vec<_>>().join("\n").as_bytes())
}
