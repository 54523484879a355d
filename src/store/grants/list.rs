//! Grants in pieces, for whoever looks after many.

use diesel::dsl::sql;
use diesel::sql_types::{BigInt, Bool};
use protocol::grant::Grant;
use protocol::id::{AccountId, ClientId, GrantId};
use protocol::time::Timestamp;

use super::Row;
use crate::conn::Conn;
use crate::conn::query::*;
use crate::error::StoreError;
use crate::schema::grants;
use crate::types::Uid;

/// Which grants to list; what is not set does not matter.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Those of this account.
    pub account: Option<AccountId>,
    /// Those to this client.
    pub client: Option<ClientId>,
    /// After the one that was made at this moment and has this identifier.
    pub after: Option<(Timestamp, GrantId)>,
    /// Whether the last one comes first.
    pub descending: bool,
}

/// At most `limit` grants that match and are not revoked, by the moment they were made.
pub async fn list_page(db: &mut Conn, filter: &Filter, limit: i64) -> Result<Vec<Grant>, StoreError> {
    let rows: Vec<Row> = db!(db, |c| {
        let mut query = grants::table
            .filter(grants::revoked_at.is_null())
            .select(Row::as_select())
            .limit(limit)
            .into_boxed();
        if let Some(account) = filter.account {
            query = query.filter(grants::account_id.eq(Uid(account.0)));
        }
        if let Some(client) = &filter.client {
            query = query.filter(grants::client_id.eq(client.as_str()));
        }
        if let Some((at, id)) = filter.after {
            let beyond = if filter.descending { ") < (" } else { ") > (" };
            query = query.filter(
                sql::<Bool>("(grants.created_at, grants.id")
                    .sql(beyond)
                    .bind::<BigInt, _>(at.0)
                    .sql(", ")
                    .bind::<crate::types::sql::Uid, _>(Uid(id.0))
                    .sql(")"),
            );
        }
        if filter.descending {
            query
                .order((grants::created_at.desc(), grants::id.desc()))
                .load(c)
                .await
        } else {
            query
                .order((grants::created_at.asc(), grants::id.asc()))
                .load(c)
                .await
        }
    })?;
    rows.into_iter().map(Grant::try_from).collect()
}
