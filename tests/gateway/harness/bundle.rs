//! Bundles.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Client;

/// The matches of a Bundle.
pub fn resources(bundle: &Value) -> Vec<Value> {
    let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
    entries
        .into_iter()
        .filter(|entry| entry["search"]["mode"] == "match")
        .map(|mut entry| entry["resource"].take())
        .collect()
}

/// Ids of the matches of a Bundle.
pub fn ids(bundle: &Value) -> Vec<String> {
    resources(bundle).iter().map(|resource| resource["id"].as_str().unwrap().to_owned()).collect()
}

/// Address of a link.
pub fn link(bundle: &Value, relation: &str) -> Option<String> {
    let links = bundle["link"].as_array().unwrap();
    let found = links.iter().find(|link| link["relation"] == relation)?;
    Some(found["url"].as_str().unwrap().to_owned())
}

/// Every page from this one on, by this link.
pub fn pages(client: &Client, start: &str, relation: &str) -> Vec<Value> {
    let mut all = vec![client.ok(start)];
    while let Some(next) = link(all.last().unwrap(), relation) {
        all.push(client.ok(&next));
        assert!(all.len() < 20_000, "the pages of {start} do not end");
    }
    all
}

/// The resources of a search, over all of its pages.
pub fn all(client: &Client, start: &str) -> Vec<Value> {
    pages(client, start, "next").iter().flat_map(resources).collect()
}

/// Ids of all matches, over pages of 500; none twice.
pub fn all_ids(client: &Client, kind: &str, pairs: &[(&str, &str)]) -> BTreeSet<String> {
    let mut pairs = pairs.to_vec();
    pairs.push(("_count", "500"));
    let found: Vec<String> =
        pages(client, &format!("{kind}?{}", super::query(&pairs)), "next").iter().flat_map(ids).collect();
    let set: BTreeSet<String> = found.iter().cloned().collect();
    assert_eq!(set.len(), found.len(), "{kind} {pairs:?}: a resource is on two pages");
    set
}
