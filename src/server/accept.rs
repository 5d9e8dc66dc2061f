//! Connections: accepting, limits, and the orderly end.

use std::{net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use hyper::{Request, Version, body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
};

use super::{
    Limits, Serving,
    activity::{Activity, Heard},
    handle,
    linger::Lingering,
};

/// Bytes of the request line and the headers that are read at all; `handle` draws the finer lines.
const HEAD: usize = 64 << 10;

/// Serves until `stop` completes, then lets running requests end.
pub async fn serve(listener: TcpListener, serving: Arc<Serving>, stop: impl Future<Output = ()>) {
    let limits = serving.current().options.limits.clone();
    let builder = Arc::new(builder(&limits));
    let places = Arc::new(Semaphore::new(limits.connections as usize));
    let (stopping, stopped) = watch::channel(());
    let mut stop = pin!(async {
        stop.await;
        serving.drain();
        tokio::time::sleep(serving.current().options.limits.drain_delay).await;
    });
    loop {
        let accepted = async {
            let place = Arc::clone(&places).acquire_owned().await.expect("the semaphore is never closed");
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            () = &mut stop => break,
            accepted = accepted => accepted,
        };
        match accepted {
            Ok((stream, from)) => {
                tokio::spawn(connection(
                    Arc::clone(&builder),
                    Arc::clone(&serving),
                    stream,
                    from,
                    stopped.clone(),
                    place,
                ));
            }
            Err(error) => {
                // Mostly too many open files: closing connections help, a busy loop does not.
                tracing::warn!(%error, "a connection cannot be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    drop(listener);
    let _ = stopping.send(());
    let drain = serving.current().options.limits.drain;
    if tokio::time::timeout(drain, places.acquire_many(limits.connections)).await.is_err() {
        tracing::warn!("some requests did not end in time and are cut off");
    }
}

fn builder(limits: &Limits) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    // Not pipeline_flush: with it hyper 1.12 loses the last answer when further bytes follow the request.
    builder
        .http1()
        .timer(TokioTimer::new())
        // It begins with the answer before, not with the first byte: so it is that of an idle connection. The time for headers
        // themselves is watched beside it.
        .header_read_timeout(limits.idle.max(limits.headers))
        .max_buf_size(HEAD)
        .half_close(false);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(HEAD as u32)
        .max_concurrent_streams(64)
        .keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(15));
    builder
}

async fn connection(
    builder: Arc<Builder<TokioExecutor>>,
    serving: Arc<Serving>,
    stream: TcpStream,
    from: SocketAddr,
    stopped: watch::Receiver<()>,
    place: OwnedSemaphorePermit,
) {
    let shared = serving.current();
    let _open = Open::of(&serving);
    if !shared.options.admits(from.ip()) {
        tracing::warn!("a connection that comes from no trusted proxy is closed");
        return;
    }
    let Ok(local) = stream.local_addr() else { return };
    let _ = stream.set_nodelay(true);
    let stream = Lingering::new(stream, place);
    match &shared.options.tls {
        None => requests(&builder, &serving, stream, (from, local), stopped).await,
        Some(tls) => {
            let handshake = tls.acceptor().accept(stream);
            match tokio::time::timeout(shared.options.limits.headers, handshake).await {
                Ok(Ok(stream)) => requests(&builder, &serving, stream, (from, local), stopped).await,
                // Scanners, clients without a certificate, clients that speak no TLS.
                Ok(Err(error)) => tracing::debug!(%error, "a connection ended before TLS was agreed on"),
                Err(_) => tracing::debug!("a connection took too long to agree on TLS"),
            }
        }
    }
}

/// Counts a connection while it is open.
struct Open<'a>(&'a Serving);

impl<'a> Open<'a> {
    fn of(serving: &'a Serving) -> Self {
        serving.metrics.connections.inc();
        Self(serving)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.metrics.connections.dec();
    }
}

async fn requests(
    builder: &Builder<TokioExecutor>,
    serving: &Arc<Serving>,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    (from, local): (SocketAddr, SocketAddr),
    mut stopped: watch::Receiver<()>,
) {
    let limits = serving.current().options.limits.clone();
    let activity = Arc::new(Activity::default());
    let service = service_fn(|request: Request<Incoming>| {
        let (serving, activity) = (Arc::clone(serving), Arc::clone(&activity));
        let guard = activity.begin();
        if request.version() == Version::HTTP_2 {
            activity.multiplexed();
        }
        async move {
            let response = handle::handle(serving, request, from, local).await;
            drop(guard);
            Ok::<_, std::convert::Infallible>(response.map(|body| body.keeping(&activity)))
        }
    });
    let stream = TokioIo::new(Heard(stream, Arc::clone(&activity)));
    let mut connection = pin!(builder.serve_connection(stream, service));
    // hyper's own limit on headers starts only when it knows the version of HTTP; this one also covers a client that
    // never sends the first byte, and idle HTTP/2 connections.
    let mut watchdog = tokio::time::interval(limits.headers.min(limits.idle) / 4);
    let mut ending = false;
    loop {
        tokio::select! {
            ended = &mut connection => {
                // What went wrong on the wire is the client's affair; its text can hold what was sent.
                if ended.is_err() {
                    tracing::debug!("a connection broke");
                }
                break;
            }
            _ = stopped.changed(), if !ending => {
                ending = true;
                connection.as_mut().graceful_shutdown();
            }
            _ = watchdog.tick() => match activity.idle() {
                Some(idle) if !activity.ever() && idle > limits.headers => break,
                Some(_) if activity.coming().is_some_and(|time| time > limits.headers) => break,
                // The answer is finished, but the client does not read it.
                Some(idle) if idle > 4 * limits.idle => break,
                Some(idle) if idle > limits.idle && !ending => {
                    ending = true;
                    connection.as_mut().graceful_shutdown();
                }
                _ => {}
            },
        }
    }
}
