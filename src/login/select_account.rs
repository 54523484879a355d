//! `/accounts`: go on with the account of the session, or sign in with another.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::response::Response;
use store::Conn;

use super::Visit;
use crate::app::App;
use crate::browser;
use crate::html;
use crate::pages::Page;

pub(super) async fn show(State(app): State<Arc<App>>, request: Request) -> Response {
    let visit = match Visit::open(&app, request).await {
        Ok(visit) => visit,
        Err(refusal) => return refusal,
    };
    let account = async {
        let Some(current) = browser::session(&app, &visit.headers).await? else {
            return Ok(None);
        };
        let id = current.session.account_id;
        app.store
            .read(async move |db: &mut Conn| store::accounts::find(db, id).await)
            .await
    };
    match account.await {
        Ok(Some(account)) => visit.page(
            &app,
            &Page::SelectAccount {
                client: visit.card(),
                action: &visit.action("/accounts"),
                csrf: &visit.csrf(&app),
                username: &account.username,
                form_targets: &visit.form_targets(),
            },
        ),
        Ok(None) => visit.resume(&app),
        Err(error) => html::fail(&app, &visit.headers, error),
    }
}

pub(super) async fn submit(State(app): State<Arc<App>>, request: Request) -> Response {
    let mut visit = match Visit::open(&app, request).await {
        Ok(visit) => visit,
        Err(refusal) => return refusal,
    };
    let mut cookies = HeaderMap::new();
    if visit.form.get("choice") == Some("other") {
        let ended = async {
            if let Some(current) = browser::session(&app, &visit.headers).await? {
                browser::sign_out(&app, &current.session, &mut cookies).await?;
            }
            Ok::<_, store::StoreError>(())
        };
        if let Err(error) = ended.await {
            return html::fail(&app, &visit.headers, error);
        }
    } else {
        visit.interaction.account_selected = true;
    }
    let mut answer = visit.resume(&app);
    answer.headers_mut().extend(cookies);
    answer
}
