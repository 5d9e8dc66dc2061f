//! The files of the page that a browser shows at `/`.
//!
//! Plain HTML, CSS and ES modules, in the binary as they stand in `assets`. The folder under which they are served is named
//! by a hash of all of them, so a browser keeps each for ever and never mixes two versions; only `index.html` is asked for
//! again. It names folder and FHIR base relative to itself, so a proxy may put the server below any path.

use std::sync::LazyLock;

use include_dir::{Dir, include_dir};
use sha2::{Digest as _, Sha256};

static ASSETS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/src/page/assets");

/// What stands in `index.html` for the folder of the other files.
const FOLDER: &str = "{files}";
/// What stands in `index.html` for the base of FHIR.
const BASE: &str = "{fhir}";
/// The file that is served at `/`.
const INDEX: &str = "index.html";

/// A file as it is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct File {
    /// Media type.
    pub media: &'static str,
    /// Bytes.
    pub bytes: &'static [u8],
}

/// Hash of all files; the name of their folder below `/page/`.
pub fn version() -> &'static str {
    static VERSION: LazyLock<String> = LazyLock::new(|| {
        let mut names: Vec<_> = ASSETS.files().map(|file| (file.path(), file.contents())).collect();
        names.sort_unstable();
        let mut hash = Sha256::new();
        for (name, contents) in names {
            for part in [name.as_os_str().as_encoded_bytes(), contents] {
                hash.update((part.len() as u64).to_be_bytes());
                hash.update(part);
            }
        }
        hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    });
    &VERSION
}

/// The page itself, for a FHIR base below this path (`/fhir`).
pub fn index(base_path: &str) -> String {
    let text = ASSETS.get_file(INDEX).and_then(|file| file.contents_utf8()).unwrap_or_default();
    let base = base_path.trim_start_matches('/');
    text.replace(FOLDER, &format!("page/{}", version())).replace(BASE, base)
}

/// A file beside the page.
pub fn file(name: &str) -> Option<File> {
    let file = ASSETS.get_file(name).filter(|_| name != INDEX)?;
    let media = match file.path().extension()?.to_str()? {
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        _ => return None,
    };
    Some(File { media, bytes: file.contents() })
}

#[cfg(test)]
mod tests {
    use super::{ASSETS, file, index, version};

    #[test]
    fn every_file_is_served_and_nothing_else() {
        for asset in ASSETS.files().filter(|asset| asset.path() != "index.html") {
            let name = asset.path().to_str().unwrap();
            assert_eq!(file(name).unwrap().bytes, asset.contents(), "{name}");
        }
        for name in ["", ".", "..", "../mod.rs", "index.html", "/style.css", "none.js"] {
            assert_eq!(file(name), None, "{name}");
        }
    }

    #[test]
    fn the_page_names_its_files_and_its_base_relative_to_itself() {
        let page = index("/api/fhir");
        assert!(page.contains(&format!("\"page/{}/main.js\"", version())), "{page}");
        assert!(page.contains("content=\"api/fhir\""), "{page}");
        assert!(!page.contains('{'), "{page}");
    }

    /// What the Content-Security-Policy would refuse, and what would ask another host.
    #[test]
    fn nothing_is_written_into_the_page_and_nothing_comes_from_elsewhere() {
        for asset in ASSETS.files() {
            let (name, text) = (asset.path().display(), asset.contents_utf8().unwrap());
            for forbidden in [
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
                "eval(",
                "new Function",
                " style=\"",
                " onclick=",
                "<script>",
                "<style",
                "@import",
                "url(",
                "sendBeacon",
                "localStorage.setItem(\"session",
            ] {
                assert!(!text.contains(forbidden), "{name} has {forbidden}");
            }
            for address in
                text.split("http").skip(1).filter(|rest| rest.starts_with("://") || rest.starts_with("s://"))
            {
                let known = [
                    "://www.w3.org/",
                    "://loinc.org",
                    "://terminology.hl7.org/",
                    "://hl7.org/fhir",
                    "://unitsofmeasure.org",
                ];
                assert!(
                    known.iter().any(|known| address.starts_with(known)),
                    "{name} names http{}",
                    address.chars().take(30).collect::<String>()
                );
            }
        }
    }
}
