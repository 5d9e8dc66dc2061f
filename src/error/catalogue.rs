//! The catalogue of errors that a client can see.

use super::Kind;

/// One entry of the catalogue. Codes are stable: scripts may rely on them.
#[derive(Debug, PartialEq, Eq)]
pub struct Entry {
    /// Stable code, lower case with dashes.
    pub code: &'static str,
    /// Kind, from which status and issue type follow.
    pub kind: Kind,
    /// Fixed sentence.
    pub sentence: &'static str,
    /// What to do.
    pub hint: &'static str,
}

macro_rules! catalogue {
    ($($(#[$doc:meta])* $name:ident = $kind:ident $code:literal, $sentence:literal, $hint:literal;)+) => {
        $($(#[$doc])* #[doc = concat!("`", $code, "`: ", $sentence)]
        pub static $name: Entry = Entry { code: $code, kind: Kind::$kind, sentence: $sentence, hint: $hint };)+
        /// Every entry, in the order of the manual.
        pub static ALL: &[&Entry] = &[$(&$name),+];
    };
}

catalogue! {
    CREDENTIAL_MISSING = Unauthorized "credential-missing", "Sign in with a GNU Health login.", "Send `Authorization: Basic` with the login and password that you use in GNU Health, or `Authorization: Bearer` with an application key.";
    CREDENTIAL_WRONG = Unauthorized "credential-wrong", "The credential is not valid, or its user is not active.", "Check login and password in the GNU Health client; an application key must be validated there, and a session not be closed.";
    SESSION_ENDED = Unauthorized "session-ended", "You are not signed in to the page, or your session there has ended.", "Sign in again.";
    PAGE_ORIGIN = Forbidden "page-origin", "This is open to the page of this server alone.", "Programs sign in with the Authorization header.";
    CREDENTIAL_SCHEME = Unauthorized "credential-scheme", "This way of signing in is not offered.", "See WWW-Authenticate for the ways that are.";
    CREDENTIAL_MALFORMED = Invalid "credential-malformed", "The Authorization header cannot be read.", "Send exactly one header: `Basic` and the base64 form of login:password, or `Bearer` and an application key.";
    SIGN_IN_THROTTLED = Throttled "sign-in-throttled", "Too many failed sign-ins.", "Wait for the time given in Retry-After.";
    REQUESTS_LIMITED = Throttled "requests-limited", "Too many requests.", "Wait for the time given in Retry-After, and send fewer at a time.";
    MODEL_FORBIDDEN = Forbidden "model-forbidden", "Your access rights in GNU Health do not include this resource type.", "Ask the administrator of GNU Health for read access to the models behind it.";
    FIELD_FORBIDDEN = Forbidden "field-forbidden", "Your access rights in GNU Health do not include the data that this parameter searches.", "Leave the parameter out.";
    EXPLANATION_FORBIDDEN = Forbidden "explanation-forbidden", "How a search is answered is told to administrators of GNU Health only.", "Leave _explain out, or ask someone who may change groups in GNU Health.";
    TRAIL_FORBIDDEN = Forbidden "trail-forbidden", "The audit trail is open to the members of certain groups of GNU Health only.", "The operator names these groups in the setting `audit_readers`.";
    TRAIL_ELSEWHERE = NotFound "trail-elsewhere", "The audit trail of this server is not in a file, so it cannot be read here.", "Read it where the operator sends it; with the setting `audit = \"file\"` it is kept in a file.";
    RESOURCE_UNKNOWN = NotFound "resource-unknown", "There is no resource with this id.", "Ids are stable; search for the resource to find its id.";
    TYPE_UNKNOWN = NotFound "type-unknown", "This server has no resources of this type.", "The CapabilityStatement at [base]/metadata lists the types served.";
    VERSION_UNKNOWN = NotFound "version-unknown", "This version of the resource is not kept.", "GNU Health keeps the current version only; read the resource without _history.";
    CONTENT_MISSING = NotFound "content-missing", "The content of this document is not to be had.", "The record has none, or its file is not where this server looks for it: give the request id to the operator.";
    SYSTEM_UNKNOWN = NotFound "system-unknown", "This code system, value set or map is not served.", "Search CodeSystem, ValueSet and ConceptMap for those that are; value sets that R4 binds elements to are known too.";
    CODE_UNKNOWN = NotFound "code-unknown", "The code system has no such code.", "ValueSet/$expand lists the codes.";
    PATH_UNKNOWN = NotFound "path-unknown", "Nothing is served at this address.", "FHIR addresses have the form [base]/[type]/[id]; see [base]/metadata.";
    INTERACTION_UNSUPPORTED = NotSupported "interaction-unsupported", "This interaction is not offered.", "The CapabilityStatement at [base]/metadata lists the interactions of each type.";
    METHOD_NOT_ALLOWED = MethodNotAllowed "method-not-allowed", "This method is not allowed here.", "See the Allow header for the methods that are.";
    NOT_ACCEPTABLE = NotAcceptable "not-acceptable", "None of the requested formats is offered.", "Ask for application/fhir+json, application/fhir+xml or application/fhir+ndjson.";
    UNSUPPORTED_MEDIA = UnsupportedMedia "unsupported-media", "The body is in a format that is not read here.", "POST [type]/_search takes application/x-www-form-urlencoded, an operation or a batch a resource as application/fhir+json or application/fhir+xml.";
    BODY_TOO_LARGE = TooLarge "body-too-large", "The body is too large.", "Send a smaller one.";
    URI_TOO_LONG = UriTooLong "uri-too-long", "The address is too long.", "Send long searches as POST [type]/_search.";
    HEADERS_TOO_LARGE = HeadersTooLarge "headers-too-large", "The headers of the request are too large.", "Send fewer or shorter headers.";
    REQUEST_SLOW = Slow "request-slow", "The body of the request did not arrive in time.", "Try again over a better connection.";
    REQUEST_MALFORMED = Invalid "request-malformed", "The request cannot be read.", "Send UTF-8, percent-encoded where needed.";
    BUNDLE_UNSUPPORTED = Invalid "bundle-unsupported", "This Bundle is not answered.", "POST [base] takes a Bundle of type batch whose entries are requests.";
    BATCH_LIMIT = Invalid "batch-limit", "The batch is too large.", "Split it into smaller ones.";
    PARAMETER_UNKNOWN = Invalid "parameter-unknown", "This search parameter is not offered.", "See the list in this outcome or in [base]/metadata; `Prefer: handling=lenient` ignores it.";
    PARAMETER_MODIFIER = Invalid "parameter-modifier", "This modifier is not offered for the parameter.", "See the FHIR specification for the modifiers of each parameter type.";
    PARAMETER_VALUE = Invalid "parameter-value", "The value of a search parameter cannot be understood.", "See the FHIR specification for the form of each parameter type.";
    PARAMETER_LIMIT = Invalid "parameter-limit", "The search is too large.", "Use fewer or shorter values.";
    INCLUDE_LIMIT = TooLarge "include-limit", "Not everything that is to be included is on this page.", "Take smaller pages with _count, or search for what is missing.";
    TYPES_CLOSED = Forbidden "types-closed", "Your access rights in GNU Health do not include some of the records behind this answer.", "Ask the administrator of GNU Health for read access to the models behind them.";
    PAGE_FOREIGN = Invalid "page-foreign", "This paging link does not belong to this search or this user.", "Start the search again.";
    PAGE_EXPIRED = Gone "page-expired", "This paging link has expired.", "Start the search again.";
    RECORD_UNMAPPABLE = Unmappable "record-unmappable", "A record cannot be expressed in FHIR and was left out.", "The operator finds the reason in the log by the request id.";
    TRAIL_LINE = Unmappable "trail-line", "The audit trail has lines that are no records.", "`gnuhealth-fhir audit verify` tells the operator what they are.";
    DATABASE_TIMEOUT = Timeout "database-timeout", "The search took too long.", "Make the search narrower, or try again later.";
    DATABASE_UNAVAILABLE = Unavailable "database-unavailable", "The database cannot be reached at the moment.", "Try again later.";
    AUDIT_UNAVAILABLE = Unavailable "audit-unavailable", "Accesses cannot be recorded at the moment, so nothing is answered.", "Try again later; the operator finds the reason in the log.";
    TRAIL_UNAVAILABLE = Unavailable "trail-unavailable", "The file of the audit trail cannot be read at the moment.", "Try again later; the operator finds the reason in the log.";
    OVERLOADED = Unavailable "overloaded", "The server has no room for this request at the moment.", "Try again later.";
    INTERNAL = Internal "internal", "The request failed because of a defect or a wrong set-up of this server.", "Give the request id to the operator.";
}

#[cfg(test)]
mod tests {
    use super::ALL;

    #[test]
    fn codes_are_unique() {
        let mut codes: Vec<_> = ALL.iter().map(|entry| entry.code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), ALL.len());
    }
}
