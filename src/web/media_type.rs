//! What kind of body a request declares (RFC 9110 §8.3).

use http::HeaderMap;
use http::header::CONTENT_TYPE;

/// JSON (RFC 8259).
pub const JSON: &str = "application/json";
/// A form (HTML §4.10.21).
pub const FORM: &str = "application/x-www-form-urlencoded";
/// A merge patch (RFC 7396).
pub const MERGE_PATCH: &str = "application/merge-patch+json";

/// The one of these types that a body is declared as, whatever its parameters; nothing where several are declared.
pub fn declared<'a>(headers: &HeaderMap, types: &[&'a str]) -> Option<&'a str> {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    let essence = value.as_bytes().split(|b| *b == b';').next().unwrap_or_default();
    types
        .iter()
        .copied()
        .find(|name| essence.trim_ascii().eq_ignore_ascii_case(name.as_bytes()))
}

/// Whether a body is declared as one of these types.
pub fn is(headers: &HeaderMap, types: &[&str]) -> bool {
    declared(headers, types).is_some()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn parameters_and_case_do_not_matter_and_one_type_is_declared() {
        for (values, found) in [
            (vec!["application/json"], Some(JSON)),
            (vec!["Application/JSON ; charset=utf-8"], Some(JSON)),
            (vec!["application/merge-patch+json"], Some(MERGE_PATCH)),
            (vec!["application/jsonp"], None),
            (vec!["text/plain"], None),
            (vec![""], None),
            (vec![], None),
            (vec!["application/json", "application/json"], None),
        ] {
            let mut headers = HeaderMap::new();
            for value in &values {
                headers.append(CONTENT_TYPE, HeaderValue::from_static(value));
            }
            assert_eq!(declared(&headers, &[JSON, MERGE_PATCH]), found, "{values:?}");
        }
    }
}
