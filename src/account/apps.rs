//! `/account/apps`: which clients may use the account.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use protocol::id::{AccountId, ClientId};
use protocol::scope::Scope;
use protocol::time::Timestamp;
use store::consent_records::{ConsentKind, ConsentRecord};
use store::{Conn, StoreError};

use super::Visit;
use crate::app::App;
use crate::audit::Event;
use crate::html;
use crate::pages::{AccountNotice, AccountPart, AppCard, ConsentCard, Page};
use crate::privacy;

const PATH: &str = "/account/apps";

/// The most records of consent that the page shows.
const RECORDS: i64 = 100;

/// What an account lets a client do.
pub(super) struct AllowedApp {
    /// The client.
    pub(super) client_id: ClientId,
    /// What it is called.
    pub(super) name: String,
    /// All that it may do.
    pub(super) scope: Scope,
    /// Since when.
    pub(super) since: Timestamp,
    /// When it last took tokens, as far as that is known.
    pub(super) last_used_at: Option<Timestamp>,
}

/// The clients that an account agreed to or made a grant to, by their names.
pub(super) async fn list(app: &App, id: AccountId) -> Result<Vec<AllowedApp>, StoreError> {
    let (consents, grants) = app
        .store
        .read(async move |db: &mut Conn| {
            let consents = store::consents::list(db, id).await?;
            Ok((consents, store::grants::list_granted(db, id).await?))
        })
        .await?;
    let agreed = consents
        .into_iter()
        .map(|(client, scope, at)| (client, scope, at, None));
    let granted = grants.into_iter().map(|grant| {
        let used = grant.last_used_at.or(Some(grant.created_at));
        (grant.client_id, grant.scope, grant.created_at, used)
    });
    let mut held: BTreeMap<ClientId, (Scope, Timestamp, Option<Timestamp>)> = BTreeMap::new();
    for (client, scope, at, used) in agreed.chain(granted) {
        let entry = held.entry(client).or_insert_with(|| (Scope::empty(), at, None));
        *entry = (entry.0.union(&scope), entry.1.min(at), entry.2.max(used));
    }
    let mut apps = Vec::with_capacity(held.len());
    for (client_id, (scope, since, last_used_at)) in held {
        let client = app.client(&client_id).await?;
        let name = client.map(|stored| stored.client.display_name().to_owned());
        apps.push(AllowedApp {
            name: name.unwrap_or_else(|| client_id.0.clone()),
            client_id,
            scope,
            since,
            last_used_at,
        });
    }
    apps.sort_by_key(|app| app.name.to_lowercase());
    Ok(apps)
}

/// Takes back all that an account allowed a client; false when that was nothing.
pub(super) async fn withdraw(app: &App, id: AccountId, client: ClientId) -> Result<bool, StoreError> {
    let now = app.now();
    let event = Event::now(app, "consent.withdrawn").account(id).client(&client);
    let nothing = Scope::empty();
    let record = privacy::consent_record(app, id, ConsentKind::Withdrawn, Some((&client, &nothing)));
    app.store
        .write(async move |db: &mut Conn| {
            let agreed = store::consents::delete(db, id, &client).await?;
            let revoked = store::grants::revoke_for_account_and_client(db, id, &client, now).await?;
            let anything = agreed || revoked > 0;
            if anything {
                store::consent_records::insert(db, &record).await?;
                event.record(db).await?;
            }
            Ok(anything)
        })
        .await
}

/// What an account agreed to and took back lately.
async fn records(app: &App, id: AccountId) -> Result<Vec<ConsentRecord>, StoreError> {
    app.store
        .read(async move |db: &mut Conn| store::consent_records::list(db, id, RECORDS).await)
        .await
}

pub(super) async fn show(State(app): State<Arc<App>>, request: Request) -> Response {
    let visit = match Visit::open(&app, request, PATH, None).await {
        Ok(visit) => visit,
        Err(answer) => return answer,
    };
    let id = visit.account.id;
    let found = async {
        let apps = list(&app, id).await?;
        Ok::<_, StoreError>((apps, app.catalogue().await?, records(&app, id).await?))
    };
    let (apps, catalogue, records) = match found.await {
        Ok(found) => found,
        Err(error) => return html::fail(&app, &visit.headers, error),
    };
    let describe = |scope: &Scope| -> Vec<(String, String)> {
        let described = |token: &str| {
            let defined = catalogue.scopes.iter().find(|scope| scope.name == token);
            let description = defined.map(|scope| scope.description.clone());
            (token.to_owned(), description.unwrap_or_default())
        };
        scope.iter().map(described).collect()
    };
    let scopes: Vec<_> = apps.iter().map(|app| describe(&app.scope)).collect();
    let cards: Vec<_> = apps
        .iter()
        .zip(&scopes)
        .map(|(app, scopes)| AppCard {
            client_id: app.client_id.as_str(),
            name: &app.name,
            scopes,
            since: app.since,
            last_used_at: app.last_used_at,
        })
        .collect();
    let name = |id: &ClientId| {
        let known = apps.iter().find(|app| app.client_id == *id);
        known.map_or_else(|| id.0.clone(), |app| app.name.clone())
    };
    let about: Vec<String> = records
        .iter()
        .map(|record| record.client_id.as_ref().map(name).unwrap_or_default())
        .collect();
    let records: Vec<_> = records
        .iter()
        .zip(&about)
        .map(|(record, client)| ConsentCard {
            kind: record.kind.as_str(),
            client,
            scope: &record.scope,
            version: record.version.as_deref().unwrap_or_default(),
            at: record.at,
        })
        .collect();
    let page = Page::AccountApps {
        frame: visit.frame(AccountPart::Apps),
        apps: &cards,
        records: &records,
    };
    visit.page(&app, StatusCode::OK, &page)
}

/// Ends the access of the client that the form names.
pub(super) async fn end(State(app): State<Arc<App>>, request: Request) -> Response {
    let visit = match Visit::open(&app, request, PATH, None).await {
        Ok(visit) => visit,
        Err(answer) => return answer,
    };
    let client = ClientId::from(visit.form.get("client_id").unwrap_or_default());
    match withdraw(&app, visit.account.id, client).await {
        Ok(true) => visit.done(PATH, AccountNotice::AppEnded),
        Ok(false) => visit.not_found(&app),
        Err(error) => html::fail(&app, &visit.headers, error),
    }
}
