//! A short access token for an API key (RFC 8693): it carries the owner's authority as far as the key does, and ends
//! with the key.

use protocol::api_key::{self, ApiKey, Ended, KeySecret};
use protocol::claims::ClaimsRequest;
use protocol::client::Client;
use protocol::error::{ErrorCode, OAuthError, invalid_request};
use protocol::grant::Grant;
use protocol::id::GrantId;
use protocol::resource;
use protocol::scope::Scope;
use protocol::secret::TokenHash;
use protocol::time::Timestamp;
use protocol::token_request::{ACCESS_TOKEN_TYPE, TokenExchangeParams};
use serde_json::json;
use store::{Conn, StoreError};

use super::Holder;
use crate::api_keys::{self, LiveKey, Unusable};
use crate::app::App;
use crate::audit::Event;
use crate::error::{Error, TokenRefusal};
use crate::oauth::issue::Issuance;
use crate::random;
use crate::web::client_ip::ClientAddress;

pub(in crate::oauth) async fn redeem(
    app: &App,
    client: &Client,
    address: ClientAddress,
    params: TokenExchangeParams,
) -> Result<Issuance, Error<TokenRefusal>> {
    resource::check(&params.resources, client)?;
    let key = match api_keys::verify(app, params.subject_token.expose(), address).await? {
        Ok(key) => key,
        Err(Unusable::TooMany(wait)) => return Err(TokenRefusal::too_many(wait).into()),
        Err(_) => return Err(unusable().into()),
    };
    let definitions = &app.catalogue().await?.scopes;
    let registered = params.scope.as_ref().unwrap_or(&client.scope);
    let asked = registered.retain(|token| client.scope.contains(token));
    let scope = api_key::narrow(&asked, &key.named, &key.authority, definitions);
    if scope.is_empty() {
        let refusal = "client, key and owner have no scope in common that was asked for";
        return Err(OAuthError::new(ErrorCode::InvalidScope, refusal).into());
    }
    let now = app.now();
    let grant = grant(client, &key, scope, params.resources.clone(), now);
    let event = Event::now(app, "api_key.exchanged")
        .client(&client.client_id)
        .account(key.account)
        .from(address)
        .detail(json!({ "api_key": key.id }));
    let secret = TokenHash::of(params.subject_token.expose());
    let kept = keep(app, key, secret, grant, event).await?;
    let (holder, ends_at) = kept.ok_or_else(unusable)?;
    Ok(Issuance {
        scope: holder.grant.scope.clone(),
        resources: params.resources,
        holder: Some(holder),
        refresh_token: None,
        ends_at,
        issued_token_type: Some(ACCESS_TOKEN_TYPE),
    })
}

/// A key that cannot be used, whatever the reason (RFC 8693 §2.2.2).
fn unusable() -> OAuthError {
    invalid_request("the subject_token is unknown, has ended or may not be used from here")
}

/// What the key's owner is taken to have allowed: nobody signed in, so there are no factors and no session.
fn grant(client: &Client, key: &LiveKey, scope: Scope, resources: Vec<String>, now: Timestamp) -> Grant {
    Grant {
        id: GrantId(random::uuid()),
        account_id: key.account,
        client_id: client.client_id.clone(),
        session_id: None,
        scope,
        resources,
        nonce: None,
        claims: ClaimsRequest::default(),
        auth_time: key.created_at,
        factors: Vec::new(),
        created_at: now,
        revoked_at: None,
    }
}

/// Writes the grant and binds it to the key, unless key, secret or owner have ended meanwhile. Tells when the secret
/// will end.
async fn keep(
    app: &App,
    key: LiveKey,
    secret: TokenHash,
    grant: Grant,
    event: Event,
) -> Result<Option<(Holder, Option<Timestamp>)>, StoreError> {
    let clock = app.clock.clone();
    app.store
        .write(async move |db: &mut Conn| {
            // Whoever ends the key or the account waits for this transaction, and then sees the grant.
            if store::accounts::find_locked(db, key.account).await?.is_none()
                || !store::api_keys::lock_live(db, key.id, grant.created_at).await?
            {
                return Ok(None);
            }
            let Ok(ends_at) = open_until(db, &secret, clock.now()).await? else {
                return Ok(None);
            };
            store::grants::insert(db, &grant).await?;
            store::api_keys::bind(db, key.id, grant.id).await?;
            let Some(holder) = Holder::find(db, grant.id, grant.created_at).await? else {
                return Ok(None);
            };
            event.record(db).await?;
            let holder = Holder {
                authority: key.authority,
                ..holder
            };
            Ok(Some((holder, ends_at)))
        })
        .await
}

/// When a secret will end by what its key is now: it may have been replaced since it was checked.
async fn open_until(
    db: &mut Conn,
    secret: &TokenHash,
    now: Timestamp,
) -> Result<Result<Option<Timestamp>, Ended>, StoreError> {
    let found = store::api_keys::find_by_secret(db, secret).await?;
    let end = |(key, which): (ApiKey, KeySecret)| key.open_until(which, now);
    Ok(found.ok_or(Ended::Rotated).and_then(end))
}
