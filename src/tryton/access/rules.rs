//! Record rules of one user (semantics 5).

use std::{collections::BTreeSet, sync::Arc};

use jiff::civil::DateTime;

use super::{Refusal, Refused, context};
use crate::{
    sql::{Alias, Aliases, Fragment},
    tryton::{
        catalog::{Catalog, Series},
        domain::Domain,
        pyson::{Context, Pyson, Value},
        security::{RuleGroup, Security, User},
    },
};

/// What restricts the records of a model.
#[derive(Debug)]
pub(super) enum Rules {
    /// The same at any time.
    Fixed { value: Value, domain: Domain },
    /// Depends on the date: evaluated anew each time.
    Clocked { model: String, terms: Terms, catalog: Arc<Catalog>, languages: Vec<String> },
}

/// Rules of a model and of the models whose rules apply to it.
#[derive(Debug, Default)]
pub(super) struct Terms {
    /// All of these must hold.
    pub(super) global: Vec<Term>,
    /// One of these must hold, if there is any.
    pub(super) other: Vec<Term>,
    /// A linked group without rules: nothing but the global ones restricts.
    pub(super) open: bool,
}

/// The rules of one group, of which one must hold.
#[derive(Debug)]
pub(super) struct Term {
    pub(super) group: i32,
    /// From the model to the one that the rules are written for; empty for the model itself.
    pub(super) path: String,
    rules: Vec<Arc<Pyson>>,
    context: Arc<Context>,
}

/// Now, in UTC.
pub(super) fn now() -> DateTime {
    jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).datetime()
}

impl Rules {
    pub(super) fn clocked(&self) -> bool {
        matches!(self, Self::Clocked { .. })
    }

    pub(super) fn fragment(&self, alias: Alias, aliases: &mut Aliases) -> Result<Fragment, Refused> {
        match self {
            Self::Fixed { domain, .. } => Ok(domain.fragment(alias, aliases)),
            Self::Clocked { model, terms, catalog, languages } => {
                let value = terms.value(now()).map_err(|(_, reason)| Refused(reason))?;
                Ok(Domain::rule(&value, model, catalog, languages)?.fragment(alias, aliases))
            }
        }
    }

    /// Text that is equal only for rules of equal meaning.
    pub(super) fn identity(&self) -> String {
        match self {
            Self::Fixed { value, .. } => format!("{value:?}"),
            Self::Clocked { terms, .. } => format!("{terms:?}"),
        }
    }
}

impl Terms {
    /// One domain (semantics 5.1, 4 to 6), or the rule group that stands in the way and why.
    fn value(&self, now: DateTime) -> Result<Value, (i32, String)> {
        let text = |text: &str| Value::Text(text.to_owned());
        let mut all = vec![text("AND")];
        for term in &self.global {
            all.push(term.value(now)?);
        }
        let mut any = vec![text("OR")];
        for term in &self.other {
            any.push(term.value(now)?);
        }
        if any.len() > 1 && !self.open {
            all.push(Value::List(any));
        }
        Ok(Value::List(all))
    }

    fn clocked(&self) -> bool {
        self.global.iter().chain(&self.other).flat_map(|term| &term.rules).any(|rule| rule.uses_clock())
    }
}

impl Term {
    pub(super) fn value(&self, now: DateTime) -> Result<Value, (i32, String)> {
        let context = Context { now, ..(*self.context).clone() };
        let mut any = vec![Value::Text("OR".into())];
        for rule in &self.rules {
            let domain = rule.eval(&context).map_err(|reason| (self.group, reason))?;
            any.push(if self.path.is_empty() {
                domain
            } else {
                Value::List(vec![Value::Text(self.path.clone()), Value::Text("where".into()), domain])
            });
        }
        Ok(Value::List(any))
    }
}

/// The model and every model whose access and rules apply to it, each with the path that leads there (semantics 5.4).
pub(super) fn closure(catalog: &Catalog, model: &str) -> Vec<(String, String)> {
    let mut all = vec![(model.to_owned(), String::new())];
    descend(catalog, model, "", &mut all);
    all
}

fn descend(catalog: &Catalog, model: &str, path: &str, all: &mut Vec<(String, String)>) {
    let Some(model) = catalog.model(model) else { return };
    for field in model.access_fields() {
        if let Some(target) = field.target()
            && all.iter().all(|(seen, _)| seen != target)
        {
            let path = if path.is_empty() { field.name.into() } else { format!("{path}.{}", field.name) };
            all.push((target.to_owned(), path.clone()));
            descend(catalog, target, &path, all);
        }
    }
}

/// Collects the rules of one user.
pub(super) struct Collector<'a> {
    security: &'a Security,
    groups: BTreeSet<i32>,
    context: Arc<Context>,
    /// For the models whose rules know the user's id in Tryton 7.0.
    own_context: Arc<Context>,
    languages: Vec<String>,
}

/// Models whose rules know `user_id`.
const OWN: [&str; 2] = ["res.user.warning", "res.user.application"];

impl<'a> Collector<'a> {
    pub(super) fn new(security: &'a Security, user: &User) -> Self {
        let groups = security.rule_groups_of(user);
        let context = context::of(security, user);
        let mut own = context.clone();
        if context.series >= Series::V7_0 {
            own.values.insert("user_id".into(), Value::Int(user.id.into()));
        }
        let language = user.language.as_deref().unwrap_or(&security.catalog().language);
        Self {
            languages: security.languages(language),
            security,
            groups,
            context: Arc::new(context),
            own_context: Arc::new(own),
        }
    }

    /// What restricts the records of `model`; nothing when no rule does.
    pub(super) fn rules(&self, model: &str, closure: &[(String, String)]) -> Result<Option<Rules>, Refusal> {
        let refusal =
            |(rule_group, reason): (i32, String)| Refusal { model: model.to_owned(), rule_group, reason };
        let terms = self.terms(closure).map_err(refusal)?;
        if terms.global.is_empty() && (terms.other.is_empty() || terms.open) {
            return Ok(None);
        }
        let catalog = self.security.catalog();
        let value = terms.value(now()).map_err(refusal)?;
        let groups = || terms.global.iter().chain(&terms.other);
        let domain = Domain::rule(&value, model, catalog, &self.languages).map_err(|Refused(reason)| {
            // Which of the groups it is shows when each is resolved alone.
            let culprit = groups().find(|term| {
                term.value(now())
                    .is_ok_and(|value| Domain::rule(&value, model, catalog, &self.languages).is_err())
            });
            refusal((culprit.map_or(0, |term| term.group), reason))
        })?;
        Ok(Some(if terms.clocked() {
            Rules::Clocked {
                model: model.to_owned(),
                terms,
                catalog: Arc::clone(catalog),
                languages: self.languages.clone(),
            }
        } else {
            Rules::Fixed { value, domain }
        }))
    }

    /// Languages in which the rules read translated texts.
    pub(super) fn languages(&self) -> &[String] {
        &self.languages
    }

    /// The rules that apply, apart from what they mean.
    pub(super) fn terms(&self, closure: &[(String, String)]) -> Result<Terms, (i32, String)> {
        let mut terms = Terms::default();
        for (model, path) in closure {
            for group in self.security.rule_groups.get(model).into_iter().flatten() {
                let linked = group.groups.iter().any(|id| self.groups.contains(id));
                if group.rules.is_empty() {
                    terms.open |= linked;
                } else if group.read && (group.global || group.default || linked) {
                    let list = if group.global { &mut terms.global } else { &mut terms.other };
                    list.push(self.term(group, model, path)?);
                }
            }
        }
        Ok(terms)
    }

    fn term(&self, group: &RuleGroup, model: &str, path: &str) -> Result<Term, (i32, String)> {
        let rules = group.rules.iter().cloned().collect::<Result<_, _>>();
        let context = if OWN.contains(&model) { &self.own_context } else { &self.context };
        Ok(Term {
            group: group.id,
            path: path.to_owned(),
            rules: rules.map_err(|reason| (group.id, reason))?,
            context: Arc::clone(context),
        })
    }
}
