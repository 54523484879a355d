//! Refresh tokens (RFC 6749 §6). Those of one grant are a family.

use protocol::grant::{Grant, RefreshToken};
use protocol::id::{ClientId, GrantId};
use protocol::secret::TokenHash;
use protocol::time::Timestamp;

use crate::accounts::{Account, Row as AccountRow};
use crate::conn::Conn;
use crate::conn::query::*;
use crate::error::StoreError;
use crate::grants::{Row as GrantRow, live};
use crate::prepared::Consume;
use crate::schema::{accounts, grants, refresh_tokens};
use crate::types::Uid;

#[derive(Queryable, Selectable)]
#[diesel(table_name = refresh_tokens)]
struct Row {
    grant_id: Uid,
    client_id: String,
    issued_at: i64,
    expires_at: i64,
    consumed_at: Option<i64>,
}

impl From<Row> for RefreshToken {
    fn from(row: Row) -> Self {
        RefreshToken {
            grant_id: GrantId(row.grant_id.0),
            client_id: ClientId(row.client_id),
            issued_at: Timestamp(row.issued_at),
            expires_at: Timestamp(row.expires_at),
            consumed_at: row.consumed_at.map(Timestamp),
        }
    }
}

/// Adds a token.
pub async fn insert(db: &mut Conn, hash: &TokenHash, token: &RefreshToken) -> Result<(), StoreError> {
    let values = (
        refresh_tokens::token_hash.eq(hash.as_bytes()),
        refresh_tokens::grant_id.eq(Uid(token.grant_id.0)),
        refresh_tokens::client_id.eq(token.client_id.as_str()),
        refresh_tokens::issued_at.eq(token.issued_at.0),
        refresh_tokens::expires_at.eq(token.expires_at.0),
        refresh_tokens::consumed_at.eq(token.consumed_at.map(|at| at.0)),
    );
    db!(db, |c| diesel::insert_into(refresh_tokens::table)
        .values(values)
        .execute(c)
        .await)?;
    Ok(())
}

/// The token with this hash, used and expired ones too.
pub async fn find(db: &mut Conn, hash: &TokenHash) -> Result<Option<RefreshToken>, StoreError> {
    let query = refresh_tokens::table.find(hash.as_bytes());
    let row: Option<Row> = db!(db, |c| query
        .select(Row::as_select())
        .get_result(c)
        .await
        .optional())?;
    Ok(row.map(RefreshToken::from))
}

/// The same with its grant and the account that gave it, while that is in force.
pub async fn find_live(
    db: &mut Conn,
    hash: &TokenHash,
) -> Result<Option<(RefreshToken, Grant, Account)>, StoreError> {
    let query = live!(refresh_tokens::token_hash.eq(hash.as_bytes()))
        .inner_join(refresh_tokens::table.on(refresh_tokens::grant_id.eq(grants::id)));
    let rows: Option<(Row, GrantRow, AccountRow)> = db!(db, |c| query
        .select((Row::as_select(), GrantRow::as_select(), AccountRow::as_select()))
        .get_result(c)
        .await
        .optional())?;
    rows.map(|(found, grant, account)| Ok((found.into(), grant.try_into()?, account.try_into()?)))
        .transpose()
}

/// Uses a token up before it expires, while its grant is in force. Of many callers one is
/// told true.
pub async fn consume(db: &mut Conn, hash: &TokenHash, now: Timestamp) -> Result<bool, StoreError> {
    let used = Consume {
        table: "refresh_tokens",
        key: "token_hash",
        hash: *hash,
        now,
    };
    Ok(db!(db, |c| used.execute(c).await)? == 1)
}
