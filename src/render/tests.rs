//! Resources from hand-made records: what is written, what is left out, and how that shows.

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::{Masks, Renderer, Site};
use crate::{
    mapping::{self, Compiled, Files, compiled::Source},
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
    patient.fields.extend(fields.map(|(name, kind)| (name.to_owned(), Field::new(name, kind))));
    let mut lang = Model::new("party.lang");
    let fields = [
        ("id", FieldKind::Integer),
        ("name", FieldKind::Char),
        ("patient", FieldKind::Many2One { target: "gnuhealth.patient".into() }),
    ];
    lang.fields.extend(fields.map(|(name, kind)| (name.to_owned(), Field::new(name, kind))));
    Catalog {
        series: Series::V7_0,
        gnuhealth: "5.0",
        modules: ["health".to_owned()].into(),
        models: [patient, lang].map(|model| (model.name.clone(), model)).into(),
        tables: Default::default(),
        role: "role".into(),
        language: "en".into(),
        unaccent: false,
        similarity: false,
        server: "15".into(),
    }
}

fn compiled() -> Compiled {
    let mut files = Files::default();
    files.insert("Patient.toml", MAPPING);
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

fn renderer<'a>(source: &'a Source, masks: &'a Masks, subset: &'a Subset) -> Renderer<'a> {
    Renderer { site: &SITE, row: &source.row, masks, profiles: &[], subset }
}

fn write(source: &Source, masks: &Masks, record: &[u8]) -> Value {
    let renderer = renderer(source, masks, &Subset::All);
    let mut out = Vec::new();
    renderer.resource(&mut out, &source.emits[0].body, "7", record, None).unwrap();
    let mut value: Value = serde_json::from_slice(&out).unwrap();
    value["meta"].as_object_mut().unwrap().remove("versionId");
    value
}

fn open(source: &Source) -> Masks {
    let eaches = source.row.eaches.iter().map(|each| {
        Some(Masks { slots: vec![false; each.row.slots.len()], eaches: Vec::new(), hides: false })
    });
    Masks { slots: vec![false; source.row.slots.len()], eaches: eaches.collect(), hides: false }
}

/// Columns in the order of the mapping: active, puid, gender, dob, siblings, marital, langs.
fn full() -> Vec<Option<Vec<u8>>> {
    let langs = array(&[record(&[text("Español")]), record(&[None]), record(&[text("Quechua")])]);
    vec![
        Some(vec![1]),
        text("ABC\"1"),
        text("m"),
        Some((-1i32).to_be_bytes().to_vec()),
        Some(2i32.to_be_bytes().to_vec()),
        text("  "),
        Some(record(&[Some(langs), None])),
    ]
}

#[test]
fn a_full_record_is_written_in_the_order_of_the_specification() {
    let compiled = compiled();
    let source = &compiled.types["Patient"].sources[0];
    let value = write(source, &open(source), &record(&full()));
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
fn constants_alone_are_not_written_and_a_declared_absence_is() {
    let compiled = compiled();
    let source = &compiled.types["Patient"].sources[0];
    let value = write(source, &open(source), &record(&vec![None; 7]));
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
fn what_is_withheld_shows() {
    let compiled = compiled();
    let source = &compiled.types["Patient"].sources[0];
    let mut masks = open(source);
    masks.slots[2] = true;
    masks.eaches[0] = None;
    let mut columns = full();
    columns[2] = None;
    columns[6] = None;
    let value = write(source, &masks, &record(&columns));
    assert_eq!(value["meta"]["security"][0]["code"], "REDACTED");
    assert_eq!(value["_gender"]["extension"][0]["valueCode"], "masked");
    assert!(value.get("communication").is_none());
}

#[test]
fn a_row_that_a_record_rule_hides_shows() {
    let compiled = compiled();
    let source = &compiled.types["Patient"].sources[0];
    let mut masks = open(source);
    masks.hides = true;
    for hidden in [false, true] {
        let mut columns = full();
        columns.push(Some(vec![u8::from(hidden)]));
        let value = write(source, &masks, &record(&columns));
        assert_eq!(value["meta"].get("security").is_some(), hidden);
    }
}

#[test]
fn the_version_changes_exactly_with_the_content() {
    let compiled = compiled();
    let source = &compiled.types["Patient"].sources[0];
    let masks = open(source);
    let renderer = renderer(source, &masks, &Subset::All);
    let version = |columns: &[Option<Vec<u8>>], updated: Option<jiff::Timestamp>| {
        let mut out = Vec::new();
        renderer.resource(&mut out, &source.emits[0].body, "7", &record(columns), updated).unwrap().version
    };
    let mut changed = full();
    changed[6] = Some(record(&[Some(array(&[record(&[text("Español")])])), None]));
    assert_eq!(version(&full(), None), version(&full(), Some(jiff::Timestamp::UNIX_EPOCH)));
    assert_ne!(version(&full(), None), version(&changed, None));
}

#[test]
fn the_newest_of_row_and_repeated_rows_is_the_last_update() {
    let compiled = compiled();
    let source = &compiled.types["Patient"].sources[0];
    let masks = open(source);
    let renderer = renderer(source, &masks, &Subset::All);
    let mut columns = full();
    // One second after 2000-01-01.
    let stamp = 1_000_000i64.to_be_bytes().to_vec();
    columns[6] = Some(record(&[Some(array(&[])), Some(stamp)]));
    for (row, expected) in [
        (None, "2000-01-01T00:00:01Z"),
        (Some("1999-01-01T00:00:00Z"), "2000-01-01T00:00:01Z"),
        (Some("2001-01-01T00:00:00Z"), "2001-01-01T00:00:00Z"),
    ] {
        let row = row.map(|text| text.parse().unwrap());
        let mut out = Vec::new();
        let rendered =
            renderer.resource(&mut out, &source.emits[0].body, "7", &record(&columns), row).unwrap();
        assert_eq!(rendered.updated.unwrap().to_string(), expected);
        assert!(String::from_utf8(out).unwrap().contains(expected));
    }
}

#[test]
fn bytes_that_are_no_such_record_are_refused_and_nothing_is_written() {
    let compiled = compiled();
    let source = &compiled.types["Patient"].sources[0];
    let masks = open(source);
    let renderer = renderer(source, &masks, &Subset::All);
    let whole = record(&full());
    for end in 0..whole.len() {
        let mut out = Vec::new();
        let result = renderer.resource(&mut out, &source.emits[0].body, "7", &whole[..end], None);
        assert!(result.is_err() && out.is_empty(), "{end}");
    }
}

#[test]
fn a_subset_says_so_and_keeps_the_version() {
    let compiled = compiled();
    let source = &compiled.types["Patient"].sources[0];
    let masks = open(source);
    let write = |subset: &Subset| -> Value {
        let renderer = renderer(source, &masks, subset);
        let mut out = Vec::new();
        renderer.resource(&mut out, &source.emits[0].body, "7", &record(&full()), None).unwrap();
        serde_json::from_slice(&out).unwrap()
    };
    let whole = write(&Subset::All);
    let part = write(&Subset::Elements(vec!["gender".into(), "multipleBirth".into()]));
    assert_eq!(part["meta"]["tag"][0]["code"], "SUBSETTED");
    assert_eq!(part["meta"]["versionId"], whole["meta"]["versionId"]);
    let names: Vec<_> = part.as_object().unwrap().keys().cloned().collect();
    assert_eq!(names, ["resourceType", "id", "meta", "gender", "multipleBirthInteger"]);
    let summary = write(&Subset::Summary);
    assert!(summary.get("communication").is_none() && summary.get("identifier").is_some());
    assert!(whole["meta"].get("tag").is_none());
}

#[test]
fn a_narrative_stands_after_meta_and_changes_nothing_else() {
    static WITH: Site = Site { zone: TimeZone::UTC, narrative: true };
    let compiled = compiled();
    let source = &compiled.types["Patient"].sources[0];
    let mut masks = open(source);
    masks.slots[3] = true;
    let mut columns = full();
    columns[1] = text("<script>\"&'</script>");
    columns[3] = None;
    let write = |site: &Site, subset: &Subset| -> Value {
        let renderer = Renderer { site, row: &source.row, masks: &masks, profiles: &[], subset };
        let mut out = Vec::new();
        renderer.resource(&mut out, &source.emits[0].body, "7", &record(&columns), None).unwrap();
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
