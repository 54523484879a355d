//! `chancery account update`: second factors of accounts.

use protocol::session::MfaPolicy;
use store::Account;

use super::account::operate;
use super::{Context, Outcome, output};
use crate::administration::accounts::{self, Changes};
use crate::administration::{Actor, Expected};
use crate::app::App;

/// What `--mfa` may say: a policy, or `default` for what roles, client and server say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Policy(pub(super) Option<MfaPolicy>);

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
    let changes = Changes {
        mfa: Some(mfa.0),
        ..Changes::default()
    };
    let change = async |app: &App, actor: &Actor| {
        accounts::change(app, actor, account.id, changes, Expected::Any).await
    };
    operate(context, change).await?;
    output::line(format_args!("updated account {}", account.username));
    Ok(())
}
