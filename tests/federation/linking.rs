//! Whose account somebody from elsewhere gets: one that is proved theirs, a new one, or none.

use serde_json::{Value, json};
use store::Conn;

use super::provider::{Provider, Trip, got_code, is_asked, visit};
use crate::support::{Answer, Browser, Form, Server, query_of};

const TRUSTED: &str = "trusted_email_domains = [\"example.test\"]";
const PASSWORD: &str = "correct horse battery staple";

fn person(sub: &str, email: &str, verified: Value) -> Value {
    json!({ "sub": sub, "email": email, "email_verified": verified })
}

/// The account of the person that got in.
async fn subject(server: &Server, answer: &Answer) -> String {
    let code = query_of(answer.location(), "code").unwrap();
    let tokens = server.redeem(&code).await;
    server.claims(&tokens.text("id_token")).await["sub"]
        .as_str()
        .unwrap()
        .to_owned()
}

async fn account(server: &Server, name: &str) -> Option<store::Account> {
    let name = name.to_owned();
    let find = async move |db: &mut Conn| store::accounts::find_by_login(db, &name).await;
    server.running.app.store.read(find).await.unwrap()
}

async fn connections(server: &Server, name: &str) -> usize {
    let id = server.account_id(name).await;
    let list = async move |db: &mut Conn| store::upstream_identities::list(db, id).await;
    server.running.app.store.read(list).await.unwrap().len()
}

#[tokio::test]
async fn an_address_alone_is_nobody() {
    for (lines, email, verified) in [
        // Nobody trusts this provider with any address.
        ("", "alice@example.test", json!(true)),
        // It is trusted, but with other addresses.
        (
            "trusted_email_domains = [\"corp.test\"]",
            "alice@example.test",
            json!(true),
        ),
        // It does not say that the address is theirs.
        (TRUSTED, "alice@example.test", json!(false)),
        (TRUSTED, "alice@example.test", json!("true")),
        (TRUSTED, "alice@example.test", json!(1)),
        (TRUSTED, "alice@example.test", Value::Null),
        // Nobody here has proved the address.
        (TRUSTED, "bob@example.test", json!(true)),
        // The account is shut.
        (TRUSTED, "dave@example.test", json!(true)),
    ] {
        let provider = Provider::start().await;
        let server = provider.relied_on(lines).await;
        let (browser, answer) = visit(&server, &provider, person("s1", email, verified.clone())).await;
        // A claim of the wrong type may also be the end of it; it is never a yes.
        let well_typed = verified.is_boolean() || verified.is_null();
        assert!(
            is_asked(&answer) || (!well_typed && answer.status == 502),
            "{lines} {email} {verified}: {}",
            answer.body
        );
        assert!(!browser.cookies.contains_key("chancery-session"));
        assert!(!answer.body.contains("id=\"upstream-create\""));
        assert_eq!(connections(&server, "alice").await, 0);
    }
}

#[tokio::test]
async fn an_address_that_both_sides_verified_connects_and_its_holder_is_told() {
    let provider = Provider::start().await;
    let server = provider.relied_on(TRUSTED).await;
    let (_, answer) = visit(
        &server,
        &provider,
        person("s1", "ALICE@Example.test", json!(true)),
    )
    .await;
    assert!(got_code(&answer), "{}", answer.body);
    let alice = server.account_id("alice").await.to_string();
    assert_eq!(subject(&server, &answer).await, alice);
    let mails = server.mails().await;
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].to, "alice@example.test");
    assert!(mails[0].text.contains("Corporate"), "{}", mails[0].text);
    // From now on the subject counts, and the address does not.
    let (_, answer) = visit(
        &server,
        &provider,
        person("s1", "mallory@evil.test", json!(false)),
    )
    .await;
    assert_eq!(subject(&server, &answer).await, alice);
    // Somebody else there who gets the address is not alice.
    let (browser, answer) = visit(
        &server,
        &provider,
        person("s2", "alice@example.test", json!(true)),
    )
    .await;
    assert!(is_asked(&answer), "{}", answer.body);
    assert!(!browser.cookies.contains_key("chancery-session"));
    assert_eq!(connections(&server, "alice").await, 1);
}

#[tokio::test]
async fn the_question_is_the_same_whether_or_not_the_address_is_known() {
    let provider = Provider::start().await;
    let server = provider.relied_on("create_accounts = true").await;
    let mut pages = Vec::new();
    for email in ["alice@example.test", "nobody@example.test"] {
        let (_, answer) = visit(&server, &provider, person("s1", email, json!(true))).await;
        let form = Form::of(&answer.body);
        let mut body = answer
            .body
            .replace(&form.action, "ACTION")
            .replace(email, "EMAIL");
        for (_, value) in &form.hidden {
            body = body.replace(value, "HIDDEN");
        }
        pages.push((answer.status, body));
    }
    assert_eq!(pages[0], pages[1]);
}

/// Somebody unknown who says that they have an account, in front of the sign-in page.
async fn claims_an_account<'a>(server: &'a Server, provider: &Provider) -> (Browser<'a>, Answer) {
    let (mut browser, asked) = visit(server, provider, person("s1", "someone@else.test", json!(false))).await;
    assert!(is_asked(&asked), "{}", asked.body);
    let page = browser.submit(&asked, &[("choice", "connect")]).await;
    assert!(page.body.contains("name=\"password\""), "{}", page.body);
    (browser, page)
}

#[tokio::test]
async fn who_proves_an_account_connects_it_and_goes_on() {
    let provider = Provider::start().await;
    let server = provider.relied_on("").await;
    let (mut browser, page) = claims_an_account(&server, &provider).await;
    let wrong = browser
        .submit(&page, &[("username", "alice"), ("password", "wrong")])
        .await;
    assert!(wrong.body.contains("id=\"form-error\""));
    let confirm = browser
        .submit(&page, &[("username", "alice"), ("password", PASSWORD)])
        .await;
    assert!(confirm.body.contains("<bdi>alice</bdi>"), "{}", confirm.body);
    assert_eq!(connections(&server, "alice").await, 0);
    let cookie = browser.cookies["chancery-session"].clone();
    let answer = browser.submit(&confirm, &[("choice", "connect")]).await;
    assert!(got_code(&answer), "{} {}", answer.status, answer.body);
    assert_ne!(browser.cookies["chancery-session"], cookie);
    assert_eq!(connections(&server, "alice").await, 1);
    assert_eq!(server.mails().await.len(), 1);
    // What was confirmed once is not confirmed again.
    let again = browser.submit(&confirm, &[("choice", "connect")]).await;
    assert_eq!(again.status, 400, "{}", again.body);
    let (_, answer) = visit(&server, &provider, person("s1", "other@else.test", json!(false))).await;
    assert_eq!(
        subject(&server, &answer).await,
        server.account_id("alice").await.to_string()
    );
}

#[tokio::test]
async fn proving_an_account_needs_its_second_factor() {
    let provider = Provider::start().await;
    let server = provider.relied_on("").await;
    let (mut browser, page) = claims_an_account(&server, &provider).await;
    let fields = [("username", "bob"), ("password", "bob has a long password too")];
    let page = browser.submit(&page, &fields).await;
    assert!(page.body.contains("name=\"code\""), "{}", page.body);
    assert_eq!(connections(&server, "bob").await, 0);
    let seed = chancery::totp::decode_base32("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP").unwrap();
    let code = chancery::totp::code(&seed, server.clock.now());
    let confirm = browser.submit(&page, &[("code", &code)]).await;
    assert!(confirm.body.contains("<bdi>bob</bdi>"), "{}", confirm.body);
    let answer = browser.submit(&confirm, &[("choice", "connect")]).await;
    assert!(got_code(&answer), "{}", answer.body);
    assert_eq!(connections(&server, "bob").await, 1);
}

#[tokio::test]
async fn an_open_session_proves_no_account() {
    let provider = Provider::start().await;
    let server = provider.relied_on("").await;
    let mut browser = Browser::new(&server);
    browser.sign_in(&server.authorize(&[]), "alice", PASSWORD).await;
    server.advance(protocol::time::Lifetime::seconds(1));
    let again = server.authorize(&[("prompt", "login")]);
    let trip = Trip::begin(&server, &mut browser, &again).await;
    provider.says(
        &trip,
        json!({ "sub": "s1", "auth_time": trip.now, "email": "x@else.test" }),
    );
    let asked = browser.open(&trip.back(&[("code", "c")])).await;
    assert!(is_asked(&asked), "{}", asked.body);
    let page = browser.submit(&asked, &[("choice", "connect")]).await;
    assert!(page.body.contains("name=\"password\""), "{}", page.body);
    assert_eq!(connections(&server, "alice").await, 0);
}

#[tokio::test]
async fn who_does_not_want_to_connect_still_gets_in() {
    let provider = Provider::start().await;
    let server = provider.relied_on("").await;
    let (mut browser, page) = claims_an_account(&server, &provider).await;
    let confirm = browser
        .submit(&page, &[("username", "alice"), ("password", PASSWORD)])
        .await;
    let answer = browser.submit(&confirm, &[("choice", "skip")]).await;
    assert!(got_code(&answer), "{}", answer.body);
    assert_eq!(connections(&server, "alice").await, 0);
}

#[tokio::test]
async fn the_victim_of_a_link_connects_nothing() {
    let provider = Provider::start().await;
    let server = provider.relied_on("create_accounts = true").await;
    let (mut mallory, asked) = visit(&server, &provider, person("evil", "m@evil.test", json!(false))).await;
    let question = Form::of(&asked.body);
    let mut victim = Browser::new(&server);
    victim.sign_in(&server.authorize(&[]), "alice", PASSWORD).await;
    let confirm = question
        .action
        .replace("/login/connect", "/login/connect/confirm");
    for path in [&question.action, &confirm] {
        let answer = victim.open(path).await;
        assert_eq!(answer.status, 400, "{path}: {}", answer.body);
    }
    // Neither does her browser answer the question for mallory, nor mallory's form from elsewhere.
    for request in [
        question.filled(&[("choice", "create")]),
        question
            .filled(&[("choice", "create")])
            .header("origin", "https://evil.test"),
    ] {
        assert_eq!(victim.send(request).await.status, 403);
    }
    let crossed = question
        .filled(&[("choice", "create")])
        .header("origin", "https://evil.test");
    assert_eq!(mallory.send(crossed).await.status, 403);
    assert_eq!(connections(&server, "alice").await, 0);
}

#[tokio::test]
async fn a_new_account_keeps_an_address_only_where_it_was_vouched_for() {
    for (lines, email, kept) in [
        (TRUSTED, "carol@example.test", true),
        ("", "carol@example.test", false),
    ] {
        let provider = Provider::start().await;
        let server = provider
            .relied_on(&format!("create_accounts = true\n{lines}"))
            .await;
        let mut claims = person("s1", email, json!(true));
        claims["name"] = json!("Carol\u{202e} Example");
        claims["preferred_username"] = json!("Carol.E");
        let (mut browser, mut answer) = visit(&server, &provider, claims.clone()).await;
        if !kept {
            assert!(is_asked(&answer), "{}", answer.body);
            let asked = answer;
            answer = browser.submit(&asked, &[("choice", "create")]).await;
            let again = browser.submit(&asked, &[("choice", "create")]).await;
            assert_eq!(again.status, 400, "{}", again.body);
        }
        assert!(got_code(&answer), "{} {}", answer.status, answer.body);
        let carol = account(&server, "carol-e").await.unwrap();
        assert_eq!(carol.email.as_deref(), kept.then_some(email));
        assert_eq!(carol.email_verified, kept);
        assert_eq!(carol.claims["name"], json!("Carol Example"));
        let (_, answer) = visit(&server, &provider, claims).await;
        assert_eq!(subject(&server, &answer).await, carol.id.to_string());
    }
}

#[tokio::test]
async fn a_taken_name_gets_a_tail_and_a_reserved_one_is_not_given() {
    let provider = Provider::start().await;
    let server = provider
        .relied_on(&format!("create_accounts = true\n{TRUSTED}"))
        .await;
    for (sub, name, email) in [
        ("s1", "alice", "a1@example.test"),
        ("s2", "admin", "root@example.test"),
    ] {
        let mut claims = person(sub, email, json!(true));
        claims["preferred_username"] = json!(name);
        let (_, answer) = visit(&server, &provider, claims).await;
        assert!(got_code(&answer), "{}", answer.body);
        let made = account(&server, email).await.unwrap();
        assert_ne!(made.username, name);
        let stem = if name == "alice" { "alice-" } else { "user-" };
        assert!(made.username.starts_with(stem), "{}", made.username);
    }
}

#[tokio::test]
async fn a_new_account_has_the_default_roles() {
    let provider = Provider::start().await;
    let server = provider
        .relied_on_with(&format!("create_accounts = true\n{TRUSTED}"), |config| {
            config.accounts.default_roles = vec!["editor".to_owned(), "unknown".to_owned()];
        })
        .await;
    let (_, answer) = visit(
        &server,
        &provider,
        person("s1", "carol@example.test", json!(true)),
    )
    .await;
    assert!(got_code(&answer), "{}", answer.body);
    let id = server.account_id("carol").await;
    let now = server.clock.now();
    let roles = async move |db: &mut Conn| store::roles::account_roles(db, id, now).await;
    let roles = server.running.app.store.read(roles).await.unwrap();
    assert_eq!(roles.into_iter().collect::<Vec<_>>(), ["editor"]);
}

#[tokio::test]
async fn where_no_accounts_are_made_asking_for_one_gives_none() {
    let provider = Provider::start().await;
    let server = provider.relied_on(TRUSTED).await;
    let (mut browser, asked) = visit(
        &server,
        &provider,
        person("s1", "carol@example.test", json!(true)),
    )
    .await;
    assert!(is_asked(&asked), "{}", asked.body);
    let answer = browser.submit(&asked, &[("choice", "create")]).await;
    assert_eq!(answer.status, 400, "{}", answer.body);
    assert!(account(&server, "carol").await.is_none());
}
