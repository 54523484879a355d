//! Passwords, factors, sessions and apps.

use protocol::id::SessionId;
use protocol::secret::Secret;
use protocol::session::{Factor, Session};
use protocol::time::Lifetime;
use serde_json::json;

use super::{ALL, api, problem, session_token, start, token, with_json};
use crate::account::person::{ALICE, BOB, MALLORY, add_mallory, at, is_signed_in, signs_in};
use crate::support::{Authenticator, Browser, Form, PasskeyBox, Server};

#[tokio::test]
async fn no_client_gives_an_account_its_first_password() {
    let server = start().await;
    let mut browser = keyless(&server).await;
    let token = session_token(&server, &mut browser).await;
    let body = json!({ "new_password": "four ferries in the morning rain" });
    let answer = server
        .send(with_json("POST", "/password", &body).bearer(&token))
        .await;
    assert_eq!(problem(&answer).0, 403, "{}", answer.body);
    assert!(!signs_in(&server, "keyless", "four ferries in the morning rain").await);
}

/// A browser in which somebody without a password is signed in.
async fn keyless(server: &Server) -> Browser<'_> {
    server.apply("[[account]]\nusername = \"keyless\"\n").await;
    let mut browser = Browser::new(server);
    browser.open("/login").await;
    let cookie = signed_in_by_passkey(server, "keyless").await;
    browser.cookies.insert("chancery-session".to_owned(), cookie);
    browser
}

/// The cookie of a session that a passkey began.
async fn signed_in_by_passkey(server: &Server, name: &str) -> String {
    let (cookie, now, name) = ("a-cookie-of-this-test", server.clock.now(), name.to_owned());
    server
        .running
        .app
        .store
        .write(async move |db: &mut store::Conn| {
            let account = store::accounts::find_by_login(db, &name).await?.unwrap();
            let session = Session {
                id: SessionId(uuid::Uuid::from_u128(7)),
                account_id: account.id,
                auth_time: now,
                factors: vec![Factor::Passkey],
                created_at: now,
                last_seen_at: now,
            };
            let hash = Secret::new(cookie).hash();
            store::sessions::insert(db, &session, &hash, now + Lifetime::hours(1), None, None).await
        })
        .await
        .unwrap();
    cookie.to_owned()
}

#[tokio::test]
async fn a_password_is_changed_by_who_knows_the_current_one() {
    let server = start().await;
    let token = token(&server, ALICE, ALL).await;
    let new = "four ferries in the morning rain";
    for (current, new, status, member) in [
        ("wrong", new, 403, "current_password"),
        (ALICE.1, "short", 400, "new_password"),
    ] {
        let body = json!({ "current_password": current, "new_password": new });
        let answer = server
            .send(with_json("POST", "/password", &body).bearer(&token))
            .await;
        assert_eq!(problem(&answer).0, status, "{}", answer.body);
        assert_eq!(answer.json()["member"], member);
    }
    let missing = with_json("POST", "/password", &json!({ "new_password": new }));
    assert_eq!(server.send(missing.bearer(&token)).await.status, 403);
    let body = json!({ "current_password": ALICE.1, "new_password": new });
    let done = server
        .send(with_json("POST", "/password", &body).bearer(&token))
        .await;
    assert_eq!(done.status, 204, "{}", done.body);
    assert!(signs_in(&server, "alice", new).await);
    // The token's own grant ends with all others.
    assert_eq!(
        server.send(api("GET", "/profile").bearer(&token)).await.status,
        401
    );
}

#[tokio::test]
async fn sessions_are_listed_and_ended() {
    let server = start().await;
    add_mallory(&server).await;
    let (mut one, _) = at(&server, ALICE, "/account").await;
    let (mut own, _) = at(&server, ALICE, "/account").await;
    let (mut stranger, _) = at(&server, MALLORY, "/account").await;
    let token = session_token(&server, &mut own).await;
    let foreign = session_token(&server, &mut stranger).await;
    let list = async |token: &str| {
        server.send(api("GET", "/sessions").bearer(token)).await.json()["sessions"].clone()
    };
    let listed = list(&token).await;
    let listed = listed.as_array().unwrap();
    assert_eq!(listed.len(), 2, "{listed:?}");
    let other = listed.iter().find(|session| session["current"] == false).unwrap();
    assert_eq!(
        (&other["network"], &other["acr"], &other["amr"]),
        (&json!("127.0.0.0/24"), &json!("1"), &json!(["pwd"]))
    );
    let path = format!("/sessions/{}", other["id"].as_str().unwrap());
    for path in [path.as_str(), "/sessions/nonsense"] {
        assert_eq!(
            problem(&server.send(api("DELETE", path).bearer(&foreign)).await).0,
            404,
            "{path}"
        );
    }
    assert!(is_signed_in(&mut one).await);
    assert_eq!(server.send(api("DELETE", &path).bearer(&token)).await.status, 204);
    assert!(!is_signed_in(&mut one).await);
    assert_eq!(server.send(api("DELETE", &path).bearer(&token)).await.status, 404);
    let (mut one, _) = at(&server, ALICE, "/account").await;
    let others = server
        .send(api("DELETE", "/sessions?keep_current=true").bearer(&token))
        .await;
    assert_eq!(others.json()["ended"], 1);
    assert!(!is_signed_in(&mut one).await && is_signed_in(&mut own).await);
    let wrong = api("DELETE", "/sessions?keep_current=maybe").bearer(&token);
    assert_eq!(server.send(wrong).await.status, 400);
    assert_eq!(
        server
            .send(api("DELETE", "/sessions").bearer(&token))
            .await
            .json()["ended"],
        1
    );
    assert!(!is_signed_in(&mut own).await && is_signed_in(&mut stranger).await);
    // The token was to last no longer than its session.
    assert_eq!(
        server.send(api("GET", "/sessions").bearer(&token)).await.status,
        401
    );
}

#[tokio::test]
async fn apps_and_factors_are_listed_and_apps_ended() {
    let server = start().await;
    server.tokens(&[]).await;
    let alice = token(&server, ALICE, ALL).await;
    let bob = token(&server, BOB, ALL).await;
    let apps = server.send(api("GET", "/apps").bearer(&alice)).await.json();
    let names: Vec<_> = apps["apps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|app| &app["client_id"])
        .collect();
    assert_eq!(names, [&json!("console"), &json!("web")]);
    assert_eq!(
        problem(&server.send(api("DELETE", "/apps/web").bearer(&bob)).await).0,
        404
    );
    assert_eq!(
        server
            .send(api("DELETE", "/apps/web").bearer(&alice))
            .await
            .status,
        204
    );
    assert_eq!(
        problem(&server.send(api("DELETE", "/apps/web").bearer(&alice)).await).0,
        404
    );
    let apps = server.send(api("GET", "/apps").bearer(&alice)).await.json();
    assert_eq!(apps["apps"].as_array().unwrap().len(), 1);
    let factors = server.send(api("GET", "/factors").bearer(&bob)).await.json();
    assert_eq!(factors["factors"][0]["kind"], "totp", "{factors}");
    assert!(!factors.to_string().contains("secret"));
    assert_eq!(
        server
            .send(api("DELETE", "/apps/console").bearer(&alice))
            .await
            .status,
        204
    );
    assert_eq!(
        server.send(api("GET", "/profile").bearer(&alice)).await.status,
        401
    );
}

/// The identifiers of the factors that a token shows.
async fn factors(server: &Server, token: &str) -> Vec<String> {
    let listed = server.send(api("GET", "/factors").bearer(token)).await.json();
    let listed = listed["factors"].as_array().unwrap().clone();
    listed
        .iter()
        .map(|one| one["id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_factor_is_renamed_and_taken_away_by_its_holder() {
    let server = start().await;
    let (mut browser, _) = at(&server, BOB, "/account").await;
    let bob = session_token(&server, &mut browser).await;
    let (mut elsewhere, _) = at(&server, BOB, "/account").await;
    let alice = token(&server, ALICE, ALL).await;
    let one = format!("/factors/{}", factors(&server, &bob).await[0]);
    let name = |name: &str| with_json("PATCH", &one, &json!({ "name": name }));
    assert_eq!(
        server
            .send(name(" Work\u{202e} phone ").bearer(&bob))
            .await
            .status,
        204
    );
    let listed = server.send(api("GET", "/factors").bearer(&bob)).await.json();
    assert_eq!(listed["factors"][0]["name"], "Work phone");
    let refused = server.send(name("\u{202e}").bearer(&bob)).await;
    assert_eq!(problem(&refused).0, 400);
    // Those of others are not there.
    assert_eq!(server.send(name("mine").bearer(&alice)).await.status, 404);
    assert_eq!(server.send(api("DELETE", &one).bearer(&alice)).await.status, 404);
    assert_eq!(
        server.send(api("DELETE", "/factors/x").bearer(&bob)).await.status,
        404
    );

    server
        .apply("[[account]]\nusername = \"bob\"\nmfa = \"required\"\n")
        .await;
    let needed = server.send(api("DELETE", &one).bearer(&bob)).await;
    assert_eq!(problem(&needed).0, 409);
    server
        .apply("[[account]]\nusername = \"bob\"\nmfa = \"if-enrolled\"\n")
        .await;
    assert_eq!(server.send(api("DELETE", &one).bearer(&bob)).await.status, 204);
    assert_eq!(factors(&server, &bob).await.len(), 0);
    assert_eq!(server.send(api("DELETE", &one).bearer(&bob)).await.status, 404);
    assert!(is_signed_in(&mut browser).await);
    assert!(!is_signed_in(&mut elsewhere).await, "other sessions end");
}

#[tokio::test]
async fn the_only_passkey_stays_where_nothing_else_signs_in() {
    let server = start().await;
    let mut browser = keyless(&server).await;
    let register = async |browser: &mut Browser<'_>| {
        let page = browser.open("/account/security").await;
        let added = PasskeyBox::of(&page)
            .register(browser, &mut Authenticator::new())
            .await;
        assert_eq!(added.status, 200, "{}", added.body);
        browser.open("/account/security").await
    };
    let page = register(&mut browser).await;
    let remove = Form::at(&page.body, "/account/security/remove");
    let refused = browser.send(remove.filled(&[])).await;
    assert_eq!(refused.status, 409);
    assert!(refused.body.contains("only way"), "{}", refused.body);
    let token = session_token(&server, &mut browser).await;
    let one = format!("/factors/{}", factors(&server, &token).await[0]);
    let refused = server.send(api("DELETE", &one).bearer(&token)).await;
    assert_eq!(problem(&refused).0, 409, "{}", refused.body);
    assert_eq!(factors(&server, &token).await.len(), 1);

    register(&mut browser).await;
    assert_eq!(browser.send(remove.filled(&[])).await.status, 303);
    let left = factors(&server, &token).await;
    assert_eq!(left.len(), 1);
    let refused = server
        .send(api("DELETE", &format!("/factors/{}", left[0])).bearer(&token))
        .await;
    assert_eq!(problem(&refused).0, 409);
}
