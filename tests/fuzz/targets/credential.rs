//! The header Authorization, once or several times: a credential is what was sent, or there is none.

#![no_main]

use gnuhealth_fhir::{interaction::Credential, server::credential};
use http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut headers = HeaderMap::new();
    let mut count = 0;
    for line in bytes.split(|byte| *byte == b'\n').take(3) {
        if let Ok(value) = HeaderValue::from_bytes(line) {
            headers.append(AUTHORIZATION, value);
            count += 1;
        }
    }
    let read = credential(&headers);
    assert!(count > 0 || matches!(read, Ok(None)), "nothing sent, nothing found");
    assert!(count < 2 || read.is_err(), "two headers are never a credential");
    if count == 1 {
        assert!(!matches!(read, Ok(None)), "what was sent is read or refused");
    }
    #[allow(irrefutable_let_patterns, reason = "other schemes may join")]
    if let Ok(Some(Credential::Basic { login, password })) = read {
        assert!(!login.contains(':'), "a login ends at the first colon");
        assert!(!login.chars().chain(password.chars()).any(char::is_control));
    }
});
