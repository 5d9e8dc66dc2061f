//! The PostgreSQL that `gnuhealth-fhir demo` carries for machines that have none.
//!
//! It sits in its own package so that its 5 MB are read once and not at every build of the gateway, and so that a
//! distribution leaves it out by switching off the feature `embedded-postgres`.
#![forbid(unsafe_code)]

/// Version of the PostgreSQL in [`archive`].
pub const VERSION: &str = "17.5";

static ARCHIVE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/runtime.tar.zst"));

/// `bin`, `lib` and `share` of a PostgreSQL that runs from any folder, as a tar compressed with zstd.
///
/// `None` on platforms for which nobody publishes one, and when the build did not find it (the build says so).
#[must_use]
pub fn archive() -> Option<&'static [u8]> {
    (!ARCHIVE.is_empty()).then_some(ARCHIVE)
}
