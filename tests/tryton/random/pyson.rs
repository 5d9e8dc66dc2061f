//! Random expressions over the user, its groups, companies and employees, and the date.

use serde_json::{Value as Json, json};

use super::dice::Dice;

/// What is worth comparing with.
pub struct Surroundings {
    pub groups: Vec<i32>,
    pub companies: Vec<i32>,
    pub employees: Vec<i32>,
    pub users: Vec<i32>,
}

fn eval(name: &str, default: Json) -> Json {
    json!({"__class__": "Eval", "v": name, "d": default})
}

/// Puts expressions in the place of some clauses and values of a domain.
pub fn decorate(dice: &mut Dice, around: &Surroundings, domain: Json) -> Json {
    let Json::Array(items) = domain else { return domain };
    let clause = items.len() > 2 && items[1].is_string() && !matches!(items[0].as_str(), Some("AND" | "OR"));
    if clause {
        return decorate_clause(dice, around, items);
    }
    let items =
        items.into_iter().map(|item| if item.is_array() { decorate(dice, around, item) } else { item });
    let list = Json::Array(items.collect());
    if dice.percent(8) {
        let other = dice.pick(&[json!([]), json!([["id", "<", 0]]), json!([["id", ">", 2]])]).clone();
        return choice(dice, around, list, other);
    }
    list
}

fn choice(dice: &mut Dice, around: &Surroundings, one: Json, two: Json) -> Json {
    let condition = truth(dice, around, 0);
    if dice.percent(50) {
        json!({"__class__": "If", "c": condition, "t": one, "e": two})
    } else {
        json!({"__class__": "If", "c": condition, "t": two, "e": one})
    }
}

fn decorate_clause(dice: &mut Dice, around: &Surroundings, mut items: Vec<Json>) -> Json {
    let operator = items[1].as_str().unwrap_or_default().to_owned();
    if operator.ends_with("where") {
        items[2] = decorate(dice, around, items[2].take());
        return Json::Array(items);
    }
    let whole = items[2].is_i64();
    if operator.ends_with("in") && items[2].is_array() && dice.percent(30) {
        items[2] = dice
            .pick(&[
                eval("companies", json!([])),
                eval("groups", json!([])),
                eval("employees", json!([])),
                eval("user.groups", json!([1, 2])),
            ])
            .clone();
    } else if whole && dice.percent(30) {
        items[2] = number(dice, around);
    } else if dice.percent(10) {
        let same = items[2].clone();
        items[2] = choice(dice, around, same, Json::Null);
    }
    let clause = Json::Array(items);
    if dice.percent(12) { choice(dice, around, clause, json!(["id", "!=", 1])) } else { clause }
}

/// A number or null.
fn number(dice: &mut Dice, around: &Surroundings) -> Json {
    match dice.below(7) {
        0 => eval("user.id", json!(-1)),
        1 => eval("user.company", json!(1)),
        2 => eval("user.language", Json::Null),
        3 => json!({"__class__": "Get", "v": eval("user", json!({})), "k": "id", "d": 3}),
        4 => json!({"__class__": "Len", "v": eval("companies", json!([]))}),
        5 => eval("employee.party", json!(2)),
        _ => json!(dice.pick(&around.users)),
    }
}

/// An expression that is true or false.
pub fn truth(dice: &mut Dice, around: &Surroundings, depth: usize) -> Json {
    let deeper = depth < 3;
    match dice.below(18) {
        0 | 1 if deeper => json!({"__class__": "Not", "v": truth(dice, around, depth + 1)}),
        2 | 3 if deeper => {
            let parts: Vec<_> = (0..dice.between(1, 3)).map(|_| truth(dice, around, depth + 1)).collect();
            json!({"__class__": dice.pick(&["And", "Or"]), "s": parts})
        }
        4 if deeper => {
            let (one, two) = (truth(dice, around, depth + 1), truth(dice, around, depth + 1));
            choice(dice, around, one, two)
        }
        5 | 6 => {
            json!({"__class__": "Bool", "v": eval(dice.pick::<&str>(&["companies", "employees", "employee", "groups", "user", "user_id", "x"]), Json::Null)})
        }
        7 => json!({"__class__": "In", "k": dice.pick(&around.companies), "v": eval("companies", json!([]))}),
        8 => json!({"__class__": "In", "k": dice.pick(&around.employees), "v": eval("employees", json!([]))}),
        9 => {
            let (one, two) = (number(dice, around), json!(dice.below(4)));
            json!({"__class__": dice.pick(&["Greater", "Less"]), "s1": one, "s2": two, "e": dice.percent(50)})
        }
        10 => json!({"__class__": "Equal", "s1": number(dice, around), "s2": number(dice, around)}),
        11 => {
            let day = json!({"__class__": "Date", "y": 2024, "M": dice.between(1, 12), "d": dice.between(1, 31), "dy": dice.below(5), "dM": 0, "dd": 0});
            let today =
                json!({"__class__": "Date", "y": null, "M": null, "d": null, "dy": 0, "dM": 0, "dd": 0});
            json!({"__class__": dice.pick(&["Greater", "Less"]), "s1": day, "s2": today, "e": true})
        }
        12 => json!({"__class__": "Equal", "s1": eval("companies", json!([])), "s2": [around.companies[0]]}),
        13 => {
            json!({"__class__": "Less", "s1": {"__class__": "Len", "v": eval("groups", json!([]))}, "s2": dice.between(1, 6), "e": false})
        }
        14 => json!({"__class__": "In", "k": dice.pick(&around.groups), "v": eval("user.groups", json!([]))}),
        // What raises in Tryton.
        15 if dice.percent(8) => json!({"__class__": "And", "s": []}),
        15 if dice.percent(8) => json!({"__class__": "Get", "v": null, "k": "x", "d": 0}),
        _ => json!({"__class__": "In", "k": dice.pick(&around.groups), "v": eval("groups", json!([]))}),
    }
}
