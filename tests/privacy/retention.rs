//! What is let go by itself.

use protocol::time::Lifetime;
use store::Conn;

use super::{look_after, signs_in, start, traces};
use crate::support::Server;

async fn with_retention() -> Server {
    start(|config| config.privacy.anonymise_after = Some(Lifetime::days(365))).await
}

async fn owns_a_ship(server: &Server) -> protocol::id::AccountId {
    let (id, now) = (server.account_id("zaphod-quux").await, server.clock.now());
    let insert = async move |db: &mut Conn| {
        store::owned_resources::insert(db, "ship", "heart-of-gold", Some(id), now).await
    };
    server.running.app.store.write(insert).await.unwrap();
    id
}

#[tokio::test]
async fn an_account_that_nobody_uses_is_warned_and_then_has_no_person_any_more() {
    let server = with_retention().await;
    assert!(signs_in(&server).await);
    let id = owns_a_ship(&server).await;
    server.advance(Lifetime::days(334));
    assert_eq!(look_after(&server).await.warned, 0);
    server.advance(Lifetime::days(2));
    let done = look_after(&server).await;
    assert!(done.warned >= 1 && done.anonymised == 0, "{done:?}");
    assert_eq!(look_after(&server).await.warned, 0, "told once");
    let mail = server.mail_to("zaphod@quux.example").await;
    assert_eq!(mail.subject, "Your account is not used");
    server.advance(Lifetime::days(29));
    assert_eq!(look_after(&server).await.anonymised, 0);
    server.advance(Lifetime::days(2));
    assert!(look_after(&server).await.anonymised >= 1);
    assert!(!signs_in(&server).await);
    // The identifier stays, for others may refer to it; nothing says whose it was.
    let places = traces(&server, id).await;
    assert_eq!(
        places,
        [
            "accounts.id",
            "login_names.account_id",
            "owned_resources.owner_id"
        ]
    );
    server.advance(Lifetime::days(800));
    assert_eq!(look_after(&server).await.anonymised, 0);
}

#[tokio::test]
async fn signing_in_after_the_warning_keeps_the_account() {
    let server = with_retention().await;
    server.advance(Lifetime::days(340));
    assert!(look_after(&server).await.warned >= 1);
    server.advance(Lifetime::days(10));
    assert!(signs_in(&server).await);
    server.advance(Lifetime::days(40));
    look_after(&server).await;
    assert!(signs_in(&server).await);
    // The next time there is a warning anew.
    server.advance(Lifetime::days(340));
    let done = look_after(&server).await;
    assert!(done.warned >= 1, "{done:?}");
    assert!(signs_in(&server).await);
}

#[tokio::test]
async fn the_last_administrator_is_never_anonymised() {
    let server = with_retention().await;
    server
        .apply("[[account]]\nusername = \"zaphod-quux\"\nroles = [\"super_admin\"]\n")
        .await;
    server.advance(Lifetime::days(340));
    look_after(&server).await;
    server.advance(Lifetime::days(31));
    assert!(look_after(&server).await.anonymised >= 1);
    assert!(signs_in(&server).await);
}

#[tokio::test]
async fn nothing_is_let_go_where_the_configuration_does_not_say_so() {
    let server = start(|_| ()).await;
    server.advance(Lifetime::days(4000));
    let done = look_after(&server).await;
    assert_eq!((done.warned, done.anonymised, done.erased), (0, 0, 0));
    assert!(signs_in(&server).await);
}

#[tokio::test]
async fn records_of_consents_that_are_over_go_in_time_and_those_in_force_stay() {
    let server = start(|config| config.privacy.consent_retention = Lifetime::days(100)).await;
    let (id, now) = (server.account_id("zaphod-quux").await, server.clock.now());
    let record = move |client: &str| store::consent_records::ConsentRecord {
        id: chancery::random::uuid(),
        account_id: id,
        client_id: Some(client.into()),
        kind: store::consent_records::ConsentKind::Given,
        scope: "openid".into(),
        version: None,
        at: now,
    };
    let write = async move |db: &mut Conn| {
        store::consent_records::insert(db, &record("web")).await?;
        store::consent_records::insert(db, &record("third")).await?;
        let scope = "openid".parse().unwrap();
        store::consents::record(db, id, &"third".into(), &scope, now).await
    };
    server.running.app.store.write(write).await.unwrap();
    server.advance(Lifetime::days(99));
    assert_eq!(look_after(&server).await.records, 0);
    server.advance(Lifetime::days(2));
    assert_eq!(look_after(&server).await.records, 1);
    let list = async move |db: &mut Conn| store::consent_records::list(db, id, 10).await;
    let left = server.running.app.store.read(list).await.unwrap();
    assert_eq!(left[0].client_id, Some("third".into()));
}
