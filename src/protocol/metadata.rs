//! The metadata document (OpenID Connect Discovery §3, RFC 8414 §2). It says what works, and nothing else.

use serde::Serialize;

use crate::claims;
use crate::client::{ClientAuthMethod, GrantType};
use crate::jose::Algorithm;
use crate::response::ResponseMode;
use crate::role::STANDARD_SCOPES;
use crate::session::Acr;

/// Algorithms of client assertions: the client's own key, or its secret.
pub const ASSERTION_ALGORITHMS: [Algorithm; 5] = [
    Algorithm::Rs256,
    Algorithm::Ps256,
    Algorithm::Es256,
    Algorithm::EdDsa,
    Algorithm::Hs256,
];

/// The document served at both well-known locations.
#[derive(Clone, Debug, Serialize)]
pub struct Metadata {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    userinfo_endpoint: String,
    jwks_uri: String,
    introspection_endpoint: String,
    revocation_endpoint: String,
    end_session_endpoint: String,
    scopes_supported: Vec<String>,
    response_types_supported: [&'static str; 1],
    response_modes_supported: Vec<&'static str>,
    grant_types_supported: Vec<&'static str>,
    acr_values_supported: Vec<&'static str>,
    subject_types_supported: [&'static str; 1],
    id_token_signing_alg_values_supported: Vec<&'static str>,
    token_endpoint_auth_methods_supported: Vec<&'static str>,
    token_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    introspection_endpoint_auth_methods_supported: Vec<&'static str>,
    introspection_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    revocation_endpoint_auth_methods_supported: Vec<&'static str>,
    revocation_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    claim_types_supported: [&'static str; 1],
    claims_supported: Vec<&'static str>,
    ui_locales_supported: Vec<String>,
    prompt_values_supported: [&'static str; 4],
    code_challenge_methods_supported: [&'static str; 1],
    claims_parameter_supported: bool,
    request_parameter_supported: bool,
    request_uri_parameter_supported: bool,
    authorization_response_iss_parameter_supported: bool,
}

impl Metadata {
    /// Describes a server at `issuer` that signs with `algorithms`, offers `grants`, and knows `scopes` beside the
    /// standard ones.
    pub fn new(
        issuer: &str,
        algorithms: &[Algorithm],
        grants: &[GrantType],
        scopes: &[String],
        locales: &[&str],
    ) -> Metadata {
        let at = |path: &str| format!("{issuer}{path}");
        let methods: Vec<_> = ClientAuthMethod::ALL
            .into_iter()
            .map(ClientAuthMethod::as_str)
            .collect();
        let confidential: Vec<_> = methods
            .iter()
            .copied()
            .filter(|method| *method != "none")
            .collect();
        let assertions: Vec<_> = ASSERTION_ALGORITHMS.into_iter().map(Algorithm::as_str).collect();
        Metadata {
            issuer: issuer.to_owned(),
            authorization_endpoint: at("/authorize"),
            token_endpoint: at("/token"),
            userinfo_endpoint: at("/userinfo"),
            jwks_uri: at("/jwks.json"),
            introspection_endpoint: at("/introspect"),
            revocation_endpoint: at("/revoke"),
            end_session_endpoint: at("/logout"),
            scopes_supported: STANDARD_SCOPES
                .into_iter()
                .map(str::to_owned)
                .chain(scopes.iter().cloned())
                .collect(),
            response_types_supported: ["code"],
            response_modes_supported: ResponseMode::ALL.into_iter().map(ResponseMode::as_str).collect(),
            grant_types_supported: grants.iter().map(|grant| grant.as_str()).collect(),
            acr_values_supported: Acr::ALL.into_iter().map(Acr::as_str).collect(),
            subject_types_supported: ["public"],
            id_token_signing_alg_values_supported: algorithms.iter().map(|alg| alg.as_str()).collect(),
            token_endpoint_auth_methods_supported: methods.clone(),
            token_endpoint_auth_signing_alg_values_supported: assertions.clone(),
            introspection_endpoint_auth_methods_supported: confidential,
            introspection_endpoint_auth_signing_alg_values_supported: assertions.clone(),
            revocation_endpoint_auth_methods_supported: methods,
            revocation_endpoint_auth_signing_alg_values_supported: assertions,
            claim_types_supported: ["normal"],
            claims_supported: claims::supported(),
            ui_locales_supported: locales.iter().map(|&tag| tag.to_owned()).collect(),
            prompt_values_supported: ["none", "login", "consent", "select_account"],
            code_challenge_methods_supported: ["S256"],
            claims_parameter_supported: true,
            request_parameter_supported: false,
            request_uri_parameter_supported: false,
            authorization_response_iss_parameter_supported: true,
        }
    }
}
