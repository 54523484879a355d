//! `/admin/roles`: what roles there are, and what they carry.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::routing::{get, post};
use protocol::permission;
use protocol::role::Role;
use protocol::session::MfaPolicy;

use super::pager::Pager;
use super::{Answer, Desk, permissions};
use crate::administration::roles::{self, Changes, Filter, RoleView};
use crate::administration::version;
use crate::app::App;
use crate::pages::{ConsolePart, ConsoleView, NamedForm, NamedList, NamedRow};

const PART: ConsolePart = ConsolePart::Roles;
const LIST: &str = "/admin/roles";

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/admin/roles", get(list))
        .route("/admin/roles/new", get(new).post(create))
        .route("/admin/roles/edit", get(edit).post(change))
        .route("/admin/roles/delete", post(delete))
}

async fn list(State(app): State<Arc<App>>, request: Request) -> Answer {
    let desk = Desk::open(&app, request, PART).await?;
    let pager = Pager::new(&desk, LIST, &["q"]);
    let filter = Filter {
        text: pager.get("q").map(str::to_owned),
        permission: None,
    };
    let slice = pager.slice(&app, "name", false);
    let slice = slice.map_err(|refused| desk.refuse(&app, &refused))?;
    let listed = roles::list(&app, &desk.actor, filter, &slice).await;
    let listed = listed.map_err(|error| desk.fail(&app, error))?;
    let view = NamedList {
        noun: "role",
        query: pager.text("q"),
        next: pager.next(&app, listed.next.as_ref()),
        first: pager.first(),
        rows: listed.items.into_iter().map(|found| row(found).cut()).collect(),
        may_write: desk.may(permission::ROLES_WRITE),
    };
    Ok(desk.page(&app, ConsoleView::NamedList(view)))
}

fn row(role: RoleView) -> NamedRow {
    NamedRow {
        name: role.name,
        description: role.description,
        permissions: role.permissions.into_iter().collect(),
        more: 0,
        mfa: role.mfa.map(MfaPolicy::as_str),
        managed: role.managed_by.is_some(),
    }
}

async fn new(State(app): State<Arc<App>>, request: Request) -> Answer {
    let desk = Desk::open_form(&app, request, PART).await?;
    let view = form(&desk, true, &Role::default());
    Ok(desk.page(&app, ConsoleView::NamedForm(view)))
}

async fn edit(State(app): State<Arc<App>>, request: Request) -> Answer {
    let desk = Desk::open_form(&app, request, PART).await?;
    let name = desk.query.get("name").unwrap_or_default();
    let found = roles::read(&app, &desk.actor, name).await;
    let found = found.map_err(|error| desk.fail(&app, error))?;
    let version = version::tag(&found).unwrap_or_default();
    let (holders, found) = (found.holders, found.role);
    let managed = found.managed_by.is_some();
    let role = Role {
        name: found.name,
        description: found.description,
        permissions: found.permissions,
        mfa: found.mfa,
    };
    let view = NamedForm {
        version,
        managed,
        holders: Some(holders),
        ..form(&desk, false, &role)
    };
    Ok(desk.page(&app, ConsoleView::NamedForm(view)))
}

/// The form that shows a role as it is, or as it was typed.
fn form(desk: &Desk, new: bool, role: &Role) -> NamedForm {
    let (boxes, others) = permissions::boxes(desk, &role.permissions);
    NamedForm {
        noun: "role",
        new,
        name: role.name.clone(),
        description: role.description.clone(),
        permissions: boxes,
        others,
        mfa: role.mfa.map_or("", MfaPolicy::as_str),
        may_write: desk.may(permission::ROLES_WRITE),
        ..NamedForm::default()
    }
}

fn typed(desk: &Desk) -> Role {
    let text = |name| desk.form.get(name).unwrap_or_default().trim().to_owned();
    Role {
        name: text("name"),
        description: text("description"),
        permissions: permissions::read(desk),
        mfa: desk.form.get("mfa").and_then(MfaPolicy::parse),
    }
}

async fn create(State(app): State<Arc<App>>, request: Request) -> Answer {
    let desk = Desk::act(&app, request, PART, "/admin/roles/new").await?;
    let role = typed(&desk);
    let Err(error) = roles::create(&app, &desk.actor, role.clone()).await else {
        return Ok(desk.done(LIST, "role-created"));
    };
    let view = form(&desk, true, &role);
    desk.named_form_again(&app, error, view)
}

async fn change(State(app): State<Arc<App>>, request: Request) -> Answer {
    let desk = Desk::act(&app, request, PART, LIST).await?;
    let role = typed(&desk);
    let changes = Changes {
        description: Some(role.description.clone()),
        permissions: Some(role.permissions.clone()),
        mfa: Some(role.mfa),
    };
    let changed = roles::change(&app, &desk.actor, &role.name, changes, desk.expected()).await;
    let Err(error) = changed else {
        return Ok(desk.done(LIST, "role-changed"));
    };
    let view = NamedForm {
        version: desk.form.get("version").unwrap_or_default().to_owned(),
        ..form(&desk, false, &role)
    };
    desk.named_form_again(&app, error, view)
}

async fn delete(State(app): State<Arc<App>>, request: Request) -> Answer {
    let desk = Desk::act(&app, request, PART, LIST).await?;
    let name = desk.form.get("name").unwrap_or_default();
    desk.confirmed(&app, name)?;
    match roles::delete(&app, &desk.actor, name, desk.expected()).await {
        Ok(()) => Ok(desk.done(LIST, "role-deleted")),
        Err(error) => Err(desk.fail(&app, error)),
    }
}
