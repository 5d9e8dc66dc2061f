//! The walk over a compiled body.

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::{Timestamp, tz::TimeZone};

use super::{
    Shape, narrative, primitive,
    record::{self, Malformed},
    references,
    values::{Seen, Values},
};
use crate::{
    fhir::{REDACTED, structure},
    mapping::compiled::{Kind, Leaf, Member, Node, Object, Reference, Row},
    search::Subset,
};

const ABSENT: &str = "http://hl7.org/fhir/StructureDefinition/data-absent-reason";
const ABSENT_CODES: &str = "http://terminology.hl7.org/CodeSystem/data-absent-reason";

const SUBSETTED: &str = r#""tag":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"SUBSETTED","display":"subsetted"}]"#;

/// Facts about the site that writing needs.
#[derive(Clone, Debug)]
pub struct Site {
    /// Time zone in which an instant becomes a day.
    pub zone: TimeZone,
    /// Every resource gets a text for people, unless its mapping has one.
    pub narrative: bool,
}

/// A resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// Version: changes exactly when the content does.
    pub version: String,
    /// Last change of anything it is made of.
    pub updated: Option<Timestamp>,
    /// Addresses of the patients that it names, whether the elements that do are wanted or not; when that was asked for.
    pub patients: Vec<String>,
}

/// What a node wrote.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Written {
    /// Nothing.
    Nothing,
    /// Constants only.
    Constant,
    /// At least one value of the record.
    Value,
}

/// Values of a row, and what is masked in it.
struct View<'a> {
    values: &'a Values<'a>,
    shape: &'a Shape,
    subset: &'a Subset,
    /// Of the row in its `each`, from 1.
    position: usize,
    /// A record rule hides a row that belongs to the resource.
    hidden: bool,
}

impl View<'_> {
    fn holds(&self, slot: usize) -> bool {
        self.values.slots.get(slot).copied().flatten().is_some_and(record::boolean)
    }
}

/// Writes resources of one source for one caller.
#[derive(Debug)]
pub struct Renderer<'a> {
    /// Facts about the site.
    pub site: &'a Site,
    /// Row shape of the source.
    pub row: &'a Row,
    /// What the columns of its records hold, and what the caller may not see.
    pub shape: &'a Shape,
    /// Profiles to claim.
    pub profiles: &'a [String],
    /// Elements that are wanted.
    pub subset: &'a Subset,
    /// Which patients it names is to be told.
    pub patients: bool,
}

impl Renderer<'_> {
    /// Writes one resource from the record that the row statement gave.
    ///
    /// # Errors
    /// [`Malformed`] when the bytes are not the record that the mapping describes; nothing is written then.
    pub fn resource(
        &self,
        out: &mut Vec<u8>,
        body: &Object,
        id: &str,
        record: &[u8],
    ) -> Result<Rendered, Malformed> {
        let mut seen = Seen::default();
        let values = Values::read(record, self.row, self.shape, &mut seen)?;
        let updated = seen.newest;
        let mut view = View {
            values: &values,
            shape: self.shape,
            subset: &Subset::All,
            position: 1,
            hidden: seen.hidden,
        };
        let mut content = Vec::with_capacity(2048);
        self.members(&mut content, &body.members, &view, true)?;
        let redacted = self.shape.masks() || seen.hidden;
        let mut hash = xxhash_rust::xxh3::Xxh3::new();
        hash.update(&content);
        hash.update(&[u8::from(redacted)]);
        let version = format!("{:016x}", hash.digest());
        // It says nothing that is not in the content, so the version does not depend on it.
        let text = self.narrative(body).then(|| narrative::narrative(body.type_name, &content));
        let whole = match self.subset {
            Subset::All => true,
            Subset::Data => !self.site.narrative,
            _ => false,
        };
        if !whole {
            // The version is that of the whole resource, so the whole was written first.
            content.clear();
            view.subset = self.subset;
            self.members(&mut content, &body.members, &view, true)?;
        }
        out.extend_from_slice(b"{\"resourceType\":");
        primitive::string(out, body.type_name);
        out.extend_from_slice(b",\"id\":");
        primitive::string(out, id);
        out.extend_from_slice(b",\"meta\":{\"versionId\":");
        primitive::string(out, &version);
        if let Some(updated) = updated {
            out.extend_from_slice(b",\"lastUpdated\":");
            primitive::string(out, &updated.to_string());
        }
        for (index, profile) in self.profiles.iter().enumerate() {
            out.extend_from_slice(if index == 0 { b",\"profile\":[" } else { b"," });
            primitive::string(out, profile);
        }
        if !self.profiles.is_empty() {
            out.push(b']');
        }
        if redacted {
            out.push(b',');
            out.extend_from_slice(REDACTED.as_bytes());
        }
        if !whole {
            out.push(b',');
            out.extend_from_slice(SUBSETTED.as_bytes());
        }
        out.push(b'}');
        if let Some(text) = text {
            out.extend_from_slice(b",\"text\":{\"status\":\"generated\",\"div\":");
            primitive::string(out, &text);
            out.push(b'}');
        }
        out.extend_from_slice(&content);
        out.push(b'}');
        let patients = if self.patients { references::patients(body, &values)? } else { Vec::new() };
        Ok(Rendered { version, updated, patients })
    }

    /// The resource gets a text, and the client wants it.
    fn narrative(&self, body: &Object) -> bool {
        let wanted = match self.subset {
            Subset::All | Subset::Text => true,
            Subset::Data | Subset::Summary => false,
            Subset::Elements(names) => names.iter().any(|name| name == "text"),
        };
        wanted && self.site.narrative && !body.members.iter().any(|member| member.name == "text")
    }

    /// Writes members, each with a comma before it. `None`: a required one has no value, so none of them can be written.
    fn members(
        &self,
        out: &mut Vec<u8>,
        members: &[Member],
        view: &View<'_>,
        top: bool,
    ) -> Result<Option<Written>, Malformed> {
        let mut all = Written::Nothing;
        let mut answered = None;
        for (index, member) in members.iter().enumerate() {
            let element = member.element;
            // Of the types of a choice one is enough: `chargeItemReference`, `chargeItemCodeableConcept`.
            let other = answered == Some(element)
                || members
                    .get(index + 1)
                    .is_some_and(|next| next.element == member.element && !next.name.starts_with('_'));
            match self.member(out, member, view, top, other)? {
                Written::Nothing if member.required && !other && !top => return Ok(None),
                Written::Nothing => {}
                written => {
                    answered = Some(element);
                    if all != Written::Value {
                        all = written;
                    }
                }
            }
        }
        Ok(Some(all))
    }

    /// Writes `,"name":value`. `other`: another type of the same choice has a value, or is asked next.
    fn member(
        &self,
        out: &mut Vec<u8>,
        member: &Member,
        view: &View<'_>,
        top: bool,
        other: bool,
    ) -> Result<Written, Malformed> {
        let start = out.len();
        if !kept(view.subset, member, top) {
            return Ok(Written::Nothing);
        }
        if member.name.is_empty() {
            // A Coding written into its parent: `system`, `code` of a Quantity.
            return match &member.node {
                Node::Coding(leaf) => self.inline_coding(out, leaf, view, false),
                _ => Ok(Written::Nothing),
            };
        }
        out.push(b',');
        primitive::string(out, &member.name);
        out.push(b':');
        let written = if member.list {
            out.push(b'[');
            let mut written = Written::Nothing;
            self.items(out, &member.node, view, &mut written)?;
            out.push(b']');
            written
        } else {
            self.node(out, &member.node, view)?
        };
        if written != Written::Nothing {
            return Ok(written);
        }
        out.truncate(start);
        let reason = match &member.absent {
            _ if other || !(member.required || member.absent.is_some()) => return Ok(Written::Nothing),
            // The invariants of R4 want something in it: without it the element around it is left out.
            None if !top && member.type_name == "BackboneElement" => return Ok(Written::Nothing),
            _ if masked(&member.node, view) || (view.hidden && refers(&member.node)) => "masked",
            Some(reason) => reason.as_str(),
            None => return Ok(Written::Nothing),
        };
        self.absent(out, member, reason);
        Ok(Written::Value)
    }

    /// <https://hl7.org/fhir/R4/extension-data-absent-reason.html>
    fn absent(&self, out: &mut Vec<u8>, member: &Member, reason: &str) {
        let extension = format!("{{\"extension\":[{{\"url\":\"{ABSENT}\",\"valueCode\":\"{reason}\"}}]}}");
        let own = Cow::Borrowed(member.name.as_str());
        let (name, value) = match member.type_name {
            "CodeableConcept" => {
                (own, format!("{{\"coding\":[{{\"system\":\"{ABSENT_CODES}\",\"code\":\"{reason}\"}}]}}"))
            }
            type_name if structure::is_primitive(type_name) => (Cow::Owned(format!("_{own}")), extension),
            _ => (own, extension),
        };
        out.push(b',');
        primitive::string(out, &name);
        out.push(b':');
        if member.list {
            out.push(b'[');
        }
        out.extend_from_slice(value.as_bytes());
        if member.list {
            out.push(b']');
        }
    }

    /// Writes the items of a repeating element, with commas between them.
    fn items(
        &self,
        out: &mut Vec<u8>,
        node: &Node,
        view: &View<'_>,
        all: &mut Written,
    ) -> Result<(), Malformed> {
        match node {
            Node::List(nodes) => {
                for node in nodes {
                    self.items(out, node, view, all)?;
                }
            }
            Node::When { slot, node } => {
                if view.holds(*slot) {
                    let before = out.len();
                    self.items(out, node, view, all)?;
                    if out.len() > before {
                        *all = Written::Value;
                    }
                }
            }
            Node::Each { each, node } => {
                let rows = view.values.rows.get(*each).ok_or(Malformed)?;
                let Some(Some(shape)) = view.shape.eaches.get(*each) else { return Ok(()) };
                for (index, values) in rows.iter().enumerate() {
                    let row = View { values, shape, position: index + 1, ..*view };
                    self.items(out, node, &row, all)?;
                }
            }
            Node::Lines(leaf) => {
                for line in value(leaf, view).map(record::text).transpose()?.unwrap_or_default().lines() {
                    let start = out.len();
                    if *all != Written::Nothing {
                        out.push(b',');
                    }
                    if primitive::text(out, leaf.type_name, line)? {
                        *all = Written::Value;
                    } else {
                        out.truncate(start);
                    }
                }
            }
            _ => {
                let start = out.len();
                if *all != Written::Nothing {
                    out.push(b',');
                }
                match self.node(out, node, view)? {
                    Written::Nothing => out.truncate(start),
                    Written::Value => *all = Written::Value,
                    Written::Constant if *all == Written::Nothing => *all = Written::Constant,
                    Written::Constant => {}
                }
            }
        }
        Ok(())
    }

    fn node(&self, out: &mut Vec<u8>, node: &Node, view: &View<'_>) -> Result<Written, Malformed> {
        match node {
            Node::Constant { json, .. } => {
                out.extend_from_slice(json.as_bytes());
                Ok(Written::Constant)
            }
            Node::Position => {
                out.extend_from_slice(view.position.to_string().as_bytes());
                Ok(Written::Constant)
            }
            Node::FixedCoding { system, code, display } => {
                coding(out, Some(system), code, display.as_deref());
                Ok(Written::Constant)
            }
            Node::Leaf(leaf) => match value(leaf, view) {
                Some(bytes) => Ok(wrote(primitive::leaf(out, leaf, bytes, &self.site.zone)?)),
                None => Ok(Written::Nothing),
            },
            Node::Coding(leaf) => self.inline_coding(out, leaf, view, true),
            Node::Reference(reference) => {
                let Some(bytes) = view.values.slots.get(reference.slot).copied().flatten() else {
                    return Ok(Written::Nothing);
                };
                out.extend_from_slice(b"{\"reference\":");
                primitive::string(out, &address(reference, bytes)?);
                if let Some(leaf) = &reference.display
                    && let Some(bytes) = value(leaf, view)
                {
                    let start = out.len();
                    out.extend_from_slice(b",\"display\":");
                    if !primitive::leaf(out, leaf, bytes, &self.site.zone)? {
                        out.truncate(start);
                    }
                }
                out.push(b'}');
                Ok(Written::Value)
            }
            Node::Address(reference) => {
                let Some(bytes) = view.values.slots.get(reference.slot).copied().flatten() else {
                    return Ok(Written::Nothing);
                };
                primitive::string(out, &address(reference, bytes)?);
                Ok(Written::Value)
            }
            Node::Attachment(leaf) => {
                let Some(bytes) = value(leaf, view).filter(|bytes| !bytes.is_empty()) else {
                    return Ok(Written::Nothing);
                };
                out.extend_from_slice(b"{\"contentType\":");
                primitive::string(out, primitive::content_type(bytes));
                out.extend_from_slice(b",\"data\":");
                primitive::string(out, &STANDARD.encode(bytes));
                out.push(b'}');
                Ok(Written::Value)
            }
            Node::Object(object) => self.object(out, object, view),
            Node::When { slot, node } => {
                if !view.holds(*slot) {
                    return Ok(Written::Nothing);
                }
                match self.node(out, node, view)? {
                    Written::Nothing => Ok(Written::Nothing),
                    _ => Ok(Written::Value),
                }
            }
            // Alternatives of an element that does not repeat: the first that says something.
            Node::List(nodes) => {
                let start = out.len();
                for node in nodes {
                    match self.node(out, node, view)? {
                        Written::Nothing => out.truncate(start),
                        written => return Ok(written),
                    }
                }
                Ok(Written::Nothing)
            }
            Node::Each { .. } | Node::Lines(_) => {
                let mut written = Written::Nothing;
                self.items(out, node, view, &mut written)?;
                Ok(written)
            }
        }
    }

    fn object(&self, out: &mut Vec<u8>, object: &Object, view: &View<'_>) -> Result<Written, Malformed> {
        let start = out.len();
        out.push(b'{');
        // An element whose required part is not known cannot be written.
        let Some(all) = self.members(out, &object.members, view, false)? else {
            out.truncate(start);
            return Ok(Written::Nothing);
        };
        let complete = all == Written::Value || (all == Written::Constant && !object.dynamic);
        if !complete {
            out.truncate(start);
            return Ok(Written::Nothing);
        }
        // Each member was written with a comma before it.
        out.remove(start + 1);
        out.push(b'}');
        Ok(all)
    }

    /// `system`, `code`, `display` of a mapped code; with braces, or into the object around it.
    fn inline_coding(
        &self,
        out: &mut Vec<u8>,
        leaf: &Leaf,
        view: &View<'_>,
        braces: bool,
    ) -> Result<Written, Malformed> {
        let Some(bytes) = value(leaf, view) else { return Ok(Written::Nothing) };
        let key = primitive::key(leaf.expression.kind(), bytes)?;
        let Some(code) = leaf.codes.as_ref().and_then(|codes| codes.code(&key)) else {
            return Ok(Written::Nothing);
        };
        if braces {
            coding(out, code.system.as_deref(), &code.code, code.display.as_deref());
        } else {
            if let Some(system) = &code.system {
                out.extend_from_slice(b",\"system\":");
                primitive::string(out, system);
            }
            out.extend_from_slice(b",\"code\":");
            primitive::string(out, &code.code);
        }
        Ok(Written::Value)
    }
}

/// `Type/id` of the resource that is made of a record.
pub(super) fn address(reference: &Reference, record: &[u8]) -> Result<String, Malformed> {
    let mut address = format!("{}/", reference.target);
    if let Some(prefix) = &reference.prefix {
        address.push_str(prefix);
        address.push('-');
    }
    address.push_str(&record::integer(record)?.to_string());
    if let Some(key) = &reference.key {
        address.push('-');
        address.push_str(key);
    }
    Ok(address)
}

/// The element is wanted.
fn kept(subset: &Subset, member: &Member, top: bool) -> bool {
    match subset {
        Subset::All => true,
        Subset::Data => !(top && member.name == "text"),
        Subset::Summary => member.summary || member.required,
        Subset::Text => !top || member.required || member.name == "text",
        Subset::Elements(names) => {
            let named =
                |name: &String| *name == member.element.trim_end_matches("[x]") || *name == member.name;
            // Nobody should take the code of a refuted condition for one that holds.
            !top || member.required || member.modifier || names.iter().any(named)
        }
    }
}

fn wrote(yes: bool) -> Written {
    if yes { Written::Value } else { Written::Nothing }
}

fn value<'a>(leaf: &Leaf, view: &View<'a>) -> Option<&'a [u8]> {
    view.values
        .slots
        .get(leaf.slot)
        .copied()
        .flatten()
        .filter(|bytes| !(bytes.is_empty() && leaf.expression.kind() == Kind::Text))
}

/// What has no value may be a reference to a hidden record.
fn refers(node: &Node) -> bool {
    match node {
        Node::Reference(_) | Node::Address(_) => true,
        Node::List(nodes) => nodes.iter().any(refers),
        Node::When { node, .. } | Node::Each { node, .. } => refers(node),
        _ => false,
    }
}

/// The value of a node was withheld.
fn masked(node: &Node, view: &View<'_>) -> bool {
    let hidden = |slot: usize| view.shape.masked.get(slot) == Some(&true);
    match node {
        Node::Leaf(leaf) | Node::Coding(leaf) | Node::Attachment(leaf) | Node::Lines(leaf) => {
            hidden(leaf.slot)
        }
        Node::Reference(reference) | Node::Address(reference) => hidden(reference.slot),
        Node::Object(object) => object.members.iter().any(|member| masked(&member.node, view)),
        Node::List(nodes) => nodes.iter().any(|node| masked(node, view)),
        Node::Each { each, .. } => view.shape.eaches.get(*each).is_some_and(Option::is_none),
        Node::When { slot, node } => hidden(*slot) || masked(node, view),
        Node::Constant { .. } | Node::FixedCoding { .. } | Node::Position => false,
    }
}

fn coding(out: &mut Vec<u8>, system: Option<&str>, code: &str, display: Option<&str>) {
    out.push(b'{');
    if let Some(system) = system {
        out.extend_from_slice(b"\"system\":");
        primitive::string(out, system);
        out.push(b',');
    }
    out.extend_from_slice(b"\"code\":");
    primitive::string(out, code);
    if let Some(display) = display {
        out.extend_from_slice(b",\"display\":");
        primitive::string(out, display);
    }
    out.push(b'}');
}
