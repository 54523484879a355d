//! What can be said about a client. It is read as the client itself is, so that every channel has the same rules.

use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::administration::catalogue::MfaPolicyName;

/// Members as they were sent.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct Members(pub(super) Map<String, Value>);

/// Metadata of a client (RFC 7591 §2); what is left out stays, `null` sets it back to what it is without being said.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes how Client is read")]
pub(super) struct ClientInput {
    /// The identifier; one is made when it is left out, and it cannot be changed.
    #[schema(required = false)]
    client_id: String,
    /// The name people see.
    client_name: Option<String>,
    /// The home page.
    client_uri: Option<String>,
    /// The logo shown when signing in.
    logo_uri: Option<String>,
    /// The privacy policy.
    policy_uri: Option<String>,
    /// The terms of service.
    tos_uri: Option<String>,
    /// `web` or `native`.
    application_type: Option<String>,
    /// Where authorization responses may go, compared as raw strings.
    redirect_uris: Option<Vec<String>>,
    /// Where a browser may go after sign-out.
    post_logout_redirect_uris: Option<Vec<String>>,
    /// Origins that may call the endpoints from a browser, beside those of the redirect URIs.
    allowed_origins: Option<Vec<String>>,
    /// Grants the client may use.
    grant_types: Option<Vec<String>>,
    /// Response types the client may use.
    response_types: Option<Vec<String>>,
    /// The one way it authenticates.
    token_endpoint_auth_method: Option<String>,
    /// The algorithm of its assertions.
    token_endpoint_auth_signing_alg: Option<String>,
    /// Whether an assertion's `aud` may also be the endpoint's URL.
    allow_endpoint_audience: Option<bool>,
    /// Scopes it may ask for, separated by spaces.
    scope: Option<String>,
    /// Resource servers it may ask tokens for.
    resources: Option<Vec<String>>,
    /// Its public keys.
    jwks: Option<Value>,
    /// Where its public keys are published.
    jwks_uri: Option<String>,
    /// The algorithm of its ID tokens.
    id_token_signed_response_alg: Option<String>,
    /// The algorithm of the access tokens it is given.
    access_token_signed_response_alg: Option<String>,
    /// Ask for sign-in when the last one is older, in seconds.
    default_max_age: Option<u32>,
    /// Classes asked for when a request names none.
    default_acr_values: Option<Vec<String>>,
    /// Whether a code needs a challenge.
    require_pkce: Option<bool>,
    /// Whether the account holder is asked first.
    require_consent: Option<bool>,
    /// Whether it may introspect tokens meant for it.
    may_introspect: Option<bool>,
    /// Whether access tokens carry `roles` and `permissions`.
    authority_in_tokens: Option<bool>,
    /// Whether its users must prove a second factor.
    mfa: Option<MfaPolicyName>,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use utoipa::PartialSchema as _;

    use super::*;
    use crate::administration::clients::view::ClientMetadata;

    #[test]
    fn what_can_be_said_is_what_is_shown() {
        let names = |schema: Value| -> BTreeSet<String> {
            schema["properties"]
                .as_object()
                .unwrap()
                .keys()
                .cloned()
                .collect()
        };
        let said = serde_json::to_value(ClientInput::schema()).unwrap();
        let shown = serde_json::to_value(ClientMetadata::schema()).unwrap();
        assert_eq!(names(said), names(shown));
    }
}
