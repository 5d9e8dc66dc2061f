//! Too long, too many, too deep, too dense.

use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};

use super::{Target, parameters, some};
use crate::harness::ids;

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

#[test]
fn everything_has_a_limit() {
    let target = Target::start(&[]);
    let many = |one: &str, count: usize| vec![one; count].join("&");
    let values =
        |one: &str, count: usize| (0..count).map(|n| format!("{one}{n}")).collect::<Vec<_>>().join(",");
    target.get(&format!("Patient?name={}", "a".repeat(17_000))).is(414, "uri-too-long");
    target.get(&format!("Patient/{}", "1".repeat(17_000))).is(414, "uri-too-long");
    target.get(&format!("Patient?{}=1", "a".repeat(15_000))).is(400, "parameter-unknown");
    target.get(&format!("Patient?name={}", "a".repeat(5_000))).is(400, "parameter-limit");
    target.get(&format!("Patient?{}", many("name=a", 101))).is(400, "parameter-limit");
    target.get(&format!("Patient?name={}", values("a", 501))).is(400, "parameter-limit");
    target.get(&format!("Patient?_sort={}", ["name"; 11].join(","))).is(400, "parameter-limit");
    target.get(&format!("Observation?{}code=1", "subject.".repeat(9))).is(400, "parameter-limit");
    target.get(&format!("Observation?{}code=1", "subject.".repeat(1_500))).is(400, "parameter-limit");
    target.get(&format!("Patient?_elements={}", vec!["id"; 5_000].join(","))).is(400, "parameter-limit");
    target.send("GET", "Patient/1", &[("X-Long", &"a".repeat(33_000))], "").is(431, "headers-too-large");
    let body = |text: String| target.send("POST", "Patient/_search", &[FORM], &text);
    body(format!("name={}", "a".repeat(2 << 20))).is(413, "body-too-large");
    body(format!("name={}", "a".repeat(900_000))).is(400, "parameter-limit");
    body(many("name=a", 501)).is(400, "parameter-limit");
    body(many("name=a", 400)).is(400, "parameter-limit");
    body("&".repeat(900_000)).status_unless_unknown(200);
    assert_eq!(body("=".repeat(900_000)).status, 400);
    // What was sent is not sent back.
    let echo = body(format!("{}=1", "%41".repeat(300_000)));
    echo.is(400, "parameter-unknown");
    assert!(echo.body.len() < 10_000, "{} bytes", echo.body.len());
    // Lenient handling is no way around a limit.
    let lenient = ("Prefer", "handling=lenient");
    let response = target.send("GET", &format!("Patient?name={}", values("a", 501)), &[lenient], "");
    response.is(400, "parameter-limit");
    target.survived();
}

#[test]
fn the_largest_search_that_is_allowed_ends_in_time() {
    let target = Target::start(&[]);
    let mut slowest = (std::time::Duration::ZERO, String::new());
    for (kind, parameters) in some(parameters(&target.doctor), 12) {
        for (name, form) in parameters {
            let value = |n: usize| match form.as_str() {
                "date" => format!("{}-01-{:02}", 1900 + n % 120, n % 28 + 1),
                "number" | "quantity" => format!("{n}.5"),
                "reference" => format!("Patient/{n}"),
                _ => format!("a{n}"),
            };
            let values = (0..500).map(value).collect::<Vec<_>>().join(",");
            let body = format!("{name}={values}&_summary=count");
            let begun = std::time::Instant::now();
            let response = target.form(&format!("{kind}/_search"), &body);
            let elapsed = begun.elapsed();
            if elapsed > slowest.0 {
                slowest = (elapsed, format!("{kind}?{name}"));
            }
            let code = if response.status == 200 { String::new() } else { response.fault().1 };
            assert!(
                ["", "parameter-limit", "field-forbidden", "model-forbidden", "parameter-value"]
                    .contains(&code.as_str()),
                "{kind} {name}: {code}"
            );
            let hundred = vec![format!("{name}={values}"); 99].join("&");
            let status = target.form(&format!("{kind}/_search"), &hundred).status;
            assert!([200, 400, 403].contains(&status), "{kind} {name}: {status}");
        }
    }
    eprintln!("500 values: the slowest was {} with {:?}", slowest.1, slowest.0);
    target.survived();
}

#[test]
fn many_values_find_what_each_finds() {
    let target = Target::start(&[]);
    for name in ["family", "family:exact", "name:contains", "name"] {
        let mut each: Vec<String> = Vec::new();
        for value in ["a", "Mar", "%", "é", "Silva"] {
            each.extend(ids(&target.doctor.search("Patient", &[(name, value), ("_count", "500")]).json()));
        }
        each.sort();
        each.dedup();
        let mut all =
            ids(&target.doctor.search("Patient", &[(name, "a,Mar,%,é,Silva"), ("_count", "500")]).json());
        all.sort();
        assert_eq!(all, each, "{name}");
    }
    target.survived();
}

#[test]
fn compressed_bodies_are_not_unpacked() {
    let target = Target::start(&[]);
    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    bomb.write_all(b"name=").unwrap();
    for _ in 0..20 {
        bomb.write_all(&[b'a'; 1 << 20]).unwrap();
    }
    let bomb = bomb.finish().unwrap();
    assert!(bomb.len() < 1 << 16, "{} bytes", bomb.len());
    let credential = "Authorization: Basic ZG9jdG9yOmRvY3Rvci1kZW1v\r\n";
    for encoding in [
        "gzip",
        "GZIP",
        "x-gzip",
        "deflate",
        "br",
        "zstd",
        "gzip, gzip",
        "identity, gzip",
        "\"gzip\"",
        "gzip\r\nContent-Encoding: identity",
        "identity\r\nContent-Encoding: gzip",
    ] {
        let head = format!(
            "POST /fhir/Patient/_search HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{credential}Content-Type: {}\r\nContent-Encoding: {encoding}\r\nContent-Length: {}\r\n\r\n",
            FORM.1,
            bomb.len()
        );
        let answer = target.raw(&[head.as_bytes(), &bomb].concat());
        let answer = String::from_utf8_lossy(&answer);
        let status = answer.get(9..12).unwrap_or_default();
        assert!(["400", "415"].contains(&status), "{encoding}: {answer}");
    }
    target.survived();
}
