//! What every interaction shares: database, mappings, rights; and the way from a request to its interaction.

use std::{
    path::PathBuf,
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::{Timestamp, tz::TimeZone};
use tokio::sync::OnceCell;

use super::{
    Answer, Credential, Format, Gateway, Interaction, Request, Vitals,
    capabilities::{self, Documents},
    history, lines, operation,
    operation::Operation,
    own,
    page_link::PageLinks,
    plans::Plans,
    read, search,
    turns::{Turn, Turns},
    unchanged::Unchanged,
};
use crate::{
    error::{self, Error, Result},
    mapping::{Compiled, compiled::ResourceType},
    plan::{self, Situation},
    spans,
    store::{Class, FileStore, Store},
    tryton::{Catalog, Permit, Rights, Security, SignIn},
};

/// Settings of the interactions.
#[derive(Debug)]
pub struct Options {
    /// Resources on a page when the client does not say.
    pub default_count: u32,
    /// Resources on a page at most.
    pub max_count: u32,
    /// Resources that are included on a page at most.
    pub max_included: u32,
    /// Time zone of the site; else the one of the user's company.
    pub zone: Option<TimeZone>,
    /// Resources get a text for people.
    pub narrative: bool,
    /// How long a paging link is valid.
    pub page_link_lifetime: Duration,
    /// Browser applications may call.
    pub cors: bool,
    /// Where Tryton keeps the contents of attachments.
    pub file_store: Option<FileStore>,
    /// A login and a password are enough to sign in.
    pub passwords: bool,
    /// Key of the paging links; random when absent.
    pub page_link_key: Option<String>,
    /// The file of the audit trail, where it is in one.
    pub trail: Option<PathBuf>,
    /// Names of the groups whose members may read it.
    pub trail_readers: Vec<String>,
    /// How long a request waits until fewer of its user's are being answered.
    pub queue_timeout: Duration,
    /// Records that were read before are kept for as long as nothing is written. Only where all tables are plain ones
    /// ([`Model::plain`](crate::tryton::Model::plain)).
    pub keep_records: bool,
}

/// The gateway over one database.
pub struct Fhir {
    pub(super) store: Arc<Store>,
    pub(super) compiled: Arc<Compiled>,
    rights: Arc<Rights>,
    pub(super) sign_in: SignIn,
    pub(super) options: Options,
    pub(super) links: PageLinks,
    turns: Turns,
    pub(super) plans: Plans,
    pub(super) unchanged: Unchanged,
    started: jiff::Timestamp,
    /// What is the same for everybody.
    pub(super) documents: Documents,
}

/// The sign-in of a request: done once, however many interactions share it.
#[derive(Clone, Debug, Default)]
pub struct Session(Arc<OnceCell<Caller>>);

/// A signed-in user, as far as an interaction needs to know.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub(super) user: i32,
    pub(super) permit: Permit,
    pub(super) languages: Vec<String>,
    pub(super) zone: TimeZone,
}

impl Caller {
    /// What a search of the caller is planned with, now.
    pub(super) fn situation<'a>(&'a self, fhir: &'a Fhir, base: &'a str) -> Situation<'a> {
        Situation {
            compiled: &fhir.compiled,
            permit: &self.permit,
            languages: &self.languages,
            zone: &self.zone,
            now: Timestamp::now(),
            base,
            value_sets: &plan::NO_VALUE_SETS,
            stamped: fhir.unchanged.keeps(),
        }
    }
}

impl Fhir {
    /// Puts a gateway together.
    ///
    /// # Errors
    /// No source of randomness for the key of the paging links.
    pub fn new(
        store: Arc<Store>,
        compiled: Arc<Compiled>,
        rights: Arc<Rights>,
        sign_in: SignIn,
        options: Options,
    ) -> Result<Self> {
        let links = PageLinks::new(options.page_link_key.as_deref(), options.page_link_lifetime)?;
        let turns = Turns::new(store.sessions(), options.queue_timeout);
        let started = jiff::Timestamp::now();
        let keeps = options.keep_records && store.has_own_sessions();
        let unchanged = Unchanged::new(keeps, Arc::clone(&store));
        Ok(Self {
            store,
            compiled,
            rights,
            sign_in,
            options,
            links,
            turns,
            plans: Plans::default(),
            unchanged,
            started,
            documents: Documents::default(),
        })
    }

    /// Keeps what clients of the gateway before this one would miss: links between pages still open, unless their key is
    /// set.
    #[must_use]
    pub fn after(mut self, before: &Self) -> Self {
        if self.options.page_link_key.is_none() && before.options.page_link_key.is_none() {
            self.links = before.links.lasting(self.options.page_link_lifetime);
        }
        self
    }

    /// Who verifies credentials.
    pub fn sign_in(&self) -> &SignIn {
        &self.sign_in
    }

    /// The type of this name.
    pub(super) fn kind(&self, name: &str) -> Result<&ResourceType> {
        served(&self.compiled, name)
    }

    /// Who asks, with the rights that held at the sign-in of the request.
    pub(super) async fn caller(&self, request: &Request) -> Result<Caller> {
        let signed_in = || spans::within("sign-in", self.signed_in(request));
        request.session.0.get_or_try_init(signed_in).await.cloned()
    }

    async fn signed_in(&self, request: &Request) -> Result<Caller> {
        let credential: &Credential =
            request.credential.as_ref().ok_or_else(|| Error::new(&error::CREDENTIAL_MISSING))?;
        let id = self.sign_in.sign_in(credential, request.client).await?;
        let security = self.rights.current();
        let user = security.as_ref().ok().and_then(|security| security.user(id));
        request.trace.signed_in(i64::from(id), user.map_or("", |user| &user.login));
        let security = security?;
        let permit = Permit::of(&security, security.catalog(), id)?;
        let user = security.user(id).ok_or_else(|| Error::new(&error::CREDENTIAL_WRONG))?;
        let languages =
            request.languages.iter().find_map(|tag| languages(&security, tag)).unwrap_or_default();
        let company = || user.timezone.as_deref().and_then(|name| TimeZone::get(name).ok());
        let zone = self.options.zone.clone().or_else(company).unwrap_or(TimeZone::UTC);
        Ok(Caller { user: id, permit, languages, zone })
    }

    /// The rights of all users as they are now.
    pub(super) fn security(&self) -> Result<Arc<Security>> {
        self.rights.current()
    }

    /// The models of the database.
    pub(super) fn catalog(&self) -> Result<Arc<Catalog>> {
        Ok(Arc::clone(self.security()?.catalog()))
    }

    /// Languages of Tryton for a tag, best first; none when there is no such language.
    pub(super) fn languages(&self, tag: &str) -> Result<Option<Vec<String>>> {
        Ok(languages(&*self.rights.current()?, tag))
    }

    /// How long a session of the page holds without being used.
    pub(super) fn idle(&self) -> Duration {
        self.sign_in.idle()
    }

    /// Refuses a resource that the caller does not see, as a read does.
    ///
    /// # Errors
    /// It does not exist, or is hidden from the caller; or its type is closed.
    pub(super) async fn must_see(&self, caller: &Caller, kind: &str, id: &str) -> Result<()> {
        let kind = self.kind(kind)?;
        let closed = || Error::new(&error::MODEL_FORBIDDEN);
        if !kind.sources.iter().any(|source| caller.permit.model(&source.model)) {
            return Err(closed());
        }
        let unknown = || Error::new(&error::RESOURCE_UNKNOWN);
        let target = plan::parse_id(kind, id).ok_or_else(unknown)?;
        let statement = plan::exists(&kind.sources[target.source], target.emit, &caller.permit);
        let statement = statement.ok_or_else(closed)?;
        let rows = self
            .store
            .rows_of_record(Class::Request.to("look whether it may be seen"), &statement, target.record)
            .await?;
        rows.first().map(drop).ok_or_else(unknown)
    }

    /// The turn of the user who asks; what is the same for everybody needs none.
    async fn turn(&self, request: &Request) -> Result<Option<Turn>> {
        if !request.interaction.is_of_somebody(false) {
            return Ok(None);
        }
        let user = self.caller(request).await?.user;
        let begun = Instant::now();
        let turn = self.turns.take(user).await;
        request.trace.spent().wait(spans::waited("wait for a turn", begun));
        turn.map(Some)
    }

    pub(super) async fn carry_out(&self, request: Request) -> Result<Answer> {
        let _turn = self.turn(&request).await?;
        match &request.interaction {
            Interaction::Capabilities { pairs } => {
                capabilities::capabilities(self, &request.base, self.started, pairs)
            }
            Interaction::OpenApi => Ok(capabilities::openapi(self, &request.base, self.started)),
            Interaction::Read { kind, id, pairs } => read::read(self, &request, kind, id, pairs).await,
            Interaction::VersionRead { kind, id, version, pairs } => {
                let answer = read::read(self, &request, kind, id, pairs).await?;
                if answer.version.as_deref() == Some(version) {
                    Ok(answer)
                } else {
                    Err(Error::new(&error::VERSION_UNKNOWN))
                }
            }
            Interaction::Search { kind, compartment, pairs } => {
                let compartment = compartment.as_ref().map(|(of, id)| (of.as_str(), id.as_str()));
                let place = search::Place { kind: kind.as_deref(), compartment };
                search::search(self, &request, place, pairs).await
            }
            Interaction::History { kind: Some(kind), id: Some(id), pairs } => {
                history::instance(self, &request, kind, id, pairs).await
            }
            Interaction::History { kind, pairs, .. } => {
                history::all(self, &request, kind.as_deref(), pairs).await
            }
            Interaction::Operation(call) => operation::run(self, &request, call).await,
            Interaction::Own(asked) => own::own(self, &request, *asked).await,
        }
    }
}

/// The type of this name.
pub(super) fn served<'a>(compiled: &'a Compiled, name: &str) -> Result<&'a ResourceType> {
    compiled.types.get(name).ok_or_else(|| {
        let served: Vec<_> = compiled.types.keys().map(String::as_str).collect();
        Error::new(&error::TYPE_UNKNOWN).detail(format!("Types served: {}.", served.join(", ")))
    })
}

/// Languages of Tryton for a tag of `Accept-Language`; a tag that Tryton does not know stands for the nearest wider one
/// (<https://www.rfc-editor.org/rfc/rfc4647#section-3.4>).
fn languages(security: &Security, tag: &str) -> Option<Vec<String>> {
    let mut code = tag.replace('-', "_");
    while !security.speaks(&code) {
        code.truncate(code.rfind('_')?);
    }
    Some(security.languages(&code))
}

impl Gateway for Fhir {
    fn answer(self: Arc<Self>, request: Request) -> Pin<Box<dyn Future<Output = Result<Answer>> + Send>> {
        let spent = request.trace.spent().clone();
        Box::pin(spent.on(async move {
            let is_list = match &request.interaction {
                Interaction::Search { .. } => true,
                Interaction::Operation(call) => call.operation.is_list(),
                _ => false,
            };
            let is_read =
                matches!(request.interaction, Interaction::Read { .. } | Interaction::VersionRead { .. });
            match request.format {
                Format::Lines if is_list => lines::lines(self, request).await,
                // One resource that fills a line; only contents are sent as they are read.
                Format::Lines if !is_read => {
                    self.carry_out(Request { format: Format::Json, ..request }).await
                }
                _ => self.carry_out(request).await,
            }
        }))
    }

    fn sign_in(&self, request: Request) -> Pin<Box<dyn Future<Output = Result<()>> + Send + '_>> {
        Box::pin(async move { self.caller(&request).await.map(drop) })
    }

    fn keep(&self, request: Request) -> Pin<Box<dyn Future<Output = Result<String>> + Send + '_>> {
        Box::pin(async move {
            let Some(Credential::Basic { login, password }) = &request.credential else {
                return Err(Error::new(&error::CREDENTIAL_MISSING));
            };
            self.caller(&request).await?;
            self.sign_in.keep(login, password, request.client).await
        })
    }

    fn renewed(&self, kept: &str) -> Option<String> {
        self.sign_in.renewed(kept)
    }

    fn end(&self, kept: &str) {
        self.sign_in.end(kept);
    }

    fn is_parameter(&self, name: &str) -> bool {
        crate::search::CONTROLS.contains(&name)
            || history::PARAMETERS.contains(&name)
            || Operation::has_parameter(name)
            || matches!(name, "_id" | "_lastUpdated" | "_has")
            || self.compiled.types.values().any(|kind| kind.parameters.contains_key(name))
    }

    fn ready(&self) -> Result<()> {
        // The rights are compared with the database every moment, so nobody needs to ask it once more.
        self.rights.current().map(drop)
    }

    fn vitals(&self) -> Vitals {
        self.measured()
    }
}
