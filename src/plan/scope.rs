//! The tables of one statement: where a path leads, with the access predicate of every model on the way.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    lookup::{How, Lookup},
    page::Situation,
    sought::Sets,
};
use crate::{
    error::{self, Error},
    mapping::{
        Path,
        compiled::{Column, Condition, Expression, Hop, Kind, Relation, Slot, Source, Way},
    },
    sql::{Alias, Aliases, Fragment},
    tryton::{Name, Permit},
};

/// A row of a table, the tables joined to it, and the rows collected beside it.
#[derive(Clone, Debug)]
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
    /// Model and table of the row, when it is that of a source.
    pub(super) source: Option<(Name, Name)>,
}

impl Scope {
    /// A scope over the record that many2one steps lead to, beside the scope in which they start. Paths in it begin with
    /// these steps, as they do there.
    pub fn beside(target: Alias, steps: &[Hop]) -> Self {
        let mut scope = Self::new(target);
        for end in 1..=steps.len() {
            scope.joined.insert(steps[..end].to_vec(), target);
        }
        scope
    }

    /// ` FROM table root joins WHERE conditions`.
    pub fn from(&self, table: &str, conditions: Fragment) -> Fragment {
        let from = Fragment::raw(" FROM ").ident(table).text(" ").alias(self.root).then(self.joins());
        from.text(" WHERE ").then(conditions)
    }

    /// The record at the end of these steps is joined.
    pub fn has(&self, steps: &[Hop]) -> bool {
        self.joined.contains_key(steps)
    }

    /// The record at the end of these steps.
    pub fn at(&self, steps: &[Hop]) -> Option<Alias> {
        self.joined.get(steps).copied()
    }

    /// A scope over an alias.
    pub fn new(root: Alias) -> Self {
        Self {
            root,
            joined: BTreeMap::new(),
            order: Vec::new(),
            hidden: Vec::new(),
            laterals: Vec::new(),
            stamp: None,
            source: None,
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
    /// What rows are looked up by, source by source, when somebody wants to know.
    pub notes: Option<Vec<Vec<Lookup>>>,
    /// Fields, by model, of whose folded texts there is an index.
    folded: Option<&'a BTreeSet<(Name, Name)>>,
    /// What is planned is looked for by itself, so steps can be entered from either side; elsewhere that only costs planning.
    pub(super) seeking: bool,
    /// What conditions of other records find, made once for the whole statement.
    pub(super) sets: Sets,
    /// All records are looked at, so what belongs to each is best collected for all at once.
    pub(super) whole: bool,
    /// Work on conditions so far.
    work: u32,
}

/// Work on the conditions of one statement at most. More keeps a processor busy, here and in PostgreSQL.
const WORK: u32 = 200_000;
/// What a condition costs for each value that PostgreSQL must compare with.
const CONDITION: u32 = 10;
/// What a condition costs that is decided here.
const DECIDED: u32 = 3;

impl<'a> Builder<'a> {
    /// A builder for a caller.
    pub fn new(permit: &'a Permit, languages: &'a [String]) -> Self {
        Self {
            permit,
            languages,
            aliases: Aliases::default(),
            scopes: Vec::new(),
            notes: None,
            folded: None,
            seeking: false,
            sets: Sets::default(),
            whole: false,
            work: 0,
        }
    }

    /// A builder for a search.
    pub fn searching(situation: Situation<'a>) -> Self {
        Self { folded: Some(&situation.compiled.folded), ..Self::new(situation.permit, situation.languages) }
    }

    /// PostgreSQL has an index by which it finds texts of this column by how they start; while lookups are noted it is
    /// thought of.
    pub fn finds_starts(&self, column: &Column) -> bool {
        let known = || {
            let key = (column.model, column.field);
            self.notes.is_some() || self.folded.is_some_and(|folded| folded.contains(&key))
        };
        column.kind == Kind::Text && (!column.translated || self.languages.is_empty()) && known()
    }

    /// Counts the work on a condition.
    ///
    /// # Errors
    /// It is too much.
    pub fn spend(&mut self, condition: &Fragment) -> Result<(), Error> {
        let decided = condition.is("TRUE") || condition.is("FALSE");
        let compared = u32::try_from(condition.values()).unwrap_or(u32::MAX).max(1);
        self.work =
            self.work.saturating_add(if decided { DECIDED } else { compared.saturating_mul(CONDITION) });
        if self.work > WORK { Err(Error::new(&error::PARAMETER_LIMIT)) } else { Ok(()) }
    }

    /// Opens a scope over a new alias.
    pub fn open(&mut self) -> Alias {
        let alias = self.aliases.next();
        self.scopes.push(Scope::new(alias));
        alias
    }

    /// Opens a scope over a new alias for the records of a source.
    pub fn open_source(&mut self, source: &Source) -> Alias {
        self.open_table(source.model, source.table)
    }

    pub(super) fn open_table(&mut self, model: Name, table: Name) -> Alias {
        let alias = self.open();
        self.scopes.last_mut().expect("it was just opened").source = Some((model, table));
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
            let target = self.aliases.next();
            let (condition, hidden) = self.step(alias, hop, target)?;
            let join = Fragment::raw(" LEFT JOIN ").ident(&hop.table).text(" ").alias(target).text(" ON ");
            let join = join.then(condition);
            let scope = &mut self.scopes[level];
            scope.joined.insert(hops[..end].to_vec(), target);
            scope.order.push((target, join));
            scope.hidden.extend(hidden);
            alias = target;
        }
        Ok(alias)
    }

    /// Which row of `target` a step from `alias` leads to, and whether a record rule hides that row.
    ///
    /// # Errors
    /// [`Masked`] when the field or its model is closed to the caller.
    pub fn step(
        &mut self,
        alias: Alias,
        hop: &Hop,
        target: Alias,
    ) -> Result<(Fragment, Option<Fragment>), Masked> {
        let owner = if hop.way == Way::Back { &hop.target } else { &hop.model };
        if !self.permit.field(owner, &hop.field) {
            return Err(Masked);
        }
        if hop.way == Way::Back {
            return Ok((self.back(alias, hop, target)?, None));
        }
        let on = Fragment::new().column(target, "id").text(" = ");
        let predicate = self.predicate(&hop.target, target)?;
        let mut on = on.then(pointer(alias, hop));
        if hop.way == Way::Typed && self.seeking {
            // Implied, so that PostgreSQL can also come from the other side.
            on = on.text(" AND ").column(alias, &hop.field).text(" = ").bind(format!("{},", hop.target));
            on = on.text(" || ").column(target, "id").text("::text");
        }
        if predicate.is("TRUE") {
            return Ok((on, None));
        }
        let hidden = points(alias, hop).text(" AND ").column(target, "id").text(" IS NULL").parens();
        Ok((on.text(" AND ").then(predicate), Some(hidden)))
    }

    /// The condition of a many2one taken backwards: `target` is the first of the rows that point to `alias`.
    fn back(&mut self, alias: Alias, hop: &Hop, target: Alias) -> Result<Fragment, Masked> {
        let row = self.aliases.next();
        let others = self.predicate(&hop.target, row)?;
        self.note_column(row, &hop.target, Some(&hop.field), How::Parent);
        let from = Fragment::raw(" FROM ").ident(&hop.table).text(" ").alias(row).text(" WHERE ");
        let from = from.column(row, &hop.field).text(" = ").column(alias, "id").text(" AND ").then(others);
        if !self.seeking {
            let on = Fragment::new().column(target, "id").text(" = (SELECT min(").column(row, "id").text(")");
            return Ok(on.then(from).text(")"));
        }
        // PostgreSQL can come from either side, and knows how many rows there are.
        let on = Fragment::new().column(target, &hop.field).text(" = ").column(alias, "id").text(" AND ");
        let on = on.then(self.predicate(&hop.target, target)?).text(" AND NOT EXISTS (SELECT 1").then(from);
        Ok(on.text(" AND ").column(row, "id").text(" < ").column(target, "id").text(")"))
    }

    /// What is planned by `probe` leaves nothing in the statement.
    pub(super) fn probe<T>(&mut self, probe: impl FnOnce(&mut Self) -> T) -> T {
        let scopes = self.scopes.clone();
        let found = probe(self);
        self.scopes = scopes;
        found
    }

    /// The caller may take this step, and no record rule hides where it leads.
    pub fn is_open(&mut self, hop: &Hop) -> bool {
        let target = self.aliases.next();
        matches!(self.step(target, hop, target), Ok((_, None)))
    }

    /// The id of the record at the end of many2one steps, for rows that point back to it. The many2one itself holds
    /// it, so the record is joined only where a record rule could hide it.
    ///
    /// # Errors
    /// As [`Builder::follow`].
    pub fn id_at(&mut self, up: usize, hops: &[Hop]) -> Result<Fragment, Masked> {
        if let Some((last, before)) = hops.split_last()
            && last.way == Way::Forward
            && self.is_open(last)
        {
            let alias = self.follow(up, before)?;
            return Ok(Fragment::new().column(alias, &last.field));
        }
        let alias = self.follow(up, hops)?;
        Ok(Fragment::new().column(alias, "id"))
    }

    /// Of a value behind a typed reference that is closed to the caller: whether the reference points there. Records that
    /// point elsewhere lose nothing.
    pub fn closed_target(&mut self, value: &Expression) -> Option<Fragment> {
        let Expression::Column(column) = value else { return None };
        self.points_there(column.up, through_typed(&column.hops)?)
    }

    /// The same of a slot: all that it reads lies behind one such reference.
    pub fn closed_reference(&mut self, slot: &Slot) -> Option<Fragment> {
        let mut all = Vec::new();
        slot.paths(0, &mut |path| all.push(path));
        let first = all.first()?;
        let steps = through_typed(first.hops)?;
        let same = |path: &Path<'_>| path.depth == 0 && path.up == 0 && path.hops.starts_with(steps);
        if all.iter().all(same) { self.points_there(0, steps) } else { None }
    }

    /// Whether the typed reference at the end of these steps points to a record of its model.
    fn points_there(&mut self, up: usize, steps: &[Hop]) -> Option<Fragment> {
        let (hop, before) = steps.split_last()?;
        let alias = self.follow(up, before).ok()?;
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

    /// `row.inverse = parent`, the active filter and the access predicate of the rows of a relation, and what else must
    /// hold for them.
    ///
    /// # Errors
    /// [`Masked`] when the relation or its model is closed to the caller.
    pub fn related(
        &mut self,
        row: Alias,
        parent: Fragment,
        relation: &Relation,
        filter: Option<&Condition>,
    ) -> Result<Fragment, Masked> {
        if let Some((model, field)) = &relation.field
            && !self.permit.field(model, field)
        {
            return Err(Masked);
        }
        let mut all = Vec::new();
        if let Some(inverse) = &relation.inverse {
            if !self.permit.field(&relation.model, inverse) {
                return Err(Masked);
            }
            self.note_column(row, &relation.model, Some(inverse), How::Parent);
            all.push(Fragment::new().column(row, inverse).text(" = ").then(parent));
        }
        if relation.active {
            all.push(Fragment::new().column(row, "active"));
        }
        all.push(self.predicate(&relation.model, row)?);
        if let Some(filter) = filter {
            all.push(self.meets(filter)?);
        }
        Ok(Fragment::all(all))
    }
}

/// The steps up to the first typed reference.
fn through_typed(hops: &[Hop]) -> Option<&[Hop]> {
    let typed = hops.iter().position(|hop| hop.way == Way::Typed)?;
    Some(&hops[..=typed])
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
