//! What the language means, on a small catalogue.

use super::{
    Compiled, Files, Findings, Options, compile,
    compiled::{Condition, Expression, Kind, Node, ResourceType, Slot, Way},
};
use crate::tryton::{Catalog, Field, FieldKind, Model, Name, Series};

fn model(name: &str, fields: &[(&str, FieldKind)]) -> (Name, Model) {
    let mut model = Model::new(name);
    for (field, kind) in fields {
        model.fields.insert(Field::new(*field, kind.clone()));
    }
    (name.into(), model)
}

fn to(target: &str) -> FieldKind {
    FieldKind::Many2One { target: target.into() }
}

/// GNU Health with few fields, all of them real.
fn catalog() -> Catalog {
    use FieldKind::{Boolean, Char, DateTime, Float, Integer, Reference};
    let mechanisms = FieldKind::One2Many {
        target: "party.contact_mechanism".into(),
        inverse: Some("party".into()),
        by_reference: false,
    };
    let models = [
        model(
            "party.party",
            &[
                ("id", Integer),
                ("name", Char),
                ("deceased", Boolean),
                ("death_certificate", to("gnuhealth.death_certificate")),
                ("contact_mechanisms", mechanisms),
            ],
        ),
        model("party.contact_mechanism", &[("id", Integer), ("party", to("party.party")), ("value", Char)]),
        model("gnuhealth.patient", &[("id", Integer), ("party", to("party.party"))]),
        model(
            "gnuhealth.death_certificate",
            &[("id", Integer), ("party", to("party.party")), ("dod", DateTime), ("cod", Integer)],
        ),
        model("ir.attachment", &[("id", Integer), ("name", Char), ("resource", Reference)]),
        model(
            "gnuhealth.lab.test.critearea",
            &[("id", Integer), ("name", Char), ("result", Float), ("lower_limit", Float)],
        ),
    ];
    Catalog {
        series: Series::V7_0,
        gnuhealth: "5.0",
        modules: ["health".to_owned()].into(),
        models: models.into(),
        tables: std::collections::BTreeSet::new(),
        role: String::new(),
        language: "en".to_owned(),
        unaccent: false,
        similarity: false,
        server: String::new(),
    }
}

fn compiled(text: &str) -> (Compiled, Findings) {
    let mut files = Files::default();
    files.insert("Test.toml", text);
    compile(&files, &catalog(), &Options { site: "http://site.example".to_owned() })
}

fn sound(text: &str) -> ResourceType {
    let (mut compiled, findings) = compiled(text);
    assert!(findings.0.is_empty(), "{findings:?}");
    compiled.types.pop_first().expect("the mapping makes a type").1
}

fn rules(text: &str) -> Vec<String> {
    compiled(text).1.0.iter().map(|finding| finding.rule.to_string()).collect()
}

fn node<'a>(kind: &'a ResourceType, element: &str) -> Option<&'a Node> {
    let body = &kind.sources[0].emits[0].body;
    body.members.iter().find(|member| member.name == element).map(|member| &member.node)
}

const OBSERVATION: &str = r#"
type = "Observation"
model = "gnuhealth.lab.test.critearea"
[element]
status = "=final"
code = { text = "name" }
"#;
const PATIENT: &str = "type = \"Patient\"\nmodel = \"gnuhealth.patient\"\n[element]\n";
const CONDITION: &str = "type = \"Condition\"\nmodel = \"gnuhealth.death_certificate\"\n[element]\n";

#[test]
fn numbers_are_compared_with_numbers_and_with_fields() {
    let kind = sound(&format!(
        "{OBSERVATION}valueString = {{ case = [
          {{ when = {{ result = {{ below = \"lower_limit\" }} }}, then = \"=low\" }},
          {{ when = {{ result = {{ above = 0.5 }} }}, then = \"=more\" }},
        ] }}"
    ));
    let Some(Node::Leaf(leaf)) = node(&kind, "valueString") else { panic!("a leaf") };
    let Expression::Case(branches) = leaf.expression.as_ref() else { panic!("a case") };
    let field = |expression: &Expression| match expression {
        Expression::Column(column) => column.field.to_string(),
        Expression::Number(number) => number.clone(),
        other => panic!("{other:?}"),
    };
    let sides = |condition: &Condition| match condition {
        Condition::All(all) => match all.as_slice() {
            [Condition::Above(left, right)] => (field(left), field(right)),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    assert_eq!(sides(&branches[0].0), ("lower_limit".to_owned(), "result".to_owned()));
    assert_eq!(sides(&branches[1].0), ("result".to_owned(), "0.5".to_owned()));
    let same = sound(&format!(
        "{OBSERVATION}valueString = {{ when = {{ result = {{ same = \"lower_limit\" }} }}, path = \"name\" }}"
    ));
    let holds = |slot: &Slot| matches!(slot, Slot::Holds(holds) if matches!(&**holds, Condition::All(all) if matches!(all.as_slice(), [Condition::Same(..)])));
    assert!(same.sources[0].row.slots.iter().any(holds));
    let text = format!(
        "{OBSERVATION}valueString = {{ when = {{ result = {{ above = \"name\" }} }}, path = \"name\" }}"
    );
    assert_eq!(rules(&text), ["condition"]);
}

#[test]
fn a_path_goes_back_to_the_first_row_that_points_here() {
    // The patients must be served for a reference to them.
    let mut files = Files::default();
    files.insert("Patient.toml", &format!("{PATIENT}deceasedBoolean = \"party.deceased\""));
    let text = format!(
        "{CONDITION}subject = {{ reference = \"Patient\", path = \"party/gnuhealth.patient[party].id\" }}"
    );
    files.insert("Condition.toml", &text);
    let (compiled, findings) = compile(&files, &catalog(), &Options { site: String::new() });
    assert!(findings.0.is_empty(), "{findings:?}");
    let Some(Node::Reference(reference)) = node(&compiled.types["Condition"], "subject") else {
        panic!("a reference")
    };
    assert_eq!(reference.model, "gnuhealth.patient");
    let Expression::Column(column) = reference.expression.as_ref() else { panic!("a column") };
    let hops: Vec<_> =
        column.hops.iter().map(|hop| (hop.field.as_str(), hop.target.as_str(), hop.way)).collect();
    let expected = [("party", "party.party", Way::Forward), ("party", "gnuhealth.patient", Way::Back)];
    assert_eq!(hops, expected);
    assert!(compiled.models().contains("gnuhealth.patient"));
    let wrong = format!("{CONDITION}subject = {{ display = \"party/gnuhealth.patient[id].id\" }}");
    assert_eq!(rules(&wrong), ["path-reverse"]);
}

#[test]
fn a_typed_reference_leads_to_rows_of_one_model() {
    const DOCUMENT: &str =
        "type = \"DocumentReference\"\nmodel = \"ir.attachment\"\n[element]\nstatus = \"=current\"
        content = [{ attachment = { title = \"name\" } }]\n";
    let mut files = Files::default();
    files.insert("Patient.toml", &format!("{PATIENT}deceasedBoolean = \"party.deceased\""));
    let text = format!(
        "{DOCUMENT}subject = {{ reference = \"Patient\", path = {{ first = [
            \"resource[gnuhealth.patient]\", \"resource[gnuhealth.death_certificate].party/gnuhealth.patient[party].id\",
            \"resource[party.party]/gnuhealth.patient[party].id\" ] }} }}"
    );
    files.insert("DocumentReference.toml", &text);
    let (compiled, findings) = compile(&files, &catalog(), &Options { site: String::new() });
    assert!(findings.0.is_empty(), "{findings:?}");
    let Some(Node::Reference(reference)) = node(&compiled.types["DocumentReference"], "subject") else {
        panic!("a reference")
    };
    let Expression::First(all) = reference.expression.as_ref() else { panic!("a choice") };
    let hops = |value: &Expression| -> Vec<(Name, Name, Way)> {
        let Expression::Column(column) = value else { panic!("a column") };
        assert_eq!(column.field, "id");
        column.hops.iter().map(|hop| (hop.field, hop.target, hop.way)).collect()
    };
    let to = |field: &str, target: &str, way: Way| (Name::from(field), Name::from(target), way);
    let patient = || to("party", "gnuhealth.patient", Way::Back);
    let party = || to("party", "party.party", Way::Forward);
    let typed = |target: &str| to("resource", target, Way::Typed);
    assert_eq!(hops(&all[0]), [typed("gnuhealth.patient")]);
    assert_eq!(hops(&all[1]), [typed("gnuhealth.death_certificate"), party(), patient()]);
    assert_eq!(hops(&all[2]), [typed("party.party"), patient()]);
    for (path, rule) in [
        ("name[gnuhealth.patient].id", "path-reference"),
        ("resource.party", "path-step"),
        ("resource[gnuhealth.patiend].party.name", "model-unknown"),
        ("resource[gnuhealth.patient].nme", "field-unknown"),
    ] {
        assert_eq!(rules(&format!("{DOCUMENT}description = \"{path}\"")), [rule], "{path}");
    }
    // A model of GNU Health that this database lacks.
    let kind = sound(&format!("{DOCUMENT}description = \"resource[gnuhealth.surgery].description\""));
    assert!(node(&kind, "description").is_none());
}

#[test]
fn a_resource_about_a_type_that_is_not_served_is_left_out() {
    let text = "type = \"Provenance\"\nmodel = \"gnuhealth.patient\"\n[element]\nrecorded = \"party.death_certificate.dod\"
        agent = [{ who = { display = \"party.name\" } }]\ntarget = [{ reference = \"Patient\", path = \"id\" }]\n";
    let mut files = Files::default();
    files.insert("Provenance.toml", text);
    let types = |files: &Files| {
        let (compiled, findings) = compile(files, &catalog(), &Options { site: String::new() });
        assert!(findings.0.is_empty(), "{findings:?}");
        compiled.types.into_keys().collect::<Vec<_>>()
    };
    assert!(types(&files).is_empty());
    files.insert("Patient.toml", &format!("{PATIENT}deceasedBoolean = \"party.deceased\""));
    assert_eq!(types(&files), ["Patient", "Provenance"]);
}

#[test]
fn rows_know_their_position_and_their_order() {
    let kind = sound(&format!(
        "{PATIENT}telecom = {{ each = \"party.contact_mechanisms\", value = \"value\", rank = \"#\",
          order = [{{ case = [{{ when = \"value\", then = \"=0\" }}, {{ then = \"=1\" }}] }}, \"-value\"] }}"
    ));
    let Some(Node::Each { each, node }) = node(&kind, "telecom") else { panic!("rows") };
    let Node::Object(object) = node.as_ref() else { panic!("an object") };
    assert!(object.members.iter().any(|member| matches!(member.node, Node::Position)));
    let order = &kind.sources[0].row.eaches[*each].order;
    assert!(matches!(order.as_slice(), [(Expression::Case(_), false), (Expression::Column(_), true)]));
    let outside = format!("{PATIENT}telecom = [{{ value = \"party.name\", rank = \"#\" }}]");
    assert_eq!(rules(&outside), ["row-number"]);
}

#[test]
fn constants_beside_a_missing_value_are_left_out() {
    // `citizenship` is a field of GNU Health that this database lacks.
    let kind = sound(&format!(
        "{PATIENT}deceasedBoolean = \"party.deceased\"
         maritalStatus = {{ coding = [{{ system = \"=http://a.example\", code = \"party.citizenship.code\" }}], text = \"=said\" }}
         identifier = [{{ system = \"=http://b.example\", value = \"=constant\" }}]"
    ));
    assert!(node(&kind, "maritalStatus").is_none());
    assert!(node(&kind, "identifier").is_some());
}

#[test]
fn a_required_part_that_this_database_lacks_leaves_its_table_out() {
    // Nobody serves `Organization`, and `citizenship` is a field that this database lacks.
    let kind = sound(&format!(
        "{PATIENT}link = [{{ other = {{ reference = \"Organization\", path = \"party\" }}, type = \"=seealso\", id = \"party.name\" }}]
         contact = [{{ name = {{ text = \"party.name\" }}, gender = \"party.citizenship.code\" }}]"
    ));
    assert!(node(&kind, "link").is_none());
    assert!(node(&kind, "contact").is_some());
}

#[test]
fn what_must_not_be_missing_is_written_without_its_fields_too() {
    let kind = sound(&format!(
        "{CONDITION}subject = {{ display = \"party.name\" }}
         recordedDate = {{ path = \"party.citizenship.code\", absent = \"unknown\" }}
         onsetString = \"party.citizenship.code\"
         abatementDateTime = \"dod\""
    ));
    assert!(matches!(node(&kind, "recordedDate"), Some(Node::List(nodes)) if nodes.is_empty()));
    assert!(node(&kind, "onsetString").is_none());
}

#[test]
fn a_reference_names_the_source_of_its_target() {
    let mut files = Files::default();
    let patients = "type = \"Patient\"\n[source.one]\nmodel = \"gnuhealth.patient\"\nid = \"a\"\nelement.deceasedBoolean = \"party.deceased\"\n\
                    [source.two]\nmodel = \"gnuhealth.patient\"\nid = \"b\"\nelement.deceasedBoolean = \"party.deceased\"\n\
                    [source.gone]\nmodel = \"gnuhealth.patient\"\nmodule = \"health_absent\"\nid = \"c\"\nelement.deceasedBoolean = \"party.deceased\"\n";
    files.insert("Patient.toml", patients);
    let path = "party/gnuhealth.patient[party].id";
    let to = |source: &str| format!("{{ reference = \"Patient\"{source}, path = \"{path}\" }}");
    let text = format!(
        "{CONDITION}subject = {}\nrecorder = {}\nasserter = {}",
        to(""),
        to(", source = \"two\""),
        to(", source = \"gone\"")
    );
    files.insert("Condition.toml", &text);
    let (compiled, findings) = compile(&files, &catalog(), &Options { site: String::new() });
    assert!(findings.0.is_empty(), "{findings:?}");
    let prefix = |element: &str| match node(&compiled.types["Condition"], element) {
        Some(Node::Reference(reference)) => reference.prefix,
        _ => None,
    };
    assert_eq!(prefix("subject").as_deref(), Some("a"));
    assert_eq!(prefix("recorder").as_deref(), Some("b"));
    assert_eq!(prefix("asserter"), None);
}

#[test]
fn what_this_database_cannot_give_is_no_target() {
    // `citizenship` is a field of GNU Health that this database lacks.
    let patients = "type = \"Patient\"\n[source.gone]\nmodel = \"gnuhealth.patient\"\nid = \"a\"\nwhere = { \"party.citizenship\" = true }\n\
                    element.deceasedBoolean = \"party.deceased\"\n";
    let rest = "[source.rest]\nmodel = \"gnuhealth.patient\"\nid = \"b\"\nelement.deceasedBoolean = \"party.deceased\"\n";
    let subject = |patients: String| {
        let mut files = Files::default();
        files.insert("Patient.toml", &patients);
        let path = "party/gnuhealth.patient[party].id";
        files.insert(
            "Condition.toml",
            &format!("{CONDITION}subject = {{ reference = \"Patient\", path = \"{path}\" }}"),
        );
        let (compiled, findings) = compile(&files, &catalog(), &Options { site: String::new() });
        assert!(findings.0.is_empty(), "{findings:?}");
        let kind = compiled.types.get("Condition")?;
        match node(kind, "subject") {
            Some(Node::Reference(reference)) => reference.prefix,
            _ => panic!("a reference"),
        }
    };
    assert_eq!(subject(patients.to_owned()), None, "a condition of nobody is not served");
    assert_eq!(subject(format!("{patients}{rest}")).as_deref(), Some("b"));
}

#[test]
fn a_reference_names_one_of_the_resources_of_a_record() {
    let observations = "type = \"Observation\"\nmodel = \"gnuhealth.lab.test.critearea\"\n[element]\nstatus = \"=final\"\ncode = { text = \"name\" }\n\
                        [[emit]]\nkey = \"a\"\nvalueString = \"name\"\n[[emit]]\nkey = \"b\"\nvalueString = \"name\"\n\
                        [[emit]]\nkey = \"gone\"\nwhen = \"test_method\"\nvalueString = \"name\"\n";
    let report = |target: &str| {
        let mut files = Files::default();
        files.insert("Observation.toml", observations);
        files.insert(
            "DiagnosticReport.toml",
            &format!(
                "type = \"DiagnosticReport\"\nmodel = \"gnuhealth.lab.test.critearea\"\n[element]\nstatus = \"=final\"\n\
                 code = {{ text = \"name\" }}\nresult = [{{ reference = \"Observation\", {target}path = \"id\" }}]"
            ),
        );
        let (compiled, findings) = compile(&files, &catalog(), &Options { site: String::new() });
        let rules: Vec<_> = findings.0.iter().map(|finding| finding.rule).collect();
        let key = match node(&compiled.types["DiagnosticReport"], "result") {
            Some(Node::List(all)) => match &all[0] {
                Node::Reference(reference) => reference.key,
                _ => None,
            },
            _ => None,
        };
        (key, rules)
    };
    assert_eq!(report("key = \"b\", "), (Some("b".into()), vec![]));
    assert_eq!(
        report("key = \"gone\", "),
        (None, vec![]),
        "`test_method` is a field that this database lacks"
    );
    assert_eq!(report("key = \"c\", "), (None, vec!["reference-key"]));
    assert_eq!(report(""), (None, vec!["reference-key"]));
}

#[test]
fn a_part_of_a_text() {
    let kind = sound(&format!("{OBSERVATION}valueString = {{ path = \"name\", extract = '^([0-9]+)' }}"));
    let Some(Node::Leaf(leaf)) = node(&kind, "valueString") else { panic!("a leaf") };
    assert!(matches!(leaf.expression.as_ref(), Expression::Extract(_, pattern) if pattern == "^([0-9]+)"));
    assert!(kind.sources[0].row.slots.contains(&Slot::Value(leaf.expression.clone())));
}

#[test]
fn numbers_are_reckoned() {
    let kind = sound(&format!(
        "{OBSERVATION}valueQuantity = {{ value = {{ product = [\"result\", \"lower_limit\"] }} }}
         component = [{{ code = {{ text = \"name\" }}, valueInteger = {{ sum = [\"id\", 1] }} }}]"
    ));
    let slots = &kind.sources[0].row.slots;
    let kinds: Vec<_> = slots
        .iter()
        .filter_map(|slot| match slot {
            Slot::Value(value) if matches!(**value, Expression::Product(_) | Expression::Sum(_)) => {
                Some(value.kind())
            }
            _ => None,
        })
        .collect();
    assert_eq!(kinds, [Kind::Numeric, Kind::Integer]);
    // A sum with a fraction is no whole number, and a text is no number.
    let fraction = format!("{OBSERVATION}valueInteger = {{ sum = [\"id\", 0.5] }}");
    assert_eq!(rules(&fraction), ["type-mismatch"]);
    let text = format!("{OBSERVATION}valueQuantity = {{ value = {{ product = [\"name\", 2] }} }}");
    assert_eq!(rules(&text), ["type-mismatch"]);
}

#[test]
fn a_reference_names_the_source_when_several_are_made_of_a_model() {
    let mut files = Files::default();
    files.insert(
        "Organization.toml",
        "type = \"Organization\"
         [source.first]
         model = \"party.party\"
         id = \"a\"
         element = { name = \"name\" }
         [source.second]
         model = \"party.party\"
         id = \"b\"
         element = { name = \"name\" }",
    );
    let text = format!(
        "{PATIENT}managingOrganization = {{ reference = \"Organization\", source = \"second\", path = \"party\" }}
         generalPractitioner = [{{ reference = \"Organization\", path = \"party\" }}]"
    );
    files.insert("Patient.toml", &text);
    let (compiled, findings) = compile(&files, &catalog(), &Options { site: String::new() });
    assert!(findings.0.is_empty(), "{findings:?}");
    let patient = &compiled.types["Patient"];
    let Some(Node::Reference(named)) = node(patient, "managingOrganization") else { panic!("a reference") };
    assert_eq!(named.prefix.as_deref(), Some("b"));
    let Some(Node::List(all)) = node(patient, "generalPractitioner") else { panic!("a list") };
    assert!(matches!(&all[0], Node::Reference(first) if first.prefix.as_deref() == Some("a")));
}

#[test]
fn the_latest_of_rows_is_a_day_or_a_moment() {
    let kind = sound(&format!(
        "{PATIENT}deceasedDateTime = {{ latest = {{ each = \"party/gnuhealth.death_certificate[party]\", where = \"cod\", path = \"dod\" }} }}"
    ));
    let Some(Node::Leaf(leaf)) = node(&kind, "deceasedDateTime") else { panic!("a leaf") };
    let Expression::Latest(rows, value) = leaf.expression.as_ref() else { panic!("{:?}", leaf.expression) };
    assert_eq!((rows.relation.model.as_str(), rows.hops.len()), ("gnuhealth.death_certificate", 1));
    assert!(rows.filter.is_some());
    assert_eq!(value.kind(), Kind::Timestamp);
    let number = format!(
        "{PATIENT}deceasedDateTime = {{ latest = {{ each = \"party/gnuhealth.death_certificate[party]\", path = \"cod\" }} }}"
    );
    assert_eq!(rules(&number), ["type-mismatch"]);
}

#[test]
fn a_part_serves_models_with_the_same_fields() {
    let part = |models: &str| {
        let mut files = Files::default();
        files.insert("parts/label.toml", &format!("model = {models}\nvalue = \"name\""));
        files.insert(
            "Patient.toml",
            &format!("{PATIENT}name = [{{ text = {{ part = \"label\", path = \"party\" }} }}]"),
        );
        files.insert("Observation.toml", &format!("{OBSERVATION}valueString = {{ part = \"label\" }}"));
        compile(&files, &catalog(), &Options { site: String::new() }).1.0.len()
    };
    assert_eq!(part("[\"party.party\", \"gnuhealth.lab.test.critearea\"]"), 0);
    assert_eq!(part("\"party.party\""), 1);
}

#[test]
fn deceased_asks_whether_and_nothing_is_compared_by_sound() {
    let kind = sound(&format!(
        "{PATIENT}name = [{{ text = \"party.name\" }}]
         deceasedDateTime = \"party.death_certificate.dod\"
         deceasedBoolean = {{ when = {{ \"party.death_certificate.dod\" = false }}, path = \"party.deceased\" }}"
    ));
    let deceased = &kind.parameters["deceased"];
    assert!(deceased.holds);
    assert_eq!(deceased.places[0][0].len(), 2);
    assert!(!kind.parameters["name"].holds);
    assert!(!kind.parameters["death-date"].holds);
    assert!(!kind.parameters.contains_key("phonetic"));
}

#[test]
fn profiles_of_an_emit_stand_after_those_of_the_type() {
    let kind = sound(
        "type = \"Observation\"
         model = \"gnuhealth.lab.test.critearea\"
         profile = [\"http://a.example\"]
         [element]
         status = \"=final\"
         code = { text = \"name\" }
         [[emit]]
         key = \"a\"
         profile = [\"http://b.example\"]
         [[emit]]
         key = \"b\"",
    );
    let profiles: Vec<_> = kind.sources[0].emits.iter().map(|emit| emit.profiles.as_slice()).collect();
    assert_eq!(profiles, [&["http://a.example", "http://b.example"][..], &["http://a.example"]]);
    assert_eq!(kind.profiles, ["http://a.example", "http://b.example"]);
}
