//! The page and its files.

use bytes::Bytes;
use hyper::{
    StatusCode,
    header::{
        CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, SET_COOKIE, VARY,
    },
};

use super::{Reply, Response, compress, conditional};
use crate::{interaction::Answer, page, server::page::Done};

/// Scripts, styles and data from this server alone; no script may write markup; nobody may frame the page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

impl Reply<'_> {
    /// What the page is made of, or asked for.
    pub(in crate::server) async fn page(&self, done: Done) -> Response {
        match done {
            Done::Index => {
                let text = page::index(self.options.base_path.as_str()).into_bytes();
                self.file("text/html; charset=utf-8", text, "no-cache").await
            }
            Done::File(file) => {
                self.file(file.media, file.bytes.to_vec(), "public, max-age=31536000, immutable").await
            }
            Done::Data(answer, cookie) => {
                let mut response = self.start(StatusCode::OK);
                let headers = response.headers_mut();
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
                headers.extend(cookie.map(|cookie| (SET_COOKIE, cookie)));
                let body = compress::compress(&self.parts.headers, headers, answer.body).await;
                self.finish(response, body)
            }
            Done::SignedOut(cookie) => {
                let mut response = self.start(StatusCode::NO_CONTENT);
                let headers = response.headers_mut();
                headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
                headers.extend(cookie.map(|cookie| (SET_COOKIE, cookie)));
                response
            }
        }
    }

    async fn file(&self, media: &'static str, bytes: Vec<u8>, cache: &'static str) -> Response {
        // The version of one is that of all.
        let version = Answer { version: Some(page::version().to_owned()), ..Answer::default() };
        let unchanged = conditional::unchanged(&self.parts.headers, &version);
        let mut response = self.start(if unchanged { StatusCode::NOT_MODIFIED } else { StatusCode::OK });
        let headers = response.headers_mut();
        conditional::validators(&version, headers);
        for (name, value) in [
            (CACHE_CONTROL, cache),
            (VARY, "Accept-Encoding"),
            (CONTENT_SECURITY_POLICY, POLICY),
            (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
            (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        if unchanged {
            return response;
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media));
        let body: Bytes = compress::compress(&self.parts.headers, headers, bytes).await;
        self.finish(response, body)
    }
}
