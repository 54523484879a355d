//! `chancery account …`

use std::collections::BTreeSet;

use protocol::account::{check_given_username, parse_email};
use protocol::id::AccountId;
use protocol::time::Timestamp;
use serde_json::{Value, json};
use store::accounts::Account;
use store::{Conn, StoreError, accounts, audit, credentials, grants, roles, sessions};

use super::input::PasswordFrom;
use super::output::{self, Format};
use super::{Context, Failure, Outcome, factors, links, password};
use crate::declarative::{blank_account, event, is_name};

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
    /// Print a one-time link to a new password, to be handed over
    ResetLink {
        /// The user name or mail address
        name: String,
    },
    /// Let passwords and second factors be tried again after too many wrong ones
    Unlock {
        /// The user name or mail address
        name: String,
    },
    /// Set a password and end what the old one opened
    SetPassword {
        /// The user name or mail address
        name: String,
        /// Ask for another one at the next sign-in
        #[arg(long)]
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
            check_given_username(&username).map_err(|problem| Failure(format!("the user name {problem}")))?;
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
        Verb::ResetLink { name } => links::reset_link(context, &find(context, &name).await?).await,
        Verb::Update { name, mfa } => factors::update(context, find(context, &name).await?, mfa).await,
        Verb::ResetFactors { name } => factors::reset(context, &find(context, &name).await?).await,
        Verb::Delete { name } => end(context, &name, Ending::Delete).await,
        Verb::Disable { name } => end(context, &name, Ending::Disable).await,
        Verb::SetPassword {
            name,
            must_change,
            password,
        } => password::set(context, &find(context, &name).await?, &password, must_change).await,
        Verb::Unlock { name } => password::unlock(context, &find(context, &name).await?).await,
        Verb::Enable { name } => {
            let (account, now) = (find(context, &name).await?, context.now);
            context
                .store
                .write(async move |db: &mut Conn| {
                    accounts::set_disabled(db, account.id, false, now).await?;
                    audit::record(db, &about("account.enabled", account.id, now)).await
                })
                .await?;
            output::line(format_args!("enabled account {name}"));
            Ok(())
        }
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

async fn find(context: &Context, name: &str) -> Result<Account, Failure> {
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
    let (held, custom, authority, password, factors, passkeys, codes, open) = context
        .store
        .read(async move |db: &mut Conn| {
            Ok((
                roles::account_roles(db, id).await?,
                roles::account_permissions(db, id).await?,
                roles::authority(db, id).await?,
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
        fields.insert("permissions".to_owned(), json!(authority.permissions));
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
            roles::set_account_roles(db, account.id, &held).await?;
            roles::set_account_permissions(db, account.id, &custom).await?;
            audit::record(db, &about("account.created", account.id, now)).await?;
            Ok(None)
        })
        .await?;
    refused.map_or(Ok(()), Err)
}

/// What ends all that an account opened.
enum Ending {
    Delete,
    Disable,
}

async fn end(context: &Context, name: &str, ending: Ending) -> Outcome {
    let (account, now) = (find(context, name).await?, context.now);
    let id = account.id;
    let (kind, done) = match ending {
        Ending::Delete => ("account.deleted", "deleted"),
        Ending::Disable => ("account.disabled", "disabled"),
    };
    let ended = context
        .store
        .write(async move |db: &mut Conn| -> Result<u64, StoreError> {
            // Who signs in at this moment is seen here, or sees the end.
            accounts::find_locked(db, id).await?;
            let ended = sessions::end_all(db, id, now).await?;
            grants::revoke_for_account(db, id, now).await?;
            match &ending {
                Ending::Delete => accounts::delete(db, id).await.map(drop)?,
                Ending::Disable => accounts::set_disabled(db, id, true, now).await.map(drop)?,
            }
            audit::record(db, &about(kind, id, now)).await?;
            Ok(ended)
        })
        .await?;
    output::line(format_args!("{done} account {name}; {ended} sessions ended"));
    Ok(())
}
