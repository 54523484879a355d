//! `/reset`: a new password, by a link that works once. Nobody is signed in by it, and second factors stay as they are.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use protocol::secret::Secret;
use protocol::session::MfaPolicy;
use store::{Account, Conn, StoreError};

use super::password::busy;
use super::visitor::Visitor;
use crate::admission::Reset;
use crate::app::App;
use crate::credentials::{self, Changed, PasswordChange};
use crate::links::{self, Link, Purpose};
use crate::pages::{Notice, Page, ResetPage, SignUpError};

/// Who follows a link, and whose it is.
struct Recovery {
    visitor: Visitor,
    token: Secret,
    link: Link<Reset>,
    account: Account,
    second_factor: MfaPolicy,
}

impl Recovery {
    async fn open(app: &App, request: Request) -> Result<Recovery, Response> {
        let mut visitor = Visitor::open(app, request).await?;
        let from_form = visitor.form.take("t");
        let token = Secret::new(from_form.or_else(|| visitor.query.take("t")).unwrap_or_default());
        match find(app, token.expose()).await {
            Ok(Some((link, account, second_factor))) => {
                if let Some(sealed) = &link.content.interaction {
                    visitor.bring(app, sealed.clone()).await?;
                }
                Ok(Recovery {
                    visitor,
                    token,
                    link,
                    account,
                    second_factor,
                })
            }
            Ok(None) => Err(dead(app, &visitor)),
            Err(error) => Err(visitor.fail(app, error)),
        }
    }

    fn form(&self, app: &App, error: Option<SignUpError>) -> Response {
        let page = Page::Reset(ResetPage {
            action: "/reset",
            csrf: &self.visitor.csrf(app),
            token: self.token.expose(),
            username: &self.account.username,
            password_min_length: credentials::min_length(&app.config, self.second_factor),
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

/// The link of this token and its account, as long as that may sign in and still has the address that was mailed.
async fn find(app: &App, token: &str) -> Result<Option<(Link<Reset>, Account, MfaPolicy)>, StoreError> {
    let Some(link) = links::find::<Reset>(app, Purpose::ResetPassword, token).await? else {
        return Ok(None);
    };
    let Some(id) = link.account_id else {
        return Ok(None);
    };
    let now = app.now();
    let (account, authority) = app
        .store
        .read(async move |db: &mut Conn| {
            let account = store::accounts::find(db, id).await?;
            Ok((account, store::roles::authority(db, id, now).await?))
        })
        .await?;
    let mailed = link.content.email.clone();
    let account =
        account.filter(|account| !account.disabled && (mailed.is_none() || account.email == mailed));
    Ok(account.map(|account| {
        let stated = [account.mfa, authority.mfa];
        let second_factor = MfaPolicy::effective(stated, app.config.accounts.mfa);
        (link, account, second_factor)
    }))
}

fn dead(app: &App, visitor: &Visitor) -> Response {
    visitor.notice(app, StatusCode::BAD_REQUEST, Notice::ResetLink, "/forgot")
}

pub(super) async fn show(State(app): State<Arc<App>>, request: Request) -> Response {
    match Recovery::open(&app, request).await {
        Ok(recovery) => recovery.form(&app, None),
        Err(refusal) => refusal,
    }
}

pub(super) async fn submit(State(app): State<Arc<App>>, request: Request) -> Response {
    let mut recovery = match Recovery::open(&app, request).await {
        Ok(recovery) => recovery,
        Err(refusal) => return refusal,
    };
    let new = Secret::new(recovery.visitor.form.take("password").unwrap_or_default());
    let change = PasswordChange {
        account: &recovery.account,
        new: &new,
        keep: None,
        link: Some(recovery.link.hash),
        locale: recovery.visitor.locale(&app),
    };
    match credentials::change_password(&app, change).await {
        Ok(Changed::Done) => {}
        Ok(Changed::Weak(weakness)) => return recovery.form(&app, Some(SignUpError::Weak(weakness))),
        Ok(Changed::LinkUsed) => return dead(&app, &recovery.visitor),
        Ok(Changed::Busy) => {
            return busy(recovery.form(&app, Some(SignUpError::Busy)));
        }
        Err(error) => return recovery.visitor.fail(&app, error),
    }
    match verify_email(&app, &recovery).await {
        Ok(()) => recovery
            .visitor
            .notice(&app, StatusCode::OK, Notice::ResetDone, "/login"),
        Err(error) => recovery.visitor.fail(&app, error),
    }
}

/// Who opened the mail has the mailbox, as long as the account still has the address.
async fn verify_email(app: &App, recovery: &Recovery) -> Result<(), StoreError> {
    let Some(email) = recovery.link.content.email.clone() else {
        return Ok(());
    };
    if recovery.account.email_verified {
        return Ok(());
    }
    let (id, now) = (recovery.account.id, app.now());
    let event = crate::audit::Event::now(app, "account.email_verified").account(id);
    app.store
        .write(async move |db: &mut Conn| {
            if store::accounts::verify_email(db, id, &email, now).await? {
                event.record(db).await?;
            }
            Ok(())
        })
        .await
}
