//! The audit trail: what is in it, that tampering shows, how long it lasts, and where it is sent; and beside it the
//! statistics and the requests that were refused.

use chancery::audit::verify::{Report, verify};
use chancery::audit::{Keys, seal_due};
use store::Conn;
use store::audit::{Event, Filter};

use crate::support::{Answer, Request, Server};

mod anonymisation;
mod chain;
mod command_line;
mod events;
mod refusals;
mod retention;
mod statistics;
mod webhook;

/// Lets somebody write to the database beside the server.
fn tamper(server: &Server, sql: &str) {
    let url = &server.config.database.url;
    let mut command = match url.strip_prefix("sqlite:") {
        Some(path) => {
            let mut command = std::process::Command::new("sqlite3");
            command.args(["-cmd", ".timeout 5000", path, sql]);
            command
        }
        None => {
            let mut command = std::process::Command::new("psql");
            command.args([url, "-q", "-v", "ON_ERROR_STOP=1", "-c", sql]);
            command
        }
    };
    let status = command
        .status()
        .expect("sqlite3 or psql changes what the server wrote");
    assert!(status.success(), "{sql}");
}

/// The newest events that match.
async fn events(server: &Server, filter: Filter) -> Vec<Event> {
    let list = async move |db: &mut Conn| store::audit::list(db, &filter, 1000).await;
    server.running.app.store.read(list).await.unwrap()
}

async fn of_kind(server: &Server, kind: &str) -> Vec<Event> {
    let filter = Filter {
        kind: Some(kind.to_owned()),
        ..Filter::default()
    };
    events(server, filter).await
}

async fn seal(server: &Server) {
    seal_due(&server.running.app).await.unwrap();
}

/// Looks at the whole trail.
async fn examine(server: &Server) -> Report {
    examine_from(server, None).await
}

async fn examine_from(server: &Server, anchor: Option<&str>) -> Report {
    let app = &server.running.app;
    let anchor = anchor.map(|anchor| anchor.parse().unwrap());
    let keys = Keys::of(&app.sealer);
    verify(&app.store, keys, anchor, 0, i64::MAX).await.unwrap()
}

/// Some events, sealed.
async fn with_events() -> Server {
    let server = Server::start().await;
    server.tokens(&[]).await;
    seal(&server).await;
    server
}

/// A server with a client that may read what administrators read, and its token.
async fn with_reader() -> (Server, String) {
    let server = Server::start().await;
    server
        .apply(
            "[[client]]\nclient_id = \"reader\"\nclient_secret = \"reader-secret-of-more-than-32-chars\"\n\
             grant_types = [\"client_credentials\"]\nscope = \"statistics:read requests:read audit:read\"\n",
        )
        .await;
    let token = reader(&server, "statistics:read requests:read audit:read").await;
    (server, token)
}

async fn reader(server: &Server, scope: &str) -> String {
    let pairs = [("grant_type", "client_credentials"), ("scope", scope)];
    let answer = server
        .token_as("reader", "reader-secret-of-more-than-32-chars", &pairs)
        .await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.text("access_token")
}

async fn admin(server: &Server, token: &str, path: &str) -> Answer {
    let path = format!("/api/admin/v1{path}");
    server.send(Request::get(path).bearer(token)).await
}
