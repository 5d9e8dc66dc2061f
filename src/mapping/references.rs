//! Where references lead: from the place of a search parameter to the resources that it names.

use super::compiled::{Compiled, Node, Object, Parameter, Reference, ResourceType, Spot, Step};
use crate::search::registry::Kind;

/// Resources of one kind of id: an emit of a source of a type.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The type.
    pub kind: &'a ResourceType,
    /// Index of the source.
    pub source: usize,
    /// Index of the emit.
    pub emit: usize,
}

impl PartialEq for Place<'_> {
    fn eq(&self, other: &Self) -> bool {
        (&self.kind.name, self.source, self.emit) == (&other.kind.name, other.source, other.emit)
    }
}

impl Compiled {
    /// What a reference leads to; nothing when that is not served, or is a content.
    pub fn target(&self, reference: &Reference) -> Option<Place<'_>> {
        let kind = self.types.get(reference.target.as_str()).filter(|kind| !kind.is_content())?;
        kind.sources.iter().enumerate().find_map(|(source, candidate)| {
            let same = candidate.model == reference.model && candidate.prefix == reference.prefix;
            let emit = candidate.emits.iter().position(|emit| same && emit.key == reference.key)?;
            Some(Place { kind, source, emit })
        })
    }

    /// The types that a parameter refers to.
    pub fn targets<'a>(&'a self, kind: &'a ResourceType, parameter: &Parameter) -> Vec<&'a str> {
        let mut targets: Vec<&str> = Vec::new();
        for (reference, _) in references(kind, parameter) {
            if let Some(place) = self.target(reference)
                && !targets.contains(&place.kind.name.as_str())
            {
                targets.push(&place.kind.name);
            }
        }
        targets
    }

    /// The parameters of a type that refer to another type.
    pub fn referring<'a>(&'a self, from: &'a ResourceType, to: &str) -> Vec<&'a str> {
        let leads =
            |reference: &Reference| reference.target.as_str() == to && self.target(reference).is_some();
        let all = from.parameters.values();
        let found =
            all.filter(|parameter| references(from, parameter).any(|(reference, _)| leads(reference)));
        found.map(|parameter| parameter.name.as_str()).collect()
    }
}

/// The references that a parameter looks at, each with its source. None for a parameter of another type.
pub fn references<'a>(
    kind: &'a ResourceType,
    parameter: &Parameter,
) -> impl Iterator<Item = (&'a Reference, usize)> {
    let places = if parameter.kind == Kind::Reference { parameter.places.as_slice() } else { &[] };
    places.iter().enumerate().flat_map(move |(source, emits)| {
        emits.iter().enumerate().flat_map(move |(emit, spots)| {
            let body = &kind.sources[source].emits[emit].body;
            spots.iter().filter_map(move |spot| Some((spot.node(body)?.reference()?, source)))
        })
    })
}

impl Spot {
    /// The node that it leads to.
    pub fn node<'a>(&self, body: &'a Object) -> Option<&'a Node> {
        let (first, rest) = self.steps.split_first()?;
        let Step::Member(index) = first else { return None };
        rest.iter().try_fold(&body.members.get(usize::from(*index))?.node, |node, step| match (node, step) {
            (Node::Object(object), Step::Member(index)) => {
                object.members.get(usize::from(*index)).map(|member| &member.node)
            }
            (Node::List(nodes), Step::Item(index)) => nodes.get(usize::from(*index)),
            (Node::Each { node, .. }, Step::Row) | (Node::When { node, .. }, Step::Inside) => {
                Some(node.as_ref())
            }
            _ => None,
        })
    }
}

impl Node {
    /// The reference that it is, under a condition or not.
    pub fn reference(&self) -> Option<&Reference> {
        match self {
            Self::Reference(reference) => Some(reference),
            Self::When { node, .. } => node.reference(),
            _ => None,
        }
    }
}
