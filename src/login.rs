//! The browser pages between an authorization request and its answer. Each proves one fact, writes it down and
//! goes back to `/authorize`, which decides what is next.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use protocol::client::Client;
use protocol::interaction::Interaction;
use store::StoredClient;

use crate::app::App;
use crate::browser;
use crate::factors::codes_page;
use crate::html;
use crate::pages::{ClientCard, Message};
use crate::web::form::{self, Params};

mod change_password;
mod consent;
mod enrol;
mod forgot;
mod passkey;
mod password;
mod reset;
mod second_factor;
mod select_account;
mod set_up;
mod sign_up;
pub(crate) mod upstream;
mod visitor;

/// Routes of the browser pages.
pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .merge(upstream::routes())
        .route("/login", get(password::show).post(password::submit))
        .route("/mfa", get(second_factor::show).post(second_factor::submit))
        .route("/login/passkey/options", post(passkey::sign_in_options))
        .route("/login/passkey", post(passkey::sign_in))
        .route("/mfa/passkey/options", post(passkey::second_factor_options))
        .route("/mfa/passkey", post(passkey::second_factor))
        .route("/enrol", get(enrol::show).post(enrol::submit))
        .route("/enrol/passkey/options", post(enrol::passkey_options))
        .route("/enrol/passkey", post(enrol::passkey_submit))
        .route("/recovery-codes", post(codes_page::show))
        .route("/recovery-codes/file", post(codes_page::file))
        .route("/consent", get(consent::show).post(consent::submit))
        .route(
            "/accounts",
            get(select_account::show).post(select_account::submit),
        )
        .route(
            "/password",
            get(change_password::show).post(change_password::submit),
        )
        .route("/setup", get(set_up::show).post(set_up::submit))
        .route("/sign-up", get(sign_up::show).post(sign_up::submit))
        .route(
            "/sign-up/confirm",
            get(sign_up::confirm::show).post(sign_up::confirm::submit),
        )
        .route("/forgot", get(forgot::show).post(forgot::submit))
        .route("/reset", get(reset::show).post(reset::submit))
}

/// A request on its way, as a page finds it.
struct Visit {
    headers: HeaderMap,
    query: Params,
    form: Params,
    sealed: String,
    interaction: Interaction,
    client: Option<Arc<StoredClient>>,
}

impl Visit {
    /// Opens the interaction that the URL carries; a POST must come from a page of ours.
    async fn open(app: &App, request: Request) -> Result<Visit, Response> {
        let headers = request.headers().clone();
        let is_post = request.method() == axum::http::Method::POST;
        let bad = |message| html::refuse(app, &headers, StatusCode::BAD_REQUEST, "invalid_request", message);
        let query =
            Params::from_query(request.uri().query(), &[]).map_err(|_| bad(Message::InvalidRequest))?;
        let form = if is_post {
            form::read(request, &[])
                .await
                .map_err(|_| bad(Message::InvalidRequest))?
        } else {
            Params::default()
        };
        if is_post && !html::is_ours(app, &headers, form.get("csrf")) {
            return Err(html::refuse(
                app,
                &headers,
                StatusCode::FORBIDDEN,
                "access_denied",
                Message::Forgery,
            ));
        }
        let sealed = query.get("i").unwrap_or_default().to_owned();
        let interaction = browser::open(app, &headers, &sealed).ok_or_else(|| bad(Message::Expired))?;
        let client = match interaction.request() {
            None => None,
            Some(request) => match app.client(&request.client_id).await {
                Ok(Some(client)) => Some(client),
                Ok(None) => return Err(bad(Message::UnknownClient)),
                Err(error) => return Err(html::fail(app, &headers, error)),
            },
        };
        Ok(Visit {
            headers,
            query,
            form,
            sealed,
            interaction,
            client,
        })
    }

    fn client(&self) -> Option<&Client> {
        self.client.as_ref().map(|stored| &stored.client)
    }

    fn card(&self) -> Option<ClientCard<'_>> {
        self.client().map(card)
    }

    /// The address of a page that goes on with this request.
    fn action(&self, path: &str) -> String {
        format!("{path}?i={}", self.sealed)
    }

    /// The token for a form of this browser, which has its mark since the request came in.
    fn csrf(&self, app: &App) -> String {
        let binding = browser::csrf_binding(app, &self.headers).unwrap_or_default();
        crate::web::csrf::token(&app.csrf_key, &binding)
    }

    /// Where the answer to a form may lead the browser.
    fn form_targets(&self) -> Vec<String> {
        let request = self.interaction.request();
        request
            .map(|request| request.target.redirect_uri.clone())
            .into_iter()
            .collect()
    }

    fn page(&self, app: &App, page: &crate::pages::Page<'_>) -> Response {
        let asked = self
            .interaction
            .request()
            .and_then(|request| request.ui_locales.as_deref());
        let locale = html::locale(app, &self.headers, asked);
        html::page(app, locale, StatusCode::OK, page)
    }

    /// Back to the decision, with what has been noted.
    fn resume(&self, app: &App) -> Response {
        html::see_other(&self.resume_path(app))
    }

    fn resume_path(&self, app: &App) -> String {
        format!("/authorize/{}", browser::seal(app, &self.interaction))
    }
}

fn card(client: &Client) -> ClientCard<'_> {
    ClientCard {
        name: client.display_name(),
        logo_uri: client.logo_uri.as_deref(),
        policy_uri: client.policy_uri.as_deref(),
        tos_uri: client.tos_uri.as_deref(),
        uri: client.client_uri.as_deref(),
        verified: true,
    }
}
