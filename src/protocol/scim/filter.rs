//! Filters and the paths of patches, read against a schema: what names nothing in it is refused here
//! (RFC 7644 §3.4.2.2, §3.5.2). Length, depth and count are bounded, and nothing is read twice.

use serde_json::Value;

use super::date;
use super::error::{ScimError, ScimType};
use super::schema::{Attribute, Kind, Returned, Schema};
use crate::time::Timestamp;

/// The most bytes of a filter or path.
pub const MAX_BYTES: usize = 4096;
/// How deep parentheses and brackets may be nested.
pub const MAX_DEPTH: usize = 16;
/// The most comparisons.
pub const MAX_TERMS: usize = 64;

/// An attribute, or one inside it.
#[derive(Clone, Copy, Debug)]
pub struct AttributePath {
    /// The attribute.
    pub attribute: &'static Attribute,
    /// The one inside.
    pub sub: Option<&'static Attribute>,
}

impl AttributePath {
    /// What holds the value that is compared.
    pub fn leaf(&self) -> &'static Attribute {
        self.sub.unwrap_or(self.attribute)
    }

    /// Whether it is this one, written `name` or `name.sub`.
    pub fn is(&self, path: &str) -> bool {
        match (path.split_once('.'), self.sub) {
            (Some((name, sub)), Some(own)) => self.attribute.name == name && own.name == sub,
            (None, None) => self.attribute.name == path,
            _ => false,
        }
    }
}

/// How a value is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// Equal.
    Eq,
    /// Not equal.
    Ne,
    /// Contains.
    Co,
    /// Starts with.
    Sw,
    /// Ends with.
    Ew,
    /// Greater.
    Gt,
    /// Greater or equal.
    Ge,
    /// Less.
    Lt,
    /// Less or equal.
    Le,
}

/// What a value is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operand {
    /// Text.
    Text(String),
    /// True or false.
    Boolean(bool),
    /// A moment.
    Moment(Timestamp),
    /// Nothing.
    Null,
}

/// What resources, or values of an attribute, are wanted.
#[derive(Clone, Debug)]
pub enum Filter {
    /// All of these.
    And(Vec<Filter>),
    /// Any of these.
    Or(Vec<Filter>),
    /// Not this.
    Not(Box<Filter>),
    /// There is a value.
    Present(AttributePath),
    /// A value compares like this.
    Compare(AttributePath, Operator, Operand),
    /// One value of an attribute is such.
    Holds(&'static Attribute, Box<Filter>),
}

impl Filter {
    /// What it takes to hold one value against it: its comparisons, of which those with long texts count more.
    pub fn weight(&self) -> usize {
        match self {
            Filter::And(all) | Filter::Or(all) => all.iter().map(Filter::weight).sum(),
            Filter::Not(filter) | Filter::Holds(_, filter) => filter.weight(),
            Filter::Compare(_, _, Operand::Text(text)) => 1 + text.len() / 64,
            Filter::Compare(..) | Filter::Present(_) => 1,
        }
    }
}

/// What a patch changes.
#[derive(Clone, Debug)]
pub struct PatchPath {
    /// The attribute.
    pub attribute: &'static Attribute,
    /// Which of its values.
    pub values: Option<Filter>,
    /// The one inside.
    pub sub: Option<&'static Attribute>,
}

/// Reads a filter.
pub fn parse(schema: &'static Schema, text: &str) -> Result<Filter, ScimError> {
    let mut reader = Reader::new(Scope::Resource(schema), text)?;
    let filter = reader.any_of(0)?;
    reader.end()?;
    Ok(filter)
}

/// Reads the name of an attribute, such as one to sort by or to return.
pub fn parse_attribute(schema: &'static Schema, text: &str) -> Option<AttributePath> {
    Scope::Resource(schema).resolve(text.trim())
}

/// Reads the path of a patch.
pub fn parse_path(schema: &'static Schema, text: &str) -> Result<PatchPath, ScimError> {
    let wrong = |detail: &str| ScimError::of(ScimType::InvalidPath, format!("the path {detail}"));
    if text.len() > MAX_BYTES {
        return Err(wrong("is too long"));
    }
    let text = text.trim();
    let Some(open) = text.find('[') else {
        let path = Scope::Resource(schema)
            .resolve(text)
            .ok_or_else(|| wrong("names no attribute of this resource"))?;
        return Ok(PatchPath {
            attribute: path.attribute,
            values: None,
            sub: path.sub,
        });
    };
    let (name, rest) = text.split_at_checked(open).unwrap_or_default();
    let path = Scope::Resource(schema)
        .resolve(name)
        .filter(|path| path.sub.is_none() && path.attribute.multi_valued)
        .ok_or_else(|| wrong("names no attribute with many values"))?;
    let inner = rest.strip_prefix('[').unwrap_or(rest);
    let mut reader = Reader::new(Scope::Values(path.attribute), inner)?;
    let values = reader.any_of(0)?;
    reader.take("]").then_some(()).ok_or_else(|| wrong("lacks a ]"))?;
    let sub = match reader.rest.trim_end() {
        "" => None,
        rest => Some(
            rest.strip_prefix('.')
                .and_then(|name| path.attribute.sub(name))
                .ok_or_else(|| wrong("names no attribute after the ]"))?,
        ),
    };
    Ok(PatchPath {
        attribute: path.attribute,
        values: Some(values),
        sub,
    })
}

/// Where names are looked up.
#[derive(Clone, Copy)]
enum Scope {
    Resource(&'static Schema),
    Values(&'static Attribute),
}

impl Scope {
    fn resolve(self, name: &str) -> Option<AttributePath> {
        match self {
            Scope::Resource(schema) => {
                let name = schema.without_prefix(name);
                let (name, sub) = match name.split_once('.') {
                    Some((name, sub)) => (name, Some(sub)),
                    None => (name, None),
                };
                let attribute = schema.attribute(name)?;
                let sub = match sub {
                    Some(sub) => Some(attribute.sub(sub)?),
                    None => None,
                };
                Some(AttributePath { attribute, sub })
            }
            Scope::Values(attribute) => Some(AttributePath {
                attribute: attribute.sub(name)?,
                sub: None,
            }),
        }
    }
}

struct Reader<'a> {
    scope: Scope,
    rest: &'a str,
    terms: usize,
}

impl<'a> Reader<'a> {
    fn new(scope: Scope, text: &'a str) -> Result<Reader<'a>, ScimError> {
        if text.len() > MAX_BYTES {
            return Err(ScimError::filter(format!(
                "a filter has at most {MAX_BYTES} bytes"
            )));
        }
        Ok(Reader {
            scope,
            rest: text.trim_start(),
            terms: 0,
        })
    }

    fn end(&self) -> Result<(), ScimError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(self.wrong("the end of the filter"))
        }
    }

    fn wrong(&self, expected: &str) -> ScimError {
        let near: String = self.rest.chars().take(20).collect();
        ScimError::filter(format!("expected {expected} near {near:?}"))
    }

    /// Whether this sign comes next, which is then behind.
    fn take(&mut self, sign: &str) -> bool {
        match self.rest.strip_prefix(sign) {
            Some(rest) => {
                self.rest = rest.trim_start();
                true
            }
            None => false,
        }
    }

    fn peek_word(&self) -> &'a str {
        let end = self
            .rest
            .find(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '[' | ']' | '"'))
            .unwrap_or(self.rest.len());
        self.rest.get(..end).unwrap_or_default()
    }

    fn word(&mut self) -> &'a str {
        let word = self.peek_word();
        self.rest = self.rest.get(word.len()..).unwrap_or_default().trim_start();
        word
    }

    fn take_word(&mut self, keyword: &str) -> bool {
        let is = self.peek_word().eq_ignore_ascii_case(keyword);
        if is {
            self.word();
        }
        is
    }

    fn any_of(&mut self, depth: usize) -> Result<Filter, ScimError> {
        let mut all = vec![self.all_of(depth)?];
        while self.take_word("or") {
            all.push(self.all_of(depth)?);
        }
        Ok(only(all, Filter::Or))
    }

    fn all_of(&mut self, depth: usize) -> Result<Filter, ScimError> {
        let mut all = vec![self.one(depth)?];
        while self.take_word("and") {
            all.push(self.one(depth)?);
        }
        Ok(only(all, Filter::And))
    }

    fn one(&mut self, depth: usize) -> Result<Filter, ScimError> {
        if depth >= MAX_DEPTH {
            return Err(ScimError::filter(format!("a filter is at most {MAX_DEPTH} deep")));
        }
        if self.take("(") {
            return self.grouped(depth);
        }
        let negated = self.peek_word().eq_ignore_ascii_case("not");
        if negated {
            self.word();
            if !self.take("(") {
                return Err(self.wrong("( after not"));
            }
            return Ok(Filter::Not(Box::new(self.grouped(depth)?)));
        }
        self.terms += 1;
        if self.terms > MAX_TERMS {
            return Err(ScimError::filter(format!(
                "a filter has at most {MAX_TERMS} comparisons"
            )));
        }
        self.term(depth)
    }

    fn grouped(&mut self, depth: usize) -> Result<Filter, ScimError> {
        let inner = self.any_of(depth + 1)?;
        if self.take(")") {
            Ok(inner)
        } else {
            Err(self.wrong(")"))
        }
    }

    fn term(&mut self, depth: usize) -> Result<Filter, ScimError> {
        let name = self.word();
        let path = self.scope.resolve(name);
        let path = path
            .filter(|path| path.attribute.returned != Returned::Never)
            .ok_or_else(|| {
                let name: String = name.chars().take(60).collect();
                ScimError::filter(format!("{name:?} is no attribute to filter by"))
            })?;
        if self.take("[") {
            return self.values(path, depth);
        }
        let operator = match self.word().to_ascii_lowercase().as_str() {
            "pr" => return Ok(Filter::Present(path)),
            "eq" => Operator::Eq,
            "ne" => Operator::Ne,
            "co" => Operator::Co,
            "sw" => Operator::Sw,
            "ew" => Operator::Ew,
            "gt" => Operator::Gt,
            "ge" => Operator::Ge,
            "lt" => Operator::Lt,
            "le" => Operator::Le,
            _ => return Err(self.wrong("an operator before")),
        };
        let path = comparable(path)?;
        let operand = self.operand(path.leaf(), operator)?;
        Ok(Filter::Compare(path, operator, operand))
    }

    fn values(&mut self, path: AttributePath, depth: usize) -> Result<Filter, ScimError> {
        let complex = matches!(path.attribute.kind, Kind::Complex(_)) && path.sub.is_none();
        if !complex || matches!(self.scope, Scope::Values(_)) {
            return Err(ScimError::filter(format!(
                "{} has no attributes inside",
                path.leaf().name
            )));
        }
        let outer = std::mem::replace(&mut self.scope, Scope::Values(path.attribute));
        let inner = self.any_of(depth + 1)?;
        self.scope = outer;
        if self.take("]") {
            Ok(Filter::Holds(path.attribute, Box::new(inner)))
        } else {
            Err(self.wrong("]"))
        }
    }

    fn operand(&mut self, leaf: &Attribute, operator: Operator) -> Result<Operand, ScimError> {
        let value = self.literal()?;
        let wrong = || ScimError::filter(format!("this cannot be compared with {}", leaf.name));
        let equality = matches!(operator, Operator::Eq | Operator::Ne);
        let part = matches!(operator, Operator::Co | Operator::Sw | Operator::Ew);
        match (leaf.kind, value) {
            (_, Value::Null) if equality => Ok(Operand::Null),
            (Kind::Boolean, value) if equality => boolean(&value).map(Operand::Boolean).ok_or_else(wrong),
            (Kind::DateTime, Value::String(text)) if !part => {
                date::parse(&text).map(Operand::Moment).ok_or_else(wrong)
            }
            (Kind::Text | Kind::Reference(_), Value::String(text)) => Ok(Operand::Text(leaf.written(&text))),
            _ => Err(wrong()),
        }
    }

    fn literal(&mut self) -> Result<Value, ScimError> {
        let length = match self.rest.strip_prefix('"') {
            Some(inner) => string_length(inner).map(|length| length + 2),
            None => Some(self.peek_word().len()),
        };
        let raw = length.and_then(|length| self.rest.split_at_checked(length));
        let (raw, rest) = raw.ok_or_else(|| self.wrong("the end of a text"))?;
        let lower = raw.to_ascii_lowercase();
        let value = match lower.as_str() {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            "null" => Value::Null,
            _ => serde_json::from_str(raw).map_err(|_| self.wrong("a value"))?,
        };
        // PostgreSQL keeps no NUL in text, so nothing has one.
        if value.as_str().is_some_and(|text| text.contains('\0')) {
            return Err(ScimError::filter("no value holds a NUL character"));
        }
        if !rest.is_empty() && !rest.starts_with(|c: char| c.is_whitespace() || matches!(c, ')' | ']')) {
            return Err(self.wrong("a space after the value"));
        }
        self.rest = rest.trim_start();
        Ok(value)
    }
}

/// Bytes before the quote that ends a JSON text.
fn string_length(inner: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, byte) in inner.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(at),
            _ => {}
        }
    }
    None
}

/// True or false, also as the text that some directories send.
pub(super) fn boolean(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(value) => Some(*value),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// What stands for an attribute that holds others: its `value`, where there can be many (RFC 7643 §2.4).
fn comparable(path: AttributePath) -> Result<AttributePath, ScimError> {
    if !matches!(path.leaf().kind, Kind::Complex(_)) {
        return Ok(path);
    }
    match path.attribute.sub("value") {
        Some(value) if path.attribute.multi_valued => Ok(AttributePath {
            sub: Some(value),
            ..path
        }),
        _ => Err(ScimError::filter(format!(
            "{} holds others; compare one of them",
            path.attribute.name
        ))),
    }
}

fn only(mut all: Vec<Filter>, many: fn(Vec<Filter>) -> Filter) -> Filter {
    match (all.pop(), all.is_empty()) {
        (Some(one), true) => one,
        (last, _) => {
            all.extend(last);
            many(all)
        }
    }
}

#[cfg(test)]
mod tests;
