//! Whether the model has kept all that was read.
//!
//! The derived readers skip elements that they do not know, and a choice (`value[x]`) whose value does not fit.

use serde_json::Value;

use crate::error::ParseError;

pub(crate) fn check(read: &Value, kept: &Value) -> Result<(), ParseError> {
    let mut path = read["resourceType"].as_str().unwrap_or_default().to_owned();
    match lost(read, kept, &mut path) {
        true => {
            Err(ParseError::at(path, "no element of this type, or its value does not fit, or it is empty"))
        }
        false => Ok(()),
    }
}

/// Whether something is lost here or below; the path then leads to it. Only the presence of values is compared, since
/// times may be written in another form.
fn lost(read: &Value, kept: &Value, path: &mut String) -> bool {
    let length = path.len();
    match (read, kept) {
        (Value::Object(members), Value::Object(others)) => {
            for (name, member) in members {
                path.push('.');
                path.push_str(name);
                if others.get(name).is_none_or(|other| lost(member, other, path)) {
                    return true;
                }
                path.truncate(length);
            }
            false
        }
        (Value::Array(items), Value::Array(others)) => {
            for (index, item) in items.iter().enumerate() {
                path.push_str(&format!("[{index}]"));
                if others.get(index).is_none_or(|other| lost(item, other, path)) {
                    return true;
                }
                path.truncate(length);
            }
            false
        }
        (Value::Object(_) | Value::Array(_), _) => true,
        (Value::Null, _) => false,
        (_, other) => other.is_null(),
    }
}
