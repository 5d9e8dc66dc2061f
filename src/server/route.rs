//! Path and method become an interaction (<https://hl7.org/fhir/R4/http.html#summary>).

use hyper::Method;

use super::{target, types};
use crate::{
    config::BasePath,
    error::{self, Error, Result},
    fhir::parameters::Given,
    interaction::{
        Call, Interaction,
        operation::{Level, Methods, Operation},
    },
};

const READ: &str = "GET, HEAD, OPTIONS";
const POST: &str = "POST, OPTIONS";
const BOTH: &str = "GET, HEAD, POST, OPTIONS";
const NONE: &str = "OPTIONS";

/// What an address stands for. Resource types are known ones; ids and versions are as sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Whether the process lives; outside the base, without signing in.
    Live,
    /// `[base]`.
    Base,
    /// `[base]/metadata`.
    Metadata,
    /// `[base]/openapi.json`, and the same at the root.
    OpenApi,
    /// `[base]/_search`.
    SearchAll,
    /// `[base]/[type]`.
    Type(&'static str),
    /// `[base]/[type]/_search`.
    Search(&'static str),
    /// `[base]/[type]/[id]`.
    Instance(&'static str, String),
    /// `[base]/[type]/[id]/_history/[vid]`.
    Version(&'static str, String, String),
    /// `[base]/[type]/[id]/[type]` and `[base]/[type]/[id]/*`: a compartment.
    Compartment(&'static str, String, Option<&'static str>),
    /// `[base]/_history`, `[base]/[type]/_history` and `[base]/[type]/[id]/_history`.
    History(Option<&'static str>, Option<String>),
    /// `[base]/$…`, `[base]/[type]/$…` and `[base]/[type]/[id]/$…`: an operation, the type (empty for the system) and
    /// the id.
    Operation(&'static Operation, &'static str, Option<String>),
    /// The same, of an operation that is not offered there.
    NoOperation(Level, &'static str),
}

impl Place {
    /// The place that a path names.
    ///
    /// # Errors
    /// It cannot be decoded, or nothing is there.
    pub(super) fn of(path: &str, base: &BasePath) -> Result<Self> {
        if path == "/livez" {
            return Ok(Self::Live);
        }
        if path == "/openapi.json" {
            return Ok(Self::OpenApi);
        }
        let unknown = || {
            Error::new(&error::PATH_UNKNOWN).detail(format!(
                "The base is {}.",
                if base.as_str().is_empty() { "/" } else { base.as_str() }
            ))
        };
        let below = path.strip_prefix(base.as_str()).ok_or_else(unknown)?;
        if below.is_empty() || below == "/" {
            return Ok(Self::Base);
        }
        // The base is compared as written: /fhir%2FPatient or /fhirPatient lie outside of it.
        if !below.starts_with('/') {
            return Err(unknown());
        }
        let segments = target::segments(below)?;
        let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
        match parts.as_slice() {
            ["metadata"] => return Ok(Self::Metadata),
            ["openapi.json"] => return Ok(Self::OpenApi),
            ["_history"] => return Ok(Self::History(None, None)),
            ["_search"] => return Ok(Self::SearchAll),
            [operation] if operation.starts_with('$') => return Ok(Self::operation(operation, "", None)),
            _ => {}
        }
        let kind = types::known(parts[0]).ok_or_else(|| Error::new(&error::TYPE_UNKNOWN))?;
        Ok(match parts[1..] {
            [] => Self::Type(kind),
            ["_search"] => Self::Search(kind),
            ["_history"] => Self::History(Some(kind), None),
            // As the predecessor of this server has it.
            ["_validate"] => Self::operation("$validate", kind, None),
            [operation] if operation.starts_with('$') => Self::operation(operation, kind, None),
            [id] => Self::Instance(kind, id.to_owned()),
            [id, "_history"] => Self::History(Some(kind), Some(id.to_owned())),
            [id, "_history", version] => Self::Version(kind, id.to_owned(), version.to_owned()),
            [id, operation] if operation.starts_with('$') => Self::operation(operation, kind, Some(id)),
            [id, other] if other == "*" || types::known(other).is_some() => {
                Self::Compartment(kind, id.to_owned(), types::known(other))
            }
            _ => return Err(unknown()),
        })
    }

    fn operation(name: &str, kind: &'static str, id: Option<&str>) -> Self {
        let level = level(kind, id.is_some());
        let known = (!kind.is_empty()).then_some(kind);
        match Operation::find(known, level, name.strip_prefix('$').unwrap_or(name)) {
            Some(operation) => Self::Operation(operation, kind, id.map(str::to_owned)),
            None => Self::NoOperation(level, kind),
        }
    }

    /// The path without what belongs to a person, for the log.
    pub(super) fn template(&self) -> &'static str {
        match self {
            Self::Live => "/livez",
            Self::Base => "/",
            Self::Metadata => "/metadata",
            Self::OpenApi => "/openapi.json",
            Self::Type(_) => "/[type]",
            Self::Search(_) => "/[type]/_search",
            Self::Instance(..) => "/[type]/[id]",
            Self::Version(..) => "/[type]/[id]/_history/[vid]",
            Self::Compartment(..) => "/[type]/[id]/[type]",
            Self::SearchAll => "/_search",
            Self::History(None, _) => "/_history",
            Self::History(_, None) => "/[type]/_history",
            Self::History(_, Some(_)) => "/[type]/[id]/_history",
            Self::Operation(operation, kind, id) => operation.template(level(kind, id.is_some())),
            Self::NoOperation(Level::System, _) => "/$[operation]",
            Self::NoOperation(Level::Type, _) => "/[type]/$[operation]",
            Self::NoOperation(Level::Instance, _) => "/[type]/[id]/$[operation]",
        }
    }

    /// Resource type, for the log.
    pub(super) fn kind(&self) -> Option<&'static str> {
        match self {
            Self::Type(kind)
            | Self::Search(kind)
            | Self::Instance(kind, _)
            | Self::Version(kind, ..)
            | Self::Compartment(_, _, Some(kind))
            | Self::Compartment(kind, _, None)
            | Self::History(Some(kind), _) => Some(kind),
            Self::Operation(_, kind, _) | Self::NoOperation(_, kind) => (!kind.is_empty()).then_some(kind),
            Self::Live
            | Self::Base
            | Self::Metadata
            | Self::OpenApi
            | Self::SearchAll
            | Self::History(None, _) => None,
        }
    }

    /// A Binary, which can be had as it is, or what is no resource.
    pub(super) fn is_binary(&self) -> bool {
        matches!(self, Self::Instance("Binary", _) | Self::Version("Binary", ..) | Self::OpenApi)
    }

    /// What is posted here are parameters of an operation.
    pub(super) fn takes_parameters(&self) -> bool {
        matches!(self, Self::Operation(..))
    }

    /// A resource can be posted here without Parameters around it.
    pub(super) fn takes_resource(&self) -> bool {
        matches!(self, Self::Operation(operation, ..) if operation.takes_resource)
    }

    /// Methods offered here, for `Allow`.
    pub(super) fn allow(&self) -> &'static str {
        match self {
            Self::Search(_) | Self::SearchAll => POST,
            Self::Base => BOTH,
            Self::Operation(operation, kind, id) => match operation.methods(level(kind, id.is_some())) {
                Some(Methods::Post) => POST,
                _ => BOTH,
            },
            Self::NoOperation(..) => NONE,
            _ => READ,
        }
    }

    /// Refuses methods that are not offered here.
    ///
    /// # Errors
    /// An interaction of FHIR that is not offered, or a method that FHIR does not know here.
    pub(super) fn admit(&self, method: &Method) -> Result<()> {
        let read = method == Method::GET || method == Method::HEAD;
        let write = [Method::PUT, Method::PATCH, Method::DELETE].contains(method);
        let post = *method == Method::POST;
        let entry = match self {
            Self::Live
            | Self::Metadata
            | Self::OpenApi
            | Self::Version(..)
            | Self::Compartment(..)
            | Self::History(..)
                if !read =>
            {
                &error::METHOD_NOT_ALLOWED
            }
            Self::Base if post => return Ok(()),
            Self::Type(_) if post || write => &error::INTERACTION_UNSUPPORTED,
            Self::Instance(..) if write => &error::INTERACTION_UNSUPPORTED,
            Self::Base | Self::Type(_) | Self::Instance(..) if !read => &error::METHOD_NOT_ALLOWED,
            Self::Search(_) | Self::SearchAll if !post => &error::METHOD_NOT_ALLOWED,
            Self::Operation(..) if !(post || read && self.allow() == BOTH) => &error::METHOD_NOT_ALLOWED,
            Self::NoOperation(level, kind) if read || post => {
                let known = (!kind.is_empty()).then_some(*kind);
                return Err(Operation::unsupported(known, *level).allow(self.allow()));
            }
            Self::NoOperation(..) => &error::METHOD_NOT_ALLOWED,
            _ => return Ok(()),
        };
        Err(Error::new(entry).allow(self.allow()))
    }

    /// The interaction at this place, for a method that [`Place::admit`] let through.
    ///
    /// # Errors
    /// Interactions that are not offered.
    pub(super) fn interaction(self, given: Given) -> Result<Interaction> {
        let pairs = given.pairs;
        Ok(match self {
            // A query at the base is a search over all types.
            Self::SearchAll => Interaction::Search { kind: None, compartment: None, pairs },
            Self::Base if !pairs.is_empty() => Interaction::Search { kind: None, compartment: None, pairs },
            Self::Base | Self::Metadata => Interaction::Capabilities { pairs },
            Self::OpenApi => Interaction::OpenApi,
            Self::Type(kind) | Self::Search(kind) => {
                Interaction::Search { kind: Some(kind.to_owned()), compartment: None, pairs }
            }
            Self::Compartment(of, id, kind) => Interaction::Search {
                kind: kind.map(str::to_owned),
                compartment: Some((of.to_owned(), id)),
                pairs,
            },
            Self::Instance(kind, id) => Interaction::Read { kind: kind.to_owned(), id, pairs },
            Self::Version(kind, id, version) => {
                Interaction::VersionRead { kind: kind.to_owned(), id, version, pairs }
            }
            Self::History(kind, id) => Interaction::History { kind: kind.map(str::to_owned), id, pairs },
            Self::Operation(operation, kind, id) => {
                let given = Given { pairs, resources: given.resources };
                Interaction::Operation(Call { operation, kind: kind.to_owned(), id, given })
            }
            Self::Live | Self::NoOperation(..) => {
                return Err(Error::new(&error::PATH_UNKNOWN));
            }
        })
    }
}

fn level(kind: &str, instance: bool) -> Level {
    match (kind.is_empty(), instance) {
        (true, _) => Level::System,
        (false, false) => Level::Type,
        (false, true) => Level::Instance,
    }
}

#[cfg(test)]
mod tests;
