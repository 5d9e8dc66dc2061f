//! Traces on their way to a collector.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use gnuhealth_fhir::{
    config::{self, Config},
    server::{Options, Traces},
};
use tokio::net::TcpListener;

use crate::{
    collector::{Collector, attribute, find},
    harness::{Server, start, start_with},
    log::Sink,
};

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn settings(text: &str) -> Config {
    config::load(&[], Some((Path::new("config.toml"), text))).unwrap().config
}

async fn traced(text: &str) -> Server {
    let traces = Traces::open(&settings(text), None);
    start_with(text, |options| options.traces = traces).await
}

/// A number of the metrics.
async fn metric(server: &Server, name: &str) -> u64 {
    let text = server.admin("GET", "/metrics").await.text();
    let line = text.lines().find(|line| line.starts_with(&format!("gnuhealth_fhir_{name} ")));
    line.unwrap_or_else(|| panic!("no {name} in {text}")).rsplit(' ').next().unwrap().parse().unwrap()
}

#[test]
fn spans_of_a_request_continue_the_trace_of_its_client_and_hold_no_value() {
    let sink = Sink::default();
    let subscriber = tracing_subscriber::fmt().with_writer(sink.clone()).json().flatten_event(true).finish();
    let messages = tracing::subscriber::with_default(subscriber, || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let collector = Collector::start(&[], 0).await;
            let server = traced(&collector.setting()).await;
            let headers = format!("traceparent: {PARENT}\r\ntracestate: vendor=Schmidt\r\n");
            let answer = server.get("/fhir/Patient?name=Schmidt&birthdate=1970-01-01", &headers).await;
            assert_eq!(answer.status, 200);
            server.serving.end_traces().await;
            let spans = collector.spans("/[type]").await;
            let (request, none) = find(&spans, "GET /[type]");
            assert!(none.is_none());
            assert_eq!(request.trace_id, 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736_u128.to_be_bytes());
            assert_eq!(request.parent_span_id, 0x00f0_67aa_0ba9_02b7_u64.to_be_bytes());
            // A server; it is sampled, and its parent is in another program.
            assert_eq!((request.kind, request.flags, &request.trace_state), (2, 0x301, &String::new()));
            for (name, value) in [
                ("http.request.method", Some("GET")),
                ("http.route", Some("/[type]")),
                ("http.response.status_code", Some("200")),
                ("url.scheme", Some("http")),
                ("enduser.id", Some("42")),
                ("fhir.resource.type", Some("Patient")),
                ("error.type", None),
            ] {
                assert_eq!(attribute(request, name).as_deref(), value, "{name}");
            }
            assert!(request.status.is_none());
            {
                let (span, parent) = find(&spans, "write");
                assert_eq!(parent, Some(request));
                assert!(request.start_time_unix_nano <= span.start_time_unix_nano);
                assert!(span.end_time_unix_nano <= request.end_time_unix_nano);
                assert_eq!((span.kind, span.flags), (1, 0x101));
            }
            assert_eq!(metric(&server, "spans_total{outcome=\"sent\"}").await, spans.len() as u64);
            collector.messages()
        })
    });
    let [(head, body)] = messages.as_slice() else { panic!("{messages:?}") };
    assert!(head.starts_with("post /v1/traces http/1.1"), "{head}");
    assert!(head.contains("content-type: application/x-protobuf"), "{head}");
    for value in ["Schmidt", "1970", "admin", "secret", "x.example", "name", "birthdate"] {
        // Names of attributes and of the service may have "name" in them.
        let sent = String::from_utf8_lossy(body).replace("service.name", "");
        assert!(!sent.contains(value), "{value}: {sent}");
    }
    let lines = String::from_utf8(sink.0.lock().unwrap().clone()).unwrap();
    let line = lines.lines().find(|line| line.contains("gnuhealth_fhir::request")).unwrap();
    assert!(line.contains("\"trace\":\"4bf92f3577b34da6a3ce929d0e0e4736\""), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_traceparent_begins_a_trace_and_what_fails_says_so() {
    let collector = Collector::start(&[], 0).await;
    let server = traced(&collector.setting()).await;
    let upper = PARENT.to_uppercase();
    for sent in [
        upper.as_str(),
        "00-4bf9",
        &format!("{PARENT}, {PARENT}"),
        &format!("{PARENT}\r\ntraceparent: {PARENT}"),
    ] {
        assert_eq!(server.get("/fhir/Patient/1", &format!("traceparent: {sent}\r\n")).await.status, 200);
    }
    assert_eq!(server.get("/fhir/Patient/broken", "").await.status, 500);
    assert_eq!(server.get("/fhir/Patient/denied", "").await.status, 403);
    // The client does not collect this one.
    let asleep = PARENT.replace("-01", "-00");
    assert_eq!(server.get("/fhir/Patient/1", &format!("traceparent: {asleep}\r\n")).await.status, 200);
    server.serving.end_traces().await;
    let spans = collector.spans("/[type]/[id]").await;
    let mut requests: Vec<_> = spans.iter().filter(|span| span.name == "GET /[type]/[id]").collect();
    assert_eq!(requests.len(), 6);
    for request in &requests {
        assert!(request.parent_span_id.is_empty() && request.flags == 0x101, "{request:?}");
        assert_ne!(request.trace_id, 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736_u128.to_be_bytes());
    }
    let status = |status: &str| {
        let found =
            requests.iter().find(|it| attribute(it, "http.response.status_code").as_deref() == Some(status));
        let found = found.unwrap();
        (found.status.as_ref().map(|status| status.code), attribute(found, "error.type"))
    };
    assert_eq!(status("500"), (Some(2), Some("internal".to_owned())));
    // A mistake of the client is none of this program.
    assert_eq!(status("403"), (None, None));
    requests.sort_by(|one, other| one.trace_id.cmp(&other.trace_id));
    requests.dedup_by(|one, other| one.trace_id == other.trace_id);
    assert_eq!(requests.len(), 6, "each has a trace of its own");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ratio_decides_also_for_clients_that_want_more() {
    let collector = Collector::start(&[], 0).await;
    let server = traced(&format!("{}trace_ratio = 0.0\n", collector.setting())).await;
    for headers in [String::new(), format!("traceparent: {PARENT}\r\n")] {
        assert_eq!(server.get("/fhir/Patient/1", &headers).await.status, 200);
    }
    server.serving.end_traces().await;
    assert!(collector.messages().is_empty());
    assert_eq!(metric(&server, "spans_total{outcome=\"dropped\"}").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_do_not_feel_a_collector_that_is_away_or_does_not_answer() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let away = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    for (address, ends, outcome) in [
        (away, Duration::from_secs(3), Some("failed")),
        (silent.local_addr().unwrap(), Duration::from_secs(7), None),
    ] {
        let server = traced(&format!("trace_endpoint = \"http://{address}/v1/traces\"\n")).await;
        for _ in 0..20 {
            let begun = Instant::now();
            assert_eq!(server.get("/fhir/Patient/1", "").await.status, 200);
            assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
        }
        let begun = Instant::now();
        server.serving.end_traces().await;
        assert!(begun.elapsed() < ends, "{:?}", begun.elapsed());
        if let Some(outcome) = outcome {
            // The request and the writing of its answer.
            assert_eq!(metric(&server, &format!("spans_total{{outcome=\"{outcome}\"}}")).await, 40);
            assert_eq!(metric(&server, "trace_messages_total{outcome=\"failed\"}").await, 1);
        }
        // What comes later is counted too.
        assert_eq!(server.get("/fhir/Patient/1", "").await.status, 200);
        assert_eq!(metric(&server, "spans_total{outcome=\"dropped\"}").await, 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_collector_is_asked_again_and_what_it_rejects_is_counted() {
    let collector = Collector::start(&[503, 429], 1).await;
    let server = traced(&collector.setting()).await;
    assert_eq!(server.get("/fhir/Patient/1", "").await.status, 200);
    collector.spans("/[type]/[id]").await;
    server.serving.end_traces().await;
    for (name, count) in [
        ("spans_total{outcome=\"rejected\"}", 1),
        ("spans_total{outcome=\"sent\"}", 1),
        ("spans_total{outcome=\"failed\"}", 0),
        ("trace_messages_total{outcome=\"sent\"}", 1),
    ] {
        assert_eq!(metric(&server, name).await, count, "{name}");
    }
    // What it does not understand is not sent again.
    let collector = Collector::start(&[400], 0).await;
    let server = traced(&collector.setting()).await;
    assert_eq!(server.get("/fhir/Patient/1", "").await.status, 200);
    server.serving.end_traces().await;
    assert_eq!(metric(&server, "spans_total{outcome=\"failed\"}").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_goes_on_with_the_same_collector_or_takes_another() {
    let (first, second) = (Collector::start(&[], 0).await, Collector::start(&[], 0).await);
    let config = settings(&first.setting());
    let traces = Traces::open(&config, None).unwrap();
    assert!(Arc::ptr_eq(&traces, &Traces::open(&config, Some(&traces)).unwrap()));
    let old = Arc::clone(&traces);
    let server = start_with("", |options| options.traces = Some(old)).await;
    server.get("/fhir/Patient/1", "").await;
    let config = settings(&second.setting());
    let options = Options { traces: Traces::open(&config, Some(&traces)), ..Options::from(&config) };
    drop(traces);
    server.serving.replace(options, Arc::clone(&server.fake) as _);
    server.get("/fhir/Patient", "").await;
    server.serving.end_traces().await;
    // The old one ends by itself.
    assert!(first.spans("/[type]/[id]").await.iter().all(|span| span.name != "GET /[type]"));
    assert!(second.spans("/[type]").await.iter().all(|span| span.name != "GET /[type]/[id]"));
    // Both together; the first counts once it has read the answer.
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(metric(&server, "trace_messages_total{outcome=\"sent\"}").await, 2);
    let off = start("").await;
    assert!(!off.admin("GET", "/metrics").await.text().contains("spans_total"));
}
