//! `/enrol`: a second factor for an account that must have one and has none yet.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::response::Response;
use protocol::interaction::Next;
use protocol::secret::Secret;
use serde::de::IgnoredAny;
use store::{Account, Conn, StoreError};

use super::{Visit, passkey};
use crate::app::App;
use crate::browser::Current;
use crate::decision::decide;
use crate::factors::change::{self, Added, Holder, Once};
use crate::factors::passkeys::{self, Answer};
use crate::factors::totp::{self, Confirmation, Draft};
use crate::factors::{codes_page, recovery, script};
use crate::html;
use crate::pages::{FactorError, Page, PasskeyCard, TotpCard};

/// Who must enrol here. None when another step comes first, or none is left.
async fn person(app: &App, visit: &Visit) -> Result<Option<(Current, Account)>, StoreError> {
    let decision = decide(app, &visit.headers, visit.client(), &visit.interaction).await?;
    let (Next::Enrol, Some(current)) = (decision.step, decision.current) else {
        return Ok(None);
    };
    let id = current.session.account_id;
    let account = app
        .store
        .read(async move |db: &mut Conn| store::accounts::find(db, id).await)
        .await?;
    Ok(account.map(|account| (current, account)))
}

fn form(app: &App, visit: &Visit, draft: &Draft, name: &str, error: Option<FactorError>) -> Response {
    let csrf = visit.csrf(app);
    let (options, finish) = (
        visit.action("/enrol/passkey/options"),
        visit.action("/enrol/passkey"),
    );
    let passkey = PasskeyCard {
        options: &options,
        finish: &finish,
        csrf: &csrf,
    };
    visit.page(
        app,
        &Page::Enrol {
            client: visit.card(),
            action: &visit.action("/enrol"),
            csrf: &csrf,
            totp: TotpCard {
                sealed: &draft.sealed,
                secret: draft.secret.expose(),
                qr_size: draft.qr.size,
                qr_path: &draft.qr.path,
                name,
            },
            passkey: passkeys::available(app).then_some(passkey),
            error,
            form_targets: &visit.form_targets(),
        },
    )
}

pub(super) async fn show(State(app): State<Arc<App>>, request: Request) -> Response {
    let visit = match Visit::open(&app, request).await {
        Ok(visit) => visit,
        Err(refusal) => return refusal,
    };
    match person(&app, &visit).await {
        Ok(Some((current, account))) => {
            let draft = totp::begin(&app, &current, &account.username);
            form(&app, &visit, &draft, "", None)
        }
        Ok(None) => visit.resume(&app),
        Err(error) => html::fail(&app, &visit.headers, error),
    }
}

pub(super) async fn submit(State(app): State<Arc<App>>, request: Request) -> Response {
    let mut visit = match Visit::open(&app, request).await {
        Ok(visit) => visit,
        Err(refusal) => return refusal,
    };
    let code = Secret::new(visit.form.take("code").unwrap_or_default());
    let field = |name| visit.form.get(name).unwrap_or_default();
    let (sealed, name) = (field("draft"), field("name"));
    let (current, account) = match person(&app, &visit).await {
        Ok(Some(person)) => person,
        Ok(None) => return visit.resume(&app),
        Err(error) => return html::fail(&app, &visit.headers, error),
    };
    let confirmed = match totp::confirm(&app, &current, sealed, &code, name) {
        Confirmation::Right(confirmed) => *confirmed,
        Confirmation::Wrong => {
            let draft = totp::again(&app, &current, &account.username, sealed)
                .unwrap_or_else(|| totp::begin(&app, &current, &account.username));
            return form(&app, &visit, &draft, name, Some(FactorError::Mismatch));
        }
        Confirmation::Expired => {
            let draft = totp::begin(&app, &current, &account.username);
            return form(&app, &visit, &draft, name, Some(FactorError::Expired));
        }
    };
    let once = Once {
        hash: confirmed.once,
        expires_at: confirmed.expires_at,
    };
    let holder = holder(&app, &visit, &current, &account);
    let new = change::New::Totp(confirmed.factor);
    let mut cookies = HeaderMap::new();
    match change::add(&app, holder, new, once, &mut cookies).await {
        Ok(Added::Done(Some(codes))) => {
            let next = visit.resume_path(&app);
            codes_page::page(&app, &visit.headers, &current, &codes, &next, cookies)
        }
        Ok(_) => {
            let mut answer = visit.resume(&app);
            answer.headers_mut().extend(cookies);
            answer
        }
        Err(error) => html::fail(&app, &visit.headers, error),
    }
}

fn holder<'a>(app: &App, visit: &Visit, current: &'a Current, account: &'a Account) -> Holder<'a> {
    Holder {
        current,
        account,
        locale: html::locale(app, &visit.headers, None),
    }
}

/// `POST /enrol/passkey/options`
pub(super) async fn passkey_options(State(app): State<Arc<App>>, request: Request) -> Response {
    let (_, visit) = match passkey::open::<IgnoredAny>(&app, request).await {
        Ok(opened) => opened,
        Err(refusal) => return refusal,
    };
    let begun = async {
        let Some((current, account)) = person(&app, &visit).await? else {
            return Ok(None);
        };
        passkeys::begin_registration(&app, &visit.headers, &current, &account).await
    };
    match begun.await {
        Ok(challenge) => script::challenge(challenge),
        Err(error) => html::fail(&app, &visit.headers, error),
    }
}

/// `POST /enrol/passkey`
pub(super) async fn passkey_submit(State(app): State<Arc<App>>, request: Request) -> Response {
    let (answer, visit) = match passkey::open::<Answer>(&app, request).await {
        Ok(opened) => opened,
        Err(refusal) => return refusal,
    };
    let (current, account) = match person(&app, &visit).await {
        Ok(Some(person)) => person,
        Ok(None) => return script::refused(),
        Err(error) => return html::fail(&app, &visit.headers, error),
    };
    let Some((new, once)) = passkeys::finish_registration(&app, &visit.headers, &current, &answer) else {
        return script::refused();
    };
    let holder = holder(&app, &visit, &current, &account);
    let mut cookies = HeaderMap::new();
    match change::add(&app, holder, new, once, &mut cookies).await {
        Ok(Added::Done(Some(codes))) => {
            let next = visit.resume_path(&app);
            script::show_codes(&recovery::seal(&app, &current, &codes, &next), cookies)
        }
        Ok(Added::Done(None)) => script::go(&visit.resume_path(&app), cookies),
        Ok(Added::Used | Added::Refused) => script::refused(),
        Err(error) => html::fail(&app, &visit.headers, error),
    }
}
