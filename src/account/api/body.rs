//! The bodies of requests: JSON objects whose members are all known.

use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::StatusCode;
use protocol::json;
use serde_json::{Map, Value};

use super::bad;
use crate::error::Problem;
use crate::web::media_type::{self, JSON, MERGE_PATCH};

/// More than any of these bodies needs.
const MAX_BYTES: usize = 16 * 1024;

/// Reads a JSON object.
pub(super) async fn read(request: Request) -> Result<Map<String, Value>, Problem> {
    if !media_type::is(request.headers(), &[JSON, MERGE_PATCH]) {
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        return Err(Problem::new(status, "the body must be application/json"));
    }
    let body = to_bytes(request.into_body(), MAX_BYTES)
        .await
        .map_err(|_| Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large"))?;
    // PostgreSQL keeps no NUL in text.
    match json::object(&body) {
        Ok(members) if !members.values().any(holds_nul) => Ok(members),
        _ => Err(bad(
            "the body must be a JSON object with each member named once, without NUL characters",
        )),
    }
}

fn holds_nul(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.contains('\0'))
}

/// The texts of the members with these names, of which the first `required` must be there; no other may be.
pub(super) fn texts<const N: usize>(
    mut members: Map<String, Value>,
    names: [&str; N],
    required: usize,
) -> Result<[Option<String>; N], Problem> {
    if let Some(name) = members.keys().find(|name| !names.contains(&name.as_str())) {
        return Err(bad("this member is not known").with("member", name.as_str()));
    }
    let mut texts = [const { None }; N];
    for (index, (text, name)) in texts.iter_mut().zip(names).enumerate() {
        match members.remove(name) {
            Some(Value::String(value)) => *text = Some(value),
            None if index >= required => {}
            _ => return Err(bad("this member must be text").with("member", name)),
        }
    }
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(json: &str) -> Map<String, Value> {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn only_known_members_of_the_right_kind_are_taken() {
        let names = ["a", "b"];
        let taken = texts(members(r#"{"a":"1"}"#), names, 1).unwrap();
        assert_eq!(taken, [Some("1".to_owned()), None]);
        for json in [
            "{}",
            r#"{"b":"1"}"#,
            r#"{"a":1}"#,
            r#"{"a":"1","c":"2"}"#,
            r#"{"a":"1","b":null}"#,
        ] {
            assert!(texts(members(json), names, 1).is_err(), "{json}");
        }
    }
}
