//! `/account/security`: the second factors of an account. Every page and every change needs a fresh sign-in.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use protocol::interaction::FRESH;
use protocol::secret::Secret;
use serde::de::{DeserializeOwned, IgnoredAny};
use uuid::Uuid;

use super::Visit;
use crate::app::App;
use crate::factors::change::{self, Added, Holder, Once, Removed};
use crate::factors::passkeys::{self, Answer};
use crate::factors::totp::{self, Confirmation, Draft};
use crate::factors::{self, Kind, codes_page, recovery, script};
use crate::html;
use crate::pages::{AccountNotice, AccountPart, FactorCard, FactorError, Page, PasskeyCard, TotpCard};

const PATH: &str = "/account/security";
const ADD_TOTP: &str = "/account/security/totp";

/// Routes of these pages.
pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route(PATH, get(show))
        .route(ADD_TOTP, get(show_totp).post(add_totp))
        .route("/account/security/rename", post(rename))
        .route("/account/security/remove", post(remove))
        .route("/account/security/recovery-codes", post(make_codes))
        .route("/account/security/passkeys/options", post(passkey_options))
        .route("/account/security/passkeys", post(add_passkey))
}

async fn open(app: &App, request: Request, page: &str) -> Result<Visit, Response> {
    Visit::open(app, request, page, Some(FRESH)).await
}

/// A message of the script, from a person that is let in.
async fn open_script<T: DeserializeOwned>(app: &App, request: Request) -> Result<(T, Visit), Response> {
    let (message, request) = script::read::<T>(app, request).await?;
    let visit = open(app, request, PATH).await.map_err(script::redirect)?;
    Ok((message, visit))
}

fn holder<'a>(app: &App, visit: &'a Visit) -> Holder<'a> {
    Holder {
        current: &visit.current,
        account: &visit.account,
        locale: visit.locale(app),
    }
}

fn with(mut answer: Response, cookies: HeaderMap) -> Response {
    answer.headers_mut().extend(cookies);
    answer
}

async fn show(State(app): State<Arc<App>>, request: Request) -> Response {
    match open(&app, request, PATH).await {
        Ok(visit) => list(&app, &visit, None).await,
        Err(answer) => answer,
    }
}

async fn list(app: &App, visit: &Visit, error: Option<FactorError>) -> Response {
    let overview = match factors::list(app, visit.account.id).await {
        Ok(overview) => overview,
        Err(error) => return html::fail(app, &visit.headers, error),
    };
    let ids: Vec<String> = overview
        .factors
        .iter()
        .map(|factor| factor.id.to_string())
        .collect();
    let cards: Vec<FactorCard<'_>> = overview
        .factors
        .iter()
        .zip(&ids)
        .map(|(factor, id)| FactorCard {
            id,
            kind: factor.kind.as_str(),
            name: &factor.name,
            created_at: factor.created_at,
            last_used_at: factor.last_used_at,
        })
        .collect();
    let frame = visit.frame(AccountPart::Security);
    let passkey = PasskeyCard {
        options: "/account/security/passkeys/options",
        finish: "/account/security/passkeys",
        csrf: frame.csrf,
    };
    let page = Page::AccountSecurity {
        frame,
        factors: &cards,
        recovery_codes: overview.recovery_codes,
        recovery_codes_made_at: overview.recovery_codes_made_at,
        required: overview.required,
        passkey: passkeys::available(app).then_some(passkey),
        error,
    };
    visit.page(app, StatusCode::OK, &page)
}

async fn show_totp(State(app): State<Arc<App>>, request: Request) -> Response {
    match open(&app, request, ADD_TOTP).await {
        Ok(visit) => {
            let draft = totp::begin(&app, &visit.current, &visit.account.username);
            totp_form(&app, &visit, &draft, "", None)
        }
        Err(answer) => answer,
    }
}

fn totp_form(app: &App, visit: &Visit, draft: &Draft, name: &str, error: Option<FactorError>) -> Response {
    let page = Page::AccountTotp {
        frame: visit.frame(AccountPart::Security),
        totp: TotpCard {
            sealed: &draft.sealed,
            secret: draft.secret.expose(),
            qr_size: draft.qr.size,
            qr_path: &draft.qr.path,
            name,
        },
        error,
    };
    visit.page(app, StatusCode::OK, &page)
}

async fn add_totp(State(app): State<Arc<App>>, request: Request) -> Response {
    let mut visit = match open(&app, request, ADD_TOTP).await {
        Ok(visit) => visit,
        Err(answer) => return answer,
    };
    let code = Secret::new(visit.form.take("code").unwrap_or_default());
    let field = |name| visit.form.get(name).unwrap_or_default();
    let (sealed, name) = (field("draft"), field("name"));
    let username = &visit.account.username;
    let confirmed = match totp::confirm(&app, &visit.current, sealed, &code, name) {
        Confirmation::Right(confirmed) => *confirmed,
        Confirmation::Wrong => {
            let draft = totp::again(&app, &visit.current, username, sealed)
                .unwrap_or_else(|| totp::begin(&app, &visit.current, username));
            return totp_form(&app, &visit, &draft, name, Some(FactorError::Mismatch));
        }
        Confirmation::Expired => {
            let draft = totp::begin(&app, &visit.current, username);
            return totp_form(&app, &visit, &draft, name, Some(FactorError::Expired));
        }
    };
    let once = Once {
        hash: confirmed.once,
        expires_at: confirmed.expires_at,
    };
    let new = change::New::Totp(confirmed.factor);
    let mut cookies = HeaderMap::new();
    match change::add(&app, holder(&app, &visit), new, once, &mut cookies).await {
        Ok(Added::Done(Some(codes))) => {
            codes_page::page(&app, &visit.headers, &visit.current, &codes, PATH, cookies)
        }
        Ok(Added::Done(None)) => with(visit.done(PATH, AccountNotice::FactorAdded), cookies),
        Ok(Added::Used) => list(&app, &visit, Some(FactorError::Expired)).await,
        Ok(Added::Refused) => list(&app, &visit, Some(FactorError::TooMany)).await,
        Err(error) => html::fail(&app, &visit.headers, error),
    }
}

/// The factor that a form names.
fn named(visit: &Visit) -> Option<(Kind, Uuid)> {
    let kind = Kind::parse(visit.form.get("kind")?)?;
    let id = Uuid::parse_str(visit.form.get("factor")?).ok()?;
    Some((kind, id))
}

async fn rename(State(app): State<Arc<App>>, request: Request) -> Response {
    let visit = match open(&app, request, PATH).await {
        Ok(visit) => visit,
        Err(answer) => return answer,
    };
    let Some((kind, id)) = named(&visit) else {
        return visit.not_found(&app);
    };
    let name = visit.form.get("name").unwrap_or_default();
    match change::rename(&app, visit.account.id, kind, id, name).await {
        Ok(true) => visit.done(PATH, AccountNotice::FactorRenamed),
        Ok(false) => visit.not_found(&app),
        Err(error) => html::fail(&app, &visit.headers, error),
    }
}

async fn remove(State(app): State<Arc<App>>, request: Request) -> Response {
    let visit = match open(&app, request, PATH).await {
        Ok(visit) => visit,
        Err(answer) => return answer,
    };
    let Some((kind, id)) = named(&visit) else {
        return visit.not_found(&app);
    };
    let mut cookies = HeaderMap::new();
    match change::remove(&app, holder(&app, &visit), kind, id, &mut cookies).await {
        Ok(Removed::Done) => with(visit.done(PATH, AccountNotice::FactorRemoved), cookies),
        Ok(Removed::Missing) => visit.not_found(&app),
        Ok(Removed::Needed) => refuse_removal(&app, &visit, FactorError::Needed).await,
        Ok(Removed::OnlyWayIn) => refuse_removal(&app, &visit, FactorError::OnlyWayIn).await,
        Err(error) => html::fail(&app, &visit.headers, error),
    }
}

async fn refuse_removal(app: &App, visit: &Visit, error: FactorError) -> Response {
    let mut answer = list(app, visit, Some(error)).await;
    *answer.status_mut() = StatusCode::CONFLICT;
    answer
}

async fn make_codes(State(app): State<Arc<App>>, request: Request) -> Response {
    let visit = match open(&app, request, PATH).await {
        Ok(visit) => visit,
        Err(answer) => return answer,
    };
    let mut cookies = HeaderMap::new();
    match change::make_codes(&app, holder(&app, &visit), &mut cookies).await {
        Ok(Some(codes)) => codes_page::page(&app, &visit.headers, &visit.current, &codes, PATH, cookies),
        Ok(None) => html::see_other(PATH),
        Err(error) => html::fail(&app, &visit.headers, error),
    }
}

async fn passkey_options(State(app): State<Arc<App>>, request: Request) -> Response {
    let (_, visit) = match open_script::<IgnoredAny>(&app, request).await {
        Ok(opened) => opened,
        Err(answer) => return answer,
    };
    match passkeys::begin_registration(&app, &visit.headers, &visit.current, &visit.account).await {
        Ok(challenge) => script::challenge(challenge),
        Err(error) => html::fail(&app, &visit.headers, error),
    }
}

async fn add_passkey(State(app): State<Arc<App>>, request: Request) -> Response {
    let (answer, visit) = match open_script::<Answer>(&app, request).await {
        Ok(opened) => opened,
        Err(answer) => return answer,
    };
    let finished = passkeys::finish_registration(&app, &visit.headers, &visit.current, &answer);
    let Some((new, once)) = finished else {
        return script::refused();
    };
    let mut cookies = HeaderMap::new();
    match change::add(&app, holder(&app, &visit), new, once, &mut cookies).await {
        Ok(Added::Done(Some(codes))) => {
            script::show_codes(&recovery::seal(&app, &visit.current, &codes, PATH), cookies)
        }
        Ok(Added::Done(None)) => {
            let done = format!("{PATH}?done={}", AccountNotice::FactorAdded.as_str());
            script::go(&done, cookies)
        }
        Ok(Added::Used | Added::Refused) => script::refused(),
        Err(error) => html::fail(&app, &visit.headers, error),
    }
}
