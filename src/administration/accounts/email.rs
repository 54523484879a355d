//! Another address for an account, given by an administrator: both mailboxes are told.

use protocol::account::{masked, parse_email};
use store::{Account, Conn, StoreError, action_tokens};

use super::locale;
use crate::administration::Refused;
use crate::app::App;
use crate::links::Purpose;
use crate::mail::{Letter, Mail};

/// Reads an address.
pub(super) fn parse(text: &str) -> Result<String, Refused> {
    parse_email(text).map_err(|problem| Refused::invalid("email", problem.to_string()))
}

/// The mails that tell the old and the new mailbox of a change.
pub(super) fn letters(app: &App, account: &Account, new: Option<&str>) -> Vec<Letter> {
    let new_masked = &new.map_or_else(|| "—".to_owned(), masked);
    let mail = Mail::EmailChanged { new_masked };
    account
        .email
        .as_deref()
        .into_iter()
        .chain(new)
        .map(|to| Letter::write(app, to, locale(app, account), &mail))
        .collect()
}

/// Ends what a link in the old mailbox could still do.
pub(super) async fn forget_links(db: &mut Conn, account: &Account) -> Result<(), StoreError> {
    for purpose in [
        Purpose::ConfirmEmail,
        Purpose::ResetPassword,
        Purpose::UndoEmail,
        Purpose::KeepAccount,
    ] {
        action_tokens::delete_for_account(db, account.id, purpose.as_str()).await?;
    }
    Ok(())
}
