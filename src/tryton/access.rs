//! Access rights of one user: the only place that decides.
//!
//! Source: semantics 2–5 of Tryton. A [`Permit`] is worked out once per user and generation; asking it costs a look-up.
//! What cannot be decided exactly is refused.

mod closed;
mod context;
pub(super) mod explain;
mod key;
mod rules;

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

pub use self::closed::closed;
use self::rules::Rules;
use super::{
    Name,
    catalog::Catalog,
    domain::Refused,
    security::{AccessRow, Security, User},
};
use crate::{
    error::{self, Error, Result},
    sql::{Alias, Aliases, Fragment},
};

/// Models whose records belong to a record of any model (`resource`, `model,id` text): Tryton's classes check the access
/// to that model (semantics 9.6).
const ATTACHED: [&str; 5] = ["ir.attachment", "ir.avatar", "ir.email", "ir.model.log", "ir.note"];

/// Models whose records Tryton's classes filter in a way that SQL does not repeat: closed.
const OWN_SEARCH: [&str; 1] = ["ir.ui.menu"];

/// Proof that a user exists, is active and may read what it says. It cannot be built but by [`Permit::of`].
#[derive(Clone, Debug)]
pub struct Permit(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    user: i32,
    groups: Vec<i32>,
    language: Option<String>,
    generation: u64,
    key: u64,
    /// Some rule depends on the date.
    clocked: bool,
    allowed: Arc<Allowed>,
    refusals: Vec<Refusal>,
}

/// What may be read. Users with equal rights share it.
#[derive(Debug)]
pub(super) struct Allowed {
    /// Models that may be read.
    models: HashMap<Name, Readable>,
    /// Those of them whose records no rule restricts, in order.
    open: Vec<Name>,
}

/// What a user may read of a model.
#[derive(Debug, Default)]
struct Readable {
    hidden: BTreeSet<String>,
    rules: Option<Box<Rules>>,
}

/// A model that a user may not read because one of its record rules cannot be repeated in SQL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Model.
    pub model: String,
    /// Id of the rule group in `ir_rule_group`; 0 when it is not one rule group alone.
    pub rule_group: i32,
    /// What stands in the way.
    pub reason: String,
}

impl Permit {
    /// The rights of a user at the moment of the snapshot.
    ///
    /// # Errors
    /// The user does not exist or is not active; or the catalogue is not the one the snapshot was read with.
    pub fn of(security: &Security, catalog: &Catalog, user: i32) -> Result<Self> {
        if !std::ptr::eq(catalog, &raw const **security.catalog()) && *catalog != **security.catalog() {
            return Err(
                Error::new(&error::INTERNAL).cause("rights and catalogue belong to different databases")
            );
        }
        let Some(user) = security.user(user).filter(|user| user.active) else {
            return Err(Error::new(&error::CREDENTIAL_WRONG).cause("the user was removed or is not active"));
        };
        Ok(user.permit.get_or_init(|| Self(Arc::new(Inner::new(security, user)))).clone())
    }

    /// The user may read the model (semantics 3). False as well for a model whose record rules are refused.
    pub fn model(&self, model: &str) -> bool {
        self.0.allowed.models.contains_key(model)
    }

    /// The user may read the model and this field of it (semantics 4).
    pub fn field(&self, model: &str, field: &str) -> bool {
        self.0.allowed.models.get(model).is_some_and(|readable| !readable.hidden.contains(field))
    }

    /// No record rule restricts what the user sees of this model.
    pub fn unrestricted(&self, model: &str) -> bool {
        self.0.allowed.open.binary_search_by(|open| open.as_str().cmp(model)).is_ok()
    }

    /// The record rules of the model (semantics 5) as a condition on `alias`; `TRUE` when there are none. Of what is
    /// attached to other records, only that of models without rules for this user is shown.
    ///
    /// # Errors
    /// The user may not read the model.
    pub fn predicate(&self, model: &str, alias: Alias, aliases: &mut Aliases) -> Result<Fragment, Refused> {
        let readable =
            self.0.allowed.models.get(model).ok_or_else(|| Refused(format!("{model} may not be read")))?;
        let rules = match &readable.rules {
            None => Fragment::raw("TRUE"),
            Some(rules) => rules.fragment(alias, aliases)?,
        };
        if !ATTACHED.contains(&model) {
            return Ok(rules);
        }
        let attached = Fragment::raw("(split_part(")
            .column(alias, "resource")
            .text(", ',', 1) = ANY (")
            .bind(self.0.allowed.open.iter().map(|name| String::from(*name)).collect::<Vec<_>>())
            .text("))");
        // `model,-1` points to no record; Tryton shows nobody what hangs on it.
        let somewhere = Fragment::new().column(alias, "resource").text(" NOT LIKE '%,-%'");
        Ok(Fragment::all([rules, attached, somewhere]))
    }

    /// Models that are closed because a record rule cannot be repeated, for the operator.
    pub fn refusals(&self) -> &[Refusal] {
        &self.0.refusals
    }

    /// Equal keys mean equal rights to read, whoever the users are and whichever the generation. With rules that
    /// depend on the date the key changes as their meaning does.
    pub fn key(&self) -> u64 {
        if self.0.clocked { key::at(self.0.key, rules::now()) } else { self.0.key }
    }

    /// Id of the user.
    pub fn user_id(&self) -> i32 {
        self.0.user
    }

    /// Groups that count for access, in order of id.
    pub fn groups(&self) -> &[i32] {
        &self.0.groups
    }

    /// Language that the user chose.
    pub fn language(&self) -> Option<&str> {
        self.0.language.as_deref()
    }

    /// Generation of the snapshot that the rights were read from.
    pub fn generation(&self) -> u64 {
        self.0.generation
    }
}

impl Inner {
    fn new(security: &Security, user: &User) -> Self {
        let catalog = security.catalog();
        let groups = security.groups(user);
        let collector = rules::Collector::new(security, user);
        let (mut models, mut refusals, mut clocked) = (HashMap::new(), Vec::new(), false);
        for model in catalog.models.values() {
            let closure = rules::closure(catalog, &model.name);
            if !may_read(security, &closure, &groups) {
                continue;
            }
            if OWN_SEARCH.contains(&model.name.as_str()) {
                let reason = "its records are filtered by code of Tryton".to_owned();
                refusals.push(Refusal { model: model.name.into(), rule_group: 0, reason });
                continue;
            }
            let rules = match collector.rules(&model.name, &closure) {
                Ok(rules) => rules,
                Err(refusal) => {
                    refusals.push(refusal);
                    continue;
                }
            };
            clocked |= rules.as_ref().is_some_and(Rules::clocked);
            let hidden = hidden(security, &model.name, &groups);
            models.insert(model.name, Readable { hidden, rules: rules.map(Box::new) });
        }
        let key = key::of(&models, user.language.as_deref());
        Self {
            user: user.id,
            language: user.language.clone(),
            generation: security.generation(),
            allowed: security.allowed.share(key, || Allowed::of(models)),
            key,
            clocked,
            groups: groups.into_iter().collect(),
            refusals,
        }
    }
}

impl Allowed {
    fn of(models: HashMap<Name, Readable>) -> Self {
        let mut open: Vec<_> = models
            .iter()
            .filter(|(name, readable): &(&Name, &Readable)| {
                readable.rules.is_none() && !ATTACHED.contains(&name.as_str())
            })
            .map(|(name, _)| *name)
            .collect();
        open.sort_unstable();
        Self { models, open }
    }
}

/// What users of one snapshot may read, by the key of their rights.
#[derive(Debug, Default)]
pub(super) struct Known(Mutex<HashMap<u64, Arc<Allowed>>>);

impl Known {
    fn share(&self, key: u64, allowed: impl FnOnce() -> Allowed) -> Arc<Allowed> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(known.entry(key).or_insert_with(|| Arc::new(allowed())))
    }
}

/// Semantics 3.1: no row that applies means allowed, whatever the kind of the model; several rows add up.
fn may_read(security: &Security, closure: &[(String, String)], groups: &BTreeSet<i32>) -> bool {
    let rows = closure.iter().filter_map(|(model, _)| security.model_access.get(model)).flatten();
    decision(rows, groups)
}

/// Semantics 4.1: fields that rows of the user's groups, or rows for everybody, forbid.
fn hidden(security: &Security, model: &str, groups: &BTreeSet<i32>) -> BTreeSet<String> {
    let fields = security.field_access.get(model).into_iter().flatten();
    fields.filter(|(_, rows)| !decision(rows.iter(), groups)).map(|(name, _)| name.clone()).collect()
}

fn decision<'a>(rows: impl Iterator<Item = &'a AccessRow>, groups: &BTreeSet<i32>) -> bool {
    let mut none = true;
    for row in rows.filter(|row| row.group.is_none_or(|group| groups.contains(&group))) {
        if row.read {
            return true;
        }
        none = false;
    }
    none
}
