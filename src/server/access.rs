//! What the audit trail is told of a request: before its answer leaves, and again while a stream goes on.

use std::{collections::HashSet, net::IpAddr, sync::Arc};

use futures_util::{StreamExt as _, stream};
use hyper::http::request::Parts;

use super::{respond::status, route::Place};
use crate::{
    audit::{Action, Event, Happened, Outcome, Trail, User},
    error::{self, Entry, Error, Result},
    interaction::{Answer, Credential, Interaction, Touched, Trace},
};

/// Patients of a stream that are known to be in the trail; more are forgotten, and can come twice.
const KNOWN: usize = 10_000;

/// What a request asks for, and the parts of it that are told by themselves.
pub(super) struct Access {
    request: String,
    client: Option<IpAddr>,
    asked: Option<Asked>,
    /// The login that was sent; empty when somebody else than a login and a password says who it is.
    tried: Option<String>,
    /// Entries of a batch.
    entries: Vec<Entered>,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub happened: Happened,
    pub action: Action,
    pub route: &'static str,
    /// Method and address as sent.
    pub query: Option<String>,
}

/// An entry of a batch that was answered.
pub(super) struct Entered {
    pub asked: Asked,
    pub trace: Trace,
    pub error: Option<&'static Entry>,
}

impl Asked {
    /// What an interaction asks for at a place.
    pub(super) fn of(interaction: &Interaction, route: &'static str, query: String) -> Self {
        let (code, action) = match interaction {
            Interaction::Read { .. } => ("read", Action::Read),
            Interaction::VersionRead { .. } => ("vread", Action::Read),
            Interaction::Search { kind: Some(_), .. } => ("search-type", Action::Execute),
            Interaction::Search { .. } => ("search-system", Action::Execute),
            Interaction::History { id: Some(_), .. } => ("history-instance", Action::Read),
            Interaction::History { kind: Some(_), .. } => ("history-type", Action::Read),
            Interaction::History { .. } => ("history-system", Action::Read),
            Interaction::Capabilities { .. } | Interaction::OpenApi => ("capabilities", Action::Execute),
            Interaction::Operation(_) | Interaction::Own(_) => ("operation", Action::Execute),
        };
        Self { happened: Happened::Rest(code), action, route, query: Some(query) }
    }

    /// A batch, or an entry of one that asks for nothing that is offered.
    pub(super) fn batch(route: &'static str, query: String) -> Self {
        Self { happened: Happened::Rest("batch"), action: Action::Execute, route, query: Some(query) }
    }

    /// Signing in to the page, or out.
    pub(super) fn page(happened: Happened, route: &'static str) -> Self {
        Self { happened, action: Action::Execute, route, query: None }
    }
}

/// Method and address of a request, with what was posted as a form.
pub(super) fn query(parts: &Parts, place: &Place, pairs: &[(String, String)]) -> String {
    let address = match place {
        Place::Search(_) | Place::SearchAll => {
            let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
            format!("{}?{form}", parts.uri.path())
        }
        _ => parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
    };
    format!("{} {address}", parts.method)
}

impl Access {
    pub(super) fn new(request: &str) -> Self {
        Self { request: request.to_owned(), client: None, asked: None, tried: None, entries: Vec::new() }
    }

    /// Somebody asks for data: what is told from now on.
    pub(super) fn asks(&mut self, asked: Asked, client: IpAddr, credential: Option<&Credential>) {
        self.asked = Some(asked);
        self.client = Some(client);
        self.tried = credential.map(|credential| match credential {
            Credential::Basic { login, .. } => login.clone(),
            _ => String::new(),
        });
    }

    /// An entry of a batch was answered.
    pub(super) fn entered(&mut self, entry: Entered) {
        self.entries.push(entry);
    }

    /// Puts into the trail how it ended.
    ///
    /// # Errors
    /// That is not possible, so nothing may leave.
    pub(super) async fn keep(&self, trail: &Trail, trace: &Trace, error: Option<&Error>) -> Result<()> {
        let Some(asked) = self.asked.as_ref().filter(|_| self.counts(trace, error)) else { return Ok(()) };
        let user = user(trace);
        if self.entries.is_empty() || error.is_some() {
            let about = if error.is_some() { Vec::new() } else { trace.touched().take() };
            let event = self.event(asked, user.as_ref(), error.map(Error::entry), &about, false);
            return trail.keep(&[event]).await;
        }
        let about: Vec<_> = self.entries.iter().map(|entry| entry.trace.touched().take()).collect();
        let events = self.entries.iter().zip(&about).map(|(entry, about)| {
            let about = if entry.error.is_some() { &[] } else { about.as_slice() };
            self.event(&entry.asked, user.as_ref(), entry.error, about, false)
        });
        trail.keep(&events.collect::<Vec<_>>()).await
    }

    /// Whether it is told: what somebody who is signed in asked for, and who was not let in. Requests above the limits and those
    /// without a credential came to nothing.
    fn counts(&self, trace: &Trace, error: Option<&Error>) -> bool {
        let Some(error) = error else { return trace.user().is_some() };
        let entry = error.entry();
        if [&error::AUDIT_UNAVAILABLE, &error::REQUESTS_LIMITED, &error::CREDENTIAL_MISSING].contains(&entry)
        {
            return false;
        }
        let refused = error.kind() == error::Kind::Unauthorized || entry == &error::SIGN_IN_THROTTLED;
        trace.user().is_some() || (self.tried.is_some() && refused)
    }

    fn event<'a>(
        &'a self,
        asked: &'a Asked,
        user: Option<&'a User>,
        error: Option<&'static Entry>,
        about: &'a [String],
        continues: bool,
    ) -> Event<'a> {
        // Who was not let in has asked for nothing yet.
        let happened = if user.is_none() { Happened::SignIn } else { asked.happened };
        Event {
            happened,
            action: asked.action,
            outcome: Outcome {
                status: error.map_or(200, |entry| status(entry.kind).as_u16()),
                error: error.map(|entry| entry.code),
            },
            user,
            tried: self.tried.as_deref(),
            client: self.client,
            request: &self.request,
            route: asked.route,
            query: asked.query.as_deref(),
            about,
            continues,
        }
    }

    /// Lets a stream go on only as long as the trail knows whom it is about.
    pub(super) fn follow(self, trail: Arc<Trail>, trace: &Trace, mut answer: Answer) -> Answer {
        let (Some(content), Some(asked)) = (&mut answer.content, self.asked.clone()) else { return answer };
        let pieces = std::mem::replace(&mut content.pieces, Box::pin(stream::empty()));
        let (user, touched) = (user(trace), trace.touched().clone());
        let walk = Follow { access: self, asked, user, touched, trail, known: HashSet::new() };
        content.pieces = Box::pin(stream::try_unfold((pieces, walk), |(mut pieces, mut walk)| async move {
            let Some(piece) = pieces.next().await else { return Ok(None) };
            walk.keep().await?;
            Ok(Some((piece?, (pieces, walk))))
        }));
        answer
    }
}

/// A stream on its way.
struct Follow {
    access: Access,
    asked: Asked,
    user: Option<User>,
    touched: Touched,
    trail: Arc<Trail>,
    known: HashSet<String>,
}

impl Follow {
    async fn keep(&mut self) -> Result<()> {
        let mut about = self.touched.take();
        about.retain(|address| !self.known.contains(address));
        if about.is_empty() {
            return Ok(());
        }
        let event = self.access.event(&self.asked, self.user.as_ref(), None, &about, true);
        self.trail.keep(&[event]).await?;
        if self.known.len() + about.len() > KNOWN {
            self.known.clear();
        }
        self.known.extend(about);
        Ok(())
    }
}

fn user(trace: &Trace) -> Option<User> {
    let id = trace.user()?;
    Some(User { id, login: trace.login().unwrap_or_default().to_owned() })
}
