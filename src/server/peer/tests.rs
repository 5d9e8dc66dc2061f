use hyper::{
    header::{HeaderMap, HeaderName, HeaderValue},
    http::uri::Uri,
};

use super::{Peer, authority, peer};
use crate::{config, server::Options};

fn ask(
    settings: &str,
    from: &str,
    line: &str,
    headers: &[(&'static str, &str)],
) -> Result<Peer, &'static str> {
    let loaded = config::load(&[], Some((std::path::Path::new("config.toml"), settings))).unwrap();
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
    }
    let options = Options::from(&loaded.config);
    let (from, local) = (format!("{from}:4000").parse().unwrap(), "127.0.0.1:8080".parse().unwrap());
    peer(&options, &map, &line.parse::<Uri>().unwrap(), from, local).map_err(|error| error.entry().code)
}

fn base(settings: &str, from: &str, headers: &[(&'static str, &str)]) -> Result<String, &'static str> {
    ask(settings, from, "/fhir", headers).map(|peer| peer.base)
}

const TRUST: &str = "trusted_proxies = [\"10.0.0.0/8\"]";

#[test]
fn without_proxy_the_host_header_counts_and_forwarding_is_ignored() {
    assert_eq!(base("", "10.0.0.1", &[]).unwrap(), "http://127.0.0.1:8080/fhir");
    assert_eq!(base("", "10.0.0.1", &[("host", "Fhir.Example:81")]).unwrap(), "http://fhir.example:81/fhir");
    let spoofed = [
        ("host", "a"),
        ("x-forwarded-host", "evil"),
        ("forwarded", "host=evil;proto=https"),
        ("x-forwarded-for", "1.1.1.1"),
    ];
    let peer = ask("", "10.0.0.1", "/fhir", &spoofed).unwrap();
    assert_eq!((peer.base.as_str(), peer.client.to_string().as_str()), ("http://a/fhir", "10.0.0.1"));
    assert_eq!(base("base_url = \"https://x.y/z/\"", "10.0.0.1", &[("host", "a")]).unwrap(), "https://x.y/z");
}

#[test]
fn trusted_proxies_are_believed() {
    let told = [
        ("host", "inner"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "outer"),
        ("x-forwarded-prefix", "/ehr/"),
        ("x-forwarded-for", "1.1.1.1"),
    ];
    let peer = ask(TRUST, "10.0.0.1", "/fhir", &told).unwrap();
    assert_eq!((peer.base.as_str(), peer.client.to_string().as_str()), ("https://outer/ehr/fhir", "1.1.1.1"));
    let told = [("host", "inner"), ("forwarded", "for=\"[2001:db8::1]:99\";Proto=https;host=\"outer:8443\"")];
    let peer = ask(TRUST, "10.0.0.1", "/fhir", &told).unwrap();
    assert_eq!(
        (peer.base.as_str(), peer.client.to_string().as_str()),
        ("https://outer:8443/fhir", "2001:db8::1")
    );
    // The mapped form of an IPv4 peer is the same proxy.
    assert_eq!(
        base(TRUST, "[::ffff:10.0.0.1]", &[("x-forwarded-host", "outer")]).unwrap(),
        "http://outer/fhir"
    );
}

#[test]
fn items_that_the_client_wrote_are_not_believed() {
    let client = |headers: &[(&'static str, &str)]| {
        ask(TRUST, "10.0.0.1", "/fhir", headers).map(|peer| (peer.client.to_string(), peer.base))
    };
    let pair = |client: &str, base: &str| Ok((client.to_owned(), base.to_owned()));
    assert_eq!(
        client(&[("x-forwarded-for", "6.6.6.6, 1.1.1.1")]),
        pair("1.1.1.1", "http://127.0.0.1:8080/fhir")
    );
    assert_eq!(
        client(&[("x-forwarded-for", "6.6.6.6, 1.1.1.1, 10.0.0.2")]),
        pair("1.1.1.1", "http://127.0.0.1:8080/fhir")
    );
    assert_eq!(
        client(&[("forwarded", "for=6.6.6.6;host=evil, for=1.1.1.1;host=outer, for=10.0.0.2;host=inner")]),
        pair("1.1.1.1", "http://outer/fhir")
    );
    assert_eq!(client(&[("x-forwarded-host", "evil, outer")]), pair("10.0.0.1", "http://outer/fhir"));
    assert_eq!(client(&[("x-forwarded-for", "junk")]), pair("10.0.0.1", "http://127.0.0.1:8080/fhir"));
}

#[test]
fn contradictions_and_junk_are_refused() {
    for headers in [
        &[("host", "a"), ("host", "a")][..],
        &[("host", "a/b")],
        &[("host", "a@b")],
        &[("host", "")],
        &[("host", "a:99999")],
        &[("host", "[::1")],
        &[("x-forwarded-host", "a b")],
        &[("x-forwarded-proto", "javascript")],
        &[("x-forwarded-prefix", "//evil")],
        &[("x-forwarded-prefix", "/../x")],
        &[("x-forwarded-host", "a"), ("forwarded", "host=b")],
        &[("x-forwarded-for", "1.1.1.1"), ("forwarded", "for=2.2.2.2")],
    ] {
        assert_eq!(base(TRUST, "10.0.0.1", headers), Err("request-malformed"), "{headers:?}");
    }
    assert_eq!(ask("", "10.0.0.1", "http://b/fhir", &[("host", "a")]), Err("request-malformed"));
    assert_eq!(ask("", "10.0.0.1", "http://A/fhir", &[("host", "a")]).unwrap().base, "http://a/fhir");
}

#[test]
fn authorities_are_plain() {
    for good in ["a", "a.b-c_d:1", "127.0.0.1:80", "[::1]", "[::1]:8080"] {
        assert_eq!(authority(good).as_deref(), Some(good));
    }
    for junk in ["", ":80", "a:", "a:0", "a:+1", "a:1:2", "[a]", "[::1]x", "é", "a b", "a?", "x[::1]"] {
        assert_eq!(authority(junk), None, "{junk}");
    }
}
