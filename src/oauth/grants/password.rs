//! Tokens for a password typed into the client itself (RFC 6749 §4.3), with the second factor where there is one.

use protocol::claims::ClaimsRequest;
use protocol::client::Client;
use protocol::error::{ErrorCode, OAuthError, invalid_grant};
use protocol::grant::Grant;
use protocol::id::GrantId;
use protocol::resource;
use protocol::role::{self, Authority};
use protocol::scope::Scope;
use protocol::secret::Secret;
use protocol::session::{Factor, MfaPolicy};
use protocol::token_request::PasswordParams;
use store::{Account, Conn, StoreError};

use super::{Holder, first_refresh_token};
use crate::app::App;
use crate::audit::Event;
use crate::error::{Error, TokenRefusal};
use crate::oauth::issue::Issuance;
use crate::passwords::Busy;
use crate::random;
use crate::sign_in::{self, Attempt, Proof, SecondFactor};
use crate::web::client_ip::ClientAddress;

/// What the one transaction came to.
enum Issued {
    To(Box<Holder>, Option<Secret>),
    /// The account or its password has changed meanwhile.
    Nothing,
    NoScope,
}

pub(in crate::oauth) async fn redeem(
    app: &App,
    client: &Client,
    address: ClientAddress,
    params: PasswordParams,
) -> Result<Issuance, Error<TokenRefusal>> {
    resource::check(&params.resources, client)?;
    let refused = || invalid_grant("the account holder could not be authenticated");
    let proof = match sign_in::password(app, &params.username, &params.password, address).await? {
        Attempt::Proved(proof) => proof,
        Attempt::Refused => return Err(refused().into()),
        Attempt::TooMany(retry_after) => return Err(TokenRefusal::too_many(retry_after).into()),
        Attempt::Busy => return Err(Busy.into()),
    };
    let Proof { account, chosen_at } = *proof;
    let mut factors = vec![Factor::Password];
    let (policy, enrolled, authority) = second_factor(app, client, &account).await?;
    // Neither can be put right without a page.
    if account.must_change_password || (policy == MfaPolicy::Required && !enrolled) {
        return Err(refused().into());
    }
    let catalogue = app.catalogue().await?;
    let asked = params.scope.unwrap_or_else(|| client.scope.clone());
    // Before a code is used up.
    let left = role::narrow(&asked, &client.scope, &catalogue.scopes, &authority);
    if left.is_empty() && !asked.is_empty() {
        return Err(nothing_in_common().into());
    }
    if enrolled && policy != MfaPolicy::Off {
        let missing = OAuthError::new(
            ErrorCode::MfaRequired,
            "send a one-time password or recovery code as otp",
        );
        let otp = params.otp.as_ref().ok_or(missing)?;
        match sign_in::second_factor_from(app, account.id, otp, address).await? {
            SecondFactor::Proved(factor) => factors.push(factor),
            SecondFactor::Refused => return Err(refused().into()),
            SecondFactor::TooMany(exceeded) => return Err(TokenRefusal::too_many(exceeded).into()),
        }
    }

    let now = app.now();
    let (registered, tokens, definitions) = (client.clone(), app.config.tokens.clone(), catalogue.clone());
    let resources = params.resources.clone();
    let event = Event::now(app, "password_grant.used")
        .client(&client.client_id)
        .account(account.id);
    let issued = app
        .store
        .write(async move |db: &mut Conn| {
            // The password may have been changed while it was being checked; what changes it sees this grant, or is seen.
            let now_known = store::accounts::find_locked(db, account.id).await?;
            let may = now_known.is_some_and(|now| !now.disabled && !now.must_change_password);
            if !may || !sign_in::still_holds(db, account.id, chosen_at).await? {
                return Ok(Issued::Nothing);
            }
            let authority = store::roles::authority(db, account.id, now).await?;
            let scope: Scope = role::narrow(&asked, &registered.scope, &definitions.scopes, &authority);
            if scope.is_empty() && !asked.is_empty() {
                return Ok(Issued::NoScope);
            }
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
            let Some(holder) = Holder::find(db, grant.id, now).await? else {
                return Ok(Issued::Nothing);
            };
            let refresh_token = first_refresh_token(db, &registered, &grant, &tokens, now).await?;
            event.record(db).await?;
            Ok(Issued::To(Box::new(holder), refresh_token))
        })
        .await?;
    let (holder, refresh_token) = match issued {
        Issued::To(holder, refresh_token) => (*holder, refresh_token),
        Issued::Nothing => return Err(refused().into()),
        Issued::NoScope => return Err(nothing_in_common().into()),
    };
    Ok(Issuance {
        scope: holder.grant.scope.clone(),
        resources: params.resources,
        holder: Some(holder),
        refresh_token,
        ends_at: None,
        issued_token_type: None,
    })
}

fn nothing_in_common() -> OAuthError {
    let refusal = "the client and the account have no scope in common that was asked for";
    OAuthError::new(ErrorCode::InvalidScope, refusal)
}

/// What is asked of the account, whether it has what is asked for, and what it holds.
async fn second_factor(
    app: &App,
    client: &Client,
    account: &Account,
) -> Result<(MfaPolicy, bool, Authority), StoreError> {
    let (id, now) = (account.id, app.now());
    let (enrolled, authority) = app
        .store
        .read(async move |db: &mut Conn| {
            let enrolled = store::credentials::has_second_factor(db, id).await?;
            Ok((enrolled, store::roles::authority(db, id, now).await?))
        })
        .await?;
    let stated = [account.mfa, authority.mfa, client.mfa];
    let policy = MfaPolicy::effective(stated, app.config.accounts.mfa);
    Ok((policy, enrolled, authority))
}
