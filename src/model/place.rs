//! Which element a fault is about. The derived readers do not say; so it is found by leaving elements out.

use serde_json::Value;

use crate::{
    error::{ParseError, Place},
    read::{Fault, read},
};

/// How often a resource is read again at most. Arrays are halved, so that this is enough for any but odd ones.
const TRIES: usize = 500;

/// Larger resources (in values) get no place: each try reads all of it.
const LARGEST: usize = 20_000;

/// Step by step down to the smallest element without which the fault is another one or gone.
pub(crate) fn find(root: &Value, fault: Fault) -> ParseError {
    let mut path = root["resourceType"].as_str().unwrap_or_default().to_owned();
    if count(root) > LARGEST || read_type_only(root) {
        return ParseError::nowhere(fault.message);
    }
    let mut search = Search { root: root.clone(), fault, left: TRIES };
    let mut pointer = String::new();
    while let Some(step) = search.step(&pointer) {
        match &step {
            Step::Member(name) => {
                pointer.push_str(&format!("/{}", name.replace('~', "~0").replace('/', "~1")));
                path.push_str(&format!(".{name}"));
            }
            Step::Item(index) => {
                pointer.push_str(&format!("/{index}"));
                path.push_str(&format!("[{index}]"));
            }
        }
    }
    ParseError { place: Place::Element(path), message: search.fault.message }
}

/// Puts a value where a required one is absent and an extension (`_status`) stands for it. Says whether it did.
pub(crate) fn fill_absent(root: &mut Value, error: &ParseError) -> bool {
    let Place::Element(path) = &error.place else { return false };
    let missing = error.message.strip_prefix("the element `").and_then(|rest| rest.split_once('`'));
    let Some((missing, _)) = missing else { return false };
    let pointer: String =
        path.replace('[', ".").replace(']', "").split('.').skip(1).map(|s| format!("/{s}")).collect();
    let trial = root.clone();
    let Some(Value::Object(owner)) = root.pointer_mut(&pointer) else { return false };
    if owner.contains_key(missing) || !owner.contains_key(&format!("_{missing}")) {
        return false;
    }
    let candidates = [Value::from("1970-01-01"), Value::from("1970-01-01T00:00:00Z"), true.into(), 1.into()];
    let codes = ["unknown", "final", "active", "completed"].map(Value::from);
    let fits = |candidate: &Value| {
        let mut trial = trial.clone();
        if let Some(Value::Object(owner)) = trial.pointer_mut(&pointer) {
            owner.insert(missing.to_owned(), candidate.clone());
        }
        let again = read(&trial);
        again.is_ok() || again.is_err_and(|fault| fault.missing.is_some_and(|other| other != missing))
    };
    let Some(value) = codes.into_iter().chain(candidates).find(fits) else { return false };
    owner.insert(missing.to_owned(), value);
    true
}

enum Step {
    Member(String),
    Item(usize),
}

struct Search {
    root: Value,
    fault: Fault,
    left: usize,
}

impl Search {
    /// The child of the value at the pointer that the fault comes from; none when it comes from the value itself.
    fn step(&mut self, pointer: &str) -> Option<Step> {
        match self.root.pointer(pointer)? {
            Value::Object(members) => {
                let names: Vec<String> = members.keys().cloned().collect();
                names.into_iter().find(|name| self.comes_from(pointer, name)).map(Step::Member)
            }
            Value::Array(items) => {
                let (mut first, mut last) = (0, items.len());
                if !self.comes_from_range(pointer, first, last) {
                    return None;
                }
                while last - first > 1 {
                    let middle = first.midpoint(last);
                    match self.comes_from_range(pointer, first, middle) {
                        true => last = middle,
                        false => first = middle,
                    }
                }
                Some(Step::Item(first))
            }
            _ => None,
        }
    }

    fn comes_from(&mut self, pointer: &str, name: &str) -> bool {
        // Without its type no resource can be read at all, which says nothing.
        name != "resourceType"
            && self.changes(Some(name), |root| {
                root.pointer_mut(pointer)
                    .and_then(Value::as_object_mut)
                    .and_then(|members| members.remove(name));
            })
    }

    fn comes_from_range(&mut self, pointer: &str, first: usize, last: usize) -> bool {
        first < last
            && self.changes(None, |root| {
                if let Some(Value::Array(items)) = root.pointer_mut(pointer) {
                    items.drain(first..last);
                }
            })
    }

    /// Whether the fault is another one or gone without a part. Where something is missing, that another required part
    /// is missing as well, because it was left out, does not count.
    fn changes(&mut self, name: Option<&str>, leave_out: impl FnOnce(&mut Value)) -> bool {
        let Some(left) = self.left.checked_sub(1) else { return false };
        self.left = left;
        let mut without = self.root.clone();
        leave_out(&mut without);
        match read(&without) {
            Ok(_) => true,
            Err(fault) if self.fault.missing.is_some() && fault.missing == name => false,
            Err(fault) => fault != self.fault,
        }
    }
}

/// Whether the fault is the type itself: then nothing else was read.
fn read_type_only(root: &Value) -> bool {
    let mut bare = serde_json::Map::new();
    bare.insert("resourceType".to_owned(), root["resourceType"].clone());
    read(&Value::Object(bare)).is_err_and(|fault| fault.message == "not a known resource type")
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(members) => members.values().map(count).sum::<usize>(),
        _ => 0,
    }
}
