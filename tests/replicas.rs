//! Servers that are named as replicas and are none. Real ones, and their deaths, are the matter of `tests/cluster/run`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::{Duration, Instant};

use gnuhealth_fhir::{
    demo::postgres::{Choice, Server},
    sql::Statement,
    store::{Class, ConnectError, Options, ReplicaOptions, ReplicaVitals, Store},
};
use tokio_postgres::NoTls;

fn options(url: &str, replicas: &str) -> Options {
    let replicas = ReplicaOptions { url: replicas.to_owned(), lag: Duration::from_millis(200) };
    Options {
        url: url.to_owned(),
        database: None,
        connections: 4,
        statement_timeout: Duration::from_secs(30),
        pooler: false,
        replicas: Some(replicas),
        wait: Duration::from_secs(5),
    }
}

/// `HOST:PORT` of a server.
fn place(server: &Server) -> String {
    let rest = server.url().split_once("://").unwrap().1;
    rest.split('/').next().unwrap().rsplit('@').next().unwrap().to_owned()
}

/// How the replicas are, once each of them was looked at.
async fn looked_at(store: &Store) -> Vec<ReplicaVitals> {
    let begun = Instant::now();
    loop {
        let replicas = store.vitals().replicas;
        if replicas.iter().all(|replica| replica.settled) {
            return replicas;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{replicas:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn connect(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn sessions(url: &str) -> i64 {
    let client = connect(url).await;
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'gnuhealth-fhir'";
    client.query_one(sql, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn what_is_no_replica_of_the_database_is_never_used_and_the_database_answers() {
    let (own, other) =
        (Server::start(Choice::Auto, None).await.unwrap(), Server::start(Choice::Auto, None).await.unwrap());
    // The password is the one of the database.
    let config: tokio_postgres::Config = own.url().parse().unwrap();
    let password = String::from_utf8_lossy(config.get_password().unwrap()).into_owned();
    let sql = format!("ALTER ROLE {} PASSWORD '{password}'", config.get_user().unwrap());
    connect(other.url()).await.batch_execute(&sql).await.unwrap();
    // A port of nobody: it is free as soon as this is dropped.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("postgresql://{},{},{closed}", place(&own), place(&other));
    let store = Store::open(&options(own.url(), &url)).await.unwrap();
    let replicas = looked_at(&store).await;
    let expected = ["it is a primary", "another system_identifier", "no session with it can be had"];
    for (replica, words) in replicas.iter().zip(expected) {
        let reason = replica.reason.as_deref().unwrap();
        assert!(!replica.used && reason.contains(words), "{reason}");
        assert_eq!((replica.in_use, replica.idle), (0, 0), "no request was ever sent there");
    }
    let statement = Statement::new("SELECT inet_server_port()".to_owned(), Vec::new());
    let rows = store.rows(Class::Request, &statement).await.unwrap();
    assert!(place(&own).ends_with(&format!(":{}", rows[0].column::<i32>(0).unwrap())));
    // Another database of the same servers.
    let url = format!("postgresql://{}/template1", place(&own));
    let typo = Store::open(&options(own.url(), &url)).await.unwrap();
    let reason = looked_at(&typo).await.remove(0).reason.unwrap();
    assert!(reason.contains("another database"), "{reason}");
    drop((store, typo));
    let begun = Instant::now();
    let there = own.url().replace(&place(&own), &place(&other));
    while sessions(own.url()).await + sessions(&there).await > 0 {
        assert!(begun.elapsed() < Duration::from_secs(10), "nobody looks any more when the store is gone");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    own.stop().await;
    other.stop().await;
}

#[tokio::test]
async fn a_url_that_cannot_be_read_is_told_before_anybody_is_asked() {
    for (url, words) in [
        ("postgresql:///health", "replica_url: the database URL cannot be read (it names no host)"),
        ("postgresql://one,two/health?target_session_attrs=primary", "replicas are standbys"),
        ("postgresql://one/health?sslrootcert=/nowhere.pem&sslmode=verify-full", "replica_url: TLS"),
    ] {
        // Nobody listens there.
        let error = Store::open(&options("postgresql://u@127.0.0.1:1/health", url)).await.unwrap_err();
        let found = matches!(error, ConnectError::Replicas(_)) && error.to_string().contains(words);
        assert!(found, "{url}: {error}");
    }
}
