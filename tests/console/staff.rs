//! People who run the server, at the console.

use crate::support::{Answer, Browser, Form, Server};

pub(super) const ROOT: (&str, &str) = ("root", "nobody guesses this long phrase");
pub(super) const VERA: (&str, &str) = ("vera", "vera only looks at all the things");
pub(super) const MODERATOR: (&str, &str) = ("monty", "monty helps those who are locked out");
pub(super) const ADMIN: (&str, &str) = ("adele", "adele runs the service day by day");
pub(super) const NOBODY: (&str, &str) = ("alice", "correct horse battery staple");

/// A server with a super administrator, a viewer, a moderator and an administrator.
pub(super) async fn staffed() -> Server {
    let server = Server::start().await;
    hire(&server).await;
    server
}

/// Makes the accounts of those people.
pub(super) async fn hire(server: &Server) {
    let mut file = String::new();
    for ((name, password), role) in [
        (ROOT, "super_admin"),
        (VERA, "viewer"),
        (MODERATOR, "moderator"),
        (ADMIN, "admin"),
    ] {
        file.push_str(&format!(
            "[[account]]\nusername = \"{name}\"\nemail = \"{name}@example.test\"\nemail_verified = true\n\
             password = \"{password}\"\nroles = [\"{role}\"]\n"
        ));
    }
    server.apply(&file).await;
}

/// A browser in which somebody is signed in, at a page.
pub(super) async fn at<'a>(
    server: &'a Server,
    (name, password): (&str, &str),
    path: &str,
) -> (Browser<'a>, Answer) {
    let mut browser = Browser::new(server);
    let page = browser.sign_in(path, name, password).await;
    (browser, page)
}

/// The same, where the page is shown.
pub(super) async fn desk<'a>(server: &'a Server, who: (&str, &str), path: &str) -> (Browser<'a>, Answer) {
    let (browser, page) = at(server, who, path).await;
    assert!(
        is_console(&page) && page.status == 200,
        "{} {}",
        page.status,
        page.body
    );
    (browser, page)
}

/// Whether a page is one of the console.
pub(super) fn is_console(page: &Answer) -> bool {
    page.body.contains("card account console")
}

/// Whether a page asks for a sign-in.
pub(super) fn asks_to_sign_in(page: &Answer) -> bool {
    page.body.contains("autocomplete=\"current-password\"")
}

/// Sends the form of a page that goes to `action`, and follows.
pub(super) async fn send(
    browser: &mut Browser<'_>,
    page: &Answer,
    action: &str,
    fields: &[(&str, &str)],
) -> Answer {
    let answer = browser.send(Form::at(&page.body, action).filled(fields)).await;
    match answer.header("location") {
        Some(path) if path.starts_with('/') => {
            let path = path.to_owned();
            browser.open(&path).await
        }
        _ => answer,
    }
}

/// The kind of refusal that a page tells of.
pub(super) fn refusal(page: &Answer) -> Option<&str> {
    let (_, after) = page.body.split_once("data-kind=\"")?;
    after.split('"').next()
}

/// The kinds of events in the audit trail, the newest first, with their outcome.
pub(super) async fn events(server: &Server) -> Vec<(String, String)> {
    let list =
        async |db: &mut store::Conn| store::audit::list(db, &store::audit::Filter::default(), 200).await;
    let events = server.running.app.store.read(list).await.unwrap();
    events
        .into_iter()
        .map(|event| (event.kind, event.outcome))
        .collect()
}
