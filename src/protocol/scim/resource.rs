//! A resource as a client sends it, made to fit its schema: names as they are written there, values of the right kind
//! and size, and nothing that only the server may say (RFC 7644 §3.3, §3.5.1).

use serde_json::{Map, Value};
use url::Url;

use super::error::{ScimError, ScimType};
use super::filter::boolean;
use super::schema::{Attribute, Kind, Mutability, Schema, blank};

type Members = Map<String, Value>;

/// Reads the body of a request that makes or replaces a resource. What only the server may say is passed over.
pub fn read(schema: &'static Schema, body: &Members) -> Result<Members, ScimError> {
    check_schemas(schema, body)?;
    let mut resource = blank(schema);
    for (name, value) in body {
        let attribute = schema.attribute(schema.without_prefix(name));
        let Some(attribute) = attribute.filter(|found| found.mutability != Mutability::ReadOnly) else {
            continue;
        };
        if let Some(value) = clean(attribute, value)? {
            resource.insert(attribute.name.to_owned(), value);
        }
    }
    check_required(schema, &resource)?;
    Ok(resource)
}

fn check_schemas(schema: &Schema, body: &Members) -> Result<(), ScimError> {
    let named = find(body, "schemas").and_then(Value::as_array);
    let is_ours = |id: &Value| id.as_str().is_some_and(|id| id.eq_ignore_ascii_case(schema.id));
    if named.is_some_and(|ids| ids.iter().any(is_ours)) {
        Ok(())
    } else {
        let detail = format!("schemas must name {}", schema.id);
        Err(ScimError::of(ScimType::InvalidSyntax, detail))
    }
}

/// A member by its name in any case of letters.
pub fn find<'a>(members: &'a Members, name: &str) -> Option<&'a Value> {
    members.get(name).or_else(|| {
        members
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    })
}

/// Whether everything is there that must be.
pub fn check_required(schema: &Schema, resource: &Members) -> Result<(), ScimError> {
    let missing = schema
        .attributes
        .iter()
        .find(|attribute| attribute.required && !resource.contains_key(attribute.name));
    match missing {
        Some(attribute) => Err(ScimError::value(attribute.name, "is required")),
        None => Ok(()),
    }
}

/// A value made to fit its attribute; nothing when it is none.
pub fn clean(attribute: &Attribute, value: &Value) -> Result<Option<Value>, ScimError> {
    if !attribute.multi_valued {
        return clean_one(attribute, value);
    }
    let values = match value {
        Value::Null => return Ok(None),
        Value::Array(values) => values.as_slice(),
        one => std::slice::from_ref(one),
    };
    if values.len() > attribute.limit {
        let problem = format!("has at most {} values", attribute.limit);
        return Err(ScimError::value(attribute.name, problem));
    }
    let mut kept = Vec::with_capacity(values.len());
    for value in values {
        kept.extend(clean_one(attribute, value)?);
    }
    if kept.iter().filter(|value| is_primary(value)).nth(1).is_some() {
        return Err(ScimError::value(attribute.name, "has one primary value at most"));
    }
    Ok((!kept.is_empty()).then_some(Value::Array(kept)))
}

pub(super) fn is_primary(value: &Value) -> bool {
    value.get("primary") == Some(&Value::Bool(true))
}

/// The same for one value of an attribute that may have many.
pub(super) fn clean_one(attribute: &Attribute, value: &Value) -> Result<Option<Value>, ScimError> {
    if value.is_null() {
        return Ok(None);
    }
    match attribute.kind {
        Kind::Boolean => match boolean(value) {
            Some(value) => Ok(Some(Value::Bool(value))),
            None => Err(ScimError::value(attribute.name, "is true or false")),
        },
        Kind::Complex(_) => clean_complex(attribute, value),
        Kind::Text | Kind::DateTime | Kind::Reference(_) => clean_text(attribute, value),
    }
}

fn clean_text(attribute: &Attribute, value: &Value) -> Result<Option<Value>, ScimError> {
    let text = value
        .as_str()
        .ok_or_else(|| ScimError::value(attribute.name, "must be text"))?;
    if text.is_empty() {
        return Ok(None);
    }
    if !attribute.multi_valued && text.chars().count() > attribute.limit {
        let problem = format!("has at most {} characters", attribute.limit);
        return Err(ScimError::value(attribute.name, problem));
    }
    if text
        .chars()
        .any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
    {
        return Err(ScimError::value(
            attribute.name,
            "must not hold control characters",
        ));
    }
    // It may become a link somewhere.
    let external = matches!(attribute.kind, Kind::Reference(types) if types.contains(&"external"));
    if external && !Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https")) {
        return Err(ScimError::value(
            attribute.name,
            "must be an http or https address",
        ));
    }
    Ok(Some(Value::String(attribute.written(text))))
}

fn clean_complex(attribute: &Attribute, value: &Value) -> Result<Option<Value>, ScimError> {
    let members = value
        .as_object()
        .ok_or_else(|| ScimError::value(attribute.name, "must be an object"))?;
    let mut kept = Map::new();
    for (name, value) in members {
        let sub = attribute.sub(name);
        let Some(sub) = sub.filter(|sub| sub.mutability != Mutability::ReadOnly) else {
            continue;
        };
        let inside = |error: ScimError| ScimError {
            detail: format!("{}.{}", attribute.name, error.detail),
            ..error
        };
        if let Some(value) = clean_one(sub, value).map_err(inside)? {
            kept.insert(sub.name.to_owned(), value);
        }
    }
    // What says nothing but its kind is no value, as directories send it for what they have not got.
    let only_kind = |name: &String| matches!(name.as_str(), "type" | "primary");
    if kept.keys().all(only_kind) {
        return Ok(None);
    }
    for sub in attribute.sub_attributes().iter().filter(|sub| sub.required) {
        if !kept.contains_key(sub.name) {
            let problem = format!("needs a {}", sub.name);
            return Err(ScimError::value(attribute.name, problem));
        }
    }
    Ok(Some(Value::Object(kept)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::scim::schema::{GROUP, USER};

    fn read_user(body: &Value) -> Result<Members, ScimError> {
        let mut body = body.as_object().unwrap().clone();
        body.insert("schemas".into(), json!([USER.id]));
        read(&USER, &body)
    }

    #[test]
    fn a_resource_is_made_to_fit_its_schema() {
        let read = read_user(&json!({
            "USERNAME": "bjensen",
            "active": "False",
            "title": "",
            "nickName": null,
            "name": { "FamilyName": "Jensen", "unknown": 1 },
            "emails": [{ "value": "b@example.com", "type": "work", "primary": "true" }, { "type": "home" }],
            "phoneNumbers": [],
            "id": "mine", "groups": [{ "value": "admins" }], "roles": [{ "value": "super_admin" }],
            "meta": { "created": "x" }, "is_admin": true, "tenant_id": 1,
        }));
        assert_eq!(
            Value::Object(read.unwrap()),
            json!({
                "schemas": [USER.id],
                "userName": "bjensen",
                "active": false,
                "name": { "familyName": "Jensen" },
                "emails": [{ "value": "b@example.com", "type": "work", "primary": true }],
            })
        );
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let (long, many) = ("x".repeat(256), vec![json!({ "value": "1" }); 21]);
        for body in [
            json!({}),
            json!({ "userName": "" }),
            json!({ "userName": 7 }),
            json!({ "userName": ["a"] }),
            json!({ "userName": long }),
            json!({ "userName": "a\u{0}b" }),
            json!({ "userName": "a", "active": "perhaps" }),
            json!({ "userName": "a", "active": 1 }),
            json!({ "userName": "a", "name": "Jensen" }),
            json!({ "userName": "a", "name": { "familyName": {} } }),
            json!({ "userName": "a", "emails": "b@example.com" }),
            json!({ "userName": "a", "emails": [{ "display": "x" }] }),
            json!({ "userName": "a", "emails": [{ "value": "x", "primary": true }, { "value": "y", "primary": true }] }),
            json!({ "userName": "a", "phoneNumbers": many }),
            json!({ "userName": "a", "profileUrl": "javascript:alert(1)" }),
        ] {
            let refused = read_user(&body).unwrap_err();
            assert_eq!(refused.scim_type, Some(ScimType::InvalidValue), "{body}");
        }
        let group = json!({ "schemas": [USER.id], "displayName": "x" });
        let refused = read(&GROUP, group.as_object().unwrap()).unwrap_err();
        assert_eq!(refused.scim_type, Some(ScimType::InvalidSyntax));
    }
}
