//! Every row becomes the resources it should, and nothing else is served: the ids of all resources of every type, compared
//! with SQL that knows nothing of mappings and plans (`rows.txt`).

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use crate::harness::{Client, Site, all_ids, sites};

const ROWS: &str = include_str!("rows.txt");

/// How the rows of a table become resources.
#[derive(Debug)]
struct Source {
    kind: String,
    prefix: String,
    /// What stands after `FROM`.
    from: String,
    /// Key and condition of each resource of a row.
    emits: Vec<(String, String)>,
}

/// `rows.txt`.
#[derive(Debug, Default)]
struct Rows {
    sources: Vec<Source>,
    /// Columns that 4.4 calls `name`, by table.
    named: BTreeMap<String, String>,
    /// `TYPE PREFIX [KEY]` of what 4.4 has no table or column for.
    absent: BTreeSet<String>,
    /// `TYPE PREFIX [KEY]` of what no database of the tests has a row for.
    empty: BTreeSet<String>,
}

impl Rows {
    fn read() -> Self {
        let mut rows = Self::default();
        for line in ROWS.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (head, rest) = line.split_once(": ").unwrap_or_else(|| panic!("{line}"));
            let labels = || rest.split(", ").map(str::to_owned);
            match head {
                "4.4 name" => rows.named.extend(rest.split(' ').map(|column| {
                    let (table, column) = column.split_once('.').unwrap();
                    (table.to_owned(), column.to_owned())
                })),
                "4.4 without" => rows.absent.extend(labels()),
                "no row" => rows.empty.extend(labels()),
                _ => match head.strip_prefix("  ") {
                    Some(key) => {
                        rows.sources.last_mut().unwrap().emits.push((key.to_owned(), rest.to_owned()));
                    }
                    None => {
                        let (kind, prefix) = head.split_once(' ').unwrap();
                        let prefix = if prefix == "-" { String::new() } else { format!("{prefix}-") };
                        let (kind, from) = (kind.to_owned(), rest.to_owned());
                        rows.sources.push(Source { kind, prefix, from, emits: Vec::new() });
                    }
                },
            }
        }
        rows
    }

    /// Statements for one database, each with what it is called.
    fn statements(&self, site: &Site) -> Vec<(&str, String, String)> {
        let mut all = Vec::new();
        for source in &self.sources {
            let whole = vec![(String::new(), "TRUE".to_owned())];
            for (key, condition) in if source.emits.is_empty() { &whole } else { &source.emits } {
                let table = source.from.split(' ').next().unwrap();
                let row = if source.from.split(' ').nth(1) == Some("t") { "t" } else { table };
                let end = if key.is_empty() { String::new() } else { format!("-{key}") };
                let sql = numbers(&format!(
                    "SELECT '{}' || t.id || '{end}' FROM (SELECT {row}.* FROM {}) t WHERE {condition}",
                    source.prefix, source.from
                ));
                let name = format!("{} {}{key}", source.kind, source.prefix);
                let name = name.trim_end_matches(['-', ' ']).to_owned();
                all.push((source.kind.as_str(), name, self.renamed(site, sql)));
            }
        }
        all
    }

    /// In the columns of the database.
    fn renamed(&self, site: &Site, sql: String) -> String {
        let words: BTreeSet<&str> =
            sql.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').collect();
        let mut views = Vec::new();
        for (table, column) in
            self.named.iter().filter(|(table, _)| site.name == "4.4" && words.contains(table.as_str()))
        {
            views.push(format!("{table} AS (SELECT *, name AS {column} FROM public.{table})"));
        }
        if views.is_empty() { sql } else { format!("WITH {} {sql}", views.join(", ")) }
    }
}

/// `above(x)` and `finite(x)` in words of SQL: NaN is greater than every number of PostgreSQL.
fn numbers(sql: &str) -> String {
    let mut out = String::new();
    let mut rest = sql;
    while let Some(start) = rest.find("above(").into_iter().chain(rest.find("finite(")).min() {
        let (head, tail) = rest.split_at(start);
        let (name, tail) = tail.split_once('(').unwrap();
        let (column, tail) = tail.split_once(')').unwrap();
        let least = if name == "above" { "0" } else { "'-Infinity'::float8" };
        out.push_str(&format!("{head}({column} > {least} AND {column} < 'Infinity'::float8)"));
        rest = tail;
    }
    out + rest
}

/// Ids of what follows from the code maps: a ConceptMap of each that has codes.
fn concept_maps(site: &Site) -> BTreeSet<String> {
    let health = site.database.rows("SELECT id FROM ir_module WHERE name = 'health'")[0].get::<_, i32>(0);
    let mut ids = BTreeSet::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("mappings/codes");
    let mut folders = vec![folder.clone()];
    while let Some(current) = folders.pop() {
        for entry in fs::read_dir(current).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
                continue;
            }
            let map: toml::Table = fs::read_to_string(&entry).unwrap().parse().unwrap();
            if map["map"].as_table().unwrap().values().any(|code| code.as_bool().is_none()) {
                let name = entry.strip_prefix(&folder).unwrap().with_extension("");
                ids.insert(format!("codes-{health}-{}", name.to_str().unwrap().replace('/', "-")));
            }
        }
    }
    ids
}

/// At most some of them, for a message.
fn some<'a>(ids: impl Iterator<Item = &'a String>) -> Vec<&'a String> {
    ids.take(8).collect()
}

/// All ids of a type: as many as are counted, none twice.
fn served(client: &Client, kind: &str) -> BTreeSet<String> {
    let found = all_ids(client, kind, &[("_elements", "id")]);
    let counted = client.ok(&format!("{kind}?_summary=count"))["total"].as_u64();
    assert_eq!(counted, Some(found.len() as u64), "{kind}");
    found
}

#[test]
fn every_row_becomes_its_resources_and_nothing_else_is_served() {
    let rows = Rows::read();
    let (mut seen, mut all, mut wrong) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
    for site in sites() {
        let admin = site.user("admin");
        let mut expected: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        let mut absent = BTreeSet::new();
        for (kind, name, sql) in rows.statements(site) {
            match site.database.ids(&sql) {
                Some(ids) => {
                    if !ids.is_empty() {
                        seen.insert(name.clone());
                    }
                    let known = expected.entry(kind).or_default();
                    for id in ids {
                        assert!(known.insert(id.clone()), "{} {name}: {id} twice", site.name);
                    }
                }
                None => drop(absent.insert(name.clone())),
            }
            all.insert(name);
        }
        let lacking = if site.name == "4.4" { rows.absent.clone() } else { BTreeSet::new() };
        if absent != lacking {
            wrong.push(format!("{}: no table or column: {absent:?}, instead of {lacking:?}", site.name));
        }
        expected.insert("ConceptMap", concept_maps(site));
        let types: BTreeSet<String> = site.types().into_iter().collect();
        for kind in &types {
            let Some(expected) = expected.get(kind.as_str()) else {
                wrong.push(format!("{}: {kind} is not in rows.txt", site.name));
                continue;
            };
            let mut found = served(&admin, kind);
            // Those of the code maps and of the codes that mappings name; `terminology.rs` has them.
            if ["CodeSystem", "ValueSet"].contains(&kind.as_str()) {
                found.retain(|id| !id.starts_with("codes-"));
            }
            let (lost, added) = (some(expected.difference(&found)), some(found.difference(expected)));
            if !lost.is_empty() || !added.is_empty() {
                wrong.push(format!(
                    "{}: {kind}: {} rows, {} resources; not served: {lost:?}; of no row: {added:?}",
                    site.name,
                    expected.len(),
                    found.len()
                ));
            }
        }
        for (kind, ids) in expected.iter().filter(|(kind, _)| !types.contains(**kind)) {
            // Contents are read one by one.
            for id in ids {
                let status = admin.send("HEAD", &format!("{kind}/{id}"), &[], "").status;
                if status != 200 {
                    wrong.push(format!("{}: {kind}/{id}: {status}", site.name));
                }
            }
        }
    }
    // A row that no database has would prove nothing.
    let never: BTreeSet<_> = all.difference(&seen).cloned().collect();
    if sites().len() > 1 && never != rows.empty {
        wrong.push(format!("no database has a row of {never:?}, instead of {:?}", rows.empty));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
