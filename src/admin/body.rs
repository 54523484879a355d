//! Bodies: JSON objects of which each member is known, and the three things a merge patch can say (RFC 7396).

use axum::body::to_bytes;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use protocol::json;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::administration::Refused;
use crate::bearer::refusal::ApiRefusal;
use crate::error::{Error, Problem};
use crate::web::media_type::{self, JSON, MERGE_PATCH};

/// More than any of these bodies needs.
const MAX_BYTES: usize = 256 * 1024;

/// A body that was read whole and checked. Its type should refuse unknown members (`deny_unknown_fields`).
#[derive(Clone, Debug)]
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for Body<T> {
    type Rejection = Error<ApiRefusal>;

    async fn from_request(request: Request, _: &S) -> Result<Self, Self::Rejection> {
        if !media_type::is(request.headers(), &[JSON, MERGE_PATCH]) {
            let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            return Err(Problem::new(status, "the body must be application/json").into());
        }
        let bytes = to_bytes(request.into_body(), MAX_BYTES)
            .await
            .map_err(|_| Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large"))?;
        Ok(Body(read(&bytes)?))
    }
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Refused> {
    let malformed = |error| Refused::invalid("body", format!("must be a JSON object: {error}"));
    let value = Value::Object(json::object(bytes).map_err(malformed)?);
    // PostgreSQL keeps no NUL in text.
    if holds_nul(&value) {
        return Err(Refused::invalid("body", "must hold no NUL characters"));
    }
    serde_path_to_error::deserialize(value).map_err(|error: serde_path_to_error::Error<serde_json::Error>| {
        let member = match error.path().to_string().as_str() {
            "." => "body".to_owned(),
            path => path.to_owned(),
        };
        Refused::invalid(member, error.into_inner().to_string())
    })
}

fn holds_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(values) => values.iter().any(holds_nul),
        Value::Object(members) => members
            .iter()
            .any(|(name, value)| name.contains('\0') || holds_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// What a merge patch says of a member: nothing, `null`, or a value. Goes with `#[serde(default)]` and
/// `#[schema(value_type = Option<..>)]`.
pub(super) type Patch<T> = Option<Option<T>>;

/// Reads a [`Patch`]: `#[serde(default, deserialize_with = "body::patch")]`.
pub(super) fn patch<'de, D: Deserializer<'de>, T: Deserialize<'de>>(input: D) -> Result<Patch<T>, D::Error> {
    Option::<T>::deserialize(input).map(Some)
}

/// Reads a member that may be left out but not be `null`: `#[serde(default, deserialize_with = "body::value")]`.
pub(super) fn value<'de, D: Deserializer<'de>, T: Deserialize<'de>>(input: D) -> Result<Option<T>, D::Error> {
    T::deserialize(input).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Change {
        #[serde(default, deserialize_with = "patch")]
        name: Patch<String>,
        #[serde(default, deserialize_with = "value")]
        on: Option<bool>,
    }

    #[test]
    fn a_patch_keeps_clears_or_sets() {
        for (json, name, on) in [
            ("{}", None, None),
            (r#"{"name":null}"#, Some(None), None),
            (
                r#"{"name":"x","on":true}"#,
                Some(Some("x".to_owned())),
                Some(true),
            ),
        ] {
            assert_eq!(read::<Change>(json.as_bytes()), Ok(Change { name, on }), "{json}");
        }
    }

    #[test]
    fn what_is_unknown_or_wrong_is_refused_with_its_member() {
        for (json, member) in [
            ("", "body"),
            ("[]", "body"),
            ("null", "body"),
            ("{", "body"),
            (r#"{"name":1}"#, "name"),
            (r#"{"on":null}"#, "on"),
            (r#"{"on":"true"}"#, "on"),
            (r#"{"roles":[]}"#, "roles"),
            (r#"{"name":"a","name":"b"}"#, "name"),
            (r#"{"name":"a\u0000"}"#, "body"),
            (r#"{"name":"\ud800"}"#, "body"),
        ] {
            let refused = read::<Change>(json.as_bytes()).unwrap_err();
            let Refused::Invalid {
                member: named,
                problem,
            } = refused
            else {
                panic!("{json}")
            };
            assert!(
                named == member || problem.contains(member),
                "{json}: {named} {problem}"
            );
        }
    }
}
