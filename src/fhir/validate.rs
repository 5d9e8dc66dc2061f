//! Whether a resource has the form that R4 defines: <https://hl7.org/fhir/R4/validation.html>. Elements, cardinalities,
//! types, primitive values, required bindings and the types that references may point to. Not invariants, not profiles.

mod coded;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{
    primitive,
    structure::{self, Element, Named},
};

/// Problems that are told at most.
const MOST: usize = 200;

/// Something that is wrong with a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Of <https://hl7.org/fhir/R4/valueset-issue-type.html>.
    pub code: &'static str,
    /// FHIRPath of the element.
    pub expression: String,
    /// What is expected. Nothing of the resource but names of elements.
    pub text: String,
}

/// All problems of a resource, in the order of its elements; `true` when there are more than are told.
pub fn problems(resource: &Value) -> (Vec<Problem>, bool) {
    let mut walk = Walk::default();
    walk.resource(resource, None);
    let more = walk.found.len() > MOST;
    walk.found.truncate(MOST);
    (walk.found, more)
}

#[derive(Default)]
struct Walk {
    found: Vec<Problem>,
}

impl Walk {
    fn add(&mut self, code: &'static str, expression: &str, text: impl Into<String>) {
        if self.found.len() <= MOST {
            self.found.push(Problem { code, expression: expression.to_owned(), text: text.into() });
        }
    }

    /// A resource, at a place inside another one or by itself.
    fn resource(&mut self, value: &Value, place: Option<&str>) {
        let Some(members) = value.as_object() else {
            return self.add("structure", place.unwrap_or("Resource"), "Expected a resource.");
        };
        let kind = members.get("resourceType").and_then(Value::as_str);
        match kind.and_then(structure::resource) {
            Some(kind) => self.object(members, kind.name, place.unwrap_or(kind.name), true),
            None => {
                let near = kind.and_then(structure::suggested_resource);
                let near = near.map(|near| format!(" Did you mean {near}?")).unwrap_or_default();
                let text = format!("resourceType is not the name of a resource of R4.{near}");
                self.add("structure", place.unwrap_or("Resource"), text);
            }
        }
    }

    fn object(&mut self, members: &Map<String, Value>, owner: &'static str, path: &str, resource: bool) {
        if members.is_empty() || (resource && members.len() == 1) {
            let text = "An object has at least one element.";
            return self.add("structure", path, text);
        }
        // By position: the same element under two names is a choice made twice.
        let mut present: BTreeMap<usize, &str> = BTreeMap::new();
        for (name, value) in members {
            if resource && name == "resourceType" {
                continue;
            }
            let plain = name.strip_prefix('_').unwrap_or(name);
            let Some(named) = structure::element(owner, plain) else {
                let near = structure::suggestion(owner, plain);
                let near = near.map(|near| format!(" Did you mean {near}?")).unwrap_or_default();
                self.add("structure", path, format!("{owner} has no element {}.{near}", short(name)));
                continue;
            };
            let place = format!("{path}.{}", step(named));
            if present.insert(named.element.position, plain).is_some_and(|other| other != plain) {
                let text = format!("{} may have one type only.", named.element.path);
                self.add("structure", &place, text);
            }
            let is_primitive = structure::is_primitive(named.kind.code);
            if name.starts_with('_') {
                if is_primitive {
                    self.beside(value, members.get(plain), named, &place);
                } else {
                    self.add("structure", &place, "Only a primitive element has a name with _.");
                }
            } else {
                let nulls = is_primitive && members.contains_key(&format!("_{plain}"));
                self.element(value, named, &place, nulls);
            }
        }
        let missing = |element: &&Element| element.min > 0 && !present.contains_key(&element.position);
        for element in structure::children(owner).filter(missing) {
            let name =
                if element.is_choice { format!("{}[x]", element.name) } else { element.name.to_owned() };
            self.add("required", path, format!("The element {name} is required."));
        }
    }

    /// An element by its plain name; `nulls`: a list of it may have holes, which the list beside it fills.
    fn element(&mut self, value: &Value, named: Named, place: &str, nulls: bool) {
        let list = named.element.is_list();
        match value {
            Value::Array(items) if list => {
                if items.is_empty() {
                    self.add("structure", place, "A list has at least one item.");
                }
                if named.element.max.is_some_and(|max| items.len() > max as usize) {
                    self.add("structure", place, "There are too many.");
                }
                for (index, item) in items.iter().enumerate() {
                    if !(nulls && item.is_null()) {
                        self.value(item, named, &format!("{place}[{index}]"));
                    }
                }
            }
            Value::Array(_) => self.add("structure", place, "Expected one value, found a list."),
            _ if list => self.add("structure", place, "Expected a list."),
            _ => self.value(value, named, place),
        }
    }

    fn value(&mut self, value: &Value, named: Named, place: &str) {
        let kind = named.kind.code;
        if structure::is_primitive(kind) {
            if let Some(expected) = primitive::expected(kind, value) {
                return self.add("value", place, format!("Expected {expected}."));
            }
        } else if kind == "Resource" {
            return self.resource(value, Some(place));
        } else if let Some(members) = value.as_object() {
            self.object(members, named.owner(), place, false);
            if kind == "Reference" {
                self.reference(members, named, place);
            }
        } else {
            return self.add("structure", place, format!("Expected an object of type {kind}."));
        }
        self.coded(value, named, place);
    }

    /// Ids and extensions of a primitive element: `_birthDate` (<https://hl7.org/fhir/R4/json.html#primitive>).
    fn beside(&mut self, value: &Value, plain: Option<&Value>, named: Named, place: &str) {
        let one = |walk: &mut Self, value: &Value, place: &str| match value.as_object() {
            Some(members) => walk.object(members, "Element", place, false),
            None => walk.add("structure", place, "Expected an object with id or extension."),
        };
        match value {
            Value::Array(items) if named.element.is_list() => {
                if plain.and_then(Value::as_array).is_some_and(|plain| plain.len() != items.len()) {
                    self.add("structure", place, "The list with _ is not as long as the other one.");
                }
                for (index, item) in items.iter().enumerate().filter(|(_, item)| !item.is_null()) {
                    one(self, item, &format!("{place}[{index}]"));
                }
            }
            value if named.element.is_list() || value.is_array() => {
                self.add("structure", place, "It is a list where the element is one, and only there.");
            }
            value => one(self, value, place),
        }
    }

    /// <https://hl7.org/fhir/R4/references.html#literal>
    fn reference(&mut self, members: &Map<String, Value>, named: Named, place: &str) {
        let text = |name: &str| members.get(name).and_then(Value::as_str);
        let literal = text("reference").and_then(target);
        let Some(kind) = literal.or_else(|| text("type")) else { return };
        if structure::resource(kind).is_some() && !named.kind.may_target(kind) {
            let allowed = named.kind.targets.join(", ");
            self.add("value", place, format!("It may not refer to {kind}, only to: {allowed}."));
        }
    }
}

/// The type that a literal reference names: `Patient/1`, `http://…/Patient/1/_history/2`.
fn target(reference: &str) -> Option<&str> {
    let plain = reference.split_once("/_history/").map_or(reference, |(plain, _)| plain);
    let (before, _) = plain.rsplit_once('/')?;
    let kind = before.rsplit_once('/').map_or(before, |(_, kind)| kind);
    structure::resource(kind).map(|kind| kind.name)
}

/// A step of FHIRPath: a choice is taken by its type.
fn step(named: Named) -> String {
    if named.element.is_choice {
        format!("{}.ofType({})", named.element.name, named.kind.code)
    } else {
        named.element.name.to_owned()
    }
}

/// The beginning of a name that the client made up.
fn short(name: &str) -> String {
    name.chars().filter(|character| !character.is_control()).take(40).collect()
}
