//! Code systems, value sets and concept maps: every code of GNU Health that is written anywhere is defined by a code system
//! that is served.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::harness::{Site, all, sites};

/// The code systems of the site: URL → its codes; none where they are not all written out.
fn defined(systems: &[Value]) -> BTreeMap<String, Option<BTreeSet<String>>> {
    let mut all = BTreeMap::new();
    for system in systems {
        let url = system["url"].as_str().unwrap().to_owned();
        let concepts = system["concept"].as_array().into_iter().flatten();
        let codes: Vec<_> = concepts.map(|concept| concept["code"].as_str().unwrap().to_owned()).collect();
        let written = system["content"] != "not-present";
        let counted = system["count"].as_u64().unwrap_or_else(|| panic!("{url} has no count"));
        assert!(
            !written || counted == codes.len() as u64,
            "{url}: {counted} counted, {} written",
            codes.len()
        );
        let distinct: BTreeSet<String> = codes.iter().cloned().collect();
        assert_eq!(distinct.len(), codes.len(), "{url} has a code twice");
        assert!(
            all.insert(url.clone(), (system["content"] == "complete").then_some(distinct)).is_none(),
            "{url} is served twice"
        );
    }
    all
}

/// Every coding of the site in a resource.
fn codings(value: &Value, site: &str, found: &mut BTreeMap<String, BTreeSet<String>>) {
    match value {
        Value::Object(members) => {
            if let (Some(system), Some(code)) = (members.get("system"), members.get("code"))
                && let (Some(system), Some(code)) = (system.as_str(), code.as_str())
                && system.starts_with(site)
            {
                found.entry(system.to_owned()).or_default().insert(code.to_owned());
            }
            members.values().for_each(|value| codings(value, site, found));
        }
        Value::Array(items) => items.iter().for_each(|item| codings(item, site, found)),
        _ => {}
    }
}

fn everything(site: &Site, kind: &str) -> Vec<Value> {
    all(&site.user("admin"), &format!("{kind}?_count=500"))
}

fn url(resource: &Value) -> &str {
    resource["url"].as_str().unwrap()
}

#[test]
fn every_code_of_the_site_is_defined() {
    for site in sites() {
        let systems = everything(site, "CodeSystem");
        let defined = defined(&systems);
        let own = "/CodeSystem/";
        let any = systems.iter().map(url).find(|url| url.ends_with("/CodeSystem/finding")).unwrap();
        let prefix = any.split_once(own).unwrap().0.to_owned() + own;
        let mut found = BTreeMap::new();
        for kind in site.types() {
            everything(site, &kind).iter().for_each(|resource| codings(resource, &prefix, &mut found));
        }
        assert!(found.len() > 100, "{}: {}", site.name, found.len());
        let mut wrong = Vec::new();
        for (system, codes) in &found {
            match defined.get(system) {
                None => wrong.push(format!("{system} is not served: {codes:?}")),
                Some(Some(known)) if !codes.is_subset(known) => {
                    wrong.push(format!("{system} lacks {:?}", codes.difference(known).collect::<Vec<_>>()));
                }
                Some(_) => {}
            }
        }
        assert!(wrong.is_empty(), "{}:\n{}", site.name, wrong.join("\n"));
    }
}

#[test]
fn value_sets_are_of_code_systems_that_are_known() {
    for site in sites() {
        let systems = everything(site, "CodeSystem");
        let defined = defined(&systems);
        let sets = everything(site, "ValueSet");
        let urls: BTreeSet<_> = sets.iter().map(url).collect();
        assert_eq!(urls.len(), sets.len(), "{}: a value set is served twice", site.name);
        for system in &systems {
            let set = system["valueSet"].as_str();
            assert!(set.is_none_or(|set| urls.contains(set)), "{}: {set:?}", site.name);
        }
        let mut listed = 0;
        for set in &sets {
            for include in set["compose"]["include"].as_array().unwrap() {
                let system = include["system"].as_str().unwrap();
                let concepts = include["concept"].as_array();
                listed += usize::from(concepts.is_some_and(|concepts| concepts.len() > 5));
                assert!(
                    defined.contains_key(system) || concepts.is_some(),
                    "{}: {} is of {system}, of which nothing is known",
                    site.name,
                    url(set)
                );
            }
        }
        assert!(listed > 4, "{}: routes, units, frequencies, ICF", site.name);
    }
}

/// A map claims no more than is known: that a key means the same as a code of somebody else is what its file says.
#[test]
fn concept_maps_say_how_the_meanings_relate() {
    for site in sites() {
        let maps = everything(site, "ConceptMap");
        let targets = |name: &str| -> BTreeMap<String, String> {
            let map = maps.iter().find(|map| url(map).ends_with(&format!("/ConceptMap/{name}"))).unwrap();
            let groups = map["group"].as_array().unwrap().iter();
            let elements = groups.flat_map(|group| group["element"].as_array().unwrap());
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            elements
                .map(|element| (text(&element["code"]), text(&element["target"][0]["equivalence"])))
                .collect()
        };
        let marriage = targets("marital-status");
        assert_eq!((marriage["m"].as_str(), marriage["c"].as_str()), ("equivalent", "relatedto"));
        let gender = targets("administrative-gender");
        assert_eq!((gender["f"].as_str(), gender["nb"].as_str()), ("equivalent", "wider"));
        // Codes of others without a word about it, and codes of GNU Health itself.
        assert_eq!(targets("prescription-status")["done"], "relatedto");
        assert_eq!(targets("ventilation")["ett"], "equivalent");
    }
}
