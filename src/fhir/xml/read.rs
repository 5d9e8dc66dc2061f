//! XML → JSON.

use quick_xml::{
    XmlVersion,
    events::{BytesStart, Event},
    name::{Namespace, ResolveResult},
    reader::NsReader,
};
use serde_json::{Map, Number, Value};

use super::{
    FHIR, is_attribute, text,
    xhtml::{self, XHTML},
};
use crate::{
    error::{self, Error, Result},
    fhir::structure::{self, Kind, Named},
};

/// Elements within elements. As JSON that is twice as deep at most, which serde_json still reads.
const DEPTH: usize = 60;

type Object = Map<String, Value>;

/// A resource in XML as JSON. Stricter than the JSON reader where XML is: elements have an order.
///
/// # Errors
/// The bytes are no XML in UTF-8, bring a DTD, or are no resource of R4; the place is told, never a value.
pub fn read(xml: &[u8]) -> Result<Value> {
    let refused = |detail: &str| Error::new(&error::REQUEST_MALFORMED).detail(detail);
    let xml = std::str::from_utf8(xml).map_err(|_| refused("The body is not XML in UTF-8."))?;
    let xml = xml.strip_prefix('\u{feff}').unwrap_or(xml);
    let mut reading = Reading { reader: NsReader::from_str(xml), xml, path: String::new(), depth: 0 };
    let mut resource = None;
    loop {
        match reading.next()? {
            (_, Found::Element(start, empty)) if resource.is_none() => {
                resource = Some(reading.resource(&start, empty)?);
            }
            (_, Found::Skipped) => {}
            (_, Found::Nothing) => return resource.ok_or_else(|| refused("The body is empty.")),
            (_, Found::Element(..) | Found::End) => {
                return Err(refused("The body holds more than one resource."));
            }
        }
    }
}

struct Reading<'x> {
    reader: NsReader<&'x [u8]>,
    xml: &'x str,
    /// Of the element that is read: `Patient.name.family`.
    path: String,
    depth: usize,
}

/// What comes next.
enum Found<'x> {
    /// An element of FHIR or the `div` of a narrative; whether it is empty.
    Element(Element<'x>, bool),
    /// The end of the element around.
    End,
    /// Blanks, a comment.
    Skipped,
    /// The end of the document.
    Nothing,
}

/// The start of an element.
struct Element<'x> {
    name: String,
    is_xhtml: bool,
    start: BytesStart<'x>,
}

impl<'x> Reading<'x> {
    /// A refusal that names the place.
    fn refused(&self, detail: impl Into<String>) -> Error {
        let error = Error::new(&error::REQUEST_MALFORMED).detail(detail);
        if self.path.is_empty() { error } else { error.at(&*self.path) }
    }

    /// What comes next, and where it starts.
    fn next(&mut self) -> Result<(usize, Found<'x>)> {
        let at = self.position();
        let (namespace, event) = match self.reader.read_resolved_event() {
            Ok((namespace, event)) => (namespace_of(&namespace), event),
            Err(_) => return Err(self.refused("The XML is not well-formed.")),
        };
        let found = match event {
            Event::Start(start) => self.element(namespace, start, false)?,
            Event::Empty(start) => self.element(namespace, start, true)?,
            Event::End(_) => Found::End,
            Event::Eof => Found::Nothing,
            Event::Comment(_) | Event::PI(_) => Found::Skipped,
            Event::Text(text) if text.chars().all(|character| character.is_ascii_whitespace()) => {
                Found::Skipped
            }
            Event::Decl(declaration) => {
                let utf8 = |name: &str| name.eq_ignore_ascii_case("utf-8");
                match (at, declaration.version().as_deref(), declaration.encoding().transpose()) {
                    (0, Ok("1.0"), Ok(encoding)) if encoding.as_deref().is_none_or(utf8) => Found::Skipped,
                    _ => return Err(self.refused("Expected XML 1.0 in UTF-8.")),
                }
            }
            Event::DocType(_) => return Err(self.refused("A DTD is not read.")),
            Event::Text(_) | Event::CData(_) | Event::GeneralRef(_) => {
                return Err(self.refused("Text stands between elements; values are attributes."));
            }
        };
        Ok((at, found))
    }

    fn position(&self) -> usize {
        usize::try_from(self.reader.buffer_position()).expect("a position in a text in memory")
    }

    fn element(&self, namespace: Option<bool>, start: BytesStart<'x>, empty: bool) -> Result<Found<'x>> {
        let name = start.local_name().as_ref().to_owned();
        let is_xhtml =
            namespace.ok_or_else(|| self.refused(format!("Expected elements in the namespace {FHIR}.")))?;
        Ok(Found::Element(Element { name, is_xhtml, start }, empty))
    }

    fn resource(&mut self, element: &Element<'x>, empty: bool) -> Result<Value> {
        let known = structure::resource(&element.name).filter(|_| !element.is_xhtml);
        let known = known.ok_or_else(|| self.refused("Expected the name of a resource type of R4."))?.name;
        let length = self.path.len();
        if length == 0 {
            self.path.push_str(known);
        }
        let mut object = Object::new();
        object.insert("resourceType".to_owned(), known.into());
        if let Some((name, _)) = self.attributes(element)?.into_iter().next() {
            return Err(self.refused(format!("A resource has no attribute {}.", shown(&name))));
        }
        if !empty {
            self.children(known, &mut object)?;
        }
        self.path.truncate(length);
        Ok(Value::Object(object))
    }

    /// The elements up to the end of the one around.
    fn children(&mut self, owner: &str, object: &mut Object) -> Result<()> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(self.refused(format!("It is deeper than {DEPTH} elements.")));
        }
        let mut last: Option<(usize, String)> = None;
        loop {
            let (element, empty, at) = match self.next()? {
                (at, Found::Element(element, empty)) => (element, empty, at),
                (_, Found::Skipped) => continue,
                (_, Found::End) => break,
                (_, Found::Nothing) => return Err(self.refused("The XML is not well-formed.")),
            };
            let named = structure::element(owner, &element.name)
                .filter(|named| !is_attribute(named.element))
                .filter(|named| (named.kind.code == "xhtml") == element.is_xhtml)
                .ok_or_else(|| self.refused(format!("There is no element {} here.", shown(&element.name))))?;
            let position = named.element.position;
            let length = self.path.len();
            self.path.push('.');
            self.path.push_str(&element.name);
            match &last {
                Some((before, _)) if *before > position => {
                    return Err(self.refused("It stands after an element that R4 has later."));
                }
                Some((before, name)) if *before == position && (*name != element.name) => {
                    return Err(self.refused("Of the types of a choice only one can be given."));
                }
                Some((before, _)) if *before == position && !named.element.is_list() => {
                    return Err(self.refused("It can be given only once."));
                }
                _ => last = Some((position, element.name.clone())),
            }
            self.member(named, &element, empty, at, object)?;
            self.path.truncate(length);
        }
        // Where no item has a value, or none has extensions, there is no list of them.
        object.retain(|_, value| !value.as_array().is_some_and(|items| items.iter().all(Value::is_null)));
        self.depth -= 1;
        Ok(())
    }

    fn member(
        &mut self,
        named: Named,
        element: &Element<'x>,
        empty: bool,
        at: usize,
        object: &mut Object,
    ) -> Result<()> {
        let list = named.element.is_list();
        let type_name = named.kind.code;
        match structure::definition(type_name).map(|found| found.kind) {
            Some(Kind::Primitive) if type_name == "xhtml" => {
                let div = self.div(element, empty, at)?;
                put(object, &element.name, list, div);
            }
            Some(Kind::Primitive) => {
                let (value, aside) = self.primitive(type_name, element, empty)?;
                if list {
                    let aside = if aside.is_empty() { Value::Null } else { aside.into() };
                    put(object, &element.name, true, value.unwrap_or(Value::Null));
                    put(object, &format!("_{}", element.name), true, aside);
                } else {
                    if let Some(value) = value {
                        put(object, &element.name, false, value);
                    }
                    if !aside.is_empty() {
                        put(object, &format!("_{}", element.name), false, aside.into());
                    }
                }
            }
            Some(Kind::Resource) => {
                let value = self.inner(element, empty)?;
                put(object, &element.name, list, value);
            }
            _ => {
                let mut value = Object::new();
                for (name, text) in self.attributes(element)? {
                    let known = structure::element(named.owner(), &name);
                    if !known.is_some_and(|known| is_attribute(known.element)) {
                        return Err(self.refused(format!("It has no attribute {}.", shown(&name))));
                    }
                    value.insert(name, text.into());
                }
                if !empty {
                    self.children(named.owner(), &mut value)?;
                }
                if value.is_empty() {
                    return Err(self.refused("It is empty."));
                }
                put(object, &element.name, list, value.into());
            }
        }
        Ok(())
    }

    /// The value of a primitive, and its id and extensions.
    fn primitive(
        &mut self,
        type_name: &str,
        element: &Element<'x>,
        empty: bool,
    ) -> Result<(Option<Value>, Object)> {
        let (mut value, mut aside) = (None, Object::new());
        for (name, text) in self.attributes(element)? {
            match name.as_str() {
                "value" => {
                    let read = primitive(type_name, text);
                    value = Some(read.ok_or_else(|| self.refused(format!("Expected {type_name}.")))?);
                }
                "id" => _ = aside.insert(name, text.into()),
                _ => return Err(self.refused(format!("It has no attribute {}.", shown(&name)))),
            }
        }
        if !empty {
            self.children(type_name, &mut aside)?;
        }
        if value.is_none() && aside.is_empty() {
            return Err(self.refused("It is empty."));
        }
        Ok((value, aside))
    }

    /// The resource within `contained`, `Bundle.entry.resource` or `Parameters.parameter.resource`.
    fn inner(&mut self, element: &Element<'x>, empty: bool) -> Result<Value> {
        if empty || !self.attributes(element)?.is_empty() {
            return Err(self.refused("Expected a resource in it."));
        }
        self.depth += 1;
        let mut resource = None;
        loop {
            match self.next()?.1 {
                Found::Element(element, empty) if resource.is_none() => {
                    resource = Some(self.resource(&element, empty)?);
                }
                Found::Skipped => {}
                Found::End => break,
                _ => return Err(self.refused("Expected one resource in it.")),
            }
        }
        self.depth -= 1;
        resource.ok_or_else(|| self.refused("Expected a resource in it."))
    }

    /// The `div` of a narrative, as it stands in the document.
    fn div(&mut self, element: &Element<'x>, empty: bool, at: usize) -> Result<Value> {
        if !empty && self.reader.read_to_end(element.start.name()).is_err() {
            return Err(self.refused("The XML is not well-formed."));
        }
        let div = &self.xml[at..self.position()];
        if !(xhtml::stands_alone(div) && div.chars().all(text::is_legal)) {
            return Err(self.refused(
                "Expected a div in the namespace of XHTML, declared there and without a prefix, and no entities but those of XML.",
            ));
        }
        Ok(div.into())
    }

    /// Attributes with their values, without the declarations of namespaces and what is meant for XML Schema.
    fn attributes(&self, element: &Element<'x>) -> Result<Vec<(String, String)>> {
        let mut all = Vec::new();
        for attribute in element.start.attributes() {
            let attribute = attribute.map_err(|_| self.refused("The XML is not well-formed."))?;
            if attribute.key.as_namespace_binding().is_some() {
                continue;
            }
            if let Some(prefix) = attribute.key.prefix() {
                if prefix.as_ref() == "xsi" {
                    continue;
                }
                return Err(self.refused("Attributes of FHIR have no prefix."));
            }
            let value = attribute
                .normalized_value(XmlVersion::Implicit1_0)
                .map_err(|_| self.refused("A value holds an entity that XML does not have."))?;
            if value.is_empty() || !value.chars().all(text::is_legal) {
                return Err(self.refused("A value is empty, or holds a character that is not allowed."));
            }
            all.push((attribute.key.local_name().as_ref().to_owned(), value.into_owned()));
        }
        Ok(all)
    }
}

/// Whether a namespace is that of XHTML, or else of FHIR; none for others.
fn namespace_of(namespace: &ResolveResult<'_>) -> Option<bool> {
    match namespace {
        ResolveResult::Bound(Namespace(FHIR)) => Some(false),
        ResolveResult::Bound(Namespace(XHTML)) => Some(true),
        _ => None,
    }
}

fn put(object: &mut Object, name: &str, list: bool, value: Value) {
    if !list {
        object.insert(name.to_owned(), value);
        return;
    }
    let items = object.entry(name).or_insert_with(|| Value::Array(Vec::new()));
    if let Value::Array(items) = items {
        items.push(value);
    }
}

/// The value of a primitive as JSON has it: <https://hl7.org/fhir/R4/json.html#primitive>.
fn primitive(type_name: &str, text: String) -> Option<Value> {
    match type_name {
        "boolean" => text.parse().ok().map(Value::Bool),
        "integer" | "unsignedInt" | "positiveInt" | "decimal" => {
            let whole = |byte: u8| byte.is_ascii_digit() || byte == b'-';
            let part = |byte: u8| whole(byte) || (type_name == "decimal" && b"+.eE".contains(&byte));
            // Its grammar is that of JSON, which keeps the digits: those of a decimal have a meaning.
            let number: Number = serde_json::from_str(&text).ok().filter(|_| text.bytes().all(part))?;
            Some(Value::Number(number))
        }
        _ => Some(Value::String(text)),
    }
}

/// A name for an answer, if it looks like one.
fn shown(name: &str) -> &str {
    let plain = (1..=64).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if plain { name } else { "of this name" }
}
