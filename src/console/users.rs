//! `/admin/users`: the accounts, and one of them.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use axum::routing::{get, post};
use protocol::id::AccountId;
use protocol::permission;
use protocol::session::MfaPolicy;
use serde_json::Value;
use store::audit::Filter as Events;
use uuid::Uuid;

use super::pager::Pager;
use super::{Answer, Desk, audit, sessions, user_acts, user_form};
use crate::administration::accounts::{self, AccountDetails, AccountState, AccountView, Filter};
use crate::administration::listing::Slice;
use crate::administration::{Refused, api_keys, grants, roles, version};
use crate::app::App;
use crate::pages::{
    ApiKeyRow, ConsolePart, ConsoleView, GrantRow, HeldPermission, HeldRole, HeldWay, UserFactors, UserList,
    UserPage, UserRow,
};

pub(super) const PART: ConsolePart = ConsolePart::Users;
pub(super) const LIST: &str = "/admin/users";
/// Entries of each list on the page of an account.
const FEW: usize = 20;
/// Permissions explained there, and ways to each of them.
const EXPLAINED: usize = 300;
/// Roles to choose from.
const MANY: usize = 200;

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/admin/users", get(list))
        .route("/admin/users/new", get(user_form::new).post(user_form::create))
        .route("/admin/users/{id}", get(show))
        .route(
            "/admin/users/{id}/edit",
            get(user_form::edit).post(user_form::change),
        )
        .route("/admin/users/{id}/delete", post(user_acts::delete))
        .route("/admin/users/{id}/{act}", post(user_acts::act))
}

/// The address of the page of an account.
pub(super) fn at(id: AccountId) -> String {
    format!("{LIST}/{id}")
}

/// The page of the account that a form was sent from, when it was one.
pub(super) fn back(desk: &Desk) -> Option<String> {
    let id = Uuid::parse_str(desk.form.get("account")?).ok()?;
    Some(at(AccountId(id)))
}

/// The account that a path names.
pub(super) fn named(app: &App, desk: &Desk, id: &str) -> Result<AccountId, Response> {
    let id = Uuid::parse_str(id);
    id.map(AccountId)
        .map_err(|_| desk.refuse(app, &Refused::NotFound))
}

async fn list(State(app): State<Arc<App>>, request: Request) -> Answer {
    let desk = Desk::open(&app, request, PART).await?;
    let pager = Pager::new(&desk, LIST, &["q", "state", "role", "sort"]);
    let filter = Filter {
        state: match pager.get("state") {
            Some("active") => Some(AccountState::Active),
            Some("disabled") => Some(AccountState::Disabled),
            Some("pending_erasure") => Some(AccountState::PendingErasure),
            _ => None,
        },
        role: pager.get("role").map(str::to_owned),
        prefix: pager.get("q").map(str::to_owned),
    };
    let (sort, descending) = match pager.get("sort") {
        Some("created_at") if filter.prefix.is_none() => ("created_at", true),
        Some("last_login_at") if filter.prefix.is_none() => ("last_login_at", true),
        _ => ("username", false),
    };
    let slice = pager.slice(&app, sort, descending);
    let slice = slice.map_err(|refused| desk.refuse(&app, &refused))?;
    let listed = accounts::list(&app, &desk.actor, filter, &slice).await;
    let listed = listed.map_err(|error| desk.fail(&app, error))?;
    let view = UserList {
        query: pager.text("q"),
        state: pager.text("state"),
        role: pager.text("role"),
        sort,
        next: pager.next(&app, listed.next.as_ref()),
        first: pager.first(),
        rows: listed.items.iter().map(row).collect(),
    };
    Ok(desk.page(&app, ConsoleView::UserList(view)))
}

fn row(account: &AccountView) -> UserRow {
    UserRow {
        id: account.id.to_string(),
        username: account.username.clone(),
        name: claim(account, "name"),
        email: account.email.clone(),
        email_verified: account.email_verified,
        state: match account.state {
            AccountState::Active => "active",
            AccountState::Disabled => "disabled",
            AccountState::PendingErasure => "pending_erasure",
        },
        last_login_at: account.last_login_at,
        created_at: account.created_at,
        managed: account.managed_by.is_some(),
    }
}

/// A claim as text; empty when there is none.
pub(super) fn claim(account: &AccountView, name: &str) -> String {
    match account.claims.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    }
}

async fn show(State(app): State<Arc<App>>, Path(id): Path<String>, request: Request) -> Answer {
    let desk = Desk::open(&app, request, PART).await?;
    let id = named(&app, &desk, &id)?;
    let found = accounts::read(&app, &desk.actor, id).await;
    let found = found.map_err(|error| desk.fail(&app, error))?;
    let lists = lists(&app, &desk, id).await?;
    Ok(desk.page(&app, ConsoleView::UserPage(Box::new(page(&desk, found, lists)))))
}

/// What an account has, as far as it may be seen.
struct Lists {
    known_roles: Vec<String>,
    sessions: Option<Vec<crate::pages::SessionRow>>,
    grants: Option<Vec<GrantRow>>,
    api_keys: Option<Vec<ApiKeyRow>>,
    events: Option<Vec<crate::pages::AuditRow>>,
}

async fn lists(app: &App, desk: &Desk, id: AccountId) -> Result<Lists, Response> {
    let few = |sort| Slice {
        descending: true,
        limit: FEW,
        ..Slice::first(sort)
    };
    let (actor, fail) = (&desk.actor, |error| desk.fail(app, error));
    let mut lists = Lists {
        known_roles: Vec::new(),
        sessions: None,
        grants: None,
        api_keys: None,
        events: None,
    };
    if desk.may(permission::ROLES_ASSIGN) && desk.may(permission::ROLES_READ) {
        let all = Slice {
            limit: MANY,
            ..Slice::first("name")
        };
        let found = roles::list(app, actor, roles::Filter::default(), &all)
            .await
            .map_err(fail)?;
        lists.known_roles = found.items.into_iter().map(|role| role.name).collect();
    }
    if desk.may(permission::SESSIONS_READ) {
        let found = crate::administration::sessions::list(app, actor, Some(id), &few("created_at")).await;
        lists.sessions = Some(
            found
                .map_err(fail)?
                .items
                .into_iter()
                .map(sessions::row)
                .collect(),
        );
    }
    if desk.may(permission::GRANTS_READ) {
        let filter = grants::Filter {
            account: Some(id),
            client: None,
        };
        let found = grants::list(app, actor, filter, &few("created_at"))
            .await
            .map_err(fail)?;
        lists.grants = Some(found.items.into_iter().map(grant).collect());
    }
    if desk.may(permission::API_KEYS_READ) {
        let found = api_keys::list(app, actor, Some(id), &few("created_at"))
            .await
            .map_err(fail)?;
        lists.api_keys = Some(found.items.into_iter().map(api_key).collect());
    }
    if desk.may(permission::AUDIT_READ) {
        let filter = Events {
            account_id: Some(id),
            ..Events::default()
        };
        let found = crate::administration::audit::list(app, actor, filter, &few("newest")).await;
        lists.events = Some(found.map_err(fail)?.items.into_iter().map(audit::row).collect());
    }
    Ok(lists)
}

fn grant(grant: grants::GrantView) -> GrantRow {
    GrantRow {
        id: grant.id.to_string(),
        client_id: grant.client_id,
        scope: grant.scope,
        created_at: grant.created_at,
    }
}

fn api_key(key: api_keys::KeyView) -> ApiKeyRow {
    ApiKeyRow {
        id: key.id.to_string(),
        name: key.name,
        prefix: key.prefix,
        permissions: key.permissions.into_iter().collect(),
        state: match key.state {
            api_keys::KeyState::Live => "live",
            api_keys::KeyState::Expired => "expired",
            api_keys::KeyState::Revoked => "revoked",
        },
        expires_at: key.expires_at,
        last_used_at: key.last_used_at,
    }
}

fn page(desk: &Desk, found: AccountDetails, lists: Lists) -> UserPage {
    let version = version::tag(&found).unwrap_or_default();
    let account = &found.account;
    let permission = |held: roles::EffectivePermission| HeldPermission {
        permission: held.permission,
        through: held
            .through
            .into_iter()
            .take(FEW)
            .map(|way| HeldWay {
                role: way.role,
                group: way.group,
            })
            .collect(),
    };
    UserPage {
        row: row(account),
        oneself: desk.actor.account() == Some(AccountId(account.id)),
        erase_at: account.erase_at,
        claims: account
            .claims
            .keys()
            .map(|name| (name.clone(), claim(account, name)))
            .collect(),
        must_change_password: account.must_change_password,
        mfa: account.mfa.map_or("", MfaPolicy::as_str),
        roles: found
            .roles
            .into_iter()
            .map(|held| HeldRole {
                role: held.role,
                group: held.group,
                expires_at: held.expires_at,
            })
            .collect(),
        permissions: found.permissions.into_iter().collect(),
        more: found.effective_permissions.len().saturating_sub(EXPLAINED),
        effective: found
            .effective_permissions
            .into_iter()
            .take(EXPLAINED)
            .map(permission)
            .collect(),
        known_roles: lists.known_roles,
        factors: UserFactors {
            password: found.factors.password,
            totp: found.factors.totp,
            passkeys: found.factors.passkeys,
            recovery_codes: found.factors.recovery_codes,
            failures: found.factors.second_factor_failures,
        },
        sessions: lists.sessions,
        grants: lists.grants,
        api_keys: lists.api_keys,
        events: lists.events,
        version,
    }
}
