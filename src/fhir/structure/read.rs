//! Reads `elements.tsv`. Its format is described at its top; it is written by a program and read as it is.

use std::{collections::HashMap, sync::LazyLock};

use crate::fhir::structure::{Binding, Element, ElementType, Kind, Strength, Type};

const ELEMENTS: &str = include_str!("../r4/elements.tsv");
const VALUE_SETS: &str = "http://hl7.org/fhir/ValueSet/";

pub(super) static DEFINITIONS: LazyLock<Definitions> = LazyLock::new(|| Definitions::read(ELEMENTS));

pub(super) struct Definitions {
    pub types: HashMap<&'static str, Type>,
    /// Resource types that are not abstract, in the order of the alphabet.
    pub resources: Vec<&'static str>,
    pub elements: Box<[Element]>,
    /// From a type or the path of a backbone element to its elements, inherited ones first.
    pub children: HashMap<&'static str, Box<[usize]>>,
}

impl Definitions {
    fn read(text: &'static str) -> Self {
        let mut types = HashMap::new();
        let mut elements = Vec::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            match line.strip_prefix('=') {
                Some(line) => {
                    let found = read_type(line);
                    types.insert(found.name, found);
                }
                None => elements.push(read_element(line)),
            }
        }
        let mut resources: Vec<_> = types
            .values()
            .filter(|found| found.kind == Kind::Resource && !found.is_abstract)
            .map(|found| found.name)
            .collect();
        resources.sort_unstable();
        let children = children(&types, &mut elements);
        Self { types, resources, elements: elements.into(), children }
    }
}

fn read_type(line: &'static str) -> Type {
    let mut columns = line.split('\t');
    let mut next = || columns.next().unwrap_or_default();
    Type {
        name: next(),
        base: Some(next()).filter(|base| !base.is_empty()),
        kind: match next() {
            "primitive" => Kind::Primitive,
            "complex" => Kind::Complex,
            _ => Kind::Resource,
        },
        is_abstract: next() == "abstract",
    }
}

fn read_element(line: &'static str) -> Element {
    let mut columns = line.split('\t');
    let mut next = || columns.next().unwrap_or_default();
    let path = next();
    let types = next();
    let min = next().parse().expect("the generator writes min as a number");
    let max = next().parse().ok();
    let flags = next();
    let binding = next();
    let (_, last) = path.rsplit_once('.').expect("the path of an element starts with its type");
    let name = last.strip_suffix("[x]");
    Element {
        path,
        name: name.unwrap_or(last),
        is_choice: name.is_some(),
        types: split_types(types).map(|text| read_element_type(path, text)).collect(),
        min,
        max,
        summary: flags.contains('S'),
        modifier: flags.contains('M'),
        binding: read_binding(binding),
        position: 0,
    }
}

fn read_element_type(path: &'static str, text: &'static str) -> ElementType {
    if let Some(other) = text.strip_prefix('#') {
        // Every element that R4 refers to for its content is a backbone element of a resource.
        return ElementType { code: "BackboneElement", targets: Box::default(), content: Some(other) };
    }
    let (code, targets) = text.strip_suffix(')').and_then(|text| text.split_once('(')).unwrap_or((text, ""));
    ElementType {
        code,
        targets: targets.split('|').filter(|target| !target.is_empty()).collect(),
        content: matches!(code, "BackboneElement" | "Element").then_some(path),
    }
}

/// Targets are separated by `|`, so that each comma separates types.
fn split_types(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.split(',')
}

fn read_binding(text: &str) -> Option<Binding> {
    let (letter, value_set) = text.split_once(' ')?;
    Some(Binding {
        strength: match letter {
            "R" => Strength::Required,
            "E" => Strength::Extensible,
            _ => Strength::Preferred,
        },
        value_set: if value_set.contains(':') {
            value_set.to_owned()
        } else {
            format!("{VALUE_SETS}{value_set}")
        },
    })
}

/// Collects the elements below each owner and gives them their positions.
fn children(
    types: &HashMap<&'static str, Type>,
    elements: &mut [Element],
) -> HashMap<&'static str, Box<[usize]>> {
    let mut own: HashMap<&'static str, Vec<usize>> = HashMap::new();
    let mut bases: HashMap<&'static str, Option<&'static str>> =
        types.values().map(|found| (found.name, found.base)).collect();
    for (index, element) in elements.iter().enumerate() {
        let (owner, _) = element.path.rsplit_once('.').expect("the path of an element starts with its type");
        own.entry(owner).or_default().push(index);
        if let [ElementType { code, content: Some(content), .. }] = &*element.types
            && *content == element.path
        {
            bases.insert(element.path, Some(code));
        }
    }
    let mut all: HashMap<_, Box<[usize]>> = HashMap::new();
    for owner in bases.keys() {
        let mut collected: Vec<usize> = Vec::new();
        for ancestor in lineage(owner, &bases).into_iter().rev() {
            for index in own.get(ancestor).into_iter().flatten() {
                // A type may narrow an inherited element, which keeps its place: xhtml.extension.
                let narrowed =
                    collected.iter().position(|other| elements[*other].name == elements[*index].name);
                match narrowed {
                    Some(place) => collected[place] = *index,
                    None => collected.push(*index),
                }
            }
        }
        all.insert(*owner, collected.into());
    }
    // An element has the same place in every type that inherits it, because the base comes first.
    for collected in all.values() {
        for (place, index) in collected.iter().enumerate() {
            elements[*index].position = place;
        }
    }
    all
}

fn lineage(owner: &'static str, bases: &HashMap<&'static str, Option<&'static str>>) -> Vec<&'static str> {
    std::iter::successors(Some(owner), |name| bases.get(name).copied().flatten()).collect()
}
