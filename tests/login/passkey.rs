//! Passkeys: alone, as second factor, and whatever is wrong with them (WebAuthn Level 3 §7).

use chancery::config::Rate;
use protocol::time::Lifetime;
use serde_json::{Value, json};
use store::Conn;

use crate::support::{Answer, Authenticator, Browser, PasskeyBox, Request, Server, query_of};

const ALICE: (&str, &str) = ("alice", "correct horse battery staple");
const SECURITY: &str = "/account/security";

fn got_code(answer: &Answer) -> bool {
    answer
        .header("location")
        .is_some_and(|location| query_of(location, "code").is_some())
}

/// Signs a person in with a password and registers a passkey for them.
async fn registered(server: &Server, (name, password): (&str, &str), verified: bool) -> Authenticator {
    let mut browser = Browser::new(server);
    let page = browser.sign_in(SECURITY, name, password).await;
    let mut authenticator = Authenticator::new();
    authenticator.verified = verified;
    let answer = PasskeyBox::of(&page)
        .register(&mut browser, &mut authenticator)
        .await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    authenticator
}

async fn claims(server: &Server, answer: &Answer) -> serde_json::Map<String, Value> {
    let tokens = server.redeem(&query_of(answer.location(), "code").unwrap()).await;
    server.claims(&tokens.text("id_token")).await
}

/// A refusal without what differs between any two answers.
fn told(answer: &Answer) -> (u16, Value) {
    let mut body = answer.json();
    body.as_object_mut().unwrap().remove("request_id");
    (answer.status, body)
}

#[tokio::test]
async fn a_passkey_signs_in_alone_and_counts_as_two_factors() {
    let server = Server::start().await;
    let mut authenticator = registered(&server, ALICE, true).await;
    let mut browser = Browser::new(&server);
    let page = browser.open(&server.authorize(&[("acr_values", "2")])).await;
    assert!(page.body.contains("autocomplete=\"username webauthn\""));
    let answer = PasskeyBox::of(&page).sign(&mut browser, &mut authenticator).await;
    assert!(got_code(&answer), "{} {}", answer.status, answer.body);
    let claims = claims(&server, &answer).await;
    assert_eq!(
        (&claims["acr"], &claims["amr"]),
        (&json!("2"), &json!(["pop", "user", "mfa"]))
    );
}

#[tokio::test]
async fn a_passkey_opens_the_pages_of_the_server_itself() {
    let server = Server::start().await;
    let mut authenticator = registered(&server, ALICE, true).await;
    let mut browser = Browser::new(&server);
    let page = browser.open(SECURITY).await;
    let answer = PasskeyBox::of(&page).sign(&mut browser, &mut authenticator).await;
    assert!(
        answer.status == 200 && answer.body.contains("My key"),
        "{} {}",
        answer.status,
        answer.body
    );
}

#[tokio::test]
async fn a_passkey_is_a_second_factor_after_the_password() {
    let server = Server::start().await;
    for (verified, amr) in [
        (true, json!(["pwd", "pop", "user", "mfa"])),
        (false, json!(["pwd", "pop", "mfa"])),
    ] {
        let mut authenticator = registered(&server, ALICE, verified).await;
        let mut browser = Browser::new(&server);
        let page = browser.sign_in(&server.authorize(&[]), ALICE.0, ALICE.1).await;
        let passkey = PasskeyBox::of(&page);
        assert!(passkey.finish.starts_with("/mfa/passkey"), "{passkey:?}");
        let answer = passkey.sign(&mut browser, &mut authenticator).await;
        assert!(got_code(&answer), "{} {}", answer.status, answer.body);
        assert_eq!(claims(&server, &answer).await["amr"], amr);
        let id = server.account_id("alice").await;
        let clear = async move |db: &mut Conn| store::factors::delete_all(db, id).await;
        server.running.app.store.write(clear).await.unwrap();
    }
}

#[tokio::test]
async fn a_key_that_verifies_nobody_does_not_replace_the_password() {
    let server = Server::start().await;
    let mut authenticator = registered(&server, ALICE, false).await;
    let mut browser = Browser::new(&server);
    let page = browser.open(&server.authorize(&[])).await;
    let answer = PasskeyBox::of(&page).sign(&mut browser, &mut authenticator).await;
    assert_eq!(answer.status, 400);
    assert!(!browser.cookies.contains_key("chancery-session"));
}

type Tamper = fn(&mut Authenticator);

#[tokio::test]
async fn whatever_is_wrong_with_a_sign_in_is_refused_alike() {
    let server = Server::start().await;
    let good = registered(&server, ALICE, true).await;
    let wrong: [(&str, Tamper); 17] = [
        ("https", |a| a.origin = "https://localhost:8080".into()),
        ("port", |a| a.origin = "http://localhost:8081".into()),
        ("no port", |a| a.origin = "http://localhost".into()),
        ("sub domain", |a| a.origin = "http://evil.localhost:8080".into()),
        ("longer host", |a| a.origin = "http://localhost.evil:8080".into()),
        ("other host", |a| a.origin = "http://badlocalhost:8080".into()),
        ("path", |a| a.origin = "http://localhost:8080/x".into()),
        ("rp id", |a| a.rp_id = "evil.localhost".into()),
        ("frame", |a| a.client_data = vec![("crossOrigin", json!(true))]),
        ("top", |a| {
            a.client_data = vec![("topOrigin", json!("https://evil.example"))];
        }),
        ("type", |a| {
            a.client_data = vec![("type", json!("webauthn.create"))]
        }),
        ("challenge", |a| {
            a.client_data = vec![("challenge", json!("AAAA"))]
        }),
        ("absent", |a| a.present = false),
        ("unverified", |a| a.verified = false),
        ("key", |a| *a = a.clone().with_other_key()),
        ("unknown", |a| a.id = vec![7; 32]),
        ("no user", |a| a.user = None),
    ];
    let mut refusals = Vec::new();
    for (what, tamper) in wrong {
        let mut browser = Browser::new(&server);
        let page = browser.open(&server.authorize(&[])).await;
        let mut authenticator = good.clone();
        tamper(&mut authenticator);
        let answer = PasskeyBox::of(&page).sign(&mut browser, &mut authenticator).await;
        assert!(!browser.cookies.contains_key("chancery-session"), "{what}");
        refusals.push((what, told(&answer)));
    }
    let mut browser = Browser::new(&server);
    let page = browser.open(&server.authorize(&[])).await;
    let mut bobs = good.clone();
    bobs.user = Some(server.account_id("bob").await.0.as_bytes().to_vec());
    let answer = PasskeyBox::of(&page).sign(&mut browser, &mut bobs).await;
    refusals.push(("user of another", told(&answer)));
    server
        .apply("[[account]]\nusername = \"alice\"\ndisabled = true\n")
        .await;
    let page = browser.open(&server.authorize(&[])).await;
    let answer = PasskeyBox::of(&page).sign(&mut browser, &mut good.clone()).await;
    refusals.push(("disabled", told(&answer)));
    let (_, first) = refusals[0].clone();
    assert_eq!(first.0, 400);
    for (what, refusal) in refusals {
        assert_eq!(refusal, first, "{what}");
    }
}

#[tokio::test]
async fn an_assertion_works_once_in_its_own_browser_and_for_five_minutes() {
    let server = Server::start().await;
    let mut authenticator = registered(&server, ALICE, true).await;
    let mut browser = Browser::new(&server);
    let page = browser.open(&server.authorize(&[])).await;
    let passkey = PasskeyBox::of(&page);
    let begun = passkey.begin(&mut browser).await;
    let signed = authenticator.sign(&begun);

    let mut other = Browser::new(&server);
    let page = other.open(&server.authorize(&[])).await;
    let stolen = PasskeyBox::of(&page)
        .end(&mut other, &begun, signed.clone())
        .await;
    assert_eq!(stolen.status, 400, "another browser's challenge");

    server.advance(Lifetime::minutes(5));
    let late = passkey.end(&mut browser, &begun, signed).await;
    assert_eq!(late.status, 400, "late");

    let begun = passkey.begin(&mut browser).await;
    server.advance(Lifetime::seconds(299));
    let signed = authenticator.sign(&begun);
    let fine = passkey.end(&mut browser, &begun, signed.clone()).await;
    assert_eq!(fine.status, 200, "{}", fine.body);
    let again = passkey.end(&mut browser, &begun, signed).await;
    assert_eq!(again.status, 400, "replayed");
}

#[tokio::test]
async fn of_parallel_uses_of_one_assertion_one_wins() {
    let server = Server::start().await;
    let mut authenticator = registered(&server, ALICE, true).await;
    let mut browser = Browser::new(&server);
    let page = browser.open(&server.authorize(&[])).await;
    let passkey = PasskeyBox::of(&page);
    let begun = passkey.begin(&mut browser).await;
    let body = json!({ "state": begun["state"], "credential": authenticator.sign(&begun) });
    let mark = format!("chancery-browser={}", browser.cookies["chancery-browser"]);
    let tries = (0..8).map(|_| {
        server.send(
            passkey
                .message(&passkey.finish, &body)
                .header("cookie", mark.as_str()),
        )
    });
    let answers = futures_util::future::join_all(tries).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
}

#[tokio::test]
async fn ceremonies_of_one_kind_are_no_good_for_another() {
    let server = Server::start().await;
    let mut authenticator = registered(&server, ALICE, true).await;
    let mut browser = Browser::new(&server);
    let login = PasskeyBox::of(&browser.open(&server.authorize(&[])).await);
    let begun_login = login.begin(&mut browser).await;
    let page = browser.sign_in(&server.authorize(&[]), ALICE.0, ALICE.1).await;
    let second = PasskeyBox::of(&page);
    let begun_second = second.begin(&mut browser).await;

    let mut fresh = Authenticator::new();
    for (what, place, begun) in [
        ("sign-in challenge at the second factor", &second, &begun_login),
        ("second factor's challenge at sign-in", &login, &begun_second),
    ] {
        let signed = authenticator.sign(begun);
        let answer = place.end(&mut browser, begun, signed).await;
        assert_eq!(answer.status, 400, "{what}");
    }
    for (what, place, begun) in [
        ("registration at sign-in", &login, &begun_login),
        ("registration at the second factor", &second, &begun_second),
    ] {
        let mut options = begun.clone();
        options["publicKey"]["user"] = json!({ "id": "AAAA" });
        let registration = fresh.register(&options);
        let answer = place.end(&mut browser, begun, registration).await;
        assert_eq!(answer.status, 400, "{what}");
    }
    let answer = second.sign(&mut browser, &mut authenticator).await;
    assert!(got_code(&answer));
}

#[tokio::test]
async fn another_sessions_challenge_is_no_second_factor_here() {
    let server = Server::start().await;
    let mut authenticator = registered(&server, ALICE, true).await;
    let mut browser = Browser::new(&server);
    let page = browser.sign_in(&server.authorize(&[]), ALICE.0, ALICE.1).await;
    let passkey = PasskeyBox::of(&page);
    let begun = passkey.begin(&mut browser).await;
    let signed = authenticator.sign(&begun);
    browser.cookies.remove("chancery-session");
    let page = browser.sign_in(&server.authorize(&[]), ALICE.0, ALICE.1).await;
    let answer = PasskeyBox::of(&page).end(&mut browser, &begun, signed).await;
    assert_eq!(answer.status, 400);
    let mut bob = Browser::new(&server);
    bob.cookies = browser.cookies.clone();
    bob.cookies.remove("chancery-session");
    let page = bob
        .sign_in(&server.authorize(&[]), "bob", "bob has a long password too")
        .await;
    assert!(PasskeyBox::find(&page).is_none(), "bob has no passkey");
    let begun = passkey.begin(&mut browser).await;
    let signed = authenticator.sign(&begun);
    let answer = passkey.end(&mut bob, &begun, signed).await;
    assert_eq!(answer.status, 400);
}

#[tokio::test]
async fn whatever_is_wrong_with_a_registration_adds_nothing() {
    let server = Server::start().await;
    let wrong: [(&str, Tamper); 7] = [
        ("origin", |a| a.origin = "http://evil.localhost:8080".into()),
        ("scheme", |a| a.origin = "https://localhost:8080".into()),
        ("rp id", |a| a.rp_id = "evil".into()),
        ("absent", |a| a.present = false),
        ("frame", |a| a.client_data = vec![("crossOrigin", json!(true))]),
        ("type", |a| a.client_data = vec![("type", json!("webauthn.get"))]),
        ("challenge", |a| {
            a.client_data = vec![("challenge", json!("AAAA"))]
        }),
    ];
    let mut browser = Browser::new(&server);
    let page = browser.sign_in(SECURITY, ALICE.0, ALICE.1).await;
    let passkey = PasskeyBox::of(&page);
    for (what, tamper) in wrong {
        let mut authenticator = Authenticator::new();
        tamper(&mut authenticator);
        let answer = passkey.register(&mut browser, &mut authenticator).await;
        assert_eq!(answer.status, 400, "{what}");
    }
    let begun = passkey.begin(&mut browser).await;
    let mut signing = Authenticator::new();
    let signed = signing.sign(&begun);
    let answer = passkey.end(&mut browser, &begun, signed).await;
    assert_eq!(answer.status, 400, "an assertion");

    let begun = passkey.begin(&mut browser).await;
    let registration = Authenticator::new().register(&begun);
    let mut other = Browser::new(&server);
    let page = other
        .sign_in(SECURITY, "alice", "correct horse battery staple")
        .await;
    let answer = PasskeyBox::of(&page)
        .end(&mut other, &begun, registration.clone())
        .await;
    assert_eq!(answer.status, 400, "another session's challenge");
    server.advance(Lifetime::seconds(300));
    let answer = passkey.end(&mut browser, &begun, registration).await;
    assert_eq!(answer.status, 400, "late");
    let page = browser.open(SECURITY).await;
    assert!(!page.body.contains("My key"), "{}", page.body);
}

#[tokio::test]
async fn a_registration_counts_once_and_no_authenticator_twice() {
    let server = Server::start().await;
    let mut browser = Browser::new(&server);
    let page = browser.sign_in(SECURITY, ALICE.0, ALICE.1).await;
    let passkey = PasskeyBox::of(&page);
    let begun = passkey.begin(&mut browser).await;
    let mut authenticator = Authenticator::new();
    let registration = authenticator.register(&begun);
    let added = passkey.end(&mut browser, &begun, registration).await;
    assert!(added.json()["codes"].is_string(), "{}", added.body);
    let twin = Authenticator::new().register(&begun);
    let again = passkey.end(&mut browser, &begun, twin).await;
    assert_eq!(again.status, 400, "one ceremony, two keys");
    let begun = passkey.begin(&mut browser).await;
    let known = &begun["publicKey"]["excludeCredentials"];
    assert_eq!(known.as_array().unwrap().len(), 1);
    let answer = passkey.register(&mut browser, &mut authenticator).await;
    assert_eq!(answer.status, 400, "the same authenticator");
    let added = passkey.register(&mut browser, &mut Authenticator::new()).await;
    assert_eq!(
        added.json(),
        json!({ "location": "/account/security?done=factor-added" })
    );
}

#[tokio::test]
async fn a_counter_that_goes_back_gives_a_copy_away() {
    let server = Server::start().await;
    let mut authenticator = registered(&server, ALICE, true).await;
    let mut copy = authenticator.clone();
    authenticator.counter = 10;
    for (key, fine) in [(&mut authenticator, true), (&mut copy, false)] {
        let mut browser = Browser::new(&server);
        let page = browser.open(&server.authorize(&[])).await;
        let answer = PasskeyBox::of(&page).sign(&mut browser, key).await;
        assert_eq!(got_code(&answer), fine);
    }
}

#[tokio::test]
async fn messages_that_are_not_from_our_pages_are_refused() {
    let server = Server::start().await;
    let mut browser = Browser::new(&server);
    let passkey = PasskeyBox::of(&browser.open(&server.authorize(&[])).await);
    let plain = |path: &str| Request::new("POST", path.to_owned()).body("{}");
    for path in [&passkey.options, &passkey.finish] {
        let no_token = plain(path).header("content-type", "application/json");
        assert_eq!(browser.send(no_token).await.status, 403);
        let foreign = passkey
            .message(path, &json!({}))
            .header("origin", "http://evil.example");
        assert_eq!(browser.send(foreign).await.status, 403);
        let text = plain(path)
            .header("content-type", "text/plain")
            .header("x-csrf-token", passkey.csrf.as_str());
        assert_eq!(browser.send(text).await.status, 415);
        let other = Browser::new(&server)
            .send(passkey.message(path, &json!({})))
            .await;
        assert_eq!(other.status, 403, "another browser");
    }
}

#[tokio::test]
async fn the_sign_in_page_offers_the_same_to_everybody() {
    let server = Server::start().await;
    registered(&server, ALICE, true).await;
    for hint in ["alice", "bob", "nobody"] {
        let mut browser = Browser::new(&server);
        let page = browser.open(&server.authorize(&[("login_hint", hint)])).await;
        let begun = PasskeyBox::of(&page).begin(&mut browser).await;
        let options = &begun["publicKey"];
        assert_eq!(options["allowCredentials"], json!([]), "{hint}");
        assert_eq!(options["userVerification"], "required");
        assert_eq!(options["rpId"], "localhost");
    }
}

#[tokio::test]
async fn an_account_with_a_passkey_does_not_give_tokens_for_a_password_alone() {
    let server = Server::start().await;
    let grant = [
        ("grant_type", "password"),
        ("username", ALICE.0),
        ("password", ALICE.1),
        ("scope", "openid"),
    ];
    let cli = "cli-secret-of-more-than-32-characters";
    assert_eq!(server.token_as("cli", cli, &grant).await.status, 200);
    registered(&server, ALICE, true).await;
    assert_eq!(server.token_as("cli", cli, &grant).await.status, 400);
}

#[tokio::test]
async fn tries_with_a_passkey_count_for_the_network_on_both_pages() {
    for path in ["/login/passkey", "/mfa/passkey"] {
        let server = Server::start_with(|config| {
            config.rate_limits.sign_in_per_address = Rate {
                count: 2,
                per: Lifetime::minutes(5),
            };
        })
        .await;
        let mut browser = Browser::new(&server);
        let mut statuses = Vec::new();
        for _ in 0..3 {
            let junk = Request::new("POST", path).header("content-type", "application/json");
            statuses.push(browser.send(junk.body("{}")).await.status);
        }
        assert_eq!(statuses, [403, 403, 429], "{path}");
    }
}

#[tokio::test]
async fn whoever_shows_a_passkey_takes_no_try_from_others_in_their_network() {
    let server = Server::start_with(|config| {
        config.rate_limits.sign_in_per_address = Rate {
            count: 1,
            per: Lifetime::hours(1),
        };
    })
    .await;
    let mut authenticator = registered(&server, ALICE, true).await;
    for number in 0..3 {
        let mut browser = Browser::new(&server);
        let page = browser.open(&server.authorize(&[])).await;
        let answer = PasskeyBox::of(&page).sign(&mut browser, &mut authenticator).await;
        assert!(got_code(&answer), "{number}: {}", answer.body);
        let mut browser = Browser::new(&server);
        let page = browser.sign_in(&server.authorize(&[]), ALICE.0, ALICE.1).await;
        let answer = PasskeyBox::of(&page).sign(&mut browser, &mut authenticator).await;
        assert!(got_code(&answer), "{number}: {}", answer.body);
    }
    let mut browser = Browser::new(&server);
    let page = browser.open(&server.authorize(&[])).await;
    let mut unknown = Authenticator::new();
    let mut statuses = Vec::new();
    for _ in 0..2 {
        statuses.push(
            PasskeyBox::of(&page)
                .sign(&mut browser, &mut unknown)
                .await
                .status,
        );
    }
    assert_eq!(statuses, [400, 429]);
}
