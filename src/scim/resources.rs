//! `/Users` and `/Groups` (RFC 7644 §3): the same operations on two kinds of resources.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Extension, Router};
use protocol::id::{AccountId, GroupId};
use protocol::scim::ScimError;
use protocol::scim::project::Projection;
use protocol::scim::schema::{GROUP, Schema, USER};
use protocol::scim::{patch as operations, resource};
use uuid::Uuid;

use super::request::{self, Conditions, Query};
use super::{Answer, Caller, answer};
use crate::administration::provisioning::{self, Edit, Page, Provisioned, Resource, Search};
use crate::administration::{Actor, Expected, groups};
use crate::app::App;

/// Which resources a path leads to.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// Accounts.
    User,
    /// Groups.
    Group,
}

/// Routes of both.
pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .merge(Kind::User.routes("/Users"))
        .merge(Kind::Group.routes("/Groups"))
}

impl Kind {
    fn routes(self, path: &str) -> Router<Arc<App>> {
        let one = get(show).put(replace).patch(patch).delete(delete);
        Router::new()
            .route(path, get(list).post(create))
            .route(&format!("{path}/.search"), post(search))
            .route(&format!("{path}/{{id}}"), one)
            .layer(Extension(self))
    }

    fn schema(self) -> &'static Schema {
        match self {
            Kind::User => &USER,
            Kind::Group => &GROUP,
        }
    }

    fn parse_id(self, text: &str) -> Result<Uuid, ScimError> {
        let detail = match self {
            Kind::User => "there is no such user",
            Kind::Group => "there is no such group",
        };
        Uuid::parse_str(text).map_err(|_| ScimError::status(StatusCode::NOT_FOUND.as_u16(), detail))
    }

    async fn list(
        self,
        app: &App,
        actor: &Actor,
        search: Search,
        projection: &Projection,
    ) -> Provisioned<Page> {
        match self {
            Kind::User => provisioning::list(app, actor, search).await,
            Kind::Group => groups::list(app, actor, search, projection.wants("members")).await,
        }
    }

    async fn find(self, app: &App, actor: &Actor, id: Uuid) -> Provisioned<Resource> {
        match self {
            Kind::User => provisioning::find(app, actor, AccountId(id)).await,
            Kind::Group => groups::find(app, actor, GroupId(id)).await,
        }
    }

    async fn create(self, app: &Arc<App>, actor: &Actor, resource: Resource) -> Provisioned<Resource> {
        match self {
            Kind::User => provisioning::create(app, actor, resource).await,
            Kind::Group => groups::create(app, actor, resource).await,
        }
    }

    async fn update(
        self,
        app: &Arc<App>,
        actor: &Actor,
        id: Uuid,
        edit: Edit,
        expected: Expected,
    ) -> Provisioned<Resource> {
        match self {
            Kind::User => provisioning::update(app, actor, AccountId(id), edit, expected).await,
            Kind::Group => groups::update(app, actor, GroupId(id), edit, expected).await,
        }
    }

    async fn delete(self, app: &Arc<App>, actor: &Actor, id: Uuid, expected: Expected) -> Provisioned<()> {
        match self {
            Kind::User => provisioning::delete(app, actor, AccountId(id), expected).await,
            Kind::Group => groups::delete(app, actor, GroupId(id), expected).await,
        }
    }
}

/// `GET` of all.
async fn list(
    State(app): State<Arc<App>>,
    Extension(kind): Extension<Kind>,
    Extension(Caller(actor)): Extension<Caller>,
    request: Request,
) -> Answer {
    let query = Query::read(request.uri())?;
    let (search, projection) = (query.search(kind.schema())?, query.projection(kind.schema())?);
    let start = search.start;
    let page = kind.list(&app, &actor, search, &projection).await?;
    Ok(answer::listed(page, start, &projection))
}

/// `POST` of a search, whose words then stand in no log.
async fn search(
    State(app): State<Arc<App>>,
    Extension(kind): Extension<Kind>,
    Extension(Caller(actor)): Extension<Caller>,
    request: Request,
) -> Answer {
    let (search, projection) = request::search(kind.schema(), &request::body(request).await?)?;
    let start = search.start;
    let page = kind.list(&app, &actor, search, &projection).await?;
    Ok(answer::listed(page, start, &projection))
}

/// `POST` of a new one.
async fn create(
    State(app): State<Arc<App>>,
    Extension(kind): Extension<Kind>,
    Extension(Caller(actor)): Extension<Caller>,
    request: Request,
) -> Answer {
    let projection = Query::read(request.uri())?.projection(kind.schema())?;
    let resource = resource::read(kind.schema(), &request::body(request).await?)?;
    let made = kind.create(&app, &actor, resource).await?;
    Ok(answer::created(made, &projection))
}

/// `GET` of one.
async fn show(
    State(app): State<Arc<App>>,
    Extension(kind): Extension<Kind>,
    Extension(Caller(actor)): Extension<Caller>,
    Path(id): Path<String>,
    request: Request,
) -> Answer {
    let projection = Query::read(request.uri())?.projection(kind.schema())?;
    let conditions = Conditions::read(request.headers());
    let found = kind.find(&app, &actor, kind.parse_id(&id)?).await?;
    Ok(answer::show(found, &projection, &conditions))
}

/// `PUT` of one.
async fn replace(
    State(app): State<Arc<App>>,
    Extension(kind): Extension<Kind>,
    Extension(Caller(actor)): Extension<Caller>,
    Path(id): Path<String>,
    request: Request,
) -> Answer {
    let projection = Query::read(request.uri())?.projection(kind.schema())?;
    let expected = Conditions::read(request.headers()).expected;
    let edit = Edit::Replace(resource::read(kind.schema(), &request::body(request).await?)?);
    let id = kind.parse_id(&id)?;
    let after = kind.update(&app, &actor, id, edit, expected).await?;
    Ok(answer::changed(after, &projection))
}

/// `PATCH` of one.
async fn patch(
    State(app): State<Arc<App>>,
    Extension(kind): Extension<Kind>,
    Extension(Caller(actor)): Extension<Caller>,
    Path(id): Path<String>,
    request: Request,
) -> Answer {
    let projection = Query::read(request.uri())?.projection(kind.schema())?;
    let expected = Conditions::read(request.headers()).expected;
    let edit = Edit::Patch(operations::parse(kind.schema(), &request::body(request).await?)?);
    let id = kind.parse_id(&id)?;
    let after = kind.update(&app, &actor, id, edit, expected).await?;
    Ok(answer::changed(after, &projection))
}

/// `DELETE` of one.
async fn delete(
    State(app): State<Arc<App>>,
    Extension(kind): Extension<Kind>,
    Extension(Caller(actor)): Extension<Caller>,
    Path(id): Path<String>,
    request: Request,
) -> Answer {
    let expected = Conditions::read(request.headers()).expected;
    kind.delete(&app, &actor, kind.parse_id(&id)?, expected).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
