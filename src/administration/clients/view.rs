//! A client as administrators see it: all but its secrets.

use protocol::client::Client;
use protocol::time::Timestamp;
use serde::Serialize;
use serde_json::Value;
use store::StoredClient;
use utoipa::ToSchema;

use crate::administration::catalogue::MfaPolicyName;

/// A client as administrators see it. No secret is in it, nor its hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Client)]
pub(crate) struct ClientView {
    /// The registered metadata.
    #[serde(flatten)]
    #[schema(value_type = ClientMetadata)]
    pub(crate) client: Client,
    /// Whether it is refused everywhere.
    pub(crate) disabled: bool,
    /// Whether it has a secret.
    pub(crate) has_secret: bool,
    /// How long the secret before this one is good.
    #[schema(value_type = Option<i64>)]
    pub(crate) previous_secret_expires_at: Option<Timestamp>,
    /// What keeps it: `file` for the declarative files.
    pub(crate) managed_by: Option<String>,
}

impl ClientView {
    /// A stored client as it is at a moment.
    pub(crate) fn at(stored: &StoredClient, now: Timestamp) -> ClientView {
        ClientView {
            client: stored.client.clone(),
            disabled: stored.disabled,
            has_secret: stored.secret_hash.is_some(),
            previous_secret_expires_at: stored.previous_secret(now).map(|previous| previous.expires_at),
            managed_by: stored.managed_by.clone(),
        }
    }
}

/// What is registered about a client (RFC 7591 §2).
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes how Client is written")]
pub(crate) struct ClientMetadata {
    /// The identifier.
    client_id: String,
    /// The name people see.
    #[schema(required = false)]
    client_name: String,
    /// The home page.
    #[schema(required = false)]
    client_uri: String,
    /// The logo shown when signing in.
    #[schema(required = false)]
    logo_uri: String,
    /// The privacy policy.
    #[schema(required = false)]
    policy_uri: String,
    /// The terms of service.
    #[schema(required = false)]
    tos_uri: String,
    /// `web` or `native`.
    application_type: String,
    /// Where authorization responses may go, compared as raw strings.
    redirect_uris: Vec<String>,
    /// Where a browser may go after sign-out.
    post_logout_redirect_uris: Vec<String>,
    /// Origins that may call the endpoints from a browser, beside those of the redirect URIs.
    allowed_origins: Vec<String>,
    /// Grants the client may use.
    grant_types: Vec<String>,
    /// Response types the client may use.
    response_types: Vec<String>,
    /// The one way it authenticates.
    token_endpoint_auth_method: String,
    /// The algorithm of its assertions.
    #[schema(required = false)]
    token_endpoint_auth_signing_alg: String,
    /// Whether an assertion's `aud` may also be the endpoint's URL.
    allow_endpoint_audience: bool,
    /// Scopes it may ask for, separated by spaces.
    scope: String,
    /// Resource servers it may ask tokens for.
    resources: Vec<String>,
    /// Its public keys.
    #[schema(required = false)]
    jwks: Value,
    /// Where its public keys are published.
    #[schema(required = false)]
    jwks_uri: String,
    /// The algorithm of its ID tokens.
    id_token_signed_response_alg: String,
    /// The algorithm of the access tokens it is given.
    access_token_signed_response_alg: String,
    /// Ask for sign-in when the last one is older, in seconds.
    #[schema(required = false)]
    default_max_age: u32,
    /// Classes asked for when a request names none.
    default_acr_values: Vec<String>,
    /// Whether a code needs a challenge.
    require_pkce: bool,
    /// Whether the account holder is asked first.
    require_consent: bool,
    /// Whether it may introspect tokens meant for it.
    may_introspect: bool,
    /// Whether access tokens carry `roles` and `permissions`.
    authority_in_tokens: bool,
    /// Whether its users must prove a second factor.
    #[schema(required = false)]
    mfa: MfaPolicyName,
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use utoipa::PartialSchema as _;

    use super::*;

    #[test]
    fn what_is_described_is_what_is_shown() {
        let mut whole = serde_json::to_value(Client::new("c".into())).unwrap();
        for name in [
            "client_name",
            "client_uri",
            "logo_uri",
            "policy_uri",
            "tos_uri",
            "jwks_uri",
        ] {
            whole[name] = json!("x");
        }
        whole["token_endpoint_auth_signing_alg"] = json!("ES256");
        whole["jwks"] = json!({});
        whole["default_max_age"] = json!(1);
        whole["mfa"] = json!("required");
        let client: Client = serde_json::from_value(whole).unwrap();
        let shown = serde_json::to_value(&client).unwrap();
        let described = serde_json::to_value(ClientMetadata::schema()).unwrap();
        let names = |value: &Value| {
            value
                .as_object()
                .unwrap()
                .keys()
                .cloned()
                .collect::<std::collections::BTreeSet<_>>()
        };
        assert_eq!(names(&described["properties"]), names(&shown));
        let least = serde_json::to_value(Client::new("c".into())).unwrap();
        let required: std::collections::BTreeSet<_> =
            serde_json::from_value(described["required"].clone()).unwrap();
        assert_eq!(required, names(&least));
    }
}
