use std::io::Cursor;

use serde_json::{Map, Value};

use super::{BUDGET, LONGEST, PIECE, Page, Position, Unread, read};
use crate::audit::chain::{Link, Seal, Torn};

/// Records whose events have a text of that many characters, three bytes each, and their number.
fn chain(from: &mut Link, count: u64, size: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for _ in 0..count {
        let (number, text) = (from.sequence + 1, "€".repeat(size));
        let event = format!(r#"{{"resourceType":"AuditEvent","action":"{number}","text":"{text}"}}"#);
        Seal::Hash.line(&mut out, from, None, event.as_bytes());
    }
    out
}

fn all(_: &Map<String, Value>) -> bool {
    true
}

fn numbers(page: &Page) -> Vec<u64> {
    page.records.iter().map(|record| record.sequence).collect()
}

fn first(text: &[u8], most: usize) -> Page {
    read(Cursor::new(text), text.len() as u64, None, most, BUDGET, all).unwrap()
}

/// All pages, and the lines on them that cannot be read.
fn pages(text: &[u8], most: usize, budget: u64, wanted: fn(&Map<String, Value>) -> bool) -> (Vec<Page>, u64) {
    let (mut found, mut from) = (Vec::new(), None);
    loop {
        let length = text.len() as u64;
        let page = read(Cursor::new(text), length, from.as_ref(), most, budget, wanted).unwrap();
        // As it goes through a link.
        from = page.next.as_ref().map(|next| next.to_string().parse().unwrap());
        assert_eq!(from, page.next);
        found.push(page);
        assert!(found.len() < 5000, "the pages do not end");
        if from.is_none() {
            let broken = found.iter().map(|page| page.broken).sum();
            return (found, broken);
        }
    }
}

#[test]
fn records_come_newest_first_wherever_blocks_cut_them() {
    // Lines of all lengths around a block, and characters of three bytes: some cut falls into each of their bytes.
    for size in (PIECE / 3 - 150..PIECE / 3 + 50).step_by(7).chain([0, 1, 10, PIECE, 5 * PIECE]) {
        let text = chain(&mut Link::default(), 5, size);
        let page = first(&text, 100);
        assert_eq!((numbers(&page), page.broken, page.next), (vec![5, 4, 3, 2, 1], 0, None), "{size}");
        assert_eq!(page.records[0].event["text"], "€".repeat(size));
        assert_eq!(page.records[4].hash.len(), 64);
    }
    let text = chain(&mut Link::default(), 3000, 30);
    for most in [1, 7, 1000, 3000, 5000] {
        let (pages, broken) = pages(&text, most, BUDGET, all);
        let found: Vec<_> = pages.iter().flat_map(numbers).collect();
        assert_eq!((found, broken), ((1..=3000).rev().collect(), 0), "{most}");
        assert_eq!(pages.len(), 3000_usize.div_ceil(most));
    }
}

#[test]
fn what_has_no_end_yet_is_not_there() {
    let mut last = Link::default();
    let text = chain(&mut last, 3, 4);
    let more = chain(&mut last, 1, 4);
    for cut in 0..more.len() {
        let page = first(&[&text[..], &more[..cut]].concat(), 10);
        assert_eq!((numbers(&page), page.broken), (vec![3, 2, 1], 0), "{cut}");
    }
    assert_eq!(numbers(&first(&[text, more].concat(), 10)), [4, 3, 2, 1]);
    assert_eq!(first(b"", 10), Page::default());
    let half = first(b"{\"seq\":1,", 10);
    assert_eq!(half, Page::default());
}

#[test]
fn pages_go_on_while_the_file_grows_and_end_with_it() {
    let mut last = Link::default();
    let mut text = chain(&mut last, 6, 4);
    let page = first(&text, 2);
    assert_eq!(numbers(&page), [6, 5]);
    text.extend(chain(&mut last, 50, 4));
    let from = page.next.unwrap();
    let next = |text: &[u8], from: &Position| {
        read(Cursor::new(text), text.len() as u64, Some(from), 100, BUDGET, all)
    };
    let page = next(&text, &from).unwrap();
    assert_eq!((numbers(&page), page.next), (vec![4, 3, 2, 1], None));
    let other = chain(&mut last, 60, 4);
    for (name, text) in
        [("rotated", &other[..]), ("shorter", &text[..200]), ("empty", b""), ("moved", &text[1..])]
    {
        assert!(matches!(next(text, &from), Err(Unread::Changed)), "{name}");
    }
    let between = Position { before: from.before - 1, ..from };
    assert!(matches!(next(&text, &between), Err(Unread::Changed)));
    assert!("1 x".parse::<Position>().is_err());
}

#[test]
fn a_filter_costs_no_more_than_the_budget_for_each_page() {
    let text = chain(&mut Link::default(), 4000, 100);
    let budget = 3 * PIECE as u64;
    let wanted = |event: &Map<String, Value>| event["action"] == "3" || event["action"] == "3999";
    let (pages, broken) = pages(&text, 10, budget, wanted);
    let found: Vec<_> = pages.iter().flat_map(numbers).collect();
    assert_eq!((found, broken), (vec![3999, 3], 0));
    let expected = text.len() as u64 / budget;
    assert!((expected..expected + 4).contains(&(pages.len() as u64)), "{} of {expected}", pages.len());
    let mut before = text.len() as u64 + 1;
    for position in pages.iter().filter_map(|page| page.next.as_ref()) {
        assert!(position.before < before && before - position.before <= budget + PIECE as u64);
        before = position.before;
    }
}

#[test]
fn lines_that_are_no_records_are_counted_with_their_places() {
    let mut last = Link::default();
    let mut text = chain(&mut last, 2, 4);
    let mut places = vec![text.len() as u64];
    text.extend(b"INFO something else\n");
    text.extend(chain(&mut last, 1, 4));
    // Half a record, of which the next one tells.
    places.push(text.len() as u64);
    let half = b"{\"seq\":4,\"prev\":\"\xe2\x82\n";
    text.extend(half);
    Seal::Hash.line(&mut text, &mut last, Some(&Torn::of(half)), br#"{"resourceType":"AuditEvent"}"#);
    places.push(text.len() as u64);
    Seal::Hash.line(&mut text, &mut last, None, br#"{"resourceType":"AuditEvent""#);
    places.push(text.len() as u64);
    Seal::Hash.line(&mut text, &mut last, None, br#"{"resourceType":"Patient"}"#);
    places.push(text.len() as u64);
    text.extend(b"\n");
    let page = first(&text, 10);
    places.reverse();
    assert_eq!((numbers(&page), page.broken, &page.places), (vec![4, 3, 2, 1], 5, &places));
    // They are told of whatever is looked for.
    let nothing = |_: &Map<String, Value>| false;
    assert_eq!(pages(&text, 10, BUDGET, nothing).1, 5);
    assert_eq!(pages(&text, 1, BUDGET, all).1, 5);
    let many = first(&b"x\n".repeat(1000), 10);
    assert_eq!((many.broken, many.places.len(), many.next), (1000, 5, None));
}

#[test]
fn a_line_that_is_too_long_is_passed_over_without_keeping_it() {
    let mut last = Link::default();
    let mut text = chain(&mut last, 2, 4);
    let place = text.len() as u64;
    text.extend(b"x".repeat(3 * LONGEST));
    text.push(b'\n');
    text.extend(chain(&mut last, 2, 4));
    let page = first(&text, 10);
    assert_eq!((numbers(&page), page.broken, page.places), (vec![4, 3, 2, 1], 1, vec![place]));
    // Also when a page ends in the middle of it.
    let (pages, broken) = pages(&text, 10, LONGEST as u64 + PIECE as u64, all);
    let found: Vec<_> = pages.iter().flat_map(numbers).collect();
    assert_eq!((found, broken), (vec![4, 3, 2, 1], 1));
    assert!(pages.len() > 1 && pages.iter().any(|page| page.next.as_ref().is_some_and(|next| next.within)));
}
