use std::{net::IpAddr, sync::Mutex};

use super::*;

const HOME: &str = "192.0.2.7";

fn network(address: &str) -> Network {
    Network::of(Some(address.parse::<IpAddr>().unwrap()), 32, 56)
}

/// Failures in memory under a clock that is moved by hand.
struct Bench {
    memory: Memory,
    offset: Arc<Mutex<Duration>>,
}

impl Bench {
    fn new() -> Self {
        let offset = Arc::new(Mutex::new(Duration::ZERO));
        let (start, clock) = (Instant::now(), Arc::clone(&offset));
        let clock: Clock = Arc::new(move || start + *clock.lock().unwrap());
        Self { memory: Memory::new(Options::default(), clock), offset }
    }

    fn pass(&self, seconds: u64) {
        *self.offset.lock().unwrap() += Duration::from_secs(seconds);
    }

    fn failures(&self, login: &str) -> Option<u32> {
        match self.memory.admit(login, &network(HOME)) {
            Admission::Admitted { failures, .. } => Some(failures),
            Admission::Throttled { .. } => None,
        }
    }
}

#[test]
fn networks_are_written_as_tryton_writes_them() {
    for (address, text) in [
        ("10.1.2.3", "10.1.2.3/32"),
        ("2001:db8:1::5", "2001:db8:1::/56"),
        ("2001:db8:1:2ff:1:2:3:4", "2001:db8:1:200::/56"),
        ("::1", "::/56"),
        ("::ffff:10.1.2.3", "10.1.2.3/32"),
    ] {
        assert_eq!(network(address).text(), text);
    }
    assert_eq!(network("::ffff:10.1.2.3").address(), "10.1.2.3");
    assert_eq!(Network::of(Some("10.1.2.3".parse().unwrap()), 24, 0).text(), "10.1.2.0/24");
    assert_eq!(Network::of(Some("10.1.2.3".parse().unwrap()), 0, 0).text(), "0.0.0.0/0");
    assert_eq!(Network::of(Some("::1".parse().unwrap()), 32, 128).text(), "::1/128");
    assert_eq!((Network::of(None, 32, 56).text(), Network::of(None, 32, 56).address()), ("", ""));
}

#[test]
fn the_seventh_try_after_six_failures_is_refused() {
    let bench = Bench::new();
    for failures in 0..6 {
        assert_eq!(bench.failures("nurse"), Some(failures));
        bench.memory.failed("nurse", &network(HOME));
        bench.pass(1);
    }
    assert_eq!(bench.failures("nurse"), None);
    assert_eq!(bench.failures("doctor"), Some(0));
}

#[test]
fn a_refused_try_prolongs_the_block() {
    let bench = Bench::new();
    for _ in 0..6 {
        bench.memory.failed("nurse", &network(HOME));
        bench.pass(10);
    }
    // Failures at 0, 10, … 50; the refusal at 100 takes the place of the first.
    bench.pass(40);
    assert_eq!(
        bench.memory.admit("nurse", &network(HOME)),
        Admission::Throttled { retry_after: 300 - (100 - 10) }
    );
    bench.pass(210);
    assert_eq!(bench.failures("nurse"), None, "exactly as old as the window still counts");
    let bench = Bench::new();
    for _ in 0..6 {
        bench.memory.failed("nurse", &network(HOME));
        bench.pass(10);
    }
    bench.pass(241);
    assert_eq!(bench.failures("nurse"), Some(5));
}

#[test]
fn a_success_forgets_the_failures_of_the_login() {
    let bench = Bench::new();
    for _ in 0..5 {
        bench.memory.failed("nurse", &network(HOME));
    }
    bench.memory.failed("doctor", &network(HOME));
    bench.memory.succeeded("nurse");
    assert_eq!(bench.failures("nurse"), Some(0));
    assert_eq!(bench.failures("doctor"), Some(1));
}

#[test]
fn a_network_is_refused_beyond_300_failures_and_that_leaves_no_trace() {
    let bench = Bench::new();
    for number in 0..300 {
        bench.memory.failed(&format!("login {number}"), &network(HOME));
    }
    assert_eq!(bench.failures("nurse"), Some(0));
    bench.memory.failed("login 300", &network(HOME));
    bench.pass(100);
    assert_eq!(bench.memory.admit("nurse", &network(HOME)), Admission::Throttled { retry_after: 200 });
    assert!(matches!(
        bench.memory.admit("nurse", &network("192.0.2.8")),
        Admission::Admitted { failures: 0, .. }
    ));
    // What a success takes back is taken back from the network too.
    bench.memory.succeeded("login 17");
    assert_eq!(bench.failures("nurse"), Some(0));
}

#[test]
fn memory_is_bounded_and_keeps_the_guilty() {
    let bench = Bench::new();
    for _ in 0..6 {
        bench.memory.failed("nurse", &network(HOME));
    }
    for number in 0..17_000_u32 {
        *bench.offset.lock().unwrap() += Duration::from_millis(1);
        let address = IpAddr::from(number.to_be_bytes());
        bench.memory.failed(&format!("login {number}"), &Network::of(Some(address), 32, 56));
    }
    assert_eq!(bench.failures("nurse"), None);
    assert!(matches!(
        bench.memory.admit("login 16999", &network("192.0.2.8")),
        Admission::Admitted { failures: 1, .. }
    ));
    assert!(matches!(
        bench.memory.admit("login 0", &network("192.0.2.8")),
        Admission::Admitted { failures: 0, .. }
    ));
}

#[test]
fn logins_are_cut_to_512_characters() {
    let long = "ñ".repeat(600);
    assert_eq!(shortened(&long).chars().count(), 512);
    assert_eq!(shortened("nurse"), "nurse");
}
