//! `/login/passkey` and `/mfa/passkey`: what the script of these pages calls to sign in with a passkey.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use protocol::session::Factor;
use serde::de::IgnoredAny;

use super::Visit;
use crate::app::App;
use crate::browser::{self, Proved};
use crate::factors::passkeys::{self, Answer};
use crate::factors::script;
use crate::html;
use crate::sign_in;
use crate::statistics;
use crate::web::client_ip::ClientAddress;

/// `POST /login/passkey/options`: the same for everybody.
pub(super) async fn sign_in_options(State(app): State<Arc<App>>, request: Request) -> Response {
    match script::read::<IgnoredAny>(&app, request).await {
        Ok((_, request)) => script::challenge(passkeys::begin_sign_in(&app, request.headers())),
        Err(refusal) => refusal,
    }
}

/// `POST /login/passkey`: whoever the passkey names is signed in, with two factors at once.
pub(super) async fn sign_in(
    State(app): State<Arc<App>>,
    Extension(address): Extension<ClientAddress>,
    request: Request,
) -> Response {
    if let Err(exceeded) = sign_in::charge(&app, address).await {
        return exceeded.into_response();
    }
    let (answer, mut visit) = match open::<Answer>(&app, request).await {
        Ok(opened) => opened,
        Err(refusal) => return refusal,
    };
    let mut cookies = HeaderMap::new();
    let begun = async {
        let Some(account) = passkeys::finish_sign_in(&app, &visit.headers, &answer).await? else {
            return Ok(None);
        };
        let old = browser::session(&app, &visit.headers).await?;
        let proved = Proved {
            account,
            factor: Factor::Passkey,
            chosen_at: None,
        };
        browser::sign_in(&app, proved, old, &visit.headers, address, &mut cookies).await
    };
    let session = match begun.await {
        Ok(Some(session)) => session,
        Ok(None) => return refused(&app),
        Err(error) => return html::fail(&app, &visit.headers, error),
    };
    sign_in::give_back(&app, address).await;
    visit.interaction.sign_in(session);
    script::go(&visit.resume_path(&app), cookies)
}

/// `POST /mfa/passkey/options`: for the passkeys of the account that the first factor named.
pub(super) async fn second_factor_options(State(app): State<Arc<App>>, request: Request) -> Response {
    let (_, visit) = match open::<IgnoredAny>(&app, request).await {
        Ok(opened) => opened,
        Err(refusal) => return refusal,
    };
    let begun = async {
        let Some(current) = browser::session(&app, &visit.headers).await? else {
            return Ok(None);
        };
        passkeys::begin_second_factor(&app, &visit.headers, &current).await
    };
    match begun.await {
        Ok(challenge) => script::challenge(challenge),
        Err(error) => html::fail(&app, &visit.headers, error),
    }
}

/// `POST /mfa/passkey`: the second factor.
pub(super) async fn second_factor(
    State(app): State<Arc<App>>,
    Extension(address): Extension<ClientAddress>,
    request: Request,
) -> Response {
    if let Err(exceeded) = sign_in::charge(&app, address).await {
        return exceeded.into_response();
    }
    let (answer, visit) = match open::<Answer>(&app, request).await {
        Ok(opened) => opened,
        Err(refusal) => return refusal,
    };
    let mut cookies = HeaderMap::new();
    let proved = async {
        let Some(current) = browser::session(&app, &visit.headers).await? else {
            return Ok(false);
        };
        match passkeys::finish_second_factor(&app, &visit.headers, &current, &answer).await? {
            Some(factor) => browser::step_up(&app, &current, factor, &mut cookies).await,
            None => Ok(false),
        }
    };
    match proved.await {
        Ok(true) => {
            sign_in::give_back(&app, address).await;
            script::go(&visit.resume_path(&app), cookies)
        }
        Ok(false) => refused(&app),
        Err(error) => html::fail(&app, &visit.headers, error),
    }
}

fn refused(app: &App) -> Response {
    let label = statistics::factor(Factor::Passkey);
    app.statistics.count(statistics::Kind::SignInFailure, label);
    script::refused()
}

/// A message of the script, and the request on its way that its page belongs to.
pub(super) async fn open<T: serde::de::DeserializeOwned>(
    app: &App,
    request: Request,
) -> Result<(T, Visit), Response> {
    let (message, request) = script::read::<T>(app, request).await?;
    Ok((message, Visit::open(app, request).await?))
}
