//! Random domains, in the JSON form of PYSON without expressions that need a user.

use gnuhealth_fhir::tryton::{Field, FieldKind, Model};
use serde_json::{Value as Json, json};

use super::{dice::Dice, words::Words};

const COMPARE: [&str; 6] = ["=", "!=", "<", "<=", ">", ">="];
const LISTS: [&str; 2] = ["in", "not in"];
const PATTERNS: [&str; 4] = ["like", "not like", "ilike", "not ilike"];
const TREES: [&str; 4] = ["child_of", "not child_of", "parent_of", "not parent_of"];
const WHERES: [&str; 2] = ["where", "not where"];

/// Steps that one path or nesting of `where` may have.
const DEEPEST: usize = 3;

/// A list of clauses and of further lists.
pub fn domain(dice: &mut Dice, words: &Words<'_>, model: &Model) -> Json {
    group(dice, words, model, 0)
}

fn group(dice: &mut Dice, words: &Words<'_>, model: &Model, depth: usize) -> Json {
    let count = match dice.below(20) {
        0 => 0,
        1..11 => 1,
        11..17 => 2,
        _ => 3,
    };
    let mut items = Vec::new();
    if dice.percent(if count > 1 { 60 } else { 20 }) {
        items.push(json!(*dice.pick(&["OR", "OR", "AND"])));
    }
    for _ in 0..count {
        let nested = depth < 2 && dice.percent(20);
        items.push(if nested {
            group(dice, words, model, depth + 1)
        } else {
            clause(dice, words, model, depth)
        });
    }
    Json::Array(items)
}

/// One clause on a field of the model or of a model that it leads to.
pub fn clause(dice: &mut Dice, words: &Words<'_>, model: &Model, depth: usize) -> Json {
    if dice.percent(1) {
        return broken(dice);
    }
    if model.fields.contains("active") && dice.percent(8) {
        return json!(["active", dice.pick(&["=", "!=", "in"]), dice.percent(50)]).as_array().map_or(
            Json::Null,
            |clause| {
                let mut clause = clause.clone();
                if clause[1] == "in" {
                    clause[2] = json!([clause[2], dice.percent(30)]);
                }
                Json::Array(clause)
            },
        );
    }
    // Computed fields and those that everything has are of less interest.
    for _ in 0..20 {
        let names: Vec<&Field> = model.fields.iter().collect();
        let field = *dice.pick(&names);
        let dull = field.computed
            || field.custom_search && field.name != "rec_name"
            || ["create_uid", "write_uid", "create_date", "write_date"].contains(&field.name.as_str())
            || matches!(field.kind, FieldKind::Binary | FieldKind::Other(_));
        let relation = field.target().is_some();
        if dull && !dice.percent(3) || !relation && dice.percent(35) {
            continue;
        }
        if let Some(clause) = on(dice, words, model, field, depth) {
            return clause;
        }
    }
    json!(["id", dice.pick(&COMPARE), words.id(dice, &model.name)])
}

fn on(dice: &mut Dice, words: &Words<'_>, model: &Model, field: &Field, depth: usize) -> Option<Json> {
    let name = field.name.as_str();
    if name == "rec_name" {
        return Some(json!([name, dice.pick(&["=", "!=", "ilike", "not ilike", "in"]), "%a%"]));
    }
    match &field.kind {
        FieldKind::Many2One { target } => many2one(dice, words, model, field, target, depth),
        FieldKind::One2Many { target, .. } => many(dice, words, field, target, depth),
        FieldKind::Many2Many { target, .. } => many(dice, words, field, target.as_deref()?, depth),
        FieldKind::Reference => reference(dice, words, model, field, depth),
        FieldKind::Dict => Some(dict(dice, words, model, field)),
        FieldKind::MultiSelection => Some(multi_selection(dice, words, model, field)),
        _ => Some(scalar(dice, words, model, field)),
    }
}

fn scalar(dice: &mut Dice, words: &Words<'_>, model: &Model, field: &Field) -> Json {
    let name = field.name.as_str();
    let textual = matches!(field.kind, FieldKind::Char | FieldKind::Text | FieldKind::Selection);
    let boolean = field.kind == FieldKind::Boolean;
    if dice.percent(12) {
        return json!([name, dice.pick(&["=", "!="]), null]);
    }
    if textual && dice.percent(45) {
        let pattern = words.pattern(dice, &model.name, field);
        return json!([name, dice.pick(&PATTERNS), pattern]);
    }
    if dice.percent(25) {
        let mut values: Vec<_> = (0..dice.below(4)).map(|_| words.value(dice, &model.name, field)).collect();
        if dice.percent(25) {
            values.push(Json::Null);
        }
        return json!([name, dice.pick(&LISTS), values]);
    }
    let operators = if boolean || dice.percent(40) { &COMPARE[..2] } else { &COMPARE[..] };
    json!([name, dice.pick(operators), words.value(dice, &model.name, field)])
}

/// The clause behind a relation, its path led by the field.
fn behind(dice: &mut Dice, words: &Words<'_>, field: &str, target: &Model, depth: usize) -> Option<Json> {
    let mut clause = clause(dice, words, target, depth + 1);
    let path = clause.get(0)?.as_str()?.to_owned();
    clause[0] = json!(format!("{field}.{path}"));
    Some(clause)
}

fn ids(dice: &mut Dice, words: &Words<'_>, target: &str) -> Json {
    let mut ids: Vec<_> = (0..dice.below(4)).map(|_| words.id(dice, target)).collect();
    if dice.percent(15) {
        ids.push(Json::Null);
    }
    Json::Array(ids)
}

fn many2one(
    dice: &mut Dice,
    words: &Words<'_>,
    model: &Model,
    field: &Field,
    target: &str,
    depth: usize,
) -> Option<Json> {
    let name = field.name.as_str();
    let other = words.model(target)?;
    Some(match dice.below(20) {
        0 | 1 => json!([name, dice.pick(&["=", "!="]), null]),
        2 | 3 => json!([name, dice.pick(&["=", "!="]), words.id(dice, target)]),
        4 | 5 => json!([name, dice.pick(&LISTS), ids(dice, words, target)]),
        6..9 if depth < DEEPEST => json!([name, dice.pick(&WHERES), group(dice, words, other, depth + 1)]),
        9 | 10 => {
            let value = if dice.percent(50) { words.id(dice, target) } else { ids(dice, words, target) };
            let operator = *dice.pick(&TREES);
            if target == model.name {
                json!([name, operator, value])
            } else {
                let parents =
                    other.fields.iter().filter(|field| field.stored && field.target() == Some(target));
                let parents: Vec<_> = parents.map(|field| &field.name).collect();
                if parents.is_empty() {
                    return None;
                }
                json!([name, operator, value, dice.pick(&parents)])
            }
        }
        11 => {
            let rec_name = other.fields.get(other.rec_name.as_deref()?)?;
            let pattern = words.pattern(dice, target, rec_name);
            json!([name, dice.pick(&["=", "!=", "like", "ilike", "not ilike"]), pattern])
        }
        _ if depth < DEEPEST => return behind(dice, words, name, other, depth),
        _ => json!([name, dice.pick(&["=", "!="]), null]),
    })
}

fn many(dice: &mut Dice, words: &Words<'_>, field: &Field, target: &str, depth: usize) -> Option<Json> {
    let name = field.name.as_str();
    let other = words.model(target)?;
    Some(match dice.below(12) {
        0 | 1 => json!([name, dice.pick(&["=", "!="]), null]),
        2 => json!([name, dice.pick(&["=", "!="]), words.id(dice, target)]),
        3 => json!([name, dice.pick(&LISTS), ids(dice, words, target)]),
        4..7 if depth < DEEPEST => json!([name, dice.pick(&WHERES), group(dice, words, other, depth + 1)]),
        _ if depth < DEEPEST => return behind(dice, words, name, other, depth),
        _ => json!([name, dice.pick(&["=", "!="]), null]),
    })
}

fn reference(dice: &mut Dice, words: &Words<'_>, model: &Model, field: &Field, depth: usize) -> Option<Json> {
    let name = field.name.as_str();
    let sample = words.sample(dice, &model.name, name);
    let text = sample.as_str().unwrap_or("party.party,1").to_owned();
    let target = text.split(',').next()?.to_owned();
    Some(match dice.below(8) {
        0 => json!([name, dice.pick(&["=", "!="]), null]),
        1 | 2 => json!([name, dice.pick(&["=", "!="]), text]),
        3 => json!([name, dice.pick(&["like", "not like"]), format!("{target},%")]),
        4 => json!([name, dice.pick(&LISTS), [text, null]]),
        _ if depth < DEEPEST => {
            let mut clause = behind(dice, words, name, words.model(&target)?, DEEPEST)?;
            let items = clause.as_array_mut()?;
            if items.len() > 3 {
                return None;
            }
            items.push(json!(target));
            clause
        }
        _ => json!([name, "=", text]),
    })
}

fn dict(dice: &mut Dice, words: &Words<'_>, model: &Model, field: &Field) -> Json {
    let sample = words.sample(dice, &model.name, &field.name);
    let entries = match &sample {
        Json::String(text) => serde_json::from_str(text).unwrap_or_default(),
        other => other.as_object().cloned().unwrap_or_default(),
    };
    match entries.into_iter().next() {
        Some((key, value)) if dice.percent(70) => {
            json!([format!("{}.{key}", field.name), dice.pick(&["=", "!="]), value])
        }
        _ => json!([field.name, dice.pick(&["=", "!="]), null]),
    }
}

fn multi_selection(dice: &mut Dice, words: &Words<'_>, model: &Model, field: &Field) -> Json {
    let sample = words.sample(dice, &model.name, &field.name);
    let keys: Vec<String> =
        sample.as_str().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    match dice.below(4) {
        0 => json!([field.name, dice.pick(&["=", "!="]), null]),
        1 => json!([field.name, dice.pick(&["=", "!="]), keys]),
        2 => json!([field.name, dice.pick(&LISTS), keys]),
        _ => json!([field.name, dice.pick(&LISTS), keys.first().map_or("x", String::as_str)]),
    }
}

/// What Tryton refuses.
fn broken(dice: &mut Dice) -> Json {
    dice.pick(&[
        json!(["no_such_field", "=", 1]),
        json!(["id", "no such operator", 1]),
        json!(["id", "="]),
        json!(["or", ["id", "=", 1]]),
        json!(["id", "in", 1]),
        json!(["create_date", "=", "yesterday"]),
        json!("id"),
    ])
    .clone()
}
