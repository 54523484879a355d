//! Accounts in pieces, for whoever looks after many: each piece costs the same, wherever it begins.

use diesel::dsl::{exists, sql};
use diesel::sql_types::{BigInt, Bool};
use protocol::id::AccountId;
use protocol::time::Timestamp;

use super::{Account, Row, key};
use crate::conn::Conn;
use crate::conn::query::*;
use crate::error::StoreError;
use crate::schema::{account_roles, accounts, group_members, group_roles, login_names};
use crate::types::Uid;

/// A set of accounts not larger than this is looked through itself; of a larger one the order finds members soon.
const SMALL: i64 = 2_000;
/// Comes after all that can stand in a name.
const LAST: char = '\u{10FFFF}';

/// Whether an account can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It may sign in.
    Active,
    /// It may not.
    Disabled,
    /// It may not, and is to be erased.
    PendingErasure,
}

/// Which accounts to find; what is not set does not matter.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// Those in this state.
    pub state: Option<State>,
    /// Those that hold this role now, by themselves or through a group.
    pub role: Option<String>,
    /// Those whose user name or address begins so, in any case of letters. They come in the order of what matches.
    pub prefix: Option<String>,
}

/// What accounts are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The user name.
    Username,
    /// When they were made.
    CreatedAt,
    /// When they last signed in; who never did, did before all others.
    LastLoginAt,
}

/// Where a piece ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Position {
    /// At this user name, or at this name that matched a prefix.
    Name(String),
    /// At this moment and account.
    Moment(i64, AccountId),
}

/// An account that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The account.
    pub account: Account,
    /// When it is to be erased.
    pub erase_at: Option<Timestamp>,
    /// Where it stands.
    pub position: Position,
}

impl Found {
    /// Whether it can be used.
    pub fn state(&self) -> State {
        state(&self.account, self.erase_at)
    }
}

/// Whether an account can be used.
pub fn state(account: &Account, erase_at: Option<Timestamp>) -> State {
    match (account.disabled, erase_at) {
        (true, Some(_)) => State::PendingErasure,
        (true, None) => State::Disabled,
        (false, _) => State::Active,
    }
}

/// Accounts that hold a role at a moment.
macro_rules! holders {
    ($role:expr, $now:expr) => {
        account_roles::table
            .filter(account_roles::role.eq($role))
            .filter(
                account_roles::expires_at
                    .is_null()
                    .or(account_roles::expires_at.gt($now.0)),
            )
            .select(account_roles::account_id)
    };
}

/// Accounts that hold a role through a group.
macro_rules! members {
    ($role:expr) => {
        group_members::table
            .inner_join(group_roles::table.on(group_roles::group_id.eq(group_members::group_id)))
            .filter(group_roles::role.eq($role))
            .select(group_members::account_id)
    };
}

/// The conditions of a state, on a query that has the accounts in it.
macro_rules! in_state {
    ($query:expr, $state:expr) => {
        match $state {
            None => $query,
            Some(State::Active) => $query.filter(accounts::disabled.eq(false)),
            Some(State::Disabled) => $query
                .filter(accounts::disabled.eq(true))
                .filter(accounts::erase_at.is_null()),
            Some(State::PendingErasure) => $query
                .filter(accounts::disabled.eq(true))
                .filter(accounts::erase_at.is_not_null()),
        }
    };
}

/// The conditions of a role, likewise.
macro_rules! with_role {
    ($query:expr, $role:expr, $now:expr) => {
        match $role {
            None => $query,
            Some(role) => $query.filter(
                exists(holders!(role.clone(), $now).filter(account_roles::account_id.eq(accounts::id))).or(
                    exists(members!(role.clone()).filter(group_members::account_id.eq(accounts::id))),
                ),
            ),
        }
    };
}

/// The accounts in a state, when they are few.
async fn few_in_state(db: &mut Conn, state: State) -> Result<Option<Vec<Uid>>, StoreError> {
    let surplus: Option<Uid> = db!(db, |c| {
        let query = accounts::table.select(accounts::id).into_boxed();
        let query = in_state!(query, Some(state)).offset(SMALL).limit(1);
        query.get_result(c).await.optional()
    })?;
    if surplus.is_some() {
        return Ok(None);
    }
    let ids = db!(db, |c| {
        let query = accounts::table.select(accounts::id).into_boxed();
        let query = in_state!(query, Some(state)).limit(SMALL);
        query.load(c).await
    })?;
    Ok(Some(ids))
}

/// The accounts with a role, when they are few: of those with it by themselves and of those with it through groups.
async fn few_with_role(db: &mut Conn, role: &str, now: Timestamp) -> Result<Option<Vec<Uid>>, StoreError> {
    // The database passes over the others faster than they could be fetched and counted.
    let surplus = holders!(role.to_owned(), now).offset(SMALL).limit(1);
    let surplus: Option<Uid> = db!(db, |c| surplus.get_result(c).await.optional())?;
    let shared_surplus = members!(role.to_owned()).offset(SMALL).limit(1);
    let shared_surplus: Option<Uid> = db!(db, |c| shared_surplus.get_result(c).await.optional())?;
    if surplus.or(shared_surplus).is_some() {
        return Ok(None);
    }
    let own = holders!(role.to_owned(), now).limit(SMALL);
    let mut ids: Vec<Uid> = db!(db, |c| own.load(c).await)?;
    let shared = members!(role.to_owned()).limit(SMALL);
    ids.extend(db!(db, |c| shared.load::<Uid>(c).await)?);
    Ok(Some(ids))
}

/// At most `limit` accounts that match, from the one that follows `after`. With a prefix they come by name, whatever
/// the order.
pub async fn search(
    db: &mut Conn,
    search: &Search,
    order: (Order, bool),
    after: Option<&Position>,
    limit: i64,
    now: Timestamp,
) -> Result<Vec<Found>, StoreError> {
    if let Some(prefix) = search.prefix.as_deref().filter(|prefix| !prefix.is_empty()) {
        return by_prefix(db, search, &key(prefix), order.1, after, limit, now).await;
    }
    let mut among = None;
    if let Some(role) = &search.role {
        among = few_with_role(db, role, now).await?;
    }
    // All but a few are active, as a rule.
    if let Some(state) = search
        .state
        .filter(|state| among.is_none() && *state != State::Active)
    {
        among = few_in_state(db, state).await?;
    }
    let mut rows = Vec::new();
    for bound in bounds(order.0, after) {
        let left = limit - rows.len() as i64;
        if left > 0 {
            rows.extend(piece(db, search, among.as_deref(), order, &bound, left, now).await?);
        }
    }
    let found = rows.into_iter().map(|(row, erase_at)| {
        let account = Account::try_from(row)?;
        let position = match order.0 {
            Order::Username => Position::Name(key(&account.username)),
            Order::CreatedAt => Position::Moment(account.created_at.0, account.id),
            Order::LastLoginAt => Position::Moment(account.last_login_at.map_or(0, |at| at.0), account.id),
        };
        Ok(Found {
            account,
            erase_at: erase_at.map(Timestamp),
            position,
        })
    });
    found.collect()
}

/// Where a query begins.
enum Bound {
    Start,
    Name(String),
    Made(i64, Uid),
    SeenThen(i64, Uid),
    SeenBeyond(i64),
}

/// The queries that a piece is made of, one after the other. Pairs of which one half is computed would be compared row
/// by row on SQLite.
fn bounds(order: Order, after: Option<&Position>) -> Vec<Bound> {
    match (order, after) {
        (Order::Username, Some(Position::Name(name))) => vec![Bound::Name(name.clone())],
        (Order::CreatedAt, Some(Position::Moment(at, id))) => vec![Bound::Made(*at, Uid(id.0))],
        (Order::LastLoginAt, Some(Position::Moment(at, id))) => {
            vec![Bound::SeenThen(*at, Uid(id.0)), Bound::SeenBeyond(*at)]
        }
        _ => vec![Bound::Start],
    }
}

/// The rows of one query.
async fn piece(
    db: &mut Conn,
    search: &Search,
    among: Option<&[Uid]>,
    (order, descending): (Order, bool),
    bound: &Bound,
    limit: i64,
    now: Timestamp,
) -> Result<Vec<(Row, Option<i64>)>, StoreError> {
    let seen = || sql::<BigInt>("COALESCE(accounts.last_login_at, 0)");
    let rows = db!(db, |c| {
        let query = accounts::table
            .select((Row::as_select(), accounts::erase_at))
            .limit(limit)
            .into_boxed();
        let query = with_role!(in_state!(query, search.state), &search.role, now);
        let query = match among {
            Some(ids) => query.filter(accounts::id.eq_any(ids.to_vec())),
            None => query,
        };
        let query = match (bound, descending) {
            (Bound::Start, _) => query,
            (Bound::Name(name), false) => query.filter(accounts::username_key.gt(name.clone())),
            (Bound::Name(name), true) => query.filter(accounts::username_key.lt(name.clone())),
            (Bound::Made(at, id), _) => {
                let beyond = if descending { ") < (" } else { ") > (" };
                query.filter(
                    sql::<Bool>("(accounts.created_at, accounts.id")
                        .sql(beyond)
                        .bind::<BigInt, _>(*at)
                        .sql(", ")
                        .bind::<crate::types::sql::Uid, _>(*id)
                        .sql(")"),
                )
            }
            (Bound::SeenThen(at, id), false) => query.filter(seen().eq(*at)).filter(accounts::id.gt(*id)),
            (Bound::SeenThen(at, id), true) => query.filter(seen().eq(*at)).filter(accounts::id.lt(*id)),
            (Bound::SeenBeyond(at), false) => query.filter(seen().gt(*at)),
            (Bound::SeenBeyond(at), true) => query.filter(seen().lt(*at)),
        };
        match (order, descending) {
            (Order::Username, false) => query.order(accounts::username_key.asc()).load(c).await,
            (Order::Username, true) => query.order(accounts::username_key.desc()).load(c).await,
            (Order::CreatedAt, false) => {
                query
                    .order((accounts::created_at.asc(), accounts::id.asc()))
                    .load(c)
                    .await
            }
            (Order::CreatedAt, true) => {
                query
                    .order((accounts::created_at.desc(), accounts::id.desc()))
                    .load(c)
                    .await
            }
            (Order::LastLoginAt, false) => query.order((seen().asc(), accounts::id.asc())).load(c).await,
            (Order::LastLoginAt, true) => query.order((seen().desc(), accounts::id.desc())).load(c).await,
        }
    })?;
    Ok(rows)
}

diesel::alias!(
    const OTHER_NAMES: Alias<OtherNames> = login_names as other_names;
);

/// The accounts of which a name begins with `prefix`, each at the least of its names that does.
async fn by_prefix(
    db: &mut Conn,
    search: &Search,
    prefix: &str,
    descending: bool,
    after: Option<&Position>,
    limit: i64,
    now: Timestamp,
) -> Result<Vec<Found>, StoreError> {
    let end = format!("{prefix}{LAST}");
    let other = OTHER_NAMES;
    let rows: Vec<(String, Row, Option<i64>)> = db!(db, |c| {
        let lesser = other
            .filter(other.field(login_names::account_id).eq(login_names::account_id))
            .filter(other.field(login_names::name_key).ge(prefix.to_owned()))
            .filter(other.field(login_names::name_key).lt(login_names::name_key))
            .select(other.field(login_names::name_key));
        let query = login_names::table
            .inner_join(accounts::table.on(accounts::id.eq(login_names::account_id)))
            .filter(login_names::name_key.ge(prefix.to_owned()))
            .filter(login_names::name_key.lt(end.clone()))
            .filter(diesel::dsl::not(exists(lesser)))
            .select((login_names::name_key, Row::as_select(), accounts::erase_at))
            .limit(limit)
            .into_boxed();
        let query = with_role!(in_state!(query, search.state), &search.role, now);
        match (descending, after) {
            (false, Some(Position::Name(name))) => {
                query
                    .filter(login_names::name_key.gt(name.clone()))
                    .order(login_names::name_key.asc())
                    .load(c)
                    .await
            }
            (true, Some(Position::Name(name))) => {
                query
                    .filter(login_names::name_key.lt(name.clone()))
                    .order(login_names::name_key.desc())
                    .load(c)
                    .await
            }
            (false, _) => query.order(login_names::name_key.asc()).load(c).await,
            (true, _) => query.order(login_names::name_key.desc()).load(c).await,
        }
    })?;
    let found = rows.into_iter().map(|(name, row, erase_at)| {
        Ok(Found {
            account: Account::try_from(row)?,
            erase_at: erase_at.map(Timestamp),
            position: Position::Name(name),
        })
    });
    found.collect()
}

/// The account with this identifier, and when it is to be erased.
pub async fn find_with_state(
    db: &mut Conn,
    id: AccountId,
) -> Result<Option<(Account, Option<Timestamp>)>, StoreError> {
    let query = accounts::table.find(Uid(id.0));
    let row: Option<(Row, Option<i64>)> = db!(db, |c| query
        .select((Row::as_select(), accounts::erase_at))
        .get_result(c)
        .await
        .optional())?;
    row.map(|(row, erase_at)| Ok((Account::try_from(row)?, erase_at.map(Timestamp))))
        .transpose()
}
