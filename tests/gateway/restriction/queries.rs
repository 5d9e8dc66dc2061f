//! Random searches over what the server says it offers, with values that stand in its resources.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Random;
use crate::harness::{Client, query, resources};

/// Types that are searched.
const TYPES: usize = 12;

/// A search, and what is known of it.
pub struct Query {
    pub kind: String,
    pairs: Vec<(String, String)>,
    /// Ids that are looked at.
    pub sample: Vec<String>,
    /// So many references it follows.
    pub deep: usize,
    /// What has no value cannot satisfy it.
    pub positive: bool,
    pub sorted: bool,
    /// The search for what refers to the resources that are found (`_has`), whose rights decide as well.
    pub referring: Option<String>,
}

impl Query {
    /// Without a `_count`, for other ones.
    pub fn without_count(&self) -> String {
        let pairs: Vec<_> = self.pairs.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        let pairs: Vec<_> = pairs.into_iter().filter(|(key, _)| *key != "_count").collect();
        format!("{}?{}", self.kind, query(&pairs))
    }

    pub fn place(&self) -> String {
        let pairs: Vec<_> = self.pairs.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        format!("{}?{}", self.kind, query(&pairs))
    }
}

/// A served type.
struct Kind {
    name: String,
    parameters: Vec<Parameter>,
    /// Values of `_include` and `_revinclude`.
    includes: [Vec<String>; 2],
    sample: Vec<String>,
    /// Values by what they look like.
    values: BTreeMap<&'static str, Vec<String>>,
}

struct Parameter {
    name: String,
    form: String,
}

/// What can be asked of a server.
pub struct Searches {
    kinds: Vec<Kind>,
    /// It answers `_has`, `_filter`.
    has: bool,
    filter: bool,
}

impl Searches {
    /// Of what a client sees; `sample` resources of each type.
    pub fn of(client: &Client, random: &mut Random, sample: usize) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let statement = client.ok("metadata");
        let mut kinds = Vec::new();
        // Patients, and some of the other types by chance.
        let mut types = statement["rest"][0]["resource"].as_array().unwrap().clone();
        let patient = types.iter().position(|kind| kind["type"] == "Patient").unwrap();
        let mut chosen = vec![types.swap_remove(patient)];
        while !types.is_empty() && chosen.len() < TYPES {
            chosen.push(types.swap_remove(random.below(types.len())));
        }
        for kind in &chosen {
            let name = text(&kind["type"]);
            let response = client.get(&format!("{name}?_count=100"));
            if response.status != 200 {
                continue;
            }
            let mut all = resources(&response.json());
            let mut chosen = Vec::new();
            while !all.is_empty() && chosen.len() < sample {
                chosen.push(all.swap_remove(random.below(all.len())));
            }
            let mut values: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
            chosen.iter().for_each(|resource| collect(resource, &mut values));
            let parameters = kind["searchParam"].as_array().cloned().unwrap_or_default();
            let parameters = parameters
                .iter()
                .map(|one| Parameter { name: text(&one["name"]), form: text(&one["type"]) })
                .collect();
            let sample = chosen.iter().map(|resource| text(&resource["id"])).collect();
            let includes = ["searchInclude", "searchRevInclude"].map(|member| {
                let all = kind[member].as_array().into_iter().flatten().map(text);
                all.filter(|value| value.contains(':')).collect()
            });
            kinds.push(Kind { name, parameters, includes, sample, values });
        }
        let answers = |place: &str| client.get(place).status == 200;
        Self {
            kinds,
            has: answers("Patient?_has:Condition:patient:_id=x&_summary=count"),
            filter: answers("Patient?_filter=gender%20eq%20male&_summary=count"),
        }
    }

    /// One of them. The resources that can be found are those of the sample.
    pub fn random(&self, random: &mut Random) -> Query {
        let kind = random.one(&self.kinds);
        let mut query = Query {
            kind: kind.name.clone(),
            pairs: Vec::new(),
            sample: kind.sample.clone(),
            deep: 0,
            positive: true,
            sorted: false,
            referring: None,
        };
        for _ in 0..=random.below(2) {
            let pair = self.filter(kind, random, &mut query, 0);
            query.pairs.push(pair);
        }
        if self.has && random.chance(15) {
            let pair = self.has(random, &mut query);
            query.pairs.push(pair);
        }
        for (name, values) in ["_include", "_revinclude"].iter().zip(&kind.includes) {
            if !values.is_empty() && random.chance(20) {
                query.pairs.push(((*name).to_owned(), random.one(values).clone()));
            }
        }
        query.pairs.push(("_id".into(), kind.sample.join(",")));
        if random.chance(40) {
            query.sorted = true;
            let key = random.one(&kind.parameters).name.clone();
            let key = if random.chance(20) { "_lastUpdated".into() } else { key };
            query.pairs.push(("_sort".into(), if random.chance(50) { format!("-{key}") } else { key }));
        }
        query.pairs.push(("_count".into(), random.one(&["1", "7", "500"]).to_string()));
        // One by one takes a page for each.
        if query.pairs.last().is_some_and(|(_, count)| count == "1") {
            query.sample.truncate(8);
            let ids = query.sample.join(",");
            query
                .pairs
                .iter_mut()
                .filter(|(key, _)| key == "_id")
                .for_each(|(_, value)| value.clone_from(&ids));
        }
        query
    }

    /// What something else refers to.
    fn has(&self, random: &mut Random, query: &mut Query) -> (String, String) {
        let other = random.one(&self.kinds);
        let references: Vec<_> = other.parameters.iter().filter(|one| one.form == "reference").collect();
        if references.is_empty() {
            return ("_lastUpdated".into(), "ge1900".into());
        }
        let reference = &random.one(&references).name;
        // Deeper than what a chain may be: nothing but a plain filter.
        let (rest, value) = self.filter(other, random, query, usize::MAX);
        query.referring = Some(format!("{}?{}", other.name, crate::harness::query(&[(&rest, &value)])));
        (format!("_has:{}:{reference}:{rest}", other.name), value)
    }

    fn filter(&self, kind: &Kind, random: &mut Random, query: &mut Query, depth: usize) -> (String, String) {
        let Parameter { name, form } = random.one(&kind.parameters);
        if form == "reference" && depth < 2 && random.chance(60) {
            let target = random.one(&self.kinds);
            let (rest, value) = self.filter(target, random, query, depth + 1);
            query.deep = query.deep.max(depth + 1);
            return (format!("{name}:{}.{rest}", target.name), value);
        }
        if random.chance(12) {
            let missing = random.chance(50);
            query.positive &= !missing;
            return (format!("{name}:missing"), missing.to_string());
        }
        let modifier = match form.as_str() {
            "string" => *random.one(&["", "", ":exact", ":contains"]),
            "token" if random.chance(15) => {
                query.positive = false;
                ":not"
            }
            _ => "",
        };
        let from = match form.as_str() {
            "date" => "date",
            "reference" => "reference",
            "number" | "quantity" => "number",
            "token" => *random.one(&["code", "code", "coded"]),
            _ => "text",
        };
        let any = |random: &mut Random, from: &str| match kind.values.get(from) {
            Some(values) => random.one(values).clone(),
            None => "1".to_owned(),
        };
        let mut value = any(random, from);
        if form == "composite" {
            let part = *random.one(&["coded", "code", "number", "date"]);
            value = format!("{}${}", any(random, "coded"), any(random, part));
            return (name.clone(), value);
        }
        if self.filter && depth == 0 && form != "reference" && random.chance(15) {
            let operator = *random.one(&["eq", "eq", "co", "sw", "ge", "le", "ne"]);
            query.positive &= operator != "ne";
            let value = value.replace(['\\', '"'], "");
            return ("_filter".into(), format!("{name} {operator} \"{value}\""));
        }
        if form == "date" && random.chance(50) {
            value.insert_str(0, random.one::<&str>(&["ge", "le", "gt", "lt", "ne"]));
        }
        if form == "string" && modifier != ":exact" {
            value = value.chars().take(1 + random.below(4)).collect::<String>().trim().to_owned();
        }
        (format!("{name}{modifier}"), if value.is_empty() { "a".to_owned() } else { value })
    }
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace(',', "\\,").replace('|', "\\|").replace('$', "\\$")
}

/// The values of a resource, by what they look like.
fn collect(value: &Value, all: &mut BTreeMap<&'static str, Vec<String>>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, all)),
        Value::Object(members) => {
            let text = |name: &str| members.get(name).and_then(Value::as_str);
            if let (Some(system), Some(code)) = (text("system"), text("code").or(text("value"))) {
                all.entry("coded").or_default().push(format!("{}|{}", escape(system), escape(code)));
            }
            for (name, member) in members {
                match (name.as_str(), member) {
                    ("meta" | "resourceType" | "display" | "data", _) => {}
                    ("reference", Value::String(text)) => {
                        all.entry("reference").or_default().push(escape(text))
                    }
                    ("id" | "code" | "status" | "gender" | "value" | "use", Value::String(text)) => {
                        all.entry("code").or_default().push(escape(text));
                    }
                    (_, Value::String(text)) => {
                        let date = text.len() >= 10
                            && text.as_bytes()[4] == b'-'
                            && text.as_bytes()[..4].iter().all(u8::is_ascii_digit);
                        all.entry(if date { "date" } else { "text" }).or_default().push(escape(text));
                    }
                    (_, Value::Number(number)) => all.entry("number").or_default().push(number.to_string()),
                    (_, Value::Bool(flag)) => all.entry("code").or_default().push(flag.to_string()),
                    _ => collect(member, all),
                }
            }
        }
        _ => {}
    }
}
