//! The observed cases, and what this program answers to them.

use gnuhealth_fhir::{
    sql::{Aliases, Fragment},
    store::{Class, Store},
    tryton::{Catalog, Domain, FieldKind, Permit, Security, domain::Active, pyson::Value},
};
use serde_json::Value as Json;

/// What this program answers.
#[derive(Debug, PartialEq)]
pub enum Answer {
    /// Ids, number, truth: the same form as in the case.
    Is(Json),
    /// No answer.
    Refused(Refusal),
    /// Not a question for this program.
    Outside(&'static str),
}

/// Why there is no answer.
#[derive(Debug, PartialEq)]
pub enum Refusal {
    /// The user may not see it.
    Access(String),
    /// It names what there is not, the domain is none, or SQL cannot repeat it.
    Question(String),
}

fn closed(what: impl Into<String>) -> Answer {
    Answer::Refused(Refusal::Access(what.into()))
}

const WRITING: &str = "this program does not write";
const INACTIVE: &str = "clients cannot switch off the test of active in rules";
const FLAGS: &str = "flags for writing";

/// Reasons why a case is not a question for this program, and how many cases there are.
pub const OUTSIDE: [(&str, usize); 3] = [(WRITING, 12), (INACTIVE, 1), (FLAGS, 2)];

pub struct World {
    pub store: Store,
    pub catalog: std::sync::Arc<Catalog>,
    pub security: Security,
}

pub fn value(json: &Json) -> Value {
    let text = |json: &Json| json.as_str().expect("a text").to_owned();
    match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => match number.to_string().parse() {
            Ok(whole) => Value::Int(whole),
            Err(_) => Value::Float(number.as_f64().expect("a number")),
        },
        Json::String(text) => Value::Text(text.clone()),
        Json::Array(items) => Value::List(items.iter().map(value).collect()),
        Json::Object(entries) => match entries.iter().next().map(|(key, json)| (key.as_str(), json)) {
            Some(("$date", json)) => Value::Date(text(json).parse().expect("a date")),
            Some(("$datetime", json)) => Value::DateTime(text(json).parse().expect("a moment")),
            Some(("$time", json)) => Value::Text(text(json)),
            #[expect(clippy::cast_possible_truncation, reason = "small numbers of the cases")]
            Some(("$timedelta", json)) => {
                Value::TimeDelta((json.as_f64().expect("seconds") * 1e6).round() as i128)
            }
            _ => panic!("an object in a domain: {json}"),
        },
    }
}

impl World {
    /// What this program answers to the question of a case.
    pub async fn answer(&self, case: &Json) -> Answer {
        let user = case["user"].as_str().expect("a login");
        let checked = case["check_access"] != false;
        let permit = match self.security.user_by_login(user) {
            Some(user) => match Permit::of(&self.security, &self.catalog, user.id) {
                Ok(permit) => permit,
                Err(error) => return closed(error.to_string()),
            },
            None => return closed("root never gets a permit"),
        };
        let model = case["model"].as_str().unwrap_or_default();
        match case["op"].as_str().unwrap_or("search") {
            "groups" => {
                let user = self.security.user_by_login(user).expect("found above");
                Answer::Is(self.security.rule_groups_of(user).into_iter().collect())
            }
            "access" => Answer::Is(permit.model(model).into()),
            "field_access" if !permit.model(model) => closed("model"),
            "field_access" => {
                let fields = self.catalog.model(model).expect("a model").fields.names();
                Answer::Is(
                    fields.filter(|field| !permit.field(model, field)).map(|field| field.as_str()).collect(),
                )
            }
            "rule" if case["mode"] != "read" => Answer::Outside(WRITING),
            "rule" | "search" | "count" => self.search(case, &permit, model, checked).await,
            "read" => self.read(case, &permit, model).await,
            other => panic!("unknown operation {other}"),
        }
    }

    async fn search(&self, case: &Json, permit: &Permit, model: &str, checked: bool) -> Answer {
        let everything = case["context"]["active_test"] == false;
        if checked && everything {
            return Answer::Outside(INACTIVE);
        }
        if checked && !permit.model(model) {
            return closed("model");
        }
        let rule = case["op"] == "rule";
        let own = if rule { value(&Json::Array(Vec::new())) } else { value(&case["domain"]) };
        if checked && let Some(name) = self.forbidden(permit, model, &own) {
            return closed(name);
        }
        for name in case["order"].as_array().into_iter().flatten().map(|item| &item[0]) {
            let name = name.as_str().expect("a field").split('.').next().expect("a name");
            if checked && !permit.field(model, name) {
                return closed(name.to_owned());
            }
        }
        let language = case["context"]["language"].as_str().or(permit.language()).unwrap_or("en");
        let languages = self.security.languages(language);
        let active = match (rule, everything) {
            (true, _) => Active::Below,
            (false, true) => Active::Nowhere,
            (false, false) => Active::Everywhere,
        };
        let domain = match Domain::new(&own, model, &self.catalog, &languages, active) {
            Ok(domain) => domain,
            Err(refused) => return Answer::Refused(Refusal::Question(refused.0)),
        };
        let mut ids = self.ids(model, &domain, checked.then_some(permit)).await;
        if rule {
            // The rule is right if it shows the same rows as the one that Tryton uses.
            let theirs = value(&expected(case, self.version()));
            let theirs = Domain::rule(&theirs, model, &self.catalog, &languages).expect("Tryton's own rule");
            let theirs = self.ids(model, &theirs, None).await;
            return Answer::Is((theirs == ids).into());
        }
        if let Some(limit) = case["limit"].as_u64() {
            // Only by id, descending, in these cases.
            ids.reverse();
            let offset = usize::try_from(case["offset"].as_u64().unwrap_or(0)).expect("small");
            ids = ids.into_iter().skip(offset).take(usize::try_from(limit).expect("small")).collect();
        }
        if case["op"] == "count" { Answer::Is(ids.len().into()) } else { Answer::Is(ids.into()) }
    }

    pub fn version(&self) -> &'static str {
        match self.catalog.series {
            gnuhealth_fhir::tryton::Series::V6_0 => "6.0.76",
            gnuhealth_fhir::tryton::Series::V7_0 => "7.0.59",
        }
    }

    async fn ids(&self, model: &str, domain: &Domain, permit: Option<&Permit>) -> Vec<i32> {
        let mut aliases = Aliases::default();
        let alias = aliases.next();
        let mut parts = vec![domain.fragment(alias, &mut aliases)];
        if let Some(permit) = permit {
            parts.push(permit.predicate(model, alias, &mut aliases).expect("the model may be read"));
        }
        let statement = Fragment::raw("SELECT ")
            .column(alias, "id")
            .text(" FROM ")
            .ident(&self.catalog.model(model).expect("a model").table)
            .text(" AS ")
            .alias(alias)
            .text(" WHERE ")
            .then(Fragment::all(parts))
            .text(" ORDER BY 1")
            .finish();
        let rows = self.store.rows(Class::Request, &statement).await.unwrap_or_else(|error| {
            panic!("{}\n{:?}\n{:?}", statement.text, statement.values, error.logged_cause())
        });
        rows.iter().map(|row| row.column(0).expect("an id")).collect()
    }

    /// The first name of the domain that may not be searched.
    fn forbidden(&self, permit: &Permit, model: &str, domain: &Value) -> Option<String> {
        let items = domain.items()?;
        let [Value::Text(path), Value::Text(_), _, ..] = items else {
            return items.iter().find_map(|item| self.forbidden(permit, model, item));
        };
        if path == "AND" || path == "OR" {
            return items[1..].iter().find_map(|item| self.forbidden(permit, model, item));
        }
        let mut model = model.to_owned();
        for name in path.split('.') {
            if !permit.field(&model, name) {
                return Some(format!("{model}.{name}"));
            }
            match self.catalog.field(&model, name).and_then(|field| field.target()) {
                Some(target) => target.clone_into(&mut model),
                None => break,
            }
        }
        None
    }

    async fn read(&self, case: &Json, permit: &Permit, model: &str) -> Answer {
        if !permit.model(model) {
            return closed("model");
        }
        let fields: Vec<_> = case["fields"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|name| name.as_str().expect("a name"))
            .collect();
        if fields.iter().any(|name| name.starts_with('_')) {
            return Answer::Outside(FLAGS);
        }
        for name in fields {
            let (name, rest) = name.split_once('.').map_or((name, None), |(name, rest)| (name, Some(rest)));
            let Some(field) = self.catalog.field(model, name) else {
                return Answer::Refused(Refusal::Question(name.to_owned()));
            };
            if !permit.field(model, name) {
                return closed(name.to_owned());
            }
            match (&field.kind, rest) {
                (FieldKind::One2Many { target, .. }, None) if !permit.model(target) => {
                    return closed(*target);
                }
                (FieldKind::Many2Many { relation, .. }, None) if !permit.model(relation) => {
                    return closed(*relation);
                }
                (_, Some(rest)) if !field.target().is_some_and(|target| permit.field(target, rest)) => {
                    return closed(rest.to_owned());
                }
                (FieldKind::Many2One { .. }, Some(_))
                    if !permit.unrestricted(field.target().unwrap_or_default()) =>
                {
                    return closed("rules of the target");
                }
                (FieldKind::Many2Many { .. }, Some(_)) => {
                    return closed("rules of the target");
                }
                _ => {}
            }
        }
        let empty = Value::List(Vec::new());
        let all = Domain::rule(&empty, model, &self.catalog, &[]).expect("an empty domain");
        let visible = self.ids(model, &all, Some(permit)).await;
        let wanted = case["ids"].as_array().expect("a list").iter().map(|id| id.as_i64().expect("an id"));
        let hidden = wanted.into_iter().any(|id| !visible.iter().any(|other| i64::from(*other) == id));
        if hidden { closed("record") } else { Answer::Is(true.into()) }
    }
}

/// What Tryton answered.
pub fn expected(case: &Json, version: &str) -> Json {
    case.get("result").unwrap_or_else(|| &case["results"][version]).clone()
}
