//! `/admin/scopes`: what scopes there are beside the standard ones, and what they require.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::routing::{get, post};
use protocol::permission;
use protocol::role::ScopeDefinition;

use super::pager::Pager;
use super::{Answer, Desk, permissions};
use crate::administration::scopes::{self, Changes, ScopeView};
use crate::administration::version;
use crate::app::App;
use crate::pages::{ConsolePart, ConsoleView, NamedForm, NamedList, NamedRow};

const PART: ConsolePart = ConsolePart::Scopes;
const LIST: &str = "/admin/scopes";

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/admin/scopes", get(list))
        .route("/admin/scopes/new", get(new).post(create))
        .route("/admin/scopes/edit", get(edit).post(change))
        .route("/admin/scopes/delete", post(delete))
}

async fn list(State(app): State<Arc<App>>, request: Request) -> Answer {
    let desk = Desk::open(&app, request, PART).await?;
    let pager = Pager::new(&desk, LIST, &[]);
    let slice = pager.slice(&app, "name", false);
    let slice = slice.map_err(|refused| desk.refuse(&app, &refused))?;
    let listed = scopes::list(&app, &desk.actor, &slice).await;
    let listed = listed.map_err(|error| desk.fail(&app, error))?;
    let view = NamedList {
        noun: "scope",
        query: String::new(),
        next: pager.next(&app, listed.next.as_ref()),
        first: pager.first(),
        rows: listed.items.into_iter().map(|found| row(found).cut()).collect(),
        may_write: desk.may(permission::ROLES_WRITE),
    };
    Ok(desk.page(&app, ConsoleView::NamedList(view)))
}

fn row(scope: ScopeView) -> NamedRow {
    NamedRow {
        name: scope.name,
        description: scope.description,
        permissions: scope.requires.into_iter().collect(),
        more: 0,
        mfa: None,
        managed: scope.managed_by.is_some(),
    }
}

async fn new(State(app): State<Arc<App>>, request: Request) -> Answer {
    let desk = Desk::open_form(&app, request, PART).await?;
    let view = form(&desk, true, &ScopeDefinition::default());
    Ok(desk.page(&app, ConsoleView::NamedForm(view)))
}

async fn edit(State(app): State<Arc<App>>, request: Request) -> Answer {
    let desk = Desk::open_form(&app, request, PART).await?;
    let name = desk.query.get("name").unwrap_or_default();
    let found = scopes::read(&app, &desk.actor, name).await;
    let found = found.map_err(|error| desk.fail(&app, error))?;
    let version = version::tag(&found).unwrap_or_default();
    let managed = found.managed_by.is_some();
    let scope = ScopeDefinition {
        name: found.name,
        description: found.description,
        requires: found.requires,
    };
    let view = NamedForm {
        version,
        managed,
        ..form(&desk, false, &scope)
    };
    Ok(desk.page(&app, ConsoleView::NamedForm(view)))
}

/// The form that shows a scope as it is, or as it was typed.
fn form(desk: &Desk, new: bool, scope: &ScopeDefinition) -> NamedForm {
    let (boxes, others) = permissions::boxes(desk, &scope.requires);
    NamedForm {
        noun: "scope",
        new,
        name: scope.name.clone(),
        description: scope.description.clone(),
        permissions: boxes,
        others,
        may_write: desk.may(permission::ROLES_WRITE),
        ..NamedForm::default()
    }
}

fn typed(desk: &Desk) -> ScopeDefinition {
    let text = |name| desk.form.get(name).unwrap_or_default().trim().to_owned();
    ScopeDefinition {
        name: text("name"),
        description: text("description"),
        requires: permissions::read(desk),
    }
}

async fn create(State(app): State<Arc<App>>, request: Request) -> Answer {
    let desk = Desk::act(&app, request, PART, "/admin/scopes/new").await?;
    let scope = typed(&desk);
    let Err(error) = scopes::create(&app, &desk.actor, scope.clone()).await else {
        return Ok(desk.done(LIST, "scope-created"));
    };
    let view = form(&desk, true, &scope);
    desk.named_form_again(&app, error, view)
}

async fn change(State(app): State<Arc<App>>, request: Request) -> Answer {
    let desk = Desk::act(&app, request, PART, LIST).await?;
    let scope = typed(&desk);
    let changes = Changes {
        description: Some(scope.description.clone()),
        requires: Some(scope.requires.clone()),
    };
    let changed = scopes::change(&app, &desk.actor, &scope.name, changes, desk.expected()).await;
    let Err(error) = changed else {
        return Ok(desk.done(LIST, "scope-changed"));
    };
    let view = NamedForm {
        version: desk.form.get("version").unwrap_or_default().to_owned(),
        ..form(&desk, false, &scope)
    };
    desk.named_form_again(&app, error, view)
}

async fn delete(State(app): State<Arc<App>>, request: Request) -> Answer {
    let desk = Desk::act(&app, request, PART, LIST).await?;
    let name = desk.form.get("name").unwrap_or_default();
    desk.confirmed(&app, name)?;
    match scopes::delete(&app, &desk.actor, name, desk.expected()).await {
        Ok(()) => Ok(desk.done(LIST, "scope-deleted")),
        Err(error) => Err(desk.fail(&app, error)),
    }
}
