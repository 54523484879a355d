//! Patches: read against the schema, and applied to a resource one after the other (RFC 7644 §3.5.2). The habits of
//! large directories are taken too: operations in any case of letters, `"False"` for false, a value without a path, and
//! members to be removed listed as the value.

use serde_json::{Map, Value};

use super::error::{ScimError, ScimType};
use super::evaluate::matches;
use super::filter::{Filter, Operand, Operator, PatchPath, parse_path};
use super::resource::{check_required, clean, clean_one, find, is_primary};
use super::schema::{Attribute, Kind, Mutability, Schema, blank};
use super::{PATCH_OP, schema};
use work::{Work, demote};

mod work;

pub use work::MAX_COMPARISONS;

/// The most operations in a request.
pub const MAX_OPERATIONS: usize = 1000;

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
    moves: Option<Moves>,
}

/// Values that come or go as a whole, and need no search.
#[derive(Clone, Debug)]
enum Moves {
    /// These are added.
    Join(Vec<Value>),
    /// Those with these keys are removed, and those that are like one of the others.
    Leave { keys: Vec<String>, others: Vec<Value> },
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
            let detail = format!("a request has at most {MAX_OPERATIONS} operations");
            return Err(ScimError::of(ScimType::TooMany, detail));
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
            Ok(vec![Operation::new(verb, path, value)?])
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
        operations.push(Operation::new(verb, path, value)?);
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
    resource: Members,
    operations: &[Operation],
) -> Result<Members, ScimError> {
    let mut work = Work::new(resource);
    for operation in operations {
        operation.apply(&mut work)?;
    }
    let resource = work.resource();
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

impl Moves {
    fn of(verb: Verb, path: &PatchPath, value: &Value) -> Result<Option<Moves>, ScimError> {
        let attribute = path.attribute;
        if !attribute.multi_valued || path.sub.is_some() {
            return Ok(None);
        }
        match (verb, &path.values) {
            (Verb::Add, None) => Ok(Some(Moves::Join(listed(attribute, value)?))),
            (Verb::Remove, None) if !value.is_null() => {
                let mut others = listed(attribute, value)?;
                let keys = others.iter().filter_map(key).map(str::to_owned).collect();
                others.retain(|value| key(value).is_none());
                Ok(Some(Moves::Leave { keys, others }))
            }
            (Verb::Remove, Some(filter)) => Ok(keys(filter).map(|keys| Moves::Leave {
                keys,
                others: Vec::new(),
            })),
            _ => Ok(None),
        }
    }
}

/// The values that are listed beside a path.
fn listed(attribute: &Attribute, value: &Value) -> Result<Vec<Value>, ScimError> {
    match clean(attribute, value)? {
        Some(Value::Array(values)) => Ok(values),
        _ => Ok(Vec::new()),
    }
}

/// The keys that a filter names, when it asks for nothing else.
fn keys(filter: &Filter) -> Option<Vec<String>> {
    match filter {
        Filter::Compare(path, Operator::Eq, Operand::Text(text))
            if path.is("value") && path.leaf().case_exact =>
        {
            Some(vec![text.clone()])
        }
        Filter::Or(all) => {
            let all: Option<Vec<_>> = all.iter().map(keys).collect();
            all.map(|keys| keys.concat())
        }
        _ => None,
    }
}

impl Operation {
    fn new(verb: Verb, path: PatchPath, value: Value) -> Result<Operation, ScimError> {
        check_mutable(&path)?;
        let moves = Moves::of(verb, &path, &value)?;
        Ok(Operation {
            verb,
            path,
            value,
            moves,
        })
    }

    fn apply(&self, work: &mut Work) -> Result<(), ScimError> {
        let attribute = self.path.attribute;
        match &self.moves {
            Some(Moves::Join(values)) => return work.join(attribute, values),
            Some(Moves::Leave { keys, others }) => return work.leave(attribute, keys, others),
            None => {}
        }
        match (&self.path.values, self.path.sub) {
            (Some(filter), sub) => self.change_values(work, Some(filter), sub),
            (None, Some(sub)) if attribute.multi_valued => self.change_values(work, None, Some(sub)),
            (None, Some(sub)) => {
                let entry = work
                    .resource()
                    .entry(attribute.name)
                    .or_insert_with(|| Map::new().into());
                match entry.as_object_mut() {
                    Some(members) => self.change_sub(members, sub, &self.value),
                    None => Ok(()),
                }
            }
            (None, None) => self.change_whole(work.resource()),
        }
    }

    fn change_whole(&self, resource: &mut Members) -> Result<(), ScimError> {
        let attribute = self.path.attribute;
        let (name, multi) = (attribute.name, attribute.multi_valued);
        match (self.verb, attribute.kind) {
            (Verb::Remove, _) => {
                resource.remove(name);
                Ok(())
            }
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

    fn change_values(
        &self,
        work: &mut Work,
        filter: Option<&Filter>,
        sub: Option<&'static Attribute>,
    ) -> Result<(), ScimError> {
        let attribute = self.path.attribute;
        let mut held = work.take(attribute);
        work.spend(held.len().saturating_mul(filter.map_or(1, Filter::weight)))?;
        self.change_picked(&mut held, filter, sub)?;
        work.put(attribute, held);
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
        let places: Vec<bool> = held.iter().map(picked).collect();
        if !places.contains(&true) {
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
        for (value, is_picked) in held.iter_mut().zip(places) {
            if !is_picked {
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

fn key(value: &Value) -> Option<&str> {
    value.get("value").and_then(Value::as_str)
}

#[cfg(test)]
mod tests;
