//! `/login`: who is let in, what strangers learn, and how often they may guess.

use chancery::config::{Accounts, Rate};
use chancery::passwords::configured;
use protocol::time::Lifetime;
use store::Conn;

use crate::support::{Answer, Browser, Form, Request, Server, query_of};

const PASSWORD: &str = "correct horse battery staple";

fn got_code(answer: &Answer) -> bool {
    answer
        .header("location")
        .is_some_and(|location| query_of(location, "code").is_some())
}

/// A try from an address that a trusted proxy names.
pub(super) async fn try_from(server: &Server, address: &str, username: &str, password: &str) -> Answer {
    let mut browser = Browser::new(server);
    let page = browser.open(&server.authorize(&[])).await;
    let request = Form::of(&page.body).filled(&[("username", username), ("password", password)]);
    browser.send(request.header("x-forwarded-for", address)).await
}

/// A page without what differs from request to request.
pub(super) fn lasting(answer: &Answer, typed: &str) -> String {
    let form = Form::of(&answer.body);
    let sealed = form.action.split_once("?i=").map_or("", |(_, sealed)| sealed);
    let mut body = answer
        .body
        .replace(sealed, "SEALED")
        .replace(&format!("value=\"{typed}\""), "TYPED");
    for (_, value) in &form.hidden {
        body = body.replace(value, "HIDDEN");
    }
    let headers: Vec<_> = answer
        .headers
        .iter()
        .filter(|(name, _)| !["date", "x-request-id", "content-length", "ratelimit"].contains(&name.as_str()))
        .map(|(name, value)| format!("{name}: {value:?}"))
        .collect();
    format!("{} {headers:?} {body}", answer.status)
}

#[tokio::test]
async fn user_name_and_address_work_in_any_case() {
    let server = Server::start().await;
    for name in [
        "alice",
        "ALICE",
        "alice@example.test",
        "Alice@Example.TEST",
        " alice ",
    ] {
        let answer = Browser::new(&server)
            .sign_in(&server.authorize(&[]), name, PASSWORD)
            .await;
        assert!(got_code(&answer), "{name}: {}", answer.status);
        assert_eq!(query_of(answer.location(), "state").as_deref(), Some("the state"));
        assert_eq!(
            query_of(answer.location(), "iss").as_deref(),
            Some("http://localhost:8080")
        );
    }
}

#[tokio::test]
async fn the_password_is_taken_as_it_is() {
    let server = Server::start().await;
    for wrong in [
        "Correct horse battery staple",
        "correct horse battery staple ",
        "correct horse battery",
        "",
        "x\0",
    ] {
        let answer = Browser::new(&server)
            .sign_in(&server.authorize(&[]), "alice", wrong)
            .await;
        assert!(answer.header("location").is_none(), "{wrong:?}");
        server.advance(Lifetime::minutes(5));
    }
}

#[tokio::test]
async fn unknown_wrong_and_disabled_look_the_same() {
    let server = Server::start().await;
    let mut pages = Vec::new();
    for (name, password) in [
        ("alice", "wrong"),
        ("ghost", "wrong"),
        ("bob", "wrong"),
        ("dave", "wrong"),
        ("dave", "dave is not allowed to come in"),
    ] {
        let mut browser = Browser::new(&server);
        let page = browser.sign_in(&server.authorize(&[]), name, password).await;
        assert!(page.body.contains("id=\"form-error\""), "{name}");
        assert!(!browser.cookies.contains_key("chancery-session"), "{name}");
        pages.push((name, lasting(&page, name)));
    }
    for (name, page) in &pages {
        assert_eq!(page, &pages[0].1, "{name}");
    }
}

#[tokio::test]
async fn what_was_typed_is_shown_escaped() {
    let server = Server::start().await;
    let answer = Browser::new(&server)
        .sign_in(&server.authorize(&[]), "\"><script>alert(1)</script>", "wrong")
        .await;
    assert!(!answer.body.contains("<script>"));
    assert!(!answer.body.contains("wrong\""));
}

#[tokio::test]
async fn a_form_is_answered_with_303() {
    let server = Server::start().await;
    let mut browser = Browser::new(&server);
    let page = browser.open(&server.authorize(&[])).await;
    let form = Form::of(&page.body).filled(&[("username", "alice"), ("password", PASSWORD)]);
    let answer = browser.send(form).await;
    assert_eq!(answer.status, 303);
    assert!(
        answer.location().starts_with("/authorize/"),
        "{}",
        answer.location()
    );
}

#[tokio::test]
async fn a_form_from_elsewhere_signs_nobody_in() {
    let server = Server::start().await;
    let mut browser = Browser::new(&server);
    let page = browser.open(&server.authorize(&[])).await;
    let form = Form::of(&page.body);
    let fields = [("username", "alice"), ("password", PASSWORD)];
    let no_token = Request::form(form.action.clone(), &fields);
    let refused = [
        no_token,
        form.filled(&fields).header("origin", "https://evil.example"),
        form.filled(&fields).header("sec-fetch-site", "cross-site"),
    ];
    for request in refused {
        let answer = browser.send(request).await;
        assert_eq!((answer.status, answer.header("location")), (403, None));
        assert!(!browser.cookies.contains_key("chancery-session"));
    }
}

#[tokio::test]
async fn guessing_at_one_account_ends_for_a_while_and_the_owner_elsewhere_still_gets_in() {
    let server = Server::start_with(|config| {
        config.rate_limits.sign_in_per_account = Rate {
            count: 3,
            per: Lifetime::minutes(3),
        };
        config.server.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    for name in ["alice", "ALICE", "alice"] {
        assert_eq!(try_from(&server, "192.0.2.1", name, "wrong").await.status, 200);
    }
    for password in [PASSWORD, "wrong"] {
        let refused = try_from(&server, "192.0.2.1", "alice", password).await;
        assert_eq!((refused.status, refused.header("retry-after")), (429, Some("60")));
        assert_eq!(refused.header("set-cookie"), None);
    }
    for _ in 0..3 {
        assert_eq!(try_from(&server, "192.0.2.1", "ghost", "wrong").await.status, 200);
    }
    assert_eq!(try_from(&server, "192.0.2.1", "ghost", "wrong").await.status, 429);
    assert_eq!(
        try_from(&server, "192.0.2.2", "alice", PASSWORD).await.status,
        303
    );
    assert_eq!(
        try_from(&server, "192.0.2.1", "bob", "bob has a long password too")
            .await
            .status,
        303
    );
    server.advance(Lifetime::minutes(1));
    assert_eq!(
        try_from(&server, "192.0.2.1", "alice", PASSWORD).await.status,
        303
    );
}

#[tokio::test]
async fn guessing_from_one_address_ends_for_a_while() {
    let rate = Rate {
        count: 4,
        per: Lifetime::minutes(4),
    };
    let server = Server::start_with(|config| config.rate_limits.sign_in_per_address = rate).await;
    for name in ["ghost1", "ghost2", "ghost3", "ghost4"] {
        assert_eq!(try_from(&server, "192.0.2.1", name, "wrong").await.status, 200);
    }
    // Nobody made this peer a proxy, so another name for itself changes nothing.
    let refused = try_from(&server, "192.0.2.2", "alice", PASSWORD).await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("60")));
    server.advance(Lifetime::minutes(1));
    assert_eq!(
        try_from(&server, "192.0.2.1", "alice", PASSWORD).await.status,
        303
    );
}

#[tokio::test]
async fn a_hash_with_other_parameters_is_renewed_at_sign_in() {
    let server = Server::start().await;
    let older = Accounts {
        argon2_memory_kib: 32,
        argon2_iterations: 1,
        ..Accounts::default()
    };
    let hash = configured(&older).unwrap().hash(PASSWORD).await.unwrap();
    server
        .apply(&format!(
            "[[account]]\nusername = \"erin\"\npassword_hash = \"{hash}\"\n"
        ))
        .await;
    let stored = async || {
        let read = async |db: &mut Conn| {
            let account = store::accounts::find_by_login(db, "erin").await?.unwrap();
            store::credentials::find_password(db, account.id).await
        };
        server.running.app.store.read(read).await.unwrap().unwrap()
    };
    assert_eq!(stored().await, hash);
    let wrong = Browser::new(&server)
        .sign_in(&server.authorize(&[]), "erin", "wrong")
        .await;
    assert!(!got_code(&wrong));
    assert_eq!(stored().await, hash);
    let answer = Browser::new(&server)
        .sign_in(&server.authorize(&[]), "erin", PASSWORD)
        .await;
    assert!(got_code(&answer));
    let renewed = stored().await;
    assert!(renewed.contains("m=64,t=1"), "{renewed}");
    assert!(got_code(
        &Browser::new(&server)
            .sign_in(&server.authorize(&[]), "erin", PASSWORD)
            .await
    ));
    assert_eq!(stored().await, renewed);
}

#[tokio::test]
async fn the_sign_in_page_serves_who_comes_without_a_client() {
    let server = Server::start().await;
    let mut browser = Browser::new(&server);
    let home = browser.sign_in("/login", "alice", PASSWORD).await;
    assert_eq!(home.status, 200, "{}", home.body);
    assert!(home.body.contains("/logout"), "{}", home.body);
}
