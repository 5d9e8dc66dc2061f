//! What of a search is understood; a fault refuses it, or with lenient handling is left out and told.

use crate::{
    error::{self, Error, Kind, Result},
    fhir::structure,
    mapping::compiled::ResourceType,
    plan::{self, Situation},
    search::{self, Filter, SearchRequest, Subset},
};

/// Parameters that R4 defines and nobody offers here, and why.
const REFUSED: [(&str, &str); 8] = [
    ("_text", "Narratives are made of the other elements; search those."),
    ("_content", "Resources are not searched as text; search their elements."),
    ("_list", "Search for the List and follow its entries with _include=List:item."),
    ("_query", "There are no named queries."),
    ("_tag", "Tags are those of an answer; nothing is tagged in GNU Health."),
    ("_security", "What is withheld depends on who asks; no label is kept in GNU Health."),
    ("_source", "All resources come from GNU Health."),
    ("_containedType", "No resource is contained in another."),
];

/// The search as far as it is understood, and with lenient handling what was not.
pub(in crate::interaction) fn understood(
    situation: Situation<'_>,
    kinds: &[&ResourceType],
    pairs: &[(String, String)],
    lenient: bool,
) -> Result<(SearchRequest, Vec<Error>)> {
    let (mut wanted, faults) = search::parse(pairs);
    let mut ignored: Vec<Error> = Vec::new();
    for fault in faults {
        refuse(fault.error, lenient, &mut ignored)?;
    }
    let names: Vec<&str> = kinds.iter().map(|kind| kind.name.as_str()).collect();
    if let Err(error) = known_elements(&names, &wanted.subset) {
        wanted.subset = Subset::All;
        wanted.applied.retain(|(key, _)| key != "_elements");
        refuse(error, lenient, &mut ignored)?;
    }
    for filter in std::mem::take(&mut wanted.filters) {
        match check(situation, kinds, &filter) {
            Ok(()) => wanted.filters.push(filter),
            Err(error) => {
                wanted.applied.retain(|pair| filter.sent.as_ref() != Some(pair));
                refuse(error, lenient, &mut ignored)?;
            }
        }
    }
    // Half an order would be another one: what is applied is what the links say.
    if let Some(error) = wanted.sort.iter().find_map(|key| plan::sort_kind(kinds, &key.name).err()) {
        wanted.sort.clear();
        wanted.applied.retain(|(key, _)| key != "_sort");
        refuse(error, lenient, &mut ignored)?;
    }
    Ok((wanted, ignored))
}

/// A filter means the same for all types.
fn check(situation: Situation<'_>, kinds: &[&ResourceType], filter: &Filter) -> Result<()> {
    if let Some((name, why)) = REFUSED.iter().find(|(name, _)| filter.name == *name) {
        return Err(Error::new(&error::PARAMETER_UNKNOWN)
            .detail(format!("{name} is not offered. {why}"))
            .at(*name));
    }
    if kinds.len() > 1 && filter.parts().next().is_none() {
        plan::shared(kinds, &filter.name, &filter.key)?;
    }
    kinds.iter().try_for_each(|kind| plan::check(situation, kind, filter))
}

/// `_elements` names elements of the type, or of one of several.
pub(in crate::interaction) fn known_elements(kinds: &[&str], subset: &Subset) -> Result<()> {
    let Subset::Elements(names) = subset else { return Ok(()) };
    let known = |name: &str| {
        let of = |kind: &&str| {
            structure::children(kind).any(|element| element.name == name)
                || structure::element(kind, name).is_some()
        };
        name == "resourceType" || kinds.iter().any(of)
    };
    match names.iter().find(|name| !known(name)) {
        None => Ok(()),
        Some(name) => {
            let whose = if let [kind] = kinds { kind } else { "the types that are searched" };
            Err(Error::new(&error::PARAMETER_VALUE)
                .detail(format!("Expected names of elements of {whose}, found \"{}\".", search::short(name)))
                .at("_elements"))
        }
    }
}

/// Lenient handling ignores parameters that cannot be read or are not offered; nothing else.
pub(super) fn refuse(error: Error, lenient: bool, ignored: &mut Vec<Error>) -> Result<()> {
    let limit = std::ptr::eq(error.entry(), &error::PARAMETER_LIMIT);
    if lenient && error.kind() == Kind::Invalid && !limit {
        ignored.push(error);
        return Ok(());
    }
    Err(error)
}
