//! The models and columns that compiled mappings read.

use std::collections::BTreeSet;

use super::{
    compiled::{Compiled, Row},
    reads::{self, Read},
};

/// What statements over mappings can touch.
#[derive(Debug, Default)]
pub struct Used<'a> {
    /// Every model.
    pub models: BTreeSet<&'a str>,
    /// Every column, by model and field.
    pub columns: BTreeSet<(&'a str, &'a str)>,
}

impl Compiled {
    /// Every model that a statement over these mappings can touch.
    pub fn models(&self) -> BTreeSet<&str> {
        self.used().models
    }

    /// Every model and column that a statement over these mappings can touch.
    pub fn used(&self) -> Used<'_> {
        let mut used = Used::default();
        for source in self.types.values().flat_map(|kind| &kind.sources) {
            used.extend(source.reads());
            used.row(&source.row);
            (0..source.emits.len()).for_each(|emit| used.extend(source.emit_reads(emit)));
            if let Some(content) = &source.content {
                used.extend(reads::expression(&content.data));
                content.file.iter().for_each(|file| used.extend(reads::expression(file)));
            }
        }
        used
    }
}

impl<'a> Used<'a> {
    fn row(&mut self, row: &'a Row) {
        (0..row.slots.len()).for_each(|slot| self.extend(reads::slot(row, slot)));
        for each in &row.eaches {
            self.extend(reads::rows(each));
            each.order.iter().for_each(|(value, _)| self.extend(reads::expression(value)));
            self.row(&each.row);
        }
    }

    fn extend(&mut self, reads: impl IntoIterator<Item = Read<'a>>) {
        for read in reads {
            match read {
                Read::Model(model) => drop(self.models.insert(model)),
                Read::Field(model, field) => drop(self.columns.insert((model, field))),
            }
        }
    }
}
