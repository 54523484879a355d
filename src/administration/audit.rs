//! The audit trail for those who may read it: in pieces, one by one, and whole as a file.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{self, Stream};
use protocol::id::{AccountId, ClientId};
use protocol::permission;
use protocol::time::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use store::Conn;
use store::audit::{Event as Stored, Filter};
use utoipa::ToSchema;
use uuid::Uuid;

use super::listing::{Listed, Slice};
use super::{Actor, Outcome, Refused};
use crate::app::App;
use crate::audit::{Event, export};
use crate::error::BoxError;

/// Events read in one go for a file.
const PIECE: i64 = 500;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = AuditEvent)]
pub(crate) struct EventView {
    /// The identifier.
    pub(crate) id: Uuid,
    /// When it happened.
    #[schema(value_type = i64)]
    pub(crate) at: Timestamp,
    /// What happened.
    pub(crate) kind: String,
    /// `success` or `failure`.
    pub(crate) outcome: String,
    /// The account it is about.
    #[schema(value_type = Option<Uuid>)]
    pub(crate) account_id: Option<AccountId>,
    /// The client it is about.
    #[schema(value_type = Option<String>)]
    pub(crate) client_id: Option<ClientId>,
    /// Who did it, when that is not the account.
    pub(crate) actor: Option<String>,
    /// Where the request came from.
    pub(crate) address: Option<String>,
    /// The request's identifier.
    pub(crate) request_id: Option<String>,
    /// What else there is to say.
    pub(crate) detail: Value,
}

impl From<Stored> for EventView {
    fn from(event: Stored) -> EventView {
        EventView {
            id: event.id,
            at: event.at,
            kind: event.kind,
            outcome: event.outcome,
            account_id: event.account_id,
            client_id: event.client_id,
            actor: event.actor,
            address: event.address,
            request_id: event.request_id,
            detail: event.detail,
        }
    }
}

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// JSON, one event a line.
    JsonLines,
    /// CSV, with the names of the columns first.
    Csv,
}

/// The events that match, newest first.
pub(crate) async fn list(
    app: &App,
    actor: &Actor,
    filter: Filter,
    slice: &Slice,
) -> Outcome<Listed<EventView>> {
    actor.require(permission::AUDIT_READ)?;
    let (before, limit) = (slice.position()?, slice.rows());
    let rows = app
        .store
        .scan(async move |db: &mut Conn| store::audit::list(db, &Filter { before, ..filter }, limit).await)
        .await?;
    let piece = slice.cut(rows, |last| (last.at, last.id))?;
    Ok(piece.map(EventView::from))
}

/// The event with this identifier.
pub(crate) async fn read(app: &App, actor: &Actor, id: Uuid) -> Outcome<EventView> {
    actor.require(permission::AUDIT_READ)?;
    let found = app
        .store
        .read(async move |db: &mut Conn| store::audit::find(db, id).await)
        .await?;
    Ok(found.map(EventView::from).ok_or(Refused::NotFound)?)
}

/// All events that match, newest first, as the pieces of a file. That they were read is on record.
pub(crate) async fn export(
    app: Arc<App>,
    actor: &Actor,
    filter: Filter,
    format: Format,
) -> Outcome<impl Stream<Item = Result<Bytes, BoxError>> + Send + 'static> {
    actor.require(permission::AUDIT_READ)?;
    let detail = json!({ "format": match format { Format::JsonLines => "jsonl", Format::Csv => "csv" } });
    let event = Event::now(&app, "audit.exported").by(actor).detail(detail);
    app.store
        .write(async move |db: &mut Conn| event.record(db).await)
        .await?;
    let beginning = Some((filter, true));
    Ok(stream::try_unfold(beginning, move |place| {
        let app = Arc::clone(&app);
        async move {
            match place {
                None => Ok(None),
                Some((filter, first)) => piece(&app, filter, first, format).await.map(Some),
            }
        }
    }))
}

/// A piece of a file, and from where the next goes on.
async fn piece(
    app: &App,
    filter: Filter,
    first: bool,
    format: Format,
) -> Result<(Bytes, Option<(Filter, bool)>), BoxError> {
    let asked = filter.clone();
    let events = app
        .store
        .scan(async move |db: &mut Conn| store::audit::list(db, &asked, PIECE).await)
        .await?;
    let full = i64::try_from(events.len()).unwrap_or(i64::MAX) >= PIECE;
    let last = events.last().filter(|_| full).map(|last| (last.at, last.id));
    let text = match format {
        Format::JsonLines => export::json_lines(&events).into_bytes(),
        Format::Csv => export::csv(&events, first)?,
    };
    let next = last.map(|before| {
        let before = Some(before);
        (Filter { before, ..filter }, false)
    });
    Ok((Bytes::from(text), next))
}
