//! Tokens for a password typed into the client itself (RFC 6749 §4.3), with the second factor where there is one.

use protocol::claims::ClaimsRequest;
use protocol::client::Client;
use protocol::error::{ErrorCode, OAuthError, invalid_grant};
use protocol::grant::Grant;
use protocol::id::GrantId;
use protocol::resource;
use protocol::role;
use protocol::scope::Scope;
use protocol::session::Factor;
use protocol::token_request::PasswordParams;
use store::Conn;

use super::{Holder, first_refresh_token};
use crate::app::App;
use crate::audit::Event;
use crate::error::{Error, TokenRefusal};
use crate::oauth::issue::Issuance;
use crate::random;
use crate::sign_in::{self, Attempt, SecondFactor};
use crate::web::client_ip::ClientAddress;

pub(in crate::oauth) async fn redeem(
    app: &App,
    client: &Client,
    address: ClientAddress,
    params: PasswordParams,
) -> Result<Issuance, Error<TokenRefusal>> {
    resource::check(&params.resources, client)?;
    let refused = || invalid_grant("the account holder could not be authenticated");
    let account = match sign_in::password(app, &params.username, &params.password, address).await? {
        Attempt::Proved(account) => account,
        Attempt::Refused => return Err(refused().into()),
        Attempt::TooMany(_) | Attempt::Busy => {
            return Err(OAuthError::new(
                ErrorCode::TemporarilyUnavailable,
                "too many attempts, try again later",
            )
            .into());
        }
    };
    let mut factors = vec![Factor::Password];
    if sign_in::has_second_factor(app, account.id).await? {
        let missing = OAuthError::new(
            ErrorCode::MfaRequired,
            "send a one-time password or recovery code as otp",
        );
        let otp = params.otp.as_ref().ok_or(missing)?;
        match sign_in::second_factor(app, account.id, otp).await? {
            SecondFactor::Proved(factor) => factors.push(factor),
            SecondFactor::Refused | SecondFactor::TooMany(_) => return Err(refused().into()),
        }
    }

    let now = app.now();
    let catalogue = app.catalogue().await?;
    let asked = params.scope.unwrap_or_else(|| client.scope.clone());
    let (registered, tokens, definitions) = (client.clone(), app.config.tokens.clone(), catalogue.clone());
    let resources = params.resources.clone();
    let event = Event::now(app, "password_grant.used")
        .client(&client.client_id)
        .account(account.id);
    let issued = app
        .store
        .write(async move |db: &mut Conn| {
            let authority = store::roles::authority(db, account.id).await?;
            let scope: Scope = role::narrow(&asked, &registered.scope, &definitions.scopes, &authority);
            let grant = Grant {
                id: GrantId(random::uuid()),
                account_id: account.id,
                client_id: registered.client_id.clone(),
                session_id: None,
                scope,
                resources,
                nonce: None,
                claims: ClaimsRequest::default(),
                auth_time: now,
                factors,
                created_at: now,
                revoked_at: None,
            };
            store::grants::insert(db, &grant).await?;
            // The account may have been shut out while its password was being checked.
            let Some(holder) = Holder::find(db, grant.id).await? else {
                return Ok(None);
            };
            let refresh_token = first_refresh_token(db, &registered, &grant, &tokens, now).await?;
            event.record(db).await?;
            Ok(Some((holder, refresh_token)))
        })
        .await?;
    let (holder, refresh_token) = issued.ok_or_else(refused)?;
    Ok(Issuance {
        scope: holder.grant.scope.clone(),
        resources: params.resources,
        holder: Some(holder),
        refresh_token,
    })
}
