//! The account PostgreSQL runs under: it refuses to run as root.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown};
use std::path::Path;

/// Whom an unprivileged server runs as when the gateway itself is root, best first.
const UNPRIVILEGED: [&str; 2] = ["postgres", "nobody"];

/// A user and its main group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) user: u32,
    pub(super) group: u32,
}

impl Account {
    /// Who owns a file or folder.
    pub(super) fn owner(path: &Path) -> io::Result<Self> {
        let metadata = fs::metadata(path)?;
        Ok(Self { user: metadata.uid(), group: metadata.gid() })
    }

    /// The account to drop to, from the local user database.
    pub(super) fn unprivileged() -> Option<Self> {
        let users = fs::read_to_string("/etc/passwd").ok()?;
        UNPRIVILEGED.iter().find_map(|name| named(&users, name))
    }

    pub(super) fn is_root(self) -> bool {
        self.user == 0
    }

    /// Makes a folder and all in it this account's own.
    pub(super) fn take(self, path: &Path) -> io::Result<()> {
        lchown(path, Some(self.user), Some(self.group))?;
        if fs::symlink_metadata(path)?.is_dir() {
            for entry in fs::read_dir(path)? {
                self.take(&entry?.path())?;
            }
        }
        Ok(())
    }

    /// Whether the permissions of a folder and of those above it let this account in.
    ///
    /// Supplementary groups do not count: the server gets none when root drops to this account.
    pub(super) fn reaches(self, folder: &Path) -> bool {
        folder.ancestors().filter(|path| !path.as_os_str().is_empty()).all(|path| {
            fs::metadata(path).is_ok_and(|metadata| {
                let shift = match () {
                    () if metadata.uid() == self.user => 6,
                    () if metadata.gid() == self.group => 3,
                    () => 0,
                };
                metadata.permissions().mode() >> shift & 0o1 == 0o1
            })
        })
    }
}

fn named(users: &str, name: &str) -> Option<Account> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next()? == name).then_some(())?;
        let user = number(fields.nth(1)?)?;
        let group = number(fields.next()?)?;
        (user != 0).then_some(Account { user, group })
    })
}

/// macOS writes `nobody` as -2.
fn number(text: &str) -> Option<u32> {
    text.parse().ok().or_else(|| text.parse().ok().map(i32::cast_unsigned))
}

#[cfg(test)]
mod tests {
    use super::*;

    const USERS: &str = "root:x:0:0:root:/root:/bin/bash\nnobody:*:-2:-2:Nobody:/:/bin/false\n\
                         postgres:x:101:104:,,,:/var/lib/postgresql:/bin/bash\n";

    #[test]
    fn accounts_are_read_from_the_user_database() {
        assert_eq!(named(USERS, "postgres"), Some(Account { user: 101, group: 104 }));
        assert_eq!(named(USERS, "nobody"), Some(Account { user: 4_294_967_294, group: 4_294_967_294 }));
        assert_eq!(named(USERS, "post"), None);
    }

    #[test]
    fn root_is_never_an_unprivileged_account() {
        assert_eq!(named(USERS, "root"), None);
    }

    #[test]
    fn a_closed_folder_above_is_not_reachable() {
        let outer = std::env::temp_dir().join(format!("account-{}", std::process::id()));
        let inner = outer.join("inner");
        fs::create_dir_all(&inner).expect("temporary folder");
        let owner = Account::owner(&inner).expect("just made");
        let stranger = Account { user: owner.user + 4711, group: owner.group + 4711 };
        assert!(owner.reaches(&inner));
        assert!(stranger.reaches(&inner));
        fs::set_permissions(&outer, fs::Permissions::from_mode(0o700)).expect("own folder");
        assert!(owner.reaches(&inner));
        assert!(!stranger.reaches(&inner));
        fs::remove_dir_all(&outer).expect("own folder");
    }
}
