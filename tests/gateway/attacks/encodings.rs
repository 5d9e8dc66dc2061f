//! Paths that climb, bytes that are no text, letters that look alike.

use super::{Target, parameters, some};

#[test]
fn paths_do_not_climb() {
    let target = Target::start(&[]);
    for path in [
        "/fhir/../livez/../etc/passwd",
        "/fhir/Patient/..%2f..%2fetc%2fpasswd",
        "/fhir/Patient/%2e%2e/1",
        "/fhir/Patient/%252e%252e%252f1",
        "/fhir/Patient/%c0%ae%c0%ae/1",
        "/fhir/Patient/..;/1",
        "/fhir/Patient;jsessionid=1/1",
        "/fhir/Patient/1;x=1",
        "/fhir/Patient/1%00",
        "/fhir/Patient/1%0a",
        "/fhir/Patient/1%20",
        "/fhir/Patient/%31%2f",
        "/fhir/./Patient/1",
        "/fhir//Patient/1",
        "/fhir/Patient//1",
        "/fhir%2fPatient/1",
        "/FHIR/Patient/1",
        "/fhir/patient/1",
        "/fhir/PATIENT/1",
        "/fhir/%EF%BC%B0atient/1",
        "/fhir/Pati%C3%A9nt/1",
        "/fhir/Patient/1/../2",
        "/fhir/Patient/1/_history/..%2f1",
        "/fhir/Patient\\1",
        "/fhir/Patient/1%5c",
        "/fhir/ir.model/1",
        "/fhir/res.user/1",
        "/fhir/party.party/1",
        "/fhir/$meta",
        "/fhir/Encounter/$everything",
        "/fhir/Patient/1/$export",
        "/fhir/_history/1",
        "/fhir/metadata/..",
        "/fhir/.well-known/../Patient/1",
        "/actuator",
        "/.git/config",
        "/fhir/Patient/1.json",
        "/fhir/Patient/1%3F_format=json",
    ] {
        let response = target.get(path);
        assert!([400, 404, 405].contains(&response.status), "{path}: {}", response.status);
        assert!(!response.text().contains("root:"), "{path}");
    }
    // Letters and digits may be written as their codes.
    assert_eq!(target.get("/fhir/P%61tient/%31").status, 200);
    target.survived();
}

#[test]
fn bytes_that_are_no_text_are_refused_everywhere() {
    let target = Target::start(&[]);
    let kinds = some(parameters(&target.doctor), 8);
    for bytes in ["%00", "%ff", "%c3%28", "%ed%a0%80", "%f5%80%80%80", "%e2%82", "%", "%4", "%g1", "a%00b"] {
        for (kind, parameters) in &kinds {
            for place in [
                format!("{kind}/{bytes}"),
                format!("{kind}?{bytes}=1"),
                format!("{kind}?_sort={bytes}"),
                format!("{kind}?_page={bytes}"),
            ] {
                let status = target.get(&place).status;
                assert_eq!(status, 400, "{place}");
            }
            for (name, _) in parameters.iter().take(6) {
                target.get(&format!("{kind}?{name}={bytes}")).is(400, "request-malformed");
            }
        }
        target.form("Patient/_search", &format!("name={bytes}")).is(400, "request-malformed");
    }
    target.survived();
}

#[test]
fn dates_at_the_ends_of_time_are_dates_or_refused() {
    let target = Target::start(&[]);
    for value in
        ["0001", "9999", "9999-12-31", "9999-12-31T23:59:59.999999999-14:00", "0001-01-01T00:00:00+14:00"]
    {
        for prefix in ["", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"] {
            for name in ["birthdate", "_lastUpdated"] {
                let response = target
                    .doctor
                    .search("Patient", &[(name, &format!("{prefix}{value}")), ("_summary", "count")]);
                assert_eq!(response.status, 200, "{name}={prefix}{value}: {}", response.text());
            }
        }
    }
    for value in [
        "0000",
        "0000-12-31",
        "10000",
        "-0001",
        "9999-13",
        "99999-01-01",
        "NaN",
        "infinity",
        "now",
        "2024-02-30",
    ] {
        target.get(&format!("Patient?birthdate={value}")).is(400, "parameter-value");
    }
    target.survived();
}
