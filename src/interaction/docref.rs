//! `DocumentReference/$docref`: <http://hl7.org/fhir/uv/ipa/OperationDefinition/docref>. The documents of a patient, which
//! is a search: its answer is that of the search, and its links lead there.

use crate::error::{self, Error, Result};

/// Parameters of the search that answers the operation.
///
/// # Errors
/// No patient, a parameter twice, or one that is not offered.
pub(super) fn search(pairs: &[(String, String)]) -> Result<Vec<(String, String)>> {
    let mut search = vec![("status".to_owned(), "current".to_owned())];
    let mut seen: Vec<&str> = Vec::new();
    for (name, value) in pairs {
        if seen.contains(&name.as_str()) {
            let fault = Error::new(&error::PARAMETER_VALUE).detail("$docref takes it once.");
            return Err(fault.at(name.as_str()));
        }
        let (key, value) = match name.as_str() {
            "patient" => ("patient", value.clone()),
            // Whole days and instants alike: `date` is an interval.
            "start" => ("date", format!("ge{value}")),
            "end" => ("date", format!("le{value}")),
            "type" => ("type", value.clone()),
            "_count" => ("_count", value.clone()),
            // Nothing is made on demand here, so nothing is left out or added.
            "on-demand" if ["true", "false"].contains(&value.as_str()) => {
                seen.push("on-demand");
                continue;
            }
            "on-demand" => {
                let fault = Error::new(&error::PARAMETER_VALUE).detail("Expected true or false.");
                return Err(fault.at(name.as_str()));
            }
            _ => {
                return Err(Error::new(&error::PARAMETER_UNKNOWN)
                    .detail("$docref takes patient, start, end, type, on-demand and _count.")
                    .at(name.chars().take(80).collect::<String>()));
            }
        };
        seen.push(name);
        search.push((key.to_owned(), value));
    }
    if !seen.contains(&"patient") {
        return Err(Error::new(&error::PARAMETER_VALUE)
            .detail("$docref needs the id of a patient.")
            .at("patient"));
    }
    Ok(search)
}

#[cfg(test)]
mod tests {
    use super::search;

    fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
        all.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn it_is_a_search() {
        let asked = pairs(&[("patient", "7"), ("start", "2020"), ("end", "2021-03"), ("on-demand", "true")]);
        let expected =
            pairs(&[("status", "current"), ("patient", "7"), ("date", "ge2020"), ("date", "le2021-03")]);
        assert_eq!(search(&asked).unwrap(), expected);
    }

    #[test]
    fn what_it_does_not_take_is_refused() {
        for (asked, code) in [
            (pairs(&[]), "parameter-value"),
            (pairs(&[("start", "2020")]), "parameter-value"),
            (pairs(&[("patient", "7"), ("patient", "8")]), "parameter-value"),
            (pairs(&[("patient", "7"), ("on-demand", "maybe")]), "parameter-value"),
            (pairs(&[("patient", "7"), ("profile", "x")]), "parameter-unknown"),
        ] {
            assert_eq!(search(&asked).unwrap_err().entry().code, code, "{asked:?}");
        }
    }
}
