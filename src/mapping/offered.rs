//! Which search parameters of R4 a type offers, and why it does not offer the others.

use super::{
    compiled::{Node, Object, ResourceType},
    parameters::{mapped, unsupported},
};
use crate::search::registry::{self, Parameter, Path};

/// Why a parameter of R4 is not offered for a type; `None` when it is.
pub fn withheld(kind: &ResourceType, definition: &Parameter) -> Option<String> {
    if kind.parameters.contains_key(definition.name) {
        return None;
    }
    if let Some(reason) = unsupported(definition) {
        return Some(reason.to_owned());
    }
    if mapped(&kind.sources, definition) {
        return Some("left out by the mapping".to_owned());
    }
    let missing = |path: &&Path| {
        !kind.sources.iter().any(|source| {
            source.emits.iter().any(|emit| has(&emit.body, &path.elements().collect::<Vec<_>>()))
        })
    };
    let name = |path: &Path| format!("`{}`", path.elements().collect::<Vec<_>>().join("."));
    let mut names: Vec<String> = definition.paths.iter().filter(missing).map(name).collect();
    names.dedup();
    if names.is_empty() {
        return Some(match definition.kind {
            registry::Kind::Composite => "no element has all of its parts".to_owned(),
            _ => "what it looks for is mapped as something else".to_owned(),
        });
    }
    Some(format!("not mapped: {}", names.join(", ")))
}

/// The elements lead somewhere in an object.
fn has(object: &Object, elements: &[&str]) -> bool {
    let Some((first, rest)) = elements.split_first() else { return true };
    object.members.iter().filter(|member| member.element == *first).any(|member| below(&member.node, rest))
}

fn below(node: &Node, rest: &[&str]) -> bool {
    match node {
        _ if rest.is_empty() => true,
        Node::List(nodes) => nodes.iter().any(|node| below(node, rest)),
        Node::Each { node, .. } | Node::When { node, .. } => below(node, rest),
        Node::Object(object) => has(object, rest),
        _ => false,
    }
}
