//! Trades a refresh token for its successor and new access tokens (RFC 6749 §6, RFC 9700 §4.14.2).

use aws_lc_rs::hmac;
use protocol::error::{ErrorCode, OAuthError, invalid_grant};
use protocol::grant::RefreshToken;
use protocol::resource;
use protocol::scope::Scope;
use protocol::secret::{Secret, TokenHash};
use protocol::time::Timestamp;
use protocol::token_request::RefreshTokenParams;
use store::{Conn, StoreError};

use super::{Holder, Interest, expiry, narrow_resources, something_left};
use crate::app::App;
use crate::audit::Event;
use crate::config::Tokens;
use crate::error::{Error, TokenRefusal};
use crate::oauth::client_auth::AuthenticatedClient;
use crate::oauth::issue::Issuance;

/// What is left of a request once it is granted.
struct Granted {
    holder: Holder,
    scope: Scope,
    resources: Vec<String>,
}

/// A refusal is no failure of the transaction: what it has revoked and put on record is kept.
type Outcome = Result<Granted, OAuthError>;

pub(in crate::oauth) async fn redeem(
    app: &App,
    client: &AuthenticatedClient,
    params: RefreshTokenParams,
) -> Result<Issuance, Error<TokenRefusal>> {
    let successor = successor(&app.rotation_key, &params.refresh_token);
    let rotation = Rotation {
        client: client.clone(),
        interest: Interest::of(app, client).await?,
        tokens: app.config.tokens.clone(),
        now: app.now(),
        reused: Event::now(app, "refresh.reused").client(&client.client_id),
        hash: params.refresh_token.hash(),
        next: successor.hash(),
        scope: params.scope,
        resources: params.resources,
    };
    if client.is_public() {
        // Anybody can say that they are this client: what they make up does not get as far as the writer.
        let hash = rotation.hash;
        let found = app
            .store
            .read(async move |db: &mut Conn| store::refresh_tokens::find(db, &hash).await)
            .await?;
        let token = found.ok_or_else(unknown)?;
        rotation.unfit(&token).map_or(Ok(()), Err)?;
    }
    // One transaction reads and writes, so that on SQLite all of it happens where what was read last is still at hand.
    let rotated = app
        .store
        .write(async move |db: &mut Conn| rotation.run(db).await)
        .await?;
    let Granted {
        holder,
        scope,
        resources,
    } = rotated?;
    Ok(Issuance {
        scope,
        resources,
        holder: Some(holder),
        refresh_token: Some(successor),
        ends_at: None,
        issued_token_type: None,
    })
}

/// A refresh token on its way to its successor.
struct Rotation {
    client: AuthenticatedClient,
    interest: Interest,
    tokens: Tokens,
    now: Timestamp,
    /// What is put on record about a second use.
    reused: Event,
    hash: TokenHash,
    next: TokenHash,
    /// The scope that is asked for.
    scope: Option<Scope>,
    /// The resources that are asked for.
    resources: Vec<String>,
}

impl Rotation {
    async fn run(mut self, db: &mut Conn) -> Result<Outcome, StoreError> {
        let Some((token, grant, account)) = store::refresh_tokens::find_live(db, &self.hash).await? else {
            let found = store::refresh_tokens::find(db, &self.hash).await?;
            return Ok(Err(self.why_not(found.as_ref())));
        };
        if let Some(refusal) = self.unfit(&token) {
            return Ok(Err(refusal));
        }
        let holder = Holder::of(db, grant, account, &self.interest, self.now).await?;
        // All that can be refused is refused before the token is used up. A second use counts as one whatever else is
        // wrong with it, so that refusal waits.
        let asked = self.wanted(&holder);
        if token.consumed_at.is_none()
            && let Err(refusal) = asked
        {
            return Ok(Err(refusal));
        }
        if let Err(refusal) = self.rotate(db, token, &holder).await? {
            return Ok(Err(refusal));
        }
        Ok(asked.map(|(asked, resources)| Granted {
            scope: holder.narrow(&asked, &self.client, self.interest.definitions()),
            resources,
            holder,
        }))
    }

    /// What is wrong with a token that stands for nothing in force.
    fn why_not(&self, found: Option<&RefreshToken>) -> OAuthError {
        match found {
            None => unknown(),
            Some(token) => self
                .unfit(token)
                .unwrap_or_else(|| invalid_grant("the authorization has ended")),
        }
    }

    /// What is wrong with a token, whatever it stands for.
    fn unfit(&self, token: &RefreshToken) -> Option<OAuthError> {
        if token.client_id != self.client.client_id {
            return Some(invalid_grant("the refresh token was issued to another client"));
        }
        (token.expires_at <= self.now && token.consumed_at.is_none())
            .then(|| invalid_grant("the refresh token has expired"))
    }

    /// The scope and the resources that are asked for, when they are part of what was granted.
    fn wanted(&mut self, holder: &Holder) -> Result<(Scope, Vec<String>), OAuthError> {
        let (client, interest) = (&self.client, &self.interest);
        let resources = narrow_resources(std::mem::take(&mut self.resources), &holder.grant.resources)?;
        resource::check(&resources, client)?;
        let asked = self.scope.take().unwrap_or_else(|| holder.grant.scope.clone());
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

    async fn rotate(
        &self,
        db: &mut Conn,
        token: RefreshToken,
        holder: &Holder,
    ) -> Result<Result<(), OAuthError>, StoreError> {
        if store::refresh_tokens::consume(db, &self.hash, self.now).await? {
            let successor = RefreshToken {
                issued_at: self.now,
                expires_at: expiry(&holder.grant, &self.tokens, self.now),
                consumed_at: None,
                ..token
            };
            store::refresh_tokens::insert(db, &self.next, &successor).await?;
            return Ok(Ok(()));
        }
        let ended = Ok(Err(invalid_grant("the authorization has ended")));
        let found = store::refresh_tokens::find(db, &self.hash).await?;
        let Some(used) = found.and_then(|token| token.consumed_at) else {
            // What was read a moment ago has ended since.
            return ended;
        };
        let successor = store::refresh_tokens::find(db, &self.next).await?;
        let in_grace = self.now.since(used) < self.tokens.refresh_retry_grace.as_secs();
        if in_grace && successor.is_some_and(|successor| successor.consumed_at.is_none()) {
            let live = store::grants::is_live(db, holder.grant.id).await?;
            return if live { Ok(Ok(())) } else { ended };
        }
        // Used twice: one of the two users is a thief, and both lose it (RFC 9700 §4.14.2).
        store::grants::revoke(db, holder.grant.id, self.now).await?;
        let reused = self.reused.clone().account(holder.account.id).failed();
        reused.record(db).await?;
        Ok(Err(invalid_grant("the refresh token was used before")))
    }
}

fn unknown() -> OAuthError {
    invalid_grant("the refresh token is unknown")
}

/// The next token follows from the last one and a key only we have: a client that lost our answer gets the
/// same one again, and we keep neither in clear.
fn successor(key: &[u8; 32], token: &Secret) -> Secret {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), token.expose().as_bytes());
    let mut bytes = [0; 32];
    bytes.copy_from_slice(tag.as_ref());
    Secret::from_random("rt_", &bytes)
}
