//! Certificates and keys as files.

use std::{fmt, path::Path, sync::Arc, time::SystemTime};

use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use x509_cert::{Certificate, der::Decode as _};

/// Why TLS cannot be used, as a sentence for the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem(pub(super) String);

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Problem {}

/// The text of a file that `key` of the configuration names.
pub(super) fn read(key: &str, path: &Path) -> Result<Vec<u8>, Problem> {
    std::fs::read(path).map_err(|error| {
        Problem(format!(
            "{key}: {} cannot be read ({error}); the service's user must be able to read it",
            path.display()
        ))
    })
}

/// The certificates of a PEM file.
pub(super) fn certificates(
    key: &str,
    path: &Path,
    text: &[u8],
) -> Result<Vec<CertificateDer<'static>>, Problem> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(Problem(format!(
            "{key}: there is no certificate in {}; expected PEM, which begins with -----BEGIN CERTIFICATE-----",
            path.display()
        ))),
        Err(_) => Err(Problem(format!("{key}: {} is damaged; expected certificates as PEM", path.display()))),
    }
}

/// The private key of a PEM file.
pub(super) fn key(key: &str, path: &Path, text: &[u8]) -> Result<PrivateKeyDer<'static>, Problem> {
    // What is wrong with the text is not told: it is a secret.
    PrivateKeyDer::from_pem_slice(text).map_err(|_| {
        Problem(format!(
            "{key}: there is no usable key in {}; expected PEM that begins with -----BEGIN PRIVATE KEY-----, without a passphrase",
            path.display()
        ))
    })
}

/// Certificates of a place as authorities that are trusted.
pub(super) fn authorities(
    key: &str,
    place: &str,
    found: &[CertificateDer<'static>],
) -> Result<Arc<RootCertStore>, Problem> {
    let mut roots = RootCertStore::empty();
    let (taken, _) = roots.add_parsable_certificates(found.iter().cloned());
    if taken == 0 {
        return Err(Problem(format!("{key}: no certificate of {place} can be used")));
    }
    Ok(Arc::new(roots))
}

/// When a certificate begins and ends to be valid; `None` when it cannot be read.
pub(super) fn validity(certificate: &CertificateDer<'_>) -> Option<(SystemTime, SystemTime)> {
    let certificate = Certificate::from_der(certificate).ok()?;
    let validity = certificate.tbs_certificate.validity;
    Some((validity.not_before.to_system_time(), validity.not_after.to_system_time()))
}
