use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::harness::{SIGNED, parse, start, start_with};

fn slow() -> Vec<u8> {
    format!("GET /fhir/Patient/slow HTTP/1.1\r\nHost: x\r\n{SIGNED}\r\n").into_bytes()
}

#[tokio::test]
async fn running_requests_end_before_the_server_stops() {
    let mut server = start("").await;
    let mut busy = server.connect().await;
    busy.write_all(&slow()).await.unwrap();
    let mut idle = server.connect().await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    server.stop.take().unwrap().send(()).unwrap();
    let mut answer = Vec::new();
    busy.read_to_end(&mut answer).await.unwrap();
    assert_eq!(parse(&answer, false)[0].status, 200);
    assert_eq!(idle.read(&mut [0; 8]).await.unwrap_or(0), 0);
    tokio::time::timeout(Duration::from_secs(2), server.task).await.unwrap().unwrap();
    assert!(tokio::net::TcpStream::connect(server.address).await.is_err());
}

#[tokio::test]
async fn requests_that_take_too_long_do_not_hold_up_the_stop() {
    let mut server = start_with("", |options| options.limits.drain = Duration::from_millis(100)).await;
    let mut busy = server.connect().await;
    busy.write_all(&slow()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    server.stop.take().unwrap().send(()).unwrap();
    tokio::time::timeout(Duration::from_millis(400), server.task).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_client_that_goes_away_cancels_its_request() {
    let server = start("").await;
    let mut stream = server.connect().await;
    stream.write_all(&slow()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    drop(stream);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(*server.fake.cancelled.lock().unwrap(), 1);
}

#[tokio::test]
async fn connections_above_the_limit_wait() {
    let server = start_with("", |options| options.limits.connections = 1).await;
    let mut first = server.connect().await;
    first.write_all(&slow()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let begun = Instant::now();
    let waiting = server.get("/livez", "");
    let (response, ()) = tokio::join!(waiting, async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        drop(first);
    });
    assert_eq!(response.status, 200);
    assert!(begun.elapsed() >= Duration::from_millis(250));
}

#[tokio::test]
async fn http2_is_served_without_an_upgrade() {
    let server = start("").await;
    let mut stream = server.connect().await;
    // Preface, empty SETTINGS, and HEADERS for GET /livez over http with END_STREAM and END_HEADERS (HPACK, static table).
    let block = [&[0x82, 0x86, 0x04, 6][..], b"/livez", &[0x01, 1], b"x"].concat();
    let frame = [&[0, 0, u8::try_from(block.len()).unwrap(), 1, 5, 0, 0, 0, 1][..], &block].concat();
    let bytes = [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], &[0, 0, 0, 4, 0, 0, 0, 0, 0], &frame].concat();
    stream.write_all(&bytes).await.unwrap();
    let mut answer = Vec::new();
    let found = tokio::time::timeout(Duration::from_secs(2), async {
        let mut buffer = [0; 4096];
        while !answer.windows(3).any(|three| three == b"ok\n") {
            let read = stream.read(&mut buffer).await.unwrap();
            assert!(read > 0, "closed: {answer:?}");
            answer.extend_from_slice(&buffer[..read]);
        }
    });
    found.await.unwrap();
}
