//! `chancery account invite` and `reset-link`.

use protocol::account::parse_email;
use store::Account;

use super::{Context, Failure, Outcome, output};
use crate::admission;
use crate::app::App;
use crate::clock::Clock;
use crate::config::Registration;
use crate::pages::Locale;
use crate::server;

/// The services of the server, which links and mails are made with.
pub(super) async fn services(context: &Context) -> Result<App, Failure> {
    server::open(context.config.clone(), Clock::System)
        .await
        .map_err(|e| Failure(e.to_string()))
}

/// Invites an address by mail, or prints the link.
pub(super) async fn invite(context: &Context, address: &str, language: &str, print: bool) -> Outcome {
    let email = parse_email(address).map_err(|problem| Failure(format!("{address:?} {problem}")))?;
    if context.config.accounts.registration == Registration::Closed {
        return Err(Failure::new(
            "nobody may register; set accounts.registration to \"invite\", or use `chancery account create`",
        ));
    }
    let app = services(context).await?;
    let locale = Locale::parse(language)
        .filter(|locale| app.pages.locales().contains(locale))
        .ok_or_else(|| Failure(format!("there is no language {language:?}")))?;
    let link = admission::invite(&app, &email, (!print).then_some(locale)).await?;
    let link = link.ok_or_else(|| Failure(format!("{email} already signs in to an account")))?;
    if print {
        output::line(link);
    } else {
        output::line(format_args!("invited {email}; the server sends the mail"));
    }
    Ok(())
}

/// Prints a link to a new password.
pub(super) async fn reset_link(context: &Context, account: &Account) -> Outcome {
    if account.disabled {
        return Err(Failure(format!(
            "{0} may not sign in; `chancery account enable {0}` allows it",
            account.username
        )));
    }
    let app = services(context).await?;
    output::line(admission::reset_link(&app, account).await?);
    Ok(())
}
