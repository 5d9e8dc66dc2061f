//! The header Authorization, once or several times: a credential is what was sent, or there is none.

#![no_main]

use gnuhealth_fhir::{interaction::Credential, server::credential};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let headers: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').take(3).collect();
    let read = credential::parse(headers.iter().copied());
    assert!(headers.len() < 2 || read.is_err(), "two headers are never a credential");
    assert!(!matches!(read, Ok(None)), "what was sent is read or refused");
    match read {
        Ok(Some(Credential::Basic { login, password })) => {
            assert!(!login.contains(':'), "a login ends at the first colon");
            assert!(!login.chars().chain(password.chars()).any(char::is_control));
        }
        Ok(Some(Credential::Bearer { key } | Credential::Session { key, .. })) => {
            assert!(!key.is_empty() && key.chars().all(|character| character.is_ascii_graphic()));
        }
        _ => {}
    }
});
