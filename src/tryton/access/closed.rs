//! What the operator must know: models that users cannot see because a record rule cannot be repeated in SQL.

use std::collections::{BTreeMap, BTreeSet};

use super::{Permit, Refusal};
use crate::tryton::security::{Security, User};

/// Users whose rights may differ that are looked at; more would take long at sites with thousands.
const MOST_USERS: usize = 300;

/// A line for each of `models` that is closed to an active user because of its record rules: the rule group, what
/// stands in the way, and some of the users. Sorted.
pub fn closed(security: &Security, models: &BTreeSet<String>) -> Vec<String> {
    let mut found: BTreeMap<(String, i32, String), Vec<&str>> = BTreeMap::new();
    for users in alike(security).into_values().take(MOST_USERS) {
        let Ok(permit) = Permit::of(security, security.catalog(), users[0].id) else { continue };
        for Refusal { model, rule_group, reason } in permit.refusals() {
            if models.contains(model) {
                let logins = found.entry((model.clone(), *rule_group, reason.clone())).or_default();
                logins.extend(users.iter().map(|user| user.login.as_str()));
            }
        }
    }
    let line = |((model, rule_group, reason), mut logins): ((String, i32, String), Vec<&str>)| {
        logins.sort_unstable();
        let some = logins.iter().take(3).map(|login| format!("{login:?}")).collect::<Vec<_>>().join(", ");
        let more = logins.len().saturating_sub(3);
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        let rule = match security.rule_group_name(rule_group) {
            Some(name) => format!("the record rule {name:?} (ir.rule.group {rule_group})"),
            None => "its record rules".to_owned(),
        };
        format!("closed: {model} for {some}{more}: {rule} cannot be applied: {reason}")
    };
    found.into_iter().map(line).collect()
}

/// Active users, together where everything that rules look at is the same.
fn alike(security: &Security) -> BTreeMap<String, Vec<&User>> {
    let mut alike: BTreeMap<String, Vec<&User>> = BTreeMap::new();
    let mut users: Vec<_> = security.users().filter(|user| user.active).collect();
    users.sort_unstable_by_key(|user| user.id);
    for user in users {
        let companies = (user.rule_companies(), user.rule_employees(), user.company, user.employee);
        let key = format!("{:?} {companies:?} {:?}", user.direct_groups, user.language);
        alike.entry(key).or_default().push(user);
    }
    alike
}
