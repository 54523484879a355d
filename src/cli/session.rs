//! `chancery session …`

use protocol::id::{AccountId, SessionId};
use protocol::session::amr_of;
use serde_json::{Value, json};
use store::sessions::{self, ListedSession};
use store::{Conn, accounts, audit, grants};
use uuid::Uuid;

use super::output::{self, Format};
use super::{Context, Failure, Outcome};
use crate::declarative::event;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// List live sessions, the last seen first
    List {
        /// Only those of this account
        #[arg(long, value_name = "NAME")]
        account: Option<String>,
        #[command(flatten)]
        format: Format,
    },
    /// Show a session
    Show {
        /// The session's identifier
        #[arg(value_parser = identifier)]
        id: Uuid,
        #[command(flatten)]
        format: Format,
    },
    /// End a session, or all of an account, with the grants that were to last no longer
    Delete(Target),
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub(super) struct Target {
    /// The session's identifier
    #[arg(value_parser = identifier)]
    id: Option<Uuid>,
    /// All sessions of this account
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
}

fn identifier(text: &str) -> Result<Uuid, String> {
    super::identifier(text, "session")
}

pub(super) async fn run(context: &Context, verb: Verb) -> Outcome {
    match verb {
        Verb::List { account, format } => {
            let id = match account {
                Some(name) => Some(account_id(context, &name).await?),
                None => None,
            };
            let (now, idle) = (context.now, context.config.sessions.idle);
            let listed = context
                .store
                .read(async move |db: &mut Conn| sessions::list_with_devices(db, id, now, now - idle).await)
                .await?;
            let columns = [
                "id",
                "account_id",
                "started_at",
                "last_seen_at",
                "acr",
                "address",
                "user_agent",
            ];
            output::many(format, &columns, listed.iter().map(document).collect())
        }
        Verb::Show { id, format } => output::one(format, &document(&find(context, id).await?)),
        Verb::Delete(Target {
            account: Some(name), ..
        }) => end_all(context, &name).await,
        Verb::Delete(Target { id, .. }) => end(context, id.unwrap_or_default()).await,
    }
}

fn document(listed: &ListedSession) -> Value {
    let session = &listed.session;
    json!({
        "id": session.id, "account_id": session.account_id, "started_at": session.created_at,
        "last_seen_at": session.last_seen_at, "expires_at": listed.expires_at, "auth_time": session.auth_time,
        "acr": session.acr(), "amr": amr_of(&session.factors), "address": listed.address,
        "user_agent": listed.user_agent,
    })
}

async fn account_id(context: &Context, name: &str) -> Result<AccountId, Failure> {
    let login = name.to_owned();
    let found = context
        .store
        .read(async move |db: &mut Conn| accounts::find_by_login(db, &login).await)
        .await?;
    found
        .map(|account| account.id)
        .ok_or_else(|| Failure::missing("account", name))
}

async fn find(context: &Context, id: Uuid) -> Result<ListedSession, Failure> {
    let now = context.now;
    let found = context
        .store
        .read(async move |db: &mut Conn| sessions::find(db, SessionId(id), now).await)
        .await?;
    found.ok_or_else(|| Failure::missing("session", &id.to_string()))
}

fn ended(kind: &str, context: &Context, account: AccountId) -> audit::Event {
    audit::Event {
        account_id: Some(account),
        ..event(kind, context.now, json!({}))
    }
}

async fn end(context: &Context, id: Uuid) -> Outcome {
    let (found, now) = (find(context, id).await?.session, context.now);
    let event = ended("session.ended", context, found.account_id);
    context
        .store
        .write(async move |db: &mut Conn| {
            sessions::end(db, found.id, now).await?;
            grants::revoke_for_session(db, found.id, now).await?;
            audit::record(db, &event).await
        })
        .await?;
    output::line(format_args!("ended session {id}"));
    Ok(())
}

async fn end_all(context: &Context, name: &str) -> Outcome {
    let (id, now) = (account_id(context, name).await?, context.now);
    let event = ended("session.all_ended", context, id);
    let count = context
        .store
        .write(async move |db: &mut Conn| {
            let count = sessions::end_all(db, id, now).await?;
            grants::revoke_for_sessions(db, id, None, now).await?;
            audit::record(db, &event).await?;
            Ok(count)
        })
        .await?;
    output::line(format_args!("ended {count} sessions of account {name}"));
    Ok(())
}
