//! Compressed bodies (<https://www.rfc-editor.org/rfc/rfc9110#section-12.5.3>).

use std::io::{self, Write as _};

use brotli::CompressorWriter;
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use hyper::header::{ACCEPT_ENCODING, CONTENT_ENCODING, HeaderMap, HeaderValue};

use crate::server::negotiate::weighted;

/// Smaller bodies do not gain from it.
const SMALL: usize = 1 << 10;
/// Larger bodies are compressed on a thread of their own, so that others need not wait.
const LARGE: usize = 128 << 10;

/// A content coding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Coding {
    Zstd,
    Gzip,
    Brotli,
}

impl Coding {
    /// All, the cheapest for its size first.
    const ALL: [Self; 3] = [Self::Zstd, Self::Gzip, Self::Brotli];

    fn name(self) -> &'static str {
        match self {
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
            Self::Brotli => "br",
        }
    }

    /// The one the client likes best; of equals the cheapest.
    fn accepted(headers: &HeaderMap) -> Option<Self> {
        let lines = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
        let wanted: Vec<_> = lines.flat_map(weighted).collect();
        let weight = |coding: Self| {
            let is = |name: &str| {
                name.eq_ignore_ascii_case(coding.name())
                    || (coding == Self::Gzip && name.eq_ignore_ascii_case("x-gzip"))
            };
            let named = wanted.iter().find(|(name, _)| is(name));
            named.or_else(|| wanted.iter().find(|(name, _)| *name == "*")).map_or(0, |(_, weight)| *weight)
        };
        // Of equal ones `max_by_key` takes the last.
        let best = Self::ALL.into_iter().rev().max_by_key(|coding| weight(*coding))?;
        (weight(best) > 0).then_some(best)
    }

    fn compress(self, body: &[u8]) -> io::Result<Vec<u8>> {
        let space = Vec::with_capacity(body.len() / 6);
        match self {
            Self::Zstd => zstd::bulk::compress(body, ZSTD_LEVEL),
            Self::Gzip => {
                let mut encoder = GzEncoder::new(space, Compression::fast());
                encoder.write_all(body)?;
                encoder.finish()
            }
            Self::Brotli => {
                let mut encoder = CompressorWriter::new(space, BROTLI_BUFFER, BROTLI_QUALITY, BROTLI_WINDOW);
                encoder.write_all(body)?;
                Ok(encoder.into_inner())
            }
        }
    }
}

const ZSTD_LEVEL: i32 = 1;
const BROTLI_BUFFER: usize = 16 << 10;
const BROTLI_QUALITY: u32 = 1;
/// Bits; what the specification of the coding recommends for texts of the web.
const BROTLI_WINDOW: u32 = 22;

/// Compresses a body if the client accepts it and it is worth it.
pub(super) async fn compress(request: &HeaderMap, response: &mut HeaderMap, body: Vec<u8>) -> Bytes {
    let body = Bytes::from(body);
    let Some(coding) = Coding::accepted(request).filter(|_| body.len() > SMALL) else { return body };
    let compressed = if body.len() < LARGE {
        coding.compress(&body)
    } else {
        let shared = body.clone();
        // It cannot be joined when the runtime is being shut down.
        let work = tokio::task::spawn_blocking(move || coding.compress(&shared)).await;
        work.unwrap_or_else(|error| Err(io::Error::other(error)))
    };
    let Ok(compressed) = compressed else { return body };
    response.insert(CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
    Bytes::from(compressed)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use hyper::header::{ACCEPT_ENCODING, HeaderMap, HeaderValue};

    use super::Coding;

    #[test]
    fn the_coding_is_the_one_the_client_likes_best() {
        let accepted = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(value));
            Coding::accepted(&headers)
        };
        assert_eq!(Coding::accepted(&HeaderMap::new()), None);
        for (value, expected) in [
            ("gzip", Some(Coding::Gzip)),
            ("x-gzip", Some(Coding::Gzip)),
            ("br, GZIP;q=0.1", Some(Coding::Brotli)),
            ("gzip, deflate, br", Some(Coding::Gzip)),
            ("gzip, deflate, br, zstd", Some(Coding::Zstd)),
            ("zstd;q=0.5, br;q=0.8, gzip;q=0.7", Some(Coding::Brotli)),
            ("*", Some(Coding::Zstd)),
            ("*, zstd;q=0", Some(Coding::Gzip)),
            ("*;q=0, br;q=0.2", Some(Coding::Brotli)),
            ("", None),
            ("deflate", None),
            ("gzip;q=0", None),
            ("*;q=0", None),
            ("identity", None),
        ] {
            assert_eq!(accepted(value), expected, "{value}");
        }
    }

    fn whole(mut reader: impl Read) -> Vec<u8> {
        let mut read = Vec::new();
        reader.read_to_end(&mut read).unwrap();
        read
    }

    #[test]
    fn what_is_compressed_is_read_again() {
        let body: Vec<u8> =
            (0..40_000u32).flat_map(|number| (number % 977).to_string().into_bytes()).collect();
        for coding in Coding::ALL {
            let packed = coding.compress(&body).unwrap();
            assert!(packed.len() < body.len() / 2, "{coding:?}");
            let packed = packed.as_slice();
            let read = match coding {
                Coding::Zstd => zstd::decode_all(packed).unwrap(),
                Coding::Gzip => whole(flate2::read::GzDecoder::new(packed)),
                Coding::Brotli => whole(brotli::Decompressor::new(packed, 4096)),
            };
            assert_eq!(read, body, "{coding:?}");
        }
    }
}
