use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Semaphore;

use super::*;

fn which(byte: u8) -> Which {
    ([byte; 32], Network::of(None, 32, 56))
}

fn signed_in(user: UserId) -> Verdict {
    Verdict::SignedIn { user, delay: Duration::ZERO }
}

#[tokio::test]
async fn equal_credentials_are_one_check() {
    let (checks, runs) = (Arc::new(Checks::default()), Arc::new(AtomicUsize::new(0)));
    let gate = Arc::new(Semaphore::new(0));
    let mut waiting = Vec::new();
    for _ in 0..50 {
        let (checks, runs, gate) = (Arc::clone(&checks), Arc::clone(&runs), Arc::clone(&gate));
        waiting.push(tokio::spawn(async move {
            let check = |_| async move {
                runs.fetch_add(1, Ordering::Relaxed);
                let _permit = gate.acquire().await;
                signed_in(7)
            };
            checks.join(which(1), check).await.into_result()
        }));
    }
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    gate.add_permits(1);
    for waiter in waiting {
        assert_eq!(waiter.await.unwrap().unwrap(), 7);
    }
    assert_eq!(runs.load(Ordering::Relaxed), 1);
    assert!(checks.0.lock().unwrap().is_empty());
    assert_eq!(checks.join(which(1), |_| async { signed_in(8) }).await.into_result().unwrap(), 8);
}

#[tokio::test]
async fn a_check_learns_that_nobody_waits_and_the_next_starts_anew() {
    let checks = Arc::new(Checks::default());
    let told = Arc::new(Semaphore::new(0));
    let first = {
        let (checks, told) = (Arc::clone(&checks), Arc::clone(&told));
        tokio::spawn(async move {
            let check = |hung_up| async move {
                let hung_up: std::pin::Pin<Box<dyn Future<Output = ()> + Send>> = hung_up;
                hung_up.await;
                told.add_permits(1);
                Verdict::Unwanted
            };
            checks.join(which(1), check).await.into_result()
        })
    };
    tokio::task::yield_now().await;
    first.abort();
    let _ = first.await;
    let _permit = told.acquire().await.unwrap();
    assert_eq!(checks.join(which(1), |_| async { signed_in(9) }).await.into_result().unwrap(), 9);
    assert!(checks.0.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_panic_is_an_error_and_leaves_no_trace() {
    let checks = Checks::default();
    let verdict = checks.join(which(1), |_| async { panic!("expected by the test") }).await;
    assert_eq!(verdict.into_result().unwrap_err().entry().code, "internal");
    assert!(checks.0.lock().unwrap().is_empty());
}
