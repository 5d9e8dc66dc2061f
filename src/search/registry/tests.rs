use super::*;
use crate::fhir::structure::element;

fn paths(resource_type: &str, name: &str) -> &'static [Path] {
    &parameter(resource_type, name).expect("R4 has it").paths
}

#[test]
fn a_parameter_is_what_the_specification_says() {
    let birthdate = parameter("Patient", "birthdate").expect("R4 has it");
    assert_eq!(birthdate.kind, Kind::Date);
    assert_eq!(birthdate.paths, [Path::Steps(vec![Step::Element("birthDate")])]);
    assert_eq!(birthdate.url, "http://hl7.org/fhir/SearchParameter/individual-birthdate");
    assert!(parameter("Patient", "birthDate").is_none() && parameter("Pat", "birthdate").is_none());
}

#[test]
fn parameters_of_every_resource_are_inherited() {
    let updated = parameter("Bundle", "_lastUpdated").expect("R4 has it");
    assert_eq!(updated.paths[0].elements().collect::<Vec<_>>(), ["meta", "lastUpdated"]);
    assert!(parameter("Patient", "_text").is_some() && parameter("Bundle", "_text").is_none());
    let names: Vec<_> = parameters("Bundle").map(|parameter| parameter.name).collect();
    assert_eq!(
        names,
        [
            "composition",
            "identifier",
            "message",
            "timestamp",
            "type",
            "_content",
            "_id",
            "_lastUpdated",
            "_profile",
            "_query",
            "_security",
            "_source",
            "_tag"
        ]
    );
}

#[test]
fn expressions_become_steps() {
    let value = Step::Element("value");
    assert_eq!(
        paths("Observation", "value-string"),
        [
            Path::Steps(vec![value.clone(), Step::As("string")]),
            Path::Steps(vec![value, Step::As("CodeableConcept"), Step::Element("text")]),
        ]
    );
    assert_eq!(
        paths("Condition", "onset-date"),
        ["dateTime", "Period"].map(|kind| Path::Steps(vec![Step::Element("onset"), Step::As(kind)]))
    );
    assert_eq!(
        paths("Patient", "phone"),
        [Path::Steps(vec![Step::Element("telecom"), Step::Where { element: "system", is: "phone" }])]
    );
    assert_eq!(
        paths("Encounter", "patient"),
        [Path::Steps(vec![Step::Element("subject"), Step::Refers("Patient")])]
    );
    assert_eq!(paths("Location", "name").len(), 2);
    assert_eq!(paths("Patient", "deceased"), [Path::Steps(vec![Step::Element("deceased"), Step::Holds])]);
}

#[test]
fn references_keep_the_targets_that_the_element_allows() {
    let patient = parameter("Encounter", "patient").expect("R4 has it");
    assert_eq!(patient.targets, ["Patient"]);
    let encounter = parameter("Observation", "encounter").expect("R4 has it");
    assert!(encounter.may_target("Encounter") && !encounter.may_target("EpisodeOfCare"));
    let focus = parameter("Observation", "focus").expect("R4 has it");
    assert!(focus.targets.is_empty() && focus.may_target("Patient"));
    assert!(!parameter("Patient", "name").expect("R4 has it").may_target("Patient"));
}

#[test]
fn composites_have_components() {
    let combined = parameter("Observation", "combo-code-value-quantity").expect("R4 has it");
    assert_eq!(combined.paths, [Path::Steps(vec![]), Path::Steps(vec![Step::Element("component")])]);
    let names: Vec<_> = combined.components.iter().map(|component| component.name).collect();
    assert_eq!(names, ["combo-code", "combo-value-quantity"]);
    assert_eq!(
        combined.components[1].paths,
        [Path::Steps(vec![Step::Element("value"), Step::As("Quantity")])]
    );
    let date = parameter("Observation", "code-value-date").expect("R4 has it");
    assert_eq!(date.components[1].paths.len(), 2);
}

/// Every path leads to an element, whose type the cast names.
#[test]
fn paths_lead_to_elements() {
    let mut checked = 0;
    for parameter in REGISTRY.values().flatten() {
        for path in &parameter.paths {
            if let Path::Steps(steps) = path {
                walk(parameter.base, steps);
                checked += 1;
            }
        }
    }
    assert_eq!(checked, 1767);
}

fn walk(base: &'static str, steps: &[Step]) {
    let mut owner = base;
    for (index, step) in steps.iter().enumerate() {
        let Step::Element(name) = step else { continue };
        let cast = steps[index + 1..].first().and_then(|next| match next {
            Step::As(kind) => Some(*kind),
            _ => None,
        });
        let found = element(owner, name).or_else(|| {
            let choice = structure::children(owner).find(|child| child.is_choice && child.name == *name)?;
            let (json, _) = choice.names().find(|(_, kind)| cast.is_none_or(|cast| cast == kind.code))?;
            element(owner, &json)
        });
        owner = found.unwrap_or_else(|| panic!("{base}: {steps:?} leads nowhere at {name}")).owner();
    }
}

#[test]
fn only_these_expressions_are_not_supported() {
    let mut all = 0;
    let mut unsupported: Vec<String> = Vec::new();
    for parameter in structure::resources().flat_map(own).chain(own("DomainResource")).chain(own("Resource"))
    {
        let components = parameter.components.iter().flat_map(|component| &component.paths);
        for path in parameter.paths.iter().chain(components) {
            all += 1;
            if let Path::Unsupported(text) = path {
                unsupported.push(format!("{}?{}: {text}", parameter.base, parameter.name));
            }
        }
    }
    let supported = all - unsupported.len();
    insta::assert_snapshot!(format!("{supported} of {all} parsed\n{}", unsupported.join("\n")), @r"
    1943 of 1947 parsed
    Bundle?composition: Bundle.entry[0].resource
    Bundle?message: Bundle.entry[0].resource
    MolecularSequence?chromosome-variant-coordinate: %resource.referenceSeq.chromosome
    MolecularSequence?referenceseqid-variant-coordinate: %resource.referenceSeq.referenceSeqId
    ");
}
