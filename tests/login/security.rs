//! `/account/security`: factors are added, named and removed by who has just proved to be their owner.

use protocol::time::Lifetime;
use scraper::{Html, Selector};

use crate::support::{Answer, Authenticator, Browser, Form, PasskeyBox, Request, Server};

const ALICE: (&str, &str) = ("alice", "correct horse battery staple");
const SECURITY: &str = "/account/security";

/// The forms of a page that go to this path.
fn forms(page: &Answer, action: &str) -> Vec<Form> {
    let html = Html::parse_document(&page.body);
    let found: Vec<_> = html
        .select(&Selector::parse("form").unwrap())
        .map(|form| Form::of(&form.html()))
        .filter(|form| form.action == action)
        .collect();
    found
}

fn texts(page: &Answer, selector: &str) -> Vec<String> {
    let html = Html::parse_document(&page.body);
    let selector = Selector::parse(selector).unwrap();
    let found = html.select(&selector);
    found.map(|element| element.text().collect::<String>()).collect()
}

/// Adds an app in the fresh session of `browser`; gives the answer and the secret.
async fn add_app(server: &Server, browser: &mut Browser<'_>, name: &str) -> (Answer, Vec<u8>) {
    let page = browser.open("/account/security/totp").await;
    let secret = texts(&page, "#totp-secret").concat();
    let secret = chancery::totp::decode_base32(&secret).unwrap().to_vec();
    let code = chancery::totp::code(&secret, server.clock.now());
    let answer = browser.submit(&page, &[("code", &code), ("name", name)]).await;
    (answer, secret)
}

async fn session_lives(browser: &mut Browser<'_>) -> bool {
    let answer = browser.send(Request::get("/account")).await;
    answer.status == 200
}

#[tokio::test]
async fn apps_are_added_used_named_and_removed() {
    let server = Server::start().await;
    let mut browser = Browser::new(&server);
    browser.sign_in(SECURITY, ALICE.0, ALICE.1).await;
    let cookie = browser.cookies["chancery-session"].clone();
    let (answer, phone) = add_app(&server, &mut browser, "Phone").await;
    assert_eq!(
        texts(&answer, "#recovery-codes code").len(),
        10,
        "{}",
        answer.body
    );
    assert_ne!(browser.cookies["chancery-session"], cookie);
    server.advance(Lifetime::seconds(30));
    let (answer, _) = add_app(&server, &mut browser, "Tablet").await;
    assert!(answer.body.contains("id=\"notice\""), "codes are made once");
    assert_eq!(texts(&answer, "#factors strong"), ["Phone", "Tablet"]);

    let rename = &forms(&answer, "/account/security/rename")[0];
    let page = browser.send(rename.filled(&[("name", "Old phone")])).await;
    assert_eq!(page.status, 303);
    let page = browser.open(SECURITY).await;
    assert_eq!(texts(&page, "#factors strong"), ["Old phone", "Tablet"]);

    server.advance(Lifetime::seconds(30));
    let mut other = Browser::new(&server);
    let asked = other.sign_in("/account", ALICE.0, ALICE.1).await;
    let code = chancery::totp::code(&phone, server.clock.now());
    let account = other.submit(&asked, &[("code", &code)]).await;
    assert_eq!(account.status, 200, "either app will do");
    assert!(session_lives(&mut other).await);

    let page = browser.open(SECURITY).await;
    let remove = &forms(&page, "/account/security/remove")[0];
    let cookie = browser.cookies["chancery-session"].clone();
    let gone = browser.send(remove.filled(&[])).await;
    assert_eq!(gone.location(), "/account/security?done=factor-removed");
    assert_ne!(browser.cookies["chancery-session"], cookie);
    assert!(session_lives(&mut browser).await);
    assert!(!session_lives(&mut other).await, "other sessions end");
    assert_eq!(browser.send(remove.filled(&[])).await.status, 404);

    let kinds: Vec<_> = server
        .mails()
        .await
        .into_iter()
        .map(|mail| mail.subject)
        .collect();
    assert_eq!(kinds.len(), 3, "{kinds:?}");
}

#[tokio::test]
async fn an_old_session_must_prove_itself_again() {
    let server = Server::start().await;
    let mut browser = Browser::new(&server);
    let page = browser.sign_in(SECURITY, ALICE.0, ALICE.1).await;
    add_app(&server, &mut browser, "Phone").await;
    let listed = browser.open(SECURITY).await;
    let draft = browser.open("/account/security/totp").await;
    let (passkey, csrf) = (PasskeyBox::of(&page), PasskeyBox::of(&page).csrf);
    server.advance(Lifetime::seconds(301));
    for path in [SECURITY, "/account/security/totp"] {
        let page = browser.open(path).await;
        assert!(page.body.contains("name=\"password\""), "{path}");
    }
    let stale = [
        forms(&listed, "/account/security/remove")[0].filled(&[]),
        forms(&listed, "/account/security/rename")[0].filled(&[("name", "x")]),
        forms(&listed, "/account/security/recovery-codes")[0].filled(&[]),
        Form::of(&draft.body).filled(&[("code", "123456")]),
    ];
    for request in stale {
        let answer = browser.send(request.clone()).await;
        assert!(answer.location().starts_with("/login"), "{request:?}");
    }
    for path in [&passkey.options, &passkey.finish] {
        let body = serde_json::json!({ "state": "", "credential": {} });
        let answer = browser.send(passkey.message(path, &body)).await;
        assert_eq!(answer.status, 401, "{csrf} {}", answer.body);
        assert!(answer.text("location").starts_with("/login"));
    }
    let id = server.account_id("alice").await;
    let held = chancery::factors::list(&server.running.app, id).await.unwrap();
    assert_eq!(held.factors.len(), 1);
    assert_eq!(held.factors[0].name, "Phone");
}

#[tokio::test]
async fn a_form_without_our_token_changes_nothing() {
    let server = Server::start().await;
    let mut browser = Browser::new(&server);
    browser.sign_in(SECURITY, ALICE.0, ALICE.1).await;
    add_app(&server, &mut browser, "Phone").await;
    let page = browser.open(SECURITY).await;
    let mut other = Browser::new(&server);
    let theirs = other
        .sign_in(&server.authorize(&[("prompt", "login")]), ALICE.0, ALICE.1)
        .await;
    let foreign = Form::of(&theirs.body);
    for path in ["remove", "rename", "recovery-codes"] {
        let path = format!("{SECURITY}/{path}");
        let form = &forms(&page, &path)[0];
        for token in [None, Some(foreign.hidden[0].1.clone())] {
            let mut form = form.clone();
            form.hidden.retain(|(name, _)| name != "csrf");
            form.hidden.extend(token.map(|token| ("csrf".to_owned(), token)));
            let answer = browser.send(form.filled(&[("name", "x")])).await;
            assert_eq!(answer.status, 403, "{path}");
        }
        let evil = form.filled(&[]).header("origin", "http://evil.example");
        assert_eq!(browser.send(evil).await.status, 403, "{path}");
        assert_eq!(
            browser.send(Request::get(path.clone())).await.status,
            405,
            "{path}"
        );
    }
}

#[tokio::test]
async fn the_last_factor_stays_where_one_is_required() {
    let server = Server::start().await;
    let mut browser = Browser::new(&server);
    browser.sign_in(SECURITY, ALICE.0, ALICE.1).await;
    add_app(&server, &mut browser, "Phone").await;
    server
        .apply("[[account]]\nusername = \"alice\"\nmfa = \"required\"\n")
        .await;
    let page = browser.open(SECURITY).await;
    let remove = forms(&page, "/account/security/remove")[0].clone();
    let refused = browser.send(remove.filled(&[])).await;
    assert_eq!(refused.status, 409);
    assert!(refused.body.contains("must keep"));
    let added = PasskeyBox::of(&page)
        .register(&mut browser, &mut Authenticator::new())
        .await;
    assert_eq!(added.status, 200, "{}", added.body);
    let gone = browser.send(remove.filled(&[])).await;
    assert_eq!(gone.status, 303, "{}", gone.body);
}

#[tokio::test]
async fn nobody_removes_the_factors_of_others() {
    let server = Server::start().await;
    let mut browser = Browser::new(&server);
    browser.sign_in(SECURITY, ALICE.0, ALICE.1).await;
    add_app(&server, &mut browser, "Phone").await;
    let page = browser.open(SECURITY).await;
    let bob = server.account_id("bob").await;
    let bobs = chancery::factors::list(&server.running.app, bob).await.unwrap();
    for path in ["remove", "rename"] {
        let mut form = forms(&page, &format!("{SECURITY}/{path}"))[0].clone();
        form.hidden.retain(|(name, _)| name != "factor");
        form.hidden
            .push(("factor".into(), bobs.factors[0].id.to_string()));
        let answer = browser.send(form.filled(&[("name", "mine")])).await;
        assert_eq!(answer.status, 404, "{path}");
    }
    let after = chancery::factors::list(&server.running.app, bob).await.unwrap();
    assert_eq!(after, bobs);
}

#[tokio::test]
async fn new_recovery_codes_replace_the_old_ones() {
    let server = Server::start().await;
    let mut browser = Browser::new(&server);
    browser.sign_in(SECURITY, ALICE.0, ALICE.1).await;
    let (first, _) = add_app(&server, &mut browser, "Phone").await;
    let old = texts(&first, "#recovery-codes code");
    let page = browser.open(SECURITY).await;
    let cookie = browser.cookies["chancery-session"].clone();
    let make = forms(&page, "/account/security/recovery-codes")[0].filled(&[]);
    let second = browser.send(make).await;
    assert_ne!(browser.cookies["chancery-session"], cookie);
    let new = texts(&second, "#recovery-codes code");
    assert_eq!(new.len(), 10);
    for (code, fine) in [(&old[0], false), (&new[0], true)] {
        let mut other = Browser::new(&server);
        let page = other.sign_in("/account", ALICE.0, ALICE.1).await;
        let page = other
            .open(&format!("{}&with=recovery", Form::of(&page.body).action))
            .await;
        let answer = other.submit(&page, &[("code", code)]).await;
        assert_eq!(answer.body.contains("account-nav"), fine);
    }
    let subjects: Vec<_> = server
        .mails()
        .await
        .into_iter()
        .map(|mail| mail.subject)
        .collect();
    assert!(
        subjects.contains(&"You have new recovery codes".to_owned()),
        "{subjects:?}"
    );
    let page = browser.open(SECURITY).await;
    assert!(!page.body.contains(&new[1]), "never shown again");
}

#[tokio::test]
async fn a_password_alone_does_not_reach_the_factors_even_where_no_second_one_is_asked_for() {
    let server = Server::start().await;
    server
        .apply("[[account]]\nusername = \"bob\"\nmfa = \"off\"\n")
        .await;
    let mut browser = Browser::new(&server);
    let account = browser
        .sign_in("/account", "bob", "bob has a long password too")
        .await;
    assert_eq!(account.status, 200);
    assert!(account.body.contains("account-nav"), "{}", account.body);
    for path in [
        SECURITY,
        "/account/security/totp",
        "/account/password",
        "/account/email",
    ] {
        let page = browser.open(path).await;
        assert!(page.body.contains("name=\"code\""), "{path}: {}", page.body);
        assert!(!page.body.contains("totp-secret"), "{path}");
    }
    let csrf = Form::of(&account.body).hidden;
    let form = Form {
        action: format!("{SECURITY}/recovery-codes"),
        hidden: csrf,
    };
    let answer = browser.send(form.filled(&[])).await;
    assert!(answer.location().starts_with("/mfa"), "{}", answer.status);
}

#[tokio::test]
async fn new_recovery_codes_do_not_make_another_known_browser() {
    let server = Server::start().await;
    let mut browser = Browser::new(&server);
    browser.sign_in(SECURITY, ALICE.0, ALICE.1).await;
    add_app(&server, &mut browser, "Phone").await;
    let known = browser.cookies["chancery-device"].clone();
    let page = browser.open(SECURITY).await;
    let make = forms(&page, "/account/security/recovery-codes")[0].filled(&[]);
    assert_eq!(browser.send(make).await.status, 200);
    assert_eq!(
        browser.cookies["chancery-device"], known,
        "with more tries at the password"
    );
}
