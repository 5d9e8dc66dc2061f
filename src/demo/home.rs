//! Where the data directory of the demo lies: in the temporary folder, or in the folder of `--keep`.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::account::Account;
use super::error::Error;
use super::scratch::{Scratch, random, secret};

/// Which PostgreSQL made a data directory. Only the same one is sure to read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Maker {
    /// One of this machine, of this major version.
    Local(u32),
    /// The carried one, of this major version.
    Carried(u32),
}

/// The folder of `--keep`.
pub(super) struct Kept {
    folder: PathBuf,
    /// Who made what is in it; `None` as long as it is empty.
    pub(super) maker: Option<Maker>,
}

/// A data directory, perhaps yet to be made, and the password of its superuser.
pub(super) struct Home {
    pub(super) data: PathBuf,
    pub(super) password: String,
}

impl Kept {
    /// Opens the folder; makes it if it is not there.
    pub(super) fn open(folder: &Path) -> Result<Self, Error> {
        let failed = |cause| Error::File("use the folder", folder.to_owned(), cause);
        fs::create_dir_all(folder).map_err(failed)?;
        // The server runs elsewhere, with another working directory.
        let folder = fs::canonicalize(folder).map_err(failed)?;
        let note = folder.join("maker");
        let maker = if note.is_file() {
            Some(Maker::parse(&read(&note)?).ok_or_else(|| Error::NotOurs(folder.clone()))?)
        } else if fs::read_dir(&folder).map_err(failed)?.next().is_none() {
            None
        } else {
            return Err(Error::NotOurs(folder));
        };
        Ok(Self { folder, maker })
    }

    pub(super) fn path(&self) -> &Path {
        &self.folder
    }

    /// Whose data it is, which matters to root alone.
    pub(super) fn account(&self) -> Option<Account> {
        Account::owner(&self.data()).ok().filter(|account| !account.is_root())
    }

    /// Whether there is a database already.
    pub(super) fn is_filled(&self) -> bool {
        self.data().join("PG_VERSION").is_file()
    }

    /// Gets the folder ready for the server.
    pub(super) fn home(&self, scratch: &Scratch, maker: Maker) -> Result<Home, Error> {
        if let Some(account) = scratch.account
            && !account.reaches(&self.folder)
        {
            return Err(Error::Unreachable(self.folder.clone()));
        }
        // First, because a folder without it is not ours.
        secret(&self.folder.join("maker"), &maker.to_string())?;
        let note = self.folder.join("password");
        if !note.is_file() {
            secret(&note, &random(16)?)?;
        }
        let data = self.data();
        if !data.exists() {
            make(&data)?;
        }
        if let Some(account) = scratch.account {
            let failed = |cause| Error::File("hand over", data.clone(), cause);
            // Only while it is root's: links in a folder of the account could lead elsewhere.
            if Account::owner(&data).map_err(failed)?.is_root() {
                account.take(&data).map_err(failed)?;
            }
        }
        Ok(Home { data, password: read(&note)? })
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }
}

impl Home {
    /// One that goes with the temporary folder.
    pub(super) fn temporary(scratch: &Scratch) -> Result<Self, Error> {
        let data = scratch.path().join("data");
        make(&data)?;
        Ok(Self { data, password: random(16)? })
    }
}

impl Maker {
    fn parse(text: &str) -> Option<Self> {
        let (kind, major) = text.trim().split_once(' ')?;
        let major = major.parse().ok()?;
        match kind {
            "local" => Some(Self::Local(major)),
            "carried" => Some(Self::Carried(major)),
            _ => None,
        }
    }

    /// For the user: what is missing when it is not at hand.
    pub(super) fn needed(self) -> String {
        match self {
            Self::Local(major) => format!("a PostgreSQL {major} server on this machine"),
            Self::Carried(major) => format!("a gnuhealth-fhir that carries PostgreSQL {major}"),
        }
    }
}

impl std::fmt::Display for Maker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Local(major) => writeln!(f, "local {major}"),
            Self::Carried(major) => writeln!(f, "carried {major}"),
        }
    }
}

fn make(folder: &Path) -> Result<(), Error> {
    let made = DirBuilder::new().mode(0o700).create(folder);
    made.map_err(|cause| Error::File("make the folder", folder.to_owned(), cause))
}

fn read(path: &Path) -> Result<String, Error> {
    fs::read_to_string(path).map_err(|cause| Error::File("read", path.to_owned(), cause))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_maker_is_noted() {
        for maker in [Maker::Local(15), Maker::Carried(17)] {
            assert_eq!(Maker::parse(&maker.to_string()), Some(maker));
        }
        assert_eq!(Maker::parse("15"), None);
    }

    #[test]
    fn a_folder_with_something_else_in_it_is_refused() {
        let folder = std::env::temp_dir().join(format!("home-{}", std::process::id()));
        assert!(Kept::open(&folder).expect("a new folder").maker.is_none());
        fs::write(folder.join("thesis.txt"), "").expect("own folder");
        assert!(matches!(Kept::open(&folder), Err(Error::NotOurs(_))));
        fs::remove_dir_all(&folder).expect("own folder");
    }
}
