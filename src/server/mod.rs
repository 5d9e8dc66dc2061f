//! The HTTP server: the only place that knows hyper (<https://hl7.org/fhir/R4/http.html>).
//!
//! A request passes, in this order: connection (limits on time, size and number) → `peer` (client and base URL) → `route`
//! (place and method) → `body` → `negotiate` (form of the answer) → `credential` → `Gateway::answer` → `respond`. All of
//! it runs inside `handle`, which catches panics, and under a `record`, which writes the one line of the log however the
//! request ends. The place is known before anything of a person is read, so every refusal is logged under its template.

mod accept;
mod access;
mod activity;
mod admin;
mod batch;
mod body;
pub mod credential;
mod forwarded;
mod handle;
mod linger;
mod metrics;
mod negotiate;
mod page;
mod peer;
mod record;
mod respond;
mod route;
mod serving;
mod target;
mod throttle;
mod traces;
mod types;

pub use accept::serve;
pub use admin::administer;
pub use serving::Serving;
// What a client sends as text, for the fuzz targets.
pub use target::pairs;
pub use throttle::Settings as Throttling;
pub use traces::Traces;

use std::{net::IpAddr, sync::Arc};

use serving::Shared;

use crate::{
    audit::Trail,
    config::{BasePath, BaseUrl, Config, Cors, Network},
    tls::Listening,
};

/// What the server needs of the configuration.
#[derive(Clone, Debug)]
pub struct Options {
    /// Path under which FHIR is served.
    pub base_path: BasePath,
    /// Address under which clients reach this server, if configured.
    pub base_url: Option<BaseUrl>,
    /// Proxies whose forwarding headers are believed.
    pub trusted_proxies: Vec<Network>,
    /// Only those proxies may connect, and this machine.
    pub behind_proxy: bool,
    /// TLS, if this server offers it itself.
    pub tls: Option<Arc<Listening>>,
    /// Origins of browser applications.
    pub cors_origins: Vec<Cors>,
    /// Bytes of a request body at most.
    pub max_body: u64,
    /// A login and a password are asked for.
    pub passwords: bool,
    /// The audit trail, if there is one.
    pub audit: Option<Arc<Trail>>,
    /// The way to a collector of traces, if there is one.
    pub traces: Option<Arc<Traces>>,
    /// The page is served.
    pub page: bool,
    /// How much one user and one address may ask.
    pub throttle: (throttle::Settings, throttle::Settings),
    /// Limits that are no settings.
    pub limits: Limits,
}

/// Limits that protect the server; no operator needs to know them, tests make them short.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections at the same time; more wait in the operating system.
    pub connections: u32,
    /// How long the headers of a request may take.
    pub headers: std::time::Duration,
    /// How long the body of a request may take.
    pub body: std::time::Duration,
    /// How long a connection may stay open without a request.
    pub idle: std::time::Duration,
    /// How long running requests may take after the signal to stop.
    pub drain: std::time::Duration,
    /// How long requests are still taken after it.
    pub drain_delay: std::time::Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let seconds = std::time::Duration::from_secs;
        Self {
            connections: 1024,
            headers: seconds(15),
            body: seconds(30),
            idle: seconds(75),
            drain: seconds(30),
            drain_delay: seconds(0),
        }
    }
}

impl From<&Config> for Options {
    fn from(config: &Config) -> Self {
        Self {
            base_path: config.base_path.clone(),
            base_url: config.base_url.clone(),
            trusted_proxies: config.trusted_proxies.clone(),
            behind_proxy: config.behind_proxy,
            tls: None,
            cors_origins: config.cors_origins.clone(),
            max_body: config.max_body.0,
            passwords: true,
            audit: None,
            traces: None,
            page: config.page,
            throttle: throttle::Settings::of(config),
            limits: Limits {
                drain: config.drain_timeout,
                drain_delay: config.drain_delay.unwrap_or_default(),
                ..Limits::default()
            },
        }
    }
}

impl Options {
    /// Whether a peer at this address may connect at all.
    fn admits(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        !self.behind_proxy || peer.is_loopback() || self.trusts(peer)
    }

    /// Whether this is a proxy whose headers are believed.
    fn trusts(&self, peer: IpAddr) -> bool {
        self.trusted_proxies.iter().any(|network| network.contains(peer))
    }
}
