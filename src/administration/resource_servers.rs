//! Resource servers that tokens can be made for (RFC 8707).

use protocol::permission;
use protocol::role::{ResourceServer, ScopeDefinition, is_known};
use protocol::time::Timestamp;
use serde::Serialize;
use serde_json::json;
use store::{Conn, StoreError, locks, roles};
use url::Url;
use utoipa::ToSchema;

use super::catalogue::{MAX_NAMES, changed, cut, write};
use super::listing::{Listed, Slice};
use super::{Actor, Expected, Outcome, Refused};
use crate::app::App;
use crate::audit::Event;

/// The most bytes of an identifier.
const MAX_IDENTIFIER: usize = 500;

/// A resource server as administrators see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ResourceServer)]
pub(crate) struct ResourceServerView {
    /// Its absolute URI, the `aud` of its tokens.
    pub(crate) identifier: String,
    /// The scopes that mean something to it.
    pub(crate) scopes: Vec<String>,
    /// What keeps it: `file` for the declarative files.
    pub(crate) managed_by: Option<String>,
}

impl From<(ResourceServer, Option<String>)> for ResourceServerView {
    fn from((server, managed_by): (ResourceServer, Option<String>)) -> ResourceServerView {
        ResourceServerView {
            identifier: server.identifier,
            scopes: server.scopes,
            managed_by,
        }
    }
}

/// The resource servers, by identifier.
pub(crate) async fn list(app: &App, actor: &Actor, slice: &Slice) -> Outcome<Listed<ResourceServerView>> {
    actor.require(permission::ROLES_READ)?;
    let all = app
        .store
        .read(async |db: &mut Conn| roles::list_managed_resources(db).await)
        .await?;
    let all = all.into_iter().map(ResourceServerView::from).collect();
    cut(all, slice, |server: &ResourceServerView| &server.identifier)
}

/// The resource server with this identifier.
pub(crate) async fn read(app: &App, actor: &Actor, identifier: &str) -> Outcome<ResourceServerView> {
    actor.require(permission::ROLES_READ)?;
    let identifier = identifier.to_owned();
    let found = app
        .store
        .read(async move |db: &mut Conn| roles::find_resource(db, &identifier).await)
        .await?;
    Ok(found.map(ResourceServerView::from).ok_or(Refused::NotFound)?)
}

/// Registers a resource server.
pub(crate) async fn create(app: &App, actor: &Actor, server: ResourceServer) -> Outcome<ResourceServerView> {
    let (actor, now) = (actor.clone(), app.now());
    write(app, async move |db: &mut Conn| {
        insert(db, &actor, server, now).await
    })
    .await
}

/// Changes which scopes mean something to a resource server.
pub(crate) async fn change(
    app: &App,
    actor: &Actor,
    identifier: &str,
    scopes: Option<Vec<String>>,
    expected: Expected,
) -> Outcome<ResourceServerView> {
    let (actor, identifier, now) = (actor.clone(), identifier.to_owned(), app.now());
    write(app, async move |db: &mut Conn| {
        update(db, &actor, &identifier, scopes, &expected, now).await
    })
    .await
}

/// Removes a resource server; no more tokens are made for it.
pub(crate) async fn delete(app: &App, actor: &Actor, identifier: &str, expected: Expected) -> Outcome<()> {
    let (actor, identifier, now) = (actor.clone(), identifier.to_owned(), app.now());
    write(app, async move |db: &mut Conn| {
        remove(db, &actor, &identifier, &expected, now).await
    })
    .await
}

fn check(server: &ResourceServer, definitions: &[ScopeDefinition]) -> Result<(), Refused> {
    let identifier = &server.identifier;
    let absolute = Url::parse(identifier).is_ok() && identifier.bytes().all(|b| b.is_ascii_graphic());
    if !absolute || identifier.contains('#') || identifier.len() > MAX_IDENTIFIER {
        let problem =
            format!("must be an absolute URI without a fragment, of at most {MAX_IDENTIFIER} bytes");
        return Err(Refused::invalid("identifier", problem));
    }
    if server.scopes.len() > MAX_NAMES {
        return Err(Refused::invalid("scopes", format!("must be at most {MAX_NAMES}")));
    }
    match server.scopes.iter().find(|name| !is_known(name, definitions)) {
        Some(name) => Err(Refused::invalid("scopes", format!("{name:?} is not defined"))),
        None => Ok(()),
    }
}

async fn insert(
    db: &mut Conn,
    actor: &Actor,
    server: ResourceServer,
    now: Timestamp,
) -> Result<Result<ResourceServerView, Refused>, StoreError> {
    locks::lock_apply(db).await?;
    let definitions = roles::list_scopes(db).await?;
    let allowed = actor
        .require(permission::ROLES_WRITE)
        .and_then(|()| check(&server, &definitions));
    if let Err(refused) = allowed {
        return Ok(Err(refused));
    }
    if !roles::insert_resource(db, &server, None).await? {
        return Ok(Err(Refused::Conflict("the identifier")));
    }
    let event = Event::at(now, "resource.created").by(actor).detail(json!(server));
    event.record(db).await?;
    Ok(Ok(ResourceServerView::from((server, None))))
}

async fn update(
    db: &mut Conn,
    actor: &Actor,
    identifier: &str,
    scopes: Option<Vec<String>>,
    expected: &Expected,
    now: Timestamp,
) -> Result<Result<ResourceServerView, Refused>, StoreError> {
    if let Err(refused) = actor.require(permission::ROLES_WRITE) {
        return Ok(Err(refused));
    }
    locks::lock_apply(db).await?;
    let Some((old, mark)) = roles::find_resource(db, identifier).await? else {
        return Ok(Err(Refused::NotFound));
    };
    let definitions = roles::list_scopes(db).await?;
    let new = ResourceServer {
        identifier: old.identifier.clone(),
        scopes: scopes.unwrap_or_else(|| old.scopes.clone()),
    };
    let allowed = expected
        .check(&ResourceServerView::from((old.clone(), mark.clone())))
        .and_then(|()| check(&new, &definitions));
    if let Err(refused) = allowed {
        return Ok(Err(refused));
    }
    let members = changed(&old, &new);
    if !members.is_empty() {
        roles::upsert_resource(db, &new, mark.as_deref()).await?;
        let detail = json!({ "identifier": new.identifier, "changed": members, "before": old, "after": new });
        let event = Event::at(now, "resource.updated").by(actor).detail(detail);
        event.record(db).await?;
    }
    Ok(Ok(ResourceServerView::from((new, mark))))
}

async fn remove(
    db: &mut Conn,
    actor: &Actor,
    identifier: &str,
    expected: &Expected,
    now: Timestamp,
) -> Result<Result<(), Refused>, StoreError> {
    if let Err(refused) = actor.require(permission::ROLES_WRITE) {
        return Ok(Err(refused));
    }
    locks::lock_apply(db).await?;
    let Some((server, mark)) = roles::find_resource(db, identifier).await? else {
        return Ok(Err(Refused::NotFound));
    };
    if let Err(refused) = expected.check(&ResourceServerView::from((server.clone(), mark))) {
        return Ok(Err(refused));
    }
    roles::delete_resource(db, identifier).await?;
    let event = Event::at(now, "resource.deleted").by(actor).detail(json!(server));
    event.record(db).await?;
    Ok(Ok(()))
}
