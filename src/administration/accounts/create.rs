//! Making an account. Whoever makes it chooses no password: its holder does, by way of a link.

use std::collections::BTreeSet;

use protocol::id::AccountId;
use protocol::permission;
use protocol::session::MfaPolicy;
use protocol::time::Timestamp;
use serde_json::{Map, Value, json};
use store::{Account, Conn, StoreError, roles};

use super::view::AccountDetails;
use super::{check_username, claims, details, email, letter};
use crate::administration::catalogue::MAX_NAMES;
use crate::administration::{Actor, Outcome, Refused, settle};
use crate::admission::Reset;
use crate::app::App;
use crate::audit::Event;
use crate::declarative::blank_account;
use crate::links::{NewLink, Purpose};
use crate::mail::{Letter, Mail};

/// How the link to the first password gets to the holder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// By mail.
    #[default]
    Mail,
    /// By the hand of whoever made the account.
    Hand,
    /// Not at all: the account signs in some other way, or later.
    Nothing,
}

/// An account to be made.
#[derive(Clone, Debug, Default)]
pub(crate) struct NewAccount {
    /// The name to sign in with.
    pub(crate) username: String,
    /// The e-mail address.
    pub(crate) email: Option<String>,
    /// Whether the address is known to be the holder's.
    pub(crate) email_verified: bool,
    /// What is known of the person.
    pub(crate) claims: Map<String, Value>,
    /// The roles to begin with.
    pub(crate) roles: BTreeSet<String>,
    /// Whether it must prove a second factor.
    pub(crate) mfa: Option<MfaPolicy>,
    /// How the link to the first password gets to the holder.
    pub(crate) delivery: Delivery,
}

/// An account that was made.
#[derive(Clone, Debug)]
pub(crate) struct Created {
    /// The account.
    pub(crate) details: AccountDetails,
    /// The link to the first password, to be handed over; it is not shown again.
    pub(crate) link: Option<String>,
}

fn blank(new: &NewAccount, now: Timestamp) -> Result<Account, Refused> {
    check_username(&new.username).map_err(|problem| Refused::invalid("username", problem))?;
    let email = new.email.as_deref().map(email::parse).transpose()?;
    if email.is_none() && new.email_verified {
        return Err(Refused::invalid("email_verified", "needs an address"));
    }
    if email.is_none() && new.delivery == Delivery::Mail {
        return Err(Refused::invalid(
            "email",
            "is needed for the mail with the link to the first password",
        ));
    }
    if new.roles.len() > MAX_NAMES {
        return Err(Refused::invalid("roles", format!("must be at most {MAX_NAMES}")));
    }
    let mut account = Account {
        email,
        email_verified: new.email_verified,
        mfa: new.mfa,
        managed_by: None,
        ..blank_account(&new.username, now)
    };
    claims::apply(&mut account.claims, &new.claims)?;
    Ok(account)
}

/// Makes an account, with a link to its first password.
pub(crate) async fn create(app: &App, actor: &Actor, new: NewAccount) -> Outcome<Created> {
    actor.require(permission::ACCOUNTS_WRITE)?;
    if !new.roles.is_empty() {
        actor.require(permission::ROLES_ASSIGN)?;
    }
    let now = app.now();
    let account = blank(&new, now)?;
    let (link, letter) = welcome(app, &account, new.delivery);
    let url = link.as_ref().map(|link| link.url.clone());
    let writing = Writing {
        account,
        roles: new.roles,
        link,
        letter,
        actor: actor.clone(),
        now,
    };
    let done = app
        .store
        .write(async move |db: &mut Conn| writing.write(db).await)
        .await;
    let details = settle(done)?;
    let link = url.filter(|_| new.delivery == Delivery::Hand);
    Ok(Created { details, link })
}

fn welcome(app: &App, account: &Account, delivery: Delivery) -> (Option<NewLink>, Option<Letter>) {
    if delivery == Delivery::Nothing {
        return (None, None);
    }
    let by_mail = delivery == Delivery::Mail;
    let content = Reset {
        email: account.email.clone().filter(|_| by_mail),
        interaction: None,
    };
    let (id, subject) = (account.id, account.id.to_string());
    let link = NewLink::new(app, Purpose::Welcome, &subject, Some(id), &content);
    let mail = Mail::Welcome {
        name: &account.username,
        link: &link.url,
    };
    let letter = by_mail.then(|| letter(app, account, &mail)).flatten();
    (Some(link), letter)
}

struct Writing {
    account: Account,
    roles: BTreeSet<String>,
    link: Option<NewLink>,
    letter: Option<Letter>,
    actor: Actor,
    now: Timestamp,
}

impl Writing {
    async fn write(&self, db: &mut Conn) -> Result<Result<AccountDetails, Refused>, StoreError> {
        let (id, now) = (self.account.id, self.now);
        for name in &self.roles {
            let Some((role, _)) = roles::find_role(db, name).await? else {
                return Ok(Err(Refused::invalid(
                    "roles",
                    format!("there is no role {name:?}"),
                )));
            };
            allowed!(self.actor.may_give_for_good(&role.permissions));
        }
        let logins = [Some(&self.account.username), self.account.email.as_ref()];
        for login in logins.into_iter().flatten() {
            if store::accounts::find_by_login(db, login).await?.is_some() {
                return Ok(Err(Refused::Conflict("the user name or address")));
            }
        }
        store::accounts::insert(db, &self.account, now).await?;
        self.assign(db, id).await?;
        if let Some(link) = &self.link {
            link.insert(db).await?;
        }
        if let Some(letter) = &self.letter {
            letter.queue(db).await?;
        }
        let event = Event::at(now, "account.created").account(id).by(&self.actor);
        event.detail(json!({ "roles": self.roles })).record(db).await?;
        Ok(details(db, id, now).await?.ok_or(Refused::NotFound))
    }

    async fn assign(&self, db: &mut Conn, id: AccountId) -> Result<(), StoreError> {
        for role in &self.roles {
            let assignment = roles::Assignment {
                role: role.clone(),
                expires_at: None,
                granted_at: self.now,
                granted_by: Some(self.actor.to_string()),
            };
            roles::assign_role(db, id, &assignment).await?;
        }
        Ok(())
    }
}
