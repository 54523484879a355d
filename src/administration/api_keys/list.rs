//! API keys looked up: one's own, and those of others.

use protocol::id::{AccountId, ApiKeyId};
use protocol::permission;
use store::api_keys::Filter;
use store::{Account, Conn, StoreError};

use super::KeyView;
use crate::administration::listing::{Listed, Slice};
use crate::administration::{Actor, Outcome, Refused};
use crate::app::App;

/// The most keys of one account that are listed, ended ones among them.
const LISTED: i64 = 200;

/// The keys of the actor's own account, the newest first.
pub(crate) async fn list_own(app: &App, account: &Account) -> Result<Vec<KeyView>, StoreError> {
    let id = account.id;
    let keys = app
        .store
        .read(async move |db: &mut Conn| store::api_keys::list(db, id, LISTED).await)
        .await?;
    let view = |key| KeyView::of(app, key, account.username.clone());
    Ok(keys.into_iter().map(view).collect())
}

/// A key of the actor's own account.
pub(crate) async fn show_own(app: &App, account: &Account, id: ApiKeyId) -> Outcome<KeyView> {
    let found = app
        .store
        .read(async move |db: &mut Conn| store::api_keys::find(db, id).await)
        .await?;
    let key = found.filter(|key| key.account_id == account.id);
    let key = key.ok_or(Refused::NotFound)?;
    Ok(KeyView::of(app, key, account.username.clone()))
}

/// Keys of all accounts or of one.
pub(crate) async fn list(
    app: &App,
    actor: &Actor,
    account: Option<AccountId>,
    slice: &Slice,
) -> Outcome<Listed<KeyView>> {
    actor.require(permission::API_KEYS_READ)?;
    let filter = Filter {
        account_id: account,
        after: slice.position()?,
        descending: slice.descending,
    };
    let rows = slice.rows();
    let keys = app
        .store
        .scan(async move |db: &mut Conn| store::api_keys::list_all(db, &filter, rows).await)
        .await?;
    let listed = slice.cut(keys, |(last, _)| (last.created_at, last.id))?;
    Ok(listed.map(|(key, username)| KeyView::of(app, key, username)))
}

/// A key of anybody.
pub(crate) async fn show(app: &App, actor: &Actor, id: ApiKeyId) -> Outcome<KeyView> {
    actor.require(permission::API_KEYS_READ)?;
    let found = app
        .store
        .read(async move |db: &mut Conn| {
            let Some(key) = store::api_keys::find(db, id).await? else {
                return Ok(None);
            };
            let account = store::accounts::find(db, key.account_id).await?;
            Ok(account.map(|account| (key, account.username)))
        })
        .await?;
    let (key, username) = found.ok_or(Refused::NotFound)?;
    Ok(KeyView::of(app, key, username))
}
