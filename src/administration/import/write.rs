//! What an entry is beside the accounts that there are, and the account it becomes.

use protocol::id::AccountId;
use protocol::time::Timestamp;
use serde_json::Value;
use store::roles::Assignment;
use store::{Account, Conn, StoreError, accounts, credentials, groups, passkeys, roles};

use super::Ready;
use crate::audit::Event;
use crate::declarative::{blank_account, configured_factor};

/// What an entry is beside the accounts that there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// There is no such account.
    Free,
    /// There is, and it says the same.
    Same,
    /// There is, and it differs in these.
    Differs(Vec<&'static str>),
    /// Another account has something of it.
    Taken(String),
}

/// Compares an entry with what is stored.
pub(super) async fn standing(db: &mut Conn, ready: &Ready) -> Result<Standing, StoreError> {
    let entry = &ready.candidate.entry;
    let taken = |what: &str| Ok(Standing::Taken(what.to_owned()));
    let held = accounts::find_by_login(db, &entry.username).await?;
    if let Some(held) = held {
        if held.username.to_lowercase() != entry.username.to_lowercase() {
            return taken("its user name is the address of another account");
        }
        let fields = differences(db, ready, &held).await?;
        return Ok(match fields.is_empty() {
            true => Standing::Same,
            false => Standing::Differs(fields),
        });
    }
    if let Some(email) = &entry.email
        && accounts::find_by_login(db, email).await?.is_some()
    {
        return taken("its address belongs to another account");
    }
    if let Some(id) = ready.candidate.id
        && accounts::find(db, AccountId(id)).await?.is_some()
    {
        return taken("its identifier belongs to another account");
    }
    for passkey in &entry.passkeys {
        if passkeys::find_by_credential(db, &passkey.credential_id)
            .await?
            .is_some()
        {
            return taken("one of its passkeys belongs to another account");
        }
    }
    Ok(Standing::Free)
}

/// In what an account differs from an entry. Secrets are not compared: they change with the first sign-in.
async fn differences(db: &mut Conn, ready: &Ready, held: &Account) -> Result<Vec<&'static str>, StoreError> {
    let entry = &ready.candidate.entry;
    let mut fields = Vec::new();
    let mut note = |name, differs: bool| {
        if differs {
            fields.push(name);
        }
    };
    let same_address = |email: &String| {
        held.email
            .as_ref()
            .is_some_and(|held| held.to_lowercase() == email.to_lowercase())
    };
    note(
        "email",
        entry.email.as_ref().is_some_and(|email| !same_address(email)),
    );
    let claims = entry.claims.iter().flatten();
    note(
        "claims",
        claims
            .into_iter()
            .any(|(name, value)| held.claims.get(name) != Some(value)),
    );
    note(
        "disabled",
        entry.disabled.is_some_and(|disabled| disabled != held.disabled),
    );
    note("mfa", entry.mfa.is_some() && entry.mfa != held.mfa);
    if ready.candidate.id.is_some_and(|id| id != held.id.0) {
        note("id", true);
    }
    if entry.roles.is_some() {
        let assigned = roles::list_assignments(db, held.id).await?;
        let missing = ready
            .roles
            .iter()
            .any(|role| !assigned.iter().any(|held| held.role == *role));
        note("roles", missing);
    }
    if let Some(wanted) = &entry.permissions {
        note(
            "permissions",
            !wanted.is_subset(&roles::account_permissions(db, held.id).await?),
        );
    }
    Ok(fields)
}

/// What is written besides the entries themselves.
pub(super) struct Writer {
    pub(super) now: Timestamp,
    /// Who gives the roles.
    pub(super) giver: String,
    /// One event for each entry.
    pub(super) events: Vec<Event>,
}

impl Writer {
    /// Makes the accounts of those entries that are still free.
    pub(super) async fn write(
        self,
        db: &mut Conn,
        entries: Vec<Ready>,
    ) -> Result<Vec<(Ready, Standing)>, StoreError> {
        let mut written = Vec::with_capacity(entries.len());
        for (ready, event) in entries.into_iter().zip(&self.events) {
            let standing = standing(db, &ready).await?;
            if standing == Standing::Free {
                let account = account(&ready, self.now);
                let id = account.id;
                accounts::insert(db, &account, self.now).await?;
                self.credentials(db, &ready, id).await?;
                self.authority(db, &ready, id).await?;
                event.clone().account(id).record(db).await?;
            }
            written.push((ready, standing));
        }
        Ok(written)
    }

    async fn credentials(&self, db: &mut Conn, ready: &Ready, id: AccountId) -> Result<(), StoreError> {
        if let Some(hash) = &ready.password {
            credentials::set_password(db, id, hash, self.now).await?;
        }
        if let Some((factor, sealed)) = &ready.totp {
            let factor = configured_factor(*factor, id, sealed.clone(), self.now);
            credentials::insert_totp(db, &factor).await?;
        }
        for passkey in &ready.candidate.entry.passkeys {
            passkeys::insert(db, &passkey.stored(id, self.now)).await?;
        }
        Ok(())
    }

    async fn authority(&self, db: &mut Conn, ready: &Ready, id: AccountId) -> Result<(), StoreError> {
        for role in &ready.roles {
            let assignment = Assignment {
                role: role.clone(),
                expires_at: None,
                granted_at: self.now,
                granted_by: Some(self.giver.clone()),
            };
            roles::assign_role(db, id, &assignment).await?;
        }
        if let Some(permissions) = &ready.candidate.entry.permissions {
            roles::set_account_permissions(db, id, permissions).await?;
        }
        for group in &ready.groups {
            if let Some(group) = groups::find_locked(db, group.id).await? {
                groups::insert_members(db, group.id, &[id]).await?;
                groups::update(db, &group, self.now).await?;
            }
        }
        Ok(())
    }
}

fn account(ready: &Ready, now: Timestamp) -> Account {
    let entry = &ready.candidate.entry;
    let mut account = blank_account(&entry.username, now);
    if let Some(id) = ready.candidate.id {
        account.id = AccountId(id);
    }
    account.email.clone_from(&entry.email);
    account.email_verified = entry.email_verified.unwrap_or(false);
    account.claims = entry.claims.clone().unwrap_or_default();
    account.disabled = entry.disabled.unwrap_or(false);
    account.mfa = entry.mfa;
    account.must_change_password = ready.password.is_some() && entry.must_change_password.unwrap_or(false);
    account.managed_by = None;
    account.claims.retain(|_, value| *value != Value::Null);
    account
}
