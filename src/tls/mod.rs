//! TLS by rustls: towards clients, and towards PostgreSQL as libpq does it.

mod clients;
mod files;
mod postgres;

pub use clients::{Files, Listening};
pub use files::Problem;
pub use postgres::{Connecting, Mode};

use std::sync::{Arc, LazyLock};

use rustls::crypto::CryptoProvider;

/// The implementation of the ciphers; no process-wide default is used, so nothing else can change it.
fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: LazyLock<Arc<CryptoProvider>> =
        LazyLock::new(|| Arc::new(rustls::crypto::ring::default_provider()));
    Arc::clone(&PROVIDER)
}
