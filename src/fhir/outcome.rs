//! OperationOutcome (<https://hl7.org/fhir/R4/operationoutcome.html>).
//!
//! The only place where an error's kind becomes a FHIR issue type.

use serde_json::{Map, Value, json};

use crate::error::{Error, Kind};

/// Code system of the error codes.
pub const ERROR_SYSTEM: &str = "https://gnuhealth-fhir/error";

/// How bad an issue is (<https://hl7.org/fhir/R4/valueset-issue-severity.html>).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Nothing was done.
    Error,
    /// Something was left out of what was done.
    Warning,
    /// Good to know.
    Information,
}

/// One issue of an outcome.
#[derive(Clone, Copy, Debug)]
pub struct Issue<'a> {
    severity: Severity,
    error: &'a Error,
}

impl<'a> Issue<'a> {
    /// The error ended the request.
    pub fn error(error: &'a Error) -> Self {
        Self { severity: Severity::Error, error }
    }

    /// The request was answered in spite of the error: an entry of a Bundle with `search.mode` `outcome`.
    pub fn warning(error: &'a Error) -> Self {
        Self { severity: Severity::Warning, error }
    }

    /// As [`Issue::warning`], where nothing is missing from the answer.
    pub fn information(error: &'a Error) -> Self {
        Self { severity: Severity::Information, error }
    }

    fn value(self, request: Option<&str>) -> Value {
        let Self { severity, error } = self;
        let entry = error.entry();
        let severity = match (severity, entry.kind) {
            (Severity::Error, Kind::Internal) => "fatal",
            (Severity::Error, _) => "error",
            (Severity::Warning, _) => "warning",
            (Severity::Information, _) => "information",
        };
        let diagnostics = match request {
            Some(id) => format!("{} (request {id})", entry.hint),
            None => entry.hint.to_owned(),
        };
        let mut issue = Map::new();
        issue.insert("severity".into(), severity.into());
        issue.insert("code".into(), issue_type(entry.kind).into());
        let coding = json!([{ "system": ERROR_SYSTEM, "code": entry.code, "display": entry.sentence }]);
        issue.insert("details".into(), json!({ "coding": coding, "text": error.text() }));
        issue.insert("diagnostics".into(), diagnostics.into());
        if let Some(place) = error.expression() {
            // An element is a FHIRPath expression; a parameter is "http." and its name, which only `location` may hold
            // (https://hl7.org/fhir/R4/operationoutcome-definitions.html#OperationOutcome.issue.location).
            if place.starts_with(|first: char| first.is_ascii_uppercase()) {
                issue.insert("expression".into(), json!([place]));
            } else {
                issue.insert("location".into(), json!([format!("http.{place}")]));
            }
        }
        Value::Object(issue)
    }
}

/// An OperationOutcome with these issues (at least one, says FHIR); `request` is the id for the operator.
pub fn outcome(issues: &[Issue<'_>], request: Option<&str>) -> Value {
    let issues: Vec<Value> = issues.iter().map(|issue| issue.value(request)).collect();
    json!({ "resourceType": "OperationOutcome", "issue": issues })
}

/// An issue that no error of the catalogue stands for: what an operation found.
pub fn issue(severity: &str, code: &str, text: &str, expression: Option<&str>) -> Value {
    let mut issue = json!({ "severity": severity, "code": code, "details": { "text": text } });
    if let Some(expression) = expression {
        issue["expression"] = json!([expression]);
    }
    issue
}

/// Issue type of a kind (<https://hl7.org/fhir/R4/valueset-issue-type.html>).
fn issue_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Invalid => "invalid",
        Kind::NotSupported | Kind::MethodNotAllowed | Kind::NotAcceptable | Kind::UnsupportedMedia => {
            "not-supported"
        }
        Kind::Unauthorized => "login",
        Kind::Forbidden => "forbidden",
        Kind::NotFound | Kind::Gone => "not-found",
        Kind::TooLarge | Kind::UriTooLong | Kind::HeadersTooLarge => "too-long",
        Kind::Throttled => "throttled",
        Kind::Timeout | Kind::Slow => "timeout",
        Kind::Unavailable => "transient",
        Kind::Unmappable => "processing",
        Kind::Internal => "exception",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Issue, outcome};
    use crate::error::{self, Error};

    #[test]
    fn an_issue_tells_code_sentence_hint_and_place_but_not_the_cause() {
        let error = Error::new(&error::PARAMETER_VALUE)
            .detail("\"x\" is not a date.")
            .at("birthdate")
            .cause("secret");
        let outcome = outcome(&[Issue::error(&error)], Some("r1"));
        assert_eq!(
            outcome,
            json!({ "resourceType": "OperationOutcome", "issue": [{
                "severity": "error",
                "code": "invalid",
                "details": {
                    "coding": [{
                        "system": "https://gnuhealth-fhir/error",
                        "code": "parameter-value",
                        "display": "The value of a search parameter cannot be understood.",
                    }],
                    "text": "The value of a search parameter cannot be understood. \"x\" is not a date.",
                },
                "diagnostics": "See the FHIR specification for the form of each parameter type. (request r1)",
                "location": ["http.birthdate"],
            }] })
        );
    }

    #[test]
    fn several_issues_keep_their_severity() {
        let left_out = Error::new(&error::RECORD_UNMAPPABLE).at("Patient.birthDate");
        let failed = Error::new(&error::INTERNAL);
        let outcome =
            outcome(&[Issue::warning(&left_out), Issue::error(&failed), Issue::information(&failed)], None);
        let severity = |at: usize| outcome["issue"][at]["severity"].as_str().unwrap().to_owned();
        assert_eq!([severity(0), severity(1), severity(2)], ["warning", "fatal", "information"]);
        assert_eq!(outcome["issue"][0]["expression"], json!(["Patient.birthDate"]));
    }
}
