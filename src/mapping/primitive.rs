//! Primitive values: constants, and leaves made of an expression.

use super::{
    compile::{Compiler, Scope},
    compiled::{Kind as Type, Leaf, Node},
    finding::suggestion,
    path::Context,
    text::{Item, Kind},
};

impl Compiler<'_> {
    pub(super) fn primitive(
        &mut self,
        scope: &mut Scope,
        context: &Context,
        type_name: &'static str,
        item: &Item,
    ) -> Option<Node> {
        match &item.kind {
            Kind::Table(table) if table.has("value") => {
                self.primitive(scope, context, type_name, table.item("value")?)
            }
            Kind::Table(table) if is_address(type_name) && table.has("reference") => {
                match self.reference(scope, context, item)? {
                    Node::Reference(reference) => Some(Node::Address(reference)),
                    _ => None,
                }
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
                if is_address(type_name) {
                    text = self.systems.uri(&text, item, &mut self.findings)?;
                }
                Some(Node::Constant { json: json_text(&text).into(), text: text.into(), bound: None })
            }
            Kind::Flag(flag) if type_name == "boolean" => Some(Node::Constant {
                json: flag.to_string().into(),
                text: flag.to_string().into(),
                bound: None,
            }),
            Kind::Number(number) if is_number(type_name) => Some(Node::Constant {
                json: number.as_str().into(),
                text: number.as_str().into(),
                bound: None,
            }),
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
    pub(super) fn leaf(
        &mut self,
        scope: &mut Scope,
        context: &Context,
        type_name: &'static str,
        item: &Item,
    ) -> Option<Leaf> {
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
                expression.kind().name(),
                if expression.kind() == Type::Text {
                    "a selection needs a code map: { path = …, codes = … }"
                } else {
                    ""
                },
            );
            return None;
        }
        let (slot, expression) = scope.value(expression);
        Some(Leaf { slot, expression, codes, type_name, bound: None })
    }
}

/// Whether a column of this kind can be written as this FHIR type without a code map.
fn fits(type_name: &'static str, kind: Type) -> bool {
    match type_name {
        "boolean" => kind == Type::Boolean,
        "integer" | "positiveInt" | "unsignedInt" => kind == Type::Integer,
        "decimal" => matches!(kind, Type::Integer | Type::Float | Type::Numeric),
        "date" => matches!(kind, Type::Date | Type::Timestamp),
        "dateTime" => matches!(kind, Type::Date | Type::Timestamp),
        "instant" => kind == Type::Timestamp,
        "time" => kind == Type::Time,
        "base64Binary" => matches!(kind, Type::Binary | Type::Text),
        "xhtml" => kind == Type::Text,
        "code" | "id" | "uri" | "url" | "canonical" | "oid" | "uuid" => {
            matches!(kind, Type::Text | Type::Integer)
        }
        "string" | "markdown" => matches!(kind, Type::Text | Type::Integer | Type::Numeric),
        _ => false,
    }
}

fn is_address(type_name: &'static str) -> bool {
    matches!(type_name, "uri" | "url" | "canonical")
}

fn is_number(type_name: &'static str) -> bool {
    matches!(type_name, "integer" | "positiveInt" | "unsignedInt" | "decimal")
}

/// JSON text of a string.
pub(super) fn json_text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
