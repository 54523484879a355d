//! `/mfa`: a one-time password, a recovery code or a passkey, after the first factor.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::response::Response;
use protocol::secret::Secret;
use store::{Conn, StoreError};

use super::Visit;
use super::password::{too_many, with_limits};
use crate::app::App;
use crate::browser::{self, Current};
use crate::factors::passkeys;
use crate::html;
use crate::pages::{Page, PasskeyCard, SecondFactorError};
use crate::sign_in::{self, SecondFactor};
use crate::web::client_ip::ClientAddress;

pub(super) async fn show(State(app): State<Arc<App>>, request: Request) -> Response {
    let visit = match Visit::open(&app, request).await {
        Ok(visit) => visit,
        Err(refusal) => return refusal,
    };
    match browser::session(&app, &visit.headers).await {
        Ok(Some(current)) => form(&app, &visit, &current, None).await,
        Ok(None) => visit.resume(&app),
        Err(error) => html::fail(&app, &visit.headers, error),
    }
}

async fn form(app: &App, visit: &Visit, current: &Current, error: Option<SecondFactorError>) -> Response {
    match offered(app, current).await {
        Ok(Offered {
            totp: has_totp,
            recovery: has_recovery,
            passkey: has_passkey,
        }) => {
            let asked = visit.query.get("with") == Some("recovery");
            let recovery = has_recovery && (asked || !has_totp);
            let (options, finish) = (visit.action("/mfa/passkey/options"), visit.action("/mfa/passkey"));
            let csrf = visit.csrf(app);
            let passkey = PasskeyCard {
                options: &options,
                finish: &finish,
                csrf: &csrf,
            };
            let this = if recovery { "&with=recovery" } else { "" };
            let other = if recovery { "" } else { "&with=recovery" };
            let page = visit.action("/mfa");
            visit.page(
                app,
                &Page::SecondFactor {
                    client: visit.card(),
                    action: &format!("{page}{this}"),
                    csrf: &csrf,
                    recovery_action: &format!("{page}{other}"),
                    recovery,
                    has_totp,
                    has_recovery,
                    passkey: has_passkey.then_some(passkey),
                    error,
                    form_targets: &visit.form_targets(),
                },
            )
        }
        Err(error) => html::fail(app, &visit.headers, error),
    }
}

/// What the account can prove.
struct Offered {
    totp: bool,
    recovery: bool,
    passkey: bool,
}

async fn offered(app: &App, current: &Current) -> Result<Offered, StoreError> {
    let account = current.session.account_id;
    let available = passkeys::available(app);
    app.store
        .read(async move |db: &mut Conn| {
            let totp = store::credentials::list_totp(db, account).await?;
            let codes = store::credentials::count_recovery_codes(db, account).await?;
            let keys = store::passkeys::list(db, account).await?;
            Ok(Offered {
                totp: !totp.is_empty(),
                recovery: codes > 0,
                passkey: available && !keys.is_empty(),
            })
        })
        .await
}

pub(super) async fn submit(
    State(app): State<Arc<App>>,
    Extension(address): Extension<ClientAddress>,
    request: Request,
) -> Response {
    let answer = prove(&app, address, request).await;
    with_limits(&app, address, answer)
}

async fn prove(app: &App, address: ClientAddress, request: Request) -> Response {
    let mut visit = match Visit::open(app, request).await {
        Ok(visit) => visit,
        Err(refusal) => return refusal,
    };
    let code = Secret::new(visit.form.take("code").unwrap_or_default());
    let current = match browser::session(app, &visit.headers).await {
        Ok(Some(current)) => current,
        Ok(None) => return visit.resume(app),
        Err(error) => return html::fail(app, &visit.headers, error),
    };
    let account = current.session.account_id;
    let factor = match sign_in::second_factor_from(app, account, &code, address).await {
        Ok(SecondFactor::Proved(factor)) => factor,
        Ok(SecondFactor::Refused) => {
            return form(app, &visit, &current, Some(SecondFactorError::Mismatch)).await;
        }
        Ok(SecondFactor::TooMany(exceeded)) => {
            let page = form(app, &visit, &current, Some(SecondFactorError::TooMany)).await;
            return too_many(page, &exceeded);
        }
        Err(error) => return html::fail(app, &visit.headers, error),
    };
    let mut cookies = HeaderMap::new();
    if let Err(error) = browser::step_up(app, &current, factor, &mut cookies).await {
        return html::fail(app, &visit.headers, error);
    }
    let mut answer = visit.resume(app);
    answer.headers_mut().extend(cookies);
    answer
}
