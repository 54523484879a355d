//! Providers that people may sign in at. One that is trusted for mail addresses can sign in as whoever has such an
//! address, so only who may do everything lets it be trusted.

use protocol::permission;
use protocol::secret::Secret;
use protocol::time::Timestamp;
use protocol::upstream::Upstream;
use serde::Serialize;
use serde_json::{Map, Value, json};
use store::{Conn, StoreError, StoredUpstream, locks, upstreams};
use utoipa::ToSchema;

use super::catalogue::{MAX_NAMES, changed, cut, write};
use super::listing::{Listed, Slice};
use super::{Actor, Expected, Outcome, Refused, ensure_administrator_remains, is_administered};
use crate::app::App;
use crate::audit::Event;
use crate::declarative::check_upstream_secret;
use crate::seal::Sealer;
use crate::upstream::secret_context;

type Done<T> = Result<Result<T, Refused>, StoreError>;

/// An upstream as administrators see it, without our secret at it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Upstream)]
pub(crate) struct UpstreamView {
    /// How it is registered.
    #[serde(flatten)]
    #[schema(value_type = UpstreamMetadata)]
    pub(crate) upstream: Upstream,
    /// Whether our secret at it is known.
    pub(crate) has_secret: bool,
    /// What keeps it: `file` for the declarative files.
    pub(crate) managed_by: Option<String>,
}

impl From<StoredUpstream> for UpstreamView {
    fn from(stored: StoredUpstream) -> UpstreamView {
        UpstreamView {
            has_secret: stored.secret_sealed.is_some(),
            upstream: stored.upstream,
            managed_by: stored.managed_by,
        }
    }
}

/// How a provider is registered here.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes how Upstream is written")]
pub(crate) struct UpstreamMetadata {
    /// The name in addresses and files.
    name: String,
    /// The name people see.
    #[schema(required = false)]
    title: String,
    /// Its issuer identifier.
    issuer: String,
    /// Who we are to it.
    client_id: String,
    /// `client_secret_basic` or `client_secret_post`.
    token_endpoint_auth_method: String,
    /// What we ask for, separated by spaces.
    scope: String,
    /// Domains whose mail addresses are its own to vouch for.
    trusted_email_domains: Vec<String>,
    /// Whether people who have no account here get one.
    create_accounts: bool,
    /// Whether it may be used.
    enabled: bool,
}

/// The upstreams, by name.
pub(crate) async fn list(app: &App, actor: &Actor, slice: &Slice) -> Outcome<Listed<UpstreamView>> {
    actor.require(permission::UPSTREAMS_READ)?;
    let all = app
        .store
        .read(async |db: &mut Conn| upstreams::list(db).await)
        .await?;
    let all = all.into_iter().map(UpstreamView::from).collect();
    cut(all, slice, |view: &UpstreamView| &view.upstream.name)
}

/// The upstream of this name.
pub(crate) async fn read(app: &App, actor: &Actor, name: &str) -> Outcome<UpstreamView> {
    actor.require(permission::UPSTREAMS_READ)?;
    let name = name.to_owned();
    let found = app
        .store
        .read(async move |db: &mut Conn| upstreams::find(db, &name).await)
        .await?;
    Ok(found.map(UpstreamView::from).ok_or(Refused::NotFound)?)
}

/// Registers an upstream with the secret that the provider gave us.
pub(crate) async fn create(
    app: &App,
    actor: &Actor,
    metadata: Map<String, Value>,
    secret: Option<Secret>,
) -> Outcome<UpstreamView> {
    let upstream = parsed(metadata)?;
    let (actor, sealer, now) = (actor.clone(), app.sealer.clone(), app.now());
    write(app, async move |db: &mut Conn| {
        insert(db, &actor, upstream, secret, &sealer, now).await
    })
    .await
}

/// Changes an upstream by a merge patch (RFC 7396), and our secret at it where one is given.
pub(crate) async fn change(
    app: &App,
    actor: &Actor,
    name: &str,
    changes: Map<String, Value>,
    secret: Option<Secret>,
    expected: Expected,
) -> Outcome<UpstreamView> {
    let (actor, name, sealer, now) = (actor.clone(), name.to_owned(), app.sealer.clone(), app.now());
    write(app, async move |db: &mut Conn| {
        let change = |upstream: &Upstream| merged(upstream, changes);
        update(db, &actor, &name, change, secret, &expected, &sealer, now).await
    })
    .await
}

/// Removes an upstream. Whom it was connected to is kept.
pub(crate) async fn delete(app: &App, actor: &Actor, name: &str, expected: Expected) -> Outcome<()> {
    let (actor, name, now) = (actor.clone(), name.to_owned(), app.now());
    write(app, async move |db: &mut Conn| {
        remove(db, &actor, &name, &expected, now).await
    })
    .await
}

fn parsed(document: Map<String, Value>) -> Result<Upstream, Refused> {
    serde_path_to_error::deserialize(Value::Object(document)).map_err(|error| {
        let member = match error.path().to_string().as_str() {
            "." => "body".to_owned(),
            path => path.to_owned(),
        };
        Refused::invalid(member, error.into_inner().to_string())
    })
}

fn merged(base: &Upstream, changes: Map<String, Value>) -> Result<Upstream, Refused> {
    let Ok(Value::Object(mut document)) = serde_json::to_value(base) else {
        return Err(Refused::invalid("body", "cannot be merged"));
    };
    for (member, change) in changes {
        match change {
            Value::Null => document.remove(&member),
            change => document.insert(member, change),
        };
    }
    let upstream = parsed(document)?;
    if upstream.name != base.name {
        return Err(Refused::invalid("name", "cannot be changed"));
    }
    Ok(upstream)
}

fn check(upstream: &Upstream, secret: Option<&Secret>) -> Result<(), Refused> {
    upstream
        .check()
        .map_err(|error| Refused::invalid(error.0, error.1))?;
    if upstream.trusted_email_domains.len() > MAX_NAMES {
        let problem = format!("must be at most {MAX_NAMES}");
        return Err(Refused::invalid("trusted_email_domains", problem));
    }
    match secret.map(check_upstream_secret) {
        Some(Err(problem)) => Err(Refused::invalid("client_secret", problem)),
        _ => Ok(()),
    }
}

/// What comes with an upstream: everything, where it vouches for people and so can be anybody.
fn reach(upstream: &Upstream) -> Option<String> {
    (!upstream.trusted_email_domains.is_empty()).then(|| permission::ALL.to_owned())
}

/// Refuses to let an upstream vouch for people, or not, to whoever may not do for good what they may.
fn may_trust(actor: &Actor, upstream: &Upstream) -> Result<(), Refused> {
    actor.may_give_for_good(&reach(upstream))
}

fn event(actor: &Actor, kind: &str, upstream: &Upstream, fields: &[String], now: Timestamp) -> Event {
    let detail = json!({ "name": upstream.name, "issuer": upstream.issuer, "changed": fields });
    Event::at(now, kind).by(actor).detail(detail)
}

/// [`create`] in a transaction at hand.
pub(crate) async fn insert(
    db: &mut Conn,
    actor: &Actor,
    upstream: Upstream,
    secret: Option<Secret>,
    sealer: &Sealer,
    now: Timestamp,
) -> Done<UpstreamView> {
    let allowed = || {
        actor.require(permission::UPSTREAMS_WRITE)?;
        check(&upstream, secret.as_ref())?;
        may_trust(actor, &upstream)?;
        let missing = || {
            Refused::invalid(
                "client_secret",
                "is missing; it is the one that the provider gave",
            )
        };
        secret.ok_or_else(missing)
    };
    let secret = match allowed() {
        Ok(secret) => secret,
        Err(refused) => return Ok(Err(refused)),
    };
    locks::lock_apply(db).await?;
    if upstreams::find(db, &upstream.name).await?.is_some() {
        return Ok(Err(Refused::Conflict("the name")));
    }
    let stored = StoredUpstream {
        secret_sealed: Some(sealer.seal(&secret_context(&upstream.name), secret.expose().as_bytes())),
        upstream,
        managed_by: None,
    };
    upstreams::insert(db, &stored, now).await?;
    event(actor, "upstream.created", &stored.upstream, &[], now)
        .record(db)
        .await?;
    Ok(Ok(UpstreamView::from(stored)))
}

/// [`change`] in a transaction at hand.
#[expect(
    clippy::too_many_arguments,
    reason = "what is changed, by whom, how and under which condition"
)]
pub(crate) async fn update(
    db: &mut Conn,
    actor: &Actor,
    name: &str,
    change: impl FnOnce(&Upstream) -> Result<Upstream, Refused>,
    secret: Option<Secret>,
    expected: &Expected,
    sealer: &Sealer,
    now: Timestamp,
) -> Done<UpstreamView> {
    if let Err(refused) = actor.require(permission::UPSTREAMS_WRITE) {
        return Ok(Err(refused));
    }
    locks::lock_apply(db).await?;
    let Some(old) = upstreams::find(db, name).await? else {
        return Ok(Err(Refused::NotFound));
    };
    let decide = || {
        expected.check(&UpstreamView::from(old.clone()))?;
        let upstream = change(&old.upstream)?;
        check(&upstream, secret.as_ref())?;
        may_trust(actor, &old.upstream)?;
        may_trust(actor, &upstream)?;
        Ok(upstream)
    };
    let upstream = match decide() {
        Ok(upstream) => upstream,
        Err(refused) => return Ok(Err(refused)),
    };
    let mut fields = changed(&old.upstream, &upstream);
    let mut new = StoredUpstream { upstream, ..old };
    if let Some(secret) = secret {
        fields.push("client_secret".to_owned());
        new.secret_sealed = Some(sealer.seal(&secret_context(name), secret.expose().as_bytes()));
    }
    if !fields.is_empty() {
        let administered = is_administered(db).await?;
        upstreams::update(db, &new, now).await?;
        // It may have been the only way in of the last one.
        if administered {
            ensure_administrator_remains(db).await?;
        }
        event(actor, "upstream.updated", &new.upstream, &fields, now)
            .record(db)
            .await?;
    }
    Ok(Ok(UpstreamView::from(new)))
}

/// [`delete`] in a transaction at hand.
pub(crate) async fn remove(
    db: &mut Conn,
    actor: &Actor,
    name: &str,
    expected: &Expected,
    now: Timestamp,
) -> Done<()> {
    if let Err(refused) = actor.require(permission::UPSTREAMS_WRITE) {
        return Ok(Err(refused));
    }
    locks::lock_apply(db).await?;
    let Some(stored) = upstreams::find(db, name).await? else {
        return Ok(Err(Refused::NotFound));
    };
    let allowed = actor
        .may_take(&reach(&stored.upstream))
        .and_then(|()| expected.check(&UpstreamView::from(stored.clone())));
    if let Err(refused) = allowed {
        return Ok(Err(refused));
    }
    let administered = is_administered(db).await?;
    upstreams::delete(db, name).await?;
    if administered {
        ensure_administrator_remains(db).await?;
    }
    event(actor, "upstream.deleted", &stored.upstream, &[], now)
        .record(db)
        .await?;
    Ok(Ok(()))
}
