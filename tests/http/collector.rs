//! A collector of OpenTelemetry that keeps what it is sent.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use opentelemetry_proto::tonic::{
    collector::trace::v1::{
        ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
    },
    common::v1::any_value::Value,
    trace::v1::Span,
};
use prost::Message as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// A message: its head, and its body as bytes.
type Sent = (String, Vec<u8>);

pub struct Collector {
    address: SocketAddr,
    sent: Arc<Mutex<Vec<Sent>>>,
}

impl Collector {
    /// The first answers have these statuses; the others are 200, and say that so many spans are rejected.
    pub async fn start(statuses: &'static [u16], rejected: i64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, sent) = (listener.local_addr().unwrap(), Arc::<Mutex<Vec<Sent>>>::default());
        let (kept, mut statuses) = (Arc::clone(&sent), statuses.iter().copied());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let status = statuses.next().unwrap_or(200);
                let message = answer(stream, status, rejected).await;
                if status == 200 {
                    kept.lock().unwrap().push(message);
                }
            }
        });
        Self { address, sent }
    }

    /// The setting that leads here.
    pub fn setting(&self) -> String {
        format!("trace_endpoint = \"http://{}/v1/traces\"\n", self.address)
    }

    /// All messages until now.
    pub fn messages(&self) -> Vec<Sent> {
        self.sent.lock().unwrap().clone()
    }

    /// All spans, once there is that of a request to this route.
    pub async fn spans(&self, route: &str) -> Vec<Span> {
        for _ in 0..200 {
            let spans: Vec<_> = self.messages().iter().flat_map(|(_, body)| spans(body)).collect();
            if spans.iter().any(|span| attribute(span, "http.route").as_deref() == Some(route)) {
                return spans;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("no span of a request to {route} has come");
    }
}

async fn answer(mut stream: TcpStream, status: u16, rejected: i64) -> Sent {
    let mut bytes = Vec::new();
    let (head, start, length) = loop {
        assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0, "a message ended in its head");
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap().to_ascii_lowercase();
        let length = head.split_once("content-length: ").unwrap().1.lines().next().unwrap();
        let length: usize = length.parse().unwrap();
        break (head, end + 4, length);
    };
    while bytes.len() < start + length {
        assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0, "a message ended in its body");
    }
    let partial = ExportTracePartialSuccess { rejected_spans: rejected, ..Default::default() };
    let body = ExportTraceServiceResponse { partial_success: Some(partial) }.encode_to_vec();
    let answer = format!("HTTP/1.1 {status} status\r\nContent-Length: {}\r\n\r\n", body.len());
    stream.write_all(&[answer.as_bytes(), &body].concat()).await.unwrap();
    (head, bytes[start..].to_vec())
}

/// The spans of a message, which is of this program.
fn spans(body: &[u8]) -> Vec<Span> {
    let message = ExportTraceServiceRequest::decode(body).unwrap();
    let [resource] = message.resource_spans.as_slice() else { panic!("{message:?}") };
    let attributes = &resource.resource.as_ref().unwrap().attributes;
    assert!(
        attributes.iter().any(|it| it.key == "service.name" && text(it.value.as_ref()) == "gnuhealth-fhir")
    );
    resource.scope_spans.iter().flat_map(|scope| scope.spans.clone()).collect()
}

fn text(value: Option<&opentelemetry_proto::tonic::common::v1::AnyValue>) -> String {
    match value.and_then(|value| value.value.clone()) {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        other => panic!("{other:?}"),
    }
}

/// An attribute of a span as text.
pub fn attribute(span: &Span, name: &str) -> Option<String> {
    span.attributes.iter().find(|attribute| attribute.key == name).map(|found| text(found.value.as_ref()))
}

/// The span of this name, and that it is a part of.
pub fn find<'a>(spans: &'a [Span], name: &str) -> (&'a Span, Option<&'a Span>) {
    let span = spans.iter().find(|span| span.name == name);
    let span = span.unwrap_or_else(|| panic!("no {name} in {spans:#?}"));
    (span, spans.iter().find(|other| other.span_id == span.parent_span_id && other.trace_id == span.trace_id))
}
