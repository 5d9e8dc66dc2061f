//! A gateway over a database, in this process, on a free port.

use std::{net::SocketAddr, path::Path, sync::Arc};

use gnuhealth_fhir::{
    cli::open::Opened,
    config,
    server::{self, Traces},
    store::{self, Store},
    tryton::Catalog,
};
use tokio::net::TcpListener;

use super::{Client, password, wait};

/// A running gateway; it runs until the process ends.
#[derive(Debug)]
pub struct Gateway {
    pub address: SocketAddr,
    pub store: Arc<Store>,
    pub catalog: Arc<Catalog>,
}

impl Gateway {
    /// With these lines of config.toml.
    pub fn open(url: &str, settings: &str) -> Self {
        Self::with_connections(url, settings, 6)
    }

    /// With so many sessions of the database.
    pub fn with_connections(url: &str, settings: &str, connections: usize) -> Self {
        let loaded = config::load(&[], Some((Path::new("config.toml"), settings))).expect("settings");
        wait(async {
            let config = loaded.config;
            let options = store::Options {
                url: url.to_owned(),
                database: None,
                connections,
                statement_timeout: config.statement_timeout,
                pooler: config.pooler,
                replicas: None,
                wait: config.queue_timeout,
            };
            let opened = Opened::open(&config, &options).await.expect("the database opens");
            opened.refuse().expect("the database can be served");
            let (store, catalog) = (Arc::clone(&opened.store), Arc::clone(&opened.catalog));
            let passwords = opened.session.authentications.password();
            let gateway = Arc::new(opened.gateway(&config).await.expect("a gateway"));
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            let address = listener.local_addr().expect("it is bound");
            let options = server::Options {
                passwords,
                traces: Traces::open(&config, None),
                ..server::Options::from(&config)
            };
            tokio::spawn(server::serve(
                listener,
                server::Serving::new(options, gateway),
                std::future::pending(),
            ));
            Self { address, store, catalog }
        })
    }

    /// A client without a credential.
    pub fn anybody(&self) -> Client {
        Client::anonymous(self.address)
    }

    /// A client that is signed in as a user of the hospital.
    pub fn user(&self, login: &str) -> Client {
        Client::basic(self.address, login, &password(login))
    }
}
