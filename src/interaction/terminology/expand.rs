//! `ValueSet/$expand`: <https://hl7.org/fhir/R4/valueset-operation-expand.html>. Large value sets come in slices: `total`
//! says how many codes there are, `offset` and `count` choose.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    asked,
    served::Served,
    system::{Concept, System},
};
use crate::{
    error::{self, Error, Result},
    fhir::codes,
    interaction::{
        Answer, Request,
        gateway::{Caller, Fhir},
        operation::Call,
        search,
    },
};

/// Codes of an expansion at most, and when nobody says how many.
const MOST: usize = 1000;

/// A value set that the caller may read.
pub(super) struct ValueSet<'a> {
    pub url: String,
    pub name: String,
    members: Members<'a>,
}

enum Members<'a> {
    /// All codes of these systems, or of parts of them.
    Systems(Vec<System<'a>>),
    /// These, as system and code.
    Codes(Vec<(&'static str, &'static str)>),
}

impl<'a> ValueSet<'a> {
    /// The value set that a call names, by its id or its URL.
    pub async fn of(fhir: &'a Fhir, request: &Request, caller: &Caller, call: &Call) -> Result<Self> {
        let served = match (&call.id, call.one("url")?) {
            (Some(id), None) => Served::of_id(fhir.kind("ValueSet")?, id)?,
            (Some(_), Some(_)) => return Err(call.wrong("url", "The ValueSet of the address is meant.")),
            (None, None) => {
                let detail = format!("${} needs the URL of a value set.", call.operation.name);
                return Err(call.wrong("url", &detail));
            }
            (None, Some(url)) => match Served::of_url(fhir, "ValueSet", url) {
                Some(served) => served,
                None => return Self::of_r4(url),
            },
        };
        served.guard(caller)?;
        let url = served.text("url").unwrap_or_default().to_owned();
        // What it includes can be rows of a table, so it is read.
        let included = search::included(fhir, request, &url).await?;
        let systems: Result<Vec<_>> = included
            .iter()
            .filter_map(|include| {
                let system = include["system"].as_str()?;
                Some(match &include["concept"] {
                    Value::Null => System::of_url(fhir, caller, system),
                    concepts => Ok(System::part(system, concepts)),
                })
            })
            .collect();
        let name = served.text("name").unwrap_or_default().to_owned();
        Ok(Self { url, name, members: Members::Systems(systems?) })
    }

    /// One that an element of R4 is bound to.
    fn of_r4(url: &str) -> Result<Self> {
        let listed = codes::listed(url).ok_or_else(|| Error::new(&error::SYSTEM_UNKNOWN))?;
        let plain = url.split_once('|').map_or(url, |(plain, _)| plain);
        let name = plain.rsplit('/').next().unwrap_or(plain).to_owned();
        Ok(Self { url: plain.to_owned(), name, members: Members::Codes(listed) })
    }

    /// A code in it. Without a system the value set must have the code of one system only.
    pub async fn find(
        &self,
        fhir: &Fhir,
        caller: &Caller,
        languages: &[String],
        system: Option<&str>,
        code: &str,
    ) -> Result<Option<Concept>> {
        match &self.members {
            Members::Codes(all) => {
                let same =
                    |(own, known): &&(&str, &str)| *known == code && system.is_none_or(|one| one == *own);
                let mut found = all.iter().filter(same);
                Ok(match (found.next(), found.next()) {
                    (Some(one), None) => Some(concept(*one)),
                    _ => None,
                })
            }
            Members::Systems(all) => {
                let mut known = Vec::new();
                for own in all.iter().filter(|own| system.is_none_or(|url| url == own.url)) {
                    known.extend(own.named(fhir, caller, languages, &[code.to_owned()]).await?);
                }
                Ok(if known.len() == 1 { known.pop() } else { None })
            }
        }
    }

    /// How many codes hold a text, and a slice of them with their systems.
    async fn slice(
        &self,
        fhir: &Fhir,
        caller: &Caller,
        languages: &[String],
        text: &str,
        (offset, limit): (usize, usize),
    ) -> Result<(usize, Vec<(String, Concept)>)> {
        let (mut total, mut slice) = (0, Vec::new());
        match &self.members {
            Members::Codes(all) => {
                let lower = text.to_lowercase();
                let holding = all.iter().map(|one| (one.0.to_owned(), concept(*one)));
                let holding: Vec<_> = holding.filter(|(_, concept)| concept.holds(&lower)).collect();
                total = holding.len();
                slice = holding.into_iter().skip(offset).take(limit).collect();
            }
            Members::Systems(all) => {
                for system in all {
                    let before = total;
                    total += system.count(fhir, caller, languages, text).await?;
                    let left = limit - slice.len();
                    if left > 0 && offset < total {
                        let from = offset.saturating_sub(before);
                        let found = system.slice(fhir, caller, languages, text, (from, left)).await?;
                        slice.extend(found.into_iter().map(|concept| (system.url.clone(), concept)));
                    }
                }
            }
        }
        Ok((total, slice))
    }
}

fn concept((system, code): (&str, &str)) -> Concept {
    Concept { code: code.to_owned(), display: codes::display(system, code).map(str::to_owned) }
}

/// The codes of a value set.
pub(in crate::interaction) async fn expand(
    fhir: &Fhir,
    request: &Request,
    caller: &Caller,
    call: &Call,
) -> Result<Answer> {
    let number = |name: &str| -> Result<Option<usize>> {
        let Some(value) = call.one(name)? else { return Ok(None) };
        let number: Option<u32> = value.parse().ok();
        number.map(|number| Some(number as usize)).ok_or_else(|| call.wrong(name, "Expected a whole number."))
    };
    let offset = number("offset")?.unwrap_or(0);
    let count = number("count")?.unwrap_or(MOST).min(MOST);
    let filter = call.one("filter")?.unwrap_or("");
    let languages = asked::languages(fhir, caller, call)?;
    let set = ValueSet::of(fhir, request, caller, call).await?;
    let (total, slice) = set.slice(fhir, caller, &languages, filter, (offset, count)).await?;
    let mut parameters = vec![json!({ "name": "offset", "valueInteger": offset })];
    // What was applied, so that a client sees that there is more.
    parameters.push(json!({ "name": "count", "valueInteger": count }));
    for name in ["filter", "displayLanguage"] {
        if let Some(value) = call.one(name)? {
            let element = if name == "filter" { "valueString" } else { "valueCode" };
            parameters.push(json!({ "name": name, element: value }));
        }
    }
    let mut expansion = json!({
        "timestamp": Timestamp::now().to_string(),
        "total": total,
        "offset": offset,
        "parameter": parameters,
    });
    let contains = slice.into_iter().map(|(system, concept)| {
        let mut contained = json!({ "system": system, "code": concept.code });
        if let Some(display) = concept.display {
            contained["display"] = display.into();
        }
        contained
    });
    let contains: Vec<Value> = contains.collect();
    if !contains.is_empty() {
        expansion["contains"] = contains.into();
    }
    let set = json!({
        "resourceType": "ValueSet",
        "url": set.url,
        "name": set.name,
        "status": "active",
        "expansion": expansion,
    });
    Ok(Answer { body: set.to_string().into_bytes(), personal: true, ..Answer::default() })
}
