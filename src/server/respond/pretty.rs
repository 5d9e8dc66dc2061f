//! `_pretty` (<https://hl7.org/fhir/R4/http.html#pretty>).

/// Indents JSON without reading it: every digit stays as it was.
pub(super) fn pretty(json: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(json.len() * 2);
    let mut depth = 0;
    let mut bytes = json.iter().copied().peekable();
    let mut string = false;
    while let Some(byte) = bytes.next() {
        if string {
            out.push(byte);
            match byte {
                b'\\' => out.extend(bytes.next()),
                b'"' => string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => {
                string = true;
                out.push(byte);
            }
            b'{' | b'[' => {
                out.push(byte);
                while bytes.next_if(u8::is_ascii_whitespace).is_some() {}
                match bytes.next_if(|next| matches!(next, b'}' | b']')) {
                    Some(close) => out.push(close),
                    None => {
                        depth += 1;
                        line(&mut out, depth);
                    }
                }
            }
            b'}' | b']' => {
                depth = usize::saturating_sub(depth, 1);
                line(&mut out, depth);
                out.push(byte);
            }
            b',' => {
                out.push(byte);
                line(&mut out, depth);
            }
            b':' => out.extend(b": "),
            byte if byte.is_ascii_whitespace() => {}
            byte => out.push(byte),
        }
    }
    out.push(b'\n');
    out
}

fn line(out: &mut Vec<u8>, depth: usize) {
    out.push(b'\n');
    out.resize(out.len() + 2 * depth, b' ');
}

#[cfg(test)]
mod tests {
    use super::pretty;

    #[test]
    fn only_blanks_change() {
        let json = br#"{"a":[],"b":{ },"c":[1.10,{"d":"x\",{:\\"}],"e":"\u00e9"}"#;
        let expected = "{\n  \"a\": [],\n  \"b\": {},\n  \"c\": [\n    1.10,\n    {\n      \"d\": \"x\\\",{:\\\\\"\n    }\n  ],\n  \"e\": \"\\u00e9\"\n}\n";
        let text = String::from_utf8(pretty(json)).unwrap();
        assert_eq!(text, expected);
        assert_eq!(pretty(text.as_bytes()), text.as_bytes());
    }
}
