//! What decides who may read what, read from one snapshot of the database.
//!
//! Source: semantics 2–5 of Tryton. Only rights to read are kept; this program does not write on a user's behalf.

mod application;
mod load;
mod user;
mod watch;

pub use user::{Secret, User};
pub use watch::{Rights, WatchOptions};

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use super::{
    access::Known,
    catalog::{Catalog, Series},
    pyson::Pyson,
};

/// A group of users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its name in the column, which is no translation.
    pub name: String,
    /// Group whose rights it has as well.
    pub parent: Option<i32>,
    /// In use.
    pub active: bool,
}

/// One row of model access or field access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AccessRow {
    /// Group it is for; `None`: everybody.
    pub group: Option<i32>,
    pub read: bool,
}

/// A group of record rules.
#[derive(Debug)]
pub(super) struct RuleGroup {
    pub id: i32,
    pub name: String,
    pub global: bool,
    pub default: bool,
    /// Its rules apply when reading.
    pub read: bool,
    pub groups: Vec<i32>,
    /// Domains, or the reason why one is not PYSON.
    pub rules: Vec<Result<Arc<Pyson>, String>>,
}

/// All rights of one database at one moment.
#[derive(Debug)]
pub struct Security {
    generation: u64,
    fingerprint: Fingerprint,
    pub(super) catalog: Arc<Catalog>,
    users: HashMap<i32, User>,
    logins: HashMap<String, i32>,
    groups: HashMap<i32, Group>,
    pub(super) model_access: HashMap<String, Vec<AccessRow>>,
    pub(super) field_access: HashMap<String, HashMap<String, Vec<AccessRow>>>,
    pub(super) rule_groups: HashMap<String, Vec<RuleGroup>>,
    /// Rows of `company.employee` as objects (6.0 only).
    pub(super) employees: HashMap<i32, serde_json::Value>,
    keys: application::Keys,
    /// What the users may read whose rights were asked for.
    pub(super) allowed: Known,
    /// Parent of each language.
    languages: HashMap<String, Option<String>>,
}

/// Row count and sum of transaction ids of each security table: changes whenever one of them changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Fingerprint(Vec<(i64, i64)>);

impl Fingerprint {
    /// The part that changes with the modules of Tryton.
    fn modules(&self) -> Option<(i64, i64)> {
        self.0.first().copied()
    }
}

impl Security {
    /// Number of this snapshot since the start of the program; grows with each change.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Catalogue that this snapshot belongs to.
    pub fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    /// User with exactly this login (case and blanks count), active or not.
    pub fn user_by_login(&self, login: &str) -> Option<&User> {
        self.users.get(self.logins.get(login)?)
    }

    /// User with this id, active or not.
    pub fn user(&self, id: i32) -> Option<&User> {
        self.users.get(&id)
    }

    /// Name of a group of record rules.
    pub(super) fn rule_group_name(&self, id: i32) -> Option<&str> {
        let mut all = self.rule_groups.values().flatten();
        all.find(|group| group.id == id).map(|group| group.name.as_str())
    }

    /// Every user but root, in no order.
    pub fn users(&self) -> impl Iterator<Item = &User> {
        self.users.values()
    }

    /// User of the validated key of an application, active or not.
    pub fn application_user(&self, application: &str, key: &str) -> Option<i32> {
        self.keys.owner(application, key)
    }

    /// Tryton knows this language.
    pub fn speaks(&self, language: &str) -> bool {
        self.languages.contains_key(language)
    }

    /// The language and its parents, nearest first; empty for the language of the columns themselves.
    pub fn languages(&self, language: &str) -> Vec<String> {
        let mut chain = Vec::new();
        let mut next = Some(language);
        while let Some(code) = next.filter(|code| !chain.iter().any(|seen| seen == code)) {
            chain.push(code.to_owned());
            let named =
                self.languages.get(code).and_then(Option::as_deref).filter(|parent| !parent.is_empty());
            // Only exceptional parents are named; the others stand in the code (`get_parent_language` of Tryton).
            next = named.or_else(|| ['@', '_'].iter().find_map(|mark| Some(code.rsplit_once(*mark)?.0)));
        }
        chain
    }

    /// A group with all its parents (semantics 2), inactive ones included.
    fn with_parents(&self, group: i32) -> BTreeSet<i32> {
        let mut all = BTreeSet::new();
        let mut next = Some(group);
        while let Some(id) = next
            && let Some(group) = self.groups.get(&id)
            && all.insert(id)
        {
            next = group.parent;
        }
        all
    }

    /// Groups of a user with all their parents, inactive ones included. The walk passes through inactive groups.
    fn all_groups(&self, user: &User) -> BTreeSet<i32> {
        user.direct_groups.iter().flat_map(|id| self.with_parents(*id)).collect()
    }

    /// Groups that count for model and field access: the active ones.
    pub fn groups(&self, user: &User) -> BTreeSet<i32> {
        let mut all = self.all_groups(user);
        all.retain(|id| self.groups.get(id).is_some_and(|group| group.active));
        all
    }

    /// A group of this name is in use.
    pub fn has_group(&self, name: &str) -> bool {
        self.groups.values().any(|group| group.active && group.name == name)
    }

    /// One of these groups, given by their ids, is in use and has one of these names.
    pub fn are_named(&self, groups: &[i32], names: &[String]) -> bool {
        let mut groups = groups.iter().filter_map(|id| self.groups.get(id)).filter(|group| group.active);
        groups.any(|group| names.contains(&group.name))
    }

    /// Groups that count for record rules: Tryton 6.0 counts the inactive ones as well.
    pub fn rule_groups_of(&self, user: &User) -> BTreeSet<i32> {
        match self.catalog.series {
            Series::V6_0 => self.all_groups(user),
            Series::V7_0 => self.groups(user),
        }
    }

    /// The same as record rules see them: in order, and as often as the user has them, directly or as a parent. The
    /// length of this list is what a rule counts.
    pub(super) fn rule_group_list(&self, user: &User) -> Vec<i32> {
        let counted = self.rule_groups_of(user);
        let each = user.direct_groups.iter().flat_map(|id| self.with_parents(*id));
        let mut list: Vec<_> = each.filter(|id| counted.contains(id)).collect();
        list.sort_unstable();
        list
    }
}
