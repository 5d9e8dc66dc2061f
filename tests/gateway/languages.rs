//! Texts in the language of the caller, as Tryton finds them.

use serde_json::Value;

use crate::harness::{Client, Database, Gateway, resources};

/// A hospital whose Tryton speaks Spanish and, in parts, that of Latin America.
fn hospital(name: &str) -> (Database, Gateway) {
    let database = Database::copy(name);
    database.run(
        "UPDATE ir_lang SET translatable = TRUE WHERE code IN ('es', 'es_419');
         INSERT INTO ir_translation (lang, src, name, res_id, value, type, module, fuzzy)
           SELECT 'es', name, 'gnuhealth.pathology,name', id, 'ES ' || code, 'model', 'test', FALSE FROM gnuhealth_pathology;
         INSERT INTO ir_translation (lang, src, name, res_id, value, type, module, fuzzy)
           SELECT 'es_419', name, 'gnuhealth.pathology,name', id, CASE id % 3 WHEN 0 THEN '419 ' || code ELSE '' END, 'model', 'test', id % 3 = 1
           FROM gnuhealth_pathology;",
    );
    let gateway = Gateway::open(&database.url, "");
    (database, gateway)
}

/// Displays of the codes of conditions by code, and everything else of the page.
fn conditions(client: &Client, language: &str) -> (Vec<(String, String)>, Vec<Value>) {
    let response = client.send("GET", "Condition?_count=200", &[("Accept-Language", language)], "");
    assert_eq!(response.status, 200, "{}", response.text());
    let mut all = resources(&response.json());
    let mut displays = Vec::new();
    for condition in &mut all {
        condition.as_object_mut().unwrap().remove("meta");
        let concept = condition["code"].as_object_mut().unwrap();
        let text = concept.remove("text").unwrap();
        for coding in concept["coding"].as_array_mut().unwrap() {
            assert_eq!(coding.as_object_mut().unwrap().remove("display").unwrap(), text);
        }
        let code = concept["coding"][0]["code"].as_str().unwrap().to_owned();
        displays.push((code, text.as_str().unwrap().to_owned()));
    }
    (displays, all)
}

#[test]
fn texts_follow_the_language_and_codes_do_not() {
    let (database, gateway) = hospital("languages");
    let doctor = gateway.user("doctor");
    let (english, plain) = conditions(&doctor, "en");
    let (spanish, rest) = conditions(&doctor, "es");
    assert_eq!(plain, rest, "nothing but texts depends on the language");
    assert!(english.iter().all(|(_, text)| !text.starts_with("ES ")));
    assert!(spanish.iter().all(|(code, text)| *text == format!("ES {code}")), "{spanish:?}");
    // An empty or fuzzy translation is none: the parent's is taken, as Tryton does; then the text of the column.
    let third: std::collections::BTreeSet<String> =
        database.texts("SELECT code FROM gnuhealth_pathology WHERE id % 3 = 0");
    let (latin, _) = conditions(&doctor, "es-419");
    assert!(latin.iter().any(|(code, _)| third.contains(code)));
    assert!(latin.iter().any(|(code, _)| !third.contains(code)));
    for (code, text) in &latin {
        let expected = if third.contains(code) { "419" } else { "ES" };
        assert_eq!(*text, format!("{expected} {code}"));
    }
    // A language that Tryton does not know is the wider one; without any the column decides.
    assert_eq!(conditions(&doctor, "es-MX").0, spanish);
    assert_eq!(conditions(&doctor, "tlh, es;q=0.5").0, spanish);
    assert_eq!(conditions(&doctor, "tlh").0, english);
}

#[test]
fn a_text_is_searched_in_the_language_it_is_written_in() {
    let (_database, gateway) = hospital("languages_searched");
    let doctor = gateway.user("doctor");
    let found = |language: &str| {
        let response =
            doctor.send("GET", "Condition?code:text=ES&_count=20", &[("Accept-Language", language)], "");
        resources(&response.json())
    };
    let spanish = found("es");
    assert!(!spanish.is_empty());
    assert!(spanish.iter().all(|condition| condition["code"]["text"].as_str().unwrap().starts_with("ES ")));
    assert!(
        found("en").iter().all(|condition| !condition["code"]["text"].as_str().unwrap().starts_with("ES "))
    );
}
