//! A copy of a real database that may be changed at will.

use std::process::{Command, Stdio};

use crate::restore::run;

/// A database of this test; the program that copied it removes it.
pub struct Copy {
    pub name: String,
    pub url: String,
}

impl Copy {
    /// Copies a database; `None` when there is no server. The original may be in use.
    pub fn of(original: &str, test: &str) -> Option<Self> {
        let server = std::env::var("GNUHEALTH_FHIR_TEST_PG").ok()?;
        let server = server.trim_end_matches('/');
        let name = format!("gnuhealth_fhir_test_{test}_{}", std::process::id());
        run("postgres", format!("CREATE DATABASE {name} TEMPLATE template0;").as_bytes())?;
        let url = format!("{server}/{name}");
        let mut dump = Command::new("pg_dump")
            .args(["--no-owner", "--no-privileges", "--dbname", &format!("{server}/{original}")])
            .stdout(Stdio::piped())
            .spawn()
            .expect("pg_dump starts");
        let restored = Command::new("psql")
            .args(["--quiet", "--no-psqlrc", "--set", "ON_ERROR_STOP=1", "--dbname", &url])
            .stdin(dump.stdout.take().expect("it is piped"))
            .stdout(Stdio::null())
            .status()
            .expect("psql starts");
        assert!(restored.success() && dump.wait().expect("pg_dump ends").success(), "{original} is copied");
        run(&name, b"ANALYZE")?;
        Some(Self { name, url })
    }

    pub fn run(&self, script: &str) {
        run(&self.name, script.as_bytes()).expect("the server was there");
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        // One that failed stays, for inspection.
        if !std::thread::panicking() {
            run("postgres", format!("DROP DATABASE {} WITH (FORCE);", self.name).as_bytes());
        }
    }
}
