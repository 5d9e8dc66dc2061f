//! Clients as thin as they can be: what they take is missing to the gateway.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::Failure;

/// Where requests go and who sends them.
#[derive(Clone, Debug)]
pub struct Target {
    /// Address of the server.
    pub place: SocketAddr,
    /// Path before the one of a request.
    pub base: String,
    /// Login and password of HTTP Basic.
    pub user: (String, String),
}

impl Target {
    /// A request for a path below the base.
    pub fn request(&self, path: &str) -> String {
        self.get(path, "1.1", "application/fhir+json")
    }

    fn get(&self, path: &str, version: &str, accept: &str) -> String {
        let basic = STANDARD.encode(format!("{}:{}", self.user.0, self.user.1));
        format!(
            "GET {}/{path} HTTP/{version}\r\nHost: {}\r\nAccept: {accept}\r\nAuthorization: Basic {basic}\r\n\r\n",
            self.base, self.place
        )
    }
}

/// The server closes what was idle for 75 s.
const IDLE: Duration = Duration::from_secs(60);

/// A connection that is kept, and reads answers that tell their length.
pub struct Client {
    place: SocketAddr,
    stream: TcpStream,
    used: Instant,
    buffer: Vec<u8>,
}

impl Client {
    /// Connects.
    pub async fn connect(place: SocketAddr) -> Result<Self, Failure> {
        let stream = open(place).await?;
        Ok(Self { place, stream, used: Instant::now(), buffer: vec![0; 64 * 1024] })
    }

    /// Sends a request and returns the body of the answer.
    ///
    /// # Errors
    /// The connection broke off, or the status is not 200: then the first line of the answer is the error.
    pub async fn send(&mut self, request: &str) -> Result<&[u8], Failure> {
        if self.used.elapsed() > IDLE {
            self.stream = open(self.place).await?;
        }
        self.stream.write_all(request.as_bytes()).await?;
        let (mut filled, mut whole, mut body, mut refusal) = (0, None, 0, None);
        while whole.is_none_or(|whole| filled < whole) {
            if filled == self.buffer.len() {
                self.buffer.resize(filled * 2, 0);
            }
            let read = self.stream.read(&mut self.buffer[filled..]).await?;
            if read == 0 {
                return Err("the server closed the connection".into());
            }
            filled += read;
            if whole.is_none()
                && let Some(end) = self.buffer[..filled].windows(4).position(|four| four == b"\r\n\r\n")
            {
                let head = std::str::from_utf8(&self.buffer[..end])?;
                if head.get(9..12) != Some("200") {
                    refusal = head.lines().next().map(str::to_owned);
                }
                let length = head.lines().find_map(|line| {
                    let (name, value) = line.split_once(':')?;
                    name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>())
                });
                body = end + 4;
                whole = Some(body + length.ok_or("an answer does not tell its length")??);
            }
        }
        self.used = Instant::now();
        match refusal {
            Some(refusal) => Err(refusal.into()),
            None => Ok(&self.buffer[body..filled]),
        }
    }
}

async fn open(place: SocketAddr) -> Result<TcpStream, Failure> {
    let stream = TcpStream::connect(place).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// What a stream brought.
#[derive(Clone, Copy, Debug, Default)]
pub struct Streamed {
    /// Lines in it.
    pub lines: u64,
    /// Bytes of it, with the head.
    pub bytes: u64,
}

/// Reads all matches as a stream of lines. In HTTP/1.0 it ends with the connection, and is not cut into chunks.
pub async fn stream(target: &Target, path: &str) -> Result<Streamed, Failure> {
    let mut stream = TcpStream::connect(target.place).await?;
    stream.write_all(target.get(path, "1.0", "application/fhir+ndjson").as_bytes()).await?;
    let mut buffer = vec![0; 256 * 1024];
    let (mut streamed, mut head, mut last) = (Streamed::default(), Vec::new(), Vec::new());
    loop {
        let read = stream.read(&mut buffer).await?;
        let Some(piece) = buffer.get(..read).filter(|piece| !piece.is_empty()) else { break };
        streamed.lines += piece.iter().filter(|byte| **byte == b'\n').count() as u64;
        streamed.bytes += read as u64;
        if head.len() < 4096 {
            head.extend_from_slice(&piece[..piece.len().min(4096)]);
        }
        last.extend_from_slice(&piece[piece.len().saturating_sub(2048)..]);
        last.drain(..last.len().saturating_sub(2048));
    }
    let head = String::from_utf8_lossy(&head);
    if head.get(9..12) != Some("200") {
        return Err(head.lines().next().unwrap_or("no answer").to_owned().into());
    }
    let lines_of_head = head.split("\r\n\r\n").next().map_or(0, |head| head.matches('\n').count() + 2);
    streamed.lines -= (lines_of_head as u64).min(streamed.lines);
    let last = String::from_utf8_lossy(&last);
    if last.lines().last().is_some_and(|line| {
        line.starts_with("{\"resourceType\":\"OperationOutcome\"") && line.contains("\"error\"")
    }) {
        return Err("the stream ended early".into());
    }
    Ok(streamed)
}
