//! A database with users, and a snapshot of them that is renewed by hand.

#![expect(clippy::unwrap_used, reason = "a test ends where its database fails it")]

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use gnuhealth_fhir::{
    error::Result,
    sql::Fragment,
    store::{Class, Store},
    tryton::{Accounts, Credential, Proof, SignIn, SignInOptions as Options, UserId},
};
use tokio_postgres::{Client, NoTls};

use crate::{restore, server};

/// Login and password hash of the active users.
#[derive(Default)]
struct Snapshot(Mutex<HashMap<UserId, (String, String)>>);

impl Accounts for Snapshot {
    fn is_current(&self, id: UserId, login: &str, password_hash: &str) -> Result<bool> {
        let users = self.0.lock().unwrap();
        Ok(users.get(&id).is_some_and(|(known, hash)| known == login && hash == password_hash))
    }

    fn is_active(&self, id: UserId) -> Result<bool> {
        Ok(self.0.lock().unwrap().contains_key(&id))
    }

    fn proof(&self, id: UserId) -> Result<Option<Proof>> {
        Ok(self.0.lock().unwrap().get(&id).map(|(login, hash)| Proof::of(id, login, hash)))
    }

    fn owner(&self, _application: &str, _key: &str) -> Result<Option<UserId>> {
        Ok(None)
    }
}

pub struct Site {
    pub store: Arc<Store>,
    name: String,
    snapshot: Arc<Snapshot>,
}

async fn connect(database: &str) -> Option<Client> {
    let options = server::options(database, 1)?;
    let mut config: tokio_postgres::Config = options.url.parse().unwrap();
    let (client, connection) = config.dbname(database).connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    Some(client)
}

impl Site {
    /// A new database; `None` when there is no server.
    pub async fn create(test: &str) -> Option<Self> {
        let name = format!("gnuhealth_fhir_test_{test}_{}", std::process::id());
        let server = connect("postgres").await?;
        server.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE template0")).await.unwrap();
        connect(&name).await?.batch_execute(include_str!("sign_in.sql")).await.unwrap();
        Self::existing(&name).await
    }

    /// A copy of a database; `None` when there is no server or no such database.
    pub async fn copy(test: &str, original: &str) -> Option<Self> {
        server::store(original, 1).await?;
        let name = format!("gnuhealth_fhir_test_{test}_{}", std::process::id());
        restore::copy(original, &name)?;
        Self::existing(&name).await
    }

    /// A database that is there already.
    pub async fn existing(name: &str) -> Option<Self> {
        let store = Arc::new(server::store(name, 8).await?);
        let site = Self { store, name: name.to_owned(), snapshot: Arc::default() };
        site.renew().await;
        Some(site)
    }

    /// Sessions of the gateway that begin from now on may only do what `grants` say (`{role}` is the role).
    pub async fn restrict(&mut self, grants: &str) {
        let role = format!("{}_role", self.name);
        self.run(&format!(
            "CREATE ROLE {role}; GRANT SELECT ON res_user TO {role}; {}; ALTER DATABASE {} SET role = {role}",
            grants.replace("{role}", &role),
            self.name
        ))
        .await;
        self.store = Arc::new(server::store(&self.name, 8).await.unwrap());
    }

    /// Runs SQL as the owner of the database.
    pub async fn run(&self, sql: &str) {
        let client = connect(&self.name).await.unwrap();
        client.batch_execute(&format!("SET ROLE NONE; {sql}")).await.unwrap();
    }

    /// Number that a query of the owner gives.
    pub async fn number(&self, sql: &str) -> i64 {
        let client = connect(&self.name).await.unwrap();
        client.batch_execute("SET ROLE NONE").await.unwrap();
        client.query_one(sql, &[]).await.unwrap().get(0)
    }

    /// Text that a query of the owner gives.
    pub async fn text(&self, sql: &str) -> String {
        let client = connect(&self.name).await.unwrap();
        client.batch_execute("SET ROLE NONE").await.unwrap();
        client.query_one(sql, &[]).await.unwrap().get(0)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Takes a new snapshot.
    pub async fn renew(&self) {
        let statement = Fragment::raw("SELECT id, login, password_hash FROM res_user WHERE active");
        let rows = self.store.rows(Class::Watch, &statement.finish()).await.unwrap();
        let user = |row: &gnuhealth_fhir::store::Row| {
            let hash: Option<String> = row.column(2).unwrap();
            (row.column(0).unwrap(), (row.column(1).unwrap(), hash.unwrap_or_default()))
        };
        *self.snapshot.0.lock().unwrap() = rows.iter().map(user).collect();
    }

    pub async fn sign_in(&self, options: Options) -> SignIn {
        let accounts: Arc<dyn Accounts> = Arc::clone(&self.snapshot) as _;
        SignIn::open(Arc::clone(&self.store), accounts, options).await.unwrap()
    }

    /// Removes the database. Tests that fail leave theirs behind for inspection.
    pub async fn drop(self) {
        let server = connect("postgres").await.unwrap();
        let name = &self.name;
        server.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();
        server.batch_execute(&format!("DROP ROLE IF EXISTS {name}_role")).await.unwrap();
    }
}

pub async fn sign_in_from(sign_in: &SignIn, login: &str, password: &str, client: &str) -> Result<UserId> {
    let credential = Credential::Basic { login: login.to_owned(), password: password.to_owned() };
    sign_in.sign_in(&credential, Some(client.parse().unwrap())).await
}

/// Code of the error; `ok` when there is none.
pub fn code(result: &Result<UserId>) -> &'static str {
    result.as_ref().map_or_else(|error| error.entry().code, |_| "ok")
}
