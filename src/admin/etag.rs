//! Entity tags on the wire (RFC 9110 §8.8.3, §13.1.1, §13.1.2).

use axum::Json;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::caller::{Conditions, IF_MATCH};
use crate::administration::{Expected, Refused, version};
use crate::bearer::refusal::ApiRefusal;
use crate::error::Error;

/// Reads the headers that make a request conditional. A condition that cannot be read is refused, for the change would
/// be made to whichever version there is.
pub(super) fn conditions(headers: &HeaderMap) -> Result<Conditions, Refused> {
    let expected = match tags(headers, &header::IF_MATCH) {
        None => Expected::Any,
        // The resource is looked for first, and that it is there is all that a star asks.
        Some(tags) if tags == ["*"] => Expected::Any,
        Some(tags) if tags.is_empty() || !tags.iter().all(|tag| is_tag(tag)) => {
            return Err(Refused::invalid(IF_MATCH, "must be * or entity tags in quotes"));
        }
        // A weak tag never matches here.
        Some(tags) => Expected::OneOf(tags),
    };
    let known = tags(headers, &header::IF_NONE_MATCH).unwrap_or_default();
    let strong = |tag: String| tag.strip_prefix("W/").map(str::to_owned).unwrap_or(tag);
    Ok(Conditions {
        expected,
        known: known.into_iter().map(strong).collect(),
    })
}

fn is_tag(text: &str) -> bool {
    let opaque = text.strip_prefix("W/").unwrap_or(text);
    let inner = opaque.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    inner.is_some_and(|inner| inner.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"'))
}

/// The tags of a header; those of ours hold no comma.
fn tags(headers: &HeaderMap, name: &HeaderName) -> Option<Vec<String>> {
    let mut values = headers.get_all(name).iter().peekable();
    values.peek()?;
    // What cannot be read is no tag, and must not look like nothing.
    let texts = values.map(|value| value.to_str().unwrap_or("?"));
    Some(
        texts
            .flat_map(|text| text.split(','))
            .map(|tag| tag.trim().to_owned())
            .filter(|tag| !tag.is_empty())
            .collect(),
    )
}

/// A representation with its tag; 304 for who has it already.
pub(super) fn show<T: Serialize>(conditions: &Conditions, shown: &T) -> Result<Response, Error<ApiRefusal>> {
    let tag = version::tag(shown)?;
    let mut answer = if conditions.known.iter().any(|known| *known == tag || known == "*") {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Json(shown).into_response()
    };
    put(&mut answer, &tag);
    Ok(answer)
}

/// What was made or changed, as it is now, with its tag.
pub(super) fn changed<T: Serialize>(status: StatusCode, shown: &T) -> Result<Response, Error<ApiRefusal>> {
    let tag = version::tag(shown)?;
    let mut answer = (status, Json(shown)).into_response();
    put(&mut answer, &tag);
    Ok(answer)
}

fn put(answer: &mut Response, tag: &str) {
    if let Ok(value) = HeaderValue::from_str(tag) {
        answer.headers_mut().insert(header::ETAG, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected_by(value: &str) -> Result<Expected, Refused> {
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_MATCH, HeaderValue::from_str(value).unwrap());
        conditions(&headers).map(|conditions| conditions.expected)
    }

    #[test]
    fn tags_are_read_as_they_are_written() {
        let one_of = |tags: &[&str]| Expected::OneOf(tags.iter().map(|tag| (*tag).to_owned()).collect());
        for (value, expected) in [
            ("\"a\"", one_of(&["\"a\""])),
            ("\"a\", \"b\"", one_of(&["\"a\"", "\"b\""])),
            ("\"a\",", one_of(&["\"a\""])),
            ("W/\"a\"", one_of(&["W/\"a\""])),
            ("*", Expected::Any),
            ("\"\"", one_of(&["\"\""])),
        ] {
            assert_eq!(expected_by(value), Ok(expected), "{value}");
        }
        assert_eq!(conditions(&HeaderMap::new()).unwrap().expected, Expected::Any);
    }

    #[test]
    fn what_is_no_tag_is_no_condition() {
        for value in [
            "",
            "a",
            "\"a",
            "a\"",
            "\"",
            "W/",
            "W/a",
            "\"a\" \"b\"",
            "\"a\", b",
            "\"a b\"",
            "*, \"a\"",
            "\"a\", *",
            "\"a\", \u{e9}",
        ] {
            assert!(expected_by(value).is_err(), "{value}");
        }
    }
}
