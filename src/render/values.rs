//! The values of a record in the places that the mapping gave them.

use jiff::Timestamp;

use super::{
    Held, Shape,
    record::{self, Columns, Malformed},
};
use crate::mapping::compiled::Row;

/// Values of a row.
#[derive(Debug)]
pub struct Values<'a> {
    /// By slot.
    pub slots: Columns<'a>,
    /// Values of the repeated rows, by `each`.
    pub rows: Vec<Vec<Values<'a>>>,
}

/// What was seen on the way through a record and all that it contains.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    /// A record rule hides a row that belongs to the resource.
    pub hidden: bool,
    /// The newest of all changes.
    pub newest: Option<Timestamp>,
}

impl Seen {
    fn stamp(&mut self, column: Option<&[u8]>) -> Result<(), Malformed> {
        self.newest = self.newest.max(column.map(record::timestamp).transpose()?.flatten());
        Ok(())
    }
}

impl<'a> Values<'a> {
    /// Takes a record apart.
    ///
    /// # Errors
    /// [`Malformed`] when it has not this shape.
    pub fn read(bytes: &'a [u8], row: &Row, shape: &Shape, seen: &mut Seen) -> Result<Self, Malformed> {
        let columns = record::columns(bytes)?;
        if columns.len() != shape.columns.len() {
            return Err(Malformed);
        }
        let mut slots = vec![None; row.slots.len()];
        let mut rows: Vec<_> = row.eaches.iter().map(|_| Vec::new()).collect();
        for (held, column) in shape.columns.iter().zip(columns) {
            match (held, column) {
                (Held::Slot(slot), column) => *slots.get_mut(*slot).ok_or(Malformed)? = column,
                (Held::Aside(inner), Some(aside)) => {
                    let columns = record::columns(aside)?;
                    let (stamp, values) = columns.split_last().ok_or(Malformed)?;
                    if values.len() != inner.len() {
                        return Err(Malformed);
                    }
                    for (slot, value) in inner.iter().zip(values) {
                        *slots.get_mut(*slot).ok_or(Malformed)? = *value;
                    }
                    seen.stamp(*stamp)?;
                }
                (Held::Rows(index), Some(array)) => {
                    let each = row.eaches.get(*index).ok_or(Malformed)?;
                    let inner = shape.eaches.get(*index).and_then(Option::as_ref).ok_or(Malformed)?;
                    let elements = record::elements(array)?;
                    rows[*index] = elements
                        .into_iter()
                        .flatten()
                        .map(|element| Self::read(element, &each.row, inner, seen))
                        .collect::<Result<_, _>>()?;
                }
                (Held::Aside(_) | Held::Rows(_), None) => {}
                (Held::Hides, column) => seen.hidden |= column.is_some_and(record::boolean),
                (Held::Stamp, column) => seen.stamp(column)?,
            }
        }
        Ok(Self { slots, rows })
    }
}
