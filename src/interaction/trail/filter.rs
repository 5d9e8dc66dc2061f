//! Which events of the trail are wanted. Repeated parameters must all hold, of values between commas any, as in a search.

use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Map, Value};

use crate::{
    error::{Error, Result},
    interaction::operation::Call,
    search::{
        short, split,
        value::{DateValue, Prefix, ReferenceValue, unescape},
    },
};

/// What events have as `subtype`, by DICOM, FHIR and this program.
const SUBTYPES: [&str; 15] = [
    "read",
    "vread",
    "search-type",
    "search-system",
    "history-instance",
    "history-type",
    "history-system",
    "operation",
    "batch",
    "capabilities",
    "110120",
    "110121",
    "110122",
    "110123",
    "continued",
];

/// One value of a parameter.
#[derive(Debug, PartialEq)]
enum Wanted {
    Recorded(DateValue),
    About(String),
    Agent(String),
    Action(String),
    Outcome(String),
    Subtype(String),
}

/// What all parameters ask for together.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Filter(Vec<Vec<Wanted>>);

impl Filter {
    /// Reads the parameters of a call; dates without a zone are those of `zone`.
    ///
    /// # Errors
    /// A value that no event could have.
    pub(super) fn of(call: &Call, base: &str, zone: &TimeZone, now: Timestamp) -> Result<Self> {
        let mut all = Vec::new();
        for (name, values) in &call.given.pairs {
            if name == "_count" || name == "_page" {
                continue;
            }
            let any = split(values).into_iter().map(|text| {
                let wrong = |expected: &str| {
                    let found = short(&text);
                    call.wrong(name, &format!("Expected {expected}, found \"{found}\"."))
                };
                let at = |error: Error| error.at(name.as_str());
                let reference = || {
                    let value = ReferenceValue::parse(&text).map_err(at)?;
                    match value.base.as_deref() {
                        Some(other) if other != base => Err(wrong("an address of this server")),
                        _ => Ok(value),
                    }
                };
                let one_of = |codes: &[&str]| match codes.contains(&text.as_str()) {
                    true => Ok(text.clone()),
                    false => Err(wrong(&format!("one of {}", codes.join(", ")))),
                };
                Ok(match name.as_str() {
                    "date" => Wanted::Recorded(DateValue::parse(&text, zone, now).map_err(at)?),
                    "patient" => match reference()? {
                        ReferenceValue { kind, id, .. }
                            if kind.as_deref().is_none_or(|kind| kind == "Patient") =>
                        {
                            Wanted::About(format!("Patient/{id}"))
                        }
                        _ => return Err(wrong("Patient/[id] or [id]")),
                    },
                    "entity" => match reference()? {
                        ReferenceValue { kind: Some(kind), id, .. } => Wanted::About(format!("{kind}/{id}")),
                        _ => return Err(wrong("[type]/[id]")),
                    },
                    "agent" => match unescape(&text).map_err(at)? {
                        login if login.is_empty() => return Err(wrong("the login of a user")),
                        login => Wanted::Agent(login),
                    },
                    "action" => Wanted::Action(one_of(&["R", "E"])?),
                    "outcome" => Wanted::Outcome(one_of(&["0", "4", "8", "12"])?),
                    "subtype" => Wanted::Subtype(one_of(&SUBTYPES)?),
                    // The operation takes no other.
                    _ => return Err(wrong("nothing")),
                })
            });
            all.push(any.collect::<Result<_>>()?);
        }
        Ok(Self(all))
    }

    /// The event is wanted.
    pub(super) fn holds(&self, event: &Map<String, Value>) -> bool {
        self.0.iter().all(|any| any.iter().any(|wanted| wanted.holds(event)))
    }
}

impl Wanted {
    fn holds(&self, event: &Map<String, Value>) -> bool {
        let is = |name: &str, text: &str| event.get(name).is_some_and(|value| value == text);
        match self {
            Self::Recorded(date) => event
                .get("recorded")
                .and_then(Value::as_str)
                .and_then(|text| text.parse().ok())
                .is_some_and(|time| is_at(date, time)),
            Self::About(address) => references(event).any(|reference| reference == address),
            Self::Agent(login) => items(event, "agent").any(|agent| agent["altId"] == login.as_str()),
            Self::Action(code) => is("action", code),
            Self::Outcome(code) => is("outcome", code),
            Self::Subtype(code) => items(event, "subtype").any(|coding| coding["code"] == code.as_str()),
        }
    }
}

/// What an event is about: addresses below the base.
pub(super) fn references(event: &Map<String, Value>) -> impl Iterator<Item = &str> {
    items(event, "entity").filter_map(|entity| entity["what"]["reference"].as_str())
}

fn items<'e>(event: &'e Map<String, Value>, name: &str) -> impl Iterator<Item = &'e Value> + use<'e> {
    event.get(name).and_then(Value::as_array).into_iter().flatten()
}

/// A point in time against a range: <https://hl7.org/fhir/R4/search.html#prefix>.
fn is_at(DateValue { prefix, range, .. }: &DateValue, time: Timestamp) -> bool {
    let within = range.start <= time && (time < range.end || range.endless());
    let later = !within && time >= range.end;
    let earlier = time < range.start;
    match prefix {
        Prefix::Eq | Prefix::Ap => within,
        Prefix::Ne => !within,
        Prefix::Gt | Prefix::Sa => later,
        Prefix::Lt | Prefix::Eb => earlier,
        Prefix::Ge => within || later,
        Prefix::Le => within || earlier,
    }
}

#[cfg(test)]
mod tests {
    use jiff::{Timestamp, tz::TimeZone};
    use serde_json::json;

    use super::Filter;
    use crate::{error::Result, interaction::operation::call};

    fn filter(pairs: &[(&str, &str)]) -> Result<Filter> {
        let zone = TimeZone::get("America/Argentina/Buenos_Aires").unwrap();
        Filter::of(&call("AuditEvent", "trail", pairs), "http://h/fhir", &zone, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn all_parameters_hold_and_any_of_their_values() {
        let event = json!({
            "recorded": "2026-11-22T02:30:00.123456789Z", "action": "R", "outcome": "0",
            "subtype": [{ "code": "read" }, { "code": "continued" }],
            "agent": [{ "altId": "doctor,1" }],
            "entity": [{ "what": { "identifier": { "value": "Patient/9" } } }, { "query": "x" },
                { "what": { "reference": "Patient/5" } }, { "what": { "reference": "Observation/eval-7-bmi" } }],
        });
        let event = event.as_object().unwrap();
        for (pairs, expected) in [
            (&[][..], true),
            // A day of the site, whose clock is three hours behind.
            (&[("date", "2026-11-21")], true),
            (&[("date", "2026-11-22")], false),
            (&[("date", "eq2026-11-22T02:30:00Z")], true),
            (&[("date", "ge2026-11-21"), ("date", "le2026-11-21")], true),
            (&[("date", "gt2026-11-21")], false),
            (&[("date", "lt2026-11-21")], false),
            (&[("date", "gt2026-11-20"), ("date", "lt2026-11-22")], true),
            (&[("date", "gt2026-11-22T02:30:00.123456Z")], false),
            (&[("date", "ne2026-11-21")], false),
            (&[("date", "le9999")], true),
            (&[("date", "2026-11-22,2026-11-21")], true),
            (&[("patient", "5")], true),
            (&[("patient", "Patient/5")], true),
            (&[("patient", "http://h/fhir/Patient/5")], true),
            (&[("patient", "9")], false),
            (&[("patient", "9,5"), ("entity", "Observation/eval-7-bmi")], true),
            (&[("patient", "5"), ("patient", "9")], false),
            (&[("entity", "Observation/eval-7-bm")], false),
            (&[("agent", r"doctor\,1")], true),
            (&[("agent", "doctor,nurse")], false),
            (&[("agent", r"Doctor\,1")], false),
            (&[("action", "E,R"), ("outcome", "0"), ("subtype", "continued")], true),
            (&[("action", "E")], false),
            (&[("outcome", "4,8,12")], false),
            (&[("subtype", "vread")], false),
            (&[("_count", "0"), ("_page", "x")], true),
        ] {
            assert_eq!(filter(pairs).unwrap().holds(event), expected, "{pairs:?}");
        }
        let empty = json!({});
        assert!(!filter(&[("date", "le9999")]).unwrap().holds(empty.as_object().unwrap()));
    }

    #[test]
    fn what_no_event_could_have_is_refused_with_its_name() {
        for (name, value) in [
            ("date", "yesterday"),
            ("date", ""),
            ("patient", "Observation/1"),
            ("patient", "5,"),
            ("patient", "http://other/fhir/Patient/5"),
            ("entity", "eval-7-bmi"),
            ("agent", ""),
            ("agent", r"a\b"),
            ("action", "C"),
            ("action", "r"),
            ("outcome", "1"),
            ("subtype", "reads"),
        ] {
            let error = filter(&[(name, value)]).unwrap_err();
            assert_eq!((error.entry().code, error.expression()), ("parameter-value", Some(name)), "{value}");
        }
        let said = filter(&[("action", "C")]).unwrap_err().text();
        assert!(said.ends_with("Expected one of R, E, found \"C\"."), "{said}");
    }
}
