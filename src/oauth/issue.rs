//! The only minting code: an [`Issuance`] becomes a token response (RFC 6749 §5.1, RFC 9068, OpenID Connect Core §2).

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use protocol::access_token::{self, AccessTokenClaims, Audience, TokenId};
use protocol::claims;
use protocol::client::Client;
use protocol::error::{ErrorCode, OAuthError};
use protocol::grant::Grant;
use protocol::id_token::{self, IdTokenClaims};
use protocol::jose::{JoseError, half_hash};
use protocol::resource;
use protocol::role::Authority;
use protocol::scope::Scope;
use protocol::secret::Secret;
use protocol::session::{acr_of, amr_of};
use protocol::time::{Lifetime, Timestamp};
use serde::Serialize;
use serde_json::{Map, Value};
use store::Account;

use super::grants::Holder;
use crate::app::App;
use crate::error::{Error, TokenRefusal};
use crate::keys::KeyError;
use crate::random;

/// What a grant type decided to give; nothing has been signed yet.
pub(super) struct Issuance {
    /// Whose authority the tokens carry; the client itself without one.
    pub(super) holder: Option<Holder>,
    /// The scope granted.
    pub(super) scope: Scope,
    /// The resource servers asked for.
    pub(super) resources: Vec<String>,
    /// A refresh token that the store already knows.
    pub(super) refresh_token: Option<Secret>,
    /// What the access token may not outlive.
    pub(super) ends_at: Option<Timestamp>,
    /// What kind of token is given for another one (RFC 8693 §2.2.1).
    pub(super) issued_token_type: Option<&'static str>,
}

/// A successful answer of the token endpoint.
#[derive(Serialize)]
pub(super) struct TokenResponse {
    access_token: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    issued_token_type: Option<&'static str>,
    token_type: &'static str,
    expires_in: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
    scope: String,
}

impl IntoResponse for TokenResponse {
    fn into_response(self) -> Response {
        // The tokens and some names: one allocation.
        let tokens = self.access_token.len() + self.id_token.as_ref().map_or(0, String::len);
        let mut body = Vec::with_capacity(tokens + self.scope.len() + 256);
        if let Err(error) = serde_json::to_writer(&mut body, &self) {
            return Error::<TokenRefusal>::failed(error).into_response();
        }
        let mut answer = Response::new(body.into());
        let headers = answer.headers_mut();
        // Room for those that others add: growing means sorting all of them in anew.
        headers.reserve(16);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
        answer
    }
}

/// Signs what was decided.
pub(super) async fn tokens(
    app: &App,
    client: &Client,
    issuance: Issuance,
) -> Result<TokenResponse, Error<TokenRefusal>> {
    let now = app.now();
    let ring = app.keys.ring();
    let active = |algorithm| ring.active(algorithm, now).map_err(Error::<TokenRefusal>::failed);
    let access_key = active(client.access_token_signed_response_alg)?;
    let id_key = active(client.id_token_signed_response_alg)?;
    let with_id_token = issuance.holder.is_some() && issuance.scope.contains("openid");

    let catalogue = app.catalogue().await?;
    let target = resource::target(
        &issuance.resources,
        &issuance.scope,
        client,
        &catalogue.resources,
        app.issuer(),
    );
    let draft = Draft {
        issuer: app.issuer().to_owned(),
        client_id: client.client_id.0.clone(),
        audience: target.audience,
        scope: target.scope,
        jti: match &issuance.holder {
            Some(holder) => TokenId::for_grant(holder.grant.id, random::bytes()),
            None => TokenId::without_grant(random::bytes()),
        },
        authority_in_tokens: client.authority_in_tokens,
        holder: issuance.holder,
        now,
        access_ends_at: ends_at(now, app.config.tokens.access_token, issuance.ends_at),
        id_lifetime: app.config.tokens.id_token,
    };
    let scope = draft.scope.to_string();
    let expires_in = draft.access_ends_at.since(now);
    let heavy = if with_id_token {
        vec![&*access_key, &*id_key]
    } else {
        vec![&*access_key]
    };
    let job = {
        let (access_key, id_key) = (access_key.clone(), id_key.clone());
        move || -> Result<(String, Option<String>), JoseError> {
            let access_token = draft.access_token(&access_key)?;
            let id_token = if with_id_token {
                draft.id_token(&id_key, &access_token)?
            } else {
                None
            };
            Ok((access_token, id_token))
        }
    };
    let (access_token, id_token) = app.keys.run(&heavy, job).await.map_err(busy)??;
    Ok(TokenResponse {
        access_token,
        issued_token_type: issuance.issued_token_type,
        token_type: "Bearer",
        expires_in,
        refresh_token: issuance.refresh_token.map(|token| token.expose().to_owned()),
        id_token,
        scope,
    })
}

/// When an access token ends: when its time is over, or before that with what it rests on.
fn ends_at(now: Timestamp, lifetime: Lifetime, at_most: Option<Timestamp>) -> Timestamp {
    let end = now + lifetime;
    at_most.map_or(end, |at_most| end.min(at_most))
}

/// A full signing queue is a reason to come back, not a fault.
fn busy(error: KeyError) -> Error<TokenRefusal> {
    match error {
        KeyError::Busy => OAuthError::new(
            ErrorCode::TemporarilyUnavailable,
            "too many requests at once, try again",
        )
        .into(),
        error => Error::failed(error),
    }
}

/// Everything the claims are made of, owned, so that it can move to a signing thread.
struct Draft {
    issuer: String,
    client_id: String,
    audience: Vec<String>,
    scope: Scope,
    jti: TokenId,
    authority_in_tokens: bool,
    holder: Option<Holder>,
    now: Timestamp,
    access_ends_at: Timestamp,
    id_lifetime: Lifetime,
}

impl Draft {
    fn access_token(&self, key: &protocol::jose::SigningKey) -> Result<String, JoseError> {
        let holder = self.holder.as_ref();
        let subject = holder.map(|holder| holder.grant.account_id.to_string());
        // A grant without factors is none that somebody signed in for.
        let signed_in = holder
            .map(|holder| &holder.grant)
            .filter(|grant| !grant.factors.is_empty());
        let authority = holder
            .filter(|_| self.authority_in_tokens)
            .map(|holder| &holder.authority);
        let claims = AccessTokenClaims {
            iss: &self.issuer,
            sub: subject.as_deref().unwrap_or(&self.client_id),
            aud: Audience(&self.audience),
            client_id: &self.client_id,
            iat: self.now,
            exp: self.access_ends_at,
            jti: &self.jti,
            scope: &self.scope,
            auth_time: signed_in.and_then(auth_time),
            acr: signed_in.map(|grant| acr_of(&grant.factors)),
            amr: signed_in.map(|grant| amr_of(&grant.factors)).unwrap_or_default(),
            sid: holder.and_then(|holder| holder.grant.session_id),
            roles: authority.map(|authority: &Authority| &authority.roles),
            permissions: authority.map(|authority| &authority.permissions),
        };
        key.sign(access_token::TYP, &claims)
    }

    fn id_token(
        &self,
        key: &protocol::jose::SigningKey,
        access_token: &str,
    ) -> Result<Option<String>, JoseError> {
        let Some(Holder { grant, account, .. }) = &self.holder else {
            return Ok(None);
        };
        let subject = grant.account_id.to_string();
        let mut requested = claims::id_token(&standard_claims(account), &grant.claims);
        // What the sign-in itself says is not for the profile to say.
        for claim in [
            "sub",
            "iss",
            "aud",
            "exp",
            "iat",
            "auth_time",
            "nonce",
            "acr",
            "amr",
            "sid",
        ] {
            requested.remove(claim);
        }
        let claims = IdTokenClaims {
            iss: &self.issuer,
            sub: &subject,
            aud: &self.client_id,
            exp: self.now + self.id_lifetime,
            iat: self.now,
            auth_time: auth_time(grant),
            nonce: grant.nonce.as_deref(),
            acr: Some(acr_of(&grant.factors)),
            amr: amr_of(&grant.factors),
            at_hash: Some(half_hash(key.algorithm(), access_token)),
            c_hash: None,
            sid: grant.session_id,
            requested,
        };
        key.sign(id_token::TYP, &claims).map(Some)
    }
}

/// When the person signed in, unless an upstream did not say.
fn auth_time(grant: &Grant) -> Option<Timestamp> {
    Some(grant.auth_time).filter(|at| at.0 > 0)
}

/// The standard claims of an account: its profile, with what the account itself knows better.
pub(super) fn standard_claims(account: &Account) -> Map<String, Value> {
    let mut claims = account.claims.clone();
    claims.insert("preferred_username".to_owned(), account.username.clone().into());
    claims.insert("updated_at".to_owned(), account.updated_at.0.into());
    match &account.email {
        Some(email) => {
            claims.insert("email".to_owned(), email.clone().into());
            claims.insert("email_verified".to_owned(), account.email_verified.into());
        }
        None => {
            claims.remove("email");
            claims.remove("email_verified");
        }
    }
    claims
}
