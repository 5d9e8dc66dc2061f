//! A code system and its codes.

use super::served::Served;
use crate::{
    error::{self, Error, Result},
    fhir::codes,
    interaction::gateway::{Caller, Fhir},
    mapping::compiled::{Column, Condition, Expression, Kind, Leaf, Node, Object},
    plan::{Catalogue, Codes},
    store::{Class, Row},
};

/// A code and what it is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Concept {
    pub code: String,
    pub display: Option<String>,
}

/// A code system that the caller may read.
pub(super) struct System<'a> {
    pub url: String,
    pub name: String,
    concepts: Concepts<'a>,
}

enum Concepts<'a> {
    /// All of them, in the order of the alphabet.
    Listed(Vec<Concept>),
    /// The rows of a catalogue.
    Rows(Catalogue<'a>),
}

impl<'a> System<'a> {
    /// The code system with this canonical URL.
    pub fn of_url(fhir: &'a Fhir, caller: &Caller, url: &str) -> Result<Self> {
        if let Some(served) = Served::of_url(fhir, "CodeSystem", url) {
            return Self::served(fhir, caller, served);
        }
        let plain = url.split_once('|').map_or(url, |(plain, _)| plain);
        let (listed, _) = codes::concepts(plain).ok_or_else(|| Error::new(&error::SYSTEM_UNKNOWN))?;
        let display = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let concept = |(code, text): (&str, &str)| Concept { code: code.to_owned(), display: display(text) };
        let name = plain.rsplit('/').next().unwrap_or(plain).to_owned();
        let concepts = Concepts::Listed(listed.into_iter().map(concept).collect());
        Ok(Self { url: plain.to_owned(), name, concepts })
    }

    /// The code system that a mapping makes.
    pub fn served(fhir: &'a Fhir, caller: &Caller, served: Served<'a>) -> Result<Self> {
        served.guard(caller)?;
        let unknown = || Error::new(&error::SYSTEM_UNKNOWN);
        let url = served.text("url").ok_or_else(unknown)?.to_owned();
        let name = served.text("name").unwrap_or(&url).to_owned();
        let concepts = match served.member("concept").map(|member| only(&member.node)) {
            Some(Node::Each { each, node }) => {
                let each = &served.source.row.eaches[*each];
                let Node::Object(object) = node.as_ref() else { return Err(unknown()) };
                let code = leaf(object, "code").ok_or_else(unknown)?.expression.as_ref().clone();
                let display = leaf(object, "display").map(|leaf| leaf.expression.as_ref().clone());
                Concepts::Rows(Catalogue {
                    relation: &each.relation,
                    filter: each.filter.as_ref(),
                    code,
                    display,
                })
            }
            Some(_) => Concepts::Listed(listed(&served.constant("concept"))),
            // Too large to be written out: the rows that it counts, by the column that tells them from others.
            None => Concepts::Rows(counted(fhir, served)?.ok_or_else(unknown)?),
        };
        Ok(Self { url, name, concepts })
    }

    /// These codes of a code system.
    pub fn part(url: &str, concepts: &serde_json::Value) -> Self {
        Self { url: url.to_owned(), name: url.to_owned(), concepts: Concepts::Listed(listed(concepts)) }
    }

    /// Number of codes that hold a text.
    pub async fn count(
        &self,
        fhir: &Fhir,
        caller: &Caller,
        languages: &[String],
        text: &str,
    ) -> Result<usize> {
        match &self.concepts {
            Concepts::Listed(all) => Ok(all.iter().filter(|concept| concept.holds(text)).count()),
            Concepts::Rows(rows) => {
                let statement = rows.count(&caller.permit, languages, Codes::Holding(text));
                let statement = statement.map_err(|_| Error::new(&error::MODEL_FORBIDDEN))?;
                let rows = fhir.store.rows(Class::Request.to("codes"), &statement).await?;
                let count: i64 = rows.first().map_or(Ok(0), |row| row.column(0))?;
                Ok(usize::try_from(count).unwrap_or_default())
            }
        }
    }

    /// A slice of the codes that hold a text.
    pub async fn slice(
        &self,
        fhir: &Fhir,
        caller: &Caller,
        languages: &[String],
        text: &str,
        (offset, limit): (usize, usize),
    ) -> Result<Vec<Concept>> {
        match &self.concepts {
            Concepts::Listed(all) => {
                let holding = all.iter().filter(|concept| concept.holds(text));
                Ok(holding.skip(offset).take(limit).cloned().collect())
            }
            Concepts::Rows(rows) => {
                let slice = rows.slice(&caller.permit, languages, Codes::Holding(text), (offset, limit));
                let slice = slice.map_err(|_| Error::new(&error::MODEL_FORBIDDEN))?;
                read(&fhir.store.rows(Class::Request.to("codes"), &slice).await?)
            }
        }
    }

    /// Those of these codes that it has.
    pub async fn named(
        &self,
        fhir: &Fhir,
        caller: &Caller,
        languages: &[String],
        codes: &[String],
    ) -> Result<Vec<Concept>> {
        match &self.concepts {
            Concepts::Listed(all) => {
                Ok(all.iter().filter(|concept| codes.contains(&concept.code)).cloned().collect())
            }
            Concepts::Rows(rows) => {
                let slice = rows.slice(&caller.permit, languages, Codes::Named(codes), (0, codes.len()));
                let slice = slice.map_err(|_| Error::new(&error::MODEL_FORBIDDEN))?;
                read(&fhir.store.rows(Class::Request.to("codes"), &slice).await?)
            }
        }
    }
}

impl Concept {
    pub fn holds(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        self.code.to_lowercase().starts_with(&text)
            || self.display.as_ref().is_some_and(|display| display.to_lowercase().contains(&text))
    }
}

fn read(rows: &[Row]) -> Result<Vec<Concept>> {
    let concept = |row: &Row| {
        // As the CodeSystem writes it.
        let display: Option<String> = row.column(1)?;
        let display = display.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        Ok(Concept { code: row.column(0)?, display })
    };
    rows.iter().map(concept).collect()
}

/// The item of a list of one.
fn only(node: &Node) -> &Node {
    match node {
        Node::List(items) if items.len() == 1 => &items[0],
        node => node,
    }
}

fn leaf<'a>(object: &'a Object, name: &str) -> Option<&'a Leaf> {
    object.members.iter().find(|member| member.name == name).and_then(|member| match &member.node {
        Node::Leaf(leaf) => Some(leaf),
        _ => None,
    })
}

/// The codes of a list in JSON.
fn listed(written: &serde_json::Value) -> Vec<Concept> {
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    let concepts = written.as_array().into_iter().flatten();
    let mut all: Vec<_> = concepts
        .filter_map(|concept| {
            Some(Concept { code: text(&concept["code"])?, display: text(&concept["display"]) })
        })
        .collect();
    all.sort_by(|left, right| (&left.code, &left.display).cmp(&(&right.code, &right.display)));
    // Rows of a catalogue can share a code.
    all.dedup_by(|next, one| next.code == one.code);
    all
}

fn counted<'a>(fhir: &Fhir, served: Served<'a>) -> Result<Option<Catalogue<'a>>> {
    let Some(Node::Leaf(count)) = served.member("count").map(|member| &member.node) else {
        return Ok(None);
    };
    let Expression::Count(rows) = count.expression.as_ref() else { return Ok(None) };
    let Some(code) = rows.filter.as_ref().and_then(told_by) else { return Ok(None) };
    let model = &rows.relation.model;
    let catalog = fhir.catalog()?;
    let display = catalog.field(model, "name").map(|field| {
        Expression::Column(Box::new(Column {
            up: 0,
            hops: Vec::new(),
            model: *model,
            field: field.name,
            kind: Kind::Text,
            translated: field.translated,
            target: None,
        }))
    });
    Ok(Some(Catalogue {
        relation: &rows.relation,
        filter: rows.filter.as_ref(),
        code: code.clone(),
        display,
    }))
}

/// What a condition looks at first.
fn told_by(condition: &Condition) -> Option<&Expression> {
    match condition {
        Condition::Known(value) | Condition::Matches(value, _) | Condition::OneOf(value, _) => Some(value),
        Condition::All(all) | Condition::Any(all) => all.iter().find_map(told_by),
        Condition::Not(inner) => told_by(inner),
        _ => None,
    }
}
