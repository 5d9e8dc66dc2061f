//! TLS to PostgreSQL as libpq does it (<https://www.postgresql.org/docs/current/libpq-ssl.html>).

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_name,
    },
    crypto::{verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::ParsedCertificate,
};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{
    files::{self, Problem},
    provider,
};

/// `sslmode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Never.
    Disable,
    /// When the server offers it; nothing is verified. Also for `allow`, which would try without first.
    Prefer,
    /// Always; verified when there are authorities to verify with.
    Require,
    /// Always, with a certificate of an authority.
    VerifyCa,
    /// Always, with a certificate of an authority for the name of the host.
    VerifyFull,
}

/// What the URL of a database says about TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connecting {
    /// `sslmode`.
    pub mode: Mode,
    /// `sslrootcert`, or the file that libpq looks for.
    authorities: Option<Authorities>,
    /// `sslcert` and `sslkey`, or the files that libpq looks for.
    identity: Option<(PathBuf, PathBuf)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Authorities {
    System,
    File(PathBuf),
}

impl Connecting {
    /// Takes the parameters of TLS out of a URL, and gives the rest of it.
    ///
    /// # Errors
    /// A value that libpq does not know.
    pub fn parse(url: &str) -> Result<(Self, String), Problem> {
        let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".postgresql"));
        Self::parse_with(url, home.as_deref())
    }

    fn parse_with(url: &str, home: Option<&Path>) -> Result<(Self, String), Problem> {
        let (front, query) = url.split_once('?').unwrap_or((url, ""));
        let mut rest = Vec::new();
        let (mut mode, mut root, mut certificate, mut key) = (None, None, None, None);
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = || percent_encoding::percent_decode_str(value).decode_utf8_lossy().into_owned();
            match name {
                "sslmode" => mode = Some(value()),
                "sslrootcert" => root = Some(value()),
                "sslcert" => certificate = Some(PathBuf::from(value())),
                "sslkey" => key = Some(PathBuf::from(value())),
                "sslcrl" | "sslcrldir" | "sslpassword" | "sslnegotiation" => {
                    return Err(Problem(format!("{name} is not offered; leave it out of the database URL")));
                }
                _ => rest.push(pair),
            }
        }
        let found = |name: &str| home.map(|home| home.join(name)).filter(|path| path.exists());
        let authorities = match root.as_deref() {
            None | Some("") => found("root.crt").map(Authorities::File),
            Some("system") => Some(Authorities::System),
            Some(path) => Some(Authorities::File(path.into())),
        };
        let mode = match mode.as_deref() {
            Some("disable") => Mode::Disable,
            // libpq: with the authorities of the machine nothing weaker makes sense.
            None if authorities == Some(Authorities::System) => Mode::VerifyFull,
            None | Some("prefer" | "allow") => Mode::Prefer,
            Some("require") => Mode::Require,
            Some("verify-ca") => Mode::VerifyCa,
            Some("verify-full") => Mode::VerifyFull,
            Some(_) => {
                return Err(Problem(
                    "sslmode is not one of disable, allow, prefer, require, verify-ca, verify-full"
                        .to_owned(),
                ));
            }
        };
        if authorities.is_none() && matches!(mode, Mode::VerifyCa | Mode::VerifyFull) {
            return Err(Problem(
                "sslmode asks for a verified server, but there are no authorities to verify with; add sslrootcert=FILE (or sslrootcert=system) to the database URL".to_owned(),
            ));
        }
        let identity = match (certificate, key) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => found("postgresql.crt").zip(found("postgresql.key")),
            _ => return Err(Problem("sslcert and sslkey belong together; give both or none".to_owned())),
        };
        let url = if rest.is_empty() { front.to_owned() } else { format!("{front}?{}", rest.join("&")) };
        Ok((Self { mode, authorities, identity }, url))
    }

    /// Reads the files and gives what opens connections.
    ///
    /// # Errors
    /// A sentence that names the parameter and the file.
    pub fn connector(&self) -> Result<MakeRustlsConnect, Problem> {
        let unusable =
            |error: &dyn std::fmt::Display| Problem(format!("TLS to PostgreSQL cannot be used ({error})"));
        let builder = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| unusable(&error))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(self.verifier()?));
        let config = match &self.identity {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let chain =
                    files::certificates("sslcert", certificate, &files::read("sslcert", certificate)?)?;
                let key = files::key("sslkey", key, &files::read("sslkey", key)?)?;
                builder.with_client_auth_cert(chain, key).map_err(|error| unusable(&error))?
            }
        };
        Ok(MakeRustlsConnect::new(config))
    }

    fn verifier(&self) -> Result<Verifier, Problem> {
        let verified = match self.mode {
            Mode::Disable | Mode::Prefer => None,
            Mode::Require | Mode::VerifyCa | Mode::VerifyFull => self.authorities.as_ref(),
        };
        let (place, own) = match verified {
            None => return Ok(Verifier { chain: None, own: Vec::new(), name: false }),
            Some(Authorities::System) => {
                ("this machine".to_owned(), rustls_native_certs::load_native_certs().certs)
            }
            Some(Authorities::File(path)) => {
                let text = files::read("sslrootcert", path)?;
                (path.display().to_string(), files::certificates("sslrootcert", path, &text)?)
            }
        };
        let roots = files::authorities("sslrootcert", &place, &own)?;
        let chain = WebPkiServerVerifier::builder_with_provider(roots, provider())
            .build()
            .map_err(|error| Problem(format!("sslrootcert: the authorities cannot be used ({error})")))?;
        Ok(Verifier { chain: Some(chain), own, name: self.mode == Mode::VerifyFull })
    }
}

/// Verifies the certificate of PostgreSQL as far as `sslmode` asks for it.
#[derive(Debug)]
struct Verifier {
    /// Without one nothing but the signatures of the handshake is verified.
    chain: Option<Arc<WebPkiServerVerifier>>,
    /// The certificates of the file: a server that signed its own is known by it, which webpki alone would refuse.
    own: Vec<CertificateDer<'static>>,
    name: bool,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(chain) = &self.chain else { return Ok(ServerCertVerified::assertion()) };
        if self.own.contains(&end_entity.clone().into_owned()) {
            valid(end_entity, now)?;
            if self.name {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
            }
            return Ok(ServerCertVerified::assertion());
        }
        match chain.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            // The name is the last thing that is looked at.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.name => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &provider().signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &provider().signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider().signature_verification_algorithms.supported_schemes()
    }
}

fn valid(certificate: &CertificateDer<'_>, now: UnixTime) -> Result<(), Error> {
    let now = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(now.as_secs());
    match files::validity(certificate) {
        None => Err(Error::InvalidCertificate(CertificateError::BadEncoding)),
        Some((begins, _)) if now < begins => Err(Error::InvalidCertificate(CertificateError::NotValidYet)),
        Some((_, ends)) if now > ends => Err(Error::InvalidCertificate(CertificateError::Expired)),
        Some(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Authorities, Connecting, Mode};

    #[test]
    fn parameters_of_tls_are_taken_out_of_the_url() {
        let parse = |url: &str| Connecting::parse_with(url, None);
        let (plain, url) = parse("postgresql://u:p@h/d?connect_timeout=3").unwrap();
        assert_eq!((plain.mode, url.as_str()), (Mode::Prefer, "postgresql://u:p@h/d?connect_timeout=3"));
        let (full, url) =
            parse("postgresql://h/d?sslmode=verify-full&options=x&sslrootcert=%2Fa%20b.crt").unwrap();
        assert_eq!((full.mode, url.as_str()), (Mode::VerifyFull, "postgresql://h/d?options=x"));
        assert_eq!(full.authorities, Some(Authorities::File("/a b.crt".into())));
        let (system, url) = parse("postgresql://h/d?sslrootcert=system").unwrap();
        assert_eq!((system.mode, url.as_str()), (Mode::VerifyFull, "postgresql://h/d"));
        let (identity, _) = parse("postgresql://h/d?sslcert=c&sslkey=k&sslmode=require").unwrap();
        assert_eq!(identity.identity, Some(("c".into(), "k".into())));
    }

    #[test]
    fn what_cannot_be_kept_is_refused() {
        for (url, word) in [
            ("postgresql://h/d?sslmode=verify-full", "sslrootcert"),
            ("postgresql://h/d?sslmode=always", "verify-ca"),
            ("postgresql://h/d?sslcert=c", "sslkey"),
            ("postgresql://h/d?sslcrl=c", "sslcrl"),
        ] {
            let problem = Connecting::parse_with(url, None).unwrap_err().to_string();
            assert!(problem.contains(word), "{url}: {problem}");
        }
    }

    #[test]
    fn files_of_libpq_are_found() {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("root.crt"), "").unwrap();
        let (found, _) =
            Connecting::parse_with("postgresql://h/d?sslmode=require", Some(home.path())).unwrap();
        assert_eq!(found.authorities, Some(Authorities::File(home.path().join("root.crt"))));
    }
}
