//! Expressions and conditions of a mapping as SQL.

use super::scope::{Builder, Masked};
use crate::{
    mapping::compiled::{Condition, Exists, Expression, Hop, Kind},
    sql::{Fragment, Value},
};

impl Builder<'_> {
    /// SQL of an expression.
    ///
    /// # Errors
    /// [`Masked`] when it reads something that is closed to the caller.
    pub fn expression(&mut self, expression: &Expression) -> Result<Fragment, Masked> {
        Ok(match expression {
            Expression::Column(column) => self.column(column)?,
            Expression::Constant(text) => Fragment::new().bind(text.as_str()),
            Expression::Number(number) => Fragment::new().bind(Value::Numeric(number.clone())),
            Expression::First(all) => {
                let text = expression.kind() == Kind::Text;
                let parts = self.open_parts(all, |builder, part| builder.part(part, text))?;
                Fragment::raw("COALESCE(").then(Fragment::join(parts, ", ")).text(")")
            }
            Expression::Join(all, separator) => {
                let parts = self.all(all, true)?;
                let parts = Fragment::join(parts, ", ");
                Fragment::raw("NULLIF(concat_ws(")
                    .bind(separator.as_str())
                    .text(", ")
                    .then(parts)
                    .text("), '')")
            }
            Expression::Replace(inner, from, to) => {
                let inner = self.expression(inner)?;
                Fragment::raw("replace(")
                    .then(inner)
                    .text(", ")
                    .bind(from.as_str())
                    .text(", ")
                    .bind(to.as_str())
                    .text(")")
            }
            Expression::Extract(inner, pattern) => {
                let inner = self.expression(inner)?;
                Fragment::raw("substring(").then(inner).text(" FROM ").bind(pattern.as_str()).text(")")
            }
            Expression::Count(rows) => self.related_rows(rows, "(SELECT count(*)::int4")?,
            Expression::Latest(rows, value) => self.latest(rows, value)?,
            Expression::All(all) => {
                let mut parts = Vec::new();
                for part in all {
                    let holds = self.expression(part)?.parens().text(" IS TRUE");
                    parts.push(match part {
                        // Of a record that a rule hides nothing is known, also not that it is false.
                        Expression::Column(column) if !column.hops.is_empty() => {
                            let row = self.follow(column.up, &column.hops)?;
                            Fragment::raw("CASE WHEN ")
                                .column(row, "id")
                                .text(" IS NOT NULL THEN ")
                                .then(holds)
                                .text(" END")
                        }
                        _ => holds,
                    });
                }
                Fragment::all(parts)
            }
            Expression::Sum(all) => self.reckoned(all, " + ", expression.kind())?,
            Expression::Product(all) => self.reckoned(all, " * ", expression.kind())?,
            Expression::Case(branches) => {
                let mut case = Fragment::raw("CASE");
                for (when, then) in branches {
                    case = case
                        .text(" WHEN ")
                        .then(self.condition(when)?)
                        .text(" THEN ")
                        .then(self.expression(then)?);
                }
                case.text(" END")
            }
        })
    }

    /// SQL of the id that a reference is made of; nothing for a record that a record rule hides. A record of a model
    /// without rules is not joined.
    ///
    /// # Errors
    /// [`Masked`] when it reads something that is closed to the caller.
    pub fn referred(&mut self, expression: &Expression) -> Result<Fragment, Masked> {
        match expression {
            Expression::Column(column) => match &column.target {
                Some(step) if self.hides(step) => {
                    let path = [column.hops.as_slice(), std::slice::from_ref(step)].concat();
                    let row = self.follow(column.up, &path)?;
                    Ok(Fragment::new().column(row, "id"))
                }
                _ => self.column(column),
            },
            Expression::First(all) => {
                let text = expression.kind() == Kind::Text;
                let parts = self.open_parts(all, |builder, part| {
                    // No text is the id of a record.
                    if text { builder.part(part, true) } else { builder.referred(part) }
                })?;
                Ok(Fragment::raw("COALESCE(").then(Fragment::join(parts, ", ")).text(")"))
            }
            _ => self.expression(expression),
        }
    }

    /// A record rule can hide the record that a value refers to.
    pub fn refers_behind_rules(&mut self, expression: &Expression) -> bool {
        match expression {
            Expression::Column(column) => column.target.as_ref().is_some_and(|step| self.hides(step)),
            Expression::First(all) => all.iter().any(|part| self.refers_behind_rules(part)),
            _ => false,
        }
    }

    /// What an open many2one refers to may be hidden. That its whole model is closed is no secret.
    fn hides(&mut self, step: &Hop) -> bool {
        self.permit.model(&step.target) && self.permit.field(&step.model, &step.field) && !self.is_open(step)
    }

    fn all(&mut self, all: &[Expression], text: bool) -> Result<Vec<Fragment>, Masked> {
        all.iter().map(|part| self.part(part, text)).collect()
    }

    fn part(&mut self, part: &Expression, text: bool) -> Result<Fragment, Masked> {
        Ok(match (text, part.kind()) {
            (true, Kind::Text) => Fragment::raw("NULLIF(").then(self.expression(part)?).text(", '')"),
            (true, _) => self.finite(part)?.parens().text("::text"),
            (false, _) => self.expression(part)?,
        })
    }

    /// The parts of a choice. One behind a typed reference to a closed model is left out: the others are of records that
    /// point elsewhere; of those that point there something is hidden.
    fn open_parts(
        &mut self,
        all: &[Expression],
        sql: impl Fn(&mut Self, &Expression) -> Result<Fragment, Masked>,
    ) -> Result<Vec<Fragment>, Masked> {
        let mut parts = Vec::new();
        for part in all {
            match sql(self, part) {
                Ok(sql) => parts.push(sql),
                Err(Masked) => {
                    let hidden = self.closed_target(part).ok_or(Masked)?;
                    self.hide(hidden);
                }
            }
        }
        if parts.is_empty() { Err(Masked) } else { Ok(parts) }
    }

    /// Numbers with an operator between them. Wide types: a column may hold the greatest number it can.
    fn reckoned(
        &mut self,
        all: &[Expression],
        operator: &'static str,
        kind: Kind,
    ) -> Result<Fragment, Masked> {
        let mut parts = Vec::new();
        for part in all {
            parts.push(self.finite(part)?.parens().text(match (kind, part.kind()) {
                (Kind::Integer, _) => "::bigint",
                // The digits that a person would read, not those of the binary fraction.
                (_, Kind::Float) => "::text::numeric",
                _ => "::numeric",
            }));
        }
        Ok(Fragment::join(parts, operator).parens())
    }

    /// SQL of a condition; it is never NULL.
    ///
    /// # Errors
    /// [`Masked`] when it reads something that is closed to the caller.
    pub fn condition(&mut self, condition: &Condition) -> Result<Fragment, Masked> {
        self.truth(condition, false)
    }

    /// SQL of a condition that rows must meet (WHERE): NULL where it is not known, which is no row either. PostgreSQL can
    /// use an index for it.
    ///
    /// # Errors
    /// [`Masked`] when it reads something that is closed to the caller.
    pub fn meets(&mut self, condition: &Condition) -> Result<Fragment, Masked> {
        self.truth(condition, true)
    }

    fn truth(&mut self, condition: &Condition, null: bool) -> Result<Fragment, Masked> {
        let known = |sql: Fragment| {
            if null { sql.parens() } else { Fragment::raw("COALESCE(").then(sql).text(", FALSE)") }
        };
        Ok(match condition {
            Condition::Always => Fragment::raw("TRUE"),
            Condition::Known(expression) => {
                let sql = self.finite(expression)?.parens();
                match expression.kind() {
                    Kind::Boolean => sql.text(" IS TRUE"),
                    Kind::Text => known(sql.text(" <> ''")),
                    // No bytes are no picture.
                    Kind::Binary => known(Fragment::raw("octet_length").then(sql).text(" > 0")),
                    _ => sql.text(" IS NOT NULL"),
                }
            }
            Condition::OneOf(expression, keys) => {
                let sql = self.expression(expression)?;
                known(sql.text(" = ANY(").then(constants(expression.kind(), keys)).text(")"))
            }
            Condition::Above(left, right) => {
                let left = self.finite(left)?.parens();
                known(left.text(" > ").then(self.finite(right)?.parens()))
            }
            Condition::Matches(expression, pattern) => {
                known(self.expression(expression)?.text(" ~ ").bind(pattern.as_str()))
            }
            Condition::Same(left, right) => {
                let left = self.expression(left)?;
                known(left.text(" = ").then(self.expression(right)?))
            }
            Condition::Exists(exists) => self.related_rows(exists, "EXISTS (SELECT 1")?,
            Condition::All(all) => {
                let parts: Result<Vec<_>, _> = all.iter().map(|part| self.truth(part, null)).collect();
                Fragment::all(parts?)
            }
            Condition::Any(any) => {
                let parts: Result<Vec<_>, _> = any.iter().map(|part| self.truth(part, null)).collect();
                Fragment::any(parts?)
            }
            Condition::Not(inner) => Fragment::raw("NOT ").then(self.condition(inner)?.parens()),
        })
    }

    /// An expression without NaN and infinities: FHIR cannot write them, so they are no values.
    ///
    /// # Errors
    /// [`Masked`] when it reads something that is closed to the caller.
    pub fn finite(&mut self, expression: &Expression) -> Result<Fragment, Masked> {
        let sql = self.expression(expression)?;
        Ok(match (expression, expression.kind()) {
            (Expression::Number(_), _) => sql,
            (_, Kind::Float) => {
                Fragment::raw("NULLIF(NULLIF(NULLIF(").then(sql).text(", 'NaN'), 'Infinity'), '-Infinity')")
            }
            (_, Kind::Numeric) => Fragment::raw("NULLIF(").then(sql).text(", 'NaN')"),
            _ => sql,
        })
    }

    fn related_rows(&mut self, rows: &Exists, select: &'static str) -> Result<Fragment, Masked> {
        let parent = self.id_at(rows.up, &rows.hops)?;
        let row = self.open();
        let conditions = self.related(row, parent, &rows.relation, rows.filter.as_ref());
        let scope = self.close();
        Ok(Fragment::raw(select).then(scope.from(&rows.relation.table, conditions?)).text(")"))
    }

    fn latest(&mut self, rows: &Exists, value: &Expression) -> Result<Fragment, Masked> {
        let parent = self.id_at(rows.up, &rows.hops)?;
        let row = self.open();
        let conditions = self.related(row, parent, &rows.relation, rows.filter.as_ref());
        let value = self.expression(value);
        let scope = self.close();
        let (conditions, value) = (conditions?, value?);
        let latest = Fragment::raw("(SELECT max(").then(value).text(")");
        Ok(latest.then(scope.from(&rows.relation.table, conditions)).text(")"))
    }
}

/// Constants of a mapping as an array of the column's type.
fn constants(kind: Kind, keys: &[String]) -> Fragment {
    match kind {
        Kind::Integer => {
            Fragment::new().bind(keys.iter().filter_map(|key| key.parse::<i32>().ok()).collect::<Vec<_>>())
        }
        Kind::Float | Kind::Numeric => Fragment::new().bind(keys.to_vec()).text("::numeric[]"),
        _ => Fragment::new().bind(keys.to_vec()),
    }
}
