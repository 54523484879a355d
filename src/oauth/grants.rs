//! One file for each grant, and what those that act for a person share.

use std::sync::Arc;

use protocol::client::{Client, GrantType};
use protocol::error::{ErrorCode, OAuthError, invalid_grant};
use protocol::grant::{Grant, RefreshToken};
use protocol::role::{self, Authority, ScopeDefinition};
use protocol::scope::Scope;
use protocol::secret::Secret;
use protocol::time::Timestamp;
use store::{Account, Conn, StoreError};

use crate::app::{App, Catalogue};
use crate::config::Tokens;
use crate::random;

pub(super) mod authorization_code;
pub(super) mod client_credentials;
pub(super) mod password;
pub(super) mod refresh_token;
pub(super) mod token_exchange;

/// A live grant, its account and what the account holds now.
#[derive(Clone, Debug)]
pub(super) struct Holder {
    /// The grant.
    pub(super) grant: Grant,
    /// Who gave it.
    pub(super) account: Account,
    /// What they hold at this moment; nothing where nothing depends on it.
    pub(super) authority: Authority,
}

/// What decides whether the authority of an account has to be read.
#[derive(Clone)]
pub(super) struct Interest {
    in_tokens: bool,
    catalogue: Arc<Catalogue>,
}

impl Interest {
    /// What a client's tokens depend on.
    pub(super) async fn of(app: &App, client: &Client) -> Result<Interest, StoreError> {
        Ok(Interest {
            in_tokens: client.authority_in_tokens,
            catalogue: app.catalogue().await?,
        })
    }

    /// The scopes there are.
    pub(super) fn definitions(&self) -> &[ScopeDefinition] {
        &self.catalogue.scopes
    }
}

impl Holder {
    /// The grant with its account, unless one of them has ended: the one gate each grant type passes.
    pub(super) async fn find(
        db: &mut Conn,
        id: protocol::id::GrantId,
        now: Timestamp,
    ) -> Result<Option<Holder>, StoreError> {
        let Some((grant, account)) = store::grants::find_live(db, id).await? else {
            return Ok(None);
        };
        let authority = store::roles::authority(db, account.id, now).await?;
        Ok(Some(Holder {
            grant,
            account,
            authority,
        }))
    }

    /// A grant in force and its account, as they were found together.
    pub(super) async fn of(
        db: &mut Conn,
        grant: Grant,
        account: Account,
        interest: &Interest,
        now: Timestamp,
    ) -> Result<Holder, StoreError> {
        let needed = interest.in_tokens || role::depends_on_authority(&grant.scope, interest.definitions());
        let authority = if needed {
            store::roles::authority(db, account.id, now).await?
        } else {
            Authority::default()
        };
        Ok(Holder {
            grant,
            account,
            authority,
        })
    }

    /// The part of `asked` that was granted, that the client is still registered for and the account still holds.
    pub(super) fn narrow(&self, asked: &Scope, client: &Client, definitions: &[ScopeDefinition]) -> Scope {
        let granted = asked.retain(|token| self.grant.scope.contains(token));
        role::narrow(&granted, &client.scope, definitions, &self.authority)
    }
}

/// The first refresh token of a grant, when the client is registered for them (RFC 6749 §1.5).
pub(super) async fn first_refresh_token(
    db: &mut Conn,
    client: &Client,
    grant: &Grant,
    tokens: &Tokens,
    now: Timestamp,
) -> Result<Option<Secret>, StoreError> {
    if !client.grant_types.contains(&GrantType::RefreshToken) {
        return Ok(None);
    }
    let secret = random::secret("rt_");
    let token = RefreshToken {
        grant_id: grant.id,
        client_id: grant.client_id.clone(),
        issued_at: now,
        expires_at: expiry(grant, tokens, now),
        consumed_at: None,
    };
    store::refresh_tokens::insert(db, &secret.hash(), &token).await?;
    Ok(Some(secret))
}

/// The idle limit, capped by the absolute one.
fn expiry(grant: &Grant, tokens: &Tokens, now: Timestamp) -> Timestamp {
    (now + tokens.refresh_token_idle).min(grant.created_at + tokens.refresh_token_absolute)
}

/// Refuses a grant of which nothing is left: a token without scope would still name the person.
fn something_left(holder: &Holder, client: &Client, interest: &Interest) -> Result<(), OAuthError> {
    let granted = &holder.grant.scope;
    if !granted.is_empty() && holder.narrow(granted, client, interest.definitions()).is_empty() {
        return Err(invalid_grant(
            "the account holds nothing any more of what was granted",
        ));
    }
    Ok(())
}

/// Resources at the token endpoint must be among those of the grant; none means all of them (RFC 8707 §2.2).
fn narrow_resources(asked: Vec<String>, granted: &[String]) -> Result<Vec<String>, OAuthError> {
    if asked.is_empty() {
        return Ok(granted.to_vec());
    }
    if !granted.is_empty() && !asked.iter().all(|resource| granted.contains(resource)) {
        return Err(OAuthError::new(
            ErrorCode::InvalidTarget,
            "resource was not part of the authorization",
        ));
    }
    Ok(asked)
}
