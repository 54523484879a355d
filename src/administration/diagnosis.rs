//! What administrators may find out: why somebody cannot sign in, how safe an account is, what a token is, and whether
//! the installation is sound.

use protocol::id::AccountId;
use protocol::permission;
use protocol::secret::Secret;
use store::Conn;

use super::{Actor, Outcome, Refused};
use crate::app::App;
use crate::diagnosis::Check;
use crate::diagnosis::installation::Installation;
use crate::diagnosis::report::{Holdings, Report};
use crate::diagnosis::sign_in::Facts;
use crate::diagnosis::token::{Inspection, inspect};

/// Each thing that sign-in asks for, and how it stands.
pub(crate) async fn sign_in(app: &App, actor: &Actor, id: AccountId) -> Outcome<Vec<Check>> {
    actor.require(permission::ACCOUNTS_READ)?;
    let now = app.now();
    let found = app
        .store
        .read(async move |db: &mut Conn| Facts::find(db, id, now).await)
        .await?;
    let facts = found.ok_or(Refused::NotFound)?;
    Ok(facts.checks(&app.config.accounts))
}

/// How safe an account is.
pub(crate) async fn report(app: &App, actor: &Actor, id: AccountId) -> Outcome<Report> {
    actor.require(permission::ACCOUNTS_READ)?;
    let now = app.now();
    let found = app
        .store
        .read(async move |db: &mut Conn| Holdings::find(db, id, now).await)
        .await?;
    let holdings = found.ok_or(Refused::NotFound)?;
    Ok(holdings.report(&app.config.accounts, now))
}

/// What a token is, and whether it is good.
pub(crate) async fn token(app: &App, actor: &Actor, token: &Secret) -> Outcome<Inspection> {
    actor.require(permission::GRANTS_READ)?;
    Ok(inspect(&app.store, app.issuer(), token, app.now()).await?)
}

/// Whether the installation is sound.
pub(crate) async fn installation(app: &App, actor: &Actor) -> Outcome<Vec<Check>> {
    actor.require(permission::INSTALLATION_READ)?;
    let installation = Installation {
        config: &app.config,
        store: &app.store,
        sealer: &app.sealer,
        now: app.now(),
    };
    Ok(installation.examine().await)
}
