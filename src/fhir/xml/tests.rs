use serde_json::{Value, json};

use super::{read, write};

const DIV: &str =
    r#"<div xmlns="http://www.w3.org/1999/xhtml"><p>a &lt; b &amp; c &#233;<br/></p><!-- x --></div>"#;

fn written(json: &Value) -> String {
    String::from_utf8(write(json.to_string().as_bytes(), false).unwrap()).unwrap()
}

/// XML of a Patient with this inside.
fn patient(content: &str) -> String {
    format!("<Patient xmlns=\"http://hl7.org/fhir\">{content}</Patient>")
}

/// What the refusal of a document says.
fn refusal(xml: &str) -> String {
    let error = read(xml.as_bytes()).expect_err(xml);
    assert_eq!(error.entry().code, "request-malformed", "{xml}");
    format!("{}: {}", error.expression().unwrap_or_default(), error.text())
}

/// One of everything that XML writes in a way of its own.
fn whole() -> Value {
    json!({
        "resourceType": "Observation",
        "id": "a-1",
        "meta": { "versionId": "1", "profile": ["http://example.org/a&b"] },
        "text": { "status": "generated", "div": DIV },
        "contained": [{ "resourceType": "Patient", "id": "p", "active": true }, { "resourceType": "Basic", "code": { "text": "x" } }],
        "extension": [
            { "url": "http://example.org/plain", "valueDecimal": 1 },
            { "id": "e", "extension": [{ "url": "inner", "valueBoolean": false }], "url": "http://example.org/nested" }
        ],
        "status": "final",
        "code": { "id": "c", "coding": [{ "system": "http://loinc.org", "code": "8302-2" }, { "display": "<\"'&>" }] },
        "subject": { "reference": "#p" },
        "_effectiveDateTime": { "extension": [{ "url": "http://example.org/absent", "valueCode": "unknown" }] },
        "performer": [{ "display": "line\r\n\tnext" }],
        "valueQuantity": { "value": 0, "unit": "°C" },
        "note": [{ "_text": { "id": "t" }, "text": "é漢 😀" }],
        "component": [{ "code": { "text": "a" }, "valueInteger": -7 }]
    })
}

#[test]
fn elements_stand_in_the_order_of_the_specification() {
    let json = json!({
        "name": [{ "given": ["A", "B"], "family": "C", "use": "official" }],
        "birthDate": "2001-02-03",
        "resourceType": "Patient",
        "_birthDate": { "extension": [{ "valueCode": "x", "url": "u" }], "id": "b" },
        "active": true,
        "id": "1"
    });
    let expected = r#"<?xml version="1.0" encoding="UTF-8"?><Patient xmlns="http://hl7.org/fhir"><id value="1"/><active value="true"/><name><use value="official"/><family value="C"/><given value="A"/><given value="B"/></name><birthDate id="b" value="2001-02-03"><extension url="u"><valueCode value="x"/></extension></birthDate></Patient>"#;
    assert_eq!(written(&json), expected);
}

#[test]
fn what_is_written_is_read_again() {
    let json = whole();
    let xml = written(&json);
    assert_eq!(read(xml.as_bytes()).unwrap(), json, "{xml}");
    assert!(xml.contains(DIV), "{xml}");
    assert!(
        xml.contains(r##"<contained><Patient><id value="p"/><active value="true"/></Patient></contained>"##),
        "{xml}"
    );
    assert!(xml.contains(r#"<display value="line&#13;&#10;&#9;next"/>"#), "{xml}");
    let pretty = write(json.to_string().as_bytes(), true).unwrap();
    assert_eq!(read(&pretty).unwrap(), json);
    let pretty = String::from_utf8(pretty).unwrap();
    assert!(pretty.contains("\n  <status value=\"final\"/>\n  <code id=\"c\">\n    <coding>\n"), "{pretty}");
}

#[test]
fn bundles_and_parameters_hold_resources() {
    for json in [
        json!({ "resourceType": "Bundle", "type": "searchset", "total": 1, "link": [{ "relation": "self", "url": "http://a/b?c=d&e=f" }],
            "entry": [{ "fullUrl": "http://a/Observation/a-1", "resource": whole(), "search": { "mode": "match" } }] }),
        json!({ "resourceType": "Parameters", "parameter": [
            { "name": "a", "valueBoolean": true }, { "name": "b", "resource": whole() },
            { "name": "c", "part": [{ "name": "d", "valueCoding": { "code": "e" } }] } ] }),
        json!({ "resourceType": "Questionnaire", "status": "draft", "item": [{ "linkId": "1", "type": "group",
            "item": [{ "linkId": "2", "type": "choice", "answerOption": [{ "valueCoding": { "code": "x" } }] }] }] }),
        // An element that is called as the type of a resource is elsewhere.
        json!({ "resourceType": "ExampleScenario", "status": "draft", "instance": [{ "resourceId": "a", "resourceType": "Patient" }] }),
    ] {
        assert_eq!(read(written(&json).as_bytes()).unwrap(), json);
    }
}

#[test]
fn decimals_keep_their_digits() {
    for digits in ["1.10", "0.00", "100", "-0.5", "123456789012345678.000000000001", "1e+5", "1.0e-3"] {
        let json = format!(
            r#"{{"resourceType":"Observation","status":"final","valueQuantity":{{"value":{digits}}}}}"#
        );
        let xml = String::from_utf8(write(json.as_bytes(), false).unwrap()).unwrap();
        assert!(xml.contains(&format!("<value value=\"{digits}\"/>")), "{xml}");
        assert_eq!(read(xml.as_bytes()).unwrap().to_string(), json);
    }
    let quantity = |digits: &str| {
        format!(
            "<Observation xmlns=\"http://hl7.org/fhir\"><valueQuantity><value value=\"{digits}\"/></valueQuantity></Observation>"
        )
    };
    for (digits, kept) in [("1.0E3", "1.0e+3"), ("1e5", "1e+5")] {
        assert_eq!(read(quantity(digits).as_bytes()).unwrap()["valueQuantity"]["value"].to_string(), kept);
    }
    for digits in ["", "+1", "01", ".5", "1.", "1,5", " 1", "1 ", "0x1", "NaN", "INF", "1e", "--1"] {
        refusal(&quantity(digits));
    }
}

#[test]
fn lists_of_primitives_keep_their_places() {
    for json in [
        json!({ "given": ["a", null, "b"], "_given": [null, { "id": "x" }, { "extension": [{ "url": "u", "valueCode": "c" }] }] }),
        json!({ "_given": [{ "id": "x" }] }),
        json!({ "given": ["a", "b"] }),
    ] {
        let json = json!({ "resourceType": "Patient", "name": [json] });
        assert_eq!(read(written(&json).as_bytes()).unwrap(), json);
    }
}

#[test]
fn a_character_that_xml_does_not_have_is_replaced() {
    let xml = written(&json!({ "resourceType": "Patient", "id": "a\u{1}b\u{ffff}c" }));
    assert!(xml.contains("<id value=\"a\u{fffd}b\u{fffd}c\"/>"), "{xml}");
}

#[test]
fn what_is_no_resource_is_not_written() {
    for json in [
        json!({}),
        json!([]),
        json!({ "resourceType": "Patients" }),
        json!({ "resourceType": "Patient", "nmae": [] }),
        json!({ "resourceType": "Patient", "name": ["x"] }),
        json!({ "resourceType": "Patient", "active": {} }),
        json!({ "resourceType": "Patient", "text": { "status": "generated", "div": "<div>x</div>" } }),
        json!({ "resourceType": "Patient", "text": { "status": "generated", "div": format!("{DIV}<div/>") } }),
    ] {
        let error = write(json.to_string().as_bytes(), false).expect_err(&json.to_string());
        assert_eq!(error.entry().code, "internal");
    }
}

#[test]
fn documents_are_read_as_others_write_them() {
    let expected = json!({ "resourceType": "Patient", "id": "1", "name": [{ "text": "a\"b c" }] });
    for xml in [
        "<?xml version='1.0' encoding='utf-8'?>\n<!-- x -->\n<Patient xmlns='http://hl7.org/fhir'>\n <id value='1'/><?pi x?>\n <name><!-- y --><text value='a\"b\nc'></text></name></Patient>\n",
        "\u{feff}<f:Patient xmlns:f=\"http://hl7.org/fhir\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:schemaLocation=\"x y\"><f:id value=\"1\"/><f:name><f:text value=\"a&quot;b&#32;&#x63;\"/></f:name></f:Patient>",
    ] {
        assert_eq!(read(xml.as_bytes()).unwrap(), expected, "{xml}");
    }
}

#[test]
fn nothing_leads_out_of_a_document() {
    let entity = r#"<!DOCTYPE Patient [<!ENTITY x SYSTEM "file:///etc/passwd">]>"#;
    let laughs = r#"<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>"#;
    for start in [
        entity,
        laughs,
        "<!DOCTYPE Patient>",
        "<?xml version=\"1.0\"?><!DOCTYPE Patient SYSTEM \"http://a/b\">",
    ] {
        let text = refusal(&format!("{start}{}", patient("<id value=\"&x;\"/>")));
        assert!(text.contains("DTD"), "{text}");
    }
    for content in [
        "<id value=\"&x;\"/>",
        "<id value=\"&nbsp;\"/>",
        "<id value=\"&#0;\"/>",
        "<id value=\"&#xFFFF;\"/>",
        "<id value=\"\u{1}\"/>",
    ] {
        let text = refusal(&patient(content));
        assert!(text.starts_with("Patient.id:"), "{text}");
    }
    for div in [
        "<div>x</div>",
        "<div xmlns=\"http://www.w3.org/1999/xhtml\">&nbsp;</div>",
        "<div xmlns=\"http://www.w3.org/1999/xhtml\"><f:p xmlns:f=\"http://hl7.org/fhir\"/></div>",
        "<div xmlns=\"http://www.w3.org/1999/xhtml\"><?php x ?></div>",
        "<p xmlns=\"http://www.w3.org/1999/xhtml\"/>",
    ] {
        refusal(&patient(&format!("<text><status value=\"generated\"/>{div}</text>")));
    }
}

#[test]
fn what_r4_does_not_have_is_refused_and_named() {
    for (content, expected) in [
        ("<nmae/>", "Patient: The request cannot be read. There is no element nmae here."),
        (
            "<active value=\"true\"/><id value=\"1\"/>",
            "Patient.id: The request cannot be read. It stands after",
        ),
        (
            "<active value=\"true\"/><active value=\"true\"/>",
            "Patient.active: The request cannot be read. It can be given only once.",
        ),
        (
            "<deceasedBoolean value=\"true\"/><deceasedDateTime value=\"2000\"/>",
            "Patient.deceasedDateTime: The request cannot be read. Of the types",
        ),
        ("<active value=\"yes\"/>", "Patient.active: The request cannot be read. Expected boolean."),
        (
            "<multipleBirthInteger value=\"01\"/>",
            "Patient.multipleBirthInteger: The request cannot be read. Expected integer.",
        ),
        ("<active/>", "Patient.active: The request cannot be read. It is empty."),
        ("<name/>", "Patient.name: The request cannot be read. It is empty."),
        ("<active value=\"\"/>", "Patient.active: The request cannot be read. A value is empty"),
        (
            "<active value=\"true\" url=\"x\"/>",
            "Patient.active: The request cannot be read. It has no attribute url.",
        ),
        ("<name value=\"x\"/>", "Patient.name: The request cannot be read. It has no attribute value."),
        ("<active>true</active>", "Patient.active: The request cannot be read. Text stands"),
        ("<name><![CDATA[x]]></name>", "Patient.name: The request cannot be read. Text stands"),
        ("<contained/>", "Patient.contained: The request cannot be read. Expected a resource"),
        (
            "<contained><Patients/></contained>",
            "Patient.contained: The request cannot be read. Expected the name",
        ),
        (
            "<contained><Patient><id value=\"1\"/></Patient><Patient/></contained>",
            "Patient.contained: The request cannot be read. Expected one",
        ),
        (
            "<active xmlns=\"urn:x\" value=\"true\"/>",
            "Patient: The request cannot be read. Expected elements in the namespace",
        ),
        (
            "<extension><url value=\"x\"/></extension>",
            "Patient.extension: The request cannot be read. There is no element url here.",
        ),
        ("<Secret_Name/>", "Patient: The request cannot be read. There is no element of this name here."),
    ] {
        let text = refusal(&patient(content));
        assert!(text.starts_with(expected), "{content}: {text}");
    }
    for xml in [
        "",
        " ",
        "x",
        "<",
        "<Patient/>",
        "<Patient xmlns=\"http://hl7.org/fhir\">",
        "<patient xmlns=\"http://hl7.org/fhir\"/>",
        "<Patient xmlns=\"http://hl7.org/fhir\"></Person>",
        "<Patient xmlns=\"http://hl7.org/fhir\" id=\"1\"/>",
        "<Patient xmlns=\"http://hl7.org/fhir\"/><Patient xmlns=\"http://hl7.org/fhir\"/>",
        "<?xml version=\"1.1\"?><Patient xmlns=\"http://hl7.org/fhir\"/>",
        "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><Patient xmlns=\"http://hl7.org/fhir\"/>",
        "<Patient xmlns=\"http://hl7.org/fhir\"><id value=\"1\" value=\"2\"/></Patient>",
        "<div xmlns=\"http://www.w3.org/1999/xhtml\"/>",
    ] {
        refusal(xml);
    }
    assert!(read(b"\xff").is_err());
}

#[test]
fn depth_ends() {
    let nested = |depth: usize| {
        let (start, end) = ("<extension url=\"x\">".repeat(depth), "</extension>".repeat(depth));
        patient(&format!("{start}<valueCode value=\"x\"/>{end}"))
    };
    let read_again = read(nested(58).as_bytes()).unwrap();
    assert_eq!(read(written(&read_again).as_bytes()).unwrap(), read_again);
    assert!(refusal(&nested(60)).contains("deeper"));
    assert!(refusal(&nested(100_000)).contains("deeper"));
    // Without a prefix nothing is bound to FHIR.
    assert!(refusal(&"<a>".repeat(100_000)).contains("namespace"));
}
