//! FHIR search requests: parameters, modifiers, values. Pure text work; nothing here knows a table.
//!
//! <https://hl7.org/fhir/R4/search.html>

pub mod compartment;
mod filter;
mod include;
mod parse;
pub mod registry;
pub mod value;

pub use filter::Operator;
pub use include::Include;
pub use parse::{parse, short, split};

use crate::error::Error;

/// Parameters that say how to answer, not what to find.
pub const CONTROLS: [&str; 11] = [
    "_count",
    "_sort",
    "_total",
    "_summary",
    "_elements",
    "_contained",
    "_page",
    "_type",
    "_include",
    "_revinclude",
    "_explain",
];

/// A search as the client asked for it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SearchRequest {
    /// All must hold.
    pub filters: Vec<Filter>,
    /// `_include` and `_revinclude`.
    pub includes: Vec<Include>,
    /// `_sort`, first key first.
    pub sort: Vec<SortKey>,
    /// `_count`.
    pub count: Option<u32>,
    /// `_total` and `_summary=count`.
    pub total: Total,
    /// `_summary` and `_elements`.
    pub subset: Subset,
    /// Paging link.
    pub page: Option<String>,
    /// Parameters that were understood, for the `self` link.
    pub applied: Vec<(String, String)>,
}

/// Which elements of a resource the client wants (<https://hl7.org/fhir/R4/search.html#summary>).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Subset {
    /// All.
    #[default]
    All,
    /// All but the narrative.
    Data,
    /// Those of the summary, and the required ones.
    Summary,
    /// Narrative and the required ones.
    Text,
    /// These, the required ones, and those that change the meaning of others.
    Elements(Vec<String>),
}

/// How the client wants the number of all matches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Total {
    /// Not at all.
    #[default]
    None,
    /// Exact, beside a page.
    Accurate,
    /// Exact, without a page.
    Only,
}

/// One parameter with its values, or what connects some.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Filter {
    /// Key as sent, for messages: `subject:Patient.name`.
    pub key: String,
    /// Name of the parameter.
    pub name: String,
    /// Text after the colon.
    pub modifier: Option<String>,
    /// The rest of a chain: what must hold for the resource referred to, or of `_has` for the one that refers.
    pub chain: Option<Box<Filter>>,
    /// Of `_has`: the resources that refer to this one.
    pub reverse: Option<Reverse>,
    /// Values, of which any must hold; escapes are still in.
    pub values: Vec<String>,
    /// Of `_filter`: how the value is compared.
    pub operator: Option<Operator>,
    /// Instead of all the above: any of these must hold (compartments, `or` of `_filter`).
    pub any: Vec<Filter>,
    /// Instead of all the above: all of these must hold (`and` of `_filter`).
    pub all: Vec<Filter>,
    /// Instead of all the above: this must not hold (`not` of `_filter`).
    pub not: Option<Box<Filter>>,
    /// The parameter that it is the whole of, as sent; empty for a part of one.
    pub sent: Option<(String, String)>,
}

impl Filter {
    /// How many values it has, at the end of its chain and in its parts.
    fn alternatives(&self) -> usize {
        let ends = self.chain.as_deref().into_iter().chain(self.parts());
        self.values.len() + ends.map(Filter::alternatives).sum::<usize>()
    }

    /// The filters that it connects.
    pub fn parts(&self) -> impl Iterator<Item = &Filter> {
        self.any.iter().chain(&self.all).chain(self.not.as_deref())
    }

    /// Resources of a type that are in the compartment of this one, or of any that the caller sees; `None` when resources
    /// of the type never are.
    ///
    /// <https://hl7.org/fhir/R4/compartmentdefinition.html>
    pub fn compartment(
        of: &str,
        id: Option<&str>,
        kind: &str,
        offered: impl Fn(&str) -> bool,
    ) -> Option<Self> {
        let named = |name: &str| Self { key: name.to_owned(), name: name.to_owned(), ..Self::default() };
        let refers = |name: &str| match id {
            Some(id) => Self { values: vec![format!("{of}/{id}")], ..named(name) },
            None => {
                Self { modifier: Some(of.to_owned()), chain: Some(Box::new(Self::anything())), ..named(name) }
            }
        };
        let mut any: Vec<Self> =
            compartment::parameters(of, kind).filter(|name| offered(name)).map(refers).collect();
        if kind == of {
            match id {
                Some(id) => any.push(Self { values: vec![id.to_owned()], ..named("_id") }),
                None => return Some(Self::anything()),
            }
        }
        (!any.is_empty()).then(|| Self { any, ..Self::default() })
    }

    /// What every resource is: not one of none.
    fn anything() -> Self {
        let none = Self { key: "_id".to_owned(), name: "_id".to_owned(), ..Self::default() };
        Self { not: Some(Box::new(none)), ..Self::default() }
    }
}

/// `_has:[type]:[parameter]` (<https://hl7.org/fhir/R4/search.html#has>): resources of a type whose parameter refers here.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reverse {
    /// Type of the resources that refer.
    pub kind: String,
    /// Their parameter.
    pub parameter: String,
}

/// A key of `_sort`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SortKey {
    /// Name of the parameter.
    pub name: String,
    /// Newest, largest, last first.
    pub descending: bool,
}

/// A fault in one parameter: the whole search is refused, or with `handling=lenient` the parameter is ignored.
#[derive(Debug)]
pub struct Fault {
    /// Key as sent.
    pub key: String,
    /// What is wrong.
    pub error: Error,
}
