//! `_include` and `_revinclude`: <https://hl7.org/fhir/R4/search.html#include>.
//!
//! What a page refers to is read in one statement for each level, what refers to it in two, whatever the number of
//! resources, types and parameters. The access predicates stand in these statements, before their limits.

use std::collections::BTreeMap;

use super::{
    page::{Found, Page, placed, rows_of, run},
    types::parts,
    understood::refuse,
};
use crate::{
    error::{self, Error, Kind, Result},
    mapping::{
        Compiled, Place,
        compiled::{Parameter, ResourceType},
        references,
    },
    plan::{self, Gaps, Part, Searched, Situation, Target},
    render::{self, Shape},
    search::{Filter, Include, SearchRequest, Subset},
    spans,
};

/// How often `:iterate` goes on from what was included.
const LEVELS: usize = 8;

/// An include that was checked.
pub(in crate::interaction) struct Directive<'a> {
    reverse: bool,
    iterate: bool,
    /// Type of the resources that refer; any when absent.
    kind: Option<&'a ResourceType>,
    /// Parameter by which they refer; all of them when absent.
    parameter: Option<&'a Parameter>,
    /// Type that they refer to; any when absent.
    target: Option<String>,
    /// Whether a parameter looks at them or not: what refers to these types.
    everywhere: Option<Vec<&'a str>>,
}

/// The includes of a search.
///
/// # Errors
/// A type or a parameter that is not offered, or that is closed to the caller.
pub(super) fn directives<'a>(
    situation: Situation<'a>,
    kinds: &[&'a ResourceType],
    wanted: &mut SearchRequest,
    lenient: bool,
    warnings: &mut Vec<Error>,
) -> Result<Vec<Directive<'a>>> {
    let mut all = Vec::new();
    for include in std::mem::take(&mut wanted.includes) {
        let found = match wanted.subset {
            // https://hl7.org/fhir/R4/search.html#summary
            Subset::Text => Err(Error::new(&error::PARAMETER_VALUE)
                .detail("_summary=text and included resources do not go together.")
                .at("_summary")),
            _ => directive(situation, kinds, &include).map_err(|error| error.at(include.key.clone())),
        };
        match found {
            Ok(directive) => all.push(directive),
            Err(error) => {
                wanted.applied.retain(|pair| *pair != (include.key.clone(), include.value.clone()));
                refuse(error, lenient, warnings)?;
            }
        }
    }
    Ok(all)
}

fn directive<'a>(
    situation: Situation<'a>,
    kinds: &[&'a ResourceType],
    include: &Include,
) -> Result<Directive<'a>> {
    let compiled = situation.compiled;
    let Include { reverse, iterate, target, .. } = include.clone();
    let wrong = |detail: String| Error::new(&error::PARAMETER_VALUE).detail(detail);
    let Some(name) = &include.kind else {
        return Ok(Directive { reverse, iterate, kind: None, parameter: None, target, everywhere: None });
    };
    let kind = compiled.types.get(name).filter(|kind| !kind.is_content());
    let kind = kind.ok_or_else(|| wrong("Expected a type that is served and searched.".to_owned()))?;
    let parameters: Vec<&Parameter> =
        kind.parameters.values().filter(|parameter| !compiled.targets(kind, parameter).is_empty()).collect();
    let names = || parameters.iter().map(|parameter| parameter.name.as_str()).collect::<Vec<_>>().join(", ");
    let parameter = match &include.parameter {
        None => None,
        Some(name) => {
            let found = parameters.iter().find(|parameter| parameter.name == *name);
            Some(*found.ok_or_else(|| wrong(format!("{} refers by: {}.", kind.name, names())))?)
        }
    };
    let mut targets: Vec<&str> = Vec::new();
    for one in parameters.iter().filter(|one| parameter.is_none_or(|parameter| parameter.name == one.name)) {
        targets.extend(compiled.targets(kind, one));
    }
    if let Some(target) = &target {
        if !targets.contains(&target.as_str()) {
            targets.sort_unstable();
            targets.dedup();
            return Err(wrong(format!("It refers to: {}.", targets.join(", "))));
        }
        targets.retain(|known| known == target);
    }
    if !iterate {
        let searched: Vec<&str> = kinds.iter().map(|kind| kind.name.as_str()).collect();
        if !reverse && !searched.contains(&kind.name.as_str()) {
            return Err(wrong(format!(
                "The search is not for {}; :iterate includes from included resources.",
                kind.name
            )));
        }
        if reverse && !targets.iter().any(|target| searched.contains(target)) {
            return Err(wrong(format!("{} does not refer to what the search is for by it.", kind.name)));
        }
    }
    // What is closed is refused when it is named, and left out of what is not.
    if let Some(parameter) = parameter {
        allowed(situation, kind, parameter)?;
        if !reverse && !targets.iter().any(|target| is_open(situation, target)) {
            return Err(Error::new(&error::MODEL_FORBIDDEN));
        }
    } else if reverse && !is_open(situation, &kind.name) {
        return Err(Error::new(&error::MODEL_FORBIDDEN));
    }
    Ok(Directive { reverse, iterate, kind: Some(kind), parameter, target, everywhere: None })
}

/// The type is open to the caller.
fn is_open(situation: Situation<'_>, name: &str) -> bool {
    situation.compiled.types.get(name).is_some_and(|kind| counted(situation, kind, &[]).is_ok())
}

/// The caller may search by a parameter.
fn allowed(situation: Situation<'_>, kind: &ResourceType, parameter: &Parameter) -> Result<()> {
    let filters = [refers(parameter, vec!["1".to_owned()])];
    counted(situation, kind, &filters)
}

/// The caller may search a type with these filters.
fn counted(situation: Situation<'_>, kind: &ResourceType, filters: &[Filter]) -> Result<()> {
    plan::count(situation, Searched::named(&[Part { kind, filters, first: 0 }])).map(drop)
}

fn refers(parameter: &Parameter, values: Vec<String>) -> Filter {
    Filter { key: parameter.name.clone(), name: parameter.name.clone(), values, ..Filter::default() }
}

impl<'a> Directive<'a> {
    /// What resources refer to at any place, of these types.
    pub(in crate::interaction) fn everywhere(types: Vec<&'a str>) -> Self {
        let everywhere = Some(types);
        Self { reverse: false, iterate: false, kind: None, parameter: None, target: None, everywhere }
    }

    fn fits(&self, kind: &ResourceType, parameter: &Parameter) -> bool {
        self.kind.is_none_or(|known| known.name == kind.name)
            && self.parameter.is_none_or(|known| known.name == parameter.name)
    }

    /// What a resource refers to, as far as it is included.
    pub(super) fn references(
        directives: &[&Self],
        compiled: &'a Compiled,
        place: Place<'a>,
        shape: &Shape,
        record: &[u8],
    ) -> Option<Vec<(Place<'a>, i32)>> {
        let Place { kind, source, emit } = place;
        let origin = &kind.sources[source];
        let mut all: Vec<(Place<'a>, i32)> = Vec::new();
        for directive in directives.iter().filter(|directive| !directive.reverse) {
            let parameters = kind.parameters.values().filter(|parameter| directive.fits(kind, parameter));
            let spots: Vec<_> = parameters
                .filter(|parameter| references(kind, parameter).next().is_some())
                .flat_map(|parameter| &parameter.places[source][emit])
                .collect();
            let spots = directive.everywhere.is_none().then_some(spots.as_slice());
            if spots.is_some_and(<[_]>::is_empty) {
                continue;
            }
            let body = &origin.emits[emit].body;
            for (reference, id) in render::references(&origin.row, shape, body, spots, record).ok()? {
                let target = compiled.target(reference);
                let wanted = |target: &Place<'_>| {
                    let name = target.kind.name.as_str();
                    directive.target.as_ref().is_none_or(|target| target == name)
                        && directive.everywhere.as_ref().is_none_or(|targets| targets.contains(&name))
                };
                all.extend(target.filter(wanted).map(|target| (target, id)));
            }
        }
        Some(all)
    }
}

/// Adds to a page what is included.
pub(super) async fn include<'a>(
    page: &mut Page<'a>,
    directives: &[Directive<'a>],
    matches: Vec<Found<'a>>,
    warnings: &mut Vec<Error>,
    closed: &mut Vec<String>,
) -> Result<()> {
    let (fhir, situation) = (page.fhir, page.situation);
    let mut room = fhir.options.max_included;
    let mut cut = false;
    let mut found = matches;
    for level in 0..=LEVELS {
        let active: Vec<&Directive<'a>> =
            directives.iter().filter(|directive| level == 0 || directive.iterate).collect();
        let again: Vec<&Directive<'a>> = directives.iter().filter(|directive| directive.iterate).collect();
        if active.is_empty() || found.is_empty() {
            break;
        }
        let forward = referred(page, &found, closed);
        let (filters, backward) = referring(situation, &active, &found, closed)?;
        if level == LEVELS {
            cut |= !forward.is_empty() || !backward.is_empty();
            break;
        }
        let mut new = Vec::new();
        if !forward.is_empty() {
            let (hits, more) = rows_of(fhir, situation, &forward, room).await?;
            cut |= more;
            new.extend(spans::timed("render", || page.included(&hits, &again)));
        }
        room = room.saturating_sub(u32::try_from(new.len()).unwrap_or(u32::MAX));
        if !backward.is_empty() {
            let parts = parts(&backward, filters.iter().map(std::slice::from_ref));
            let plan = spans::timed("plan", || {
                plan::positions(situation, Searched::named(&parts), &[], None, room)
            })?;
            let rows = run(fhir, &plan, "positions of included resources", &Gaps::new()).await?;
            cut |= rows.len() > room as usize;
            let numbered: Vec<_> =
                backward.iter().zip(&parts).map(|(kind, part)| (*kind, part.first)).collect();
            let mut positions = Vec::new();
            for row in rows.iter().take(room as usize) {
                let (place, record, _) = placed(&numbered, row)?;
                if !page.has(place, record) {
                    positions.push((place, record));
                }
            }
            let (hits, _) = rows_of(fhir, situation, &positions, room).await?;
            let more = spans::timed("render", || page.included(&hits, &again));
            room = room.saturating_sub(u32::try_from(more.len()).unwrap_or(u32::MAX));
            new.extend(more);
        }
        found = new;
    }
    if cut {
        let detail = format!("At most {} are included on a page.", fhir.options.max_included);
        warnings.push(Error::new(&error::INCLUDE_LIMIT).detail(detail));
    }
    Ok(())
}

/// What resources refer to and what is not on the page yet.
fn referred<'a>(page: &Page<'a>, found: &[Found<'a>], closed: &mut Vec<String>) -> Vec<(Place<'a>, i32)> {
    let mut all: BTreeMap<(&str, usize, usize, i32), Place<'a>> = BTreeMap::new();
    let mut open: BTreeMap<&str, bool> = BTreeMap::new();
    for (place, record) in found.iter().flat_map(|one| one.refers.iter().copied()) {
        let name = place.kind.name.as_str();
        if !*open.entry(name).or_insert_with(|| is_open(page.situation, name)) {
            note(closed, name);
        } else if !page.has(place, record) {
            all.insert((&place.kind.name, place.source, place.emit, record), place);
        }
    }
    all.into_iter().map(|((.., record), place)| (place, record)).collect()
}

fn note(closed: &mut Vec<String>, name: &str) {
    if !closed.iter().any(|known| known == name) {
        closed.push(name.to_owned());
    }
}

/// Types whose resources may refer to these, and the condition that they do.
fn referring<'a>(
    situation: Situation<'a>,
    directives: &[&Directive<'a>],
    found: &[Found<'a>],
    closed: &mut Vec<String>,
) -> Result<(Vec<Filter>, Vec<&'a ResourceType>)> {
    if !directives.iter().any(|directive| directive.reverse) {
        return Ok((Vec::new(), Vec::new()));
    }
    let mut values: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for Found { place: Place { kind, source, emit }, record, .. } in found {
        let id = plan::format_id(kind, Target { source: *source, emit: *emit, record: *record });
        values.entry(&kind.name).or_default().push(format!("{}/{id}", kind.name));
    }
    let (mut filters, mut kinds) = (Vec::new(), Vec::new());
    for kind in situation.compiled.types.values().filter(|kind| !kind.is_content()) {
        let mut any = Vec::new();
        for parameter in kind.parameters.values() {
            let targets = situation.compiled.targets(kind, parameter);
            let of = |name: &&str| {
                directives.iter().any(|directive| {
                    directive.reverse
                        && directive.fits(kind, parameter)
                        && directive.target.as_ref().is_none_or(|target| target == name)
                })
            };
            let wanted: Vec<String> = targets
                .into_iter()
                .filter(of)
                .flat_map(|name| values.get(name).cloned().unwrap_or_default())
                .collect();
            if wanted.is_empty() {
                continue;
            }
            match allowed(situation, kind, parameter) {
                Ok(()) => any.push(refers(parameter, wanted)),
                // Named ones were refused before.
                Err(error) if error.kind() == Kind::Forbidden => note(closed, &kind.name),
                Err(error) => return Err(error),
            }
        }
        if !any.is_empty() {
            filters.push(Filter { any, ..Filter::default() });
            kinds.push(kind);
        }
    }
    Ok((filters, kinds))
}
