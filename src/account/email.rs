//! `/account/email`: asking for another address. Nothing changes until the mailboxes have answered.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
pub(super) use protocol::account::masked;
use protocol::account::parse_email;
use protocol::interaction::FRESH;
use protocol::secret::TokenHash;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{Account, Conn, StoreError};

use super::Visit;
use crate::app::App;
use crate::audit::Event;
use crate::html;
use crate::links::{NewLink, Purpose};
use crate::mail::{Letter, Mail};
use crate::pages::{AccountNotice, AccountPart, EmailError, Locale, Page};
use crate::rate_limit::{self, Exceeded, Limit};
use crate::web::client_ip::ClientAddress;

/// What a link that confirms a change carries.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct EmailChange {
    /// The address until now.
    pub(super) old: Option<String>,
    /// The address asked for.
    pub(super) new: String,
    /// Whether the old mailbox must confirm too.
    pub(super) both: bool,
}

/// What a link that takes a change back carries.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct EmailBefore {
    /// The address before the change.
    pub(super) email: String,
    /// Whether it was known to be the holder's.
    pub(super) verified: bool,
    /// The ways back that were there before this one.
    pub(super) earlier: Vec<[u8; 32]>,
}

/// What came of asking.
#[derive(Debug)]
pub(super) enum Asked {
    /// Mails are on their way.
    Sent,
    /// The text is no address.
    Invalid,
    /// It is the address that the account has.
    Same,
    /// Too many mails lately.
    TooMany(Exceeded),
}

/// The language for mails to an account: the one its profile names, or that of the browser.
pub(super) fn mail_locale(app: &App, account: &Account, browser: Locale) -> Locale {
    let named = account.claims.get("locale").and_then(Value::as_str);
    app.pages.locale(named, Some(browser.tag()))
}

/// Asks the mailboxes whether an account's address may change. Whoever asks learns nothing about other accounts: to
/// an address that one of them has goes another mail.
pub(super) async fn ask(
    app: &App,
    account: &Account,
    typed: &str,
    address: ClientAddress,
    locale: Locale,
) -> Result<Asked, StoreError> {
    let Ok(new) = parse_email(typed) else {
        return Ok(Asked::Invalid);
    };
    let key = new.to_lowercase();
    if account
        .email
        .as_ref()
        .is_some_and(|old| old.to_lowercase() == key)
    {
        return Ok(Asked::Same);
    }
    let (id, now) = (account.id, app.now());
    let recipient = rate_limit::recipient(&new);
    for (limit, key) in [
        (Limit::MailPerAddress, rate_limit::network(address.0)),
        (Limit::MailPerRecipient, format!("{recipient} for {id}")),
    ] {
        if let Err(exceeded) = app.limits.admit(limit, &key).await {
            return Ok(Asked::TooMany(exceeded));
        }
    }
    // Whether others had mails sent there is not told: some are sent only to an address that an account has.
    let reachable = app.limits.take(Limit::MailPerRecipient, &recipient).await.allowed;
    let (holder, earlier) = app
        .store
        .read(async move |db: &mut Conn| {
            let holder = store::accounts::find_by_login(db, &key).await?;
            let undo = Purpose::UndoEmail.as_str();
            let earlier = store::action_tokens::list_for_account(db, id, undo, now).await?;
            Ok((holder.filter(|holder| holder.id != id), earlier))
        })
        .await?;
    let locale = mail_locale(app, account, locale);
    let mut questions = if reachable {
        questions(app, account, &new, holder.as_ref(), locale)
    } else {
        tracing::info!(account.id = %id, "an address got enough mails lately; it is not asked");
        Questions::default()
    };
    questions.ask_old_mailbox(app, account, &new, earlier, locale);
    let event = Event::now(app, "account.email_change_asked")
        .account(id)
        .from(address);
    let old = account.email.clone();
    app.store
        .write(async move |db: &mut Conn| {
            let found = store::accounts::find_locked(db, id).await?;
            if found.is_none_or(|found| found.disabled || found.email != old) {
                // Somebody was faster, such as who took the last change back: these questions have no meaning any more.
                return Ok(());
            }
            store::action_tokens::delete_for_account(db, id, Purpose::ConfirmEmail.as_str()).await?;
            for link in &questions.links {
                link.insert(db).await?;
            }
            for letter in &questions.letters {
                letter.queue(db).await?;
            }
            event.record(db).await
        })
        .await?;
    Ok(Asked::Sent)
}

/// What is asked of the mailboxes, and what they are told.
#[derive(Default)]
struct Questions {
    links: Vec<NewLink>,
    letters: Vec<Letter>,
}

fn questions(app: &App, account: &Account, new: &str, holder: Option<&Account>, locale: Locale) -> Questions {
    let mut questions = Questions::default();
    match holder {
        None => {
            let link = confirm(app, account, "new", new);
            let mail = Mail::ConfirmNewEmail {
                name: &account.username,
                link: &link.url,
            };
            questions.letters.push(Letter::write(app, new, locale, &mail));
            questions.links.push(link);
        }
        Some(holder) => {
            let mail = Mail::AlreadyRegistered {
                sign_in: &format!("{}/login", app.issuer()),
                reset: &format!("{}/forgot", app.issuer()),
            };
            let (to, locale) = (
                holder.email.as_deref().unwrap_or(new),
                mail_locale(app, holder, locale),
            );
            questions.letters.push(Letter::write(app, to, locale, &mail));
        }
    }
    questions
}

fn confirm(app: &App, account: &Account, mailbox: &str, new: &str) -> NewLink {
    let change = EmailChange {
        old: account.email.clone(),
        new: new.to_owned(),
        both: needs_both(account),
    };
    let subject = format!("{}/{mailbox}", account.id);
    NewLink::new(app, Purpose::ConfirmEmail, &subject, Some(account.id), &change)
}

/// Whether the mailbox of the old address must agree to another one.
fn needs_both(account: &Account) -> bool {
    account.email.is_some() && account.email_verified
}

impl Questions {
    /// Tells the old mailbox, with a way back, and asks it where it is known to be the holder's.
    fn ask_old_mailbox(
        &mut self,
        app: &App,
        account: &Account,
        new: &str,
        earlier: Vec<TokenHash>,
        locale: Locale,
    ) {
        let Some(old) = &account.email else { return };
        // One for each address that the account had: a later change must not void the way back to this one.
        let subject = format!("{}/{}", account.id, old.to_lowercase());
        let before = EmailBefore {
            email: old.clone(),
            verified: account.email_verified,
            earlier: earlier.into_iter().map(|hash| hash.0).collect(),
        };
        let undo = NewLink::new(app, Purpose::UndoEmail, &subject, Some(account.id), &before);
        let new_masked = &masked(new);
        if needs_both(account) {
            let link = confirm(app, account, "old", new);
            let mail = Mail::ConfirmEmailChange {
                new_masked,
                link: &link.url,
                undo: &undo.url,
            };
            self.letters.push(Letter::write(app, old, locale, &mail));
            self.links.push(link);
        } else {
            let mail = Mail::EmailChangeAsked {
                new_masked,
                undo: &undo.url,
            };
            self.letters.push(Letter::write(app, old, locale, &mail));
        }
        self.links.push(undo);
    }
}

pub(super) async fn show(State(app): State<Arc<App>>, request: Request) -> Response {
    match Visit::open(&app, request, "/account/email", Some(FRESH)).await {
        Ok(visit) => form(&app, &visit, StatusCode::OK, None),
        Err(answer) => answer,
    }
}

fn form(app: &App, visit: &Visit, status: StatusCode, error: Option<EmailError>) -> Response {
    let account = &visit.account;
    let page = Page::AccountEmail {
        frame: visit.frame(AccountPart::Profile),
        email: account.email.as_deref(),
        both: needs_both(account),
        typed: visit.form.get("email").unwrap_or_default(),
        error,
    };
    visit.page(app, status, &page)
}

pub(super) async fn submit(State(app): State<Arc<App>>, request: Request) -> Response {
    let visit = match Visit::open(&app, request, "/account/email", Some(FRESH)).await {
        Ok(visit) => visit,
        Err(answer) => return answer,
    };
    let typed = visit.form.get("email").unwrap_or_default();
    let refuse = |error| form(&app, &visit, StatusCode::BAD_REQUEST, Some(error));
    match ask(&app, &visit.account, typed, visit.address, visit.locale(&app)).await {
        Ok(Asked::Sent) => visit.done("/account", AccountNotice::EmailAsked),
        Ok(Asked::Invalid) => refuse(EmailError::Invalid),
        Ok(Asked::Same) => refuse(EmailError::Same),
        Ok(Asked::TooMany(exceeded)) => {
            let status = StatusCode::TOO_MANY_REQUESTS;
            let mut answer = form(&app, &visit, status, Some(EmailError::TooMany));
            exceeded.describe(answer.headers_mut());
            answer
        }
        Err(error) => html::fail(&app, &visit.headers, error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_address_keeps_what_its_owner_knows_it_by() {
        assert_eq!(masked("alice@example.org"), "a•••@example.org");
        assert_eq!(masked("nonsense"), "•••");
    }
}
