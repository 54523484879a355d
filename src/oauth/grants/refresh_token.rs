//! Trades a refresh token for its successor and new access tokens (RFC 6749 §6, RFC 9700 §4.14.2).

use aws_lc_rs::hmac;
use protocol::client::Client;
use protocol::error::{ErrorCode, OAuthError, invalid_grant};
use protocol::grant::RefreshToken;
use protocol::resource;
use protocol::scope::Scope;
use protocol::secret::Secret;
use protocol::time::{Lifetime, Timestamp};
use protocol::token_request::RefreshTokenParams;
use store::{Conn, StoreError};

use super::{Holder, Interest, expiry, narrow_resources, something_left};
use crate::app::App;
use crate::audit::Event;
use crate::error::{Error, TokenRefusal};
use crate::oauth::issue::Issuance;

/// What the one transaction found.
enum Outcome {
    Rotated,
    Reused,
    Ended,
}

pub(in crate::oauth) async fn redeem(
    app: &App,
    client: &Client,
    params: RefreshTokenParams,
) -> Result<Issuance, Error<TokenRefusal>> {
    let now = app.now();
    let hash = params.refresh_token.hash();
    let interest = Interest::of(app, client).await?;
    let known = interest.clone();
    let (token, holder) = app
        .store
        .read(async move |db: &mut Conn| {
            if let Some((token, grant, account)) = store::refresh_tokens::find_live(db, &hash).await? {
                let holder = Holder::of(db, grant, account, &known, now).await?;
                return Ok((Some(token), Some(holder)));
            }
            Ok((store::refresh_tokens::find(db, &hash).await?, None))
        })
        .await?;
    let token = token.ok_or(invalid_grant("the refresh token is unknown"))?;
    if token.client_id != client.client_id {
        return Err(invalid_grant("the refresh token was issued to another client").into());
    }
    if token.expires_at <= now && token.consumed_at.is_none() {
        return Err(invalid_grant("the refresh token has expired").into());
    }
    let holder = holder.ok_or(invalid_grant("the authorization has ended"))?;
    let used_before = token.consumed_at.is_some();
    // All that can be refused is refused before the token is used up. A second use counts as one whatever else is
    // wrong with it, so that refusal waits.
    let asked = wanted(params.scope, params.resources, &holder, client, &interest);
    if !used_before {
        asked.as_ref().map_err(OAuthError::clone)?;
    }

    let successor = successor(&app.rotation_key, &params.refresh_token);
    let rotation = Rotation {
        token,
        hash,
        next: successor.hash(),
        expires_at: expiry(&holder.grant, &app.config.tokens, now),
        grace: app.config.tokens.refresh_retry_grace,
        now,
    };
    let event = Event::now(app, "refresh.reused")
        .client(&client.client_id)
        .account(holder.account.id)
        .failed();
    let outcome = app
        .store
        .write(async move |db: &mut Conn| rotate(db, rotation, event).await)
        .await?;
    match outcome {
        Outcome::Rotated => {}
        Outcome::Reused => return Err(invalid_grant("the refresh token was used before").into()),
        Outcome::Ended => return Err(invalid_grant("the authorization has ended").into()),
    }
    let (asked, resources) = asked?;
    Ok(Issuance {
        scope: holder.narrow(&asked, client, interest.definitions()),
        resources,
        holder: Some(holder),
        refresh_token: Some(successor),
        ends_at: None,
        issued_token_type: None,
    })
}

/// The scope and the resources that are asked for, when they are part of what was granted.
fn wanted(
    scope: Option<Scope>,
    resources: Vec<String>,
    holder: &Holder,
    client: &Client,
    interest: &Interest,
) -> Result<(Scope, Vec<String>), OAuthError> {
    let resources = narrow_resources(resources, &holder.grant.resources)?;
    resource::check(&resources, client)?;
    let asked = scope.unwrap_or_else(|| holder.grant.scope.clone());
    if !asked.is_within(&holder.grant.scope) {
        return Err(OAuthError::new(
            ErrorCode::InvalidScope,
            "scope is wider than what was granted",
        ));
    }
    something_left(holder, client, interest)?;
    if !asked.is_empty() && holder.narrow(&asked, client, interest.definitions()).is_empty() {
        return Err(OAuthError::new(
            ErrorCode::InvalidScope,
            "the account holds nothing any more of what is asked for",
        ));
    }
    Ok((asked, resources))
}

struct Rotation {
    token: RefreshToken,
    hash: protocol::secret::TokenHash,
    next: protocol::secret::TokenHash,
    expires_at: Timestamp,
    grace: Lifetime,
    now: Timestamp,
}

async fn rotate(db: &mut Conn, rotation: Rotation, event: Event) -> Result<Outcome, StoreError> {
    let Rotation {
        token,
        hash,
        next,
        expires_at,
        grace,
        now,
    } = rotation;
    let grant = token.grant_id;
    if store::refresh_tokens::consume(db, &hash, now).await? {
        let successor = RefreshToken {
            issued_at: now,
            expires_at,
            consumed_at: None,
            ..token
        };
        store::refresh_tokens::insert(db, &next, &successor).await?;
        return Ok(Outcome::Rotated);
    }
    let found = store::refresh_tokens::find(db, &hash).await?;
    let Some(used) = found.and_then(|token| token.consumed_at) else {
        // What was read before the transaction has ended since.
        return Ok(Outcome::Ended);
    };
    let successor = store::refresh_tokens::find(db, &next).await?;
    let in_grace = now.since(used) < grace.as_secs();
    if in_grace && successor.is_some_and(|successor| successor.consumed_at.is_none()) {
        let live = store::grants::is_live(db, grant).await?;
        return Ok(if live { Outcome::Rotated } else { Outcome::Ended });
    }
    // Used twice: one of the two users is a thief, and both lose it (RFC 9700 §4.14.2).
    store::grants::revoke(db, grant, now).await?;
    event.record(db).await?;
    Ok(Outcome::Reused)
}

/// The next token follows from the last one and a key only we have: a client that lost our answer gets the
/// same one again, and we keep neither in clear.
fn successor(key: &[u8; 32], token: &Secret) -> Secret {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), token.expose().as_bytes());
    let mut bytes = [0; 32];
    bytes.copy_from_slice(tag.as_ref());
    Secret::from_random("rt_", &bytes)
}
