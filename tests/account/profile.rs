//! `/account`: what people say about themselves.

use protocol::time::Lifetime;
use scraper::{Html, Selector};

use super::person::{ALICE, BOB, asks_for_password, at, send};
use crate::support::{Browser, Form, Request, Server};

fn value(html: &str, name: &str) -> String {
    let page = Html::parse_document(html);
    let selector = Selector::parse(&format!("input[name={name}]")).unwrap();
    let input = page
        .select(&selector)
        .next()
        .unwrap_or_else(|| panic!("no {name}"));
    input.attr("value").unwrap_or_default().to_owned()
}

#[tokio::test]
async fn who_is_not_signed_in_is_asked_to() {
    let server = Server::start().await;
    for path in [
        "/account",
        "/account/email",
        "/account/password",
        "/account/sessions",
        "/account/apps",
    ] {
        let page = Browser::new(&server).open(path).await;
        assert!(asks_for_password(&page), "{path}: {}", page.body);
        let (_, page) = at(&server, ALICE, path).await;
        let title = page.body.matches("aria-current=\"page\"").count();
        assert_eq!(title, 1, "{path}");
    }
}

#[tokio::test]
async fn the_sign_in_page_and_the_front_page_lead_to_the_account() {
    let server = Server::start().await;
    let (mut browser, page) = at(&server, ALICE, "/login").await;
    assert!(page.body.contains("alice@example.test"), "{}", page.body);
    assert!(browser.open("/login").await.body.contains("account-nav"));
    assert!(browser.open("/").await.body.contains("href=\"/account\""));
    assert!(page.body.contains("href=\"/logout\""));
    let question = browser.open("/logout").await;
    assert!(
        browser
            .submit(&question, &[("logout", "confirm")])
            .await
            .body
            .contains("id=\"logged-out\"")
    );
    assert!(asks_for_password(&browser.open("/account").await));
}

#[tokio::test]
async fn a_profile_is_changed_and_apps_see_it() {
    let server = Server::start().await;
    let (mut browser, page) = at(&server, ALICE, "/account").await;
    assert_eq!(value(&page.body, "name"), "Alice Example");
    server.advance(Lifetime::minutes(1));
    let fields = [
        ("name", "  Alice \u{202E}  von  Beispiel"),
        ("nickname", "Ali"),
        ("zoneinfo", "Europe/Berlin"),
        ("locale", "de-AT"),
        ("birthdate", "1984"),
        ("website", "https://alice.example/"),
    ];
    let saved = send(&mut browser, &page, "/account", &fields).await;
    assert!(saved.body.contains("id=\"notice\""), "{}", saved.body);
    assert_eq!(value(&saved.body, "name"), "Alice von Beispiel");
    let access = server.tokens(&[]).await.text("access_token");
    let seen = server.userinfo(&access).await.json();
    assert_eq!(
        (
            &seen["name"],
            &seen["nickname"],
            &seen["zoneinfo"],
            &seen["birthdate"]
        ),
        (
            &"Alice von Beispiel".into(),
            &"Ali".into(),
            &"Europe/Berlin".into(),
            &"1984".into()
        )
    );
    assert_eq!(seen["updated_at"], server.clock.now().0);
    // What was emptied is gone.
    assert_eq!(seen.get("given_name"), None, "{seen}");
}

#[tokio::test]
async fn what_has_another_form_is_refused_and_shown_again() {
    let server = Server::start().await;
    let (mut browser, page) = at(&server, ALICE, "/account").await;
    for (name, typed) in [
        ("website", "javascript:alert(1)"),
        ("birthdate", "2001-02-29"),
        ("zoneinfo", "../../etc"),
        ("locale", "klingon!"),
    ] {
        let refused = send(
            &mut browser,
            &page,
            "/account",
            &[(name, typed), ("nickname", "kept")],
        )
        .await;
        assert_eq!(refused.status, 400, "{name}");
        assert_eq!(value(&refused.body, name), typed);
        assert_eq!(value(&refused.body, "nickname"), "kept");
        assert_eq!(refused.body.matches("aria-invalid=\"true\"").count(), 1, "{name}");
        assert_eq!(value(&browser.open("/account").await.body, "nickname"), "");
    }
}

#[tokio::test]
async fn nobody_makes_themselves_more_than_they_are() {
    let server = Server::start().await;
    let (mut browser, page) = at(&server, BOB, "/account").await;
    let fields = [
        ("name", "Bob"),
        ("email", "bob@evil.example"),
        ("email_verified", "true"),
        ("roles", "admin"),
        ("permissions", "everything"),
        ("sub", "00000000-0000-0000-0000-000000000000"),
        ("preferred_username", "root"),
        ("username", "root"),
        ("password_hash", "x"),
        ("mfa", "off"),
        ("disabled", "true"),
        ("managed_by", "me"),
    ];
    let saved = send(&mut browser, &page, "/account", &fields).await;
    assert_eq!(saved.status, 200, "{}", saved.body);
    let app = &server.running.app;
    let account = app
        .store
        .read(async |db: &mut store::Conn| store::accounts::find_by_login(db, "bob").await)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(account.email.as_deref(), Some("bob@example.test"));
    assert_eq!(
        (account.email_verified, account.mfa, account.disabled),
        (false, None, false)
    );
    assert_eq!(account.claims.keys().collect::<Vec<_>>(), ["name"]);
    assert_eq!(account.managed_by.as_deref(), Some("file"));
}

#[tokio::test]
async fn markup_in_a_profile_stays_text() {
    let server = Server::start().await;
    let (mut browser, page) = at(&server, ALICE, "/account").await;
    let evil = "\"><script>alert(1)</script>";
    let saved = send(
        &mut browser,
        &page,
        "/account",
        &[("name", evil), ("nickname", evil)],
    )
    .await;
    assert!(!saved.body.contains("<script>alert"), "{}", saved.body);
    assert_eq!(value(&saved.body, "nickname"), evil);
}

#[tokio::test]
async fn the_pages_speak_german() {
    let server = Server::start().await;
    let (mut browser, _) = at(&server, ALICE, "/account").await;
    for (path, words) in [
        ("/account", "Über Sie"),
        ("/account/email", "E-Mail-Adresse ändern"),
        ("/account/password", "Aktuelles Passwort"),
        ("/account/sessions", "Wo Sie angemeldet sind"),
        ("/account/apps", "Anwendungen"),
    ] {
        let page = browser
            .send(Request::get(path).header("accept-language", "de"))
            .await;
        assert!(
            page.body.contains(words) && page.body.contains("lang=\"de\""),
            "{path}: {}",
            page.body
        );
    }
}

/// Inputs and what is typed into them.
type Fields = Vec<(&'static str, &'static str)>;

/// Every form of the account: its page, where it goes and what else it sends.
fn forms() -> Vec<(&'static str, &'static str, Fields)> {
    vec![
        ("/account", "/account", vec![("nickname", "changed")]),
        (
            "/account/email",
            "/account/email",
            vec![("email", "new@example.test")],
        ),
        (
            "/account/password",
            "/account/password",
            vec![
                ("current_password", ALICE.1),
                ("new_password", "four ferries in the rain"),
            ],
        ),
        ("/account/sessions", "/account/sessions/end", vec![]),
        ("/account/sessions", "/account/sessions/end-others", vec![]),
        ("/account/sessions", "/account/sessions/end-all", vec![]),
        ("/account/apps", "/account/apps/end", vec![]),
    ]
}

#[tokio::test]
async fn no_form_is_taken_that_is_not_from_a_page_of_this_browser() {
    let server = Server::start().await;
    let (mut other, _) = at(&server, ALICE, "/account").await;
    let foreign = Form::at(&other.open("/account").await.body, "/account");
    let foreign = foreign
        .hidden
        .iter()
        .find(|(name, _)| name == "csrf")
        .unwrap()
        .1
        .clone();
    server.tokens(&[]).await;
    let (mut browser, _) = at(&server, ALICE, "/account").await;
    for (path, action, fields) in forms() {
        let page = browser.open(path).await;
        let form = Form::at(&page.body, action);
        let own = form.hidden.iter().filter(|(name, _)| name != "csrf");
        let mut pairs: Vec<(&str, &str)> = own.map(|(name, value)| (name.as_str(), value.as_str())).collect();
        pairs.extend(fields.iter().copied());
        let csrf = &form.hidden.iter().find(|(name, _)| name == "csrf").unwrap().1;
        let with = |pair| [pairs.clone(), vec![pair]].concat();
        let good = with(("csrf", csrf.as_str()));
        let text = Request::new("POST", action)
            .header("content-type", "text/plain")
            .body(format!("csrf={csrf}"));
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&good);
        let by_get = format!("{action}?{}", query.finish());
        for (request, statuses) in [
            (Request::form(action, &pairs), vec![403]),
            (Request::form(action, &with(("csrf", "AAAA"))), vec![403]),
            (
                Request::form(action, &with(("csrf", foreign.as_str()))),
                vec![403],
            ),
            (
                Request::form(action, &good).header("origin", "https://evil.example"),
                vec![403],
            ),
            (
                Request::form(action, &good).header("sec-fetch-site", "cross-site"),
                vec![403],
            ),
            (text, vec![415]),
            (Request::get(by_get), vec![200, 405]),
            (
                Request::get(action).header("x-http-method-override", "POST"),
                vec![200, 405],
            ),
        ] {
            let answer = browser.send(request.clone()).await;
            assert!(
                statuses.contains(&answer.status),
                "{request:?}: {} {}",
                answer.status,
                answer.body
            );
        }
    }
    let page = browser.open("/account").await;
    assert_eq!(value(&page.body, "nickname"), "");
    assert_eq!(server.mails().await.len(), 0);
    assert!(browser.open("/account/apps").await.body.contains("Web shop"));
    assert!(other.open("/account").await.body.contains("account-nav"));
    // The same forms as they are meant do what they say.
    let sent = send(&mut browser, &page, "/account", &[("nickname", "changed")]).await;
    assert_eq!(value(&sent.body, "nickname"), "changed");
}

#[tokio::test]
async fn what_weighs_more_asks_for_a_fresh_sign_in() {
    let server = Server::start().await;
    let (mut browser, _) = at(&server, ALICE, "/account/sessions").await;
    at(&server, ALICE, "/account").await;
    let sessions = browser.open("/account/sessions").await;
    let email = browser.open("/account/email").await;
    let password = browser.open("/account/password").await;
    server.advance(Lifetime::seconds(301));
    for path in ["/account", "/account/sessions", "/account/apps"] {
        assert!(browser.open(path).await.body.contains("account-nav"), "{path}");
    }
    for path in ["/account/email", "/account/password"] {
        assert!(asks_for_password(&browser.open(path).await), "{path}");
    }
    for (page, action, fields) in [
        (&email, "/account/email", vec![("email", "new@example.test")]),
        (
            &password,
            "/account/password",
            vec![
                ("current_password", ALICE.1),
                ("new_password", "four ferries in the rain"),
            ],
        ),
        (&sessions, "/account/sessions/end", vec![]),
        (&sessions, "/account/sessions/end-others", vec![]),
        (&sessions, "/account/sessions/end-all", vec![]),
    ] {
        let answer = send(&mut browser, page, action, &fields).await;
        assert!(asks_for_password(&answer), "{action}: {}", answer.body);
    }
    assert_eq!(server.mails().await.len(), 0);
    let page = browser.open("/account/email").await;
    let page = browser
        .submit(&page, &[("username", ALICE.0), ("password", ALICE.1)])
        .await;
    assert!(page.body.contains("name=\"email\""), "{}", page.body);
}
