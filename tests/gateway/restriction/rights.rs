//! Random accesses and rules, and whether they are explained as they are applied.

use std::collections::BTreeSet;

use gnuhealth_fhir::{
    mapping::{self, Compiled, Files, Read},
    plan,
    render::Held,
    tryton::{Explanation, ModelReason, Permit, Security},
};

use super::Random;
use crate::harness::{Database, Gateway, wait};

fn compiled(gateway: &Gateway) -> Compiled {
    let options = mapping::Options { site: "https://hospital.example".to_owned() };
    mapping::compile(&Files::shipped(), &gateway.catalog, &options).0
}

/// Everything that the resources are made of: models, and fields of them.
fn read(compiled: &Compiled) -> (Vec<String>, Vec<(String, String)>) {
    let (mut models, mut fields) = (BTreeSet::new(), BTreeSet::new());
    for source in compiled.types.values().flat_map(|kind| &kind.sources) {
        let mut note = |read: Read<'_>| match read {
            Read::Model(model) => drop(models.insert(model.to_owned())),
            Read::Field(model, field) => drop(fields.insert((model.to_owned(), field.to_owned()))),
        };
        source.reads().into_iter().for_each(&mut note);
        for emit in 0..source.emits.len() {
            source.emit_reads(emit).into_iter().for_each(&mut note);
            source.withheld(emit, &mut |read| {
                note(read);
                false
            });
        }
    }
    (models.into_iter().collect(), fields.into_iter().collect())
}

/// Writes some accesses and rules; says which.
pub fn write(database: &Database, gateway: &Gateway, random: &mut Random) -> String {
    let (models, fields) = read(&compiled(gateway));
    let groups: Vec<String> = database.texts("SELECT id::text FROM res_group").into_iter().collect();
    let mut written = Vec::new();
    let group =
        |random: &mut Random| if random.chance(60) { "NULL".to_owned() } else { random.one(&groups).clone() };
    for _ in 0..1 + random.below(3) {
        let (model, group) = (random.one(&models), group(random));
        let open = random.chance(40);
        written.push(format!("{model} for {group}: {open}"));
        database.run(&format!(
            "INSERT INTO ir_model_access (description, model, \"group\", active, perm_read)
             SELECT 'random', id, {group}, TRUE, {open} FROM ir_model WHERE model = '{model}'"
        ));
    }
    for _ in 0..1 + random.below(5) {
        let ((model, field), group) = (random.one(&fields), group(random));
        written.push(format!("{model}.{field} for {group}"));
        database.run(&format!(
            "INSERT INTO ir_model_field_access (description, field, \"group\", active, perm_read)
             SELECT 'random', f.id, {group}, TRUE, FALSE FROM ir_model_field f JOIN ir_model m ON m.id = f.model
             WHERE m.model = '{model}' AND f.name = '{field}'"
        ));
    }
    // Most resources hang on these.
    let often = ["gnuhealth.patient", "party.party", "gnuhealth.healthprofessional", "gnuhealth.institution"];
    for _ in 0..1 + random.below(3) {
        let model =
            if random.chance(60) { (*random.one(&often)).to_owned() } else { random.one(&models).clone() };
        let limit = 1 + random.below(250);
        let domain = match random.below(5) {
            0 => format!(r#"[["id", "<", {limit}]]"#),
            1 => format!(r#"[["id", ">", {limit}]]"#),
            2 => format!(r#"["OR", ["id", "<", {limit}], ["id", ">", {}]]"#, limit + 50),
            3 => format!(
                r#"[["id", "not in", [{}]]]"#,
                (0..30).map(|n| (limit + 3 * n).to_string()).collect::<Vec<_>>().join(", ")
            ),
            _ => r#"[["create_uid", "=", -1]]"#.to_owned(),
        };
        let (global, default) = *random.one(&[(true, false), (false, true)]);
        written.push(format!("{model}: {domain} global {global}"));
        database.run(&format!(
            "WITH added AS (INSERT INTO ir_rule_group (name, model, global_p, default_p, perm_read)
               SELECT 'random', id, {global}, {default}, TRUE FROM ir_model WHERE model = '{model}' RETURNING id)
             INSERT INTO ir_rule (rule_group, domain) SELECT id, '{domain}' FROM added"
        ));
    }
    written.join("; ")
}

/// Takes away what [`write`] wrote.
pub fn clear(database: &Database) {
    database.run(
        "DELETE FROM ir_model_access WHERE description = 'random';
         DELETE FROM ir_model_field_access WHERE description = 'random';
         DELETE FROM ir_rule_group WHERE name = 'random'",
    );
}

/// What operators are told of the rights is what statements are made of.
pub fn explained(gateway: &Gateway, users: &[&str]) {
    let compiled = compiled(gateway);
    let security =
        wait(Security::load(&gateway.store, std::sync::Arc::clone(&gateway.catalog), 1)).expect("the rights");
    for login in users {
        let user = security.user_by_login(login).unwrap();
        let explanation = wait(Explanation::load(&gateway.store, &security, user)).expect("an active user");
        let permit = Permit::of(&security, &gateway.catalog, user.id).expect("an active user");
        let closed = |read: Read<'_>| match read {
            Read::Model(model) => !permit.model(model),
            Read::Field(model, field) => !permit.field(model, field),
        };
        for model in gateway.catalog.models.keys() {
            match explanation.model(model) {
                ModelReason::Free => assert!(permit.model(model), "{login} {model}"),
                ModelReason::Allowed(rows) => {
                    assert!(permit.model(model) && !rows.is_empty(), "{login} {model}")
                }
                ModelReason::Forbidden(rows) => {
                    assert!(!permit.model(model) && !rows.is_empty(), "{login} {model}")
                }
                ModelReason::Refused { .. } => assert!(!permit.model(model), "{login} {model}"),
                ModelReason::Unknown => panic!("{model} is in the catalogue"),
            }
            let ruled = !explanation.rules(model).is_empty();
            let attached = ["ir.attachment", "ir.avatar", "ir.email", "ir.model.log", "ir.note"]
                .contains(&model.as_str());
            if permit.model(model) && !attached {
                assert_eq!(ruled, !permit.unrestricted(model), "{login} {model}");
            }
        }
        for source in compiled.types.values().flat_map(|kind| &kind.sources) {
            let shut = source.reads().into_iter().any(closed);
            let mut withheld = false;
            for (index, emit) in source.emits.iter().enumerate() {
                let emit_shut = source.emit_reads(index).into_iter().any(closed);
                withheld |= emit_shut || !source.withheld(index, &mut |read| closed(read)).is_empty();
                let planned = plan::read(source, emit, &permit, &[], false);
                assert_eq!(planned.is_none(), shut || emit_shut, "{login} {}", source.model);
            }
            let open = source.emits.iter().find_map(|emit| plan::read(source, emit, &permit, &[], false));
            // The bytes of a Binary are no part of its row.
            if let Some(plan) = open.filter(|_| source.content.is_none()) {
                // What lies behind a reference of several models is marked in the records that point there only.
                let some = plan.shape.columns.contains(&Held::Hides);
                assert!(
                    plan.shape.masks() == withheld || (withheld && some),
                    "{login} {}: what is marked is told",
                    source.model
                );
            }
        }
    }
}
