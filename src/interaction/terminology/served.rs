//! The resources of terminology, as far as a mapping states them: their constants.

use serde_json::{Map, Value};

use crate::{
    error::{self, Error, Result},
    interaction::gateway::{Caller, Fhir},
    mapping::compiled::{Emit, Member, Node, Object, ResourceType, Source},
    plan,
};

/// One resource of terminology.
#[derive(Clone, Copy)]
pub(super) struct Served<'a> {
    pub source: &'a Source,
    pub emit: &'a Emit,
}

impl<'a> Served<'a> {
    /// All of a type.
    pub fn all(fhir: &'a Fhir, kind: &str) -> impl Iterator<Item = Self> {
        let sources = fhir.compiled.types.get(kind).into_iter().flat_map(|kind| &kind.sources);
        sources.flat_map(|source| source.emits.iter().map(move |emit| Self { source, emit }))
    }

    /// The one with this canonical URL; a version behind it is not looked at, there is one.
    pub fn of_url(fhir: &'a Fhir, kind: &str, url: &str) -> Option<Self> {
        let plain = url.split_once('|').map_or(url, |(plain, _)| plain);
        Self::all(fhir, kind).find(|served| served.text("url") == Some(plain))
    }

    /// The one with this id.
    pub fn of_id(kind: &'a ResourceType, id: &str) -> Result<Self> {
        let target = plan::parse_id(kind, id).ok_or_else(|| Error::new(&error::RESOURCE_UNKNOWN))?;
        let source = &kind.sources[target.source];
        Ok(Self { source, emit: &source.emits[target.emit] })
    }

    /// The caller may read the record that it is made of.
    pub fn guard(&self, caller: &Caller) -> Result<()> {
        if caller.permit.model(&self.source.model) {
            Ok(())
        } else {
            Err(Error::new(&error::MODEL_FORBIDDEN))
        }
    }

    pub fn member(&self, name: &str) -> Option<&'a Member> {
        self.emit.body.members.iter().find(|member| member.name == name)
    }

    /// A constant text.
    pub fn text(&self, name: &str) -> Option<&'a str> {
        match &self.member(name)?.node {
            Node::Constant { text, .. } => Some(text),
            _ => None,
        }
    }

    /// A constant element as JSON.
    pub fn constant(&self, name: &str) -> Value {
        self.member(name).map_or(Value::Null, member)
    }
}

/// The constants of a member.
fn member(member: &Member) -> Value {
    match node(&member.node) {
        Value::Null => Value::Null,
        list @ Value::Array(_) => list,
        one if member.list => Value::Array(vec![one]),
        one => one,
    }
}

fn node(of: &Node) -> Value {
    match of {
        Node::Constant { json, .. } => serde_json::from_str(json).unwrap_or_default(),
        Node::Object(inner) => object(inner),
        Node::List(items) => Value::Array(items.iter().map(node).filter(|item| !item.is_null()).collect()),
        _ => Value::Null,
    }
}

fn object(of: &Object) -> Value {
    let members = of.members.iter().map(|one| (one.name.to_string(), member(one)));
    let known: Map<String, Value> = members.filter(|(_, value)| !value.is_null()).collect();
    if known.is_empty() { Value::Null } else { known.into() }
}
