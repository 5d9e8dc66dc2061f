//! `Forwarded` (<https://www.rfc-editor.org/rfc/rfc7239>) and `X-Forwarded-*`.

use std::net::{IpAddr, SocketAddr};

use hyper::header::HeaderMap;

use super::peer::authority;
use crate::error::{self, Error, Result};

/// What trusted proxies tell about the client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Forwarded {
    pub client: Option<IpAddr>,
    pub scheme: Option<&'static str>,
    pub host: Option<String>,
    pub prefix: Option<String>,
}

fn wrong(detail: &str) -> Error {
    Error::new(&error::REQUEST_MALFORMED).detail(detail)
}

/// Reads both families of headers.
///
/// # Errors
/// Malformed values, or families that contradict each other: one of them was then sent by the client.
pub(super) fn read(headers: &HeaderMap, trusted: impl Fn(IpAddr) -> bool) -> Result<Forwarded> {
    let standard = standard(&list(headers, "forwarded")?, &trusted)?;
    let custom = custom(headers, &trusted)?;
    Ok(Forwarded {
        client: agree(standard.client, custom.client)?,
        scheme: agree(standard.scheme, custom.scheme)?,
        host: agree(standard.host, custom.host)?,
        prefix: custom.prefix,
    })
}

fn agree<T: PartialEq>(one: Option<T>, other: Option<T>) -> Result<Option<T>> {
    match (one, other) {
        (Some(one), Some(other)) if one != other => {
            Err(wrong("Forwarded and X-Forwarded headers contradict each other."))
        }
        (one, other) => Ok(one.or(other)),
    }
}

/// Items of a header that may stand several times.
fn list(headers: &HeaderMap, name: &str) -> Result<Vec<String>> {
    let mut items = Vec::new();
    for value in headers.get_all(name) {
        let text = value.to_str().map_err(|_| wrong("A forwarding header is malformed."))?;
        items.extend(text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned));
    }
    Ok(items)
}

/// The client among addresses, leftmost first, and how many trusted proxies told so.
fn walk(addresses: &[Option<IpAddr>], trusted: impl Fn(IpAddr) -> bool) -> (Option<IpAddr>, usize) {
    let mut client = None;
    for (hops, address) in addresses.iter().rev().enumerate() {
        let Some(address) = address else { return (client, hops + 1) };
        client = Some(*address);
        if !trusted(*address) {
            return (client, hops + 1);
        }
    }
    (client, addresses.len().max(1))
}

/// The item that the outermost of `hops` trusted proxies wrote; proxies that overwrite leave one item.
fn outermost<T>(items: &[T], hops: usize) -> Option<&T> {
    items.get(items.len().saturating_sub(hops))
}

fn custom(headers: &HeaderMap, trusted: impl Fn(IpAddr) -> bool) -> Result<Forwarded> {
    let addresses: Vec<_> = list(headers, "x-forwarded-for")?.iter().map(|text| node(text)).collect();
    let (client, hops) = walk(&addresses, trusted);
    let prefix = list(headers, "x-forwarded-prefix")?;
    let prefix = outermost(&prefix, hops).map(|text| text.trim_end_matches('/').to_owned());
    if prefix.as_ref().is_some_and(|prefix| !plain(prefix)) {
        return Err(wrong("X-Forwarded-Prefix is malformed."));
    }
    Ok(Forwarded {
        client,
        scheme: outermost(&list(headers, "x-forwarded-proto")?, hops).map(|text| scheme(text)).transpose()?,
        host: outermost(&list(headers, "x-forwarded-host")?, hops).map(|text| host(text)).transpose()?,
        prefix: prefix.filter(|prefix| !prefix.is_empty()),
    })
}

fn standard(items: &[String], trusted: impl Fn(IpAddr) -> bool) -> Result<Forwarded> {
    let parameter = |item: &str, name: &str| {
        item.split(';').filter_map(|pair| pair.split_once('=')).find_map(|(key, value)| {
            key.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"').to_owned())
        })
    };
    let addresses: Vec<_> =
        items.iter().map(|item| parameter(item, "for").and_then(|text| node(&text))).collect();
    let (client, hops) = walk(&addresses, trusted);
    let Some(item) = outermost(items, hops) else { return Ok(Forwarded::default()) };
    Ok(Forwarded {
        client,
        scheme: parameter(item, "proto").map(|text| scheme(&text)).transpose()?,
        host: parameter(item, "host").map(|text| host(&text)).transpose()?,
        prefix: None,
    })
}

fn node(text: &str) -> Option<IpAddr> {
    let text = text.trim_matches('"');
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()))?;
    Some(IpAddr::to_canonical(&address))
}

fn scheme(text: &str) -> Result<&'static str> {
    match text.to_ascii_lowercase().as_str() {
        "http" => Ok("http"),
        "https" => Ok("https"),
        _ => Err(wrong("The scheme in a forwarding header is neither http nor https.")),
    }
}

fn host(text: &str) -> Result<String> {
    authority(text).ok_or_else(|| wrong("The host in a forwarding header is malformed."))
}

fn plain(prefix: &str) -> bool {
    prefix.is_empty()
        || prefix.strip_prefix('/').is_some_and(|path| {
            path.split('/').all(|part| {
                !part.is_empty()
                    && !part.starts_with('.')
                    && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b))
            })
        })
}
