//! What a page of a long list of accounts costs, wherever in the list it is: with 100,000 accounts on SQLite, and with
//! 1,000,000 where `BENCH_DATABASE_URL` names an empty PostgreSQL database (which `psql` fills).

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::http::Connection;
use super::load::cost;
use super::target::Target;
use super::{SECRET, work};

/// The variable that names an empty PostgreSQL database.
pub(super) const DATABASE: &str = "BENCH_DATABASE_URL";
const ON_SQLITE: usize = 100_000;
const ON_POSTGRES: usize = 1_000_000;
/// How far into the list the deep page lies, in pieces of the greatest size.
const DEEP: usize = 100;
const REQUESTS: usize = 200;
const DECLARATION: &str = r#"
[[client]]
client_id = "list"
client_secret = "bench-secret-of-more-than-32-characters"
grant_types = ["client_credentials"]
scope = "accounts:read"
"#;

/// A page and the CPU time of the server process that it costs, in µs.
pub(super) struct Page {
    pub(super) name: String,
    pub(super) cost: f64,
}

/// What came of it.
pub(super) struct Listed {
    pub(super) pages: Vec<Page>,
    /// The memory of the server on SQLite after it, in MiB.
    pub(super) resident: f64,
}

/// Fills a database and asks for pages of its accounts.
pub(super) async fn measure(binary: &Path) -> Result<Listed, String> {
    let mut pages = Vec::new();
    let mut target = Target::chancery(binary)?;
    target.declare(DECLARATION)?;
    import(&target, ON_SQLITE)?;
    pages.extend(walk(&mut target, "SQLite, 100,000 accounts").await?);
    let resident = target.resident_mib()?;
    drop(target);
    if let Ok(url) = std::env::var(DATABASE) {
        let mut target = Target::chancery_on(binary, &url)?;
        target.declare(DECLARATION)?;
        generate(&url, ON_POSTGRES)?;
        pages.extend(walk(&mut target, "PostgreSQL, 1,000,000").await?);
    }
    Ok(Listed { pages, resident })
}

/// Each tenth account is a moderator, each thousandth is shut.
fn import(target: &Target, count: usize) -> Result<(), String> {
    let mut table = String::from("username,email,email_verified,name,roles,disabled\n");
    for n in 0..count {
        let roles = if n % 10 == 0 { "user moderator" } else { "user" };
        let _ = writeln!(
            table,
            "person{n:07},person{n:07}@example.test,true,Person {n},{roles},{}",
            n % 1000 == 0
        );
    }
    let path = target.folder.join("accounts.csv");
    std::fs::write(&path, table).map_err(|e| format!("{}: {e}", path.display()))?;
    target
        .print(&["import", "--format", "csv", "accounts.csv"])
        .map(drop)
}

/// The same in PostgreSQL, where it is made by the database itself.
fn generate(url: &str, count: usize) -> Result<(), String> {
    let sql = format!(
        "INSERT INTO accounts (id, username, username_key, email, email_key, email_verified, claims, disabled, \
             created_at, updated_at, last_login_at) \
         SELECT gen_random_uuid(), 'person' || lpad(n::text, 7, '0'), 'person' || lpad(n::text, 7, '0'), \
             'person' || n || '@example.test', 'person' || n || '@example.test', true, '{{}}', n % 1000 = 0, \
             1700000000 + n, 1700000000 + n, 1750000000 + n FROM generate_series(0, {count} - 1) n; \
         INSERT INTO login_names (name_key, account_id) SELECT username_key, id FROM accounts; \
         INSERT INTO login_names (name_key, account_id) SELECT email_key, id FROM accounts; \
         INSERT INTO account_roles (account_id, role) SELECT id, 'user' FROM accounts; \
         INSERT INTO account_roles (account_id, role) \
             SELECT id, 'moderator' FROM accounts WHERE created_at % 10 = 0; \
         ANALYZE;"
    );
    let status = Command::new("psql")
        .args(["-q", "-v", "ON_ERROR_STOP=1", "-c", &sql, url])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .map_err(|e| format!("psql could not run: {e}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("psql ended with {status}"))
    }
}

async fn walk(target: &mut Target, database: &str) -> Result<Vec<Page>, String> {
    target.start()?;
    let mut connection = Connection::open(target.address).await?;
    let fields = [("grant_type", "client_credentials"), ("scope", "accounts:read")];
    let form = Connection::form(target.address, "/token", ("list", SECRET), &fields);
    let token = work::member(&connection.json(&form).await?, "access_token")?;
    let path = |query: &str| format!("/api/admin/v1/accounts?{query}");
    let mut pages = Vec::new();
    for (name, query) in [
        ("first page of 50", "limit=50".to_owned()),
        ("first page of 200", "limit=200".to_owned()),
        ("newest first", "limit=50&sort=-created_at".to_owned()),
        ("last sign-in", "limit=50&sort=-last_login_at".to_owned()),
        ("with a common role", "limit=50&role=user".to_owned()),
        ("with a rarer role", "limit=50&role=moderator".to_owned()),
        ("shut ones", "limit=50&state=disabled".to_owned()),
        ("by a prefix", "limit=50&q=person00777".to_owned()),
        ("deep in the list", deep(target, &mut connection, &token).await?),
    ] {
        let request = Connection::get_as(target.address, &path(&query), &token);
        let connections = Connection::open_many(target.address, 4).await?;
        let step = async move |connection: &mut Connection| connection.expect_ok(&request).await.map(drop);
        pages.push(Page {
            name: format!("{database}: {name}"),
            cost: cost(target, connections, REQUESTS, step).await?,
        });
    }
    Ok(pages)
}

/// The query of a page deep in the list.
async fn deep(target: &Target, connection: &mut Connection, token: &str) -> Result<String, String> {
    let mut query = "limit=200".to_owned();
    for _ in 0..DEEP {
        let path = format!("/api/admin/v1/accounts?{query}");
        let page = connection
            .json(&Connection::get_as(target.address, &path, token))
            .await?;
        let next = page
            .get("next")
            .and_then(Value::as_str)
            .ok_or("the list is too short")?;
        query = format!("limit=200&cursor={next}");
    }
    Ok(query.replacen("limit=200", "limit=50", 1))
}
