//! The PostgreSQL that this program carries.
//!
//! A complete native server; it runs like an installed one. Known gaps: it is built without ICU, TLS and JIT; its timers
//! are off, so `statement_timeout`, `lock_timeout` and the detection of deadlocks do nothing (cancel requests work); and
//! it writes through to the disk even where `fsync` is off.

use std::io;
use std::path::Path;

use gnuhealth_fhir_demo_runtime as runtime;
use ruzstd::decoding::StreamingDecoder;

use super::error::Error;

/// Major version of the carried server; `None` if this build has none for this platform.
pub(super) fn major() -> Option<u32> {
    runtime::archive()?;
    runtime::VERSION.split('.').next()?.parse().ok()
}

/// Unpacks 17 MB into a folder, the programs into `bin` of it; returns the version.
pub(super) fn unpack(folder: &Path) -> Result<&'static str, Error> {
    let archive = runtime::archive().ok_or(Error::NothingCarried)?;
    let failed = |cause| Error::File("unpack the carried PostgreSQL into", folder.to_owned(), cause);
    let decoder = StreamingDecoder::new(archive).map_err(|cause| failed(io::Error::other(cause)))?;
    tar::Archive::new(decoder).unpack(folder).map_err(failed)?;
    Ok(runtime::VERSION)
}
