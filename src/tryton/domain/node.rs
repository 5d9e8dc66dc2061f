//! Conditions on rows: columns, values and sub-queries, free of Tryton.

use super::tree::Tree;
use crate::{
    sql::{Alias, Aliases, Fragment, Value},
    tryton::Name,
};

/// A condition on a row.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Constant(bool),
    /// NULL: neither true nor false, also when negated.
    Unknown,
    All(Vec<Node>),
    Any(Vec<Node>),
    Not(Box<Node>),
    Null(Term),
    NotNull(Term),
    Compare(Term, &'static str, Operand),
    /// `= ANY` a bound array.
    AnyOf(Term, Value),
    /// `<> ALL` a bound array.
    NoneOf(Term, Value),
    /// False instead of NULL.
    Known(Box<Node>),
    In(Term, Box<Rows>),
    /// The condition on the row of `table` that `column` points to, or on NULLs where there is none: a left join.
    Joined {
        column: Name,
        table: Name,
        node: Box<Node>,
    },
    Tree(Box<Tree>),
}

/// What is compared.
#[derive(Clone, Debug)]
pub(super) enum Term {
    Column(Name),
    /// The number in `model,id` text.
    ReferenceId(Name),
    /// The column as `jsonb`.
    Json(Name),
    /// A key of the column as `jsonb`, or as text.
    JsonKey {
        column: Name,
        key: String,
        text: bool,
    },
    /// The text in the first of the languages that has one, else the column's.
    Translated {
        column: Name,
        name: String,
        languages: Vec<String>,
    },
    Unaccent(Box<Term>),
    FullText(Box<Term>),
}

/// What it is compared with.
#[derive(Clone, Debug)]
pub(super) enum Operand {
    Value(Value),
    Unaccent(Value),
    /// Words of a full text search.
    Words(Value),
}

/// Values of a term in the rows of a table.
#[derive(Clone, Debug)]
pub(super) struct Rows {
    pub table: Name,
    pub term: Term,
    pub filter: Node,
}

impl Term {
    pub(super) fn id() -> Self {
        Self::Column("id".into())
    }

    pub(super) fn fragment(&self, alias: Alias) -> Fragment {
        let column = |column: &str| Fragment::new().column(alias, column);
        match self {
            Self::Column(name) => column(name),
            // Text without a number gives NULL instead of an error of the whole statement.
            Self::ReferenceId(name) => {
                Fragment::raw("substring(").then(column(name)).text(" FROM ',(-?[0-9]{1,9})$')::int4")
            }
            Self::Json(name) => column(name).text("::jsonb"),
            Self::JsonKey { column: name, key, text } => {
                let path = Fragment::raw("jsonb_extract_path(").then(column(name)).text("::jsonb, ");
                let path = path.bind(key.as_str()).text(")");
                if *text { path.text("::text") } else { path }
            }
            Self::Translated { column: own, name, languages } => {
                let mut all = Fragment::raw("coalesce(");
                for language in languages {
                    all = all
                        .text("nullif((SELECT r.value FROM ir_translation r WHERE r.lang = ")
                        .bind(language.as_str())
                        .text(" AND r.type = 'model' AND r.name = ")
                        .bind(name.as_str())
                        .text(" AND r.fuzzy = FALSE AND r.res_id = ")
                        .then(column("id"))
                        .text(" ORDER BY r.id DESC LIMIT 1), ''), ");
                }
                all.then(column(own)).text(")")
            }
            Self::Unaccent(inner) => Fragment::raw("unaccent(").then(inner.fragment(alias)).text(")"),
            Self::FullText(inner) => {
                Fragment::raw("to_tsvector('simple', ").then(inner.fragment(alias)).text(")")
            }
        }
    }
}

impl Operand {
    fn fragment(&self) -> Fragment {
        match self {
            Self::Value(value) => Fragment::new().bind(value.clone()),
            Self::Unaccent(value) => Fragment::raw("unaccent(").bind(value.clone()).text(")"),
            Self::Words(value) => {
                Fragment::raw("websearch_to_tsquery('simple', ").bind(value.clone()).text(")")
            }
        }
    }
}

impl Rows {
    /// `SELECT term FROM table WHERE filter`.
    pub(super) fn fragment(&self, aliases: &mut Aliases) -> Fragment {
        let alias = aliases.next();
        Fragment::raw("SELECT ")
            .then(self.term.fragment(alias))
            .text(" FROM ")
            .ident(&self.table)
            .text(" AS ")
            .alias(alias)
            .text(" WHERE ")
            .then(self.filter.fragment(alias, aliases))
    }
}

impl Node {
    pub(super) fn not(self) -> Self {
        Self::Not(Box::new(self))
    }

    pub(super) fn or(self, other: Self) -> Self {
        Self::Any(vec![self, other])
    }

    pub(super) fn and(self, other: Self) -> Self {
        Self::All(vec![self, other])
    }

    pub(super) fn is_in(term: Term, rows: Rows) -> Self {
        Self::In(term, Box::new(rows))
    }

    pub(super) fn fragment(&self, alias: Alias, aliases: &mut Aliases) -> Fragment {
        match self {
            Self::Constant(true) => Fragment::raw("TRUE"),
            Self::Constant(false) => Fragment::raw("FALSE"),
            Self::Unknown => Fragment::raw("NULL::bool"),
            Self::All(parts) => {
                Fragment::all(parts.iter().map(|part| part.fragment(alias, aliases)).collect::<Vec<_>>())
            }
            Self::Any(parts) => {
                Fragment::any(parts.iter().map(|part| part.fragment(alias, aliases)).collect::<Vec<_>>())
            }
            Self::Not(inner) => Fragment::raw("(NOT ").then(inner.fragment(alias, aliases)).text(")"),
            Self::Null(term) => Fragment::raw("(").then(term.fragment(alias)).text(" IS NULL)"),
            Self::NotNull(term) => Fragment::raw("(").then(term.fragment(alias)).text(" IS NOT NULL)"),
            Self::Compare(term, operator, operand) => Fragment::raw("(")
                .then(term.fragment(alias))
                .text(" ")
                .text(operator)
                .text(" ")
                .then(operand.fragment())
                .text(")"),
            Self::AnyOf(term, values) => {
                Fragment::raw("(").then(term.fragment(alias)).text(" = ANY (").bind(values.clone()).text("))")
            }
            Self::NoneOf(term, values) => Fragment::raw("(")
                .then(term.fragment(alias))
                .text(" <> ALL (")
                .bind(values.clone())
                .text("))"),
            Self::Known(inner) => {
                Fragment::raw("coalesce(").then(inner.fragment(alias, aliases)).text(", FALSE)")
            }
            Self::In(term, rows) => Fragment::raw("(")
                .then(term.fragment(alias))
                .text(" IN (")
                .then(rows.fragment(aliases))
                .text("))"),
            Self::Joined { column, table, node } => {
                let target = aliases.next();
                Fragment::raw("(SELECT ")
                    .then(node.fragment(target, aliases))
                    .text(" FROM (VALUES (1)) AS one LEFT JOIN ")
                    .ident(table)
                    .text(" AS ")
                    .alias(target)
                    .text(" ON ")
                    .column(target, "id")
                    .text(" = ")
                    .column(alias, column)
                    .text(")")
            }
            Self::Tree(tree) => tree.fragment(alias, aliases),
        }
    }
}
