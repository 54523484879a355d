//! `/enrol`: who must have a second factor sets one up before anything else.

use protocol::time::Lifetime;
use scraper::{Html, Selector};
use serde_json::json;

use crate::support::{Answer, Authenticator, Browser, Form, PasskeyBox, Server, query_of};

const PASSWORD: &str = "carol has a long password as well";

/// A server with carol, who must have a second factor because of `policy` and has none.
async fn server(policy: &str) -> Server {
    let server = Server::start().await;
    let account = format!(
        "[[account]]\nusername = \"carol\"\nemail = \"carol@example.test\"\npassword = \"{PASSWORD}\"\n{policy}"
    );
    server.apply(&account).await;
    server
}

fn got_code(answer: &Answer) -> bool {
    answer
        .header("location")
        .is_some_and(|location| query_of(location, "code").is_some())
}

fn texts(page: &Answer, selector: &str) -> Vec<String> {
    let html = Html::parse_document(&page.body);
    let selector = Selector::parse(selector).unwrap();
    let found = html.select(&selector);
    found.map(|element| element.text().collect::<String>()).collect()
}

/// The code that an app shows after it has read the page.
fn first_code(server: &Server, page: &Answer) -> String {
    let secret = texts(page, "#totp-secret").concat();
    let secret = chancery::totp::decode_base32(&secret).unwrap();
    assert_eq!(secret.len(), 20);
    chancery::totp::code(&secret, server.clock.now())
}

async fn at_enrolment(server: &Server, browser: &mut Browser<'_>) -> Answer {
    let page = browser.sign_in(&server.authorize(&[]), "carol", PASSWORD).await;
    assert!(Form::of(&page.body).action.starts_with("/enrol"), "{}", page.body);
    page
}

#[tokio::test]
async fn an_app_is_enrolled_by_its_first_code_and_counts_at_once() {
    let server = server("mfa = \"required\"\n").await;
    let mut browser = Browser::new(&server);
    let page = at_enrolment(&server, &mut browser).await;
    assert!(page.body.contains("<svg class=\"qr\""));
    let wrong = browser.submit(&page, &[("code", "000000")]).await;
    assert_eq!(
        texts(&wrong, "#totp-secret"),
        texts(&page, "#totp-secret"),
        "the app need not scan again"
    );
    let before = browser.cookies["chancery-session"].clone();
    let code = first_code(&server, &wrong);
    let shown = browser
        .submit(&wrong, &[("code", &code), ("name", "My <phone>")])
        .await;
    assert_ne!(before, browser.cookies["chancery-session"], "a new cookie");
    let codes = texts(&shown, "#recovery-codes code");
    assert_eq!(codes.len(), 10, "{}", shown.body);

    let html = Html::parse_document(&shown.body);
    let next = html
        .select(&Selector::parse("#continue").unwrap())
        .next()
        .unwrap();
    let next = next.value().attr("href").unwrap().to_owned();
    let answer = browser.open(&next).await;
    assert!(got_code(&answer), "{} {}", answer.status, answer.body);
    let tokens = server.redeem(&query_of(answer.location(), "code").unwrap()).await;
    let claims = server.claims(&tokens.text("id_token")).await;
    assert_eq!(
        (&claims["acr"], &claims["amr"]),
        (&json!("2"), &json!(["pwd", "otp", "mfa"]))
    );

    let file = browser.submit(&shown, &[]).await;
    assert_eq!(
        file.header("content-disposition"),
        Some("attachment; filename=\"recovery-codes.txt\"")
    );
    assert!(codes.iter().all(|code| file.body.contains(code)));
    let mails = server.mails().await;
    assert!(mails.iter().any(|mail| mail.to == "carol@example.test"));

    let mut again = Browser::new(&server);
    let page = again.sign_in(&server.authorize(&[]), "carol", PASSWORD).await;
    assert!(Form::of(&page.body).action.starts_with("/mfa"), "enrolled");
    let used = again.submit(&page, &[("code", &code)]).await;
    assert!(!got_code(&used), "the first code is used up");
    let recovery = again
        .open(&format!("{}&with=recovery", Form::of(&page.body).action))
        .await;
    assert!(got_code(&again.submit(&recovery, &[("code", &codes[3])]).await));
}

#[tokio::test]
async fn a_passkey_will_do_instead() {
    let server = server("mfa = \"required\"\n").await;
    let mut browser = Browser::new(&server);
    let page = at_enrolment(&server, &mut browser).await;
    let mut authenticator = Authenticator::new();
    let passkey = PasskeyBox::of(&page);
    let added = passkey.register(&mut browser, &mut authenticator).await;
    let sealed = added.text("codes");
    let form = Form {
        action: "/recovery-codes".into(),
        hidden: vec![("csrf".into(), passkey.csrf.clone()), ("codes".into(), sealed)],
    };
    let shown = browser.send(form.filled(&[])).await;
    assert_eq!(texts(&shown, "#recovery-codes code").len(), 10, "{}", shown.body);
    let stranger = Browser::new(&server).send(form.filled(&[])).await;
    assert_eq!(stranger.status, 403);
    let next = browser.open(&server.authorize(&[])).await;
    assert!(got_code(&next), "{} {}", next.status, next.body);
}

#[tokio::test]
async fn roles_clients_and_the_server_may_demand_it_too() {
    let role = "roles = [\"strict\"]\n[[role]]\nname = \"strict\"\nmfa = \"required\"\n";
    let client = "[[client]]\nclient_id = \"web2\"\nmfa = \"required\"\nclient_secret = \
        \"web2-secret-of-more-than-32-characters\"\nredirect_uris = [\"https://two.example/cb\"]\n\
        grant_types = [\"authorization_code\", \"refresh_token\"]\nscope = \"openid books:read\"\n";
    let at_two = [
        ("client_id", "web2"),
        ("redirect_uri", "https://two.example/cb"),
        ("scope", "openid"),
    ];
    for (policy, changes, asked) in [
        ("", &[][..], false),
        (role, &[], true),
        (client, &[], false),
        (client, &at_two, true),
        ("mfa = \"off\"\n", &[], false),
    ] {
        let server = server(policy).await;
        let mut browser = Browser::new(&server);
        let page = browser
            .sign_in(&server.authorize(changes), "carol", PASSWORD)
            .await;
        assert_eq!(got_code(&page), !asked, "{policy}");
        assert_eq!(page.body.contains("totp-secret"), asked, "{policy}");
    }
}

#[tokio::test]
async fn a_draft_works_in_its_session_only_and_not_for_long() {
    let server = server("mfa = \"required\"\n").await;
    let mut browser = Browser::new(&server);
    let page = at_enrolment(&server, &mut browser).await;
    let draft = Form::of(&page.body)
        .hidden
        .into_iter()
        .find(|(name, _)| name == "draft")
        .unwrap();

    let mut other = Browser::new(&server);
    let theirs = at_enrolment(&server, &mut other).await;
    let mut form = Form::of(&theirs.body);
    form.hidden.retain(|(name, _)| name != "draft");
    form.hidden.push(draft);
    let code = first_code(&server, &page);
    let answer = other.send(form.filled(&[("code", &code)])).await;
    assert_eq!(answer.status, 200);
    assert!(answer.body.contains("id=\"form-error\""), "{}", answer.body);

    server.advance(Lifetime::minutes(6));
    let code = first_code(&server, &page);
    let answer = browser.submit(&page, &[("code", &code)]).await;
    assert!(
        answer.body.contains("name=\"password\""),
        "the sign-in is too old to bind a factor"
    );
}

#[tokio::test]
async fn of_parallel_enrolments_of_one_draft_one_counts() {
    let server = server("mfa = \"required\"\n").await;
    let mut browser = Browser::new(&server);
    let page = at_enrolment(&server, &mut browser).await;
    let code = first_code(&server, &page);
    let form = Form::of(&page.body);
    let cookies: Vec<_> = browser
        .cookies
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let tries = (0..8).map(|_| {
        server.send(
            form.filled(&[("code", &code)])
                .header("cookie", cookies.join("; ")),
        )
    });
    let answers = futures_util::future::join_all(tries).await;
    let shown = answers
        .iter()
        .filter(|answer| answer.body.contains("id=\"recovery-codes\""));
    assert_eq!(shown.count(), 1);
    let id = server.account_id("carol").await;
    let held = chancery::factors::list(&server.running.app, id).await.unwrap();
    assert_eq!((held.factors.len(), held.recovery_codes), (1, 10));
}

#[tokio::test]
async fn who_has_a_factor_cannot_enrol_around_it() {
    let server = Server::start().await;
    let mut browser = Browser::new(&server);
    let page = browser
        .sign_in(&server.authorize(&[]), "bob", "bob has a long password too")
        .await;
    let sealed = query_of(&Form::of(&page.body).action, "i").unwrap();
    let answer = browser.open(&format!("/enrol?i={sealed}")).await;
    assert!(Form::of(&answer.body).action.starts_with("/mfa"));
    for path in ["/account/security", "/account/security/totp"] {
        let answer = browser.open(path).await;
        assert!(Form::of(&answer.body).action.starts_with("/mfa"), "{path}");
    }
}
