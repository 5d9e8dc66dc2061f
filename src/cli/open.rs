//! Opens a database: store, catalogue, mappings, rights, sign-in; with sentences that help when one of them fails.

use std::{collections::BTreeSet, path::PathBuf, sync::Arc};

use tokio::sync::oneshot;

use super::{Failure, indexes::folded};
use crate::{
    config::{Audit, Config, Narrative, Session},
    error::Error,
    interaction::{self, Fhir},
    mapping::{self, Compiled, Files, Findings, Parsed},
    store::{self, FileStore, Store},
    tryton::{
        AttemptOptions, Catalog, KeptOptions, Rights, Security, Series, SignIn, SignInOptions, User,
        WatchOptions, closed, grants,
    },
};

/// A database with its mappings, not yet served.
pub struct Opened {
    /// The pool.
    pub store: Arc<Store>,
    /// The live catalogue.
    pub catalog: Arc<Catalog>,
    /// Mappings that hold for it.
    pub compiled: Arc<Compiled>,
    /// What is wrong in the mappings.
    pub findings: Findings,
    /// How users sign in.
    pub session: Session,
    application: String,
}

impl Opened {
    /// Opens the database of a configuration and compiles the mappings for it.
    pub async fn open(config: &Config, options: &store::Options) -> Result<Self, Failure> {
        Self::with(config, Arc::new(Store::open(options).await?)).await
    }

    /// Compiles the mappings of a configuration for its database, which is open already.
    pub async fn with(config: &Config, store: Arc<Store>) -> Result<Self, Failure> {
        let session = config.session()?;
        let mut files = Files::shipped();
        if let Some(folder) = &config.mappings_dir {
            files.overlay(folder).map_err(|error| {
                Failure(vec![format!("the mappings folder {} cannot be read ({error})", folder.display())])
            })?;
        }
        let options = mapping::Options { site: config.site.as_str().to_owned() };
        // It takes a while, and at a reload requests run beside it. The files are read while the catalogue is.
        let (sender, receiver) = oneshot::channel::<Arc<Catalog>>();
        let compiling = tokio::task::spawn_blocking(move || {
            let parsed = Parsed::of(files);
            let catalog = receiver.blocking_recv().ok()?;
            Some(mapping::compile_parsed(parsed, &catalog, &options))
        });
        let catalog = Arc::new(Catalog::load(&store).await?);
        let _ = sender.send(Arc::clone(&catalog));
        let compiled = compiling.await?;
        let (mut compiled, findings) =
            compiled.ok_or_else(|| Failure(vec!["nothing was compiled".to_owned()]))?;
        compiled.folded = folded(&store, &catalog).await?;
        let application = config.application.clone();
        let compiled = Arc::new(compiled);
        Ok(Self { store, catalog, compiled, findings, session, application })
    }

    /// What was found, in lines.
    pub fn report(&self) -> Vec<String> {
        let series = match self.catalog.series {
            Series::V6_0 => "6.0",
            Series::V7_0 => "7.0",
        };
        let health: Vec<_> = self
            .catalog
            .modules
            .iter()
            .filter(|module| module.starts_with("health"))
            .map(String::as_str)
            .collect();
        let types: Vec<_> = self
            .compiled
            .types
            .values()
            .map(|kind| match kind.sources.len() {
                1 => kind.name.clone(),
                count => format!("{} ({count} sources)", kind.name),
            })
            .collect();
        let mut lines = vec![
            format!(
                "PostgreSQL {}; Tryton {series}, GNU Health {}; role {}",
                self.catalog.server, self.catalog.gnuhealth, self.catalog.role
            ),
            format!("{} modules activated, of GNU Health: {}", self.catalog.modules.len(), health.join(", ")),
            format!("{} types served: {}", types.len(), types.join(", ")),
        ];
        lines.push(format!("signing in: {}", self.ways().join("; ")));
        for (source, reason) in &self.compiled.skipped {
            lines.push(format!("left out: {source}: {reason}"));
        }
        lines
    }

    /// The ways to sign in, and why one is closed.
    fn ways(&self) -> Vec<String> {
        let authentications = &self.session.authentications;
        let readable = self.catalog.model("ir.session").is_some_and(|model| model.granted);
        vec![
            if authentications.password() {
                "passwords".to_owned()
            } else {
                format!("no passwords, since Tryton's authentications are \"{authentications}\"")
            },
            match self.application.as_str() {
                "" => "no application keys, since application is empty".to_owned(),
                name => format!("keys of the application {name}"),
            },
            if readable {
                "sessions of Tryton".to_owned()
            } else {
                "no sessions of Tryton, since the role may not read ir_session".to_owned()
            },
        ]
    }

    /// What the mappings read and is no plain table.
    fn others(&self) -> BTreeSet<&str> {
        let models = self.compiled.models().into_iter().filter_map(|name| self.catalog.model(name));
        models.filter(|model| !model.plain).map(|model| model.table.as_str()).collect()
    }

    /// Tables that the mappings need and the role may not read, as the GRANT that is missing.
    pub fn missing_grants(&self) -> Option<String> {
        let used: BTreeSet<&str> = self
            .compiled
            .models()
            .into_iter()
            .filter_map(|name| self.catalog.model(name))
            .filter(|model| !model.granted)
            .map(|model| model.table.as_str())
            .collect();
        (!used.is_empty()).then(|| grants(&self.catalog.role, used))
    }

    /// The models that the mappings touch.
    fn served(&self) -> BTreeSet<String> {
        self.compiled.models().into_iter().map(str::to_owned).collect()
    }

    /// Models that are closed to users because a record rule cannot be applied, and settings that open nothing, in lines.
    pub async fn closed(&self, config: &Config) -> Result<Vec<String>, Failure> {
        let security = Security::load(&self.store, Arc::clone(&self.catalog), 1).await.map_err(failure)?;
        let mut lines = closed(&security, &self.served());
        lines.extend(unread(config, &security));
        Ok(lines)
    }

    /// Refuses what cannot be served.
    pub fn refuse(&self) -> Result<(), Failure> {
        if !self.findings.0.is_empty() {
            let mut lines: Vec<_> = self.findings.0.iter().map(ToString::to_string).collect();
            lines.push(format!(
                "{} findings in the mappings; nothing is served until they are mended",
                lines.len()
            ));
            return Err(Failure(lines));
        }
        if let Some(grants) = self.missing_grants() {
            return Err(Failure(vec![format!(
                "the role {} may not read tables that the mappings need; the owner of the database can run:\n{grants}",
                self.catalog.role
            )]));
        }
        if self.compiled.types.is_empty() {
            return Err(Failure(vec!["no mapping holds for this database".to_owned()]));
        }
        Ok(())
    }

    /// Puts the gateway together.
    pub async fn gateway(self, config: &Config) -> Result<Fhir, Failure> {
        self.gateway_after(config, None, None).await
    }

    /// Puts the gateway together that takes the place of another: see [`Fhir::after`].
    /// `trail` is the file of the audit trail, where it is in one.
    pub async fn gateway_after(
        self,
        config: &Config,
        trail: Option<PathBuf>,
        before: Option<&Fhir>,
    ) -> Result<Fhir, Failure> {
        let interval = config.watch_interval.min(WatchOptions::LONGEST);
        let watch = WatchOptions { interval, ..WatchOptions::default() };
        let (store, catalog) = (Arc::clone(&self.store), Arc::clone(&self.catalog));
        let rights = Rights::start(store, catalog, self.served(), watch).await.map_err(failure)?;
        for line in unread(config, &*rights.current().map_err(failure)?) {
            tracing::warn!("{line}");
        }
        let session = &self.session;
        let sign_in = SignInOptions {
            attempts: AttemptOptions {
                window: session.window,
                per_login: session.max_attempt,
                per_network: session.max_attempt_network,
                prefix_4: session.prefix_4,
                prefix_6: session.prefix_6,
            },
            passwords: session.authentications.password(),
            application: config.application.clone(),
            session_age: session.max_age,
            session_trust: watch.interval,
            kept: KeptOptions {
                key: config.page_link_key.as_ref().map(|key| key.expose().to_owned()),
                idle: config.page_idle_timeout,
                longest: config.page_max_age.0,
            },
            hash_concurrency: config.hash_concurrency.get(),
            ..SignInOptions::default()
        };
        let accounts = Arc::clone(&rights);
        let sign_in = SignIn::open(Arc::clone(&self.store), accounts, sign_in).await.map_err(failure)?;
        let sign_in = match before {
            Some(before) => sign_in.after(before.sign_in()),
            None => sign_in,
        };
        if !sign_in.shares_attempts() {
            tracing::info!(
                "failed sign-ins are counted in memory: the role may not write res_user_login_attempt"
            );
        }
        let file_store = config.file_store().map(|(path, prefix)| {
            FileStore::new(path, prefix.as_deref().unwrap_or_else(|| self.store.database()))
        });
        let others = self.others();
        if config.keep_records && !others.is_empty() {
            let others = others.iter().copied().collect::<Vec<_>>().join(", ");
            tracing::info!(
                "records are not kept (keep_records): PostgreSQL does not tell when these change, which are views, foreign tables or have policies for rows: {others}"
            );
        }
        let options = interaction::Options {
            file_store,
            default_count: config.default_count.get(),
            max_count: config.max_count.get(),
            max_included: config.max_included.get(),
            zone: config.time_zone.clone(),
            passwords: self.session.authentications.password(),
            cors: !config.cors_origins.is_empty(),
            narrative: config.narrative == Narrative::Generated,
            page_link_lifetime: config.page_link_lifetime,
            page_link_key: config.page_link_key.as_ref().map(|key| key.expose().to_owned()),
            trail,
            trail_readers: config.audit_readers.clone(),
            queue_timeout: config.queue_timeout,
            keep_records: config.keep_records && others.is_empty(),
        };
        let gateway = Fhir::new(self.store, self.compiled, rights, sign_in, options).map_err(failure)?;
        Ok(match before {
            Some(before) => gateway.after(before),
            None => gateway,
        })
    }
}

/// Why those whom the operator wants to read the audit trail cannot, in lines.
fn unread(config: &Config, security: &Security) -> Vec<String> {
    let readers = &config.audit_readers;
    let unknown = readers.iter().filter(|name| !security.has_group(name));
    let mut lines: Vec<_> = unknown
        .map(|name| {
            format!(
                "audit_readers: GNU Health has no active group \"{name}\" (the name in res_group, not a translation); it lets \
                 nobody read the audit trail"
            )
        })
        .collect();
    if !readers.is_empty() && config.audit != Audit::File {
        lines.push("audit_readers: the audit trail is not in a file, so nobody can read it here".to_owned());
    }
    lines
}

/// The active user of a login.
pub(super) fn active_user<'s>(security: &'s Security, login: &str) -> Result<&'s User, Failure> {
    security
        .user_by_login(login)
        .filter(|user| user.active)
        .ok_or_else(|| Failure(vec![format!("no active user has the login \"{login}\"")]))
}

/// An error with its cause: the operator may read it.
pub(super) fn failure(error: Error) -> Failure {
    let cause = error.logged_cause().map(|cause| format!(" ({cause})")).unwrap_or_default();
    Failure(vec![format!("{}{cause}", error.text())])
}
