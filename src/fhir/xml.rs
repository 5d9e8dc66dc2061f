//! Resources in XML: <https://hl7.org/fhir/R4/xml.html>.
//!
//! Inside the gateway a resource is JSON. Here it becomes XML on its way out, and XML becomes JSON on its way in; both are
//! driven by the definitions in [`structure`](crate::fhir::structure), which know the order of all elements and the type of
//! each. A model of R4 as Rust types (fhirbolt, fhir) would do the same for every resource by way of hundreds of structures
//! that take minutes to compile, and would have to be asked to keep the digits of a decimal; here a value is copied.
//!
//! Nothing of a document leads outside of it: a DTD is refused, and with it every entity that is not part of XML itself.

mod read;
#[cfg(test)]
mod tests;
mod text;
mod write;
mod xhtml;

pub use read::read;
pub use write::write;

use crate::fhir::structure::Element;

/// Namespace of FHIR.
const FHIR: &str = "http://hl7.org/fhir";

/// Elements that XML has as attributes: <https://hl7.org/fhir/R4/xml.html#representation>.
fn is_attribute(element: &Element) -> bool {
    matches!(element.path, "Element.id" | "Extension.url")
}
