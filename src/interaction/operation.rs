//! Operations: <https://hl7.org/fhir/R4/operations.html>. What is offered stands in one table; routing, `Allow`, the
//! CapabilityStatement and what is said of a wrong call follow from it.

mod call;

pub use call::Call;
#[cfg(test)]
pub(super) use call::call;

use super::{
    Answer, Request, docref, everything, gateway::Fhir, lastn, read, search, terminology, trail, validate,
};
use crate::error::{self, Error, Result};

/// What an operation is called on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// `[base]/$…`.
    System,
    /// `[base]/[type]/$…`.
    Type,
    /// `[base]/[type]/[id]/$…`.
    Instance,
}

/// How an operation is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Methods {
    /// By GET with its parameters in the address, or by POST.
    Both,
    /// By POST only: it takes a resource.
    Post,
}

/// An operation that is offered.
#[derive(Debug, PartialEq, Eq)]
pub struct Operation {
    /// Its name without `$`.
    pub name: &'static str,
    /// Canonical URL of its OperationDefinition.
    pub definition: &'static str,
    /// The type it belongs to; none for all types.
    kind: Option<&'static str>,
    levels: &'static [(Level, Methods)],
    /// Names of its parameters.
    pub(super) parameters: &'static [&'static str],
    /// A resource can be its body, without Parameters around it.
    pub takes_resource: bool,
    /// Its addresses for the log, by level.
    templates: [&'static str; 3],
    work: Work,
}

/// What carries an operation out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    DocRef,
    Validate,
    Lookup,
    Subsumes,
    CodeSystemCode,
    ValueSetCode,
    Expand,
    Translate,
    LastN,
    Everything,
    Trail,
}

/// On a type and on one of its resources, both ways.
const TYPE_AND_INSTANCE: [(Level, Methods); 2] =
    [(Level::Type, Methods::Both), (Level::Instance, Methods::Both)];

macro_rules! operations {
    ($($name:literal $kind:expr, $definition:literal, $levels:expr, $parameters:expr, $resource:literal, $work:ident;)+) => {
        /// All operations.
        static OPERATIONS: &[Operation] = &[$(Operation {
            name: $name,
            definition: $definition,
            kind: $kind,
            levels: &$levels,
            parameters: &$parameters,
            takes_resource: $resource,
            templates: [concat!("/$", $name), concat!("/[type]/$", $name), concat!("/[type]/[id]/$", $name)],
            work: Work::$work,
        }),+];
    };
}

operations! {
    "docref" Some("DocumentReference"), "http://hl7.org/fhir/uv/ipa/OperationDefinition/docref",
        [(Level::Type, Methods::Both)], ["patient", "start", "end", "type", "on-demand", "_count"], false, DocRef;
    "lastn" Some("Observation"), "http://hl7.org/fhir/OperationDefinition/Observation-lastn",
        [(Level::Type, Methods::Both)], ["max", "patient", "subject", "category", "code"], false, LastN;
    "everything" Some("Patient"), "http://hl7.org/fhir/OperationDefinition/Patient-everything",
        TYPE_AND_INSTANCE, ["start", "end", "_since", "_type", "_count", "_page"], false, Everything;
    "trail" Some("AuditEvent"), "https://gnuhealth-fhir/OperationDefinition/AuditEvent-trail",
        [(Level::Type, Methods::Both)],
        ["date", "patient", "entity", "agent", "action", "outcome", "subtype", "_count", "_page"], false, Trail;
    "validate" None, "http://hl7.org/fhir/OperationDefinition/Resource-validate",
        [(Level::Type, Methods::Post), (Level::Instance, Methods::Both)], ["resource", "mode", "profile"], true, Validate;
    "lookup" Some("CodeSystem"), "http://hl7.org/fhir/OperationDefinition/CodeSystem-lookup",
        [(Level::Type, Methods::Both)],
        ["system", "code", "coding", "displayLanguage", "property"], false, Lookup;
    "subsumes" Some("CodeSystem"), "http://hl7.org/fhir/OperationDefinition/CodeSystem-subsumes",
        TYPE_AND_INSTANCE, ["system", "codeA", "codeB", "codingA", "codingB"], false, Subsumes;
    "validate-code" Some("CodeSystem"), "http://hl7.org/fhir/OperationDefinition/CodeSystem-validate-code",
        TYPE_AND_INSTANCE,
        ["url", "code", "display", "coding", "codeableConcept", "displayLanguage"], false, CodeSystemCode;
    "validate-code" Some("ValueSet"), "http://hl7.org/fhir/OperationDefinition/ValueSet-validate-code",
        TYPE_AND_INSTANCE,
        ["url", "system", "code", "display", "coding", "codeableConcept", "displayLanguage"], false, ValueSetCode;
    "expand" Some("ValueSet"), "http://hl7.org/fhir/OperationDefinition/ValueSet-expand",
        TYPE_AND_INSTANCE, ["url", "filter", "offset", "count", "displayLanguage"], false, Expand;
    "translate" Some("ConceptMap"), "http://hl7.org/fhir/OperationDefinition/ConceptMap-translate",
        TYPE_AND_INSTANCE,
        ["url", "system", "code", "coding", "codeableConcept", "targetsystem"], false, Translate;
}

impl Operation {
    /// The operation of this name at a place.
    pub fn find(kind: Option<&str>, level: Level, name: &str) -> Option<&'static Self> {
        Self::at(kind, level).find(|operation| operation.name == name)
    }

    /// All operations at a place.
    fn at(kind: Option<&str>, level: Level) -> impl Iterator<Item = &'static Self> {
        OPERATIONS.iter().filter(move |operation| {
            let of_kind = level == Level::System || operation.kind.is_none_or(|own| Some(own) == kind);
            of_kind && operation.methods(level).is_some()
        })
    }

    /// All operations of a type.
    pub(super) fn of_type(kind: &str) -> impl Iterator<Item = &'static Self> {
        OPERATIONS.iter().filter(move |operation| {
            let levels = operation.levels.iter().any(|(level, _)| *level != Level::System);
            levels && operation.kind.is_none_or(|own| own == kind)
        })
    }

    /// That which reads the audit trail.
    pub(super) fn trail() -> impl Iterator<Item = &'static Self> {
        OPERATIONS.iter().filter(|operation| operation.work == Work::Trail)
    }

    /// Whether any operation has this parameter.
    pub(super) fn has_parameter(name: &str) -> bool {
        OPERATIONS.iter().any(|operation| operation.parameters.contains(&name))
    }

    /// How it is called at this level, if it is.
    pub fn methods(&self, level: Level) -> Option<Methods> {
        self.levels.iter().find(|(own, _)| *own == level).map(|(_, methods)| *methods)
    }

    /// It answers with pages of resources, so it can be had as a stream of them.
    pub(super) fn is_list(&self) -> bool {
        matches!(self.work, Work::Everything | Work::Trail)
    }

    /// It is offered by this gateway: the trail can be read where it is in a file.
    pub(super) fn is_offered(&self, fhir: &Fhir) -> bool {
        self.work != Work::Trail || fhir.options.trail.is_some()
    }

    /// Its address for the log.
    pub fn template(&self, level: Level) -> &'static str {
        self.templates[level as usize]
    }

    /// That no operation of a name is offered at a place, and which ones are.
    pub fn unsupported(kind: Option<&str>, level: Level) -> Error {
        let names: Vec<String> =
            Self::at(kind, level).map(|operation| format!("${}", operation.name)).collect();
        let offered = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        Error::new(&error::INTERACTION_UNSUPPORTED).detail(format!("Operations offered here: {offered}."))
    }
}

/// Carries out an operation.
pub(super) async fn run(fhir: &Fhir, request: &Request, call: &Call) -> Result<Answer> {
    // Who is nobody learns nothing, also not which parameters there are.
    let caller = &fhir.caller(request).await?;
    // The trail is no type of the mappings, and who may not read it learns nothing of its parameters.
    if call.operation.work != Work::Trail {
        fhir.kind(&call.kind)?;
        call.check()?;
    }
    if let (Some(id), true) = (&call.id, call.operation.work != Work::Validate) {
        // What an operation works on is there, and the caller may read it.
        read::read(fhir, request, &call.kind, id, &[]).await?;
    }
    match call.operation.work {
        Work::DocRef => {
            search::search(fhir, request, search::Place::of("DocumentReference"), &docref::search(call)?)
                .await
        }
        Work::Validate => validate::validate(fhir, request, call).await,
        Work::Lookup => terminology::lookup(fhir, caller, call).await,
        Work::Subsumes => terminology::subsumes(fhir, caller, call).await,
        Work::CodeSystemCode => terminology::in_code_system(fhir, caller, call).await,
        Work::ValueSetCode => terminology::in_value_set(fhir, request, caller, call).await,
        Work::Expand => terminology::expand(fhir, request, caller, call).await,
        Work::Translate => terminology::translate(fhir, caller, call),
        Work::LastN => lastn::lastn(fhir, request, call).await,
        Work::Everything => everything::everything(fhir, request, call).await,
        Work::Trail => trail::trail(fhir, request, call).await,
    }
}

#[cfg(test)]
mod tests {
    use super::{Level, Methods, OPERATIONS, Operation};

    #[test]
    fn an_operation_is_found_where_it_is_offered() {
        let name = |kind, level, name| Operation::find(kind, level, name).map(|found| found.definition);
        assert!(name(Some("DocumentReference"), Level::Type, "docref").is_some());
        assert!(name(Some("DocumentReference"), Level::Instance, "docref").is_none());
        assert!(name(Some("Patient"), Level::Type, "docref").is_none());
        assert!(name(None, Level::System, "validate").is_none());
        let validate = Operation::find(Some("Patient"), Level::Type, "validate").unwrap();
        assert_eq!(validate.methods(Level::Type), Some(Methods::Post));
        assert_eq!(validate.template(Level::Instance), "/[type]/[id]/$validate");
        let said = Operation::unsupported(Some("Patient"), Level::Type).text();
        assert!(said.contains("$validate") && !said.contains("$docref"), "{said}");
    }

    #[test]
    fn names_are_told_apart_by_type_and_level() {
        for operation in OPERATIONS {
            for (level, _) in operation.levels {
                let same = OPERATIONS.iter().filter(|other| {
                    other.name == operation.name
                        && other.methods(*level).is_some()
                        && (other.kind == operation.kind || other.kind.is_none())
                });
                assert_eq!(same.count(), 1, "{} {level:?}", operation.name);
            }
        }
    }
}
