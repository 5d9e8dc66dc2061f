//! Resolving a domain against the catalogue.

use super::{
    Refused,
    clause::{Clause, Leaf, Operator},
    node::{Node, Rows, Term},
    scalar,
    searcher::{self, Searched},
};
use crate::tryton::{
    catalog::{Catalog, Field, FieldKind, Model, ModelKind, Series},
    pyson::Value,
};

/// What names are resolved against.
#[derive(Clone, Copy)]
pub(super) struct Compiler<'a> {
    pub catalog: &'a Catalog,
    /// Language of the user and its parents.
    pub languages: &'a [String],
    /// Sub-queries around this one.
    pub depth: usize,
}

/// No rule of Tryton comes near; a longer path would only cost the database its time.
const DEEPEST: usize = 24;

impl<'a> Compiler<'a> {
    pub(super) fn series(self) -> Series {
        self.catalog.series
    }

    /// A model with a table.
    pub(super) fn model(self, name: &str) -> Result<&'a Model, Refused> {
        match self.catalog.model(name) {
            Some(model) if model.kind != ModelKind::Query && !model.granted => {
                Err(Refused(format!("the role of the gateway may not read the table {}", model.table)))
            }
            Some(model) if model.kind != ModelKind::Query => Ok(model),
            Some(_) => Err(Refused(format!("the rows of {name} are computed by Tryton"))),
            None => Err(Refused(format!("there is no model {name}"))),
        }
    }

    /// The condition of a search on `model`. `here`: leave out inactive records of `model` itself; `below`: those of
    /// the models that the domain leads to.
    pub(super) fn search(
        self,
        model: &Model,
        domain: &Value,
        here: bool,
        below: bool,
    ) -> Result<Node, Refused> {
        if self.depth > DEEPEST {
            return Err(Refused("the domain goes through too many relations".into()));
        }
        let inner = Self { depth: self.depth + 1, ..self };
        let mut clause = Clause::of(domain)?;
        if here && model.fields.contains("active") {
            clause = clause.with_active();
        }
        inner.clause(model, &clause, below)
    }

    /// The ids (or another term) of a search on `model`.
    pub(super) fn rows(
        self,
        model: &Model,
        term: Term,
        domain: &Value,
        active: bool,
    ) -> Result<Rows, Refused> {
        let filter = self.search(model, domain, active, active)?;
        Ok(Rows { table: model.table, term, filter })
    }

    fn clause(self, model: &Model, clause: &Clause, below: bool) -> Result<Node, Refused> {
        let each = |parts: &[Clause]| {
            parts.iter().map(|part| self.clause(model, part, below)).collect::<Result<Vec<_>, _>>()
        };
        match clause {
            Clause::Leaf(leaf) => self.leaf(model, leaf, below),
            Clause::All(parts) => each(parts).map(Node::All),
            // No alternative at all is true.
            Clause::Any(parts) if parts.is_empty() => Ok(Node::Constant(true)),
            Clause::Any(parts) => each(parts).map(Node::Any),
        }
    }

    fn leaf(self, model: &Model, leaf: &Leaf, below: bool) -> Result<Node, Refused> {
        let (name, rest) = leaf.split();
        let field =
            model.fields.get(name).ok_or_else(|| Refused(format!("{} has no field {name}", model.name)))?;
        if let Some(search) = field.search.as_ref().filter(|_| rest.is_none()) {
            let clause = searcher::clause(search, leaf)
                .map_err(|Refused(reason)| Refused(format!("{}.{name}: {reason}", model.name)))?;
            return match clause {
                Searched::Clause(clause) => self.clause(model, &clause, below),
                Searched::Descendants(parent, domain) => self.descendants(model, &parent, &domain, below),
            };
        }
        if name == "rec_name" && rest.is_none() {
            let stored = model.rec_name.as_deref().ok_or_else(|| {
                Refused(format!("the name of {} is searched by code of Tryton", model.name))
            })?;
            let renamed = Leaf { path: stored.to_owned(), ..leaf.clone() };
            return self.leaf(model, &renamed, below);
        }
        let relational = matches!(field.kind, FieldKind::One2Many { .. } | FieldKind::Many2Many { .. });
        if field.computed || field.custom_search || !(field.stored || field.secret || relational) {
            return Err(Refused(format!("{}.{name} is computed or searched by code of Tryton", model.name)));
        }
        let place = |Refused(reason)| Refused(format!("{}.{}: {reason}", model.name, leaf.path));
        match &field.kind {
            FieldKind::Many2One { target } => self.many2one(model, field, target, leaf, rest),
            FieldKind::One2Many { .. } => self.one2many(model, field, leaf, rest, below),
            FieldKind::Many2Many { .. } => self.many2many(model, field, leaf, rest, below),
            FieldKind::Reference if rest.is_some() => self.reference(field, leaf, rest.unwrap_or_default()),
            FieldKind::Dict => self.dict(field, leaf, rest).map_err(place),
            _ if rest.is_some() => Err(Refused(format!("{}.{name} leads nowhere", model.name))),
            FieldKind::Binary | FieldKind::Other(_) => {
                Err(Refused(format!("{}.{name} has a type that cannot be searched", model.name)))
            }
            FieldKind::MultiSelection => self.multi_selection(field, leaf).map_err(place),
            FieldKind::Char | FieldKind::Text if field.translated => {
                self.translated(model, field, leaf).map_err(place)
            }
            FieldKind::Char | FieldKind::Text => {
                self.text(field, Term::Column(name.into()), leaf).map_err(place)
            }
            _ => scalar::test(self.series(), field, Term::Column(name.into()), leaf).map_err(place),
        }
    }

    /// A text in the language of the user (semantics 7.2).
    fn translated(self, model: &Model, field: &Field, leaf: &Leaf) -> Result<Node, Refused> {
        if model.name.starts_with("ir.model") {
            return Err(Refused("translations of models are looked up by code of Tryton".into()));
        }
        if field.kind == FieldKind::Text && matches!(leaf.operator, Operator::ILike | Operator::NotILike) {
            return Err(Refused("full text search in a language".into()));
        }
        let term = Term::Translated {
            column: field.name,
            name: format!("{},{}", model.name, field.name),
            languages: self.languages.to_vec(),
        };
        // Tryton looks the record up by its id: where a join found none, nothing is true of its text.
        Ok(Node::Known(Box::new(self.text(field, term, leaf)?.and(Node::NotNull(Term::id())))))
    }
}
