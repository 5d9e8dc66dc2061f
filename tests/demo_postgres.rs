//! The private PostgreSQL of the demo: starts, serves, keeps its data if asked, and leaves nothing behind.

#[path = "demo_postgres/support.rs"]
mod support;

use std::fs;
use std::path::Path;
use std::time::Duration;

use gnuhealth_fhir::demo::Error;
use gnuhealth_fhir::demo::postgres::{Choice, Server};
use tokio_postgres::NoTls;
use tokio_postgres::error::SqlState;

use support::{Folder, Victim, choices, connect, listens, port, scratch_of, start, wait_until};

#[tokio::test]
async fn a_stopped_server_leaves_nothing_behind() {
    for choice in choices() {
        let server = start(choice, None).await;
        let port = port(server.url());
        let scratch = scratch_of(port);
        assert!(scratch.exists() && listens(port), "{choice:?}");
        let client = connect(server.url()).await;
        let version: String = client.query_one("SHOW server_version", &[]).await.expect("a row").get(0);
        let version = version.split(' ').next().expect("a version");
        assert!(server.describe().starts_with(&format!("PostgreSQL {version} ")), "{}", server.describe());
        server.stop().await;
        assert!(!scratch.exists() && !listens(port), "{choice:?}");
    }
}

#[tokio::test]
async fn a_dropped_server_leaves_nothing_behind() {
    for choice in choices() {
        let server = start(choice, None).await;
        let port = port(server.url());
        let scratch = scratch_of(port);
        let _client = connect(server.url()).await;
        drop(server);
        assert!(!scratch.exists() && !listens(port), "{choice:?}");
    }
}

#[tokio::test]
async fn an_abandoned_start_leaves_nothing_behind() {
    for choice in choices() {
        for after in [1, 50, 200, 400] {
            let start = Server::start(choice, None);
            drop(tokio::time::timeout(Duration::from_millis(after), start).await);
        }
    }
    wait_until("all temporary folders are gone", || support::scratches_of(std::process::id()).is_empty())
        .await;
}

/// Not a test: what [`a_killed_gateway_leaves_nothing_behind`] kills.
#[tokio::test]
#[ignore = "it runs until it is killed"]
async fn victim() {
    let choice = if std::env::var_os("DEMO_EMBEDDED").is_some() { Choice::Embedded } else { Choice::Local };
    let keep = std::env::var_os("DEMO_KEEP");
    let server = start(choice, keep.as_deref().map(Path::new)).await;
    println!("\nport={}", port(server.url()));
    tokio::time::sleep(Duration::from_mins(10)).await;
}

#[tokio::test]
async fn a_killed_gateway_leaves_nothing_behind() {
    for choice in choices() {
        let mut victim = Victim::new(choice, None);
        let port = victim.port().await;
        let scratch = scratch_of(port);
        assert!(scratch.exists() && listens(port), "{choice:?}");
        victim.kill();
        wait_until("the server is gone", || !listens(port)).await;
        wait_until("its folder is gone", || !scratch.exists()).await;
    }
}

#[tokio::test]
async fn a_gateway_killed_while_it_starts_leaves_nothing_to_the_next_one() {
    for choice in choices() {
        let mut killed = Vec::new();
        for after in (0..1500).step_by(250) {
            let folder = Folder::new();
            let mut victim = Victim::new(choice, (after % 500 == 0).then(|| folder.path()));
            tokio::time::sleep(Duration::from_millis(after)).await;
            let process = victim.kill();
            wait_until("its processes are gone", || !support::anybody_of(process)).await;
            killed.push(process);
        }
        start(choice, None).await.stop().await;
        for process in killed {
            assert!(support::scratches_of(process).is_empty());
        }
    }
}

#[tokio::test]
async fn kept_data_are_there_the_next_time() {
    for choice in choices() {
        let folder = Folder::new();
        let first = start(choice, Some(folder.path())).await;
        let client = connect(first.url()).await;
        client.batch_execute("CREATE TABLE kept AS SELECT 42 AS answer").await.expect("it is made");
        drop(client);
        let described = first.describe().to_owned();
        first.stop().await;

        // Without a choice the one that made the data is used.
        let second = start(Choice::Auto, Some(folder.path())).await;
        assert_eq!(second.describe(), described);
        let client = connect(second.url()).await;
        let answer: i32 = client.query_one("SELECT answer FROM kept", &[]).await.expect("it was kept").get(0);
        assert_eq!(answer, 42);
        let scratch = scratch_of(port(second.url()));
        second.stop().await;
        assert!(!scratch.exists());
        assert!(!folder.path().join("data/postmaster.pid").exists(), "it was stopped properly");
    }
}

#[tokio::test]
async fn kept_data_survive_a_killed_gateway_and_a_second_one_is_refused() {
    for choice in choices() {
        let folder = Folder::new();
        let first = start(choice, Some(folder.path())).await;
        let client = connect(first.url()).await;
        client.batch_execute("CREATE TABLE kept AS SELECT 42 AS answer").await.expect("it is made");
        let refused = Server::start(choice, Some(folder.path())).await;
        assert!(matches!(&refused, Err(Error::Ended(log)) if log.contains("postmaster.pid")), "{refused:?}");
        client.query_one("SELECT answer FROM kept", &[]).await.expect("the first one still runs");
        drop(first);
        let second = start(choice, Some(folder.path())).await;
        let client = connect(second.url()).await;
        client.query_one("SELECT answer FROM kept", &[]).await.expect("it was kept");
    }
}

#[tokio::test]
async fn data_of_another_postgresql_are_refused() {
    let folder = Folder::new();
    fs::create_dir_all(folder.path()).expect("temporary folder");
    fs::write(folder.path().join("maker"), "local 11\n").expect("own folder");
    let error = Server::start(Choice::Auto, Some(folder.path())).await.expect_err("nobody has 11");
    assert!(matches!(error, Error::OtherPostgres(..)));
    assert!(error.to_string().contains("a PostgreSQL 11 server on this machine"), "{error}");
}

#[tokio::test]
async fn the_password_is_asked_for_and_hidden() {
    for choice in choices() {
        let server = start(choice, None).await;
        let wrong = format!("postgresql://postgres:wrong@127.0.0.1:{}/hospital", port(server.url()));
        let error = tokio_postgres::connect(&wrong, NoTls).await.err().expect("refused");
        assert_eq!(error.code(), Some(&SqlState::INVALID_PASSWORD));
        let password = server.url().split([':', '@']).nth(2).expect("it has one").to_owned();
        assert_eq!(password.len(), 32);
        assert!(!format!("{server:?}").contains(&password));
    }
}

#[tokio::test]
async fn root_drops_to_another_account() {
    use std::os::unix::fs::MetadataExt;
    for choice in choices() {
        let server = start(choice, None).await;
        let port = port(server.url());
        let owner = fs::metadata(scratch_of(port).join("data")).expect("it is there").uid();
        assert_ne!(owner, 0);
        for process in support::processes_of(port) {
            assert_eq!(process.user, owner, "{}", process.command);
        }
    }
}
