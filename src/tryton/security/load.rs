//! Reading the snapshot: one transaction, so that no right is combined with another moment's.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use jiff::civil::DateTime;

use super::{AccessRow, Fingerprint, Group, RuleGroup, Secret, Security, User, application::Keys};
use crate::{
    error::{self, Error, Result},
    sql::Fragment,
    store::{Class, Row, Store},
    tryton::{
        catalog::{Catalog, Series},
        pyson::Pyson,
    },
};

/// Tables whose change starts a new generation, as far as they exist. The first one tells that modules changed.
const WATCHED: [&str; 15] = [
    "ir_module",
    "res_user",
    "res_user-res_group",
    "res_group",
    "ir_model_access",
    "ir_model_field_access",
    "ir_rule",
    "ir_rule_group",
    "ir_rule_group-res_group",
    "ir_lang",
    "company_company",
    "company_employee",
    "res_user-company_company",
    "res_user-company_employee",
    "res_user_application",
];

/// The statement that reads the fingerprint. A row that is written gets a transaction id above all older ones, so equal
/// counts and sums mean that nothing changed.
pub(super) fn fingerprint_statement(catalog: &Catalog) -> String {
    let tables = WATCHED.iter().filter(|table| catalog.has_table(table)).enumerate();
    let parts = tables.map(|(position, table)| {
        Fragment::raw("SELECT ")
            .number(position)
            .text(", count(*), coalesce(sum(xmin::text::int8), 0)::int8 FROM ")
            .ident(table)
    });
    Fragment::join(parts, " UNION ALL ").text(" ORDER BY 1").finish().text
}

pub(super) fn fingerprint(rows: &[Row]) -> Result<Fingerprint> {
    rows.iter().map(|row| Ok((row.column(1)?, row.column(2)?))).collect::<Result<_>>().map(Fingerprint)
}

impl Security {
    /// Reads a snapshot.
    ///
    /// # Errors
    /// The database cannot be reached or refuses.
    pub async fn load(store: &Store, catalog: Arc<Catalog>, generation: u64) -> Result<Self> {
        let first = fingerprint_statement(&catalog);
        let company = catalog.has_table("res_user-company_employee")
            && ["company", "employee", "company_filter"]
                .iter()
                .all(|name| catalog.field("res.user", name).is_some_and(|field| field.stored));
        let records = catalog.series == Series::V6_0;
        let mut statements = vec![
            first.as_str(),
            include_str!("sql/users.sql"),
            include_str!("sql/user_groups.sql"),
            include_str!("sql/groups.sql"),
            include_str!("sql/model_access.sql"),
            include_str!("sql/field_access.sql"),
            include_str!("sql/rules.sql"),
            include_str!("sql/languages.sql"),
        ];
        let mut extra = |wanted: bool, text: &'static str| {
            wanted.then(|| {
                statements.push(text);
                statements.len() - 1
            })
        };
        let companies_at = extra(company, include_str!("sql/user_companies.sql"));
        let records_at = extra(records, include_str!("sql/user_records.sql"));
        let employees_at = extra(records && company, include_str!("sql/employee_records.sql"));
        let keys = catalog.has_table("res_user_application");
        let keys_at = extra(keys, include_str!("sql/applications.sql"));
        let answers = store.snapshot(Class::Watch, &statements).await?;
        let rows = |position: Option<usize>| position.map_or(&[][..], |position| &answers[position]);

        let mut users = users(&answers[1])?;
        for row in &answers[2] {
            if let Some(user) = users.get_mut(&row.column(0)?) {
                user.direct_groups.push(row.column(1)?);
            }
        }
        for row in rows(companies_at) {
            let Some(user) = users.get_mut(&row.column(0)?) else { continue };
            user.company = row.column(1)?;
            user.timezone = row.column(2)?;
            user.employee = row.column(3)?;
            user.company_filter = row.column(4)?;
            user.companies = row.column(5)?;
            user.employees = row.column(6)?;
        }
        for row in rows(records_at) {
            if let Some(user) = users.get_mut(&row.column(0)?) {
                user.record = Some(object(row)?);
            }
        }
        let employees =
            rows(employees_at).iter().map(|row| Ok((row.column(0)?, object(row)?))).collect::<Result<_>>()?;
        let mut keys = Keys::new()?;
        for row in rows(keys_at) {
            keys.add(row.column(0)?, row.column(1)?, row.column(2)?);
        }
        let mut groups = HashMap::new();
        for row in &answers[3] {
            let group = Group { parent: row.column(1)?, active: row.column(2)?, name: row.column(3)? };
            groups.insert(row.column(0)?, group);
        }
        let mut model_access: HashMap<String, Vec<AccessRow>> = HashMap::new();
        for row in &answers[4] {
            let access = AccessRow { group: row.column(1)?, read: row.column(2)? };
            model_access.entry(row.column(0)?).or_default().push(access);
        }
        let mut field_access: HashMap<String, HashMap<String, Vec<AccessRow>>> = HashMap::new();
        for row in &answers[5] {
            let access = AccessRow { group: row.column(2)?, read: row.column(3)? };
            field_access.entry(row.column(0)?).or_default().entry(row.column(1)?).or_default().push(access);
        }
        let mut rule_groups: HashMap<String, Vec<RuleGroup>> = HashMap::new();
        for row in &answers[6] {
            rule_groups.entry(row.column(0)?).or_default().push(rule_group(row)?);
        }
        let mut languages = HashMap::new();
        for row in &answers[7] {
            languages.insert(row.column(0)?, row.column(1)?);
        }
        Ok(Self {
            generation,
            fingerprint: fingerprint(&answers[0])?,
            catalog,
            logins: users.values().map(|user| (user.login.clone(), user.id)).collect(),
            users,
            groups,
            model_access,
            field_access,
            rule_groups,
            employees,
            keys,
            allowed: Default::default(),
            languages,
        })
    }
}

fn users(rows: &[Row]) -> Result<HashMap<i32, User>> {
    let mut users = HashMap::with_capacity(rows.len());
    for row in rows {
        let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
        let code = filled(row.column(4)?).map(Secret::new);
        let user = User {
            id: row.column(0)?,
            login: row.column(1)?,
            name: row.column(7)?,
            active: row.column(2)?,
            password_hash: filled(row.column(3)?).map(Secret::new),
            reset: code.zip(row.column::<Option<DateTime>>(5)?),
            language: row.column(6)?,
            company: None,
            timezone: None,
            employee: None,
            company_filter: None,
            companies: Vec::new(),
            employees: Vec::new(),
            direct_groups: Vec::new(),
            record: None,
            permit: OnceLock::new(),
        };
        users.insert(user.id, user);
    }
    Ok(users)
}

fn object(row: &Row) -> Result<serde_json::Value> {
    serde_json::from_str(row.column(1)?).map_err(|error| Error::new(&error::INTERNAL).cause(error))
}

fn rule_group(row: &Row) -> Result<RuleGroup> {
    let domains: Vec<String> = row.column(6)?;
    Ok(RuleGroup {
        id: row.column(1)?,
        global: row.column(2)?,
        default: row.column(3)?,
        read: row.column(4)?,
        groups: row.column(5)?,
        name: row.column(7)?,
        rules: domains.iter().map(|text| Pyson::parse(text).map(Arc::new)).collect(),
    })
}
