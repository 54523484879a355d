//! `/upstreams`: providers that people may sign in at. Our secrets at them are written and never read.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use protocol::secret::Secret;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::body::Body;
use super::caller::{At, Caller, Conditions, IfMatch};
use super::listing::{NoFilter, Page, Paging, Query};
use super::{Answer, etag};
use crate::administration::Refused;
use crate::administration::upstreams::{self, UpstreamView};
use crate::app::App;

/// The operations on upstreams.
pub(super) fn operations() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::default()
        .routes(routes!(list, create))
        .routes(routes!(show, change, remove))
}

/// Members as they were sent.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
struct Members(Map<String, Value>);

impl Members {
    /// The secret among them, and the others.
    fn split(mut self) -> Result<(Option<Secret>, Map<String, Value>), Refused> {
        match self.0.remove("client_secret") {
            None => Ok((None, self.0)),
            Some(Value::String(secret)) => Ok((Some(Secret::new(secret)), self.0)),
            Some(_) => Err(Refused::invalid("client_secret", "must be text")),
        }
    }
}

/// A provider to be registered.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes how Upstream is read")]
struct NewUpstream {
    /// The name in addresses: lower-case letters, digits, - and _.
    name: String,
    /// The name people see.
    title: Option<String>,
    /// Its issuer identifier.
    issuer: String,
    /// Who we are to it.
    client_id: String,
    /// The secret that it gave us. It is not shown again.
    client_secret: String,
    /// `client_secret_basic` or `client_secret_post`.
    #[schema(required = false)]
    token_endpoint_auth_method: String,
    /// What we ask for, separated by spaces; with `openid` among it.
    #[schema(required = false)]
    scope: String,
    /// Domains whose mail addresses are its own to vouch for. Only who may do everything names any.
    #[schema(required = false)]
    trusted_email_domains: Vec<String>,
    /// Whether people who have no account here get one.
    #[schema(required = false)]
    create_accounts: bool,
    /// Whether it may be used.
    #[schema(required = false)]
    enabled: bool,
}

/// What to change about a provider; `null` sets a member back to what it is without being said.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes how Upstream is read")]
struct UpstreamChanges {
    /// The name people see.
    title: Option<String>,
    /// Its issuer identifier.
    #[schema(required = false)]
    issuer: String,
    /// Who we are to it.
    #[schema(required = false)]
    client_id: String,
    /// The secret that it gave us.
    #[schema(required = false)]
    client_secret: String,
    /// `client_secret_basic` or `client_secret_post`.
    token_endpoint_auth_method: Option<String>,
    /// What we ask for.
    scope: Option<String>,
    /// Domains whose mail addresses are its own to vouch for.
    trusted_email_domains: Option<Vec<String>>,
    /// Whether people who have no account here get one.
    create_accounts: Option<bool>,
    /// Whether it may be used.
    enabled: Option<bool>,
}

/// Lists the upstreams.
#[utoipa::path(get, path = "/upstreams", tag = "upstreams", operation_id = "list_upstreams", params(Paging, NoFilter),
    responses((status = 200, description = "A piece of the list", body = Page<UpstreamView>)),
    extensions(("x-permission" = json!("upstreams:read"))))]
async fn list(State(app): State<Arc<App>>, Caller(actor): Caller, query: Query<NoFilter>) -> Answer {
    let (_, slice, pager) = query.listing(&app, "upstreams", &["name"])?;
    let listed = upstreams::list(&app, &actor, &slice).await?;
    Ok(pager.answer(&app, listed))
}

/// Registers an upstream.
#[utoipa::path(post, path = "/upstreams", tag = "upstreams", operation_id = "create_upstream",
    request_body = NewUpstream,
    responses((status = 201, description = "The upstream", body = UpstreamView)),
    extensions(("x-permission" = json!("upstreams:write"))))]
async fn create(State(app): State<Arc<App>>, Caller(actor): Caller, Body(new): Body<Members>) -> Answer {
    let (secret, metadata) = new.split()?;
    let made = upstreams::create(&app, &actor, metadata, secret).await?;
    etag::changed(StatusCode::CREATED, &made)
}

/// Shows an upstream, without our secret at it.
#[utoipa::path(get, path = "/upstreams/{name}", tag = "upstreams", operation_id = "show_upstream",
    params(("name" = String, Path, description = "The upstream's name")),
    responses((status = 200, description = "The upstream", body = UpstreamView)),
    extensions(("x-permission" = json!("upstreams:read"))))]
async fn show(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    At(name): At<String>,
    conditions: Conditions,
) -> Answer {
    etag::show(&conditions, &upstreams::read(&app, &actor, &name).await?)
}

/// Changes an upstream.
#[utoipa::path(patch, path = "/upstreams/{name}", tag = "upstreams", operation_id = "change_upstream",
    params(("name" = String, Path, description = "The upstream's name"), IfMatch), request_body = UpstreamChanges,
    responses((status = 200, description = "The upstream", body = UpstreamView)),
    extensions(("x-permission" = json!("upstreams:write"))))]
async fn change(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    At(name): At<String>,
    conditions: Conditions,
    Body(changes): Body<Members>,
) -> Answer {
    let (secret, changes) = changes.split()?;
    let changed = upstreams::change(&app, &actor, &name, changes, secret, conditions.expected).await?;
    etag::changed(StatusCode::OK, &changed)
}

/// Removes an upstream. Whom it was connected to is kept.
#[utoipa::path(delete, path = "/upstreams/{name}", tag = "upstreams", operation_id = "delete_upstream",
    params(("name" = String, Path, description = "The upstream's name"), IfMatch),
    responses((status = 204, description = "It is gone")),
    extensions(("x-permission" = json!("upstreams:write"))))]
async fn remove(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    At(name): At<String>,
    conditions: Conditions,
) -> Answer {
    upstreams::delete(&app, &actor, &name, conditions.expected).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
