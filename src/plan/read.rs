//! One resource by its id: one statement.

use super::{Step, gaps::RECORD, scope::Builder};
use crate::{
    mapping::compiled::{Emit, Source},
    render::Shape,
    sql::{Fragment, Statement, Value},
    tryton::Permit,
};

/// A read of any record of a source, whose id fills the gap.
#[derive(Debug)]
pub struct ReadPlan {
    /// Gives at most one row: the record, and the snapshot that it is from where that is asked for.
    pub statement: Statement,
    /// What its columns hold, and what the caller may not see.
    pub shape: Shape,
}

/// The snapshot of a statement as a text that no other server has; NULL on a standby, whose snapshots do not say who was
/// writing (<https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-INFO-SNAPSHOT>).
const SNAPSHOT: &str = "CASE WHEN NOT pg_is_in_recovery() \
     THEN pg_postmaster_start_time()::text || ' ' || txid_current_snapshot()::text END";

/// Plans the snapshot of now alone.
pub fn snapshot() -> Step {
    ("look whether anything was written", Fragment::raw("SELECT ").text(SNAPSHOT).finish())
}

/// Columns, and the snapshot that they are from where that is asked for.
pub(super) fn stamped(columns: Fragment, stamped: bool) -> Fragment {
    if stamped { columns.text(", (SELECT ").text(SNAPSHOT).text(")") } else { columns }
}

/// Plans whether a resource is there that the caller may see. `None`: the source is closed to the caller.
pub fn exists(source: &Source, emit: usize, permit: &Permit) -> Option<Statement> {
    let mut builder = Builder::new(permit, &[]);
    let root = builder.open();
    let visible = builder.resource(source, emit, root).ok();
    let scope = builder.close();
    let of_record = Fragment::new().column(root, "id").text(" = ").bind(Value::Gap(RECORD));
    Some(
        Fragment::raw("SELECT 1")
            .then(scope.from(&source.table, Fragment::all([of_record, visible?])))
            .finish(),
    )
}

/// Plans a read; of a `stamped` one the row tells which snapshot it is from. `None`: the source is closed to the caller.
pub fn read(
    source: &Source,
    emit: &Emit,
    permit: &Permit,
    languages: &[String],
    stamped: bool,
) -> Option<ReadPlan> {
    let mut builder = Builder::new(permit, languages);
    let root = builder.open();
    let mut conditions = vec![Fragment::new().column(root, "id").text(" = ").bind(Value::Gap(RECORD))];
    conditions.push(builder.visible(source, root).ok()?);
    if let Some(when) = &emit.when {
        conditions.push(builder.meets(when).ok()?);
    }
    let row = builder.record(&source.row);
    let scope = builder.close();
    let statement = Fragment::raw("SELECT ")
        .then(self::stamped(row.record, stamped))
        .then(scope.from(&source.table, Fragment::all(conditions)))
        .finish();
    Some(ReadPlan { statement, shape: row.shape })
}
