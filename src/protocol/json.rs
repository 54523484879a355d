//! JSON as it is read from whoever sends it: each member of an object is named once.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Error, Map, Value};

/// Reads a value in which no object names a member twice, at any depth: readers that take the first and readers that
/// take the last would see two things. The error is for whoever wrote the client.
pub fn value(text: &[u8]) -> Result<Value, Error> {
    serde_json::from_slice(text).map(|Strict(value)| value)
}

/// The same for what must be an object.
pub fn object(text: &[u8]) -> Result<Map<String, Value>, Error> {
    match value(text)? {
        Value::Object(members) => Ok(members),
        _ => Err(Error::custom("a JSON object is expected")),
    }
}

/// A JSON value in which no object names a member twice (RFC 7515 §4, RFC 7519 §4).
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Strict)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(Strict(element)) = elements.next_element()? {
            array.push(element);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some((name, Strict(value))) = members.next_entry::<String, Strict>()? {
            // Said with the name, for whoever wrote the client.
            if object.contains_key(&name) {
                return Err(A::Error::custom(format_args!(
                    "the member {name:?} is named twice"
                )));
            }
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_names_each_member_once() {
        for text in [
            "{}",
            r#"{"a":{"a":1},"b":[{"a":1},{"a":1.5}]}"#,
            r#"{"a":null,"A":true}"#,
            r#" {"a":"1"} "#,
        ] {
            assert_eq!(
                Value::Object(object(text.as_bytes()).unwrap()),
                serde_json::from_str::<Value>(text).unwrap(),
                "{text}"
            );
        }
        for (text, told) in [
            (r#"{"a":1,"a":1}"#, r#""a" is named twice"#),
            (r#"{"a":1,"\u0061":1}"#, r#""a" is named twice"#),
            (r#"{"x":{"b":1,"b":2}}"#, r#""b" is named twice"#),
            (r#"{"x":[{"b":1,"b":2}]}"#, r#""b" is named twice"#),
            ("[]", "object"),
            ("null", "object"),
            ("", "EOF"),
            ("{} {}", "trailing"),
            ("{\"a\":\"\u{80}\"", "EOF"),
        ] {
            let error = object(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(told), "{text}: {error}");
        }
        assert!(object(b"{\"a\":\"\xff\"}").is_err());
    }
}
