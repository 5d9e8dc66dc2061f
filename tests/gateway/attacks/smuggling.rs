//! Requests inside requests: when two readers could disagree where one ends, nothing after it is answered.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::Target;

#[test]
fn an_ambiguous_end_ends_the_connection() {
    let target = Target::start(&[]);
    let signed = format!("Authorization: Basic {}\r\n", STANDARD.encode("doctor:doctor-demo"));
    let inner = format!("GET /fhir/Patient/1 HTTP/1.1\r\nHost: x\r\n{signed}Connection: close\r\n\r\n");
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let size = inner.len();
    let control = target.raw(inner.as_bytes());
    assert!(
        String::from_utf8_lossy(&control).contains("\"resourceType\":\"Patient\""),
        "the inner request is a good one"
    );
    let outer = |framing: &str, body: &str| {
        format!(
            "POST /fhir/Practitioner/_search HTTP/1.1\r\nHost: x\r\n{signed}{form}{framing}\r\n{body}{inner}"
        )
    };
    let attacks = [
        // Lengths that are said twice, or in other words.
        outer(&format!("Content-Length: {size}\r\nContent-Length: 0\r\n"), ""),
        outer(&format!("Content-Length: 0, {size}\r\n"), ""),
        outer("Content-Length: 0\r\nContent-length : 5\r\n", ""),
        outer("Content-Length: 00x\r\n", ""),
        outer("Content-Length: 18446744073709551616\r\n", ""),
        outer("Content-Length: \r\n", ""),
        outer("Content-Length: 0\u{b}\r\n", ""),
        outer("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
        outer("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "0\r\n\r\n"),
        outer("Transfer-Encoding: identity, chunked, identity\r\n", "0\r\n\r\n"),
        outer("Transfer-Encoding: \u{b}chunked\r\n", "0\r\n\r\n"),
        outer("Transfer-Encoding: chunked;q=1\r\n", "0\r\n\r\n"),
        outer("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n"),
        outer("X: y\r\n Content-Length: 5\r\n", ""),
        outer("X: y\rContent-Length: 0\r\n", ""),
        outer("X\0: y\r\n", ""),
        outer("X: a\0b\r\n", ""),
        // Chunks that are no numbers, or end otherwise.
        outer("Transfer-Encoding: chunked\r\n", "0x0\r\n\r\n"),
        outer("Transfer-Encoding: chunked\r\n", "-0\r\n\r\n"),
        outer("Transfer-Encoding: chunked\r\n", "ffffffffffffffff1\r\n\r\n"),
        outer("Transfer-Encoding: chunked\r\n", "1\r\nab\r\n0\r\n\r\n"),
        outer("Transfer-Encoding: chunked\r\n", "0;\n\r\n\r\n"),
        format!(
            "POST /fhir/Practitioner/_search HTTP/1.0\r\n{signed}{form}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n{inner}"
        ),
        // The body of a request that is answered without reading it.
        format!(
            "GET /fhir/Practitioner/1 HTTP/1.1\r\nHost: x\r\n{signed}Content-Length: {size}\r\n\r\n{inner}"
        ),
        format!(
            "POST /fhir/Practitioner HTTP/1.1\r\nHost: x\r\n{signed}Content-Length: {size}\r\n\r\n{inner}"
        ),
        format!("OPTIONS /fhir/Practitioner HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n{inner}"),
        format!(
            "GET /fhir/Practitioner/1 HTTP/1.1\r\nHost: x\r\n{signed}Expect: 100-continue\r\nContent-Length: {size}\r\n\r\n{inner}"
        ),
    ];
    for attack in attacks {
        let answer = target.raw(attack.as_bytes());
        let answer = String::from_utf8_lossy(&answer);
        let head: String = attack.chars().take(300).collect();
        assert!(!answer.contains("\"resourceType\":\"Patient\""), "smuggled: {head}");
        assert!(!answer.starts_with("HTTP/1.1 5"), "{head}: {answer}");
    }
    target.survived();
}

#[test]
fn headers_have_one_form_and_one_meaning() {
    let target = Target::start(&[]);
    let token = STANDARD.encode("doctor:doctor-demo");
    let nurse = STANDARD.encode("nurse:nurse-demo");
    let head = "GET /fhir/Patient/1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
    for (lines, allowed) in [
        (format!("Authorization: Basic {token}\r\nAuthorization: Basic {nurse}\r\n\r\n"), &[400][..]),
        (format!("Authorization: Basic {token}, Basic {nurse}\r\n\r\n"), &[400]),
        (format!("Authorization:\r\n Basic {token}\r\n\r\n"), &[400]),
        (format!("Authorization : Basic {token}\r\n\r\n"), &[400]),
        (format!(" Authorization: Basic {token}\r\n\r\n"), &[400]),
        (format!("Authorization: Basic {token}\0\r\n\r\n"), &[400]),
        (format!("X-Authorization: Basic {token}\r\nProxy-Authorization: Basic {token}\r\n\r\n"), &[401]),
        (format!("X: y\rAuthorization: Basic {token}\r\n\r\n"), &[400]),
        (format!("Cookie: Authorization=Basic {token}\r\n\r\n"), &[401]),
        ("X-Remote-User: admin\r\nX-Forwarded-User: admin\r\nRemote-User: admin\r\n\r\n".to_owned(), &[401]),
        // What a proxy should have taken away is still who asks, not more.
        (format!("Connection: Authorization\r\nAuthorization: Basic {token}\r\n\r\n"), &[200, 400]),
        (format!("Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\nAuthorization: Basic {token}\r\n\r\n"), &[200]),
        // Lines that end in LF alone are lines (RFC 9112, 2.2), so what is signed is signed.
        (format!("Authorization: Basic {token}\n\n"), &[200, 400]),
    ] {
        let answer = target.raw(format!("{head}{lines}").as_bytes());
        let answer = String::from_utf8_lossy(&answer);
        let status = answer.get(9..12).and_then(|status| status.parse().ok()).unwrap_or(0);
        assert!(allowed.contains(&status), "{lines:?}: {status} {answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{lines:?}");
    }
    target.survived();
}
