//! What a user finds is what an all-seeing user finds, restricted to what the user may read one by one: for random
//! rights, users and searches on real data.
//!
//! A resource that looks the same to both must be found by both or by neither, whatever is asked. One that looks
//! different to the user (something of it is closed) may be missed, but never found by what is closed. The seed is
//! printed; GNUHEALTH_FHIR_TEST_SEED sets it, GNUHEALTH_FHIR_TEST_ROUNDS the number of random rights (4).

mod queries;
mod rights;

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write as _,
    thread::sleep,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde_json::Value;

use self::queries::{Query, Searches};
use crate::harness::{Client, Database, Gateway, Response, ids, pages, resources, sites};

/// Users of the demo hospital, and of the filled ones.
const USERS: [&str; 6] = ["doctor", "nurse", "frontdesk", "lab", "doctorfrontdesk", "nogroup"];
/// Searches for each rights.
const SEARCHES: usize = 40;
/// Resources of a type that are looked at.
const SAMPLE: usize = 60;

/// Numbers that the same seed gives again (SplitMix64).
pub struct Random(u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, count: usize) -> usize {
        usize::try_from(self.next() % count.max(1) as u64).unwrap()
    }

    pub fn one<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }

    pub fn chance(&mut self, percent: u64) -> bool {
        self.next() % 100 < percent
    }
}

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|value| value.parse().ok())
}

fn seed() -> u64 {
    let clock = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let seed = setting("GNUHEALTH_FHIR_TEST_SEED").unwrap_or_else(clock);
    let _ = writeln!(std::io::stderr(), "restriction: GNUHEALTH_FHIR_TEST_SEED={seed}");
    seed
}

/// What a resource is, without what says who sees it. Its last change counts: it is searched and sorted by, and that of a
/// hidden row is none.
fn content(resource: &Value) -> Value {
    let mut resource = resource.clone();
    if let Some(meta) = resource["meta"].as_object_mut() {
        meta.retain(|name, _| name == "lastUpdated");
    }
    resource
}

/// A user and the one who sees everything, over the same data.
struct Pair<'a> {
    user: &'a Client,
    all: &'a Client,
    /// What the user reads, by address.
    read: BTreeMap<String, Option<Value>>,
}

impl Pair<'_> {
    /// The resource as the user reads it; none when it is closed or hidden.
    fn seen(&mut self, place: &str) -> Option<Value> {
        if let Some(known) = self.read.get(place) {
            return known.clone();
        }
        let response = self.user.get(place);
        let seen = match response.status {
            200 => Some(response.json()),
            _ => {
                self.refused_as_missing(place, &response);
                None
            }
        };
        self.read.insert(place.to_owned(), seen.clone());
        seen
    }

    /// What is hidden, or closed, is refused as what does not exist.
    fn refused_as_missing(&self, place: &str, response: &Response) {
        let (kind, id) = place.split_once('/').unwrap();
        let mut parts: Vec<&str> = id.split('-').collect();
        let record = parts.iter_mut().find(|part| part.bytes().all(|byte| byte.is_ascii_digit())).unwrap();
        *record = "2147483646";
        let missing = self.user.get(&format!("{kind}/{}", parts.join("-")));
        let plain = |response: &Response| {
            let mut headers = response.headers.clone();
            headers.retain(|name, _| name != "x-request-id" && name != "date");
            (response.status, headers, response.anonymous_text())
        };
        assert_eq!(plain(response), plain(&missing), "{place}");
        assert!([403, 404].contains(&response.status), "{place}: {}", response.text());
    }

    /// Both see the same content here, and in everything it refers to so many steps from here.
    fn same(&mut self, place: &str, deep: usize) -> bool {
        let Some(seen) = self.seen(place) else { return false };
        let response = self.all.get(place);
        if response.status != 200 || content(&seen) != content(&response.json()) {
            return false;
        }
        deep == 0 || references(&seen).iter().all(|target| self.same(target, deep - 1))
    }

    /// What pages include is what the user reads, and hangs on what was found there.
    fn included(&mut self, place: &str) {
        for page in pages(self.user, place, "next") {
            let found = entries(&page, "match");
            for (included, resource) in entries(&page, "include") {
                let read = self.seen(&included);
                let read =
                    read.unwrap_or_else(|| panic!("{place} includes {included}, which cannot be read"));
                assert_eq!(resource, read, "{place}: {included} is included and read differently");
                let from_here = references(&resource);
                assert!(
                    found.iter().any(|(address, one)| {
                        from_here.contains(address) || references(one).contains(&included)
                    }),
                    "{place}: {included} has nothing to do with what was found"
                );
            }
        }
    }

    fn check(&mut self, query: &Query) -> (usize, bool) {
        let place = query.place();
        let (theirs, mine) = (self.all.get(&place), self.user.get(&place));
        if theirs.status != 200 {
            assert!(
                [theirs.status, 403].contains(&mine.status),
                "{place}: {} {}",
                theirs.status,
                mine.status
            );
            return (0, false);
        }
        if mine.status == 403 {
            let code = mine.fault().1;
            assert!(["field-forbidden", "model-forbidden"].contains(&code.as_str()), "{place}: {code}");
            return (0, true);
        }
        assert_eq!(mine.status, 200, "{place}: {}", mine.text());
        let sequence = |client: &Client| -> Vec<Value> {
            pages(client, &place, "next").iter().flat_map(resources).collect()
        };
        let (theirs, mine) = (sequence(self.all), sequence(self.user));
        self.included(&place);
        let address = |resource: &Value| format!("{}/{}", query.kind, resource["id"].as_str().unwrap());
        let theirs: Vec<String> = theirs.iter().map(address).collect();
        for resource in &mine {
            let place_of = address(resource);
            let read = self
                .seen(&place_of)
                .unwrap_or_else(|| panic!("{place} finds {place_of}, which cannot be read"));
            assert_eq!(*resource, read, "{place}: found and read differ");
        }
        let mine: Vec<String> = mine.iter().map(address).collect();
        let (all, found): (BTreeSet<&String>, BTreeSet<&String>) =
            (theirs.iter().collect(), mine.iter().collect());
        assert_eq!(found.len(), mine.len(), "{place}: twice");
        for one in &query.sample {
            let one = format!("{}/{one}", query.kind);
            if query.referring.is_none() && self.same(&one, query.deep) {
                assert_eq!(found.contains(&one), all.contains(&one), "{place}: {one} looks the same to both");
            } else if query.positive {
                assert!(
                    !found.contains(&one) || all.contains(&one),
                    "{place}: {one} is found by what is closed"
                );
            }
        }
        if let Some(referring) = &query.referring {
            let referring = crate::harness::all(self.user, &format!("{referring}&_count=500"));
            let referred: BTreeSet<String> = referring.iter().flat_map(references).collect();
            for one in &found {
                assert!(referred.contains(*one), "{place}: nothing that the user finds refers to {one}");
            }
        }
        // Counts count what is shown, and nothing else.
        for more in ["_summary=count", "_total=accurate&_count=1", "_count=0"] {
            let total = self.user.ok(&format!("{}&{more}", query.without_count()))["total"].as_u64();
            assert_eq!(total, Some(mine.len() as u64), "{place} {more}");
        }
        // The order of what looks the same to both is the same.
        let shared = |all: &[String], pair: &mut Self| -> Vec<String> {
            all.iter().filter(|one| pair.same(one, 0)).cloned().collect()
        };
        if query.sorted && query.positive {
            let theirs: Vec<String> =
                shared(&theirs, self).into_iter().filter(|one| found.contains(one)).collect();
            let mine: Vec<String> = shared(&mine, self).into_iter().filter(|one| all.contains(one)).collect();
            assert_eq!(mine, theirs, "{place}: order");
        }
        (mine.len(), false)
    }
}

/// The resources of a page, as found or as included, with their addresses.
fn entries(page: &Value, mode: &str) -> Vec<(String, Value)> {
    let entries = page["entry"].as_array().into_iter().flatten();
    entries
        .filter(|entry| entry["search"]["mode"] == mode)
        .map(|entry| &entry["resource"])
        .map(|one| {
            let place = format!("{}/{}", one["resourceType"].as_str().unwrap(), one["id"].as_str().unwrap());
            (place, one.clone())
        })
        .collect()
}

/// Addresses that a resource refers to.
fn references(resource: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![resource];
    while let Some(value) = open.pop() {
        match value {
            Value::Array(all) => open.extend(all),
            Value::Object(members) => {
                found.extend(members.get("reference").and_then(Value::as_str).map(str::to_owned));
                open.extend(members.values());
            }
            _ => {}
        }
    }
    found
}

/// A database whose users see everything.
fn opened(name: &str) -> Gateway {
    let database = Database::copy(name);
    database.run(
        "DELETE FROM ir_model_access; DELETE FROM ir_model_field_access; DELETE FROM ir_rule; DELETE FROM ir_rule_group",
    );
    Gateway::open(&database.url, "")
}

#[test]
fn with_random_rights_a_user_finds_what_the_user_may_read() {
    let mut random = Random(seed());
    let everything = opened("restriction_all");
    let all = everything.user("doctor");
    let database = Database::copy("restriction");
    let gateway = Gateway::open(&database.url, "watch_interval = \"50ms\"");
    let searches = Searches::of(&all, &mut random, SAMPLE);
    let rounds = setting("GNUHEALTH_FHIR_TEST_ROUNDS").unwrap_or(4);
    let (mut found, mut forbidden, mut empty) = (0, 0, 0);
    for round in 0..rounds {
        let written = rights::write(&database, &gateway, &mut random);
        sleep(Duration::from_millis(700));
        rights::explained(&gateway, &USERS);
        let login = random.one(&USERS);
        let user = gateway.user(login);
        let mut pair = Pair { user: &user, all: &all, read: BTreeMap::new() };
        let context = format!("round {round}, {login}: {written}");
        let _ = writeln!(std::io::stderr(), "restriction: {context}");
        for _ in 0..SEARCHES {
            let (count, refused) = pair.check(&searches.random(&mut random));
            found += count;
            forbidden += usize::from(refused);
            empty += usize::from(count == 0 && !refused);
        }
        rights::clear(&database);
    }
    let _ = writeln!(std::io::stderr(), "restriction: {found} found, {forbidden} refused, {empty} empty");
    // Dice decide how many are refused: what is refused has tests of its own (`rights`, `attacks`).
    if rounds >= 4 {
        assert!(found + forbidden > 10, "the searches say nothing: {found} found, {forbidden} refused");
    }
}

/// The rights that a hospital really has.
#[test]
fn on_every_database_users_find_what_they_may_read() {
    let mut random = Random(seed());
    for site in sites() {
        let all = site.user("doctor");
        let searches = Searches::of(&all, &mut random, 60);
        let mut found = 0;
        for login in ["frontdesk", "lab", "nurse"] {
            let user = site.user(login);
            let mut pair = Pair { user: &user, all: &all, read: BTreeMap::new() };
            for _ in 0..40 {
                let query = searches.random(&mut random);
                // What the other user sees is more for most types only, so nothing is said of what both see.
                let mine = user.get(&query.place());
                if mine.status != 200 {
                    continue;
                }
                for page in pages(&user, &query.place(), "next") {
                    for id in ids(&page) {
                        let place = format!("{}/{id}", query.kind);
                        assert!(
                            pair.seen(&place).is_some(),
                            "{} {login}: {} finds {place}",
                            site.name,
                            query.place()
                        );
                        found += 1;
                    }
                }
                let total = user.ok(&format!("{}&_summary=count", query.without_count()))["total"].as_u64();
                let count: usize =
                    pages(&user, &query.place(), "next").iter().map(|page| ids(page).len()).sum();
                assert_eq!(total, Some(count as u64), "{} {login}: {}", site.name, query.place());
            }
        }
        assert!(found > 0, "{}: nothing was found", site.name);
    }
}
