//! The mapping language: TOML files in Tryton's names → compiled sources.
//!
//! `text` parses, `path` resolves names against the live catalogue, `body` and `expression` compile values, `compile`
//! puts it all together and reports every finding at once.

mod body;
mod codes;
mod compile;
pub mod compiled;
mod content;
mod coverage;
mod datatype;
mod expression;
mod files;
pub mod finding;
mod left_out;
pub mod offered;
mod parameters;
mod parsed;
mod path;
mod paths;
mod primitive;
mod reads;
mod references;
mod terminology;
#[cfg(test)]
mod tests;
mod text;
mod used;
mod value_sets;
mod withheld;

pub use codes::{Code, CodeMap};
pub use compile::{Options, compile, compile_parsed};
pub use compiled::Compiled;
pub use coverage::{Coverage, coverage};
pub use files::Files;
pub use finding::{Finding, Findings};
pub use parsed::Parsed;
pub use paths::Path;
pub use reads::Read;
pub use references::{Place, references};
pub use withheld::Withheld;
