//! `Observation/$lastn`: <https://hl7.org/fhir/R4/observation-operation-lastn.html>. The latest observations of each code,
//! in one statement: PostgreSQL numbers those of a code by their date.

use super::{
    Answer, Request,
    gateway::Fhir,
    operation::Call,
    plans::{Search, What},
    search,
};
use crate::{
    error::{self, Error, Result},
    fhir::bundle,
    plan::{Part, Searched},
    search::SortKey,
    spans,
};

/// Observations of each code at most.
const EACH: u32 = 100;
/// Observations in all at most; the operation has no pages.
const ALL: u32 = 1000;

/// The latest observations of each code.
pub(super) async fn lastn(fhir: &Fhir, request: &Request, call: &Call) -> Result<Answer> {
    let caller = fhir.caller(request).await?;
    let kind = fhir.kind("Observation")?;
    let newest = match call.one("max")? {
        None => 1,
        Some(text) => match text.parse() {
            Ok(number @ 1..=EACH) => number,
            _ => return Err(call.wrong("max", &format!("Expected a whole number from 1 to {EACH}."))),
        },
    };
    let pairs = &call.given.pairs;
    let asked: Vec<_> = pairs.iter().filter(|(name, _)| name != "max").cloned().collect();
    if !asked.iter().any(|(name, _)| name == "patient" || name == "subject") {
        return Err(call.wrong("patient", "$lastn needs a patient or subject."));
    }
    let situation = caller.situation(fhir, &request.base);
    let (mut wanted, _) = search::understood(situation, &[kind], &asked, false)?;
    if let Some(include) = wanted.includes.first() {
        return Err(call.wrong(&include.key, "$lastn includes nothing."));
    }
    let key = |name: &str, descending| SortKey { name: name.to_owned(), descending };
    wanted.sort = vec![key("code", false), key("date", true)];
    let part = Part { kind, filters: &wanted.filters, first: 0 };
    let searched = Searched::named(std::slice::from_ref(&part));
    let search =
        Search { what: What::Newest(newest), searched, sort: &wanted.sort, cursor: None, limit: ALL };
    let plan = fhir.plans.search(situation, search)?;
    let found = search::matches(fhir, kind, plan, None, ALL).await?;
    if found.more {
        return Err(Error::new(&error::PARAMETER_LIMIT)
            .detail(format!("More than {ALL} observations; ask for some categories or codes.")));
    }
    let mut page = search::Page::new(
        fhir,
        request,
        situation,
        "Observation/$lastn",
        bundle::Kind::Searchset,
        &wanted.subset,
    );
    page.bundle.link("self", pairs, None);
    let nothing = spans::timed("render", || page.matches(&found, &[])).is_empty();
    let left_out = page.leave_out(&found.closed, nothing);
    page.warn(left_out.as_slice());
    Ok(Answer { body: page.bundle.finish(), personal: true, ..Answer::default() })
}
