//! Search: <https://hl7.org/fhir/R4/http.html#search>.

use jiff::Timestamp;

use super::{Answer, Request, gateway::Fhir, page_link::Binding};
use crate::{
    error::{self, Error, Kind, Result},
    fhir::{
        bundle::Bundle,
        outcome::{self, Issue},
        structure,
    },
    mapping::compiled::ResourceType,
    plan::{self, Cursor, Direction, PagePlan, Situation, Target},
    render::{Renderer, Site},
    search::{self, Filter, SearchRequest, Subset, Total},
    store::{Class, Row},
};

/// Searches one type.
pub(super) async fn search(
    fhir: &Fhir,
    request: &Request,
    kind: &str,
    patient: Option<&str>,
    pairs: &[(String, String)],
) -> Result<Answer> {
    let caller = fhir.caller(request).await?;
    let kind = fhir.kind(kind)?;
    if kind.is_content() {
        return Err(Error::new(&error::INTERACTION_UNSUPPORTED)
            .detail(format!("{} is read by its id.", kind.name))
            .allow("OPTIONS"));
    }
    let now = Timestamp::now();
    let situation = Situation {
        compiled: &fhir.compiled,
        permit: &caller.permit,
        languages: &caller.languages,
        zone: &caller.zone,
        now,
        base: &request.base,
    };
    let (mut wanted, ignored) = understood(situation, kind, pairs, request.lenient)?;
    let mut place = kind.name.clone();
    if let Some(patient) = patient {
        place = format!("Patient/{patient}/{place}");
        let offered = |name: &str| kind.parameters.contains_key(name);
        let compartment = Filter::compartment(&kind.name, patient, offered).ok_or_else(|| {
            Error::new(&error::INTERACTION_UNSUPPORTED)
                .detail(format!("{} is not in the compartment of a patient.", kind.name))
                .allow("OPTIONS")
        })?;
        // What is no id points to nothing, like the id of a patient that does not exist.
        plan::check(situation, kind, &compartment).map_err(|_| Error::new(&error::RESOURCE_UNKNOWN))?;
        wanted.filters.push(compartment);
    }
    let count = wanted.count.map(|count| count.min(fhir.options.max_count));
    if let Some(count) = count {
        // The self link shows the count that was applied.
        for (_, value) in wanted.applied.iter_mut().filter(|(key, _)| key == "_count") {
            *value = count.to_string();
        }
    }
    let binding = Binding {
        user: caller.user,
        place: &place,
        pairs: &wanted.applied,
        mapping: fhir.compiled.fingerprint,
    };
    let mut bundle = Bundle::searchset(
        &format!("{}/{place}", request.base),
        &format!("{}/{}", request.base, kind.name),
        now,
    );
    bundle.link("self", &wanted.applied, wanted.page.as_deref());
    if wanted.total != Total::None || count == Some(0) {
        let statement = plan::count(situation, kind, &wanted)?;
        let rows = fhir.store.rows(Class::Request, &statement).await?;
        let total: i64 = rows.first().map_or(Ok(0), |row| row.column(0))?;
        bundle.total(total);
    }
    if wanted.total != Total::Only && count != Some(0) {
        let limit = count.unwrap_or(fhir.options.default_count);
        let cursor = wanted.page.as_deref().map(|link| fhir.links.open(link, binding, now)).transpose()?;
        let plan = plan::page(situation, kind, &wanted, cursor.as_ref(), limit)?;
        let mut rows = fhir.store.rows(Class::Request, &plan.statement).await?;
        let more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let backwards = cursor.as_ref().is_some_and(|cursor| cursor.direction == Direction::Previous);
        if backwards {
            rows.reverse();
        }
        let links = [
            ("previous", rows.first(), Direction::Previous, if backwards { more } else { cursor.is_some() }),
            ("next", rows.last(), Direction::Next, backwards || more),
        ];
        for (name, row, direction, there) in links {
            if let (Some(row), true) = (row, there) {
                let sealed = fhir.links.seal(&position(row, plan.keys, direction)?, binding, now)?;
                bundle.link(name, &wanted.applied, Some(&sealed));
            }
        }
        let site = Site { zone: caller.zone.clone(), narrative: fhir.options.narrative };
        for row in &rows {
            entry(&mut bundle, kind, &plan, row, &site, &wanted.subset, &request.id)?;
        }
    }
    if !ignored.is_empty() {
        bundle.outcome(&outcome_of(&ignored, &request.id));
    }
    Ok(Answer { body: bundle.finish(), personal: true, ..Answer::default() })
}

/// The search as far as it is understood, and with lenient handling what was not.
pub(super) fn understood(
    situation: Situation<'_>,
    kind: &ResourceType,
    pairs: &[(String, String)],
    lenient: bool,
) -> Result<(SearchRequest, Vec<Error>)> {
    let (mut wanted, faults) = search::parse(pairs);
    let mut ignored: Vec<Error> = Vec::new();
    for fault in faults {
        refuse(fault.error, lenient, &mut ignored)?;
    }
    if let Err(error) = known_elements(kind, &wanted.subset) {
        wanted.subset = Subset::All;
        wanted.applied.retain(|(key, _)| key != "_elements");
        refuse(error, lenient, &mut ignored)?;
    }
    let filters = std::mem::take(&mut wanted.filters);
    for filter in filters {
        match plan::check(situation, kind, &filter) {
            Ok(()) => wanted.filters.push(filter),
            Err(error) => {
                wanted.applied.retain(|(key, _)| *key != filter.key);
                refuse(error, lenient, &mut ignored)?;
            }
        }
    }
    let sort = std::mem::take(&mut wanted.sort);
    for key in sort {
        match plan::sort_kind(kind, &key.name) {
            Ok(_) => wanted.sort.push(key),
            Err(error) => {
                wanted.applied.retain(|(name, _)| name != "_sort");
                refuse(error, lenient, &mut ignored)?;
            }
        }
    }
    Ok((wanted, ignored))
}

/// `_elements` names elements of the type.
pub(super) fn known_elements(kind: &ResourceType, subset: &Subset) -> Result<()> {
    let Subset::Elements(names) = subset else { return Ok(()) };
    let known = |name: &str| {
        name == "resourceType"
            || structure::children(&kind.name).any(|element| element.name == name)
            || structure::element(&kind.name, name).is_some()
    };
    match names.iter().find(|name| !known(name)) {
        None => Ok(()),
        Some(_) => Err(Error::new(&error::PARAMETER_VALUE)
            .detail(format!("Expected names of elements of {}.", kind.name))
            .at("_elements")),
    }
}

fn outcome_of(errors: &[Error], request: &str) -> Vec<u8> {
    let issues: Vec<_> = errors.iter().map(Issue::warning).collect();
    outcome::outcome(&issues, Some(request)).to_string().into_bytes()
}

/// Lenient handling ignores parameters that cannot be read or are not offered; nothing else.
fn refuse(error: Error, lenient: bool, ignored: &mut Vec<Error>) -> Result<()> {
    let limit = std::ptr::eq(error.entry(), &error::PARAMETER_LIMIT);
    if lenient && error.kind() == Kind::Invalid && !limit {
        ignored.push(error);
        return Ok(());
    }
    Err(error)
}

fn position(row: &Row, keys: usize, direction: Direction) -> Result<Cursor> {
    let values: Result<Vec<Option<String>>> = (0..keys).map(|index| row.column(3 + index)).collect();
    Ok(Cursor {
        keys: values?,
        source: row.column(0)?,
        record: row.column(1)?,
        emit: row.column(2)?,
        direction,
    })
}

pub(super) fn entry(
    bundle: &mut Bundle,
    kind: &ResourceType,
    plan: &PagePlan,
    row: &Row,
    site: &Site,
    subset: &Subset,
    request: &str,
) -> Result<()> {
    let defect = || Error::new(&error::INTERNAL).cause("a page has a row of no source");
    let index = |column: usize| -> Result<usize> {
        row.column::<i32>(column).and_then(|number| usize::try_from(number).map_err(|_| defect()))
    };
    let target = Target { source: index(0)?, emit: index(2)?, record: row.column(1)? };
    let source = kind.sources.get(target.source).ok_or_else(defect)?;
    let emit = source.emits.get(target.emit).ok_or_else(defect)?;
    let id = plan::format_id(kind, target);
    let record = row.raw(3 + plan.keys)?.ok_or_else(defect)?;
    let renderer = Renderer {
        site,
        row: &source.row,
        shape: &plan.shapes[target.source],
        profiles: &emit.profiles,
        subset,
    };
    let written = bundle.entry(&id, "match", |out| renderer.resource(out, &emit.body, &id, record).is_ok());
    if !written {
        tracing::error!(
            kind = kind.name,
            "a record cannot be mapped: its row has not the form that was planned"
        );
        let error = Error::new(&error::RECORD_UNMAPPABLE).detail(format!("{}/{id}", kind.name));
        bundle.outcome(&outcome_of(&[error], request));
    }
    Ok(())
}
