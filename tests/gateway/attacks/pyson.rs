//! Hostile texts in the tables of rights: a record rule that is not exactly understood closes its model, and nothing else.

use std::{thread::sleep, time::Duration};

use super::Target;
use crate::harness::{Database, all_ids};

#[test]
fn a_hostile_rule_closes_its_model_and_nothing_else() {
    let database = Database::copy("attack_pyson");
    let target = Target::over(&database.url, &["--watch-interval", "50ms"]);
    let all = all_ids(&target.doctor, "Patient", &[]);
    let deep = |open: &str, close: &str, count| format!("{}{}", open.repeat(count), close.repeat(count));
    let eval = |inner: &str| format!(r#"{{"__class__": "Not", "v": {inner}}}"#);
    let mut nested = "1".to_owned();
    for _ in 0..60 {
        nested = eval(&nested);
    }
    let closed = [
        r#"[["id", "=", "1 OR 1=1"]]"#.to_owned(),
        r#"[["id\" IS NOT NULL OR \"id", "=", 1]]"#.to_owned(),
        r#"[["id", "= 1 OR 1=", 1]]"#.to_owned(),
        r#"[["party.lastname) OR (1=1", "=", "a"]]"#.to_owned(),
        r#"[["id", "in", "SELECT 1"]]"#.to_owned(),
        r#"[["id", "where", [["id", "=", 1]]]]"#.to_owned(),
        r#"[["__class__", "=", 1]]"#.to_owned(),
        r#"[["party.party.party.party", "=", 1]]"#.to_owned(),
        r#"{"__class__": "Eval", "v": "__import__('os').system('id')", "d": []}"#.replace("[]", "7"),
        r#"{"__class__": "Eval", "v": "groups.__class__", "d": {"a": 1}}"#.to_owned(),
        r#"[["id", "=", {"__class__": "Get", "v": {}, "k": [], "d": 1}]]"#.to_owned(),
        r#"[["id", "=", {"__class__": "Len", "v": 1}]]"#.to_owned(),
        r#"[["id", "=", 1e999]]"#.to_owned(),
        r#"[["id", "=", NaN]]"#.to_owned(),
        r#"{"__class__": ["Eval"], "v": 1}"#.to_owned(),
        deep("[", "]", 100_000),
        deep(r#"{"__class__": "Not", "v": "#, "}", 20_000),
        format!(r#"[["party{}", "=", 1]]"#, ".party".repeat(5_000)),
        "[".repeat(1_000_000),
        "\u{feff}[]".to_owned(),
        "[]]".to_owned(),
        r#"[["party.lastname", "like", "\\"]]"#.to_owned(),
        r#"[["party.lastname", "not ilike", "a\\\\\\"]]"#.to_owned(),
        "None".to_owned(),
    ];
    // These are good rules with strange values: they hold for nobody, or for all.
    let exact = [
        (r#"[["party.lastname", "=", "'; DROP TABLE party_party; --"]]"#.to_owned(), Some(false)),
        (r#"[["party.lastname", "ilike", "%' OR '1'='1"]]"#.to_owned(), Some(false)),
        (format!(r#"[["party.lastname", "=", "{}"]]"#, "x".repeat(500_000)), Some(false)),
        (format!(r#"[["id", "in", [{}0]]]"#, "-1, ".repeat(20_000)), Some(false)),
        (format!(r#"["OR", {}["id", ">", 0]]"#, r#"["id", "<", 0], "#.repeat(300)), Some(true)),
        (format!(r#"[["id", "!=", {nested}]]"#), None),
    ];
    let answers = closed.into_iter().map(|domain| (domain, None, true));
    for (domain, shown, refused) in
        answers.chain(exact.into_iter().map(|(domain, shown)| (domain, shown, false)))
    {
        let what: String = domain.chars().take(120).collect();
        database.run(&format!(
            "WITH added AS (INSERT INTO ir_rule_group (name, model, global_p, default_p, perm_read)
               SELECT 'attack', id, TRUE, FALSE, TRUE FROM ir_model WHERE model = 'gnuhealth.patient' RETURNING id)
             INSERT INTO ir_rule (rule_group, domain) SELECT id, '{}' FROM added",
            domain.replace('\'', "''")
        ));
        sleep(Duration::from_millis(600));
        let response = target.doctor.get("Patient?_count=500");
        assert!(response.status < 500, "{what}: {}", response.text());
        match (response.status, shown) {
            (200, Some(true)) => assert_eq!(all_ids(&target.doctor, "Patient", &[]), all, "{what}"),
            (200, Some(false)) => assert!(all_ids(&target.doctor, "Patient", &[]).is_empty(), "{what}"),
            (200, None) => assert!(!refused, "understood: {what}"),
            _ => response.is(403, "model-forbidden"),
        }
        assert_eq!(target.get("Practitioner?_count=1").status, 200, "{what}");
        database.run("DELETE FROM ir_rule_group WHERE name = 'attack'");
    }
    sleep(Duration::from_millis(600));
    assert_eq!(all_ids(&target.doctor, "Patient", &[]), all);
    target.survived();
}
