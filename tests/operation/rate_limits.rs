//! Limits on how often something may be asked, and what answers say about them
//! (draft-ietf-httpapi-ratelimit-headers-11).

use chancery::config::{Config, Rate, Registration};
use chancery::rate_limit::Limit;
use protocol::time::Lifetime;

use crate::support::{Answer, Browser, Form, Request, Server, basic};

const MACHINE: &[(&str, &str)] = &[("grant_type", "client_credentials")];
const SECRET: &str = "m2m-secret-of-more-than-32-characters";

fn rate(count: u32, minutes: u32) -> Rate {
    let per = Lifetime::minutes(minutes);
    Rate { count, per }
}

fn told(answer: &Answer) -> [Option<&str>; 3] {
    ["ratelimit-policy", "ratelimit", "retry-after"].map(|name| answer.header(name))
}

/// A server that believes what a proxy beside it says about addresses.
async fn proxied(change: impl FnOnce(&mut Config)) -> Server {
    Server::start_with(|config| {
        config.server.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
        change(config);
    })
    .await
}

#[tokio::test]
async fn a_client_is_told_how_many_tokens_it_may_still_ask_for() {
    let server = Server::start_with(|config| config.rate_limits.token_per_client = rate(3, 1)).await;
    let policy = Some("\"token\";q=3;w=60");
    for state in ["\"token\";r=2;t=20", "\"token\";r=1;t=40", "\"token\";r=0;t=60"] {
        let answer = server.token_as("m2m", SECRET, MACHINE).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(told(&answer), [policy, Some(state), None]);
    }
    let refused = server.token_as("m2m", SECRET, MACHINE).await;
    assert_eq!(refused.refusal(), (429, "temporarily_unavailable".into()));
    assert_eq!(told(&refused), [policy, Some("\"token\";r=0;t=20"), Some("20")]);
    assert_eq!(refused.header("cache-control"), Some("no-store"));

    let other = server.token(&[("grant_type", "authorization_code")]).await;
    assert_eq!(other.status, 400, "each client has a bucket of its own");
    server.advance(Lifetime::seconds(20));
    assert_eq!(server.token_as("m2m", SECRET, MACHINE).await.status, 200);
    assert_eq!(server.token_as("m2m", SECRET, MACHINE).await.status, 429);
}

#[tokio::test]
async fn a_bucket_is_charged_only_to_a_client_that_proved_who_it_is() {
    let server = Server::start_with(|config| config.rate_limits.token_per_client = rate(1, 1)).await;
    for _ in 0..3 {
        let wrong = server.token_as("m2m", "a wrong secret", MACHINE).await;
        assert_eq!(wrong.refusal(), (401, "invalid_client".into()));
        assert_eq!(told(&wrong), [None; 3]);
    }
    assert_eq!(server.token_as("m2m", SECRET, MACHINE).await.status, 200);
}

#[tokio::test]
async fn a_network_that_fails_as_a_client_too_often_is_not_heard() {
    let server = proxied(|config| config.rate_limits.client_failures_per_address = rate(3, 5)).await;
    let ask = async |path: &str, secret: &str, from: &str| {
        let pairs = [("grant_type", "client_credentials"), ("token", "unknown")];
        let request = Request::form(path, &pairs)
            .header("authorization", basic("m2m", secret))
            .header("x-forwarded-for", from);
        server.send(request).await
    };
    for _ in 0..5 {
        assert_eq!(ask("/token", SECRET, "192.0.2.1").await.status, 200);
    }
    for path in ["/token", "/introspect", "/revoke"] {
        assert_eq!(ask(path, "wrong", "192.0.2.1").await.status, 401, "{path}");
    }
    for (path, secret) in [("/token", SECRET), ("/introspect", "wrong"), ("/revoke", SECRET)] {
        let refused = ask(path, secret, "192.0.2.1").await;
        assert_eq!(
            refused.refusal(),
            (429, "temporarily_unavailable".into()),
            "{path}"
        );
        assert_eq!(refused.header("retry-after"), Some("100"), "{path}");
    }
    assert_eq!(ask("/token", SECRET, "192.0.2.2").await.status, 200);
    server.advance(Lifetime::seconds(100));
    assert_eq!(ask("/token", SECRET, "192.0.2.1").await.status, 200);
}

#[tokio::test]
async fn a_network_may_try_to_sign_in_so_often_on_any_page() {
    let server = Server::start_with(|config| config.rate_limits.sign_in_per_address = rate(4, 4)).await;
    let mut browser = Browser::new(&server);
    let policy = Some("\"sign-in\";q=4;w=240");
    let page = browser.open(&server.authorize(&[])).await;
    let wrong = browser
        .submit(&page, &[("username", "bob"), ("password", "wrong")])
        .await;
    assert_eq!(told(&wrong), [policy, Some("\"sign-in\";r=3;t=60"), None]);
    let code = browser
        .submit(
            &wrong,
            &[("username", "bob"), ("password", "bob has a long password too")],
        )
        .await;
    assert!(code.body.contains("name=\"code\""), "{}", code.body);
    let mut page = code;
    // Where nothing is left, it says when there will be something again.
    for state in [
        "\"sign-in\";r=2;t=120",
        "\"sign-in\";r=1;t=180",
        "\"sign-in\";r=0;t=60",
    ] {
        page = browser.submit(&page, &[("code", "000000")]).await;
        assert_eq!(page.status, 200);
        assert_eq!(told(&page)[1], Some(state));
    }
    let refused = browser.submit(&page, &[("code", "000000")]).await;
    assert_eq!(refused.status, 429);
    assert_eq!(told(&refused), [policy, Some("\"sign-in\";r=0;t=60"), Some("60")]);
    let mut other = Browser::new(&server);
    let page = other.open(&server.authorize(&[])).await;
    let refused = other
        .submit(&page, &[("username", "bob"), ("password", "wrong")])
        .await;
    assert_eq!(refused.status, 429, "a new browser is no new network");
}

#[tokio::test]
async fn headers_of_strangers_do_not_make_them_another_network() {
    let server =
        Server::start_with(|config| config.rate_limits.client_failures_per_address = rate(3, 5)).await;
    let ask = async |name: &str, value: &str| {
        let request = Request::form("/token", MACHINE)
            .header("authorization", basic("m2m", "wrong"))
            .header(name, value);
        server.send(request).await.status
    };
    for number in 0..3 {
        assert_eq!(ask("x-forwarded-for", &format!("198.51.100.{number}")).await, 401);
    }
    for (name, value) in [
        ("x-forwarded-for", "198.51.100.7"),
        ("x-forwarded-for", "a"),
        ("x-forwarded-for", "::"),
        ("x-forwarded-for", "1.1.1.1, evil"),
        ("forwarded", "for=198.51.100.7"),
        ("x-real-ip", "198.51.100.7"),
        ("cf-connecting-ip", "198.51.100.7"),
        ("true-client-ip", "198.51.100.7"),
    ] {
        assert_eq!(ask(name, value).await, 429, "{name}: {value}");
    }
}

#[tokio::test]
async fn the_requests_of_a_network_are_bounded_and_those_after_its_health_are_not() {
    let server = proxied(|config| config.rate_limits.requests_per_address = rate(5, 1)).await;
    let get = async |path: &str, from: &str| {
        server
            .send(Request::get(path).header("x-forwarded-for", from))
            .await
    };
    for number in 0..5 {
        // An IPv6 customer holds a whole /64.
        let from = format!("2001:db8:1:2::{number}");
        assert_eq!(get("/jwks.json", &from).await.status, 200);
    }
    let refused = get("/jwks.json", "2001:db8:1:2:3::1").await;
    assert_eq!(refused.status, 429);
    assert_eq!(
        told(&refused),
        [
            Some("\"requests\";q=5;w=60"),
            Some("\"requests\";r=0;t=12"),
            Some("12")
        ]
    );
    assert_eq!(refused.json()["status"], 429);
    assert!(refused.header("x-request-id").is_some());
    for path in ["/health/live", "/health/ready"] {
        assert_eq!(get(path, "2001:db8:1:2:3::1").await.status, 200);
    }
    assert_eq!(get("/jwks.json", "2001:db8:1:3::1").await.status, 200);
    server.advance(Lifetime::seconds(12));
    assert_eq!(get("/jwks.json", "2001:db8:1:2:3::1").await.status, 200);
}

#[tokio::test]
async fn of_many_at_once_as_many_win_as_there_are_in_the_bucket() {
    let server = Server::start().await;
    let limits = &server.running.app.limits;
    let tries = (0..64).map(|_| limits.take(Limit::MailPerRecipient, "ada@example.org"));
    let verdicts = futures_util::future::join_all(tries).await;
    assert_eq!(verdicts.iter().filter(|verdict| verdict.allowed).count(), 5);
    limits.give_back(Limit::MailPerRecipient, "ada@example.org").await;
    for allowed in [true, false] {
        let verdict = limits.take(Limit::MailPerRecipient, "ada@example.org").await;
        assert_eq!(verdict.allowed, allowed);
    }
    limits.reset(Limit::MailPerRecipient, "ada@example.org").await;
    let verdict = limits.take(Limit::MailPerRecipient, "ada@example.org").await;
    assert_eq!((verdict.allowed, verdict.remaining), (true, 4));
}

#[tokio::test]
async fn whoever_proves_who_they_are_takes_no_try_from_others_in_their_network() {
    let server = Server::start_with(|config| config.rate_limits.sign_in_per_address = rate(1, 60)).await;
    let seed = chancery::totp::decode_base32("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP").unwrap();
    for number in 0..3 {
        server.advance(Lifetime::seconds(30));
        let mut browser = Browser::new(&server);
        let page = browser
            .sign_in(&server.authorize(&[]), "bob", "bob has a long password too")
            .await;
        assert!(page.body.contains("name=\"code\""), "{number}: {}", page.body);
        let code = chancery::totp::code(&seed, server.clock.now());
        let done = browser.submit(&page, &[("code", &code)]).await;
        assert!(done.location().contains("code="), "{number}: {}", done.body);
        server.code(&[]).await;
        let grant = [
            ("grant_type", "password"),
            ("username", "alice"),
            ("password", "correct horse battery staple"),
        ];
        let cli = "cli-secret-of-more-than-32-characters";
        let token = server.token_as("cli", cli, &grant).await;
        assert_eq!(token.status, 200, "{number}: {}", token.body);
    }
    // What is wrong stays taken, though what is right comes after it.
    let mut browser = Browser::new(&server);
    let page = browser
        .sign_in(&server.authorize(&[]), "bob", "bob has a long password too")
        .await;
    assert_eq!(browser.submit(&page, &[("code", "000000")]).await.status, 200);
    assert_eq!(browser.submit(&page, &[("code", "000000")]).await.status, 429);
}

#[tokio::test]
async fn a_refusal_names_the_limit_that_was_met() {
    let server = Server::start_with(|config| {
        config.accounts.registration = Registration::Open;
        let limits = &mut config.rate_limits;
        for limit in [
            &mut limits.sign_in_per_account,
            &mut limits.mail_per_address,
            &mut limits.register_per_address,
        ] {
            *limit = rate(1, 1);
        }
    })
    .await;
    let named = |answer: &Answer, name: &str| {
        assert_eq!(answer.status, 429, "{name}: {}", answer.body);
        let (policy, state) = (format!("\"{name}\";q=1;w=60"), format!("\"{name}\";r=0;t=60"));
        assert_eq!(
            told(answer),
            [Some(policy.as_str()), Some(state.as_str()), Some("60")]
        );
        assert_eq!(answer.headers.get_all("ratelimit").iter().count(), 1, "{name}");
    };
    let twice = async |browser: &mut Browser<'_>, page: &Answer, path: &str, fields: &[(&str, &str)]| {
        let form = Form::at(&page.body, path);
        assert_ne!(browser.send(form.filled(fields)).await.status, 429, "{path}");
        browser.send(form.filled(fields)).await
    };
    let password = "correct horse battery staple";
    let new = ("new_password", "four ferries in the morning rain");

    let mut alice = Browser::new(&server);
    let page = alice.sign_in("/account/email", "alice", password).await;
    let email = [("email", "alice@new.example")];
    named(&twice(&mut alice, &page, "/account/email", &email).await, "mail");
    let page = alice.open("/account/password").await;
    let wrong = [("current_password", "wrong"), new];
    named(
        &twice(&mut alice, &page, "/account/password", &wrong).await,
        "account",
    );

    server.advance(Lifetime::minutes(1));
    let mut stranger = Browser::new(&server);
    let page = stranger.open("/forgot").await;
    let ghost = [("username", "ghost")];
    named(&twice(&mut stranger, &page, "/forgot", &ghost).await, "mail");
    let page = stranger.open("/sign-up").await;
    named(&twice(&mut stranger, &page, "/sign-up", &ghost).await, "sign-up");
    let page = stranger.open(&server.authorize(&[])).await;
    let action = Form::of(&page.body).action;
    let wrong = [("username", "ghost"), ("password", "wrong")];
    named(&twice(&mut stranger, &page, &action, &wrong).await, "account");

    let mut bob = Browser::new(&server);
    let page = bob
        .sign_in(&server.authorize(&[]), "bob", "bob has a long password too")
        .await;
    let action = Form::of(&page.body).action;
    let wrong = [("code", "000000")];
    named(&twice(&mut bob, &page, &action, &wrong).await, "second-factor");
}
