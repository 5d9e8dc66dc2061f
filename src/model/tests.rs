use serde_json::{Value, json};

use super::*;

fn bytes(value: &Value) -> Vec<u8> {
    serde_json::to_vec(value).expect("a value is JSON")
}

fn fault(value: Value) -> String {
    parse(&bytes(&value)).map(|_| ()).expect_err("it is broken").to_string()
}

fn observation() -> Value {
    json!({
        "resourceType": "Observation", "id": "ev-1-bp", "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "85354-9"}]},
        "effectiveDateTime": "2024-01-02T03:04:05-03:00",
        "component": [
            {"code": {"text": "systolic"}, "valueQuantity": {"value": 120.5, "unit": "mm[Hg]"}},
            {"code": {"text": "diastolic"}, "valueQuantity": {"value": 80, "unit": "mm[Hg]"}},
        ],
    })
}

#[test]
fn a_resource_is_read_and_written() {
    let resource = parse(&bytes(&observation())).expect("it is good");
    let again: Value = serde_json::from_slice(&write(&resource)).expect("JSON is written");
    assert_eq!(again["component"][0]["valueQuantity"]["value"], json!(120.5));
    assert_eq!(again["component"][1]["valueQuantity"]["value"].as_f64(), Some(80.0));
    assert_eq!(again["effectiveDateTime"], "2024-01-02T03:04:05-03:00");
    assert_eq!(check(&bytes(&observation())).expect("it is good"), "Observation");
}

#[test]
fn faults_name_their_element() {
    let contact = |gender: Value| json!({"resourceType": "Patient", "active": true, "contact": [{}, {"gender": gender}]});
    assert_eq!(fault(contact(json!(1))), "Patient.contact[1].gender: expected a string, found a number");
    assert!(
        fault(contact(json!("m"))).starts_with("Patient.contact[1].gender: "),
        "{}",
        fault(contact(json!("m")))
    );
    let mut broken = observation();
    broken["component"][1]["code"].take();
    assert!(fault(broken).starts_with("Observation.component[1].code: "));
    let mut broken = observation();
    broken["component"][1].as_object_mut().map(|component| component.remove("code"));
    assert_eq!(fault(broken), "Observation.component[1]: the element `code` is required");
    assert_eq!(
        fault(json!({"resourceType": "Observation", "status": "final"})),
        "Observation: the element `code` is required"
    );
    let entry = |gender: &str| json!({"resource": {"resourceType": "Patient", "gender": gender}});
    let bundle = json!({"resourceType": "Bundle", "type": "collection", "entry": [entry("male"), entry("male"), entry("m"), entry("male")]});
    assert!(fault(bundle).starts_with("Bundle.entry[2].resource.gender: "));
}

#[test]
fn nothing_is_lost_in_silence() {
    let fault_at = |value| fault(value).split(':').next().unwrap_or_default().to_owned();
    assert_eq!(fault_at(json!({"resourceType": "Patient", "birthdate": "1970-01-01"})), "Patient.birthdate");
    assert_eq!(
        fault_at(json!({"resourceType": "Patient", "deceasedBoolean": "no"})),
        "Patient.deceasedBoolean"
    );
    assert_eq!(
        fault_at(json!({"resourceType": "Patient", "name": [{"famly": "Doe"}]})),
        "Patient.name[0].famly"
    );
    let mut broken = observation();
    broken["component"][0]["valueQuantity"]["value"] = json!("120");
    assert_eq!(fault_at(broken), "Observation.component[0].valueQuantity");
}

#[test]
fn what_cannot_be_written_again_is_refused() {
    assert!(!fault(json!({"resourceType": "Patient", "birthDate": "12"})).is_empty());
}

#[test]
fn text_that_is_no_resource_is_refused() {
    let of = |text: &[u8]| check(text).expect_err("it is broken").to_string();
    assert_eq!(of(b"{\n \"resourceType\": }"), "line 2, column 18: expected value");
    assert_eq!(of(b"[]"), "expected an object with a resourceType");
    assert_eq!(of(b"{}"), "expected an object with a resourceType");
    assert_eq!(of(br#"{"resourceType": "Pat", "x": 1}"#), "not a known resource type");
    assert!(of(b"\xff\xfe").starts_with("line 1"));
    assert!(of(b"").starts_with("line 1"));
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(of(deep.as_bytes()).contains("recursion limit"));
}

#[test]
fn deep_nesting_is_read_or_refused() {
    let nested = |levels: usize| {
        let inner = json!({"linkId": "1", "type": "group"});
        let item = (0..levels).fold(inner, |item, _| json!({"linkId": "1", "type": "group", "item": [item]}));
        bytes(&json!({"resourceType": "Questionnaire", "status": "active", "item": [item]}))
    };
    let contained = |levels: usize| {
        let inner = json!({"resourceType": "Basic", "code": {"text": "x"}});
        bytes(&(0..levels).fold(
            inner,
            |inner, _| json!({"resourceType": "Bundle", "type": "batch", "entry": [{"resource": inner}]}),
        ))
    };
    let within = |name: &str| {
        let inner = json!({"resourceType": name, "id": "x"});
        bytes(&(0..30).fold(inner, |inner, _| json!({"resourceType": name, "contained": [inner]})))
    };
    for name in [
        "Contract",
        "Patient",
        "MolecularSequence",
        "Practitioner",
        "SubstanceDefinition",
        "DeviceDefinition",
    ] {
        if let Err(error) = check(&within(name)) {
            assert!(error.message.ends_with("is required"), "{error}");
        }
    }
    assert_eq!(check(&nested(29)).expect("it is good"), "Questionnaire");
    assert_eq!(check(&contained(20)).expect("it is good"), "Bundle");
    assert_eq!(check(&nested(50)).expect_err("too deep").to_string(), "nested too deeply");
}

#[test]
fn a_required_element_may_be_masked_in_a_check() {
    let mut masked = observation();
    let members = masked.as_object_mut().expect("it is an object");
    members.remove("status");
    let reason =
        json!([{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "masked"}]);
    members.insert("_status".to_owned(), json!({"extension": reason}));
    assert_eq!(check(&bytes(&masked)).expect("it is good"), "Observation");
    assert!(parse(&bytes(&masked)).is_err());
}

#[test]
fn an_outcome_is_what_the_model_reads() {
    let expression = ["Patient.name".to_owned()];
    let all = [Severity::Fatal, Severity::Error, Severity::Warning, Severity::Information];
    let issues = all.map(|severity| Issue {
        severity,
        code: "not-found",
        diagnostics: Some("a \"quoted\" cause"),
        expression: &expression,
        details_text: Some("There is none."),
    });
    let written = operation_outcome(&issues);
    assert_eq!(check(&written).expect("it is good"), "OperationOutcome");
    let bare = Issue { diagnostics: None, expression: &[], details_text: None, ..issues[1] };
    assert_eq!(
        String::from_utf8_lossy(&operation_outcome(&[bare])),
        r#"{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"not-found"}]}"#
    );
}
