//! OperationOutcome: <https://hl7.org/fhir/R4/operationoutcome.html>.

use serde::Serialize;

/// One issue of an outcome.
#[derive(Clone, Copy, Debug)]
pub struct Issue<'a> {
    /// How bad it is.
    pub severity: Severity,
    /// Of <https://hl7.org/fhir/R4/valueset-issue-type.html>: `invalid`, `not-found`.
    pub code: &'a str,
    /// What is known of the cause.
    pub diagnostics: Option<&'a str>,
    /// FHIRPaths of the elements it is about.
    pub expression: &'a [String],
    /// A sentence for people.
    pub details_text: Option<&'a str>,
}

/// <https://hl7.org/fhir/R4/valueset-issue-severity.html>
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing more was done.
    Fatal,
    /// It failed.
    Error,
    /// It worked, but may not be what was meant.
    Warning,
    /// It worked.
    Information,
}

/// The outcome with these issues as JSON. The specification asks for at least one.
///
/// Written without the model, whose types cannot be made outside of fhir-sdk without its costly builders.
pub fn operation_outcome(issues: &[Issue<'_>]) -> Vec<u8> {
    let issue = issues.iter().map(written).collect();
    let outcome = WrittenOutcome { resource_type: "OperationOutcome", issue };
    serde_json::to_vec(&outcome).expect("strings and lists can always be written as JSON")
}

fn written<'a>(issue: &Issue<'a>) -> WrittenIssue<'a> {
    WrittenIssue {
        severity: issue.severity,
        code: issue.code,
        details: issue.details_text.map(|text| WrittenDetails { text }),
        diagnostics: issue.diagnostics,
        expression: issue.expression,
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WrittenOutcome<'a> {
    resource_type: &'static str,
    issue: Vec<WrittenIssue<'a>>,
}

#[derive(Serialize)]
struct WrittenIssue<'a> {
    severity: Severity,
    code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<WrittenDetails<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    diagnostics: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    expression: &'a [String],
}

#[derive(Serialize)]
struct WrittenDetails<'a> {
    text: &'a str,
}
