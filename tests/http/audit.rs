//! The audit trail by syslog, and streams that it cuts off.

use std::{
    os::unix::net::UnixDatagram,
    path::Path,
    time::{Duration, Instant},
};

use gnuhealth_fhir::audit::{Destination, Failure, Options, Receiver, Trail};
use serde_json::Value;

use crate::harness::{SIGNED, Server, start_with};

async fn audited(socket: &Path) -> Server {
    let options = Options {
        destination: Destination::Syslog(Receiver::Socket(socket.to_owned())),
        key: None,
        on_failure: Failure::Stop,
        site: "http://hospital.example".to_owned(),
    };
    let trail = Trail::open(options).unwrap();
    start_with("", move |options| options.audit = Some(trail)).await
}

fn receiver(path: &Path) -> UnixDatagram {
    let socket = UnixDatagram::bind(path).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    socket
}

/// The next message: what stands before the record, and the record.
fn received(socket: &UnixDatagram) -> (String, Value) {
    let mut bytes = vec![0; 1 << 16];
    let length = socket.recv(&mut bytes).unwrap();
    let text = String::from_utf8(bytes[..length].to_vec()).unwrap();
    let (head, record) = text.split_at(text.find('{').unwrap());
    (head.to_owned(), serde_json::from_str(record).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_messages_of_syslog() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let socket = receiver(&path);
    let server = audited(&path).await;
    assert_eq!(server.get("/fhir/Patient/1", "X-Request-Id: one\r\n").await.status, 200);
    let (head, start) = received(&socket);
    // https://www.rfc-editor.org/rfc/rfc5424#section-6
    let parts: Vec<_> = head.split(' ').collect();
    assert_eq!(
        (parts[0], parts[2], parts[3], parts[5], parts[6]),
        ("<109>1", "-", "gnuhealth-fhir", "audit", "-")
    );
    let time: jiff::Timestamp = parts[1].parse().unwrap();
    assert!(time <= jiff::Timestamp::now() && parts[1].len() <= "2026-01-01T00:00:00.000000Z".len());
    assert_eq!((&start["seq"], &start["event"]["subtype"][0]["code"]), (&1.into(), &"110120".into()));
    let (_, record) = received(&socket);
    assert_eq!((&record["seq"], &record["prev"]), (&2.into(), &start["hash"]));
    assert_eq!(record["event"]["agent"][0]["altId"], "admin");
    assert_eq!(record["event"]["entity"][0]["what"]["identifier"]["value"], "one");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_goes_on_only_as_long_as_it_is_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let socket = receiver(&path);
    let server = audited(&path).await;
    let whole = server.get("/fhir/Patient/stream", "").await;
    assert_eq!(whole.body, b"piece\n".repeat(5));
    // The start, the request, and each patient of the pieces once.
    let records: Vec<_> = (0..7).map(|_| received(&socket).1).collect();
    let about = |record: &Value| record["event"]["entity"][2]["what"]["reference"].clone();
    let named: Vec<_> = records[2..].iter().map(about).collect();
    let expected: Vec<Value> = (0..5).map(|number| format!("Patient/{number}").into()).collect();
    assert_eq!(named, expected);
    let request = "GET /fhir/Patient/stream HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
    let request = format!("{request}{}\r\n", SIGNED);
    // While it runs, nobody takes records any more.
    let cut = tokio::task::spawn_blocking(move || {
        (0..3).for_each(|_| drop(received(&socket)));
        drop(socket);
    });
    let answer = server.raw(request.as_bytes()).await;
    cut.await.unwrap();
    let pieces = String::from_utf8(answer).unwrap().matches("piece").count();
    assert!((1..5).contains(&pieces), "{pieces}");
    // And nobody is answered until somebody does.
    let refused = server.get("/fhir/Patient/1", "").await;
    assert_eq!((refused.status, refused.code().as_str()), (503, "audit-unavailable"));
    assert_eq!(server.admin("GET", "/readyz").await.status, 503);
    assert_eq!(server.get("/fhir/metadata", "").await.status, 200);
    std::fs::remove_file(&path).unwrap();
    let socket = receiver(&path);
    let (_, record) = received(&socket);
    let told = record["event"]["outcomeDesc"].as_str().unwrap();
    assert!(told.starts_with("records can be kept again; "), "{told}");
    // The record goes out before those who ask learn of it.
    let begun = Instant::now();
    while server.admin("GET", "/readyz").await.status != 200 {
        assert!(begun.elapsed() < Duration::from_secs(5), "it can be kept, and nobody is answered");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(server.get("/fhir/Patient/1", "").await.status, 200);
}
