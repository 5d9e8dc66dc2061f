//! The tables of one statement: where a path leads, with the access predicate of every model on the way.

use std::collections::BTreeMap;

use crate::{
    error::{self, Error},
    mapping::compiled::{Column, Expression, Hop, Relation, Way},
    sql::{Alias, Aliases, Fragment},
    tryton::Permit,
};

/// A row of a table, the tables joined to it, and the rows collected beside it.
#[derive(Debug)]
pub struct Scope {
    /// The row itself.
    pub root: Alias,
    joined: BTreeMap<Vec<Hop>, Alias>,
    order: Vec<(Alias, Fragment)>,
    /// For each joined row that a record rule can hide: whether it is hidden here.
    pub hidden: Vec<Fragment>,
    /// Sub-queries that stand after the joins.
    pub laterals: Vec<Fragment>,
    /// Last change of the row, when a search or an order asked for it.
    pub stamp: Option<Fragment>,
}

impl Scope {
    /// A scope over an alias.
    pub fn new(root: Alias) -> Self {
        Self {
            root,
            joined: BTreeMap::new(),
            order: Vec::new(),
            hidden: Vec::new(),
            laterals: Vec::new(),
            stamp: None,
        }
    }

    /// Joins and sub-queries, to stand after the table in FROM.
    pub fn joins(&self) -> Fragment {
        let mut all = Fragment::new();
        for (_, join) in &self.order {
            all.append(join.clone());
        }
        for lateral in &self.laterals {
            all.append(lateral.clone());
        }
        all
    }

    /// The row and every joined one.
    pub fn aliases(&self) -> impl Iterator<Item = Alias> {
        std::iter::once(self.root).chain(self.order.iter().map(|(alias, _)| *alias))
    }
}

/// What the caller may not see. The value is left out and marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Masked;

/// Builds the parts of a statement for one caller.
#[derive(Debug)]
pub struct Builder<'a> {
    /// Rights of the caller: nothing is read without them.
    pub permit: &'a Permit,
    /// Tryton languages of translated texts, best first.
    pub languages: &'a [String],
    /// Aliases used so far.
    pub aliases: Aliases,
    /// Scopes around the current one, outermost first.
    pub scopes: Vec<Scope>,
    /// Work on conditions so far.
    work: u32,
}

/// Work on the conditions of one statement at most. More keeps a processor busy, here and in PostgreSQL.
const WORK: u32 = 200_000;
/// What a condition costs that PostgreSQL must decide; one that is decided here costs 1.
const CONDITION: u32 = 10;

impl<'a> Builder<'a> {
    /// A builder for a caller.
    pub fn new(permit: &'a Permit, languages: &'a [String]) -> Self {
        Self { permit, languages, aliases: Aliases::default(), scopes: Vec::new(), work: 0 }
    }

    /// Counts the work on a condition.
    ///
    /// # Errors
    /// It is too much.
    pub fn spend(&mut self, condition: &Fragment) -> Result<(), Error> {
        let decided = condition.is("TRUE") || condition.is("FALSE");
        self.work = self.work.saturating_add(if decided { 1 } else { CONDITION });
        if self.work > WORK { Err(Error::new(&error::PARAMETER_LIMIT)) } else { Ok(()) }
    }

    /// Opens a scope over a new alias.
    pub fn open(&mut self) -> Alias {
        let alias = self.aliases.next();
        self.scopes.push(Scope::new(alias));
        alias
    }

    /// Closes the innermost scope.
    pub fn close(&mut self) -> Scope {
        self.scopes.pop().expect("every close follows an open")
    }

    /// The access predicate of a model over an alias.
    ///
    /// # Errors
    /// [`Masked`] when the caller may not read the model.
    pub fn predicate(&mut self, model: &str, alias: Alias) -> Result<Fragment, Masked> {
        if !self.permit.model(model) {
            return Err(Masked);
        }
        self.permit.predicate(model, alias, &mut self.aliases).map_err(|_| Masked)
    }

    /// The alias at the end of many2one steps, joined with its model's access predicate.
    ///
    /// # Errors
    /// [`Masked`] when a field or a model on the way is closed to the caller.
    pub fn follow(&mut self, up: usize, hops: &[Hop]) -> Result<Alias, Masked> {
        let level =
            self.scopes.len().checked_sub(up + 1).expect("the compiler checks how far up a path goes");
        let mut alias = self.scopes[level].root;
        for end in 1..=hops.len() {
            let hop = &hops[end - 1];
            if let Some(known) = self.scopes[level].joined.get(&hops[..end]) {
                alias = *known;
                continue;
            }
            let owner = if hop.way == Way::Back { &hop.target } else { &hop.model };
            if !self.permit.field(owner, &hop.field) {
                return Err(Masked);
            }
            let target = self.aliases.next();
            let mut join =
                Fragment::raw(" LEFT JOIN ").ident(&hop.table).text(" ").alias(target).text(" ON ");
            join = join.column(target, "id").text(" = ");
            let mut hidden = None;
            join = match hop.way {
                Way::Back => {
                    let row = self.aliases.next();
                    let predicate = self.predicate(&hop.target, row)?;
                    join = join.text("(SELECT min(").column(row, "id").text(") FROM ").ident(&hop.table);
                    join = join.text(" ").alias(row).text(" WHERE ").column(row, &hop.field).text(" = ");
                    join.column(alias, "id").text(" AND ").then(predicate).text(")")
                }
                Way::Forward | Way::Typed => {
                    let predicate = self.predicate(&hop.target, target)?;
                    if !predicate.is("TRUE") {
                        let known = points(alias, hop).text(" AND ");
                        hidden = Some(known.column(target, "id").text(" IS NULL").parens());
                    }
                    join.then(pointer(alias, hop)).text(" AND ").then(predicate)
                }
            };
            let scope = &mut self.scopes[level];
            scope.joined.insert(hops[..end].to_vec(), target);
            scope.order.push((target, join));
            scope.hidden.extend(hidden);
            alias = target;
        }
        Ok(alias)
    }

    /// Of a value behind a typed reference that is closed to the caller: whether the reference points there. Records that
    /// point elsewhere lose nothing.
    pub fn closed_target(&mut self, value: &Expression) -> Option<Fragment> {
        let Expression::Column(column) = value else { return None };
        let typed = column.hops.iter().position(|hop| hop.way == Way::Typed)?;
        let hop = &column.hops[typed];
        let alias = self.follow(column.up, &column.hops[..typed]).ok()?;
        self.permit.field(&hop.model, &hop.field).then(|| points(alias, hop))
    }

    /// A column of the caller's view.
    ///
    /// # Errors
    /// [`Masked`] when the field, or a model on the way, is closed to the caller.
    pub fn column(&mut self, column: &Column) -> Result<Fragment, Masked> {
        let alias = self.follow(column.up, &column.hops)?;
        if !self.permit.model(&column.model) || !self.permit.field(&column.model, &column.field) {
            return Err(Masked);
        }
        let plain = Fragment::new().column(alias, &column.field);
        if !column.translated || self.languages.is_empty() {
            return Ok(plain);
        }
        Ok(self.translated(column, alias, plain))
    }

    /// The translation in the caller's languages, else the text itself (Tryton: empty and fuzzy ones do not count).
    fn translated(&mut self, column: &Column, alias: Alias, plain: Fragment) -> Fragment {
        let mut all = Fragment::raw("COALESCE(");
        for language in self.languages {
            let row = self.aliases.next();
            all = all
                .text("(SELECT NULLIF(")
                .column(row, "value")
                .text(", '') FROM ir_translation ")
                .alias(row);
            all = all.text(" WHERE ").column(row, "res_id").text(" = ").column(alias, "id");
            all = all
                .text(" AND ")
                .column(row, "name")
                .text(" = ")
                .bind(format!("{},{}", column.model, column.field));
            all =
                all.text(" AND ").column(row, "type").text(" = 'model' AND ").column(row, "lang").text(" = ");
            all = all.bind(language.as_str()).text(" AND NOT ").column(row, "fuzzy").text(" LIMIT 1), ");
        }
        all.then(plain).text(")")
    }

    /// `row.inverse = parent.id`, the active filter and the access predicate of the rows of a relation.
    ///
    /// # Errors
    /// [`Masked`] when the relation or its model is closed to the caller.
    pub fn related(&mut self, row: Alias, parent: Alias, relation: &Relation) -> Result<Fragment, Masked> {
        if let Some((model, field)) = &relation.field
            && !self.permit.field(model, field)
        {
            return Err(Masked);
        }
        if !self.permit.field(&relation.model, &relation.inverse) {
            return Err(Masked);
        }
        let mut all = Fragment::new().column(row, &relation.inverse).text(" = ").column(parent, "id");
        if relation.active {
            all = all.text(" AND ").column(row, "active");
        }
        Ok(all.text(" AND ").then(self.predicate(&relation.model, row)?))
    }
}

/// Id of the row that a step leads to. Nothing keeps a Reference from holding any text.
fn pointer(alias: Alias, hop: &Hop) -> Fragment {
    let field = Fragment::new().column(alias, &hop.field);
    if hop.way != Way::Typed {
        return field;
    }
    let part = |number| Fragment::raw("split_part(").then(field.clone()).text(number);
    let is_id = part(", ',', 2)").text(" ~ '^[0-9]{1,9}$'");
    let all = Fragment::all([points(alias, hop), is_id]);
    Fragment::raw("CASE WHEN ").then(all).text(" THEN ").then(part(", ',', 2)")).text("::int4 END")
}

/// The field points to a row, of the model of the step.
fn points(alias: Alias, hop: &Hop) -> Fragment {
    let field = Fragment::new().column(alias, &hop.field);
    match hop.way {
        Way::Typed => Fragment::raw("split_part(").then(field).text(", ',', 1) = ").bind(hop.target.as_str()),
        Way::Forward | Way::Back => field.text(" IS NOT NULL"),
    }
}
