//! Exchanges a code for the grant it stands for (RFC 6749 §4.1.3, RFC 7636 §4.5).

use protocol::client::Client;
use protocol::error::{OAuthError, invalid_grant};
use protocol::grant::AuthorizationCode;
use protocol::resource;
use protocol::secret::Secret;
use protocol::time::Timestamp;
use protocol::token_request::AuthorizationCodeParams;
use store::Conn;

use super::{Holder, Interest, first_refresh_token, narrow_resources, something_left};
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
    let interest = Interest::of(app, client).await?;
    let known = interest.clone();
    let (code, holder) = app
        .store
        .read(async move |db: &mut Conn| {
            if let Some((code, grant, account)) = store::codes::find_live(db, &hash).await? {
                let holder = Holder::of(db, grant, account, &known, now).await?;
                return Ok((Some(code), Some(holder)));
            }
            Ok((store::codes::find(db, &hash).await?, None))
        })
        .await?;
    let code = code.ok_or(invalid_grant("the code is unknown"))?;
    let resources = match check(&code, &params, client, now) {
        // All that can be refused is refused before the code is used up.
        Ok(()) if code.consumed_at.is_none() => {
            let resources = match &holder {
                Some(holder) => narrow_resources(params.resources, &holder.grant.resources)?,
                None => params.resources,
            };
            resource::check(&resources, client)?;
            holder
                .as_ref()
                .map_or(Ok(()), |holder| something_left(holder, client, &interest))?;
            resources
        }
        // A second use counts as one whatever else is wrong with it, unless anybody who saw the code could send it.
        Err(error) if code.consumed_at.is_none() || !is_proved(&code, client) => return Err(error.into()),
        _ => Vec::new(),
    };

    let (registered, tokens) = (client.clone(), app.config.tokens.clone());
    let event = Event::now(app, "code.replayed")
        .client(&client.client_id)
        .failed();
    let granted = holder.as_ref().map(|holder| holder.grant.clone());
    let outcome = app
        .store
        .write(async move |db: &mut Conn| {
            // That the code was given is on record already; that it is redeemed is what it was given for.
            if let Some(grant) = granted
                && store::codes::consume(db, &hash, now).await?
            {
                let refresh_token = first_refresh_token(db, &registered, &grant, &tokens, now).await?;
                return Ok(Outcome::Redeemed(refresh_token));
            }
            let found = store::codes::find(db, &hash).await?;
            if found.is_some_and(|code| code.consumed_at.is_none() && code.expires_at > now) {
                // What was read before the transaction has ended since.
                return Ok(Outcome::Ended);
            }
            // A second use means that the code leaked: all that it gave ends (RFC 6749 §4.1.2).
            store::grants::revoke(db, code.grant_id, now).await?;
            event.record(db).await?;
            Ok(Outcome::Reused)
        })
        .await?;
    let refresh_token = match outcome {
        Outcome::Redeemed(refresh_token) => refresh_token,
        Outcome::Reused => return Err(invalid_grant("the code was used before or has expired").into()),
        Outcome::Ended => return Err(invalid_grant("the authorization has ended").into()),
    };
    let holder = holder.ok_or(invalid_grant("the authorization has ended"))?;
    Ok(Issuance {
        scope: holder.narrow(&holder.grant.scope, client, interest.definitions()),
        resources,
        holder: Some(holder),
        refresh_token,
        ends_at: None,
        issued_token_type: None,
    })
}

/// Whether it is certain that the client itself presents the code, even with a wrong verifier.
fn is_proved(code: &AuthorizationCode, client: &Client) -> bool {
    code.client_id == client.client_id && !client.is_public()
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
