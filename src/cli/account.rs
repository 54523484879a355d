//! `chancery account …`

use std::collections::BTreeSet;

use protocol::account::parse_email;
use protocol::id::AccountId;
use protocol::time::Timestamp;
use serde_json::{Value, json};
use store::accounts::Account;
use store::{Conn, accounts, audit, credentials, roles, sessions};

use super::input::PasswordFrom;
use super::output::{self, Format};
use super::{Context, Failure, Outcome, assignments, factors, links, password, privacy};
use crate::administration::accounts::check_username;
use crate::administration::{self, Actor, Expected};
use crate::app::App;
use crate::declarative::{blank_account, event, is_name};
use crate::error::{Error, chain};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// List all accounts
    List(Format),
    /// Show an account, its roles and its factors
    Show {
        /// The user name or mail address
        name: String,
        #[command(flatten)]
        format: Format,
    },
    /// Make an account
    Create {
        /// The user name
        username: String,
        /// The mail address
        #[arg(long)]
        email: Option<String>,
        /// The address is known to be theirs
        #[arg(long, requires = "email")]
        email_verified: bool,
        /// The full name
        #[arg(long)]
        name: Option<String>,
        /// A role to hold; may be repeated
        #[arg(long)]
        role: Vec<String>,
        /// A permission beyond the roles; may be repeated
        #[arg(long)]
        permission: Vec<String>,
        #[command(flatten)]
        password: PasswordFrom,
    },
    /// Remove an account and end what it opened
    Delete {
        /// The user name or mail address
        name: String,
    },
    /// Refuse sign-in and end what the account opened
    Disable {
        /// The user name or mail address
        name: String,
    },
    /// Allow sign-in again
    Enable {
        /// The user name or mail address
        name: String,
    },
    /// Change an account
    Update {
        /// The user name or mail address
        name: String,
        /// Whether a second factor must be proved: off, if-enrolled, required, or default
        #[arg(long, value_parser = factors::policy)]
        mfa: factors::Policy,
    },
    /// Remove all second factors of an account and end what it opened
    ResetFactors {
        /// The user name or mail address
        name: String,
    },
    /// Invite somebody to make an account
    Invite {
        /// The mail address
        email: String,
        /// The language of the mail
        #[arg(long, default_value = "en", value_name = "TAG")]
        language: String,
        /// Print the link and send no mail
        #[arg(long)]
        print: bool,
    },
    /// Print all data of an account as one JSON document, without secrets
    Export {
        /// The user name or mail address
        name: String,
    },
    /// Print a one-time link to a new password, to be handed over
    ResetLink {
        /// The user name or mail address
        name: String,
    },
    /// Say why an account cannot sign in, and what helps
    Diagnose {
        /// The user name or mail address
        name: String,
        #[command(flatten)]
        format: Format,
    },
    /// Say how safe an account is, and what would make it safer
    SecurityReport {
        /// The user name or mail address
        name: String,
        #[command(flatten)]
        format: Format,
    },
    /// Let passwords and second factors be tried again after too many wrong ones
    Unlock {
        /// The user name or mail address
        name: String,
    },
    /// Give an account a role
    GrantRole {
        /// The user name or mail address
        name: String,
        /// The role
        role: String,
        /// Take it back after this time, such as 30d
        #[arg(long, value_name = "TIME")]
        expires: Option<protocol::time::Lifetime>,
    },
    /// Take a role from an account
    RevokeRole {
        /// The user name or mail address
        name: String,
        /// The role
        role: String,
    },
    /// Set a password and end what the old one opened
    SetPassword {
        /// The user name or mail address
        name: String,
        /// Ask for another one at the next sign-in; `--must-change=false` does not
        #[arg(long, default_value_t = true, default_missing_value = "true", num_args = 0..=1, require_equals = true, action = clap::ArgAction::Set)]
        must_change: bool,
        #[command(flatten)]
        password: PasswordFrom,
    },
}

pub(super) async fn run(context: &Context, verb: Verb) -> Outcome {
    match verb {
        Verb::List(format) => {
            let all = context
                .store
                .read(async move |db: &mut Conn| crate::declarative::all_accounts(db).await)
                .await?;
            let columns = ["username", "email", "disabled", "last_login_at", "managed_by"];
            output::many(format, &columns, all.iter().map(document).collect())
        }
        Verb::Show { name, format } => show(context, &name, format).await,
        Verb::Create {
            username,
            email,
            email_verified,
            name,
            role,
            permission,
            password,
        } => {
            check_username(&username).map_err(|problem| Failure(format!("the user name {problem}")))?;
            let email = email.as_deref().map(address).transpose()?;
            if let Some(bad) = permission.iter().find(|name| !is_name(name)) {
                return Err(Failure(format!(
                    "permission {bad:?} must be printable ASCII without spaces"
                )));
            }
            let mut account = Account {
                email,
                email_verified,
                managed_by: None,
                ..blank_account(&username, context.now)
            };
            if let Some(name) = name {
                account.claims.insert("name".to_owned(), json!(name));
            }
            let hash = password::hashed(context, &account, &password).await?;
            create(context, account, role, permission, hash).await?;
            output::line(format_args!("created account {username}"));
            Ok(())
        }
        Verb::Invite {
            email,
            language,
            print,
        } => links::invite(context, &email, &language, print).await,
        Verb::Export { name } => privacy::export(context, &find(context, &name).await?).await,
        Verb::ResetLink { name } => links::reset_link(context, &find(context, &name).await?).await,
        Verb::Update { name, mfa } => factors::update(context, find(context, &name).await?, mfa).await,
        Verb::ResetFactors { name } => reset_factors(context, &name).await,
        Verb::Delete { name } => delete(context, &name).await,
        Verb::Disable { name } => disable(context, &name).await,
        Verb::SetPassword {
            name,
            must_change,
            password,
        } => password::set(context, &find(context, &name).await?, &password, must_change).await,
        Verb::GrantRole { name, role, expires } => {
            assignments::grant(context, &find(context, &name).await?, role, expires).await
        }
        Verb::RevokeRole { name, role } => {
            assignments::revoke(context, &find(context, &name).await?, role).await
        }
        Verb::Diagnose { name, format } => super::doctor::diagnose(context, &name, format).await,
        Verb::SecurityReport { name, format } => super::doctor::report(context, &name, format).await,
        Verb::Unlock { name } => unlock(context, &name).await,
        Verb::Enable { name } => enable(context, &name).await,
    }
}

fn address(text: &str) -> Result<String, Failure> {
    parse_email(text).map_err(|problem| Failure(format!("{text:?} {problem}")))
}

pub(super) fn about(kind: &str, id: AccountId, now: Timestamp) -> audit::Event {
    audit::Event {
        account_id: Some(id),
        ..event(kind, now, json!({}))
    }
}

fn document(account: &Account) -> Value {
    json!({
        "id": account.id, "username": account.username, "email": account.email,
        "email_verified": account.email_verified, "claims": account.claims, "disabled": account.disabled,
        "mfa": account.mfa,
        "last_login_at": account.last_login_at, "created_at": account.created_at,
        "updated_at": account.updated_at, "managed_by": account.managed_by,
    })
}

pub(super) async fn find(context: &Context, name: &str) -> Result<Account, Failure> {
    let login = name.to_owned();
    let found = context
        .store
        .read(async move |db: &mut Conn| accounts::find_by_login(db, &login).await)
        .await?;
    found.ok_or_else(|| Failure::missing("account", name))
}

async fn show(context: &Context, name: &str, format: Format) -> Outcome {
    let (account, now) = (find(context, name).await?, context.now);
    let mut shown = document(&account);
    let id = account.id;
    let (held, custom, explained, password, factors, passkeys, codes, open) = context
        .store
        .read(async move |db: &mut Conn| {
            Ok((
                roles::account_roles(db, id, now).await?,
                roles::account_permissions(db, id).await?,
                crate::administration::roles::explain(db, id, now).await?,
                credentials::find_password(db, id).await?.is_some(),
                credentials::list_totp(db, id).await?.len(),
                store::passkeys::list(db, id).await?.len(),
                credentials::count_recovery_codes(db, id).await?,
                sessions::list(db, id, now).await?.len(),
            ))
        })
        .await?;
    if let Value::Object(fields) = &mut shown {
        fields.insert("roles".to_owned(), json!(held));
        fields.insert("custom_permissions".to_owned(), json!(custom));
        assignments::show(fields, &explained, format);
        fields.insert("has_password".to_owned(), json!(password));
        fields.insert("totp_factors".to_owned(), json!(factors));
        fields.insert("passkeys".to_owned(), json!(passkeys));
        fields.insert("recovery_codes".to_owned(), json!(codes));
        fields.insert("sessions".to_owned(), json!(open));
    }
    output::one(format, &shown)
}

async fn create(
    context: &Context,
    account: Account,
    role: Vec<String>,
    permission: Vec<String>,
    hash: Option<String>,
) -> Outcome {
    let now = context.now;
    let (held, custom) = (BTreeSet::from_iter(role), BTreeSet::from_iter(permission));
    let refused = context
        .store
        .write(async move |db: &mut Conn| {
            let known = roles::list_roles(db).await?;
            if let Some(name) = held
                .iter()
                .find(|name| !known.iter().any(|role| role.name == **name))
            {
                return Ok(Some(Failure::missing("role", name)));
            }
            for login in [Some(&account.username), account.email.as_ref()]
                .into_iter()
                .flatten()
            {
                if accounts::find_by_login(db, login).await?.is_some() {
                    return Ok(Some(Failure(format!(
                        "{login:?} already signs in to an account; choose another"
                    ))));
                }
            }
            accounts::insert(db, &account, now).await?;
            if let Some(hash) = &hash {
                credentials::set_password(db, account.id, hash, now).await?;
            }
            roles::set_account_roles(db, account.id, &held, now).await?;
            roles::set_account_permissions(db, account.id, &custom).await?;
            audit::record(db, &about("account.created", account.id, now)).await?;
            Ok(None)
        })
        .await?;
    refused.map_or(Ok(()), Err)
}

/// Runs an operation of administration on an account, with the services of the server.
pub(super) async fn operate<T>(
    context: &Context,
    operation: impl AsyncFnOnce(&App, &Actor) -> administration::Outcome<T>,
) -> Result<T, Failure> {
    let app = links::services(context).await?;
    operation(&app, &Actor::command_line())
        .await
        .map_err(|error| match error {
            Error::Refused(refused) => Failure(refused.says()),
            Error::Failed(error) => Failure(chain(error.as_ref())),
        })
}

/// How many sessions an account has open.
async fn count_sessions(context: &Context, id: AccountId) -> Result<usize, Failure> {
    let now = context.now;
    let open = context
        .store
        .read(async move |db: &mut Conn| sessions::list(db, id, now).await)
        .await?;
    Ok(open.len())
}

async fn delete(context: &Context, name: &str) -> Outcome {
    let id = find(context, name).await?.id;
    let ended = count_sessions(context, id).await?;
    let act = async |app: &App, actor: &Actor| {
        administration::accounts::delete(app, actor, id, Expected::Any).await
    };
    operate(context, act).await?;
    output::line(format_args!("deleted account {name}; {ended} sessions ended"));
    Ok(())
}

async fn disable(context: &Context, name: &str) -> Outcome {
    let id = find(context, name).await?.id;
    let ended = count_sessions(context, id).await?;
    let act = async |app: &App, actor: &Actor| administration::accounts::disable(app, actor, id).await;
    operate(context, act).await?;
    output::line(format_args!("disabled account {name}; {ended} sessions ended"));
    Ok(())
}

async fn enable(context: &Context, name: &str) -> Outcome {
    let id = find(context, name).await?.id;
    let act = async |app: &App, actor: &Actor| administration::accounts::enable(app, actor, id).await;
    operate(context, act).await?;
    output::line(format_args!("enabled account {name}"));
    Ok(())
}

async fn unlock(context: &Context, name: &str) -> Outcome {
    let id = find(context, name).await?.id;
    let act = async |app: &App, actor: &Actor| administration::accounts::unlock(app, actor, id).await;
    operate(context, act).await?;
    output::line(format_args!("unlocked account {name}"));
    Ok(())
}

async fn reset_factors(context: &Context, name: &str) -> Outcome {
    let id = find(context, name).await?.id;
    let ended = count_sessions(context, id).await?;
    let act = async |app: &App, actor: &Actor| administration::accounts::reset_factors(app, actor, id).await;
    let removed = operate(context, act).await?;
    output::line(format_args!(
        "removed {removed} second factors of account {name} and all its recovery codes; {ended} sessions ended"
    ));
    Ok(())
}
