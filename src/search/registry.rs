//! The search parameters that FHIR R4 defines, with the elements they look at.
//!
//! <https://hl7.org/fhir/R4/searchparameter-registry.html>. The data are `fhir/r4/search-parameters.tsv`, written from
//! the specification by `tests/definitions/generate`, and read once, when first asked.

mod path;
#[cfg(test)]
mod tests;

use std::{collections::HashMap, sync::LazyLock};

use crate::fhir::structure;

pub use crate::search::registry::path::{Path, Step};

const PARAMETERS: &str = include_str!("../fhir/r4/search-parameters.tsv");
const CANONICAL: &str = "http://hl7.org/fhir/SearchParameter/";

static REGISTRY: LazyLock<HashMap<&'static str, Vec<Parameter>>> = LazyLock::new(|| read(PARAMETERS));

/// One search parameter on one resource type.
#[derive(Debug)]
pub struct Parameter {
    /// The resource type it is defined for; `Resource` or `DomainResource` for those that many have.
    pub base: &'static str,
    /// As in a URL: `birthdate`, `_lastUpdated`.
    pub name: &'static str,
    /// What its values look like and how they match.
    pub kind: Kind,
    /// The FHIRPath of the specification, only the parts for this base.
    pub expression: &'static str,
    /// The same, parsed: one for each part of the union. Empty for those without elements behind them, as `_text`.
    pub paths: Vec<Path>,
    /// Of a reference: the resource types that both the parameter and the element allow; empty for any.
    pub targets: Vec<&'static str>,
    /// Of a composite, in the order of its value.
    pub components: Vec<Component>,
    /// `http://hl7.org/fhir/SearchParameter/Patient-birthdate`
    pub url: String,
}

/// <https://hl7.org/fhir/R4/search.html#ptypes>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// <https://hl7.org/fhir/R4/search.html#number>
    Number,
    /// <https://hl7.org/fhir/R4/search.html#date>
    Date,
    /// <https://hl7.org/fhir/R4/search.html#string>
    String,
    /// <https://hl7.org/fhir/R4/search.html#token>
    Token,
    /// <https://hl7.org/fhir/R4/search.html#reference>
    Reference,
    /// <https://hl7.org/fhir/R4/search.html#composite>
    Composite,
    /// <https://hl7.org/fhir/R4/search.html#quantity>
    Quantity,
    /// <https://hl7.org/fhir/R4/search.html#uri>
    Uri,
    /// <https://hl7.org/fhir/R4/search.html#special>
    Special,
}

/// One part of a composite.
#[derive(Debug)]
pub struct Component {
    /// The parameter of the same resource type that defines it.
    pub name: &'static str,
    /// From each element that the paths of the composite lead to.
    pub paths: Vec<Path>,
}

impl Parameter {
    /// Whether a reference found by this parameter may point to the resource type.
    pub fn may_target(&self, resource_type: &str) -> bool {
        self.kind == Kind::Reference && (self.targets.is_empty() || self.targets.contains(&resource_type))
    }
}

impl Kind {
    /// As `SearchParameter.type` and `CapabilityStatement.rest.resource.searchParam.type` spell it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Date => "date",
            Self::String => "string",
            Self::Token => "token",
            Self::Reference => "reference",
            Self::Composite => "composite",
            Self::Quantity => "quantity",
            Self::Uri => "uri",
            Self::Special => "special",
        }
    }

    fn of(code: &str) -> Option<Self> {
        let all = [
            Self::Number,
            Self::Date,
            Self::String,
            Self::Token,
            Self::Reference,
            Self::Composite,
            Self::Quantity,
            Self::Uri,
            Self::Special,
        ];
        all.into_iter().find(|kind| kind.code() == code)
    }
}

/// All parameters of a resource type: its own, then those of `DomainResource` and `Resource`.
pub fn parameters(resource_type: &str) -> impl Iterator<Item = &'static Parameter> {
    structure::lineage(resource_type).flat_map(|found| own(found.name))
}

/// One parameter of a resource type, its own or one that it inherits.
pub fn parameter(resource_type: &str, name: &str) -> Option<&'static Parameter> {
    parameters(resource_type).find(|parameter| parameter.name == name)
}

fn own(base: &str) -> &'static [Parameter] {
    REGISTRY.get(base).map_or(&[], Vec::as_slice)
}

/// The format is described at the top of the file.
fn read(text: &'static str) -> HashMap<&'static str, Vec<Parameter>> {
    let mut registry: HashMap<&'static str, Vec<Parameter>> = HashMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let parameter = read_parameter(line);
        registry.entry(parameter.base).or_default().push(parameter);
    }
    registry
}

fn read_parameter(line: &'static str) -> Parameter {
    let mut columns = line.split('\t');
    let mut next = || columns.next().unwrap_or_default();
    let (base, name) = (next(), next());
    let kind = Kind::of(next()).expect("the generator writes one of the nine types of parameters");
    let expression = next();
    let targets = next();
    let components = next();
    let url = next();
    Parameter {
        base,
        name,
        kind,
        expression,
        paths: Path::parts(expression, base),
        targets: targets.split('|').filter(|target| !matches!(*target, "" | "*")).collect(),
        components: components.split_terminator(';').map(read_component).collect(),
        url: if url.contains(':') { url.to_owned() } else { format!("{CANONICAL}{url}") },
    }
}

fn read_component(text: &'static str) -> Component {
    let (name, expression) = text.split_once('=').expect("the generator writes name=expression");
    Component { name, paths: Path::parts(expression, "") }
}
