//! `/Users` (RFC 7644 §3).

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use protocol::id::AccountId;
use protocol::scim::ScimError;
use protocol::scim::schema::USER;
use protocol::scim::{patch as operations, resource};
use uuid::Uuid;

use super::request::{self, Conditions, Query};
use super::{Answer, Caller, answer};
use crate::administration::provisioning::{self, Edit};
use crate::app::App;

fn parse_id(text: &str) -> Result<AccountId, ScimError> {
    let id = Uuid::parse_str(text).map_err(|_| ScimError::status(404, "there is no such user"))?;
    Ok(AccountId(id))
}

/// `GET /Users`.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Extension(Caller(actor)): Extension<Caller>,
    request: Request,
) -> Answer {
    let query = Query::read(request.uri())?;
    let (search, projection) = (query.search(&USER)?, query.projection(&USER)?);
    let start = search.start;
    let page = provisioning::list(&app, &actor, search).await?;
    Ok(answer::listed(page, start, &projection))
}

/// `POST /Users/.search`.
pub(super) async fn search(
    State(app): State<Arc<App>>,
    Extension(Caller(actor)): Extension<Caller>,
    request: Request,
) -> Answer {
    let (search, projection) = request::search(&USER, &request::body(request).await?)?;
    let start = search.start;
    let page = provisioning::list(&app, &actor, search).await?;
    Ok(answer::listed(page, start, &projection))
}

/// `POST /Users`.
pub(super) async fn create(
    State(app): State<Arc<App>>,
    Extension(Caller(actor)): Extension<Caller>,
    request: Request,
) -> Answer {
    let projection = Query::read(request.uri())?.projection(&USER)?;
    let resource = resource::read(&USER, &request::body(request).await?)?;
    let made = provisioning::create(&app, &actor, resource).await?;
    Ok(answer::created(made, &projection))
}

/// `GET /Users/{id}`.
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Extension(Caller(actor)): Extension<Caller>,
    Path(id): Path<String>,
    request: Request,
) -> Answer {
    let projection = Query::read(request.uri())?.projection(&USER)?;
    let conditions = Conditions::read(request.headers());
    let found = provisioning::find(&app, &actor, parse_id(&id)?).await?;
    Ok(answer::show(found, &projection, &conditions))
}

/// `PUT /Users/{id}`.
pub(super) async fn replace(
    State(app): State<Arc<App>>,
    Extension(Caller(actor)): Extension<Caller>,
    Path(id): Path<String>,
    request: Request,
) -> Answer {
    let projection = Query::read(request.uri())?.projection(&USER)?;
    let expected = Conditions::read(request.headers()).expected;
    let resource = resource::read(&USER, &request::body(request).await?)?;
    let edit = Edit::Replace(resource);
    let after = provisioning::update(&app, &actor, parse_id(&id)?, edit, expected).await?;
    Ok(answer::changed(after, &projection))
}

/// `PATCH /Users/{id}`.
pub(super) async fn patch(
    State(app): State<Arc<App>>,
    Extension(Caller(actor)): Extension<Caller>,
    Path(id): Path<String>,
    request: Request,
) -> Answer {
    let projection = Query::read(request.uri())?.projection(&USER)?;
    let expected = Conditions::read(request.headers()).expected;
    let edit = Edit::Patch(operations::parse(&USER, &request::body(request).await?)?);
    let after = provisioning::update(&app, &actor, parse_id(&id)?, edit, expected).await?;
    Ok(answer::changed(after, &projection))
}

/// `DELETE /Users/{id}`.
pub(super) async fn delete(
    State(app): State<Arc<App>>,
    Extension(Caller(actor)): Extension<Caller>,
    Path(id): Path<String>,
    request: Request,
) -> Answer {
    let expected = Conditions::read(request.headers()).expected;
    provisioning::delete(&app, &actor, parse_id(&id)?, expected).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
