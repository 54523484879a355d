//! `/keys`: signing keys. Private halves never leave the server.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse as _;
use protocol::jose::Algorithm;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Answer;
use super::body::Body;
use super::caller::Caller;
use super::listing::{NoFilter, Page, Paging, Query};
use crate::administration::keys::{self, KeyView};
use crate::app::App;

/// The operations on signing keys.
pub(super) fn operations() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::default()
        .routes(routes!(list))
        .routes(routes!(rotate))
}

/// Which keys are to take over.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Rotation {
    /// That of this algorithm; of all when it is left out.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    algorithm: Option<Algorithm>,
}

/// The keys that sign next.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct Rotated {
    /// The keys.
    keys: Vec<KeyView>,
}

/// Lists the signing keys.
#[utoipa::path(get, path = "/keys", tag = "keys", operation_id = "list_keys", params(Paging, NoFilter),
    responses((status = 200, description = "A piece of the list", body = Page<KeyView>)),
    extensions(("x-permission" = json!("keys:read"))))]
async fn list(State(app): State<Arc<App>>, Caller(actor): Caller, query: Query<NoFilter>) -> Answer {
    let (_, slice, pager) = query.listing(&app, "keys", &["kid"])?;
    let listed = keys::list(&app, &actor, &slice).await?;
    Ok(pager.answer(&app, listed))
}

/// Lets the next signing keys take over at the earliest safe moment.
#[utoipa::path(post, path = "/keys/rotate", tag = "keys", operation_id = "rotate_keys", request_body = Rotation,
    responses((status = 200, description = "The keys that sign next", body = Rotated)),
    extensions(("x-permission" = json!("keys:rotate"))))]
async fn rotate(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    Body(rotation): Body<Rotation>,
) -> Answer {
    let keys = keys::rotate(&app, &actor, rotation.algorithm).await?;
    Ok(Json(Rotated { keys }).into_response())
}
