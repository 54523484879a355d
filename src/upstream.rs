//! Signing in at another OpenID provider: asking it, believing its answer, and finding out whose account it speaks of.

mod answers;
mod client;
mod disconnect;
mod flow;
mod id_token;
mod people;
mod provider;

use store::{Conn, StoreError, StoredUpstream};

use crate::app::App;

pub(crate) use answers::{begin, missing, refuse, troubled};
pub(crate) use client::UpstreamError;
pub(crate) use disconnect::{Disconnected, disconnect};
pub(crate) use flow::{Flow, Pending};
pub(crate) use people::{Outcome, connect, create, find_account, is_known};
pub use provider::Providers;
pub(crate) use provider::{authorization_url, discover, redeem};

/// What a sealed client secret of an upstream is bound to.
pub(crate) fn secret_context(name: &str) -> String {
    format!("upstream/{name}")
}

/// The upstream of this name, if people may sign in at it. Read anew each time, so that one that is shut is shut.
pub(crate) async fn find(app: &App, name: &str) -> Result<Option<StoredUpstream>, StoreError> {
    // No text of PostgreSQL holds a NUL, so none is called that.
    if name.contains('\0') {
        return Ok(None);
    }
    let name = name.to_owned();
    let found = app
        .store
        .read(async move |db: &mut Conn| store::upstreams::find(db, &name).await)
        .await?;
    Ok(found.filter(|found| found.upstream.enabled))
}

/// The upstreams that people may sign in at, by name.
pub(crate) async fn list(app: &App) -> Result<Vec<StoredUpstream>, StoreError> {
    let mut all = app
        .store
        .read(async |db: &mut Conn| store::upstreams::list(db).await)
        .await?;
    all.retain(|stored| stored.upstream.enabled);
    Ok(all)
}
