//! Reading claims. A member of the wrong JSON type is refused, never taken for absent (RFC 8725 §3.11).

use serde_json::{Map, Value};

use super::JoseError;
use crate::time::Timestamp;

/// A member that must be there.
pub(crate) fn required<T>(value: Option<T>, name: &'static str) -> Result<T, JoseError> {
    value.ok_or(JoseError::Claim(name))
}

/// A member that is a string.
pub(crate) fn text<'a>(
    claims: &'a Map<String, Value>,
    name: &'static str,
) -> Result<Option<&'a str>, JoseError> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(JoseError::Claim(name)),
    }
}

/// A member that is a `NumericDate` (RFC 7519 §2), fractions of a second cut off.
pub(crate) fn date(claims: &Map<String, Value>, name: &'static str) -> Result<Option<Timestamp>, JoseError> {
    let Some(value) = claims.get(name) else {
        return Ok(None);
    };
    let Value::Number(number) = value else {
        return Err(JoseError::Claim(name));
    };
    match (number.as_i64(), number.as_f64()) {
        (Some(secs), _) => Ok(Some(Timestamp(secs))),
        (None, Some(secs)) if secs.is_finite() => Ok(Some(Timestamp(whole_seconds(secs)))),
        _ => Err(JoseError::Claim(name)),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "saturates, and a date that far off is refused anyway"
)]
fn whole_seconds(secs: f64) -> i64 {
    secs.floor() as i64
}

/// The audiences: a string, or an array of strings (RFC 7519 §4.1.3).
pub(crate) fn audiences(claims: &Map<String, Value>) -> Result<Vec<String>, JoseError> {
    let wrong = JoseError::Claim("aud");
    match claims.get("aud") {
        Some(Value::String(one)) => Ok(vec![one.clone()]),
        Some(Value::Array(several)) if !several.is_empty() => several
            .iter()
            .map(|audience| audience.as_str().map(str::to_owned).ok_or_else(|| wrong.clone()))
            .collect(),
        _ => Err(wrong),
    }
}
