//! `/sign-up`: an account for whoever may make one. What the answer says, and when, is the same whether or not the
//! address has an account; the mailbox alone learns the difference.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use protocol::account::{check_username, is_reserved, parse_email, parse_full_name};
use protocol::secret::{Secret, TokenHash};
use store::{Conn, StoreError};

use super::password::{busy, too_many};
use super::visitor::Visitor;
use crate::admission::Invitation;
use crate::app::App;
use crate::config::Registration;
use crate::credentials::{self, Prepared};
use crate::html;
use crate::links::{self, Link, Purpose};
use crate::pages::{Message, Notice, Page, SignUpError, SignUpPage};
use crate::rate_limit::{Limit, network};
use crate::web::client_ip::ClientAddress;

mod application;
pub(super) mod confirm;
mod mails;

use application::{Application, Made, make};

/// Who may register here and now.
enum Admission {
    /// Whoever has a mailbox.
    Open,
    /// Who holds this invitation.
    Invited(Link<Invitation>),
}

/// Finds out whether this visitor may register; `token` is that of an invitation.
async fn admit(app: &App, visitor: &Visitor, token: &str) -> Result<Admission, Response> {
    let registration = app.config.accounts.registration;
    if registration == Registration::Closed {
        let (missing, message) = (StatusCode::NOT_FOUND, Message::NotFound);
        return Err(html::refuse(app, &visitor.headers, missing, "not_found", message));
    }
    let invitation = if token.is_empty() {
        None
    } else {
        links::find(app, Purpose::Invite, token)
            .await
            .map_err(|error| visitor.fail(app, error))?
    };
    match (invitation, registration) {
        (Some(invitation), _) => Ok(Admission::Invited(invitation)),
        (None, Registration::Open) => Ok(Admission::Open),
        (None, _) => Err(visitor.notice(app, StatusCode::FORBIDDEN, Notice::SignUpInvite, "/login")),
    }
}

pub(super) async fn show(State(app): State<Arc<App>>, request: Request) -> Response {
    let visitor = match Visitor::open(&app, request).await {
        Ok(visitor) => visitor,
        Err(refusal) => return refusal,
    };
    let token = visitor.query.get("invite").unwrap_or_default();
    match admit(&app, &visitor, token).await {
        Ok(admission) => form(&app, &visitor, &admission, token, None),
        Err(refusal) => refusal,
    }
}

fn form(
    app: &App,
    visitor: &Visitor,
    admission: &Admission,
    token: &str,
    error: Option<SignUpError>,
) -> Response {
    let typed = |name| visitor.form.get(name).unwrap_or_default();
    let (invite, email) = match admission {
        Admission::Open => ("", typed("email")),
        Admission::Invited(invitation) => (token, invitation.content.email.as_str()),
    };
    let page = Page::SignUp(SignUpPage {
        client: visitor.card(),
        action: &visitor.action("/sign-up"),
        csrf: &visitor.csrf(app),
        invite,
        email_is_fixed: matches!(admission, Admission::Invited(_)),
        username: typed("username"),
        email,
        name: typed("name"),
        password_min_length: credentials::min_length(&app.config, app.config.accounts.mfa),
        error,
        sign_in: &visitor.action("/login"),
    });
    let status = match error {
        None => StatusCode::OK,
        Some(SignUpError::Busy) => StatusCode::SERVICE_UNAVAILABLE,
        Some(SignUpError::TooMany) => StatusCode::TOO_MANY_REQUESTS,
        Some(_) => StatusCode::BAD_REQUEST,
    };
    let answer = visitor.page(app, status, &page);
    match error {
        Some(SignUpError::Busy) => busy(answer),
        _ => answer,
    }
}

pub(super) async fn submit(
    State(app): State<Arc<App>>,
    Extension(address): Extension<ClientAddress>,
    request: Request,
) -> Response {
    let mut visitor = match Visitor::open(&app, request).await {
        Ok(visitor) => visitor,
        Err(refusal) => return refusal,
    };
    let password = Secret::new(visitor.form.take("password").unwrap_or_default());
    let token = visitor.form.take("invite").unwrap_or_default();
    let admission = match admit(&app, &visitor, &token).await {
        Ok(admission) => admission,
        Err(refusal) => return refusal,
    };
    let admitted = app
        .limits
        .admit(Limit::RegisterPerAddress, &network(address.0))
        .await;
    if let Err(exceeded) = admitted {
        let page = form(&app, &visitor, &admission, &token, Some(SignUpError::TooMany));
        return too_many(page, &exceeded);
    }
    let application = match apply(&app, &visitor, &admission, &password).await {
        Ok(Ok(application)) => application,
        Ok(Err(refused)) => return form(&app, &visitor, &admission, &token, Some(refused)),
        Err(error) => return visitor.fail(&app, error),
    };
    match admission {
        Admission::Open => {
            mails::send_later(&app, application, visitor.locale(&app));
            visitor.notice(&app, StatusCode::OK, Notice::SignUpMail, "/login")
        }
        // Where the invitation was mailed to this address, a second mail would prove nothing more.
        Admission::Invited(invitation) => finish(&app, &visitor, application, invitation.hash, address).await,
    }
}

/// What was typed, checked, with the password hashed. Nothing here depends on whether the address is known.
async fn apply(
    app: &App,
    visitor: &Visitor,
    admission: &Admission,
    password: &Secret,
) -> Result<Result<Application, SignUpError>, StoreError> {
    let typed = |name| visitor.form.get(name).unwrap_or_default();
    let username = typed("username").trim();
    if check_username(username).is_err() {
        return Ok(Err(SignUpError::Username));
    }
    let email = match admission {
        Admission::Invited(invitation) => invitation.content.email.clone(),
        Admission::Open => match parse_email(typed("email")) {
            Ok(email) => email,
            Err(_) => return Ok(Err(SignUpError::Email)),
        },
    };
    let Ok(name) = parse_full_name(typed("name")) else {
        return Ok(Err(SignUpError::Name));
    };
    if is_taken(app, username).await? {
        return Ok(Err(SignUpError::UsernameTaken));
    }
    let mut application = Application {
        username: username.to_owned(),
        email,
        email_verified: match admission {
            // Nothing is made before the mail was answered.
            Admission::Open => true,
            Admission::Invited(invitation) => invitation.content.mailed,
        },
        name,
        password_hash: String::new(),
        browser: visitor.fingerprint(),
        interaction: visitor.sealed().map(str::to_owned),
    };
    match credentials::prepare(app, &application.account(app), password).await? {
        Prepared::Fit(hash) => application.password_hash = hash,
        Prepared::Weak(weakness) => return Ok(Err(SignUpError::Weak(weakness))),
        Prepared::Busy => return Ok(Err(SignUpError::Busy)),
    }
    Ok(Ok(application))
}

/// Whether nobody may choose this user name. User names are public, so this may be told.
async fn is_taken(app: &App, username: &str) -> Result<bool, StoreError> {
    if is_reserved(username, &app.config.accounts.reserved_usernames) {
        return Ok(true);
    }
    let login = username.to_owned();
    let found = app
        .store
        .read(async move |db: &mut Conn| store::accounts::find_by_login(db, &login).await)
        .await?;
    Ok(found.is_some())
}

/// Makes the account that a link stands for, and says what came of it.
async fn finish(
    app: &App,
    visitor: &Visitor,
    application: Application,
    link: TokenHash,
    address: ClientAddress,
) -> Response {
    let refused = |notice, path| visitor.notice(app, StatusCode::CONFLICT, notice, path);
    match make(app, application, link, address).await {
        Ok(Made::Account) => visitor.notice(app, StatusCode::OK, Notice::SignUpDone, "/login"),
        Ok(Made::LinkUsed) => visitor.notice(app, StatusCode::BAD_REQUEST, Notice::SignUpLink, "/login"),
        Ok(Made::UsernameTaken) => refused(Notice::SignUpName, "/sign-up"),
        Ok(Made::EmailTaken) => refused(Notice::SignUpEmail, "/login"),
        Err(error) => visitor.fail(app, error),
    }
}
