//! `chancery account export`.

use store::Account;

use super::{Context, Failure, Outcome, links, output};
use crate::administration::{Actor, privacy};
use crate::error::{Error, chain};

/// Prints all data of an account as one document.
pub(super) async fn export(context: &Context, account: &Account) -> Outcome {
    let app = links::services(context).await?;
    let document = privacy::export(&app, &Actor::command_line(), account.id)
        .await
        .map_err(|error| match error {
            Error::Refused(refused) => Failure(refused.says()),
            Error::Failed(error) => Failure(chain(error.as_ref())),
        })?;
    output::line(format_args!("{document:#}"));
    Ok(())
}
