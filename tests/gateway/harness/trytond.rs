//! A running trytond server, and what its client sends.

use std::{
    net::{SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{Client, Database};

/// The Python of a series of GNU Health, when it is installed.
pub fn python(series: &str) -> Option<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let cache = folder("GNUHEALTH_FHIR_CACHE")
        .or_else(|| folder("XDG_CACHE_HOME").map(|cache| cache.join("gnuhealth-fhir")))
        .or_else(|| folder("HOME").map(|home| home.join(".cache/gnuhealth-fhir")))?;
    let python = cache.join(series).join("venv/bin/python");
    python.is_file().then_some(python)
}

/// A trytond that serves one database; it ends with the value.
pub struct Trytond {
    child: Child,
    client: Client,
    path: String,
    session: String,
    _settings: tempfile::TempDir,
}

impl Trytond {
    /// Starts it, with more lines of trytond.conf, and signs in as the administrator.
    pub fn start(python: &PathBuf, database: &Database, more: &str) -> Self {
        let (server, name) = database.url.rsplit_once('/').unwrap();
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let settings = tempfile::tempdir().unwrap();
        let file = settings.path().join("trytond.conf");
        let text = format!("[database]\nuri = {server}/\n[web]\nlisten = {free}\n{more}");
        std::fs::write(&file, text).unwrap();
        let child = Command::new(python)
            .arg(python.with_file_name("trytond"))
            .arg("-c")
            .arg(file)
            .args(["-d", name])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("trytond starts");
        let client = Client::anonymous(free);
        let mut trytond =
            Self { child, client, path: format!("/{name}/"), session: String::new(), _settings: settings };
        trytond.wait(free);
        let login = trytond.call("common.db.login", &json!(["admin", {"password": "admin"}]));
        let (user, key) = (&login[0], login[1].as_str().expect("a session"));
        trytond.session = format!("Session {}", STANDARD.encode(format!("admin:{user}:{key}")));
        trytond
    }

    fn wait(&mut self, address: SocketAddr) {
        let start = Instant::now();
        while TcpStream::connect(address).is_err() {
            assert!(self.child.try_wait().unwrap().is_none(), "trytond ended");
            assert!(start.elapsed() < Duration::from_secs(120), "trytond does not listen");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Calls a method as Tryton's own client does.
    pub fn call(&self, method: &str, parameters: &Value) -> Value {
        let body = json!({"id": 1, "method": method, "params": parameters}).to_string();
        let mut headers = vec![("Content-Type", "application/json")];
        if !self.session.is_empty() {
            headers.push(("Authorization", &self.session));
        }
        let response = self.client.send("POST", &self.path, &headers, &body);
        assert_eq!(response.status, 200, "{method}: {}", response.text());
        let mut answer = response.json();
        assert!(answer["error"].is_null(), "{method}: {answer}");
        // Signing in answers without the frame of the protocol in some releases.
        if answer.get("result").is_some() { answer["result"].take() } else { answer }
    }

    /// Ids of the records of a model.
    pub fn search(&self, model: &str, domain: &Value) -> Vec<i64> {
        let found = self.call(&format!("model.{model}.search"), &json!([domain, 0, null, null, {}]));
        found.as_array().unwrap().iter().map(|id| id.as_i64().unwrap()).collect()
    }

    pub fn create(&self, model: &str, values: &Value) -> i64 {
        self.call(&format!("model.{model}.create"), &json!([[values], {}]))[0].as_i64().unwrap()
    }

    pub fn write(&self, model: &str, id: i64, values: &Value) {
        self.call(&format!("model.{model}.write"), &json!([[id], values, {}]));
    }

    pub fn delete(&self, model: &str, id: i64) {
        self.call(&format!("model.{model}.delete"), &json!([[id], {}]));
    }
}

impl Drop for Trytond {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
