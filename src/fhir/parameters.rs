//! Parameters of an operation: <https://hl7.org/fhir/R4/parameters.html>.

use serde_json::Value;

use crate::error::{self, Error, Result};

/// More parameters than any operation needs.
const COUNT: usize = 100;

/// Names and values of a Parameters resource, as they would stand in a query: `system|code` for what is coded.
///
/// # Errors
/// The bytes are not such a resource, or a parameter has no single value that a query could hold.
pub fn pairs(json: &[u8]) -> Result<Vec<(String, String)>> {
    let malformed = |detail: &str| Error::new(&error::REQUEST_MALFORMED).detail(detail);
    let resource: Value =
        serde_json::from_slice(json).map_err(|_| malformed("The body is not JSON in UTF-8."))?;
    if resource["resourceType"] != "Parameters" {
        return Err(malformed("The body is not a resource of type Parameters."));
    }
    let parameters = match &resource["parameter"] {
        Value::Null => return Ok(Vec::new()),
        Value::Array(parameters) if parameters.len() <= COUNT => parameters,
        Value::Array(_) => {
            return Err(
                Error::new(&error::PARAMETER_LIMIT).detail(format!("It has more than {COUNT} parameters."))
            );
        }
        _ => return Err(malformed("Parameters.parameter is not a list.")),
    };
    let pair = |parameter: &Value| {
        let name = parameter["name"].as_str()?;
        let mut values = parameter.as_object()?.iter().filter(|(key, _)| key.starts_with("value"));
        let (value, None) = (values.next()?.1, values.next()) else { return None };
        Some((name.to_owned(), text(value).filter(|text| !text.contains('\0'))?))
    };
    let pairs: Option<Vec<_>> = parameters.iter().map(pair).collect();
    pairs.ok_or_else(|| malformed("A parameter has no name, or not one primitive, coded or reference value."))
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Object(object) => {
            if let Some(reference) = object.get("reference") {
                return reference.as_str().map(str::to_owned);
            }
            if let Some(codings) = object.get("coding") {
                let all: Option<Vec<_>> = codings.as_array()?.iter().map(text).collect();
                return all.filter(|all| !all.is_empty()).map(|all| all.join(","));
            }
            let code = escaped(object.get("code")?.as_str()?);
            match object.get("system") {
                Some(system) => Some(format!("{}|{code}", escaped(system.as_str()?))),
                None => Some(code),
            }
        }
        Value::Null | Value::Array(_) => None,
    }
}

/// <https://hl7.org/fhir/R4/search.html#escaping>
fn escaped(text: &str) -> String {
    let mut all = String::with_capacity(text.len());
    for character in text.chars() {
        if ['\\', '|', ',', '$'].contains(&character) {
            all.push('\\');
        }
        all.push(character);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::pairs;

    #[test]
    fn values_are_those_of_a_query() {
        let json = br#"{"resourceType":"Parameters","parameter":[
            {"name":"patient","valueId":"7"},{"name":"on-demand","valueBoolean":true},{"name":"n","valueInteger":3},
            {"name":"type","valueCoding":{"system":"http://loinc.org","code":"1,2"}},
            {"name":"type","valueCodeableConcept":{"coding":[{"code":"a"},{"system":"s","code":"b"}]}},
            {"name":"subject","valueReference":{"reference":"Patient/7"}}]}"#;
        let expected = [
            ("patient", "7"),
            ("on-demand", "true"),
            ("n", "3"),
            ("type", r"http://loinc.org|1\,2"),
            ("type", "a,s|b"),
            ("subject", "Patient/7"),
        ];
        let pairs = pairs(json).unwrap();
        assert_eq!(pairs, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(super::pairs(br#"{"resourceType":"Parameters"}"#).unwrap(), []);
    }

    #[test]
    fn anything_else_is_refused() {
        for json in [
            "",
            "[]",
            "{}",
            r#"{"resourceType":"Patient"}"#,
            r#"{"resourceType":"Parameters","parameter":{}}"#,
            r#"{"resourceType":"Parameters","parameter":[7]}"#,
            r#"{"resourceType":"Parameters","parameter":[{"name":"a"}]}"#,
            r#"{"resourceType":"Parameters","parameter":[{"valueId":"a"}]}"#,
            r#"{"resourceType":"Parameters","parameter":[{"name":"a","valueId":"a","valueString":"b"}]}"#,
            r#"{"resourceType":"Parameters","parameter":[{"name":"a","valueHumanName":{"family":"b"}}]}"#,
            r#"{"resourceType":"Parameters","parameter":[{"name":"a","valueString":"\u0000"}]}"#,
            r#"{"resourceType":"Parameters","parameter":[{"name":"a","part":[]}]}"#,
        ] {
            assert_eq!(pairs(json.as_bytes()).unwrap_err().entry().code, "request-malformed", "{json}");
        }
    }
}
