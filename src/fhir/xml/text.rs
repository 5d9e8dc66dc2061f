//! Characters in XML: <https://www.w3.org/TR/xml/#charsets>.

/// What stands where a character cannot be written in XML at all.
const REPLACEMENT: char = '\u{fffd}';

/// Whether XML 1.0 has this character, written out or as a reference.
pub(super) fn is_legal(character: char) -> bool {
    !matches!(character, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}

/// Writes the value of an attribute. Blanks other than the blank itself are written as references: as they are, a reader
/// makes blanks of them (<https://www.w3.org/TR/xml/#AVNormalize>).
pub(super) fn attribute(out: &mut Vec<u8>, text: &str) {
    let mut rest = 0;
    let mut buffer = [0; 4];
    for (index, character) in text.char_indices() {
        let escape: &[u8] = match character {
            '&' => b"&amp;",
            '<' => b"&lt;",
            '>' => b"&gt;",
            '"' => b"&quot;",
            '\t' => b"&#9;",
            '\n' => b"&#10;",
            '\r' => b"&#13;",
            character if is_legal(character) => continue,
            _ => REPLACEMENT.encode_utf8(&mut buffer).as_bytes(),
        };
        out.extend_from_slice(&text.as_bytes()[rest..index]);
        out.extend_from_slice(escape);
        rest = index + character.len_utf8();
    }
    out.extend_from_slice(&text.as_bytes()[rest..]);
}

/// Writes markup as it is, but for characters that XML does not have.
pub(super) fn markup(out: &mut Vec<u8>, text: &str) {
    if text.chars().all(is_legal) {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    let legal = |character| if is_legal(character) { character } else { REPLACEMENT };
    out.extend_from_slice(text.chars().map(legal).collect::<String>().as_bytes());
}
