//! `/account/api-keys`: keys with which programs act for the account. Each change needs a fresh sign-in.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use protocol::id::ApiKeyId;
use protocol::interaction::FRESH;
use protocol::permission;
use protocol::role::Authority;
use protocol::time::{Lifetime, Timestamp};
use store::StoreError;
use uuid::Uuid;

use super::Visit;
use crate::administration::api_keys::{self, KeyState, KeyView, Made, Wish};
use crate::administration::{Actor, Refused};
use crate::app::App;
use crate::error::Error;
use crate::html;
use crate::pages::{
    AccountNotice, AccountPart, ApiKeyCard, ApiKeyError, ApiKeyForm, NewApiKey, Page, PermissionChoice,
};

const PATH: &str = "/account/api-keys";
/// The most permissions that the form offers one by one.
const MAX_CHOICES: usize = 60;
const DAY: i64 = 86_400;

/// Routes of these pages.
pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route(PATH, get(show).post(create))
        .route("/account/api-keys/rotate", post(rotate))
        .route("/account/api-keys/revoke", post(revoke))
}

/// The person at the page, with all that they hold.
async fn actor(app: &App, visit: &Visit) -> Result<Actor, StoreError> {
    Actor::person(app, visit.account.id, visit.address).await
}

/// The permissions that a key of this holder may name: those they hold by name, or all that are known to who holds
/// everything.
async fn choices(app: &App, held: &Authority) -> Result<Vec<String>, StoreError> {
    let mut names: BTreeSet<String> = held.permissions.clone();
    if names.remove(permission::ALL) {
        let catalogue = app.catalogue().await?;
        names.extend(permission::OWN.map(|(name, _)| name.to_owned()));
        names.extend(
            catalogue
                .scopes
                .iter()
                .flat_map(|scope| scope.requires.iter().cloned()),
        );
        names.remove(permission::ALL);
    }
    Ok(names.into_iter().take(MAX_CHOICES).collect())
}

/// What the page shows beside the list.
#[derive(Default)]
struct Shown<'a> {
    status: StatusCode,
    made: Option<&'a Made>,
    error: Option<ApiKeyError>,
}

async fn page(app: &App, visit: &Visit, shown: Shown<'_>) -> Response {
    let read = async {
        let actor = actor(app, visit).await?;
        let choices = choices(app, &actor.authority).await?;
        let keys = api_keys::list_own(app, &visit.account).await?;
        Ok::<_, StoreError>((choices, keys))
    };
    let (choices, keys) = match read.await {
        Ok(read) => read,
        Err(error) => return html::fail(app, &visit.headers, error),
    };
    let texts: Vec<_> = keys.iter().map(Texts::of).collect();
    let cards: Vec<_> = keys
        .iter()
        .zip(&texts)
        .map(|(key, texts)| card(key, texts))
        .collect();
    // What was typed comes back with what is wrong with it, and goes once a key was made.
    let field = |name: &str| match shown.error {
        Some(_) => visit.form.get(name).unwrap_or_default(),
        None => "",
    };
    let permissions: Vec<_> = choices
        .iter()
        .map(|name| PermissionChoice {
            name,
            chosen: !field(&format!("may:{name}")).is_empty(),
        })
        .collect();
    let form = ApiKeyForm {
        name: field("name"),
        everything: !field("everything").is_empty(),
        permissions: &permissions,
        days: field("days"),
        most_days: app.config.api_keys.max_lifetime.map(|most| most.as_secs() / DAY),
        networks: field("networks"),
        rate: field("rate"),
    };
    let page = Page::AccountApiKeys {
        frame: visit.frame(AccountPart::ApiKeys),
        new: shown.made.map(|made| NewApiKey {
            name: &made.key.name,
            secret: made.secret.expose(),
        }),
        keys: &cards,
        form,
        error: shown.error,
    };
    visit.page(app, shown.status, &page)
}

/// Lists of a key as texts.
struct Texts {
    id: String,
    permissions: String,
    networks: String,
}

impl Texts {
    fn of(key: &KeyView) -> Texts {
        let permissions: Vec<_> = key.permissions.iter().map(String::as_str).collect();
        Texts {
            id: key.id.to_string(),
            permissions: permissions.join(" "),
            networks: key.networks.join(", "),
        }
    }
}

fn card<'a>(key: &'a KeyView, texts: &'a Texts) -> ApiKeyCard<'a> {
    ApiKeyCard {
        id: &texts.id,
        name: &key.name,
        prefix: &key.prefix,
        state: match key.state {
            KeyState::Live => "live",
            KeyState::Expired => "expired",
            KeyState::Revoked => "revoked",
        },
        everything: key.permissions.contains(permission::ALL),
        permissions: &texts.permissions,
        networks: &texts.networks,
        rate: key.rate.as_deref(),
        created_at: key.created_at,
        expires_at: key.expires_at,
        previous_expires_at: key.previous_expires_at,
        last_used_at: key.last_used_at,
    }
}

async fn show(State(app): State<Arc<App>>, request: Request) -> Response {
    match Visit::open(&app, request, PATH, None).await {
        Ok(visit) => page(&app, &visit, Shown::default()).await,
        Err(answer) => answer,
    }
}

/// The key that the form describes, or what cannot be read of it.
fn wish(visit: &Visit, now: Timestamp) -> Result<Wish, ApiKeyError> {
    let field = |name| {
        visit
            .form
            .get(name)
            .map(str::trim)
            .filter(|text| !text.is_empty())
    };
    let permissions = match field("everything") {
        Some(_) => BTreeSet::from([permission::ALL.to_owned()]),
        None => visit
            .form
            .iter()
            .filter_map(|(name, _)| name.strip_prefix("may:").map(str::to_owned))
            .collect(),
    };
    let expires_at = match field("days").map(str::parse::<u32>) {
        None => None,
        Some(Ok(days @ 1..=36_500)) => Some(now + Lifetime::days(days)),
        Some(_) => return Err(ApiKeyError::Expiry),
    };
    let networks = field("networks").unwrap_or_default().split([',', ' ']);
    Ok(Wish {
        name: field("name").unwrap_or_default().to_owned(),
        permissions,
        networks: networks
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
            .collect(),
        rate: field("rate").map(str::to_owned),
        expires_at,
    })
}

/// A refusal in the words of the page; nothing for one that is about no field.
fn error_of(refused: &Refused) -> Option<ApiKeyError> {
    Some(match refused {
        Refused::Beyond => ApiKeyError::Beyond,
        Refused::Invalid { member, .. } => match member.as_str() {
            "name" => ApiKeyError::Name,
            "permissions" => ApiKeyError::Permissions,
            "networks" => ApiKeyError::Networks,
            "rate" => ApiKeyError::Rate,
            "expires_at" => ApiKeyError::Expiry,
            "keys" => ApiKeyError::TooMany,
            _ => ApiKeyError::Ended,
        },
        Refused::Stale => ApiKeyError::Ended,
        _ => return None,
    })
}

/// The page with a new secret on it, or with what stood in its way.
async fn made(app: &App, visit: &Visit, outcome: Result<Made, Error<Refused>>) -> Response {
    match outcome {
        Ok(made) => {
            let shown = Shown {
                made: Some(&made),
                ..Shown::default()
            };
            page(app, visit, shown).await
        }
        Err(error) => refused(app, visit, error).await,
    }
}

async fn refused(app: &App, visit: &Visit, error: Error<Refused>) -> Response {
    match error {
        Error::Refused(refused) => match error_of(&refused) {
            Some(error) => wrong(app, visit, error).await,
            None => visit.not_found(app),
        },
        Error::Failed(error) => html::fail(app, &visit.headers, error),
    }
}

async fn wrong(app: &App, visit: &Visit, error: ApiKeyError) -> Response {
    let shown = Shown {
        status: StatusCode::BAD_REQUEST,
        error: Some(error),
        ..Shown::default()
    };
    page(app, visit, shown).await
}

async fn create(State(app): State<Arc<App>>, request: Request) -> Response {
    let visit = match Visit::open(&app, request, PATH, Some(FRESH)).await {
        Ok(visit) => visit,
        Err(answer) => return answer,
    };
    let wish = match wish(&visit, app.now()) {
        Ok(wish) => wish,
        Err(error) => return wrong(&app, &visit, error).await,
    };
    let outcome = async {
        let actor = actor(&app, &visit).await?;
        api_keys::create(&app, &actor, visit.account.id, wish).await
    };
    made(&app, &visit, outcome.await).await
}

/// The key that a form names.
fn named(visit: &Visit) -> Option<ApiKeyId> {
    let id = visit.form.get("key")?;
    Uuid::parse_str(id).ok().map(ApiKeyId)
}

async fn rotate(State(app): State<Arc<App>>, request: Request) -> Response {
    let visit = match Visit::open(&app, request, PATH, Some(FRESH)).await {
        Ok(visit) => visit,
        Err(answer) => return answer,
    };
    let overlap = match visit.form.get("overlap") {
        Some("0") | None => Some(Lifetime::seconds(0)),
        Some(text) => text.parse().ok(),
    };
    let (Some(id), Some(overlap)) = (named(&visit), overlap) else {
        return visit.not_found(&app);
    };
    let outcome = async {
        let actor = actor(&app, &visit).await?;
        api_keys::rotate(&app, &actor, visit.account.id, id, overlap).await
    };
    made(&app, &visit, outcome.await).await
}

async fn revoke(State(app): State<Arc<App>>, request: Request) -> Response {
    let visit = match Visit::open(&app, request, PATH, Some(FRESH)).await {
        Ok(visit) => visit,
        Err(answer) => return answer,
    };
    let Some(id) = named(&visit) else {
        return visit.not_found(&app);
    };
    let outcome = async {
        let actor = actor(&app, &visit).await?;
        api_keys::revoke_own(&app, &actor, visit.account.id, id).await
    };
    match outcome.await {
        Ok(()) => visit.done(PATH, AccountNotice::ApiKeyRevoked),
        Err(error) => refused(&app, &visit, error).await,
    }
}
