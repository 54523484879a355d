//! Whether the audit trail is as it was written.

use protocol::permission;

use super::{Actor, Outcome, Refused};
use crate::app::App;
use crate::audit::Keys;
use crate::audit::verify::{self, Anchor, Report};

/// Events looked at in one go.
const LIMIT: i64 = 20_000;

/// Looks at the trail from after a place on; `next` of the report says where to go on.
pub(crate) async fn verify(app: &App, actor: &Actor, anchor: Option<Anchor>, after: i64) -> Outcome<Report> {
    actor.require(permission::AUDIT_READ)?;
    if after < 0 {
        return Err(Refused::invalid("after", "must be 0 or more").into());
    }
    let keys = Keys::of(&app.sealer);
    Ok(verify::verify(&app.store, keys, anchor, after, LIMIT).await?)
}
