//! `serve`.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

use super::{Failure, indexes::Site, log, open::Opened, settings::Settings};
use crate::{
    config::{Config, Loaded, Origin, Problem},
    server, store,
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
    runtime()?.block_on(start(&loaded))
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

/// How often the files of TLS are looked at.
const CERTIFICATES: Duration = Duration::from_secs(10);

/// Reads certificate and key again when they change or an operator asks for it with SIGHUP.
fn watch(tls: &Arc<Listening>) -> std::io::Result<()> {
    let mut hangup = signal(SignalKind::hangup())?;
    let tls = Arc::clone(tls);
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = hangup.recv() => {}
                () = tokio::time::sleep(CERTIFICATES) => {}
            }
            tls.look();
        }
    });
    Ok(())
}

async fn start(loaded: &Loaded) -> Result<(), Failure> {
    let config = &loaded.config;
    let tls = tls(config)?;
    let opened = Opened::open(config, &database(config)?).await?;
    for line in opened.report() {
        tracing::info!("{line}");
    }
    opened.refuse()?;
    if loaded.origins.contains(&("site", Origin::Default)) {
        tracing::warn!(
            "site is not set: set it to an address that your hospital owns before clients store identifiers"
        );
    }
    let options = server::Options {
        tls: tls.clone(),
        passwords: opened.session.authentications.password(),
        ..server::Options::from(config)
    };
    let site = Site::of(&opened);
    let gateway = Arc::new(opened.gateway(config).await?);
    let listener = bind("listen", config.listen).await?;
    let admin = match config.admin_listen {
        Some(address) => Some(bind("admin-listen", address).await?),
        None => None,
    };
    let address = listener.local_addr()?;
    let base = match &config.base_url {
        Some(base) => base.as_str().to_owned(),
        None => {
            let scheme = if tls.is_some() { "https" } else { "http" };
            format!("{scheme}://{address}{}", config.base_path.as_str())
        }
    };
    if let Some(tls) = &tls {
        watch(tls)?;
    }
    let serving = server::Serving::new(options, gateway);
    if let Some(admin) = admin {
        tracing::info!("operators are answered on {}", admin.local_addr()?);
        // It ends with the process: while requests drain it still answers.
        tokio::spawn(server::administer(admin, Arc::clone(&serving)));
    }
    tracing::info!("listening on {address}; try {base}/metadata");
    // Nobody waits for it, and nothing depends on it.
    tokio::spawn(async move {
        if let Ok(Some(warning)) = site.warning().await {
            tracing::warn!("{warning}");
        }
    });
    server::serve(listener, serving, stop()?).await;
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
