//! Rows of known positions: of what references lead to, and of a page over several types. One statement for all of them,
//! under the same rights and in the same shape as a read.

use super::{
    gaps::Gaps,
    page::{Shapes, Situation, bounded},
    scope::{Builder, Masked},
};
use crate::{
    error::Result,
    mapping::{Place, compiled::ResourceType},
    render::Shape,
    sql::{Fragment, Statement, Value},
};

/// Positions in one source of a type.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    /// The type.
    pub kind: &'a ResourceType,
    /// Index of the source.
    pub source: usize,
    /// Records and emits.
    pub positions: Vec<(i32, usize)>,
}

/// Rows of known positions, whichever records these are: [`Wanted::gaps`] fills them in.
#[derive(Debug)]
pub struct RowsPlan {
    /// Columns: index of the source in what was wanted, record, emit, the record as a row. None when all is closed.
    pub statement: Option<Statement>,
    /// What the columns of the record hold and what the caller may not see; none for a source that is closed.
    pub shapes: Shapes,
}

impl<'a> Wanted<'a> {
    /// Sorts positions by their sources.
    pub fn group(positions: impl IntoIterator<Item = (Place<'a>, i32)>) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        for (place, record) in positions {
            let same =
                |wanted: &&mut Self| wanted.kind.name == place.kind.name && wanted.source == place.source;
            match all.iter_mut().find(same) {
                Some(wanted) => wanted.positions.push((record, place.emit)),
                None => all.push(Self {
                    kind: place.kind,
                    source: place.source,
                    positions: vec![(record, place.emit)],
                }),
            }
        }
        all
    }

    /// The emits of the positions, in order.
    pub fn emits(&self) -> Vec<usize> {
        let mut emits: Vec<usize> = self.positions.iter().map(|(_, emit)| *emit).collect();
        emits.sort_unstable();
        emits.dedup();
        emits
    }

    /// What fills the gaps of the plan: of each source the records, and their emits.
    pub fn gaps(all: &[Self]) -> Gaps {
        let emit = |emit: usize| i32::try_from(emit).unwrap_or(i32::MAX);
        let lists = |wanted: &Self| {
            let (records, emits): (Vec<i32>, Vec<i32>) =
                wanted.positions.iter().map(|(record, number)| (*record, emit(*number))).unzip();
            [Value::Int4s(records), Value::Int4s(emits)]
        };
        all.iter().flat_map(lists).collect()
    }
}

/// Plans the rows of known positions, so many at most, and one more when there are. The plan is the same for other records
/// of the same sources and emits.
///
/// # Errors
/// Too many positions.
pub fn rows(situation: Situation<'_>, wanted: &[Wanted<'_>], limit: u32) -> Result<RowsPlan> {
    let mut builder = Builder::searching(situation);
    let (mut selects, mut shapes) = (Vec::new(), Vec::new());
    for (index, wanted) in wanted.iter().enumerate() {
        match of_source(&mut builder, index, wanted) {
            Ok((select, shape)) => {
                selects.push(select);
                shapes.push(Some(shape));
            }
            Err(Masked) => shapes.push(None),
        }
    }
    if selects.is_empty() {
        return Ok(RowsPlan { statement: None, shapes: shapes.into() });
    }
    let statement = Fragment::join(selects, " UNION ALL ")
        .text(" ORDER BY 1, 2, 3 LIMIT ")
        .number(limit as usize + 1)
        .finish();
    Ok(RowsPlan { statement: Some(bounded(statement)?), shapes: shapes.into() })
}

fn of_source(
    builder: &mut Builder<'_>,
    index: usize,
    wanted: &Wanted<'_>,
) -> Result<(Fragment, Shape), Masked> {
    let source = &wanted.kind.sources[wanted.source];
    let page = builder.aliases.next();
    let root = builder.open();
    let planned: Result<_, Masked> = (|builder: &mut Builder<'_>| {
        let visible = builder.visible(source, root)?;
        let mut conditions = Vec::new();
        for emit in wanted.emits() {
            if let Some(when) = &source.emits[emit].when {
                // What is closed hides this resource; the others of its record are not.
                let holds = builder.meets(when).unwrap_or(Fragment::truth(false));
                conditions.push((emit, holds));
            }
        }
        Ok((visible, conditions, builder.record(&source.row)))
    })(builder);
    let scope = builder.close();
    let (visible, conditions, row) = planned?;
    let mut holds = vec![Fragment::new().column(root, "id").text(" = ").column(page, "pk"), visible];
    if !conditions.is_empty() {
        let mut case = Fragment::raw("CASE ").column(page, "k");
        for (emit, condition) in conditions {
            case = case.text(" WHEN ").number(emit).text(" THEN ").then(condition);
        }
        holds.push(case.text(" ELSE TRUE END"));
    }
    let name = builder.aliases.next();
    let select =
        Fragment::raw("SELECT ").number(index).text(", ").column(page, "pk").text(", ").column(page, "k");
    let select = select
        .text(", ")
        .alias(name)
        .text(".rec FROM unnest(")
        .bind(Value::Gaps(2 * index))
        .text(", ")
        .bind(Value::Gaps(2 * index + 1));
    let select = select.text(") ").alias(page).text("(pk, k) CROSS JOIN LATERAL (SELECT ").then(row.record);
    let select = select.text(" AS rec").then(scope.from(&source.table, Fragment::all(holds)));
    Ok((select.text(" OFFSET 0) ").alias(name), row.shape))
}
