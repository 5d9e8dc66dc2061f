//! Documents: contents from the column and from Tryton's file store, what they hang on, narratives.

use std::fs;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::harness::{Database, Gateway, demo, ids, resources};

const NAME: &str = "0123456789abcdef0123456789abcdef";

/// Puts an attachment into a database: name, resource, SQL of its content, name of its file.
fn attach(database: &Database, name: &str, resource: &str, data: &str, file: &str) -> String {
    let sql = format!(
        "INSERT INTO ir_attachment (name, type, resource, data, file_id, create_uid, create_date)
         VALUES ('{name}', 'data', '{resource}', {data}, NULLIF('{file}', ''), 1, now() AT TIME ZONE 'UTC') RETURNING id"
    );
    let id: i32 = database.rows(&sql)[0].get(0);
    format!("att-{id}")
}

#[test]
fn a_content_is_sent_as_it_is_or_as_a_resource() {
    let database = Database::copy("contents");
    // Longer than a piece, and no multiple of three.
    let data = "convert_to('%PDF-' || repeat('0123456789', 250000) || 'x', 'UTF8')";
    let id = attach(&database, "long.pdf", "gnuhealth.patient,1", data, "");
    let expected = format!("%PDF-{}x", "0123456789".repeat(250_000)).into_bytes();
    let gateway = Gateway::open(&database.url, "");
    let doctor = gateway.user("doctor");
    let place = format!("Binary/{id}");
    let raw = doctor.get(&place);
    assert_eq!((raw.status, raw.header("content-type")), (200, Some("application/pdf")));
    assert!(raw.body == expected);
    assert_eq!(raw.header("cache-control"), Some("no-store"));
    for accept in ["image/png", "text/html,*/*;q=0.1"] {
        assert!(doctor.send("GET", &place, &[("Accept", accept)], "").body == expected, "{accept}");
    }
    let fhir = doctor.send("GET", &place, &[("Accept", "application/fhir+json")], "");
    assert_eq!(fhir.header("content-type"), Some("application/fhir+json; charset=utf-8"));
    assert_eq!(fhir.header("content-length"), Some(fhir.body.len().to_string().as_str()));
    assert_eq!(fhir.header("etag"), raw.header("etag"));
    let resource = doctor.get(&format!("{place}?_format=json")).json();
    assert_eq!(resource, fhir.json());
    assert_eq!((&resource["id"], &resource["contentType"]), (&id.clone().into(), &"application/pdf".into()));
    assert!(STANDARD.decode(resource["data"].as_str().unwrap()).unwrap() == expected);
    assert_eq!(gnuhealth_fhir_model::check(&fhir.body).expect("a resource"), "Binary");

    let head = doctor.send("HEAD", &place, &[], "");
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), Some(expected.len().to_string().as_str()));
    let tag = raw.header("etag").unwrap();
    assert_eq!(doctor.send("GET", &place, &[("If-None-Match", tag)], "").status, 304);
    let version = tag.trim_start_matches("W/").trim_matches('"');
    assert!(doctor.get(&format!("{place}/_history/{version}")).body == expected);
    doctor.get(&format!("{place}/_history/other")).is(404, "version-unknown");

    doctor.get(&format!("{place}?_elements=data")).is(400, "parameter-unknown");
    doctor.get("Binary").is(405, "interaction-unsupported");
    doctor.get("Binary/att-99999999").is(404, "resource-unknown");
    gateway.anybody().get(&place).is(401, "credential-missing");
}

#[test]
fn a_content_of_the_file_store_is_found_and_no_other_file() {
    let database = Database::copy("filestore");
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("main/01/23");
    fs::create_dir_all(&store).unwrap();
    let content: Vec<u8> = (0..2_000_000u32).map(|number| (number % 251) as u8).collect();
    fs::write(store.join(NAME), &content).unwrap();
    fs::write(folder.path().join("secret"), b"secret").unwrap();
    let there = attach(&database, "a.bin", "gnuhealth.patient,1", "NULL", NAME);
    // As trytond: the column when the file is gone.
    let gone = attach(&database, "b.bin", "gnuhealth.patient,1", "'kept'", &NAME.replace('0', "f"));
    let lost = attach(&database, "c.bin", "gnuhealth.patient,1", "NULL", &NAME.replace('0', "f"));
    let outside = attach(&database, "d.bin", "gnuhealth.patient,1", "NULL", "../../../secret");
    let settings = format!("file_store = \"{}\"\nfile_store_prefix = \"main\"", folder.path().display());
    let gateway = Gateway::open(&database.url, &settings);
    let doctor = gateway.user("doctor");
    let raw = doctor.get(&format!("Binary/{there}"));
    assert_eq!((raw.status, raw.header("content-type")), (200, Some("application/octet-stream")));
    assert!(raw.body == content);
    assert_eq!(raw.header("etag"), Some(format!("W/\"{NAME}\"").as_str()));
    let data = doctor.ok(&format!("Binary/{there}?_format=json"));
    assert!(STANDARD.decode(data["data"].as_str().unwrap()).unwrap() == content);
    assert_eq!(doctor.get(&format!("Binary/{gone}")).text(), "kept");
    doctor.get(&format!("Binary/{lost}")).is(404, "content-missing");
    doctor.get(&format!("Binary/{outside}")).is(404, "content-missing");
    // Without a store, or in the folder of another database, nothing of it is found.
    let other = Gateway::open(&database.url, &format!("file_store = \"{}\"", folder.path().display()));
    other.user("doctor").get(&format!("Binary/{there}")).is(404, "content-missing");
    Gateway::open(&database.url, "")
        .user("doctor")
        .get(&format!("Binary/{there}"))
        .is(404, "content-missing");
}

#[test]
fn an_attachment_belongs_to_the_record_it_hangs_on() {
    let database = Database::copy("attached");
    let patient = attach(&database, "p", "gnuhealth.patient,1", "'p'", "");
    let lab = attach(&database, "l", "gnuhealth.lab,1", "'l'", "");
    let party = attach(&database, "y", "party.party,1", "'y'", "");
    let gone = attach(&database, "g", "gnuhealth.patient,999999", "'g'", "");
    let of_lab: i32 = database.rows("SELECT patient FROM gnuhealth_lab WHERE id = 1")[0].get(0);
    let gateway = Gateway::open(&database.url, "watch_interval = \"50ms\"");
    let (doctor, frontdesk) = (gateway.user("doctor"), gateway.user("frontdesk"));
    let subject = |id: &str| doctor.ok(&format!("DocumentReference/{id}"))["subject"]["reference"].clone();
    assert_eq!(subject(&patient), "Patient/1");
    assert_eq!(subject(&lab), format!("Patient/{of_lab}"));
    assert!(subject(&gone).is_null());
    let found = doctor.ok(&format!("DocumentReference?patient={of_lab}&_count=500"));
    assert!(ids(&found).contains(&lab), "{found}");
    assert!(!ids(&found).contains(&gone));

    // The front desk may not read results: neither the attachment nor its content.
    frontdesk.get(&format!("DocumentReference/{lab}")).is(404, "resource-unknown");
    frontdesk.get(&format!("Binary/{lab}")).is(404, "resource-unknown");
    assert_eq!(frontdesk.get(&format!("Binary/{patient}")).text(), "p");
    // That one of the models is closed takes nothing from what hangs on others.
    let open = frontdesk.ok(&format!("DocumentReference/{patient}"));
    assert_eq!(open["subject"]["reference"], "Patient/1");
    assert!(open["meta"]["security"].is_null(), "{open}");
    assert_eq!(frontdesk.get(&format!("DocumentReference/{party}")).status, 200);

    // A record rule on patients: what hangs on them is hidden, with its content.
    database.run(
        "WITH added AS (INSERT INTO ir_rule_group (name, model, global_p, default_p, perm_read)
           SELECT 'test', id, TRUE, FALSE, TRUE FROM ir_model WHERE model = 'gnuhealth.patient' RETURNING id)
         INSERT INTO ir_rule (rule_group, domain) SELECT id, '[[\"id\", \">\", 5]]' FROM added",
    );
    std::thread::sleep(std::time::Duration::from_millis(500));
    doctor.get(&format!("DocumentReference/{patient}")).is(404, "resource-unknown");
    doctor.get(&format!("Binary/{patient}")).is(404, "resource-unknown");
    for document in resources(&doctor.ok("DocumentReference?_count=500")) {
        let subject = document["subject"]["reference"].as_str().unwrap_or_default();
        let number: i32 = subject.trim_start_matches("Patient/").parse().unwrap_or(i32::MAX);
        assert!(number > 5, "{document}");
    }
}

#[test]
fn narratives_come_when_they_are_asked_for() {
    let database = Database::copy("narratives");
    let gateway = Gateway::open(&database.url, "narrative = \"generated\"");
    let (told, plain) = (gateway.user("doctor"), demo().user("doctor"));
    let hostile: i32 = database.rows(
        "SELECT p.id FROM gnuhealth_patient p JOIN party_party y ON y.id = p.party WHERE y.name LIKE '%<script>%'",
    )[0]
    .get(0);
    let mut with = told.ok(&format!("Patient/{hostile}"));
    let div = with["text"]["div"].as_str().unwrap().to_owned();
    assert!(div.starts_with("<div xmlns=\"http://www.w3.org/1999/xhtml\"><p><b>Patient</b></p>"), "{div}");
    assert!(div.contains("&lt;script&gt;") && !div.contains("<script"), "{div}");
    with.as_object_mut().unwrap().remove("text");
    assert_eq!(with, plain.ok(&format!("Patient/{hostile}")));
    let bundle = told.get("Observation?_count=100");
    assert!(resources(&bundle.json()).iter().all(|resource| resource["text"]["status"] == "generated"));
    gnuhealth_fhir_model::check(&bundle.body).expect("a Bundle");
    let part = told.ok(&format!("Patient/{hostile}?_summary=text"));
    assert!(part["text"]["div"].is_string() && part["name"].is_null());
    assert!(told.ok(&format!("Patient/{hostile}?_summary=data"))["text"].is_null());
}
