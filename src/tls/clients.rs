//! TLS towards clients: certificate and key from files that may change while the server runs.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use arc_swap::ArcSwap;
use jiff::Timestamp;
use rustls::{ServerConfig, pki_types::CertificateDer, server::WebPkiClientVerifier};
use tokio_rustls::TlsAcceptor;

use super::{
    files::{self, Problem},
    provider,
};

/// How long before its end a certificate is warned of.
const SOON: Duration = Duration::from_secs(14 * 24 * 3600);
/// How often that warning is repeated.
const AGAIN: Duration = Duration::from_secs(24 * 3600);

/// Where certificate and key are.
#[derive(Clone, Debug)]
pub struct Files {
    /// The certificate of this server and those between it and the authority, PEM.
    pub certificate: PathBuf,
    /// Its key, PEM.
    pub key: PathBuf,
    /// Authorities of clients: who has no certificate of theirs is not let in.
    pub client_ca: Option<PathBuf>,
}

/// TLS as it is offered at the moment.
#[derive(Debug)]
pub struct Listening {
    files: Files,
    current: ArcSwap<ServerConfig>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Texts of the files as they were last tried, good or not; or why they could not be read.
    tried: Vec<Vec<u8>>,
    /// End of the certificate in use.
    ends: Option<SystemTime>,
    /// When it was last warned of.
    warned: Option<SystemTime>,
}

impl Listening {
    /// Reads the files.
    ///
    /// # Errors
    /// A sentence that names the key of the configuration and the file.
    pub fn open(files: Files) -> Result<Self, Problem> {
        let tried = texts(&files)?;
        let (config, ends) = compile(&files, &tried)?;
        let state = State { tried, ends, warned: None };
        let listening = Self { files, current: ArcSwap::from_pointee(config), state: Mutex::new(state) };
        listening.warn(SystemTime::now());
        Ok(listening)
    }

    /// When the certificate in use ends, if it can be read.
    pub fn ends(&self) -> Option<SystemTime> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).ends
    }

    /// What a new connection is met with.
    pub fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.current.load_full())
    }

    /// Looks at the files; when they have changed and are good, new connections are met with them. Files that are not
    /// good leave everything as it is; they are told of once.
    pub fn reload(&self) -> Result<bool, Problem> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let read = texts(&self.files);
        let tried = read.as_ref().map_or_else(|problem| vec![problem.to_string().into_bytes()], Clone::clone);
        if state.tried == tried {
            return Ok(false);
        }
        state.tried = tried;
        read?;
        let (config, ends) = compile(&self.files, &state.tried)?;
        state.ends = ends;
        state.warned = None;
        self.current.store(Arc::new(config));
        Ok(true)
    }

    /// Looks at the files as [`Listening::reload`] does and tells the log; also of a certificate that ends soon.
    pub fn look(&self) {
        match self.reload() {
            Ok(true) => tracing::info!("certificate and key are read again; new connections get them"),
            Ok(false) => {}
            Err(problem) => tracing::error!("TLS goes on with the certificate it has: {problem}"),
        }
        self.warn(SystemTime::now());
    }

    fn warn(&self, now: SystemTime) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(ends) = state.ends.filter(|ends| *ends < now + SOON) else { return };
        if state.warned.is_some_and(|warned| now < warned + AGAIN) {
            return;
        }
        state.warned = Some(now);
        let day = Timestamp::try_from(ends).map(|day| day.to_string()).unwrap_or_default();
        let file = self.files.certificate.display();
        if ends <= now {
            tracing::error!(
                "the certificate in {file} ended at {day}: clients refuse it; put a new one there"
            );
        } else {
            tracing::warn!("the certificate in {file} ends at {day}; put a new one there before");
        }
    }
}

fn texts(files: &Files) -> Result<Vec<Vec<u8>>, Problem> {
    let mut texts =
        vec![files::read("tls_certificate", &files.certificate)?, files::read("tls_key", &files.key)?];
    if let Some(path) = &files.client_ca {
        texts.push(files::read("tls_client_ca", path)?);
    }
    Ok(texts)
}

fn compile(files: &Files, texts: &[Vec<u8>]) -> Result<(ServerConfig, Option<SystemTime>), Problem> {
    let chain = files::certificates("tls_certificate", &files.certificate, &texts[0])?;
    let key = files::key("tls_key", &files.key, &texts[1])?;
    let ends =
        chain.first().and_then(|first: &CertificateDer<'_>| files::validity(first)).map(|(_, ends)| ends);
    let builder = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| Problem(format!("TLS cannot be offered ({error})")))?;
    let builder = match &files.client_ca {
        None => builder.with_no_client_auth(),
        Some(path) => builder.with_client_cert_verifier(clients(path, &texts[2])?),
    };
    let mut config = builder.with_single_cert(chain, key).map_err(|error| {
        Problem(format!(
            "tls_certificate: {} and {} cannot be used together ({error}); the first certificate must be that of the key",
            files.certificate.display(),
            files.key.display()
        ))
    })?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok((config, ends))
}

fn clients(path: &Path, text: &[u8]) -> Result<Arc<dyn rustls::server::danger::ClientCertVerifier>, Problem> {
    let found = files::certificates("tls_client_ca", path, text)?;
    let roots = files::authorities("tls_client_ca", &path.display().to_string(), &found)?;
    WebPkiClientVerifier::builder_with_provider(roots, provider())
        .build()
        .map_err(|error| Problem(format!("tls_client_ca: {} cannot be used ({error})", path.display())))
}
