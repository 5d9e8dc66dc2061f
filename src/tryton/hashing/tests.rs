use std::time::Duration;

use tokio::{task::JoinHandle, time::timeout};

use super::{queue::Turn, *};

fn queue(turns: usize, waiting: usize) -> Queue {
    Queue::new(Limits { turns, waiting, waiting_per_login: 3 })
}

async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

fn spawn(queue: &Queue, login: &str, network: &str) -> JoinHandle<Result<Turn, Full>> {
    let (queue, login, network) = (queue.clone(), login.to_owned(), network.to_owned());
    tokio::spawn(async move { queue.turn(&login, &network).await })
}

#[tokio::test]
async fn only_so_many_turns_at_once() {
    let queue = queue(2, 10);
    let first = queue.turn("a", "n").await.ok().unwrap();
    let _second = queue.turn("b", "n").await.ok().unwrap();
    let third = spawn(&queue, "c", "n");
    settle().await;
    assert_eq!((queue.taken(), queue.waiting()), (2, 1));
    drop(first);
    let third = third.await.unwrap().ok().unwrap();
    drop(third);
    assert_eq!((queue.taken(), queue.waiting()), (1, 0));
}

#[tokio::test]
async fn one_login_is_checked_once_at_a_time() {
    let queue = queue(2, 10);
    let first = queue.turn("a", "n").await.ok().unwrap();
    let again = spawn(&queue, "a", "m");
    settle().await;
    let other = timeout(Duration::from_secs(5), queue.turn("b", "n")).await.unwrap();
    assert!(other.is_ok(), "passes the one that waits for its login");
    assert!(!again.is_finished());
    drop(first);
    assert!(again.await.unwrap().is_ok());
}

#[tokio::test]
async fn turns_go_round_the_networks() {
    let queue = queue(1, 100);
    let held = queue.turn("x", "flood").await.ok().unwrap();
    let mut flood: Vec<_> = (0..20).map(|number| spawn(&queue, &format!("f{number}"), "flood")).collect();
    settle().await;
    let nurse = spawn(&queue, "nurse", "ward");
    settle().await;
    drop(held);
    // One check of the flood at most comes before.
    let first = flood.remove(0).await.unwrap();
    drop(first);
    let nurse = timeout(Duration::from_secs(5), nurse).await.unwrap().unwrap();
    assert!(nurse.is_ok());
    assert_eq!(queue.waiting(), 19);
}

#[tokio::test]
async fn a_full_queue_refuses_its_largest_network() {
    let queue = queue(1, 4);
    let _held = queue.turn("x", "flood").await.ok().unwrap();
    let flood: Vec<_> = (0..4).map(|number| spawn(&queue, &format!("f{number}"), "flood")).collect();
    settle().await;
    assert_eq!(queue.turn("f4", "flood").await.err(), Some(Full));
    let nurse = spawn(&queue, "nurse", "ward");
    settle().await;
    assert!(!nurse.is_finished(), "waits in the place that the flood gave up");
    assert!(flood[3].is_finished());
    assert_eq!(queue.waiting(), 4);
}

#[tokio::test]
async fn one_login_cannot_fill_the_lane_of_its_network() {
    let queue = queue(1, 100);
    let _held = queue.turn("a", "n").await.ok().unwrap();
    let _waiting: Vec<_> = (0..3).map(|_| spawn(&queue, "a", "n")).collect();
    settle().await;
    assert_eq!(queue.turn("a", "n").await.err(), Some(Full));
    assert!(!spawn(&queue, "a", "m").is_finished());
}

#[tokio::test]
async fn who_goes_away_leaves_no_trace() {
    let queue = queue(1, 2);
    let held = queue.turn("a", "n").await.ok().unwrap();
    for _ in 0..10 {
        let gone = spawn(&queue, "b", "n");
        settle().await;
        gone.abort();
        assert!(gone.await.is_err());
    }
    let next = spawn(&queue, "c", "n");
    settle().await;
    drop(held);
    drop(next.await.unwrap());
    assert_eq!((queue.taken(), queue.waiting()), (0, 0));
}

#[tokio::test]
async fn a_turn_that_reaches_nobody_is_given_back() {
    let queue = queue(1, 5);
    let held = queue.turn("a", "n").await.ok().unwrap();
    let waiting = spawn(&queue, "b", "n");
    settle().await;
    // The turn is sent, then its receiver is dropped before it looks.
    drop(held);
    waiting.abort();
    let _ = waiting.await;
    assert_eq!(queue.taken(), 0);
}

#[tokio::test]
async fn hashes_are_checked_off_the_workers() {
    let hash = Hash::parse("sha1$f4014b9a20b8b0b14b70eff2077fcbc13598eafb$").unwrap();
    assert!(verify(hash.clone(), "gnusolidario".to_owned()).await.unwrap());
    assert!(!verify(hash, "other".to_owned()).await.unwrap());
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn checks_give_way_and_nobody_else_does() {
    let own = || {
        let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
        let (_, fields) = stat.rsplit_once(") ").unwrap();
        fields.split(' ').nth(16).unwrap().parse::<i32>().unwrap()
    };
    let before = own();
    let within = std::thread::spawn(move || {
        super::give_way();
        own()
    });
    // Nobody can be nicer than 19.
    assert!(within.join().unwrap() >= (before + 5).min(19));
    assert_eq!(own(), before);
}
