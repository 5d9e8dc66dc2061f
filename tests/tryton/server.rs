//! The PostgreSQL server of the tests.

use std::time::Duration;

use gnuhealth_fhir::store::{ConnectError, Options, Store};

/// Options for `database` on the server of the tests; `None` when there is no server.
pub fn options(database: &str, connections: usize) -> Option<Options> {
    let Ok(url) = std::env::var("GNUHEALTH_FHIR_TEST_PG") else {
        println!("skipped: GNUHEALTH_FHIR_TEST_PG is not set");
        return None;
    };
    Some(Options {
        url,
        database: Some(database.to_owned()),
        connections,
        statement_timeout: Duration::from_secs(20),
        pooler: false,
        replicas: None,
        wait: Duration::from_secs(5),
    })
}

/// As [`options`], as another role without a password.
pub fn options_as(role: &str, database: &str) -> Option<Options> {
    let mut options = options(database, 1)?;
    let (_, place) = options.url.split_once('@').expect("postgresql://user@host:port");
    options.url = format!("postgresql://{role}@{place}");
    Some(options)
}

/// A store on `database`; `None` when there is no server or no such database.
pub async fn store(database: &str, connections: usize) -> Option<Store> {
    match Store::open(&options(database, connections)?).await {
        Ok(store) => Some(store),
        Err(ConnectError::NoDatabase { .. }) => {
            println!("skipped: the server has no database {database}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}
