//! Exchanges a code for the grant it stands for (RFC 6749 §4.1.3, RFC 7636 §4.5).

use protocol::client::Client;
use protocol::error::{OAuthError, invalid_grant};
use protocol::grant::AuthorizationCode;
use protocol::resource;
use protocol::secret::Secret;
use protocol::time::Timestamp;
use protocol::token_request::AuthorizationCodeParams;
use store::Conn;

use super::{Holder, first_refresh_token, narrow_resources};
use crate::app::App;
use crate::audit::Event;
use crate::error::{Error, TokenRefusal};
use crate::oauth::issue::Issuance;

/// What the one transaction found.
enum Outcome {
    Redeemed(Option<Secret>),
    Reused,
    Ended,
}

pub(in crate::oauth) async fn redeem(
    app: &App,
    client: &Client,
    params: AuthorizationCodeParams,
) -> Result<Issuance, Error<TokenRefusal>> {
    let now = app.now();
    let hash = params.code.hash();
    let found = app
        .store
        .read(async move |db: &mut Conn| {
            let Some(code) = store::codes::find(db, &hash).await? else {
                return Ok(None);
            };
            let holder = Holder::find(db, code.grant_id).await?;
            Ok(Some((code, holder)))
        })
        .await?;
    let (code, holder) = found.ok_or(invalid_grant("the code is unknown"))?;
    check(&code, &params, client, now)?;
    // All that can be refused is refused before the code is used up.
    let resources = match &holder {
        Some(holder) => narrow_resources(params.resources, &holder.grant.resources)?,
        None => params.resources,
    };
    resource::check(&resources, client)?;

    let (registered, tokens) = (client.clone(), app.config.tokens.clone());
    let event = Event::now(app, "code.redeemed").client(&client.client_id);
    let read = holder.clone();
    let outcome = app
        .store
        .write(async move |db: &mut Conn| {
            if !store::codes::consume(db, &hash, now).await? {
                // A second use means that the code leaked: all that it gave ends (RFC 6749 §4.1.2).
                store::grants::revoke(db, code.grant_id, now).await?;
                event.renamed("code.replayed").failed().record(db).await?;
                return Ok(Outcome::Reused);
            }
            let live = store::grants::is_live(db, code.grant_id).await?;
            // What was read before the transaction may have ended since.
            let Some(holder) = read.filter(|_| live) else {
                return Ok(Outcome::Ended);
            };
            let refresh_token = first_refresh_token(db, &registered, &holder.grant, &tokens, now).await?;
            event.account(holder.account.id).record(db).await?;
            Ok(Outcome::Redeemed(refresh_token))
        })
        .await?;
    let refresh_token = match outcome {
        Outcome::Redeemed(refresh_token) => refresh_token,
        Outcome::Reused => return Err(invalid_grant("the code was used before or has expired").into()),
        Outcome::Ended => return Err(invalid_grant("the authorization has ended").into()),
    };
    let holder = holder.ok_or(invalid_grant("the authorization has ended"))?;
    let catalogue = app.catalogue().await?;
    Ok(Issuance {
        scope: holder.narrow(&holder.grant.scope, client, &catalogue.scopes),
        resources,
        holder: Some(holder),
        refresh_token,
    })
}

fn check(
    code: &AuthorizationCode,
    params: &AuthorizationCodeParams,
    client: &Client,
    now: Timestamp,
) -> Result<(), OAuthError> {
    if code.client_id != client.client_id {
        return Err(invalid_grant("the code was issued to another client"));
    }
    if code.expires_at <= now && code.consumed_at.is_none() {
        return Err(invalid_grant("the code was used before or has expired"));
    }
    if params.redirect_uri.as_ref() != Some(&code.redirect_uri) {
        return Err(invalid_grant(
            "redirect_uri differs from the authorization request",
        ));
    }
    match (&code.code_challenge, &params.code_verifier) {
        (Some(challenge), Some(verifier)) if challenge.matches(verifier) => Ok(()),
        (Some(_), _) => Err(invalid_grant("code_verifier does not match the code_challenge")),
        // A verifier for a request without a challenge: somebody stripped it (RFC 9700 §4.8.2).
        (None, Some(_)) => Err(invalid_grant("the authorization request had no code_challenge")),
        (None, None) => Ok(()),
    }
}
