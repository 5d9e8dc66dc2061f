//! Parameters of an operation: <https://hl7.org/fhir/R4/parameters.html>.

use serde_json::{Map, Value, json};

use crate::error::{self, Error, Result};

/// More parameters than any operation needs.
const COUNT: usize = 100;

/// What an operation was given, in its address and in its body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Given {
    /// Names and values as they would stand in a query: `system|code` for what is coded.
    pub pairs: Vec<(String, String)>,
    /// Names and resources.
    pub resources: Vec<(String, Value)>,
}

/// What a Parameters resource holds. Any other resource is the parameter `resource`, where the operation takes one alone
/// (<https://hl7.org/fhir/R4/operations.html#request>).
///
/// # Errors
/// The bytes are not such a resource, or a parameter has no single value that a query could hold.
pub fn read(json: &[u8], alone: bool) -> Result<Given> {
    let resource = serde_json::from_slice(json).map_err(|_| malformed("The body is not JSON in UTF-8."))?;
    Given::of(resource, alone)
}

/// The Parameters that an operation answers with, as (name, value element, value).
pub fn write(parameters: Vec<(&str, &str, Value)>) -> Vec<u8> {
    let written: Vec<Value> = parameters
        .into_iter()
        .map(|(name, element, value)| {
            let mut parameter = Map::new();
            parameter.insert("name".to_owned(), name.into());
            parameter.insert(element.to_owned(), value);
            parameter.into()
        })
        .collect();
    json!({ "resourceType": "Parameters", "parameter": written }).to_string().into_bytes()
}

/// System and code of a coded value as [`Given`] has it.
///
/// <https://hl7.org/fhir/R4/search.html#escaping>
pub fn coding(text: &str) -> (Option<String>, String) {
    let mut parts = vec![String::new()];
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '|' if parts.len() == 1 => parts.push(String::new()),
            '\\' => parts.last_mut().expect("there is always a part").extend(characters.next()),
            _ => parts.last_mut().expect("there is always a part").push(character),
        }
    }
    let code = parts.pop().unwrap_or_default();
    (parts.pop().filter(|system| !system.is_empty()), code)
}

/// The codings of a concept as [`Given`] has it.
pub fn codings(text: &str) -> Vec<(Option<String>, String)> {
    let mut all = vec![String::new()];
    let mut escaped = false;
    for character in text.chars() {
        if character == ',' && !escaped {
            all.push(String::new());
            continue;
        }
        escaped = character == '\\' && !escaped;
        all.last_mut().expect("there is always one").push(character);
    }
    all.iter().map(|one| coding(one)).collect()
}

fn malformed(detail: &str) -> Error {
    Error::new(&error::REQUEST_MALFORMED).detail(detail)
}

impl Given {
    /// As [`read`], of a resource that was read already.
    ///
    /// # Errors
    /// As [`read`].
    pub fn of(mut resource: Value, alone: bool) -> Result<Self> {
        if resource["resourceType"] != "Parameters" {
            if alone && resource["resourceType"].is_string() {
                return Ok(Self { resources: vec![("resource".to_owned(), resource)], ..Self::default() });
            }
            return Err(malformed("The body is not a resource of type Parameters."));
        }
        let parameters = match resource.get_mut("parameter").map_or(Value::Null, Value::take) {
            Value::Null => return Ok(Self::default()),
            Value::Array(parameters) if parameters.len() <= COUNT => parameters,
            Value::Array(_) => {
                return Err(Error::new(&error::PARAMETER_LIMIT)
                    .detail(format!("It has more than {COUNT} parameters.")));
            }
            _ => return Err(malformed("Parameters.parameter is not a list.")),
        };
        let mut given = Self::default();
        for parameter in parameters {
            let fault =
                "A parameter has no name, or not one primitive, coded or reference value, or one resource.";
            given.add(parameter).ok_or_else(|| malformed(fault))?;
        }
        Ok(given)
    }

    /// Adds what was given elsewhere.
    pub fn extend(&mut self, other: Self) {
        self.pairs.extend(other.pairs);
        self.resources.extend(other.resources);
    }

    fn add(&mut self, mut parameter: Value) -> Option<()> {
        let parameter = parameter.as_object_mut()?;
        let name = parameter.get("name")?.as_str()?.to_owned();
        let resource = parameter.remove("resource");
        let mut values = parameter.iter().filter(|(key, _)| key.starts_with("value"));
        match (values.next(), values.next(), resource) {
            (None, None, Some(resource)) if resource.is_object() => self.resources.push((name, resource)),
            (Some((_, value)), None, None) => {
                let value = text(value).filter(|text| !text.contains('\0'))?;
                self.pairs.push((name, value));
            }
            _ => return None,
        }
        Some(())
    }
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
    use super::{Given, coding, codings, read};

    fn pairs(json: &[u8]) -> crate::error::Result<Vec<(String, String)>> {
        read(json, false).map(|given| given.pairs)
    }

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
        assert_eq!(pairs(json).unwrap(), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(super::read(br#"{"resourceType":"Parameters"}"#, false).unwrap(), Given::default());
    }

    #[test]
    fn codings_are_read_back() {
        let some = |system: &str| Some(system.to_owned());
        assert_eq!(coding(r"http://loinc.org|1\,2"), (some("http://loinc.org"), "1,2".to_owned()));
        assert_eq!(coding("a"), (None, "a".to_owned()));
        assert_eq!(coding(r"s|a\|b|c"), (some("s"), "a|b|c".to_owned()));
        assert_eq!(codings(r"a\,b,s|c"), [(None, "a,b".to_owned()), (some("s"), "c".to_owned())]);
    }

    #[test]
    fn resources_are_kept_whole() {
        let patient = br#"{"resourceType":"Patient","id":"1"}"#;
        let alone = read(patient, true).unwrap();
        assert_eq!(alone.resources[0].1["id"], "1");
        assert!(read(patient, false).is_err());
        let both = br#"{"resourceType":"Parameters","parameter":[
            {"name":"mode","valueCode":"create"},{"name":"resource","resource":{"resourceType":"Patient","id":"1"}}]}"#;
        let both = read(both, true).unwrap();
        assert_eq!((both.pairs.len(), &both.resources), (1, &alone.resources));
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
            r#"{"resourceType":"Parameters","parameter":[{"name":"a","resource":7}]}"#,
            r#"{"resourceType":"Parameters","parameter":[{"name":"a","valueId":"a","resource":{}}]}"#,
        ] {
            assert_eq!(pairs(json.as_bytes()).unwrap_err().entry().code, "request-malformed", "{json}");
        }
    }
}
