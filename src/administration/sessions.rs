//! Sessions of browsers: seen and ended by whoever looks after accounts.

use protocol::id::{AccountId, SessionId};
use protocol::permission;
use protocol::session::amr_of;
use protocol::time::Timestamp;
use serde::Serialize;
use serde_json::json;
use store::sessions::{self, ListedSession};
use store::{Conn, grants};
use utoipa::ToSchema;
use uuid::Uuid;

use super::listing::{Listed, Slice};
use super::{Actor, Outcome, Refused, accounts, settle};
use crate::app::App;
use crate::audit::Event;

/// What sessions can be sorted by.
pub(crate) const SORTS: [&str; 1] = ["created_at"];

/// A live session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Session)]
pub(crate) struct SessionView {
    /// The identifier, the `sid` of its tokens.
    pub(crate) id: Uuid,
    /// Whose it is.
    pub(crate) account_id: Uuid,
    /// When it began.
    #[schema(value_type = i64)]
    pub(crate) created_at: Timestamp,
    /// When it was last seen.
    #[schema(value_type = i64)]
    pub(crate) last_seen_at: Timestamp,
    /// Its last moment.
    #[schema(value_type = i64)]
    pub(crate) expires_at: Timestamp,
    /// When its holder last proved who they are.
    #[schema(value_type = i64)]
    pub(crate) auth_time: Timestamp,
    /// The authentication context class.
    pub(crate) acr: String,
    /// How its holder proved who they are (RFC 8176).
    pub(crate) amr: Vec<String>,
    /// The address it began from.
    pub(crate) address: Option<String>,
    /// The browser it began in.
    pub(crate) user_agent: Option<String>,
}

impl From<ListedSession> for SessionView {
    fn from(listed: ListedSession) -> SessionView {
        let session = listed.session;
        SessionView {
            id: session.id.0,
            account_id: session.account_id.0,
            created_at: session.created_at,
            last_seen_at: session.last_seen_at,
            expires_at: listed.expires_at,
            auth_time: session.auth_time,
            acr: session.acr().as_str().to_owned(),
            amr: amr_of(&session.factors).into_iter().map(Into::into).collect(),
            address: listed.address,
            user_agent: listed.user_agent,
        }
    }
}

/// The live sessions, of an account or of all.
pub(crate) async fn list(
    app: &App,
    actor: &Actor,
    account: Option<AccountId>,
    slice: &Slice,
) -> Outcome<Listed<SessionView>> {
    actor.require(permission::SESSIONS_READ)?;
    let now = app.now();
    let after: Option<(i64, Uuid)> = slice.position()?;
    let filter = sessions::Filter {
        account,
        seen_after: now - app.config.sessions.idle,
        after: after.map(|(at, id)| (Timestamp(at), SessionId(id))),
        descending: slice.descending,
    };
    let rows = slice.rows();
    let found = app
        .store
        .scan(async move |db: &mut Conn| sessions::list_page(db, &filter, rows, now).await)
        .await?;
    let position = |last: &ListedSession| (last.session.created_at.0, last.session.id.0);
    Ok(slice.cut(found, position)?.map(SessionView::from))
}

/// The live session with this identifier.
pub(crate) async fn read(app: &App, actor: &Actor, id: SessionId) -> Outcome<SessionView> {
    actor.require(permission::SESSIONS_READ)?;
    let now = app.now();
    let found = app
        .store
        .read(async move |db: &mut Conn| sessions::find(db, id, now).await)
        .await?;
    Ok(found.map(SessionView::from).ok_or(Refused::NotFound)?)
}

/// Ends a session with the grants that were to last no longer.
pub(crate) async fn end(app: &App, actor: &Actor, id: SessionId) -> Outcome<()> {
    actor.require(permission::SESSIONS_END)?;
    let (actor, now) = (actor.clone(), app.now());
    settle(
        app.store
            .write(async move |db: &mut Conn| {
                let Some(found) = sessions::find(db, id, now).await? else {
                    return Ok(Err(Refused::NotFound));
                };
                let account = found.session.account_id;
                if let Err(refused) = accounts::managed(db, &actor, account, now).await? {
                    return Ok(Err(refused));
                }
                if !sessions::end(db, id, now).await? {
                    return Ok(Err(Refused::NotFound));
                }
                grants::revoke_for_session(db, id, now).await?;
                let event = Event::at(now, "session.ended").account(account).by(&actor);
                event.detail(json!({ "session": id })).record(db).await?;
                Ok(Ok(()))
            })
            .await,
    )
}

/// Ends all sessions of an account with the grants that were to last no longer; counts the sessions.
pub(crate) async fn end_all(app: &App, actor: &Actor, account: AccountId) -> Outcome<u64> {
    actor.require(permission::SESSIONS_END)?;
    let (actor, now) = (actor.clone(), app.now());
    settle(
        app.store
            .write(async move |db: &mut Conn| {
                if let Err(refused) = accounts::managed(db, &actor, account, now).await? {
                    return Ok(Err(refused));
                }
                let ended = sessions::end_all(db, account, now).await?;
                grants::revoke_for_sessions(db, account, None, now).await?;
                let event = Event::at(now, "session.all_ended").account(account).by(&actor);
                event.detail(json!({ "ended": ended })).record(db).await?;
                Ok(Ok(ended))
            })
            .await,
    )
}
