//! Copies the archive with PostgreSQL out of the package that carries it for the target platform.
//!
//! Known gap: that package exports its folder to build scripts only while it holds an uncompressed library, which it no
//! longer does. So cargo is asked where the package lies, with a manifest that names nothing else: it is already
//! downloaded, so this works without a network and with vendored or mirrored registries.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const VERSION: &str = "0.2.7";
const ARCHIVE: &str = "lib/pglite-runtime.tar.zst";
/// A packager's own archive: same layout, for any platform.
const OVERRIDE: &str = "GNUHEALTH_FHIR_DEMO_RUNTIME";

fn main() {
    println!("cargo::rerun-if-env-changed={OVERRIDE}");
    println!("cargo::rerun-if-changed=build.rs");
    let out = PathBuf::from(variable("OUT_DIR"));
    let bytes = match find(&out) {
        Ok(Some(path)) => {
            println!("cargo::rerun-if-changed={}", path.display());
            fs::read(&path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()))
        }
        Ok(None) => Vec::new(),
        Err(reason) => {
            println!(
                "cargo::warning=`gnuhealth-fhir demo` will need a PostgreSQL on the machine: {reason}. \
                 Set {OVERRIDE} to a runtime.tar.zst, or build without the feature embedded-postgres."
            );
            Vec::new()
        }
    };
    fs::write(out.join("runtime.tar.zst"), bytes).expect("OUT_DIR is writable");
}

/// The archive; `None` where there is none for this platform.
fn find(out: &Path) -> Result<Option<PathBuf>, String> {
    if let Some(path) = env::var_os(OVERRIDE) {
        return Ok(Some(path.into()));
    }
    let Some(platform) = platform() else {
        return Ok(None);
    };
    let package = format!("pglite-rs-lib-{platform}");
    let root = exported().map_or_else(|| ask_cargo(out, &package), Ok)?;
    let archive = root.join(ARCHIVE);
    if archive.is_file() { Ok(Some(archive)) } else { Err(format!("{package} {VERSION} holds no {ARCHIVE}")) }
}

/// The platforms of `Cargo.toml`, by the name of their package.
fn platform() -> Option<&'static str> {
    let of = |key: &str| env::var(format!("CARGO_CFG_TARGET_{key}")).unwrap_or_default();
    match (of("OS").as_str(), of("ARCH").as_str(), of("ENV").as_str()) {
        ("linux", "x86_64", "gnu") => Some("x86_64-unknown-linux-gnu"),
        ("linux", "aarch64", "gnu") => Some("aarch64-unknown-linux-gnu"),
        ("macos", "aarch64", _) => Some("aarch64-apple-darwin"),
        ("macos", "x86_64", _) => Some("x86_64-apple-darwin"),
        _ => None,
    }
}

/// The folder as the package would export it, should a later version do so again.
fn exported() -> Option<PathBuf> {
    env::vars_os().find_map(|(key, value)| {
        let key = key.to_str()?;
        (key.starts_with("DEP_PGLITE_LIB_") && key.ends_with("_ROOT")).then(|| value.into())
    })
}

fn ask_cargo(out: &Path, package: &str) -> Result<PathBuf, String> {
    let asking = out.join("asking");
    fs::create_dir_all(&asking).map_err(|error| error.to_string())?;
    let manifest = asking.join("Cargo.toml");
    let text = format!(
        "[workspace]\n[package]\nname = \"asking\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[lib]\npath = \"lib.rs\"\n\
         [dependencies]\n{package} = \"={VERSION}\"\n"
    );
    fs::write(&manifest, text).map_err(|error| error.to_string())?;
    fs::write(asking.join("lib.rs"), "").map_err(|error| error.to_string())?;
    let output = Command::new(variable("CARGO"))
        .args(["metadata", "--offline", "--format-version=1", "--manifest-path"])
        .arg(&manifest)
        .current_dir(variable("CARGO_MANIFEST_DIR"))
        .output()
        .map_err(|error| format!("cargo metadata: {error}"))?;
    if !output.status.success() {
        return Err(format!(
            "cargo metadata: {}",
            String::from_utf8_lossy(&output.stderr).trim().replace('\n', " ")
        ));
    }
    // The answer holds two packages, this question and the one asked for.
    String::from_utf8_lossy(&output.stdout)
        .split("\"manifest_path\":\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .map(PathBuf::from)
        .find(|path| *path != manifest)
        .and_then(|path| path.parent().map(Path::to_owned))
        .ok_or_else(|| format!("cargo metadata does not name {package}"))
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("cargo sets {name} for build scripts"))
}
