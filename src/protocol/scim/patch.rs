//! Patches: read against the schema, and applied to a resource one after the other (RFC 7644 §3.5.2). The habits of
//! large directories are taken too: operations in any case of letters, `"False"` for false, a value without a path, and
//! members to be removed listed as the value.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::error::{ScimError, ScimType};
use super::evaluate::matches;
use super::filter::{Filter, Operand, Operator, PatchPath, parse_path};
use super::resource::{check_required, clean, clean_one, find, is_primary};
use super::schema::{Attribute, Kind, Mutability, Schema, blank};
use super::{PATCH_OP, schema};

/// The most operations in a request.
pub const MAX_OPERATIONS: usize = 500;

type Members = Map<String, Value>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
    Add,
    Replace,
    Remove,
}

/// One change.
#[derive(Clone, Debug)]
pub struct Operation {
    verb: Verb,
    path: PatchPath,
    value: Value,
}

/// Reads the body of a patch.
pub fn parse(schema: &'static Schema, body: &Members) -> Result<Vec<Operation>, ScimError> {
    let syntax = |detail: &str| ScimError::of(ScimType::InvalidSyntax, detail);
    let is_patch = |id: &Value| id.as_str().is_some_and(|id| id.eq_ignore_ascii_case(PATCH_OP));
    let schemas = find(body, "schemas").and_then(Value::as_array);
    if !schemas.is_some_and(|ids| ids.iter().any(is_patch)) {
        return Err(syntax("schemas must name the PatchOp message"));
    }
    let operations = find(body, "Operations").and_then(Value::as_array);
    let operations = operations.filter(|all| !all.is_empty());
    let operations =
        operations.ok_or_else(|| syntax("Operations must be a list of at least one operation"))?;
    let mut all = Vec::new();
    for operation in operations {
        let operation = operation
            .as_object()
            .ok_or_else(|| syntax("an operation must be an object"))?;
        all.extend(parse_operation(schema, operation)?);
        if all.len() > MAX_OPERATIONS {
            return Err(syntax("too many operations"));
        }
    }
    Ok(all)
}

fn parse_operation(schema: &'static Schema, operation: &Members) -> Result<Vec<Operation>, ScimError> {
    let syntax = |detail: &str| ScimError::of(ScimType::InvalidSyntax, detail);
    let verb = find(operation, "op").and_then(Value::as_str).unwrap_or_default();
    let verb = match verb.to_ascii_lowercase().as_str() {
        "add" => Verb::Add,
        "replace" => Verb::Replace,
        "remove" => Verb::Remove,
        _ => return Err(syntax("op must be add, replace or remove")),
    };
    let value = find(operation, "value").cloned();
    if value.is_none() && verb != Verb::Remove {
        return Err(syntax("add and replace need a value"));
    }
    let value = value.unwrap_or_default();
    match find(operation, "path") {
        Some(Value::String(path)) => {
            let path = parse_path(schema, path)?;
            check_mutable(&path)?;
            Ok(vec![Operation { verb, path, value }])
        }
        None | Some(Value::Null) if verb == Verb::Remove => {
            Err(ScimError::of(ScimType::NoTarget, "remove needs a path"))
        }
        None | Some(Value::Null) => without_path(schema, verb, value),
        Some(_) => Err(ScimError::of(ScimType::InvalidPath, "the path must be text")),
    }
}

/// Each member of the value is a change of its own. Names that mean nothing here, and what repeats whose change it is,
/// are passed over, as in a resource that is sent whole.
fn without_path(schema: &'static Schema, verb: Verb, value: Value) -> Result<Vec<Operation>, ScimError> {
    let Value::Object(members) = value else {
        let detail = "without a path the value must be an object";
        return Err(ScimError::of(ScimType::InvalidSyntax, detail));
    };
    let mut operations = Vec::new();
    for (name, value) in members {
        let Ok(path) = parse_path(schema, &name) else {
            continue;
        };
        if matches!(path.attribute.name, "id" | "schemas" | "meta") {
            continue;
        }
        check_mutable(&path)?;
        operations.push(Operation { verb, path, value });
    }
    Ok(operations)
}

fn check_mutable(path: &PatchPath) -> Result<(), ScimError> {
    let fixed = |attribute: &&Attribute| attribute.mutability != Mutability::ReadWrite;
    let fixed = Some(path.attribute).filter(fixed).or(path.sub.filter(fixed));
    match fixed {
        Some(attribute) => {
            let detail = format!("{} cannot be changed", attribute.name);
            Err(ScimError::of(ScimType::Mutability, detail))
        }
        None => Ok(()),
    }
}

/// A resource after all operations, without what only the server may say. Nothing of it is changed when one fails.
pub fn apply(
    schema: &'static Schema,
    mut resource: Members,
    operations: &[Operation],
) -> Result<Members, ScimError> {
    for operation in operations {
        operation.apply(&mut resource)?;
    }
    let mut written = blank(schema);
    for attribute in schema.attributes.iter().chain(&schema::COMMON) {
        if attribute.mutability == Mutability::ReadOnly {
            continue;
        }
        let value = resource.get(attribute.name).unwrap_or(&Value::Null);
        if let Some(value) = clean(attribute, value)? {
            written.insert(attribute.name.to_owned(), value);
        }
    }
    check_required(schema, &written)?;
    Ok(written)
}

impl Operation {
    fn apply(&self, resource: &mut Members) -> Result<(), ScimError> {
        let attribute = self.path.attribute;
        match (&self.path.values, self.path.sub) {
            (Some(filter), sub) => self.change_values(resource, Some(filter), sub),
            (None, Some(sub)) if attribute.multi_valued => self.change_values(resource, None, Some(sub)),
            (None, Some(sub)) => {
                let entry = resource
                    .entry(attribute.name)
                    .or_insert_with(|| Map::new().into());
                match entry.as_object_mut() {
                    Some(members) => self.change_sub(members, sub, &self.value),
                    None => Ok(()),
                }
            }
            (None, None) => self.change_whole(resource),
        }
    }

    fn change_whole(&self, resource: &mut Members) -> Result<(), ScimError> {
        let attribute = self.path.attribute;
        let (name, multi) = (attribute.name, attribute.multi_valued);
        match (self.verb, attribute.kind) {
            (Verb::Remove, _) if multi && !self.value.is_null() => self.remove_listed(resource),
            (Verb::Remove, _) => {
                resource.remove(name);
                Ok(())
            }
            (Verb::Add, _) if multi => self.append(resource),
            (_, Kind::Complex(_)) if !multi && self.value.is_object() => {
                let entry = resource.entry(name).or_insert_with(|| Map::new().into());
                let (Some(members), Some(given)) = (entry.as_object_mut(), self.value.as_object()) else {
                    return Ok(());
                };
                for (name, value) in given {
                    let sub = attribute.sub(name);
                    if let Some(sub) = sub.filter(|sub| sub.mutability == Mutability::ReadWrite) {
                        self.change_sub(members, sub, value)?;
                    }
                }
                Ok(())
            }
            _ => {
                match clean(attribute, &self.value)? {
                    Some(value) => resource.insert(name.to_owned(), value),
                    None if self.verb == Verb::Replace => resource.remove(name),
                    None => None,
                };
                Ok(())
            }
        }
    }

    fn change_sub(&self, members: &mut Members, sub: &Attribute, value: &Value) -> Result<(), ScimError> {
        let value = match self.verb {
            Verb::Remove => None,
            Verb::Add | Verb::Replace => clean_one(sub, value)?,
        };
        match value {
            Some(value) => members.insert(sub.name.to_owned(), value),
            None if self.verb == Verb::Add => None,
            None => members.remove(sub.name),
        };
        Ok(())
    }

    /// Adds values. One that is there already takes on what is new about it.
    fn append(&self, resource: &mut Members) -> Result<(), ScimError> {
        let attribute = self.path.attribute;
        let Some(Value::Array(added)) = clean(attribute, &self.value)? else {
            return Ok(());
        };
        let mut held = take_values(resource, attribute);
        if added.iter().any(is_primary) {
            held.iter_mut().for_each(demote);
        }
        let mut places: HashMap<String, usize> = HashMap::new();
        let wanted: Vec<&str> = added.iter().filter_map(key).collect();
        for (place, value) in held.iter().enumerate() {
            // Few are added to many, so only those few are remembered.
            if let Some(key) = key(value).filter(|key| wanted.len() > 16 || wanted.contains(key)) {
                places.insert(key.to_owned(), place);
            }
        }
        for value in added {
            let place = key(&value).and_then(|key| places.get(key).copied());
            if let Some(there) = place.and_then(|place| held.get_mut(place)) {
                if let (Some(there), Value::Object(new)) = (there.as_object_mut(), value) {
                    there.extend(new);
                }
                continue;
            }
            match key(&value) {
                Some(key) => {
                    places.insert(key.to_owned(), held.len());
                    held.push(value);
                }
                None if !held.contains(&value) => held.push(value),
                None => {}
            }
        }
        resource.insert(attribute.name.to_owned(), Value::Array(held));
        Ok(())
    }

    /// Removes the values that are listed beside the path.
    fn remove_listed(&self, resource: &mut Members) -> Result<(), ScimError> {
        let attribute = self.path.attribute;
        let Some(Value::Array(listed)) = clean(attribute, &self.value)? else {
            return Ok(());
        };
        let keys: HashSet<&str> = listed.iter().filter_map(key).collect();
        let mut held = take_values(resource, attribute);
        held.retain(|value| match key(value) {
            Some(key) => !keys.contains(key),
            None => !listed.contains(value),
        });
        resource.insert(attribute.name.to_owned(), Value::Array(held));
        Ok(())
    }

    fn change_values(
        &self,
        resource: &mut Members,
        filter: Option<&Filter>,
        sub: Option<&'static Attribute>,
    ) -> Result<(), ScimError> {
        let attribute = self.path.attribute;
        let mut held = take_values(resource, attribute);
        self.change_picked(&mut held, filter, sub)?;
        resource.insert(attribute.name.to_owned(), Value::Array(held));
        Ok(())
    }

    /// Changes the values that a filter picks, or all, or an attribute inside them.
    fn change_picked(
        &self,
        held: &mut Vec<Value>,
        filter: Option<&Filter>,
        sub: Option<&'static Attribute>,
    ) -> Result<(), ScimError> {
        let picked = |value: &Value| match (filter, value.as_object()) {
            (Some(filter), Some(members)) => matches(filter, members),
            (None, Some(_)) => true,
            (_, None) => false,
        };
        if self.verb == Verb::Remove && sub.is_none() {
            held.retain(|value| !picked(value));
            return Ok(());
        }
        let places: Vec<usize> = (0..held.len())
            .filter(|place| held.get(*place).is_some_and(picked))
            .collect();
        if places.is_empty() {
            return self.change_none(held, filter, sub);
        }
        let new = match sub {
            Some(_) => None,
            None => clean_one(self.path.attribute, &self.value)?,
        };
        let becomes_primary = match sub {
            Some(sub) => sub.name == "primary" && clean_one(sub, &self.value)? == Some(Value::Bool(true)),
            None => new.as_ref().is_some_and(is_primary),
        };
        for (place, value) in held.iter_mut().enumerate() {
            if !places.contains(&place) {
                if becomes_primary && self.verb != Verb::Remove {
                    demote(value);
                }
                continue;
            }
            match (sub, value.as_object_mut(), &new) {
                (Some(sub), Some(members), _) => self.change_sub(members, sub, &self.value)?,
                (None, Some(members), Some(Value::Object(new))) => {
                    if self.verb == Verb::Replace {
                        members.clear();
                    }
                    members.extend(new.clone());
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Where no value is picked: one is made of what the filter says, if there is something to add.
    fn change_none(
        &self,
        held: &mut Vec<Value>,
        filter: Option<&Filter>,
        sub: Option<&'static Attribute>,
    ) -> Result<(), ScimError> {
        match self.verb {
            Verb::Remove => return Ok(()),
            Verb::Replace if filter.is_some() => {
                return Err(ScimError::of(ScimType::NoTarget, "the path matches no value"));
            }
            Verb::Add | Verb::Replace => {}
        }
        let mut made = Map::new();
        if let Some(filter) = filter {
            describe(filter, &mut made);
        }
        match sub {
            Some(sub) => self.change_sub(&mut made, sub, &self.value)?,
            None => {
                if let Some(Value::Object(new)) = clean_one(self.path.attribute, &self.value)? {
                    made.extend(new);
                }
            }
        }
        let made = clean_one(self.path.attribute, &Value::Object(made))?;
        if made.as_ref().is_some_and(is_primary) {
            held.iter_mut().for_each(demote);
        }
        held.extend(made);
        Ok(())
    }
}

/// What the equalities of a filter say of a value.
fn describe(filter: &Filter, made: &mut Members) {
    match filter {
        Filter::And(all) => all.iter().for_each(|filter| describe(filter, made)),
        Filter::Compare(path, Operator::Eq, operand) => {
            let value = match operand {
                Operand::Text(text) => Value::String(text.clone()),
                Operand::Boolean(value) => Value::Bool(*value),
                Operand::Moment(_) | Operand::Null => return,
            };
            made.insert(path.attribute.name.to_owned(), value);
        }
        _ => {}
    }
}

/// The values an attribute has, taken out of the resource.
fn take_values(resource: &mut Members, attribute: &Attribute) -> Vec<Value> {
    match resource.remove(attribute.name) {
        Some(Value::Array(values)) => values,
        Some(Value::Null) | None => Vec::new(),
        Some(one) => vec![one],
    }
}

fn key(value: &Value) -> Option<&str> {
    value.get("value").and_then(Value::as_str)
}

fn demote(value: &mut Value) {
    if let Some(members) = value.as_object_mut() {
        members.remove("primary");
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::scim::schema::{GROUP, USER};

    fn patched(schema: &'static Schema, operations: &Value) -> Result<Value, ScimError> {
        let start = if schema.name == "User" {
            json!({
                "schemas": [USER.id], "id": "1", "userName": "b", "active": true, "title": "Boss",
                "name": { "familyName": "Jensen", "middleName": "J" },
                "emails": [
                    { "value": "b@work.test", "type": "work", "primary": true },
                    { "value": "b@home.test", "type": "home" },
                ],
                "groups": [{ "value": "g" }],
            })
        } else {
            json!({
                "schemas": [GROUP.id], "id": "1", "displayName": "Team",
                "members": [{ "value": "a", "display": "A" }, { "value": "b" }, { "value": "c" }],
            })
        };
        let body = json!({ "schemas": [PATCH_OP], "Operations": operations });
        let operations = parse(schema, body.as_object().unwrap())?;
        apply(schema, start.as_object().unwrap().clone(), &operations).map(Value::Object)
    }

    fn user(operations: &Value) -> Result<Value, ScimError> {
        patched(&USER, operations)
    }

    #[test]
    fn users_are_patched() {
        for (operations, pointer, value) in [
            (
                json!([{ "op": "add", "path": "nickName", "value": "Babs" }]),
                "/nickName",
                json!("Babs"),
            ),
            (
                json!([{ "op": "Replace", "path": "active", "value": "False" }]),
                "/active",
                json!(false),
            ),
            (
                json!([{ "op": "replace", "value": { "active": false } }]),
                "/active",
                json!(false),
            ),
            (
                json!([{ "op": "remove", "path": "title" }]),
                "/title",
                Value::Null,
            ),
            (
                json!([{ "op": "replace", "path": "title", "value": null }]),
                "/title",
                Value::Null,
            ),
            (
                json!([{ "op": "add", "path": "name.givenName", "value": "Barbara" }]),
                "/name",
                json!({ "familyName": "Jensen", "middleName": "J", "givenName": "Barbara" }),
            ),
            (
                json!([{ "op": "replace", "path": "name", "value": { "familyName": "Doe" } }]),
                "/name",
                json!({ "familyName": "Doe", "middleName": "J" }),
            ),
            (
                json!([{ "op": "replace", "value": { "name.familyName": "Doe", "name": { "middleName": null } } }]),
                "/name",
                json!({ "familyName": "Doe" }),
            ),
            (json!([{ "op": "remove", "path": "name" }]), "/name", Value::Null),
            (
                json!([{ "op": "replace", "path": "emails[type eq \"work\"].value", "value": "new@work.test" }]),
                "/emails/0/value",
                json!("new@work.test"),
            ),
            (
                json!([{ "op": "remove", "path": "emails[type eq \"home\"]" }]),
                "/emails",
                json!([{ "value": "b@work.test", "type": "work", "primary": true }]),
            ),
            (
                json!([{ "op": "remove", "path": "emails[type eq \"home\"].value" }]),
                "/emails",
                json!([{ "value": "b@work.test", "type": "work", "primary": true }]),
            ),
            (
                json!([{ "op": "replace", "path": "emails[type eq \"home\"].primary", "value": true }]),
                "/emails",
                json!([{ "value": "b@work.test", "type": "work" }, { "value": "b@home.test", "type": "home", "primary": true }]),
            ),
            (
                json!([{ "op": "add", "path": "emails", "value": [{ "value": "x@x.test", "primary": true }] }]),
                "/emails",
                json!([{ "value": "b@work.test", "type": "work" }, { "value": "b@home.test", "type": "home" },
                    { "value": "x@x.test", "primary": true }]),
            ),
            (
                json!([{ "op": "replace", "path": "emails", "value": { "value": "x@x.test" } }]),
                "/emails",
                json!([{ "value": "x@x.test" }]),
            ),
            (
                json!([{ "op": "add", "path": "phoneNumbers[type eq \"work\"].value", "value": "1" }]),
                "/phoneNumbers",
                json!([{ "value": "1", "type": "work" }]),
            ),
            (
                json!([{ "op": "replace", "path": "emails[type eq \"work\"]", "value": { "value": "z@z.test" } }]),
                "/emails/0",
                json!({ "value": "z@z.test" }),
            ),
            (
                json!([{ "op": "add", "path": "externalId", "value": "e" }, { "op": "remove", "path": "externalId" }]),
                "/externalId",
                Value::Null,
            ),
            (
                json!([{ "op": "replace", "value": { "id": "2", "is_admin": true, "schemas": [] } }]),
                "/id",
                Value::Null,
            ),
            (
                json!([{ "op": "add", "path": "title", "value": "A" }, { "op": "add", "path": "title", "value": "B" }]),
                "/title",
                json!("B"),
            ),
        ] {
            let after = user(&operations).unwrap();
            assert_eq!(
                after.pointer(pointer).unwrap_or(&Value::Null),
                &value,
                "{operations}"
            );
            assert!(after.get("groups").is_none() && after.get("is_admin").is_none());
        }
    }

    #[test]
    fn members_come_and_go() {
        for (operations, left) in [
            (
                json!([{ "op": "add", "path": "members", "value": [{ "value": "d" }, { "value": "a" }, { "value": "d" }] }]),
                "abcd",
            ),
            (
                json!([{ "op": "Add", "value": { "members": [{ "value": "d", "$ref": "x", "display": "y" }] } }]),
                "abcd",
            ),
            (
                json!([{ "op": "remove", "path": "members[value eq \"b\"]" }]),
                "ac",
            ),
            (
                json!([{ "op": "remove", "path": "members[value eq \"b\" or value eq \"a\"]" }]),
                "c",
            ),
            (
                json!([{ "op": "remove", "path": "members[value eq \"nobody\"]" }]),
                "abc",
            ),
            (
                json!([{ "op": "Remove", "path": "members", "value": [{ "value": "c" }, { "value": "x" }] }]),
                "ab",
            ),
            (json!([{ "op": "remove", "path": "members" }]), ""),
            (
                json!([{ "op": "replace", "path": "members", "value": [{ "value": "z" }] }]),
                "z",
            ),
            (json!([{ "op": "replace", "value": { "members": [] } }]), ""),
        ] {
            let after = patched(&GROUP, &operations).unwrap();
            let members = after["members"].as_array().cloned().unwrap_or_default();
            let ids: String = members.iter().filter_map(key).collect();
            assert_eq!(ids, left, "{operations}");
        }
    }

    #[test]
    fn wrong_patches_are_refused_with_their_reason() {
        let many = vec![json!({ "op": "add", "path": "title", "value": "x" }); MAX_OPERATIONS + 1];
        let nested = format!("emails[{}type pr{}]", "(".repeat(40), ")".repeat(40));
        for (operations, reason) in [
            (json!([]), ScimType::InvalidSyntax),
            (json!({}), ScimType::InvalidSyntax),
            (json!([1]), ScimType::InvalidSyntax),
            (
                json!([{ "op": "move", "path": "title" }]),
                ScimType::InvalidSyntax,
            ),
            (json!([{ "op": "add", "path": "title" }]), ScimType::InvalidSyntax),
            (json!([{ "op": "add", "value": "x" }]), ScimType::InvalidSyntax),
            (json!([{ "op": "remove" }]), ScimType::NoTarget),
            (
                json!([{ "op": "add", "path": 7, "value": 1 }]),
                ScimType::InvalidPath,
            ),
            (
                json!([{ "op": "add", "path": "is_admin", "value": true }]),
                ScimType::InvalidPath,
            ),
            (
                json!([{ "op": "add", "path": nested, "value": "x" }]),
                ScimType::InvalidFilter,
            ),
            (
                json!([{ "op": "replace", "path": "emails[type eq \"other\"].value", "value": "x" }]),
                ScimType::NoTarget,
            ),
            (
                json!([{ "op": "replace", "path": "id", "value": "x" }]),
                ScimType::Mutability,
            ),
            (
                json!([{ "op": "replace", "path": "meta.created", "value": "x" }]),
                ScimType::Mutability,
            ),
            (
                json!([{ "op": "add", "path": "groups", "value": [{ "value": "admins" }] }]),
                ScimType::Mutability,
            ),
            (
                json!([{ "op": "add", "value": { "roles": [{ "value": "super_admin" }] } }]),
                ScimType::Mutability,
            ),
            (
                json!([{ "op": "replace", "path": "password", "value": "x" }]),
                ScimType::Mutability,
            ),
            (
                json!([{ "op": "replace", "path": "active", "value": "maybe" }]),
                ScimType::InvalidValue,
            ),
            (
                json!([{ "op": "replace", "path": "title", "value": { "a": 1 } }]),
                ScimType::InvalidValue,
            ),
            (
                json!([{ "op": "remove", "path": "userName" }]),
                ScimType::InvalidValue,
            ),
            (
                json!([{ "op": "replace", "path": "userName", "value": "" }]),
                ScimType::InvalidValue,
            ),
            (
                json!([{ "op": "add", "path": "emails.primary", "value": true }]),
                ScimType::InvalidValue,
            ),
            (json!(many), ScimType::InvalidSyntax),
        ] {
            let refused = user(&operations).unwrap_err();
            assert_eq!(refused.scim_type, Some(reason), "{operations}: {refused:?}");
        }
        let refused = patched(
            &GROUP,
            &json!([{ "op": "replace", "path": "members.value", "value": "x" }]),
        );
        assert_eq!(refused.unwrap_err().scim_type, Some(ScimType::Mutability));
        let plain = json!({ "Operations": [{ "op": "remove", "path": "title" }] });
        assert!(parse(&USER, plain.as_object().unwrap()).is_err());
    }

    #[test]
    fn hostile_texts_end_quickly_and_change_nothing() {
        let pieces = [
            "(",
            "[",
            "]",
            ")",
            ".",
            "\"",
            "\\",
            "not",
            " and ",
            " or ",
            "emails",
            "value eq ",
            "\u{0}",
            "é",
            "%",
            "'",
        ];
        let mut state = 7_u64;
        for _ in 0..3000 {
            let mut text = String::new();
            for _ in 0..(state % 24) {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                let piece = usize::try_from(state >> 33).unwrap() % pieces.len();
                text.push_str(pieces[piece]);
            }
            state = state.wrapping_add(1);
            let _ = crate::scim::filter::parse(&USER, &text);
            let patch = json!([{ "op": "replace", "path": text, "value": true }]);
            if let Ok(after) = user(&patch) {
                let known = |name: &String| USER.attribute(name).is_some();
                assert!(after.as_object().unwrap().keys().all(known), "{text}");
            }
        }
    }
}
