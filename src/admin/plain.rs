//! Questions that are not lists: their own parameters, and no others.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use url::form_urlencoded;

use crate::administration::Refused;

/// The parameters of a question.
#[derive(Clone, Debug)]
pub(super) struct Plain<F>(pub(super) F);

impl<F: DeserializeOwned, S: Sync> FromRequestParts<S> for Plain<F> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refused> {
        for (name, value) in form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()) {
            if value.contains(['\0', '\u{FFFD}']) {
                return Err(Refused::invalid(name, "must be text without NUL, in UTF-8"));
            }
        }
        match axum::extract::Query::<F>::try_from_uri(&parts.uri) {
            Ok(axum::extract::Query(filter)) => Ok(Plain(filter)),
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                Err(Refused::invalid(
                    "query",
                    cause.unwrap_or_else(|| error.to_string()),
                ))
            }
        }
    }
}
