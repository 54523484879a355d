//! Counts of what happened in an hour. They hold names of clients, grants and errors, and nothing about people.

use protocol::time::Timestamp;

use crate::conn::Conn;
use crate::conn::query::*;
use crate::error::StoreError;
use crate::schema::statistics as t;

/// How often something happened in the hour that begins at `hour`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Count {
    /// The beginning of the hour.
    pub hour: Timestamp,
    /// What happened, such as `sign_in.success`.
    pub kind: String,
    /// Of which sort: a factor, a client, an error.
    pub label: String,
    /// How often.
    pub count: i64,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = t)]
struct Row {
    hour: i64,
    kind: String,
    label: String,
    count: i64,
}

/// Adds to a count.
pub async fn add(db: &mut Conn, count: &Count) -> Result<(), StoreError> {
    let values = (
        t::hour.eq(count.hour.0),
        t::kind.eq(&count.kind),
        t::label.eq(&count.label),
        t::count.eq(count.count),
    );
    db!(db, |c| diesel::insert_into(t::table)
        .values(values)
        .on_conflict((t::hour, t::kind, t::label))
        .do_update()
        .set(t::count.eq(t::count + count.count))
        .execute(c)
        .await)?;
    Ok(())
}

/// At most `limit` counts of hours that begin at `from` or later and before `until`, of one kind and those below it
/// (`token` is above `token.refresh_token`), or of all.
pub async fn list(
    db: &mut Conn,
    from: Timestamp,
    until: Timestamp,
    kind: Option<&str>,
    limit: i64,
) -> Result<Vec<Count>, StoreError> {
    // What follows the dot in the order of characters ends the range of those below.
    let range = kind.map(|kind| (kind.to_owned(), format!("{kind}."), format!("{kind}/")));
    let rows: Vec<Row> = db!(db, |c| {
        let mut query = t::table
            .filter(t::hour.ge(from.0))
            .filter(t::hour.lt(until.0))
            .order((t::hour, t::kind, t::label))
            .limit(limit)
            .select(Row::as_select())
            .into_boxed();
        if let Some((kind, first, end)) = &range {
            query = query.filter(t::kind.eq(kind).or(t::kind.ge(first).and(t::kind.lt(end))));
        }
        query.load(c).await
    })?;
    let read = |row: Row| Count {
        hour: Timestamp(row.hour),
        kind: row.kind,
        label: row.label,
        count: row.count,
    };
    Ok(rows.into_iter().map(read).collect())
}

/// Removes the counts of hours before a moment.
pub async fn purge(db: &mut Conn, before: Timestamp) -> Result<u64, StoreError> {
    let target = t::table.filter(t::hour.lt(before.0));
    Ok(db!(db, |c| diesel::delete(target).execute(c).await)? as u64)
}
