//! `demo`.

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use clap::ValueEnum;
use tokio::net::TcpListener;

use super::{Failure, log, open::Opened, serve};
use crate::{
    config::{self, Config, Given, Origin},
    demo::{
        postgres::{Choice, Server},
        snapshot,
    },
    server, store,
};

/// The demo hospital; `tests/gnuhealth/build --snapshot` writes it from a real GNU Health 5.0 database.
const HOSPITAL: &[u8] = include_bytes!("../demo/hospital-5.0.sql.zst");

/// Users of the demo hospital.
const USERS: [(&str, &str, &str); 6] = [
    ("doctor", "doctor-demo", "a doctor: sees patients and their records"),
    ("nurse", "nurse-demo", "a nurse"),
    ("frontdesk", "frontdesk-demo", "the front desk: patients, hardly any medical data"),
    ("lab", "lab-demo", "the laboratory"),
    ("nogroup", "nogroup-demo", "no group: only what GNU Health leaves open to everybody"),
    ("inactive", "inactive-demo", "an inactive user: cannot sign in"),
];

/// Arguments of `demo`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Keep the data of the demo in this folder instead of a temporary one.
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
    /// Address and port to listen on.
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
    pub listen: SocketAddr,
    /// Where PostgreSQL comes from.
    #[arg(long, value_enum, default_value_t = Postgres::Auto)]
    pub postgres: Postgres,
}

/// Where the PostgreSQL of the demo comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Postgres {
    /// Programs of this machine if there are any, else the embedded ones.
    Auto,
    /// Programs of this machine.
    Local,
    /// Programs that come with the demo.
    Embedded,
}

/// Runs the demo.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let config = config(arguments)?;
    log::start(&config);
    serve::runtime()?.block_on(start(arguments, &config))
}

/// Settings of the demo: the defaults, only errors in the log.
fn config(arguments: &Arguments) -> Result<Config, Failure> {
    let given = [("listen", arguments.listen.to_string()), ("log_level", "error".to_owned())]
        .map(|(name, text)| Given { name, text, origin: Origin::Flag });
    let loaded = config::load(&given, None).map_err(|problems| Failure::from_problems(&problems))?;
    Ok(loaded.config)
}

async fn start(arguments: &Arguments, config: &Config) -> Result<(), Failure> {
    // The port first: nobody wants to wait for a database only to hear that it is taken.
    let listener = serve::bind("listen", config.listen)?;
    let stop = serve::stop()?;
    let mut stop = std::pin::pin!(stop);
    println!("Starting a private PostgreSQL …");
    let server = tokio::select! {
        server = Server::start(arguments.postgres.into(), arguments.keep.as_deref()) => server?,
        () = &mut stop => return Ok(()),
    };
    println!("{} is ready; loading the demo hospital …", server.describe());
    let served = tokio::select! {
        served = serve_hospital(&server, listener, config) => served,
        () = &mut stop => Ok(()),
    };
    server.stop().await;
    served
}

async fn serve_hospital(server: &Server, listener: TcpListener, config: &Config) -> Result<(), Failure> {
    snapshot::load(server.url(), HOSPITAL).await?;
    let options = store::Options {
        url: server.url().to_owned(),
        database: None,
        connections: config.connections.get(),
        statement_timeout: config.statement_timeout,
        wait: config.queue_timeout,
        pooler: false,
        replicas: None,
    };
    let opened = Opened::open(config, &options).await?;
    opened.refuse()?;
    let gateway = Arc::new(opened.gateway(config).await?);
    let address = listener.local_addr()?;
    let origin = format!("http://{address}");
    welcome(&origin, &format!("{origin}{}", config.base_path.as_str()));
    let serving = server::Serving::new(server::Options::from(config), gateway);
    server::serve(listener, serving, std::future::pending()).await;
    Ok(())
}

/// Address, users, and three lines to paste.
fn welcome(origin: &str, base: &str) {
    println!("\nServing an invented hospital at {base}\nLook at it with a browser: {origin}/\n");
    println!("Sign in as (login / password):");
    for (login, password, who) in USERS {
        println!("  {login:12} {password:18} {who}");
    }
    println!("\nTry:");
    println!("  curl {base}/metadata");
    println!("  curl -u doctor:doctor-demo {base}/Patient/1");
    println!(
        "  curl -u doctor:doctor-demo '{base}/Observation?subject:Patient.name=ana&code=8867-4&_sort=-date'"
    );
    println!("\nCtrl-C stops the demo.");
}

impl From<Postgres> for Choice {
    fn from(postgres: Postgres) -> Self {
        match postgres {
            Postgres::Auto => Self::Auto,
            Postgres::Local => Self::Local,
            Postgres::Embedded => Self::Embedded,
        }
    }
}
