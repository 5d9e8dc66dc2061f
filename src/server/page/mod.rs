//! The page at `/`: its files, and the session of who is signed in to it.
//!
//! The page asks the same FHIR addresses as every client. What lets it in is a cookie, and a cookie is sent by the browser
//! whoever makes it ask; so it counts only beside a header that the page alone can send. See [`cookie`].

mod cookie;

use std::sync::Arc;

use hyper::{
    Method,
    body::Incoming,
    header::{HeaderMap, HeaderValue},
    http::request::Parts,
};

use super::{
    Options, Shared,
    access::{Access, Asked},
    body, negotiate,
    peer::Peer,
    record::Record,
    respond,
};
use crate::{
    audit::Happened,
    error::{self, Error, Result},
    interaction::{self, Answer, Credential, Interaction, Own, Session},
    page,
};

pub(super) use cookie::asks;

/// What an address of the page stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// `/`.
    Index,
    /// `/page/[version]/[file]`.
    File(page::File),
    /// `/page/session`.
    Session,
    /// `/page/rights`.
    Rights,
}

/// What goes back.
pub(super) enum Done {
    /// The page itself.
    Index,
    /// One of its files.
    File(page::File),
    /// Data for it.
    Data(Answer, Option<HeaderValue>),
    /// Nothing more to say.
    SignedOut(Option<HeaderValue>),
}

impl Place {
    /// The place that a path names, if it is one of the page.
    pub(super) fn of(path: &str, options: &Options) -> Option<Self> {
        if !options.page || options.base_path.as_str().is_empty() {
            return None;
        }
        match path {
            "/" => Some(Self::Index),
            "/page/session" => Some(Self::Session),
            "/page/rights" => Some(Self::Rights),
            _ => {
                let (version, name) = path.strip_prefix("/page/")?.split_once('/')?;
                page::file(name).filter(|_| version == page::version()).map(Self::File)
            }
        }
    }

    /// The path for the log.
    pub(super) fn template(&self) -> &'static str {
        match self {
            Self::Index => "/",
            Self::File(_) => "/page/[version]/[file]",
            Self::Session => "/page/session",
            Self::Rights => "/page/rights",
        }
    }

    /// Methods offered here, for `Allow`.
    pub(super) fn allow(&self) -> &'static str {
        match self {
            Self::Session => "GET, HEAD, POST, DELETE, OPTIONS",
            _ => "GET, HEAD, OPTIONS",
        }
    }

    /// Refuses methods that are not offered here.
    ///
    /// # Errors
    /// `method-not-allowed`.
    pub(super) fn admit(&self, method: &Method) -> Result<()> {
        let read = method == Method::GET || method == Method::HEAD;
        let write = method == Method::POST || method == Method::DELETE;
        if read || (write && *self == Self::Session) {
            Ok(())
        } else {
            Err(Error::new(&error::METHOD_NOT_ALLOWED).allow(self.allow()))
        }
    }
}

/// Answers a request to the page.
///
/// # Errors
/// Not signed in, or not by the page; those of signing in.
pub(super) async fn answer(
    shared: &Shared,
    place: Place,
    (parts, body): (&Parts, Incoming),
    peer: Peer,
    (record, access): (&Record, &mut Access),
) -> Result<Done> {
    match place {
        Place::Index => return Ok(Done::Index),
        Place::File(file) => return Ok(Done::File(file)),
        Place::Session | Place::Rights => cookie::admit(&parts.headers, &peer.base)?,
    }
    let kept = cookie::value(&parts.headers, &peer.base)?;
    let secure = cookie::secure(&peer.base);
    let request = |interaction, credential| interaction::Request {
        id: record.id().to_owned(),
        trace: record.trace(),
        session: Session::default(),
        interaction,
        credential,
        client: Some(peer.client),
        base: peer.base.clone(),
        format: interaction::Format::Json,
        form: Vec::new(),
        lenient: false,
        returns: None,
        languages: negotiate::languages(&parts.headers),
    };
    let gateway = || Arc::clone(&shared.gateway);
    if place == Place::Rights {
        let text = kept.ok_or_else(|| Error::new(&error::SESSION_ENDED))?;
        let credential = Some(Credential::Kept { text });
        let answer = gateway().answer(request(Interaction::Own(Own::Rights), credential)).await?;
        return Ok(Done::Data(answer, None));
    }
    if parts.method == Method::DELETE {
        if let Some(kept) = &kept {
            shared.recordable()?;
            access.asks(Asked::page(Happened::SignOut, place.template()), peer.client, None);
            // Whose session it was, as far as it is one.
            let known = Credential::Kept { text: kept.clone() };
            let _ = shared.gateway.sign_in(request(Interaction::Own(Own::Account), Some(known))).await;
            shared.gateway.end(kept);
        }
        return Ok(Done::SignedOut(Some(cookie::none(secure))));
    }
    let account = |text| request(Interaction::Own(Own::Account), Some(Credential::Kept { text }));
    if parts.method == Method::POST {
        let (login, password) = body::sign_in(&shared.options, &parts.headers, body).await?;
        let basic = Credential::Basic { login, password };
        let asked = Asked::page(Happened::SignIn, place.template());
        access.asks(asked, peer.client, Some(&basic));
        shared.recordable()?;
        let new = shared.gateway.keep(request(Interaction::Own(Own::Account), Some(basic))).await?;
        // Whoever was signed in before is not any more.
        if let Some(before) = kept {
            shared.gateway.end(&before);
        }
        let cookie = cookie::set(&new, secure);
        return Ok(Done::Data(gateway().answer(account(new)).await?, Some(cookie)));
    }
    // Nobody being signed in is no error: the page asks this first.
    let nobody = || Answer { body: br#"{"signedIn":false}"#.to_vec(), personal: true, ..Answer::default() };
    let Some(kept) = kept else { return Ok(Done::Data(nobody(), None)) };
    match gateway().answer(account(kept)).await {
        Err(error) if error.entry() == &error::SESSION_ENDED => {
            Ok(Done::Data(nobody(), Some(cookie::none(secure))))
        }
        answer => answer.map(|answer| Done::Data(answer, None)),
    }
}

/// The credential of a request that the page makes to FHIR; `None` when it is not the page that asks.
///
/// # Errors
/// `session-ended`: it is the page, but there is no cookie. `page-origin`: it only says so.
pub(super) fn credential(options: &Options, headers: &HeaderMap, base: &str) -> Option<Result<Credential>> {
    if !options.page || !asks(headers) {
        return None;
    }
    let text = cookie::admit(headers, base).and_then(|()| cookie::value(headers, base));
    Some(text.and_then(|text| {
        text.map(|text| Credential::Kept { text }).ok_or_else(|| Error::new(&error::SESSION_ENDED))
    }))
}

/// Notes the use of a session: its cookie is set again when it is time.
pub(super) fn renew(shared: &Shared, headers: &HeaderMap, base: &str, response: &mut respond::Response) {
    if !shared.options.page || !asks(headers) || response.headers().contains_key(hyper::header::SET_COOKIE) {
        return;
    }
    let kept = cookie::admit(headers, base).and_then(|()| cookie::value(headers, base));
    let new = kept.ok().flatten().and_then(|kept| shared.gateway.renewed(&kept));
    if let Some(new) = new {
        let cookie = cookie::set(&new, cookie::secure(base));
        response.headers_mut().append(hyper::header::SET_COOKIE, cookie);
    }
}
