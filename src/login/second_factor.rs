//! `/mfa`: a one-time password or a recovery code, after the password.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use protocol::secret::Secret;
use store::{Conn, StoreError};

use super::Visit;
use super::password::later;
use crate::app::App;
use crate::browser::{self, Current};
use crate::html;
use crate::pages::{Page, SecondFactorError};
use crate::sign_in::{self, SecondFactor};

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
        Ok((has_totp, has_recovery)) => {
            let recovery = has_recovery && visit.query.get("with") == Some("recovery");
            let this = if recovery { "&with=recovery" } else { "" };
            let other = if recovery { "" } else { "&with=recovery" };
            let page = visit.action("/mfa");
            visit.page(
                app,
                &Page::SecondFactor {
                    client: visit.card(),
                    action: &format!("{page}{this}"),
                    csrf: &visit.csrf(app),
                    recovery_action: &format!("{page}{other}"),
                    recovery,
                    has_totp,
                    has_recovery,
                    error,
                    form_targets: &visit.form_targets(),
                },
            )
        }
        Err(error) => html::fail(app, &visit.headers, error),
    }
}

async fn offered(app: &App, current: &Current) -> Result<(bool, bool), StoreError> {
    let account = current.session.account_id;
    app.store
        .read(async move |db: &mut Conn| {
            let totp = store::credentials::list_totp(db, account).await?;
            let codes = store::credentials::count_recovery_codes(db, account).await?;
            Ok((!totp.is_empty(), codes > 0))
        })
        .await
}

pub(super) async fn submit(State(app): State<Arc<App>>, request: Request) -> Response {
    let mut visit = match Visit::open(&app, request).await {
        Ok(visit) => visit,
        Err(refusal) => return refusal,
    };
    let code = Secret::new(visit.form.take("code").unwrap_or_default());
    let current = match browser::session(&app, &visit.headers).await {
        Ok(Some(current)) => current,
        Ok(None) => return visit.resume(&app),
        Err(error) => return html::fail(&app, &visit.headers, error),
    };
    let factor = match sign_in::second_factor(&app, current.session.account_id, &code).await {
        Ok(SecondFactor::Proved(factor)) => factor,
        Ok(SecondFactor::Refused) => {
            return form(&app, &visit, &current, Some(SecondFactorError::Mismatch)).await;
        }
        Ok(SecondFactor::TooMany(after)) => {
            let page = form(&app, &visit, &current, Some(SecondFactorError::TooMany)).await;
            return later(page, StatusCode::TOO_MANY_REQUESTS, after.0);
        }
        Err(error) => return html::fail(&app, &visit.headers, error),
    };
    let mut cookies = HeaderMap::new();
    if let Err(error) = browser::step_up(&app, &current, factor, &mut cookies).await {
        return html::fail(&app, &visit.headers, error);
    }
    let mut answer = visit.resume(&app);
    answer.headers_mut().extend(cookies);
    answer
}
