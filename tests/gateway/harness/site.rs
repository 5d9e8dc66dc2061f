//! The databases that every test runs on.

use std::{io::Write as _, sync::LazyLock};

use super::{Client, Database, Gateway};

/// A database with its gateway. Tests only read it.
#[derive(Debug)]
pub struct Site {
    pub name: &'static str,
    pub database: Database,
    pub gateway: Gateway,
}

static SITES: LazyLock<Vec<Site>> = LazyLock::new(|| {
    let database = Database::copy("shared");
    let mut sites = vec![Site { name: "demo", gateway: Gateway::open(&database.url, ""), database }];
    for (name, variable) in [("5.0", "GNUHEALTH_FHIR_TEST_50"), ("4.4", "GNUHEALTH_FHIR_TEST_44")] {
        match std::env::var(variable) {
            Ok(url) => {
                let database = Database { url };
                let gateway = Gateway::open(&reader(&database.url), "");
                sites.push(Site { name, database, gateway });
            }
            // Not through `print!`: the test runner keeps that to itself when all is well.
            Err(_) => {
                let _ =
                    writeln!(std::io::stderr(), "gateway: skipped GNU Health {name}: {variable} is not set");
            }
        }
    }
    let names: Vec<_> = sites.iter().map(|site| site.name).collect();
    let _ = writeln!(std::io::stderr(), "gateway: runs on {}", names.join(", "));
    sites
});

/// The role that may only read, so that tests leave nothing behind.
fn reader(url: &str) -> String {
    match url.split_once("://").and_then(|(_, rest)| rest.split_once('@')) {
        Some((_, place)) => format!("postgresql://fhir_reader@{place}"),
        None => url.to_owned(),
    }
}

/// The real databases, or without any the demo hospital, which is a copy of one of them.
pub fn sites() -> &'static [Site] {
    match &SITES[1..] {
        [] => &SITES,
        real => real,
    }
}

/// The demo hospital, which is always there.
pub fn demo() -> &'static Site {
    &SITES[0]
}

impl Site {
    pub fn user(&self, login: &str) -> Client {
        self.gateway.user(login)
    }

    /// The database as a process should reach it, which leaves nothing behind.
    pub fn url(&self) -> String {
        if self.name == "demo" { self.database.url.clone() } else { reader(&self.database.url) }
    }

    /// Types of the CapabilityStatement that can be searched: all but contents.
    pub fn types(&self) -> Vec<String> {
        let statement = self.gateway.anybody().ok("metadata");
        let resources = statement["rest"][0]["resource"].as_array().unwrap();
        let searched = |resource: &&serde_json::Value| {
            let offered = resource["interaction"].as_array().unwrap();
            offered.iter().any(|interaction| interaction["code"] == "search-type")
        };
        let types = resources.iter().filter(searched);
        types.map(|resource| resource["type"].as_str().unwrap().to_owned()).collect()
    }
}

/// Password of a user of `tests/gnuhealth/hospital/users.py`.
pub fn password(login: &str) -> String {
    match login {
        "reset" => "reset-code".to_owned(),
        "nohash" => String::new(),
        "admin" => "admin".to_owned(),
        login if login.starts_with("hash-") => "gnusolidario".to_owned(),
        login => format!("{login}-demo"),
    }
}
