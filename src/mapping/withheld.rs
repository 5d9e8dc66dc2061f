//! Which elements of a resource a caller does not get, and what is closed to make it so.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    compiled::{Leaf, Member, Node, Object, Row, Source},
    reads::{self, Read},
};

/// Elements by path (`name.family`), each with what withholds it.
pub type Withheld<'a> = BTreeMap<String, BTreeSet<Read<'a>>>;

impl Source {
    /// What must be open for any of its records to be served.
    pub fn reads(&self) -> BTreeSet<Read<'_>> {
        let own = std::iter::once(Read::Model(self.model.as_str()));
        own.chain(self.filter.iter().flat_map(reads::condition)).collect()
    }

    /// What must be open for this emit to be served.
    pub fn emit_reads(&self, emit: usize) -> BTreeSet<Read<'_>> {
        self.emits[emit].when.iter().flat_map(reads::condition).collect()
    }

    /// The elements of one emit that are withheld from a caller to whom this is `closed`; that is asked of everything
    /// that the emit is made of.
    pub fn withheld<'a>(&'a self, emit: usize, closed: &mut dyn FnMut(Read<'a>) -> bool) -> Withheld<'a> {
        let mut walk = Walk { closed, found: Withheld::new() };
        walk.object(&self.row, &self.emits[emit].body, "");
        if let Some(content) = &self.content {
            let file = content.file.iter().flat_map(reads::expression);
            walk.note("data", reads::expression(&content.data).into_iter().chain(file).collect());
        }
        walk.found
    }
}

struct Walk<'a, 'c> {
    closed: &'c mut dyn FnMut(Read<'a>) -> bool,
    found: Withheld<'a>,
}

impl<'a> Walk<'a, '_> {
    /// Notes what is closed; true when something is.
    fn note(&mut self, path: &str, reads: Vec<Read<'a>>) -> bool {
        let closed: Vec<_> = reads.into_iter().filter(|read| (self.closed)(*read)).collect();
        let any = !closed.is_empty();
        if any {
            self.found.entry(path.to_owned()).or_default().extend(closed);
        }
        any
    }

    fn object(&mut self, row: &'a Row, object: &'a Object, path: &str) {
        if object.when.is_some_and(|slot| self.note(path, reads::slot(row, slot))) {
            return;
        }
        for Member { name, node, .. } in &object.members {
            // A code that is written into its parent has no name of its own.
            let below = match (path, name.as_ref()) {
                (path, "") => path.to_owned(),
                ("", name) => name.to_owned(),
                (path, name) => format!("{path}.{name}"),
            };
            self.node(row, node, &below);
        }
    }

    fn node(&mut self, row: &'a Row, node: &'a Node, path: &str) {
        match node {
            Node::Constant { .. } | Node::FixedCoding { .. } | Node::Position => {}
            Node::Leaf(leaf) | Node::Coding(leaf) | Node::Attachment(leaf) | Node::Lines(leaf) => {
                self.leaf(leaf, path);
            }
            Node::Reference(reference) | Node::Address(reference) => {
                if !self.note(path, reads::expression(&reference.expression))
                    && let Some(display) = &reference.display
                {
                    self.leaf(display, &format!("{path}.display"));
                }
            }
            Node::Object(object) => self.object(row, object, path),
            Node::List(nodes) => nodes.iter().for_each(|node| self.node(row, node, path)),
            Node::Each { each, node } => {
                let each = &row.eaches[*each];
                if !self.note(path, reads::rows(each)) {
                    self.node(&each.row, node, path);
                }
            }
            Node::When { slot, node } => {
                if !self.note(path, reads::slot(row, *slot)) {
                    self.node(row, node, path);
                }
            }
        }
    }

    fn leaf(&mut self, leaf: &'a Leaf, path: &str) {
        self.note(path, reads::expression(&leaf.expression));
    }
}
