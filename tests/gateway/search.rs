//! What a search finds: <https://hl7.org/fhir/R4/search.html>.

use std::{
    collections::{BTreeMap, BTreeSet},
    thread::sleep,
    time::Duration,
};

use serde_json::Value;

use crate::harness::{Client, Database, Gateway, Site, all_ids, ids, pages, resources, run, sites};

type Ids = BTreeSet<String>;

fn every(client: &Client, kind: &str) -> Vec<Value> {
    pages(client, &format!("{kind}?_count=500"), "next").iter().flat_map(resources).collect()
}

fn patients(client: &Client) -> Vec<Value> {
    every(client, "Patient")
}

fn id(resource: &Value) -> String {
    resource["id"].as_str().unwrap().to_owned()
}

/// Every text of the names of a patient.
fn names(patient: &Value) -> Vec<String> {
    fn texts(value: &Value, all: &mut Vec<String>) {
        match value {
            Value::String(text) => all.push(text.clone()),
            Value::Array(items) => items.iter().for_each(|item| texts(item, all)),
            _ => {}
        }
    }
    let mut all = Vec::new();
    for name in patient["name"].as_array().into_iter().flatten() {
        for part in ["text", "family", "given", "prefix", "suffix"] {
            texts(&name[part], &mut all);
        }
    }
    all
}

fn union(left: &Ids, right: &Ids) -> Ids {
    left.union(right).cloned().collect()
}

#[test]
fn missing_and_present_make_the_whole() {
    for site in sites() {
        let doctor = site.user("doctor");
        for (kind, names) in [
            (
                "Patient",
                [
                    "birthdate",
                    "gender",
                    "family",
                    "email",
                    "general-practitioner",
                    "identifier",
                    "address-city",
                    "phone",
                ],
            ),
            (
                "Condition",
                [
                    "recorded-date",
                    "code",
                    "subject",
                    "severity",
                    "abatement-date",
                    "onset-age",
                    "category",
                    "asserter",
                ],
            ),
        ] {
            let all = all_ids(&doctor, kind, &[]);
            let mut uneven = 0;
            for name in names {
                let key = format!("{name}:missing");
                if doctor.search(kind, &[(&key, "true")]).status == 400 {
                    doctor.search(kind, &[(&key, "true")]).is(400, "parameter-unknown");
                    continue;
                }
                let (missing, present) =
                    (all_ids(&doctor, kind, &[(&key, "true")]), all_ids(&doctor, kind, &[(&key, "false")]));
                assert!(missing.is_disjoint(&present), "{} {kind} {name}", site.name);
                assert_eq!(union(&missing, &present), all, "{} {kind} {name}", site.name);
                uneven += usize::from(!missing.is_empty() && !present.is_empty());
            }
            assert!(uneven > 1, "{kind}: no parameter has both");
        }
        let without: Ids =
            patients(&doctor).iter().filter(|patient| patient["birthDate"].is_null()).map(id).collect();
        assert!(!without.is_empty());
        assert_eq!(all_ids(&doctor, "Patient", &[("birthdate:missing", "true")]), without, "{}", site.name);
    }
}

#[test]
fn tokens_alternatives_and_complements() {
    for site in sites() {
        let doctor = site.user("doctor");
        let find = |pairs: &[(&str, &str)]| all_ids(&doctor, "Patient", pairs);
        let all = find(&[]);
        let by = |gender: &str| -> Ids {
            patients(&doctor).iter().filter(|patient| patient["gender"] == gender).map(id).collect()
        };
        let (male, female) = (by("male"), by("female"));
        assert!(!male.is_empty() && !female.is_empty());
        assert_eq!(find(&[("gender", "male")]), male);
        assert_eq!(find(&[("gender", "http://hl7.org/fhir/administrative-gender|male")]), male);
        assert!(find(&[("gender", "http://example.org|male")]).is_empty());
        assert_eq!(find(&[("gender", "male,female")]), union(&male, &female), "a comma is OR");
        assert!(find(&[("gender", "male"), ("gender", "female")]).is_empty(), "repetition is AND");
        assert_eq!(find(&[("gender:not", "male")]), all.difference(&male).cloned().collect());
        assert_eq!(
            find(&[("gender:not", "male,female")]),
            all.difference(&union(&male, &female)).cloned().collect()
        );
        assert_eq!(find(&[("_id", "1,2,999999,x"), ("_id", "2,3")]), Ids::from(["2".to_owned()]));
        let mut others = find(&[]);
        assert!(others.remove("1") && others.remove("2"));
        for filter in [
            ("_id:not", "1,2,999999,x"),
            ("_filter", "not (_id eq 1 or _id eq 2)"),
            ("_filter", "_id ne 1 and _id ne 2"),
        ] {
            assert_eq!(find(&[filter]), others, "{} {filter:?}", site.name);
        }
        let first = doctor.ok("Patient/1");
        let identifier = &first["identifier"][0];
        let (system, value) = (identifier["system"].as_str().unwrap(), identifier["value"].as_str().unwrap());
        for token in [value.to_owned(), format!("{system}|{value}")] {
            assert_eq!(find(&[("identifier", &token)]), Ids::from(["1".to_owned()]), "{token}");
        }
        assert!(find(&[("identifier", &format!("http://example.org|{value}"))]).is_empty());
        assert!(find(&[("identifier", &format!("|{value}"))]).is_empty(), "it has a system");
        assert_eq!(
            find(&[("identifier", &format!("{system}|"))]).len(),
            250,
            "all that have one of the system"
        );
    }
}

#[test]
fn dates_divide() {
    for site in sites() {
        let doctor = site.user("doctor");
        let date = doctor.ok("Patient/100")["birthDate"].as_str().unwrap().to_owned();
        let observed = doctor.ok("Condition?recorded-date:missing=false&_count=1");
        let recorded = resources(&observed)[0]["recordedDate"].as_str().unwrap().to_owned();
        for (kind, name, value) in [
            ("Patient", "birthdate", date.as_str()),
            ("Patient", "birthdate", &date[..7]),
            ("Patient", "birthdate", &date[..4]),
            ("Condition", "recorded-date", &recorded[..10]),
            ("Condition", "recorded-date", &recorded[..7]),
            ("Condition", "recorded-date", recorded.as_str()),
        ] {
            let find = |prefix: &str| all_ids(&doctor, kind, &[(name, &format!("{prefix}{value}"))]);
            let present = all_ids(&doctor, kind, &[(&format!("{name}:missing"), "false")]);
            let [lt, eq, gt, le, ge, ne, sa, eb] = ["lt", "eq", "gt", "le", "ge", "ne", "sa", "eb"].map(find);
            let label = format!("{} {kind} {name} {value}", site.name);
            assert!(!eq.is_empty(), "{label}: the value is one of the database");
            assert_eq!(find(""), eq, "{label}");
            assert!(lt.is_disjoint(&eq) && eq.is_disjoint(&gt) && lt.is_disjoint(&gt), "{label}");
            assert_eq!(union(&union(&lt, &eq), &gt), present, "{label}");
            assert_eq!((le, ge), (union(&lt, &eq), union(&gt, &eq)), "{label}");
            assert_eq!(ne, present.difference(&eq).cloned().collect::<Ids>(), "{label}");
            assert_eq!((eb, sa), (lt, gt), "{label}");
        }
        let of_year: Ids = patients(&doctor)
            .iter()
            .filter(|patient| {
                patient["birthDate"].as_str().is_some_and(|birth| birth.starts_with(&date[..4]))
            })
            .map(id)
            .collect();
        assert_eq!(all_ids(&doctor, "Patient", &[("birthdate", &date[..4])]), of_year, "{}", site.name);
    }
}

#[test]
fn names_are_found_in_every_script_whatever_case_and_accent() {
    for site in sites() {
        let doctor = site.user("doctor");
        let all = patients(&doctor);
        let find = |key: &str, value: &str| all_ids(&doctor, "Patient", &[(key, value)]);
        let family = |test: &dyn Fn(char) -> bool| {
            let families = all.iter().filter_map(|patient| patient["name"][0]["family"].as_str());
            families.into_iter().find(|family| family.chars().any(test)).map(str::to_owned)
        };
        for (script, first, last) in [
            ("Cyrillic", 'А', 'я'),
            ("Arabic", '\u{600}', '\u{6ff}'),
            ("CJK", '\u{4e00}', '\u{9fff}'),
            ("Greek", 'Α', 'ω'),
        ] {
            let name = family(&|character| (first..=last).contains(&character))
                .unwrap_or_else(|| panic!("a {script} name"));
            let exact: Ids = all
                .iter()
                .filter(|patient| {
                    let mut names = patient["name"].as_array().into_iter().flatten();
                    names.any(|one| one["family"] == name.as_str())
                })
                .map(id)
                .collect();
            assert_eq!(find("family:exact", &name), exact, "{} {script} {name}", site.name);
            for spelling in [name.clone(), name.to_lowercase(), name.to_uppercase()] {
                let found = find("family", &spelling);
                assert!(found.is_superset(&exact), "{} {script} {spelling}: {found:?}", site.name);
            }
            let start: String = name.chars().take(2).collect();
            assert!(find("family", &start).is_superset(&exact), "{} {script} {start}", site.name);
            assert!(
                find("name", &start).is_superset(&exact) && find("name:contains", &start).is_superset(&exact)
            );
        }
        // A word finds who is called so by any part of the name, and the whole of a name that has no signs between its parts.
        let mut words: BTreeMap<String, Ids> = BTreeMap::new();
        for patient in &all {
            for text in names(patient) {
                let word: String = text.trim().chars().take_while(|sign| sign.is_alphanumeric()).collect();
                words.entry(word).or_default().insert(id(patient));
            }
        }
        words.remove("");
        assert!(words.len() > 50);
        for (word, called) in words.iter().step_by(3) {
            let found = find("name", word);
            assert!(found.is_superset(called), "{} {word}: {called:?} are not all of {found:?}", site.name);
        }
        for (accented, plain) in
            [("Ibáñez", "ibanez"), ("Muñoz", "MUNOZ"), ("García Lorca", "garcia lorca"), ("Óscar", "oscar")]
        {
            let found = find("name", accented);
            assert!(!found.is_empty(), "{accented}");
            assert_eq!(find("name", plain), found, "{} {plain}", site.name);
            assert_eq!(find("name", &accented.to_uppercase()), found, "{} {accented}", site.name);
            assert!(find("name:exact", plain).is_empty() && !find("name:exact", accented).is_empty());
        }
    }
}

#[test]
fn a_text_that_a_code_map_gives_is_searched() {
    for site in sites() {
        let admin = site.user("admin");
        let named: Ids = every(&admin, "Medication")
            .iter()
            .filter(|medication| {
                let mut all = medication["identifier"].as_array().into_iter().flatten();
                all.any(|one| {
                    one["type"]["text"].as_str().is_some_and(|text| text.starts_with("International"))
                })
            })
            .map(id)
            .collect();
        assert!(!named.is_empty(), "{}", site.name);
        assert_eq!(all_ids(&admin, "Medication", &[("identifier:text", "iNTER")]), named, "{}", site.name);
    }
}

#[test]
fn exact_is_part_of_starts_with_is_part_of_contains() {
    for site in sites() {
        let doctor = site.user("doctor");
        let all = patients(&doctor);
        let find = |key: &str, value: &str| all_ids(&doctor, "Patient", &[(key, value)]);
        for name in ["Núñez", "an", "a", "de la"] {
            let (exact, start, inside) =
                (find("name:exact", name), find("name", name), find("name:contains", name));
            assert!(exact.is_subset(&start) && start.is_subset(&inside), "{} {name}", site.name);
            let truth: Ids = all
                .iter()
                .filter(|patient| names(patient).iter().any(|one| one.trim() == name))
                .map(id)
                .collect();
            assert_eq!(exact, truth, "{} {name}", site.name);
        }
        assert!(find("name", "an").len() < find("name:contains", "an").len());
        // The characters that LIKE takes for patterns stand for themselves.
        for literal in ["%", "_", "a%", "_a", "\\", "'", "\""] {
            let truth: Ids = all
                .iter()
                .filter(|patient| names(patient).iter().any(|one| one.to_lowercase().contains(literal)))
                .map(id)
                .collect();
            let sent = literal.replace('\\', "\\\\");
            assert_eq!(find("name:contains", &sent), truth, "{} {literal}", site.name);
            let start: Ids = all
                .iter()
                .filter(|patient| {
                    names(patient).iter().any(|one| one.trim().to_lowercase().starts_with(literal))
                })
                .map(id)
                .collect();
            assert_eq!(find("name", &sent), start, "{} {literal}", site.name);
        }
        assert!(find("name", "Ibáñez\\,Muñoz").is_empty(), "an escaped comma is a comma");
        assert_eq!(find("name", "Ibáñez,Muñoz"), union(&find("name", "Ibáñez"), &find("name", "Muñoz")));
    }
}

/// Condition → its patient.
fn subjects(site: &Site) -> Vec<(String, String)> {
    let doctor = site.user("doctor");
    let all = pages(&doctor, "Condition?_count=500", "next");
    let pair = |condition: &Value| {
        (id(condition), condition["subject"]["reference"].as_str().unwrap_or_default().to_owned())
    };
    all.iter().flat_map(resources).map(|condition| pair(&condition)).collect()
}

#[test]
fn a_chain_is_a_join() {
    for site in sites() {
        let doctor = site.user("doctor");
        let subjects = subjects(site);
        for (name, value) in [
            ("gender", "female"),
            ("name", "a"),
            ("birthdate", "lt1970"),
            ("name:contains", "ñ"),
            ("_id", "1,2,3"),
        ] {
            let of: Ids = all_ids(&doctor, "Patient", &[(name, value)])
                .iter()
                .map(|id| format!("Patient/{id}"))
                .collect();
            let truth: Ids = subjects
                .iter()
                .filter(|(_, patient)| of.contains(patient))
                .map(|(id, _)| id.clone())
                .collect();
            for key in [format!("subject:Patient.{name}"), format!("patient.{name}")] {
                let found = all_ids(&doctor, "Condition", &[(&key, value)]);
                assert_eq!(found, truth, "{} {key}={value}", site.name);
            }
            assert!(!truth.is_empty() && truth.len() < subjects.len(), "{name}={value} says nothing");
        }
        let of_one: Ids = subjects
            .iter()
            .filter(|(_, patient)| patient == "Patient/100")
            .map(|(id, _)| id.clone())
            .collect();
        for (key, value) in [
            ("subject", "Patient/100".to_owned()),
            ("patient", "100".to_owned()),
            ("subject:Patient", "100".to_owned()),
            ("subject", format!("http://{}/fhir/Patient/100", site.gateway.address)),
        ] {
            assert_eq!(
                all_ids(&doctor, "Condition", &[(key, &value)]),
                of_one,
                "{} {key}={value}",
                site.name
            );
        }
        assert!(
            all_ids(&doctor, "Condition", &[("subject", "http://elsewhere.example/Patient/100")]).is_empty()
        );
    }
}

/// A Period is open where one end is missing; without both it is at no time.
#[test]
fn a_period_that_nobody_knows_is_at_no_time() {
    for site in sites() {
        let doctor = site.user("doctor");
        for kind in ["Encounter", "Flag", "CareTeam"] {
            let all: Vec<_> =
                pages(&doctor, &format!("{kind}?_count=500"), "next").iter().flat_map(resources).collect();
            let which = |holds: &dyn Fn(&Value) -> bool| -> Ids {
                all.iter().filter(|resource| holds(&resource["period"])).map(id).collect()
            };
            let dated = which(&Value::is_object);
            let ended = which(&|period| period["end"].as_str().is_some_and(|end| end < "2025"));
            assert!(kind != "Encounter" || !ended.is_empty() && ended.len() < dated.len());
            assert_eq!(all_ids(&doctor, kind, &[("date", "ge1800")]), dated, "{kind}");
            assert_eq!(all_ids(&doctor, kind, &[("date", "eb2025-01-01T00:00:00Z")]), ended, "{kind}");
        }
    }
}

/// What refers to a definition by its canonical URL is found by that URL, and by no other.
#[test]
fn answers_are_found_by_their_questionnaire() {
    for site in sites() {
        let admin = site.user("admin");
        let path = "QuestionnaireResponse?_count=500";
        let all: Vec<_> = pages(&admin, path, "next").iter().flat_map(resources).collect();
        let form = |answers: &Value| answers["questionnaire"].as_str().unwrap().to_owned();
        let forms: BTreeSet<_> = all.iter().map(form).collect();
        assert!(forms.len() > 1);
        for url in &forms {
            let expected: Ids = all.iter().filter(|answers| form(answers) == *url).map(id).collect();
            assert_eq!(
                all_ids(&admin, "QuestionnaireResponse", &[("questionnaire", url)]),
                expected,
                "{url}"
            );
        }
        let other = format!("{}-other", forms.first().unwrap());
        assert_eq!(all_ids(&admin, "QuestionnaireResponse", &[("questionnaire", &other)]), Ids::new());
    }
}

#[test]
fn the_ends_of_time_are_found_and_written_as_far_as_fhir_knows_them() {
    let database = Database::copy("ends_of_time");
    for (patient, day) in
        [(1, "9999-12-31"), (2, "0044-03-15 BC"), (3, "infinity"), (4, "0001-01-01"), (5, "10000-01-01")]
    {
        database.run(&format!(
            "UPDATE party_party SET dob = '{day}' WHERE id = (SELECT party FROM gnuhealth_patient WHERE id = {patient})"
        ));
    }
    for zone in ["UTC", "America/Argentina/Buenos_Aires", "Pacific/Kiritimati"] {
        let gateway = Gateway::open(&database.url, &format!("time_zone = \"{zone}\""));
        let doctor = gateway.user("doctor");
        let born = |patient: i32| doctor.ok(&format!("Patient/{patient}"))["birthDate"].clone();
        assert_eq!([born(1), born(4)], ["9999-12-31", "0001-01-01"], "{zone}");
        assert!(
            [2, 3, 5].into_iter().all(|patient| born(patient).is_null()),
            "{zone}: FHIR has the years 1 to 9999"
        );
        let found = |value: &str| all_ids(&doctor, "Patient", &[("birthdate", value), ("_id", "1,2,4,6")]);
        let set = |all: &[&str]| all.iter().map(|id| (*id).to_owned()).collect::<BTreeSet<_>>();
        assert_eq!(found("9999"), set(&["1"]), "{zone}");
        assert_eq!(found("9999-12"), set(&["1"]), "{zone}");
        assert_eq!(found("9999-12-31"), set(&["1"]), "{zone}");
        assert_eq!(found("9999-12-30"), set(&[]), "{zone}");
        assert_eq!(found("ge9999-12-31"), set(&["1"]), "{zone}");
        assert_eq!(found("gt9999"), set(&[]), "{zone}");
        assert!(!found("ne9999").contains("1") && !found("lt9999-12-31").contains("1"), "{zone}");
        assert!(found("le9999-12-31").contains("1"), "{zone}");
        assert_eq!(found("0001"), set(&["4"]), "{zone}");
    }
}

#[test]
fn what_only_a_condition_needs_counts_alike_for_reads_and_searches() {
    let database = Database::copy("last_change");
    database.run("UPDATE party_party SET write_date = '2031-01-01'; UPDATE gnuhealth_patient SET write_date = '2030-01-01'");
    let folder = tempfile::tempdir().unwrap();
    let mapping = "type = \"Contract\"\n[source.one]\nmodel = \"gnuhealth.patient\"\nid = \"one\"\n[source.one.element]\ntitle = \"=x\"
subject = [{ reference = \"Patient\", path = \"id\" }]\n[[source.one.emit]]\nkey = \"a\"\nwhen = \"party.lastname\"\n[[source.one.emit]]\nkey = \"b\"\n";
    std::fs::write(folder.path().join("Contract.toml"), mapping).unwrap();
    let gateway =
        Gateway::open(&database.url, &format!("mappings_dir = {:?}", folder.path().to_str().unwrap()));
    let doctor = gateway.user("doctor");
    for id in ["one-1-a", "one-1-b"] {
        let read = doctor.ok(&format!("Contract/{id}"));
        assert_eq!(read["meta"]["lastUpdated"], "2031-01-01T00:00:00Z", "{id}");
        let found = |updated: &str| {
            ids(&doctor.ok(&format!("Contract?_id={id}&_lastUpdated={updated}&subject=Patient/1")))
        };
        assert_eq!(found("2031-01-01T00:00:00Z"), [id]);
        assert!(found("lt2031-01-01T00:00:00Z").is_empty(), "{id}");
        assert_eq!(resources(&doctor.ok(&format!("Contract?_id={id}&_sort=-_lastUpdated"))), [read]);
    }
}

#[test]
fn a_text_of_a_code_is_found_by_its_start() {
    for site in sites() {
        let doctor = site.user("doctor");
        let all =
            pages(&doctor, "Condition?_count=500", "next").iter().flat_map(resources).collect::<Vec<_>>();
        let text = |condition: &Value| condition["code"]["text"].as_str().map(str::to_lowercase);
        let start =
            all.iter().filter_map(text).map(|text| text.chars().take(5).collect::<String>()).min().unwrap();
        let wanted: Ids =
            all.iter().filter(|one| text(one).is_some_and(|text| text.starts_with(&start))).map(id).collect();
        assert!(wanted.len() < all.len());
        for value in [start.clone(), start.to_uppercase()] {
            assert_eq!(
                all_ids(&doctor, "Condition", &[("code:text", &value)]),
                wanted,
                "{} {value}",
                site.name
            );
        }
    }
}

#[test]
fn an_identifier_is_looked_for_behind_every_kind_of_reference() {
    for site in sites() {
        let doctor = site.user("doctor");
        // Some of what a provenance is of has no identifier; that is no fault of the question.
        for place in ["Provenance?target:identifier=nobody", "Provenance?agent:identifier=nobody"] {
            assert!(ids(&doctor.ok(place)).is_empty(), "{} {place}", site.name);
        }
        // A page of a person's life names its author by an account alone.
        let pages =
            pages(&doctor, "Composition?_count=500", "next").iter().flat_map(resources).collect::<Vec<_>>();
        let account = |page: &Value| page["author"][0]["identifier"]["value"].as_str().map(str::to_owned);
        let Some(known) = pages.iter().find_map(account) else { continue };
        let wanted: Ids =
            pages.iter().filter(|page| account(page).as_deref() == Some(&known)).map(id).collect();
        assert_eq!(
            all_ids(&doctor, "Composition", &[("author:identifier", &known)]),
            wanted,
            "{}",
            site.name
        );
    }
}

#[test]
fn an_empty_text_gives_way_to_the_next_one() {
    for site in sites() {
        let admin = site.user("admin");
        // Some vaccinations have their lot as a text, some as a record; the text of those is empty, not absent.
        let place = "Immunization?lot-number:missing=false&_count=500";
        let lots = pages(&admin, place, "next").iter().flat_map(resources).collect::<Vec<_>>();
        assert!(!lots.is_empty(), "{}", site.name);
        let without: Vec<_> = lots.iter().filter(|one| !one["lotNumber"].is_string()).map(id).collect();
        assert!(without.is_empty(), "{}: {without:?}", site.name);
    }
}

#[test]
fn what_is_not_written_is_missing() {
    for site in sites() {
        let doctor = site.user("doctor");
        // The role of a participant is the same everywhere; it is written where the participant is known.
        for (place, element) in
            [("Encounter?participant-type", "participant"), ("Encounter?participant", "participant")]
        {
            let with = |missing: &str| {
                let place = format!("{place}:missing={missing}&_count=500");
                pages(&doctor, &place, "next").iter().flat_map(resources).collect::<Vec<_>>()
            };
            let wrong: Vec<_> = with("false").iter().filter(|one| !one[element].is_array()).map(id).collect();
            assert!(wrong.is_empty(), "{} {place}: {wrong:?}", site.name);
            assert!(!with("true").is_empty(), "{} {place}", site.name);
        }
    }
}

/// The display of a code map is a text to be searched, and a constant beside it is there where the code is.
#[test]
fn displays_of_code_maps_are_found_where_they_are_written() {
    for site in sites() {
        let doctor = site.user("doctor");
        let devices = crate::harness::all(&doctor, "Device?_count=500");
        let texts = |device: &Value| -> Vec<String> {
            let displays = device["type"]["coding"].as_array().into_iter().flatten();
            let all = displays.map(|coding| &coding["display"]).chain([&device["type"]["text"]]);
            all.filter_map(|text| text.as_str().map(str::to_lowercase)).collect()
        };
        for wanted in ["jackson", "surgical", "penrose"] {
            let has = |device: &&Value| texts(device).iter().any(|text| text.starts_with(wanted));
            let expected: BTreeSet<&str> =
                devices.iter().filter(has).map(|device| device["id"].as_str().unwrap()).collect();
            let found = crate::harness::all(&doctor, &format!("Device?device-name={wanted}&_count=500"));
            let found: BTreeSet<&str> = found.iter().map(|device| device["id"].as_str().unwrap()).collect();
            assert_eq!(found, expected, "{}: {wanted}", site.name);
            assert!(wanted != "jackson" || !found.is_empty(), "{} has drains", site.name);
        }
    }
}

/// A concept that must be there is written with the reason why it is not, is found by that, and is not missing.
#[test]
fn a_concept_without_a_value_is_found_by_the_reason() {
    const REASONS: &str = "http://terminology.hl7.org/CodeSystem/data-absent-reason";
    let mut some = 0;
    for site in sites() {
        let doctor = site.user("doctor");
        for kind in ["Observation", "AllergyIntolerance", "Procedure"] {
            let without = |resource: &&Value| {
                let mut coding = resource["code"]["coding"].as_array().into_iter().flatten();
                coding.any(|coding| coding["system"] == REASONS && coding["code"] == "unknown")
            };
            let all = crate::harness::all(&doctor, &format!("{kind}?_count=500&_elements=code"));
            let expected: Ids = all.iter().filter(without).map(id).collect();
            let found = all_ids(&doctor, kind, &[("code", &format!("{REASONS}|unknown"))]);
            assert_eq!(found, expected, "{}: {kind}", site.name);
            let missing = all.iter().filter(|resource| resource["code"].is_null()).map(id).collect();
            assert_eq!(all_ids(&doctor, kind, &[("code:missing", "true")]), missing, "{}: {kind}", site.name);
            some += expected.len();
        }
    }
    assert!(some > 0, "some codes are not known");
}

/// Value sets that list codes of records one by one are searched with, as those of whole systems.
#[test]
fn value_sets_of_single_codes_are_searched_with() {
    let mut some = 0;
    for site in sites() {
        let doctor = site.user("doctor");
        let observations = crate::harness::all(&doctor, "Observation?_count=500&_elements=code");
        for set in crate::harness::all(&doctor, "ValueSet?_count=100") {
            let includes = set["compose"]["include"].as_array().expect("it includes something");
            let listed = |include: &&Value| include["concept"].is_array();
            if !includes.iter().any(|include| listed(&include)) {
                continue;
            }
            let holds = |coding: &Value| {
                includes.iter().any(|include| {
                    let mut concepts = include["concept"].as_array().into_iter().flatten();
                    coding["system"] == include["system"]
                        && (!listed(&include) || concepts.any(|concept| concept["code"] == coding["code"]))
                })
            };
            let within =
                |resource: &&Value| resource["code"]["coding"].as_array().into_iter().flatten().any(holds);
            let expected: Ids = observations.iter().filter(within).map(id).collect();
            let url = set["url"].as_str().expect("a URL");
            let found = all_ids(&doctor, "Observation", &[("code:in", url)]);
            assert_eq!(found, expected, "{}: {url}", site.name);
            let others: Ids = observations.iter().filter(|one| !within(one)).map(id).collect();
            assert_eq!(
                all_ids(&doctor, "Observation", &[("code:not-in", url)]),
                others,
                "{}: {url}",
                site.name
            );
            some += expected.len();
        }
    }
    assert!(some > 0, "some are found");
}

/// With the codes that are left the answer would be wrong, and look right.
#[test]
fn a_value_set_whose_codes_are_closed_is_not_searched_with() {
    let database = Database::copy("listing");
    let gateway = Gateway::open(&database.url, "");
    let doctor = gateway.user("doctor");
    let sets = crate::harness::all(&doctor, "ValueSet?_count=100");
    let url = sets.iter().filter_map(|set| set["url"].as_str()).find(|url| url.ends_with("/drug-route"));
    let url = url.expect("the routes of drugs");
    let asked = [
        format!("Observation?code:in={url}"),
        format!("Observation?code:not-in={url}"),
        format!("Observation?_filter=code in \"{url}\""),
        format!("ValueSet/$expand?url={url}"),
    ];
    asked.iter().for_each(|path| drop(doctor.ok(&path.replace(' ', "%20").replace('"', "%22"))));
    database.run(
        "DELETE FROM ir_model_access WHERE model = (SELECT id FROM ir_model WHERE model = 'gnuhealth.drug.route');
         INSERT INTO ir_model_access (model, active, perm_read)
           SELECT id, TRUE, FALSE FROM ir_model WHERE model = 'gnuhealth.drug.route'",
    );
    sleep(Duration::from_millis(500));
    for path in asked {
        doctor.get(&path.replace(' ', "%20").replace('"', "%22")).is(403, "field-forbidden");
    }
}

/// With the indexes that `indexes` prints names are looked for in another way; the same is found.
#[test]
fn names_are_found_by_indexes_as_without() {
    let database = Database::copy("names_by_index");
    let plain = Gateway::open(&database.url, "");
    let without = plain.user("doctor");
    let script = run("indexes", &database.url, &["--rows", "0"]);
    assert!(script.stdout.contains("fhir_gnuhealth_person_name_family_starts"), "{}", script.stdout);
    database.run(&script.stdout.replace(" CONCURRENTLY", ""));
    let quick = Gateway::open(&database.url, "");
    let with = quick.user("doctor");
    let mut asked = BTreeSet::new();
    for name in patients(&without).iter().flat_map(names) {
        let letters: Vec<char> = name.chars().collect();
        for length in [3, 5, letters.len() / 2, letters.len()] {
            asked.insert(letters[..length.min(letters.len())].iter().collect::<String>());
        }
    }
    asked.retain(|value| !value.trim().is_empty());
    assert!(asked.len() > 100);
    let mut some = 0;
    let escaped = |value: &String| {
        let special = |letter| matches!(letter, '\\' | ',' | '|' | '$');
        value.chars().flat_map(|letter| special(letter).then_some('\\').into_iter().chain([letter])).collect()
    };
    for value in asked.iter().step_by(3).map(escaped).collect::<Vec<String>>() {
        for (kind, parameter) in
            [("Patient", "name"), ("Patient", "family"), ("Person", "name"), ("Condition", "patient.name")]
        {
            let found = all_ids(&with, kind, &[(parameter, &value)]);
            some += usize::from(!found.is_empty());
            assert_eq!(found, all_ids(&without, kind, &[(parameter, &value)]), "{kind}?{parameter}={value}");
        }
    }
    assert!(some > 50, "most are names of somebody");
}
