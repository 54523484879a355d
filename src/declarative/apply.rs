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
    Account, Conn, Store, StoreError, accounts, action_tokens, administrators, audit, clients, credentials,
    grants, locks, passkeys, roles, upstreams,
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
    let administered = administrators::any(db).await?;
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
mod tests {
    use store::sessions;

    use super::*;
    use crate::declarative::export;
    use crate::random;

    const FILE: &str = r#"
[[role]]
name = "editor"
permissions = ["books:write"]
[[scope]]
name = "books:write"
requires = ["books:write"]
[[resource]]
identifier = "https://api.test/"
scopes = ["books:write"]
[[client]]
client_id = "web"
redirect_uris = ["https://web.test/cb"]
scope = "openid books:write"
resources = ["https://api.test/"]
[[client]]
client_id = "signer"
grant_types = ["client_credentials"]
token_endpoint_auth_method = "client_secret_jwt"
client_secret = "0123456789abcdef0123456789abcdef"
[[account]]
username = "Alice"
email = "alice@example.test"
email_verified = true
password = "correct horse battery"
roles = ["editor"]
permissions = ["reports:view"]
totp_secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
claims = { name = "Alice Example" }
"#;

    struct Bench {
        _folder: tempfile::TempDir,
        store: Store,
        sealer: Sealer,
        passwords: Passwords,
    }

    impl Bench {
        async fn new() -> Bench {
            let folder = tempfile::tempdir().unwrap();
            let store = Store::open(&format!("sqlite:{}", folder.path().join("t.db").display()), 2)
                .await
                .unwrap();
            store.migrate().await.unwrap();
            let params = crate::passwords::Params::new(64, 1, 1, None).unwrap();
            Bench {
                _folder: folder,
                store,
                sealer: Sealer::new([7; 32]),
                passwords: Passwords::new(params, 1, 8),
            }
        }

        async fn apply(&self, text: &str, prune: bool) -> Result<Applied, ApplyError> {
            let accounts = crate::config::Accounts::default();
            let tools = Tools {
                sealer: &self.sealer,
                passwords: &self.passwords,
                accounts: &accounts,
                now: Timestamp(1000),
            };
            apply(&self.store, &File::parse(text).unwrap(), prune, &tools).await
        }

        async fn lines(&self, text: &str, prune: bool) -> Vec<String> {
            self.apply(text, prune)
                .await
                .unwrap()
                .plan
                .changes
                .iter()
                .map(ToString::to_string)
                .collect()
        }

        async fn export(&self) -> String {
            self.store
                .read(async move |db: &mut Conn| export(db).await)
                .await
                .unwrap()
        }
    }

    #[tokio::test]
    async fn applying_twice_changes_nothing_the_second_time() {
        let bench = Bench::new().await;
        let first = bench.apply(FILE, false).await.unwrap();
        let lines: Vec<String> = first.plan.changes.iter().map(ToString::to_string).collect();
        assert_eq!(
            lines,
            [
                "+ role editor",
                "+ scope books:write",
                "+ resource https://api.test/",
                "+ client web",
                "+ client signer",
                "+ account Alice"
            ]
        );
        assert_eq!(first.generated.len(), 1);
        let second = bench.apply(FILE, true).await.unwrap();
        assert!(second.plan.changes.is_empty(), "{:?}", second.plan);
        assert!(second.generated.is_empty());
        assert_eq!(second.plan.unchanged, 6);
    }

    #[tokio::test]
    async fn only_what_differs_is_changed_and_said() {
        let bench = Bench::new().await;
        bench.lines(FILE, false).await;
        let changed = FILE
            .replace(
                "[\"books:write\"]\n[[scope]]",
                "[\"books:write\", \"books:read\"]\n[[scope]]",
            )
            .replace("https://web.test/cb", "https://web.test/cb2")
            .replace("0123456789abcdef0123", "fedcba98765432100123")
            .replace("battery", "batteries");
        assert_eq!(
            bench.lines(&changed, false).await,
            [
                "~ role editor: permissions",
                "~ client web: redirect_uris",
                "~ client signer: client_secret",
                "~ account Alice: password"
            ]
        );
    }

    #[tokio::test]
    async fn pruning_takes_what_a_file_made_and_nothing_else() {
        let bench = Bench::new().await;
        bench.lines(FILE, false).await;
        bench
            .store
            .write(async move |db: &mut Conn| {
                roles::upsert_role(
                    db,
                    &protocol::role::Role {
                        name: "by hand".into(),
                        ..Default::default()
                    },
                    None,
                )
                .await
            })
            .await
            .unwrap();
        assert!(bench.lines("", false).await.is_empty());
        assert_eq!(
            bench.lines("", true).await,
            [
                "- account Alice",
                "- client signer",
                "- client web",
                "- resource https://api.test/",
                "- scope books:write",
                "- role editor"
            ]
        );
        assert!(bench.export().await.contains("by hand"));
    }

    #[tokio::test]
    async fn a_wrong_file_changes_nothing_and_names_the_line() {
        let bench = Bench::new().await;
        let before = bench.export().await;
        let wrong = format!("{FILE}\n[[account]]\nusername = \"bob\"\nroles = [\"edtor\"]\n");
        let error = bench.apply(&wrong, false).await.unwrap_err().to_string();
        assert!(
            error.starts_with("line 31: account bob: unknown role \"edtor\"; did you mean editor?"),
            "{error}"
        );
        assert_eq!(bench.export().await, before);
        // A role that pruning would take away cannot be held either.
        bench.lines(FILE, false).await;
        let kept = "[[account]]\nusername = \"Alice\"\nroles = [\"editor\"]";
        assert!(bench.apply(kept, true).await.is_err());
        assert!(bench.lines(kept, false).await.is_empty());
        let stolen = "[[account]]\nusername = \"mallory\"\nemail = \"ALICE@example.test\"";
        assert!(
            bench
                .apply(stolen, false)
                .await
                .unwrap_err()
                .to_string()
                .contains("already belongs to account Alice")
        );
    }

    #[tokio::test]
    async fn what_is_exported_can_be_applied_again() {
        let bench = Bench::new().await;
        bench.lines(FILE, false).await;
        let exported = bench.export().await;
        for secret in ["0123456789abcdef", "correct horse", "$argon2id$", "JBSWY3DP"] {
            assert!(!exported.contains(secret), "{exported}");
        }
        assert!(bench.lines(&exported, true).await.is_empty(), "{exported}");
        let other = Bench::new().await;
        other.lines(&exported, false).await;
        assert_eq!(other.export().await, exported);
    }

    #[tokio::test]
    async fn a_new_password_ends_what_the_old_one_opened() {
        let bench = Bench::new().await;
        bench.lines(FILE, false).await;
        let session = bench
            .store
            .write(async move |db: &mut Conn| {
                let account = accounts::find_by_login(db, "alice").await?.unwrap();
                let session = protocol::session::Session {
                    id: protocol::id::SessionId(random::uuid()),
                    account_id: account.id,
                    auth_time: Timestamp(900),
                    factors: vec![protocol::session::Factor::Password],
                    created_at: Timestamp(900),
                    last_seen_at: Timestamp(900),
                };
                sessions::insert(
                    db,
                    &session,
                    &Secret::new("s").hash(),
                    Timestamp(9000),
                    None,
                    None,
                )
                .await?;
                Ok(session)
            })
            .await
            .unwrap();
        bench.lines(&FILE.replace("battery", "batteries"), false).await;
        let open = bench
            .store
            .read(async move |db: &mut Conn| sessions::list(db, session.account_id, Timestamp(1001)).await)
            .await
            .unwrap();
        assert!(open.is_empty());
    }
}
