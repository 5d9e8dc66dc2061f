//! A copy of a real database that may be changed at will.

use crate::restore::{copy, run};

/// A database of this test; the program that copied it removes it.
pub struct Copy {
    pub name: String,
    pub url: String,
}

impl Copy {
    /// Copies a database; `None` when there is no server. The original may be in use.
    pub fn of(original: &str, test: &str) -> Option<Self> {
        let server = std::env::var("GNUHEALTH_FHIR_TEST_PG").ok()?;
        let name = format!("gnuhealth_fhir_test_{test}_{}", std::process::id());
        copy(original, &name)?;
        let url = format!("{}/{name}", server.trim_end_matches('/'));
        Some(Self { name, url })
    }

    pub fn run(&self, script: &str) {
        run(&self.name, script.as_bytes()).expect("the server was there");
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        // One that failed stays, for inspection.
        if !std::thread::panicking() || std::env::var_os("GNUHEALTH_FHIR_TEST_TIDY").is_some() {
            run("postgres", format!("DROP DATABASE {} WITH (FORCE);", self.name).as_bytes());
        }
    }
}
