//! `/login`: user name or e-mail address, and password.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use protocol::interaction::OwnPage;
use protocol::secret::Secret;
use protocol::session::Factor;

use super::Visit;
use crate::app::App;
use crate::browser::{self, Proved};
use crate::config::Registration;
use crate::decision;
use crate::factors::passkeys;
use crate::html;
use crate::pages::{Page, PasskeyCard, SignInError};
use crate::rate_limit::{self, Exceeded, Limit};
use crate::sign_in::{self, Attempt, Origin};
use crate::web::client_ip::ClientAddress;

pub(super) async fn show(State(app): State<Arc<App>>, request: Request) -> Response {
    if request.uri().query().is_none() {
        return without_request(&app, request.headers()).await;
    }
    match Visit::open(&app, request).await {
        Ok(visit) => form(&app, &visit, "", None).await,
        Err(refusal) => refusal,
    }
}

/// Who comes without a request of a client comes for their own account.
async fn without_request(app: &App, headers: &HeaderMap) -> Response {
    let account = OwnPage {
        path: "/account".to_owned(),
        max_age: None,
    };
    match decision::require(app, headers, account).await {
        Ok(_) => html::see_other("/account"),
        Err(answer) => answer,
    }
}

async fn form(app: &App, visit: &Visit, typed: &str, error: Option<SignInError>) -> Response {
    let request = visit.interaction.request();
    let hint = request
        .and_then(|request| request.login_hint.as_deref())
        .unwrap_or_default();
    let (options, finish) = (
        visit.action("/login/passkey/options"),
        visit.action("/login/passkey"),
    );
    let upstreams = match super::upstream::offered(app, visit).await {
        Ok(upstreams) => upstreams,
        Err(error) => return html::fail(app, &visit.headers, error),
    };
    let csrf = visit.csrf(app);
    let passkey = PasskeyCard {
        options: &options,
        finish: &finish,
        csrf: &csrf,
    };
    let is_open = app.config.accounts.registration == Registration::Open;
    visit.page(
        app,
        &Page::SignIn {
            client: visit.card(),
            action: &visit.action("/login"),
            csrf: &csrf,
            login_hint: if typed.is_empty() { hint } else { typed },
            sign_up: is_open.then_some(visit.action("/sign-up")).as_deref(),
            forgot: &visit.action("/forgot"),
            passkey: passkeys::available(app).then_some(passkey),
            upstreams: &upstreams,
            error,
            form_targets: &visit.form_targets(),
        },
    )
}

pub(super) async fn submit(
    State(app): State<Arc<App>>,
    Extension(address): Extension<ClientAddress>,
    request: Request,
) -> Response {
    let answer = prove(&app, address, request).await;
    with_limits(&app, address, answer)
}

/// The answer, and how many more tries the network has; a redirect is to be followed at once, whatever is left, and what
/// was too much has told which limit it met.
pub(super) fn with_limits(app: &App, address: ClientAddress, mut answer: Response) -> Response {
    if !answer.status().is_redirection() && answer.status() != StatusCode::TOO_MANY_REQUESTS {
        let network = rate_limit::network(address.0);
        app.limits
            .describe(Limit::SignInPerAddress, &network, answer.headers_mut());
    }
    answer
}

async fn prove(app: &App, address: ClientAddress, request: Request) -> Response {
    let mut visit = match Visit::open(app, request).await {
        Ok(visit) => visit,
        Err(refusal) => return refusal,
    };
    let typed = visit.form.get("username").unwrap_or_default().to_owned();
    let password = Secret::new(visit.form.take("password").unwrap_or_default());
    let origin = Origin::of(app, &visit.headers, address);
    let proof = match sign_in::password(app, typed.trim(), &password, origin).await {
        Ok(Attempt::Proved(proof)) => proof,
        Ok(Attempt::Refused) => return form(app, &visit, &typed, Some(SignInError::Mismatch)).await,
        Ok(Attempt::Busy) => {
            let page = form(app, &visit, &typed, Some(SignInError::Busy)).await;
            return busy(page);
        }
        Ok(Attempt::TooMany(exceeded)) => {
            let page = form(app, &visit, &typed, Some(SignInError::TooMany)).await;
            return too_many(page, &exceeded);
        }
        Err(error) => return html::fail(app, &visit.headers, error),
    };
    let mut cookies = HeaderMap::new();
    let begun = async {
        let old = browser::session(app, &visit.headers).await?;
        let proved = Proved {
            account: proof.account.id,
            factor: Factor::Password,
            chosen_at: Some(proof.chosen_at),
        };
        browser::sign_in(app, proved, old, &visit.headers, address, &mut cookies).await
    };
    match begun.await {
        Ok(Some(session)) => visit.interaction.sign_in(session),
        Ok(None) => return form(app, &visit, &typed, Some(SignInError::Mismatch)).await,
        Err(error) => return html::fail(app, &visit.headers, error),
    }
    let mut answer = visit.resume(app);
    answer.headers_mut().extend(cookies);
    answer
}

/// The same page as an answer that programs understand: no password can be checked at the moment.
pub(super) fn busy(mut page: Response) -> Response {
    *page.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    page.headers_mut()
        .insert(header::RETRY_AFTER, HeaderValue::from(1));
    page
}

/// The same page as an answer that programs understand: a limit was met.
pub(super) fn too_many(mut page: Response, exceeded: &Exceeded) -> Response {
    *page.status_mut() = StatusCode::TOO_MANY_REQUESTS;
    exceeded.describe(page.headers_mut());
    page
}
