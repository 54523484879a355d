//! Signing keys: their public halves, and the change of those that sign.

use protocol::jose::Algorithm;
use protocol::permission;
use protocol::time::Timestamp;
use serde::Serialize;
use serde_json::Value;
use store::{Conn, StoredKey};
use utoipa::ToSchema;

use super::listing::{Listed, Slice};
use super::{Actor, Outcome, Refused, catalogue};
use crate::app::App;
use crate::audit::Event;
use crate::error::Error;

/// What a signing key does now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// It is published and does not sign yet.
    Upcoming,
    /// It signs.
    Active,
    /// It is published for what it signed.
    Retired,
    /// It is gone from the published keys.
    Expired,
}

/// A signing key, without its private half.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = SigningKey)]
pub(crate) struct KeyView {
    /// Its identifier.
    pub(crate) kid: String,
    /// What it signs with.
    pub(crate) algorithm: String,
    /// What it does now.
    pub(crate) state: State,
    /// When it was made.
    #[schema(value_type = i64)]
    pub(crate) created_at: Timestamp,
    /// When it begins to sign.
    #[schema(value_type = i64)]
    pub(crate) activates_at: Timestamp,
    /// When it stops signing.
    #[schema(value_type = Option<i64>)]
    pub(crate) retires_at: Option<Timestamp>,
    /// When it leaves the published keys.
    #[schema(value_type = Option<i64>)]
    pub(crate) expires_at: Option<Timestamp>,
    /// The public half.
    pub(crate) public_jwk: Value,
}

impl KeyView {
    /// A stored key as it is at a moment.
    pub(crate) fn at(key: StoredKey, now: Timestamp) -> KeyView {
        let state = match &key {
            key if key.expires_at.is_some_and(|at| at <= now) => State::Expired,
            key if key.retires_at.is_some_and(|at| at <= now) => State::Retired,
            key if key.activates_at > now => State::Upcoming,
            _ => State::Active,
        };
        KeyView {
            kid: key.kid,
            algorithm: key.algorithm.as_str().to_owned(),
            state,
            created_at: key.created_at,
            activates_at: key.activates_at,
            retires_at: key.retires_at,
            expires_at: key.expires_at,
            public_jwk: key.public_jwk,
        }
    }
}

async fn all(app: &App) -> Result<Vec<KeyView>, Error<Refused>> {
    let now = app.now();
    let all = app
        .store
        .read(async |db: &mut Conn| store::keys::list(db).await)
        .await?;
    Ok(all.into_iter().map(|key| KeyView::at(key, now)).collect())
}

/// The signing keys, by identifier.
pub(crate) async fn list(app: &App, actor: &Actor, slice: &Slice) -> Outcome<Listed<KeyView>> {
    actor.require(permission::KEYS_READ)?;
    catalogue::cut(all(app).await?, slice, |key| &key.kid)
}

/// Lets the next keys, or that of one algorithm, take over at the earliest safe moment, and gives them.
pub(crate) async fn rotate(app: &App, actor: &Actor, algorithm: Option<Algorithm>) -> Outcome<Vec<KeyView>> {
    actor.require(permission::KEYS_ROTATE)?;
    if let Some(unused) = algorithm.filter(|wanted| !app.config.keys.algorithms.contains(wanted)) {
        let problem = format!("{} is not one of those in the configuration", unused.as_str());
        return Err(Refused::invalid("algorithm", problem).into());
    }
    let now = app.now();
    let event = || Event::now(app, "key.rotated").by(actor);
    let moved = crate::keys::rotate_now(&app.store, &app.sealer, algorithm, now, &app.config, &event)
        .await
        .map_err(Error::failed)?;
    app.keys
        .reload(&app.store, &app.sealer, now)
        .await
        .map_err(Error::failed)?;
    let all = all(app).await?.into_iter();
    Ok(all.filter(|key| moved.contains(&key.kid)).collect())
}
