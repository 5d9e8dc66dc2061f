//! Who calls and under which address: base URL and client address (<https://hl7.org/fhir/R4/http.html#root>).
//!
//! Headers of proxies count only when the peer is a trusted proxy. Of a list, each proxy on the way adds an item on the
//! right; as many items are believed as trusted proxies stand in a row.

use std::net::{IpAddr, SocketAddr};

use hyper::{
    header::{HOST, HeaderMap},
    http::uri::Uri,
};

use super::{Options, forwarded};
use crate::error::{self, Error, Result};

/// What is known about the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Peer {
    /// Address of the client, not of the proxy.
    pub client: IpAddr,
    /// Absolute base URL without a trailing slash.
    pub base: String,
}

/// Finds client and base of a request that came from `peer` to `local`.
///
/// # Errors
/// Host or forwarding headers that are malformed or contradict each other.
pub(super) fn peer(
    options: &Options,
    headers: &HeaderMap,
    uri: &Uri,
    peer: SocketAddr,
    local: SocketAddr,
) -> Result<Peer> {
    let host = host(headers, uri)?;
    let from = peer.ip().to_canonical();
    let trusted = |address: IpAddr| options.trusts(address);
    let told =
        if trusted(from) { forwarded::read(headers, trusted)? } else { forwarded::Forwarded::default() };
    let client = told.client.unwrap_or(from);
    let base = match &options.base_url {
        Some(base) => base.as_str().to_owned(),
        None => {
            let host = told.host.or(host).unwrap_or_else(|| local.to_string());
            let scheme = told.scheme.unwrap_or(if options.tls.is_some() { "https" } else { "http" });
            format!("{scheme}://{host}{}{}", told.prefix.unwrap_or_default(), options.base_path.as_str())
        }
    };
    Ok(Peer { client, base })
}

/// Host as the client names it: of the request line (HTTP/2 and absolute form), else of the header. Both must agree.
fn host(headers: &HeaderMap, uri: &Uri) -> Result<Option<String>> {
    let wrong = |detail: &str| Error::new(&error::REQUEST_MALFORMED).detail(detail);
    let mut values = headers.get_all(HOST).iter();
    let named = values.next().map(|value| value.to_str().map_err(|_| wrong("The Host header is malformed.")));
    let named = named.transpose()?;
    if values.next().is_some() {
        return Err(wrong("There are several Host headers."));
    }
    let line = uri.authority().map(hyper::http::uri::Authority::as_str);
    match (line, named) {
        (Some(line), Some(named)) if !line.eq_ignore_ascii_case(named) => {
            Err(wrong("The Host header and the request line name different hosts."))
        }
        (Some(host), _) | (None, Some(host)) => match authority(host) {
            Some(host) => Ok(Some(host)),
            None => Err(wrong("The Host header is malformed.")),
        },
        (None, None) => Ok(None),
    }
}

/// `host`, `host:port` or `[v6]:port` in lower case; `None` for anything else, so that nothing can be smuggled into links.
pub(super) fn authority(text: &str) -> Option<String> {
    let (host, port) = match text.rfind(']') {
        Some(end) => {
            text[..=end].strip_prefix('[')?.strip_suffix(']')?.parse::<std::net::Ipv6Addr>().ok()?;
            (&text[..=end], &text[end + 1..])
        }
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let name = host.starts_with('[')
        || (!host.is_empty()
            && host.len() <= 253
            && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)));
    let port = port.is_empty()
        || port.strip_prefix(':').is_some_and(|port| {
            port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0)
        });
    (name && port).then(|| text.to_ascii_lowercase())
}

#[cfg(test)]
mod tests;
