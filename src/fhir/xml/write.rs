//! JSON → XML.

use serde_json::{Map, Value};

use super::{FHIR, is_attribute, text, xhtml};
use crate::{
    error::{self, Error, Result},
    fhir::structure::{self, Kind, Named},
};

type Object = Map<String, Value>;

/// A resource as XML, its elements in the order of the specification; `pretty` puts each on a line of its own.
///
/// # Errors
/// The bytes are no resource of R4, which is a defect of what wrote them.
pub fn write(json: &[u8], pretty: bool) -> Result<Vec<u8>> {
    let resource: Value = serde_json::from_slice(json).map_err(|_| defect("it is not JSON", ""))?;
    let mut writer = Writer { out: Vec::with_capacity(json.len() * 5 / 4), pretty, depth: 0 };
    writer.out.extend_from_slice(br#"<?xml version="1.0" encoding="UTF-8"?>"#);
    writer.resource(&resource)?;
    if pretty {
        writer.out.push(b'\n');
    }
    Ok(writer.out)
}

fn defect(what: &str, place: &str) -> Error {
    Error::new(&error::INTERNAL).cause(format!("a resource cannot be written as XML: {what} {place}"))
}

/// An element of an object: its value, and id and extensions of a primitive.
struct Member<'a> {
    name: &'a str,
    named: Named,
    value: Option<&'a Value>,
    aside: Option<&'a Value>,
}

struct Writer {
    out: Vec<u8>,
    pretty: bool,
    depth: usize,
}

impl Writer {
    fn resource(&mut self, resource: &Value) -> Result<()> {
        let object = resource.as_object().ok_or_else(|| defect("no object", "as resource"))?;
        let name = object.get("resourceType").and_then(Value::as_str).and_then(structure::resource);
        let name = name.ok_or_else(|| defect("no resourceType of R4", ""))?.name;
        self.line();
        self.text("<");
        self.text(name);
        if self.depth == 0 {
            self.text(" xmlns=\"");
            self.text(FHIR);
            self.text("\"");
        }
        let members = members(name, object)?;
        self.content(name, &members)
    }

    /// The rest of an element whose start is written up to its attributes.
    fn content(&mut self, name: &str, members: &[Member<'_>]) -> Result<()> {
        let inner = members.iter().filter(|member| !is_attribute(member.named.element));
        let mut inner = inner.peekable();
        if inner.peek().is_none() {
            self.text("/>");
            return Ok(());
        }
        self.text(">");
        self.depth += 1;
        for member in inner {
            self.member(member)?;
        }
        self.depth -= 1;
        self.end(name);
        Ok(())
    }

    fn end(&mut self, name: &str) {
        self.line();
        self.text("</");
        self.text(name);
        self.text(">");
    }

    fn member(&mut self, member: &Member<'_>) -> Result<()> {
        let list = |value: Option<&Value>| value.and_then(Value::as_array).map(Vec::len);
        let Some(length) = list(member.value).max(list(member.aside)) else {
            return self.element(member, member.value, member.aside);
        };
        for index in 0..length {
            // In two lists side by side, null stands where only the other one has something.
            let [value, aside] = [member.value, member.aside]
                .map(|list| list.and_then(|list| list.get(index)).filter(|item| !item.is_null()));
            self.element(member, value, aside)?;
        }
        Ok(())
    }

    fn element(&mut self, member: &Member<'_>, value: Option<&Value>, aside: Option<&Value>) -> Result<()> {
        let (name, type_name) = (member.name, member.named.kind.code);
        let wrong = |what| defect(what, member.named.element.path);
        if type_name == "xhtml" {
            let div = value.and_then(Value::as_str).filter(|div| xhtml::stands_alone(div));
            self.line();
            text::markup(&mut self.out, div.ok_or_else(|| wrong("the narrative is no XHTML"))?);
            return Ok(());
        }
        let kind = structure::definition(type_name).map(|found| found.kind);
        self.line();
        self.text("<");
        self.text(name);
        match kind {
            Some(Kind::Resource) => {
                self.text(">");
                self.depth += 1;
                self.resource(value.ok_or_else(|| wrong("no resource"))?)?;
                self.depth -= 1;
                self.end(name);
                Ok(())
            }
            Some(Kind::Primitive) => {
                let none = Object::new();
                let aside = match aside {
                    None => &none,
                    Some(aside) => aside.as_object().ok_or_else(|| wrong("no object beside a primitive"))?,
                };
                let members = members(type_name, aside)?;
                self.attributes(&members)?;
                match value {
                    Some(Value::String(text)) => self.attribute("value", text),
                    Some(value @ (Value::Bool(_) | Value::Number(_))) => {
                        self.attribute("value", &value.to_string());
                    }
                    None if !members.is_empty() => {}
                    _ => return Err(wrong("no primitive")),
                }
                self.content(name, &members)
            }
            _ => {
                let object = value.and_then(Value::as_object).ok_or_else(|| wrong("no object"))?;
                let members = members(member.named.owner(), object)?;
                self.attributes(&members)?;
                self.content(name, &members)
            }
        }
    }

    fn attributes(&mut self, members: &[Member<'_>]) -> Result<()> {
        for member in members.iter().filter(|member| is_attribute(member.named.element)) {
            let value = member.value.and_then(Value::as_str);
            self.attribute(member.name, value.ok_or_else(|| defect("no text", member.named.element.path))?);
        }
        Ok(())
    }

    fn attribute(&mut self, name: &str, value: &str) {
        self.text(" ");
        self.text(name);
        self.text("=\"");
        text::attribute(&mut self.out, value);
        self.text("\"");
    }

    fn text(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn line(&mut self) {
        if self.pretty {
            self.out.push(b'\n');
            self.out.resize(self.out.len() + 2 * self.depth, b' ');
        }
    }
}

/// The elements of an object in the order of the specification.
fn members<'a>(owner: &str, object: &'a Object) -> Result<Vec<Member<'a>>> {
    let is_resource = structure::resource(owner).is_some();
    let mut members: Vec<Member<'a>> = Vec::with_capacity(object.len());
    for (key, value) in object {
        if is_resource && key == "resourceType" {
            continue;
        }
        let (name, is_aside) = key.strip_prefix('_').map_or((key.as_str(), false), |name| (name, true));
        let known = members.iter().position(|member| member.name == name);
        let index = match known {
            Some(index) => index,
            None => {
                let named = structure::element(owner, name);
                let named = named.ok_or_else(|| defect("an element that R4 does not have in", owner))?;
                members.push(Member { name, named, value: None, aside: None });
                members.len() - 1
            }
        };
        let member = &mut members[index];
        *(if is_aside { &mut member.aside } else { &mut member.value }) = Some(value);
    }
    members.sort_by_key(|member| member.named.element.position);
    Ok(members)
}
