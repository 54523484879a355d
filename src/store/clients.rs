//! Registered clients, each kept as one document.

use diesel::{EscapeExpressionMethods as _, TextExpressionMethods as _};
use protocol::client::Client;
use protocol::id::ClientId;
use protocol::secret::TokenHash;
use protocol::time::Timestamp;

use crate::conn::Conn;
use crate::conn::query::*;
use crate::error::StoreError;
use crate::schema::clients;
use crate::types::{Doc, hash};

/// A client and what only the server knows of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredClient {
    /// The registered metadata.
    pub client: Client,
    /// The hash of its secret, if it has one.
    pub secret_hash: Option<TokenHash>,
    /// Its secret, sealed, for methods that need it in clear (`client_secret_jwt`).
    pub secret_sealed: Option<Vec<u8>>,
    /// Whether it is refused everywhere.
    pub disabled: bool,
    /// What keeps it: `file` for the declarative files, else nothing.
    pub managed_by: Option<String>,
    /// The secret before this one, which may be good for a while.
    pub previous: Option<PreviousSecret>,
    /// The moment before which no access token of its name was issued to it as it is now.
    pub tokens_not_before: Timestamp,
}

/// A client secret that was replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreviousSecret {
    /// Its hash.
    pub hash: TokenHash,
    /// The secret itself, sealed, for methods that need it in clear.
    pub sealed: Option<Vec<u8>>,
    /// The moment from which it is not good any more.
    pub expires_at: Timestamp,
}

impl StoredClient {
    /// A client that has no secret yet.
    pub fn new(client: Client) -> StoredClient {
        StoredClient {
            client,
            secret_hash: None,
            secret_sealed: None,
            disabled: false,
            managed_by: None,
            previous: None,
            tokens_not_before: Timestamp(0),
        }
    }

    /// The former secret, as long as it is good.
    pub fn previous_secret(&self, now: Timestamp) -> Option<&PreviousSecret> {
        self.previous
            .as_ref()
            .filter(|previous| previous.expires_at > now)
    }

    /// The hashes of the secrets that are good at a moment.
    pub fn secret_hashes(&self, now: Timestamp) -> impl Iterator<Item = TokenHash> {
        let previous = self.previous_secret(now).map(|previous| previous.hash);
        self.secret_hash.into_iter().chain(previous)
    }

    /// The sealed secrets that are good at a moment.
    pub fn sealed_secrets(&self, now: Timestamp) -> impl Iterator<Item = &[u8]> {
        let previous = self
            .previous_secret(now)
            .and_then(|previous| previous.sealed.as_deref());
        self.secret_sealed.as_deref().into_iter().chain(previous)
    }
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = clients, treat_none_as_null = true)]
struct Row {
    client_id: String,
    document: Doc,
    secret_hash: Option<Vec<u8>>,
    secret_sealed: Option<Vec<u8>>,
    disabled: bool,
    managed_by: Option<String>,
    updated_at: i64,
    previous_secret_hash: Option<Vec<u8>>,
    previous_secret_sealed: Option<Vec<u8>>,
    previous_secret_expires_at: Option<i64>,
    tokens_not_before: i64,
}

impl Row {
    fn new(stored: &StoredClient, now: Timestamp) -> Result<Row, StoreError> {
        let previous = stored.previous.as_ref();
        Ok(Row {
            client_id: stored.client.client_id.0.clone(),
            document: Doc::of(&stored.client)?,
            secret_hash: stored.secret_hash.map(|hash| hash.as_bytes().to_vec()),
            secret_sealed: stored.secret_sealed.clone(),
            disabled: stored.disabled,
            managed_by: stored.managed_by.clone(),
            updated_at: now.0,
            previous_secret_hash: previous.map(|previous| previous.hash.as_bytes().to_vec()),
            previous_secret_sealed: previous.and_then(|previous| previous.sealed.clone()),
            previous_secret_expires_at: previous.map(|previous| previous.expires_at.0),
            tokens_not_before: stored.tokens_not_before.0,
        })
    }
}

impl TryFrom<Row> for StoredClient {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let former = row.previous_secret_hash.zip(row.previous_secret_expires_at);
        let previous = match former {
            Some((bytes, expires_at)) => Some(PreviousSecret {
                hash: hash(&bytes)?,
                sealed: row.previous_secret_sealed,
                expires_at: Timestamp(expires_at),
            }),
            None => None,
        };
        Ok(StoredClient {
            client: row.document.read("client")?,
            secret_hash: row.secret_hash.as_deref().map(hash).transpose()?,
            secret_sealed: row.secret_sealed,
            disabled: row.disabled,
            managed_by: row.managed_by,
            previous,
            tokens_not_before: Timestamp(row.tokens_not_before),
        })
    }
}

/// The client with this identifier, also when it is disabled.
pub async fn find(db: &mut Conn, id: &ClientId) -> Result<Option<StoredClient>, StoreError> {
    let query = clients::table.find(id.as_str());
    let row: Option<Row> = db!(db, |c| query
        .select(Row::as_select())
        .get_result(c)
        .await
        .optional())?;
    row.map(StoredClient::try_from).transpose()
}

/// All clients by identifier.
pub async fn list(db: &mut Conn) -> Result<Vec<StoredClient>, StoreError> {
    let query = clients::table.order(clients::client_id);
    let rows: Vec<Row> = db!(db, |c| query.select(Row::as_select()).load(c).await)?;
    rows.into_iter().map(StoredClient::try_from).collect()
}

#[diesel::declare_sql_function]
extern "SQL" {
    /// The text without capitals.
    fn lower(text: diesel::sql_types::Text) -> diesel::sql_types::Text;
}

/// What `LIKE` finds when a text begins so.
fn pattern(prefix: &str) -> String {
    let literal = |c| {
        if matches!(c, '%' | '_' | '\\') {
            vec!['\\', c]
        } else {
            vec![c]
        }
    };
    prefix.chars().flat_map(literal).chain(['%']).collect()
}

/// Which clients to list, in which order; what is not set does not matter.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Those whose identifier begins so, in capitals or not.
    pub prefix: Option<String>,
    /// Those that are shut out, or those that are not.
    pub disabled: Option<bool>,
    /// After this identifier, for the next page.
    pub after: Option<String>,
    /// Whether the greatest identifier comes first.
    pub descending: bool,
}

/// At most `limit` clients that match, by identifier.
pub async fn list_page(db: &mut Conn, filter: &Filter, limit: i64) -> Result<Vec<StoredClient>, StoreError> {
    let rows: Vec<Row> = db!(db, |c| {
        let mut query = clients::table.limit(limit).select(Row::as_select()).into_boxed();
        query = match (&filter.after, filter.descending) {
            (None, false) => query.order(clients::client_id.asc()),
            (None, true) => query.order(clients::client_id.desc()),
            (Some(after), false) => query
                .filter(clients::client_id.gt(after))
                .order(clients::client_id.asc()),
            (Some(after), true) => query
                .filter(clients::client_id.lt(after))
                .order(clients::client_id.desc()),
        };
        if let Some(prefix) = &filter.prefix {
            query = query.filter(
                lower(clients::client_id)
                    .like(lower(pattern(prefix)))
                    .escape('\\'),
            );
        }
        if let Some(disabled) = filter.disabled {
            query = query.filter(clients::disabled.eq(disabled));
        }
        query.load(c).await
    })?;
    rows.into_iter().map(StoredClient::try_from).collect()
}

/// How far the clocks of nodes may be apart, in seconds.
const CLOCK_TOLERANCE: i64 = 10;

/// Adds a client, for which tokens of a former one of its name are not good.
pub async fn insert(db: &mut Conn, stored: &StoredClient, now: Timestamp) -> Result<(), StoreError> {
    let row = Row {
        tokens_not_before: now.0 - CLOCK_TOLERANCE,
        ..Row::new(stored, now)?
    };
    let row = (row, clients::created_at.eq(now.0));
    db!(db, |c| diesel::insert_into(clients::table)
        .values(row)
        .execute(c)
        .await)?;
    Ok(())
}

/// Replaces everything about a client; false when there is none.
pub async fn update(db: &mut Conn, stored: &StoredClient, now: Timestamp) -> Result<bool, StoreError> {
    let row = Row::new(stored, now)?;
    let target = clients::table.filter(clients::client_id.eq(stored.client.client_id.as_str()));
    Ok(db!(db, |c| diesel::update(target).set(row).execute(c).await)? == 1)
}

/// Removes a client with its consents, grants, codes and refresh tokens; false when there is none.
pub async fn delete(db: &mut Conn, id: &ClientId) -> Result<bool, StoreError> {
    let target = clients::table.filter(clients::client_id.eq(id.as_str()));
    Ok(db!(db, |c| diesel::delete(target).execute(c).await)? == 1)
}
