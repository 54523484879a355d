//! What differs between the file and the store: the steps to take, and how they read.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use protocol::client::Client;
use protocol::id::{AccountId, ClientId};
use protocol::role::{ResourceServer, Role, ScopeDefinition};
use protocol::time::Timestamp;
use serde_json::Value;
use store::accounts::Account;
use store::clients::StoredClient;
use store::{Conn, StoreError, StoredUpstream, accounts, clients, passkeys, roles};

use super::lay;
use super::prepare::Prepared;
use super::upstream;
use super::{AccountEntry, At, ClientEntry, File, FileError, MANAGED_BY, PasskeyEntry};
use crate::administration;
use crate::random;

mod check;

/// What happens to one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It is new.
    Create,
    /// Some of its fields change.
    Update,
    /// It goes, by `--prune`.
    Delete,
}

/// One line of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What happens.
    pub action: Action,
    /// `role`, `scope`, `resource`, `client`, `account` or `upstream`.
    pub noun: &'static str,
    /// Its name.
    pub name: String,
    /// The fields that change, for an update.
    pub fields: Vec<String>,
    /// Whose account it is about.
    pub account_id: Option<AccountId>,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.action {
            Action::Create => '+',
            Action::Update => '~',
            Action::Delete => '-',
        };
        write!(f, "{sign} {} {}", self.noun, self.name)?;
        if !self.fields.is_empty() {
            write!(f, ": {}", self.fields.join(", "))?;
        }
        Ok(())
    }
}

/// All that an `apply` would change.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// What changes, in order.
    pub changes: Vec<Change>,
    /// How many entries are already as the file has them.
    pub unchanged: usize,
    /// What is accepted and not advised.
    pub warnings: Vec<String>,
}

/// One write, with all it needs.
pub(super) enum Step {
    Role(Role, Option<String>),
    Scope(ScopeDefinition, Option<String>),
    Resource(ResourceServer, Option<String>),
    InsertClient(Box<StoredClient>),
    UpdateClient {
        old: Box<StoredClient>,
        new: Box<StoredClient>,
    },
    Account(Box<AccountStep>),
    DeleteRole(String),
    DeleteScope(String),
    DeleteResource(String),
    DeleteClient(ClientId),
    DeleteAccount(Box<Account>),
    InsertUpstream(Box<StoredUpstream>),
    UpdateUpstream(Box<StoredUpstream>),
    DeleteUpstream(String),
}

/// What is written for one account.
pub(super) struct AccountStep {
    pub(super) account: Account,
    pub(super) create: bool,
    pub(super) password: Option<String>,
    pub(super) factor: Option<(uuid::Uuid, Vec<u8>)>,
    pub(super) roles: Option<BTreeSet<String>>,
    pub(super) permissions: Option<BTreeSet<String>>,
    pub(super) passkeys: Vec<PasskeyEntry>,
    /// Whether the file itself says that nobody gets in.
    pub(super) shut: bool,
}

/// The plan, the steps that carry it out, and the clients whose secret was made for them.
#[derive(Default)]
pub(super) struct Diff {
    pub(super) plan: Plan,
    pub(super) steps: Vec<Step>,
    pub(super) generated: Vec<ClientId>,
}

/// What is stored, by name.
pub(super) struct Stored {
    pub(super) roles: BTreeMap<String, (Role, Option<String>)>,
    pub(super) scopes: BTreeMap<String, (ScopeDefinition, Option<String>)>,
    pub(super) resources: BTreeMap<String, (ResourceServer, Option<String>)>,
    pub(super) clients: BTreeMap<ClientId, StoredClient>,
    pub(super) upstreams: BTreeMap<String, StoredUpstream>,
}

impl Stored {
    pub(super) async fn read(db: &mut Conn) -> Result<Stored, StoreError> {
        Ok(Stored {
            roles: by_name(roles::list_managed_roles(db).await?, |role| role.name.clone()),
            scopes: by_name(roles::list_managed_scopes(db).await?, |scope| scope.name.clone()),
            resources: by_name(roles::list_managed_resources(db).await?, |resource| {
                resource.identifier.clone()
            }),
            clients: clients::list(db)
                .await?
                .into_iter()
                .map(|c| (c.client.client_id.clone(), c))
                .collect(),
            upstreams: upstream::stored(db).await?,
        })
    }
}

pub(super) async fn diff(
    db: &mut Conn,
    file: &File,
    prepared: &Prepared,
    prune: bool,
    now: Timestamp,
) -> Result<Result<Diff, FileError>, StoreError> {
    let stored = Stored::read(db).await?;
    let whole = match lay::over(file, &stored) {
        Ok(whole) => whole,
        Err(refused) => return Ok(Err(refused)),
    };
    let file = &whole;
    let checked = check::references(file, &stored, prune).and_then(|()| check::clients(file, &stored, prune));
    if let Err(refused) = checked {
        return Ok(Err(refused));
    }
    let mut diff = Diff::default();
    diff.plan.warnings.clone_from(&prepared.warnings);
    for at in &file.roles {
        let old = stored.roles.get(&at.entry.name);
        let mark = diff.compare("role", &at.entry.name, old, &at.entry);
        diff.steps
            .extend(mark.map(|mark| Step::Role(at.entry.clone(), mark)));
    }
    for at in &file.scopes {
        let old = stored.scopes.get(&at.entry.name);
        let mark = diff.compare("scope", &at.entry.name, old, &at.entry);
        diff.steps
            .extend(mark.map(|mark| Step::Scope(at.entry.clone(), mark)));
    }
    for at in &file.resources {
        let old = stored.resources.get(&at.entry.identifier);
        let mark = diff.compare("resource", &at.entry.identifier, old, &at.entry);
        diff.steps
            .extend(mark.map(|mark| Step::Resource(at.entry.clone(), mark)));
    }
    for at in &file.clients {
        diff.client(
            &at.entry,
            stored.clients.get(&at.entry.client.client_id),
            prepared,
        );
    }
    for at in &file.accounts {
        if let Err(refused) = diff.account(db, at, prepared, now).await? {
            return Ok(Err(refused));
        }
    }
    for at in &file.upstreams {
        if let Err(refused) = diff.upstream(at, stored.upstreams.get(&at.entry.upstream.name), prepared) {
            return Ok(Err(refused));
        }
    }
    if prune {
        diff.prune_upstreams(file, &stored.upstreams);
        diff.prune(db, file, &stored).await?;
    }
    Ok(Ok(diff))
}

fn by_name<T>(
    rows: Vec<(T, Option<String>)>,
    name: impl Fn(&T) -> String,
) -> BTreeMap<String, (T, Option<String>)> {
    rows.into_iter().map(|row| (name(&row.0), row)).collect()
}

/// The fields in which two values differ, by the names they are written with.
pub(super) fn changed_fields<T: serde::Serialize>(old: &T, new: &T) -> Vec<String> {
    let (Ok(Value::Object(old)), Ok(Value::Object(new))) =
        (serde_json::to_value(old), serde_json::to_value(new))
    else {
        return Vec::new();
    };
    let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    keys.into_iter()
        .filter(|key| old.get(*key) != new.get(*key))
        .cloned()
        .collect()
}

impl Diff {
    pub(super) fn note(
        &mut self,
        action: Action,
        noun: &'static str,
        name: impl fmt::Display,
        fields: Vec<String>,
    ) {
        self.plan.changes.push(Change {
            action,
            noun,
            name: name.to_string(),
            fields,
            account_id: None,
        });
    }

    /// Says whose account the last change is about.
    fn about(&mut self, id: AccountId) {
        if let Some(last) = self.plan.changes.last_mut() {
            last.account_id = Some(id);
        }
    }

    /// Compares a plain value; answers the mark to write it with, or nothing when it is unchanged.
    fn compare<T: serde::Serialize + PartialEq>(
        &mut self,
        noun: &'static str,
        name: &str,
        old: Option<&(T, Option<String>)>,
        new: &T,
    ) -> Option<Option<String>> {
        match old {
            None => {
                self.note(Action::Create, noun, name, Vec::new());
                Some(Some(MANAGED_BY.to_owned()))
            }
            Some((old, _)) if old == new => {
                self.plan.unchanged += 1;
                None
            }
            Some((old, mark)) => {
                self.note(Action::Update, noun, name, changed_fields(old, new));
                Some(mark.clone())
            }
        }
    }

    fn client(&mut self, entry: &ClientEntry, old: Option<&StoredClient>, prepared: &Prepared) {
        let client: &Client = &entry.client;
        let id = &client.client_id;
        let kept = old.and_then(|old| old.secret_hash);
        let kept_sealed = old.and_then(|old| old.secret_sealed.clone());
        let has_secret = client.token_endpoint_auth_method.has_secret();
        let (hash, sealed) = match prepared.clients.get(id).filter(|_| has_secret) {
            // Where the way it authenticates was changed since, what is stored is right.
            None if has_secret => (kept, kept_sealed),
            None => (None, None),
            Some(secret) => {
                let usable = kept.is_some() && (secret.sealed.is_none() || kept_sealed.is_some());
                let keep = usable && (secret.generated.is_some() || kept == Some(secret.hash));
                if keep {
                    // What only client_secret_jwt needs in clear does not stay when the method changes.
                    (kept, kept_sealed.filter(|_| secret.sealed.is_some()))
                } else {
                    if secret.generated.is_some() {
                        self.generated.push(id.clone());
                    }
                    (Some(secret.hash), secret.sealed.clone())
                }
            }
        };
        let mut new = StoredClient {
            client: client.clone(),
            secret_hash: hash,
            secret_sealed: sealed,
            disabled: entry.disabled,
            managed_by: Some(MANAGED_BY.to_owned()),
            previous: old
                .filter(|old| old.secret_hash == hash)
                .and_then(|old| old.previous.clone()),
            tokens_not_before: old.map_or(Timestamp(0), |old| old.tokens_not_before),
        };
        let Some(old) = old else {
            self.note(Action::Create, "client", id, Vec::new());
            self.steps.push(Step::InsertClient(Box::new(new)));
            return;
        };
        let mut fields = changed_fields(&old.client, &new.client);
        if old.secret_hash != new.secret_hash || old.secret_sealed.is_some() != new.secret_sealed.is_some() {
            fields.push("client_secret".to_owned());
        }
        if old.disabled != new.disabled {
            fields.push("disabled".to_owned());
        }
        if fields.is_empty() {
            self.plan.unchanged += 1;
            return;
        }
        new.managed_by.clone_from(&old.managed_by);
        self.note(Action::Update, "client", id, fields);
        self.steps.push(Step::UpdateClient {
            old: Box::new(old.clone()),
            new: Box::new(new),
        });
    }

    async fn account(
        &mut self,
        db: &mut Conn,
        at: &At<AccountEntry>,
        prepared: &Prepared,
        now: Timestamp,
    ) -> Result<Result<(), FileError>, StoreError> {
        let entry = &at.entry;
        let key = entry.username.to_lowercase();
        let old = accounts::find_by_login(db, &entry.username).await?;
        if let Some(other) = old.as_ref().filter(|old| old.username.to_lowercase() != key) {
            let problem = format!(
                "account {}: is already the mail address of account {}",
                entry.username, other.username
            );
            return Ok(Err(FileError::at(at.line, problem)));
        }
        if let Some(email) = &entry.email
            && let Some(other) = accounts::find_by_login(db, email).await?
            && old.as_ref().is_none_or(|old| old.id != other.id)
        {
            let problem = format!(
                "account {}: email {email:?} already belongs to account {}",
                entry.username, other.username
            );
            return Ok(Err(FileError::at(at.line, problem)));
        }
        let mut account = old.clone().unwrap_or_else(|| blank(&entry.username, now));
        if let Some(email) = &entry.email {
            // An address nobody has verified is not made so by the one before it.
            let same = account.email.as_ref() == Some(email);
            account.email_verified = entry.email_verified.unwrap_or(same && account.email_verified);
            account.email = Some(email.clone());
        } else if let Some(verified) = entry.email_verified {
            account.email_verified = verified;
        }
        if let Some(claims) = &entry.claims {
            account.claims.clone_from(claims);
        }
        account.disabled = entry.disabled.unwrap_or(account.disabled);
        account.mfa = entry.mfa.or(account.mfa);

        // One that waits to be erased is shut already, but for the way back in its holder's mail.
        let shut = entry.disabled == Some(true);
        let shuts = match &old {
            Some(old) if shut => administration::accounts::stands_open(db, old, now).await?,
            _ => false,
        };

        let mut fields = Vec::new();
        let mut changed = |name: &str, differs: bool| {
            if differs {
                fields.push(name.to_owned());
            }
        };
        if let Some(old) = &old {
            changed("email", old.email != account.email);
            changed("email_verified", old.email_verified != account.email_verified);
            changed("claims", old.claims != account.claims);
            changed("disabled", shuts || old.disabled != account.disabled);
            changed("mfa", old.mfa != account.mfa);
        }
        let (held_roles, held_permissions) = match &old {
            Some(old) => (
                permanent_roles(db, old.id).await?,
                roles::account_permissions(db, old.id).await?,
            ),
            None => (BTreeSet::new(), BTreeSet::new()),
        };
        let new_roles = entry.roles.clone().filter(|new| *new != held_roles);
        let new_permissions = entry.permissions.clone().filter(|new| *new != held_permissions);
        let password = prepared.passwords.get(&key).cloned();
        if password.is_some() {
            account.must_change_password = entry.must_change_password.unwrap_or(false);
        }
        let factor = prepared.factors.get(&key).cloned();
        changed("password", password.is_some());
        changed("totp_secret", factor.is_some());
        let passkeys = match new_passkeys(db, entry, account.id).await? {
            Ok(passkeys) => passkeys,
            Err(problem) => return Ok(Err(FileError::at(at.line, problem))),
        };
        changed("passkeys", !passkeys.is_empty());
        changed("roles", new_roles.is_some());
        changed("permissions", new_permissions.is_some());
        if old.is_some() && fields.is_empty() {
            self.plan.unchanged += 1;
            return Ok(Ok(()));
        }
        match old {
            Some(_) => self.note(Action::Update, "account", &entry.username, fields),
            None => self.note(Action::Create, "account", &entry.username, Vec::new()),
        }
        self.about(account.id);
        let create = old.is_none();
        let step = AccountStep {
            account,
            create,
            password,
            factor,
            roles: new_roles,
            permissions: new_permissions,
            passkeys,
            shut,
        };
        self.steps.push(Step::Account(Box::new(step)));
        Ok(Ok(()))
    }

    /// Deletes what an earlier file made and this one does not name: holders first, then what they hold.
    async fn prune(&mut self, db: &mut Conn, file: &File, stored: &Stored) -> Result<(), StoreError> {
        let managed = |mark: &Option<String>| mark.as_deref() == Some(MANAGED_BY);
        let named: BTreeSet<String> = file
            .accounts
            .iter()
            .map(|at| at.entry.username.to_lowercase())
            .collect();
        for account in super::all_accounts(db).await? {
            if managed(&account.managed_by) && !named.contains(&account.username.to_lowercase()) {
                self.note(Action::Delete, "account", &account.username, Vec::new());
                self.about(account.id);
                self.steps.push(Step::DeleteAccount(Box::new(account)));
            }
        }
        for (id, client) in &stored.clients {
            if managed(&client.managed_by) && !file.clients.iter().any(|at| at.entry.client.client_id == *id)
            {
                self.note(Action::Delete, "client", id, Vec::new());
                self.steps.push(Step::DeleteClient(id.clone()));
            }
        }
        for (name, (_, mark)) in &stored.resources {
            if managed(mark) && !file.resources.iter().any(|at| at.entry.identifier == *name) {
                self.note(Action::Delete, "resource", name, Vec::new());
                self.steps.push(Step::DeleteResource(name.clone()));
            }
        }
        for (name, (_, mark)) in &stored.scopes {
            if managed(mark) && !file.scopes.iter().any(|at| at.entry.name == *name) {
                self.note(Action::Delete, "scope", name, Vec::new());
                self.steps.push(Step::DeleteScope(name.clone()));
            }
        }
        for (name, (_, mark)) in &stored.roles {
            if managed(mark) && !file.roles.iter().any(|at| at.entry.name == *name) {
                self.note(Action::Delete, "role", name, Vec::new());
                self.steps.push(Step::DeleteRole(name.clone()));
            }
        }
        Ok(())
    }
}

/// The roles that an account holds for good. Those that end by themselves are not for files.
pub(super) async fn permanent_roles(db: &mut Conn, id: AccountId) -> Result<BTreeSet<String>, StoreError> {
    let held = roles::list_assignments(db, id).await?;
    Ok(held
        .into_iter()
        .filter(|held| held.expires_at.is_none())
        .map(|held| held.role)
        .collect())
}

/// The passkeys of an entry that its account does not have yet; one that another account has cannot be given.
async fn new_passkeys(
    db: &mut Conn,
    entry: &AccountEntry,
    id: AccountId,
) -> Result<Result<Vec<PasskeyEntry>, String>, StoreError> {
    let mut new = Vec::new();
    for passkey in &entry.passkeys {
        match passkeys::find_by_credential(db, &passkey.credential_id).await? {
            None => new.push(passkey.clone()),
            Some(held) if held.account_id == id => {}
            Some(_) => {
                let problem = format!(
                    "account {}: passkey {:?} is another account's",
                    entry.username, passkey.name
                );
                return Ok(Err(problem));
            }
        }
    }
    Ok(Ok(new))
}

/// An account with nothing but a name.
pub(crate) fn blank(username: &str, now: Timestamp) -> Account {
    Account {
        id: AccountId(random::uuid()),
        username: username.to_owned(),
        email: None,
        email_verified: false,
        claims: serde_json::Map::new(),
        disabled: false,
        mfa: None,
        must_change_password: false,
        last_login_at: None,
        created_at: now,
        updated_at: now,
        managed_by: Some(MANAGED_BY.to_owned()),
    }
}
