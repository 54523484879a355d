//! Exchanges a code for the grant it stands for (RFC 6749 §4.1.3, RFC 7636 §4.5).

use protocol::client::Client;
use protocol::error::{OAuthError, invalid_grant};
use protocol::grant::AuthorizationCode;
use protocol::resource;
use protocol::secret::{Secret, TokenHash};
use protocol::time::Timestamp;
use protocol::token_request::AuthorizationCodeParams;
use store::{Conn, StoreError};

use super::{Holder, Interest, first_refresh_token, narrow_resources, something_left};
use crate::app::App;
use crate::audit::Event;
use crate::config::Tokens;
use crate::error::{Error, TokenRefusal};
use crate::oauth::client_auth::AuthenticatedClient;
use crate::oauth::issue::Issuance;

/// What is left of a request once it is granted.
struct Granted {
    holder: Holder,
    resources: Vec<String>,
    refresh_token: Option<Secret>,
}

/// A refusal is no failure of the transaction: what it has revoked and put on record is kept.
type Outcome = Result<Granted, OAuthError>;

pub(in crate::oauth) async fn redeem(
    app: &App,
    client: &AuthenticatedClient,
    params: AuthorizationCodeParams,
) -> Result<Issuance, Error<TokenRefusal>> {
    let interest = Interest::of(app, client).await?;
    let exchange = Exchange {
        client: client.clone(),
        interest: interest.clone(),
        tokens: app.config.tokens.clone(),
        now: app.now(),
        replayed: Event::now(app, "code.replayed")
            .client(&client.client_id)
            .failed(),
        hash: params.code.hash(),
        params,
    };
    if client.is_public() {
        // Anybody can say that they are this client: what they make up does not get as far as the writer.
        let hash = exchange.hash;
        let found = app
            .store
            .read(async move |db: &mut Conn| store::codes::find(db, &hash).await)
            .await?;
        check(
            &found.ok_or_else(unknown)?,
            &exchange.params,
            client,
            exchange.now,
        )?;
    }
    // One transaction reads and writes, so that on SQLite all of it happens where what was read last is still at hand.
    let exchanged = app
        .store
        .write(async move |db: &mut Conn| exchange.run(db).await)
        .await?;
    let Granted {
        holder,
        resources,
        refresh_token,
    } = exchanged?;
    Ok(Issuance {
        scope: holder.narrow(&holder.grant.scope, client, interest.definitions()),
        resources,
        holder: Some(holder),
        refresh_token,
        ends_at: None,
        issued_token_type: None,
    })
}

/// A code on its way to what it stands for.
struct Exchange {
    client: AuthenticatedClient,
    interest: Interest,
    tokens: Tokens,
    now: Timestamp,
    /// What is put on record about a second use.
    replayed: Event,
    hash: TokenHash,
    params: AuthorizationCodeParams,
}

impl Exchange {
    async fn run(self, db: &mut Conn) -> Result<Outcome, StoreError> {
        let (code, holder) = match store::codes::find_live(db, &self.hash).await? {
            Some((code, grant, account)) => {
                let holder = Holder::of(db, grant, account, &self.interest, self.now).await?;
                (code, Some(holder))
            }
            None => match store::codes::find(db, &self.hash).await? {
                Some(code) => (code, None),
                None => return Ok(Err(unknown())),
            },
        };
        let resources = match self.examine(&code, holder.as_ref()) {
            Ok(resources) => resources,
            Err(refusal) => return Ok(Err(refusal)),
        };
        // That the code was given is on record already; that it is redeemed is what it was given for.
        if let Some(holder) = holder
            && store::codes::consume(db, &self.hash, self.now).await?
        {
            let Exchange {
                client, tokens, now, ..
            } = &self;
            let refresh_token = first_refresh_token(db, client, &holder.grant, tokens, *now).await?;
            return Ok(Ok(Granted {
                holder,
                resources,
                refresh_token,
            }));
        }
        let found = store::codes::find(db, &self.hash).await?;
        if found.is_some_and(|code| code.consumed_at.is_none() && code.expires_at > self.now) {
            // What it stands for has ended.
            return Ok(Err(invalid_grant("the authorization has ended")));
        }
        // A second use means that the code leaked: all that it gave ends (RFC 6749 §4.1.2).
        store::grants::revoke(db, code.grant_id, self.now).await?;
        self.replayed.record(db).await?;
        Ok(Err(invalid_grant("the code was used before or has expired")))
    }

    /// Refuses all that can be refused before the code is used up, and gives the resources that are asked for.
    fn examine(&self, code: &AuthorizationCode, holder: Option<&Holder>) -> Result<Vec<String>, OAuthError> {
        let (client, asked) = (&self.client, self.params.resources.clone());
        match check(code, &self.params, client, self.now) {
            Ok(()) if code.consumed_at.is_none() => {
                let resources = match holder {
                    Some(holder) => narrow_resources(asked, &holder.grant.resources)?,
                    None => asked,
                };
                resource::check(&resources, client)?;
                if let Some(holder) = holder {
                    something_left(holder, client, &self.interest)?;
                }
                Ok(resources)
            }
            // A second use counts as one whatever else is wrong with it, unless anybody who saw the code could send it.
            Err(refusal) if code.consumed_at.is_none() || !is_proved(code, client) => Err(refusal),
            _ => Ok(Vec::new()),
        }
    }
}

fn unknown() -> OAuthError {
    invalid_grant("the code is unknown")
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
