//! `/clients`: registered clients (RFC 7591 §2). Secrets are made here and shown once.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::IntoResponse as _;
use protocol::id::ClientId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::body::Body;
use super::caller::{At, Caller, Conditions, IfMatch};
use super::listing::{Page, Paging, Query};
use super::{Answer, etag};
use crate::administration::clients::{self, ClientView, MAX_OVERLAP, Registered, State as ClientState};
use crate::administration::version;
use crate::app::App;
use input::{ClientInput, Members};

mod input;

/// The operations on clients.
pub(super) fn operations() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::default()
        .routes(routes!(list, create))
        .routes(routes!(show, change, remove))
        .routes(routes!(rotate_secret))
        .routes(routes!(disable))
        .routes(routes!(enable))
}

/// Which clients.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Filter {
    /// Those whose identifier begins so.
    q: Option<String>,
    /// Those that are disabled, or those that are not.
    disabled: Option<bool>,
}

/// A client, and the secret that was made for it.
#[derive(Serialize, ToSchema)]
struct RegisteredClient {
    /// The client.
    #[serde(flatten)]
    client: ClientView,
    /// Its new secret, which is not shown again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    client_secret: Option<String>,
}

/// How a secret is replaced.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Rotation {
    /// For how many seconds the old secret is still good.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 2_592_000, default = 0)]
    overlap: i64,
}

const _: () = assert!(MAX_OVERLAP == 2_592_000, "the description above says so");

/// The answer to what may have made a secret; its tag is that of the client as it is read.
fn registered(status: StatusCode, registered: Registered) -> Answer {
    let tag = version::tag(&registered.client)?;
    let shown = RegisteredClient {
        client: registered.client,
        client_secret: registered.secret.map(|secret| secret.expose().to_owned()),
    };
    let mut answer = (status, Json(shown)).into_response();
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        answer.headers_mut().insert(header::ETAG, tag);
    }
    Ok(answer)
}

/// Lists the clients.
#[utoipa::path(get, path = "/clients", tag = "clients", operation_id = "list_clients", params(Paging, Filter),
    responses((status = 200, description = "A piece of the list", body = Page<ClientView>)),
    extensions(("x-permission" = json!("clients:read"))))]
async fn list(State(app): State<Arc<App>>, Caller(actor): Caller, query: Query<Filter>) -> Answer {
    let (filter, slice, pager) = query.listing(&app, "clients", &["client_id"])?;
    let listed = clients::list(&app, &actor, filter.q, filter.disabled, &slice).await?;
    Ok(pager.answer(&app, listed))
}

/// Registers a client. It can be let do only what you may do.
#[utoipa::path(post, path = "/clients", tag = "clients", operation_id = "create_client", request_body = ClientInput,
    responses((status = 201, description = "The client, and its secret", body = RegisteredClient)),
    extensions(("x-permission" = json!("clients:write"))))]
async fn create(State(app): State<Arc<App>>, Caller(actor): Caller, Body(new): Body<Members>) -> Answer {
    let made = clients::create(&app, &actor, new.0).await?;
    registered(StatusCode::CREATED, made)
}

/// Shows a client, without its secret.
#[utoipa::path(get, path = "/clients/{client_id}", tag = "clients", operation_id = "show_client",
    params(("client_id" = String, Path, description = "The identifier")),
    responses((status = 200, description = "The client", body = ClientView)),
    extensions(("x-permission" = json!("clients:read"))))]
async fn show(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    At(id): At<String>,
    conditions: Conditions,
) -> Answer {
    let found = clients::read(&app, &actor, &ClientId(id)).await?;
    etag::show(&conditions, &found)
}

/// Changes the metadata of a client. A secret is made when the way it authenticates now needs one.
#[utoipa::path(patch, path = "/clients/{client_id}", tag = "clients", operation_id = "change_client",
    params(("client_id" = String, Path, description = "The identifier"), IfMatch), request_body = ClientInput,
    responses((status = 200, description = "The client", body = RegisteredClient)),
    extensions(("x-permission" = json!("clients:write"))))]
async fn change(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    At(id): At<String>,
    conditions: Conditions,
    Body(changes): Body<Members>,
) -> Answer {
    let (id, expected) = (ClientId(id), conditions.expected);
    let changed = clients::change(&app, &actor, &id, changes.0, expected).await?;
    registered(StatusCode::OK, changed)
}

/// Removes a client and ends what it was given.
#[utoipa::path(delete, path = "/clients/{client_id}", tag = "clients", operation_id = "delete_client",
    params(("client_id" = String, Path, description = "The identifier"), IfMatch),
    responses((status = 204, description = "It is gone")),
    extensions(("x-permission" = json!("clients:write"))))]
async fn remove(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    At(id): At<String>,
    conditions: Conditions,
) -> Answer {
    clients::delete(&app, &actor, &ClientId(id), conditions.expected).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Gives a client a new secret, which is shown once.
#[utoipa::path(post, path = "/clients/{client_id}/rotate-secret", tag = "clients",
    operation_id = "rotate_client_secret", params(("client_id" = String, Path, description = "The identifier")),
    request_body = Rotation,
    responses((status = 200, description = "The client and its secret", body = RegisteredClient)),
    extensions(("x-permission" = json!("clients:write"))))]
async fn rotate_secret(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    At(id): At<String>,
    Body(rotation): Body<Rotation>,
) -> Answer {
    let rotated = clients::rotate_secret(&app, &actor, &ClientId(id), rotation.overlap).await?;
    registered(StatusCode::OK, rotated)
}

/// Shuts a client out and ends what it was given.
#[utoipa::path(post, path = "/clients/{client_id}/disable", tag = "clients", operation_id = "disable_client",
    params(("client_id" = String, Path, description = "The identifier")),
    responses((status = 200, description = "The client", body = ClientView)),
    extensions(("x-permission" = json!("clients:write"))))]
async fn disable(State(app): State<Arc<App>>, Caller(actor): Caller, At(id): At<String>) -> Answer {
    let client = clients::set_state(&app, &actor, &ClientId(id), ClientState::Disabled).await?;
    etag::changed(StatusCode::OK, &client)
}

/// Lets a client in again.
#[utoipa::path(post, path = "/clients/{client_id}/enable", tag = "clients", operation_id = "enable_client",
    params(("client_id" = String, Path, description = "The identifier")),
    responses((status = 200, description = "The client", body = ClientView)),
    extensions(("x-permission" = json!("clients:write"))))]
async fn enable(State(app): State<Arc<App>>, Caller(actor): Caller, At(id): At<String>) -> Answer {
    let client = clients::set_state(&app, &actor, &ClientId(id), ClientState::Enabled).await?;
    etag::changed(StatusCode::OK, &client)
}
