//! Refusals in the words of RFC 7644 §3.12.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use protocol::scim::{ScimError, ScimType};

use super::answer::scim_json;
use crate::administration::Refused;
use crate::administration::provisioning::Declined;
use crate::bearer::refusal::ApiRefusal;
use crate::error::{BearerRefusal, Error, Failure, Refusal};

/// Why a provisioner does not get what it asks for.
#[derive(Debug)]
pub(super) struct ScimRefusal {
    error: ScimError,
    /// The rule of the house, for the record.
    refused: Option<Refused>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl From<ScimError> for ScimRefusal {
    fn from(error: ScimError) -> Self {
        ScimRefusal {
            error,
            refused: None,
            headers: Vec::new(),
        }
    }
}

impl From<Refused> for ScimRefusal {
    fn from(refused: Refused) -> Self {
        let scim_type = match &refused {
            Refused::Conflict(_) => Some(ScimType::Uniqueness),
            Refused::Invalid { .. } => Some(ScimType::InvalidValue),
            _ => None,
        };
        ScimRefusal {
            error: ScimError {
                status: refused.status().as_u16(),
                scim_type,
                detail: refused.says(),
            },
            refused: Some(refused),
            headers: Vec::new(),
        }
    }
}

impl From<Declined> for ScimRefusal {
    fn from(declined: Declined) -> Self {
        match declined {
            Declined::Rule(refused) => refused.into(),
            Declined::Request(error) => error.into(),
        }
    }
}

impl From<ApiRefusal> for ScimRefusal {
    fn from(refusal: ApiRefusal) -> Self {
        let detail = match &refusal {
            ApiRefusal::Bearer(BearerRefusal::NoToken) => "an access token is needed".to_owned(),
            ApiRefusal::Bearer(BearerRefusal::Wrong(error)) => error.description.to_string(),
            _ => "this is refused".to_owned(),
        };
        // The challenge and the time to wait are told as everywhere else.
        let plain = refusal.into_response();
        let kept = [header::WWW_AUTHENTICATE, header::RETRY_AFTER];
        let headers = kept.into_iter().filter_map(|name| {
            let value = plain.headers().get(&name)?.clone();
            Some((name, value))
        });
        ScimRefusal {
            headers: headers.collect(),
            error: ScimError::status(plain.status().as_u16(), detail),
            refused: None,
        }
    }
}

impl From<ScimRefusal> for Error<ScimRefusal> {
    fn from(refusal: ScimRefusal) -> Self {
        Error::Refused(refusal)
    }
}

impl From<ScimError> for Error<ScimRefusal> {
    fn from(error: ScimError) -> Self {
        Error::Refused(error.into())
    }
}

impl From<Error<Declined>> for Error<ScimRefusal> {
    fn from(error: Error<Declined>) -> Self {
        error.map_refusal(ScimRefusal::from)
    }
}

impl IntoResponse for ScimRefusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.error.status).unwrap_or(StatusCode::BAD_REQUEST);
        let mut answer = scim_json(status, &self.error.document());
        answer.headers_mut().extend(self.headers);
        if let Some(refused) = self.refused {
            answer.extensions_mut().insert(refused);
        }
        answer
    }
}

impl Refusal for ScimRefusal {
    fn failure(failure: Failure) -> Response {
        let detail = match failure {
            Failure::Broken => "something went wrong here",
            Failure::Busy => "the server is busy; try again in a moment",
        };
        let status = failure.status();
        scim_json(status, &ScimError::status(status.as_u16(), detail).document())
    }
}
