//! Value sets that are served: `ValueSet.compose` of constants, which includes whole code systems.

use std::collections::{BTreeMap, BTreeSet};

use super::compiled::{Node, Object, ResourceType};

/// Value sets by canonical URL, with the systems that they include whole; and those that list codes one by one.
pub fn value_sets(
    types: &BTreeMap<String, ResourceType>,
) -> (BTreeMap<String, Vec<String>>, BTreeSet<String>) {
    let (mut whole, mut listing) = (BTreeMap::new(), BTreeSet::new());
    let sources = types.get("ValueSet").map(|kind| kind.sources.as_slice()).unwrap_or_default();
    for emit in sources.iter().flat_map(|source| &source.emits) {
        let Some(url) = constant(&emit.body, "url") else { continue };
        match systems(&emit.body) {
            Some(systems) => drop(whole.insert(url, systems)),
            None => drop(listing.insert(url)),
        }
    }
    (whole, listing)
}

/// `None`: it has only some codes of a system, or other value sets.
fn systems(body: &Object) -> Option<Vec<String>> {
    let Node::Object(compose) = member(body, "compose")? else { return None };
    let [only] = compose.members.as_slice() else { return None };
    let included = match (only.element, &only.node) {
        ("include", Node::List(nodes)) => nodes.iter().collect(),
        ("include", node) => vec![node],
        _ => return None,
    };
    let system = |node: &Node| match node {
        Node::Object(object) if object.members.len() == 1 => constant(object, "system"),
        _ => None,
    };
    included.into_iter().map(system).collect()
}

fn member<'o>(object: &'o Object, name: &str) -> Option<&'o Node> {
    object.members.iter().find(|member| member.element == name).map(|member| &member.node)
}

fn constant(object: &Object, name: &str) -> Option<String> {
    match member(object, name)? {
        Node::Constant { text, .. } => Some(text.to_string()),
        _ => None,
    }
}
