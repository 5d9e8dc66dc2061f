//! Spans as messages of OTLP.

use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value},
    resource::v1::Resource,
    trace::v1::{ResourceSpans, ScopeSpans, Span, SpanFlags, Status, span::SpanKind, status::StatusCode},
};

use crate::spans::{self, Context, Finished, Kind, Value};

const NAME: &str = env!("CARGO_PKG_NAME");
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The trace is collected (<https://www.w3.org/TR/trace-context/#sampled-flag>).
const SAMPLED: u32 = 1;

/// One message with the spans of these requests.
pub(super) fn message(requests: &[Finished]) -> ExportTraceServiceRequest {
    let spans =
        requests.iter().flat_map(|request| request.spans.iter().map(|each| span(&request.context, each)));
    let text = |text: &str| any_value::Value::StringValue(text.to_owned());
    let scope =
        InstrumentationScope { name: NAME.to_owned(), version: VERSION.to_owned(), ..Default::default() };
    let attributes = vec![attribute("service.name", text(NAME)), attribute("service.version", text(VERSION))];
    let scope_spans = ScopeSpans { scope: Some(scope), spans: spans.collect(), schema_url: String::new() };
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(Resource { attributes, ..Resource::default() }),
            scope_spans: vec![scope_spans],
            schema_url: String::new(),
        }],
    }
}

fn span(context: &Context, span: &spans::Span) -> Span {
    let kind = match span.kind() {
        Kind::Server => SpanKind::Server,
        Kind::Client => SpanKind::Client,
        Kind::Internal => SpanKind::Internal,
    };
    let remote = span.kind() == Kind::Server && span.parent().is_some();
    let remote = if remote { SpanFlags::ContextIsRemoteMask as u32 } else { 0 };
    let status = |code| Status { code: code as i32, message: String::new() };
    let (start_time_unix_nano, end_time_unix_nano) = span.times();
    Span {
        trace_id: context.trace().to_vec(),
        span_id: span.id().to_be_bytes().to_vec(),
        parent_span_id: span.parent().map(|parent| parent.to_be_bytes().to_vec()).unwrap_or_default(),
        flags: SAMPLED | SpanFlags::ContextHasIsRemoteMask as u32 | remote,
        name: span.name().to_owned(),
        kind: kind as i32,
        start_time_unix_nano,
        end_time_unix_nano,
        attributes: span.attributes().iter().map(|(name, value)| attribute(name, sent(*value))).collect(),
        status: span.is_error().then(|| status(StatusCode::Error)),
        ..Span::default()
    }
}

fn sent(value: Value) -> any_value::Value {
    match value {
        Value::Word(word) => any_value::Value::StringValue(word.to_owned()),
        Value::Number(number) => any_value::Value::IntValue(number),
        Value::Id(number) => any_value::Value::StringValue(number.to_string()),
    }
}

fn attribute(name: &str, value: any_value::Value) -> KeyValue {
    KeyValue { key: name.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}
