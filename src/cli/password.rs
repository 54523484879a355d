//! `chancery account set-password`: what whoever has a shell on the server does about passwords.

use serde_json::json;
use store::accounts::Account;
use store::{Conn, StoreError, audit};

use super::input::PasswordFrom;
use super::{Context, Failure, Outcome};
use super::{links, output};
use crate::administration::accounts::letter;
use crate::credentials::{Prepared, Replacement, Tools};
use crate::declarative::event;
use crate::fetch::Fetch;
use crate::mail::Mail;
use crate::passwords::Weakness;

/// The hash of the password that was given for an account, if any was.
pub(super) async fn hashed(
    context: &Context,
    account: &Account,
    from: &PasswordFrom,
) -> Result<Option<String>, Failure> {
    let Some(password) = from.read()? else {
        return Ok(None);
    };
    let (config, passwords) = (&context.config, context.passwords()?);
    let outbound = &config.outbound;
    let fetch = Fetch::new(&outbound.allowed_private_hosts, outbound.extra_ca_file.as_deref())
        .map_err(|error| Failure(error.to_string()))?;
    let tools = Tools {
        config,
        store: &context.store,
        passwords: &passwords,
        fetch: &fetch,
        now: context.now,
    };
    match tools.prepare(account, &password).await? {
        Prepared::Fit(hash) => Ok(Some(hash)),
        Prepared::Weak(Weakness::TooShort) => Err(Failure(format!(
            "the password is too short; accounts.password_min_length is {}",
            config.accounts.password_min_length
        ))),
        Prepared::Weak(weakness) => Err(Failure(format!("the password {}", weakness.says()))),
        Prepared::Busy => Err(Failure::new("passwords cannot be hashed now; try again")),
    }
}

/// Sets a password, ends what the old one opened and tells the owner.
pub(super) async fn set(
    context: &Context,
    account: &Account,
    from: &PasswordFrom,
    must_change: bool,
) -> Outcome {
    let Some(hash) = hashed(context, account, from).await? else {
        return Err(Failure::new(
            "no password was given; use --password-stdin, --password-file or CHANCERY_PASSWORD",
        ));
    };
    let (id, now) = (account.id, context.now);
    let app = links::services(context).await?;
    let told = letter(&app, account, &Mail::PasswordChanged);
    let replacement = Replacement {
        account: id,
        hash,
        keep: None,
        history: context.config.accounts.password_history,
        must_change,
        now,
    };
    let ended = context
        .store
        .write(async move |db: &mut Conn| -> Result<u64, StoreError> {
            let ended = replacement.write(db).await?;
            let set = audit::Event {
                account_id: Some(id),
                ..event("account.password_set", now, json!({}))
            };
            audit::record(db, &set).await?;
            if let Some(letter) = told {
                letter.queue(db).await?;
            }
            Ok(ended)
        })
        .await?;
    let name = &account.username;
    output::line(format_args!(
        "set the password of account {name}; {ended} sessions ended"
    ));
    Ok(())
}
