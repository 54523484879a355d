//! `/admin/clients`: the registered apps.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::routing::{get, post};
use protocol::client::GrantType;
use protocol::id::ClientId;
use protocol::permission;
use serde_json::Value;
use url::form_urlencoded::byte_serialize;

use super::pager::Pager;
use super::{Answer, Desk, client_form, connect};
use crate::administration::clients::{self, ClientView, Registered, State as Turned};
use crate::administration::version;
use crate::app::App;
use crate::pages::{
    ClientForm, ClientList, ClientPage, ClientRow, ClientSecretPage, ConsolePart, ConsoleView,
};

const PART: ConsolePart = ConsolePart::Clients;
const LIST: &str = "/admin/clients";
const DAY: i64 = 86_400;

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/admin/clients", get(list))
        .route("/admin/clients/new", get(new).post(create))
        .route("/admin/clients/show", get(show))
        .route("/admin/clients/connect", get(explain))
        .route("/admin/clients/edit", get(edit).post(change))
        .route("/admin/clients/rotate-secret", post(rotate_secret))
        .route("/admin/clients/disable", post(disable))
        .route("/admin/clients/enable", post(enable))
        .route("/admin/clients/delete", post(delete))
}

/// The address of the page of a client.
fn at(id: &str) -> String {
    format!(
        "/admin/clients/show?id={}",
        byte_serialize(id.as_bytes()).collect::<String>()
    )
}

async fn list(State(app): State<Arc<App>>, request: Request) -> Answer {
    let desk = Desk::open(&app, request, PART).await?;
    let pager = Pager::new(&desk, LIST, &["q", "state"]);
    let disabled = match pager.get("state") {
        Some("disabled") => Some(true),
        Some("active") => Some(false),
        _ => None,
    };
    let slice = pager.slice(&app, "client_id", false);
    let slice = slice.map_err(|refused| desk.refuse(&app, &refused))?;
    let prefix = pager.get("q").map(str::to_owned);
    let listed = clients::list(&app, &desk.actor, prefix, disabled, &slice).await;
    let listed = listed.map_err(|error| desk.fail(&app, error))?;
    let view = ClientList {
        query: pager.text("q"),
        state: pager.text("state"),
        next: pager.next(&app, listed.next.as_ref()),
        first: pager.first(),
        rows: listed.items.iter().map(row).collect(),
    };
    Ok(desk.page(&app, ConsoleView::ClientList(view)))
}

fn row(view: &ClientView) -> ClientRow {
    ClientRow {
        client_id: view.client.client_id.0.clone(),
        name: view.client.display_name().to_owned(),
        grant_types: view
            .client
            .grant_types
            .iter()
            .copied()
            .map(GrantType::as_str)
            .collect(),
        disabled: view.disabled,
        managed: view.managed_by.is_some(),
    }
}

/// The client that the address names.
async fn named(app: &App, desk: &Desk) -> Result<ClientView, axum::response::Response> {
    let id = ClientId::from(desk.query.get("id").unwrap_or_default());
    let found = clients::read(app, &desk.actor, &id).await;
    found.map_err(|error| desk.fail(app, error))
}

async fn show(State(app): State<Arc<App>>, request: Request) -> Answer {
    let desk = Desk::open(&app, request, PART).await?;
    let found = named(&app, &desk).await?;
    let view = ClientPage {
        row: row(&found),
        facts: facts(&found),
        has_secret: found.has_secret,
        previous_secret_expires_at: found.previous_secret_expires_at,
        may_write: desk.may(permission::CLIENTS_WRITE),
        version: version::tag(&found).unwrap_or_default(),
    };
    Ok(desk.page(&app, ConsoleView::ClientPage(view)))
}

/// The members of the metadata that say something, as they are registered.
fn facts(view: &ClientView) -> Vec<(&'static str, Vec<String>)> {
    const MEMBERS: [&str; 20] = [
        "redirect_uris",
        "post_logout_redirect_uris",
        "allowed_origins",
        "scope",
        "resources",
        "token_endpoint_auth_method",
        "application_type",
        "require_pkce",
        "require_consent",
        "may_introspect",
        "authority_in_tokens",
        "mfa",
        "client_uri",
        "logo_uri",
        "policy_uri",
        "tos_uri",
        "jwks_uri",
        "id_token_signed_response_alg",
        "access_token_signed_response_alg",
        "default_max_age",
    ];
    let shown = serde_json::to_value(&view.client).unwrap_or_default();
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let fact = |name: &'static str| {
        let lines = match shown.get(name)? {
            Value::Array(entries) => entries.iter().map(text).collect(),
            Value::String(text) if text.is_empty() => Vec::new(),
            value => vec![text(value)],
        };
        (!lines.is_empty()).then_some((name, lines))
    };
    MEMBERS.into_iter().filter_map(fact).collect()
}

async fn explain(State(app): State<Arc<App>>, request: Request) -> Answer {
    let desk = Desk::open(&app, request, PART).await?;
    let found = named(&app, &desk).await?;
    let view = connect::view(app.issuer(), &found.client);
    Ok(desk.page(&app, ConsoleView::Connect(view)))
}

async fn new(State(app): State<Arc<App>>, request: Request) -> Answer {
    let desk = Desk::open_form(&app, request, PART).await?;
    let mut client = protocol::client::Client::new(ClientId::from(""));
    client.scope = "openid profile email".parse().unwrap_or_default();
    let view = ClientForm {
        new: true,
        ..client_form::of(&client)
    };
    Ok(desk.page(&app, ConsoleView::ClientForm(view)))
}

async fn edit(State(app): State<Arc<App>>, request: Request) -> Answer {
    let desk = Desk::open_form(&app, request, PART).await?;
    let found = named(&app, &desk).await?;
    let view = ClientForm {
        version: version::tag(&found).unwrap_or_default(),
        ..client_form::of(&found.client)
    };
    Ok(desk.page(&app, ConsoleView::ClientForm(view)))
}

async fn create(State(app): State<Arc<App>>, request: Request) -> Answer {
    let desk = Desk::act(&app, request, PART, "/admin/clients/new").await?;
    // Who may not register any app is not told what would be wrong with this one.
    let allowed = desk.actor.require(permission::CLIENTS_WRITE);
    allowed.map_err(|refused| desk.refuse(&app, &refused))?;
    let mut metadata = client_form::patch(&desk.form);
    metadata.retain(|_, value| !value.is_null());
    if let Some(id) = desk
        .form
        .get("client_id")
        .map(str::trim)
        .filter(|id| !id.is_empty())
    {
        metadata.insert("client_id".to_owned(), Value::from(id));
    }
    let error = match clients::create(&app, &desk.actor, metadata).await {
        Ok(registered) => return Ok(registered_page(&app, &desk, registered, "client-changed")),
        Err(error) => error,
    };
    desk.form_again(&app, error, |refusal| {
        ConsoleView::ClientForm(ClientForm {
            new: true,
            refusal: Some(refusal),
            ..client_form::typed(&desk.form)
        })
    })
}

async fn change(State(app): State<Arc<App>>, request: Request) -> Answer {
    let desk = Desk::act(&app, request, PART, LIST).await?;
    let id = ClientId::from(desk.form.get("client_id").unwrap_or_default());
    let patch = client_form::patch(&desk.form);
    let error = match clients::change(&app, &desk.actor, &id, patch, desk.expected()).await {
        Ok(registered) => return Ok(registered_page(&app, &desk, registered, "client-changed")),
        Err(error) => error,
    };
    desk.form_again(&app, error, |refusal| {
        ConsoleView::ClientForm(ClientForm {
            refusal: Some(refusal),
            ..client_form::typed(&desk.form)
        })
    })
}

/// Shows a secret that was made, here and now: it is kept nowhere that a page after this one could take it from.
fn registered_page(
    app: &App,
    desk: &Desk,
    registered: Registered,
    notice: &'static str,
) -> axum::response::Response {
    let client_id = registered.client.client.client_id.0;
    match registered.secret {
        Some(secret) => {
            let view = ClientSecretPage {
                client_id,
                secret: secret.expose().to_owned(),
            };
            desk.page(app, ConsoleView::ClientSecret(view))
        }
        None => desk.done(&at(&client_id), notice),
    }
}

async fn rotate_secret(State(app): State<Arc<App>>, request: Request) -> Answer {
    let desk = Desk::act(&app, request, PART, LIST).await?;
    let id = ClientId::from(desk.form.get("client_id").unwrap_or_default());
    let overlap = desk.form.get("overlap").map_or(Ok(0), str::parse::<i64>);
    // Hours that cannot be counted are too many.
    let overlap = overlap.unwrap_or(i64::MAX).saturating_mul(DAY / 24);
    match clients::rotate_secret(&app, &desk.actor, &id, overlap).await {
        Ok(registered) => Ok(registered_page(&app, &desk, registered, "client-changed")),
        Err(error) => Err(desk.fail(&app, error)),
    }
}

async fn disable(State(app): State<Arc<App>>, request: Request) -> Answer {
    turn(&app, request, Turned::Disabled, "client-disabled").await
}

async fn enable(State(app): State<Arc<App>>, request: Request) -> Answer {
    turn(&app, request, Turned::Enabled, "client-enabled").await
}

async fn turn(app: &App, request: Request, state: Turned, notice: &'static str) -> Answer {
    let desk = Desk::act(app, request, PART, LIST).await?;
    let id = ClientId::from(desk.form.get("client_id").unwrap_or_default());
    match clients::set_state(app, &desk.actor, &id, state).await {
        Ok(_) => Ok(desk.done(&at(id.as_str()), notice)),
        Err(error) => Err(desk.fail(app, error)),
    }
}

async fn delete(State(app): State<Arc<App>>, request: Request) -> Answer {
    let desk = Desk::act(&app, request, PART, LIST).await?;
    let id = ClientId::from(desk.form.get("client_id").unwrap_or_default());
    desk.confirmed(&app, id.as_str())?;
    match clients::delete(&app, &desk.actor, &id, desk.expected()).await {
        Ok(()) => Ok(desk.done(LIST, "client-deleted")),
        Err(error) => Err(desk.fail(&app, error)),
    }
}
