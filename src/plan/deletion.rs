//! When a record was deleted, as the log of Tryton 7.0 (`ir.model.log`) has it.

use super::scope::{Builder, Masked};
use crate::{
    mapping::compiled::Source,
    sql::{Fragment, Statement},
    tryton::Permit,
};

/// Plans the time of the deletion of a record: one row, NULL when the log does not say that it was deleted.
///
/// # Errors
/// [`Masked`] when the log, or the model of the record, is closed to the caller.
pub fn deletion(log: &Source, deleted: &Source, record: i32, permit: &Permit) -> Result<Statement, Masked> {
    if !permit.model(&deleted.model) {
        return Err(Masked);
    }
    let mut builder = Builder::new(permit, &[]);
    let row = builder.open();
    let mut conditions = vec![builder.visible(log, row)?];
    for (field, value) in
        [("event", "delete".to_owned()), ("resource", format!("{},{record}", deleted.model))]
    {
        if !permit.field(&log.model, field) {
            return Err(Masked);
        }
        conditions.push(Fragment::new().column(row, field).text(" = ").bind(value));
    }
    if !permit.field(&log.model, "create_date") {
        return Err(Masked);
    }
    let newest = Fragment::raw("SELECT max(").column(row, "create_date").text(")");
    Ok(newest.then(builder.close().from(&log.table, Fragment::all(conditions))).finish())
}
