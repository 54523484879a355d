//! People can be taken out of the trail, and the chain still holds.

use chancery::audit::Keys;
use protocol::id::AccountId;
use serde_json::json;
use store::Conn;

use super::{events, examine, of_kind, seal, tamper, with_events};
use crate::support::Server;

async fn anonymise(server: &Server, id: AccountId) -> u64 {
    let (now, keys) = (server.clock.now(), Keys::of(&server.running.app.sealer));
    let write = async move |db: &mut Conn| store::audit::anonymise(db, id, &keys, now).await;
    server.running.app.store.write(write).await.unwrap()
}

#[tokio::test]
async fn a_person_is_taken_out_and_the_chain_still_holds() {
    let server = with_events().await;
    let alice = server.account_id("alice").await;
    let taken = anonymise(&server, alice).await;
    assert!(taken >= 2, "{taken}");
    seal(&server).await;
    let report = examine(&server).await;
    assert!(report.is_clean(), "{report:?}");
    assert_eq!(report.anonymised, i64::try_from(taken).unwrap());
    let text = format!("{:?}", events(&server, Default::default()).await);
    assert!(
        !text.contains(&alice.to_string()) && !text.contains("127.0.0.1"),
        "{text}"
    );
    let told = of_kind(&server, "audit.anonymised").await;
    assert_eq!((told.len(), &told[0].detail), (1, &json!({ "events": taken })));
    let started = of_kind(&server, "session.started").await;
    assert_eq!(
        (started[0].account_id, started[0].outcome.as_str()),
        (None, "success")
    );
    assert_eq!(anonymise(&server, alice).await, 0);
}

#[tokio::test]
async fn what_somebody_did_to_others_stays_known_without_them() {
    let server = Server::start().await;
    let (alice, bob) = (server.account_id("alice").await, server.account_id("bob").await);
    let event = store::audit::Event {
        id: chancery::random::uuid(),
        at: server.clock.now(),
        kind: "account.disabled".into(),
        outcome: "success".into(),
        account_id: Some(bob),
        client_id: None,
        actor: Some(format!("account:{alice}")),
        address: Some("192.0.2.7".into()),
        request_id: None,
        detail: json!({ "reason": "left" }),
    };
    let write = async move |db: &mut Conn| store::audit::record(db, &event).await;
    server.running.app.store.write(write).await.unwrap();
    seal(&server).await;
    anonymise(&server, alice).await;
    seal(&server).await;
    let found = of_kind(&server, "account.disabled").await.remove(0);
    assert_eq!(
        (found.account_id, found.actor, found.address),
        (Some(bob), None, None)
    );
    assert_eq!(found.detail, json!({ "reason": "left" }));
    assert!(examine(&server).await.is_clean());
    tamper(
        &server,
        "UPDATE audit_events SET detail = '{}' WHERE kind = 'account.disabled'",
    );
    let report = examine(&server).await;
    assert_eq!(
        report.findings.len(),
        1,
        "what was left of it is still covered: {report:?}"
    );
}

#[tokio::test]
async fn nobody_else_can_take_people_out() {
    let server = with_events().await;
    let alice = server.account_id("alice").await;
    seal(&server).await;
    anonymise(&server, alice).await;
    seal(&server).await;
    let bob = server.account_id("bob").await;
    let event = |kind: &str, actor: Option<String>| store::audit::Event {
        id: chancery::random::uuid(),
        at: server.clock.now(),
        kind: kind.into(),
        outcome: "success".into(),
        account_id: Some(bob),
        client_id: None,
        actor,
        address: Some("192.0.2.7".into()),
        request_id: None,
        detail: json!({ "reason": "left" }),
    };
    let carol = AccountId(chancery::random::uuid());
    let (plain, acted) = (
        event("account.disabled", None),
        event("account.enabled", Some(format!("account:{carol}"))),
    );
    let write = async move |db: &mut Conn| {
        store::audit::record(db, &plain).await?;
        store::audit::record(db, &acted).await
    };
    server.running.app.store.write(write).await.unwrap();
    seal(&server).await;
    anonymise(&server, carol).await;
    seal(&server).await;
    assert!(examine(&server).await.is_clean());
    let clear = "account_id = NULL, actor = NULL, address = NULL, detail = '{}'";
    // What vouches for one event vouches for no other.
    let sealed = server
        .running
        .app
        .store
        .read(async |db: &mut Conn| store::audit_chain::list_sealed(db, 0, 100).await);
    let sealed = sealed.await.unwrap();
    let lends = |sealed: &store::audit_chain::Sealed| {
        let event = sealed.event.as_ref().unwrap();
        event.kind == "session.started" && sealed.anonymised_mac.is_some()
    };
    assert!(sealed.iter().any(lends), "there is something to borrow");
    let borrowed = "(SELECT anonymised_mac FROM audit_events WHERE kind = 'session.started' LIMIT 1)";
    for (kind, set) in [
        (
            "account.disabled",
            format!("{clear}, anonymised_mac = {borrowed}"),
        ),
        ("account.enabled", clear.to_owned()),
    ] {
        tamper(
            &server,
            &format!("UPDATE audit_events SET {set} WHERE kind = '{kind}'"),
        );
    }
    let found = examine(&server).await.findings;
    // Events of one second stand in no order of their own.
    let mut problems: Vec<_> = found.iter().map(|finding| finding.problem.as_str()).collect();
    problems.sort_unstable();
    let (doer, subject) = (
        "who did it or from where was changed",
        "whom the event is about or its details were changed",
    );
    assert_eq!(problems, [doer, subject, subject]);
}
