use super::*;

fn names(owner: &str) -> Vec<&'static str> {
    children(owner).map(|element| element.name).collect()
}

#[test]
fn a_type_has_the_elements_of_its_bases_first() {
    assert_eq!(
        names("Patient"),
        [
            "id",
            "meta",
            "implicitRules",
            "language",
            "text",
            "contained",
            "extension",
            "modifierExtension",
            "identifier",
            "active",
            "name",
            "telecom",
            "gender",
            "birthDate",
            "deceased",
            "address",
            "maritalStatus",
            "multipleBirth",
            "photo",
            "contact",
            "communication",
            "generalPractitioner",
            "managingOrganization",
            "link",
        ]
    );
    assert_eq!(names("Age"), names("Quantity"));
    assert_eq!(names("Quantity")[..3], ["id", "extension", "value"]);
    assert_eq!(names("Patient.contact")[..4], ["id", "extension", "modifierExtension", "relationship"]);
    assert_eq!(names("Timing.repeat")[..3], ["id", "extension", "bounds"]);
    assert_eq!(names("string"), ["id", "extension"]);
    assert!(names("Nothing").is_empty() && names("Patient.nothing").is_empty());
}

#[test]
fn positions_follow_the_specification() {
    for owner in resources() {
        for (place, element) in children(owner).enumerate() {
            assert_eq!(element.position, place, "{} in {owner}", element.path);
        }
    }
}

#[test]
fn an_element_carries_what_the_specification_says_of_it() {
    let gender = element("Patient.contact", "gender").expect("R4 has it");
    assert_eq!(gender.element.path, "Patient.contact.gender");
    assert_eq!((gender.element.min, gender.element.max), (0, Some(1)));
    let binding = gender.element.binding.as_ref().expect("R4 binds it");
    assert_eq!(binding.strength, Strength::Required);
    assert_eq!(binding.value_set, "http://hl7.org/fhir/ValueSet/administrative-gender");

    let status = element("Observation", "status").expect("R4 has it").element;
    assert!(status.summary && status.modifier && status.min == 1 && !status.is_list());
    let link = element("Patient", "link").expect("R4 has it").element;
    assert!(link.is_list() && link.max.is_none());
}

#[test]
fn a_choice_is_found_by_the_name_with_its_type_only() {
    let value = element("Observation", "valueQuantity").expect("R4 has it");
    assert_eq!((value.element.path, value.kind.code), ("Observation.value[x]", "Quantity"));
    let deceased = element("Patient", "deceasedDateTime").expect("R4 has it");
    assert_eq!(deceased.kind.code, "dateTime");
    let medication = element("MedicationRequest", "medicationReference").expect("R4 has it");
    assert!(medication.kind.may_target("Medication") && !medication.kind.may_target("Substance"));
    for wrong in [
        "value",
        "valueAddress",
        "valuequantity",
        "valuedateTime",
        "valueQuantityQ",
        "valueé",
        "valueéme",
        "statusCode",
    ] {
        assert!(element("Observation", wrong).is_none(), "{wrong}");
    }
}

#[test]
fn paths_lead_through_datatypes_backbones_and_content_references() {
    for (path, code) in [
        ("Patient.name.family", "string"),
        ("Patient.contact.name.period.start", "dateTime"),
        ("Observation.valueQuantity.unit", "string"),
        ("Observation.component.referenceRange.low", "Quantity"),
        ("Questionnaire.item.item.item.linkId", "string"),
        ("Patient.extension.extension.valueCoding.display", "string"),
        ("Dosage.timing.repeat.boundsPeriod.start", "dateTime"),
        ("Patient.id", "id"),
        ("Patient.name.id", "string"),
        ("Bundle.entry.resource", "Resource"),
    ] {
        assert_eq!(at(path).map(|found| found.kind.code), Some(code), "{path}");
    }
    let item = element("Questionnaire.item", "item").expect("R4 has it");
    assert_eq!(item.owner(), "Questionnaire.item");
    assert!(at("Patient").is_none() && at("Patient.name.famly").is_none() && at("").is_none());
}

#[test]
fn references_know_their_targets() {
    let subject = element("Observation", "subject").expect("R4 has it");
    assert_eq!(*subject.kind.targets, ["Patient", "Group", "Device", "Location"]);
    let focus = element("Observation", "focus").expect("R4 has it");
    assert!(focus.kind.may_target("Anything"));
}

#[test]
fn types_are_told_apart() {
    assert!(resource("Patient").is_some() && resource("Bundle").is_some());
    for wrong in ["DomainResource", "Resource", "HumanName", "patient", ""] {
        assert!(resource(wrong).is_none(), "{wrong}");
    }
    assert_eq!(resources().count(), 146);
    assert!(is_primitive("date") && !is_primitive("HumanName") && !is_primitive("Date"));
    assert_eq!(
        lineage("Patient").map(|t| t.name).collect::<Vec<_>>(),
        ["Patient", "DomainResource", "Resource"]
    );
}

#[test]
fn a_wrong_name_brings_the_nearest_one() {
    assert_eq!(suggestion("Patient", "birthdate").as_deref(), Some("birthDate"));
    assert_eq!(suggestion("Patient", "deceasedDatetime").as_deref(), Some("deceasedDateTime"));
    assert_eq!(suggestion("Patient.contact", "organisation").as_deref(), Some("organization"));
    assert_eq!(suggestion("Patient", "zzz"), None);
    assert_eq!(suggested_resource("Patients").as_deref(), Some("Patient"));
}

#[test]
fn the_whole_of_the_data_is_consistent() {
    for found in &DEFINITIONS.elements {
        assert!(!found.types.is_empty(), "{} has no type", found.path);
        assert!(found.is_choice || found.types.len() == 1, "{} has several types", found.path);
        assert!(found.max.is_none_or(|max| found.min <= max), "{} has a wrong cardinality", found.path);
        for kind in &found.types {
            assert!(definition(kind.code).is_some(), "{}: {} is no type", found.path, kind.code);
            let owner = Named { element: found, kind }.owner();
            assert!(DEFINITIONS.children.contains_key(owner), "{}: {owner} has no elements", found.path);
            let targets = kind.targets.iter().filter(|target| definition(target).is_none());
            assert!(
                targets.copied().all(|target| target == "SimpleQuantity"),
                "{} has an unknown target",
                found.path
            );
        }
    }
}
