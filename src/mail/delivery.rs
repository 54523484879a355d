//! Mails out of the outbox.

use store::StoreError;
use store::outbox::{Lane, Parcel};

use super::letter::{Content, context};
use crate::app::App;
use crate::delivery;

/// Sends the mails that are due, once, and says how many left.
pub async fn deliver_due(app: &App) -> Result<u64, StoreError> {
    delivery::deliver_due(app, Lane::Mail).await
}

/// Sends one mail.
pub(crate) async fn send(app: &App, parcel: &Parcel) -> Result<(), String> {
    let plain = app.sealer.open(&context(parcel.id), &parcel.sealed);
    let content: Content = plain
        .and_then(|plain| serde_json::from_slice(&plain).ok())
        .ok_or("it cannot be opened: another master key sealed it")?;
    app.mail.transport.send(parcel.id, &content).await
}
