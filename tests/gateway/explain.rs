//! What `gnuhealth-fhir explain` tells an operator.

use crate::harness::{demo, run};

#[test]
fn a_search_is_told_with_its_sql_its_cost_and_the_rights_in_it() {
    let url = &demo().database.url;
    let search = "Observation?patient=1&code=8302-2&patient.family=a";
    let told = run("explain", url, &[search, "--as", "doctor"]);
    assert_eq!(told.code, Some(0), "{}", told.stderr);
    let text = &told.stdout;
    for part in [
        "search of doctor (id ",
        "\nSQL\nWITH page AS",
        "8302-2",
        "\nexpected by PostgreSQL\n",
        "(cost=",
        "rights in it",
        "Observation",
        "gnuhealth.patient",
    ] {
        assert!(text.contains(part), "{part}");
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
        (&["Goal"], "types served"),
        (&["Binary"], "types served"),
        (&["Patient", "--as", "nobody"], "no active user has the login \"nobody\""),
        (&["Patient", "--as", "inactive"], "no active user has the login \"inactive\""),
    ] {
        let refused = run("explain", url, arguments);
        assert_eq!(refused.code, Some(1), "{arguments:?}: {}", refused.stdout);
        assert!(refused.stderr.contains(part), "{arguments:?}: {}", refused.stderr);
    }
}
