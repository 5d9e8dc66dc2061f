//! `serve`.

use std::{net::SocketAddr, sync::Arc};

use tokio::{
    net::TcpListener,
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
    let served = Served::open(&config, None).await?;
    for line in &served.report {
        tracing::info!("{line}");
    }
    if loaded.origins.contains(&("site", Origin::Default)) {
        tracing::warn!(
            "site is not set: set it to an address that your hospital owns before clients store identifiers"
        );
    }
    let listener = match sockets.listen {
        Some(socket) => TcpListener::from_std(socket)?,
        None => bind("listen", config.listen).await?,
    };
    let admin = match (sockets.admin, config.admin_listen) {
        (Some(socket), _) => Some(TcpListener::from_std(socket)?),
        (None, Some(address)) => Some(bind("admin-listen", address).await?),
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
    server::serve(listener, serving, stop).await;
    tracing::info!("stopped");
    Ok(())
}

/// Opens a port; `flag` is where its address is set.
pub async fn bind(flag: &str, address: SocketAddr) -> Result<TcpListener, Problem> {
    TcpListener::bind(address).await.map_err(|error| {
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
