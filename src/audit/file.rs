//! The file: appended to, locked, and gone on with after a crash, a full disk or a rotation.

use std::{
    fs::{self, OpenOptions, TryLockError},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use super::{
    chain::{Line, Link, Seal, Torn},
    sink::{Begun, Sink, Sync},
};

/// Bytes that are read at a time from the end of a file.
const PIECE: u64 = 64 << 10;
/// Bytes from the end in which a line of the chain must be found: what has none there is something else.
const FAR: u64 = 64 << 20;

pub(super) struct File {
    path: PathBuf,
    sync: Sync,
    file: fs::File,
    /// What was written in part and could not be taken back.
    torn: Vec<u8>,
}

impl File {
    /// Opens the file and finds the end of its chain.
    pub(super) fn open(path: &Path, sync: Sync, seal: &Seal) -> io::Result<Begun> {
        let file = opened(path)?;
        let end = End::of(&file, seal)?;
        let (last, how) = match end.last {
            Some(last) if end.whole => (last, "the chain goes on".to_owned()),
            Some(last) => (last, "the chain goes on behind lines that were changed".to_owned()),
            None if !end.whole => (Link::default(), "a new chain behind lines of no chain".to_owned()),
            None => match before(path, seal)? {
                Some((name, last)) => (last, format!("the chain goes on from {name}")),
                None => (Link::default(), "a new chain".to_owned()),
            },
        };
        if !end.whole {
            let path = path.display();
            tracing::error!(
                "{path}: its last line is not as it was written; gnuhealth-fhir audit verify tells more"
            );
        }
        let file = Self { path: path.to_owned(), sync, file, torn: end.torn };
        Ok(Begun { sink: Sink::File(file), last, how })
    }

    /// Appends whole lines, or nothing.
    pub(super) fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        let length = self.file.metadata()?.len();
        let mut bytes = lines;
        let joined;
        if !self.torn.is_empty() {
            joined = [b"\n", lines].concat();
            bytes = &joined;
        }
        let mut left = bytes;
        let written = loop {
            match self.file.write(left) {
                Ok(0) => break Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => left = &left[count..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
            if left.is_empty() {
                break Ok(());
            }
        };
        let kept = written.and_then(|()| match self.sync {
            Sync::Always => self.sync(),
            Sync::System => Ok(()),
        });
        let count = bytes.len() - left.len();
        match kept {
            Ok(()) => self.torn.clear(),
            // A file that may only be appended to cannot be cut: what was written stays and is told of.
            Err(_) if count > 0 && self.file.set_len(length).is_err() => {
                self.torn.extend_from_slice(&bytes[..count]);
            }
            Err(_) => {}
        }
        kept
    }

    fn sync(&self) -> io::Result<()> {
        match self.file.sync_data() {
            // A pipe or a device, which has no disk.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
            done => done,
        }
    }

    pub(super) fn torn(&self) -> Option<Torn> {
        (!self.torn.is_empty()).then(|| Torn::of(&self.torn))
    }

    pub(super) fn reopen(&mut self) -> io::Result<bool> {
        let here = self.file.metadata()?;
        if fs::metadata(&self.path).is_ok_and(|there| (there.dev(), there.ino()) == (here.dev(), here.ino()))
        {
            return Ok(false);
        }
        self.file = opened(&self.path)?;
        self.torn.clear();
        Ok(true)
    }

    pub(super) fn is_gone(&self) -> bool {
        self.file.metadata().is_ok_and(|file| file.nlink() == 0)
    }
}

fn opened(path: &Path) -> io::Result<fs::File> {
    let file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
    // Pipes and devices have no chain to go on with.
    if !file.metadata()?.is_file() {
        return Ok(file);
    }
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(io::Error::new(io::ErrorKind::ResourceBusy, "another process writes to it"));
        }
        Err(TryLockError::Error(error)) => return Err(error),
    }
    // The name of a new file must not be lost either.
    if let Some(folder) = path.parent() {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        fs::File::open(folder)?.sync_all()?;
    }
    Ok(file)
}

/// The end of a file.
struct End {
    /// The last line that is right.
    last: Option<Link>,
    /// That is the last of all.
    whole: bool,
    /// What comes after the last end of a line.
    torn: Vec<u8>,
}

impl End {
    fn of(mut file: &fs::File, seal: &Seal) -> io::Result<Self> {
        let size = file.metadata()?;
        let mut start = if size.is_file() { size.len() } else { 0 };
        let mut read = Vec::new();
        let mut found = Self { last: None, whole: true, torn: Vec::new() };
        let mut ended = false;
        // Backwards, line by line, until one is right.
        loop {
            let from = read.iter().rposition(|byte| *byte == b'\n');
            match from {
                Some(at) if !ended => {
                    found.torn = read.split_off(at + 1);
                    read.truncate(at);
                    ended = true;
                }
                None if start == 0 && !ended => {
                    found.torn = read;
                    return Ok(found);
                }
                None if start == 0 && read.is_empty() => return Ok(found),
                from if from.is_some() || start == 0 => {
                    let line = read.split_off(from.map_or(0, |at| at + 1));
                    read.truncate(from.unwrap_or_default());
                    if seal.holds(&line)
                        && let Some(line) = Line::read(&line)
                    {
                        found.last = Some(line.link);
                        return Ok(found);
                    }
                    found.whole = false;
                    if from.is_none() {
                        return Ok(found);
                    }
                }
                _ if size.len() - start > FAR => {
                    found.whole = false;
                    return Ok(found);
                }
                _ => {
                    let piece = PIECE.min(start).max(read.len() as u64).min(start);
                    start -= piece;
                    let mut before = vec![0; usize::try_from(piece).unwrap_or(usize::MAX)];
                    file.seek(SeekFrom::Start(start))?;
                    file.read_exact(&mut before)?;
                    before.extend_from_slice(&read);
                    read = before;
                }
            }
        }
    }
}

/// The file that was rotated away last, when the program did not run to see it: its name begins with that of the file.
fn before(path: &Path, seal: &Seal) -> io::Result<Option<(String, Link)>> {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return Ok(None) };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut newest = None;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let other = entry.file_name().to_string_lossy().into_owned();
        let Some(rest) = other.strip_prefix(name) else { continue };
        let data = entry.metadata()?;
        let packed = [".gz", ".xz", ".zst", ".bz2"].iter().any(|end| rest.ends_with(end));
        if packed || !rest.starts_with(['.', '-', '_']) || !data.is_file() || data.len() == 0 {
            continue;
        }
        let Ok(file) = fs::File::open(entry.path()) else { continue };
        let Some(last) = End::of(&file, seal)?.last else { continue };
        if newest.as_ref().is_none_or(|(_, known): &(String, Link)| known.sequence < last.sequence) {
            newest = Some((other, last));
        }
    }
    Ok(newest)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{File, Link, Seal, Sync, Torn};

    fn lines(count: u64, size: usize) -> (Vec<u8>, Link) {
        let (mut out, mut last) = (Vec::new(), Link::default());
        for _ in 0..count {
            let event = format!("{{\"a\":\"{}\"}}", "x".repeat(size));
            Seal::Hash.line(&mut out, &mut last, None, event.as_bytes());
        }
        (out, last)
    }

    #[test]
    fn the_end_of_the_chain_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let mut files = 0;
        for size in [0, 10, 65_000, 65_536, 300_000] {
            let (text, last) = lines(3, size);
            let third = text[..text.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
            let second = lines(2, size).1;
            let half = b"{\"seq\":4,\"pr";
            for (text, expected, torn) in [
                (text.clone(), &last, None),
                ([&text[..], half].concat(), &last, Some(Torn::of(half))),
                ([&text[..], b"some line\n"].concat(), &last, None),
                (text[..text.len() - 1].to_vec(), &second, Some(Torn::of(&text[third..text.len() - 1]))),
                (Vec::new(), &Link::default(), None),
                (half.to_vec(), &Link::default(), Some(Torn::of(half))),
            ] {
                // A process that another test starts holds the lock of the one before for a moment.
                let path = folder.path().join(files.to_string());
                files += 1;
                fs::write(&path, &text).unwrap();
                let begun = File::open(&path, Sync::Always, &Seal::Hash).unwrap();
                assert_eq!((&begun.last, begun.sink.torn()), (expected, torn), "{size}");
            }
        }
    }
}
