//! How a search is answered: what `gnuhealth-fhir explain` tells an operator and `_explain=true` an administrator.

use crate::harness::{demo, run, sites};

#[test]
fn a_search_is_told_with_its_sql_its_cost_and_the_rights_in_it() {
    let url = &demo().database.url;
    let search = "Observation?patient=1&code=8302-2&patient.family=a";
    let told = run("explain", url, &[search, "--as", "doctor"]);
    assert_eq!(told.code, Some(0), "{}", told.stderr);
    let text = &told.stdout;
    for part in [
        "search of doctor (id ",
        "\nSQL: matches\nWITH page AS",
        "8302-2",
        "\nexpected by PostgreSQL\n",
        "(cost=",
        "rights in it",
        "Observation",
        "gnuhealth.patient",
    ] {
        assert!(text.contains(part), "{part}");
    }
    // Several types, a compartment, and a total beside the matches.
    for (search, parts) in [
        (
            "?_type=Patient,Condition&_lastUpdated=ge2000",
            &["SQL: positions of the matches", "gnuhealth_patient"][..],
        ),
        ("Patient/1/Condition?_total=accurate", &["SQL: total", "SQL: matches", "gnuhealth_patient_disease"]),
        ("Patient/1/*?_summary=count", &["SQL: total"]),
    ] {
        let told = run("explain", url, &[search, "--as", "doctor"]);
        for part in parts {
            assert!(told.stdout.contains(part), "{search}: {part} in {}{}", told.stdout, told.stderr);
        }
    }
    // Without a login it is who may see most.
    let admin = run("explain", url, &["Patient?birthdate=ge2000&_sort=-birthdate"]);
    assert!(admin.stdout.contains("search of admin (id "), "{}", admin.stderr);
    assert!(admin.stdout.contains("ORDER BY"), "{}", admin.stdout);
}

#[test]
fn the_conditions_of_rules_are_in_the_sql_and_a_closed_type_is_refused() {
    let url = &demo().database.url;
    let closed = run("explain", url, &["Claim?_count=1", "--as", "nogroup"]);
    assert_eq!(closed.code, Some(1), "{}", closed.stdout);
    assert!(closed.stderr.contains("access rights"), "{}", closed.stderr);
    for (arguments, part) in [
        (&["Patient?nmae=x"][..], "nmae"),
        (&["Patient?birthdate=yesterday"], "cannot be understood"),
        (&["Patient?name=%ff"], "UTF-8"),
        (&["Goal"], "Types served"),
        (&["Binary"], "read by its id"),
        (&["Patient/1"], "no place of a search"),
        (&["Patient/1/Medication"], "not in the compartment"),
        (&["Patient?_include=Patient:nobody"], "_include"),
        (&["Patient", "--as", "nobody"], "no active user has the login \"nobody\""),
        (&["Patient", "--as", "inactive"], "no active user has the login \"inactive\""),
    ] {
        let refused = run("explain", url, arguments);
        assert_eq!(refused.code, Some(1), "{arguments:?}: {}", refused.stdout);
        assert!(refused.stderr.contains(part), "{arguments:?}: {}", refused.stderr);
    }
}

#[test]
fn an_administrator_is_told_over_http_and_nobody_else() {
    for site in sites() {
        let admin = site.user("admin");
        for (search, name) in [
            ("Observation?patient=1&code=8302-2&_explain=true", "matches"),
            ("Patient/1/Condition?_explain=true&_total=accurate", "total"),
            ("?_type=Patient,Condition&_explain=true", "positions of the matches"),
        ] {
            let told = admin.ok(search);
            assert_eq!(told["resourceType"], "Parameters", "{search}");
            let statement = &told["parameter"][0];
            let part = |name: &str| {
                let parts = statement["part"].as_array().unwrap();
                let part = parts.iter().find(|part| part["name"] == name);
                part.and_then(|part| part["valueString"].as_str()).unwrap_or_default().to_owned()
            };
            assert_eq!(part("for"), name);
            assert!(part("sql").contains("SELECT"), "{search}");
            assert!(part("expected").contains("(cost="), "{search}");
            let rights = told["parameter"].as_array().unwrap().last().unwrap();
            assert!(rights["valueString"].as_str().unwrap().contains("gnuhealth.patient"), "{search}");
            for login in ["doctor", "frontdesk", "nogroup"] {
                site.user(login).get(search).is(403, "explanation-forbidden");
            }
        }
        admin.get("Patient?_explain=yes").is(400, "parameter-value");
        admin.get("Patient?_explain=true&_explain=true").is(400, "parameter-value");
        admin.get("Patient?_explain=true&nmae=x").is(400, "parameter-unknown");
        admin.get("Patient?_explain=true&_format=ndjson").is(400, "parameter-value");
        assert_eq!(site.gateway.anybody().get("Patient?_explain=true").status, 401);
    }
}
