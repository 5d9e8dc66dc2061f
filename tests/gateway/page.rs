//! The session of the page: as good as the password it came from, for as long as that holds and it is used.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::harness::{Client, Database, Gateway, Response, demo, password, sites};

const PAGE: [(&str, &str); 3] =
    [("X-GNUHealth-Page", "1"), ("Sec-Fetch-Site", "same-origin"), ("Content-Type", "application/json")];

/// The page in one browser.
struct Page {
    client: Client,
    cookie: String,
}

fn sign_in(client: &Client, login: &str, word: &str) -> Response {
    let body = json!({ "login": login, "password": word }).to_string();
    client.send("POST", "/page/session", &PAGE, &body)
}

impl Page {
    fn open(gateway: &Gateway, login: &str) -> Self {
        let client = gateway.anybody();
        let response = sign_in(&client, login, &password(login));
        assert_eq!(response.status, 200, "{login}: {}", response.text());
        assert_eq!(response.json()["login"], login);
        let mut page = Self { client, cookie: String::new() };
        page.take(&response);
        page
    }

    /// Keeps a cookie as a browser does.
    fn take(&mut self, response: &Response) {
        if let Some(cookie) = response.header("set-cookie") {
            self.cookie = cookie.split(';').next().unwrap().to_owned();
        }
    }

    fn send(&self, method: &str, place: &str) -> Response {
        let mut headers = PAGE.to_vec();
        headers.push(("Cookie", &self.cookie));
        self.client.send(method, place, &headers, "")
    }

    fn get(&self, place: &str) -> Response {
        self.send("GET", place)
    }

    /// The same cookie at another instance.
    fn at(&self, gateway: &Gateway) -> Self {
        Self { client: gateway.anybody(), cookie: self.cookie.clone() }
    }

    #[track_caller]
    fn is_over(&self) {
        self.get("Patient/1").is(401, "session-ended");
        self.get("/page/rights").is(401, "session-ended");
        assert_eq!(self.get("/page/session").json(), json!({ "signedIn": false }));
    }

    /// Until it has ended; how long it took.
    fn ends(&self) -> Duration {
        let start = Instant::now();
        while self.get("Patient/1").status != 401 {
            assert!(start.elapsed() < Duration::from_millis(1500), "it does not end within 1.5 s");
            sleep(Duration::from_millis(20));
        }
        self.is_over();
        start.elapsed()
    }
}

#[test]
fn it_sees_what_its_user_sees() {
    for site in sites() {
        for login in ["doctor", "nurse", "frontdesk", "lab", "nogroup"] {
            let page = Page::open(&site.gateway, login);
            for place in [
                "Patient/1",
                "Patient?_count=5",
                "Condition?_count=5",
                "Observation?_count=5",
                "AllergyIntolerance?_count=5",
            ] {
                let (own, basic) = (page.get(place), site.user(login).get(place));
                assert_eq!(own.status, basic.status, "{} {login} {place}", site.name);
                assert_eq!(own.json()["entry"], basic.json()["entry"], "{} {login} {place}", site.name);
            }
        }
    }
}

#[test]
fn who_cannot_sign_in_gets_no_session() {
    for site in sites() {
        let nobody = site.gateway.anybody();
        for (login, word) in [
            ("doctor", "doctor-Demo"),
            ("nobody-of-that-name", "x"),
            ("inactive", "inactive-demo"),
            ("nohash", ""),
            ("root", ""),
            ("Doctor", "doctor-demo"),
            ("doctor\0", "doctor-demo"),
            ("doctor2", ""),
        ] {
            let response = sign_in(&nobody, login, word);
            response.is(401, "credential-wrong");
            assert!(response.header("set-cookie").is_none(), "{login}");
        }
        // A code for a forgotten password signs in by itself, but nothing tells when it ends.
        let response = sign_in(&nobody, "reset", &password("reset"));
        response.is(401, "credential-scheme");
        assert!(response.header("set-cookie").is_none());
    }
}

#[test]
fn made_up_cookies_are_no_session() {
    let gateway = &demo().gateway;
    let mut page = Page::open(gateway, "doctor");
    assert_eq!(page.get("Patient/1").status, 200);
    let (name, value) =
        page.cookie.clone().split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())).unwrap();
    let other = if value.starts_with('A') { "B" } else { "A" };
    for made in [
        "x".to_owned(),
        value[1..].to_owned(),
        format!("{other}{}", &value[1..]),
        format!("{value}A"),
        value.to_uppercase(),
    ] {
        page.cookie = format!("{name}={made}");
        page.is_over();
    }
}

#[test]
fn whoever_is_closed_or_has_another_password_is_out_at_once() {
    let database = Database::copy("page_changing");
    let gateway = Gateway::open(&database.url, "");
    let [doctor, second, nurse, lab, desk] =
        ["doctor", "doctor2", "nurse", "lab", "frontdesk"].map(|login| Page::open(&gateway, login));
    for page in [&doctor, &second, &nurse, &lab, &desk] {
        assert_eq!(page.get("Patient/1").status, 200);
    }
    database.run("UPDATE res_user SET active = FALSE WHERE login = 'doctor2'");
    second.ends();
    database.run("UPDATE res_user SET password_hash = (SELECT password_hash FROM res_user WHERE login = 'doctor') WHERE login = 'nurse'");
    nurse.ends();
    database.run("UPDATE res_user SET login = 'laboratory' WHERE login = 'lab'");
    lab.ends();
    database.run("UPDATE res_user SET password_hash = NULL WHERE login = 'frontdesk'");
    desk.ends();
    assert_eq!(doctor.get("Patient/1").status, 200, "nobody else was touched");
    database.run("DELETE FROM ir_model_access WHERE model IN (SELECT id FROM ir_model WHERE model = 'gnuhealth.patient.allergies')");
    assert_eq!(doctor.get("Patient/1").status, 200, "rights may change");
}

#[test]
fn failures_count_with_all_others() {
    let database = Database::copy("page_limited");
    let gateway = Gateway::open(&database.url, "login_max_attempt = 1");
    let kept = Page::open(&gateway, "lab");
    let nobody = gateway.anybody();
    sign_in(&nobody, "lab", "wrong").is(401, "credential-wrong");
    Client::basic(gateway.address, "lab", "wrong").get("Patient/1").is(401, "credential-wrong");
    let response = sign_in(&nobody, "lab", "wrong");
    response.is(429, "sign-in-throttled");
    assert!(response.header("retry-after").is_some());
    Client::basic(gateway.address, "lab", "wrong").get("Patient/1").is(429, "sign-in-throttled");
    assert!(
        database.number("SELECT count(*) FROM res_user_login_attempt WHERE login = 'lab'") >= 2,
        "Tryton counts them too"
    );
    assert_eq!(kept.get("Patient/1").status, 200, "who is signed in stays so");
}

#[test]
fn it_ends_when_it_is_not_used_and_at_last_however_much_it_is() {
    let gateway = Gateway::open(&demo().database.url, "page_idle_timeout = \"2s\"\npage_max_age = \"5s\"");
    let mut used = Page::open(&gateway, "doctor");
    let unused = Page::open(&gateway, "doctor");
    let start = Instant::now();
    let mut renewed = 0;
    while start.elapsed() < Duration::from_millis(4200) {
        let before = used.cookie.clone();
        let response = used.get("Patient/1");
        assert_eq!(response.status, 200, "after {:?}", start.elapsed());
        used.take(&response);
        renewed += u32::from(used.cookie != before);
        sleep(Duration::from_millis(150));
    }
    assert!((10..=22).contains(&renewed), "{renewed} times");
    unused.is_over();
    sleep(Duration::from_millis(5000).saturating_sub(start.elapsed()));
    used.is_over();
}

#[test]
fn signing_out_ends_it_also_for_whoever_copied_it() {
    let gateway = &demo().gateway;
    let (page, other) = (Page::open(gateway, "doctor"), Page::open(gateway, "doctor"));
    let copy = page.at(gateway);
    let out = page.send("DELETE", "/page/session");
    assert_eq!(out.status, 204);
    assert!(out.header("set-cookie").unwrap().contains("Max-Age=0"));
    page.is_over();
    copy.is_over();
    assert_eq!(other.get("Patient/1").status, 200, "another browser of the user is another matter");
    // Without a session there is nothing to end.
    assert_eq!(page.send("DELETE", "/page/session").status, 204);
}

#[test]
fn instances_with_one_key_share_sessions_and_others_do_not() {
    let url = &demo().database.url;
    let key = format!("page_link_key = \"{}\"", "k".repeat(32));
    let (one, other) = (Gateway::open(url, &key), Gateway::open(url, &key));
    let page = Page::open(&one, "nurse");
    assert_eq!(page.at(&other).get("Patient/1").status, 200);
    page.at(&demo().gateway).is_over();
    page.at(&Gateway::open(url, &format!("page_link_key = \"{}\"", "l".repeat(32)))).is_over();
    // Where passwords are not accepted, what came of one is not either.
    page.at(&Gateway::open(url, &format!("{key}\nauthentications = \"ldap\""))).is_over();
    sign_in(&Gateway::open(url, "authentications = \"ldap\"").anybody(), "nurse", &password("nurse"))
        .is(401, "credential-scheme");
}

#[test]
fn users_are_told_their_own_rights_as_they_are() {
    for site in sites() {
        for login in ["doctor", "nurse", "frontdesk", "lab", "nogroup"] {
            let rights = Page::open(&site.gateway, login).get("/page/rights");
            assert_eq!(rights.header("cache-control"), Some("no-store"));
            let rights = rights.json();
            assert_eq!(rights["groups"].as_array().unwrap().is_empty(), login == "nogroup", "{login}");
            for told in rights["types"].as_array().unwrap() {
                let kind = told["type"].as_str().unwrap();
                let sources = told["sources"].as_array().unwrap();
                let closed = |source: &Value| !source["closed"].as_str().unwrap().is_empty();
                let all = sources.iter().all(closed);
                let response = site.user(login).get(&format!("{kind}?_count=1"));
                // Not every type is searched.
                if response.status == 405 {
                    continue;
                }
                assert_eq!(response.status == 403, all, "{} {login} {kind}: {told}", site.name);
            }
            let text = rights.to_string();
            for word in ["password", "rule.group", "allows", "forbids"] {
                assert!(!text.contains(word), "{login} learns of {word}");
            }
        }
    }
}
