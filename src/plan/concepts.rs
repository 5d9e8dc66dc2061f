//! Codes of a catalogue: the rows that a CodeSystem is made of, by themselves.

use super::scope::{Builder, Masked};
use crate::{
    mapping::compiled::{Condition, Expression, Relation},
    sql::{Fragment, Statement},
    tryton::Permit,
};

/// The rows of a catalogue, as a mapping has them.
#[derive(Clone, Debug)]
pub struct Catalogue<'a> {
    /// The model.
    pub relation: &'a Relation,
    /// Only these rows.
    pub filter: Option<&'a Condition>,
    /// The code of a row.
    pub code: Expression,
    /// What it is called.
    pub display: Option<Expression>,
}

/// Which codes.
#[derive(Clone, Copy, Debug)]
pub enum Codes<'a> {
    /// These.
    Named(&'a [String]),
    /// Those whose display holds this text or that begin with it, in any case; an empty text is in all.
    Holding(&'a str),
}

impl Catalogue<'_> {
    /// Plans a slice of the codes in their order: columns code and display.
    ///
    /// # Errors
    /// [`Masked`] when the catalogue, or what its codes are made of, is closed to the caller.
    pub fn slice(
        &self,
        permit: &Permit,
        languages: &[String],
        codes: Codes<'_>,
        (offset, limit): (usize, usize),
    ) -> Result<Statement, Masked> {
        let found = self.found(permit, languages, codes)?;
        let select = Fragment::raw("SELECT c, min(d COLLATE \"C\") FROM (").then(found);
        let ordered = select.text(") s WHERE c IS NOT NULL GROUP BY c ORDER BY c COLLATE \"C\" LIMIT ");
        Ok(ordered.number(limit).text(" OFFSET ").number(offset).finish())
    }

    /// Plans their number.
    ///
    /// # Errors
    /// As [`Catalogue::slice`].
    pub fn count(
        &self,
        permit: &Permit,
        languages: &[String],
        codes: Codes<'_>,
    ) -> Result<Statement, Masked> {
        let found = self.found(permit, languages, codes)?;
        Ok(Fragment::raw("SELECT count(DISTINCT c) FROM (").then(found).text(") s").finish())
    }

    fn found(&self, permit: &Permit, languages: &[String], codes: Codes<'_>) -> Result<Fragment, Masked> {
        let mut builder = Builder::new(permit, languages);
        let row = builder.open();
        let mut conditions = vec![builder.related(row, Fragment::new(), self.relation, self.filter)?];
        let code = builder.expression(&self.code)?.parens().text("::text");
        let display = match &self.display {
            // A display that is closed is left out; the code says enough.
            Some(display) => builder.expression(display).unwrap_or_else(|Masked| Fragment::raw("NULL")),
            None => Fragment::raw("NULL"),
        };
        let display = display.parens().text("::text");
        match codes {
            Codes::Named(codes) => {
                conditions.push(code.clone().text(" = ANY(").bind(codes.to_vec()).text(")"))
            }
            Codes::Holding("") => {}
            Codes::Holding(text) => conditions.push(Fragment::any([
                Fragment::raw("strpos(lower(")
                    .then(display.clone())
                    .text("), lower(")
                    .bind(text)
                    .text(")) > 0"),
                Fragment::raw("starts_with(lower(")
                    .then(code.clone())
                    .text("), lower(")
                    .bind(text)
                    .text("))"),
            ])),
        }
        let select = Fragment::raw("SELECT ").then(code).text(" AS c, ").then(display).text(" AS d");
        Ok(select.then(builder.close().from(&self.relation.table, Fragment::all(conditions))))
    }
}
