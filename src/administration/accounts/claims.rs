//! What administrators may say about a person: the claims that the person may set, in the same form.

use protocol::profile::ProfileClaim;
use serde_json::{Map, Value};

use crate::administration::Refused;

/// Puts changes into claims; `null` takes a claim away.
pub(super) fn apply(claims: &mut Map<String, Value>, changes: &Map<String, Value>) -> Result<(), Refused> {
    for (name, value) in changes {
        let member = || format!("claims.{name}");
        let claim = ProfileClaim::find(name)
            .ok_or_else(|| Refused::invalid(member(), "is no claim that can be set"))?;
        let value = match value {
            Value::Null => None,
            Value::String(text) => claim
                .parse(text)
                .map_err(|problem| Refused::invalid(member(), problem.to_string()))?,
            _ => return Err(Refused::invalid(member(), "must be text or null")),
        };
        match value {
            Some(value) => claims.insert(name.clone(), Value::String(value)),
            None => claims.remove(name),
        };
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_claims_of_the_right_form_are_taken() {
        let before = json!({ "name": "Alice", "nickname": "Al" });
        for (changes, after) in [
            (json!({}), Some(before.clone())),
            (json!({ "nickname": null }), Some(json!({ "name": "Alice" }))),
            (
                json!({ "name": " Bob " }),
                Some(json!({ "name": "Bob", "nickname": "Al" })),
            ),
            (json!({ "name": 1 }), None),
            (json!({ "email": "x@example.org" }), None),
            (json!({ "sub": "x" }), None),
            (json!({ "website": "javascript:alert(1)" }), None),
        ] {
            let mut claims = before.as_object().unwrap().clone();
            let applied = apply(&mut claims, changes.as_object().unwrap());
            assert_eq!(applied.is_ok(), after.is_some(), "{changes}");
            if let Some(after) = after {
                assert_eq!(Value::Object(claims), after, "{changes}");
            }
        }
    }
}
