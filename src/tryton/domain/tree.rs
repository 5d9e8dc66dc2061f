//! Descendants and ancestors.

use super::{
    Refused,
    clause::{Leaf, Operator},
    compile::Compiler,
    node::{Node, Rows, Term},
    scalar,
};
use crate::{
    sql::{self, Alias, Aliases, Fragment},
    tryton::{
        Name,
        catalog::{self, Field, Model},
        pyson::Value,
    },
};

/// The row is among the descendants (or ancestors) of others, or one of them.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    table: Name,
    /// Column that points to the parent.
    parent: Name,
    kept: Option<Box<catalog::Tree>>,
    seeds: Seeds,
    down: bool,
}

#[derive(Clone, Debug)]
enum Seeds {
    Ids(Vec<i32>),
    Rows(Rows),
}

impl Compiler<'_> {
    /// `child_of` and `parent_of` on the field that points to the parent.
    pub(super) fn tree(self, model: &Model, field: &Field, leaf: &Leaf) -> Result<Node, Refused> {
        let down = matches!(leaf.operator, Operator::ChildOf | Operator::NotChildOf);
        let seeds = match (&leaf.value, leaf.value.items()) {
            (Value::Text(_), _) => {
                let named = Leaf { operator: Operator::ILike, ..leaf.clone() };
                Seeds::Rows(self.rows(model, Term::id(), &named.on("rec_name"), false)?)
            }
            (_, Some(items)) => Seeds::Ids(ids(items)?),
            (value, None) => Seeds::Ids(ids(std::slice::from_ref(value))?),
        };
        let node = match &seeds {
            Seeds::Ids(ids) if ids.is_empty() => Node::Constant(false),
            _ => Node::Tree(Box::new(Tree {
                table: model.table,
                parent: field.name,
                kept: field.tree.clone(),
                seeds,
                down,
            })),
        };
        Ok(if leaf.operator.negative() { node.not() } else { node })
    }

    /// The records below those that a search finds, and these themselves.
    pub(super) fn descendants(
        self,
        model: &Model,
        parent: &str,
        domain: &Value,
        active: bool,
    ) -> Result<Node, Refused> {
        let field = model.fields.get(parent).filter(|field| field.stored);
        let field = field.ok_or_else(|| Refused(format!("{} has no tree {parent}", model.name)))?;
        Ok(Node::Tree(Box::new(Tree {
            table: model.table,
            parent: field.name,
            kept: field.tree.clone(),
            seeds: Seeds::Rows(self.rows(model, Term::id(), domain, active)?),
            down: true,
        })))
    }
}

fn ids(items: &[Value]) -> Result<Vec<i32>, Refused> {
    let mut ids = Vec::with_capacity(items.len());
    for item in items.iter().filter(|item| **item != Value::Null) {
        match (item, scalar::integer(item)?) {
            (Value::Int(_), sql::Value::Int4(id)) => ids.push(id),
            (Value::Int(_), _) => {}
            _ => return Err(Refused("a record of a tree is not given by its id".into())),
        }
    }
    Ok(ids)
}

impl Seeds {
    /// `alias` is one of them.
    fn condition(&self, alias: Alias, aliases: &mut Aliases) -> Fragment {
        let id = Fragment::new().column(alias, "id");
        match self {
            Self::Ids(ids) => id.text(" = ANY (").bind(ids.clone()).text(")"),
            Self::Rows(rows) => id.text(" IN (").then(rows.fragment(aliases)).text(")"),
        }
    }
}

impl Tree {
    pub(super) fn fragment(&self, alias: Alias, aliases: &mut Aliases) -> Fragment {
        match self.kept.as_deref() {
            Some(catalog::Tree::NestedSet { left, right }) => self.nested_set(alias, aliases, left, right),
            Some(catalog::Tree::Path(path)) => self.path(alias, aliases, path),
            None => self.recursive(alias, aliases),
        }
    }

    fn seeds(&self, seed: Alias, aliases: &mut Aliases) -> Fragment {
        Fragment::raw(" FROM ")
            .ident(&self.table)
            .text(" AS ")
            .alias(seed)
            .text(" WHERE ")
            .then(self.seeds.condition(seed, aliases))
    }

    /// Where a bound is missing the answer is NULL, so that a negation does not show the row.
    fn nested_set(&self, alias: Alias, aliases: &mut Aliases, left: &str, right: &str) -> Fragment {
        let seed = aliases.next();
        let (inner, outer) = if self.down { (alias, seed) } else { (seed, alias) };
        let column = |alias, name: &str| Fragment::new().column(alias, name);
        Fragment::raw("(CASE WHEN ")
            .then(column(alias, left))
            .text(" IS NOT NULL AND ")
            .then(column(alias, right))
            .text(" IS NOT NULL THEN EXISTS (SELECT 1")
            .then(self.seeds(seed, aliases))
            .text(" AND ")
            .then(column(inner, left))
            .text(" >= ")
            .then(column(outer, left))
            .text(" AND ")
            .then(column(inner, right))
            .text(" <= ")
            .then(column(outer, right))
            .text(") END)")
    }

    fn path(&self, alias: Alias, aliases: &mut Aliases, path: &str) -> Fragment {
        let seed = aliases.next();
        let column = |alias| Fragment::raw("coalesce(").column(alias, path).text(", '')");
        let start = Fragment::raw("EXISTS (SELECT 1").then(self.seeds(seed, aliases)).text(" AND ");
        if self.down {
            start.then(column(alias)).text(" LIKE ").then(column(seed)).text(" || '%')")
        } else {
            start
                .column(alias, "id")
                .text("::text = ANY (string_to_array(")
                .then(column(seed))
                .text(", '/')))")
        }
    }

    fn recursive(&self, alias: Alias, aliases: &mut Aliases) -> Fragment {
        let (tree, seed, next) = (aliases.next(), aliases.next(), aliases.next());
        let both = |alias| Fragment::new().column(alias, "id").text(", ").column(alias, &self.parent);
        let step = if self.down {
            Fragment::new().column(next, &self.parent).text(" = ").column(tree, "id")
        } else {
            Fragment::new().column(next, "id").text(" = ").column(tree, "up")
        };
        Fragment::raw("(")
            .column(alias, "id")
            .text(" IN (WITH RECURSIVE ")
            .alias(tree)
            .text("(id, up) AS (SELECT ")
            .then(both(seed))
            .then(self.seeds(seed, aliases))
            .text(" UNION SELECT ")
            .then(both(next))
            .text(" FROM ")
            .ident(&self.table)
            .text(" AS ")
            .alias(next)
            .text(" JOIN ")
            .alias(tree)
            .text(" ON ")
            .then(step)
            .text(") SELECT ")
            .column(tree, "id")
            .text(" FROM ")
            .alias(tree)
            .text("))")
    }
}
