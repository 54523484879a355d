//! `/login/connect`: somebody whom an upstream knows and we do not says whether they have an account here.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use store::StoredUpstream;

use super::{enter, expired, form_targets, missing, too_many, ui_locales};
use crate::app::App;
use crate::browser;
use crate::html;
use crate::pages::{Message, Page};
use crate::rate_limit::{self, Limit};
use crate::upstream::{self, Pending};
use crate::web::client_ip::ClientAddress;
use crate::web::csrf;
use crate::web::form::{self, Params};

/// What an upstream said and nobody has settled yet, as a page finds it.
pub(super) struct Unsettled {
    pub(super) headers: HeaderMap,
    pub(super) form: Params,
    pub(super) sealed: String,
    pub(super) pending: Pending,
    pub(super) stored: StoredUpstream,
}

impl Unsettled {
    /// Opens what the URL carries; a POST must come from a page of ours, and the upstream must still be open.
    pub(super) async fn open(app: &App, request: Request) -> Result<Unsettled, Response> {
        let headers = request.headers().clone();
        let query = Params::from_query(request.uri().query(), &[]).unwrap_or_default();
        let form = if request.method() == Method::POST {
            let form = form::read(request, &[]).await.unwrap_or_default();
            if !html::is_ours(app, &headers, form.get("csrf")) {
                let status = StatusCode::FORBIDDEN;
                return Err(html::refuse(
                    app,
                    &headers,
                    status,
                    "access_denied",
                    Message::Forgery,
                ));
            }
            form
        } else {
            Params::default()
        };
        let sealed = query.get("p").unwrap_or_default().to_owned();
        let Some(pending) = Pending::open(app, &headers, &sealed) else {
            return Err(expired(app, &headers));
        };
        match upstream::find(app, &pending.upstream).await {
            Ok(Some(stored)) if stored.upstream.issuer == pending.person.issuer => Ok(Unsettled {
                headers,
                form,
                sealed,
                pending,
                stored,
            }),
            Ok(_) => Err(missing(app, &headers)),
            Err(error) => Err(html::fail(app, &headers, error)),
        }
    }

    pub(super) fn action(&self, path: &str) -> String {
        format!("{path}?p={}", self.sealed)
    }

    pub(super) fn csrf(&self, app: &App) -> String {
        let binding = browser::csrf_binding(app, &self.headers).unwrap_or_default();
        csrf::token(&app.csrf_key, &binding)
    }

    pub(super) fn page(&self, app: &App, page: &Page<'_>) -> Response {
        let locale = html::locale(app, &self.headers, ui_locales(&self.pending.interaction));
        html::page(app, locale, StatusCode::OK, page)
    }
}

pub(super) async fn show(State(app): State<Arc<App>>, request: Request) -> Response {
    let unsettled = match Unsettled::open(&app, request).await {
        Ok(unsettled) => unsettled,
        Err(refusal) => return refusal,
    };
    let upstream = &unsettled.stored.upstream;
    unsettled.page(
        &app,
        &Page::UpstreamUnknown {
            action: &unsettled.action("/login/connect"),
            csrf: &unsettled.csrf(&app),
            upstream: upstream.display_name(),
            person: unsettled.pending.shown(),
            may_create: upstream.create_accounts,
            form_targets: &form_targets(&unsettled.pending.interaction),
        },
    )
}

pub(super) async fn submit(
    State(app): State<Arc<App>>,
    Extension(address): Extension<ClientAddress>,
    request: Request,
) -> Response {
    let unsettled = match Unsettled::open(&app, request).await {
        Ok(unsettled) => unsettled,
        Err(refusal) => return refusal,
    };
    match unsettled.form.get("choice") {
        Some("connect") => html::see_other(&unsettled.action("/login/connect/confirm")),
        Some("create") => create(&app, unsettled, address).await,
        _ => expired(&app, &unsettled.headers),
    }
}

async fn create(app: &App, unsettled: Unsettled, address: ClientAddress) -> Response {
    let Unsettled {
        headers,
        pending,
        stored,
        ..
    } = unsettled;
    let network = rate_limit::network(address.0);
    if let Err(exceeded) = app.limits.admit(Limit::RegisterPerAddress, &network).await {
        return too_many(app, &headers, &exceeded);
    }
    match upstream::create(app, &stored.upstream, &pending, address).await {
        Ok(Some(account)) => {
            let proved = (account, pending.person.authenticated_at());
            enter(app, &headers, address, proved, pending.interaction).await
        }
        Ok(None) => expired(app, &headers),
        Err(error) => html::fail(app, &headers, error),
    }
}
