//! The FHIR R4 model of fhir-sdk behind functions that are not generic.
//!
//! fhir-sdk describes each resource as a Rust type with derived readers and writers. They are generic, so they are
//! compiled anew in every crate that names such a type: minutes of work. They are named here only, once: what leaves
//! this crate is bytes and [`Resource`], which hides its content behind a pointer so that not even the code that frees
//! it is generated elsewhere.
//!
//! fhir-sdk has R4B, whose resources of clinical care are those of R4. It knows shapes, types and the codes of required
//! bindings; it does not know cardinalities of lists, invariants or the targets of references. It keeps decimals as
//! binary numbers, so `write` may lose trailing zeros that `parse` has seen.

mod error;
mod lost;
mod outcome;
mod place;
mod read;
#[cfg(test)]
mod tests;

use std::{panic::resume_unwind, thread};

use fhir_sdk::r4b::resources::Resource as Model;
use serde_json::Value;

pub use crate::{
    error::{ParseError, Place},
    outcome::{Issue, Severity, operation_outcome},
};

/// Deeper nesting than any resource needs, and few enough for [`STACK`].
const DEEPEST: usize = 64;

/// A debug build needs less than 2 MiB for the deepest resource.
const STACK: usize = 32 * 1024 * 1024;

/// A resource of any type.
pub struct Resource(Box<dyn Opaque>);

/// What can be done with a resource without knowing its type. Implemented once, so that calls do not become generic.
trait Opaque: Send + Sync {
    fn write(&self) -> serde_json::Result<Vec<u8>>;
}

impl Opaque for Model {
    fn write(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(self)
    }
}

/// Reads one resource in JSON, of the type that it states.
///
/// Nothing is lost: an element that the type does not have is an error, and so is a value that does not fit.
pub fn parse(bytes: &[u8]) -> Result<Resource, ParseError> {
    let value = json(bytes)?;
    with_stack(|| model(&value)).map(|model| Resource(Box::new(model)))
}

/// Writes a resource as JSON.
pub fn write(resource: &Resource) -> Vec<u8> {
    resource.0.write().expect("parse has written it once to see that nothing is lost")
}

/// Whether these bytes are a resource that [`parse`] accepts, and its type.
///
/// More lenient in one point: a required element may be absent when its extension says why, as a masked status does.
/// <https://hl7.org/fhir/R4/extension-data-absent-reason.html>
pub fn check(bytes: &[u8]) -> Result<String, ParseError> {
    let mut value = json(bytes)?;
    with_stack(|| {
        while let Err(error) = model(&value) {
            if !place::fill_absent(&mut value, &error) {
                return Err(error);
            }
        }
        Ok(())
    })?;
    Ok(value["resourceType"].as_str().unwrap_or_default().to_owned())
}

fn json(bytes: &[u8]) -> Result<Value, ParseError> {
    let value: Value = serde_json::from_slice(bytes).map_err(|error| ParseError::of_text(&error))?;
    match too_deep(&value, DEEPEST) {
        true => Err(ParseError::nowhere("nested too deeply")),
        false => Ok(value),
    }
}

fn too_deep(value: &Value, left: usize) -> bool {
    left == 0
        || match value {
            Value::Array(items) => items.iter().any(|item| too_deep(item, left - 1)),
            Value::Object(members) => members.values().any(|member| too_deep(member, left - 1)),
            _ => false,
        }
}

fn model(value: &Value) -> Result<Model, ParseError> {
    if !value["resourceType"].is_string() {
        return Err(ParseError::nowhere("expected an object with a resourceType"));
    }
    let model = read::read(value).map_err(|fault| place::find(value, fault))?;
    // By way of text, not straight to a tree: that would be a second set of derived writers, a fifth of the whole.
    let written = model.write().and_then(|written| serde_json::from_slice(&written));
    lost::check(value, &written.map_err(|error| ParseError::nowhere(error.to_string()))?)?;
    Ok(model)
}

/// Runs on a stack that the deepest resource fits into, whoever calls.
fn with_stack<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let worker = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work);
        worker.expect("the system has a thread to spare").join().unwrap_or_else(|panic| resume_unwind(panic))
    })
}
