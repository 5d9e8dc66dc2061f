//! Sending: spans of many requests in one message, again when the collector is busy, and without it in the end.

use std::{sync::Arc, sync::atomic::Ordering, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{
    Method, Request, StatusCode,
    client::conn::http1,
    header::{CONTENT_TYPE, HOST, RETRY_AFTER, USER_AGENT},
};
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message as _;
use tokio::{
    net::TcpStream,
    sync::mpsc,
    task::JoinSet,
    time::{Instant, sleep, timeout, timeout_at},
};

use super::{Counts, message};
use crate::{config::Collector, spans::Finished};

/// Spans of a message from which it is not waited for more.
const FULL: usize = 512;
/// Requests that are taken from the queue at once: some have hundreds of spans, and a message should stay small.
const STEP: usize = 16;
/// How long it is waited for more.
const GATHER: Duration = Duration::from_secs(2);
/// How long one attempt may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often a message is sent while the collector is not there or busy.
const ATTEMPTS: u32 = 3;
/// How long between two attempts; the collector may ask for more, up to `PATIENCE`.
const PAUSE: Duration = Duration::from_secs(1);
/// Bytes of an answer that are read.
const ANSWER: usize = 64 << 10;

/// Sends what comes until the queue is closed and empty.
pub(super) async fn export(collector: Collector, mut queue: mpsc::Receiver<Finished>, counts: Arc<Counts>) {
    let (mut failing, mut batch) = (false, Vec::new());
    while queue.recv_many(&mut batch, STEP).await > 0 {
        let until = Instant::now() + GATHER;
        while number(&batch) < FULL
            && let Ok(1..) = timeout_at(until, queue.recv_many(&mut batch, STEP)).await
        {}
        let spans = number(&batch) as u64;
        let body = Bytes::from(message::message(&batch).encode_to_vec());
        batch.clear();
        match persist(&collector, &body, &queue).await {
            Ok(rejected) => {
                let rejected = rejected.min(spans);
                counts.messages.fetch_add(1, Ordering::Relaxed);
                counts.rejected.fetch_add(rejected, Ordering::Relaxed);
                counts.sent.fetch_add(spans - rejected, Ordering::Relaxed);
                if std::mem::take(&mut failing) {
                    tracing::info!("the collector takes traces again");
                }
            }
            Err(why) => {
                counts.failures.fetch_add(1, Ordering::Relaxed);
                counts.failed.fetch_add(spans, Ordering::Relaxed);
                // Once, not for each message: the metrics count them.
                if !std::mem::replace(&mut failing, true) {
                    tracing::warn!(why, "the collector does not take traces");
                }
            }
        }
    }
}

fn number(batch: &[Finished]) -> usize {
    batch.iter().map(|request| request.spans.len()).sum()
}

/// Why a message was not taken, and after which time it may be.
struct Refused {
    why: String,
    again: Option<Duration>,
}

/// Sends a message until it is taken, is refused, or has been tried often enough; when the program stops, once.
async fn persist(
    collector: &Collector,
    body: &Bytes,
    queue: &mpsc::Receiver<Finished>,
) -> Result<u64, String> {
    let mut attempt = 1;
    loop {
        let answer = timeout(PATIENCE, post(collector, body.clone())).await;
        let late = |_| Refused { why: "no answer in time".to_owned(), again: Some(PAUSE) };
        match answer.map_err(late).flatten() {
            Ok(rejected) => return Ok(rejected),
            Err(Refused { again: Some(pause), .. }) if attempt < ATTEMPTS && !queue.is_closed() => {
                sleep(pause.min(PATIENCE)).await;
                attempt += 1;
            }
            Err(refused) => return Err(refused.why),
        }
    }
}

/// Sends a message once, in a connection of its own; gives the number of spans that the collector did not want.
async fn post(collector: &Collector, body: Bytes) -> Result<u64, Refused> {
    let away = |error: &dyn std::fmt::Display| Refused { why: error.to_string(), again: Some(PAUSE) };
    let stream = TcpStream::connect(collector.authority()).await.map_err(|error| away(&error))?;
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| away(&error))?;
    // It ends with this function.
    let mut driver = JoinSet::new();
    driver.spawn(connection);
    let request = Request::builder()
        .method(Method::POST)
        .uri(collector.path())
        .header(HOST, collector.authority())
        .header(CONTENT_TYPE, "application/x-protobuf")
        .header(USER_AGENT, concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
        .body(Full::new(body))
        .map_err(|error| Refused { why: error.to_string(), again: None })?;
    let response = sender.send_request(request).await.map_err(|error| away(&error))?;
    let status = response.status();
    if !status.is_success() {
        // https://opentelemetry.io/docs/specs/otlp/#retryable-response-codes
        let busy = matches!(
            status,
            StatusCode::TOO_MANY_REQUESTS
                | StatusCode::BAD_GATEWAY
                | StatusCode::SERVICE_UNAVAILABLE
                | StatusCode::GATEWAY_TIMEOUT
        );
        let after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let pause = after.map_or(PAUSE, Duration::from_secs);
        return Err(Refused { why: format!("it answers {status}"), again: busy.then_some(pause) });
    }
    let answer = Limited::new(response.into_body(), ANSWER).collect().await;
    let answer = answer.map_err(|error| Refused { why: error.to_string(), again: None })?;
    // What cannot be read says nothing against the message.
    let answer = ExportTraceServiceResponse::decode(answer.to_bytes()).unwrap_or_default();
    let rejected = answer.partial_success.map_or(0, |part| part.rejected_spans);
    Ok(u64::try_from(rejected).unwrap_or_default())
}
