//! Who may do something, to what, and what somebody may do (AuthZEN §8).

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use protocol::access::request::{self as asked, ResourceSearch, SubjectSearch};
use protocol::access::{Decision, Entity, action_of, decide, is_account, permission_for};
use protocol::id::AccountId;
use protocol::permission::{ALL, OWN};
use serde::Serialize;
use store::{Conn, StoreError};
use uuid::Uuid;

use super::decision;
use super::request::{answer, malformed, shown};
use crate::app::App;
use crate::authority::Held;
use page::{Listing, Place};

mod page;

/// Names of permissions on one thing that are looked at.
const MAX_NAMES: i64 = 1000;

/// `POST /access/v1/search/subject`
pub(super) async fn subjects(State(app): State<Arc<App>>, request: Request) -> Response {
    answer(&app, request, async |body| {
        let search = asked::subject_search(&body).map_err(malformed)?;
        let terms = (&search.kind, &search.action, &search.resource);
        let (listing, place) = Listing::open(&app, ("subject", &terms), &search.page)?;
        let found = if is_account(&search.kind) {
            who(&app, &search, place.as_ref(), listing.rows()).await?
        } else {
            Vec::new()
        };
        let by_name = search.kind == "user";
        let entity = |(id, name): (AccountId, String)| Entity {
            kind: search.kind.clone(),
            id: if by_name { name } else { id.to_string() },
        };
        let cut = listing.cut(found, place, |(id, _)| Place::Account(id.0));
        shown(&listing.page(&app, cut, entity))
    })
    .await
}

/// The accounts that may, by identifier from the one after `place`.
async fn who(
    app: &App,
    search: &SubjectSearch,
    place: Option<&Place>,
    rows: i64,
) -> Result<Vec<(AccountId, String)>, StoreError> {
    let after = match place {
        Some(Place::Account(id)) => AccountId(*id),
        _ => AccountId(Uuid::nil()),
    };
    let now = app.now();
    let Entity { kind, id } = search.resource.clone();
    let permission = permission_for(&kind, &search.action);
    app.store
        .scan(async move |db: &mut Conn| {
            let mut found = store::holders::list(db, &permission, now, after, rows).await?;
            let thing = (kind.as_str(), id.as_str());
            let given = store::resource_permissions::list_holders(db, thing, &permission, now, after, rows);
            found.extend(given.await?);
            let owned = store::owned_resources::find(db, &kind, &id).await?;
            if let Some(owner) = owned.and_then(|owned| owned.owner).filter(|owner| *owner > after)
                && let Some(owner) = store::accounts::find(db, owner).await?
                && !owner.disabled
            {
                found.insert(owner.id, owner.username);
            }
            let rows = usize::try_from(rows).unwrap_or(0);
            Ok(found.into_iter().take(rows).collect())
        })
        .await
}

/// `POST /access/v1/search/resource`
pub(super) async fn resources(State(app): State<Arc<App>>, request: Request) -> Response {
    answer(&app, request, async |body| {
        let search = asked::resource_search(&body).map_err(malformed)?;
        let terms = (&search.subject, &search.action, &search.kind);
        let (listing, place) = Listing::open(&app, ("resource", &terms), &search.page)?;
        let found = match decision::account(&app, &search.subject).await? {
            Some(held) => to_what(&app, &held, &search, place.as_ref(), listing.rows()).await?,
            None => Vec::new(),
        };
        let entity = |place: Place| Entity {
            kind: search.kind.clone(),
            id: place.into_text(),
        };
        let cut = listing.cut(found, place, Place::clone);
        shown(&listing.page(&app, cut, entity))
    })
    .await
}

/// The things that an account may do something to: all that are known, when it may everywhere; else those it owns, and
/// then those it was given the permission on.
async fn to_what(
    app: &App,
    held: &Held,
    search: &ResourceSearch,
    place: Option<&Place>,
    rows: i64,
) -> Result<Vec<Place>, StoreError> {
    let (kind, account, now) = (search.kind.clone(), held.account, app.now());
    let permission = permission_for(&kind, &search.action);
    let everywhere = held.authority.holds(&permission);
    let place = place.cloned();
    app.store
        .scan(async move |db: &mut Conn| {
            let mut found = Vec::new();
            let after = |part: fn(String) -> Place| match &place {
                Some(place) if place.is_part(part) => place.clone().into_text(),
                _ => String::new(),
            };
            if everywhere && place.as_ref().is_none_or(|place| place.is_part(Place::Any)) {
                let all = store::owned_resources::list_of_kind(db, &kind, &after(Place::Any), rows).await?;
                return Ok(all.into_iter().map(Place::Any).collect());
            }
            if !place.as_ref().is_some_and(|place| place.is_part(Place::Given)) {
                let after = after(Place::Owned);
                let owned = store::owned_resources::list_owned(db, account, &kind, &after, rows).await?;
                found.extend(owned.into_iter().map(Place::Owned));
            }
            let rest = rows.saturating_sub(i64::try_from(found.len()).unwrap_or(i64::MAX));
            if rest > 0 {
                let (what, after) = ((kind.as_str(), permission.as_str()), after(Place::Given));
                let given = store::resource_permissions::list_permitted(db, account, what, now, &after, rest);
                found.extend(given.await?.into_iter().map(Place::Given));
            }
            Ok(found)
        })
        .await
}

#[derive(Serialize)]
struct Action {
    name: String,
}

/// `POST /access/v1/search/action`
pub(super) async fn actions(State(app): State<Arc<App>>, request: Request) -> Response {
    answer(&app, request, async |body| {
        let search = asked::action_search(&body).map_err(malformed)?;
        let terms = (&search.subject, &search.resource);
        let (listing, place) = Listing::open(&app, ("action", &terms), &search.page)?;
        let found = match decision::account(&app, &search.subject).await? {
            Some(held) => what(&app, &held, &search.resource).await?,
            None => BTreeSet::new(),
        };
        let after = match &place {
            Some(Place::Action(name)) => name.as_str(),
            _ => "",
        };
        let rows = usize::try_from(listing.rows()).unwrap_or(0);
        let found = found.into_iter().filter(|name| name.as_str() > after).take(rows);
        let cut = listing.cut(found.collect(), place.clone(), |name| Place::Action(name.clone()));
        shown(&listing.page(&app, cut, |name| Action { name }))
    })
    .await
}

/// The actions on a thing that an account may do, of those that are known: what roles, scopes and the server itself
/// name for things of this type, and what anybody was given on this one.
async fn what(app: &App, held: &Held, thing: &Entity) -> Result<BTreeSet<String>, StoreError> {
    let stands = app.standing(held.account, &thing.kind, &thing.id).await?;
    let (kind, id, now) = (thing.kind.clone(), thing.id.clone(), app.now());
    let (roles, given) = app
        .store
        .scan(async move |db: &mut Conn| {
            let roles = store::roles::list_roles(db).await?;
            let given = store::resource_permissions::list_names(db, &kind, &id, now, MAX_NAMES).await?;
            Ok((roles, given))
        })
        .await?;
    let catalogue = app.catalogue().await?;
    let prefix = format!("{}:", thing.kind);
    let everywhere = roles.iter().flat_map(|role| &role.permissions);
    let everywhere = everywhere
        .chain(catalogue.scopes.iter().flat_map(|scope| &scope.requires))
        .chain(&held.authority.permissions)
        .map(String::as_str)
        .chain(OWN.iter().map(|(name, _)| *name))
        .filter(|name| name.starts_with(&prefix));
    let candidates: BTreeSet<&str> = everywhere.chain(given.iter().map(String::as_str)).collect();
    let may = |permission: &&str| decide(permission, &stands.standing, &held.authority) != Decision::NO;
    Ok(candidates
        .into_iter()
        .filter(|name| !name.ends_with(ALL))
        .filter(may)
        .map(|permission| action_of(&thing.kind, permission).to_owned())
        .collect())
}
