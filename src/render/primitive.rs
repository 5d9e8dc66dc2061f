//! FHIR primitives and the datatypes that are written from one column.

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::tz::TimeZone;

use super::record::{self, Malformed};
use crate::mapping::compiled::{Kind, Leaf};

/// Writes a JSON string.
pub fn string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut rest = 0;
    for (index, byte) in text.bytes().enumerate() {
        let escape: &[u8] = match byte {
            b'"' => b"\\\"",
            b'\\' => b"\\\\",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            b'\t' => b"\\t",
            0..=0x1f => b"",
            _ => continue,
        };
        // Other control characters are not allowed in FHIR strings; they are left out.
        out.extend_from_slice(&text.as_bytes()[rest..index]);
        out.extend_from_slice(escape);
        rest = index + 1;
    }
    out.extend_from_slice(&text.as_bytes()[rest..]);
    out.push(b'"');
}

/// The value of a column as text: what code maps and ids are looked up by.
pub fn key(kind: Kind, bytes: &[u8]) -> Result<String, Malformed> {
    Ok(match kind {
        Kind::Boolean => record::boolean(bytes).to_string(),
        Kind::Integer => record::integer(bytes)?.to_string(),
        Kind::Float => record::float(bytes)?.to_string(),
        Kind::Numeric => record::numeric(bytes)?.unwrap_or_default(),
        _ => record::text(bytes)?.to_owned(),
    })
}

/// Writes a leaf; false when the column has no value that FHIR can write.
pub fn leaf(out: &mut Vec<u8>, leaf: &Leaf, bytes: &[u8], zone: &TimeZone) -> Result<bool, Malformed> {
    let kind = leaf.expression.kind();
    if let Some(codes) = &leaf.codes {
        let Some(code) = codes.code(&key(kind, bytes)?) else { return Ok(false) };
        match leaf.type_name {
            "boolean" | "integer" | "decimal" | "positiveInt" | "unsignedInt" => {
                out.extend_from_slice(code.code.as_bytes())
            }
            _ => string(out, &code.code),
        }
        return Ok(true);
    }
    match kind {
        Kind::Boolean => out.extend_from_slice(if record::boolean(bytes) { b"true" } else { b"false" }),
        Kind::Integer => {
            let number = record::integer(bytes)?;
            match leaf.type_name {
                "positiveInt" if number < 1 => return Ok(false),
                "unsignedInt" if number < 0 => return Ok(false),
                "integer" | "positiveInt" | "unsignedInt" if i32::try_from(number).is_err() => {
                    return Ok(false);
                }
                "integer" | "decimal" | "positiveInt" | "unsignedInt" => {
                    out.extend_from_slice(number.to_string().as_bytes())
                }
                _ => string(out, &number.to_string()),
            }
        }
        Kind::Float => {
            let number = record::float(bytes)?;
            if !number.is_finite() {
                return Ok(false);
            }
            out.extend_from_slice(number.to_string().as_bytes());
        }
        Kind::Numeric => {
            let Some(digits) = record::numeric(bytes)? else { return Ok(false) };
            if leaf.type_name == "decimal" {
                out.extend_from_slice(digits.as_bytes())
            } else {
                string(out, &digits)
            }
        }
        Kind::Date => {
            let Some(date) = record::date(bytes)? else { return Ok(false) };
            string(out, &date.to_string());
        }
        Kind::Timestamp => {
            let Some(time) = record::timestamp(bytes)? else { return Ok(false) };
            if leaf.type_name == "date" {
                let date = time.to_zoned(zone.clone()).date();
                if date.year() < 1 {
                    return Ok(false);
                }
                string(out, &date.to_string());
            } else {
                string(out, &time.to_string());
            }
        }
        Kind::Time => {
            let Some(time) = record::time(bytes)? else { return Ok(false) };
            string(out, &time.to_string());
        }
        Kind::Binary => {
            if bytes.is_empty() {
                return Ok(false);
            }
            string(out, &STANDARD.encode(bytes));
        }
        Kind::Text => return text(out, leaf.type_name, record::text(bytes)?),
    }
    Ok(true)
}

/// Text of a column as the FHIR type allows it; blank text is no value.
pub fn text(out: &mut Vec<u8>, type_name: &str, text: &str) -> Result<bool, Malformed> {
    let trimmed = text.trim();
    if trimmed.is_empty() || trimmed.chars().all(char::is_control) {
        return Ok(false);
    }
    match type_name {
        "base64Binary" => string(out, &STANDARD.encode(text)),
        "xhtml" => string(out, &xhtml(trimmed)),
        // Codes: no blanks at the ends and single ones inside.
        "code" => string(out, &trimmed.split_whitespace().collect::<Vec<_>>().join(" ")),
        "uri" | "url" | "canonical" | "id" | "oid" | "uuid" => {
            if trimmed.contains(char::is_whitespace) {
                return Ok(false);
            }
            string(out, trimmed);
        }
        _ => string(out, trimmed),
    }
    Ok(true)
}

/// A text as the XHTML of a narrative: a paragraph for each line, and nothing of the text is markup.
/// <https://hl7.org/fhir/R4/narrative.html>
pub fn xhtml(text: &str) -> String {
    let mut div = "<div xmlns=\"http://www.w3.org/1999/xhtml\">".to_owned();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        div.push_str("<p>");
        escape(&mut div, line);
        div.push_str("</p>");
    }
    div.push_str("</div>");
    div
}

/// Adds a text so that XML reads it back as it is. Characters that XML does not have are left out.
pub fn escape(out: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\u{0}'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {}
            other => out.push(other),
        }
    }
}

/// Content type by the first bytes; GNU Health stores none.
pub fn content_type(bytes: &[u8]) -> &'static str {
    match bytes {
        [0xFF, 0xD8, 0xFF, ..] => "image/jpeg",
        [0x89, b'P', b'N', b'G', ..] => "image/png",
        [b'G', b'I', b'F', b'8', ..] => "image/gif",
        [b'%', b'P', b'D', b'F', ..] => "application/pdf",
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => "image/webp",
        [b'B', b'M', ..] => "image/bmp",
        [b'I', b'I', b'*', 0, ..] | [b'M', b'M', 0, b'*', ..] => "image/tiff",
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => "video/mp4",
        [b'P', b'K', 3, 4, ..] => "application/zip",
        bytes if bytes.get(128..132) == Some(b"DICM") => "application/dicom",
        bytes if is_text(bytes) => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// UTF-8 without control characters; the last character may be cut off.
fn is_text(bytes: &[u8]) -> bool {
    let valid = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    !valid.is_empty() && !valid.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\u{c}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_escaped_and_stay_json() {
        let mut out = Vec::new();
        string(&mut out, "a\"b\\c\n\u{1}é<script>\u{1F600}");
        let text: String = serde_json::from_slice(&out).unwrap();
        assert_eq!(text, "a\"b\\c\né<script>\u{1F600}");
    }

    #[test]
    fn contents_are_told_by_their_first_bytes() {
        let dicom = [&[0; 128][..], b"DICM"].concat();
        for (bytes, expected) in [
            (&b"\x89PNG\r\n"[..], "image/png"),
            (b"%PDF-1.7", "application/pdf"),
            (&dicom, "application/dicom"),
            // What a browser could run is plain text.
            (b"<html><script>", "text/plain; charset=utf-8"),
            ("Ñandú".as_bytes(), "text/plain; charset=utf-8"),
            (&"Ñandú".as_bytes()[..6], "text/plain; charset=utf-8"),
            (b"a\0b", "application/octet-stream"),
            (b"\xff\xfe", "application/octet-stream"),
            (b"", "application/octet-stream"),
        ] {
            assert_eq!(content_type(bytes), expected, "{bytes:?}");
        }
    }

    #[test]
    fn nothing_of_a_text_is_markup_in_a_narrative() {
        assert_eq!(
            xhtml("a <script>alert('1')</script>\r\n\r\n \"&amp;\"\u{1}\u{fffe} ]]> 👩‍⚕️"),
            "<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>a &lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;</p>\
             <p>&quot;&amp;amp;&quot; ]]&gt; 👩‍⚕️</p></div>"
        );
    }

    #[test]
    fn blank_text_is_no_value_and_codes_are_tidy() {
        let mut out = Vec::new();
        assert_eq!(text(&mut out, "string", " \u{1}\n "), Ok(false));
        assert_eq!(text(&mut out, "uri", "no uri"), Ok(false));
        assert!(out.is_empty());
        assert_eq!(text(&mut out, "code", "  a \t b "), Ok(true));
        assert_eq!(out, b"\"a b\"");
    }
}
