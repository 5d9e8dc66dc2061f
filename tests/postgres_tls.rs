//! TLS to PostgreSQL, with a server of this machine (the embedded one has no TLS).

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use gnuhealth_fhir::{
    demo::postgres::{Choice, Server},
    store::{Class, ConnectError, Options, Store},
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio_postgres::{Client, NoTls};

/// A file of the server, written by the server itself, so that it belongs to the right account.
async fn place(client: &Client, name: &str, text: &str) {
    let folder: String = client.query_one("SHOW data_directory", &[]).await.unwrap().get(0);
    let lines: Vec<String> = text.lines().map(|line| format!("('{}')", line.trim_end())).collect();
    // Without the umask the key could be read by others, and the server would refuse it.
    let program = format!("umask 077; cat > \"{folder}/{name}\"");
    let sql = format!("COPY (VALUES {}) TO PROGRAM '{program}'", lines.join(", "));
    client.batch_execute(&sql).await.unwrap();
}

/// A server that speaks TLS with a certificate for `localhost`, and the authority of that certificate.
async fn server() -> Option<(Server, Client, String)> {
    if !std::path::Path::new("/usr/lib/postgresql").exists() {
        eprintln!("left out: there is no PostgreSQL in /usr/lib/postgresql");
        return None;
    }
    let server = Server::start(Choice::Local, None).await.unwrap();
    let (client, connection) = tokio_postgres::connect(server.url(), NoTls).await.unwrap();
    tokio::spawn(connection);
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    place(&client, "server.crt", &params.signed_by(&key, &authority).unwrap().pem()).await;
    place(&client, "server.key", &key.serialize_pem()).await;
    Some((server, client, authority.pem()))
}

async fn encrypt(client: &Client, on: bool) {
    client.batch_execute(&format!("ALTER SYSTEM SET ssl = {on}")).await.unwrap();
    client.batch_execute("SELECT pg_reload_conf()").await.unwrap();
    for _ in 0..100 {
        let state: String = client.query_one("SHOW ssl", &[]).await.unwrap().get(0);
        if (state == "on") == on {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the server does not take ssl = {on}");
}

/// Whether a session with this URL is encrypted; or why there is none.
async fn encrypted(url: &str) -> Result<bool, ConnectError> {
    let options = Options {
        url: url.to_owned(),
        database: None,
        connections: 2,
        statement_timeout: Duration::from_secs(30),
        pooler: false,
        replicas: None,
        wait: Duration::from_secs(5),
    };
    let store = Store::open(&options).await?;
    let sql = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let rows = store.snapshot(Class::Request, &[sql]).await.unwrap();
    Ok(rows[0][0].column(0).unwrap())
}

#[tokio::test]
async fn every_sslmode_keeps_its_word() {
    let Some((server, client, authority)) = server().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root.crt");
    std::fs::write(&root, authority).unwrap();
    let other =
        CertifiedIssuer::self_signed(CertificateParams::default(), KeyPair::generate().unwrap()).unwrap();
    let wrong = folder.path().join("wrong.crt");
    std::fs::write(&wrong, other.pem()).unwrap();
    let by_name = server.url().replace("127.0.0.1", "localhost");
    let url = |base: &str, parameters: String| format!("{base}?{parameters}");
    let with = |mode: &str, root: &std::path::Path| format!("sslmode={mode}&sslrootcert={}", root.display());

    // A server without TLS.
    encrypt(&client, false).await;
    assert!(!encrypted(server.url()).await.unwrap());
    assert!(!encrypted(&url(server.url(), "sslmode=disable".into())).await.unwrap());
    for mode in ["sslmode=require".to_owned(), with("verify-full", &root)] {
        assert!(encrypted(&url(&by_name, mode.clone())).await.is_err(), "{mode} goes on without TLS");
    }

    encrypt(&client, true).await;
    assert!(encrypted(server.url()).await.unwrap(), "prefer is the default");
    assert!(!encrypted(&url(server.url(), "sslmode=disable".into())).await.unwrap());
    assert!(encrypted(&url(server.url(), "sslmode=require".into())).await.unwrap());
    assert!(
        encrypted(&url(server.url(), with("verify-ca", &root))).await.unwrap(),
        "the name does not matter"
    );
    assert!(encrypted(&url(&by_name, with("verify-full", &root))).await.unwrap());
    // The certificate is for another name, or of another authority.
    for (base, parameters) in [
        (server.url(), with("verify-full", &root)),
        (by_name.as_str(), with("verify-full", &wrong)),
        (server.url(), with("verify-ca", &wrong)),
        (server.url(), with("require", &wrong)),
    ] {
        let refused = encrypted(&url(base, parameters.clone())).await;
        assert!(refused.is_err(), "{parameters} is content with the wrong server");
        let said = refused.unwrap_err().to_string();
        assert!(said.contains("certificate"), "{said}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_server_that_signed_itself_is_known_by_its_certificate() {
    let Some((server, client, _)) = server().await else { return };
    // As `openssl req -x509` makes it, which PostgreSQL's manual shows: an authority that signed itself.
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let own = params.self_signed(&key).unwrap().pem();
    place(&client, "server.crt", &own).await;
    place(&client, "server.key", &key.serialize_pem()).await;
    encrypt(&client, true).await;
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root.crt");
    std::fs::write(&root, own).unwrap();
    let by_name = server.url().replace("127.0.0.1", "localhost");
    let parameters = format!("sslmode=verify-full&sslrootcert={}", root.display());
    assert!(encrypted(&format!("{by_name}?{parameters}")).await.unwrap());
    assert!(encrypted(&format!("{}?{parameters}", server.url())).await.is_err(), "for another name");
    server.stop().await;
}
