//! `/Groups` (RFC 7644 §3).

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use protocol::id::GroupId;
use protocol::scim::ScimError;
use protocol::scim::schema::GROUP;
use protocol::scim::{patch as operations, resource};
use uuid::Uuid;

use super::request::{self, Conditions, Query};
use super::{Answer, Caller, answer};
use crate::administration::groups;
use crate::administration::provisioning::Edit;
use crate::app::App;

fn parse_id(text: &str) -> Result<GroupId, ScimError> {
    let id = Uuid::parse_str(text).map_err(|_| ScimError::status(404, "there is no such group"))?;
    Ok(GroupId(id))
}

/// `GET /Groups`.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Extension(Caller(actor)): Extension<Caller>,
    request: Request,
) -> Answer {
    let query = Query::read(request.uri())?;
    let (search, projection) = (query.search(&GROUP)?, query.projection(&GROUP)?);
    let start = search.start;
    let members = projection.wants("members");
    let page = groups::list(&app, &actor, search, members).await?;
    Ok(answer::listed(page, start, &projection))
}

/// `POST /Groups/.search`.
pub(super) async fn search(
    State(app): State<Arc<App>>,
    Extension(Caller(actor)): Extension<Caller>,
    request: Request,
) -> Answer {
    let (search, projection) = request::search(&GROUP, &request::body(request).await?)?;
    let start = search.start;
    let members = projection.wants("members");
    let page = groups::list(&app, &actor, search, members).await?;
    Ok(answer::listed(page, start, &projection))
}

/// `POST /Groups`.
pub(super) async fn create(
    State(app): State<Arc<App>>,
    Extension(Caller(actor)): Extension<Caller>,
    request: Request,
) -> Answer {
    let projection = Query::read(request.uri())?.projection(&GROUP)?;
    let resource = resource::read(&GROUP, &request::body(request).await?)?;
    let made = groups::create(&app, &actor, resource).await?;
    Ok(answer::created(made, &projection))
}

/// `GET /Groups/{id}`.
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Extension(Caller(actor)): Extension<Caller>,
    Path(id): Path<String>,
    request: Request,
) -> Answer {
    let projection = Query::read(request.uri())?.projection(&GROUP)?;
    let conditions = Conditions::read(request.headers());
    let found = groups::find(&app, &actor, parse_id(&id)?).await?;
    Ok(answer::show(found, &projection, &conditions))
}

/// `PUT /Groups/{id}`.
pub(super) async fn replace(
    State(app): State<Arc<App>>,
    Extension(Caller(actor)): Extension<Caller>,
    Path(id): Path<String>,
    request: Request,
) -> Answer {
    let projection = Query::read(request.uri())?.projection(&GROUP)?;
    let expected = Conditions::read(request.headers()).expected;
    let resource = resource::read(&GROUP, &request::body(request).await?)?;
    let edit = Edit::Replace(resource);
    let after = groups::update(&app, &actor, parse_id(&id)?, edit, expected).await?;
    Ok(answer::changed(after, &projection))
}

/// `PATCH /Groups/{id}`.
pub(super) async fn patch(
    State(app): State<Arc<App>>,
    Extension(Caller(actor)): Extension<Caller>,
    Path(id): Path<String>,
    request: Request,
) -> Answer {
    let projection = Query::read(request.uri())?.projection(&GROUP)?;
    let expected = Conditions::read(request.headers()).expected;
    let edit = Edit::Patch(operations::parse(&GROUP, &request::body(request).await?)?);
    let after = groups::update(&app, &actor, parse_id(&id)?, edit, expected).await?;
    Ok(answer::changed(after, &projection))
}

/// `DELETE /Groups/{id}`.
pub(super) async fn delete(
    State(app): State<Arc<App>>,
    Extension(Caller(actor)): Extension<Caller>,
    Path(id): Path<String>,
    request: Request,
) -> Answer {
    let expected = Conditions::read(request.headers()).expected;
    groups::delete(&app, &actor, parse_id(&id)?, expected).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
