//! Accounts as another directory provisions them: what it calls them and says of them, found by the terms that it asks
//! in (RFC 7644 §3.4.2).

use diesel::{EscapeExpressionMethods as _, TextExpressionMethods as _};
use protocol::id::{AccountId, GroupId};
use protocol::time::Timestamp;
use serde_json::{Map, Value};

use crate::accounts::{Account, Row};
use crate::conn::Conn;
use crate::conn::query::*;
use crate::error::StoreError;
use crate::schema::{account_roles, accounts, group_members, group_roles, groups};
use crate::types::{Doc, Uid};

/// An account with what its provisioner keeps here.
#[derive(Clone, Debug, PartialEq)]
pub struct Provisioned {
    /// The account.
    pub account: Account,
    /// The identifier by which the provisioner knows it.
    pub external_id: Option<String>,
    /// What the provisioner says of it and nothing else here has a place for.
    pub attributes: Map<String, Value>,
}

type Columns = (Row, Option<String>, Option<Doc>);

fn read((row, external_id, attributes): Columns) -> Result<Provisioned, StoreError> {
    let attributes = attributes.map(|found| found.read("provisioned account"));
    Ok(Provisioned {
        account: Account::try_from(row)?,
        external_id,
        attributes: attributes.transpose()?.unwrap_or_default(),
    })
}

macro_rules! columns {
    () => {
        (Row::as_select(), accounts::external_id, accounts::provisioned)
    };
}

/// The account with this identifier.
pub async fn find(db: &mut Conn, id: AccountId) -> Result<Option<Provisioned>, StoreError> {
    let query = accounts::table.find(Uid(id.0));
    let row: Option<Columns> = db!(db, |c| query.select(columns!()).get_result(c).await.optional())?;
    row.map(read).transpose()
}

/// Keeps what the provisioner calls an account and says of it.
pub async fn update(
    db: &mut Conn,
    id: AccountId,
    external_id: Option<&str>,
    attributes: &Map<String, Value>,
) -> Result<(), StoreError> {
    let provisioned = (!attributes.is_empty())
        .then(|| Doc::of(attributes))
        .transpose()?;
    let target = accounts::table.filter(accounts::id.eq(Uid(id.0)));
    let values = (
        accounts::external_id.eq(external_id),
        accounts::provisioned.eq(provisioned),
    );
    db!(db, |c| diesel::update(target).set(values).execute(c).await)?;
    Ok(())
}

/// Which accounts are wanted: those that are all of this. Nothing said is no condition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// The identifier.
    pub id: Option<AccountId>,
    /// The user name, in lower case.
    pub username: Option<String>,
    /// How the user name begins, in lower case.
    pub username_prefix: Option<String>,
    /// The mail address, in lower case.
    pub email: Option<String>,
    /// The identifier that the provisioner has for it.
    pub external_id: Option<String>,
    /// Whether it may sign in.
    pub active: Option<bool>,
    /// Not made before this moment.
    pub created_from: Option<Timestamp>,
    /// Not made after this moment.
    pub created_to: Option<Timestamp>,
    /// Not changed last before this moment.
    pub updated_from: Option<Timestamp>,
    /// Not changed last after this moment.
    pub updated_to: Option<Timestamp>,
}

/// What a list is sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// When the account was made.
    #[default]
    Created,
    /// When it was last changed.
    Updated,
    /// The user name.
    Username,
}

/// A piece of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Piece {
    /// What it is sorted by.
    pub order: Order,
    /// Whether the greatest comes first.
    pub descending: bool,
    /// How many are skipped.
    pub offset: i64,
    /// How many at most.
    pub limit: i64,
}

/// The text that matches what begins with another.
fn begins_with(prefix: &str) -> String {
    let mut pattern = String::with_capacity(prefix.len() + 1);
    for c in prefix.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

/// Adds the conditions of a selection to a boxed query.
macro_rules! select {
    ($query:expr, $wanted:expr) => {{
        let (mut query, wanted) = ($query, $wanted);
        if let Some(id) = wanted.id {
            query = query.filter(accounts::id.eq(Uid(id.0)));
        }
        if let Some(username) = &wanted.username {
            query = query.filter(accounts::username_key.eq(username.clone()));
        }
        if let Some(prefix) = &wanted.username_prefix {
            query = query.filter(accounts::username_key.like(begins_with(prefix)).escape('\\'));
        }
        if let Some(email) = &wanted.email {
            query = query.filter(accounts::email_key.eq(email.clone()));
        }
        if let Some(external_id) = &wanted.external_id {
            query = query.filter(accounts::external_id.eq(external_id.clone()));
        }
        if let Some(active) = wanted.active {
            query = query.filter(accounts::disabled.eq(!active));
        }
        if let Some(at) = wanted.created_from {
            query = query.filter(accounts::created_at.ge(at.0));
        }
        if let Some(at) = wanted.created_to {
            query = query.filter(accounts::created_at.le(at.0));
        }
        if let Some(at) = wanted.updated_from {
            query = query.filter(accounts::updated_at.ge(at.0));
        }
        if let Some(at) = wanted.updated_to {
            query = query.filter(accounts::updated_at.le(at.0));
        }
        query
    }};
}

/// A piece of the list of accounts.
pub async fn list(db: &mut Conn, wanted: &Selection, piece: Piece) -> Result<Vec<Provisioned>, StoreError> {
    macro_rules! ordered {
        ($query:expr, $by:expr) => {
            if piece.descending {
                $query.order(($by.desc(), accounts::id.desc()))
            } else {
                $query.order(($by.asc(), accounts::id.asc()))
            }
        };
    }
    let rows: Vec<Columns> = db!(db, |c| {
        let all = accounts::table
            .select(columns!())
            .offset(piece.offset)
            .limit(piece.limit)
            .into_boxed();
        let query = select!(all, wanted);
        let query = match piece.order {
            Order::Created => ordered!(query, accounts::created_at),
            Order::Updated => ordered!(query, accounts::updated_at),
            Order::Username => ordered!(query, accounts::username_key),
        };
        query.load(c).await
    })?;
    rows.into_iter().map(read).collect()
}

/// How many accounts are wanted.
pub async fn count(db: &mut Conn, wanted: &Selection) -> Result<i64, StoreError> {
    Ok(db!(db, |c| {
        let all = accounts::table.count().into_boxed();
        select!(all, wanted).get_result::<i64>(c).await
    })?)
}

/// The groups of some accounts: whose, which, and its name.
pub async fn list_groups(
    db: &mut Conn,
    ids: &[AccountId],
) -> Result<Vec<(AccountId, GroupId, String)>, StoreError> {
    let ids: Vec<Uid> = ids.iter().map(|id| Uid(id.0)).collect();
    let query = group_members::table
        .inner_join(groups::table.on(groups::id.eq(group_members::group_id)))
        .filter(group_members::account_id.eq_any(ids))
        .order((group_members::account_id, groups::display_key))
        .select((group_members::account_id, groups::id, groups::display_name));
    let rows: Vec<(Uid, Uid, String)> = db!(db, |c| query.load(c).await)?;
    let read = |(account, group, name): (Uid, Uid, String)| (AccountId(account.0), GroupId(group.0), name);
    Ok(rows.into_iter().map(read).collect())
}

/// The roles that some accounts hold at a moment, by themselves or through groups.
pub async fn list_roles(
    db: &mut Conn,
    ids: &[AccountId],
    now: Timestamp,
) -> Result<Vec<(AccountId, String)>, StoreError> {
    let ids: Vec<Uid> = ids.iter().map(|id| Uid(id.0)).collect();
    let own = account_roles::table
        .filter(account_roles::account_id.eq_any(ids.clone()))
        .filter(
            account_roles::expires_at
                .is_null()
                .or(account_roles::expires_at.gt(now.0)),
        )
        .select((account_roles::account_id, account_roles::role));
    let mut rows: Vec<(Uid, String)> = db!(db, |c| own.load(c).await)?;
    let through_groups = group_members::table
        .inner_join(group_roles::table.on(group_roles::group_id.eq(group_members::group_id)))
        .filter(group_members::account_id.eq_any(ids))
        .select((group_members::account_id, group_roles::role));
    let more: Vec<(Uid, String)> = db!(db, |c| through_groups.load(c).await)?;
    rows.extend(more);
    Ok(rows
        .into_iter()
        .map(|(id, role)| (AccountId(id.0), role))
        .collect())
}
