//! `/sign-up/confirm`: the link of the mail. Opening it changes nothing, for programs open links too; its button makes
//! the account, once.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use protocol::secret::Secret;

use super::super::password::{busy, too_many};
use super::super::visitor::Visitor;
use super::application::Application;
use super::finish;
use crate::app::App;
use crate::config::Registration;
use crate::links::{self, Link, Purpose};
use crate::pages::{Notice, Page, SignUpConfirmPage, SignUpError};
use crate::rate_limit::Limit;
use crate::web::client_ip::ClientAddress;

/// Who follows a link, and what it stands for.
struct Confirmation {
    visitor: Visitor,
    token: Secret,
    link: Link<Application>,
}

impl Confirmation {
    async fn open(app: &App, request: Request) -> Result<Confirmation, Response> {
        let mut visitor = Visitor::open(app, request).await?;
        let from_form = visitor.form.take("t");
        let token = Secret::new(from_form.or_else(|| visitor.query.take("t")).unwrap_or_default());
        let found = if app.config.accounts.registration == Registration::Open {
            links::find::<Application>(app, Purpose::Register, token.expose())
                .await
                .map_err(|error| visitor.fail(app, error))?
        } else {
            None
        };
        let Some(link) = found else {
            return Err(visitor.notice(app, StatusCode::BAD_REQUEST, Notice::SignUpLink, "/login"));
        };
        if let Some(sealed) = &link.content.interaction {
            visitor.bring(app, sealed.clone()).await?;
        }
        Ok(Confirmation { visitor, token, link })
    }

    /// In another browser than the one that asked, the mailbox alone is not enough: whoever asked for the account with
    /// an address that is not theirs would otherwise hold the password of an account that its owner confirmed.
    fn asks_password(&self) -> bool {
        self.link.content.browser != self.visitor.fingerprint()
    }

    fn form(&self, app: &App, error: Option<SignUpError>) -> Response {
        let page = Page::SignUpConfirm(SignUpConfirmPage {
            action: "/sign-up/confirm",
            csrf: &self.visitor.csrf(app),
            token: self.token.expose(),
            username: &self.link.content.username,
            ask_password: self.asks_password(),
            error,
        });
        let status = if error.is_some() {
            StatusCode::BAD_REQUEST
        } else {
            StatusCode::OK
        };
        self.visitor.page(app, status, &page)
    }
}

pub(in crate::login) async fn show(State(app): State<Arc<App>>, request: Request) -> Response {
    match Confirmation::open(&app, request).await {
        Ok(confirmation) => confirmation.form(&app, None),
        Err(refusal) => refusal,
    }
}

pub(in crate::login) async fn submit(
    State(app): State<Arc<App>>,
    Extension(address): Extension<ClientAddress>,
    request: Request,
) -> Response {
    let mut confirmation = match Confirmation::open(&app, request).await {
        Ok(confirmation) => confirmation,
        Err(refusal) => return refusal,
    };
    if confirmation.asks_password()
        && let Err(refusal) = prove(&app, &mut confirmation).await
    {
        return refusal;
    }
    let Confirmation { visitor, link, .. } = confirmation;
    finish(&app, &visitor, link.content, link.hash, address).await
}

/// Has the person show that it was they who asked.
async fn prove(app: &App, confirmation: &mut Confirmation) -> Result<(), Response> {
    let password = Secret::new(confirmation.visitor.form.take("password").unwrap_or_default());
    let key = confirmation.link.content.email.to_lowercase();
    if let Err(exceeded) = app.limits.admit(Limit::SignInPerAccount, &key).await {
        let page = confirmation.form(app, Some(SignUpError::TooMany));
        return Err(too_many(page, &exceeded));
    }
    let hash = confirmation.link.content.password_hash.clone();
    let password = crate::passwords::policy::normal(password.expose());
    match app.passwords.verify(Some(hash), &password).await {
        Ok(verdict) if verdict.matches => Ok(()),
        Ok(_) => Err(confirmation.form(app, Some(SignUpError::Mismatch))),
        Err(_) => {
            let page = confirmation.form(app, Some(SignUpError::Busy));
            Err(busy(page))
        }
    }
}
