//! The temporary folder of one running demo.
//!
//! The keeper of the server removes it. Should the keeper be killed together with the gateway, the next demo does: a
//! folder whose lock nobody holds belongs to nobody.

use std::env;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process;

use super::account::Account;
use super::error::Error;

const PREFIX: &str = "gnuhealth-fhir-demo-";

/// A folder that only the server's account enters; removed when dropped.
pub(super) struct Scratch {
    path: PathBuf,
    /// Whom the server must run as: `None` where the gateway's own account will do.
    pub(super) account: Option<Account>,
    _lock: File,
}

impl Scratch {
    /// Makes the folder where `account`, or failing that the account for servers, can enter it; and where `programs`
    /// can be run, if it is for some.
    pub(super) fn new(account: Option<Account>, programs: bool) -> Result<Self, Error> {
        // The usual place can be closed to others when we are root (pam_tmpdir), and to programs (noexec).
        let places = [env::temp_dir(), "/tmp".into(), "/var/tmp".into()];
        let mut refused = None;
        for place in places {
            sweep(&place);
            match Self::within(&place, account, programs) {
                Err(error @ (Error::Unreachable(_) | Error::NoPrograms(_))) => {
                    refused = refused.or(Some(error))
                }
                done => return done,
            }
        }
        Err(refused.expect("every place was refused"))
    }

    fn within(place: &Path, account: Option<Account>, programs: bool) -> Result<Self, Error> {
        let path = place.join(format!("{PREFIX}{}-{}", process::id(), random(8)?));
        let failed = |cause| Error::File("make the temporary folder", path.clone(), cause);
        DirBuilder::new().mode(0o700).create(&path).map_err(failed)?;
        let mut scratch = Self { account: None, _lock: lock(&path).map_err(failed)?, path: path.clone() };
        // The owner of what we make is whom we run as.
        if Account::owner(&path).map_err(failed)?.is_root() {
            let account = account.or_else(Account::unprivileged).ok_or(Error::NoAccount)?;
            if !account.reaches(place) {
                return Err(Error::Unreachable(place.to_owned()));
            }
            scratch.account = Some(account);
        }
        if programs && !runs_programs(&path).map_err(failed)? {
            return Err(Error::NoPrograms(place.to_owned()));
        }
        Ok(scratch)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file that nobody else reads.
    pub(super) fn write(&self, name: &str, text: &str) -> Result<(), Error> {
        secret(&self.path.join(name), text)
    }

    /// Makes the folder with all that is in it the server's own. As root nothing is to be written into it afterwards:
    /// what its account puts there could lead elsewhere.
    pub(super) fn hand_over(&self) -> Result<(), Error> {
        let Some(account) = self.account else { return Ok(()) };
        account.take(&self.path).map_err(|cause| Error::File("hand over", self.path.clone(), cause))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Usually the keeper was here first.
        let _ = fs::remove_dir_all(&self.path);
    }
}

fn runs_programs(folder: &Path) -> io::Result<bool> {
    let program = folder.join("program");
    fs::write(&program, "#!/bin/sh\n")?;
    fs::set_permissions(&program, Permissions::from_mode(0o700))?;
    let run = process::Command::new(&program).status();
    fs::remove_file(program)?;
    Ok(!run.is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied))
}

/// Writes a file that only its owner reads.
pub(super) fn secret(path: &Path, text: &str) -> Result<(), Error> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    options
        .open(path)
        .and_then(|mut file| {
            // A file that was there before keeps its permissions otherwise.
            file.set_permissions(Permissions::from_mode(0o600))?;
            file.write_all(text.as_bytes())
        })
        .map_err(|cause| Error::File("write", path.to_owned(), cause))
}

/// Random hexadecimal digits, two for each byte.
pub(super) fn random(bytes: usize) -> Result<String, Error> {
    let source = Path::new("/dev/urandom");
    let mut buffer = vec![0; bytes];
    File::open(source)
        .and_then(|mut file| file.read_exact(&mut buffer))
        .map_err(|cause| Error::File("read", source.to_owned(), cause))?;
    Ok(buffer.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The lock of a folder in use. Nobody sees it before it is held.
fn lock(folder: &Path) -> io::Result<File> {
    let new = folder.join("lock.new");
    let lock = File::create_new(&new)?;
    lock.lock()?;
    fs::rename(new, folder.join("lock"))?;
    Ok(lock)
}

/// Removes what demos left that were killed together with their keeper.
fn sweep(place: &Path) {
    for entry in fs::read_dir(place).into_iter().flatten().flatten() {
        if entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX)) {
            // A folder of another user, or in use: not ours to remove.
            let _ = remove_abandoned(&entry.path());
        }
    }
}

fn remove_abandoned(folder: &Path) -> io::Result<()> {
    let lock = folder.join("lock");
    // In a folder of another user it can be anything, such as a pipe that never opens.
    if !fs::symlink_metadata(&lock)?.is_file() {
        return Ok(());
    }
    // Opened for writing, which as a user only works in own folders. The removal does not follow symbolic links.
    OpenOptions::new().write(true).open(lock)?.try_lock()?;
    fs::remove_dir_all(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_closed_to_others_and_goes_with_its_owner() {
        let scratch = Scratch::new(None, true).expect("a temporary folder");
        let path = scratch.path().to_owned();
        let mode = fs::metadata(&path).expect("just made").permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        scratch.write("password", "secret").expect("own folder");
        let mode = fs::metadata(path.join("password")).expect("just made").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        drop(scratch);
        assert!(!path.exists());
    }

    #[test]
    fn abandoned_folders_are_removed_and_used_ones_are_not() {
        let used = Scratch::new(None, true).expect("a temporary folder");
        let place = used.path().parent().expect("it is in a folder").to_owned();
        let abandoned = place.join(format!("{PREFIX}0-abandoned"));
        fs::create_dir_all(&abandoned).expect("temporary folder");
        fs::write(abandoned.join("lock"), "").expect("own folder");
        sweep(&place);
        assert!(!abandoned.exists());
        assert!(used.path().exists());
    }

    #[test]
    fn random_digits_differ() {
        let (one, other) = (random(16).expect("digits"), random(16).expect("digits"));
        assert_eq!(one.len(), 32);
        assert_ne!(one, other);
    }
}
