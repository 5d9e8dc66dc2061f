//! The one line of the log for each request: never a value, an id or a name of a record.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use hyper::{Method, StatusCode};

use super::{
    metrics::Metrics,
    traces::{Outcome, Traced},
};
use crate::interaction::Trace;

/// Names of parameters in one line at most.
const NAMES: usize = 20;

/// Collects what the line says; writes it when dropped, so also when the client went away or the handler panicked.
pub(super) struct Record {
    started: Instant,
    metrics: Arc<Metrics>,
    id: String,
    method: &'static str,
    route: &'static str,
    kind: Option<&'static str>,
    names: String,
    trace: Trace,
    traced: Option<Traced>,
    code: Option<&'static str>,
    outcome: Option<(StatusCode, u64)>,
}

impl Record {
    pub(super) fn new(
        id: &str,
        method: &Method,
        (trace, traced): (Trace, Option<Traced>),
        metrics: &Arc<Metrics>,
    ) -> Self {
        metrics.begun();
        // A method is a free token: only the usual ones are repeated.
        let method = match method.as_str() {
            "GET" => "GET",
            "HEAD" => "HEAD",
            "POST" => "POST",
            "PUT" => "PUT",
            "PATCH" => "PATCH",
            "DELETE" => "DELETE",
            "OPTIONS" => "OPTIONS",
            _ => "other",
        };
        Self {
            started: Instant::now(),
            metrics: Arc::clone(metrics),
            id: id.to_owned(),
            method,
            route: "unknown",
            kind: None,
            names: String::new(),
            trace,
            traced,
            code: None,
            outcome: None,
        }
    }

    pub(super) fn route(&mut self, template: &'static str, kind: Option<&'static str>) {
        self.route = template;
        self.kind = kind;
    }

    /// Notes the names of parameters; what is no parameter becomes `?`.
    pub(super) fn names(&mut self, pairs: &[(String, String)], known: impl Fn(&str) -> bool) {
        for (name, _) in pairs.iter().take(NAMES) {
            let name = name.split([':', '.']).next().unwrap_or_default();
            self.names.push_str(if self.names.is_empty() { "" } else { "," });
            self.names.push_str(if known(name) { name } else { "?" });
        }
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn trace(&self) -> Trace {
        self.trace.clone()
    }

    /// The address under which the client reaches this server.
    pub(super) fn base(&mut self, base: &str) {
        if let Some(traced) = &mut self.traced {
            traced.at(base);
        }
    }

    pub(super) fn code(&mut self, code: &'static str) {
        self.code = Some(code);
    }

    pub(super) fn answered(&mut self, status: StatusCode, bytes: u64) {
        self.outcome = Some((status, bytes));
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        // 499 as in the logs of nginx: nobody waited for the answer.
        let (status, bytes) = self.outcome.map_or((499, 0), |(status, bytes)| (status.as_u16(), bytes));
        let time = self.started.elapsed();
        self.metrics.ended((self.route, self.method), status, self.code, time);
        if let Some(traced) = &mut self.traced {
            let (method, route, kind) = (self.method, self.route, self.kind);
            let (status, code) = (self.outcome.map(|(status, _)| status), self.code);
            traced.end(&Outcome { method, route, kind, status, code, trace: &self.trace });
        }
        let spent = self.trace.spent().sum();
        let milliseconds = |time: Duration| time.as_micros() as f64 / 1000.0;
        tracing::info!(
            target: "gnuhealth_fhir::request",
            request = self.id,
            trace = self.traced.as_ref().and_then(|traced| traced.id.as_deref()),
            method = self.method,
            route = self.route,
            resource = self.kind,
            parameters = (!self.names.is_empty()).then_some(self.names.as_str()),
            status,
            code = self.code,
            user = self.trace.user(),
            milliseconds = milliseconds(time),
            queue = milliseconds(spent.waited),
            database = milliseconds(spent.time),
            statements = spent.statements,
            bytes,
        );
    }
}
