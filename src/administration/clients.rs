//! Registered clients. Whoever can change a client can act as it, so nobody registers, changes or rotates one that
//! reaches further than they do themselves.

use protocol::client::Client;
use protocol::id::ClientId;
use protocol::permission;
use protocol::secret::Secret;
use protocol::time::Timestamp;
use serde_json::{Map, Value, json};
use store::clients::Filter;
use store::{Conn, StoreError, StoredClient, clients, consents, grants, locks, roles};

use super::catalogue::changed;
use super::listing::{Listed, Slice};
use super::{Actor, Expected, Outcome, Refused, settle};
use crate::app::App;
use crate::audit::Event;
use crate::random;
use crate::seal::Sealer;
use secret::NewSecret;

mod rules;
mod secret;
pub(crate) mod view;

pub(crate) use rules::{check, check_gain, check_identifier, reach};
pub(crate) use secret::MAX_OVERLAP;
pub(crate) use view::ClientView;

type Done<T> = Result<Result<T, Refused>, StoreError>;

/// A client as it is now, and the secret that was made for it, to be shown once.
#[derive(Debug)]
pub(crate) struct Registered {
    /// The client.
    pub(crate) client: ClientView,
    /// Its new secret.
    pub(crate) secret: Option<Secret>,
}

/// Which state a client is put into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Refused everywhere; what it was given ends.
    Disabled,
    /// Let in.
    Enabled,
}

/// The clients whose identifier begins with a text and that are, or are not, disabled; by identifier.
pub(crate) async fn list(
    app: &App,
    actor: &Actor,
    prefix: Option<String>,
    disabled: Option<bool>,
    slice: &Slice,
) -> Outcome<Listed<ClientView>> {
    actor.require(permission::CLIENTS_READ)?;
    let filter = Filter {
        prefix,
        disabled,
        after: slice.position()?,
        descending: slice.descending,
    };
    let (limit, now) = (slice.rows(), app.now());
    let rows = app
        .store
        .scan(async move |db: &mut Conn| clients::list_page(db, &filter, limit).await)
        .await?;
    let piece = slice.cut(rows, |last| last.client.client_id.clone())?;
    Ok(piece.map(|stored| ClientView::at(&stored, now)))
}

/// The client with this identifier.
pub(crate) async fn read(app: &App, actor: &Actor, id: &ClientId) -> Outcome<ClientView> {
    actor.require(permission::CLIENTS_READ)?;
    let id = id.clone();
    let found = app
        .store
        .read(async move |db: &mut Conn| clients::find(db, &id).await)
        .await?;
    let found = found.ok_or(Refused::NotFound)?;
    Ok(ClientView::at(&found, app.now()))
}

/// Registers a client from its metadata; an identifier and a secret are made where they are needed.
pub(crate) async fn create(app: &App, actor: &Actor, metadata: Map<String, Value>) -> Outcome<Registered> {
    let mut metadata = metadata;
    let id = match metadata.remove("client_id") {
        None => ClientId(format!("client_{}", random::uuid().simple())),
        Some(Value::String(id)) => ClientId(id),
        Some(_) => return Err(Refused::invalid("client_id", "must be text").into()),
    };
    let client = rules::merged(&Client::new(id.clone()), metadata)?;
    let (actor, sealer, now) = (actor.clone(), app.sealer.clone(), app.now());
    let done = app
        .store
        .write(async move |db: &mut Conn| insert(db, &actor, client, None, &sealer, now).await)
        .await;
    app.forget_client(&id);
    settle(done)
}

/// Changes the metadata of a client by a merge patch (RFC 7396). A secret is made when its method now needs one.
pub(crate) async fn change(
    app: &App,
    actor: &Actor,
    id: &ClientId,
    changes: Map<String, Value>,
    expected: Expected,
) -> Outcome<Registered> {
    let (actor, target, sealer, now) = (actor.clone(), id.clone(), app.sealer.clone(), app.now());
    let done = app
        .store
        .write(async move |db: &mut Conn| {
            let change = |client: &Client| rules::merged(client, changes);
            update(db, &actor, &target, change, &expected, &sealer, now).await
        })
        .await;
    app.forget_client(id);
    settle(done)
}

/// Gives a client a new secret; the old one is good for so many seconds more.
pub(crate) async fn rotate_secret(
    app: &App,
    actor: &Actor,
    id: &ClientId,
    overlap: i64,
) -> Outcome<Registered> {
    let (actor, target, sealer, now) = (actor.clone(), id.clone(), app.sealer.clone(), app.now());
    let done = app
        .store
        .write(async move |db: &mut Conn| rotate(db, &actor, &target, None, overlap, &sealer, now).await)
        .await;
    app.forget_client(id);
    settle(done)
}

/// Shuts a client out and ends what it was given, or lets it in again.
pub(crate) async fn set_state(app: &App, actor: &Actor, id: &ClientId, state: State) -> Outcome<ClientView> {
    let (actor, target, now) = (actor.clone(), id.clone(), app.now());
    let done = app
        .store
        .write(async move |db: &mut Conn| put_state(db, &actor, &target, state, now).await)
        .await;
    app.forget_client(id);
    settle(done)
}

/// Removes a client and ends what it was given.
pub(crate) async fn delete(app: &App, actor: &Actor, id: &ClientId, expected: Expected) -> Outcome<()> {
    let (actor, target, now) = (actor.clone(), id.clone(), app.now());
    let done = app
        .store
        .write(async move |db: &mut Conn| remove(db, &actor, &target, &expected, now).await)
        .await;
    app.forget_client(id);
    settle(done)
}

/// The client, unless the actor may not change it: locked, so that nobody else does meanwhile.
async fn find_mine(db: &mut Conn, actor: &Actor, id: &ClientId) -> Done<StoredClient> {
    if let Err(refused) = actor.require(permission::CLIENTS_WRITE) {
        return Ok(Err(refused));
    }
    locks::lock_apply(db).await?;
    let Some(stored) = clients::find(db, id).await? else {
        return Ok(Err(Refused::NotFound));
    };
    let definitions = roles::list_scopes(db).await?;
    let mine = actor.may_take(&reach(&stored.client, &definitions));
    Ok(mine.map(|()| stored))
}

fn event(actor: &Actor, kind: &str, id: &ClientId, detail: Value, now: Timestamp) -> Event {
    Event::at(now, kind).by(actor).client(id).detail(detail)
}

/// [`create`] in a transaction at hand; with a secret that somebody chose, where one is given.
pub(crate) async fn insert(
    db: &mut Conn,
    actor: &Actor,
    client: Client,
    given: Option<Secret>,
    sealer: &Sealer,
    now: Timestamp,
) -> Done<Registered> {
    locks::lock_apply(db).await?;
    let definitions = roles::list_scopes(db).await?;
    let servers = roles::list_resources(db).await?;
    let allowed = || {
        actor.require(permission::CLIENTS_WRITE)?;
        check(&client, None, &definitions, &servers)?;
        actor.may_give_for_good(&reach(&client, &definitions))?;
        let needed = given.is_some() || client.token_endpoint_auth_method.has_secret();
        needed.then(|| NewSecret::of(&client, given, sealer)).transpose()
    };
    let secret = match allowed() {
        Ok(secret) => secret,
        Err(refused) => return Ok(Err(refused)),
    };
    if clients::find(db, &client.client_id).await?.is_some() {
        return Ok(Err(Refused::Conflict("the client_id")));
    }
    let mut stored = StoredClient::new(client);
    if let Some(secret) = &secret {
        secret.give(&mut stored, now, now);
    }
    clients::insert(db, &stored, now).await?;
    let detail = json!({ "grant_types": stored.client.grant_types, "scope": stored.client.scope });
    event(actor, "client.created", &stored.client.client_id, detail, now)
        .record(db)
        .await?;
    Ok(Ok(Registered {
        client: ClientView::at(&stored, now),
        secret: secret.and_then(|secret| secret.made),
    }))
}

/// [`change`] in a transaction at hand.
pub(crate) async fn update(
    db: &mut Conn,
    actor: &Actor,
    id: &ClientId,
    change: impl FnOnce(&Client) -> Result<Client, Refused>,
    expected: &Expected,
    sealer: &Sealer,
    now: Timestamp,
) -> Done<Registered> {
    let stored = match find_mine(db, actor, id).await? {
        Ok(stored) => stored,
        Err(refused) => return Ok(Err(refused)),
    };
    let definitions = roles::list_scopes(db).await?;
    let servers = roles::list_resources(db).await?;
    let decide = || {
        expected.check(&ClientView::at(&stored, now))?;
        let client = change(&stored.client)?;
        check(&client, Some(&stored.client), &definitions, &servers)?;
        // With another key or address it would be the actor's for good.
        actor.may_give_for_good(&reach(&stored.client, &definitions))?;
        actor.may_give_for_good(&reach(&client, &definitions))?;
        let mut new = StoredClient {
            client,
            ..stored.clone()
        };
        secret::tidy(&mut new);
        let secret = match secret::is_fit(&new) {
            true => None,
            false => Some(NewSecret::of(&new.client, None, sealer)?),
        };
        Ok((new, secret))
    };
    let (mut new, secret) = match decide() {
        Ok(decided) => decided,
        Err(refused) => return Ok(Err(refused)),
    };
    if let Some(secret) = &secret {
        secret.give(&mut new, now, now);
    }
    if new != stored {
        replace(db, &stored, &new, now).await?;
        let detail = json!({ "changed": changed(&stored.client, &new.client), "secret": secret.is_some() });
        event(actor, "client.updated", id, detail, now).record(db).await?;
    }
    Ok(Ok(Registered {
        client: ClientView::at(&new, now),
        secret: secret.and_then(|secret| secret.made),
    }))
}

/// Writes a changed client, and ends what it was given for what it was before.
pub(crate) async fn replace(
    db: &mut Conn,
    old: &StoredClient,
    new: &StoredClient,
    now: Timestamp,
) -> Result<(), StoreError> {
    let shut = new.disabled && !old.disabled;
    let mut new = new.clone();
    if shut {
        // Tokens count in whole seconds, and the one under way may have brought some.
        new.tokens_not_before = Timestamp(now.0 + 1);
    }
    clients::update(db, &new, now).await?;
    let id = &new.client.client_id;
    // What people agreed to was to be sent where it was sent then.
    let moved = new.client.redirect_uris != old.client.redirect_uris;
    if moved {
        consents::delete_for_client(db, id).await?;
    }
    if moved || shut {
        grants::revoke_for_client(db, id, now).await?;
    }
    Ok(())
}

/// [`rotate_secret`] in a transaction at hand; with a secret that somebody chose, where one is given.
pub(crate) async fn rotate(
    db: &mut Conn,
    actor: &Actor,
    id: &ClientId,
    given: Option<Secret>,
    overlap: i64,
    sealer: &Sealer,
    now: Timestamp,
) -> Done<Registered> {
    let mut stored = match find_mine(db, actor, id).await? {
        Ok(stored) => stored,
        Err(refused) => return Ok(Err(refused)),
    };
    let definitions = roles::list_scopes(db).await?;
    // Whoever gets the new secret can act as the client for good.
    if let Err(refused) = actor.may_give_for_good(&reach(&stored.client, &definitions)) {
        return Ok(Err(refused));
    }
    if !(0..=MAX_OVERLAP).contains(&overlap) {
        let problem = format!("must be 0 to {MAX_OVERLAP} seconds");
        return Ok(Err(Refused::invalid("overlap", problem)));
    }
    let secret = match NewSecret::of(&stored.client, given, sealer) {
        Ok(secret) => secret,
        Err(refused) => return Ok(Err(refused)),
    };
    secret.give(&mut stored, now, Timestamp(now.0.saturating_add(overlap)));
    clients::update(db, &stored, now).await?;
    let detail = json!({ "overlap": overlap });
    event(actor, "client.secret_rotated", id, detail, now)
        .record(db)
        .await?;
    Ok(Ok(Registered {
        client: ClientView::at(&stored, now),
        secret: secret.made,
    }))
}

/// [`set_state`] in a transaction at hand.
pub(crate) async fn put_state(
    db: &mut Conn,
    actor: &Actor,
    id: &ClientId,
    state: State,
    now: Timestamp,
) -> Done<ClientView> {
    let stored = match find_mine(db, actor, id).await? {
        Ok(stored) => stored,
        Err(refused) => return Ok(Err(refused)),
    };
    if stored.disabled && state == State::Enabled {
        // Whoever knows its secret acts as the client again, for good.
        let definitions = roles::list_scopes(db).await?;
        if let Err(refused) = actor.may_give_for_good(&reach(&stored.client, &definitions)) {
            return Ok(Err(refused));
        }
    }
    let new = StoredClient {
        disabled: state == State::Disabled,
        ..stored.clone()
    };
    replace(db, &stored, &new, now).await?;
    let kind = match state {
        State::Disabled => "client.disabled",
        State::Enabled => "client.enabled",
    };
    event(actor, kind, id, json!({}), now).record(db).await?;
    Ok(Ok(ClientView::at(&new, now)))
}

/// [`delete`] in a transaction at hand.
pub(crate) async fn remove(
    db: &mut Conn,
    actor: &Actor,
    id: &ClientId,
    expected: &Expected,
    now: Timestamp,
) -> Done<()> {
    let stored = match find_mine(db, actor, id).await? {
        Ok(stored) => stored,
        Err(refused) => return Ok(Err(refused)),
    };
    if let Err(refused) = expected.check(&ClientView::at(&stored, now)) {
        return Ok(Err(refused));
    }
    grants::revoke_for_client(db, id, now).await?;
    clients::delete(db, id).await?;
    event(actor, "client.deleted", id, json!({}), now)
        .record(db)
        .await?;
    Ok(Ok(()))
}
