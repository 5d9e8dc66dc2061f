//! How many statements an answer costs.

use gnuhealth_fhir::store::Class;

use crate::harness::{Database, Gateway};

/// A gateway of its own: the counts of a shared one belong to all tests.
#[test]
fn a_page_costs_the_same_whatever_its_length() {
    let database = Database::copy("statements");
    let gateway = Gateway::open(&database.url, "");
    let doctor = gateway.user("doctor");
    doctor.ok("Patient/1");
    let cost = |place: &str| {
        let [before, checked] = [Class::Request, Class::SignIn].map(|class| gateway.store.statements(class));
        doctor.ok(place);
        assert_eq!(gateway.store.statements(Class::SignIn), checked, "the sign-in is remembered");
        gateway.store.statements(Class::Request) - before
    };
    assert_eq!(cost("Patient/1"), 1);
    assert_eq!(cost("metadata"), 0);
    for kind in ["Patient", "Practitioner", "Organization", "Condition", "Observation"] {
        for count in [1, 10, 200] {
            assert_eq!(cost(&format!("{kind}?_count={count}")), 1, "{kind} {count}");
            assert_eq!(cost(&format!("{kind}?_count={count}&_total=accurate")), 2, "{kind} {count} total");
        }
        assert_eq!(cost(&format!("{kind}?_summary=count")), 1, "{kind}");
    }
    assert_eq!(cost("Observation?subject:Patient.name=a&_sort=-date&_count=50"), 1);
}
