//! The statements of a request: what a gateway in this process sends for it.

use std::{
    net::SocketAddr,
    sync::{Arc, mpsc::Receiver},
    time::{Duration, Instant},
};

use gnuhealth_fhir::{
    cli::open::Opened,
    config::{self, Config, Given, Origin},
    interaction::{Credential, Fhir, Format, Gateway, Interaction, Request, Session, Trace},
    server,
    sql::Statement,
    store,
};
use tokio::net::TcpListener;

use crate::{
    Failure,
    client::{Client, Target},
};

/// A gateway whose statements are heard.
pub struct Recorder {
    gateway: Arc<Fhir>,
    statements: Receiver<Statement>,
    client: Client,
    target: Target,
    /// Settings of a session with the database.
    pub session: String,
    /// Sessions with the database at most.
    pub connections: usize,
    /// Resources on a page at most.
    pub most: u32,
}

impl Recorder {
    /// Opens the database as `serve` does.
    pub async fn open(database: &str, key: &str, user: (String, String)) -> Result<Self, Failure> {
        let given = [
            ("database_url", database),
            ("page_link_key", key),
            ("site", "http://hospital.example"),
            // Each statement is to be heard.
            ("keep_records", "false"),
        ]
        .map(|(name, text)| Given { name, text: text.to_owned(), origin: Origin::Flag });
        let config: Config = config::load(&given, None).map_err(|_| "the settings cannot be read")?.config;
        let options = store::Options {
            url: database.to_owned(),
            database: None,
            connections: config.connections.get(),
            statement_timeout: config.statement_timeout,
            pooler: config.pooler,
            replicas: None,
            wait: config.queue_timeout,
        };
        let opened = Opened::open(&config, &options).await.map_err(|error| format!("{error:?}"))?;
        opened.refuse().map_err(|error| format!("{error:?}"))?;
        let store = Arc::clone(&opened.store);
        let gateway = Arc::new(opened.gateway(&config).await.map_err(|error| format!("{error:?}"))?);
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let place: SocketAddr = listener.local_addr()?;
        let own: Arc<Fhir> = Arc::clone(&gateway);
        let serving = server::Serving::new(server::Options::from(&config), own);
        tokio::spawn(server::serve(listener, serving, std::future::pending()));
        let target = Target { place, base: config.base_path.as_str().to_owned(), user };
        let mut client = Client::connect(place).await?;
        client.send(&target.request("Patient?_count=1")).await?;
        Ok(Self {
            gateway,
            statements: store.record(),
            client,
            target,
            session: options.session(),
            connections: config.connections.get(),
            most: config.max_count.get(),
        })
    }

    /// What a request sends to PostgreSQL.
    pub async fn statements(&mut self, path: &str) -> Result<Vec<Statement>, Failure> {
        self.statements.try_iter().for_each(drop);
        self.client.send(&self.target.request(path)).await.map_err(|error| format!("{path}: {error}"))?;
        Ok(self.statements.try_iter().collect())
    }

    /// The time of a sign-in whose password was checked before.
    pub async fn sign_in(&self) -> Result<Duration, Failure> {
        const TIMES: u32 = 20_000;
        let (login, password) = self.target.user.clone();
        let request = Request {
            id: String::new(),
            trace: Trace::default(),
            session: Session::default(),
            interaction: Interaction::OpenApi,
            credential: Some(Credential::Basic { login, password }),
            client: None,
            base: String::new(),
            lenient: false,
            returns: None,
            format: Format::Json,
            form: Vec::new(),
            languages: Vec::new(),
        };
        let start = Instant::now();
        for _ in 0..TIMES {
            let anew = Request { session: Session::default(), trace: Trace::default(), ..request.clone() };
            Gateway::sign_in(self.gateway.as_ref(), anew).await.map_err(|error| error.text())?;
        }
        Ok(start.elapsed() / TIMES)
    }
}
