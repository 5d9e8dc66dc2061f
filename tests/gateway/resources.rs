//! Every resource there is.

use std::collections::BTreeMap;

use gnuhealth_fhir_model::check;

use crate::harness::{Client, Database, Gateway, Site, ids, link, sites};

/// Every page of a type as it was sent, with what its JSON says.
fn sent(client: &Client, kind: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut place = Some(format!("{kind}?_count=500"));
    while let Some(next) = place {
        let response = client.get(&next);
        assert_eq!(response.status, 200, "{next}: {}", response.text());
        place = link(&response.json(), "next");
        all.push(response.text());
    }
    all
}

/// Puts a day where only the reason for its absence stands: the model of the check cannot take a choice without a value.
fn dated(resource: &mut serde_json::Value) {
    let Some(members) = resource.as_object_mut() else { return };
    let absent = members.keys().filter(|name| name.starts_with('_') && name.ends_with("DateTime"));
    let absent: Vec<String> = absent.map(|name| name[1..].to_owned()).collect();
    for name in absent {
        members.entry(name).or_insert_with(|| "1970-01-01".into());
    }
}

/// The shape of an id: `ev-12-bp` → `ev--bp`.
fn shape(id: &str) -> String {
    id.chars().filter(|character| !character.is_ascii_digit()).collect()
}

/// Some of every shape are read by their address, and compared byte by byte.
fn compare(site: &Site, login: &str) {
    let client = site.user(login);
    for kind in site.types() {
        let counted = client.get(&format!("{kind}?_summary=count"));
        if counted.status != 200 {
            assert!(counted.status == 403 || kind == "Binary", "{kind}: {}", counted.text());
            continue;
        }
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        for page in sent(&client, &kind) {
            let bundle: serde_json::Value = serde_json::from_str(&page).unwrap();
            for entry in bundle["entry"].as_array().into_iter().flatten() {
                let address = entry["fullUrl"].as_str().unwrap();
                let id = entry["resource"]["id"].as_str().unwrap();
                assert!(address.ends_with(&format!("/fhir/{kind}/{id}")), "{address}");
                let count = seen.entry(shape(id)).or_default();
                *count += 1;
                // The odd records of the hospital are among the first ones.
                if *count > 6 && !(*count).is_multiple_of(97) {
                    continue;
                }
                let read = client.get(address);
                assert_eq!(read.status, 200, "{address}: {}", read.text());
                let whole = format!(
                    "{{\"fullUrl\":\"{address}\",\"resource\":{},\"search\":{{\"mode\":\"match\"}}}}",
                    read.text()
                );
                assert!(
                    page.contains(&whole),
                    "{} {login}: {address} differs from its read:\n{}\n{}",
                    site.name,
                    entry["resource"],
                    read.text()
                );
            }
        }
        let found: usize = seen.values().sum();
        assert_eq!(counted.json()["total"], found, "{kind}");
    }
}

#[test]
fn a_resource_of_a_page_is_the_resource_that_is_read() {
    for site in sites() {
        compare(site, "doctor");
        compare(site, "frontdesk");
    }
}

#[test]
fn every_resource_is_one_of_r4() {
    for site in sites() {
        let (admin, doctor) = (site.user("admin"), site.user("doctor"));
        for kind in site.types().into_iter().filter(|kind| kind != "Binary") {
            for page in sent(&admin, &kind) {
                let mut bundle: serde_json::Value = serde_json::from_str(&page).unwrap();
                for entry in bundle.get_mut("entry").and_then(|all| all.as_array_mut()).into_iter().flatten()
                {
                    let mut resource = entry["resource"].take();
                    dated(&mut resource);
                    match check(resource.to_string().as_bytes()) {
                        Ok(found) => assert_eq!(found, kind),
                        Err(error) => panic!("{} {kind}: {error}: {resource}", site.name),
                    }
                    entry["resource"] = serde_json::json!({ "resourceType": "Basic", "code": {} });
                }
                assert_eq!(check(bundle.to_string().as_bytes()).expect("a bundle"), "Bundle");
            }
        }
        let statement = site.gateway.anybody().get("metadata");
        assert_eq!(check(&statement.body).expect("a CapabilityStatement"), "CapabilityStatement");
        for place in ["Patient/999999", "Patient?nmae=a", "Patient?_sort=x", "Goal", "Nothing"] {
            let outcome = doctor.get(place);
            assert_eq!(
                check(&outcome.body).unwrap_or_else(|error| panic!("{place}: {error}")),
                "OperationOutcome"
            );
        }
        let refused = site.gateway.anybody().get("Patient");
        assert_eq!(check(&refused.body).expect("an outcome"), "OperationOutcome");
        let lenient = doctor.send("GET", "Patient?nmae=a&_count=2", &[("Prefer", "handling=lenient")], "");
        assert_eq!(check(&lenient.body).expect("a Bundle"), "Bundle");
    }
}

/// A reference leads somewhere, for the one who reads it.
#[test]
fn references_lead_to_resources() {
    fn collect(value: &serde_json::Value, all: &mut BTreeMap<String, usize>) {
        match value {
            serde_json::Value::Object(members) => {
                let text = |name: &str| members.get(name).and_then(serde_json::Value::as_str);
                let content = text("url").filter(|url| url.starts_with("Binary/"));
                if let Some(reference) = text("reference").or(content) {
                    *all.entry(reference.to_owned()).or_default() += 1;
                }
                members.values().for_each(|value| collect(value, all));
            }
            serde_json::Value::Array(items) => items.iter().for_each(|value| collect(value, all)),
            _ => {}
        }
    }
    for site in sites() {
        let admin = site.user("admin");
        let mut all = BTreeMap::new();
        let types: Vec<_> = site.types().into_iter().filter(|kind| kind != "Binary").collect();
        for kind in &types {
            for page in sent(&admin, kind) {
                collect(&serde_json::from_str(&page).unwrap(), &mut all);
            }
        }
        assert!(all.len() > 5000, "{} has references", site.name);
        for kind in &types {
            let known = crate::harness::all_ids(&admin, kind, &[]);
            let prefix = format!("{kind}/");
            for reference in all.keys().filter_map(|reference| reference.strip_prefix(&prefix)) {
                assert!(known.contains(reference), "{}: {kind}/{reference} leads nowhere", site.name);
            }
        }
        // Contents are read one by one; a reference to what is not of this server has a whole address.
        let elsewhere =
            |text: &str| text.starts_with('#') || text.starts_with("urn:") || text.contains("://");
        let known =
            |text: &str| text.split_once('/').is_some_and(|(kind, _)| types.iter().any(|one| one == kind));
        let rest = all.keys().filter(|reference| !elsewhere(reference) && !known(reference));
        let mut contents = 0;
        for reference in rest {
            assert!(reference.starts_with("Binary/"), "{}: {reference} leads nowhere", site.name);
            assert_eq!(admin.get(reference).status, 200, "{}: {reference}", site.name);
            contents += 1;
        }
        assert!(contents > 10, "{} has contents", site.name);
    }
}

/// 5.0 marks the specialty of a professional, 4.4 names it in the professional.
#[test]
fn the_main_specialty_is_marked_in_both_series() {
    for site in sites() {
        let roles = crate::harness::all(&site.user("admin"), "PractitionerRole?_count=500");
        let main = |role: &&serde_json::Value| {
            let marks = role["specialty"][0]["extension"].as_array();
            marks.is_some_and(|marks| marks.iter().any(|mark| mark["valueBoolean"] == true))
        };
        let sql = match site.name {
            "4.4" => "SELECT count(*) FROM gnuhealth_healthprofessional WHERE main_specialty IS NOT NULL",
            _ => "SELECT count(*) FROM gnuhealth_hp_specialty WHERE mainsp",
        };
        let expected = site.database.number(sql);
        assert!(expected > 3, "{}", site.name);
        assert_eq!(roles.iter().filter(main).count() as i64, expected, "{}", site.name);
    }
}

#[test]
fn a_change_of_any_row_behind_a_resource_is_a_new_version() {
    let database = Database::copy("versions");
    let gateway = Gateway::open(&database.url, "");
    let doctor = gateway.user("doctor");
    let patient = database.number(
        "SELECT min(p.id)::bigint FROM gnuhealth_patient p JOIN party_contact_mechanism c ON c.party = p.party
         JOIN gnuhealth_person_name n ON n.party = p.party WHERE p.primary_care_doctor IS NOT NULL",
    );
    let place = format!("Patient/{patient}");
    let read = || {
        let read = doctor.get(&place);
        let header = |name| read.header(name).unwrap().to_owned();
        (
            header("etag"),
            header("last-modified"),
            read.json()["meta"]["lastUpdated"].as_str().unwrap().to_owned(),
        )
    };
    let status = |name: &str, value: &str| doctor.send("GET", &place, &[(name, value)], "").status;
    let others = || doctor.ok("Patient?_count=500&_lastUpdated=lt2030&_elements=id");
    let of = format!("(SELECT party FROM gnuhealth_patient WHERE id = {patient})");
    let carer = format!(
        "(SELECT h.party FROM gnuhealth_healthprofessional h JOIN gnuhealth_patient p ON p.primary_care_doctor = h.id
          WHERE p.id = {patient})"
    );
    let unchanged: Vec<_> = ids(&others()).into_iter().filter(|id| *id != patient.to_string()).collect();
    let mut before = read();
    for (year, change) in [
        (
            2031,
            format!(
                "UPDATE party_contact_mechanism SET value = value || '1', write_date = '2031-05-05' WHERE party = {of}"
            ),
        ),
        (
            2032,
            format!(
                "UPDATE gnuhealth_person_name SET family = 'Nueva', write_date = '2032-05-05' WHERE party = {of}"
            ),
        ),
        (
            2033,
            format!("UPDATE party_party SET lastname = 'Otra', write_date = '2033-05-05' WHERE id = {carer}"),
        ),
    ] {
        database.run(&change);
        let after = read();
        assert_ne!(after.0, before.0, "{change}");
        assert_eq!(after.2, format!("{year}-05-05T00:00:00Z"), "{change}");
        assert_eq!(status("If-None-Match", &before.0), 200, "{change}");
        assert_eq!(status("If-Modified-Since", &before.1), 200, "{change}");
        assert_eq!(status("If-Modified-Since", &after.1), 304, "{change}");
        let found = doctor.ok(&format!("Patient?_id={patient}&_lastUpdated={year}-05-05T00:00:00Z"));
        assert_eq!(ids(&found), [patient.to_string()], "{change}");
        before = after;
    }
    // What is written as it was is the same version, later.
    database.run(&format!("UPDATE gnuhealth_patient SET write_date = '2034-05-05' WHERE id = {patient}"));
    let after = read();
    assert_eq!((&after.0, after.2.as_str()), (&before.0, "2034-05-05T00:00:00Z"));
    assert_eq!(status("If-None-Match", &before.0), 304);
    assert_eq!(ids(&doctor.ok(&format!("Patient?_id={patient}&_lastUpdated=lt2034"))), [""; 0]);
    let kept = ids(&others());
    assert!(!kept.contains(&patient.to_string()) && kept.iter().all(|id| unchanged.contains(id)));
    assert!(!kept.is_empty());
}
