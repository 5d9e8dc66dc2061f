//! TOML text → a tree in which every key and value knows its place.

use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use super::finding::{Findings, Place};

/// A value of a mapping file.
#[derive(Clone, Debug)]
pub struct Item {
    /// What it is.
    pub kind: Kind,
    /// Where it stands.
    pub place: Place,
}

/// The kinds of TOML values that mappings use.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the variants are the TOML types")]
pub enum Kind {
    Text(String),
    Number(String),
    Flag(bool),
    List(Vec<Item>),
    Table(Table),
}

/// A table: keys in the order of the file.
#[derive(Clone, Debug)]
pub struct Table {
    /// Entries.
    pub entries: Vec<(Key, Item)>,
    /// Where the table starts.
    pub place: Place,
}

/// A key with its place.
#[derive(Clone, Debug)]
pub struct Key {
    /// Name.
    pub name: String,
    /// Where it stands.
    pub place: Place,
}

impl Table {
    /// The value of a key.
    pub fn item(&self, name: &str) -> Option<&Item> {
        self.entries.iter().find(|(key, _)| key.name == name).map(|(_, item)| item)
    }

    /// The key exists.
    pub fn has(&self, name: &str) -> bool {
        self.item(name).is_some()
    }
}

impl Item {
    /// Text of a string.
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Table.
    pub fn table(&self) -> Option<&Table> {
        match &self.kind {
            Kind::Table(table) => Some(table),
            _ => None,
        }
    }

    /// The items of a list, or the item itself.
    pub fn each(&self) -> &[Item] {
        match &self.kind {
            Kind::List(items) => items,
            _ => std::slice::from_ref(self),
        }
    }

    /// What it is, for findings.
    pub fn describe(&self) -> String {
        match &self.kind {
            Kind::Text(text) => format!("\"{text}\""),
            Kind::Number(number) => number.clone(),
            Kind::Flag(flag) => flag.to_string(),
            Kind::List(_) => "a list".to_owned(),
            Kind::Table(_) => "a table".to_owned(),
        }
    }
}

struct Reader<'a> {
    file: Arc<str>,
    lines: Vec<usize>,
    text: &'a str,
}

impl Reader<'_> {
    fn place(&self, offset: usize) -> Place {
        let line = self.lines.partition_point(|start| *start <= offset).max(1);
        let start = self.lines[line - 1];
        let column = self.text.get(start..offset).map_or(0, |before| before.chars().count());
        Place { file: self.file.clone(), line: line as u32, column: column as u32 + 1 }
    }

    fn table(&self, table: &DeTable<'_>, place: Place) -> Table {
        let entries = table.iter().map(|(key, value)| {
            let name = Key { name: key.get_ref().to_string(), place: self.place(key.span().start) };
            (name, self.item(value.get_ref(), self.place(value.span().start)))
        });
        Table { entries: entries.collect(), place }
    }

    fn item(&self, value: &DeValue<'_>, place: Place) -> Item {
        let kind = match value {
            DeValue::String(text) => Kind::Text(text.to_string()),
            DeValue::Integer(number) => Kind::Number(number.to_string()),
            DeValue::Float(number) => Kind::Number(number.as_str().to_owned()),
            DeValue::Boolean(flag) => Kind::Flag(*flag),
            DeValue::Datetime(date) => Kind::Text(date.to_string()),
            DeValue::Array(items) => Kind::List(
                items.iter().map(|item| self.item(item.get_ref(), self.place(item.span().start))).collect(),
            ),
            DeValue::Table(table) => Kind::Table(self.table(table, place.clone())),
        };
        Item { kind, place }
    }
}

/// Parses one file. A syntax error is a finding (`toml-syntax`).
pub fn parse(file: &str, text: &str, findings: &mut Findings) -> Option<Table> {
    let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
    let reader = Reader { file: file.into(), lines, text };
    match DeTable::parse(text) {
        Ok(table) => Some(reader.table(table.get_ref(), reader.place(0))),
        Err(error) => {
            let place = reader.place(error.span().map_or(0, |span| span.start));
            findings.add("toml-syntax", &place, "TOML", error.message(), "");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_lines_and_columns_and_order_is_kept() {
        let mut findings = Findings::default();
        let table =
            parse("x.toml", "b = 1\n[\"é\"]\na = { z = \"ü\",\n  y = true }\n", &mut findings).unwrap();
        assert!(findings.0.is_empty());
        let inner = table.item("é").unwrap().table().unwrap().item("a").unwrap().table().unwrap();
        assert_eq!(inner.entries[0].0.name, "z");
        assert_eq!(inner.entries[1].0.place.to_string(), "x.toml:4:3");
        assert!(parse("x.toml", "a = = 1", &mut findings).is_none());
        assert_eq!(findings.0[0].place.to_string(), "x.toml:1:5");
    }
}
