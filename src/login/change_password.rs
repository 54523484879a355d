//! `/password`: a new password, for who must choose one before anything else.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use protocol::interaction::Next;
use protocol::secret::Secret;
use store::{Account, Conn, StoreError};

use super::Visit;
use super::password::{busy, too_many};
use crate::app::App;
use crate::browser::{self, Current};
use crate::credentials::{self, Changed, PasswordChange};
use crate::decision::decide;
use crate::factors;
use crate::html;
use crate::pages::{Page, PasswordError};
use crate::rate_limit::Exceeded;
use crate::sign_in::{self, Attempt, Origin};
use crate::web::client_ip::ClientAddress;

/// Who must choose, and whether there is a password to type first.
struct Person {
    current: Current,
    account: Account,
    has_password: bool,
    min_length: usize,
}

/// Who must choose here. None when another step comes first, or none is left.
async fn person(app: &App, visit: &Visit) -> Result<Option<Person>, StoreError> {
    let decision = decide(app, &visit.headers, visit.client(), &visit.interaction).await?;
    let (Next::ChangePassword, Some(current)) = (decision.step, decision.current) else {
        return Ok(None);
    };
    let id = current.session.account_id;
    let (default, now) = (app.config.accounts.mfa, app.now());
    let (account, has_password, policy) = app
        .store
        .read(async move |db: &mut Conn| {
            let account = store::accounts::find(db, id).await?;
            let password = store::credentials::find_password(db, id).await?;
            let policy = factors::policy(db, id, default, now).await?;
            Ok((account, password.is_some(), policy))
        })
        .await?;
    Ok(account.map(|account| Person {
        current,
        account,
        has_password,
        min_length: credentials::min_length(&app.config, policy),
    }))
}

/// The visit and who it is, or the way back to the decision.
async fn open(app: &App, request: Request) -> Result<(Visit, Person), Response> {
    let visit = Visit::open(app, request).await?;
    match person(app, &visit).await {
        Ok(Some(person)) => Ok((visit, person)),
        Ok(None) => Err(visit.resume(app)),
        Err(error) => Err(html::fail(app, &visit.headers, error)),
    }
}

fn form(app: &App, visit: &Visit, person: &Person, error: Option<PasswordError>) -> Response {
    visit.page(
        app,
        &Page::ChangePassword {
            client: visit.card(),
            action: &visit.action("/password"),
            csrf: &visit.csrf(app),
            username: &person.account.username,
            ask_current: person.has_password,
            password_min_length: person.min_length,
            error,
            form_targets: &visit.form_targets(),
        },
    )
}

pub(super) async fn show(State(app): State<Arc<App>>, request: Request) -> Response {
    match open(&app, request).await {
        Ok((visit, person)) => form(&app, &visit, &person, None),
        Err(answer) => answer,
    }
}

pub(super) async fn submit(
    State(app): State<Arc<App>>,
    Extension(address): Extension<ClientAddress>,
    request: Request,
) -> Response {
    let (mut visit, person) = match open(&app, request).await {
        Ok(opened) => opened,
        Err(answer) => return answer,
    };
    let current = Secret::new(visit.form.take("current_password").unwrap_or_default());
    let new = Secret::new(visit.form.take("new_password").unwrap_or_default());
    let outcome = async {
        if person.has_password
            && let Some(refusal) = check_current(&app, &visit, &person, &current, address).await?
        {
            return Ok(Some(refusal));
        }
        change(&app, &visit, &person, &new).await
    };
    let refusal = match outcome.await {
        Ok(None) => return done(&app, &visit, &person).await,
        Ok(Some(refusal)) => refusal,
        Err(error) => return html::fail(&app, &visit.headers, error),
    };
    let page = |error| form(&app, &visit, &person, Some(error));
    match refusal {
        Refusal::Bad(error) => {
            let mut page = page(error);
            *page.status_mut() = StatusCode::BAD_REQUEST;
            page
        }
        Refusal::TooMany(exceeded) => too_many(page(PasswordError::TooMany), &exceeded),
        Refusal::Busy => busy(page(PasswordError::Busy)),
    }
}

/// Why the password stays what it is.
enum Refusal {
    Bad(PasswordError),
    TooMany(Exceeded),
    Busy,
}

async fn check_current(
    app: &App,
    visit: &Visit,
    person: &Person,
    current: &Secret,
    address: ClientAddress,
) -> Result<Option<Refusal>, StoreError> {
    let origin = Origin::of(app, &visit.headers, address);
    let attempt = sign_in::password(app, &person.account.username, current, origin).await?;
    Ok(match attempt {
        Attempt::Proved(_) => None,
        Attempt::Refused => Some(Refusal::Bad(PasswordError::Mismatch)),
        Attempt::TooMany(exceeded) => Some(Refusal::TooMany(exceeded)),
        Attempt::Busy => Some(Refusal::Busy),
    })
}

async fn change(
    app: &App,
    visit: &Visit,
    person: &Person,
    new: &Secret,
) -> Result<Option<Refusal>, StoreError> {
    let change = PasswordChange {
        account: &person.account,
        new,
        keep: Some(person.current.session.id),
        link: None,
        locale: html::locale(app, &visit.headers, None),
    };
    Ok(match credentials::change_password(app, change).await? {
        Changed::Done => None,
        Changed::Weak(weakness) => Some(Refusal::Bad(PasswordError::Weak(weakness))),
        Changed::LinkUsed | Changed::Busy => Some(Refusal::Busy),
    })
}

/// Back to the decision, with a new cookie for the session that stays.
async fn done(app: &App, visit: &Visit, person: &Person) -> Response {
    let mut cookies = HeaderMap::new();
    if let Err(error) = browser::renew(app, &person.current, &mut cookies).await {
        return html::fail(app, &visit.headers, error);
    }
    browser::device::keep(app, person.account.id, &visit.headers, &mut cookies);
    let mut answer = visit.resume(app);
    answer.headers_mut().extend(cookies);
    answer
}
