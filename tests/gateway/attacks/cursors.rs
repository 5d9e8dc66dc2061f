//! Links between pages: forged, of another user, query, mapping or server, outdated.

use std::{fs, thread::sleep, time::Duration};

use super::Target;
use crate::harness::{Client, link};

const KEY: &str = "0123456789abcdef0123456789abcdef";

/// The link to the second page of a search, as path with query, and its cursor.
fn second(client: &Client, search: &str) -> (String, String) {
    let next = link(&client.ok(search), "next").expect("there is a second page");
    let (_, place) = next.split_once("/fhir/").unwrap();
    let (_, cursor) = place.split_once("_page=").unwrap();
    (place.to_owned(), cursor.split('&').next().unwrap().to_owned())
}

#[test]
fn a_cursor_opens_only_what_it_was_made_for() {
    let target = Target::start(&["--page-link-key", KEY]);
    let (place, cursor) = second(&target.doctor, "Patient?_count=5&_sort=birthdate");
    assert_eq!(target.get(&place).status, 200);
    target.process.user("nurse").get(&place).is(400, "page-foreign");
    Client::anonymous(target.process.address).get(&place).is(401, "credential-missing");
    for other in [
        "Patient?_count=6&_sort=birthdate",
        "Patient?_count=5&_sort=-birthdate",
        "Patient?_sort=birthdate&_count=5",
        "Patient?_count=5&_sort=birthdate&gender=male",
        "Patient?_count=5",
        "Practitioner?_count=5",
        "Observation?_count=5",
        "Patient/1/Condition?_count=5",
    ] {
        target.get(&format!("{other}&_page={cursor}")).is(400, "page-foreign");
    }
    let one = second(&target.doctor, "Patient/1/Observation?_count=1").0;
    target.get(&one.replacen("Patient/1/", "Patient/2/", 1)).is(400, "page-foreign");
    target.form("Patient/_search", &format!("_count=5&_sort=birthdate&_page={cursor}"));
    target.survived();
}

#[test]
fn a_forged_cursor_is_refused_whichever_character_is_changed() {
    let target = Target::start(&["--page-link-key", KEY]);
    let (_, cursor) = second(&target.doctor, "Patient?_count=5");
    let ask = |cursor: &str| target.get(&format!("Patient?_count=5&_page={cursor}"));
    for index in 0..cursor.len() {
        let mut forged = cursor.clone().into_bytes();
        forged[index] = if forged[index] == b'A' { b'B' } else { b'A' };
        ask(std::str::from_utf8(&forged).unwrap()).is(400, "page-foreign");
    }
    let long = "A".repeat(12_000);
    let padded = format!("{cursor}==");
    let twice = format!("{cursor}{cursor}");
    for forged in
        ["", "A", "%00", "..", "null", "%7B%22n%22%3Atrue%7D", &long, &padded, &twice, &cursor[..40]]
    {
        let (status, _) = ask(forged).fault();
        assert_eq!(status, 400, "{forged}");
    }
    // A second cursor beside a good one is no way around it.
    target.get(&format!("Patient?_count=5&_page=A&_page={cursor}")).is(400, "parameter-value");
    target.get(&format!("Patient?_count=5&_page={cursor}&_page=A")).is(400, "parameter-value");
    target.survived();
}

#[test]
fn a_cursor_of_other_mappings_or_another_server_is_refused() {
    let first = Target::start(&["--page-link-key", KEY]);
    let (place, _) = second(&first.doctor, "Practitioner?_count=1");
    let same = Target::start(&["--page-link-key", KEY]);
    assert_eq!(same.get(&place).status, 200, "instances with the same key and mappings share their links");
    let folder = tempfile::tempdir().unwrap();
    let mapping = "type = \"Contract\"\nmodel = \"party.party\"\n\n[element]\ntitle = \"=x\"\n";
    fs::write(folder.path().join("Contract.toml"), mapping).unwrap();
    let mappings = folder.path().to_str().unwrap();
    let other = Target::start(&["--page-link-key", KEY, "--mappings-dir", mappings]);
    other.get(&place).is(400, "page-foreign");
    let stranger = Target::start(&[]);
    stranger.get(&place).is(400, "page-foreign");
    for target in [first, same, other, stranger] {
        target.survived();
    }
}

#[test]
fn a_cursor_is_not_followed_after_its_time() {
    let target = Target::start(&["--page-link-lifetime", "1s"]);
    let (place, cursor) = second(&target.doctor, "Patient?_count=5");
    sleep(Duration::from_millis(2100));
    target.get(&place).is(410, "page-expired");
    target.get(&format!("Patient?_count=5&_page={cursor}&_total=accurate")).is(400, "page-foreign");
    target.survived();
}
