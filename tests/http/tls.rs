//! TLS towards clients.

use std::{fs, net::IpAddr, path::Path, sync::Arc, time::Duration};

use gnuhealth_fhir::tls::{Files, Listening};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{
    ClientConfig, RootCertStore, SupportedProtocolVersion,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName},
    version::{TLS12, TLS13},
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::harness::{SIGNED, Server, parse, start, start_on, start_with};

type Issuer = CertifiedIssuer<'static, KeyPair>;

/// An authority.
fn authority() -> Issuer {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A certificate of it for a name, with its key, as PEM.
fn certificate(authority: &Issuer, name: &str) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    (params.signed_by(&key, authority).unwrap().pem(), key.serialize_pem())
}

fn write(folder: &Path, (certificate, key): &(String, String)) {
    fs::write(folder.join("certificate.pem"), certificate).unwrap();
    fs::write(folder.join("key.pem"), key).unwrap();
}

fn files(folder: &Path) -> Files {
    Files { certificate: folder.join("certificate.pem"), key: folder.join("key.pem"), client_ca: None }
}

struct Site {
    authority: Issuer,
    folder: TempDir,
    listening: Arc<Listening>,
    server: Server,
}

async fn site(clients: Option<&Issuer>) -> Site {
    let folder = tempfile::tempdir().unwrap();
    let authority = authority();
    write(folder.path(), &certificate(&authority, "fhir.example"));
    let mut files = files(folder.path());
    if let Some(clients) = clients {
        files.client_ca = Some(folder.path().join("clients.pem"));
        fs::write(folder.path().join("clients.pem"), clients.pem()).unwrap();
    }
    let listening = Arc::new(Listening::open(files).unwrap());
    let tls = Arc::clone(&listening);
    let server = start_with("", |options| {
        options.tls = Some(tls);
        options.limits.headers = Duration::from_millis(500);
    })
    .await;
    Site { authority, folder, listening, server }
}

static NEWEST: [&SupportedProtocolVersion; 1] = [&TLS13];

/// What a client knows and has.
struct Client<'a> {
    trusts: &'a Issuer,
    versions: &'a [&'static SupportedProtocolVersion],
    protocols: &'a [&'a [u8]],
    identity: Option<(String, String)>,
}

impl<'a> Client<'a> {
    fn of(trusts: &'a Issuer) -> Self {
        Self { trusts, versions: &NEWEST, protocols: &[b"http/1.1"], identity: None }
    }

    async fn connect(&self, server: &Server) -> std::io::Result<TlsStream<TcpStream>> {
        use rustls::pki_types::pem::PemObject as _;
        let mut roots = RootCertStore::empty();
        roots.add(self.trusts.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(self.versions)
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match &self.identity {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => builder
                .with_client_auth_cert(
                    vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()],
                    PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
                )
                .unwrap(),
        };
        config.alpn_protocols = self.protocols.iter().map(|protocol| protocol.to_vec()).collect();
        let name = ServerName::try_from("fhir.example").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, server.connect().await).await
    }

    /// The answer to one search, or nothing when the server does not talk to this client.
    async fn get(&self, server: &Server) -> std::io::Result<serde_json::Value> {
        let mut stream = self.connect(server).await?;
        let request = format!(
            "GET /fhir/Patient?name=a HTTP/1.1\r\nHost: fhir.example\r\nConnection: close\r\n{SIGNED}\r\n"
        );
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        assert!(!answer.is_empty(), "an end without a reason");
        Ok(parse(&answer, false)[0].json())
    }
}

#[tokio::test]
async fn both_versions_of_tls_and_of_http() {
    let site = site(None).await;
    for version in [&TLS12, &TLS13] {
        let client = Client { versions: &[version], ..Client::of(&site.authority) };
        let answer = client.get(&site.server).await.unwrap();
        assert_eq!(answer["base"], "https://fhir.example/fhir", "{version:?}");
    }
    for protocols in [&[b"h2".as_slice(), b"http/1.1"][..], &[b"http/1.1"]] {
        let client = Client { protocols, ..Client::of(&site.authority) };
        let stream = client.connect(&site.server).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(protocols[0]));
    }
    // Who does not trust the authority goes away, and the server goes on.
    assert!(Client::of(&authority()).get(&site.server).await.is_err());
    assert!(Client::of(&site.authority).get(&site.server).await.is_ok());
}

/// The first message of a client that can speak nothing newer than this version (RFC 5246, 7.4.1.2).
fn hello(version: [u8; 2]) -> Vec<u8> {
    // ECDHE with AES, as TLS 1.2 and as the older ones have it; the curves P-256 and X25519; the usual signatures.
    let suites =
        [0xc0, 0x2b, 0xc0, 0x2f, 0xc0, 0x2c, 0xc0, 0x30, 0xc0, 0x09, 0xc0, 0x13, 0xc0, 0x0a, 0xc0, 0x14];
    let extensions = [
        &[0, 10, 0, 6, 0, 4, 0, 29, 0, 23][..],
        &[0, 11, 0, 2, 1, 0],
        &[0, 13, 0, 10, 0, 8, 4, 3, 5, 3, 8, 4, 4, 1],
        &[0, 23, 0, 0],
    ]
    .concat();
    let long = |part: &[u8]| [&(part.len() as u16).to_be_bytes()[..], part].concat();
    let body = [&version[..], &[7; 32], &[0], &long(&suites), &[1, 0], &long(&extensions)].concat();
    let message = [&[1, 0][..], &long(&body)].concat();
    [&[22, 3, 1][..], &long(&message)].concat()
}

#[tokio::test]
async fn older_versions_of_tls_are_refused() {
    const ALERT: u8 = 21;
    const HANDSHAKE: u8 = 22;
    /// <https://www.rfc-editor.org/rfc/rfc5246#section-7.2>
    const PROTOCOL_VERSION: u8 = 70;
    let site = site(None).await;
    for (minor, taken) in [(0, false), (1, false), (2, false), (3, true)] {
        let mut stream = TcpStream::connect(site.server.address).await.unwrap();
        stream.write_all(&hello([3, minor])).await.unwrap();
        let mut answer = [0; 7];
        stream.read_exact(&mut answer).await.unwrap();
        let expected = if taken { HANDSHAKE } else { ALERT };
        assert_eq!(answer[0], expected, "3.{minor}: {answer:?}");
        assert!(taken || answer[5..] == [2, PROTOCOL_VERSION], "3.{minor}: {answer:?}");
    }
}

#[tokio::test]
async fn who_speaks_no_tls_or_nothing_is_not_kept() {
    let site = site(None).await;
    for bytes in [&b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"[..], b"", b"\x16\x03\x01\x02\x00"] {
        let mut stream = site.server.connect().await;
        stream.write_all(bytes).await.unwrap();
        let mut answer = Vec::new();
        let ended = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut answer)).await;
        ended.expect("the connection is closed").unwrap();
        assert!(!answer.starts_with(b"HTTP"), "an answer in the clear");
    }
}

#[tokio::test]
async fn new_files_are_taken_when_they_are_good() {
    let site = site(None).await;
    let kept = site.authority.pem();
    let other = authority();
    let (old, new) = (Client::of(&site.authority), Client::of(&other));
    assert!(!site.listening.reload().unwrap());
    // The certificate is already new, the key is not: as in the middle of a renewal.
    let renewed = certificate(&other, "fhir.example");
    fs::write(site.folder.path().join("certificate.pem"), &renewed.0).unwrap();
    let problem = site.listening.reload().unwrap_err().to_string();
    assert!(problem.contains("certificate.pem") && problem.contains("key.pem"), "{problem}");
    assert!(!site.listening.reload().unwrap(), "told once");
    old.get(&site.server).await.unwrap();
    fs::remove_file(site.folder.path().join("key.pem")).unwrap();
    assert!(site.listening.reload().unwrap_err().to_string().starts_with("tls_key: "));
    old.get(&site.server).await.unwrap();
    write(site.folder.path(), &renewed);
    assert!(site.listening.reload().unwrap());
    new.get(&site.server).await.unwrap();
    assert!(old.get(&site.server).await.is_err());
    assert_eq!(kept, site.authority.pem());
}

#[tokio::test]
async fn clients_of_other_authorities_are_not_let_in() {
    let clients = authority();
    let site = site(Some(&clients)).await;
    let with = |identity| Client { identity, ..Client::of(&site.authority) };
    assert!(with(None).get(&site.server).await.is_err());
    let foreign = certificate(&authority(), "app.example");
    assert!(with(Some(foreign)).get(&site.server).await.is_err());
    let known = certificate(&clients, "app.example");
    assert!(with(Some(known)).get(&site.server).await.is_ok());
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let problem = |folder: &Path| Listening::open(files(folder)).unwrap_err().to_string();
    assert!(problem(folder.path()).starts_with("tls_certificate: "));
    let good = certificate(&authority(), "fhir.example");
    write(folder.path(), &(good.1.clone(), good.1.clone()));
    assert!(problem(folder.path()).contains("there is no certificate"));
    write(folder.path(), &(good.0.clone(), good.0.clone()));
    let said = problem(folder.path());
    assert!(said.starts_with("tls_key: ") && said.contains("no usable key"), "{said}");
    write(
        folder.path(),
        &(good.0, "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n".into()),
    );
    assert!(!problem(folder.path()).contains("c2VjcmV0"));
}

/// An address of this machine that is not the loopback.
fn own_address() -> Option<IpAddr> {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").ok()?;
    // Nothing is sent: it only asks which address would be used.
    socket.connect("192.0.2.1:9").ok()?;
    Some(socket.local_addr().ok()?.ip()).filter(|address| !address.is_loopback() && !address.is_unspecified())
}

#[tokio::test]
async fn behind_a_proxy_nobody_else_may_connect() {
    let settings = "behind_proxy = true\ntrusted_proxies = [\"203.0.113.7/32\"]";
    let server = start(settings).await;
    // This machine may: health checks come from it.
    assert_eq!(server.get("/livez", "").await.status, 200);
    let Some(other) = own_address() else {
        eprintln!("left out: this machine has no address beside the loopback");
        return;
    };
    let server = start_on(other, settings, |_| {}).await;
    assert!(server.raw(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n").await.is_empty());
}
