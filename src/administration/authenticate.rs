//! Who calls an administrative API: the holder of a live access token of ours that is for this server alone.

use std::collections::BTreeSet;

use axum::http::{HeaderMap, Uri};
use protocol::api_key;
use protocol::error::{ErrorCode, OAuthError, invalid_request};
use protocol::id::ClientId;
use protocol::permission;
use protocol::role::Authority;
use protocol::scope::Scope;
use store::{Conn, StoreError};

use super::{Actor, Tenure, Who};
use crate::app::App;
use crate::bearer;
use crate::bearer::refusal::ApiRefusal;
use crate::error::{BearerRefusal, Error};
use crate::web::client_ip::ClientAddress;
use crate::web::request_id;

/// The caller behind the token in the header. What an account may do is what it holds now and the token's scope names;
/// a client that acts for itself may do what it is registered for and the scope names.
pub(crate) async fn authenticate(
    app: &App,
    headers: &HeaderMap,
    uri: &Uri,
    address: ClientAddress,
) -> Result<Actor, Error<ApiRefusal>> {
    if uri.query().is_some_and(|query| query.contains("access_token=")) {
        let refusal = invalid_request("an access token does not belong in the URL");
        return Err(BearerRefusal::from(refusal).into());
    }
    let token = bearer::require(app, bearer::presented(headers, None)?).await?;
    let invalid = |reason| BearerRefusal::from(OAuthError::new(ErrorCode::InvalidToken, reason));
    // What another resource server gets to see, it could use here.
    if !token.is_only_for(app.issuer()) {
        return Err(invalid("the access token is not for this server alone").into());
    }
    let Some(grant) = token.jti.grant_id() else {
        let id = ClientId(token.client_id.clone());
        let client = app.client(&id).await?;
        let client = client.ok_or_else(|| invalid("the client is gone"))?;
        let scope = token.scope.retain(|name| client.client.scope.contains(name));
        return Ok(Actor {
            who: Who::Client(id),
            // What the scope stands for elsewhere is the client's to give as well.
            authority: holding(named_by(app, &scope, false).await?),
            tenure: Tenure::default(),
            presented: Some(carried(&scope)),
            address: Some(address),
            request: request_id::current(),
        });
    };
    let now = app.now();
    let found = app
        .store
        .read(async move |db: &mut Conn| {
            let Some((_, account)) = store::grants::find_live(db, grant).await? else {
                return Ok(None);
            };
            let mut authority = store::roles::authority(db, account.id, now).await?;
            // A token made from an API key gives no more than the key carries.
            if let Some(key) = store::api_keys::find_behind(db, grant).await? {
                authority = api_key::carried(&key.permissions, &authority);
            }
            let tenure = Tenure::read(db, account.id, now).await?;
            Ok(Some((account, authority, tenure)))
        })
        .await?;
    let (account, authority, tenure) = found.ok_or_else(|| invalid("the authorization has ended"))?;
    Ok(Actor {
        who: Who::Account(account.id),
        authority,
        tenure,
        presented: Some(carried(&token.scope)),
        address: Some(address),
        request: request_id::current(),
    })
}

/// What a scope names of the server's own permissions.
fn carried(scope: &Scope) -> Authority {
    let own = scope.iter().filter(|name| permission::is_own(name));
    holding(own.map(str::to_owned).collect())
}

fn holding(permissions: BTreeSet<String>) -> Authority {
    Authority {
        permissions,
        ..Authority::default()
    }
}

/// The permissions that the scope of a token names or stands for. To a client that acts for itself the name of a scope
/// is a permission only when it is one of the server's own.
pub(crate) async fn named_by(
    app: &App,
    scope: &Scope,
    for_account: bool,
) -> Result<BTreeSet<String>, StoreError> {
    let mut permissions: BTreeSet<String> = scope
        .iter()
        .filter(|name| *name != permission::ALL && (for_account || permission::is_own(name)))
        .map(str::to_owned)
        .collect();
    for definition in &app.catalogue().await?.scopes {
        if scope.contains(&definition.name) {
            permissions.extend(definition.requires.iter().cloned());
        }
    }
    Ok(permissions)
}
