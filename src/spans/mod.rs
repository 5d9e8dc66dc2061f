//! Spans: what a request did and for how long, for who collects traces.
//!
//! They are noted by the task that answers the request; where nobody collects, noting is one look at a variable of the
//! task. Text in a span is text of this program: names and words are `&'static str`, everything else is a number, so a
//! value of a record, a parameter or the text of a statement has no type to enter with.

mod context;

pub use context::Context;

use std::{
    borrow::Cow,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use futures_util::future::Either;

/// Spans of one request at most; what is more is counted. A batch of the largest size has some hundreds.
const MOST: usize = 512;

/// A shorter wait gets no span.
const NOTABLE: Duration = Duration::from_millis(1);

/// What an attribute can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// A word of this program.
    Word(&'static str),
    /// A number.
    Number(i64),
    /// A number that is a name: it is sent as text.
    Id(i64),
}

/// On which side of a conversation a span is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It answers a request.
    Server,
    /// It waits for another program.
    Client,
    /// Neither.
    Internal,
}

/// A span that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    id: u64,
    parent: Option<u64>,
    kind: Kind,
    name: Cow<'static, str>,
    attributes: Vec<(&'static str, Value)>,
    error: bool,
    start: u64,
    end: u64,
}

impl Span {
    /// Its id, which is not zero.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The span that it is a part of.
    pub fn parent(&self) -> Option<u64> {
        self.parent
    }

    /// On which side of a conversation it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What was done.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What more is known of it.
    pub fn attributes(&self) -> &[(&'static str, Value)] {
        &self.attributes
    }

    /// It failed.
    pub fn is_error(&self) -> bool {
        self.error
    }

    /// Beginning and end, in nanoseconds since 1970.
    pub fn times(&self) -> (u64, u64) {
        (self.start, self.end)
    }
}

/// All spans of a request that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// Where in a trace they belong.
    pub context: Context,
    /// The spans; that of the request is the last.
    pub spans: Vec<Span>,
    /// Spans that were too many.
    pub lost: u64,
}

/// Collects the spans of one request.
#[derive(Debug)]
struct Recording {
    context: Context,
    root: u64,
    next: AtomicU64,
    begun: (u64, Instant),
    spans: Mutex<Vec<Span>>,
    lost: AtomicU64,
}

impl Recording {
    fn fresh(&self) -> u64 {
        // Distinct within the request, and as random among others as the first of them. Zero is no id.
        match self.next.fetch_add(1, Ordering::Relaxed) {
            0 => self.next.fetch_add(1, Ordering::Relaxed),
            id => id,
        }
    }

    fn time(&self, at: Instant) -> u64 {
        let after = at.saturating_duration_since(self.begun.1).as_nanos();
        self.begun.0.saturating_add(u64::try_from(after).unwrap_or(u64::MAX))
    }

    fn add(&self, span: Span) {
        let mut spans = self.spans.lock().unwrap_or_else(PoisonError::into_inner);
        if spans.len() < MOST {
            spans.push(span);
        } else {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// A request whose spans are noted.
#[derive(Clone, Debug)]
pub struct Spans {
    recording: Arc<Recording>,
    /// What begins now is a part of this one.
    parent: u64,
}

impl Spans {
    /// A request begins; `id` is any number, that of its span.
    pub fn begin(context: Context, id: u64) -> Self {
        let root = id.max(1);
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let recording = Recording {
            context,
            root,
            next: AtomicU64::new(root.wrapping_add(1)),
            begun: (u64::try_from(unix).unwrap_or(u64::MAX), Instant::now()),
            spans: Mutex::default(),
            lost: AtomicU64::new(0),
        };
        Self { recording: Arc::new(recording), parent: root }
    }

    /// The request has ended.
    pub fn end(
        self,
        (method, route): (&'static str, &'static str),
        attributes: Vec<(&'static str, Value)>,
        error: bool,
    ) -> Finished {
        let recording = &*self.recording;
        let mut spans = std::mem::take(&mut *recording.spans.lock().unwrap_or_else(PoisonError::into_inner));
        spans.push(Span {
            id: recording.root,
            parent: recording.context.parent(),
            kind: Kind::Server,
            name: Cow::Owned(format!("{method} {route}")),
            attributes,
            error,
            start: recording.begun.0,
            end: recording.time(Instant::now()),
        });
        Finished { context: recording.context, spans, lost: recording.lost.load(Ordering::Relaxed) }
    }
}

tokio::task_local! {
    static CURRENT: Spans;
}

/// Notes the spans of this work, as far as it does not go on in other tasks.
pub fn on<W: Future>(spans: Option<&Spans>, work: W) -> impl Future<Output = W::Output> + use<W> {
    match spans {
        Some(spans) => Either::Right(CURRENT.scope(spans.clone(), work)),
        None => Either::Left(work),
    }
}

/// Begins a span, if somebody collects them. It ends when the value is dropped.
pub fn open(name: &'static str, kind: Kind) -> Option<Open> {
    begun(name, kind, None)
}

/// The time since `begun` was spent waiting; returns it.
pub fn waited(name: &'static str, begun: Instant) -> Duration {
    let time = begun.elapsed();
    if time >= NOTABLE {
        passed(name, begun);
    }
    time
}

/// A span that has ended just now, if somebody collects them.
pub fn passed(name: &'static str, begun_at: Instant) {
    drop(begun(name, Kind::Internal, Some(begun_at)));
}

fn begun(name: &'static str, kind: Kind, at: Option<Instant>) -> Option<Open> {
    let spans = CURRENT.try_with(Spans::clone).ok()?;
    let id = spans.recording.fresh();
    let at = at.unwrap_or_else(Instant::now);
    Some(Open { spans, id, name, kind, at, attributes: Vec::new(), error: false })
}

/// Times work that does not wait.
pub fn timed<T>(name: &'static str, work: impl FnOnce() -> T) -> T {
    let _open = open(name, Kind::Internal);
    work()
}

/// Times work that waits; spans that begin in it are its parts.
pub async fn within<W: Future>(name: &'static str, work: W) -> W::Output {
    let Some(open) = open(name, Kind::Internal) else { return work.await };
    let inner = Spans { parent: open.id, ..open.spans.clone() };
    CURRENT.scope(inner, work).await
}

/// A span that has begun.
#[derive(Debug)]
pub struct Open {
    spans: Spans,
    id: u64,
    name: &'static str,
    kind: Kind,
    at: Instant,
    attributes: Vec<(&'static str, Value)>,
    error: bool,
}

impl Open {
    /// Says more of it.
    pub fn note(&mut self, name: &'static str, value: Value) {
        self.attributes.push((name, value));
    }

    /// It failed; a word of this program says how.
    pub fn failed(&mut self, how: &'static str) {
        self.note("error.type", Value::Word(how));
        self.error = true;
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let recording = &self.spans.recording;
        recording.add(Span {
            id: self.id,
            parent: Some(self.spans.parent),
            kind: self.kind,
            name: Cow::Borrowed(self.name),
            attributes: std::mem::take(&mut self.attributes),
            error: self.error,
            start: recording.time(self.at),
            end: recording.time(Instant::now()),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::{Context, Kind, MOST, Spans, Value, on, open, timed, within};

    #[tokio::test]
    async fn spans_know_what_they_are_a_part_of() {
        let spans = Spans::begin(Context::new([7; 16]), u64::MAX);
        let work = async {
            timed("plan", || ());
            within("sign-in", async {
                let mut statement = open("account", Kind::Client).unwrap();
                statement.note("rows", Value::Number(1));
                statement.failed("database-timeout");
            })
            .await;
            timed("render", || ());
        };
        on(Some(&spans), work).await;
        assert!(open("nobody listens", Kind::Internal).is_none());
        let finished = spans.end(("GET", "/[type]"), vec![("user", Value::Id(1))], false);
        let found: Vec<_> = finished.spans.iter().map(|span| (span.name(), span.parent())).collect();
        let id = |name: &str| finished.spans.iter().find(|span| span.name() == name).unwrap().id();
        let root = Some(u64::MAX);
        assert_eq!(
            found,
            [
                ("plan", root),
                ("account", Some(id("sign-in"))),
                ("sign-in", root),
                ("render", root),
                ("GET /[type]", None)
            ]
        );
        assert!(finished.spans.iter().all(|span| span.id() != 0 && span.times().0 <= span.times().1));
        assert!(finished.spans[1].is_error() && !finished.spans[4].is_error());
        let of_statement = [("rows", Value::Number(1)), ("error.type", Value::Word("database-timeout"))];
        assert_eq!(finished.spans[1].attributes(), of_statement);
    }

    #[tokio::test]
    async fn too_many_spans_are_counted_and_that_of_the_request_is_kept() {
        let spans = Spans::begin(Context::new([7; 16]), 0);
        on(Some(&spans), async { (0..MOST + 3).for_each(|_| timed("plan", || ())) }).await;
        let finished = spans.end(("GET", "/"), Vec::new(), true);
        assert_eq!((finished.spans.len(), finished.lost), (MOST + 1, 3));
        assert_eq!(finished.spans[MOST].name(), "GET /");
    }
}
