//! The page at `/`: how its files are served, and whom its cookie lets in.

use std::sync::Arc;

use gnuhealth_fhir::interaction::{Credential, Interaction, Own};

use crate::harness::{Fake, Response, Server, parse, start};

const PAGE: &str = "X-GNUHealth-Page: 1\r\n";
const SAME: &str = "Sec-Fetch-Site: same-origin\r\n";
const KEPT: &str = "Cookie: gnuhealth-fhir=kept\r\n";
const JSON: &str = "Content-Type: application/json\r\n";

/// Sends a request without any credential but those in the headers.
async fn ask(server: &Server, method: &str, address: &str, headers: &str, body: &str) -> Response {
    let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
    let bytes = format!(
        "{method} {address} HTTP/1.1\r\nHost: x.example\r\nConnection: close\r\n{length}{headers}\r\n{body}"
    );
    let mut responses = parse(&server.raw(bytes.as_bytes()).await, method == "HEAD");
    assert_eq!(responses.len(), 1);
    responses.remove(0)
}

async fn get(server: &Server, address: &str, headers: &str) -> Response {
    ask(server, "GET", address, headers, "").await
}

fn asked(fake: &Arc<Fake>) -> usize {
    fake.requests.lock().unwrap().len()
}

/// Addresses of the files that the page names.
fn files(page: &str) -> Vec<String> {
    page.split('"').filter(|text| text.starts_with("page/")).map(|text| format!("/{text}")).collect()
}

#[tokio::test]
async fn the_page_and_its_files_are_served_and_kept_by_their_content() {
    let server = start("").await;
    let page = get(&server, "/", "").await;
    assert_eq!(page.status, 200);
    for (name, value) in [
        ("content-type", "text/html; charset=utf-8"),
        ("cache-control", "no-cache"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("vary", "Accept-Encoding"),
    ] {
        assert_eq!(page.header(name), Some(value), "{name}");
    }
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
    for word in ["unsafe", "http:", "https:", "data:", "*", "sandbox"] {
        assert!(!policy.contains(word), "{policy}");
    }
    for part in [
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "require-trusted-types-for 'script'",
    ] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(page.header("set-cookie").is_none());
    let tag = page.header("etag").unwrap();
    let again = get(&server, "/", &format!("If-None-Match: {tag}\r\n")).await;
    assert_eq!((again.status, again.body.len()), (304, 0));

    let text = String::from_utf8(page.body.clone()).unwrap();
    let files = files(&text);
    assert!(files.len() >= 5, "{files:?}");
    for file in files {
        let response = get(&server, &file, "").await;
        assert_eq!(response.status, 200, "{file}");
        assert_eq!(response.header("cache-control"), Some("public, max-age=31536000, immutable"), "{file}");
        assert_eq!(response.header("content-security-policy"), Some(policy), "{file}");
        let media = response.header("content-type").unwrap();
        assert!(
            ["text/css", "text/javascript", "image/svg+xml"].iter().any(|known| media.starts_with(known)),
            "{file}"
        );
        let head = ask(&server, "HEAD", &file, "", "").await;
        assert_eq!((head.status, head.header("content-length")), (200, response.header("content-length")));
        for coding in ["gzip", "zstd", "br"] {
            let small = get(&server, &file, &format!("Accept-Encoding: {coding}\r\n")).await;
            assert!(
                response.body.len() <= 1024 || small.header("content-encoding") == Some(coding),
                "{file}"
            );
        }
    }
    assert_eq!(asked(&server.fake), 0, "the gateway has no part in it");
}

#[tokio::test]
async fn nothing_else_is_served_beside_it() {
    let server = start("").await;
    let text = String::from_utf8(get(&server, "/", "").await.body).unwrap();
    let folder = files(&text)[0].rsplit_once('/').unwrap().0.to_owned();
    for address in [
        "/page".to_owned(),
        "/page/".to_owned(),
        "/page/index.html".to_owned(),
        "/page/0000000000000000/main.js".to_owned(),
        format!("{folder}/"),
        format!("{folder}/index.html"),
        format!("{folder}/none.js"),
        format!("{folder}/../session"),
        format!("{folder}/%2e%2e/mod.rs"),
        format!("{folder}/../mod.rs"),
        "/index.html".to_owned(),
    ] {
        let response = get(&server, &address, "").await;
        assert_eq!((response.status, response.code().as_str()), (404, "path-unknown"), "{address}");
    }
    for (method, address, allow) in [
        ("POST", "/", "GET, HEAD, OPTIONS"),
        ("DELETE", "/", "GET, HEAD, OPTIONS"),
        ("PUT", "/page/session", "GET, HEAD, POST, DELETE, OPTIONS"),
        ("POST", "/page/rights", "GET, HEAD, OPTIONS"),
    ] {
        let response = ask(&server, method, address, &format!("{PAGE}{SAME}{KEPT}"), "").await;
        assert_eq!((response.status, response.header("allow")), (405, Some(allow)), "{method} {address}");
    }
}

#[tokio::test]
async fn it_can_be_switched_off_and_gives_way_to_fhir() {
    let server = start("page = false").await;
    for address in ["/", "/page/session", "/page/rights"] {
        let response = get(&server, address, &format!("{PAGE}{SAME}{KEPT}")).await;
        assert_eq!((response.status, response.code().as_str()), (404, "path-unknown"), "{address}");
    }
    let response = get(&server, "/fhir/Patient/1", &format!("{PAGE}{SAME}{KEPT}")).await;
    assert_eq!((response.status, response.code().as_str()), (401, "credential-missing"));
    let server = start("base_path = \"/\"").await;
    assert_eq!(get(&server, "/", "").await.json()["resourceType"], "CapabilityStatement");
    let server = start("base_path = \"/api/fhir\"").await;
    let text = String::from_utf8(get(&server, "/", "").await.body).unwrap();
    assert!(text.contains("name=\"fhir\" content=\"api/fhir\""), "{text}");
}

#[tokio::test]
async fn a_password_becomes_a_cookie() {
    let server = start("").await;
    let none = get(&server, "/page/session", &format!("{PAGE}{SAME}")).await;
    assert_eq!((none.status, none.json()["signedIn"].as_bool()), (200, Some(false)));
    let sent = r#"{"login":"nurse","password":"secret"}"#;
    let response = ask(&server, "POST", "/page/session", &format!("{PAGE}{SAME}{JSON}"), sent).await;
    assert_eq!(response.status, 200);
    assert_eq!(response.header("set-cookie"), Some("gnuhealth-fhir=kept; Path=/; HttpOnly; SameSite=Strict"));
    assert_eq!(response.header("cache-control"), Some("no-store"));
    assert_eq!(response.json()["login"], "kept", "what was made is what is used");
    let first = server.fake.requests.lock().unwrap()[0].clone();
    assert!(
        matches!(first.credential, Some(Credential::Basic { login, password }) if login == "nurse" && password == "secret")
    );
    assert!(first.client.is_some(), "failures count for the network that they come from");
    // Signing in again ends what was there before.
    let again = format!("{PAGE}{SAME}{JSON}Cookie: a=b; gnuhealth-fhir=old\r\n");
    assert_eq!(ask(&server, "POST", "/page/session", &again, sent).await.status, 200);
    assert_eq!(*server.fake.ended.lock().unwrap(), ["old"]);
}

#[tokio::test]
async fn under_tls_the_cookie_is_for_tls_and_this_host_alone() {
    let server = start("trusted_proxies = [\"127.0.0.1\"]").await;
    let tls = "X-Forwarded-Proto: https\r\nX-Forwarded-For: 192.0.2.1\r\n";
    let sent = r#"{"login":"nurse","password":"secret"}"#;
    let response = ask(&server, "POST", "/page/session", &format!("{PAGE}{SAME}{JSON}{tls}"), sent).await;
    let cookie = "__Host-gnuhealth-fhir=kept; Path=/; HttpOnly; SameSite=Strict; Secure";
    assert_eq!(response.header("set-cookie"), Some(cookie));
    let with = |name: &str| format!("{PAGE}{SAME}{tls}Cookie: {name}=kept\r\n");
    assert_eq!(get(&server, "/fhir/Patient/1", &with("__Host-gnuhealth-fhir")).await.status, 200);
    assert_eq!(get(&server, "/fhir/Patient/1", &with("gnuhealth-fhir")).await.code(), "session-ended");
}

#[tokio::test]
async fn a_wrong_password_gives_no_cookie_and_no_window_of_the_browser() {
    let server = start("").await;
    let headers = format!("{PAGE}{SAME}{JSON}");
    let response =
        ask(&server, "POST", "/page/session", &headers, r#"{"login":"nurse","password":"x"}"#).await;
    assert_eq!((response.status, response.code().as_str()), (401, "credential-wrong"));
    assert!(response.header("set-cookie").is_none());
    assert_eq!(response.header("www-authenticate"), Some("Bearer realm=\"GNU Health\""));
    let before = asked(&server.fake);
    for body in ["", "x", "{}", r#"{"login":"nurse"}"#, r#"{"login":"nurse","password":"secret","x":1}"#] {
        let response = ask(&server, "POST", "/page/session", &headers, body).await;
        assert_eq!((response.status, response.code().as_str()), (400, "request-malformed"), "{body}");
    }
    let form = format!("{PAGE}{SAME}Content-Type: application/x-www-form-urlencoded\r\n");
    let response = ask(&server, "POST", "/page/session", &form, "login=nurse&password=secret").await;
    assert_eq!((response.status, response.code().as_str()), (415, "unsupported-media"));
    assert_eq!(asked(&server.fake), before);
}

/// Headers of requests that somebody else's page, a form, an image or a link can make a browser send.
const FOREIGN: [&str; 9] = [
    "",
    "Sec-Fetch-Site: same-origin\r\n",
    "Sec-Fetch-Site: none\r\nSec-Fetch-Mode: navigate\r\n",
    "X-GNUHealth-Page: 1\r\nSec-Fetch-Site: cross-site\r\nOrigin: https://evil.example\r\n",
    "X-GNUHealth-Page: 1\r\nSec-Fetch-Site: same-site\r\n",
    "X-GNUHealth-Page: 1\r\nOrigin: https://evil.example\r\n",
    "X-GNUHealth-Page: 1\r\nOrigin: null\r\n",
    "X-GNUHealth-Page: 1\r\nOrigin: http://x.example.evil.example\r\n",
    "X-GNUHealth-Page: 1\r\nX-GNUHealth-Page: 1\r\nSec-Fetch-Site: same-origin\r\n",
];

#[tokio::test]
async fn nobody_else_uses_the_cookie() {
    let server = start("cors_origins = [\"https://evil.example\", \"*\"]").await;
    for foreign in FOREIGN {
        let headers = format!("{foreign}{KEPT}");
        for (method, address, body) in [
            ("GET", "/page/session", ""),
            ("GET", "/page/rights", ""),
            ("DELETE", "/page/session", ""),
            ("POST", "/page/session", r#"{"login":"nurse","password":"secret"}"#),
        ] {
            let response = ask(&server, method, address, &format!("{headers}{JSON}"), body).await;
            assert_eq!(
                (response.status, response.code().as_str()),
                (403, "page-origin"),
                "{method} {address} {foreign}"
            );
            assert!(response.header("set-cookie").is_none());
        }
        for address in ["/fhir/Patient/1", "/fhir/Patient?name=a", "/fhir/Patient/1?_format=xml&_format=xml"]
        {
            let response =
                get(&server, address, &format!("{headers}Accept: application/fhir+json\r\n")).await;
            assert!([401, 403].contains(&response.status), "{address} {foreign}: {}", response.status);
            assert!(response.header("set-cookie").is_none());
        }
        let form = format!("{headers}Content-Type: application/x-www-form-urlencoded\r\n");
        let response = ask(&server, "POST", "/fhir/Patient/_search", &form, "name=a").await;
        assert!([401, 403].contains(&response.status), "{foreign}");
    }
    let reached = server.fake.requests.lock().unwrap();
    assert!(reached.iter().all(|request| request.credential.is_none()), "no cookie came that far");
    assert!(server.fake.ended.lock().unwrap().is_empty(), "nobody was signed out");
}

#[tokio::test]
async fn no_origin_is_ever_allowed_to_send_the_header_of_the_page() {
    let server = start("cors_origins = [\"https://app.example\"]").await;
    for address in ["/fhir/Patient/1", "/page/session"] {
        let headers = "Origin: https://app.example\r\nAccess-Control-Request-Method: GET\r\nAccess-Control-Request-Headers: x-gnuhealth-page\r\n";
        let response = ask(&server, "OPTIONS", address, headers, "").await;
        let allowed = response.header("access-control-allow-headers").unwrap().to_ascii_lowercase();
        assert!(!allowed.contains("x-gnuhealth-page") && !allowed.contains('*'), "{allowed}");
        assert!(response.header("access-control-allow-credentials").is_none());
    }
}

#[tokio::test]
async fn with_it_the_page_reads_and_nothing_else_counts() {
    let server = start("").await;
    let headers = format!("{PAGE}{SAME}{KEPT}");
    let response = get(&server, "/fhir/Patient/1", &headers).await;
    assert_eq!((response.status, response.header("set-cookie")), (200, None));
    // A browser that remembers a password for this address sends it by itself.
    let response = server.get("/fhir/Patient?name=a", &headers).await;
    assert_eq!(response.json()["login"], "kept");
    let form = format!("{headers}Content-Type: application/x-www-form-urlencoded\r\n");
    assert_eq!(ask(&server, "POST", "/fhir/Patient/_search", &form, "name=a").await.json()["login"], "kept");
    let response = get(&server, "/page/rights", &headers).await;
    assert_eq!(response.json()["asked"], "Rights");
    assert_eq!(response.header("cache-control"), Some("no-store"));
    let own = server
        .fake
        .requests
        .lock()
        .unwrap()
        .iter()
        .any(|one| one.interaction == Interaction::Own(Own::Rights));
    assert!(own);
    // An older browser, which does not say where a request comes from.
    let old = format!("{PAGE}{KEPT}Origin: http://x.example\r\n");
    assert_eq!(get(&server, "/fhir/Patient/1", &old).await.status, 200);
    // Of what is no session of ours, or of two, nothing is guessed; not even by the password beside it.
    for cookie in [
        "",
        "Cookie: gnuhealth-fhir=\r\n",
        "Cookie: gnuhealth-fhir=x\r\n",
        "Cookie: gnuhealth-fhir=kept; gnuhealth-fhir=kept\r\n",
    ] {
        let response = server.get("/fhir/Patient/1", &format!("{PAGE}{SAME}{cookie}")).await;
        assert_eq!((response.status, response.code().as_str()), (401, "session-ended"), "{cookie}");
        assert_eq!(response.header("www-authenticate"), Some("Bearer realm=\"GNU Health\""));
    }
}

#[tokio::test]
async fn its_use_is_noted_and_its_end_is_told() {
    let server = start("").await;
    let old = format!("{PAGE}{SAME}Cookie: gnuhealth-fhir=old\r\n");
    for address in ["/fhir/Patient/1", "/fhir/Patient/denied", "/page/session", "/page/rights"] {
        let response = get(&server, address, &old).await;
        let cookie = "gnuhealth-fhir=new; Path=/; HttpOnly; SameSite=Strict";
        assert_eq!(response.header("set-cookie"), Some(cookie), "{address}");
    }
    let ended = get(&server, "/page/session", &format!("{PAGE}{SAME}Cookie: gnuhealth-fhir=over\r\n")).await;
    assert_eq!(ended.json()["signedIn"], false);
    let gone = "gnuhealth-fhir=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0";
    assert_eq!(ended.header("set-cookie"), Some(gone));
    let out = ask(&server, "DELETE", "/page/session", &format!("{PAGE}{SAME}{KEPT}"), "").await;
    assert_eq!((out.status, out.header("set-cookie")), (204, Some(gone)));
    assert_eq!(*server.fake.ended.lock().unwrap(), ["kept"]);
}
