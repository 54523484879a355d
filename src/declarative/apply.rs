//! Carrying a plan out: everything in one transaction, or nothing.

use std::collections::BTreeSet;
use std::sync::Arc;

use protocol::id::{AccountId, ClientId};
use protocol::secret::Secret;
use protocol::time::Timestamp;
use serde_json::json;
use store::audit::Event;
use store::roles::Assignment;
use store::{
    Account, Conn, Store, StoreError, accounts, action_tokens, audit, clients, credentials, grants, locks,
    passkeys, roles, upstreams,
};

use super::diff::{AccountStep, Action, Diff, Plan, Step, diff};
use super::prepare::{FACTOR_NAME, configured_factor, prepare};
use super::{File, FileError};
use crate::administration::{self, Refused};
use crate::credentials::Replacement;
use crate::links::Purpose;
use crate::passwords::{Busy, Passwords};
use crate::privacy::ErasureKeys;
use crate::seal::Sealer;

/// What turning secrets into rows needs.
pub struct Tools<'a> {
    /// Seals what must be read again.
    pub sealer: &'a Sealer,
    /// Hashes what people chose.
    pub passwords: &'a Passwords,
    /// What the server asks of accounts.
    pub accounts: &'a crate::config::Accounts,
    /// The time of the change.
    pub now: Timestamp,
}

/// What an `apply` did.
#[derive(Debug)]
pub struct Applied {
    /// What it changed.
    pub plan: Plan,
    /// Secrets made for clients that had none, to be shown once.
    pub generated: Vec<(ClientId, Secret)>,
}

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The file is wrong.
    #[error(transparent)]
    File(#[from] FileError),
    /// The database refused.
    #[error(transparent)]
    Store(StoreError),
    /// Nobody would be left who may do everything.
    #[error("{}", Refused::LastAdministrator.says())]
    LastAdministrator,
    /// The password workers are overrun.
    #[error("passwords cannot be hashed now; try again")]
    Busy,
}

impl From<StoreError> for ApplyError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Withdrawn(_) => ApplyError::LastAdministrator,
            error => ApplyError::Store(error),
        }
    }
}

impl From<Busy> for ApplyError {
    fn from(_: Busy) -> Self {
        ApplyError::Busy
    }
}

/// Why the changes of a plan are taken back.
const ONLY_PLANNED: &str = "they were only planned";

/// What `apply` would do now. It is done and taken back, so that what `apply` refuses is refused here.
pub async fn plan(store: &Store, file: &File, prune: bool, tools: &Tools<'_>) -> Result<Plan, ApplyError> {
    let prepared = prepare(store, file, tools).await?;
    let (file, now) = (file.clone(), tools.now);
    let diff = store
        .read(async move |db: &mut Conn| diff(db, &file, &prepared, prune, now).await)
        .await??;
    if diff.steps.is_empty() {
        return Ok(diff.plan);
    }
    let plan = diff.plan.clone();
    let history = tools.accounts.password_history;
    let erasing = ErasureKeys::of(tools.sealer);
    let tried = store
        .write(async move |db: &mut Conn| {
            locks::lock_apply(db).await?;
            administration::lock_administrators(db).await?;
            carry_out_safely(db, &diff, history, &erasing, now).await?;
            Err::<(), StoreError>(StoreError::Withdrawn(ONLY_PLANNED))
        })
        .await;
    match tried {
        Ok(()) | Err(StoreError::Withdrawn(ONLY_PLANNED)) => Ok(plan),
        Err(error) => Err(error.into()),
    }
}

/// Makes the store as the file says, in one transaction.
pub async fn apply(
    store: &Store,
    file: &File,
    prune: bool,
    tools: &Tools<'_>,
) -> Result<Applied, ApplyError> {
    let prepared = Arc::new(prepare(store, file, tools).await?);
    let (file, now, secrets) = (file.clone(), tools.now, Arc::clone(&prepared));
    let history = tools.accounts.password_history;
    let erasing = ErasureKeys::of(tools.sealer);
    let (plan, generated) = store
        .write(async move |db: &mut Conn| {
            locks::lock_apply(db).await?;
            administration::lock_administrators(db).await?;
            let diff = match diff(db, &file, &prepared, prune, now).await? {
                Ok(diff) => diff,
                Err(refused) => return Ok(Err(refused)),
            };
            carry_out_safely(db, &diff, history, &erasing, now).await?;
            Ok(Ok((diff.plan, diff.generated)))
        })
        .await??;
    let generated = generated
        .into_iter()
        .filter_map(|id| {
            let secret = secrets.clients.get(&id)?.generated.clone()?;
            Some((id, secret))
        })
        .collect();
    Ok(Applied { plan, generated })
}

/// Parses and applies a text that names no secret files.
pub async fn apply_text(
    store: &Store,
    sealer: &Sealer,
    passwords: &Passwords,
    text: &str,
    now: Timestamp,
) -> Result<Applied, ApplyError> {
    let accounts = crate::config::Accounts::default();
    let tools = Tools {
        sealer,
        passwords,
        accounts: &accounts,
        now,
    };
    apply(store, &File::parse(text)?, false, &tools).await
}

/// Carries it out, unless nobody would be left who may do everything where somebody may. The administrators are locked.
async fn carry_out_safely(
    db: &mut Conn,
    diff: &Diff,
    history: u32,
    erasing: &ErasureKeys,
    now: Timestamp,
) -> Result<(), StoreError> {
    let administered = administration::is_administered(db).await?;
    carry_out(db, diff, history, erasing, now).await?;
    if administered {
        administration::ensure_administrator_remains(db).await?;
    }
    Ok(())
}

async fn carry_out(
    db: &mut Conn,
    diff: &Diff,
    history: u32,
    erasing: &ErasureKeys,
    now: Timestamp,
) -> Result<(), StoreError> {
    // What ends the grants of a client comes last: elsewhere, too, accounts are locked before grants.
    let of_client = |step: &&Step| matches!(step, Step::UpdateClient { .. } | Step::DeleteClient(_));
    let (clients_last, first): (Vec<&Step>, Vec<&Step>) = diff.steps.iter().partition(of_client);
    for step in first.into_iter().chain(clients_last) {
        match step {
            Step::Role(role, mark) => roles::upsert_role(db, role, mark.as_deref()).await?,
            Step::Scope(scope, mark) => roles::upsert_scope(db, scope, mark.as_deref()).await?,
            Step::Resource(resource, mark) => roles::upsert_resource(db, resource, mark.as_deref()).await?,
            Step::InsertClient(client) => clients::insert(db, client, now).await?,
            Step::UpdateClient { old, new } => administration::clients::replace(db, old, new, now).await?,
            Step::Account(step) => account(db, step, history, now).await?,
            Step::DeleteAccount(account) => {
                erasing.erasure(account, now).write(db).await?;
            }
            Step::DeleteClient(id) => {
                grants::revoke_for_client(db, id, now).await?;
                clients::delete(db, id).await?;
            }
            Step::InsertUpstream(upstream) => upstreams::insert(db, upstream, now).await?,
            Step::UpdateUpstream(upstream) => {
                upstreams::update(db, upstream, now).await?;
            }
            Step::DeleteUpstream(name) => {
                upstreams::delete(db, name).await?;
            }
            Step::DeleteResource(name) => {
                roles::delete_resource(db, name).await?;
            }
            Step::DeleteScope(name) => {
                roles::delete_scope(db, name).await?;
            }
            Step::DeleteRole(name) => {
                roles::delete_role(db, name).await?;
            }
        }
    }
    for change in &diff.plan.changes {
        let verb = match change.action {
            Action::Create => "created",
            Action::Update => "updated",
            Action::Delete => "deleted",
        };
        let detail = json!({ "name": change.name, "fields": change.fields, "by": "apply" });
        let mut event = event(&format!("{}.{verb}", change.noun), now, detail);
        event.account_id = change.account_id;
        if change.noun == "account" && change.action == Action::Delete {
            // Whom it was about must not stay on record.
            event.account_id = None;
            event.detail = json!({ "by": "apply" });
        }
        if change.noun == "client" {
            event.client_id = Some(change.name.as_str().into());
        }
        audit::record(db, &event).await?;
    }
    Ok(())
}

/// An event of the command line, done and successful.
pub(crate) fn event(kind: &str, now: Timestamp, detail: serde_json::Value) -> Event {
    Event {
        id: crate::audit::ordered_id(),
        at: now,
        kind: kind.to_owned(),
        outcome: "success".to_owned(),
        account_id: None,
        client_id: None,
        actor: Some("cli".to_owned()),
        address: None,
        request_id: None,
        detail,
    }
}

async fn account(db: &mut Conn, step: &AccountStep, history: u32, now: Timestamp) -> Result<(), StoreError> {
    let id = step.account.id;
    if step.create {
        accounts::insert(db, &step.account, now).await?;
    } else {
        void_links(db, &step.account).await?;
        accounts::update(db, &step.account, now).await?;
        if !step.account.disabled {
            accounts::set_disabled(db, id, false, now).await?;
        }
    }
    if let Some(hash) = &step.password {
        let replacement = Replacement {
            account: id,
            hash: hash.clone(),
            keep: None,
            history,
            must_change: step.account.must_change_password,
            now,
        };
        replacement.write(db).await?;
    }
    if !step.create && step.shut {
        administration::accounts::close(db, id, now).await?;
    }
    if let Some((factor, sealed)) = &step.factor {
        for old in credentials::list_totp(db, id).await? {
            if old.name == FACTOR_NAME {
                credentials::delete_totp(db, id, old.id).await?;
            }
        }
        let factor = configured_factor(*factor, id, sealed.clone(), now);
        credentials::insert_totp(db, &factor).await?;
    }
    for passkey in &step.passkeys {
        passkeys::insert(db, &passkey.stored(id, now)).await?;
    }
    if let Some(names) = &step.roles {
        set_roles(db, id, names, now).await?;
    }
    if let Some(names) = &step.permissions {
        roles::set_account_permissions(db, id, names).await?;
    }
    Ok(())
}

/// Gives an account exactly these roles for good. A role that it holds until some moment stays so, unless it is among
/// them.
async fn set_roles(
    db: &mut Conn,
    id: AccountId,
    names: &BTreeSet<String>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let held = roles::list_assignments(db, id).await?;
    let mut missing = names.clone();
    for held in held.into_iter().filter(|held| held.expires_at.is_none()) {
        if !missing.remove(&held.role) {
            roles::unassign_role(db, id, &held.role).await?;
        }
    }
    for role in missing {
        let assignment = Assignment {
            role,
            expires_at: None,
            granted_at: now,
            granted_by: Some("cli".to_owned()),
        };
        roles::assign_role(db, id, &assignment).await?;
    }
    Ok(())
}

/// What was mailed about an address is good for nothing once another one is given, a way back to it least of all.
async fn void_links(db: &mut Conn, account: &Account) -> Result<(), StoreError> {
    let before = accounts::find(db, account.id).await?;
    if before.is_some_and(|before| before.email == account.email) {
        return Ok(());
    }
    for purpose in [
        Purpose::ConfirmEmail,
        Purpose::UndoEmail,
        Purpose::ResetPassword,
        Purpose::KeepAccount,
    ] {
        action_tokens::delete_for_account(db, account.id, purpose.as_str()).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
