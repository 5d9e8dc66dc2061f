//! The body of a resource: elements, in FHIR's names and order, with values in Tryton's names.

use super::{
    compile::{Compiler, Scope},
    compiled::{Each, Expression, Leaf, Member, Node, Object, Slot},
    finding::suggestion,
    path::{Context, Found},
    text::{Item, Kind, Table},
};
use crate::{fhir::structure, tryton::Name};

/// Keys that change how a value is made; the rest of the table is the value.
const EACH_KEYS: [&str; 3] = ["each", "where", "order"];

impl Compiler<'_> {
    /// Compiles a table of elements into an object of the type `owner`.
    pub(super) fn object(
        &mut self,
        scope: &mut Scope,
        context: &Context,
        owner: &'static str,
        table: &Table,
    ) -> Option<Object> {
        let mut members = Vec::new();
        let mut whole = true;
        for (key, item) in &table.entries {
            match self.member(scope, context, owner, &key.name, &key.place, item) {
                Some(member) => members.push(member),
                None => {
                    whole &= structure::element(owner, &key.name).is_none_or(|named| named.element.min == 0);
                }
            }
        }
        // A required part that this database cannot give leaves its table out, as a missing value does.
        if !whole {
            return None;
        }
        let position = |member: &Member| {
            let name = member.element;
            structure::children(owner).position(|element| element.name == name).unwrap_or(usize::MAX)
        };
        members.sort_by_key(|member| (position(member), member.name.starts_with('_')));
        let dynamic = members.iter().any(|member| is_dynamic(&member.node));
        // Constants that stand beside a value mean nothing in a database that has no such field.
        if members.is_empty() || (!dynamic && members.len() < table.entries.len()) {
            return None;
        }
        members.shrink_to_fit();
        Some(Object { type_name: owner, members, when: None, dynamic })
    }

    fn member(
        &mut self,
        scope: &mut Scope,
        context: &Context,
        owner: &'static str,
        name: &str,
        place: &super::finding::Place,
        item: &Item,
    ) -> Option<Member> {
        let plain = name.strip_prefix('_').unwrap_or(name);
        let Some(named) = structure::element(owner, plain) else {
            let hint = structure::suggestion(owner, plain).map(|name| format!("did you mean `{name}`?"));
            self.findings.add(
                "element-unknown",
                place,
                format!("an element of {owner}"),
                format!("`{name}`"),
                hint.unwrap_or_default(),
            );
            return None;
        };
        let underscore = name.starts_with('_');
        if underscore && !structure::is_primitive(named.kind.code) {
            self.findings.add(
                "element-unknown",
                place,
                "a primitive element after `_`",
                format!("`{name}`"),
                "",
            );
            return None;
        }
        let (type_name, below) =
            if underscore { ("Element", "Element") } else { (named.kind.code, named.owner()) };
        let list = named.element.is_list() && !underscore;
        // What a resource must have is written in any case.
        let must = named.element.min > 0 && structure::resource(owner).is_some();
        let absent = match &item.kind {
            Kind::Table(table) => table.item("absent").and_then(Item::text),
            _ => None,
        };
        let absent = absent.or(must.then_some("unknown")).map(str::to_owned);
        let mut node = match self.values(scope, context, type_name, below, list, item) {
            Some(node) => node,
            // Nothing in this database: written as every value that must not be missing.
            None if absent.is_some() => Node::List(Vec::new()),
            None => return None,
        };
        if let (Node::Reference(reference), false) = (&node, named.kind.targets.is_empty())
            && !named.kind.may_target(&reference.target)
        {
            self.findings.add(
                "reference-target",
                &item.place,
                format!("a reference to {}", named.kind.targets.join(", ")),
                reference.target.as_str(),
                "",
            );
        }
        if let Some(binding) = required(&named) {
            self.check_binding(binding, &node, item);
            bind(&mut node, &binding.value_set);
        }
        Some(Member {
            name: name.into(),
            element: named.element.name,
            list,
            required: named.element.min > 0,
            summary: named.element.summary,
            modifier: named.element.modifier,
            absent: absent.map(Name::from),
            type_name,
            node,
        })
    }

    /// Codes that an element bound to a required value set may have.
    fn check_binding(&mut self, binding: &structure::Binding, node: &Node, item: &Item) {
        let mut codes: Vec<&str> = Vec::new();
        match node {
            Node::Constant { text, .. } => codes.push(text),
            Node::Leaf(Leaf { codes: Some(map), .. }) => {
                codes.extend(map.entries.values().flatten().map(|code| code.code.as_str()));
            }
            Node::Leaf(leaf) => {
                if let Expression::Case(branches) = leaf.expression.as_ref() {
                    codes.extend(branches.iter().filter_map(|(_, then)| match then {
                        Expression::Constant(code) => Some(code.as_str()),
                        _ => None,
                    }));
                }
            }
            _ => {}
        }
        for code in codes {
            if crate::fhir::codes::allows(&binding.value_set, code) == Some(false) {
                let known = crate::fhir::codes::listed(&binding.value_set).unwrap_or_default();
                self.findings.add(
                    "code-binding",
                    &item.place,
                    format!("a code of {}", binding.value_set),
                    format!("\"{code}\""),
                    suggestion(code, known.iter().map(|(_, code)| *code)),
                );
            }
        }
    }

    /// One value, or the values of a repeating element.
    pub(super) fn values(
        &mut self,
        scope: &mut Scope,
        context: &Context,
        type_name: &'static str,
        owner: &'static str,
        list: bool,
        item: &Item,
    ) -> Option<Node> {
        match &item.kind {
            Kind::List(items) if list => {
                let nodes: Vec<_> = items
                    .iter()
                    .filter_map(|item| self.values(scope, context, type_name, owner, true, item))
                    .collect();
                several(nodes)
            }
            Kind::List(_) => {
                self.findings.add(
                    "cardinality",
                    &item.place,
                    "one value (the element does not repeat)",
                    "a list",
                    "choose the value with `first` or `case`",
                );
                None
            }
            Kind::Table(table) if table.has("each") && !owner_has(owner, "each") => {
                if !list {
                    self.findings.add(
                        "cardinality",
                        &item.place,
                        "one value (the element does not repeat)",
                        "`each`",
                        "an element that does not repeat takes one path",
                    );
                    return None;
                }
                self.each(scope, context, type_name, owner, table, item)
            }
            Kind::Table(table) if table.has("when") && !owner_has(owner, "when") => {
                let when = table.item("when")?;
                let condition = self.condition(context, when)?;
                let slot = scope.slot(Slot::Holds(Box::new(condition)));
                let rest = without(item, &["when"]);
                let node = self.values(scope, context, type_name, owner, list, &rest)?;
                Some(Node::When { slot, node: Box::new(node) })
            }
            Kind::Table(table) if table.has("one_of") => {
                self.one_of(scope, context, type_name, owner, list, table)
            }
            Kind::Table(table) if table.has("part") => {
                self.part(scope, context, type_name, owner, list, table)
            }
            _ => self.value(scope, context, type_name, owner, &without(item, &["absent"])),
        }
    }

    /// Alternatives for one value; the first that the record has is written.
    fn one_of(
        &mut self,
        scope: &mut Scope,
        context: &Context,
        type_name: &'static str,
        owner: &'static str,
        list: bool,
        table: &Table,
    ) -> Option<Node> {
        let alternatives = table.item("one_of")?;
        if list {
            self.findings.add(
                "one-of",
                &alternatives.place,
                "an element that does not repeat",
                "`one_of` in a list",
                "a list holds all values that the record has",
            );
            return None;
        }
        let nodes: Vec<_> = alternatives
            .each()
            .iter()
            .filter_map(|item| self.values(scope, context, type_name, owner, false, item))
            .collect();
        several(nodes)
    }

    fn part(
        &mut self,
        scope: &mut Scope,
        context: &Context,
        type_name: &'static str,
        owner: &'static str,
        list: bool,
        table: &Table,
    ) -> Option<Node> {
        let name = table.item("part")?;
        let Some(part) = name.text().and_then(|name| self.parts.get(name)).cloned() else {
            let known = self.parts.keys().map(String::as_str);
            let hint = suggestion(name.text().unwrap_or_default(), known);
            self.findings.add("part-unknown", &name.place, "a file of parts/", name.describe(), hint);
            return None;
        };
        let value = part.item("value")?;
        let models: Vec<_> =
            part.item("model").map(Item::each).unwrap_or_default().iter().filter_map(Item::text).collect();
        let level = match table.item("path") {
            Some(path) => {
                match self.resolver.level(context, path.text()?, &path.place, &mut self.findings)? {
                    Found::Here(level) => level,
                    Found::Absent => return None,
                }
            }
            None => context.0.last()?.clone(),
        };
        if !models.contains(&level.model.as_str()) {
            let expected = format!("a path to {}", models.join(" or "));
            self.findings.add("part-model", &name.place, expected, level.model, "");
            return None;
        }
        let mut levels = context.0.clone();
        levels.pop();
        levels.push(level);
        self.values(scope, &Context(levels), type_name, owner, list, value)
    }

    fn each(
        &mut self,
        scope: &mut Scope,
        context: &Context,
        type_name: &'static str,
        owner: &'static str,
        table: &Table,
        item: &Item,
    ) -> Option<Node> {
        let path = table.item("each")?;
        let text = path.text()?;
        let (up, hops, relation) = match self.resolver.rows(context, text, &path.place, &mut self.findings)? {
            Found::Here(rows) => rows,
            Found::Absent => return None,
        };
        let inner = context.row(&relation.model);
        let filter = match table.item("where") {
            Some(filter) => Some(self.condition(&inner, filter)?),
            None => None,
        };
        let mut order = Vec::new();
        for key in table.item("order").map(Item::each).unwrap_or_default() {
            let descending = key.text().and_then(|text| text.strip_prefix('-'));
            let kind = descending.map_or_else(|| key.kind.clone(), |name| Kind::Text(name.to_owned()));
            let by = Item { kind, place: key.place.clone() };
            let descending = descending.is_some();
            if let Some((expression, _)) = self.expression(&inner, &by) {
                order.push((expression, descending));
            }
        }
        let mut rows = Scope::default();
        let rest = without(item, &EACH_KEYS);
        let node = self.values(&mut rows, &inner, type_name, owner, true, &rest)?;
        let each = scope.each(Each { up, hops, relation, filter, order, row: rows.row.fitted() });
        Some(Node::Each { each, node: Box::new(node) })
    }
}

fn owner_has(owner: &'static str, key: &str) -> bool {
    structure::element(owner, key).is_some()
}

pub(super) fn without(item: &Item, keys: &[&str]) -> Item {
    let kind = match &item.kind {
        Kind::Table(table) => {
            let mut table = table.clone();
            table.entries.retain(|(key, _)| !keys.contains(&key.name.as_str()));
            Kind::Table(table)
        }
        other => other.clone(),
    };
    Item { kind, place: item.place.clone() }
}

/// The value set that a `code` must be in.
fn required(named: &structure::Named) -> Option<&'static structure::Binding> {
    let binding = named.element.binding.as_ref()?;
    (named.kind.code == "code" && binding.strength == structure::Strength::Required).then_some(binding)
}

/// Several values; nothing of none.
fn several(mut nodes: Vec<Node>) -> Option<Node> {
    nodes.shrink_to_fit();
    (!nodes.is_empty()).then_some(Node::List(nodes))
}

/// Says of the codes of an element from which value set they are.
fn bind(node: &mut Node, value_set: &str) {
    match node {
        Node::Constant { bound, .. } | Node::Leaf(Leaf { bound, .. }) => *bound = Some(value_set.into()),
        Node::List(nodes) => nodes.iter_mut().for_each(|node| bind(node, value_set)),
        Node::When { node, .. } | Node::Each { node, .. } => bind(node, value_set),
        _ => {}
    }
}

/// Depends on the record.
pub(super) fn is_dynamic(node: &Node) -> bool {
    match node {
        Node::Constant { .. } | Node::FixedCoding { .. } | Node::Position => false,
        Node::Object(object) => object.dynamic,
        Node::List(nodes) => nodes.iter().any(is_dynamic),
        Node::When { .. } | Node::Each { .. } => true,
        Node::Leaf(_) | Node::Coding(_) | Node::Attachment(_) | Node::Lines(_) => true,
        Node::Reference(_) | Node::Address(_) => true,
    }
}
