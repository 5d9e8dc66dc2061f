//! Pairs of a query → [`SearchRequest`].

use super::{Fault, Filter, Include, Reverse, SearchRequest, SortKey, Subset, Total};
use crate::error::{self, Error};

/// Parameters per search at most.
const PARAMETERS: usize = 100;
/// Alternatives per parameter at most.
const ALTERNATIVES: usize = 500;
/// Alternatives of all parameters at most.
const VALUES: usize = 1000;
/// Characters of one value at most.
const LENGTH: usize = 4096;
/// Keys of an order at most.
const KEYS: usize = 10;
/// Parameters that say one thing: said twice they would contradict themselves, or hide that they do.
const ONCE: [&str; 5] = ["_count", "_total", "_summary", "_contained", "_page"];
/// Includes at most.
const INCLUDES: usize = 30;
/// Links of a chain at most.
const CHAIN: usize = 8;

/// Reads the decoded pairs of a query. Faulty parameters are left out of the request and reported.
pub fn parse(pairs: &[(String, String)]) -> (SearchRequest, Vec<Fault>) {
    let mut request = SearchRequest::default();
    let mut faults = Vec::new();
    for (index, (key, value)) in pairs.iter().enumerate() {
        let result = if index >= PARAMETERS {
            Err(Error::new(&error::PARAMETER_LIMIT)
                .detail(format!("At most {PARAMETERS} parameters are read.")))
        } else if key != "_page" && value.chars().count() > LENGTH {
            Err(Error::new(&error::PARAMETER_LIMIT).detail(format!("A value may have {LENGTH} characters.")))
        } else if ONCE.contains(&key.as_str()) && pairs[..index].iter().any(|(known, _)| known == key) {
            Err(Error::new(&error::PARAMETER_VALUE).detail(format!("{key} stands twice.")))
        } else if value.contains('\0') || key.contains('\0') {
            Err(Error::new(&error::PARAMETER_VALUE).detail("The character U+0000 is not allowed."))
        } else {
            one(&mut request, key, value)
        };
        match result {
            Ok(()) => {
                if key != "_page" {
                    request.applied.push((key.clone(), value.clone()));
                }
            }
            Err(error) => faults.push(Fault { key: key.clone(), error: error.at_key(key) }),
        }
    }
    (request, faults)
}

fn one(request: &mut SearchRequest, key: &str, value: &str) -> Result<(), Error> {
    match key {
        "_count" => {
            request.count = Some(value.parse().map_err(|_| wrong("a whole number", value))?);
        }
        "_sort" => {
            // All of them or none: a parameter that is reported as a fault must not count in part.
            let mut keys = Vec::new();
            for part in value.split(',') {
                let (name, descending) = part.strip_prefix('-').map_or((part, false), |name| (name, true));
                if name.is_empty() {
                    return Err(wrong("names of search parameters", value));
                }
                if request.sort.len() + keys.len() >= KEYS {
                    return Err(
                        Error::new(&error::PARAMETER_LIMIT).detail(format!("An order may have {KEYS} keys."))
                    );
                }
                keys.push(SortKey { name: name.to_owned(), descending });
            }
            request.sort.extend(keys);
        }
        "_total" => {
            request.total = match value {
                "none" => Total::None,
                "accurate" => Total::Accurate,
                _ => return Err(wrong("none or accurate", value)),
            }
        }
        "_summary" => {
            let subset = match value {
                "count" => {
                    request.total = Total::Only;
                    return Ok(());
                }
                "true" => Subset::Summary,
                "text" => Subset::Text,
                "data" => Subset::Data,
                "false" => return Ok(()),
                _ => return Err(wrong("true, text, data, count or false", value)),
            };
            if request.subset != Subset::All {
                return Err(two_subsets());
            }
            request.subset = subset;
        }
        "_elements" => {
            let names = value.split(',').map(|name| name.trim().to_owned()).collect::<Vec<_>>();
            if names.iter().any(String::is_empty) {
                return Err(wrong("names of elements", value));
            }
            match &mut request.subset {
                Subset::Elements(known) => known.extend(names),
                subset @ Subset::All => *subset = Subset::Elements(names),
                _ => return Err(two_subsets()),
            }
        }
        // Nothing is contained in another resource here, so all there is to say of it is the default.
        "_contained" if value == "false" => {}
        "_contained" => return Err(wrong("false, for no resource is contained in another", value)),
        "_page" => request.page = Some(value.to_owned()),
        _ if Include::is(key) => {
            let include = Include::parse(key, value)?;
            if request.includes.len() >= INCLUDES {
                return Err(Error::new(&error::PARAMETER_LIMIT)
                    .detail(format!("A search may have {INCLUDES} of _include and _revinclude.")));
            }
            if !request.includes.contains(&include) {
                request.includes.push(include);
            }
        }
        _ => {
            let filter = match key {
                "_filter" => super::filter::parse(value)?,
                _ => filter(key, key, value, 0)?,
            };
            let values =
                request.filters.iter().map(Filter::alternatives).sum::<usize>() + filter.alternatives();
            if values > VALUES {
                return Err(
                    Error::new(&error::PARAMETER_LIMIT).detail(format!("A search may have {VALUES} values."))
                );
            }
            let sent = Some((key.to_owned(), value.to_owned()));
            request.filters.push(Filter { sent, ..filter });
        }
    }
    Ok(())
}

fn filter(whole: &str, key: &str, value: &str, depth: usize) -> Result<Filter, Error> {
    if depth > CHAIN {
        return Err(Error::new(&error::PARAMETER_LIMIT).detail(format!("A chain may have {CHAIN} links.")));
    }
    if let Some(rest) = key.strip_prefix("_has").filter(|rest| rest.is_empty() || rest.starts_with(':')) {
        return reverse(whole, rest.trim_start_matches(':'), value, depth);
    }
    let (head, rest) = match key.split_once('.') {
        Some((head, rest)) => (head, Some(rest)),
        None => (key, None),
    };
    let (name, modifier) = match head.split_once(':') {
        Some((name, modifier)) => (name, Some(modifier.to_owned())),
        None => (head, None),
    };
    if name.is_empty() || rest == Some("") || modifier.as_deref() == Some("") {
        return Err(Error::new(&error::PARAMETER_UNKNOWN).detail("The name of the parameter is empty."));
    }
    let chain = match rest {
        Some(rest) => Some(Box::new(filter(whole, rest, value, depth + 1)?)),
        None => None,
    };
    let values = if chain.is_some() { Vec::new() } else { split(value) };
    if values.len() > ALTERNATIVES {
        return Err(Error::new(&error::PARAMETER_LIMIT)
            .detail(format!("A parameter may have {ALTERNATIVES} values.")));
    }
    if chain.is_none() && values.iter().any(String::is_empty) {
        return Err(Error::new(&error::PARAMETER_VALUE).detail("A value is empty."));
    }
    let (key, name) = (whole.to_owned(), name.to_owned());
    Ok(Filter { key, name, modifier, chain, values, ..Filter::default() })
}

/// What follows `_has:`, as in `Observation:patient:code`.
fn reverse(whole: &str, key: &str, value: &str, depth: usize) -> Result<Filter, Error> {
    let mut parts = key.splitn(3, ':');
    let mut part = || parts.next().filter(|part| !part.is_empty());
    let (Some(kind), Some(parameter), Some(rest)) = (part(), part(), part()) else {
        return Err(Error::new(&error::PARAMETER_UNKNOWN)
            .detail("Expected _has:[type]:[reference parameter]:[parameter]."));
    };
    Ok(Filter {
        key: whole.to_owned(),
        name: "_has".to_owned(),
        chain: Some(Box::new(filter(whole, rest, value, depth + 1)?)),
        reverse: Some(Reverse { kind: kind.to_owned(), parameter: parameter.to_owned() }),
        ..Filter::default()
    })
}

fn wrong(expected: &str, found: &str) -> Error {
    Error::new(&error::PARAMETER_VALUE).detail(format!("Expected {expected}, found \"{}\".", short(found)))
}

fn two_subsets() -> Error {
    Error::new(&error::PARAMETER_VALUE).detail("_summary and _elements do not go together.")
}

/// The beginning of a text for a message.
pub fn short(text: &str) -> String {
    let mut short: String = text.chars().take(40).filter(|character| !character.is_control()).collect();
    if text.chars().count() > 40 {
        short.push('…');
    }
    short
}

/// Splits at commas that are not escaped.
pub fn split(value: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut escaped = false;
    for character in value.chars() {
        if character == ',' && !escaped {
            parts.push(String::new());
            continue;
        }
        escaped = character == '\\' && !escaped;
        parts.last_mut().expect("there is always a part").push(character);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
        all.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn names_modifiers_chains_and_values() {
        let (request, faults) = parse(&pairs(&[
            ("subject:Patient.name:exact", "a\\,b,c"),
            ("_sort", "-date,_id"),
            ("_count", "5"),
        ]));
        assert!(faults.is_empty());
        let filter = &request.filters[0];
        assert_eq!((filter.name.as_str(), filter.modifier.as_deref()), ("subject", Some("Patient")));
        let chain = filter.chain.as_ref().unwrap();
        assert_eq!((chain.name.as_str(), chain.modifier.as_deref()), ("name", Some("exact")));
        assert_eq!(chain.values, ["a\\,b", "c"]);
        assert_eq!(request.sort[0], SortKey { name: "date".into(), descending: true });
        assert_eq!(request.count, Some(5));
    }

    #[test]
    fn reverse_chains_hold_others() {
        let (request, faults) = parse(&pairs(&[
            ("_has:Observation:patient:_has:AuditEvent:entity:agent.name:exact", "a,b"),
            ("subject:Patient._has:Encounter:patient:status", "finished"),
        ]));
        assert!(faults.is_empty());
        let reverse = |filter: &Filter| filter.reverse.clone().map(|found| (found.kind, found.parameter));
        let named = |kind: &str, parameter: &str| Some((kind.to_owned(), parameter.to_owned()));
        let first = &request.filters[0];
        assert_eq!(reverse(first), named("Observation", "patient"));
        let second = first.chain.as_ref().unwrap();
        assert_eq!(reverse(second), named("AuditEvent", "entity"));
        let third = second.chain.as_ref().unwrap();
        assert_eq!((third.name.as_str(), reverse(third)), ("agent", None));
        assert_eq!(third.chain.as_ref().unwrap().modifier.as_deref(), Some("exact"));
        let chained = request.filters[1].chain.as_ref().unwrap();
        assert_eq!(reverse(chained), named("Encounter", "patient"));
        assert_eq!(chained.chain.as_ref().unwrap().values, ["finished"]);
        let deep = "_has:Observation:patient:".repeat(9) + "code";
        for bad in [
            "_has:",
            "_has:Observation",
            "_has:Observation:patient",
            "_has:Observation:patient:",
            "_has::a:b",
            &deep,
        ] {
            assert_eq!(parse(&pairs(&[(bad, "x")])).1.len(), 1, "{bad}");
        }
    }

    #[test]
    fn messages_and_searches_have_a_size() {
        let long = "x".repeat(5000);
        let (_, faults) = parse(&pairs(&[(&long, "")]));
        assert_eq!(faults[0].error.expression().map(str::len), Some(80));
        let values = vec!["a"; 500].join(",");
        let many = parse(&pairs(&[("name", &values), ("name", &values), ("name", "b")]));
        assert_eq!((many.0.filters.len(), many.1.len()), (2, 1));
    }

    #[test]
    fn what_can_hold_once_is_a_fault_twice() {
        for pair in [
            ["_count=1", "_count=1"],
            ["_total=none", "_total=accurate"],
            ["_summary=count", "_summary=true"],
        ] {
            let pair = pair.map(|part| part.split_once('=').unwrap());
            let (request, faults) = parse(&pairs(&pair));
            assert_eq!((request.applied.len(), faults.len()), (1, 1), "{pair:?}");
        }
        // The one that is told is the one that counts: a client with lenient handling goes on with it.
        let (request, _) =
            parse(&pairs(&[("_count", "51"), ("_count", "5"), ("_sort", "name,"), ("_sort", "-date")]));
        assert_eq!(request.count, Some(51));
        assert_eq!(request.sort, [SortKey { name: "date".into(), descending: true }]);
        assert_eq!(parse(&pairs(&[("_page", "a"), ("_page", "b")])).1.len(), 1);
        assert!(
            parse(&pairs(&[("_sort", "a"), ("_sort", "b"), ("_elements", "id"), ("_elements", "name")]))
                .1
                .is_empty()
        );
    }

    #[test]
    fn faults_name_the_parameter() {
        let long = "x".repeat(5000);
        let bad = [
            ("_count", "-1"),
            ("_sort", ""),
            ("name", ""),
            ("a..b", "x"),
            ("n", long.as_str()),
            ("_total", "x"),
            ("_sort", "a,b,c,d,e,f,g,h,i,j,k"),
        ];
        for pair in bad {
            let (request, faults) = parse(&pairs(&[pair]));
            assert_eq!(faults.len(), 1, "{}", pair.0);
            assert!(request.applied.is_empty());
        }
    }
}
