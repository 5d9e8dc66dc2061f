//! What `gnuhealth-fhir access` tells an operator, on a copy of the demo hospital with rights of its own.

use std::{fmt::Write as _, fs};

use crate::harness::{Database, run};

/// Of a type that the shipped mappings do not have, so that the text stays as it is when they grow.
const CONTRACT: &str = r#"
type = "Contract"

[source.person]
model = "gnuhealth.patient"
id = "person"
where = "party"

[source.person.element]
title = "=person"

[[source.person.emit]]
key = "born"
applies = { start = "party.dob" }
identifier = [{ value = "party.ref" }]
subject = [{ reference = "Patient", path = "id" }]

[[source.person.emit]]
key = "named"
when = "party.lastname"
identifier = [{ each = "party.person_names", value = "family" }]
subject = [{ reference = "Patient", path = "id" }]

[source.lab]
model = "gnuhealth.lab"
id = "lab"

[source.lab.element]
title = "=laboratory"
identifier = [{ value = "name" }]
"#;

/// Accesses and rules, by names that Tryton shows.
const RIGHTS: &str = r#"
    INSERT INTO ir_model_field_access (field, "group", active, perm_read)
      SELECT f.id, g.id, TRUE, FALSE FROM ir_model_field f JOIN ir_model m ON m.id = f.model, res_group g
      WHERE m.model = 'party.party' AND f.name = 'dob' AND g.name = 'Health Doctor';
    INSERT INTO ir_model_access (model, "group", active, perm_read)
      SELECT m.id, NULL, TRUE, FALSE FROM ir_model m WHERE m.model = 'gnuhealth.person_name';
    WITH added AS (INSERT INTO ir_rule_group (name, model, global_p, default_p, perm_read)
      SELECT 'Only the first', id, TRUE, FALSE, TRUE FROM ir_model WHERE model = 'gnuhealth.patient' RETURNING id)
      INSERT INTO ir_rule (rule_group, domain) SELECT id, '[["id", "<", 50]]' FROM added;
    WITH added AS (INSERT INTO ir_rule_group (name, model, global_p, default_p, perm_read)
      SELECT 'Even ones', id, FALSE, TRUE, TRUE FROM ir_model WHERE model = 'gnuhealth.patient' RETURNING id)
      INSERT INTO ir_rule (rule_group, domain) SELECT id, '[["id", "in", [2, 4, 6]]]' FROM added;
    WITH added AS (INSERT INTO ir_rule_group (name, model, global_p, default_p, perm_read)
      SELECT 'Own unit', id, FALSE, FALSE, TRUE FROM ir_model WHERE model = 'gnuhealth.patient' RETURNING id),
    linked AS (INSERT INTO "ir_rule_group-res_group" (rule_group, "group")
      SELECT added.id, g.id FROM added, res_group g WHERE g.name = 'Health Doctor' RETURNING rule_group)
      INSERT INTO ir_rule (rule_group, domain) SELECT DISTINCT rule_group, '[["id", "in", [7, 60]]]' FROM linked;
    WITH added AS (INSERT INTO ir_rule_group (name, model, global_p, default_p, perm_read)
      SELECT 'Written by hand', id, TRUE, FALSE, TRUE FROM ir_model WHERE model = 'gnuhealth.lab' RETURNING id)
      INSERT INTO ir_rule (rule_group, domain) SELECT id, '[["no_such_field", "=", 1]]' FROM added;
    INSERT INTO res_group (name, active) VALUES ('Night shift', FALSE);
    INSERT INTO "res_user-res_group" ("user", "group")
      SELECT u.id, g.id FROM res_user u, res_group g WHERE u.login = 'doctor' AND g.name = 'Night shift';
"#;

/// Ids of accesses and rule groups differ between databases.
fn without_ids(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = ["ir.model.access ", "ir.model.field.access ", "ir.rule.group "]
        .into_iter()
        .filter_map(|name| rest.find(name).map(|at| at + name.len()))
        .min()
    {
        out.push_str(&rest[..at]);
        out.push('#');
        rest = rest[at..].trim_start_matches(|character: char| character.is_ascii_digit());
    }
    out + rest
}

#[test]
fn an_operator_is_told_what_a_user_sees_and_why_not() {
    let database = Database::copy("access");
    database.run(RIGHTS);
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("Contract.toml"), CONTRACT).unwrap();
    let mappings = folder.path().to_str().unwrap();
    let mut told = String::new();
    for arguments in [
        &["--user", "doctor", "--resource", "Contract"][..],
        &["--user", "doctor", "--resource", "Contract/person-2-born"],
        &["--user", "doctor", "--resource", "Contract/person-7-named"],
        &["--user", "doctor", "--resource", "Contract/person-60-born"],
        &["--user", "doctor", "--resource", "Contract/person-3-born"],
        &["--user", "doctor", "--resource", "Contract/person-999999-born"],
        &["--user", "doctor", "--resource", "Contract/lab-1"],
        &["--user", "doctor", "--resource", "Contract/person-02-born"],
        &["--user", "nurse", "--resource", "Contract/person-7-born"],
        &["--user", "nogroup", "--resource", "Contract"],
        &["--user", "inactive"],
        &["--user", "inactive", "--resource", "Contract/person-2-born"],
        &["--user", "nobody"],
        &["--user", "Doctor"],
        &["--user", "doctor", "--resource", "Unicorn/1"],
    ] {
        let ended = run("access", &database.url, &[arguments, &["--mappings-dir", mappings]].concat());
        let stdout = without_ids(&ended.stdout);
        // Of what was told once only the answer.
        let answer: String =
            match arguments.get(3).is_some_and(|resource| resource.contains("/p") || resource.contains("/l"))
            {
                true => stdout
                    .lines()
                    .filter(|line| line.starts_with("Contract/"))
                    .map(|line| format!("{line}\n"))
                    .collect(),
                false => stdout,
            };
        let stderr = match ended.stderr.split_once("types served:") {
            Some((before, _)) => format!("{before}types served: …\n"),
            None => ended.stderr,
        };
        let _ = writeln!(told, "$ access {}\n{answer}{stderr}exit {:?}\n", arguments.join(" "), ended.code);
    }
    let names = database.texts("SELECT name FROM party_party WHERE length(name) > 4 UNION SELECT lastname FROM party_party WHERE length(lastname) > 4");
    let person = names.iter().find(|name| told.contains(name.as_str()));
    assert!(person.is_none(), "{person:?} is told");
    insta::assert_snapshot!(told);
}

#[test]
fn every_user_of_the_demo_hospital_is_explained() {
    for login in ["doctor", "nurse", "frontdesk", "lab", "nogroup"] {
        let ended = run("access", &crate::harness::demo().database.url, &["--user", login]);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        let client = crate::harness::demo().user(login);
        for kind in crate::harness::demo().types() {
            let (_, rest) = ended
                .stdout
                .split_once(&format!("\n{kind}\n"))
                .unwrap_or_else(|| panic!("{kind}: {}", ended.stdout));
            let sources: Vec<&str> = rest.lines().take_while(|line| line.starts_with("  ")).collect();
            let served = sources.iter().any(|line| line.contains(": served"));
            let status = client.get(&format!("{kind}?_count=1")).status;
            assert_eq!(status, if served { 200 } else { 403 }, "{login} {kind}: {sources:?}");
        }
    }
}
