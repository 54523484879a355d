//! Grants: what accounts allowed clients, seen and ended by whoever looks after accounts.

use protocol::grant::Grant;
use protocol::id::{AccountId, ClientId, GrantId};
use protocol::permission;
use protocol::time::Timestamp;
use serde::Serialize;
use serde_json::json;
use store::{Conn, grants};
use utoipa::ToSchema;
use uuid::Uuid;

use super::listing::{Listed, Slice};
use super::{Actor, Outcome, Refused, accounts, settle};
use crate::app::App;
use crate::audit::Event;

/// What grants can be sorted by.
pub(crate) const SORTS: [&str; 1] = ["created_at"];

/// What an account allowed a client, and did not take back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Grant)]
pub(crate) struct GrantView {
    /// The identifier.
    pub(crate) id: Uuid,
    /// Who allowed it.
    pub(crate) account_id: Uuid,
    /// To whom.
    pub(crate) client_id: String,
    /// The session it was made in, if it was.
    pub(crate) session_id: Option<Uuid>,
    /// What is allowed.
    pub(crate) scope: String,
    /// Where it counts (RFC 8707); everywhere when empty.
    pub(crate) resources: Vec<String>,
    /// When the account holder had last proved who they are.
    #[schema(value_type = i64)]
    pub(crate) auth_time: Timestamp,
    /// When it was made.
    #[schema(value_type = i64)]
    pub(crate) created_at: Timestamp,
}

impl From<Grant> for GrantView {
    fn from(grant: Grant) -> GrantView {
        GrantView {
            id: grant.id.0,
            account_id: grant.account_id.0,
            client_id: grant.client_id.0,
            session_id: grant.session_id.map(|id| id.0),
            scope: grant.scope.to_string(),
            resources: grant.resources,
            auth_time: grant.auth_time,
            created_at: grant.created_at,
        }
    }
}

/// Which grants to list.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    /// Those of this account.
    pub(crate) account: Option<AccountId>,
    /// Those to this client.
    pub(crate) client: Option<ClientId>,
}

/// The grants that match and are not revoked.
pub(crate) async fn list(
    app: &App,
    actor: &Actor,
    filter: Filter,
    slice: &Slice,
) -> Outcome<Listed<GrantView>> {
    actor.require(permission::GRANTS_READ)?;
    let after: Option<(i64, Uuid)> = slice.position()?;
    let filter = grants::Filter {
        account: filter.account,
        client: filter.client,
        after: after.map(|(at, id)| (Timestamp(at), GrantId(id))),
        descending: slice.descending,
    };
    let rows = slice.rows();
    let found = app
        .store
        .scan(async move |db: &mut Conn| grants::list_page(db, &filter, rows).await)
        .await?;
    let position = |last: &Grant| (last.created_at.0, last.id.0);
    Ok(slice.cut(found, position)?.map(GrantView::from))
}

/// The grant with this identifier, unless it is revoked.
pub(crate) async fn read(app: &App, actor: &Actor, id: GrantId) -> Outcome<GrantView> {
    actor.require(permission::GRANTS_READ)?;
    let found = app
        .store
        .read(async move |db: &mut Conn| grants::find(db, id).await)
        .await?;
    let found = found.filter(|grant| grant.revoked_at.is_none());
    Ok(found.map(GrantView::from).ok_or(Refused::NotFound)?)
}

/// Ends a grant with all its tokens.
pub(crate) async fn revoke(app: &App, actor: &Actor, id: GrantId) -> Outcome<()> {
    actor.require(permission::GRANTS_REVOKE)?;
    let (actor, now) = (actor.clone(), app.now());
    settle(
        app.store
            .write(async move |db: &mut Conn| {
                let Some(grant) = grants::find(db, id).await? else {
                    return Ok(Err(Refused::NotFound));
                };
                if let Err(refused) = accounts::managed(db, &actor, grant.account_id, now).await? {
                    return Ok(Err(refused));
                }
                if !grants::revoke(db, id, now).await? {
                    return Ok(Err(Refused::NotFound));
                }
                let event = Event::at(now, "grant.revoked")
                    .account(grant.account_id)
                    .client(&grant.client_id)
                    .by(&actor);
                event.detail(json!({ "grant": id })).record(db).await?;
                Ok(Ok(()))
            })
            .await,
    )
}
