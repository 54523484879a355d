//! `chancery account update` and `reset-factors`: second factors of accounts.

use protocol::session::MfaPolicy;
use store::{Account, Conn, accounts, audit, factors, grants, sessions};

use super::account::about;
use super::{Context, Failure, Outcome, output};

/// What `--mfa` may say: a policy, or `default` for what roles, client and server say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Policy(Option<MfaPolicy>);

/// Reads `--mfa`.
pub(super) fn policy(text: &str) -> Result<Policy, String> {
    match (text, MfaPolicy::parse(text)) {
        ("default", _) => Ok(Policy(None)),
        (_, Some(policy)) => Ok(Policy(Some(policy))),
        _ => Err("must be off, if-enrolled, required or default".to_owned()),
    }
}

/// Says whether an account must prove a second factor.
pub(super) async fn update(context: &Context, account: Account, mfa: Policy) -> Outcome {
    let (now, name) = (context.now, account.username);
    let id = account.id;
    context
        .store
        .write(async move |db: &mut Conn| {
            // As it is now: its holder may have changed the rest meanwhile.
            let Some(mut account) = accounts::find_locked(db, id).await? else {
                return Ok(());
            };
            account.mfa = mfa.0;
            accounts::update(db, &account, now).await?;
            audit::record(db, &about("account.updated", account.id, now)).await
        })
        .await?;
    output::line(format_args!("updated account {name}"));
    Ok(())
}

/// Takes all second factors from an account that has lost them, and ends what it opened.
pub(super) async fn reset(context: &Context, account: &Account) -> Outcome {
    let (id, now) = (account.id, context.now);
    let (removed, ended) = context
        .store
        .write(async move |db: &mut Conn| {
            let removed = factors::delete_all(db, id).await?;
            let ended = sessions::end_all(db, id, now).await?;
            grants::revoke_for_account(db, id, now).await?;
            audit::record(db, &about("account.factors_reset", id, now)).await?;
            Ok((removed, ended))
        })
        .await
        .map_err(Failure::from)?;
    output::line(format_args!(
        "removed {removed} second factors of account {} and all its recovery codes; {ended} sessions ended",
        account.username
    ));
    Ok(())
}
