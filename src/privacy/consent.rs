//! Records of consent: what was agreed to, when, and under which version of the terms.

use protocol::id::{AccountId, ClientId};
use protocol::scope::Scope;
use store::consent_records::{ConsentKind, ConsentRecord};

use crate::app::App;
use crate::random;

/// A record of what somebody agrees to or takes back now, to be kept in the write that does it. Without a client it is
/// about the terms.
pub(crate) fn record(
    app: &App,
    account_id: AccountId,
    kind: ConsentKind,
    client: Option<(&ClientId, &Scope)>,
) -> ConsentRecord {
    ConsentRecord {
        id: random::uuid(),
        account_id,
        client_id: client.map(|(id, _)| id.clone()),
        kind,
        scope: client.map(|(_, scope)| scope.to_string()).unwrap_or_default(),
        version: app.config.privacy.terms_version.clone(),
        at: app.now(),
    }
}
