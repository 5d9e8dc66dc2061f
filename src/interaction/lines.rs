//! A search, or an operation that answers with pages, as a stream of lines with one resource in each:
//! <https://hl7.org/fhir/R4/nd-json.html>.
//!
//! All matches come, in the order of the search, page after page: a page is asked for when the client has taken the one before,
//! so no more than one is held in memory, and a client that goes away ends it. Each page is the page of a search, under the rights
//! that hold when it is read. What ends the stream early is its last line, and the connection breaks off.

use std::{collections::HashSet, sync::Arc};

use bytes::Bytes;
use futures_util::stream;

use super::{Answer, Content, Interaction, Request, Session, gateway::Fhir};
use crate::{
    error::{self, Error, Result},
    fhir::outcome::{self, Issue},
};

/// What a stream has no place for: it has no pages and no Bundle, and does not say why a resource is in it.
const REFUSED: [&str; 6] = ["_count", "_page", "_total", "_include", "_revinclude", "_explain"];

/// A search on its way, and where it is.
struct Walk {
    fhir: Arc<Fhir>,
    request: Request,
    /// Lines that are not sent yet.
    lines: Option<Bytes>,
    /// The paging link of the next page.
    next: Option<String>,
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
    let mut walk = Walk { fhir, request, lines: None, next: None, beside: HashSet::new(), failed: None };
    // What is wrong with the search is told before anything is sent.
    walk.lines = Some(walk.page(None).await?);
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
        if let Some(error) = self.failed.take() {
            // The last line goes out before the connection breaks off.
            tokio::task::yield_now().await;
            return Err(error);
        }
        let lines = match (self.lines.take(), self.next.take()) {
            (Some(lines), next) => {
                self.next = next;
                lines
            }
            (None, None) => return Ok(None),
            (None, Some(page)) => match self.page(Some(page)).await {
                Ok(lines) => lines,
                Err(error) => {
                    let outcome = outcome::outcome(&[Issue::error(&error)], Some(&self.request.id));
                    self.failed = Some(error);
                    Bytes::from(format!("{outcome}\n"))
                }
            },
        };
        Ok(Some((lines, self)))
    }

    /// The lines of a page; notes where the next one is.
    async fn page(&mut self, page: Option<String>) -> Result<Bytes> {
        // Each page signs in anew.
        let mut request = Request { session: Session::default(), ..self.request.clone() };
        if let (Some(page), Some(pairs)) = (page, parameters(&mut request)) {
            pairs.push(("_page".to_owned(), page));
        }
        let answer = self.fhir.carry_out(request).await?;
        let found =
            answer.lines.ok_or_else(|| Error::new(&error::INTERNAL).cause("a page is not of lines"))?;
        let mut lines = found.matches;
        for (own, line) in found.beside {
            if self.beside.insert(own) {
                lines.extend(line);
            }
        }
        self.next = found.next;
        Ok(Bytes::from(lines))
    }
}
