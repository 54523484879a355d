//! Whether anything of a person is left, in whatever table: what proves an erasure.

use diesel::sql_types::{BigInt, Text};
use protocol::id::AccountId;

use crate::conn::Conn;
use crate::conn::query::*;
use crate::error::StoreError;

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Text)]
    column_name: String,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// The columns that hold an account's identifier, as bytes or as text, or one of the given texts in any case of
/// letters: `table.column`. It reads every row of every table.
pub async fn find(db: &mut Conn, id: AccountId, texts: &[&str]) -> Result<Vec<String>, StoreError> {
    let mut needles = vec![id.to_string(), id.0.simple().to_string()];
    needles.extend(texts.iter().map(|text| text.to_lowercase()));
    needles.extend(texts.iter().map(|text| hex(&text.to_lowercase())));
    let mut found = Vec::new();
    for column in columns(db).await? {
        let hit: Vec<String> = needles
            .iter()
            .map(|needle| holds(db, &column, &needle.replace('\'', "''")))
            .collect();
        let sql = format!(
            "SELECT count(*) AS count FROM \"{}\" WHERE {}",
            column.table_name,
            hit.join(" OR ")
        );
        let hits: Count = db!(db, |c| diesel::sql_query(&sql).get_result(c).await)?;
        if hits.count > 0 {
            found.push(format!("{}.{}", column.table_name, column.column_name));
        }
    }
    found.sort();
    Ok(found)
}

/// Whether a column holds a text, or bytes that are written so in hexadecimal.
fn holds(db: &Conn, column: &Column, needle: &str) -> String {
    let name = &column.column_name;
    match db {
        Conn::Sqlite(_) => format!(
            "instr(lower(CAST(\"{name}\" AS TEXT)), '{needle}') > 0 OR instr(lower(hex(\"{name}\")), '{needle}') > 0"
        ),
        // Bytes are written in hexadecimal there.
        Conn::Pg(_) => format!("strpos(lower(\"{name}\"::text), '{needle}') > 0"),
    }
}

async fn columns(db: &mut Conn) -> Result<Vec<Column>, StoreError> {
    let sql = match db {
        Conn::Sqlite(_) => {
            "SELECT m.name AS table_name, p.name AS column_name \
             FROM sqlite_master m JOIN pragma_table_info(m.name) p WHERE m.type = 'table'"
        }
        Conn::Pg(_) => {
            "SELECT table_name::text AS table_name, column_name::text AS column_name \
             FROM information_schema.columns WHERE table_schema = current_schema()"
        }
    };
    Ok(db!(db, |c| diesel::sql_query(sql).load(c).await)?)
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}
