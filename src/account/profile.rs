//! `/account`: what the account is called, and what its holder says about themselves.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use protocol::id::AccountId;
use protocol::profile::{PROFILE_CLAIMS, ProfileClaim};
use serde_json::Value;
use store::{Account, Conn, StoreError};

use super::Visit;
use crate::app::App;
use crate::audit::Event;
use crate::html;
use crate::pages::{AccountNotice, AccountPart, Page, ProfileField};
use crate::web::form::Params;

/// Claims with their new values; one without a value goes.
pub(super) type Changes = Vec<(&'static ProfileClaim, Option<String>)>;

/// Changes what an account's holder says about themselves, and gives the account as it is then.
pub(super) async fn change(
    app: &App,
    id: AccountId,
    changes: Changes,
) -> Result<Option<Account>, StoreError> {
    let now = app.now();
    let event = Event::now(app, "account.profile_changed").account(id);
    app.store
        .write(async move |db: &mut Conn| {
            let Some(mut account) = store::accounts::find_locked(db, id).await? else {
                return Ok(None);
            };
            let before = account.claims.clone();
            for (claim, value) in changes {
                match value {
                    Some(value) => account.claims.insert(claim.name.to_owned(), Value::String(value)),
                    None => account.claims.remove(claim.name),
                };
            }
            if account.claims != before {
                store::accounts::update(db, &account, now).await?;
                event.record(db).await?;
                account.updated_at = now;
            }
            Ok(Some(account))
        })
        .await
}

pub(super) async fn show(State(app): State<Arc<App>>, request: Request) -> Response {
    match Visit::open(&app, request, "/account", None).await {
        Ok(visit) => form_page(&app, &visit, None).await,
        Err(answer) => answer,
    }
}

pub(super) async fn submit(State(app): State<Arc<App>>, request: Request) -> Response {
    let visit = match Visit::open(&app, request, "/account", None).await {
        Ok(visit) => visit,
        Err(answer) => return answer,
    };
    let typed = PROFILE_CLAIMS.iter().map(|claim| parse(claim, &visit));
    let Ok(changes) = typed.collect::<Result<Changes, ()>>() else {
        return form_page(&app, &visit, Some(&visit.form)).await;
    };
    match change(&app, visit.account.id, changes).await {
        Ok(_) => visit.done("/account", AccountNotice::ProfileSaved),
        Err(error) => html::fail(&app, &visit.headers, error),
    }
}

/// The value typed for a claim. What is there already may stay, whoever put it there.
fn parse(claim: &'static ProfileClaim, visit: &Visit) -> Result<(&'static ProfileClaim, Option<String>), ()> {
    let typed = visit.form.get(claim.name).unwrap_or_default();
    if typed == held(&visit.account, claim.name) {
        return Ok((claim, Some(typed.to_owned()).filter(|text| !text.is_empty())));
    }
    claim.parse(typed).map(|value| (claim, value)).map_err(|_| ())
}

fn held<'a>(account: &'a Account, name: &str) -> &'a str {
    let value = account.claims.get(name);
    value.and_then(Value::as_str).unwrap_or_default()
}

async fn form_page(app: &App, visit: &Visit, typed: Option<&Params>) -> Response {
    let has_password = match super::password::exists(app, visit.account.id).await {
        Ok(exists) => exists,
        Err(error) => return html::fail(app, &visit.headers, error),
    };
    let fields = PROFILE_CLAIMS.each_ref().map(|claim| ProfileField {
        name: claim.name,
        value: match typed {
            Some(typed) => typed.get(claim.name).unwrap_or_default(),
            None => held(&visit.account, claim.name),
        },
        autocomplete: claim.autocomplete,
        max_length: claim.max_length,
        wrong: typed.is_some() && parse(claim, visit).is_err(),
    });
    let page = Page::AccountProfile {
        frame: visit.frame(AccountPart::Profile),
        email: visit.account.email.as_deref(),
        email_verified: visit.account.email_verified,
        has_password,
        fields: &fields,
        wrong: typed.is_some(),
    };
    let status = if typed.is_some() {
        StatusCode::BAD_REQUEST
    } else {
        StatusCode::OK
    };
    visit.page(app, status, &page)
}
