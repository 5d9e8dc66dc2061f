//! `serve`.

use std::{net::SocketAddr, sync::Arc};

use tokio::{
    net::{TcpListener, TcpSocket},
    signal::unix::{SignalKind, signal},
};

use super::{
    Failure, log,
    notify::{self, Sockets},
    served::Served,
    settings::Settings,
};
use crate::{
    config::{Config, Loaded, Origin, Problem},
    server::{self, Serving},
    store,
    tls::{self, Listening},
};

/// Connections that the operating system keeps until they are taken, if it lets a program have so many. When there are more, as
/// after a restart under load, clients wait for a second and then for longer ones; 128, which is usual, are soon reached.
const WAITING: u32 = 4096;

/// Arguments of `serve`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    settings: Settings,
}

/// Serves until a signal to stop.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let loaded = arguments.settings.load()?;
    log::start(&loaded.config);
    for note in &loaded.notes {
        tracing::warn!("{note}");
    }
    // Before there are threads: it takes them out of the environment.
    let sockets = Sockets::inherit()?;
    runtime()?.block_on(start(arguments.settings.clone(), loaded, sockets))
}

/// Connections of clients at the same time at most: what the limit on open files leaves beside sessions with the database, files and
/// connections that are just being closed. Most shells and systems set that limit to 1024, but let a process raise it.
pub fn places(config: &Config) -> u32 {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        let raised = rustix::process::Rlimit { current: limit.maximum, ..limit };
        if setrlimit(Resource::Nofile, raised).is_ok() {
            limit = raised;
        }
    }
    let files = limit.current.and_then(|files| u32::try_from(files).ok()).unwrap_or(u32::MAX);
    // At each server; a replica has a comma before it.
    let servers = config.replica_url.as_ref().map_or(1, |url| 2 + url.expose().matches(',').count());
    let sessions = config.connections.get().saturating_mul(servers);
    let other = u32::try_from(sessions).unwrap_or(u32::MAX).saturating_add(128);
    files.saturating_sub(other).clamp(32, 16_384)
}

/// The runtime of every command that opens a database.
pub fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}

/// How the store reaches the database of this configuration.
pub fn database(config: &Config) -> Result<store::Options, Problem> {
    let database = config.database()?;
    Ok(store::Options {
        url: database.url.expose().to_owned(),
        database: database.name,
        connections: config.connections.get(),
        statement_timeout: config.statement_timeout,
        wait: config.queue_timeout,
        pooler: config.pooler,
        replicas: config
            .replica_url
            .as_ref()
            .map(|url| store::ReplicaOptions { url: url.expose().to_owned(), lag: config.replica_lag }),
    })
}

/// TLS towards clients, if it is configured.
pub fn tls(config: &Config) -> Result<Option<Arc<Listening>>, Problem> {
    if let Some(problem) = config.exposed().or_else(|| config.admin_exposed()) {
        return Err(problem);
    }
    let Some((certificate, key)) = config.certificate() else { return Ok(None) };
    let files = tls::Files { certificate, key, client_ca: config.tls_client_ca.clone() };
    let listening = Listening::open(files).map_err(|problem| Problem::new(problem.to_string()))?;
    Ok(Some(Arc::new(listening)))
}

async fn start(settings: Settings, loaded: Loaded, sockets: Sockets) -> Result<(), Failure> {
    let hangup = signal(SignalKind::hangup())?;
    let mut config = loaded.config.clone();
    if let Some(socket) = &sockets.listen {
        config.listen = socket.local_addr()?;
    }
    if let Some(socket) = &sockets.admin {
        config.admin_listen = Some(socket.local_addr()?);
    }
    let mut served = Served::open(&config, None).await?;
    served.options.audit = super::audit::trail(&config)?;
    for line in &served.report {
        tracing::info!("{line}");
    }
    if loaded.origins.contains(&("site", Origin::Default)) {
        tracing::warn!(
            "site is not set: set it to an address that your hospital owns before clients store identifiers"
        );
    }
    if served.options.audit.is_none() {
        tracing::warn!("audit is not set: nothing records who reads data of which patients");
    }
    let listener = match sockets.listen {
        Some(socket) => TcpListener::from_std(socket)?,
        None => bind("listen", config.listen)?,
    };
    let admin = match (sockets.admin, config.admin_listen) {
        (Some(socket), _) => Some(TcpListener::from_std(socket)?),
        (None, Some(address)) => Some(bind("admin-listen", address)?),
        (None, None) => None,
    };
    let address = listener.local_addr()?;
    let base = match &config.base_url {
        Some(base) => base.as_str().to_owned(),
        None => {
            let scheme = if served.options.tls.is_some() { "https" } else { "http" };
            format!("{scheme}://{address}{}", config.base_path.as_str())
        }
    };
    let serving = Serving::new(served.options.clone(), Arc::clone(&served.gateway) as _);
    if let Some(admin) = admin {
        tracing::info!("operators are answered on {}", admin.local_addr()?);
        // It ends with the process: while requests drain it still answers.
        tokio::spawn(server::administer(admin, Arc::clone(&serving)));
    }
    let stop = stop()?;
    let audit = served.options.audit.clone();
    tracing::info!("listening on {address}; try {base}/metadata");
    // Nobody waits for it, and nothing depends on it.
    let site = served.site.clone();
    tokio::spawn(async move {
        if let Ok(Some(warning)) = site.warning().await {
            tracing::warn!("{warning}");
        }
    });
    tokio::spawn(served.follow(settings, loaded.config, Arc::clone(&serving), hangup));
    tokio::spawn(notify::watchdog());
    notify::ready("serving");
    let stop = async {
        stop.await;
        notify::stopping();
    };
    server::serve(listener, Arc::clone(&serving), stop).await;
    serving.end_traces().await;
    if let Some(audit) = audit {
        audit.end().await;
    }
    tracing::info!("stopped");
    Ok(())
}

/// Opens a port; `flag` is where its address is set.
pub fn bind(flag: &str, address: SocketAddr) -> Result<TcpListener, Problem> {
    let listener = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        // A start right after the end of the one before.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(WAITING)
    };
    listener().map_err(|error| {
        let hint = match error.kind() {
            std::io::ErrorKind::AddrInUse => "another program listens there; stop it or choose another port",
            std::io::ErrorKind::PermissionDenied => "ports below 1024 need a privilege; choose a higher one",
            std::io::ErrorKind::AddrNotAvailable => {
                "this machine does not have that address; 0.0.0.0 stands for all it has"
            }
            _ => "choose another address",
        };
        Problem::new(format!("cannot listen on {address} ({error}): {hint}; see --{flag}"))
    })
}

/// Completes at the first SIGTERM or Ctrl-C; a second one ends the process at once.
pub fn stop() -> std::io::Result<impl Future<Output = ()>> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping; running requests may end");
        tokio::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            std::process::exit(1);
        });
    })
}
