use std::time::{Duration, Instant};

use super::{History, Identity, Reason, Standing};

const LAG: Duration = Duration::from_secs(2);
const HOSPITAL: Identity = Identity { cluster: 7, database: 16384 };

fn primary(written: u64) -> Standing {
    Standing { standby: false, written, identity: HOSPITAL, timeline: 1 }
}

fn replica(written: u64) -> Standing {
    Standing { standby: true, ..primary(written) }
}

fn unasked() -> Reason {
    Reason::Unasked(Reason::Silent.to_string())
}

fn after(begin: Instant, milliseconds: u64) -> Instant {
    begin + Duration::from_millis(milliseconds)
}

/// A primary that writes 10 bytes a second and is asked four times a second, for three seconds.
fn writing() -> (Instant, History) {
    let (begin, mut history) = (Instant::now(), History::new(LAG));
    for look in 0..=12 {
        history.add(after(begin, look * 250), &primary(100 + look * 10 / 4));
    }
    (begin, history)
}

#[test]
fn a_replica_is_as_old_as_the_last_place_of_the_primary_that_it_has_replayed() {
    let (begin, history) = writing();
    let now = after(begin, 3000);
    for (replayed, fresh) in
        [(130, Some(3000)), (1000, Some(3000)), (129, Some(2750)), (120, Some(2000)), (90, None)]
    {
        let found = history.place(&replica(replayed)).unwrap();
        assert_eq!(found, fresh.map(|fresh| after(begin, fresh)), "{replayed}");
    }
    let judged = |replayed, used| history.judge(history.place(&replica(replayed)).unwrap(), used, now);
    assert_eq!(judged(130, false), Ok(now));
    // A second and a half: enough to stay, not to come back.
    assert_eq!(judged(115, true), Ok(after(begin, 1500)));
    assert_eq!(judged(115, false), Err(Reason::Behind(LAG / 2)));
    assert_eq!(judged(90, true), Err(Reason::Behind(LAG)));
}

#[test]
fn an_idle_primary_makes_nobody_old() {
    let (begin, mut history) = (Instant::now(), History::new(LAG));
    for look in 0..4000 {
        history.add(after(begin, look * 250), &primary(100));
    }
    let now = after(begin, 3999 * 250);
    assert_eq!(history.judge(history.place(&replica(100)).unwrap(), true, now), Ok(now));
    assert_eq!(history.samples.len(), 1);
    // What it has not replayed was written an unknown time ago.
    assert_eq!(history.place(&replica(99)).unwrap(), None);
}

#[test]
fn a_replica_that_is_cut_off_grows_old_while_the_primary_writes() {
    let (begin, history) = writing();
    // Its last word was that of the beginning.
    assert!(history.judge(Some(begin), true, after(begin, 1999)).is_ok());
    assert_eq!(history.judge(Some(begin), true, after(begin, 2001)), Err(Reason::Behind(LAG)));
}

#[test]
fn without_news_of_the_primary_nobody_is_used_longer_than_the_lag() {
    let (begin, mut history) = writing();
    history.unanswered(Reason::Silent);
    let fresh = history.place(&replica(1000)).unwrap();
    assert!(history.judge(fresh, true, after(begin, 5000)).is_ok());
    assert_eq!(history.judge(fresh, true, after(begin, 5001)), Err(unasked()));
    assert_eq!(History::new(LAG).place(&replica(1)), Err(Reason::Unknown));
}

#[test]
fn a_replica_is_no_laggard_before_the_primary_was_asked_long_enough() {
    let (begin, mut history) = (Instant::now(), History::new(LAG));
    history.add(begin, &primary(100));
    assert_eq!(history.judge(None, false, after(begin, 300)), Err(Reason::Unknown));
    history.add(after(begin, 1000), &primary(100));
    assert_eq!(history.judge(None, false, after(begin, 1000)), Err(Reason::Behind(LAG / 2)));
}

#[test]
fn another_hospital_is_never_used() {
    let (_, history) = writing();
    let other = |identity| history.place(&Standing { identity, ..replica(130) });
    assert_eq!(other(Identity { cluster: 8, ..HOSPITAL }), Err(Reason::Cluster));
    assert_eq!(other(Identity { database: 5, ..HOSPITAL }), Err(Reason::Database));
    assert_eq!(history.place(&primary(130)), Err(Reason::Primary));
    assert_eq!(history.place(&Standing { timeline: 2, ..replica(130) }), Err(Reason::Timeline(2, 1)));
}

#[test]
fn places_of_another_timeline_are_forgotten() {
    let (begin, mut history) = writing();
    history.add(after(begin, 3250), &Standing { timeline: 2, ..primary(110) });
    assert_eq!(history.samples.len(), 1);
    assert_eq!(history.place(&replica(130)), Err(Reason::Timeline(1, 2)));
    // One that was made anew from a backup goes back on the same timeline.
    history.add(after(begin, 3500), &Standing { timeline: 2, ..primary(105) });
    assert_eq!(history.samples.len(), 1);
}

#[test]
fn a_long_lag_does_not_need_many_places() {
    let (begin, mut history) = (Instant::now(), History::new(Duration::from_secs(3600)));
    for look in 0..40_000 {
        history.add(after(begin, look * 250), &primary(look));
    }
    assert!((60..70).contains(&history.samples.len()), "{}", history.samples.len());
    let now = after(begin, 39_999 * 250);
    assert_eq!(history.place(&replica(39_999)).unwrap(), Some(now));
    // The time between two of them is lost at most.
    let behind = now.duration_since(history.place(&replica(39_998)).unwrap().unwrap());
    assert!(behind < Duration::from_secs(60), "{behind:?}");
}
