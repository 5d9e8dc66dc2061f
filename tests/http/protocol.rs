use std::io::Read as _;

use crate::harness::{Response, parse, start};

#[tokio::test]
async fn a_read_has_validators_and_is_not_stored() {
    let server = start("").await;
    let response = server.get("/fhir/Patient/1", "X-Request-Id: abc-1_x.y\r\n").await;
    assert_eq!(response.status, 200);
    for (name, value) in [
        ("content-type", "application/fhir+json; charset=utf-8"),
        ("etag", "W/\"7\""),
        ("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT"),
        ("cache-control", "no-store"),
        ("x-request-id", "abc-1_x.y"),
        ("x-content-type-options", "nosniff"),
        ("content-length", "44"),
    ] {
        assert_eq!(response.header(name), Some(value), "{name}");
    }
    assert_eq!(response.body, br#"{"resourceType":"Patient","id":"1","x":1.10}"#);
    let pretty = server.get("/fhir/Patient/1?_pretty=true&_format=application/json", "").await;
    assert_eq!(pretty.header("content-type"), Some("application/json; charset=utf-8"));
    assert_eq!(pretty.body, b"{\n  \"resourceType\": \"Patient\",\n  \"id\": \"1\",\n  \"x\": 1.10\n}\n");
}

#[tokio::test]
async fn unchanged_resources_are_not_sent_again() {
    let server = start("").await;
    for header in ["If-None-Match: W/\"7\"", "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT"] {
        let response = server.get("/fhir/Patient/1", &format!("{header}\r\n")).await;
        assert_eq!((response.status, response.body.len()), (304, 0));
        assert_eq!(response.header("etag"), Some("W/\"7\""));
        assert_eq!(response.header("cache-control"), Some("no-store"));
        assert!(response.header("vary").is_some());
    }
    assert_eq!(server.get("/fhir/Patient/1", "If-None-Match: W/\"6\"\r\n").await.status, 200);
}

#[tokio::test]
async fn head_is_get_without_body() {
    let server = start("").await;
    for (address, headers) in [
        ("/fhir/Patient/1", ""),
        ("/fhir/Patient/9", ""),
        ("/fhir/Patient/medium", "Accept-Encoding: gzip\r\n"),
        ("/livez", ""),
    ] {
        let (get, head) =
            (server.get(address, headers).await, server.send("HEAD", address, headers, "").await);
        assert_eq!(get.status, head.status, "{address}");
        let plain = |response: &Response| {
            let mut headers = response.headers.clone();
            headers.retain(|name, _| name != "date" && name != "x-request-id");
            headers
        };
        assert_eq!(plain(&get), plain(&head), "{address}");
        assert!(head.body.is_empty() && !get.body.is_empty());
    }
}

#[tokio::test]
async fn large_answers_are_compressed_when_accepted() {
    let server = start("").await;
    for id in ["medium", "large"] {
        let address = format!("/fhir/Patient/{id}");
        let plain = server.get(&address, "").await;
        assert_eq!(plain.header("content-encoding"), None);
        for (accepted, coding) in [("br, gzip", "gzip"), ("gzip, deflate, br, zstd", "zstd"), ("br", "br")] {
            let packed = server.get(&address, &format!("Accept-Encoding: {accepted}\r\n")).await;
            assert_eq!(packed.header("content-encoding"), Some(coding));
            assert!(packed.header("vary").unwrap().contains("Accept-Encoding"));
            assert!(packed.body.len() < plain.body.len() / 10);
            let body = packed.body.as_slice();
            let mut unpacked = Vec::new();
            let mut reader: Box<dyn std::io::Read> = match coding {
                "zstd" => Box::new(zstd::Decoder::new(body).unwrap()),
                "br" => Box::new(brotli::Decompressor::new(body, 4096)),
                _ => Box::new(flate2::read::GzDecoder::new(body)),
            };
            reader.read_to_end(&mut unpacked).unwrap();
            assert_eq!(unpacked, plain.body, "{coding}");
        }
    }
    let small = server.get("/fhir/Patient/1", "Accept-Encoding: gzip\r\n").await;
    assert_eq!(small.header("content-encoding"), None);
}

#[tokio::test]
async fn searches_take_query_and_form() {
    let server = start("").await;
    let headers = "Prefer: handling=lenient\r\nAccept-Language: es, en;q=0.5\r\n";
    let get = server.get("/fhir/Patient?name=a+b%2C%C3%A9&_format=json&name=2", headers).await.json();
    assert_eq!(get["pairs"], serde_json::json!([["name", "a b,é"], ["name", "2"]]));
    assert_eq!(get["base"], "http://x.example/fhir");
    assert_eq!(get["login"], "admin");
    assert_eq!(get["lenient"], true);
    assert_eq!(get["languages"], serde_json::json!(["es", "en"]));
    let form = "Content-Type: application/x-www-form-urlencoded; charset=UTF-8\r\n";
    let post = |body: &'static str, headers: String| {
        let headers = format!("{headers}Content-Length: {}\r\n", body.len());
        let server = &server;
        async move { server.send("POST", "/fhir/Patient/_search?_count=1", &headers, body).await }
    };
    let response = post("name=a&_pretty=false", form.to_owned()).await;
    assert_eq!(response.json()["pairs"], serde_json::json!([["_count", "1"], ["name", "a"]]));
    assert_eq!(post("", String::new()).await.json()["pairs"], serde_json::json!([["_count", "1"]]));
    assert_eq!(post("name=%ff", form.to_owned()).await.code(), "request-malformed");
    assert_eq!(post("{}", "Content-Type: application/json\r\n".to_owned()).await.status, 415);
    assert_eq!(post("x=1", format!("{form}Content-Encoding: gzip\r\n")).await.status, 415);
    assert_eq!(post("x=1", String::new()).await.status, 415);
}

#[tokio::test]
async fn errors_are_outcomes_with_their_status() {
    let server = start("").await;
    for (method, address, status, code) in [
        ("GET", "/fhir/Patient/9", 404, "resource-unknown"),
        ("GET", "/fhir/Unicorn/9", 404, "type-unknown"),
        ("GET", "/other", 404, "path-unknown"),
        ("GET", "/fhir/Patient/denied", 403, "model-forbidden"),
        ("GET", "/fhir/Patient/broken", 500, "internal"),
        ("GET", "/fhir/Patient/panic", 500, "internal"),
        ("GET", "/fhir/Patient/late", 503, "database-timeout"),
        ("GET", "/fhir/Patient/1/_history/1", 404, "version-unknown"),
        ("GET", "/fhir/Patient?_format=turtle", 406, "not-acceptable"),
        ("PUT", "/fhir/Patient/1", 405, "interaction-unsupported"),
        ("POST", "/fhir/Patient", 405, "interaction-unsupported"),
        ("GET", "/fhir/Patient/_search", 405, "method-not-allowed"),
    ] {
        let response = server.send(method, address, "", "").await;
        assert_eq!((response.status, response.code().as_str()), (status, code), "{method} {address}");
        assert_eq!(response.header("cache-control"), Some("no-store"));
        assert_eq!(response.header("allow").is_some(), status == 405);
        assert_eq!(response.header("retry-after").is_some(), status == 503);
        assert!(!String::from_utf8_lossy(&response.body).contains("the cause"));
        let id = response.header("x-request-id").unwrap();
        assert!(response.json()["issue"][0]["diagnostics"].as_str().unwrap().contains(id));
    }
}

#[tokio::test]
async fn credentials_are_asked_for_and_refused() {
    let server = start("").await;
    let ask = |authorization: &'static str| {
        let bytes =
            format!("GET /fhir/Patient/1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{authorization}\r\n");
        let server = &server;
        async move { parse(&server.raw(bytes.as_bytes()).await, false).remove(0) }
    };
    for (authorization, status, code) in [
        ("", 401, "credential-missing"),
        ("Authorization: Digest x\r\n", 401, "credential-scheme"),
        ("Authorization: Basic !\r\n", 400, "credential-malformed"),
        ("Authorization: Basic YTpi\r\nAuthorization: Basic YTpi\r\n", 400, "credential-malformed"),
    ] {
        let response = ask(authorization).await;
        assert_eq!((response.status, response.code().as_str()), (status, code));
        let both = "Basic realm=\"GNU Health\", charset=\"UTF-8\", Bearer realm=\"GNU Health\"";
        let challenge = (status == 401).then_some(both);
        assert_eq!(response.header("www-authenticate"), challenge);
    }
}

#[tokio::test]
async fn open_places_need_no_login() {
    let server = start("").await;
    for (address, body) in [
        ("/livez", "ok\n"),
        ("/fhir/metadata", "{\"resourceType\":\"CapabilityStatement\"}"),
        ("/fhir", "{\"resourceType\":\"CapabilityStatement\"}"),
    ] {
        let bytes = format!("GET {address} HTTP/1.0\r\n\r\n");
        let response = parse(&server.raw(bytes.as_bytes()).await, false).remove(0);
        assert_eq!((response.status, response.body.as_slice()), (200, body.as_bytes()), "{address}");
    }
}

#[tokio::test]
async fn browsers_of_configured_origins_are_let_in() {
    let server = start("cors_origins = [\"https://app.example\"]").await;
    let asked = "Origin: https://app.example\r\nAccess-Control-Request-Method: GET\r\n";
    let preflight = server.send("OPTIONS", "/fhir/Patient/1", asked, "").await;
    assert_eq!(preflight.status, 204);
    assert_eq!(preflight.header("allow"), Some("GET, HEAD, OPTIONS"));
    assert_eq!(preflight.header("access-control-allow-origin"), Some("https://app.example"));
    assert!(preflight.header("access-control-allow-headers").unwrap().contains("Authorization"));
    let read = server.get("/fhir/Patient/9", "Origin: https://app.example\r\n").await;
    assert_eq!(read.header("access-control-allow-origin"), Some("https://app.example"));
    assert!(read.header("access-control-expose-headers").unwrap().contains("ETag"));
    let other = server.send("OPTIONS", "/fhir/Patient/1", &asked.replace("app", "evil"), "").await;
    assert_eq!(other.header("access-control-allow-origin"), None);
    assert_eq!(other.header("access-control-allow-methods"), None);
    assert!(other.header("vary").unwrap().contains("Origin"));
}
