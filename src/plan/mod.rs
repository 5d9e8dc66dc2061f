//! Requests and compiled mappings → statements. Pure: printable and testable without a database.
//!
//! Nothing here can read a table without the caller's [`Permit`](crate::tryton::Permit): every table of a statement
//! stands in a [`scope`] with the access predicate of its model.

mod aside;
mod branches;
mod concepts;
mod content;
mod deletion;
mod expression;
mod gaps;
mod ids;
mod keyset;
mod lookup;
mod page;
mod pattern;
mod predicate;
mod read;
mod row;
mod rows;
pub mod scope;
mod sought;

pub use branches::{Closed, Part, Searched};
pub use concepts::{Catalogue, Codes};
pub use content::{content, piece};
pub use deletion::{Deletions, deletion};
pub use gaps::{Gaps, of_search as gaps};
pub use ids::{Target, format_id, parse_id};
pub use keyset::{Cursor, Direction};
pub use lookup::{How, Lookup, lookups};
pub use page::{
    NO_VALUE_SETS, SearchPlan, Shapes, Situation, ValueSets, count, newest, page, page_of_source, positions,
};
pub use pattern::Pattern;
pub use predicate::{check, fold, modifiers, shared, sort_kind};
pub use read::{ReadPlan, exists, read, snapshot};
pub use rows::{RowsPlan, Wanted, rows};

use crate::sql::Statement;

/// What a statement is for, and the statement.
pub type Step = (&'static str, Statement);
