//! Administrative acts that were refused, on record.

use protocol::id::AccountId;
use serde_json::{Map, Value, json};
use store::{Conn, StoreError};

use super::{Actor, Refused};
use crate::app::App;
use crate::audit::Event;

/// What an act of no kind of its own is recorded as when it is refused.
pub(crate) const REFUSED: &str = "administration.refused";

/// The most characters of a text that a record takes over from a request.
const MAX_TEXT: usize = 200;

/// Whether a refusal is about what the actor may do and not about what the request says.
fn is_denial(refused: &Refused) -> bool {
    matches!(
        refused,
        Refused::Forbidden(_)
            | Refused::Beyond
            | Refused::Outlasts { .. }
            | Refused::NotPresented(_)
            | Refused::Oneself
            | Refused::LastAdministrator
    )
}

/// What an act was about.
#[derive(Clone, Debug, Default)]
pub(crate) struct Target {
    /// The account, when it is one.
    pub(crate) account: Option<AccountId>,
    /// What was asked, such as a method and a path.
    pub(crate) operation: Option<String>,
}

/// Records that an actor was refused an act of this kind; refusals that say nothing of the actor leave no record.
pub(crate) async fn denied_about(
    app: &App,
    actor: &Actor,
    kind: &str,
    refused: &Refused,
    target: Target,
) -> Result<(), StoreError> {
    if !is_denial(refused) {
        return Ok(());
    }
    let mut detail = Map::new();
    detail.insert("reason".to_owned(), json!(refused.says()));
    if let Some(operation) = target.operation {
        let operation: String = operation.chars().take(MAX_TEXT).collect();
        detail.insert("operation".to_owned(), json!(operation));
    }
    let mut event = Event::now(app, kind)
        .by(actor)
        .failed()
        .detail(Value::Object(detail));
    if let Some(account) = target.account {
        event = event.account(account);
    }
    app.store
        .write(async move |db: &mut Conn| event.record(db).await)
        .await
}
