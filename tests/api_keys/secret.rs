//! What becomes of the secret of a key.

use serde_json::json;

use super::person::{ALICE, call, make, start, token};
use crate::support::Server;

/// All that is stored, as text.
async fn everything(server: &Server) -> String {
    let id = server.account_id("alice").await;
    let read = async move |db: &mut store::Conn| {
        let keys = store::api_keys::list(db, id, 100).await?;
        let events = store::audit::list(db, &store::audit::Filter::default(), 1000).await?;
        Ok(format!("{keys:?} {events:?}"))
    };
    server.running.app.store.read(read).await.unwrap()
}

#[tokio::test]
async fn it_is_shown_once_and_can_never_be_read_again() {
    let server = start().await;
    let key = make(&server, json!({})).await;
    let body = key.secret.strip_prefix("chk_").unwrap();
    assert!(body.len() == 49 && body.bytes().all(|b| b.is_ascii_alphanumeric()));
    assert!(chancery::api_keys::is_well_formed(&key.secret));
    let bearer = token(&server, ALICE, "account:read").await;
    for path in ["/api-keys".to_owned(), format!("/api-keys/{}", key.id)] {
        let answer = call(&server, &bearer, "GET", &path, None).await;
        assert_eq!(answer.status, 200);
        assert!(!answer.body.contains(&key.secret), "{}", answer.body);
        assert!(answer.body.contains(&key.secret[..12]) && !answer.body.contains(&key.secret[..13]));
        assert!(!answer.body.contains("hash") && !answer.body.contains("secret"));
    }
    let stored = everything(&server).await;
    assert!(stored.contains(&key.secret[..12]) && !stored.contains(&key.secret[..13]));
    let mails = server.mails().await;
    assert!(!mails.is_empty() && !mails.iter().any(|mail| mail.text.contains("chk_")));
}

#[tokio::test]
async fn its_owner_is_told_of_a_new_key() {
    let server = start().await;
    make(&server, json!({ "name": "nightly <backup>" })).await;
    let mail = server.mail_to("alice@example.test").await;
    assert!(mail.subject.contains("API key"), "{}", mail.subject);
    assert!(mail.text.contains("nightly <backup>"), "{}", mail.text);
    assert!(!mail.html.contains("<backup>"));
}
