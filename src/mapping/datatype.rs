//! Datatypes with short forms: codings, quantities, references, attachments; all others are tables of elements.

use super::{
    body::{is_dynamic, without},
    compile::{Aim, Compiler, Ids, Scope},
    compiled::{Column, Expression, Member, Node, Object, Reference},
    finding::suggestion,
    path::Context,
    primitive::json_text,
    text::{Item, Kind, Table},
};
use crate::{fhir::structure, tryton::Name};

impl Compiler<'_> {
    /// One value of a FHIR type.
    pub(super) fn value(
        &mut self,
        scope: &mut Scope,
        context: &Context,
        type_name: &'static str,
        owner: &'static str,
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
    pub(super) fn coding(
        &mut self,
        scope: &mut Scope,
        context: &Context,
        item: &Item,
    ) -> Option<Option<Node>> {
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
                Some(Some(Node::FixedCoding {
                    system: system.into(),
                    code: code.into(),
                    display: display.map(String::into_boxed_str),
                }))
            }
            Kind::Table(table) if table.has("codes") && table.has("path") => {
                Some(self.leaf(scope, context, "code", item).map(Node::Coding))
            }
            _ => None,
        }
    }

    /// Quantities know `ucum = "kg"`, and `{ path, codes }` for the unit's code beside `value`.
    pub(super) fn quantity(
        &mut self,
        scope: &mut Scope,
        context: &Context,
        owner: &'static str,
        table: &Table,
    ) -> Option<Node> {
        const UCUM: &str = "http://unitsofmeasure.org";
        let constant =
            |text: &str| Node::Constant { json: json_text(text).into(), text: text.into(), bound: None };
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

    pub(super) fn reference(&mut self, scope: &mut Scope, context: &Context, item: &Item) -> Option<Node> {
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
        let (prefix, key) = self.target(&name, &model, table)?;
        let display = match table.item("display") {
            Some(display) => self.leaf(scope, context, "string", display),
            None => None,
        };
        let (slot, expression) = scope.value(expression);
        Some(Node::Reference(Box::new(Reference {
            target: name.into(),
            slot,
            expression,
            prefix: prefix.map(Name::from),
            key: key.map(Name::from),
            model: model.into(),
            display,
        })))
    }

    /// The ids of the resource of this type and model that a reference means; `source` and `key` choose one of several. None
    /// when this database does not serve it.
    fn target(&mut self, type_name: &str, model: &str, table: &Table) -> Option<Ids> {
        let meant = |aim: &Aim| aim.type_name == type_name && aim.model == model;
        let numbered = self.aims.iter().enumerate();
        self.asked.extend(numbered.filter(|(_, aim)| meant(aim)).map(|(index, _)| index));
        let mut aims: Vec<_> = self.aims.iter().filter(|aim| meant(aim)).collect();
        if let Some(source) = table.item("source") {
            let known: Vec<_> = aims.iter().map(|aim| aim.name.as_str()).collect();
            aims.retain(|aim| Some(aim.name.as_str()) == source.text());
            if aims.is_empty() {
                let expected = format!("a source of {type_name} made of {model}");
                let hint = suggestion(source.text().unwrap_or_default(), known);
                self.findings.add("reference-source", &source.place, expected, source.describe(), hint);
            }
        }
        let keys = || aims.iter().flat_map(|aim| &aim.keys).filter_map(Option::as_deref);
        let Some(key) = table.item("key") else {
            // Of a source with several resources of a record a reference must say which one.
            let mut whole = aims.iter().filter(|aim| aim.keys.len() == 1).peekable();
            if whole.peek().is_none() && !aims.is_empty() {
                let expected = format!("`key`, one of {}", keys().collect::<Vec<_>>().join(", "));
                let place = &table.item("reference")?.place;
                let hint = "each record becomes several resources";
                self.findings.add("reference-key", place, expected, "none", hint);
            }
            return whole.find_map(|aim| Some((aim.prefix.clone(), aim.served.first()?.clone())));
        };
        if !keys().any(|known| Some(known) == key.text()) && !aims.is_empty() {
            let expected = format!("a `key` of {type_name} made of {model}");
            let hint = suggestion(key.text().unwrap_or_default(), keys().collect::<Vec<_>>());
            self.findings.add("reference-key", &key.place, expected, key.describe(), hint);
        }
        let of = |aim: &&Aim| aim.served.iter().find(|known| known.as_deref() == key.text()).cloned();
        aims.iter().find_map(|aim| Some((aim.prefix.clone(), of(aim)?)))
    }
}

/// The model that the value of an expression is an id of.
fn referred(expression: &Expression) -> Option<&str> {
    match expression {
        Expression::Column(column) => match column.as_ref() {
            Column { target: Some(step), .. } => Some(&step.target),
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

fn simple_member(name: &'static str, type_name: &'static str, list: bool, node: Node) -> Member {
    Member {
        name: name.into(),
        element: name,
        list,
        required: false,
        summary: true,
        modifier: false,
        absent: None,
        type_name,
        node,
    }
}

fn finish_object(owner: &'static str, members: Vec<Member>) -> Node {
    let dynamic = members.iter().any(|member| is_dynamic(&member.node));
    Node::Object(Object { type_name: owner, members, when: None, dynamic })
}
