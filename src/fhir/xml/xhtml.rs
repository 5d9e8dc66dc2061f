//! The `div` of a narrative: <https://hl7.org/fhir/R4/narrative.html>. A string in JSON, markup in XML; the same characters
//! in both.

use quick_xml::{
    XmlVersion,
    escape::resolve_predefined_entity,
    events::{BytesStart, Event},
    name::{Namespace, ResolveResult},
    reader::NsReader,
};

/// Namespace of XHTML.
pub(super) const XHTML: &str = "http://www.w3.org/1999/xhtml";

/// Whether this is one `div` that stands for itself: well-formed, every element in the namespace of XHTML without a prefix,
/// no DTD, no entities but those of XML, no instructions.
pub(super) fn stands_alone(text: &str) -> bool {
    let mut reader = NsReader::from_str(text);
    let mut depth = 0_usize;
    let mut closed = false;
    loop {
        let Ok((namespace, event)) = reader.read_resolved_event() else { return false };
        let known = namespace == ResolveResult::Bound(Namespace(XHTML));
        let first = depth == 0 && !closed;
        match event {
            Event::Start(start) if known && is_sound(&start, first) && (depth > 0 || first) => depth += 1,
            Event::Empty(start) if known && is_sound(&start, first) && (depth > 0 || first) => {
                closed |= depth == 0;
            }
            Event::End(_) => {
                depth -= 1;
                closed |= depth == 0;
            }
            Event::Text(_) | Event::CData(_) | Event::Comment(_) if depth > 0 => {}
            Event::GeneralRef(reference) if depth > 0 => {
                let character = matches!(reference.resolve_char_ref(), Ok(Some(_)));
                if !character && resolve_predefined_entity(&reference).is_none() {
                    return false;
                }
            }
            Event::Eof => return closed && depth == 0,
            _ => return false,
        }
    }
}

fn is_sound(start: &BytesStart<'_>, first: bool) -> bool {
    start.name().prefix().is_none()
        && (!first || start.local_name().as_ref() == "div")
        && start.attributes().all(|attribute| {
            attribute.is_ok_and(|attribute| attribute.normalized_value(XmlVersion::Implicit1_0).is_ok())
        })
}
