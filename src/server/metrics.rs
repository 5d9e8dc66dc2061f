//! Metrics in the text format of OpenMetrics (<https://prometheus.io/docs/specs/om/open_metrics_spec/>), which Prometheus
//! reads. Labels are templates, codes and other words of this program, and places of replicas: never a value, an id or a login.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use hyper::StatusCode;
use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};

use super::traces::Counts;
use crate::{
    audit,
    interaction::{ReplicaVitals, Vitals},
};

/// Media type of the text.
pub(super) const MEDIA: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Seconds: a read takes one thousandth, a statement thirty at most.
const BUCKETS: [f64; 14] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    route: &'static str,
    method: &'static str,
    status: &'static str,
}

type Labels = Vec<(&'static str, &'static str)>;
type Seconds = Gauge<f64, AtomicU64>;

/// What the server itself counts.
pub(super) struct Metrics {
    registry: Registry,
    requests: Family<Answered, Histogram>,
    running: Gauge,
    refusals: Family<Labels, Counter>,
    reload: (Gauge, Seconds),
    /// Open connections.
    pub connections: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("gnuhealth_fhir");
        let requests = Family::new_with_constructor((|| Histogram::new(BUCKETS)) as fn() -> Histogram);
        registry.register_with_unit(
            "request_duration",
            "Requests, and the time until the answer began",
            Unit::Seconds,
            requests.clone(),
        );
        let running = Gauge::default();
        registry.register("requests_running", "Requests that are being answered", running.clone());
        let refusals = Family::default();
        registry.register(
            "refusals",
            "Requests that were answered with an error, by its code",
            refusals.clone(),
        );
        let connections = Gauge::default();
        registry.register("connections", "Open connections of clients", connections.clone());
        let build = Family::<Labels, Gauge>::default();
        build.get_or_create(&vec![("version", env!("CARGO_PKG_VERSION"))]).set(1);
        registry.register("build_info", "1, with the version of the program", build);
        let start = Seconds::default();
        start.set(now());
        registry.register_with_unit("start_time", "When it was started, since 1970", Unit::Seconds, start);
        let reload = (Gauge::default(), Seconds::default());
        registry.register(
            "reload_successful",
            "1 when the configuration was good when it was read last",
            reload.0.clone(),
        );
        registry.register_with_unit(
            "reload_time",
            "When a good configuration was read last, since 1970",
            Unit::Seconds,
            reload.1.clone(),
        );
        let metrics = Self { registry, requests, running, refusals, reload, connections };
        metrics.reloaded(true);
        metrics
    }
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

impl Metrics {
    /// The configuration was read.
    pub(super) fn reloaded(&self, good: bool) {
        self.reload.0.set(i64::from(good));
        if good {
            self.reload.1.set(now());
        }
    }

    pub(super) fn begun(&self) {
        self.running.inc();
    }

    /// A request has its answer.
    pub(super) fn ended(
        &self,
        (route, method): (&'static str, &'static str),
        status: u16,
        code: Option<&'static str>,
        time: Duration,
    ) {
        self.running.dec();
        let status = match StatusCode::from_u16(status) {
            _ if status == 499 => "gone",
            Ok(status) if status.is_success() => "2xx",
            Ok(status) if status.is_redirection() => "3xx",
            Ok(status) if status.is_client_error() => "4xx",
            _ => "5xx",
        };
        self.requests.get_or_create(&Answered { route, method, status }).observe(time.as_secs_f64());
        if let Some(code) = code {
            self.refusals.get_or_create(&vec![("code", code)]).inc();
        }
    }

    /// All of it as text, with how the gateway is now.
    /// `ends` is when the certificate of this server does.
    pub(super) fn text(
        &self,
        vitals: &Vitals,
        (audit, traces): (Option<audit::Vitals>, Option<&Counts>),
        ready: bool,
        ends: Option<SystemTime>,
    ) -> String {
        let mut out = String::with_capacity(16 << 10);
        // A String takes everything.
        let _ = text::encode_registry(&mut out, &self.registry);
        let _ = text::encode_registry(&mut out, &gathered(vitals, ready, ends));
        if let Some(audit) = audit {
            let _ = text::encode_registry(&mut out, &trail(&audit));
        }
        if let Some(traces) = traces {
            let _ = text::encode_registry(&mut out, &sent(traces));
        }
        let _ = text::encode_eof(&mut out);
        out
    }
}

fn gathered(vitals: &Vitals, ready: bool, ends: Option<SystemTime>) -> Registry {
    let mut registry = Registry::with_prefix("gnuhealth_fhir");
    if let Some(ends) = ends {
        let gauge = Seconds::default();
        gauge.set(ends.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64());
        let help = "When the certificate of this server ends, since 1970";
        registry.register_with_unit("certificate_end", help, Unit::Seconds, gauge);
    }
    let number = |value: usize| i64::try_from(value).unwrap_or(i64::MAX);
    let mut gauge = |name: &str, help: &str, value: i64| {
        let gauge: Gauge = Gauge::default();
        gauge.set(value);
        registry.register(name, help, gauge);
    };
    let (database, sign_ins) = (&vitals.database, &vitals.sign_ins);
    gauge("ready", "1 when requests can be answered", i64::from(ready));
    gauge("sessions_most", "Sessions with PostgreSQL for requests at most", number(database.most));
    gauge("sessions_in_use", "Sessions with PostgreSQL that work", number(database.in_use));
    gauge("sessions_idle", "Sessions with PostgreSQL that are open and idle", number(database.idle));
    gauge("sessions_waiting", "Requests that wait for a session", number(database.waiting));
    gauge("password_checks_running", "Password checks under way", number(sign_ins.hashing));
    gauge("password_checks_waiting", "Sign-ins that wait for a password check", number(sign_ins.waiting));
    if let Some(generation) = vitals.generation {
        let generation = i64::try_from(generation).unwrap_or(i64::MAX);
        gauge("rights_generation", "Number of the snapshot of the access rights", generation);
    }
    let mut counts = |name: &str, help: &str, rows: &[(Labels, u64)]| {
        let family = Family::<Labels, Counter>::default();
        for (labels, value) in rows {
            family.get_or_create(labels).inc_by(*value);
        }
        registry.register(name, help, family);
    };
    let outcomes = sign_ins.outcomes.iter();
    let outcomes: Vec<_> =
        outcomes.map(|(way, outcome, count)| (vec![("way", *way), ("outcome", *outcome)], *count)).collect();
    counts("sign_ins", "Sign-ins by way and outcome", &outcomes);
    let (known, made) = vitals.plans;
    let (unchanged, read) = vitals.records;
    let cache = |cache, result, count| (vec![("cache", cache), ("result", result)], count);
    let caches = [
        cache("verified-passwords", "hit", sign_ins.remembered),
        cache("verified-passwords", "miss", sign_ins.checked),
        cache("plans", "hit", known),
        cache("plans", "miss", made),
        cache("records", "hit", unchanged),
        cache("records", "miss", read),
    ];
    counts("cache_lookups", "Look-ups in what is kept in memory", &caches);
    let work: Vec<_> = Vitals::CLASSES.into_iter().zip(&database.work).collect();
    let statements: Vec<_> =
        work.iter().map(|(class, work)| (vec![("class", *class)], work.statements)).collect();
    counts("statements", "Statements sent to PostgreSQL", &statements);
    let mut seconds = |name: &str, help: &str, time: &dyn Fn(usize) -> Duration| {
        let family = Family::<Labels, Counter<f64, AtomicU64>>::default();
        for (at, (class, _)) in work.iter().enumerate() {
            family.get_or_create(&vec![("class", *class)]).inc_by(time(at).as_secs_f64());
        }
        registry.register_with_unit(name, help, Unit::Seconds, family);
    };
    seconds("statement_time", "Time that statements took", &|at| database.work[at].time);
    seconds("session_wait", "Time that sessions were waited for", &|at| database.work[at].waited);
    if !database.replicas.is_empty() {
        replicas(&mut registry, &database.replicas);
    }
    registry
}

/// Replicas of PostgreSQL, by host and port.
fn replicas(registry: &mut Registry, replicas: &[ReplicaVitals]) {
    let label = |replica: &ReplicaVitals| vec![("replica", replica.place.clone())];
    let mut gauge = |name: &str, help: &str, value: &dyn Fn(&ReplicaVitals) -> usize| {
        let family = Family::<Vec<(&'static str, String)>, Gauge>::default();
        for replica in replicas {
            let value = i64::try_from(value(replica)).unwrap_or(i64::MAX);
            family.get_or_create(&label(replica)).set(value);
        }
        registry.register(name, help, family);
    };
    gauge("replica_used", "1 when the replica answers requests", &|replica| usize::from(replica.used));
    gauge("replica_sessions_in_use", "Sessions with the replica that work", &|replica| replica.in_use);
    gauge("replica_sessions_idle", "Sessions with the replica that are open and idle", &|replica| {
        replica.idle
    });
    gauge("replica_sessions_waiting", "Requests that wait for a session with it", &|replica| replica.waiting);
    let lag = Family::<Vec<(&'static str, String)>, Seconds>::default();
    let moved = Family::<Vec<(&'static str, String)>, Counter>::default();
    for replica in replicas {
        if let Some(behind) = replica.behind {
            lag.get_or_create(&label(replica)).set(behind.as_secs_f64());
        }
        moved.get_or_create(&label(replica)).inc_by(replica.moved);
    }
    let help = "How old what the replica has is at most";
    registry.register_with_unit("replica_lag", help, Unit::Seconds, lag);
    registry.register("replica_moved", "Statements that went on elsewhere", moved);
}

/// The audit trail.
fn trail(vitals: &audit::Vitals) -> Registry {
    let mut registry = Registry::with_prefix("gnuhealth_fhir");
    let family = Family::<Labels, Counter>::default();
    for (outcome, count) in [("kept", vitals.kept), ("failed", vitals.failed)] {
        family.get_or_create(&vec![("outcome", outcome)]).inc_by(count);
    }
    registry.register("audit_records", "Records of the audit trail, by what became of them", family);
    let mut gauge = |name: &str, help: &str, value: u64| {
        let gauge: Gauge = Gauge::default();
        gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        registry.register(name, help, gauge);
    };
    gauge("audit_failing", "1 when audit records cannot be kept", u64::from(vitals.failing));
    gauge("audit_sequence", "Number of the last audit record", vitals.sequence);
    let waited = Counter::<f64, AtomicU64>::default();
    waited.inc_by(vitals.waited.as_secs_f64());
    let help = "Time that answers waited for their audit records";
    registry.register_with_unit("audit_wait", help, Unit::Seconds, waited);
    registry
}

/// Traces.
fn sent(counts: &Counts) -> Registry {
    let mut registry = Registry::with_prefix("gnuhealth_fhir");
    let mut family = |name: &str, help: &str, outcomes: &[(&'static str, &AtomicU64)]| {
        let family = Family::<Labels, Counter>::default();
        for (outcome, count) in outcomes {
            family.get_or_create(&vec![("outcome", *outcome)]).inc_by(count.load(Ordering::Relaxed));
        }
        registry.register(name, help, family);
    };
    let spans = [
        ("sent", &counts.sent),
        ("dropped", &counts.dropped),
        ("failed", &counts.failed),
        ("rejected", &counts.rejected),
    ];
    family("spans", "Spans of traces, by what became of them", &spans);
    let messages = [("sent", &counts.messages), ("failed", &counts.failures)];
    family("trace_messages", "Messages with spans to the collector, by what became of them", &messages);
    registry
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::{Counts, Metrics, Ordering};
    use crate::{
        audit,
        interaction::{ReplicaVitals, Vitals},
    };

    #[test]
    fn requests_are_counted_by_template_method_and_class_of_status() {
        let metrics = Metrics::default();
        for status in [200, 304, 404, 503, 499] {
            metrics.begun();
            let code = (status == 404).then_some("resource-unknown");
            metrics.ended(("/[type]/[id]", "GET"), status, code, Duration::from_millis(3));
        }
        metrics.begun();
        let mut vitals = Vitals::default();
        vitals.database.work[0].statements = 7;
        vitals.database.work[0].time = Duration::from_millis(1500);
        vitals.sign_ins.outcomes = vec![("password", "wrong", 2)];
        let behind = Some(Duration::from_millis(250));
        let replica = ReplicaVitals { place: "two:5432".to_owned(), behind, idle: 4, ..Default::default() };
        vitals.database.replicas = vec![replica];
        let traces = Counts::default();
        traces.dropped.store(4, Ordering::Relaxed);
        let audit = audit::Vitals { kept: 3, ..Default::default() };
        let ends = UNIX_EPOCH + Duration::from_secs(1_893_456_000);
        let text = metrics.text(&vitals, (Some(audit), Some(&traces)), true, Some(ends));
        for status in ["2xx", "3xx", "4xx", "5xx", "gone"] {
            let labels = format!("{{route=\"/[type]/[id]\",method=\"GET\",status=\"{status}\"}}");
            let line = format!("gnuhealth_fhir_request_duration_seconds_count{labels} 1\n");
            assert!(text.contains(&line), "{line}{text}");
        }
        for line in [
            "# TYPE gnuhealth_fhir_request_duration_seconds histogram\n",
            "_bucket{le=\"0.0025\",route=\"/[type]/[id]\",method=\"GET\",status=\"2xx\"} 0\n",
            "_bucket{le=\"0.005\",route=\"/[type]/[id]\",method=\"GET\",status=\"2xx\"} 1\n",
            "gnuhealth_fhir_requests_running 1\n",
            "gnuhealth_fhir_refusals_total{code=\"resource-unknown\"} 1\n",
            "gnuhealth_fhir_sign_ins_total{way=\"password\",outcome=\"wrong\"} 2\n",
            "gnuhealth_fhir_statements_total{class=\"request\"} 7\n",
            "gnuhealth_fhir_statement_time_seconds_total{class=\"request\"} 1.5\n",
            "gnuhealth_fhir_ready 1\n",
            "gnuhealth_fhir_replica_used{replica=\"two:5432\"} 0\n",
            "gnuhealth_fhir_replica_lag_seconds{replica=\"two:5432\"} 0.25\n",
            "gnuhealth_fhir_replica_sessions_idle{replica=\"two:5432\"} 4\n",
            "gnuhealth_fhir_audit_records_total{outcome=\"kept\"} 3\n",
            "gnuhealth_fhir_spans_total{outcome=\"dropped\"} 4\n",
            "gnuhealth_fhir_trace_messages_total{outcome=\"failed\"} 0\n",
            "gnuhealth_fhir_certificate_end_seconds 1893456000.0\n",
            concat!("gnuhealth_fhir_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1\n"),
        ] {
            assert!(text.contains(line), "{line}{text}");
        }
        assert!(text.ends_with("# EOF\n") && text.matches("# EOF").count() == 1);
        // Each metric is described once, though they come from two places.
        let mut described: Vec<_> = text.lines().filter(|line| line.starts_with("# TYPE")).collect();
        let all = described.len();
        described.sort_unstable();
        described.dedup();
        assert_eq!(described.len(), all);
    }
}
