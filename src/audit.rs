//! Security events, written in the transaction of the change they tell of. A moment later they are sealed into a chain
//! that shows when somebody tampers with them, and sent to a webhook where there is one.

mod chain;
pub mod export;
pub mod kinds;
mod sealing;
pub mod verify;
pub(crate) mod webhook;

use protocol::id::{AccountId, ClientId};
use protocol::time::Timestamp;
use serde_json::{Map, Value};
use store::{Conn, StoreError};
use uuid::Uuid;

use crate::administration::Actor;
use crate::app::App;
use crate::delivery::Desk;
use crate::web::client_ip::ClientAddress;
use crate::web::request_id;

pub use chain::Keys;
pub use sealing::{remove_old, seal_due, work};

/// The work on the trail of this process; other nodes are kept apart by the database.
#[derive(Default)]
pub struct Trail {
    /// Where the worker of the webhook listens.
    pub(crate) desk: Desk,
    /// One round of sealing at a time; the events that it was said of that they cannot be read.
    sealing: tokio::sync::Mutex<Vec<Option<Uuid>>>,
}

/// An identifier that sorts behind those made before it, so that the events of one second are listed in their order.
pub(crate) fn ordered_id() -> Uuid {
    Uuid::now_v7()
}

/// An event in the making; success unless it is said to have failed.
#[derive(Clone, Debug)]
pub struct Event(store::audit::Event);

impl Event {
    /// An event of this kind in the request at hand.
    pub fn now(app: &App, kind: &str) -> Event {
        Event::at(app.now(), kind)
    }

    /// An event of this kind at a moment.
    pub fn at(at: Timestamp, kind: &str) -> Event {
        Event(store::audit::Event {
            id: ordered_id(),
            at,
            kind: kind.to_owned(),
            outcome: "success".to_owned(),
            account_id: None,
            client_id: None,
            actor: None,
            address: None,
            request_id: request_id::current().map(|id| id.as_str().to_owned()),
            detail: Value::Object(Map::new()),
        })
    }

    /// About this account.
    #[must_use]
    pub fn account(mut self, id: AccountId) -> Event {
        self.0.account_id = Some(id);
        self
    }

    /// About this client.
    #[must_use]
    pub fn client(mut self, id: &ClientId) -> Event {
        self.0.client_id = Some(id.clone());
        self
    }

    /// From this address.
    #[must_use]
    pub fn from(mut self, address: ClientAddress) -> Event {
        self.0.address = Some(address.0.to_string());
        self
    }

    /// Done by somebody else than the account itself.
    #[must_use]
    pub fn by(mut self, actor: &Actor) -> Event {
        self.0.actor = Some(actor.to_string());
        self.0.address = actor.address.map(|address| address.0.to_string());
        if let Some(id) = actor.request {
            self.0.request_id = Some(id.as_str().to_owned());
        }
        self
    }

    /// One more event like this one, of another kind.
    #[must_use]
    pub fn another(&self, kind: &str) -> Event {
        let mut other = self.clone().renamed(kind);
        other.0.id = ordered_id();
        other
    }

    /// Of another kind, as it turned out.
    #[must_use]
    pub fn renamed(mut self, kind: &str) -> Event {
        self.0.kind = kind.to_owned();
        self
    }

    /// With more to say: a JSON object, never of secrets.
    #[must_use]
    pub fn detail(mut self, detail: Value) -> Event {
        self.0.detail = detail;
        self
    }

    /// It was refused.
    #[must_use]
    pub fn failed(mut self) -> Event {
        self.0.outcome = "failure".to_owned();
        self
    }

    /// Writes it.
    pub async fn record(&self, db: &mut Conn) -> Result<(), StoreError> {
        store::audit::record(db, &self.0).await
    }
}
