//! The private PostgreSQL with the demo hospital, copies of it, and SQL on any database.

use std::{
    collections::BTreeSet,
    process::{Command, Stdio},
    sync::{LazyLock, Mutex},
};

use gnuhealth_fhir::demo::{
    postgres::{Choice, Server},
    snapshot,
};
use tokio_postgres::{Client, NoTls, Row, error::SqlState};

use super::wait;

const HOSPITAL: &[u8] = include_bytes!("../../../src/demo/hospital-5.0.sql.zst");

/// Its database is a template: nobody may be connected to it.
static SERVER: LazyLock<Server> = LazyLock::new(|| {
    // For the tests of this one where another is installed.
    let choice = match std::env::var("GNUHEALTH_FHIR_TEST_POSTGRES").as_deref() {
        Ok("embedded") => Choice::Embedded,
        Ok("local") => Choice::Local,
        _ => Choice::Auto,
    };
    wait(async {
        let server = Server::start(choice, None).await.expect("a private PostgreSQL");
        snapshot::load(server.url(), HOSPITAL).await.expect("the demo hospital");
        server
    })
});
static COPYING: Mutex<()> = Mutex::new(());

/// A database and how to reach it as its owner.
#[derive(Clone, Debug)]
pub struct Database {
    pub url: String,
}

impl Database {
    /// A copy of the demo hospital that the caller may change.
    pub fn copy(name: &str) -> Self {
        let _one_at_a_time = COPYING.lock();
        let maintenance = Self::of_server("postgres");
        maintenance.run(&format!("CREATE DATABASE {name} TEMPLATE hospital"));
        Self::of_server(name)
    }

    /// A copy of a database of any server, beside it; the original may be in use.
    pub fn copy_of(url: &str, name: &str) -> Self {
        let (server, _) = url.rsplit_once('/').unwrap();
        let copy = Self { url: format!("{server}/{name}") };
        Self { url: format!("{server}/postgres") }.run(&format!("CREATE DATABASE {name} TEMPLATE template0"));
        let mut dump = Command::new("pg_dump")
            .args(["--no-owner", "--no-privileges", "--dbname", url])
            .stdout(Stdio::piped())
            .spawn()
            .expect("pg_dump starts");
        let restored = Command::new("psql")
            .args(["--quiet", "--no-psqlrc", "--set", "ON_ERROR_STOP=1", "--dbname", &copy.url])
            .stdin(dump.stdout.take().unwrap())
            .stdout(Stdio::null())
            .status()
            .expect("psql starts");
        assert!(restored.success() && dump.wait().unwrap().success(), "{url} is copied");
        copy
    }

    /// Removes the database.
    pub fn drop(self) {
        let (server, name) = self.url.rsplit_once('/').unwrap();
        Self { url: format!("{server}/postgres") }.run(&format!("DROP DATABASE {name} WITH (FORCE)"));
    }

    /// An empty database.
    pub fn empty(name: &str) -> Self {
        Self::of_server("postgres").run(&format!("CREATE DATABASE {name}"));
        Self::of_server(name)
    }

    fn of_server(name: &str) -> Self {
        let (server, template) = SERVER.url().rsplit_once('/').unwrap();
        assert_eq!(template, "hospital", "the name of the database is the end of the address");
        Self { url: format!("{server}/{name}") }
    }

    /// The same database as another role, which may read these tables only (`ALL TABLES IN SCHEMA public`).
    pub fn as_reader(&self, role: &str, grant: &str) -> Self {
        self.run(&format!("CREATE ROLE {role} LOGIN PASSWORD 'reader'"));
        if !grant.is_empty() {
            self.run(&format!("GRANT SELECT ON {grant} TO {role}"));
        }
        self.as_role(role)
    }

    async fn connect(&self) -> Client {
        let (client, connection) =
            tokio_postgres::connect(&self.url, NoTls).await.expect("the database answers");
        tokio::spawn(connection);
        client
    }

    /// The same database as this role, whose password is `reader`.
    pub fn as_role(&self, role: &str) -> Self {
        let (_, place) = self.url.rsplit_once('@').unwrap();
        Self { url: format!("postgresql://{role}:reader@{place}") }
    }

    pub fn run(&self, sql: &str) {
        let run = async { self.connect().await.batch_execute(sql).await };
        wait(run).unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    }

    pub fn rows(&self, sql: &str) -> Vec<Row> {
        let rows = async { self.connect().await.query(sql, &[]).await };
        wait(rows).unwrap_or_else(|error| panic!("{sql}: {error:?}"))
    }

    /// The texts of the first column, without NULL.
    pub fn texts(&self, sql: &str) -> BTreeSet<String> {
        self.rows(sql).iter().filter_map(|row| row.get(0)).collect()
    }

    /// The texts of the first column, as many as there are; none when the database has no such table or column.
    pub fn ids(&self, sql: &str) -> Option<Vec<String>> {
        match wait(async { self.connect().await.query(sql, &[]).await }) {
            Ok(rows) => Some(rows.iter().map(|row| row.get(0)).collect()),
            Err(error) => {
                let missing = [SqlState::UNDEFINED_TABLE, SqlState::UNDEFINED_COLUMN];
                assert!(error.code().is_some_and(|code| missing.contains(code)), "{sql}: {error:?}");
                None
            }
        }
    }

    pub fn number(&self, sql: &str) -> i64 {
        self.rows(sql)[0].get(0)
    }
}
