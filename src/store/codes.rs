//! Authorization codes (RFC 6749 §4.1.2).

use protocol::grant::{AuthorizationCode, Grant};
use protocol::id::{ClientId, GrantId};
use protocol::pkce::CodeChallenge;
use protocol::secret::TokenHash;
use protocol::time::Timestamp;

use crate::accounts::{Account, Row as AccountRow};
use crate::conn::Conn;
use crate::conn::query::*;
use crate::error::StoreError;
use crate::grants::{Row as GrantRow, live};
use crate::prepared::Consume;
use crate::schema::{accounts, authorization_codes as codes, grants};
use crate::types::Uid;

#[derive(Queryable, Selectable)]
#[diesel(table_name = codes)]
struct Row {
    grant_id: Uid,
    client_id: String,
    redirect_uri: String,
    code_challenge: Option<String>,
    expires_at: i64,
    consumed_at: Option<i64>,
}

impl From<Row> for AuthorizationCode {
    fn from(row: Row) -> Self {
        AuthorizationCode {
            grant_id: GrantId(row.grant_id.0),
            client_id: ClientId(row.client_id),
            redirect_uri: row.redirect_uri,
            code_challenge: row.code_challenge.map(CodeChallenge::stored),
            expires_at: Timestamp(row.expires_at),
            consumed_at: row.consumed_at.map(Timestamp),
        }
    }
}

/// Adds a code.
pub async fn insert(db: &mut Conn, hash: &TokenHash, code: &AuthorizationCode) -> Result<(), StoreError> {
    let values = (
        codes::code_hash.eq(hash.as_bytes()),
        codes::grant_id.eq(Uid(code.grant_id.0)),
        codes::client_id.eq(code.client_id.as_str()),
        codes::redirect_uri.eq(&code.redirect_uri),
        codes::code_challenge.eq(code.code_challenge.as_ref().map(CodeChallenge::as_str)),
        codes::expires_at.eq(code.expires_at.0),
        codes::consumed_at.eq(code.consumed_at.map(|at| at.0)),
    );
    db!(db, |c| diesel::insert_into(codes::table)
        .values(values)
        .execute(c)
        .await)?;
    Ok(())
}

/// The code with this hash, used and expired ones too.
pub async fn find(db: &mut Conn, hash: &TokenHash) -> Result<Option<AuthorizationCode>, StoreError> {
    let query = codes::table.find(hash.as_bytes());
    let row: Option<Row> = db!(db, |c| query
        .select(Row::as_select())
        .get_result(c)
        .await
        .optional())?;
    Ok(row.map(AuthorizationCode::from))
}

/// The same with its grant and the account that gave it, while that is in force.
pub async fn find_live(
    db: &mut Conn,
    hash: &TokenHash,
) -> Result<Option<(AuthorizationCode, Grant, Account)>, StoreError> {
    let query = live!(codes::code_hash.eq(hash.as_bytes()))
        .inner_join(codes::table.on(codes::grant_id.eq(grants::id)));
    let rows: Option<(Row, GrantRow, AccountRow)> = db!(db, |c| query
        .select((Row::as_select(), GrantRow::as_select(), AccountRow::as_select()))
        .get_result(c)
        .await
        .optional())?;
    rows.map(|(found, grant, account)| Ok((found.into(), grant.try_into()?, account.try_into()?)))
        .transpose()
}

/// Uses a code up before it expires, while its grant is in force. Of many callers one is
/// told true.
pub async fn consume(db: &mut Conn, hash: &TokenHash, now: Timestamp) -> Result<bool, StoreError> {
    let used = Consume {
        table: "authorization_codes",
        key: "code_hash",
        hash: *hash,
        now,
    };
    Ok(db!(db, |c| used.execute(c).await)? == 1)
}
