use std::time::Duration;

use tokio::io::AsyncWriteExt as _;

use crate::harness::{SIGNED, Server, start};

async fn statuses(server: &Server, count: usize, headers: &str) -> Vec<u16> {
    let mut statuses = Vec::new();
    for _ in 0..count {
        statuses.push(server.get("/fhir/Patient/1", headers).await.status);
    }
    statuses
}

#[tokio::test]
async fn without_settings_nobody_is_limited() {
    let server = start("").await;
    assert!(statuses(&server, 150, "").await.iter().all(|status| *status == 200));
}

#[tokio::test]
async fn a_user_who_asks_too_much_is_told_when_to_come_again() {
    let server = start("requests_per_user = 1\nrequests_burst = 3").await;
    assert_eq!(statuses(&server, 3, "").await, [200; 3]);
    let refused = server.get("/fhir/Patient/1", "").await;
    assert_eq!((refused.status, refused.code().as_str()), (429, "requests-limited"));
    assert_eq!(refused.json()["issue"][0]["code"], "throttled");
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=2).contains(&wait), "{wait}");
    assert_eq!(server.fake.requests.lock().unwrap().len(), 3, "what is refused does not reach the gateway");
    // What needs no user is answered, and so are others once they may.
    assert_eq!(server.get("/fhir/metadata", "").await.status, 200);
    tokio::time::sleep(Duration::from_secs(wait)).await;
    assert_eq!(server.get("/fhir/Patient/1", "").await.status, 200);
    let metrics = server.admin("GET", "/metrics").await.text();
    assert!(metrics.contains("gnuhealth_fhir_refusals_total{code=\"requests-limited\"} 1\n"), "{metrics}");
}

#[tokio::test]
async fn entries_of_a_batch_count() {
    let server = start("requests_per_user = 1\nrequests_burst = 3").await;
    let entry = r#"{"request":{"method":"GET","url":"Patient/1"}}"#;
    let batch = format!(r#"{{"resourceType":"Bundle","type":"batch","entry":[{entry},{entry},{entry}]}}"#);
    let headers = format!("Content-Type: application/fhir+json\r\nContent-Length: {}\r\n", batch.len());
    assert_eq!(server.send("POST", "/fhir", &headers, &batch).await.status, 200);
    assert_eq!(server.send("POST", "/fhir", &headers, &batch).await.status, 429);
}

#[tokio::test]
async fn an_address_is_that_of_the_client_behind_a_trusted_proxy() {
    let limits = "requests_per_address = 1\nrequests_burst = 2";
    let server = start(&format!("{limits}\ntrusted_proxies = [\"127.0.0.1\"]")).await;
    let from = |address: &str| format!("X-Forwarded-For: {address}\r\n");
    assert_eq!(statuses(&server, 3, &from("192.0.2.1")).await, [200, 200, 429]);
    assert_eq!(statuses(&server, 3, &from("192.0.2.2")).await, [200, 200, 429]);
    assert_eq!(server.get("/fhir/metadata", &from("192.0.2.1")).await.status, 429, "signed in or not");
    assert_eq!(server.get("/livez", &from("192.0.2.1")).await.status, 200);
    // Of others nothing of the kind is believed: nobody gets around the limit by a header.
    let server = start(limits).await;
    let mut all = Vec::new();
    for last in 1..=3 {
        all.extend(statuses(&server, 1, &from(&format!("192.0.2.{last}"))).await);
    }
    assert_eq!(all, [200, 200, 429]);
}

#[tokio::test]
async fn requests_at_the_same_time_are_counted_until_their_streams_end() {
    for setting in ["running_per_user = 1", "running_per_address = 1"] {
        let server = start(setting).await;
        for id in ["slow", "stream"] {
            let mut busy = server.connect().await;
            let request = format!("GET /fhir/Patient/{id} HTTP/1.1\r\nHost: x\r\n{SIGNED}\r\n");
            busy.write_all(request.as_bytes()).await.unwrap();
            tokio::time::sleep(Duration::from_millis(200)).await;
            let refused = server.get("/fhir/Patient/1", "").await;
            assert_eq!(
                (refused.status, refused.code().as_str()),
                (429, "requests-limited"),
                "{setting} {id}"
            );
            assert_eq!(refused.header("retry-after"), Some("1"));
            tokio::time::sleep(Duration::from_millis(700)).await;
            assert_eq!(server.get("/fhir/Patient/1", "").await.status, 200, "{setting} {id}");
        }
        // A client that goes away takes its request with it.
        let mut busy = server.connect().await;
        let request = format!("GET /fhir/Patient/slow HTTP/1.1\r\nHost: x\r\n{SIGNED}\r\n");
        busy.write_all(request.as_bytes()).await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        drop(busy);
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(server.get("/fhir/Patient/1", "").await.status, 200, "{setting}");
    }
}
