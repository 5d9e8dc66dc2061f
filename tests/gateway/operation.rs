//! What an operator does with a running gateway: read its configuration again, watch it, end it; and systemd in that place.

use std::{
    net::TcpListener,
    os::unix::net::UnixDatagram,
    path::Path,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use crate::harness::{Client, Process, demo, ids, link};

/// A gateway with a file of settings that a test rewrites.
struct Reloaded {
    folder: tempfile::TempDir,
    process: Process,
}

impl Reloaded {
    fn start(settings: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.toml");
        std::fs::write(&file, settings).unwrap();
        let arguments = ["--config", file.to_str().unwrap(), "--admin-listen", "127.0.0.1:0"];
        let process = Process::serve(&demo().database.url, &arguments);
        Self { process: process.unwrap_or_else(|said| panic!("{said}")), folder }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// Rewrites the file, asks for a reload and waits until the log has said `text` once more.
    fn reload(&self, settings: &str, text: &str) {
        std::fs::write(self.path("config.toml"), settings).unwrap();
        let before = self.process.said().matches(text).count();
        self.process.signal("HUP");
        self.process.wait_for(text, before + 1);
    }

    fn metric(&self, line: &str) -> bool {
        self.process.operators().get("/metrics").text().contains(&format!("gnuhealth_fhir_{line}\n"))
    }
}

fn on_a_page(client: &Client) -> usize {
    ids(&client.ok("Patient")).len()
}

const GOOD: &str = "configuration and mappings are read again";
const BAD: &str = "not reloaded, the old configuration goes on";

#[test]
fn a_reload_replaces_what_is_served_and_drops_no_request() {
    let gateway = Reloaded::start("default_count = 5");
    let doctor = gateway.process.user("doctor");
    let first = doctor.ok("Patient");
    assert_eq!(ids(&first).len(), 5);
    let (ended, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !ended.load(Ordering::Relaxed) {
                    let count = on_a_page(&doctor);
                    assert!(count == 5 || count == 3, "{count}");
                    asked.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for count in [3, 5, 3] {
            gateway.reload(&format!("default_count = {count}"), GOOD);
            assert_eq!(on_a_page(&doctor), count);
        }
        ended.store(true, Ordering::Relaxed);
    });
    assert!(asked.load(Ordering::Relaxed) > 3, "there were requests meanwhile");
    assert!(gateway.process.said().contains("settings that changed: default_count"));
    // What users would notice is kept: links between pages, and that the password is known.
    doctor.ok(&link(&first, "next").unwrap());
    assert!(gateway.metric("cache_lookups_total{cache=\"verified-passwords\",result=\"miss\"} 1"));
    assert!(gateway.metric("reload_successful 1"));
    let said = gateway.process.end();
    assert!(!said.contains("status=5"), "{said}");
}

#[test]
fn a_bad_configuration_changes_nothing_and_says_why() {
    let gateway = Reloaded::start("default_count = 5");
    let doctor = gateway.process.user("doctor");
    assert_eq!(on_a_page(&doctor), 5);
    let mappings = gateway.path("mappings");
    std::fs::create_dir(&mappings).unwrap();
    std::fs::write(Path::new(&mappings).join("Patient.toml"), "type = \"Patient\"\nmodel = \"no.such\"\n")
        .unwrap();
    let overlay = format!("mappings_dir = \"{mappings}\"\ndefault_count = 3");
    let tls = "default_count = 3\ntls_certificate = \"/no.pem\"\ntls_key = \"/no.key\"";
    for (settings, why) in [
        ("default_count = ", "config.toml:1:17: this is not TOML"),
        ("default_count = 0", "config.toml:1: default_count: \"0\" is not a whole number above zero"),
        ("default_counts = 3", "did you mean \"default_count\"?"),
        (
            "default_count = 3\ndatabase_url = \"postgresql://x@127.0.0.1:1/x\"\ntrytond_conf = \"x\"",
            "give one of them",
        ),
        (overlay.as_str(), "no.such"),
        (tls, "tls_certificate: /no.pem cannot be read"),
    ] {
        gateway.reload(settings, BAD);
        assert!(gateway.process.said().contains(why), "{why}: {}", gateway.process.said());
        assert_eq!(on_a_page(&doctor), 5, "{settings}");
        assert!(gateway.metric("reload_successful 0"));
    }
    std::fs::remove_file(Path::new(&mappings).join("Patient.toml")).unwrap();
    gateway.reload(&format!("{overlay}\nlog = \"json\""), GOOD);
    assert_eq!(on_a_page(&doctor), 3);
    assert!(gateway.metric("reload_successful 1"));
    assert!(
        gateway.process.said().contains("log changed: that takes effect when the program is started anew")
    );
}

#[test]
fn the_metrics_of_a_real_gateway_count_statements_and_sign_ins() {
    let gateway = Reloaded::start("");
    let doctor = gateway.process.user("doctor");
    for _ in 0..3 {
        doctor.ok("Patient?_count=1");
    }
    Client::basic(gateway.process.address, "doctor", "wrong").get("Patient/1").is(401, "credential-wrong");
    assert_eq!(gateway.process.operators().get("/readyz").status, 200);
    for line in [
        "sign_ins_total{way=\"password\",outcome=\"accepted\"} 3",
        "sign_ins_total{way=\"password\",outcome=\"wrong\"} 1",
        "statements_total{class=\"request\"} 3",
        "refusals_total{code=\"credential-wrong\"} 1",
        "sessions_in_use 0",
        "sessions_waiting 0",
        "password_checks_running 0",
    ] {
        assert!(gateway.metric(line), "{line}: {}", gateway.process.operators().get("/metrics").text());
    }
    let text = gateway.process.operators().get("/metrics").text();
    assert!(!text.contains("doctor") && !text.contains("Patient"), "{text}");
    assert!(gateway.process.said().contains("statements=1 "), "{}", gateway.process.said());
}

/// What systemd is told until it holds `text`.
fn told(systemd: &UnixDatagram, text: &str) -> String {
    let (mut all, begun) = (String::new(), Instant::now());
    while !all.contains(text) {
        assert!(begun.elapsed() < Duration::from_secs(20), "{text} is not told: {all}");
        let mut message = [0; 4096];
        let Ok(length) = systemd.recv(&mut message) else { continue };
        all.push_str(std::str::from_utf8(&message[..length]).unwrap());
    }
    all
}

#[test]
fn systemd_passes_a_socket_and_is_told_what_happens() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let systemd = UnixDatagram::bind(&path).unwrap();
    systemd.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let variables = [("NOTIFY_SOCKET", path.to_str().unwrap()), ("WATCHDOG_USEC", "200000")];
    let process = Process::serve_under_systemd(&demo().database.url, &variables, socket)
        .unwrap_or_else(|said| panic!("{said}"));
    assert_eq!(process.address, address, "it listens where systemd does");
    let mut heard = told(&systemd, "READY=1\n");
    assert!(!heard.contains("STOPPING"), "{heard}");
    process.user("doctor").ok("Patient?_count=1");
    heard = told(&systemd, "WATCHDOG=1\n");
    assert!(!heard.contains("RELOADING"), "{heard}");
    process.signal("HUP");
    told(&systemd, "RELOADING=1\nMONOTONIC_USEC=");
    told(&systemd, "READY=1\n");
    process.wait_for(GOOD, 1);
    assert!(!process.said().contains("listen changed"), "{}", process.said());
    process.signal("TERM");
    told(&systemd, "STOPPING=1\n");
    let (code, said) = process.ended();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("stopped"), "{said}");
}

#[test]
fn the_first_signal_lets_requests_end_and_the_second_does_not() {
    let gateway = Reloaded::start("drain_delay = \"1m\"");
    let (doctor, operators) = (gateway.process.user("doctor"), gateway.process.operators());
    assert_eq!(operators.get("/readyz").status, 200);
    gateway.process.signal("TERM");
    gateway.process.wait_for("stopping", 1);
    assert_eq!(operators.get("/readyz").status, 503);
    doctor.ok("Patient?_count=1");
    let begun = Instant::now();
    gateway.process.signal("TERM");
    let (code, _) = gateway.process.ended();
    assert_eq!(code, Some(1));
    assert!(begun.elapsed() < Duration::from_secs(5));
}
