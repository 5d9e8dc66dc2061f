//! What words of a header are made of.

/// `token` of <https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2>.
pub(super) fn is_token(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(plain)
}

/// `token68` of <https://www.rfc-editor.org/rfc/rfc9110#section-11.2>, which is the `b64token` of RFC 6750; also empty.
pub(super) fn is_token68(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    text.trim_end_matches('=').bytes().all(plain)
}
