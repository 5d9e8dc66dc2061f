use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::harness::{SIGNED, parse, start, start_with};

#[tokio::test]
async fn addresses_that_cannot_be_decoded_are_refused_with_an_outcome() {
    let server = start("").await;
    for address in [
        "/fhir/Patient/%00",
        "/fhir/Patient/%ff",
        "/fhir/Patient/%",
        "/fhir/Patient/%zz",
        "/fhir/Patient?name=%00",
        "/fhir/Patient?name=%ff",
        "/fhir/Patient?%",
        "/fhir/Patient?name=%C3%28",
    ] {
        let response = server.get(address, "").await;
        assert_eq!((response.status, response.code().as_str()), (400, "request-malformed"), "{address}");
    }
    for address in [
        "/fhir//Patient",
        "//fhir/Patient",
        "/fhir/Patient/../Patient",
        "/fhir/%2e%2e/etc/passwd",
        "/fhir/Patient%2F1",
        "/fhir/Patient/1/",
        "/fhir/Patient/%2F",
        "/fhir/..%5C..",
    ] {
        let response = server.get(address, "").await;
        assert_eq!((response.status, response.code().as_str()), (404, "path-unknown"), "{address}");
    }
    assert!(server.fake.requests.lock().unwrap().is_empty());
}

#[tokio::test]
async fn long_values_pass_and_longer_ones_end_well() {
    let server = start("").await;
    let long = "a".repeat(10_000);
    let response = server.get(&format!("/fhir/Patient?name={long}"), "").await;
    assert_eq!((response.status, response.json()["pairs"][0][1].as_str()), (200, Some(long.as_str())));
    let response = server.get(&format!("/fhir/Patient?name={}", "a".repeat(20_000)), "").await;
    assert_eq!((response.status, response.code().as_str()), (414, "uri-too-long"));
    let response = server.get("/fhir/Patient", &format!("X-Long: {}\r\n", "a".repeat(40_000))).await;
    assert_eq!((response.status, response.code().as_str()), (431, "headers-too-large"));
    let response = server.get("/fhir/Patient", &format!("X-Long: {}\r\n", "a".repeat(400_000))).await;
    assert_eq!(response.status, 431);
    let response = server.get("/fhir/Patient", &"X-Many: 1\r\n".repeat(200)).await;
    assert_eq!(response.status, 431);
    let response = server.get(&format!("/fhir/Patient?{}", "a=1&".repeat(600)), "").await;
    assert_eq!((response.status, response.code().as_str()), (400, "parameter-limit"));
}

#[tokio::test]
async fn bodies_are_limited_in_size_and_time() {
    let server =
        start_with("max_body = \"1 KiB\"", |options| options.limits.body = Duration::from_millis(200)).await;
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let post = |headers: String, body: String| {
        let server = &server;
        async move { server.send("POST", "/fhir/Patient/_search", &headers, &body).await }
    };
    let announced = post(format!("{form}Content-Length: 5000\r\n"), String::new()).await;
    assert_eq!((announced.status, announced.code().as_str()), (413, "body-too-large"));
    let chunk = format!("800\r\n{}\r\n0\r\n\r\n", "a".repeat(0x800));
    let chunked = post(format!("{form}Transfer-Encoding: chunked\r\n"), chunk).await;
    assert_eq!((chunked.status, chunked.code().as_str()), (413, "body-too-large"));
    let slow = post(format!("{form}Content-Length: 10\r\n"), "a=".to_owned()).await;
    assert_eq!((slow.status, slow.code().as_str()), (408, "request-slow"));
    let broken = post(format!("{form}Transfer-Encoding: chunked\r\n"), "zz\r\n".to_owned()).await;
    assert_eq!((broken.status, broken.code().as_str()), (400, "request-malformed"));
}

#[tokio::test]
async fn a_refusal_arrives_although_the_client_is_still_sending() {
    let server = start("").await;
    let mut stream = server.connect().await;
    let head = "POST /fhir/Patient HTTP/1.1\r\nHost: x\r\nContent-Length: 600000\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    for _ in 0..6 {
        tokio::time::sleep(Duration::from_millis(30)).await;
        stream.write_all(&[b'a'; 100_000]).await.expect("the server still reads");
    }
    let mut answer = Vec::new();
    stream.shutdown().await.unwrap();
    stream.read_to_end(&mut answer).await.unwrap();
    assert_eq!(parse(&answer, false)[0].status, 405);
}

#[tokio::test]
async fn requests_cannot_be_smuggled() {
    let server = start("").await;
    let inner = format!("GET /fhir/Patient/smuggled HTTP/1.1\r\nHost: x\r\n{SIGNED}\r\n");
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    for framing in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Content-Length: 0\r\nContent-Length: 5\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: 5, 6\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Content-Length: 0x5\r\n",
        "Content-Length: -1\r\n",
        " Folded: x\r\n",
        "No-Colon\r\n",
    ] {
        let bytes = format!(
            "POST /fhir/Patient/_search HTTP/1.1\r\nHost: x\r\n{SIGNED}{form}{framing}\r\n0\r\n\r\n{inner}"
        );
        let responses = parse(&server.raw(bytes.as_bytes()).await, false);
        assert_eq!(responses.len(), 1, "{framing}");
        assert!([200, 400].contains(&responses[0].status), "{framing} {}", responses[0].status);
    }
    let asked = server.fake.requests.lock().unwrap();
    assert!(asked.iter().all(|request| !format!("{:?}", request.interaction).contains("smuggled")));
}

#[tokio::test]
async fn hosts_must_be_clear() {
    let server = start("").await;
    for (line, hosts, status) in [
        ("/fhir/metadata", "", 400),
        ("/fhir/metadata", "Host: a\r\nHost: b\r\n", 400),
        ("/fhir/metadata", "Host: a/../b\r\n", 400),
        ("/fhir/metadata", "Host: a b\r\n", 400),
        ("/fhir/metadata", "Host: evil@a\r\n", 400),
        ("http://a/fhir/metadata", "Host: b\r\n", 400),
        ("http://a/fhir/metadata", "Host: a\r\n", 200),
        ("http://a@b/fhir/metadata", "Host: b\r\n", 400),
    ] {
        let bytes = format!("GET {line} HTTP/1.1\r\nConnection: close\r\n{hosts}\r\n");
        let responses = parse(&server.raw(bytes.as_bytes()).await, false);
        assert_eq!(responses[0].status, status, "{line} {hosts}");
    }
}

#[tokio::test]
async fn weird_methods_and_targets_never_crash() {
    let server = start("").await;
    for (method, address, status) in [
        ("BREW", "/fhir/Patient/1", 405),
        ("TRACE", "/fhir/Patient/1", 405),
        ("CONNECT", "x.example:80", 404),
        ("OPTIONS", "*", 404),
        ("GET", "*", 404),
        ("get", "/fhir/Patient/1", 405),
        ("PATCH", "/livez", 405),
        ("PROPFIND", "/", 405),
    ] {
        assert_eq!(server.send(method, address, "", "").await.status, status, "{method} {address}");
    }
    for junk in [
        "\r\n\r\n\r\n",
        "GET\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "\0\0\0\0\r\n\r\n",
        "GET /\x01 HTTP/1.1\r\n\r\n",
        "\u{16}\u{3}\u{1}",
    ] {
        let mut stream = server.connect().await;
        stream.write_all(junk.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 400"), "{junk:?}");
    }
    assert_eq!(server.get("/livez", "").await.status, 200);
}

#[tokio::test]
async fn every_byte_in_a_target_or_header_ends_in_an_answer() {
    let server = start("").await;
    for byte in 0..=255_u8 {
        for (before, after) in [
            (&b"GET /fhir/Patient/a"[..], &b"b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"[..]),
            (b"GET /fhir/Patient?name=a", b"b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
            (b"GET /fhir/Patient/1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAccept: a", b"\r\n\r\n"),
            (
                b"GET /fhir/Patient/1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Basic ",
                b"\r\n\r\n",
            ),
        ] {
            let bytes = [before, &[byte], after].concat();
            let responses = parse(&server.raw(&bytes).await, false);
            assert!((400..500).contains(&responses[0].status), "{byte} {}", responses[0].status);
        }
    }
}

#[tokio::test]
async fn credentials_that_are_not_clear_reach_nobody() {
    let server = start("").await;
    for (headers, status) in [
        (&b"Authorization: Basic YTpi\r\nAuthorization: Basic YTpi\r\n"[..], 400),
        (b"Authorization: Basic YTpi\r\nAUTHORIZATION:\r\n", 400),
        (b"Authorization:\r\nAuthorization: Basic YTpi\r\n", 400),
        (b"Authorization: Basic YTpi, Basic YTpi\r\n", 400),
        (b"Authorization: Basic YTpi;\r\n", 400),
        (b"Authorization: Basic \xff\r\n", 400),
        (b"Authorization: Basic YT\x00pi\r\n", 400),
        (b"Authorization: Basic\r\n YTpi\r\n", 400),
        (b"Authorization : Basic YTpi\r\n", 400),
        (b"Authorization: Basic\tYTpi\r\n", 400),
        (b"Authorization: Bearer\r\n", 400),
        (b"Authorization: Bearer \xc3\xa9\r\n", 400),
        (b"Authorization: Session YTpiOmM=\r\n", 400),
        (b"Authorization: Digest a\r\n", 401),
        (b"Proxy-Authorization: Basic YTpi\r\n", 401),
        (b"X-Authorization: Basic YTpi\r\n", 401),
        (b"Cookie: Authorization=Basic YTpi; tryton_session=a:1:b\r\n", 401),
    ] {
        let start = &b"GET /fhir/Patient/1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"[..];
        let responses = parse(&server.raw(&[start, headers, b"\r\n"].concat()).await, false);
        assert_eq!(responses.len(), 1);
        assert_eq!(responses[0].status, status, "{}", String::from_utf8_lossy(headers));
    }
    // In the address a credential is a parameter like any other.
    let address = "/fhir/Patient?access_token=abc";
    let bytes = format!("GET {address} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_eq!(parse(&server.raw(bytes.as_bytes()).await, false)[0].status, 401);
    let asked = server.fake.requests.lock().unwrap();
    assert!(asked.iter().all(|request| request.credential.is_none()));
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let server = start("").await;
    let one =
        |id: &str, more: &str| format!("GET /fhir/Patient/{id} HTTP/1.1\r\nHost: x\r\n{SIGNED}{more}\r\n");
    let bytes =
        [one("1", ""), one("panic", ""), one("9", ""), one("slow", ""), one("1", "Connection: close\r\n")]
            .concat();
    let responses = parse(&server.raw(bytes.as_bytes()).await, false);
    assert_eq!(
        responses.iter().map(|response| response.status).collect::<Vec<_>>(),
        [200, 500, 404, 200, 200]
    );
}

#[tokio::test]
async fn slow_clients_are_cut_off() {
    let server = start_with("", |options| options.limits.headers = Duration::from_millis(300)).await;
    for start in ["", "P", "PRI * HTTP/2.0\r\n", "GET /fhir/Patient/1 HTTP/1.1\r\nHost: x\r\n"] {
        let begun = Instant::now();
        let answer = server.raw(start.as_bytes()).await;
        assert!(begun.elapsed() < Duration::from_secs(2), "{start:?}");
        assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 408"), "{start:?}");
    }
}

#[tokio::test]
async fn a_connection_is_kept_between_requests_but_not_for_headers_that_do_not_end() {
    let server = start_with("", |options| options.limits.headers = Duration::from_millis(300)).await;
    let mut stream = server.connect().await;
    let mut buffer = [0; 4096];
    for pause in [0, 900] {
        tokio::time::sleep(Duration::from_millis(pause)).await;
        stream.write_all(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let read = stream.read(&mut buffer).await.unwrap();
        assert!(buffer[..read].starts_with(b"HTTP/1.1 200"), "after {pause} ms");
    }
    let begun = Instant::now();
    // The end of the connection shows as an error or as no bytes.
    while begun.elapsed() < Duration::from_secs(3) && stream.write_all(b"G").await.is_ok() {
        let read = tokio::time::timeout(Duration::from_millis(100), stream.read(&mut buffer)).await;
        if read.is_ok() {
            break;
        }
    }
    let time = begun.elapsed();
    assert!(time > Duration::from_millis(250) && time < Duration::from_secs(2), "{time:?}");
}
