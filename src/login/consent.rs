//! `/consent`: who asks, for what, in words.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use protocol::interaction::{Consented, Next};
use protocol::scope::Scope;
use store::consent_records::ConsentKind;
use store::{Account, Conn, StoreError};

use super::Visit;
use crate::app::App;
use crate::audit::Event;
use crate::decision::decide;
use crate::html;
use crate::pages::{Message, Page};
use crate::privacy;

/// Who is asked, and for what.
struct Question {
    account: Account,
    scope: Scope,
    descriptions: Vec<(String, String)>,
}

/// The question for the person of this session. None when another step comes first, or none is left.
async fn question(app: &App, visit: &Visit) -> Result<Option<Question>, StoreError> {
    let decision = decide(app, &visit.headers, visit.client(), &visit.interaction).await?;
    let (Next::Consent, Some(current)) = (decision.step, decision.current) else {
        return Ok(None);
    };
    let id = current.session.account_id;
    let account = app
        .store
        .read(async move |db: &mut Conn| store::accounts::find(db, id).await)
        .await?;
    let Some(account) = account else { return Ok(None) };
    let (catalogue, scope) = (app.catalogue().await?, decision.scope);
    let described = |token: &str| {
        let defined = catalogue.scopes.iter().find(|scope| scope.name == token);
        (
            token.to_owned(),
            defined.map(|scope| scope.description.clone()).unwrap_or_default(),
        )
    };
    let descriptions = scope
        .iter()
        .filter(|token| *token != "offline_access")
        .map(described)
        .collect();
    Ok(Some(Question {
        account,
        scope,
        descriptions,
    }))
}

pub(super) async fn show(State(app): State<Arc<App>>, request: Request) -> Response {
    let visit = match Visit::open(&app, request).await {
        Ok(visit) => visit,
        Err(refusal) => return refusal,
    };
    let question = match question(&app, &visit).await {
        Ok(Some(question)) => question,
        Ok(None) => return visit.resume(&app),
        Err(error) => return html::fail(&app, &visit.headers, error),
    };
    let (Some(request), Some(client)) = (visit.interaction.request(), visit.card()) else {
        return visit.resume(&app);
    };
    let redirect_uri = &request.target.redirect_uri;
    let host = url::Url::parse(redirect_uri)
        .ok()
        .and_then(|uri| uri.host_str().map(str::to_owned));
    let offline = question.scope.contains("offline_access");
    visit.page(
        &app,
        &Page::Consent {
            client,
            action: &visit.action("/consent"),
            csrf: &visit.csrf(&app),
            redirect_host: host.as_deref().unwrap_or(redirect_uri),
            username: &question.account.username,
            scopes: &question.descriptions,
            offline,
            lifetime: offline.then_some(app.config.tokens.refresh_token_absolute),
            form_targets: &visit.form_targets(),
        },
    )
}

pub(super) async fn submit(State(app): State<Arc<App>>, request: Request) -> Response {
    let mut visit = match Visit::open(&app, request).await {
        Ok(visit) => visit,
        Err(refusal) => return refusal,
    };
    // What is granted was shown and is not for the form to say.
    if visit
        .form
        .iter()
        .any(|(name, _)| !matches!(name, "csrf" | "decision"))
    {
        return html::refuse(
            &app,
            &visit.headers,
            StatusCode::BAD_REQUEST,
            "invalid_request",
            Message::InvalidRequest,
        );
    }
    let question = match question(&app, &visit).await {
        Ok(Some(question)) => question,
        Ok(None) => return visit.resume(&app),
        Err(error) => return html::fail(&app, &visit.headers, error),
    };
    let Some(client_id) = visit.client().map(|client| client.client_id.clone()) else {
        return visit.resume(&app);
    };
    let account = question.account.id;
    let now = app.now();
    let event = |kind| Event::now(&app, kind).account(account).client(&client_id);
    let written = match visit.form.get("decision") {
        Some("allow") => {
            let (event, scope) = (event("consent.given"), question.scope.clone());
            let client_id = client_id.clone();
            let client = Some((&client_id, &scope));
            let record = privacy::consent_record(&app, account, ConsentKind::Given, client);
            let written = app
                .store
                .write(async move |db: &mut Conn| {
                    store::consents::record(db, account, &client_id, &scope, now).await?;
                    store::consent_records::insert(db, &record).await?;
                    event.record(db).await
                })
                .await;
            visit.interaction.consented = Some(Consented {
                account,
                scope: question.scope,
            });
            written
        }
        Some("deny") => {
            let event = event("consent.denied").failed();
            let written = app
                .store
                .write(async move |db: &mut Conn| event.record(db).await)
                .await;
            visit.interaction.denied = true;
            written
        }
        _ => {
            let bad = StatusCode::BAD_REQUEST;
            return html::refuse(
                &app,
                &visit.headers,
                bad,
                "invalid_request",
                Message::InvalidRequest,
            );
        }
    };
    match written {
        Ok(()) => visit.resume(&app),
        Err(error) => html::fail(&app, &visit.headers, error),
    }
}
