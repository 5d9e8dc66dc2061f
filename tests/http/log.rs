use std::sync::{Arc, Mutex};

use tracing_subscriber::fmt::MakeWriter;

use crate::harness::start;

#[derive(Clone, Default)]
pub struct Sink(pub Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Sink {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Everything that is logged at any level while `addresses` are asked for on a runtime of one thread.
fn logged(requests: &[(&str, &str, &str)]) -> Vec<serde_json::Value> {
    let sink = Sink::default();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(sink.clone())
        .with_max_level(tracing::Level::TRACE)
        .json()
        .flatten_event(true)
        .finish();
    tracing::subscriber::with_default(subscriber, || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let server = start("").await;
            for (method, address, body) in requests {
                let form = format!(
                    "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n",
                    body.len()
                );
                server.send(method, address, &form, body).await;
            }
        });
    });
    let bytes = sink.0.lock().unwrap().clone();
    let text = String::from_utf8(bytes).unwrap();
    for secret in ["Schmidt", "1970-01-01", "197019701", "secret", "admin", "YWRt", "x.example"] {
        assert!(!text.contains(secret), "{secret} is in the log: {text}");
    }
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_line_tells_what_happened_without_any_value() {
    let lines = logged(&[
        ("GET", "/fhir/Patient?name:exact=Schmidt&birthdate=1970-01-01&Schmidt&Schmidt.x=1&_format=json", ""),
        ("POST", "/fhir/Patient/_search", "name=Schmidt&_count=197019701"),
        ("GET", "/fhir/Patient/Schmidt", ""),
        ("GET", "/fhir/Schmidt", ""),
        ("GET", "/Schmidt?Schmidt=Schmidt", ""),
        ("SCHMIDT", "/fhir/Patient/Schmidt/_history/197019701", ""),
        ("SCHMIDT", "/fhir/Schmidt", ""),
        ("GET", "/fhir/Patient?name=%ffSchmidt", ""),
        ("GET", "/fhir/Patient?_format=Schmidt", ""),
    ]);
    let line = |at: usize, field: &str| lines[at][field].clone();
    let expected = [
        ("GET", "/[type]", 200),
        ("POST", "/[type]/_search", 200),
        ("GET", "/[type]/[id]", 404),
        ("GET", "unknown", 404),
        ("GET", "unknown", 404),
        ("other", "/[type]/[id]/_history/[vid]", 405),
        ("other", "unknown", 404),
        ("GET", "/[type]", 400),
        ("GET", "/[type]", 406),
    ];
    assert_eq!(lines.len(), expected.len(), "{lines:?}");
    for (at, (method, route, status)) in expected.into_iter().enumerate() {
        assert_eq!(
            (line(at, "method"), line(at, "route"), line(at, "status")),
            (method.into(), route.into(), status.into())
        );
        assert!(
            ["milliseconds", "queue", "database"].iter().all(|time| line(at, time).is_f64())
                && line(at, "statements").is_u64()
                && line(at, "bytes").is_u64()
                && line(at, "request").is_string()
        );
    }
    assert_eq!(line(0, "parameters"), "name,birthdate,?,?,_format");
    assert_eq!(line(0, "resource"), "Patient");
    assert_eq!(line(0, "user"), 42);
    assert_eq!(line(1, "parameters"), "name,_count");
    assert_eq!(line(2, "code"), "resource-unknown");
}

#[test]
fn failures_tell_their_cause_and_panics_do_not_tell_values() {
    let lines = logged(&[("GET", "/fhir/Patient/broken", ""), ("GET", "/fhir/Patient/panic", "")]);
    assert_eq!((&lines[0]["level"], &lines[0]["cause"]), (&"WARN".into(), &"the cause".into()));
    assert_eq!(lines[0]["request"], lines[1]["request"]);
    assert_eq!((&lines[2]["cause"], &lines[3]["status"]), (&"panic".into(), &500.into()));
}
