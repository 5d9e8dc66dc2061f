//! A running server, and a client that speaks in raw bytes.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    path::Path,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use gnuhealth_fhir::{
    config,
    error::{self, Error, Result},
    interaction::{Answer, Content, Credential, Gateway, Interaction, Request, Vitals},
    server::{self, Options, Serving},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::{OnceCell, oneshot},
    task::JoinHandle,
};

/// `admin:secret:word`.
pub const SIGNED: &str = "Authorization: Basic YWRtaW46c2VjcmV0OndvcmQ=\r\n";

#[derive(Default)]
pub struct Fake {
    pub requests: Mutex<Vec<Request>>,
    pub cancelled: Mutex<u32>,
    /// The database does not answer.
    pub away: AtomicBool,
    pub ended: Mutex<Vec<String>>,
}

struct Cancelled<'a>(&'a Fake);

impl Drop for Cancelled<'_> {
    fn drop(&mut self) {
        *self.0.cancelled.lock().unwrap() += 1;
    }
}

impl Fake {
    async fn reply(&self, request: Request) -> Result<Answer> {
        self.requests.lock().unwrap().push(request.clone());
        let json = |body: String| Answer { body: body.into_bytes(), ..Answer::default() };
        if let Interaction::Capabilities { .. } = request.interaction {
            return Ok(json(r#"{"resourceType":"CapabilityStatement"}"#.into()));
        }
        let login = match &request.credential {
            Some(Credential::Basic { login, .. }) => login,
            Some(Credential::Kept { text }) if text == "kept" || text == "old" => text,
            Some(Credential::Kept { .. }) => return Err(Error::new(&error::SESSION_ENDED)),
            _ => return Err(Error::new(&error::CREDENTIAL_MISSING)),
        };
        request.trace.signed_in(42, "admin");
        let id = match &request.interaction {
            Interaction::Read { id, .. } => id.as_str(),
            Interaction::Search { pairs, .. } => {
                let body = serde_json::json!({ "pairs": pairs, "base": request.base, "login": login,
                    "lenient": request.lenient, "languages": request.languages });
                return Ok(Answer { personal: true, ..json(body.to_string()) });
            }
            Interaction::Own(asked) => {
                let body =
                    serde_json::json!({ "signedIn": true, "login": login, "asked": format!("{asked:?}") });
                return Ok(Answer { personal: true, ..json(body.to_string()) });
            }
            _ => return Err(Error::new(&error::VERSION_UNKNOWN)),
        };
        match id {
            "panic" => panic!("secretvalue of {id}"),
            "slow" => {
                let cancelled = Cancelled(self);
                tokio::time::sleep(Duration::from_millis(700)).await;
                std::mem::forget(cancelled);
                Ok(json("{}".into()))
            }
            "stream" => {
                let touched = request.trace.touched().clone();
                let piece = move |number: u32| {
                    let touched = touched.clone();
                    async move {
                        tokio::time::sleep(Duration::from_millis(100)).await;
                        touched.add("Patient", &format!("Patient/{number}"), Vec::new());
                        (number < 5).then(|| (Ok(Bytes::from_static(b"piece\n")), number + 1))
                    }
                };
                let pieces = Box::pin(futures_util::stream::unfold(0, piece));
                Ok(Answer {
                    content: Some(Content { media: None, length: Some(30), pieces }),
                    ..Answer::default()
                })
            }
            "large" => Ok(json(format!("{{\"a\":\"{}\"}}", "x".repeat(300_000)))),
            "medium" => Ok(json(format!("{{\"a\":\"{}\"}}", "x".repeat(5_000)))),
            "denied" => Err(Error::new(&error::MODEL_FORBIDDEN)),
            "broken" => Err(Error::new(&error::INTERNAL).cause("the cause")),
            "late" => Err(Error::new(&error::DATABASE_TIMEOUT).retry_after(10)),
            "1" => Ok(Answer {
                body: br#"{"resourceType":"Patient","id":"1","x":1.10}"#.to_vec(),
                version: Some("7".into()),
                last_modified: Some("1994-11-06T08:49:37.9Z".parse().unwrap()),
                personal: true,
                ..Answer::default()
            }),
            _ => Err(Error::new(&error::RESOURCE_UNKNOWN)),
        }
    }
}

impl Gateway for Fake {
    fn answer(self: Arc<Self>, request: Request) -> Pin<Box<dyn Future<Output = Result<Answer>> + Send>> {
        Box::pin(async move { self.reply(request).await })
    }

    fn sign_in(&self, request: Request) -> Pin<Box<dyn Future<Output = Result<()>> + Send + '_>> {
        let signed = matches!(request.credential, Some(Credential::Basic { .. }));
        if signed {
            request.trace.signed_in(42, "admin");
        }
        Box::pin(async move { if signed { Ok(()) } else { Err(Error::new(&error::CREDENTIAL_MISSING)) } })
    }

    fn keep(&self, request: Request) -> Pin<Box<dyn Future<Output = Result<String>> + Send + '_>> {
        let signed =
            matches!(&request.credential, Some(Credential::Basic { password, .. }) if password == "secret");
        self.requests.lock().unwrap().push(request);
        Box::pin(async move {
            if signed { Ok("kept".to_owned()) } else { Err(Error::new(&error::CREDENTIAL_WRONG)) }
        })
    }

    fn renewed(&self, kept: &str) -> Option<String> {
        (kept == "old").then(|| "new".to_owned())
    }

    fn end(&self, kept: &str) {
        self.ended.lock().unwrap().push(kept.to_owned());
    }

    fn is_parameter(&self, name: &str) -> bool {
        ["name", "birthdate", "_count"].contains(&name)
    }

    fn ready(&self) -> Result<()> {
        let away = || Error::new(&error::DATABASE_UNAVAILABLE).cause("nothing was heard of it for 4s");
        if self.away.load(Ordering::Relaxed) { Err(away()) } else { Ok(()) }
    }

    fn vitals(&self) -> Vitals {
        Vitals::default()
    }
}

pub struct Server {
    pub address: SocketAddr,
    pub fake: Arc<Fake>,
    pub serving: Arc<Serving>,
    admin: OnceCell<SocketAddr>,
    pub stop: Option<oneshot::Sender<()>>,
    pub task: JoinHandle<()>,
}

pub async fn start(settings: &str) -> Server {
    start_with(settings, |_| {}).await
}

pub async fn start_with(settings: &str, change: impl FnOnce(&mut Options)) -> Server {
    start_on("127.0.0.1".parse().unwrap(), settings, change).await
}

/// On another address of this machine.
pub async fn start_on(address: IpAddr, settings: &str, change: impl FnOnce(&mut Options)) -> Server {
    let loaded = config::load(&[], Some((Path::new("config.toml"), settings))).unwrap();
    let mut options = Options::from(&loaded.config);
    change(&mut options);
    let listener = TcpListener::bind((address, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let fake = Arc::new(Fake::default());
    let (stop, stopped) = oneshot::channel();
    let gateway: Arc<dyn Gateway> = Arc::clone(&fake) as _;
    let serving = Serving::new(options, gateway);
    let task = tokio::spawn(server::serve(listener, Arc::clone(&serving), async {
        let _ = stopped.await;
    }));
    Server { address, fake, serving, admin: OnceCell::new(), stop: Some(stop), task }
}

/// A response, read as bytes.
#[derive(Debug)]
pub struct Response {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Response {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    /// Error code of an OperationOutcome.
    pub fn code(&self) -> String {
        let json = self.json();
        assert_eq!(json["resourceType"], "OperationOutcome", "{}", String::from_utf8_lossy(&self.body));
        json["issue"][0]["details"]["coding"][0]["code"].as_str().unwrap().to_owned()
    }
}

/// All responses in what a connection sent. Bodies must have a length; `bodies` says which responses have one.
pub fn parse(mut bytes: &[u8], head_request: bool) -> Vec<Response> {
    let mut responses = Vec::new();
    while let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
        let head = std::str::from_utf8(&bytes[..end]).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let mut headers = BTreeMap::<String, String>::new();
        for (name, value) in lines.map(|line| line.split_once(": ").unwrap()) {
            let all = headers.entry(name.to_ascii_lowercase()).or_default();
            *all = if all.is_empty() { value.to_owned() } else { format!("{all}, {value}") };
        }
        bytes = &bytes[end + 4..];
        let none = head_request || status == 304 || status == 204 || status == 100;
        let length =
            if none { 0 } else { headers.get("content-length").map_or(0, |length| length.parse().unwrap()) };
        let body = bytes[..length].to_vec();
        bytes = &bytes[length..];
        responses.push(Response { status, headers, body });
    }
    assert!(bytes.is_empty(), "trailing bytes: {}", String::from_utf8_lossy(bytes));
    responses
}

impl Server {
    pub async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends bytes and reads until the server closes.
    pub async fn raw(&self, bytes: &[u8]) -> Vec<u8> {
        let mut stream = self.connect().await;
        let _ = stream.write_all(bytes).await;
        let mut answer = Vec::new();
        let read = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut answer));
        let _ = read.await.expect("the server closes the connection");
        answer
    }

    /// Sends one signed-in request of this method, address and further headers (each with CRLF).
    pub async fn send(&self, method: &str, address: &str, headers: &str, body: &str) -> Response {
        let bytes = format!(
            "{method} {address} HTTP/1.1\r\nHost: x.example\r\nConnection: close\r\n{SIGNED}{headers}\r\n{body}"
        );
        let answer = self.raw(bytes.as_bytes()).await;
        let mut responses = parse(&answer, method == "HEAD");
        assert_eq!(responses.len(), 1, "{}", String::from_utf8_lossy(&answer));
        responses.remove(0)
    }

    /// Asks the address for operators.
    pub async fn admin(&self, method: &str, path: &str) -> Response {
        let admin = *self
            .admin
            .get_or_init(|| async {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                let address = listener.local_addr().unwrap();
                tokio::spawn(server::administer(listener, Arc::clone(&self.serving)));
                address
            })
            .await;
        let mut stream = TcpStream::connect(admin).await.unwrap();
        let request = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        parse(&answer, method == "HEAD").remove(0)
    }

    pub async fn get(&self, address: &str, headers: &str) -> Response {
        self.send("GET", address, headers, "").await
    }
}
