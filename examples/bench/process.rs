//! What the kernel knows of processes: their processor time, memory and sockets (`/proc`, so only on Linux).

use std::{fs, time::Duration};

/// The kernel counts processor time in hundredths of a second.
const TICK: Duration = Duration::from_millis(10);

/// A process on this machine.
#[derive(Clone, Copy, Debug)]
pub struct Process(pub u32);

impl Process {
    /// This one.
    pub fn own() -> Self {
        Self(std::process::id())
    }

    /// The server behind a session that runs in the process `backend`; none when that is on another machine.
    pub fn postmaster(backend: i32) -> Option<Self> {
        let fields = fields(u32::try_from(backend).ok()?)?;
        let parent = Self(fields.parent);
        let name = fs::read_to_string(format!("/proc/{}/comm", parent.0)).ok()?;
        name.starts_with("postgres").then_some(parent)
    }

    /// Processor time that it took.
    pub fn time(self) -> Duration {
        fields(self.0).map_or(Duration::ZERO, |fields| TICK * fields.own)
    }

    /// Processor time that it and its children took, also those that have ended.
    pub fn time_with_children(self) -> Duration {
        let all = fs::read_dir("/proc").into_iter().flatten().flatten();
        let numbers = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let family = numbers.filter_map(fields).filter(|fields| fields.parent == self.0);
        let children: u32 = family.map(|fields| fields.own + fields.ended).sum();
        fields(self.0).map_or(Duration::ZERO, |fields| TICK * (fields.own + fields.ended + children))
    }

    /// Memory that it holds now, in bytes.
    pub fn resident(self) -> u64 {
        self.status("VmRSS:")
    }

    /// The most memory that it held since [`Process::forget_peak`], in bytes.
    pub fn peak(self) -> u64 {
        self.status("VmHWM:")
    }

    /// Lets the peak start from what it holds now.
    pub fn forget_peak(self) {
        let _ = fs::write(format!("/proc/{}/clear_refs", self.0), "5");
    }

    /// Sockets that it has open.
    pub fn sockets(self) -> usize {
        let open = fs::read_dir(format!("/proc/{}/fd", self.0)).into_iter().flatten().flatten();
        open.filter_map(|entry| fs::read_link(entry.path()).ok())
            .filter(|target| target.to_string_lossy().starts_with("socket:"))
            .count()
    }

    fn status(self, name: &str) -> u64 {
        let text = fs::read_to_string(format!("/proc/{}/status", self.0)).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let kibibytes = line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<u64>().ok());
        kibibytes.unwrap_or_default() * 1024
    }
}

/// Of `/proc/[pid]/stat`, see proc(5).
struct Fields {
    parent: u32,
    /// Ticks of the process.
    own: u32,
    /// Ticks of its children that have ended.
    ended: u32,
}

fn fields(process: u32) -> Option<Fields> {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name is in parentheses and can hold anything.
    let (_, rest) = text.rsplit_once(')')?;
    let numbers: Vec<u32> = rest.split_whitespace().map(|field| field.parse().unwrap_or(0)).collect();
    let sum = |from: usize| Some(numbers.get(from)? + numbers.get(from + 1)?);
    Some(Fields { parent: *numbers.get(1)?, own: sum(11)?, ended: sum(13)? })
}
