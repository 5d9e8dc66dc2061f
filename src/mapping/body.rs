//! The body of a resource: elements, in FHIR's names and order, with values in Tryton's names.

use super::{
    compile::{Compiler, Scope},
    compiled::{Column, Each, Expression, Kind as Type, Leaf, Member, Node, Object, Reference, Slot},
    finding::suggestion,
    path::{Context, Found},
    text::{Item, Kind, Table},
};
use crate::fhir::structure;

/// Keys that change how a value is made; the rest of the table is the value.
const EACH_KEYS: [&str; 3] = ["each", "where", "order"];

impl Compiler<'_> {
    /// Compiles a table of elements into an object of the type `owner`.
    pub(super) fn object(
        &mut self,
        scope: &mut Scope,
        context: &Context,
        owner: &str,
        table: &Table,
    ) -> Option<Object> {
        let mut members = Vec::new();
        for (key, item) in &table.entries {
            if let Some(member) = self.member(scope, context, owner, &key.name, &key.place, item) {
                members.push(member);
            }
        }
        let position = |member: &Member| {
            let name = member.element.as_str();
            structure::children(owner).position(|element| element.name == name).unwrap_or(usize::MAX)
        };
        members.sort_by_key(|member| (position(member), member.name.starts_with('_')));
        let dynamic = members.iter().any(|member| is_dynamic(&member.node));
        // Constants that stand beside a value mean nothing in a database that has no such field.
        if members.is_empty() || (!dynamic && members.len() < table.entries.len()) {
            return None;
        }
        Some(Object { type_name: owner.to_owned(), members, when: None, dynamic })
    }

    fn member(
        &mut self,
        scope: &mut Scope,
        context: &Context,
        owner: &str,
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
        let absent = match &item.kind {
            Kind::Table(table) => table.item("absent").and_then(Item::text).map(str::to_owned),
            _ => None,
        };
        let node = self.values(scope, context, type_name, below, list, item)?;
        if let (Node::Reference(reference), false) = (&node, named.kind.targets.is_empty())
            && !named.kind.may_target(&reference.target)
        {
            self.findings.add(
                "reference-target",
                &item.place,
                format!("a reference to {}", named.kind.targets.join(", ")),
                reference.target.clone(),
                "",
            );
        }
        self.check_binding(&named, &node, item);
        Some(Member {
            name: name.to_owned(),
            element: named.element.name.to_owned(),
            list,
            required: named.element.min > 0,
            summary: named.element.summary,
            absent,
            type_name: type_name.to_owned(),
            node,
        })
    }

    /// Codes that an element bound to a required value set may have.
    fn check_binding(&mut self, named: &structure::Named, node: &Node, item: &Item) {
        let Some(binding) = &named.element.binding else { return };
        if binding.strength != structure::Strength::Required || named.kind.code != "code" {
            return;
        }
        let mut codes: Vec<&str> = Vec::new();
        match node {
            Node::Constant { text, .. } => codes.push(text),
            Node::Leaf(Leaf { codes: Some(map), .. }) => {
                codes.extend(map.entries.values().flatten().map(|code| code.code.as_str()));
            }
            Node::Leaf(Leaf { expression: Expression::Case(branches), .. }) => {
                codes.extend(branches.iter().filter_map(|(_, then)| match then {
                    Expression::Constant(code) => Some(code.as_str()),
                    _ => None,
                }));
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
    fn values(
        &mut self,
        scope: &mut Scope,
        context: &Context,
        type_name: &str,
        owner: &str,
        list: bool,
        item: &Item,
    ) -> Option<Node> {
        match &item.kind {
            Kind::List(items) if list => {
                let nodes: Vec<_> = items
                    .iter()
                    .filter_map(|item| self.values(scope, context, type_name, owner, true, item))
                    .collect();
                (!nodes.is_empty()).then_some(Node::List(nodes))
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
                let slot = scope.slot(Slot::Holds(condition));
                let rest = without(item, &["when"]);
                let node = self.values(scope, context, type_name, owner, list, &rest)?;
                Some(Node::When { slot, node: Box::new(node) })
            }
            Kind::Table(table) if table.has("part") => {
                self.part(scope, context, type_name, owner, list, table)
            }
            _ => self.value(scope, context, type_name, owner, &without(item, &["absent"])),
        }
    }

    fn part(
        &mut self,
        scope: &mut Scope,
        context: &Context,
        type_name: &str,
        owner: &str,
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
        let model = part.item("model").and_then(Item::text).unwrap_or_default();
        let level = match table.item("path") {
            Some(path) => {
                match self.resolver.level(context, path.text()?, &path.place, &mut self.findings)? {
                    Found::Here(level) => level,
                    Found::Absent => return None,
                }
            }
            None => context.0.last()?.clone(),
        };
        if level.model != model {
            self.findings.add("part-model", &name.place, format!("a path to {model}"), level.model, "");
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
        type_name: &str,
        owner: &str,
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
        let each = scope.each(Each { up, hops, relation, filter, order, row: rows.row });
        Some(Node::Each { each, node: Box::new(node) })
    }

    /// One value of a FHIR type.
    fn value(
        &mut self,
        scope: &mut Scope,
        context: &Context,
        type_name: &str,
        owner: &str,
        item: &Item,
    ) -> Option<Node> {
        if structure::is_primitive(type_name) {
            return self.primitive(scope, context, type_name, item);
        }
        let table = item.table();
        match type_name {
            "Reference" => return self.reference(scope, context, item),
            "Attachment" if table.is_some_and(|table| table.has("binary")) => {
                let leaf = self.leaf(scope, context, "base64Binary", table?.item("binary")?)?;
                return Some(Node::Attachment(leaf));
            }
            "Coding" => {
                if let Some(node) = self.coding(scope, context, item) {
                    return node;
                }
            }
            "CodeableConcept" => {
                let shorthand = item.text().is_some()
                    || table.is_some_and(|table| table.has("codes") && table.has("path"));
                if shorthand {
                    let text = table.and_then(|table| table.item("text"));
                    let coding = self.coding(scope, context, &without(item, &["text"]))??;
                    let mut members = vec![simple_member("coding", "Coding", true, coding)];
                    if let Some(text) = text.and_then(|text| self.primitive(scope, context, "string", text)) {
                        members.push(simple_member("text", "string", false, text));
                    }
                    return Some(finish_object(owner, members));
                }
            }
            "Quantity" | "Age" | "Count" | "Distance" | "Duration" | "Money" => {
                if let Some(table) = table {
                    return self.quantity(scope, context, owner, table);
                }
            }
            _ => {}
        }
        match table {
            Some(table) => self.object(scope, context, owner, table).map(Node::Object),
            None => {
                self.findings.add(
                    "value",
                    &item.place,
                    format!("a table with elements of {type_name}"),
                    item.describe(),
                    "",
                );
                None
            }
        }
    }

    /// Short forms of a Coding: `"=loinc 8310-5 Body temperature"` and `{ path, codes }`. `None`: not a short form.
    #[expect(
        clippy::option_option,
        reason = "not a short form / short form without a value are different answers"
    )]
    fn coding(&mut self, scope: &mut Scope, context: &Context, item: &Item) -> Option<Option<Node>> {
        match &item.kind {
            Kind::Text(text) => {
                let Some(constant) = text.strip_prefix('=') else {
                    self.findings.add(
                        "coding",
                        &item.place,
                        "`=SYSTEM CODE` or a table",
                        item.describe(),
                        "a path needs a code map: { path = …, codes = … }",
                    );
                    return Some(None);
                };
                let mut words = constant.splitn(3, ' ');
                let (Some(system), Some(code)) = (words.next(), words.next()) else {
                    self.findings.add("coding", &item.place, "`=SYSTEM CODE`", item.describe(), "");
                    return Some(None);
                };
                let Some(system) = self.systems.uri(system, item, &mut self.findings) else {
                    return Some(None);
                };
                let known = crate::fhir::codes::display(&system, code);
                if crate::fhir::codes::in_system(&system, code) == Some(false) {
                    self.findings.add(
                        "code-unknown",
                        &item.place,
                        format!("a code of {system}"),
                        format!("`{code}`"),
                        "",
                    );
                }
                let display = words.next().or(known).map(str::to_owned);
                Some(Some(Node::FixedCoding { system, code: code.to_owned(), display }))
            }
            Kind::Table(table) if table.has("codes") && table.has("path") => {
                Some(self.leaf(scope, context, "code", item).map(Node::Coding))
            }
            _ => None,
        }
    }

    /// Quantities know `ucum = "kg"`, and `{ path, codes }` for the unit's code beside `value`.
    fn quantity(&mut self, scope: &mut Scope, context: &Context, owner: &str, table: &Table) -> Option<Node> {
        const UCUM: &str = "http://unitsofmeasure.org";
        let constant = |text: &str| Node::Constant { json: json_text(text), text: text.to_owned() };
        let mut rest = table.clone();
        rest.entries.retain(|(key, _)| !matches!(key.name.as_str(), "ucum" | "unit_code"));
        let mut object = self.object(scope, context, owner, &rest)?;
        if let Some(unit) = table.item("ucum").and_then(Item::text) {
            if !object.members.iter().any(|member| member.name == "unit") {
                object.members.push(simple_member("unit", "string", false, constant(unit)));
            }
            object.members.push(simple_member("system", "uri", false, constant(UCUM)));
            object.members.push(simple_member("code", "code", false, constant(unit)));
        }
        if let Some(unit) = table.item("unit_code") {
            let leaf = self.leaf(scope, context, "code", unit)?;
            object.members.push(simple_member("", "Coding", false, Node::Coding(leaf)));
        }
        Some(Node::Object(object))
    }

    fn reference(&mut self, scope: &mut Scope, context: &Context, item: &Item) -> Option<Node> {
        let Some(table) = item.table().filter(|table| table.has("reference") && table.has("path")) else {
            if let Some(table) = item.table() {
                return self.object(scope, context, "Reference", table).map(Node::Object);
            }
            self.findings.add(
                "reference",
                &item.place,
                "{ reference = TYPE, path = … }",
                item.describe(),
                "",
            );
            return None;
        };
        let target = table.item("reference")?;
        let name = target.text().unwrap_or_default().to_owned();
        if structure::resource(&name).is_none() {
            let hint = structure::suggested_resource(&name).map(|name| format!("did you mean `{name}`?"));
            self.findings.add(
                "reference",
                &target.place,
                "a resource type",
                format!("`{name}`"),
                hint.unwrap_or_default(),
            );
            return None;
        }
        let (expression, _) = self.expression(context, table.item("path")?)?;
        let Some(model) = referred(&expression).map(str::to_owned) else {
            self.findings.add(
                "reference",
                &table.item("path")?.place,
                "a many2one field or `id`, or the `first` of some that lead to one model",
                "another kind of value",
                "",
            );
            return None;
        };
        // The prefix of the target's ids is known when every type has been read; a target that is not served is no reference.
        let (prefix, key) = self.targets.get(&(name.clone(), model.clone())).cloned()?;
        let display = match table.item("display") {
            Some(display) => self.leaf(scope, context, "string", display),
            None => None,
        };
        let slot = scope.slot(Slot::Value(expression.clone()));
        Some(Node::Reference(Box::new(Reference {
            target: name,
            slot,
            expression,
            prefix,
            key,
            model,
            display,
        })))
    }

    fn primitive(
        &mut self,
        scope: &mut Scope,
        context: &Context,
        type_name: &str,
        item: &Item,
    ) -> Option<Node> {
        match &item.kind {
            Kind::Table(table) if table.has("value") => {
                self.primitive(scope, context, type_name, table.item("value")?)
            }
            Kind::Table(table) if table.has("lines") => {
                self.leaf(scope, context, type_name, table.item("lines")?).map(Node::Lines)
            }
            Kind::Text(text) if text == "#" && is_number(type_name) => {
                if context.0.len() < 2 {
                    self.findings.add(
                        "row-number",
                        &item.place,
                        "an `each` around `#`",
                        "none",
                        "`#` is the position of a row",
                    );
                    return None;
                }
                Some(Node::Position)
            }
            Kind::Text(text) if text.starts_with('=') => {
                let mut text = self.systems.expand(&text[1..]);
                if type_name == "uri" || type_name == "url" || type_name == "canonical" {
                    text = self.systems.uri(&text, item, &mut self.findings)?;
                }
                Some(Node::Constant { json: json_text(&text), text })
            }
            Kind::Flag(flag) if type_name == "boolean" => {
                Some(Node::Constant { json: flag.to_string(), text: flag.to_string() })
            }
            Kind::Number(number) if is_number(type_name) => {
                Some(Node::Constant { json: number.clone(), text: number.clone() })
            }
            Kind::Flag(_) | Kind::Number(_) => {
                self.findings.add(
                    "type-mismatch",
                    &item.place,
                    format!("a {type_name}"),
                    item.describe(),
                    "",
                );
                None
            }
            _ => self.leaf(scope, context, type_name, item).map(Node::Leaf),
        }
    }

    /// A primitive made of an expression, with its code map.
    fn leaf(&mut self, scope: &mut Scope, context: &Context, type_name: &str, item: &Item) -> Option<Leaf> {
        let (expression, field) = self.expression(context, item)?;
        let codes = match item.table().and_then(|table| table.item("codes")) {
            None => None,
            Some(name) => {
                let Some(map) = name.text().and_then(|name| self.codes.get(name)).cloned() else {
                    let hint =
                        suggestion(name.text().unwrap_or_default(), self.codes.keys().map(String::as_str));
                    self.findings.add(
                        "codes-unknown",
                        &name.place,
                        "a file of codes/",
                        name.describe(),
                        hint,
                    );
                    return None;
                };
                let keys = field.and_then(|field| field.selection).unwrap_or_default();
                let missing: Vec<_> = keys
                    .iter()
                    .filter(|key| !key.is_empty() && !map.entries.contains_key(*key))
                    .cloned()
                    .collect();
                if !missing.is_empty() {
                    self.findings.add(
                        "codes-incomplete",
                        &name.place,
                        "a code for every key of the selection",
                        format!("none for {} in codes/{}.toml", missing.join(", "), map.name),
                        "give each key a code, or `false` to leave the element out",
                    );
                }
                Some(map)
            }
        };
        if codes.is_none() && !fits(type_name, expression.kind()) {
            self.findings.add(
                "type-mismatch",
                &item.place,
                format!("a field that can be written as {type_name}"),
                format!("{:?}", expression.kind()),
                if expression.kind() == Type::Text {
                    "a selection needs a code map: { path = …, codes = … }"
                } else {
                    ""
                },
            );
            return None;
        }
        let slot = scope.slot(Slot::Value(expression.clone()));
        Some(Leaf { slot, expression, codes, type_name: type_name.to_owned() })
    }
}

/// Whether a column of this kind can be written as this FHIR type without a code map.
fn fits(type_name: &str, kind: Type) -> bool {
    match type_name {
        "boolean" => kind == Type::Boolean,
        "integer" | "positiveInt" | "unsignedInt" => kind == Type::Integer,
        "decimal" => matches!(kind, Type::Integer | Type::Float | Type::Numeric),
        "date" => matches!(kind, Type::Date | Type::Timestamp),
        "dateTime" => matches!(kind, Type::Date | Type::Timestamp),
        "instant" => kind == Type::Timestamp,
        "base64Binary" => kind == Type::Binary,
        "code" | "id" | "uri" | "url" | "canonical" | "oid" | "uuid" => {
            matches!(kind, Type::Text | Type::Integer)
        }
        "string" | "markdown" => matches!(kind, Type::Text | Type::Integer | Type::Numeric),
        _ => false,
    }
}

fn is_number(type_name: &str) -> bool {
    matches!(type_name, "integer" | "positiveInt" | "unsignedInt" | "decimal")
}

/// The model that the value of an expression is an id of.
fn referred(expression: &Expression) -> Option<&str> {
    match expression {
        Expression::Column(column) => match column.as_ref() {
            Column { target: Some(target), .. } => Some(target),
            Column { model, field, .. } if field == "id" => Some(model),
            _ => None,
        },
        Expression::First(all) => {
            let mut models = all.iter().map(referred);
            let model = models.next()??;
            models.all(|other| other == Some(model)).then_some(model)
        }
        _ => None,
    }
}

fn owner_has(owner: &str, key: &str) -> bool {
    structure::element(owner, key).is_some()
}

fn without(item: &Item, keys: &[&str]) -> Item {
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

fn simple_member(name: &str, type_name: &str, list: bool, node: Node) -> Member {
    Member {
        name: name.to_owned(),
        element: name.to_owned(),
        list,
        required: false,
        summary: true,
        absent: None,
        type_name: type_name.to_owned(),
        node,
    }
}

fn finish_object(owner: &str, members: Vec<Member>) -> Node {
    let dynamic = members.iter().any(|member| is_dynamic(&member.node));
    Node::Object(Object { type_name: owner.to_owned(), members, when: None, dynamic })
}

/// JSON text of a string.
pub(super) fn json_text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Depends on the record.
pub(super) fn is_dynamic(node: &Node) -> bool {
    match node {
        Node::Constant { .. } | Node::FixedCoding { .. } | Node::Position => false,
        Node::Object(object) => object.dynamic,
        Node::List(nodes) => nodes.iter().any(is_dynamic),
        Node::When { .. } | Node::Each { .. } => true,
        Node::Leaf(_) | Node::Coding(_) | Node::Reference(_) | Node::Attachment(_) | Node::Lines(_) => true,
    }
}
