//! The ID Token that comes for a code, verified by the `openidconnect` crate (OpenID Connect Core §3.1.3.7).

use chrono::{DateTime, Utc};
use openidconnect::core::{
    CoreIdTokenVerifier, CoreJsonWebKey, CoreJsonWebKeySet, CoreJwsSigningAlgorithm, CoreTokenResponse,
};
use openidconnect::{
    AccessTokenHash, ClaimsVerificationError, ClientId, IssuerUrl, JsonWebTokenType, Nonce,
    OAuth2TokenResponse as _, SignatureVerificationError, TokenResponse as _,
};
use protocol::jose::{JoseError, KeySet, parse_unverified};
use protocol::upstream::{Expected, Person, read_person};
use serde_json::json;

use super::client::UpstreamError;

/// What a provider may sign with, whatever it publishes.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 4] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// The keys that our own rules would take: public, for signatures, and neither weak nor huge.
pub(super) fn fit(keys: &CoreJsonWebKeySet) -> CoreJsonWebKeySet {
    let is_fit = |key: &&CoreJsonWebKey| {
        KeySet::from_jwks(&json!({ "keys": [key] })).is_ok_and(|ready| !ready.is_empty())
    };
    CoreJsonWebKeySet::new(keys.keys().iter().filter(is_fit).cloned().collect())
}

/// Whether newer keys may show that the token is good.
pub(super) fn wants_other_keys(error: &UpstreamError) -> bool {
    matches!(
        error,
        UpstreamError::IdToken(ClaimsVerificationError::SignatureVerification(
            SignatureVerificationError::NoMatchingKey | SignatureVerificationError::CryptoError(_)
        ))
    )
}

/// Verifies that the issuer made the ID Token for this sign-in, and reads the person out of it.
pub(super) fn verify(
    answer: &CoreTokenResponse,
    keys: &CoreJsonWebKeySet,
    issuer: &IssuerUrl,
    nonce: &str,
    expected: &Expected<'_>,
) -> Result<Person, UpstreamError> {
    let id_token = answer.id_token().ok_or(UpstreamError::Response)?;
    let now = DateTime::from_timestamp(expected.now.0, 0).unwrap_or(DateTime::<Utc>::MAX_UTC);
    let client_id = ClientId::new(expected.client_id.to_owned());
    // Without our secret, nothing that is signed with it is believed.
    let verifier = CoreIdTokenVerifier::new_public_client(client_id, issuer.clone(), keys.clone())
        .set_allowed_algs(ALGORITHMS)
        .set_allowed_jose_types(JsonWebTokenType::new("JWT".to_owned()).normalize())
        // Others may be meant too, if `azp` says that it was made for us: that is seen to below.
        .set_other_audience_verifier_fn(|_| true)
        .set_time_fn(move || now);
    let claims = id_token.claims(&verifier, &Nonce::new(nonce.to_owned()))?;
    if let Some(hash) = claims.access_token_hash() {
        let unsigned = ClaimsVerificationError::SignatureVerification;
        let algorithm = id_token.signing_alg().map_err(unsigned)?;
        let key = id_token.signing_key(&verifier).map_err(unsigned)?;
        let right = AccessTokenHash::from_token(answer.access_token(), algorithm, key);
        if right.ok().as_ref() != Some(hash) {
            return Err(JoseError::Claim("at_hash").into());
        }
    }
    // The very claims that were signed, in the one form of token we read, and as they were typed.
    let signed = parse_unverified(&id_token.to_string())?;
    Ok(read_person(&signed.claims, expected)?)
}

#[cfg(test)]
mod tests;
