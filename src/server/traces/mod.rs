//! Traces: spans of requests on their way to a collector, by OTLP over HTTP
//! (<https://opentelemetry.io/docs/specs/otlp/#otlphttp>).
//!
//! A request never waits for them: what the queue has no room for is counted and gone.

mod export;
mod message;

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwapOption;
use futures_util::future::join_all;
use hyper::{HeaderMap, StatusCode};
use tokio::{sync::mpsc, task::JoinHandle};

use crate::{
    config::{Collector, Config},
    interaction::Trace,
    spans::{Context, Finished, Spans, Value},
};

/// Requests whose spans wait to be sent at most.
const QUEUE: usize = 1024;

/// How long the last spans may take when the program stops.
const LAST: Duration = Duration::from_secs(5);

/// What became of spans, and of the messages that they were sent in, since the start.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// The collector has them.
    pub sent: AtomicU64,
    /// The queue was full, or the request had too many.
    pub dropped: AtomicU64,
    /// The collector could not be reached, or refused the message.
    pub failed: AtomicU64,
    /// The collector took the message without them.
    pub rejected: AtomicU64,
    /// Messages that the collector took.
    pub messages: AtomicU64,
    /// Messages that it did not take.
    pub failures: AtomicU64,
}

/// The way to a collector.
pub struct Traces {
    collector: Collector,
    ratio: f64,
    counts: Arc<Counts>,
    queue: ArcSwapOption<mpsc::Sender<Finished>>,
    /// With those to collectors before this one: connections that are still open keep them.
    exports: Arc<Mutex<Vec<JoinHandle<()>>>>,
}

impl std::fmt::Debug for Traces {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Traces").field("collector", &self.collector).finish_non_exhaustive()
    }
}

impl Traces {
    /// The way to the collector of this configuration; that of `before` goes on when it leads there already. Another one
    /// ends by itself, with the last request that began with it.
    pub fn open(config: &Config, before: Option<&Arc<Self>>) -> Option<Arc<Self>> {
        let (collector, ratio) = (config.trace_endpoint.clone()?, config.trace_ratio.0);
        if let Some(same) = before.filter(|it| it.collector == collector && it.ratio == ratio) {
            return Some(Arc::clone(same));
        }
        let counts = before.map(|before| Arc::clone(&before.counts)).unwrap_or_default();
        let (sender, receiver) = mpsc::channel(QUEUE);
        let export = tokio::spawn(export::export(collector.clone(), receiver, Arc::clone(&counts)));
        let exports = before.map(|before| Arc::clone(&before.exports)).unwrap_or_default();
        {
            let mut exports = exports.lock().unwrap_or_else(PoisonError::into_inner);
            exports.retain(|export| !export.is_finished());
            exports.push(export);
        }
        let queue = ArcSwapOption::from_pointee(sender);
        Some(Arc::new(Self { collector, ratio, counts, queue, exports }))
    }

    /// Sends what waits, and nothing more after it.
    pub async fn end(&self) {
        self.queue.store(None);
        let mut exports = std::mem::take(&mut *self.exports.lock().unwrap_or_else(PoisonError::into_inner));
        if tokio::time::timeout(LAST, join_all(&mut exports)).await.is_err() {
            exports.iter().for_each(JoinHandle::abort);
            tracing::warn!("the last spans were not sent in time");
        }
    }

    /// A request begins.
    pub(super) fn begin(self: &Arc<Self>, headers: &HeaderMap) -> Traced {
        let mut random = [0; 24];
        // Ids that are equal confuse who looks at traces; a request does not fail for that.
        let _ = getrandom::fill(&mut random);
        let (trace, span) = random.split_at(16);
        let mut sent = headers.get_all("traceparent").iter();
        let context = match (sent.next(), sent.next()) {
            (Some(header), None) => Context::parse(header.as_bytes()),
            _ => None,
        };
        let number = |bytes: &[u8]| bytes.iter().fold(0, |number, byte| number << 8 | u128::from(*byte));
        let context = context.unwrap_or_else(|| Context::new(number(trace).to_be_bytes()));
        let collected = context.is_collected(self.ratio);
        let spans = collected.then(|| Spans::begin(context, number(span) as u64));
        let id = (collected || context.parent().is_some()).then(|| context.text());
        Traced { traces: Arc::clone(self), id, spans, scheme: None }
    }

    fn take(&self, finished: Finished) {
        let (spans, lost) = (finished.spans.len() as u64, finished.lost);
        let queue = self.queue.load();
        let kept = queue.as_ref().is_some_and(|queue| queue.try_send(finished).is_ok());
        let lost = if kept { lost } else { lost + spans };
        self.counts.dropped.fetch_add(lost, Ordering::Relaxed);
    }

    pub(super) fn counts(&self) -> &Counts {
        &self.counts
    }
}

/// A request, when there are traces.
pub(super) struct Traced {
    traces: Arc<Traces>,
    /// Id of its trace, if it is part of one.
    pub id: Option<String>,
    /// Its spans, if they are collected.
    pub spans: Option<Spans>,
    scheme: Option<&'static str>,
}

/// What a request came to.
pub(super) struct Outcome<'a> {
    pub method: &'static str,
    pub route: &'static str,
    pub kind: Option<&'static str>,
    /// None when nobody waited for it.
    pub status: Option<StatusCode>,
    pub code: Option<&'static str>,
    pub trace: &'a Trace,
}

impl Traced {
    /// The address under which the client reaches this server.
    pub(super) fn at(&mut self, base: &str) {
        self.scheme = Some(if base.starts_with("https:") { "https" } else { "http" });
    }

    /// The request has ended. Attributes are those of the semantic conventions
    /// (<https://opentelemetry.io/docs/specs/semconv/http/http-spans/>).
    pub(super) fn end(&mut self, outcome: &Outcome<'_>) {
        let Some(spans) = self.spans.take() else { return };
        let (method, name) = match outcome.method {
            "other" => ("_OTHER", "HTTP"),
            method => (method, method),
        };
        let mut attributes = vec![
            ("http.request.method", Value::Word(method)),
            ("http.route", Value::Word(outcome.route)),
            ("url.scheme", Value::Word(self.scheme.unwrap_or("http"))),
        ];
        let mut word = |name, word: Option<&'static str>| {
            attributes.extend(word.map(|word| (name, Value::Word(word))));
        };
        let broken = outcome.status.is_none_or(|status| status.is_server_error());
        let unnamed = if outcome.status.is_some() { "internal" } else { "gone" };
        word("error.type", broken.then(|| outcome.code.unwrap_or(unnamed)));
        word("fhir.resource.type", outcome.kind);
        word("fhir.error.code", outcome.code);
        let status = outcome.status.map(|status| Value::Number(i64::from(status.as_u16())));
        attributes.extend(status.map(|status| ("http.response.status_code", status)));
        attributes.extend(outcome.trace.user().map(|user| ("enduser.id", Value::Id(user))));
        self.traces.take(spans.end((name, outcome.route), attributes, broken));
    }
}

#[cfg(test)]
mod tests {
    use std::{path::Path, sync::atomic::Ordering};

    use hyper::{HeaderMap, StatusCode};

    use super::{Outcome, QUEUE, Traces};
    use crate::{config, interaction::Trace};

    #[tokio::test]
    async fn what_the_queue_has_no_room_for_is_counted() {
        let text = "trace_endpoint = \"http://127.0.0.1:9/v1/traces\"";
        let config = config::load(&[], Some((Path::new("config.toml"), text))).unwrap().config;
        let traces = Traces::open(&config, None).unwrap();
        // Nothing is sent meanwhile: this task does not wait.
        for _ in 0..QUEUE + 3 {
            let (trace, status) = (Trace::default(), Some(StatusCode::OK));
            let outcome =
                Outcome { method: "GET", route: "/", kind: None, status, code: None, trace: &trace };
            traces.begin(&HeaderMap::new()).end(&outcome);
        }
        assert_eq!(traces.counts().dropped.load(Ordering::Relaxed), 3);
        traces.end().await;
        assert_eq!(traces.counts().failed.load(Ordering::Relaxed), QUEUE as u64);
    }
}
