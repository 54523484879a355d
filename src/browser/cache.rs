//! Copies of live sessions, so that a page does not ask the database who is there.

use protocol::session::Session;
use protocol::time::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::copies::Copied;

/// A live session of an account that is not disabled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Live {
    /// The session.
    pub session: Session,
    /// Its last moment.
    pub expires_at: Timestamp,
}

impl Copied for Live {
    const NAME: &'static str = "session";

    fn hangs_on(&self) -> [Uuid; 2] {
        [self.session.id.0, self.session.account_id.0]
    }
}
