//! Resources from hand-made records: what is written, what is left out, and how that shows.

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::{Held, Renderer, Shape, Site};
use crate::{
    mapping::{
        self, Compiled, Files,
        compiled::{Row, Source},
    },
    search::Subset,
    tryton::{Catalog, Field, FieldKind, Model, Series},
};

const MAPPING: &str = r#"
type  = "Patient"
model = "gnuhealth.patient"

[element]
active    = "active"
identifier = [{ use = "=usual", system = "=http://site/puid", value = "puid" }]
gender    = { path = "gender", codes = "gender", absent = "unknown" }
birthDate = "dob"
multipleBirthInteger = "siblings"
maritalStatus = { text = "marital" }
communication = { each = "langs", language = { text = "name" }, preferred = true }
"#;

fn catalog() -> Catalog {
    let mut patient = Model::new("gnuhealth.patient");
    let fields = [
        ("id", FieldKind::Integer),
        ("active", FieldKind::Boolean),
        ("puid", FieldKind::Char),
        ("gender", FieldKind::Char),
        ("dob", FieldKind::Date),
        ("siblings", FieldKind::Integer),
        ("marital", FieldKind::Char),
        (
            "langs",
            FieldKind::One2Many {
                target: "party.lang".into(),
                inverse: Some("patient".into()),
                by_reference: false,
            },
        ),
    ];
    patient.fields = fields.map(|(name, kind)| Field::new(name, kind)).into_iter().collect();
    let mut lang = Model::new("party.lang");
    let fields = [
        ("id", FieldKind::Integer),
        ("name", FieldKind::Char),
        ("patient", FieldKind::Many2One { target: "gnuhealth.patient".into() }),
    ];
    lang.fields = fields.map(|(name, kind)| Field::new(name, kind)).into_iter().collect();
    Catalog {
        series: Series::V7_0,
        gnuhealth: "5.0",
        modules: ["health".to_owned()].into(),
        models: [patient, lang].map(|model| (model.name, model)).into(),
        tables: Default::default(),
        role: "role".into(),
        language: "en".into(),
        unaccent: false,
        similarity: false,
        server: "15".into(),
    }
}

fn compiled() -> Compiled {
    compiled_from(MAPPING)
}

fn compiled_from(mapping: &str) -> Compiled {
    let mut files = Files::default();
    files.insert("Patient.toml", mapping);
    files.insert("codes/gender.toml", "[map]\nm = \"male\"\nx = false\n");
    let options = mapping::Options { site: "http://site".into() };
    let (compiled, findings) = mapping::compile(&files, &catalog(), &options);
    assert_eq!(findings.0, []);
    compiled
}

/// A record as PostgreSQL sends it.
fn record(columns: &[Option<Vec<u8>>]) -> Vec<u8> {
    let mut bytes = (columns.len() as i32).to_be_bytes().to_vec();
    for column in columns {
        bytes.extend(0i32.to_be_bytes());
        match column {
            None => bytes.extend((-1i32).to_be_bytes()),
            Some(value) => {
                bytes.extend((value.len() as i32).to_be_bytes());
                bytes.extend(value);
            }
        }
    }
    bytes
}

fn array(records: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for number in [1, 0, 2249, records.len() as i32, 1] {
        bytes.extend(number.to_be_bytes());
    }
    for record in records {
        bytes.extend((record.len() as i32).to_be_bytes());
        bytes.extend(record);
    }
    bytes
}

fn text(text: &str) -> Option<Vec<u8>> {
    Some(text.as_bytes().to_vec())
}

static SITE: Site = Site { zone: TimeZone::UTC, narrative: false };

fn renderer<'a>(source: &'a Source, shape: &'a Shape, subset: &'a Subset) -> Renderer<'a> {
    Renderer { site: &SITE, row: &source.row, shape, profiles: &[], subset, patients: false }
}

fn write(source: &Source, shape: &Shape, record: &[u8]) -> Value {
    let renderer = renderer(source, shape, &Subset::All);
    let mut out = Vec::new();
    renderer.resource(&mut out, &source.emits[0].body, "7", record).unwrap();
    let mut value: Value = serde_json::from_slice(&out).unwrap();
    value["meta"].as_object_mut().unwrap().remove("versionId");
    value
}

/// Everything may be seen; the slots stand in their order, then the repeated rows, then the stamp.
fn open(row: &Row) -> Shape {
    let slots = (0..row.slots.len()).map(Held::Slot);
    let rows = (0..row.eaches.len()).map(Held::Rows);
    Shape {
        columns: slots.chain(rows).chain([Held::Stamp]).collect(),
        masked: vec![false; row.slots.len()],
        eaches: row.eaches.iter().map(|each| Some(open(&each.row))).collect(),
    }
}

/// Columns in the order of the mapping: active, puid, gender, dob, siblings, marital, langs; then the stamp.
fn full() -> Vec<Option<Vec<u8>>> {
    let langs =
        array(&[record(&[text("Español"), None]), record(&[None, None]), record(&[text("Quechua"), None])]);
    vec![
        Some(vec![1]),
        text("ABC\"1"),
        text("m"),
        Some((-1i32).to_be_bytes().to_vec()),
        Some(2i32.to_be_bytes().to_vec()),
        text("  "),
        Some(langs),
        None,
    ]
}

#[test]
fn a_full_record_is_written_in_the_order_of_the_specification() {
    let compiled = compiled();
    let source = &compiled.types["Patient"].sources[0];
    let value = write(source, &open(&source.row), &record(&full()));
    let expected = json!({
        "resourceType": "Patient",
        "id": "7",
        "meta": {},
        "identifier": [{ "use": "usual", "system": "http://site/puid", "value": "ABC\"1" }],
        "active": true,
        "gender": "male",
        "birthDate": "1999-12-31",
        "multipleBirthInteger": 2,
        "communication": [
            { "language": { "text": "Español" }, "preferred": true },
            { "language": { "text": "Quechua" }, "preferred": true },
        ],
    });
    assert_eq!(value, expected);
    let names: Vec<_> = value.as_object().unwrap().keys().cloned().collect();
    assert_eq!(
        names[3..],
        ["identifier", "active", "gender", "birthDate", "multipleBirthInteger", "communication"]
    );
}

#[test]
fn of_the_types_of_a_required_choice_one_is_enough() {
    let mut files = Files::default();
    files.insert(
        "Medication.toml",
        r#"
type = "Medication"
model = "gnuhealth.patient"
[element]
ingredient = [{ itemCodeableConcept = { text = "marital" }, itemReference = { display = "puid" }, isActive = true }]
"#,
    );
    let options = mapping::Options { site: String::new() };
    let (compiled, findings) = mapping::compile(&files, &catalog(), &options);
    assert_eq!(findings.0, []);
    let source = &compiled.types["Medication"].sources[0];
    let item = |marital, puid| {
        let value = write(source, &open(&source.row), &record(&[marital, puid, None]));
        value.pointer("/ingredient/0").cloned().unwrap_or_default()
    };
    assert_eq!(item(text("a"), None), json!({ "itemCodeableConcept": { "text": "a" }, "isActive": true }));
    assert_eq!(item(None, text("b")), json!({ "itemReference": { "display": "b" }, "isActive": true }));
    assert_eq!(item(None, None), Value::Null);
}

#[test]
fn constants_alone_are_not_written_and_a_declared_absence_is() {
    let compiled = compiled();
    let source = &compiled.types["Patient"].sources[0];
    let value = write(source, &open(&source.row), &record(&vec![None; 8]));
    let expected = json!({
        "resourceType": "Patient",
        "id": "7",
        "meta": {},
        "_gender": { "extension": [{
            "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
            "valueCode": "unknown",
        }] },
    });
    assert_eq!(value, expected);
}

#[test]
fn of_alternatives_the_first_with_a_value_is_written() {
    let alternatives = r#"{ one_of = [{ text = "marital" }, { text = "puid" }] }"#;
    let compiled = compiled_from(&MAPPING.replace(r#"{ text = "marital" }"#, alternatives));
    let source = &compiled.types["Patient"].sources[0];
    for (marital, puid, expected) in [
        (text("single"), text("ABC"), Some("single")),
        (text("  "), text("ABC"), Some("ABC")),
        (None, text("ABC"), Some("ABC")),
        (None, None, None),
    ] {
        let mut columns = full();
        (columns[5], columns[1]) = (marital, puid);
        let value = write(source, &open(&source.row), &record(&columns));
        assert_eq!(value.pointer("/maritalStatus/text").and_then(Value::as_str), expected);
    }
}

#[test]
fn what_is_withheld_shows() {
    let compiled = compiled();
    let source = &compiled.types["Patient"].sources[0];
    let mut shape = open(&source.row);
    shape.masked[2] = true;
    shape.eaches[0] = None;
    let mut columns = full();
    columns[2] = None;
    columns[6] = None;
    let value = write(source, &shape, &record(&columns));
    assert_eq!(value["meta"]["security"][0]["code"], "REDACTED");
    assert_eq!(value["_gender"]["extension"][0]["valueCode"], "masked");
    assert!(value.get("communication").is_none());
}

#[test]
fn a_row_that_a_record_rule_hides_shows() {
    let compiled = compiled();
    let source = &compiled.types["Patient"].sources[0];
    let mut shape = open(&source.row);
    shape.columns.push(Held::Hides);
    for hidden in [false, true] {
        let mut columns = full();
        columns.push(Some(vec![u8::from(hidden)]));
        let value = write(source, &shape, &record(&columns));
        assert_eq!(value["meta"].get("security").is_some(), hidden);
    }
}

#[test]
fn the_version_changes_exactly_with_the_content() {
    let compiled = compiled();
    let source = &compiled.types["Patient"].sources[0];
    let shape = open(&source.row);
    let renderer = renderer(source, &shape, &Subset::All);
    let version = |columns: &[Option<Vec<u8>>]| {
        let mut out = Vec::new();
        renderer.resource(&mut out, &source.emits[0].body, "7", &record(columns)).unwrap().version
    };
    let mut touched = full();
    touched[7] = Some(0i64.to_be_bytes().to_vec());
    let mut changed = full();
    changed[6] = Some(array(&[record(&[text("Español"), None])]));
    assert_eq!(version(&full()), version(&touched));
    assert_ne!(version(&full()), version(&changed));
}

#[test]
fn the_newest_of_all_rows_is_the_last_update() {
    let compiled = compiled();
    let source = &compiled.types["Patient"].sources[0];
    let mut shape = open(&source.row);
    // The marital status lies behind a many2one.
    shape.columns[5] = Held::Aside(vec![5]);
    let renderer = renderer(source, &shape, &Subset::All);
    // Seconds after 2000-01-01.
    let stamp = |second: Option<i64>| second.map(|second| (second * 1_000_000).to_be_bytes().to_vec());
    for (row, aside, repeated, expected) in [
        (None, None, Some(1), "2000-01-01T00:00:01Z"),
        (Some(-1), Some(2), Some(1), "2000-01-01T00:00:02Z"),
        (Some(3), Some(2), None, "2000-01-01T00:00:03Z"),
    ] {
        let mut columns = full();
        columns[5] = Some(record(&[text("single"), stamp(aside)]));
        columns[6] =
            Some(array(&[record(&[text("Español"), stamp(repeated)]), record(&[None, stamp(Some(-9))])]));
        columns[7] = stamp(row);
        let mut out = Vec::new();
        let rendered = renderer.resource(&mut out, &source.emits[0].body, "7", &record(&columns)).unwrap();
        assert_eq!(rendered.updated.unwrap().to_string(), expected);
        let out = String::from_utf8(out).unwrap();
        assert!(out.contains(expected) && out.contains("\"maritalStatus\":{\"text\":\"single\"}"), "{out}");
    }
}

#[test]
fn bytes_that_are_no_such_record_are_refused_and_nothing_is_written() {
    let compiled = compiled();
    let source = &compiled.types["Patient"].sources[0];
    let shape = open(&source.row);
    let renderer = renderer(source, &shape, &Subset::All);
    let whole = record(&full());
    for end in 0..whole.len() {
        let mut out = Vec::new();
        let result = renderer.resource(&mut out, &source.emits[0].body, "7", &whole[..end]);
        assert!(result.is_err() && out.is_empty(), "{end}");
    }
}

#[test]
fn a_subset_says_so_and_keeps_the_version() {
    let compiled = compiled();
    let source = &compiled.types["Patient"].sources[0];
    let shape = open(&source.row);
    let write = |subset: &Subset| -> Value {
        let renderer = renderer(source, &shape, subset);
        let mut out = Vec::new();
        renderer.resource(&mut out, &source.emits[0].body, "7", &record(&full())).unwrap();
        serde_json::from_slice(&out).unwrap()
    };
    let whole = write(&Subset::All);
    let part = write(&Subset::Elements(vec!["gender".into(), "multipleBirth".into()]));
    assert_eq!(part["meta"]["tag"][0]["code"], "SUBSETTED");
    assert_eq!(part["meta"]["versionId"], whole["meta"]["versionId"]);
    let names: Vec<_> = part.as_object().unwrap().keys().cloned().collect();
    // What changes the meaning of others is always there.
    assert_eq!(names, ["resourceType", "id", "meta", "active", "gender", "multipleBirthInteger"]);
    let summary = write(&Subset::Summary);
    assert!(summary.get("communication").is_none() && summary.get("identifier").is_some());
    assert!(whole["meta"].get("tag").is_none());
}

#[test]
fn a_narrative_stands_after_meta_and_changes_nothing_else() {
    static WITH: Site = Site { zone: TimeZone::UTC, narrative: true };
    let compiled = compiled();
    let source = &compiled.types["Patient"].sources[0];
    let mut shape = open(&source.row);
    shape.masked[3] = true;
    let mut columns = full();
    columns[1] = text("<script>\"&'</script>");
    columns[3] = None;
    let write = |site: &Site, subset: &Subset| -> Value {
        let renderer =
            Renderer { site, row: &source.row, shape: &shape, profiles: &[], subset, patients: false };
        let mut out = Vec::new();
        renderer.resource(&mut out, &source.emits[0].body, "7", &record(&columns)).unwrap();
        serde_json::from_slice(&out).unwrap()
    };
    let plain = write(&SITE, &Subset::All);
    let mut told = write(&WITH, &Subset::All);
    let names: Vec<_> = told.as_object().unwrap().keys().cloned().collect();
    assert_eq!(names[..4], ["resourceType", "id", "meta", "text"]);
    let text = told.as_object_mut().unwrap().remove("text").unwrap();
    assert_eq!(told, plain);
    assert_eq!(text["status"], "generated");
    let div = text["div"].as_str().unwrap();
    assert!(div.contains("<p>Identifier: &lt;script&gt;&quot;&amp;&#39;&lt;/script&gt;</p>"), "{div}");
    // What is withheld is not told either.
    assert!(!div.contains("Birth date"), "{div}");
    for (subset, there) in [
        (Subset::Text, true),
        (Subset::Elements(vec!["text".into()]), true),
        (Subset::Elements(vec!["gender".into()]), false),
        (Subset::Summary, false),
        (Subset::Data, false),
    ] {
        let part = write(&WITH, &subset);
        assert_eq!(part.get("text").is_some(), there, "{subset:?}");
        assert_eq!(part["meta"]["tag"][0]["code"], "SUBSETTED");
        assert_eq!(part["meta"]["versionId"], plain["meta"]["versionId"]);
    }
    // Without narratives there is nothing to leave out.
    assert_eq!(write(&SITE, &Subset::Data), plain);
}
