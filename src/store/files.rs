//! Tryton's file store: contents of attachments as files, named by the MD5 of what they hold (`trytond/filestore.py`).

use std::{io, path::PathBuf};

use tokio::{
    fs::File,
    io::{AsyncReadExt as _, AsyncSeekExt as _},
};

/// The folder of one database in the file store.
#[derive(Clone, Debug)]
pub struct FileStore {
    folder: PathBuf,
}

/// An open file of the store.
#[derive(Debug)]
pub struct StoredFile {
    file: File,
    /// Bytes in it.
    pub length: u64,
}

impl FileStore {
    /// The store below `path` of `[database]` in trytond.conf; the prefix is `store_prefix` of `[attachment]`, else the
    /// name of the database.
    pub fn new(path: PathBuf, prefix: &str) -> Self {
        Self { folder: path.join(prefix) }
    }

    /// Opens a file.
    ///
    /// # Errors
    /// It is not there or cannot be read, or the name is none that Tryton gives.
    pub async fn open(&self, name: &str) -> io::Result<StoredFile> {
        if !is_name(name) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "not a name that Tryton gives to a file",
            ));
        }
        let path = self.folder.join(&name[0..2]).join(&name[2..4]).join(name);
        let file = File::open(path).await?;
        let facts = file.metadata().await?;
        if !facts.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a file"));
        }
        Ok(StoredFile { file, length: facts.len() })
    }
}

impl StoredFile {
    /// The first bytes, which are read again later.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn head(&mut self) -> io::Result<Vec<u8>> {
        let head = self.piece(512).await?;
        self.file.rewind().await?;
        Ok(head)
    }

    /// The next bytes, `length` of them unless the file ends before.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn piece(&mut self, length: usize) -> io::Result<Vec<u8>> {
        let mut piece = Vec::with_capacity(length);
        (&mut self.file).take(length as u64).read_to_end(&mut piece).await?;
        Ok(piece)
    }
}

/// MD5 in hexadecimal digits, with a number when two contents have the same.
fn is_name(name: &str) -> bool {
    let (digits, number) = name.split_once('-').unwrap_or((name, "1"));
    digits.len() == 32
        && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        && (1..=9).contains(&number.len())
        && number.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn files_are_found_as_tryton_lays_them_and_nothing_else() {
        let path = tempfile::tempdir().unwrap();
        let name = "0123456789abcdef0123456789abcdef";
        let folder = path.path().join("health/01/23");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(name), b"first").unwrap();
        std::fs::write(folder.join(format!("{name}-1")), b"second").unwrap();
        std::fs::write(path.path().join("secret"), b"secret").unwrap();
        let store = FileStore::new(path.path().to_owned(), "health");
        let mut file = store.open(name).await.unwrap();
        assert_eq!(file.head().await.unwrap(), b"first");
        assert_eq!((file.length, file.piece(3).await.unwrap()), (5, b"fir".to_vec()));
        assert_eq!(file.piece(3).await.unwrap(), b"st");
        assert!(file.piece(3).await.unwrap().is_empty());
        assert_eq!(store.open(&format!("{name}-1")).await.unwrap().piece(99).await.unwrap(), b"second");
        for name in ["", "..", "../secret", "/etc/passwd", "0123", &name.to_uppercase(), &format!("{name}-")]
        {
            assert_eq!(store.open(name).await.unwrap_err().kind(), io::ErrorKind::InvalidInput, "{name}");
        }
        let missing = name.replace('0', "1");
        assert_eq!(store.open(&missing).await.unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
