//! A minimal HTTP client: one connection per request.

use std::{
    collections::BTreeMap,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

/// Somebody who asks one gateway.
#[derive(Clone, Debug)]
pub struct Client {
    pub address: SocketAddr,
    authorization: Option<String>,
}

/// A response.
#[derive(Clone, Debug)]
pub struct Response {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

/// Parameters as the query of an address.
pub fn query(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

impl Client {
    pub fn anonymous(address: SocketAddr) -> Self {
        Self { address, authorization: None }
    }

    pub fn basic(address: SocketAddr, login: &str, password: &str) -> Self {
        let authorization = format!("Basic {}", STANDARD.encode(format!("{login}:{password}")));
        Self { address, authorization: Some(authorization) }
    }

    /// With these words behind `Authorization:`.
    pub fn with(address: SocketAddr, authorization: impl Into<String>) -> Self {
        Self { address, authorization: Some(authorization.into()) }
    }

    /// With a key of an application.
    pub fn bearer(address: SocketAddr, key: &str) -> Self {
        Self::with(address, format!("Bearer {key}"))
    }

    /// With a session of Tryton.
    pub fn session(address: SocketAddr, login: &str, user: i64, key: &str) -> Self {
        Self::with(address, format!("Session {}", STANDARD.encode(format!("{login}:{user}:{key}"))))
    }

    /// GET of a path below the base (`Patient/1`), of an absolute path or of a whole address.
    pub fn get(&self, place: &str) -> Response {
        self.send("GET", place, &[], "")
    }

    /// Search with parameters that are still to be encoded.
    pub fn search(&self, kind: &str, pairs: &[(&str, &str)]) -> Response {
        self.get(&format!("{kind}?{}", query(pairs)))
    }

    /// As [`Client::get`], which must be answered with 200.
    pub fn ok(&self, place: &str) -> Value {
        let response = self.get(place);
        assert_eq!(response.status, 200, "{place}: {}", response.text());
        response.json()
    }

    pub fn send(&self, method: &str, place: &str, headers: &[(&str, &str)], body: &str) -> Response {
        let base = format!("http://{}", self.address);
        let place = place.strip_prefix(&base).unwrap_or(place);
        let path = if place.starts_with('/') { place.to_owned() } else { format!("/fhir/{place}") };
        let mut request =
            format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", self.address);
        if let Some(authorization) = &self.authorization {
            request.push_str(&format!("Authorization: {authorization}\r\n"));
        }
        if !body.is_empty() {
            request.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str("\r\n");
        request.push_str(body);
        let mut stream = TcpStream::connect(self.address).expect("the gateway listens");
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        Response::parse(&bytes)
    }
}

impl Response {
    fn parse(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("a whole head");
        let head = std::str::from_utf8(&bytes[..end]).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let mut headers = BTreeMap::<String, String>::new();
        for (name, value) in lines.map(|line| line.split_once(": ").unwrap()) {
            let all = headers.entry(name.to_ascii_lowercase()).or_default();
            *all = if all.is_empty() { value.to_owned() } else { format!("{all}, {value}") };
        }
        Self { status, headers, body: bytes[end + 4..].to_vec() }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// Status and error code of an OperationOutcome.
    pub fn fault(&self) -> (u16, String) {
        let json = self.json();
        assert_eq!(json["resourceType"], "OperationOutcome", "{}: {}", self.status, self.text());
        let code = json["issue"][0]["details"]["coding"][0]["code"].as_str().unwrap();
        (self.status, code.to_owned())
    }

    /// Asserts status and error code.
    #[track_caller]
    pub fn is(&self, status: u16, code: &str) {
        assert_eq!(self.fault(), (status, code.to_owned()), "{}", self.text());
    }

    /// Asserts a status, unless the parameter is not offered at all.
    #[track_caller]
    pub fn status_unless_unknown(&self, status: u16) {
        assert!(self.status == status || self.fault().1 == "parameter-unknown", "{}", self.text());
    }

    /// The body without the id of its request.
    pub fn anonymous_text(&self) -> String {
        let id = self.header("x-request-id").expect("every answer has a request id");
        self.text().replace(id, "…")
    }
}
