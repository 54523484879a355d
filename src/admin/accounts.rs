//! `/accounts`: who there is, and all that is done to them.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::IntoResponse;
use protocol::id::AccountId;
use protocol::session::MfaPolicy;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::body::{self, Body, Patch};
use super::caller::{At, Caller, Conditions, IfMatch};
use super::listing::{Page, Paging, Query};
use super::{Answer, etag};
use crate::administration::accounts::{
    self, AccountDetails, AccountState, AccountView, Changes, Delivery, NewAccount, SORTS,
};
use crate::administration::catalogue::MfaPolicyName;
use crate::app::App;

mod acts;
mod assignments;

/// The operations.
pub(super) fn operations() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::default()
        .routes(routes!(list, create))
        .routes(routes!(show, change, remove))
        .merge(acts::operations())
        .merge(assignments::operations())
}

/// Which accounts to list.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Filter {
    /// Those in this state.
    state: Option<AccountState>,
    /// Those that hold this role now, by themselves or through a group.
    role: Option<String>,
    /// Those whose user name or address begins so, in any case of letters; they come by name.
    q: Option<String>,
}

/// Accounts
#[utoipa::path(get, path = "/accounts", tag = "accounts", operation_id = "list_accounts",
    params(Paging, Filter), responses((status = 200, body = Page<AccountView>)),
    extensions(("x-permission" = json!("accounts:read"))))]
async fn list(State(app): State<Arc<App>>, Caller(actor): Caller, query: Query<Filter>) -> Answer {
    let (filter, slice, pager) = query.listing(&app, "accounts", &SORTS)?;
    let filter = accounts::Filter {
        state: filter.state,
        role: filter.role,
        prefix: filter.q,
    };
    let listed = accounts::list(&app, &actor, filter, &slice).await?;
    Ok(pager.answer(&app, listed))
}

/// How the link to the first password gets to the holder.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum DeliveryName {
    /// By mail.
    #[default]
    Mail,
    /// In the answer, once.
    Link,
    /// Not at all.
    None,
}

/// An account to be made.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewAccount)]
struct Draft {
    /// The name to sign in with.
    #[schema(min_length = 1, max_length = 255)]
    username: String,
    /// The e-mail address.
    #[serde(default)]
    email: Option<String>,
    /// Whether the address is known to be the holder's.
    #[serde(default)]
    email_verified: bool,
    /// Standard claims, such as `name`.
    #[serde(default)]
    #[schema(value_type = Object)]
    claims: Map<String, Value>,
    /// The roles to begin with; they need the permission roles:assign.
    #[serde(default)]
    roles: BTreeSet<String>,
    /// Whether it must prove a second factor.
    #[serde(default)]
    #[schema(value_type = Option<MfaPolicyName>)]
    mfa: Option<MfaPolicy>,
    /// How the link to the first password gets to the holder.
    #[serde(default)]
    delivery: DeliveryName,
}

/// An account that was made.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct CreatedAccount {
    #[serde(flatten)]
    account: AccountDetails,
    /// The link to the first password, when it is to be handed over; it is not shown again.
    #[serde(skip_serializing_if = "Option::is_none")]
    reset_link: Option<String>,
}

/// Make an account
///
/// No password is set: its holder chooses one by way of a link.
#[utoipa::path(post, path = "/accounts", tag = "accounts", operation_id = "create_account",
    request_body = Draft, responses((status = 201, body = CreatedAccount)),
    extensions(("x-permission" = json!("accounts:write"))))]
async fn create(State(app): State<Arc<App>>, Caller(actor): Caller, Body(draft): Body<Draft>) -> Answer {
    let new = NewAccount {
        username: draft.username,
        email: draft.email,
        email_verified: draft.email_verified,
        claims: draft.claims,
        roles: draft.roles,
        mfa: draft.mfa,
        delivery: match draft.delivery {
            DeliveryName::Mail => Delivery::Mail,
            DeliveryName::Link => Delivery::Hand,
            DeliveryName::None => Delivery::Nothing,
        },
    };
    let created = accounts::create(&app, &actor, new).await?;
    let location = format!("{}/accounts/{}", super::ROOT, created.details.account.id);
    let shown = CreatedAccount {
        account: created.details,
        reset_link: created.link,
    };
    let mut answer = (StatusCode::CREATED, axum::Json(shown)).into_response();
    if let Ok(location) = HeaderValue::try_from(location) {
        answer.headers_mut().insert(header::LOCATION, location);
    }
    Ok(answer)
}

/// An account
#[utoipa::path(get, path = "/accounts/{id}", tag = "accounts", operation_id = "read_account",
    params(("id" = Uuid, Path)), responses((status = 200, body = AccountDetails)),
    extensions(("x-permission" = json!("accounts:read"))))]
async fn show(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    At(id): At<Uuid>,
    conditions: Conditions,
) -> Answer {
    let found = accounts::read(&app, &actor, AccountId(id)).await?;
    etag::show(&conditions, &found)
}

/// What to change; what is left out stays.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AccountChanges)]
struct Change {
    /// The name to sign in with.
    #[serde(default, deserialize_with = "body::value")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 255)]
    username: Option<String>,
    /// The e-mail address. Both the old and the new one are told.
    #[serde(default, deserialize_with = "body::patch")]
    #[schema(value_type = Option<String>)]
    email: Patch<String>,
    /// Whether the address is known to be the holder's.
    #[serde(default, deserialize_with = "body::value")]
    #[schema(value_type = bool, required = false)]
    email_verified: Option<bool>,
    /// Claims with their new values; `null` takes one away.
    #[serde(default)]
    #[schema(value_type = Object, required = false)]
    claims: Map<String, Value>,
    /// Whether it must prove a second factor.
    #[serde(default, deserialize_with = "body::patch")]
    #[schema(value_type = Option<MfaPolicyName>)]
    mfa: Patch<MfaPolicy>,
    /// Whether it must choose a new password at its next sign-in.
    #[serde(default, deserialize_with = "body::value")]
    #[schema(value_type = bool, required = false)]
    must_change_password: Option<bool>,
    /// Whether it may not sign in; needs the permission accounts:disable too.
    #[serde(default, deserialize_with = "body::value")]
    #[schema(value_type = bool, required = false)]
    disabled: Option<bool>,
}

/// Change an account (RFC 7396)
#[utoipa::path(patch, path = "/accounts/{id}", tag = "accounts", operation_id = "change_account",
    params(("id" = Uuid, Path), IfMatch), request_body(content = Change, content_type = "application/merge-patch+json"),
    responses((status = 200, body = AccountDetails)),
    extensions(("x-permission" = json!("accounts:write"))))]
async fn change(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    At(id): At<Uuid>,
    conditions: Conditions,
    Body(change): Body<Change>,
) -> Answer {
    let changes = Changes {
        username: change.username,
        email: change.email,
        email_verified: change.email_verified,
        claims: change.claims,
        mfa: change.mfa,
        must_change_password: change.must_change_password,
        disabled: change.disabled,
    };
    let changed = accounts::change(&app, &actor, AccountId(id), changes, conditions.expected).await?;
    etag::changed(StatusCode::OK, &changed)
}

/// Delete an account with all that is known of it
#[utoipa::path(delete, path = "/accounts/{id}", tag = "accounts", operation_id = "delete_account",
    params(("id" = Uuid, Path), IfMatch), responses((status = 204)),
    extensions(("x-permission" = json!("accounts:delete"))))]
async fn remove(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    At(id): At<Uuid>,
    conditions: Conditions,
) -> Answer {
    accounts::delete(&app, &actor, AccountId(id), conditions.expected).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
