//! What people agreed to, when, and under which terms.

use chancery::config::Registration;
use store::Conn;
use store::consent_records::ConsentKind;

use super::{PASSWORD, start};
use crate::support::{Browser, Form, Server};

async fn records(server: &Server, name: &str) -> Vec<(ConsentKind, Option<String>, String, Option<String>)> {
    let id = server.account_id(name).await;
    let list = async move |db: &mut Conn| store::consent_records::list(db, id, 10).await;
    let records = server.running.app.store.read(list).await.unwrap();
    let mut all: Vec<_> = records
        .into_iter()
        .map(|record| {
            let client = record.client_id.map(|client| client.0);
            (record.kind, client, record.scope, record.version)
        })
        .collect();
    all.reverse();
    all
}

#[tokio::test]
async fn giving_and_taking_back_are_on_record_and_shown() {
    let server = start(|config| config.privacy.terms_version = Some("2027-01".into())).await;
    let mut browser = Browser::new(&server);
    let third = server.authorize(&[
        ("client_id", "third"),
        ("redirect_uri", "https://third.example/cb"),
        ("scope", "openid books:read"),
    ]);
    let question = browser.sign_in(&third, "zaphod-quux", PASSWORD).await;
    assert!(records(&server, "zaphod-quux").await.is_empty());
    browser.submit(&question, &[("decision", "allow")]).await;
    let version = Some("2027-01".to_owned());
    let third = Some("third".to_owned());
    let given = (
        ConsentKind::Given,
        third.clone(),
        "books:read openid".to_owned(),
        version.clone(),
    );
    let known = records(&server, "zaphod-quux").await;
    assert_eq!(
        (&known[0].0, &known[0].1, &known[0].3),
        (&given.0, &given.1, &given.3)
    );
    assert!(known[0].2.contains("books:read"), "{known:?}");
    server.advance(protocol::time::Lifetime::seconds(1));

    let page = browser.open("/account/apps").await;
    assert!(
        page.body.contains("consent-history") && page.body.contains("2027-01"),
        "{}",
        page.body
    );
    let end = Form::at(&page.body, "/account/apps/end");
    browser.send(end.filled(&[])).await;
    let known = records(&server, "zaphod-quux").await;
    assert_eq!(known.len(), 2);
    assert_eq!(
        (known[1].0, &known[1].1, &known[1].3),
        (ConsentKind::Withdrawn, &third, &version)
    );
}

#[tokio::test]
async fn who_denies_leaves_no_record() {
    let server = start(|_| ()).await;
    let mut browser = Browser::new(&server);
    let third = server.authorize(&[
        ("client_id", "third"),
        ("redirect_uri", "https://third.example/cb"),
        ("scope", "openid books:read"),
    ]);
    let question = browser.sign_in(&third, "zaphod-quux", PASSWORD).await;
    browser.submit(&question, &[("decision", "deny")]).await;
    assert!(records(&server, "zaphod-quux").await.is_empty());
}

#[tokio::test]
async fn signing_up_where_there_are_terms_is_on_record_with_their_version() {
    let server = start(|config| {
        config.accounts.registration = Registration::Open;
        config.privacy.terms_version = Some("7".into());
        config.branding.terms_url = Some("https://example.org/terms".into());
    })
    .await;
    let mut browser = Browser::new(&server);
    let page = browser.open("/sign-up").await;
    assert!(page.body.contains("id=\"sign-up-terms\""), "{}", page.body);
    let fields = [
        ("username", "erin"),
        ("email", "erin@example.org"),
        ("name", "Erin"),
        ("password", "a ferry in the morning rain"),
    ];
    browser.submit(&page, &fields).await;
    let link = server.mailed_link("erin@example.org", "/sign-up/confirm").await;
    let page = browser.open(&link).await;
    browser.submit(&page, &[]).await;
    assert_eq!(
        records(&server, "erin").await,
        [(ConsentKind::Terms, None, String::new(), Some("7".to_owned()))]
    );
}
