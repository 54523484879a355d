//! Accounts that nobody uses: found, warned, and at last without a person.

use diesel::dsl::sql;
use diesel::sql_types::Bool;
use protocol::id::AccountId;
use protocol::secret::TokenHash;
use protocol::time::Timestamp;

use crate::accounts as people;
use crate::audit::Signer;
use crate::conn::Conn;
use crate::conn::query::*;
use crate::error::StoreError;
use crate::schema::{
    account_permissions, account_roles, accounts, action_tokens, api_keys, consent_records, consents, grants,
    group_members, login_names, passkeys, password_history, passwords, recovery_codes, resource_permissions,
    sessions, totp_factors, upstream_identities,
};
use crate::types::{Doc, Uid};
use crate::{audit, changes, erasure};

/// What says that an account was not used since a moment: no sign-in, no session seen, no token taken, no API key used.
fn idle(since: i64) -> String {
    format!(
        "COALESCE(accounts.last_login_at, accounts.created_at) < {since} \
         AND NOT EXISTS (SELECT 1 FROM sessions s WHERE s.account_id = accounts.id AND s.last_seen_at >= {since}) \
         AND NOT EXISTS (SELECT 1 FROM grants g JOIN refresh_tokens t ON t.grant_id = g.id \
          WHERE g.account_id = accounts.id AND t.issued_at >= {since}) \
         AND NOT EXISTS (SELECT 1 FROM api_keys k WHERE k.account_id = accounts.id AND k.last_used_at >= {since})"
    )
}

/// The accounts of people that were not used since a moment.
macro_rules! unused {
    ($since:expr) => {
        accounts::table
            .filter(accounts::anonymised_at.is_null())
            .filter(accounts::erase_at.is_null())
            .filter(sql::<Bool>(&idle($since.0)))
    };
}

/// At most `limit` accounts that were not used since a moment and not warned since another.
pub async fn list_to_warn(
    db: &mut Conn,
    since: Timestamp,
    not_warned_since: Timestamp,
    limit: i64,
) -> Result<Vec<AccountId>, StoreError> {
    let query = unused!(since)
        .filter(
            accounts::warned_at
                .is_null()
                .or(accounts::warned_at.lt(not_warned_since.0)),
        )
        .order(accounts::id)
        .limit(limit)
        .select(accounts::id);
    let found: Vec<Uid> = db!(db, |c| query.load(c).await)?;
    Ok(found.into_iter().map(|id| AccountId(id.0)).collect())
}

/// At most `limit` accounts that were not used since a moment although they were warned between two others.
pub async fn list_to_anonymise(
    db: &mut Conn,
    since: Timestamp,
    (from, until): (Timestamp, Timestamp),
    limit: i64,
) -> Result<Vec<AccountId>, StoreError> {
    let query = unused!(since)
        .filter(accounts::warned_at.ge(from.0))
        .filter(accounts::warned_at.le(until.0))
        .order(accounts::id)
        .limit(limit)
        .select(accounts::id);
    let found: Vec<Uid> = db!(db, |c| query.load(c).await)?;
    Ok(found.into_iter().map(|id| AccountId(id.0)).collect())
}

/// Whether an account is still not used since a moment.
pub async fn is_unused(db: &mut Conn, id: AccountId, since: Timestamp) -> Result<bool, StoreError> {
    let query = unused!(since)
        .filter(accounts::id.eq(Uid(id.0)))
        .select(accounts::id);
    let found: Option<Uid> = db!(db, |c| query.get_result(c).await.optional())?;
    Ok(found.is_some())
}

/// Notes that a holder is being warned. Of many nodes one is told true.
pub async fn note_warning(
    db: &mut Conn,
    id: AccountId,
    not_warned_since: Timestamp,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let target = accounts::table.filter(accounts::id.eq(Uid(id.0))).filter(
        accounts::warned_at
            .is_null()
            .or(accounts::warned_at.lt(not_warned_since.0)),
    );
    let set = accounts::warned_at.eq(now.0);
    Ok(db!(db, |c| diesel::update(target).set(set).execute(c).await)? == 1)
}

/// Deletes the rows of these tables that belong to an account.
macro_rules! clear {
    ($db:expr, $id:expr, $($table:ident),* $(,)?) => {$(
        let rows = $table::table.filter($table::account_id.eq(Uid($id.0)));
        db!($db, |c| diesel::delete(rows).execute(c).await)?;
    )*};
}

/// Takes the person out of an account that others may refer to, such as the owner of things: what is left is its
/// identifier under a name that says nothing, and nobody can sign in. False when there is no such account.
pub async fn anonymise(
    db: &mut Conn,
    id: AccountId,
    username: &str,
    mailboxes: &[TokenHash],
    signer: &impl Signer,
    now: Timestamp,
) -> Result<bool, StoreError> {
    if people::find_locked(db, id).await?.is_none() {
        return Ok(false);
    }
    changes::note(id.0);
    clear!(
        db,
        id,
        login_names,
        passwords,
        totp_factors,
        recovery_codes,
        sessions,
        consents,
        grants,
        account_roles,
        account_permissions,
        password_history,
        passkeys,
        action_tokens,
        upstream_identities,
        group_members,
        resource_permissions,
        api_keys,
        consent_records,
    );
    erasure::delete_parcels(db, mailboxes).await?;
    let target = accounts::table.filter(accounts::id.eq(Uid(id.0)));
    let set = (
        accounts::username.eq(username),
        accounts::username_key.eq(username),
        accounts::email.eq(None::<String>),
        accounts::email_key.eq(None::<String>),
        accounts::email_verified.eq(false),
        accounts::claims.eq(Doc::of(&serde_json::json!({}))?),
        accounts::disabled.eq(true),
        accounts::last_login_at.eq(None::<i64>),
        accounts::managed_by.eq(None::<String>),
        accounts::updated_at.eq(now.0),
        accounts::mfa.eq(None::<String>),
        accounts::must_change_password.eq(false),
        accounts::second_factor_failures.eq(0),
        accounts::external_id.eq(None::<String>),
        accounts::provisioned.eq(None::<Doc>),
        accounts::warned_at.eq(None::<i64>),
        accounts::anonymised_at.eq(now.0),
    );
    db!(db, |c| diesel::update(target).set(set).execute(c).await)?;
    let values = (
        login_names::name_key.eq(username),
        login_names::account_id.eq(Uid(id.0)),
    );
    db!(db, |c| diesel::insert_into(login_names::table)
        .values(values)
        .execute(c)
        .await)?;
    audit::anonymise(db, id, signer, now).await?;
    Ok(true)
}
