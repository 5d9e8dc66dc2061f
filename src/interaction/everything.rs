//! `Patient/[id]/$everything`: <https://hl7.org/fhir/R4/patient-operation-everything.html>. The compartment of the patient,
//! type by type, and on each page what its resources refer to outside of it.
//!
//! A page is made of searches: at most one for each type, whatever the number of rows, after the question whether the caller
//! may see the patient at all. Each has the rights of the caller, so
//! nothing is here that a search would not give.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{Answer, Request, gateway::Fhir, operation::Call, page_link, search};
use crate::{
    error::{self, Error, Result},
    fhir::{bundle, outcome},
    mapping::compiled::ResourceType,
};

/// Resources of a type that one search finds by their ids.
const IDS: usize = 400;
/// When care took place, where a type says so by one of these parameters.
const DATES: [&str; 2] = ["date", "authoredon"];

/// Where a page starts: a type, and the position in its search with the count that this search has.
struct Start<'a> {
    kind: &'a str,
    position: Option<(u32, &'a str)>,
}

impl<'a> Start<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let mut parts = text.splitn(3, '.');
        let kind = parts.next()?;
        let position = match (parts.next(), parts.next()) {
            (None, None) => None,
            (Some(count), Some(position)) => Some((count.parse().ok()?, position)),
            _ => return None,
        };
        Some(Self { kind, position })
    }
}

/// What a page is made of.
struct Page<'a> {
    fhir: &'a Fhir,
    request: &'a Request,
    patient: &'a str,
    /// Of the matches of every type.
    filters: Vec<(String, String)>,
    dates: Vec<String>,
    entries: Vec<Value>,
    /// Types that are closed to the caller.
    closed: Vec<&'a str>,
}

/// Everything about a patient that the caller may read.
pub(super) async fn everything(fhir: &Fhir, request: &Request, call: &Call) -> Result<Answer> {
    let patient = call.id.as_deref().ok_or_else(|| call.wrong("patient", "Expected the id of a patient."))?;
    let count = match call.one("_count")? {
        None => fhir.options.default_count,
        Some(text) => match text.parse::<u32>() {
            Ok(count @ 1..) => count.min(fhir.options.max_count),
            _ => return Err(call.wrong("_count", "Expected a whole number from 1 on.")),
        },
    };
    fhir.must_see(&fhir.caller(request).await?, "Patient", patient).await?;
    let wanted = types(fhir, call)?;
    let all: Vec<&ResourceType> = compartment(fhir).filter(|kind| wanted.has(&kind.name)).collect();
    let foreign = || Error::new(&error::PAGE_FOREIGN).at("_page");
    let (mut next, mut position) = (0, None);
    if let Some(text) = call.one("_page")? {
        let start = Start::read(text).ok_or_else(foreign)?;
        next = all.iter().position(|kind| kind.name == start.kind).ok_or_else(foreign)?;
        position = start.position;
    }
    let mut page = Page::new(fhir, request, call, patient)?;
    let mut following = None;
    while let Some(kind) = all.get(next) {
        let left = count.saturating_sub(u32::try_from(page.entries.len()).unwrap_or(u32::MAX));
        if left == 0 {
            following = Some(kind.name.clone());
            break;
        }
        let (count, from) = match position.take() {
            Some((count, from)) => (count, Some(from)),
            None => (left, None),
        };
        if let Some(rest) = page.matches(kind, count, from).await? {
            following = Some(format!("{}.{count}.{rest}", kind.name));
            break;
        }
        next += 1;
    }
    let inside: BTreeSet<&str> = compartment(fhir).map(|kind| kind.name.as_str()).collect();
    page.referred(&inside, &wanted).await?;
    Ok(page.finish(call, following.as_deref()))
}

/// The types of `_type`; all when it is not given.
struct Types(Option<Vec<String>>);

impl Types {
    fn has(&self, name: &str) -> bool {
        self.0.as_ref().is_none_or(|names| names.iter().any(|own| own == name))
    }
}

fn types(fhir: &Fhir, call: &Call) -> Result<Types> {
    let names: Vec<String> =
        call.all("_type").flat_map(|text| text.split(',')).map(|name| name.trim().to_owned()).collect();
    if let Some(unknown) = names.iter().find(|name| !fhir.compiled.types.contains_key(*name)) {
        let shown: String =
            unknown.chars().take(40).filter(|character| character.is_alphanumeric()).collect();
        return Err(call.wrong("_type", &format!("{shown} is not served.")));
    }
    Ok(Types((!names.is_empty()).then_some(names)))
}

/// The types that belong to a patient: the patient first, then by their names.
fn compartment(fhir: &Fhir) -> impl Iterator<Item = &ResourceType> {
    let belongs = |kind: &&ResourceType| {
        !kind.is_content() && search::membership(&fhir.compiled, kind, "Patient", "1").is_some()
    };
    let first = fhir.compiled.types.get("Patient").into_iter();
    first.chain(fhir.compiled.types.values().filter(|kind| kind.name != "Patient").filter(belongs))
}

impl<'a> Page<'a> {
    fn new(fhir: &'a Fhir, request: &'a Request, call: &Call, patient: &'a str) -> Result<Self> {
        let mut page = Self {
            fhir,
            request,
            patient,
            filters: Vec::new(),
            dates: Vec::new(),
            entries: Vec::new(),
            closed: Vec::new(),
        };
        if let Some(since) = call.one("_since")? {
            page.filters.push(("_lastUpdated".to_owned(), format!("ge{since}")));
        }
        for (name, prefix) in [("start", "ge"), ("end", "le")] {
            if let Some(day) = call.one(name)? {
                page.dates.push(format!("{prefix}{day}"));
            }
        }
        Ok(page)
    }

    /// Adds resources of a type in the compartment; the position behind them when there are more.
    async fn matches(
        &mut self,
        kind: &'a ResourceType,
        count: u32,
        from: Option<&str>,
    ) -> Result<Option<String>> {
        let mut pairs = self.filters.clone();
        if let Some(date) = DATES.into_iter().find(|name| kind.parameters.contains_key(*name)) {
            pairs.extend(self.dates.iter().map(|value| (date.to_owned(), value.clone())));
        }
        pairs.push(("_count".to_owned(), count.to_string()));
        if let Some(from) = from {
            pairs.push(("_page".to_owned(), from.to_owned()));
        }
        let compartment = Some(("Patient", self.patient));
        let place = search::Place { kind: Some(&kind.name), compartment, seen: true };
        let found = search::search(self.fhir, self.request, place, &pairs).await;
        let Some(mut found) = self.open(&kind.name, found)? else { return Ok(None) };
        self.entries.append(&mut taken(&mut found));
        Ok(page_link::next(&found))
    }

    /// Adds what the resources of the page refer to outside of the compartment.
    async fn referred(&mut self, inside: &BTreeSet<&str>, wanted: &Types) -> Result<()> {
        let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for entry in &self.entries {
            references(&entry["resource"], &mut |kind, id| {
                if !inside.contains(kind) && wanted.has(kind) {
                    all.entry(kind.to_owned()).or_default().insert(id.to_owned());
                }
            });
        }
        let fhir = self.fhir;
        for (name, ids) in &all {
            let Some(kind) = fhir.compiled.types.get(name).filter(|kind| !kind.is_content()) else {
                continue;
            };
            let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            for ids in ids.chunks(IDS.min(fhir.options.max_count as usize)) {
                let pairs = [("_id", ids.join(",")), ("_count", ids.len().to_string())];
                let pairs = pairs.map(|(name, value)| (name.to_owned(), value));
                let found = search::search(fhir, self.request, search::Place::of(name), &pairs).await;
                let Some(mut found) = self.open(&kind.name, found)? else { break };
                for mut entry in taken(&mut found) {
                    if entry["search"]["mode"] == "match" {
                        entry["search"]["mode"] = "include".into();
                    }
                    self.entries.push(entry);
                }
            }
        }
        Ok(())
    }

    /// What a search found; none, and noted, when its type or what it needs is closed to the caller.
    fn open(&mut self, kind: &'a str, found: Result<Answer>) -> Result<Option<Value>> {
        match found {
            Ok(answer) => answer.resource().map(Some),
            Err(error) if error.kind() == error::Kind::Forbidden => {
                self.closed.push(kind);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn finish(mut self, call: &Call, following: Option<&str>) -> Answer {
        let place = format!("{}/Patient/{}/$everything", self.request.base, self.patient);
        let link = |relation: &str, page: Option<&str>| {
            let given = call.given.pairs.iter().filter(|(name, _)| name != "_page");
            let pairs = given.map(|(name, value)| (name.as_str(), value.as_str()));
            json!({ "relation": relation, "url": bundle::address(&place, pairs, page) })
        };
        let own = call.all("_page").next();
        let mut links = vec![link("self", own)];
        links.extend(following.map(|page| link("next", Some(page))));
        if !self.closed.is_empty() {
            let text = format!("Closed to you, so left out: {}.", self.closed.join(", "));
            let issue = outcome::issue("information", "suppressed", &text, None);
            let outcome = json!({ "resourceType": "OperationOutcome", "issue": [issue] });
            self.entries.push(json!({ "resource": outcome, "search": { "mode": "outcome" } }));
        }
        let mut answer = json!({ "resourceType": "Bundle", "type": "searchset", "link": links });
        if !self.entries.is_empty() {
            answer["entry"] = self.entries.into();
        }
        Answer { body: answer.to_string().into_bytes(), personal: true, ..Answer::default() }
    }
}

fn taken(bundle: &mut Value) -> Vec<Value> {
    match bundle["entry"].take() {
        Value::Array(entries) => entries,
        _ => Vec::new(),
    }
}

/// Types and ids of all relative references in a resource.
fn references<'v>(value: &'v Value, found: &mut impl FnMut(&'v str, &'v str)) {
    match value {
        Value::Object(members) => {
            if let Some((kind, id)) =
                members.get("reference").and_then(Value::as_str).and_then(|text| text.split_once('/'))
                && !id.contains('/')
            {
                found(kind, id);
            }
            members.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Start, references};

    #[test]
    fn a_page_starts_at_a_type_or_inside_of_it() {
        assert!(Start::read("Observation").is_some_and(|start| start.position.is_none()));
        let start = Start::read("Observation.7.abc.d").unwrap();
        assert_eq!((start.kind, start.position), ("Observation", Some((7, "abc.d"))));
        assert!(Start::read("Observation.x.abc").is_none() && Start::read("Observation.7").is_none());
    }

    #[test]
    fn references_are_found_wherever_they_stand() {
        let resource = json!({ "subject": { "reference": "Patient/1" }, "performer": [
            { "actor": { "reference": "Practitioner/7" } }, { "reference": "http://e.org/Patient/2" }, { "reference": "#a" } ] });
        let mut found = Vec::new();
        references(&resource, &mut |kind, id| found.push((kind, id)));
        assert_eq!(found, [("Patient", "1"), ("Practitioner", "7")]);
    }
}
