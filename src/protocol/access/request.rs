//! Requests of the Authorization API as they are sent, and what they come to. What is not known is ignored, as the
//! specification wants it; what is known must have its form.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::{Decision, Entity, ID_LENGTH, NAME_LENGTH, Question, TYPE_LENGTH, is_text};

/// Questions in one request.
pub const MAX_EVALUATIONS: usize = 100;
/// How deep the objects and arrays of a request may be nested.
pub const MAX_DEPTH: usize = 64;

/// What is wrong with a request, for whoever wrote the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// The member.
    pub member: &'static str,
    /// What it must be.
    pub problem: String,
}

impl Malformed {
    fn new(member: &'static str, problem: impl Into<String>) -> Malformed {
        Malformed {
            member,
            problem: problem.into(),
        }
    }
}

/// An object of which only the braces matter.
#[derive(Clone, Copy, Debug)]
struct Object;

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Object, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Object)
            }
        }
        deserializer.deserialize_map(Any)
    }
}

/// Something that must be sent as an object: by itself serde would take an array of the members as well.
#[derive(Clone, Debug, Default)]
struct Braces<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Braces<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Braces<T>, D::Error> {
        struct Map<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Map<T> {
            type Value = Braces<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Braces<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Braces)
            }
        }
        deserializer.deserialize_map(Map(PhantomData))
    }
}

/// A subject or resource; a search leaves out the identifier of what it looks for.
#[derive(Clone, Debug, Default, Deserialize)]
struct EntityPart {
    #[serde(rename = "type")]
    kind: Option<String>,
    id: Option<String>,
    #[serde(rename = "properties")]
    _properties: Option<Object>,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct ActionPart {
    name: Option<String>,
    #[serde(rename = "properties")]
    _properties: Option<Object>,
}

/// One question, of which parts may come from the defaults.
#[derive(Clone, Debug, Default, Deserialize)]
struct Parts {
    subject: Option<Braces<EntityPart>>,
    action: Option<Braces<ActionPart>>,
    resource: Option<Braces<EntityPart>>,
    #[serde(rename = "context")]
    _context: Option<Object>,
}

/// The names by which the members of a subject or resource are called in a refusal.
struct Names {
    whole: &'static str,
    kind: &'static str,
    id: &'static str,
}

const SUBJECT: Names = Names {
    whole: "subject",
    kind: "subject.type",
    id: "subject.id",
};
const RESOURCE: Names = Names {
    whole: "resource",
    kind: "resource.type",
    id: "resource.id",
};

fn text(value: Option<String>, member: &'static str, length: usize) -> Result<String, Malformed> {
    let value = value.ok_or_else(|| Malformed::new(member, "is missing"))?;
    if is_text(&value, length) {
        Ok(value)
    } else {
        let problem = format!("must be 1 to {length} characters without control characters");
        Err(Malformed::new(member, problem))
    }
}

impl EntityPart {
    fn whole(self, names: &Names) -> Result<Entity, Malformed> {
        Ok(Entity {
            kind: text(self.kind, names.kind, TYPE_LENGTH)?,
            id: text(self.id, names.id, ID_LENGTH)?,
        })
    }
}

fn entity(part: Option<Braces<EntityPart>>, names: &Names) -> Result<Entity, Malformed> {
    let Braces(part) = part.ok_or_else(|| Malformed::new(names.whole, "is missing"))?;
    part.whole(names)
}

fn kind(part: Option<Braces<EntityPart>>, names: &Names) -> Result<String, Malformed> {
    let Braces(part) = part.ok_or_else(|| Malformed::new(names.whole, "is missing"))?;
    text(part.kind, names.kind, TYPE_LENGTH)
}

fn action(part: Option<Braces<ActionPart>>) -> Result<String, Malformed> {
    let Braces(part) = part.ok_or_else(|| Malformed::new("action", "is missing"))?;
    text(part.name, "action.name", NAME_LENGTH)
}

impl Parts {
    /// What is missing here is taken from the defaults, each part as a whole (§7.1.1).
    fn or(self, defaults: &Parts) -> Parts {
        Parts {
            subject: self.subject.or_else(|| defaults.subject.clone()),
            action: self.action.or_else(|| defaults.action.clone()),
            resource: self.resource.or_else(|| defaults.resource.clone()),
            _context: None,
        }
    }

    fn question(self) -> Result<Question, Malformed> {
        Ok(Question {
            subject: entity(self.subject, &SUBJECT)?,
            action: action(self.action)?,
            resource: entity(self.resource, &RESOURCE)?,
        })
    }
}

fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Malformed> {
    let wrong = |problem: String| Malformed::new("body", problem);
    // What is passed over is not decoded, so all of it is looked at here.
    let text = std::str::from_utf8(body).map_err(|_| wrong("must be UTF-8".to_owned()))?;
    if depth(text) > MAX_DEPTH {
        return Err(wrong(format!("must be nested at most {MAX_DEPTH} deep")));
    }
    let Braces(read) = serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
    Ok(read)
}

/// How deep the objects and arrays of a JSON text are nested.
fn depth(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut in_text, mut escaped) = (false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            _ if in_text => {}
            b'{' | b'[' => {
                depth = depth.saturating_add(1);
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// Reads a request for one decision (§5).
pub fn evaluation(body: &[u8]) -> Result<Question, Malformed> {
    read::<Parts>(body)?.question()
}

/// When the answers to many questions end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Semantic {
    /// With the last question.
    #[default]
    ExecuteAll,
    /// With the first no.
    DenyOnFirstDeny,
    /// With the first yes.
    PermitOnFirstPermit,
}

impl Semantic {
    /// Whether this answer is the last one.
    pub fn ends_with(self, decision: &Decision) -> bool {
        match self {
            Semantic::ExecuteAll => false,
            Semantic::DenyOnFirstDeny => !decision.decision,
            Semantic::PermitOnFirstPermit => decision.decision,
        }
    }
}

#[derive(Debug, Default, Deserialize)]
struct Options {
    evaluations_semantic: Option<Semantic>,
}

/// One of many questions: a mistake in it is its own, and no reason to refuse the others.
#[derive(Debug)]
struct Item(Option<Parts>);

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Item, D::Error> {
        let parts = Braces::<Parts>::deserialize(Value::deserialize(deserializer)?);
        Ok(Item(parts.ok().map(|Braces(parts)| parts)))
    }
}

/// The questions of a request, which are not too many.
#[derive(Debug, Default)]
struct Items(Vec<Item>);

impl<'de> Deserialize<'de> for Items {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Items, D::Error> {
        struct Few;
        impl<'de> Visitor<'de> for Few {
            type Value = Items;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Items, A::Error> {
                let mut all = Vec::new();
                while let Some(item) = items.next_element()? {
                    if all.len() == MAX_EVALUATIONS {
                        return Err(A::Error::custom(format_args!(
                            "at most {MAX_EVALUATIONS} evaluations in one request"
                        )));
                    }
                    all.push(item);
                }
                Ok(Items(all))
            }
        }
        deserializer.deserialize_seq(Few)
    }
}

#[derive(Debug, Default, Deserialize)]
struct Batch {
    subject: Option<Braces<EntityPart>>,
    action: Option<Braces<ActionPart>>,
    resource: Option<Braces<EntityPart>>,
    #[serde(rename = "context")]
    _context: Option<Object>,
    options: Option<Braces<Options>>,
    evaluations: Option<Items>,
}

/// What a request for decisions asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// One question, to be answered as such.
    One(Question),
    /// Many, each of which may be wrong by itself.
    Many(Vec<Result<Question, Malformed>>, Semantic),
}

/// Reads a request for many decisions (§6). Without questions of their own the defaults are the one question.
pub fn evaluations(body: &[u8]) -> Result<Asked, Malformed> {
    let batch: Batch = read(body)?;
    let defaults = Parts {
        subject: batch.subject,
        action: batch.action,
        resource: batch.resource,
        _context: None,
    };
    let Items(items) = batch.evaluations.unwrap_or_default();
    if items.is_empty() {
        return Ok(Asked::One(defaults.question()?));
    }
    let semantic = batch.options.unwrap_or_default().0.evaluations_semantic;
    let questions = items.into_iter().map(|Item(parts)| {
        let parts = parts.ok_or_else(|| Malformed::new("evaluations", "has an entry of another form"))?;
        parts.or(&defaults).question()
    });
    Ok(Asked::Many(questions.collect(), semantic.unwrap_or_default()))
}

/// Which part of a long list is asked for (§8.2).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Page {
    /// What the page before said comes next.
    pub token: Option<String>,
    /// The most entries.
    pub limit: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
struct Search {
    subject: Option<Braces<EntityPart>>,
    action: Option<Braces<ActionPart>>,
    resource: Option<Braces<EntityPart>>,
    #[serde(rename = "context")]
    _context: Option<Object>,
    page: Option<Braces<Page>>,
}

/// Who may do this to this thing (§8.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubjectSearch {
    /// The type of those to find.
    pub kind: String,
    /// What they do.
    pub action: String,
    /// To what.
    pub resource: Entity,
    /// Which of them.
    pub page: Page,
}

/// Reads a search for subjects.
pub fn subject_search(body: &[u8]) -> Result<SubjectSearch, Malformed> {
    let search: Search = read(body)?;
    Ok(SubjectSearch {
        kind: kind(search.subject, &SUBJECT)?,
        action: action(search.action)?,
        resource: entity(search.resource, &RESOURCE)?,
        page: search.page.unwrap_or_default().0,
    })
}

/// To which things somebody may do this (§8.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceSearch {
    /// Who.
    pub subject: Entity,
    /// What they do.
    pub action: String,
    /// The type of the things to find.
    pub kind: String,
    /// Which of them.
    pub page: Page,
}

/// Reads a search for resources.
pub fn resource_search(body: &[u8]) -> Result<ResourceSearch, Malformed> {
    let search: Search = read(body)?;
    Ok(ResourceSearch {
        subject: entity(search.subject, &SUBJECT)?,
        action: action(search.action)?,
        kind: kind(search.resource, &RESOURCE)?,
        page: search.page.unwrap_or_default().0,
    })
}

/// What somebody may do to this thing (§8.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionSearch {
    /// Who.
    pub subject: Entity,
    /// To what.
    pub resource: Entity,
    /// Which of the actions.
    pub page: Page,
}

/// Reads a search for actions.
pub fn action_search(body: &[u8]) -> Result<ActionSearch, Malformed> {
    let search: Search = read(body)?;
    Ok(ActionSearch {
        subject: entity(search.subject, &SUBJECT)?,
        resource: entity(search.resource, &RESOURCE)?,
        page: search.page.unwrap_or_default().0,
    })
}

#[cfg(test)]
mod tests;
