//! Which types a search covers.

use super::{super::gateway::served, Place};
use crate::{
    error::{self, Error, Result},
    mapping::{Compiled, compiled::ResourceType},
    plan::{self, Part, Situation},
    search::{Filter, compartment},
};

/// The types of a search.
pub(in crate::interaction) struct Types<'a> {
    /// The types.
    pub(super) kinds: Vec<&'a ResourceType>,
    /// The client named them: one that is closed is refused, not left out.
    pub(in crate::interaction) named: bool,
    /// `_type`, for the links.
    pub(super) applied: Vec<(String, String)>,
    /// The other parameters.
    pub(super) pairs: Vec<(String, String)>,
}

impl<'a> Types<'a> {
    /// The types that a place and `_type` name (<https://hl7.org/fhir/R4/search.html#searching>).
    ///
    /// # Errors
    /// A type that is not served, that is not searched, or that is not in the compartment.
    pub(super) fn of(compiled: &'a Compiled, place: Place<'_>, pairs: &[(String, String)]) -> Result<Self> {
        let is_in = |kind: &ResourceType| {
            place.compartment.is_none_or(|(of, id)| membership(compiled, kind, of, Some(id)).is_some())
        };
        if let Some((of, _)) = place.compartment
            && !compartment::is_one(of)
        {
            return Err(unsupported(format!("{of} has no compartment.")));
        }
        let outside = |kind: &ResourceType| {
            let of = place.compartment.map_or("", |(of, _)| of);
            unsupported(format!("{} is not in the compartment of a resource of type {of}.", kind.name))
        };
        if let Some(name) = place.kind {
            let kind = searched(compiled, name)?;
            if !is_in(kind) {
                return Err(outside(kind));
            }
            return Ok(Self { kinds: vec![kind], named: true, applied: Vec::new(), pairs: pairs.to_vec() });
        }
        let (applied, pairs): (Vec<_>, Vec<_>) = pairs.iter().cloned().partition(|(key, _)| key == "_type");
        let mut kinds: Vec<&ResourceType> = Vec::new();
        match applied.as_slice() {
            [] => {
                let all = compiled.types.values();
                kinds.extend(all.filter(|kind| !kind.is_content() && is_in(kind)));
            }
            [(_, value)] => {
                for name in value.split(',') {
                    let kind = searched(compiled, name).map_err(|error| match error.kind() {
                        error::Kind::NotFound => {
                            let detail = "Expected names of types that are served, separated by commas.";
                            Error::new(&error::PARAMETER_VALUE).detail(detail).at("_type")
                        }
                        _ => error,
                    })?;
                    if !is_in(kind) {
                        return Err(outside(kind));
                    }
                    if !kinds.iter().any(|known| known.name == kind.name) {
                        kinds.push(kind);
                    }
                }
                // The order of pages is that of the types, however they are named.
                kinds.sort_by(|left, right| left.name.cmp(&right.name));
            }
            _ => {
                return Err(Error::new(&error::PARAMETER_VALUE).detail("_type stands twice.").at("_type"));
            }
        }
        Ok(Self { kinds, named: !applied.is_empty(), applied, pairs })
    }
}

fn unsupported(detail: String) -> Error {
    Error::new(&error::INTERACTION_UNSUPPORTED).detail(detail).allow("OPTIONS")
}

/// A type that can be searched.
fn searched<'a>(compiled: &'a Compiled, name: &str) -> Result<&'a ResourceType> {
    let kind = served(compiled, name)?;
    if kind.is_content() {
        return Err(unsupported(format!("{} is read by its id.", kind.name)));
    }
    Ok(kind)
}

/// As the compartments of R4 say, by the parameters that lead there in these mappings.
pub(in crate::interaction) fn membership(
    compiled: &Compiled,
    kind: &ResourceType,
    of: &str,
    id: Option<&str>,
) -> Option<Filter> {
    let leads = |name: &str| {
        let parameter = kind.parameters.get(name);
        parameter.is_some_and(|parameter| compiled.targets(kind, parameter).contains(&of))
    };
    Filter::compartment(of, id, &kind.name, leads)
}

/// The condition that resources of a type are in the compartment of a resource, or of any that the caller sees.
pub(in crate::interaction) fn compartment(
    situation: Situation<'_>,
    kind: &ResourceType,
    of: &str,
    id: Option<&str>,
) -> Result<Filter> {
    let filter = membership(situation.compiled, kind, of, id)
        .ok_or_else(|| Error::new(&error::INTERNAL).cause("a type outside of the compartment"))?;
    // What is no id points to nothing, like the id of a resource that does not exist.
    plan::check(situation, kind, &filter).map_err(|_| Error::new(&error::RESOURCE_UNKNOWN))?;
    Ok(filter)
}

/// Types with their conditions. Their sources are numbered in this order, which is the same whoever asks, as cursors hold
/// these numbers.
pub(super) fn parts<'s>(
    kinds: &'s [&'s ResourceType],
    filters: impl IntoIterator<Item = &'s [Filter]>,
) -> Vec<Part<'s>> {
    let mut first = 0;
    let part = |(kind, filters): (&&'s ResourceType, &'s [Filter])| {
        let part = Part { kind, filters, first };
        first += kind.sources.len();
        part
    };
    kinds.iter().zip(filters).map(part).collect()
}
