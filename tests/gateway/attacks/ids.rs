//! Guessed ids: an id has one form, and whatever else is sent names nothing.

use super::{Target, encoded, parameters, some};
use crate::harness::ids;

#[test]
fn only_the_id_itself_names_a_resource() {
    let target = Target::start(&[]);
    let missing = target.get("Patient/2147483647");
    missing.is(404, "resource-unknown");
    let kinds = some(parameters(&target.doctor), 6);
    let mut prefixes: Vec<String> = Vec::new();
    let mut known = Vec::new();
    for (kind, _) in &kinds {
        let response = target.doctor.get(&format!("{kind}?_count=40"));
        if response.status != 200 {
            continue;
        }
        for id in ids(&response.json()) {
            let prefix = id.split('-').next().unwrap_or_default().to_owned();
            if !prefixes.contains(&prefix) && prefix.parse::<u64>().is_err() {
                prefixes.push(prefix);
            }
            known.push((kind.clone(), id));
        }
    }
    known.dedup_by(|one, other| one.0 == other.0 && one.1.len() == other.1.len());
    for (kind, id) in known {
        if !id.contains(|character: char| character.is_ascii_digit()) {
            continue;
        }
        let number: String =
            id.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
        let with = |other: &str| id.replacen(&number, other, 1);
        let mut guesses = vec![
            with(&format!("0{number}")),
            with(&format!("00{number}")),
            with(&format!("+{number}")),
            with(&format!("-{number}")),
            with(&format!("{number}.0")),
            with(&format!("{number}e0")),
            with(&format!("0x{number}")),
            with(&format!(" {number}")),
            with(&format!("{number} ")),
            with(&format!("{number}\u{a0}")),
            with(
                &number
                    .chars()
                    .map(|digit| char::from_u32(0x660 + digit as u32 - 0x30).unwrap())
                    .collect::<String>(),
            ),
            with(
                &number
                    .chars()
                    .map(|digit| char::from_u32(0xff10 + digit as u32 - 0x30).unwrap())
                    .collect::<String>(),
            ),
            with(&(number.parse::<u64>().unwrap() + (1 << 32)).to_string()),
            with("2147483648"),
            with("99999999999999999999999999"),
            with("-1"),
            with("NaN"),
            with("null"),
            with("*"),
            with("%"),
            format!("{id}-"),
            format!("{id}-x"),
            format!("-{id}"),
            id.to_uppercase(),
            format!("{id},1"),
            format!("{id};1"),
            format!("{id}' OR '1'='1"),
            "x".repeat(65),
        ];
        guesses.extend(prefixes.iter().map(|prefix| format!("{prefix}-{number}")));
        guesses.extend(prefixes.iter().map(|prefix| format!("{prefix}{number}")));
        guesses.retain(|guess| *guess != id);
        for guess in guesses {
            let response = target.get(&format!("{kind}/{}", encoded(&guess)));
            if response.status == 200 {
                assert_eq!(response.json()["id"], guess.as_str(), "{kind}/{guess}");
            } else if response.status == 404 {
                assert_eq!(response.anonymous_text(), missing.anonymous_text(), "{kind}/{guess}");
            } else {
                response.is(403, "model-forbidden");
            }
            let search = target.doctor.search(&kind, &[("_id", &guess)]);
            assert!(search.status < 500, "{guess}");
            if search.status == 200 {
                let all: Vec<&str> = guess.split(',').collect();
                assert!(
                    ids(&search.json()).iter().all(|found| all.contains(&found.as_str())),
                    "{kind}?_id={guess}"
                );
            }
        }
    }
    target.survived();
}
