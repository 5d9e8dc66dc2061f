//! `DocumentReference/$docref`: <http://hl7.org/fhir/uv/ipa/OperationDefinition/docref>. The documents of a patient, which
//! is a search: its answer is that of the search, and its links lead there.

use super::operation::Call;
use crate::error::Result;

/// Parameters of the search that answers the operation.
///
/// # Errors
/// No patient, a parameter twice, or a value of no use.
pub(super) fn search(call: &Call) -> Result<Vec<(String, String)>> {
    let mut search = vec![("status".to_owned(), "current".to_owned())];
    let mut add = |name: &str, value: String| search.push((name.to_owned(), value));
    add("patient", call.needed("patient", "the id of a patient")?.to_owned());
    // Whole days and instants alike: `date` is an interval.
    for (name, prefix) in [("start", "ge"), ("end", "le")] {
        if let Some(value) = call.one(name)? {
            add("date", format!("{prefix}{value}"));
        }
    }
    for name in ["type", "_count"] {
        if let Some(value) = call.one(name)? {
            add(name, value.to_owned());
        }
    }
    // Nothing is made on demand here, so nothing is left out or added.
    call.flag("on-demand")?;
    Ok(search)
}

#[cfg(test)]
mod tests {
    use super::{super::operation::call, search};

    #[test]
    fn it_is_a_search() {
        let asked = [("patient", "7"), ("start", "2020"), ("end", "2021-03"), ("on-demand", "true")];
        let expected = [("status", "current"), ("patient", "7"), ("date", "ge2020"), ("date", "le2021-03")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(search(&call("DocumentReference", "docref", &asked)).unwrap(), expected);
    }

    #[test]
    fn what_is_missing_or_of_no_use_is_refused() {
        for asked in [
            &[][..],
            &[("start", "2020")],
            &[("patient", "7"), ("patient", "8")],
            &[("patient", "7"), ("on-demand", "maybe")],
        ] {
            let error = search(&call("DocumentReference", "docref", asked)).unwrap_err();
            assert_eq!(error.entry().code, "parameter-value", "{asked:?}");
        }
    }
}
