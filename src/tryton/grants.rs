//! The rights in PostgreSQL that the role of the gateway needs, and no more.

use std::collections::BTreeSet;

use crate::{
    error::{Error, Result},
    sql::{Aliases, Fragment},
    store::{Class, Store},
};

use super::{Catalog, Permit, Security};

/// What is granted.
#[derive(Debug)]
pub struct Needs {
    /// Tables that are read.
    pub tables: BTreeSet<String>,
    /// Failed sign-ins may be counted in Tryton's own table.
    pub attempts: bool,
    /// Sessions that Tryton opened may be read.
    pub sessions: bool,
}

const ATTEMPTS: &str = "res_user_login_attempt";
const SESSIONS: &str = "ir_session";

impl Needs {
    /// For these models: their tables, those by which rights are judged, and those that the record rules of any active
    /// user lead to. Rules that are written later can lead to further tables; a model is closed then, and the log says so.
    pub fn of(catalog: &Catalog, security: &Security, models: &BTreeSet<String>) -> Self {
        let mut tables: BTreeSet<String> = catalog.tables_of_rights().map(str::to_owned).collect();
        let models: Vec<_> = models.iter().filter_map(|name| catalog.model(name)).collect();
        tables.extend(models.iter().map(|model| String::from(model.table)));
        let mut seen = BTreeSet::new();
        for user in security.users().filter(|user| user.active) {
            let Ok(permit) = Permit::of(security, catalog, user.id) else { continue };
            if !seen.insert(permit.key()) {
                continue;
            }
            for model in &models {
                let mut aliases = Aliases::default();
                let alias = aliases.next();
                if let Ok(rule) = permit.predicate(&model.name, alias, &mut aliases) {
                    let text = rule.finish().text;
                    // In the text of a statement every name of a table stands in double quotes.
                    tables.extend(text.split('"').filter(|name| catalog.has_table(name)).map(str::to_owned));
                }
            }
        }
        Self { tables, attempts: false, sessions: false }
    }

    /// The statements that give a role these rights.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn script(&self, store: &Store, role: &str) -> Result<String> {
        let place = Fragment::raw(
            "SELECT current_database()::text, current_schema()::text,
                (SELECT s.relname::text FROM pg_class s, pg_attribute a
                 WHERE s.oid = to_regclass('res_user_login_attempt_id_seq') AND s.relkind = 'S'
                 AND a.attrelid = to_regclass('res_user_login_attempt') AND a.attname = 'id' AND a.attidentity = '')",
        );
        let rows = store.rows(Class::SignIn, &place.finish()).await?;
        let row = rows.first().ok_or_else(|| Error::new(&crate::error::INTERNAL))?;
        let (database, schema): (&str, Option<&str>) = (row.column(0)?, row.column(1)?);
        let role = quoted(role);
        let mut lines = vec![
            format!("GRANT CONNECT ON DATABASE {} TO {role};", quoted(database)),
            format!("GRANT USAGE ON SCHEMA {} TO {role};", quoted(schema.unwrap_or("public"))),
        ];
        let read = |table: &str| format!("GRANT SELECT ON {} TO {role};", quoted(table));
        lines.extend(self.tables.iter().map(|table| read(table)));
        if self.sessions {
            lines.push(read(SESSIONS));
        }
        if self.attempts {
            lines.push(format!("GRANT SELECT, INSERT, DELETE ON {} TO {role};", quoted(ATTEMPTS)));
            // Tryton 6.0 numbers rows from a sequence; an identity column needs no grant.
            if let Some(sequence) = row.column::<Option<&str>>(2)? {
                lines.push(format!("GRANT USAGE ON SEQUENCE {} TO {role};", quoted(sequence)));
            }
        }
        lines.push(String::new());
        Ok(lines.join("\n"))
    }
}

/// The statements that let `role` read `tables`, one per line.
pub fn grants<'a>(role: &str, tables: impl IntoIterator<Item = &'a str>) -> String {
    let lines: Vec<_> = tables
        .into_iter()
        .map(|table| format!("GRANT SELECT ON {} TO {};", quoted(table), quoted(role)))
        .collect();
    lines.join("\n")
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
