//! One request: from bytes to an interaction, and its answer back to bytes.

use std::{
    net::SocketAddr,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::Arc,
    task::Poll,
};

use hyper::{
    Method, Request, Version,
    body::Incoming,
    header::{AUTHORIZATION, HOST, HeaderValue},
    http::request::Parts,
};
use tracing::Instrument as _;

use super::{
    Serving, Shared,
    access::{self, Access, Asked},
    batch, body, credential,
    negotiate::{self, Form},
    page, peer,
    record::Record,
    respond::{self, Reply, Response},
    route::Place,
    target,
};
use crate::{
    error::{self, Error, Result},
    fhir::parameters::Given,
    interaction::{self, Answer, Interaction, Session, Trace},
    spans,
};

/// Bytes of an address at most. A search of this length fits into a POST as well.
pub(super) const ADDRESS: usize = 16 << 10;
/// Bytes of all headers at most.
const HEADERS: usize = 32 << 10;

/// What a request comes to.
enum Done {
    Live,
    Options(&'static str),
    Answer(Answer),
    Page(page::Done),
}

/// Answers a request; never fails and never panics.
pub(super) async fn handle(
    serving: Arc<Serving>,
    request: Request<Incoming>,
    from: SocketAddr,
    local: SocketAddr,
) -> Response {
    let shared = serving.current();
    let (parts, body) = request.into_parts();
    let id = respond::request_id(&parts.headers);
    let trail = shared.options.audit.clone();
    let trace = if trail.is_some() { Trace::default().noting() } else { Trace::default() };
    let traced = shared.options.traces.as_ref().map(|traces| traces.begin(&parts.headers));
    let spans = traced.as_ref().and_then(|traced| traced.spans.clone());
    let mut record = Record::new(&id, &parts.method, (trace, traced), &serving.metrics);
    let mut access = Access::new(&id);
    let mut form = None;
    let span = tracing::info_span!("request", id);
    let work = carry_out(&shared, &parts, body, (from, local), &mut record, &mut access, &mut form);
    let mut done = unpanicked(spans::on(spans.as_ref(), work)).instrument(span).await;
    if let Some(trail) = trail {
        // Before anything leaves.
        if let Err(error) = access.keep(&trail, &record.trace(), done.as_ref().err()).await {
            done = Err(error);
        } else if let Ok(Done::Answer(answer)) = done {
            done = Ok(Done::Answer(access.follow(trail, &record.trace(), answer)));
        }
    }
    let form =
        form.unwrap_or_else(|| negotiate::guess(&parts.headers, parts.uri.query().unwrap_or_default()));
    let reply = Reply { parts: &parts, options: &shared.options, id: &id, form };
    let mut response = match done {
        Ok(Done::Live) => reply.live(),
        Ok(Done::Options(allow)) => reply.options(allow),
        Ok(Done::Answer(answer)) => {
            spans::on(spans.as_ref(), spans::within("write", reply.answer(answer))).await
        }
        Ok(Done::Page(done)) => reply.page(done).await,
        Err(error) => {
            let entry = error.entry();
            record.code(entry.code);
            if let Some(cause) = error.logged_cause() {
                tracing::warn!(request = id, code = entry.code, cause, "a request failed");
            }
            reply.error(&error)
        }
    };
    if page::asks(&parts.headers)
        && let Ok(peer) = peer::peer(&shared.options, &parts.headers, &parts.uri, from, local)
    {
        page::renew(&shared, &parts.headers, &peer.base, &mut response);
    }
    record.answered(response.status(), respond::length(&response));
    response
}

/// Turns a panic of the request into an error. The panic itself is told by the hook of the command line.
async fn unpanicked<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let mut work = pin!(work);
    std::future::poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
        Ok(poll) => poll,
        Err(_) => Poll::Ready(Err(Error::new(&error::INTERNAL).cause("panic"))),
    })
    .await
}

async fn carry_out(
    shared: &Shared,
    parts: &Parts,
    body: Incoming,
    (from, local): (SocketAddr, SocketAddr),
    record: &mut Record,
    access: &mut Access,
    negotiated: &mut Option<Form>,
) -> Result<Done> {
    limits(parts)?;
    if let Some(place) = page::Place::of(parts.uri.path(), &shared.options) {
        record.route(place.template(), None);
        if parts.method == Method::OPTIONS {
            return Ok(Done::Options(place.allow()));
        }
        place.admit(&parts.method)?;
        let peer = peer::peer(&shared.options, &parts.headers, &parts.uri, from, local)?;
        record.base(&peer.base);
        let _admitted = shared.throttle.address(peer.client)?;
        return page::answer(shared, place, (parts, body), peer, (record, access)).await.map(Done::Page);
    }
    let place = Place::of(parts.uri.path(), &shared.options.base_path)?;
    record.route(place.template(), place.kind());
    if parts.method == Method::OPTIONS {
        return Ok(Done::Options(place.allow()));
    }
    place.admit(&parts.method)?;
    if place == Place::Live {
        return Ok(Done::Live);
    }
    let peer = peer::peer(&shared.options, &parts.headers, &parts.uri, from, local)?;
    record.base(&peer.base);
    let mut admitted = vec![shared.throttle.address(peer.client)?];
    let mut given =
        Given { pairs: target::pairs(parts.uri.query().unwrap_or_default())?, ..Given::default() };
    let mut bundle = None;
    if matches!(place, Place::Search(_) | Place::SearchAll) {
        given.pairs.extend(body::form(&shared.options, &parts.headers, body).await?);
    } else if parts.method == Method::POST && place == Place::Base {
        bundle = Some(body::bundle(&shared.options, &parts.headers, body).await?);
    } else if parts.method == Method::POST {
        given.extend(body::given(&shared.options, &parts.headers, body, place.takes_resource()).await?);
    }
    let audited = shared.options.audit.is_some();
    let query = if audited { access::query(parts, &place, &given.pairs) } else { String::new() };
    let is_form = |name: &str| matches!(name, "_format" | "_pretty");
    record.names(&given.pairs, |name| is_form(name) || shared.gateway.is_parameter(name));
    let asked: Vec<_> = given.pairs.iter().filter(|(name, _)| is_form(name)).cloned().collect();
    let form = negotiate::form(&parts.headers, &mut given.pairs, place.is_binary())?;
    *negotiated = Some(form);
    let preference = negotiate::preference(&parts.headers);
    // Of the page only the cookie counts, also when the browser remembers a password for this address.
    let credential = match page::credential(&shared.options, &parts.headers, &peer.base) {
        Some(kept) => Some(kept?),
        None => credential::parse(parts.headers.get_all(AUTHORIZATION).iter().map(HeaderValue::as_bytes))?,
    };
    let template = place.template();
    let interaction = match (&bundle, given.pairs.first()) {
        (None, _) => place.interaction(given)?,
        // What a batch asks for stands in its entries; by itself it asks for nothing of anybody.
        (Some(_), None) => Interaction::Capabilities { pairs: Vec::new() },
        (Some(_), Some((name, _))) => {
            return Err(Error::new(&error::PARAMETER_UNKNOWN)
                .detail("A batch takes _format and _pretty.")
                .at_key(name));
        }
    };
    let request = interaction::Request {
        id: record.id().to_owned(),
        trace: record.trace(),
        session: Session::default(),
        interaction,
        credential,
        client: Some(peer.client),
        base: peer.base,
        format: form.format(),
        form: asked,
        lenient: preference.lenient,
        returns: preference.returns,
        languages: negotiate::languages(&parts.headers),
    };
    if request.interaction.is_of_somebody(bundle.is_some()) {
        let asked = match bundle {
            Some(_) => Asked::batch(template, query),
            None => Asked::of(&request.interaction, template, query),
        };
        access.asks(asked, peer.client, request.credential.as_ref());
        shared.recordable()?;
    }
    if shared.throttle.limits_users() && request.interaction.is_of_somebody(bundle.is_some()) {
        // The gateway does not sign in once more: the session of the request is known then.
        shared.gateway.sign_in(request.clone()).await?;
        if let Some(user) = record.trace().user() {
            admitted.push(shared.throttle.user(user, batch::cost(bundle.as_ref()))?);
        }
    }
    let answer = match bundle {
        Some(bundle) => batch::answer(shared, &bundle, request, access).await,
        None => Arc::clone(&shared.gateway).answer(request).await,
    };
    answer.map(|answer| Done::Answer(answer.holding(admitted)))
}

fn limits(parts: &Parts) -> Result<()> {
    let address = parts.uri.path().len() + parts.uri.query().map_or(0, str::len);
    if address > ADDRESS {
        return Err(Error::new(&error::URI_TOO_LONG));
    }
    let headers: usize = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if headers > HEADERS {
        return Err(Error::new(&error::HEADERS_TOO_LARGE));
    }
    // https://www.rfc-editor.org/rfc/rfc9112#section-3.2
    if parts.version == Version::HTTP_11 && !parts.headers.contains_key(HOST) {
        return Err(Error::new(&error::REQUEST_MALFORMED).detail("There is no Host header."));
    }
    Ok(())
}
