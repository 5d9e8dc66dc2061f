//! What a FHIR R4 resource is made of: its elements, their types, cardinalities and bindings.
//!
//! <https://hl7.org/fhir/R4/structuredefinition.html>, <https://hl7.org/fhir/R4/elementdefinition.html>. The data are
//! `r4/elements.tsv`, written from the specification by `tests/definitions/generate`, and read once, when first asked.
//!
//! An **owner** is where elements are looked up: the name of a type (`Patient`, `HumanName`), the path of a backbone
//! element (`Patient.contact`) or of any element below a type (`Patient.name`, `Observation.valueQuantity`).

mod read;
#[cfg(test)]
mod tests;

use crate::fhir::structure::read::DEFINITIONS;

/// A datatype or resource type.
#[derive(Debug)]
pub struct Type {
    /// As in `resourceType` and in the types of elements.
    pub name: &'static str,
    /// The type it has all elements of; none for `Element` and `Resource`.
    pub base: Option<&'static str>,
    /// Primitive, complex or resource.
    pub kind: Kind,
    /// `Resource`, `DomainResource`, `BackboneElement` and the like never appear themselves.
    pub is_abstract: bool,
}

/// The three kinds of types that R4 has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// <https://hl7.org/fhir/R4/datatypes.html#primitive>
    Primitive,
    /// <https://hl7.org/fhir/R4/datatypes.html#complex>
    Complex,
    /// <https://hl7.org/fhir/R4/resourcelist.html>
    Resource,
}

/// One element of a type.
#[derive(Debug)]
pub struct Element {
    /// As the specification writes it, where it is defined: `Patient.contact.gender`, `Observation.value[x]`,
    /// `DomainResource.text`.
    pub path: &'static str,
    /// The last part of the path without `[x]`: `gender`, `value`.
    pub name: &'static str,
    /// Whether the name in JSON and XML ends with the type: `value[x]`.
    pub is_choice: bool,
    /// More than one only for a choice, and then in the order of the specification.
    pub types: Box<[ElementType]>,
    /// 1 or more when required.
    pub min: u32,
    /// None for `*`.
    pub max: Option<u32>,
    /// Whether it is part of `_summary=true`: <https://hl7.org/fhir/R4/search.html#summary>.
    pub summary: bool,
    /// <https://hl7.org/fhir/R4/conformance-rules.html#isModifier>
    pub modifier: bool,
    /// Which codes it takes; none for examples.
    pub binding: Option<Binding>,
    /// The place among all elements of its owner, inherited ones included. JSON should keep it and XML must.
    pub position: usize,
}

/// A type that an element may have.
#[derive(Debug)]
pub struct ElementType {
    /// `string`, `Reference`, `BackboneElement`; `Element` for a backbone element of a datatype; for an element that
    /// repeats the content of another one (`contentReference`) the code of that other one.
    pub code: &'static str,
    /// Of `Reference` and `canonical`: the types they may point to, where empty means any. Of `Quantity`: the profile.
    pub targets: Box<[&'static str]>,
    /// Where the elements below are looked up, see [`Named::owner`]; none for the type's own.
    content: Option<&'static str>,
}

/// <https://hl7.org/fhir/R4/terminologies.html#strength>; bindings that are examples are not kept.
#[derive(Debug)]
pub struct Binding {
    /// How far codes from elsewhere are allowed.
    pub strength: Strength,
    /// Canonical URL of the value set, without version; see [`crate::fhir::codes`].
    pub value_set: String,
}

/// How binding a value set is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strength {
    /// Only codes of the value set.
    Required,
    /// Codes of the value set wherever one fits.
    Extensible,
    /// Codes of the value set are encouraged.
    Preferred,
}

/// An element under one of its names in JSON: `valueQuantity` is `value[x]` as a `Quantity`.
#[derive(Clone, Copy, Debug)]
pub struct Named {
    /// What the name stands for.
    pub element: &'static Element,
    /// The type that the name chooses.
    pub kind: &'static ElementType,
}

impl Element {
    /// Whether it is an array in JSON.
    pub fn is_list(&self) -> bool {
        self.max != Some(1)
    }

    /// The names of this element in JSON and XML with their types: one, or one for each type of a choice.
    ///
    /// <https://hl7.org/fhir/R4/formats.html#choice>
    pub fn names(&'static self) -> impl Iterator<Item = (String, &'static ElementType)> {
        self.types.iter().map(|kind| (self.name_as(kind), kind))
    }

    fn name_as(&self, kind: &ElementType) -> String {
        if !self.is_choice {
            return self.name.to_owned();
        }
        let (first, rest) = kind.code.split_at(1);
        format!("{}{}{rest}", self.name, first.to_ascii_uppercase())
    }

    fn named(&'static self, name: &str) -> Option<Named> {
        let mut kinds = self.types.iter();
        let kind = match name.strip_prefix(self.name)? {
            "" if !self.is_choice => kinds.next(),
            suffix if self.is_choice && suffix.starts_with(|first: char| first.is_ascii_uppercase()) => {
                let (first, rest) = suffix.split_at(1);
                kinds.find(|kind| kind.code[..1].eq_ignore_ascii_case(first) && kind.code[1..] == *rest)
            }
            _ => None,
        }?;
        Some(Named { element: self, kind })
    }
}

impl ElementType {
    /// Whether a reference or canonical may point to this resource type.
    pub fn may_target(&self, resource_type: &str) -> bool {
        self.targets.is_empty() || self.targets.contains(&resource_type)
    }
}

impl Named {
    /// Where the elements below this one are found: its own path for a backbone element, the path that a
    /// `contentReference` names, else its type.
    pub fn owner(&self) -> &'static str {
        self.kind.content.unwrap_or(self.kind.code)
    }
}

/// A resource type that can be an instance: not `Resource` and not `DomainResource`.
pub fn resource(name: &str) -> Option<&'static Type> {
    let found = definition(name)?;
    (found.kind == Kind::Resource && !found.is_abstract).then_some(found)
}

/// The names of all resource types, in the order of the alphabet.
pub fn resources() -> impl Iterator<Item = &'static str> {
    DEFINITIONS.resources.iter().copied()
}

/// Any type, abstract ones included.
pub fn definition(name: &str) -> Option<&'static Type> {
    DEFINITIONS.types.get(name)
}

/// The type and its bases, nearest first: `Patient`, `DomainResource`, `Resource`.
pub fn lineage(name: &str) -> impl Iterator<Item = &'static Type> {
    std::iter::successors(definition(name), |found| found.base.and_then(definition))
}

/// Whether this is the name of a primitive type, which JSON writes as a plain value.
pub fn is_primitive(name: &str) -> bool {
    definition(name).is_some_and(|found| found.kind == Kind::Primitive)
}

/// All elements of an owner in the order of the specification, inherited ones first.
pub fn children(owner: &str) -> impl Iterator<Item = &'static Element> {
    listed(owner).unwrap_or_default().iter().map(|index| &DEFINITIONS.elements[*index])
}

/// The element that has this name in JSON: inherited ones, and a choice under the name with its type.
pub fn element(owner: &str, name: &str) -> Option<Named> {
    children(owner).find_map(|element| element.named(name))
}

/// The element at a whole path in JSON names: `Patient.contact.name.family`, `Observation.valueQuantity.unit`.
pub fn at(path: &str) -> Option<Named> {
    let (owner, name) = path.rsplit_once('.')?;
    element(owner, name)
}

/// The name of an element of this owner that a wrong name was most likely meant to be.
pub fn suggestion(owner: &str, wrong: &str) -> Option<String> {
    let names = children(owner).flat_map(|element| element.names().map(|(name, _)| name));
    closest(wrong, names)
}

/// The resource type that a wrong name was most likely meant to be.
pub fn suggested_resource(wrong: &str) -> Option<String> {
    closest(wrong, resources().map(str::to_owned))
}

/// The nearest candidate, when no more than a third of it is different; the first one of several.
fn closest(wrong: &str, candidates: impl Iterator<Item = String>) -> Option<String> {
    let folded = wrong.to_lowercase();
    candidates
        .map(|name| (strsim::damerau_levenshtein(&folded, &name.to_lowercase()), name))
        .filter(|(distance, name)| *distance <= (name.len() / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// The children of a type or backbone element, else of what the path leads to.
fn listed(owner: &str) -> Option<&'static [usize]> {
    if let Some(found) = DEFINITIONS.children.get(owner) {
        return Some(found);
    }
    let target = at(owner)?.owner();
    DEFINITIONS.children.get(target).map(AsRef::as_ref)
}
