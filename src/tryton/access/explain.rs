//! Why a user may read something or not, for operators: what decides, by the names that Tryton shows.
//!
//! What is open is asked of the [`Permit`] itself; here is only told what made it so.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
};

use super::{
    OWN_SEARCH, Permit,
    rules::{self, Collector},
};
use crate::{
    error::Result,
    sql::{Aliases, Fragment},
    store::{Class, Row, Store},
    tryton::{
        domain::Domain,
        security::{Security, User},
    },
};

/// The rights of a user with what decides them.
#[derive(Debug)]
pub struct Explanation<'a> {
    security: &'a Security,
    user: &'a User,
    /// The rights themselves.
    pub permit: Permit,
    groups: HashMap<i32, String>,
    rule_groups: HashMap<i32, String>,
    model_access: Vec<AccessRow>,
    field_access: Vec<AccessRow>,
}

#[derive(Debug)]
struct AccessRow {
    id: i32,
    /// Model, or model and field.
    on: String,
    group: Option<i32>,
    read: bool,
    write: bool,
}

/// An access row that applies to the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessReason {
    /// Its model in Tryton.
    pub table: &'static str,
    /// Its id.
    pub id: i32,
    /// Model, or model and field, that it is about.
    pub on: String,
    /// Group it is for; else it is for everybody.
    pub group: Option<String>,
    /// It allows to read.
    pub read: bool,
}

impl fmt::Display for AccessReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = if self.read { "allows" } else { "forbids" };
        write!(f, "{} {} {verb} {} ", self.table, self.id, self.on)?;
        match &self.group {
            Some(group) => write!(f, "to \"{group}\""),
            None => write!(f, "to everybody"),
        }
    }
}

/// Why a model is open or closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelReason {
    /// This database does not have it.
    Unknown,
    /// No access row applies: open.
    Free,
    /// Open through these.
    Allowed(Vec<AccessReason>),
    /// Closed by these.
    Forbidden(Vec<AccessReason>),
    /// Closed because a record rule, of this group of rules where it is one alone, cannot be repeated in SQL.
    Refused {
        /// Name of the rule group.
        rule_group: Option<String>,
        /// What stands in the way.
        reason: String,
    },
}

/// A group of record rules that restricts what the user sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleReason {
    /// Id of the rule group.
    pub id: i32,
    /// Its name.
    pub name: String,
    /// Model that it is written for, when that is another one whose rules apply here too.
    pub model: Option<String>,
    /// Must hold whatever the others say; of the others one must hold.
    pub global: bool,
}

impl fmt::Display for RuleReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\" (ir.rule.group {}", self.name, self.id)?;
        if let Some(model) = &self.model {
            write!(f, " of {model}")?;
        }
        write!(f, "{})", if self.global { ", global" } else { "" })
    }
}

/// What the record rules make of one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordReason {
    /// There is no such record.
    Missing,
    /// No rule hides it.
    Visible,
    /// These global rules do not hold.
    Global(Vec<RuleReason>),
    /// None of these holds, and one must.
    Other(Vec<RuleReason>),
    /// It is attached to a record whose model is closed, or restricted by rules.
    Attached,
}

impl<'a> Explanation<'a> {
    /// Explains the rights of an active user.
    ///
    /// # Errors
    /// The user is not active, or the database cannot be read.
    pub async fn load(store: &Store, security: &'a Security, user: &'a User) -> Result<Self> {
        let statements = [
            include_str!("sql/group_names.sql"),
            include_str!("sql/rule_group_names.sql"),
            include_str!("sql/model_access_rows.sql"),
            include_str!("sql/field_access_rows.sql"),
        ];
        let answers = store.snapshot(Class::Watch, &statements).await?;
        let names = |rows: &[Row]| -> Result<HashMap<i32, String>> {
            rows.iter().map(|row| Ok((row.column(0)?, row.column(1)?))).collect()
        };
        let accesses = |rows: &[Row]| -> Result<Vec<AccessRow>> {
            let row = |row: &Row| {
                Ok(AccessRow {
                    id: row.column(0)?,
                    on: row.column(1)?,
                    group: row.column(2)?,
                    read: row.column(3)?,
                    write: row.column(4)?,
                })
            };
            rows.iter().map(row).collect()
        };
        Ok(Self {
            permit: Permit::of(security, security.catalog(), user.id)?,
            groups: names(&answers[0])?,
            rule_groups: names(&answers[1])?,
            model_access: accesses(&answers[2])?,
            field_access: accesses(&answers[3])?,
            security,
            user,
        })
    }

    /// Names of the groups that count for the user, in order.
    pub fn groups(&self) -> BTreeSet<&str> {
        self.permit.groups().iter().map(|id| self.group(*id)).collect()
    }

    /// Names of the groups that the user is in and that do not count, because they are not active.
    pub fn idle_groups(&self) -> BTreeSet<&str> {
        let counted = self.permit.groups();
        let direct = self.user.direct_groups.iter().filter(|id| !counted.contains(id));
        direct.map(|id| self.group(*id)).collect()
    }

    fn group(&self, id: i32) -> &str {
        self.groups.get(&id).map_or("?", String::as_str)
    }

    /// Whether a group of the user may change groups in Tryton, and with them who may do what, as its group of
    /// administrators may. Where nothing restricts that, nobody is an administrator.
    pub fn administers(&self) -> bool {
        let groups = self.permit.groups();
        let own = |row: &&AccessRow| row.group.is_some_and(|group| groups.contains(&group));
        self.model_access.iter().filter(own).any(|row| row.write && row.on == "res.group")
    }

    /// Why a model is open or closed.
    pub fn model(&self, model: &str) -> ModelReason {
        let catalog = self.security.catalog();
        if catalog.model(model).is_none() {
            return ModelReason::Unknown;
        }
        if let Some(refusal) = self.permit.refusals().iter().find(|refusal| refusal.model == model) {
            let rule_group = self.rule_groups.get(&refusal.rule_group).cloned();
            return ModelReason::Refused { rule_group, reason: refusal.reason.clone() };
        }
        let closure = rules::closure(catalog, model);
        let on = |name: &str| closure.iter().any(|(model, _)| model == name);
        let rows = self.applying("ir.model.access", &self.model_access, on);
        debug_assert!(!OWN_SEARCH.contains(&model), "what is filtered by code is refused");
        decided(rows, self.permit.model(model))
    }

    /// Why a field of an open model is open or closed.
    pub fn field(&self, model: &str, field: &str) -> ModelReason {
        let wanted = format!("{model}.{field}");
        let rows = self.applying("ir.model.field.access", &self.field_access, |on| on == wanted);
        decided(rows, self.permit.field(model, field))
    }

    fn applying(
        &self,
        table: &'static str,
        rows: &[AccessRow],
        on: impl Fn(&str) -> bool,
    ) -> Vec<AccessReason> {
        let groups = self.permit.groups();
        rows.iter()
            .filter(|row| on(&row.on) && row.group.is_none_or(|group| groups.contains(&group)))
            .map(|row| AccessReason {
                table,
                id: row.id,
                on: row.on.clone(),
                group: row.group.map(|group| self.group(group).to_owned()),
                read: row.read,
            })
            .collect()
    }

    /// The record rules that restrict what the user sees of a model.
    pub fn rules(&self, model: &str) -> Vec<RuleReason> {
        self.terms(model).into_iter().map(|(reason, _)| reason).collect()
    }

    /// The rules with their domains.
    fn terms(&self, model: &str) -> Vec<(RuleReason, Result<Domain, String>)> {
        let catalog = self.security.catalog();
        let closure = rules::closure(catalog, model);
        let collector = Collector::new(self.security, self.user);
        let Ok(terms) = collector.terms(&closure) else { return Vec::new() };
        let other = if terms.open { &[][..] } else { &terms.other };
        let global = terms.global.iter().map(|term| (term, true));
        global
            .chain(other.iter().map(|term| (term, false)))
            .map(|(term, global)| {
                let origin = closure.iter().find(|(_, path)| *path == term.path);
                let reason = RuleReason {
                    id: term.group,
                    name: self.rule_groups.get(&term.group).cloned().unwrap_or_default(),
                    model: origin.filter(|(name, _)| name != model).map(|(name, _)| name.clone()),
                    global,
                };
                let domain = term.value(rules::now()).map_err(|(_, reason)| reason).and_then(|value| {
                    Domain::rule(&value, model, catalog, collector.languages()).map_err(|refused| refused.0)
                });
                (reason, domain)
            })
            .collect()
    }

    /// What the record rules make of one record of an open model.
    ///
    /// # Errors
    /// The database cannot be read, or the model is closed.
    pub async fn record(&self, store: &Store, model: &str, record: i32) -> Result<RecordReason> {
        use crate::error::{Error, MODEL_FORBIDDEN};
        let closed = |cause: String| Error::new(&MODEL_FORBIDDEN).cause(cause);
        let known =
            self.security.catalog().model(model).ok_or_else(|| closed(format!("no model {model}")))?;
        let mut aliases = Aliases::default();
        let row = aliases.next();
        let terms = self.terms(model);
        let whole = self.permit.predicate(model, row, &mut aliases).map_err(|refused| closed(refused.0))?;
        let mut select = Fragment::raw("SELECT ").then(whole.parens()).text(" IS TRUE");
        for (_, domain) in &terms {
            let domain = domain.as_ref().map_err(|reason| closed(reason.clone()))?;
            select = select.text(", ").then(domain.fragment(row, &mut aliases).parens()).text(" IS TRUE");
        }
        let statement = select
            .text(" FROM ")
            .ident(&known.table)
            .text(" ")
            .alias(row)
            .text(" WHERE ")
            .column(row, "id")
            .text(" = ")
            .bind(record)
            .finish();
        let rows = store.rows(Class::Request, &statement).await?;
        let Some(answer) = rows.first() else { return Ok(RecordReason::Missing) };
        if answer.column(0)? {
            return Ok(RecordReason::Visible);
        }
        let (mut global, mut other, mut any) = (Vec::new(), Vec::new(), false);
        for (index, (reason, _)) in terms.into_iter().enumerate() {
            let holds: bool = answer.column(index + 1)?;
            match reason.global {
                true if !holds => global.push(reason),
                false => {
                    any |= holds;
                    other.push(reason);
                }
                true => {}
            }
        }
        Ok(match (global.is_empty(), any || other.is_empty()) {
            (false, _) => RecordReason::Global(global),
            (true, false) => RecordReason::Other(other),
            (true, true) => RecordReason::Attached,
        })
    }
}

/// The rows that made the decision: one that allows is enough, and without any row everything is open.
fn decided(mut rows: Vec<AccessReason>, open: bool) -> ModelReason {
    rows.retain(|row| row.read == open);
    match (open, rows.is_empty()) {
        (true, true) => ModelReason::Free,
        (true, false) => ModelReason::Allowed(rows),
        (false, _) => ModelReason::Forbidden(rows),
    }
}
