//! The address for operators: whether the process lives, whether it can answer, and metrics. Nobody signs in here, and
//! nothing of a person is told.

use std::{convert::Infallible, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode,
    body::Incoming,
    header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};

use super::{Serving, metrics};

/// Connections at the same time: a scraper, a balancer, and somebody who looks.
const CONNECTIONS: usize = 32;

/// How long a connection may take for TLS or headers, or be idle; scrapers come back at least every minute or connect anew.
const PATIENCE: Duration = Duration::from_secs(75);

const TEXT: &str = "text/plain; charset=utf-8";

/// Answers operators until it is dropped. On the loopback address without TLS, on others with that of the server.
pub async fn administer(listener: TcpListener, serving: Arc<Serving>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let plain = listener.local_addr().is_ok_and(|address| address.ip().is_loopback());
    loop {
        let place = Arc::clone(&places).acquire_owned().await.expect("the semaphore is never closed");
        match listener.accept().await {
            Ok((stream, _)) => {
                let serving = Arc::clone(&serving);
                tokio::spawn(async move {
                    connection(serving, stream, plain).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection of an operator cannot be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn connection(serving: Arc<Serving>, stream: TcpStream, plain: bool) {
    let tls = serving.current().options.tls.clone().filter(|_| !plain);
    match tls {
        None if plain => requests(serving, stream).await,
        // A reload has taken the certificate away: better no answer than one in the clear.
        None => {}
        Some(tls) => {
            if let Ok(Ok(stream)) = tokio::time::timeout(PATIENCE, tls.acceptor().accept(stream)).await {
                requests(serving, stream).await;
            }
        }
    }
}

async fn requests(serving: Arc<Serving>, stream: impl AsyncRead + AsyncWrite + Unpin) {
    let service = service_fn(|request| {
        let answer = answer(&serving, &request);
        async move { Ok::<_, Infallible>(answer) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .half_close(false)
        .serve_connection(TokioIo::new(stream), service);
    let _ = connection.await;
}

fn answer(serving: &Serving, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "GET and HEAD are answered here.\n");
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    match request.uri().path() {
        "/livez" => text(StatusCode::OK, "ok\n"),
        "/readyz" => match readiness(serving) {
            Ok(()) => text(StatusCode::OK, "ok\n"),
            Err(why) => text(StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")),
        },
        "/metrics" => {
            let shared = serving.current();
            let audit = shared.options.audit.as_ref().map(|trail| trail.vitals());
            let ends = shared.options.tls.as_ref().and_then(|tls| tls.ends());
            let ready = readiness(serving).is_ok();
            let traces = shared.options.traces.as_ref().map(|traces| traces.counts());
            let body = serving.metrics.text(&shared.gateway.vitals(), (audit, traces), ready, ends);
            let mut response = text(StatusCode::OK, body);
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(metrics::MEDIA));
            response
        }
        _ => text(StatusCode::NOT_FOUND, "/livez, /readyz and /metrics are answered here.\n"),
    }
}

/// Whether requests should be sent here; else why not.
fn readiness(serving: &Serving) -> Result<(), String> {
    if serving.is_draining() {
        return Err("stopping: running requests end, new ones belong elsewhere".to_owned());
    }
    let shared = serving.current();
    shared.gateway.ready().and_then(|()| shared.recordable()).map_err(|error| match error.logged_cause() {
        Some(cause) => format!("{} ({cause})", error.text()),
        None => error.text(),
    })
}

fn text(status: StatusCode, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(TEXT));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
