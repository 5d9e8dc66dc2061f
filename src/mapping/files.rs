//! Mapping files: those in the binary, and the folder of the site that overlays them.

use std::{collections::BTreeMap, io, path::Path};

use include_dir::{Dir, include_dir};

static SHIPPED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/mappings");

/// Mapping files by path relative to the mappings folder.
#[derive(Clone, Debug, Default)]
pub struct Files(BTreeMap<String, String>);

impl Files {
    /// The files shipped in the binary.
    pub fn shipped() -> Self {
        let mut files = Self::default();
        let mut folders = vec![&SHIPPED];
        while let Some(folder) = folders.pop() {
            folders.extend(folder.dirs());
            for file in folder.files().filter(|file| file.path().extension().is_some_and(|end| end == "toml"))
            {
                if let Some(text) = file.contents_utf8() {
                    files.0.insert(file.path().to_string_lossy().replace('\\', "/"), text.to_owned());
                }
            }
        }
        files
    }

    /// Adds the `.toml` files below a folder; a file with the path of a shipped one replaces it.
    ///
    /// # Errors
    /// The folder or a file cannot be read.
    pub fn overlay(&mut self, folder: &Path) -> io::Result<()> {
        let mut folders = vec![folder.to_owned()];
        while let Some(current) = folders.pop() {
            for entry in std::fs::read_dir(&current)? {
                let path = entry?.path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|end| end == "toml") {
                    let name =
                        path.strip_prefix(folder).unwrap_or(&path).to_string_lossy().replace('\\', "/");
                    self.0.insert(name, std::fs::read_to_string(&path)?);
                }
            }
        }
        Ok(())
    }

    /// Adds or replaces one file.
    pub fn insert(&mut self, name: &str, text: &str) {
        self.0.insert(name.to_owned(), text.to_owned());
    }

    /// Names and texts.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, text)| (name.as_str(), text.as_str()))
    }

    /// Changes when a file changes.
    pub fn fingerprint(&self) -> u64 {
        let mut hash = xxhash_rust::xxh3::Xxh3Default::new();
        for part in self.0.iter().flat_map(|(name, text)| [name.as_bytes(), &[0], text.as_bytes(), &[0]]) {
            hash.update(part);
        }
        hash.digest()
    }
}
