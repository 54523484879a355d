//! The one-time link with which the first administrator makes their account.

use protocol::time::{Lifetime, Timestamp};
use store::{Conn, Store, StoreError};

use crate::config::Config;
use crate::random;

const LINK_LIFETIME: Lifetime = Lifetime::hours(24);

/// Makes a new link and voids the older ones. It works once, for 24 hours.
pub async fn link(store: &Store, config: &Config, now: Timestamp) -> Result<String, StoreError> {
    let secret = random::secret("setup_");
    let hash = secret.hash();
    store
        .write(async move |db: &mut Conn| store::setup_links::insert(db, &hash, now + LINK_LIFETIME).await)
        .await?;
    Ok(format!(
        "{}/setup?token={}",
        config.server.issuer,
        secret.expose()
    ))
}

/// Whether nobody has an account yet.
pub async fn is_needed(store: &Store) -> Result<bool, StoreError> {
    Ok(store
        .read(async |db: &mut Conn| store::accounts::count(db).await)
        .await?
        == 0)
}
