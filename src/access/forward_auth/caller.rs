//! Who sends a request through a proxy: the holder of an access token, an API key, or a browser's session. Whatever
//! else the headers say about a caller was written by strangers and is not read.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use protocol::access_token::VerifiedAccessToken;
use protocol::error::{ErrorCode, OAuthError};
use protocol::id::AccountId;
use protocol::interaction::{Destination, Next, OwnPage};
use protocol::permission::{self, ALL};
use protocol::scope::Scope;
use serde_json::Value;
use store::Conn;
use uuid::Uuid;

use super::Refusal;
use crate::administration;
use crate::api_keys::{self, KeyRefusal};
use crate::app::App;
use crate::authority::Held;
use crate::bearer;
use crate::browser;
use crate::decision;
use crate::error::{BearerRefusal, Error};
use crate::web::client_ip::ClientAddress;

/// Whoever sends the request.
pub(super) struct Caller {
    /// The account, unless a client acts for itself.
    pub(super) held: Option<Arc<Held>>,
    /// What the services behind the proxy know it by.
    pub(super) subject: String,
    /// The scope of its token; who came without one has what is asked for and held.
    pub(super) scope: Option<Scope>,
    /// The permissions that its credential lets through, all or some.
    pub(super) brought: BTreeSet<String>,
    /// Whether it came with an API key, which stands for no sign-in.
    pub(super) by_key: bool,
    /// The roles that its credential lets through.
    roles: Roles,
}

enum Roles {
    All,
    Named(BTreeSet<String>),
}

/// Why the request does not pass.
pub(super) enum Refused {
    /// Nobody is known to send it.
    Nobody,
    /// What it came with is no good, or could not be examined.
    Credential(Box<Response>),
}

impl<R> From<Error<R>> for Refused
where
    Error<R>: IntoResponse,
{
    fn from(error: Error<R>) -> Refused {
        Refused::Credential(Box::new(error.into_response()))
    }
}

fn invalid(reason: &'static str) -> Refused {
    Refusal::from(BearerRefusal::from(OAuthError::new(
        ErrorCode::InvalidToken,
        reason,
    )))
    .into()
}

impl Caller {
    /// Looks for a credential, of which there may be one kind. One that is no good is not made up for by a cookie.
    pub(super) async fn find(app: &App, request: &Parts, audience: Option<&str>) -> Result<Caller, Refused> {
        let headers = &request.headers;
        let address = ClientAddress::of(&request.extensions);
        let token = bearer_token(headers)?;
        let key = match api_keys::authenticate(app, headers, address).await {
            Err(Error::Refused(KeyRefusal::Malformed)) => return Err(invalid("send one API key")),
            key => key?,
        };
        match (token, key) {
            (Some(_), Some(_)) => Err(invalid("send an access token or an API key, not both")),
            (Some(token), None) => by_token(app, token, audience).await,
            (None, Some(key)) => {
                let held = live(app, key.account).await?;
                Ok(Caller {
                    subject: held.account.to_string(),
                    roles: if key.named.contains(ALL) {
                        Roles::All
                    } else {
                        Roles::Named(BTreeSet::new())
                    },
                    held: Some(held),
                    scope: None,
                    by_key: true,
                    brought: key.named,
                })
            }
            (None, None) => by_session(app, headers).await,
        }
    }

    /// The user name; empty for a client that acts for itself.
    pub(super) fn username(&self) -> &str {
        self.held.as_ref().map_or("", |held| held.username.as_str())
    }

    /// The roles that what is behind the proxy is told of: of who came with a part of what they hold only those that
    /// the credential names.
    pub(super) fn roles(&self) -> Vec<&str> {
        let held = self.held.iter().flat_map(|held| &held.authority.roles);
        held.filter(|role| match &self.roles {
            Roles::All => true,
            Roles::Named(named) => named.contains(*role),
        })
        .map(String::as_str)
        .collect()
    }
}

/// The token of an `Authorization: Bearer` header. Other schemes are for what is behind the proxy.
fn bearer_token(headers: &HeaderMap) -> Result<Option<&str>, Refused> {
    let mut found = None;
    for value in headers.get_all(header::AUTHORIZATION) {
        let value = value
            .to_str()
            .map_err(|_| invalid("the Authorization header is malformed"))?;
        let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
        if scheme.eq_ignore_ascii_case("bearer") && found.replace(token.trim()).is_some() {
            return Err(invalid("send one Authorization header"));
        }
    }
    Ok(found)
}

/// The account with this identifier, if it may come in.
async fn live(app: &App, id: AccountId) -> Result<Arc<Held>, Refused> {
    let held = app.authority(id).await.map_err(Refusal::from)?;
    held.filter(|held| !held.disabled)
        .ok_or_else(|| invalid("the account may not come in"))
}

async fn by_token(app: &App, token: &str, audience: Option<&str>) -> Result<Caller, Refused> {
    let token = bearer::require(app, token).await.map_err(Refusal::from)?;
    // A token for one service must not open another.
    if !token.is_for(audience.unwrap_or(app.issuer())) {
        return Err(invalid("the access token is for another audience"));
    }
    let held = match token.jti.grant_id() {
        None => None,
        Some(_) => {
            let account = Uuid::try_parse(&token.sub).map_err(|_| invalid("the token has no account"))?;
            Some(live(app, AccountId(account)).await?)
        }
    };
    let (scope, brought) = brought(app, &token, held.is_some())
        .await
        .map_err(Refusal::from)?;
    Ok(Caller {
        subject: token.sub.clone(),
        scope: Some(scope),
        by_key: false,
        brought,
        roles: Roles::Named(named_roles(&token)),
        held,
    })
}

/// The scope of a token and the permissions it carries: of a client's own what the client is still registered for, of
/// one made from an API key what the key names.
async fn brought(
    app: &App,
    token: &VerifiedAccessToken,
    for_account: bool,
) -> Result<(Scope, BTreeSet<String>), store::StoreError> {
    let client = app.client(&token.client_id.as_str().into()).await?;
    let registered = |name: &str| {
        client
            .as_ref()
            .is_some_and(|client| client.client.scope.contains(name))
    };
    let scope = if for_account {
        token.scope.clone()
    } else {
        token.scope.retain(registered)
    };
    let mut permissions = administration::named_by(app, &scope, for_account).await?;
    if let Some(grant) = token.jti.grant_id() {
        let find = async move |db: &mut Conn| store::api_keys::find_behind(db, grant).await;
        if let Some(key) = app.store.read(find).await? {
            permissions.retain(|permission| permission::covers(&key.permissions, permission));
        }
    }
    Ok((scope, permissions))
}

/// The roles that a token names itself, as only those for certain clients do.
fn named_roles(token: &VerifiedAccessToken) -> BTreeSet<String> {
    let names = token.raw.get("roles").and_then(Value::as_array);
    let names = names.into_iter().flatten().filter_map(Value::as_str);
    names.map(str::to_owned).collect()
}

/// The account of a browser that has proved all that its sign-in asks for.
async fn by_session(app: &App, headers: &HeaderMap) -> Result<Caller, Refused> {
    let page = Destination::Own(OwnPage::default());
    let interaction = browser::interaction(app, page, String::new());
    let decided = decision::decide(app, headers, None, &interaction).await;
    let current = match decided.map_err(Refusal::from)? {
        decision::Decision {
            step: Next::Respond,
            current: Some(current),
            ..
        } => current,
        _ => return Err(Refused::Nobody),
    };
    let held = live(app, current.session.account_id).await?;
    Ok(Caller {
        subject: held.account.to_string(),
        held: Some(held),
        scope: None,
        by_key: false,
        brought: BTreeSet::from([ALL.to_owned()]),
        roles: Roles::All,
    })
}
