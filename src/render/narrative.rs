//! Narratives: <https://hl7.org/fhir/R4/narrative.html>. A text for people, made of the JSON of the resource and of nothing
//! else, so it never holds what the caller may not see.

use serde_json::{Map, Value};

use super::primitive::escape;

/// Bytes of a narrative, roughly: it is there to be glanced at.
const LENGTH: usize = 4000;
/// Values of one element.
const VALUES: usize = 20;

/// The XHTML of a resource: a line for each element. `content` are its elements, each with a comma before it.
pub fn narrative(type_name: &str, content: &[u8]) -> String {
    let mut div = "<div xmlns=\"http://www.w3.org/1999/xhtml\"><p><b>".to_owned();
    div.push_str(&spaced(type_name));
    div.push_str("</b></p>");
    let json = [b"{".as_slice(), content.get(1..).unwrap_or_default(), b"}"].concat();
    let elements: Map<String, Value> = serde_json::from_slice(&json).unwrap_or_default();
    for (name, value) in &elements {
        if name.starts_with('_') || matches!(name.as_str(), "extension" | "photo" | "contained" | "text") {
            continue;
        }
        let text = shown(value);
        if text.is_empty() {
            continue;
        }
        if div.len() + text.len() > LENGTH {
            div.push_str("<p>…</p>");
            break;
        }
        div.push_str("<p>");
        div.push_str(&spaced(name));
        div.push_str(": ");
        escape(&mut div, &text);
        div.push_str("</p>");
    }
    div.push_str("</div>");
    div
}

/// `birthDate` → `Birth date`.
fn spaced(name: &str) -> String {
    let mut words = String::new();
    for (index, character) in name.char_indices() {
        match character {
            'A'..='Z' if index > 0 => {
                words.push(' ');
                words.push(character.to_ascii_lowercase());
            }
            _ if index == 0 => words.push(character.to_ascii_uppercase()),
            _ => words.push(character),
        }
    }
    words
}

/// A value in a line.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.split_whitespace().collect::<Vec<_>>().join(" "),
        Value::Array(values) => joined(values.iter().take(VALUES).map(shown), "; "),
        Value::Object(object) => datatype(object),
    }
}

/// What people read of a datatype; of anything else its values.
fn datatype(object: &Map<String, Value>) -> String {
    let text = |name: &str| object.get(name).map(shown).filter(|text| !text.is_empty());
    // Coding, CodeableConcept, Reference, HumanName, Annotation, Attachment.
    if let Some(text) = ["text", "display", "title"].into_iter().find_map(text) {
        return text;
    }
    if let Some(concept) = text("coding") {
        return concept;
    }
    if object.contains_key("family") || object.contains_key("given") {
        return joined(["prefix", "given", "family", "suffix"].into_iter().filter_map(text), " ");
    }
    if object.contains_key("start") || object.contains_key("end") {
        return joined(
            [text("start").unwrap_or_default(), "–".to_owned(), text("end").unwrap_or_default()],
            " ",
        );
    }
    if let (Some(value), true) = (text("value"), object.contains_key("unit") || object.contains_key("code")) {
        return joined(
            [text("comparator"), Some(value), text("unit").or_else(|| text("code"))].into_iter().flatten(),
            " ",
        );
    }
    // An address of a resource and a code: the last resort.
    let lone = object.values().filter(|value| value.is_object()).count() < 2;
    if let Some(text) =
        ["reference", "code", "value"].into_iter().filter(|_| lone && object.len() < 4).find_map(text)
    {
        return text;
    }
    let parts = object.iter().filter(|(name, value)| {
        let unread =
            ["system", "use", "extension", "id", "rank", "data", "div", "status"].contains(&name.as_str());
        !unread && !name.starts_with('_') && !value.is_null()
    });
    joined(parts.map(|(_, value)| shown(value)), ", ")
}

fn joined(parts: impl IntoIterator<Item = String>, separator: &str) -> String {
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(separator)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(json: &str) -> Vec<String> {
        let content = format!(",{}", &json[1..json.len() - 1]);
        let div = narrative("CareTeam", content.as_bytes());
        let inner = div.strip_prefix("<div xmlns=\"http://www.w3.org/1999/xhtml\">").unwrap();
        let inner = inner.strip_suffix("</p></div>").unwrap();
        inner.split("</p>").map(|line| line.trim_start_matches("<p>").to_owned()).collect()
    }

    #[test]
    fn elements_become_lines() {
        let json = r#"{"extension":[{"url":"x"}],"active":true,"birthDate":"1970-01-01","_birthDate":{"extension":[]},
            "name":[{"use":"official","family":"Ñandú","given":["Ana","B."]},{"text":"Anita"}],
            "code":{"coding":[{"system":"http://loinc.org","code":"8867-4","display":"Heart rate"}]},
            "valueQuantity":{"value":1.50,"unit":"kg","system":"http://unitsofmeasure.org","code":"kg"},
            "period":{"start":"2020-01-01"},"subject":{"reference":"Patient/1"},"photo":[{"data":"AAAA"}],
            "component":[{"code":{"text":"Systolic"},"valueQuantity":{"value":120,"code":"mm[Hg]"}}]}"#;
        assert_eq!(
            lines(json),
            [
                "<b>Care team</b>",
                "Active: yes",
                "Birth date: 1970-01-01",
                "Name: Ana; B. Ñandú; Anita",
                "Code: Heart rate",
                "Value quantity: 1.50 kg",
                "Period: 2020-01-01 –",
                "Subject: Patient/1",
                "Component: Systolic, 120 mm[Hg]",
            ]
        );
    }

    #[test]
    fn no_name_is_markup() {
        let name = r#"Robert'); DROP TABLE \"x\";-- </div><script>alert(1)</script>&amp;"#;
        let lines = lines(&format!(r#"{{"name":"{name}","note":"a\n]]>\u0001"}}"#));
        assert_eq!(
            lines[1..],
            [
                "Name: Robert&#39;); DROP TABLE &quot;x&quot;;-- &lt;/div&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;amp;",
                "Note: a ]]&gt;",
            ]
        );
    }

    #[test]
    fn a_long_resource_is_cut_off() {
        let long = format!(r#"{{"a":"{}","b":"{}","c":"x"}}"#, "a".repeat(3000), "b".repeat(3000));
        assert_eq!(lines(&long)[2..], ["…"]);
        assert!(lines("{}").len() == 1);
    }
}
