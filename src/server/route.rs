//! Path and method become an interaction (<https://hl7.org/fhir/R4/http.html#summary>).

use hyper::Method;

use super::{target, types};
use crate::{
    config::BasePath,
    error::{self, Error, Result},
    interaction::Interaction,
};

const READ: &str = "GET, HEAD, OPTIONS";
const SEARCH: &str = "POST, OPTIONS";
const OPERATION: &str = "GET, HEAD, POST, OPTIONS";
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
    /// `[base]/_history`, `[base]/_search`, `[base]/$…`: understood but not offered.
    System(&'static str),
    /// `[base]/[type]`.
    Type(&'static str),
    /// `[base]/[type]/_search`.
    Search(&'static str),
    /// `[base]/[type]/[id]`.
    Instance(&'static str, String),
    /// `[base]/[type]/[id]/_history/[vid]`.
    Version(&'static str, String, String),
    /// `[base]/Patient/[id]/[type]`: the patient's compartment.
    Compartment(String, &'static str),
    /// `[base]/DocumentReference/$docref`.
    DocRef,
    /// Anything else below a type that FHIR knows: template and type.
    Other(&'static str, &'static str),
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
            ["_history"] => return Ok(Self::System("/_history")),
            ["_search"] => return Ok(Self::System("/_search")),
            [operation] if operation.starts_with('$') => return Ok(Self::System("/$[operation]")),
            _ => {}
        }
        let kind = types::known(parts[0]).ok_or_else(|| Error::new(&error::TYPE_UNKNOWN))?;
        Ok(match parts[1..] {
            [] => Self::Type(kind),
            ["_search"] => Self::Search(kind),
            ["_history"] => Self::Other("/[type]/_history", kind),
            [id] if !id.starts_with('$') => Self::Instance(kind, id.to_owned()),
            [_, "_history"] => Self::Other("/[type]/[id]/_history", kind),
            [id, "_history", version] => Self::Version(kind, id.to_owned(), version.to_owned()),
            ["$docref"] if kind == "DocumentReference" => Self::DocRef,
            [operation] | [_, operation] if operation.starts_with('$') => {
                Self::Other("/[type]/$[operation]", kind)
            }
            [id, other] if kind == "Patient" && types::known(other).is_some() => {
                Self::Compartment(id.to_owned(), types::known(other).unwrap_or_default())
            }
            [_, other] if other == "*" || types::known(other).is_some() => {
                Self::Other("/[type]/[id]/[type]", kind)
            }
            _ => return Err(unknown()),
        })
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
            Self::Compartment(..) => "/Patient/[id]/[type]",
            Self::DocRef => "/DocumentReference/$docref",
            Self::System(template) | Self::Other(template, _) => template,
        }
    }

    /// Resource type, for the log.
    pub(super) fn kind(&self) -> Option<&'static str> {
        match self {
            Self::Type(kind)
            | Self::Search(kind)
            | Self::Instance(kind, _)
            | Self::Version(kind, ..)
            | Self::Compartment(_, kind)
            | Self::Other(_, kind) => Some(kind),
            Self::DocRef => Some("DocumentReference"),
            Self::Live | Self::Base | Self::Metadata | Self::OpenApi | Self::System(_) => None,
        }
    }

    /// A Binary, which can be had as it is, or what is no resource.
    pub(super) fn is_binary(&self) -> bool {
        matches!(self, Self::Instance("Binary", _) | Self::Version("Binary", ..) | Self::OpenApi)
    }

    /// Methods offered here, for `Allow`.
    pub(super) fn allow(&self) -> &'static str {
        match self {
            Self::Search(_) => SEARCH,
            Self::DocRef => OPERATION,
            Self::System(_) | Self::Other(..) => NONE,
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
        let entry = match self {
            Self::Live | Self::Metadata | Self::OpenApi | Self::Version(..) | Self::Compartment(..)
                if !read =>
            {
                &error::METHOD_NOT_ALLOWED
            }
            Self::Base if *method == Method::POST => &error::INTERACTION_UNSUPPORTED,
            Self::Type(_) if *method == Method::POST || write => &error::INTERACTION_UNSUPPORTED,
            Self::Instance(..) if write => &error::INTERACTION_UNSUPPORTED,
            Self::Base | Self::Type(_) | Self::Instance(..) if !read => &error::METHOD_NOT_ALLOWED,
            Self::Search(_) if *method != Method::POST => &error::METHOD_NOT_ALLOWED,
            Self::DocRef if !read && *method != Method::POST => &error::METHOD_NOT_ALLOWED,
            Self::System(_) | Self::Other(..) if read || *method == Method::POST => {
                &error::INTERACTION_UNSUPPORTED
            }
            Self::System(_) | Self::Other(..) => &error::METHOD_NOT_ALLOWED,
            _ => return Ok(()),
        };
        Err(Error::new(entry).allow(self.allow()))
    }

    /// The interaction at this place, for a method that [`Place::admit`] let through.
    ///
    /// # Errors
    /// Interactions that are not offered.
    pub(super) fn interaction(self, pairs: Vec<(String, String)>) -> Result<Interaction> {
        Ok(match self {
            // A query at the base is a search over all types.
            Self::Base if !pairs.is_empty() => {
                return Err(Error::new(&error::INTERACTION_UNSUPPORTED).allow(READ));
            }
            Self::Base | Self::Metadata => Interaction::Capabilities { pairs },
            Self::OpenApi => Interaction::OpenApi,
            Self::Type(kind) | Self::Search(kind) => {
                Interaction::Search { kind: kind.to_owned(), patient: None, pairs }
            }
            Self::Compartment(patient, kind) => {
                Interaction::Search { kind: kind.to_owned(), patient: Some(patient), pairs }
            }
            Self::Instance(kind, id) => Interaction::Read { kind: kind.to_owned(), id, pairs },
            Self::Version(kind, id, version) => {
                Interaction::VersionRead { kind: kind.to_owned(), id, version, pairs }
            }
            Self::DocRef => Interaction::DocRef { pairs },
            Self::Live | Self::System(_) | Self::Other(..) => return Err(Error::new(&error::PATH_UNKNOWN)),
        })
    }
}

#[cfg(test)]
mod tests;
