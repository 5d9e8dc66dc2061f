//! Compressed bodies.

use std::io::Write as _;

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use hyper::header::{ACCEPT_ENCODING, CONTENT_ENCODING, HeaderMap, HeaderValue};

use crate::server::negotiate::weighted;

/// Smaller bodies do not gain from it.
const SMALL: usize = 1 << 10;
/// Larger bodies are compressed on a thread of their own, so that others need not wait.
const LARGE: usize = 128 << 10;

/// Compresses a body if the client accepts it and it is worth it.
pub(super) async fn compress(request: &HeaderMap, response: &mut HeaderMap, body: Vec<u8>) -> Bytes {
    let body = Bytes::from(body);
    if body.len() <= SMALL || !accepts_gzip(request) {
        return body;
    }
    let compressed = if body.len() < LARGE {
        gzip(&body)
    } else {
        let shared = body.clone();
        match tokio::task::spawn_blocking(move || gzip(&shared)).await {
            Ok(compressed) => compressed,
            // The runtime is being shut down.
            Err(_) => return body,
        }
    };
    response.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    Bytes::from(compressed)
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 6), Compression::fast());
    encoder.write_all(body).and_then(|()| encoder.finish()).expect("a vector takes every byte")
}

fn accepts_gzip(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let mut any = false;
    for (coding, weight) in lines.flat_map(weighted) {
        if coding.eq_ignore_ascii_case("gzip") || coding.eq_ignore_ascii_case("x-gzip") {
            return weight > 0;
        }
        any |= coding == "*" && weight > 0;
    }
    any
}

#[cfg(test)]
mod tests {
    use hyper::header::{ACCEPT_ENCODING, HeaderMap, HeaderValue};

    use super::accepts_gzip;

    #[test]
    fn gzip_is_used_only_when_accepted() {
        let accepts = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(value));
            accepts_gzip(&headers)
        };
        assert!(!accepts_gzip(&HeaderMap::new()));
        for value in ["gzip", "br, GZIP;q=0.1", "*"] {
            assert!(accepts(value), "{value}");
        }
        for value in ["", "br", "gzip;q=0", "*, gzip;q=0", "*;q=0", "identity"] {
            assert!(!accepts(value), "{value}");
        }
    }
}
