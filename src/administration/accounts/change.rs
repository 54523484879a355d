//! Changing an account, member by member.

use protocol::account::check_given_username;
use protocol::id::AccountId;
use protocol::permission;
use protocol::session::MfaPolicy;
use protocol::time::Timestamp;
use serde_json::{Map, Value, json};
use store::{Account, Conn, StoreError};

use super::view::AccountDetails;
use super::{check_username, claims, details, email, managed, not_oneself, state};
use crate::administration::{
    Actor, Expected, Outcome, Refused, Tenure, ensure_administrator_remains, holds_everything, settle,
};
use crate::app::App;
use crate::audit::Event;
use crate::mail::Letter;

/// What to change; what is absent stays.
#[derive(Clone, Debug, Default)]
pub(crate) struct Changes {
    /// The name to sign in with.
    pub(crate) username: Option<String>,
    /// The e-mail address, or none.
    pub(crate) email: Option<Option<String>>,
    /// Whether the address is known to be the holder's.
    pub(crate) email_verified: Option<bool>,
    /// Claims with their new values; `null` takes one away.
    pub(crate) claims: Map<String, Value>,
    /// Whether it must prove a second factor.
    pub(crate) mfa: Option<Option<MfaPolicy>>,
    /// Whether it must choose a new password at its next sign-in.
    pub(crate) must_change_password: Option<bool>,
    /// Whether it may not sign in.
    pub(crate) disabled: Option<bool>,
}

impl Changes {
    /// Whether more than the profile changes, which its holder does on the account page after a fresh sign-in.
    fn weighs(&self) -> bool {
        self.username.is_some()
            || self.email.is_some()
            || self.email_verified.is_some()
            || self.mfa.is_some()
            || self.must_change_password.is_some()
            || self.disabled.is_some()
    }

    /// Refuses what could be nobody's name, before anything is looked up.
    fn check(&self) -> Result<(), Refused> {
        let name = self.username.as_deref();
        name.map_or(Ok(()), check_given_username)
            .map_err(|problem| Refused::invalid("username", problem))
    }

    /// The names of what changes, for the record.
    fn names(&self) -> Vec<&str> {
        let all = [
            ("username", self.username.is_some()),
            ("email", self.email.is_some()),
            ("email_verified", self.email_verified.is_some()),
            ("mfa", self.mfa.is_some()),
            ("must_change_password", self.must_change_password.is_some()),
        ];
        let named = all.into_iter().filter(|(_, is)| *is).map(|(name, _)| name);
        named.chain(self.claims.keys().map(String::as_str)).collect()
    }

    /// The account as it is to be.
    fn apply(&self, account: &mut Account) -> Result<(), Refused> {
        if let Some(username) = &self.username
            && *username != account.username
        {
            check_username(username).map_err(|problem| Refused::invalid("username", problem))?;
            account.username.clone_from(username);
        }
        if let Some(email) = &self.email {
            if account.email != *email {
                account.email_verified = false;
            }
            account.email.clone_from(email);
        }
        if let Some(verified) = self.email_verified {
            account.email_verified = verified;
        }
        if account.email.is_none() && account.email_verified {
            return Err(Refused::invalid("email_verified", "needs an address"));
        }
        if let Some(mfa) = self.mfa {
            account.mfa = mfa;
        }
        if let Some(must) = self.must_change_password {
            account.must_change_password = must;
        }
        claims::apply(&mut account.claims, &self.claims)
    }
}

/// Changes an account that is as `expected`.
pub(crate) async fn change(
    app: &App,
    actor: &Actor,
    id: AccountId,
    mut changes: Changes,
    expected: Expected,
) -> Outcome<AccountDetails> {
    actor.require(permission::ACCOUNTS_WRITE)?;
    if changes.disabled.is_some() {
        actor.require(permission::ACCOUNTS_DISABLE)?;
    }
    if changes.weighs() {
        not_oneself(actor, id)?;
    }
    changes.check()?;
    if let Some(Some(typed)) = &changes.email {
        changes.email = Some(Some(email::parse(typed)?));
    }
    let before = super::find(app, id).await?.ok_or(Refused::NotFound)?;
    let letters = match &changes.email {
        Some(new) if *new != before.email => email::letters(app, &before, new.as_deref()),
        _ => Vec::new(),
    };
    let writing = Writing {
        id,
        before,
        changes,
        letters,
        expected,
        actor: actor.clone(),
        now: app.now(),
    };
    settle(
        app.store
            .write(async move |db: &mut Conn| writing.write(db).await)
            .await,
    )
}

struct Writing {
    id: AccountId,
    before: Account,
    changes: Changes,
    letters: Vec<Letter>,
    expected: Expected,
    actor: Actor,
    now: Timestamp,
}

impl Writing {
    async fn write(&self, db: &mut Conn) -> Result<Result<AccountDetails, Refused>, StoreError> {
        let (id, now, changes) = (self.id, self.now, &self.changes);
        let managed = allowed!(managed(db, &self.actor, id, now).await?);
        let Some(shown) = details(db, id, now).await? else {
            return Ok(Err(Refused::NotFound));
        };
        allowed!(self.expected.check(&shown));
        // The mails were written to the address that the account had then.
        if changes.email.is_some() && managed.account.email != self.before.email {
            return Ok(Err(Refused::Stale));
        }
        let mut account = managed.account.clone();
        allowed!(changes.apply(&mut account));
        // Whoever has the mailbox can choose a new password.
        if account.email != managed.account.email {
            let tenure = Tenure::read(db, id, now).await?;
            allowed!(self.actor.may_become(&managed.authority, &tenure));
        }
        for login in [Some(&account.username), account.email.as_ref()]
            .into_iter()
            .flatten()
        {
            let holder = store::accounts::find_by_login(db, login).await?;
            if holder.is_some_and(|holder| holder.id != id) {
                return Ok(Err(Refused::Conflict("the user name or address")));
            }
        }
        if account != managed.account {
            store::accounts::update(db, &account, now).await?;
            let names = json!({ "changed": changes.names() });
            let event = Event::at(now, "account.updated").account(id).by(&self.actor);
            event.detail(names).record(db).await?;
        }
        if account.email != managed.account.email {
            email::forget_links(db, &account).await?;
            for letter in &self.letters {
                letter.queue(db).await?;
            }
        }
        // The mailbox may have been the only way in.
        if account.email.is_none() && managed.account.email.is_some() && holds_everything(&managed.authority)
        {
            ensure_administrator_remains(db).await?;
        }
        match changes.disabled {
            Some(true) if state::stands_open(db, &managed.account, now).await? => {
                state::shut(db, &self.actor, &managed, now).await?;
            }
            Some(false) if managed.account.disabled => {
                allowed!(state::open(db, &self.actor, &managed, now).await?);
            }
            _ => {}
        }
        Ok(details(db, id, now).await?.ok_or(Refused::NotFound))
    }
}
