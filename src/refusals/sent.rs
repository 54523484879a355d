//! What was sent to an OAuth endpoint, kept at hand until the answer is known.

use axum::extract::{MatchedPath, Request};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Method, Uri};
use protocol::time::Timestamp;
use url::form_urlencoded;

use super::redaction::redacted;
use super::{RefusedRequest, Told};
use crate::web::form;
use crate::web::request_id::RequestId;

/// Parameters kept of one request.
const PARAMETERS: usize = 30;
/// Characters kept of a client's identifier.
const CLIENT_ID: usize = 200;

/// The endpoints whose refusals are remembered, and what they are called in statistics.
const ENDPOINTS: [(&str, &str); 11] = [
    ("/authorize", "authorize"),
    ("/authorize/{interaction}", "authorize"),
    ("/token", "token"),
    ("/userinfo", "userinfo"),
    ("/introspect", "introspect"),
    ("/revoke", "revoke"),
    ("/logout", "logout"),
    ("/par", "par"),
    ("/register", "register"),
    ("/device_authorization", "device_authorization"),
    ("/bc-authorize", "bc-authorize"),
];

/// A request to an OAuth endpoint. Making one copies no text.
#[derive(Clone, Debug)]
pub struct Sent {
    path: &'static str,
    endpoint: &'static str,
    method: Method,
    uri: Uri,
    authorization: Option<HeaderValue>,
    form: Option<Bytes>,
}

impl Sent {
    /// The request, if it goes to such an endpoint.
    pub fn of(request: &Request, body: &Bytes) -> Option<Sent> {
        let path = request.extensions().get::<MatchedPath>()?.as_str();
        let (path, endpoint) = ENDPOINTS.iter().find(|(known, _)| *known == path)?;
        Some(Sent {
            path,
            endpoint,
            method: request.method().clone(),
            uri: request.uri().clone(),
            authorization: request.headers().get(AUTHORIZATION).cloned(),
            form: form::is_form(request.headers()).then(|| body.clone()),
        })
    }

    /// The endpoint as statistics call it.
    pub fn endpoint(&self) -> &'static str {
        self.endpoint
    }

    /// What is remembered of it once it was refused.
    pub(super) fn refused(&self, id: RequestId, at: Timestamp, told: &Told) -> RefusedRequest {
        let query = self.uri.query().unwrap_or_default().as_bytes();
        let form = self.form.as_deref().unwrap_or_default();
        let pairs: Vec<_> = form_urlencoded::parse(query)
            .chain(form_urlencoded::parse(form))
            .take(PARAMETERS)
            .collect();
        let named = pairs.iter().find(|(name, _)| name == "client_id");
        let client_id = named
            .map(|(_, id)| id.clone().into_owned())
            .or_else(|| told.client_id.clone())
            .or_else(|| self.basic_user());
        RefusedRequest {
            request_id: id.as_str().to_owned(),
            at: at.0,
            endpoint: self.path.to_owned(),
            method: self.method.as_str().to_owned(),
            client_id: client_id.map(|id| id.chars().take(CLIENT_ID).collect()),
            authorization: self.scheme().map(str::to_owned),
            parameters: pairs.iter().map(|(name, value)| redacted(name, value)).collect(),
            error: told.code.to_owned(),
            description: told.description.clone().into_owned(),
            cause: told.cause.map(str::to_owned),
        }
    }

    /// The scheme of the Authorization header, when it is one that is known: anything else may be a secret.
    fn scheme(&self) -> Option<&'static str> {
        let value = self.authorization.as_ref()?;
        let scheme = value.to_str().ok().and_then(|value| value.split_once(' '));
        let known = |scheme: &str| {
            ["Basic", "Bearer", "DPoP"]
                .into_iter()
                .find(|known| known.eq_ignore_ascii_case(scheme))
        };
        Some(
            scheme
                .and_then(|(scheme, _)| known(scheme))
                .unwrap_or("(unknown)"),
        )
    }

    fn basic_user(&self) -> Option<String> {
        let (scheme, credentials) = self.authorization.as_ref()?.to_str().ok()?.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let decoded = String::from_utf8(STANDARD.decode(credentials.trim()).ok()?).ok()?;
        let (user, _) = decoded.split_once(':')?;
        // As a form has it (RFC 6749 §2.3.1).
        let (user, _) = form_urlencoded::parse(user.as_bytes()).next()?;
        Some(user.into_owned())
    }
}
