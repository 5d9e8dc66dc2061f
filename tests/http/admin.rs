use std::{sync::atomic::Ordering, time::Duration};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::harness::{SIGNED, parse, start, start_with};

#[tokio::test]
async fn operators_learn_whether_it_lives_and_can_answer() {
    let server = start("").await;
    for path in ["/livez", "/readyz"] {
        let response = server.admin("GET", path).await;
        assert_eq!((response.status, response.text().as_str()), (200, "ok\n"), "{path}");
        assert_eq!(response.header("cache-control"), Some("no-store"));
    }
    assert_eq!(server.admin("HEAD", "/readyz").await.status, 200);
    server.fake.away.store(true, Ordering::Relaxed);
    let response = server.admin("GET", "/readyz").await;
    assert_eq!(response.status, 503);
    assert!(response.text().contains("nothing was heard of it for 4s"), "{}", response.text());
    assert!(server.admin("GET", "/metrics").await.text().contains("gnuhealth_fhir_ready 0\n"));
    assert_eq!(server.admin("GET", "/livez").await.status, 200, "it lives without the database");
    server.fake.away.store(false, Ordering::Relaxed);
    assert_eq!(server.admin("GET", "/readyz").await.status, 200);
}

#[tokio::test]
async fn nothing_else_is_at_the_address_for_operators_and_metrics_are_nowhere_else() {
    let server = start("").await;
    for path in ["/", "/fhir/metadata", "/fhir/Patient/1", "/metrics/", "/openapi.json"] {
        assert_eq!(server.admin("GET", path).await.status, 404, "{path}");
    }
    let response = server.admin("POST", "/metrics").await;
    assert_eq!((response.status, response.header("allow")), (405, Some("GET, HEAD")));
    for path in ["/metrics", "/readyz", "/fhir/metrics"] {
        assert_eq!(server.get(path, "").await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn metrics_count_requests_and_tell_nothing_of_anybody() {
    let server = start("").await;
    server.get("/fhir/Patient/1", "").await;
    server.get("/fhir/Patient/secretid", "").await;
    server.get("/fhir/Patient?name=Schmidt&secretname=x", "").await;
    server.get("/Schmidt?secretname=x", "").await;
    server.send("SECRET", "/fhir/Patient/secretid", "X-Request-Id: secretrequest\r\n", "").await;
    let response = server.admin("GET", "/metrics").await;
    assert_eq!(
        response.header("content-type"),
        Some("application/openmetrics-text; version=1.0.0; charset=utf-8")
    );
    let text = response.text();
    for line in [
        "request_duration_seconds_count{route=\"/[type]/[id]\",method=\"GET\",status=\"2xx\"} 1",
        "request_duration_seconds_count{route=\"/[type]/[id]\",method=\"GET\",status=\"4xx\"} 1",
        "request_duration_seconds_count{route=\"/[type]\",method=\"GET\",status=\"2xx\"} 1",
        "request_duration_seconds_count{route=\"unknown\",method=\"GET\",status=\"4xx\"} 1",
        "request_duration_seconds_count{route=\"/[type]/[id]\",method=\"other\",status=\"4xx\"} 1",
        "refusals_total{code=\"resource-unknown\"} 1",
        "refusals_total{code=\"method-not-allowed\"} 1",
        "requests_running 0",
        "ready 1",
    ] {
        assert!(text.contains(&format!("gnuhealth_fhir_{line}\n")), "{line}\n{text}");
    }
    for secret in ["ecret", "SECRET", "Schmidt", "admin", "Patient", "127.0.0.1", "x.example"] {
        assert!(!text.contains(secret), "{secret} is in the metrics: {text}");
    }
}

/// A signed-in request, not yet answered.
fn request(id: &str) -> Vec<u8> {
    format!("GET /fhir/Patient/{id} HTTP/1.1\r\nHost: x\r\n{SIGNED}\r\n").into_bytes()
}

#[tokio::test]
async fn while_it_stops_it_is_not_ready_and_running_streams_end() {
    let mut server = start("").await;
    assert_eq!(server.admin("GET", "/readyz").await.status, 200);
    let mut busy = server.connect().await;
    busy.write_all(&request("stream")).await.unwrap();
    let mut first = [0; 16];
    busy.read_exact(&mut first).await.unwrap();
    server.stop.take().unwrap().send(()).unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let response = server.admin("GET", "/readyz").await;
    assert_eq!(response.status, 503);
    assert!(response.text().starts_with("stopping"), "{}", response.text());
    assert!(!server.task.is_finished(), "the stream is still being sent");
    assert!(tokio::net::TcpStream::connect(server.address).await.is_err(), "no new connection is taken");
    let mut answer = first.to_vec();
    busy.read_to_end(&mut answer).await.unwrap();
    assert_eq!(parse(&answer, false)[0].text(), "piece\n".repeat(5));
    tokio::time::timeout(Duration::from_secs(2), server.task).await.unwrap().unwrap();
}

#[tokio::test]
async fn requests_are_taken_for_a_while_when_a_balancer_needs_it() {
    let mut server = start_with("", |options| options.limits.drain_delay = Duration::from_millis(300)).await;
    assert_eq!(server.admin("GET", "/readyz").await.status, 200);
    server.stop.take().unwrap().send(()).unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(server.admin("GET", "/readyz").await.status, 503);
    assert_eq!(server.get("/fhir/Patient/1", "").await.status, 200);
    tokio::time::timeout(Duration::from_secs(2), server.task).await.unwrap().unwrap();
    assert!(tokio::net::TcpStream::connect(server.address).await.is_err());
}

#[tokio::test]
async fn a_stream_that_takes_too_long_is_cut_off_and_shows() {
    let mut server = start("drain_timeout = \"150ms\"").await;
    let mut busy = server.connect().await;
    busy.write_all(&request("stream")).await.unwrap();
    let mut answer = vec![0; 16];
    busy.read_exact(&mut answer).await.unwrap();
    server.stop.take().unwrap().send(()).unwrap();
    tokio::time::timeout(Duration::from_millis(400), server.task).await.unwrap().unwrap();
}
