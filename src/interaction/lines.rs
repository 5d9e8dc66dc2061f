//! A search, or an operation that answers with pages, as a stream of lines with one resource in each:
//! <https://hl7.org/fhir/R4/nd-json.html>.
//!
//! All matches come, in the order of the search, page after page: while the client takes one the next is read, so no more than
//! two are held in memory, and a client that goes away ends it. Each page is the page of a search, under the rights
//! that hold when it is read. What ends the stream early is its last line, and the connection breaks off.

use std::{collections::HashSet, sync::Arc};

use bytes::Bytes;
use futures_util::stream;
use tokio::task::JoinSet;
use tracing::{Instrument, Span};

use super::{Answer, Content, Interaction, Request, Session, gateway::Fhir};
use crate::{
    error::{self, Error, Result},
    fhir::{
        bundle::Lines,
        outcome::{self, Issue},
    },
};

/// What a stream has no place for: it has no pages and no Bundle, and does not say why a resource is in it.
const REFUSED: [&str; 6] = ["_count", "_page", "_total", "_include", "_revinclude", "_explain"];

/// A search on its way, and where it is.
struct Walk {
    fhir: Arc<Fhir>,
    request: Request,
    /// What is logged on the way carries what the log of the request carries.
    span: Span,
    /// The first page.
    first: Option<Lines>,
    /// The page that is read while the client takes the one before.
    ahead: JoinSet<Result<Lines>>,
    /// What came beside the matches: it is on each page that needs it, and once in the stream.
    beside: HashSet<Vec<u8>>,
    /// Why it ends; the client has it as its last line.
    failed: Option<Error>,
}

/// Answers with all pages.
///
/// # Errors
/// As the first page, or it is asked for what a stream has no place for.
pub(super) async fn lines(fhir: Arc<Fhir>, mut request: Request) -> Result<Answer> {
    let count = fhir.options.max_count.to_string();
    let refused = parameters(&mut request).and_then(|pairs| {
        let refused = pairs.iter().find(|(name, value)| {
            let name = name.split(':').next().unwrap_or_default();
            REFUSED.contains(&name) || (name == "_summary" && value == "count")
        });
        let refused = refused.map(|(name, _)| name.clone());
        pairs.push(("_count".to_owned(), count));
        refused
    });
    if let Some(name) = refused {
        // Who is nobody learns nothing.
        fhir.caller(&request).await?;
        return Err(Error::new(&error::PARAMETER_VALUE)
            .detail(format!(
                "{name} has no place in application/fhir+ndjson, which brings all matches and nothing else."
            ))
            .at(name));
    }
    // What is wrong with the search is told before anything is sent.
    let first = page(Arc::clone(&fhir), request.clone(), None).await?;
    let walk = Walk {
        fhir,
        request,
        span: Span::current(),
        first: Some(first),
        ahead: JoinSet::new(),
        beside: HashSet::new(),
        failed: None,
    };
    let pieces = Box::pin(stream::try_unfold(walk, Walk::step));
    Ok(Answer {
        personal: true,
        content: Some(Content { media: None, length: None, pieces }),
        ..Answer::default()
    })
}

fn parameters(request: &mut Request) -> Option<&mut Vec<(String, String)>> {
    match &mut request.interaction {
        Interaction::Search { pairs, .. } => Some(pairs),
        Interaction::Operation(call) => Some(&mut call.given.pairs),
        _ => None,
    }
}

impl Walk {
    async fn step(mut self) -> Result<Option<(Bytes, Self)>> {
        loop {
            if let Some(error) = self.failed.take() {
                // The last line goes out before the connection breaks off.
                tokio::task::yield_now().await;
                return Err(error);
            }
            let found = match self.first.take() {
                Some(found) => Ok(found),
                None => match self.ahead.join_next().await {
                    Some(joined) => {
                        joined.unwrap_or_else(|error| Err(Error::new(&error::INTERNAL).cause(error)))
                    }
                    None => return Ok(None),
                },
            };
            let lines = match found {
                Ok(found) => {
                    if let Some(link) = found.next {
                        self.begin(link);
                    }
                    let mut lines = found.matches;
                    for (own, line) in found.beside {
                        if self.beside.insert(own) {
                            lines.extend(line);
                        }
                    }
                    lines
                }
                Err(error) => {
                    let outcome = outcome::outcome(&[Issue::error(&error)], Some(&self.request.id));
                    self.failed = Some(error);
                    format!("{outcome}\n").into_bytes()
                }
            };
            // A piece without bytes could be taken for the end.
            if !lines.is_empty() {
                return Ok(Some((Bytes::from(lines), self)));
            }
        }
    }

    /// Begins to read a page. It ends with the stream.
    fn begin(&mut self, link: String) {
        let page = page(Arc::clone(&self.fhir), self.request.clone(), Some(link));
        self.ahead.spawn(self.request.trace.spent().on(page).instrument(self.span.clone()));
    }
}

/// The lines of a page, and where the next one is.
async fn page(fhir: Arc<Fhir>, request: Request, link: Option<String>) -> Result<Lines> {
    // Each page signs in anew.
    let mut request = Request { session: Session::default(), ..request };
    if let (Some(link), Some(pairs)) = (link, parameters(&mut request)) {
        pairs.push(("_page".to_owned(), link));
    }
    let answer = fhir.carry_out(request).await?;
    answer.lines.ok_or_else(|| Error::new(&error::INTERNAL).cause("a page is not of lines"))
}
