//! Random groups, users, companies, accesses and record rules, as SQL. All rows that are added have ids from
//! [`FIRST`] on, so that the next ones can take their place.

use std::fmt::Write as _;

use gnuhealth_fhir::tryton::{Catalog, ModelKind, Series};
use serde_json::Value as Json;

use super::{
    dice::Dice,
    domains,
    pyson::{self, Surroundings},
    words::Words,
};

const FIRST: i32 = 1_000_000;
const GROUPS: i32 = 12;
const COMPANIES: i32 = 3;
const EMPLOYEES: i32 = 5;

/// Companies, other than the hospital's, and employees: made once.
pub const PEOPLE: &str = r#"
    INSERT INTO company_company (id, party, currency, timezone)
      SELECT 1000000 + n, p.id, c.currency, (ARRAY[NULL, 'Asia/Tokyo', 'America/Lima'])[n + 1]
      FROM generate_series(0, 2) n, LATERAL (SELECT id FROM party_party ORDER BY id OFFSET n * 7 LIMIT 1) p,
           (SELECT currency FROM company_company ORDER BY id LIMIT 1) c;
    INSERT INTO company_employee (id, party, company)
      SELECT 1000000 + n, p.id, CASE n % 3 WHEN 0 THEN 1000000 WHEN 1 THEN 1000001 ELSE (SELECT min(id) FROM company_company) END
      FROM generate_series(0, 4) n, LATERAL (SELECT id FROM party_party ORDER BY id OFFSET n * 3 LIMIT 1) p;
"#;

const CLEAR: &str = r#"
    DELETE FROM ir_rule WHERE id >= 1000000;
    DELETE FROM "ir_rule_group-res_group" WHERE rule_group >= 1000000;
    DELETE FROM ir_rule_group WHERE id >= 1000000;
    DELETE FROM ir_model_access WHERE id >= 1000000;
    DELETE FROM ir_model_field_access WHERE id >= 1000000;
    DELETE FROM "res_user-res_group" WHERE "user" >= 1000000;
    DELETE FROM "res_user-company_company" WHERE "user" >= 1000000;
    DELETE FROM "res_user-company_employee" WHERE "user" >= 1000000;
    DELETE FROM res_user WHERE id >= 1000000;
    UPDATE res_group SET parent = NULL WHERE id >= 1000000;
    DELETE FROM res_group WHERE id >= 1000000;
"#;

/// Users and their rights, and what was thrown for.
pub struct World {
    pub script: String,
    pub users: Vec<String>,
    pub rules: usize,
}

/// Writes one world.
struct Writer<'a> {
    dice: &'a mut Dice,
    words: &'a Words<'a>,
    around: Surroundings,
    script: String,
    row: i32,
    rules: usize,
}

/// Rights of `users` users over `models`.
pub fn world(
    dice: &mut Dice,
    words: &Words<'_>,
    real_groups: &[i32],
    models: &[&str],
    users: usize,
) -> World {
    let count = i32::try_from(users).expect("few");
    let around = Surroundings {
        groups: (FIRST..FIRST + GROUPS).chain(dice.some(real_groups, 4)).collect(),
        companies: (FIRST..FIRST + COMPANIES).chain([1]).collect(),
        employees: (FIRST..FIRST + EMPLOYEES).collect(),
        users: (FIRST..FIRST + count).collect(),
    };
    let script = format!("BEGIN;\n{CLEAR}");
    let mut writer = Writer { dice, words, around, script, row: FIRST, rules: 0 };
    writer.groups();
    writer.users();
    for model in models {
        writer.model_access(model);
        writer.field_access(model);
        writer.rules(model);
    }
    writer.script.push_str("COMMIT;\n");
    let users = (0..users).map(|user| format!("random-{user}")).collect();
    World { script: writer.script, users, rules: writer.rules }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn maybe(id: Option<i32>) -> String {
    id.map_or("NULL".into(), |id| id.to_string())
}

impl Writer<'_> {
    fn add(&mut self, sql: &str) {
        self.script.push_str(sql);
        self.script.push_str(";\n");
    }

    fn group(&mut self) -> i32 {
        *self.dice.pick(&self.around.groups)
    }

    fn groups(&mut self) {
        for id in FIRST..FIRST + GROUPS {
            let active = if self.dice.percent(75) { "TRUE" } else { *self.dice.pick(&["FALSE", "NULL"]) };
            // No cycles: Tryton does not let them be.
            let parents: Vec<_> = self.around.groups.iter().copied().filter(|parent| *parent < id).collect();
            let parent =
                self.dice.percent(55).then(|| *self.dice.pick(&parents)).filter(|_| !parents.is_empty());
            self.add(&format!(
                "INSERT INTO res_group (id, name, active, parent) VALUES ({id}, 'random {id}', {active}, {})",
                maybe(parent)
            ));
        }
    }

    fn users(&mut self) {
        for id in self.around.users.clone() {
            let company = self.dice.percent(75).then(|| *self.dice.pick(&self.around.companies));
            let employee = self.dice.percent(60).then(|| *self.dice.pick(&self.around.employees));
            let filter = *self.dice.pick(&["'one'", "'all'", "'all'", "NULL"]);
            let language = *self.dice.pick(&["NULL", "'en'", "'es'", "'fr'", "'de'"]);
            self.add(&format!(
                "INSERT INTO res_user (id, name, login, active, menu, language, company, employee, company_filter)
                   SELECT {id}, 'random', 'random-{}', TRUE, menu, (SELECT id FROM ir_lang WHERE code = {language}), {}, {}, {filter}
                   FROM res_user WHERE id = 1",
                id - FIRST,
                maybe(company),
                maybe(employee)
            ));
            let (groups, companies, employees) =
                (self.around.groups.clone(), self.around.companies.clone(), self.around.employees.clone());
            for (table, column, all, most) in [
                ("res_user-res_group", "group", groups, 4),
                ("res_user-company_company", "company", companies, 3),
                ("res_user-company_employee", "employee", employees, 3),
            ] {
                let count = self.dice.between(0, most);
                for other in self.dice.some(&all, count) {
                    self.add(&format!(
                        "INSERT INTO \"{table}\" (\"user\", \"{column}\") VALUES ({id}, {other})"
                    ));
                }
            }
        }
    }

    /// A group, or everybody.
    fn holder(&mut self) -> String {
        let group = self.dice.percent(75).then(|| self.group());
        maybe(group)
    }

    fn truth(&mut self, hundredths: usize) -> &'static str {
        if self.dice.percent(hundredths) {
            "TRUE"
        } else {
            self.dice.pick::<&str>(&["FALSE", "FALSE", "NULL"])
        }
    }

    fn model_access(&mut self, model: &str) {
        let count = if self.dice.percent(45) { self.dice.between(1, 3) } else { 0 };
        for _ in 0..count {
            let (holder, read, active) = (self.holder(), self.truth(65), self.truth(85));
            self.row += 1;
            self.add(&format!(
                "INSERT INTO ir_model_access (id, model, \"group\", perm_read, active)
                   SELECT {}, id, {holder}, {read}, {active} FROM ir_model WHERE model = '{model}'",
                self.row
            ));
        }
    }

    fn field_access(&mut self, model: &str) {
        let fields: Vec<&str> = match self.words.catalog.model(model) {
            Some(model) if self.dice.percent(60) => model.fields.names().map(|name| name.as_str()).collect(),
            _ => return,
        };
        for field in self.dice.some(&fields, 5) {
            for _ in 0..self.dice.between(1, 3) {
                let (holder, read, active) = (self.holder(), self.truth(40), self.truth(85));
                self.row += 1;
                self.add(&format!(
                    "INSERT INTO ir_model_field_access (id, field, \"group\", perm_read, active)
                       SELECT {}, f.id, {holder}, {read}, {active} FROM ir_model_field f JOIN ir_model m ON m.id = f.model
                       WHERE m.model = '{model}' AND f.name = '{field}'",
                    self.row
                ));
            }
        }
    }

    fn rules(&mut self, name: &str) {
        let Some(model) = self.words.model(name) else { return };
        let count = *self.dice.pick(&[0, 1, 1, 2, 2, 3]);
        for _ in 0..count {
            self.row += 1;
            let id = self.row;
            let kind = *self.dice.pick(&["TRUE, FALSE", "FALSE, TRUE", "FALSE, FALSE", "FALSE, FALSE"]);
            let read = self.truth(90);
            self.add(&format!(
                "INSERT INTO ir_rule_group (id, name, model, global_p, default_p, perm_read)
                   SELECT {id}, 'random', id, {kind}, {read} FROM ir_model WHERE model = '{name}'"
            ));
            let (groups, links) = (self.around.groups.clone(), self.dice.below(4));
            for group in self.dice.some(&groups, links) {
                self.add(&format!(
                    "INSERT INTO \"ir_rule_group-res_group\" (rule_group, \"group\") VALUES ({id}, {group})"
                ));
            }
            let tests = *self.dice.pick(&[0, 1, 1, 1, 1, 2, 2, 3]);
            for _ in 0..tests {
                let domain = domains::domain(self.dice, self.words, model);
                let domain = pyson::decorate(self.dice, &self.around, domain);
                self.row += 1;
                self.rules += 1;
                self.add(&format!(
                    "INSERT INTO ir_rule (id, rule_group, domain) VALUES ({}, {id}, {})",
                    self.row,
                    quoted(&text(&domain))
                ));
            }
        }
    }
}

/// As Tryton stores it.
pub fn text(domain: &Json) -> String {
    domain.to_string()
}

/// Takes values out of rows and records out of use, so that NULL and `active` matter everywhere.
pub fn weather(dice: &mut Dice, catalog: &Catalog, models: &[&str]) -> String {
    let mut script = String::new();
    for name in models {
        let model = &catalog.models[*name];
        if model.kind != ModelKind::Table
            || ["ir.", "res.", "company."].iter().any(|start| name.starts_with(start))
        {
            continue;
        }
        for field in model.fields.iter().filter(|field| field.stored && !field.translated) {
            let what = match field.name.as_str() {
                "id" | "left" | "right" | "path" | "create_uid" | "write_uid" | "create_date"
                | "write_date" => continue,
                "active" if catalog.series == Series::V6_0 && dice.percent(50) => "NULL",
                "active" => *dice.pick(&["FALSE", "NULL"]),
                _ if dice.percent(50) => "NULL",
                _ => continue,
            };
            let (every, rest) = (dice.between(4, 11), dice.below(4));
            let _ = writeln!(
                script,
                "DO $$ BEGIN UPDATE \"{}\" SET \"{}\" = {what} WHERE id % {every} = {rest};
                   EXCEPTION WHEN integrity_constraint_violation THEN NULL; END $$;",
                model.table, field.name
            );
        }
    }
    script
}
