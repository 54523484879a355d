//! The part of a resource that is asked for (RFC 7644 §3.9).

use serde_json::{Map, Value};

use super::error::{ScimError, ScimType};
use super::filter::{AttributePath, parse_attribute};
use super::schema::{Returned, Schema};

/// The most names in a list of attributes.
const MAX_NAMES: usize = 100;

/// What of a resource an answer holds.
#[derive(Clone, Debug, Default)]
pub enum Projection {
    /// All of it.
    #[default]
    Whole,
    /// These alone.
    Only(Vec<AttributePath>),
    /// All but these.
    Without(Vec<AttributePath>),
}

impl Projection {
    /// Reads the names; those that mean nothing here are passed over.
    pub fn parse<'a>(
        schema: &'static Schema,
        attributes: impl IntoIterator<Item = &'a str>,
        excluded: impl IntoIterator<Item = &'a str>,
    ) -> Result<Projection, ScimError> {
        let (only, without) = (names(schema, attributes)?, names(schema, excluded)?);
        match (only, without) {
            (Some(_), Some(_)) => {
                let detail = "attributes and excludedAttributes cannot be used together";
                Err(ScimError::of(ScimType::InvalidSyntax, detail))
            }
            (Some(only), None) => Ok(Projection::Only(only)),
            (None, Some(without)) => Ok(Projection::Without(without)),
            (None, None) => Ok(Projection::Whole),
        }
    }

    /// Whether an attribute is in the answer at all.
    pub fn wants(&self, name: &str) -> bool {
        match self {
            Projection::Whole => true,
            Projection::Only(paths) => paths.iter().any(|path| path.attribute.name == name),
            Projection::Without(paths) => !paths.iter().any(|path| path.is(name)),
        }
    }

    /// The part that is asked for. What identifies a resource always is.
    pub fn of(&self, resource: Map<String, Value>) -> Map<String, Value> {
        match self {
            Projection::Whole => resource,
            Projection::Only(paths) => resource
                .into_iter()
                .filter_map(|(name, value)| {
                    let mut named = paths.iter().filter(|path| path.attribute.name == name).peekable();
                    if is_always(&name) {
                        return Some((name, value));
                    }
                    named.peek()?;
                    let subs: Option<Vec<&str>> = named.map(|path| path.sub.map(|sub| sub.name)).collect();
                    let value = match subs {
                        Some(subs) => cut(value, &|sub| subs.contains(&sub)),
                        None => value,
                    };
                    Some((name, value))
                })
                .collect(),
            Projection::Without(paths) => resource
                .into_iter()
                .filter(|(name, _)| is_always(name) || !paths.iter().any(|path| path.is(name)))
                .map(|(name, value)| {
                    let dropped = |sub: &str| {
                        let is = |path: &AttributePath| path.sub.is_some_and(|found| found.name == sub);
                        paths.iter().any(|path| path.attribute.name == name && is(path))
                    };
                    let value = cut(value, &|sub| !dropped(sub));
                    (name, value)
                })
                .collect(),
        }
    }
}

fn is_always(name: &str) -> bool {
    super::schema::COMMON
        .iter()
        .any(|attribute| attribute.name == name && attribute.returned == Returned::Always)
}

fn names<'a>(
    schema: &'static Schema,
    names: impl IntoIterator<Item = &'a str>,
) -> Result<Option<Vec<AttributePath>>, ScimError> {
    let mut count = 0;
    let mut paths = Vec::new();
    for name in names {
        count += 1;
        if count > MAX_NAMES {
            let detail = format!("at most {MAX_NAMES} attributes can be named");
            return Err(ScimError::of(ScimType::InvalidSyntax, detail));
        }
        paths.extend(parse_attribute(schema, name));
    }
    Ok((count > 0).then_some(paths))
}

fn cut(value: Value, keep: &impl Fn(&str) -> bool) -> Value {
    match value {
        Value::Object(members) => members.into_iter().filter(|(name, _)| keep(name)).collect(),
        Value::Array(values) => values.into_iter().map(|value| cut(value, keep)).collect(),
        plain => plain,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::scim::schema::USER;

    #[test]
    fn an_answer_holds_what_is_asked_for_and_what_identifies() {
        let whole = json!({
            "schemas": ["s"], "id": "1", "userName": "u",
            "name": { "familyName": "f", "givenName": "g" },
            "emails": [{ "value": "v", "type": "work" }],
        });
        for (only, without, left) in [
            (&[][..], &[][..], whole.clone()),
            (
                &["USERNAME"],
                &[],
                json!({ "schemas": ["s"], "id": "1", "userName": "u" }),
            ),
            (
                &["name.familyName", "emails.value", "nothing"],
                &[],
                json!({ "schemas": ["s"], "id": "1", "name": { "familyName": "f" }, "emails": [{ "value": "v" }] }),
            ),
            (&["nothing"], &[], json!({ "schemas": ["s"], "id": "1" })),
            (
                &[],
                &["id", "name", "emails.type"],
                json!({ "schemas": ["s"], "id": "1", "userName": "u", "emails": [{ "value": "v" }] }),
            ),
        ] {
            let projection = Projection::parse(&USER, only.iter().copied(), without.iter().copied()).unwrap();
            let resource = whole.as_object().unwrap().clone();
            assert_eq!(
                Value::Object(projection.of(resource)),
                left,
                "{only:?} {without:?}"
            );
        }
        assert!(Projection::parse(&USER, ["id"], ["name"]).is_err());
    }
}
