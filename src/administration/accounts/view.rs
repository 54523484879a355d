//! An account as administrators see it: who it is, what it may do and why, and how it signs in. Never a secret.

use std::collections::BTreeSet;

use protocol::id::AccountId;
use protocol::permission;
use protocol::session::MfaPolicy;
use protocol::time::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};
use store::accounts::search::{self, State};
use store::{Account, Conn, StoreError, credentials, roles};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::administration::catalogue::MfaPolicyName;
use crate::administration::roles::{EffectivePermission, explain};
use crate::administration::{Actor, Outcome, Refused};
use crate::app::App;

/// Whether an account can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, serde::Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AccountState {
    /// It may sign in.
    Active,
    /// It may not.
    Disabled,
    /// It may not, and is to be erased.
    PendingErasure,
}

impl From<State> for AccountState {
    fn from(state: State) -> AccountState {
        match state {
            State::Active => AccountState::Active,
            State::Disabled => AccountState::Disabled,
            State::PendingErasure => AccountState::PendingErasure,
        }
    }
}

impl From<AccountState> for State {
    fn from(state: AccountState) -> State {
        match state {
            AccountState::Active => State::Active,
            AccountState::Disabled => State::Disabled,
            AccountState::PendingErasure => State::PendingErasure,
        }
    }
}

/// An account in a list.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = Account)]
pub(crate) struct AccountView {
    /// The identifier, the `sub` of its tokens.
    pub(crate) id: Uuid,
    /// The name to sign in with.
    pub(crate) username: String,
    /// The e-mail address.
    pub(crate) email: Option<String>,
    /// Whether the address is known to be the holder's.
    pub(crate) email_verified: bool,
    /// Other standard claims, such as `name`.
    #[schema(value_type = Object)]
    pub(crate) claims: Map<String, Value>,
    /// Whether it can be used.
    pub(crate) state: AccountState,
    /// Whether it must prove a second factor; what its roles, the client and the server say when absent.
    #[schema(value_type = Option<MfaPolicyName>)]
    pub(crate) mfa: Option<MfaPolicy>,
    /// Whether it must choose a new password at its next sign-in.
    pub(crate) must_change_password: bool,
    /// When it last signed in.
    #[schema(value_type = Option<i64>)]
    pub(crate) last_login_at: Option<Timestamp>,
    /// When it was made.
    #[schema(value_type = i64)]
    pub(crate) created_at: Timestamp,
    /// When it was last changed.
    #[schema(value_type = i64)]
    pub(crate) updated_at: Timestamp,
    /// When it is to be erased.
    #[schema(value_type = Option<i64>)]
    pub(crate) erase_at: Option<Timestamp>,
    /// What keeps it: `file` for the declarative files.
    pub(crate) managed_by: Option<String>,
}

impl AccountView {
    /// The view of an account.
    pub(crate) fn new(account: Account, erase_at: Option<Timestamp>) -> AccountView {
        AccountView {
            state: search::state(&account, erase_at).into(),
            id: account.id.0,
            username: account.username,
            email: account.email,
            email_verified: account.email_verified,
            claims: account.claims,
            mfa: account.mfa,
            must_change_password: account.must_change_password,
            last_login_at: account.last_login_at,
            created_at: account.created_at,
            updated_at: account.updated_at,
            erase_at: erase_at.filter(|_| account.disabled),
            managed_by: account.managed_by,
        }
    }
}

/// A role that an account holds, and through what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct RoleHeld {
    /// The role.
    pub(crate) role: String,
    /// The group through which it is held, unless the account holds it by itself.
    pub(crate) group: Option<String>,
    /// The moment from which it is not held any more.
    #[schema(value_type = Option<i64>)]
    pub(crate) expires_at: Option<Timestamp>,
}

/// How an account can sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct FactorsView {
    /// Whether it has a password.
    pub(crate) password: bool,
    /// How many authenticator apps it has.
    pub(crate) totp: usize,
    /// How many passkeys it has.
    pub(crate) passkeys: usize,
    /// How many recovery codes are left.
    pub(crate) recovery_codes: usize,
    /// Wrong second factors in a row; too many block them until an administrator unlocks.
    pub(crate) second_factor_failures: i64,
}

/// An account by itself.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct AccountDetails {
    /// Who it is.
    #[serde(flatten)]
    pub(crate) account: AccountView,
    /// The roles it holds now.
    pub(crate) roles: Vec<RoleHeld>,
    /// The permissions it has of its own.
    pub(crate) permissions: BTreeSet<String>,
    /// All it may do, and why.
    pub(crate) effective_permissions: Vec<EffectivePermission>,
    /// How it can sign in.
    pub(crate) factors: FactorsView,
    /// How many sessions it has open.
    pub(crate) sessions: usize,
}

/// The account with this identifier.
pub(crate) async fn read(app: &App, actor: &Actor, id: AccountId) -> Outcome<AccountDetails> {
    actor.require(permission::ACCOUNTS_READ)?;
    let now = app.now();
    let found = app
        .store
        .read(async move |db: &mut Conn| details(db, id, now).await)
        .await?;
    Ok(found.ok_or(Refused::NotFound)?)
}

/// The same in a transaction at hand.
pub(crate) async fn details(
    db: &mut Conn,
    id: AccountId,
    now: Timestamp,
) -> Result<Option<AccountDetails>, StoreError> {
    let Some((account, erase_at)) = search::find_with_state(db, id).await? else {
        return Ok(None);
    };
    let roles = roles::list_held(db, id, now)
        .await?
        .into_iter()
        .map(|held| RoleHeld {
            role: held.role.name,
            group: held.group,
            expires_at: held.expires_at,
        });
    let codes = credentials::count_recovery_codes(db, id).await?;
    Ok(Some(AccountDetails {
        account: AccountView::new(account, erase_at),
        roles: roles.collect(),
        permissions: roles::account_permissions(db, id).await?,
        effective_permissions: explain(db, id, now).await?,
        factors: FactorsView {
            password: credentials::find_password(db, id).await?.is_some(),
            totp: credentials::list_totp(db, id).await?.len(),
            passkeys: store::passkeys::list(db, id).await?.len(),
            recovery_codes: usize::try_from(codes).unwrap_or_default(),
            second_factor_failures: store::factors::failures(db, id).await?,
        },
        sessions: store::sessions::list(db, id, now).await?.len(),
    }))
}
