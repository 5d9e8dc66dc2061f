use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use super::*;

/// A keeper with programs that are not PostgreSQL's.
struct Fake {
    folder: PathBuf,
    keeper: Child,
}

impl Fake {
    fn new(name: &str, initdb: &str, postgres: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("keeper-{name}-{}", std::process::id()));
        fs::create_dir_all(folder.join("scratch")).expect("temporary folder");
        for (name, script) in [("initdb", initdb), ("postgres", postgres)] {
            let program = folder.join(name);
            fs::write(&program, format!("#!/bin/sh\n{script}\n")).expect("own folder");
            fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("own file");
        }
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", KEEPER, "keeper"])
            .arg(&folder)
            .arg(folder.join("data"))
            .arg(folder.join("scratch"));
        command.arg("USR1").stdin(Stdio::piped()).stdout(Stdio::piped());
        let keeper = command.spawn().expect("there is a shell");
        Self { folder, keeper }
    }

    /// Waits for the end of the server.
    fn server_ended(&mut self) {
        let output = self.keeper.stdout.take().expect("it is piped");
        assert_eq!(std::io::read_to_string(output).expect("it ends"), "");
    }

    /// Tells the keeper to end, and waits until it has.
    fn end(&mut self) {
        drop(self.keeper.stdin.take());
        assert!(self.keeper.wait().expect("it ends").success());
        assert!(!self.folder.join("scratch").exists());
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.join("scratch/log")).unwrap_or_default()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

#[test]
fn a_server_that_is_deaf_at_first_is_stopped() {
    let deaf = "trap '' USR1; sleep 0.4; trap 'echo ended >&2; exit' USR1; while :; do sleep 0.05; done";
    let mut fake = Fake::new("deaf", "", deaf);
    fake.end();
    fake.server_ended();
}

#[test]
fn the_end_of_the_server_is_noticed_and_its_log_is_still_there() {
    let mut fake = Fake::new("ending", "echo made", "echo no luck >&2; exit 1");
    fake.server_ended();
    assert_eq!(fake.log(), "made\nno luck\n");
    fake.end();
}

#[test]
fn each_locale_is_tried_and_no_server_started_without_data() {
    let initdb = "for last; do :; done; echo \"$last $*\" | grep -o 'locale=[^ ]*' | head -n 1; exit 1";
    let mut fake = Fake::new("locale", initdb, "echo started >&2");
    fake.server_ended();
    assert_eq!(fake.log(), "locale=C.UTF-8\nlocale=en_US.UTF-8\nlocale=C\n");
    fake.end();
}

#[test]
fn what_is_said_to_the_keeper_does_not_end_it() {
    let mut fake = Fake::new("talk", "", "sleep 0.3; echo done >&2");
    let input = fake.keeper.stdin.as_mut().expect("it is piped");
    input.write_all(b"one\ntwo\n").expect("it listens");
    fake.server_ended();
    assert_eq!(fake.log(), "done\n");
    fake.end();
}
