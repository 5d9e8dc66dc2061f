use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{LONGEST_KEY, parse};
use crate::interaction::Credential;

/// The credential in a form that can be compared, or the code of the error.
fn read(values: &[&[u8]]) -> Result<Option<String>, &'static str> {
    let shown = |credential| match credential {
        Credential::Basic { login, password } => format!("basic {login} {password}"),
        Credential::Bearer { key } => format!("bearer {key}"),
        Credential::Session { user, key } => format!("session {user} {key}"),
        Credential::Kept { .. } => panic!("no header gives it"),
    };
    parse(values.iter().copied()).map(|credential| credential.map(shown)).map_err(|error| error.entry().code)
}

fn encoded(scheme: &str, text: &[u8]) -> Vec<u8> {
    format!("{scheme} {}", STANDARD.encode(text)).into_bytes()
}

#[track_caller]
fn is(header: &[u8], expected: &str) {
    assert_eq!(read(&[header]), Ok(Some(expected.to_owned())));
}

#[track_caller]
fn refused(header: &[u8], code: &'static str) {
    assert_eq!(read(&[header]), Err(code), "{}", String::from_utf8_lossy(header));
}

#[test]
fn login_and_password_are_read_exactly() {
    assert_eq!(read(&[]), Ok(None));
    is(&encoded("Basic", b"admin:a:b c"), "basic admin a:b c");
    is(&encoded("Basic", "é:ñ".as_bytes()), "basic é ñ");
    is(&encoded("Basic", b":"), "basic  ");
    is(b"bAsIc  YTpi ", "basic a b");
}

#[test]
fn keys_are_read_exactly() {
    is(b"Bearer 0aF-._~+/==", "bearer 0aF-._~+/==");
    is(b"bearer   abc  ", "bearer abc");
    let long = "k".repeat(LONGEST_KEY);
    is(format!("Bearer {long}").as_bytes(), &format!("bearer {long}"));
    refused(format!("Bearer {long}k").as_bytes(), "credential-malformed");
    for header in [
        "Bearer",
        "Bearer ",
        "Bearer   ",
        "Bearer a b",
        "Bearer a,b",
        "Bearer a=b",
        "Bearer \"a\"",
        "Bearer é",
    ] {
        refused(header.as_bytes(), "credential-malformed");
    }
}

#[test]
fn sessions_are_read_exactly() {
    is(&encoded("Session", b"admin:1:abc"), "session 1 abc");
    is(&encoded("SESSION", "é:0012:A_b".as_bytes()), "session 12 A_b");
    is(&encoded("Session", b":7:x/y"), "session 7 x/y");
    for text in [
        &b""[..],
        b"::",
        b"admin",
        b"admin:1",
        b"admin:1:",
        b"admin::abc",
        b"admin:1:abc:d",
        b"ad:min:1:abc",
        b"admin:one:abc",
        b"admin:+1:abc",
        b"admin:-1:abc",
        b"admin: 1:abc",
        b"admin:1_0:abc",
        b"admin:1.0:abc",
        b"admin:2147483648:abc",
        b"admin:1:abc\0",
        b"admin:1:abc\n",
        b"admin:1:a bc",
        "admin:4:\u{228}".as_bytes(),
        b"admin:1:\xff",
        "admin:\u{661}:abc".as_bytes(),
    ] {
        refused(&encoded("Session", text), "credential-malformed");
    }
    refused(
        &encoded("Session", format!("a:1:{}", "k".repeat(LONGEST_KEY + 1)).as_bytes()),
        "credential-malformed",
    );
    refused(b"Session YWRtaW46MTphYg", "credential-malformed");
}

#[test]
fn what_can_be_read_in_two_ways_or_in_none_is_refused() {
    for header in [
        &b""[..],
        b"Basic",
        b"Basic ",
        b"Basic YTpi=",
        b"Basic YTp",
        b"Basic YT pi",
        b"Basic YTpi\t",
        b"Basic\tYTpi",
        b"Basic !",
        b"Basic YTpi, Bearer abc",
        b"Basic YTpi,Bearer abc",
        b"Bearer abc, Basic YTpi",
        b"Session YTpi, Basic YTpi",
        b"Basic Basic YTpi",
        b"Basic YT-_",
        b"\xff\xff x",
        b" YTpi",
        b"Ba(sic YTpi",
        b"Basic, YTpi",
        b"Basic YTpi\0",
        b"\xef\xbb\xbfBasic YTpi",
    ] {
        refused(header, "credential-malformed");
    }
    refused(&encoded("Basic", b"nocolon"), "credential-malformed");
    refused(&encoded("Basic", b"a:\xff"), "credential-malformed");
    refused(&encoded("Basic", b"a\0:b"), "credential-malformed");
    refused(&encoded("Basic", b"a:b\n"), "credential-malformed");
    refused(&encoded("Basic", "a:b\u{85}".as_bytes()), "credential-malformed");
    let basic = encoded("Basic", b"a:b");
    for second in [&basic[..], b"Bearer abc", b""] {
        assert_eq!(read(&[&basic, second]), Err("credential-malformed"));
        assert_eq!(read(&[second, &basic]), Err("credential-malformed"));
    }
}

#[test]
fn other_schemes_are_told_apart_from_nonsense() {
    for header in ["Digest username=\"a\"", "Negotiate abc", "Bearer2 abc", "x y", "OAuth abc, Basic YTpi"] {
        refused(header.as_bytes(), "credential-scheme");
    }
}

/// A sequence of numbers that is the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).unwrap()
    }

    fn text(&mut self, alphabet: &[char]) -> String {
        (0..self.below(12)).map(|_| alphabet[self.below(alphabet.len())]).collect()
    }
}

#[test]
fn what_is_written_is_read_again() {
    let alphabet: Vec<char> = "aZ0 :;,=\"\\é字🩺".chars().collect();
    let plain: Vec<char> = "aZ09-._~+/".chars().collect();
    let mut numbers = Numbers(42);
    for _ in 0..20_000 {
        let (login, rest) = (numbers.text(&alphabet).replace(':', ""), numbers.text(&alphabet));
        is(&encoded("Basic", format!("{login}:{rest}").as_bytes()), &format!("basic {login} {rest}"));
        let (user, key) = (numbers.below(1 << 31), format!("k{}", numbers.text(&plain)));
        is(&encoded("Session", format!("{login}:{user}:{key}").as_bytes()), &format!("session {user} {key}"));
        is(format!("Bearer {key}").as_bytes(), &format!("bearer {key}"));
    }
}

/// Whatever comes, a credential that is read has no control character, no empty key, and is made of one header only.
#[test]
fn any_bytes_end_in_a_credential_or_a_refusal() {
    let pieces: [&[u8]; 18] = [
        b"Basic",
        b"bearer",
        b"SESSION",
        b" ",
        b"  ",
        b"\t",
        b",",
        b":",
        b"=",
        b"YTpi",
        b"YToxOmtleQ==",
        b"\0",
        b"\xff",
        b"\xc3\xa9",
        b"AA",
        b"Digest",
        b"\r\n",
        b"zzzz",
    ];
    let (mut numbers, mut read) = (Numbers(7), [0_u32; 3]);
    for _ in 0..200_000 {
        let one: Vec<u8> =
            (0..numbers.below(6)).flat_map(|_| pieces[numbers.below(pieces.len())]).copied().collect();
        match parse([&one[..]]) {
            Ok(Some(Credential::Basic { login, password })) => {
                assert!(!format!("{login}{password}").contains(char::is_control));
                read[0] += 1;
            }
            Ok(Some(Credential::Bearer { key } | Credential::Session { key, .. })) => {
                assert!(!key.is_empty() && !key.contains(char::is_control));
                read[1] += 1;
            }
            Ok(Some(Credential::Kept { .. })) => panic!("no header gives it"),
            Ok(None) => panic!("there is a header"),
            Err(error) => {
                assert!(["credential-malformed", "credential-scheme"].contains(&error.entry().code));
                read[2] += 1;
            }
        }
        assert!(parse([&one[..], b"Basic YTpi"]).is_err());
    }
    assert!(read.iter().all(|count| *count > 10), "{read:?}");
}
