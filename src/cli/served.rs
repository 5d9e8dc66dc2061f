//! What is served, made from a configuration: at the start, and again on SIGHUP while requests run.
//!
//! A reload makes everything anew beside the old and then puts it in its place, so a request sees one or the other, and a
//! configuration that cannot be served changes nothing. Kept are the sessions with the database when it is the same, and what
//! users would notice: verified credentials, counted failures, the key of the links between pages.

use std::{sync::Arc, time::Duration};

use tokio::signal::unix::Signal;

use super::{Failure, indexes::Site, notify, open::Opened, serve, settings::Settings};
use crate::{
    config::{Audit, Config, Loaded},
    interaction::Fhir,
    server::{self, Serving, Traces},
    store::{self, Store},
    tls::Listening,
};

/// How often the files of TLS are looked at.
const CERTIFICATES: Duration = Duration::from_secs(10);

/// What is served.
pub struct Served {
    config: Config,
    database: store::Options,
    store: Arc<Store>,
    /// The gateway.
    pub gateway: Arc<Fhir>,
    /// What the server needs to know.
    pub options: server::Options,
    /// What was found, in lines.
    pub report: Vec<String>,
    /// Where a warning about missing indexes comes from.
    pub site: Site,
}

impl Served {
    /// Makes what a configuration asks for; `before` is what is served until then.
    pub async fn open(config: &Config, before: Option<&Self>) -> Result<Self, Failure> {
        let tls = match before.filter(|before| before.has_files_of(config)) {
            // Its files are looked at on their own: new connections get what is good in them.
            Some(before) => before.options.tls.clone().inspect(|tls| tls.look()),
            None => serve::tls(config)?,
        };
        let database = serve::database(config)?;
        let store = match before.filter(|before| before.database == database) {
            Some(before) => Arc::clone(&before.store),
            None => Arc::new(Store::open(&database).await?),
        };
        let opened = Opened::with(config, Arc::clone(&store)).await?;
        opened.refuse()?;
        let (report, site) = (opened.report(), Site::of(&opened));
        let mut options = server::Options {
            tls,
            audit: before.and_then(|before| before.options.audit.clone()),
            passwords: opened.session.authentications.password(),
            ..server::Options::from(config)
        };
        options.limits.connections = serve::places(config);
        let trail = (config.audit == Audit::File).then(|| config.audit_file.clone());
        let gateway = opened.gateway_after(config, trail, before.map(|before| &*before.gateway)).await?;
        let gateway = Arc::new(gateway);
        // Nothing can fail any more.
        let traces = before.and_then(|before| before.options.traces.as_ref());
        options.traces = Traces::open(config, traces);
        Ok(Self { config: config.clone(), database, store, gateway, options, report, site })
    }

    fn has_files_of(&self, config: &Config) -> bool {
        let files = |config: &Config| (config.certificate(), config.tls_client_ca.clone());
        files(&self.config) == files(config) && config.exposed().is_none()
    }

    fn tls(&self) -> Option<&Arc<Listening>> {
        self.options.tls.as_ref()
    }

    /// Looks at the files of TLS now and then, and reads everything again at each SIGHUP.
    /// `asked` is the configuration as it was read: that of `self` says where it really listens.
    pub async fn follow(
        mut self,
        settings: Settings,
        mut asked: Config,
        serving: Arc<Serving>,
        mut hangup: Signal,
    ) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(CERTIFICATES) => {
                    if let Some(tls) = self.tls() {
                        tls.look();
                    }
                }
                _ = hangup.recv() => {
                    if let Some(audit) = &self.options.audit {
                        audit.reopen();
                    }
                    self.reload(&settings, &mut asked, &serving).await;
                }
            }
        }
    }

    async fn reload(&mut self, settings: &Settings, asked: &mut Config, serving: &Serving) {
        notify::reloading();
        match self.read_again(settings, asked).await {
            Ok((next, config, changed)) => {
                *asked = config;
                serving.replace(next.options.clone(), next.gateway.clone());
                let changed = if changed.is_empty() { "none".to_owned() } else { changed.join(", ") };
                tracing::info!("configuration and mappings are read again; settings that changed: {changed}");
                for line in next.report.iter().filter(|line| !self.report.contains(line)) {
                    tracing::info!("{line}");
                }
                *self = next;
                notify::ready("serving");
            }
            Err(Failure(sentences)) => {
                serving.reload_failed();
                for sentence in sentences {
                    tracing::error!("not reloaded, the old configuration goes on: {sentence}");
                }
                notify::ready("serving; the last reload failed");
            }
        }
    }

    /// What is served next, and the names of the settings that changed.
    async fn read_again(
        &self,
        settings: &Settings,
        asked: &Config,
    ) -> Result<(Self, Config, Vec<&'static str>), Failure> {
        let Loaded { config: read, notes, .. } = settings.load()?;
        for note in &notes {
            tracing::warn!("{note}");
        }
        let mut changed: Vec<_> = changes(asked, &read);
        for name in Config::FIXED.iter().filter(|name| changed.contains(name)) {
            tracing::warn!("{name} changed: that takes effect when the program is started anew");
        }
        changed.retain(|name| !Config::FIXED.contains(name));
        // What is decided from them, such as whether there must be TLS, is decided from what holds.
        let mut config = read.clone();
        config.keep_fixed(&self.config);
        Self::open(&config, Some(self)).await.map(|next| (next, read, changed))
    }
}

/// Names of the settings that are not equal; a secret by itself does not show.
fn changes(old: &Config, new: &Config) -> Vec<&'static str> {
    let pairs = old.values().into_iter().zip(new.values());
    pairs.filter(|(old, new)| old != new).map(|((name, _), _)| name).collect()
}
