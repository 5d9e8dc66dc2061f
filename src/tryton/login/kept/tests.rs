//! What a text that a browser keeps is good for, and when it ends.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};

use super::{Keeper, Options, Proof};
use crate::error;

fn keeper(key: Option<&str>) -> Keeper {
    let options = Options {
        key: key.map(str::to_owned),
        idle: Duration::from_secs(100),
        longest: Duration::from_secs(1000),
    };
    Keeper::new(&options).unwrap()
}

fn after(seconds: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(1_000_000 + seconds)
}

fn begun(keeper: &Keeper) -> String {
    keeper.begin(7, Proof::of(7, "nurse", "hash"), after(0)).unwrap()
}

#[track_caller]
fn refused(keeper: &Keeper, text: &str, at: Timestamp) {
    let error = keeper.open(text, at).err().expect("it must not open");
    assert_eq!(error.entry(), &error::SESSION_ENDED);
}

#[test]
fn it_names_its_user_and_says_nothing() {
    let keeper = keeper(None);
    let text = begun(&keeper);
    let kept = keeper.open(&text, after(1)).unwrap();
    assert_eq!(kept.user, 7);
    assert!(kept.proof.is(Proof::of(7, "nurse", "hash")));
    for other in [Proof::of(8, "nurse", "hash"), Proof::of(7, "nurs", "ehash"), Proof::of(7, "nurse", "Hash")]
    {
        assert!(!kept.proof.is(other));
    }
    assert_ne!(text, begun(&keeper), "no two are equal");
}

#[test]
fn nobody_else_makes_one() {
    let keeper = keeper(None);
    let text = begun(&keeper);
    let bytes = URL_SAFE_NO_PAD.decode(&text).unwrap();
    for place in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[place] ^= 1;
        refused(&keeper, &URL_SAFE_NO_PAD.encode(changed), after(0));
    }
    for end in [0, 1, 32, text.len() - 1] {
        refused(&keeper, &text[..end], after(0));
    }
    refused(&keeper, &format!("{text}="), after(0));
    refused(&keeper, &format!("{text} "), after(0));
    refused(&keeper, &"A".repeat(100_000), after(0));
    refused(&self::keeper(None), &text, after(0));
    refused(&self::keeper(Some("another key")), &text, after(0));
}

#[test]
fn instances_with_one_key_share_it() {
    let (one, other) = (keeper(Some("a key")), keeper(Some("a key")));
    assert_eq!(other.open(&begun(&one), after(0)).unwrap().user, 7);
}

#[test]
fn it_ends_when_it_is_not_used_and_at_longest_after_its_time() {
    let keeper = keeper(None);
    let mut text = begun(&keeper);
    assert!(keeper.open(&text, after(99)).is_ok());
    refused(&keeper, &text, after(100));
    assert!(keeper.renewed(&text, after(9)).is_none(), "too soon for a new one");
    assert!(keeper.renewed(&text, after(100)).is_none(), "what has ended is not renewed");
    for at in (90..1000).step_by(90) {
        text = keeper.renewed(&text, after(at)).expect("it is used");
    }
    assert!(keeper.open(&text, after(999)).is_ok());
    refused(&keeper, &text, after(1000));
}

#[test]
fn a_clock_that_goes_back_does_not_prolong_it() {
    let keeper = keeper(None);
    let text = begun(&keeper);
    assert!(keeper.open(&text, after(-60)).is_ok(), "clocks of instances differ a little");
    refused(&keeper, &text, after(-61));
}

#[test]
fn what_was_ended_is_over_with_all_that_came_of_it() {
    let keeper = keeper(None);
    let (text, other) = (begun(&keeper), begun(&keeper));
    let renewed = keeper.renewed(&text, after(50)).unwrap();
    keeper.end(&text, after(60));
    refused(&keeper, &text, after(61));
    refused(&keeper, &renewed, after(61));
    assert!(keeper.open(&other, after(61)).is_ok());
    keeper.end("nothing of ours", after(61));
    keeper.end(&begun(&keeper), after(90));
    assert_eq!(keeper.ended.lock().unwrap().len(), 2);
    // What would be over anyway is forgotten.
    let late = keeper.begin(7, Proof::of(7, "nurse", "hash"), after(5000)).unwrap();
    keeper.end(&late, after(5000));
    assert_eq!(keeper.ended.lock().unwrap().len(), 1);
}
