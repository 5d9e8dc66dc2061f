//! Clients that send or read slowly, or not at all: others are served meanwhile.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    thread::sleep,
    time::{Duration, Instant},
};

use super::Target;

const SIGNED: &str = "Authorization: Basic ZG9jdG9yOmRvY3Rvci1kZW1v\r\n";

#[test]
fn others_are_served_while_some_dawdle() {
    let target = Target::start(&[]);
    let connect = || TcpStream::connect(target.process.address).unwrap();
    let mut open = Vec::new();
    for number in 0..200 {
        let mut stream = connect();
        let head = match number % 5 {
            0 => String::new(),
            1 => "GET /fhir/Pat".to_owned(),
            2 => format!("GET /fhir/Patient/1 HTTP/1.1\r\nHost: x\r\n{SIGNED}X-Slow: "),
            3 => format!(
                "POST /fhir/Patient/_search HTTP/1.1\r\nHost: x\r\n{SIGNED}Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\nname="
            ),
            // Reads nothing of a large answer.
            _ => format!("GET /fhir/Patient?_count=50 HTTP/1.1\r\nHost: x\r\n{SIGNED}\r\n"),
        };
        stream.write_all(head.as_bytes()).unwrap();
        open.push(stream);
    }
    sleep(Duration::from_secs(1));
    for _ in 0..20 {
        for stream in open.iter_mut().take(100) {
            let _ = stream.write_all(b"a");
        }
        assert_eq!(target.get("Patient/1").status, 200);
    }
    drop(open);
    target.survived();
}

#[test]
fn a_client_that_goes_away_leaves_nothing_behind() {
    let target = Target::start(&["--connections", "2"]);
    for _ in 0..50 {
        let mut stream = TcpStream::connect(target.process.address).unwrap();
        let search = "Observation?_count=500&_total=accurate&_sort=-date&subject:Patient.name:contains=a";
        stream
            .write_all(format!("GET /fhir/{search} HTTP/1.1\r\nHost: x\r\n{SIGNED}\r\n").as_bytes())
            .unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
        let _ = stream.read(&mut [0; 1]);
    }
    // With one session of the database for requests it is busy for a while.
    let begun = Instant::now();
    while target.doctor.get("Patient/1").status != 200 {
        assert!(begun.elapsed() < Duration::from_secs(10), "what nobody waits for still runs");
        sleep(Duration::from_millis(100));
    }
    target.survived();
}
