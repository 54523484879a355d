//! Links in mails: good once, not for long, and only the newest.

use chancery::app::App;
use chancery::links::{self, NewLink, Purpose};
use protocol::secret::TokenHash;
use protocol::time::Lifetime;
use store::Conn;

use crate::support::{Server, query_of};

async fn make(app: &App, purpose: Purpose, subject: &str) -> String {
    let link = NewLink::new(app, purpose, subject, None, &subject);
    let url = link.url.clone();
    app.store
        .write(async move |db: &mut Conn| link.insert(db).await)
        .await
        .unwrap();
    let name = if purpose == Purpose::Invite { "invite" } else { "t" };
    query_of(&url, name).unwrap()
}

async fn content(app: &App, purpose: Purpose, token: &str) -> Option<String> {
    let link = links::find::<String>(app, purpose, token).await.unwrap();
    link.map(|link| link.content)
}

async fn consume(app: &App, token: &str) -> bool {
    let (hash, now) = (TokenHash::of(token), app.now());
    app.store
        .write(async move |db: &mut Conn| store::action_tokens::consume(db, &hash, now).await)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_link_begins_with_the_issuer_and_carries_what_was_put_in() {
    let server =
        Server::start_with(|config| config.server.issuer = "http://localhost:8080/tenant".into()).await;
    let app = &server.running.app;
    for (purpose, begins) in [
        (
            Purpose::Register,
            "http://localhost:8080/tenant/sign-up/confirm?t=link_",
        ),
        (
            Purpose::Invite,
            "http://localhost:8080/tenant/sign-up?invite=link_",
        ),
        (
            Purpose::ResetPassword,
            "http://localhost:8080/tenant/reset?t=link_",
        ),
        (
            Purpose::ConfirmEmail,
            "http://localhost:8080/tenant/account/email/confirm?t=link_",
        ),
        (
            Purpose::UndoEmail,
            "http://localhost:8080/tenant/account/email/undo?t=link_",
        ),
    ] {
        let link = NewLink::new(app, purpose, "s", None, &1);
        assert!(link.url.starts_with(begins), "{}", link.url);
        let token = make(app, purpose, "alice@example.org").await;
        assert_eq!(
            content(app, purpose, &token).await.as_deref(),
            Some("alice@example.org")
        );
    }
}

#[tokio::test]
async fn a_link_is_used_once() {
    let server = Server::start().await;
    let app = &server.running.app;
    let token = make(app, Purpose::ResetPassword, "alice").await;
    let (one, two) = tokio::join!(consume(app, &token), consume(app, &token));
    assert!(one != two);
    assert_eq!(content(app, Purpose::ResetPassword, &token).await, None);
    assert!(!consume(app, &token).await);
}

#[tokio::test]
async fn only_the_newest_link_for_a_subject_is_good() {
    let server = Server::start().await;
    let app = &server.running.app;
    let older = make(app, Purpose::ResetPassword, "alice").await;
    let others = [
        (
            Purpose::ResetPassword,
            make(app, Purpose::ResetPassword, "bob").await,
        ),
        (Purpose::Register, make(app, Purpose::Register, "alice").await),
    ];
    let newer = make(app, Purpose::ResetPassword, "alice").await;
    assert_eq!(content(app, Purpose::ResetPassword, &older).await, None);
    assert!(!consume(app, &older).await);
    assert!(content(app, Purpose::ResetPassword, &newer).await.is_some());
    for (purpose, token) in others {
        assert!(content(app, purpose, &token).await.is_some(), "{purpose:?}");
    }
}

#[tokio::test]
async fn a_link_serves_its_own_purpose_only() {
    let server = Server::start().await;
    let app = &server.running.app;
    let token = make(app, Purpose::Register, "alice").await;
    for purpose in [
        Purpose::Invite,
        Purpose::ResetPassword,
        Purpose::ConfirmEmail,
        Purpose::UndoEmail,
    ] {
        assert_eq!(content(app, purpose, &token).await, None, "{purpose:?}");
    }
    for wrong in [
        "",
        "link_",
        "link_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "\0",
    ] {
        assert_eq!(content(app, Purpose::Register, wrong).await, None, "{wrong:?}");
    }
}

#[tokio::test]
async fn a_link_ends_with_its_lifetime() {
    for (purpose, lifetime) in [
        (Purpose::ResetPassword, Lifetime::minutes(30)),
        (Purpose::Register, Lifetime::hours(24)),
        (Purpose::Invite, Lifetime::days(7)),
    ] {
        let server = Server::start().await;
        let app = &server.running.app;
        let token = make(app, purpose, "alice").await;
        server.advance(Lifetime::seconds(u32::try_from(lifetime.as_secs()).unwrap() - 1));
        assert!(content(app, purpose, &token).await.is_some(), "{purpose:?}");
        server.advance(Lifetime::seconds(1));
        assert_eq!(content(app, purpose, &token).await, None, "{purpose:?}");
        assert!(!consume(app, &token).await, "{purpose:?}");
    }
}

#[tokio::test]
async fn the_database_holds_no_address_and_no_token() {
    let server = Server::start().await;
    let app = &server.running.app;
    let token = make(app, Purpose::Invite, "alice@example.org").await;
    let (hash, now) = (TokenHash::of(&token), app.now());
    let found = app
        .store
        .read(async move |db: &mut Conn| store::action_tokens::find(db, "invite", &hash, now).await)
        .await
        .unwrap()
        .unwrap();
    let shown = format!("{} {}", found.subject, String::from_utf8_lossy(&found.sealed));
    assert!(!shown.contains("alice") && !shown.contains(&token), "{shown}");
    // Not even by trying all addresses.
    let guess: String = TokenHash::of("alice@example.org")
        .0
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    assert_ne!(found.subject, guess);
}
