//! What ends while a request is on its way opens nothing any more, whoever ended it.

use chancery::browser::{self, Proved};
use chancery::sign_in::{self, Attempt, Proof};
use chancery::web::client_ip::ClientAddress;
use protocol::claims::ClaimsRequest;
use protocol::grant::Grant;
use protocol::id::GrantId;
use protocol::secret::{Secret, TokenHash};
use protocol::session::Factor;
use protocol::time::Lifetime;
use scraper::{Html, Selector};
use store::{Conn, Store};

use crate::support::{Browser, Form, Request, Server};

const PASSWORD: &str = "correct horse battery staple";
const SECURITY: &str = "/account/security";

fn here() -> ClientAddress {
    ClientAddress("192.0.2.1".parse().unwrap())
}

/// The same database as another process sees it, whose changes nobody announces.
async fn elsewhere(server: &Server) -> Store {
    Store::open(&server.config.database.url, 1).await.unwrap()
}

/// Ends the session of this browser behind the back of the server.
async fn end(server: &Server, browser: &Browser<'_>) {
    let (secret, now) = (
        TokenHash::of(&browser.cookies["chancery-session"]),
        server.clock.now(),
    );
    let store = elsewhere(server).await;
    let ended = store
        .write(async move |db: &mut Conn| {
            let (session, _) = store::sessions::find_by_secret(db, &secret, now).await?.unwrap();
            store::sessions::end(db, session.id, now).await
        })
        .await
        .unwrap();
    store.close().await;
    assert!(ended);
}

async fn proof(server: &Server) -> Proof {
    let password = Secret::new(PASSWORD);
    match sign_in::password(&server.running.app, "alice", &password, here()).await {
        Ok(Attempt::Proved(proof)) => *proof,
        other => panic!("{other:?}"),
    }
}

/// Whether a sign-in whose password was right a moment ago still begins a session.
async fn begins(server: &Server, proof: &Proof) -> bool {
    let proved = Proved {
        account: proof.account.id,
        factor: Factor::Password,
        chosen_at: Some(proof.chosen_at),
    };
    let (request, mut answer) = (http::HeaderMap::new(), http::HeaderMap::new());
    let begun = browser::sign_in(&server.running.app, proved, None, &request, here(), &mut answer).await;
    let begun = begun.unwrap().is_some();
    assert_eq!(begun, answer.contains_key("set-cookie"));
    begun
}

#[tokio::test]
async fn a_password_that_was_changed_while_it_was_checked_opens_nothing() {
    let server = Server::start().await;
    let before = proof(&server).await;
    assert!(begins(&server, &before).await);
    server.advance(Lifetime::seconds(1));
    server
        .apply("[[account]]\nusername = \"alice\"\npassword = \"violin gravel umbrella\"\n")
        .await;
    assert!(!begins(&server, &before).await);
}

#[tokio::test]
async fn an_account_that_was_disabled_while_its_password_was_checked_gets_no_session_to_wake_up_later() {
    let server = Server::start().await;
    let before = proof(&server).await;
    server
        .apply("[[account]]\nusername = \"alice\"\ndisabled = true\n")
        .await;
    assert!(!begins(&server, &before).await);
    server
        .apply("[[account]]\nusername = \"alice\"\ndisabled = false\n")
        .await;
    assert!(begins(&server, &before).await);
}

#[tokio::test]
async fn a_session_whose_end_nobody_announced_is_noticed_when_it_is_next_seen() {
    let server = Server::start().await;
    let mut browser = Browser::new(&server);
    assert_eq!(browser.sign_in("/account", "alice", PASSWORD).await.status, 200);
    end(&server, &browser).await;
    server.advance(Lifetime::seconds(61));
    let answer = browser.send(Request::get("/account")).await;
    assert!(answer.location().starts_with("/login"), "{}", answer.status);
    let again = browser.send(Request::get("/account")).await;
    assert!(again.location().starts_with("/login"), "{}", again.status);
}

#[tokio::test]
async fn a_session_that_ended_elsewhere_changes_no_factors() {
    let server = Server::start().await;
    let id = server.account_id("alice").await;
    let held = async || chancery::factors::list(&server.running.app, id).await.unwrap();

    let mut browser = Browser::new(&server);
    browser.sign_in(SECURITY, "alice", PASSWORD).await;
    let page = browser.open("/account/security/totp").await;
    end(&server, &browser).await;
    let code = first_code(&server, &page.body);
    browser
        .send(Form::of(&page.body).filled(&[("code", &code)]))
        .await;
    assert!(held().await.factors.is_empty());

    let mut browser = Browser::new(&server);
    browser.sign_in(SECURITY, "alice", PASSWORD).await;
    let page = browser.open("/account/security/totp").await;
    let code = first_code(&server, &page.body);
    browser.submit(&page, &[("code", &code)]).await;
    let page = browser.open(SECURITY).await;
    let before = held().await;
    assert_eq!(before.factors.len(), 1);
    let old = codes_made(&server, id).await;
    server.advance(Lifetime::seconds(1));
    end(&server, &browser).await;
    for action in ["recovery-codes", "remove"] {
        let form = Form::at(&page.body, &format!("{SECURITY}/{action}"));
        browser.send(form.filled(&[])).await;
    }
    assert_eq!(held().await, before);
    assert_eq!(codes_made(&server, id).await, old);
}

fn first_code(server: &Server, page: &str) -> String {
    let html = Html::parse_document(page);
    let selector = Selector::parse("#totp-secret").unwrap();
    let shown: String = html
        .select(&selector)
        .flat_map(|element| element.text())
        .collect();
    let secret = chancery::totp::decode_base32(&shown).unwrap();
    chancery::totp::code(&secret, server.clock.now())
}

async fn codes_made(server: &Server, id: protocol::id::AccountId) -> Option<protocol::time::Timestamp> {
    let find = async move |db: &mut Conn| store::factors::recovery_codes_made(db, id).await;
    server.running.app.store.read(find).await.unwrap()
}

#[tokio::test]
async fn a_grant_that_is_made_while_its_session_ends_ends_with_it() {
    let server = Server::start().await;
    if server.config.database.url.starts_with("sqlite:") {
        eprintln!("SKIPPED a_grant_that_is_made_while_its_session_ends_ends_with_it: SQLite has one writer");
        return;
    }
    let mut browser = Browser::new(&server);
    browser.sign_in("/account", "alice", PASSWORD).await;
    let (secret, now) = (
        TokenHash::of(&browser.cookies["chancery-session"]),
        server.clock.now(),
    );
    let grant = grant(&server).await;
    let id = grant.id;
    let (held, holds) = tokio::sync::oneshot::channel();
    let (go, may_go) = tokio::sync::oneshot::channel();
    let store = server.running.app.store.clone();
    let making = tokio::spawn(async move {
        store
            .write(async move |db: &mut Conn| {
                assert!(store::sessions::find_locked(db, &secret, now).await?.is_some());
                let _ = held.send(());
                let _ = may_go.await;
                store::grants::insert(db, &grant).await
            })
            .await
    });
    holds.await.unwrap();
    let change = "[[account]]\nusername = \"alice\"\npassword = \"violin gravel umbrella\"\n";
    let mut changing = Box::pin(server.apply(change));
    // It waits for the session, or else would be done by now.
    let early = tokio::time::timeout(std::time::Duration::from_millis(500), &mut changing).await;
    go.send(()).unwrap();
    making.await.unwrap().unwrap();
    if early.is_err() {
        changing.await;
    }
    let find = async move |db: &mut Conn| store::grants::is_live(db, id).await;
    assert!(!server.running.app.store.read(find).await.unwrap());
}

async fn grant(server: &Server) -> Grant {
    let now = server.clock.now();
    Grant {
        id: GrantId(chancery::random::uuid()),
        account_id: server.account_id("alice").await,
        client_id: "web".into(),
        session_id: None,
        scope: "openid".parse().unwrap(),
        resources: Vec::new(),
        nonce: None,
        claims: ClaimsRequest::default(),
        auth_time: now,
        factors: vec![Factor::Password],
        created_at: now,
        revoked_at: None,
    }
}
