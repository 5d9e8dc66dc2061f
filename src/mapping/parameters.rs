//! Search parameters: R4's own follow from the mapped elements; `[search]` says what differs.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    body::is_dynamic,
    compile::Compiler,
    compiled::{Member, Node, Object, Parameter, Part, Source, Spot, Step},
    finding::suggestion,
    text::{Item, Kind, Table},
};
use crate::search::registry::{self, Path};

/// One step of a path through elements, of a definition or of a mapping.
enum Way<'a> {
    Element(&'a str),
    As(&'a str),
    Refers(&'a str),
    Where(&'a str, &'a str),
}

impl Compiler<'_> {
    /// The parameters of a type.
    pub(super) fn parameters(
        &mut self,
        type_name: &str,
        sources: &[Source],
        files: &[&Table],
    ) -> BTreeMap<String, Parameter> {
        let mut parameters = BTreeMap::new();
        for definition in registry::parameters(type_name) {
            if unsupported(definition).is_some() {
                continue;
            }
            let places = defined(sources, definition);
            if places.iter().flatten().any(|spots| !spots.is_empty()) {
                parameters.insert(
                    definition.name.to_owned(),
                    Parameter {
                        name: definition.name.to_owned(),
                        kind: definition.kind,
                        url: Some(definition.url.clone()),
                        targets: definition.targets.iter().map(|target| (*target).to_owned()).collect(),
                        holds: definition.paths.iter().any(holds),
                        types: types(sources, &places),
                        places,
                        parts: parts(type_name, definition),
                    },
                );
            }
        }
        for table in files.iter().filter_map(|file| file.item("search")).filter_map(Item::table) {
            for (key, item) in &table.entries {
                self.declared(type_name, sources, &key.name, item, &mut parameters);
            }
        }
        // What is left out alone is not asked for in company either.
        let offered: BTreeSet<String> = parameters.keys().cloned().collect();
        parameters.retain(|_, parameter| parameter.parts.iter().all(|part| offered.contains(&part.name)));
        parameters
    }

    /// `name = "element.path"`, a list of them, or `false` to leave a parameter out.
    fn declared(
        &mut self,
        type_name: &str,
        sources: &[Source],
        name: &str,
        item: &Item,
        parameters: &mut BTreeMap<String, Parameter>,
    ) {
        let definition = registry::parameter(type_name, name);
        if matches!(item.kind, Kind::Flag(false)) {
            parameters.remove(name);
            return;
        }
        let (paths, kind) = match item.table() {
            Some(table) => (table.item("element").unwrap_or(item), table.item("type").and_then(Item::text)),
            None => (item, None),
        };
        let Some(kind) = definition.map(|definition| definition.kind).or_else(|| kind.and_then(kind_named))
        else {
            self.findings.add(
                "search-type",
                &item.place,
                "{ type = \"token\", element = … } for a parameter that R4 does not define",
                item.describe(),
                suggestion(name, registry::parameters(type_name).map(|parameter| parameter.name)),
            );
            return;
        };
        let mut all = Vec::new();
        for path in paths.each() {
            match path.text() {
                Some(text) => all.push(text.split('.').map(Way::Element).collect::<Vec<_>>()),
                None => self.findings.add(
                    "search-element",
                    &path.place,
                    "the path of an element",
                    path.describe(),
                    "",
                ),
            }
        }
        let places = places(sources, &all);
        if places.iter().flatten().all(Vec::is_empty) {
            self.findings.add(
                "search-element",
                &item.place,
                "the path of a mapped element",
                paths.describe(),
                "paths here are names of FHIR elements, as in `name.family`",
            );
            return;
        }
        parameters.insert(
            name.to_owned(),
            Parameter {
                name: name.to_owned(),
                kind,
                url: definition.map(|definition| definition.url.clone()),
                targets: definition
                    .map(|definition| definition.targets.iter().map(|target| (*target).to_owned()).collect())
                    .unwrap_or_default(),
                holds: definition.is_some_and(|definition| definition.paths.iter().any(holds)),
                types: types(sources, &places),
                places,
                parts: Vec::new(),
            },
        );
    }
}

/// Why a parameter of R4 is not offered, whatever is mapped.
pub fn unsupported(definition: &registry::Parameter) -> Option<&'static str> {
    match definition.name {
        "_id" | "_lastUpdated" | "_filter" => Some("every type has it"),
        name if name.starts_with('_') => Some("about the resource as a whole, not about an element"),
        "phonetic" => Some("names are not compared by their sound"),
        _ if definition.kind == registry::Kind::Special => Some("has rules of its own"),
        _ if definition.paths.iter().all(|path| matches!(path, Path::Unsupported(_))) => {
            Some("its expression is not one of elements of the resource")
        }
        _ => None,
    }
}

fn kind_named(name: &str) -> Option<registry::Kind> {
    use registry::Kind;
    let all =
        [Kind::Number, Kind::Date, Kind::String, Kind::Token, Kind::Reference, Kind::Quantity, Kind::Uri];
    all.into_iter().find(|kind| kind.code() == name)
}

/// The path asks whether there is a value, not which.
fn holds(path: &Path) -> bool {
    matches!(path, Path::Steps(steps) if matches!(steps.last(), Some(registry::Step::Exists | registry::Step::Holds)))
}

fn ways(path: &Path) -> Option<Vec<Way<'static>>> {
    let Path::Steps(steps) = path else { return None };
    let last = steps.len() - usize::from(holds(path));
    steps[..last]
        .iter()
        .map(|step| match step {
            registry::Step::Element(name) => Some(Way::Element(name)),
            registry::Step::As(name) => Some(Way::As(name)),
            registry::Step::Refers(name) => Some(Way::Refers(name)),
            registry::Step::Where { element, is } => Some(Way::Where(element, is)),
            registry::Step::Exists | registry::Step::Holds => None,
        })
        .collect()
}

/// Elements that a parameter of R4 looks at are mapped.
pub fn mapped(sources: &[Source], definition: &registry::Parameter) -> bool {
    defined(sources, definition).iter().flatten().any(|spots| !spots.is_empty())
}

fn defined(sources: &[Source], definition: &registry::Parameter) -> Vec<Vec<Vec<Spot>>> {
    match definition.kind {
        registry::Kind::Composite => combined(sources, definition),
        _ => places(sources, &all_ways(&definition.paths)),
    }
}

fn all_ways(paths: &[Path]) -> Vec<Vec<Way<'static>>> {
    paths.iter().filter_map(ways).collect()
}

fn places(sources: &[Source], ways: &[Vec<Way<'_>>]) -> Vec<Vec<Vec<Spot>>> {
    everywhere(sources, |body| spots(body, ways))
}

fn everywhere(sources: &[Source], spots: impl Fn(&Object) -> Vec<Spot>) -> Vec<Vec<Vec<Spot>>> {
    sources.iter().map(|source| source.emits.iter().map(|emit| spots(&emit.body)).collect()).collect()
}

fn spots(object: &Object, ways: &[Vec<Way<'_>>]) -> Vec<Spot> {
    let mut found = Vec::new();
    for way in ways {
        in_object(object, way, Spot::default(), &mut found);
    }
    // There are tens of thousands.
    found.iter_mut().for_each(|spot| spot.steps.shrink_to_fit());
    found.shrink_to_fit();
    found
}

/// The parts of a composite; none of another parameter.
fn parts(type_name: &str, definition: &registry::Parameter) -> Vec<Part> {
    let part = |component: &registry::Component| {
        let kind = registry::parameter(type_name, component.name)?.kind;
        Some(Part { name: component.name.to_owned(), kind })
    };
    definition.components.iter().filter_map(part).collect()
}

/// The places of a composite: elements that have all of its parts.
fn combined(sources: &[Source], definition: &registry::Parameter) -> Vec<Vec<Vec<Spot>>> {
    let whole = all_ways(&definition.paths);
    let parts: Vec<_> = definition.components.iter().map(|part| all_ways(&part.paths)).collect();
    everywhere(sources, |body| {
        let mut found = Vec::new();
        for way in &whole {
            if way.is_empty() {
                found.push(Spot::default())
            } else {
                in_object(body, way, Spot::default(), &mut found)
            }
        }
        found.retain_mut(|spot| {
            let Some(object) = object_at(body, &spot.steps) else { return false };
            spot.parts = parts.iter().map(|ways| spots(object, ways)).collect();
            spot.parts.iter().all(|spots| !spots.is_empty())
        });
        found
    })
}

/// The object that steps lead to.
fn object_at<'a>(body: &'a Object, steps: &[Step]) -> Option<&'a Object> {
    match member_at(body, steps) {
        None => Some(body),
        Some((_, Node::Object(object))) => Some(object),
        Some(_) => None,
    }
}

/// The last member on the way, and the node at its end; none for the body itself.
fn member_at<'a>(body: &'a Object, steps: &[Step]) -> Option<(&'a Member, &'a Node)> {
    let mut found: Option<(&Member, &Node)> = None;
    for step in steps {
        let member = |object: &'a Object, index: usize| {
            let member = &object.members[index];
            (member, &member.node)
        };
        found = Some(match (step, found) {
            (Step::Member(index), None) => member(body, usize::from(*index)),
            (Step::Member(index), Some((_, Node::Object(object)))) => member(object, usize::from(*index)),
            (Step::Item(index), Some((of, Node::List(nodes)))) => (of, &nodes[usize::from(*index)]),
            (Step::Row, Some((of, Node::Each { node, .. })))
            | (Step::Inside, Some((of, Node::When { node, .. }))) => (of, node),
            _ => return found,
        });
    }
    found
}

/// The FHIR types of the elements at these places.
fn types(sources: &[Source], places: &[Vec<Vec<Spot>>]) -> BTreeSet<String> {
    let mut types = BTreeSet::new();
    for (source, places) in sources.iter().zip(places) {
        for (emit, spots) in source.emits.iter().zip(places) {
            let all = spots.iter().filter_map(|spot| member_at(&emit.body, &spot.steps));
            types.extend(all.map(|(member, _)| member.type_name.to_owned()));
        }
    }
    types
}

/// Follows a way from an object.
fn in_object(object: &Object, way: &[Way<'_>], spot: Spot, found: &mut Vec<Spot>) {
    let Some((Way::Element(name), rest)) = way.split_first() else { return };
    for (index, member) in object.members.iter().enumerate().filter(|(_, member)| member.element == *name) {
        let mut spot = spot.clone();
        spot.steps.push(Step::member(index));
        let mut rest = rest;
        let mut fits = true;
        while let Some((step, after)) = rest.split_first() {
            match step {
                Way::As(type_name) => fits &= member.type_name.eq_ignore_ascii_case(type_name),
                Way::Where(element, value) => {
                    spot.filter = Some(Box::new(((*element).to_owned(), (*value).to_owned())))
                }
                Way::Refers(target) => {
                    spot.filter = Some(Box::new(("reference".to_owned(), (*target).to_owned())));
                }
                Way::Element(_) => break,
            }
            rest = after;
        }
        if fits && !member.name.starts_with('_') {
            in_node(&member.node, rest, spot, found);
        }
    }
}

/// Follows the rest of a way from a node, through lists, rows and conditions.
fn in_node(node: &Node, way: &[Way<'_>], spot: Spot, found: &mut Vec<Spot>) {
    let step = |step| {
        let mut next = spot.clone();
        next.steps.push(step);
        next
    };
    match node {
        Node::List(nodes) => {
            for (index, node) in nodes.iter().enumerate() {
                in_node(node, way, step(Step::item(index)), found);
            }
        }
        Node::Each { node, .. } => in_node(node, way, step(Step::Row), found),
        Node::When { node, .. } => in_node(node, way, step(Step::Inside), found),
        Node::Reference(reference) if way.is_empty() => {
            let fits = spot.filter.as_deref().is_none_or(|(_, target)| *target == reference.target);
            if fits {
                found.push(spot);
            }
        }
        Node::Object(object) => {
            if !where_fits(object, &spot) {
                return;
            }
            if way.is_empty() {
                found.push(Spot { filter: spot.filter.filter(|filter| is_open(object, &filter.0)), ..spot });
            } else {
                in_object(object, way, spot, found);
            }
        }
        // The display of a code map is no node of its own.
        Node::Coding(_) | Node::FixedCoding { .. } if matches!(way, [Way::Element(name)] if *name == "display") =>
        {
            found.push(spot);
        }
        _ if way.is_empty() => found.push(spot),
        _ => {}
    }
}

/// A constant sibling decides a filter now; a value of the record decides it in SQL.
fn where_fits(object: &Object, spot: &Spot) -> bool {
    let Some((element, wanted)) = spot.filter.as_deref() else { return true };
    match object.members.iter().find(|member| member.element == *element).map(|member| &member.node) {
        Some(Node::Constant { text, .. }) => **text == *wanted,
        Some(_) => true,
        None => false,
    }
}

fn is_open(object: &Object, element: &str) -> bool {
    object.members.iter().any(|member| member.element == element && is_dynamic(&member.node))
}
