//! What all pages have in common, and the set-up page.

use base64::Engine as _;
use protocol::time::Lifetime;
use sha2::{Digest as _, Sha256};
use store::Conn;

use crate::support::{Answer, Browser, Form, Request, Server};

const PASSWORD: &str = "correct horse battery staple";

fn third(server: &Server) -> String {
    server.authorize(&[
        ("client_id", "third"),
        ("redirect_uri", "https://third.example/cb"),
        ("scope", "openid profile"),
    ])
}

/// Each page, with its name.
async fn every_page(server: &Server) -> Vec<(&'static str, Answer)> {
    let browser = || Browser::new(server);
    let mut alice = browser();
    let sign_in = alice.open(&server.authorize(&[])).await;
    let refused = alice
        .submit(&sign_in, &[("username", "alice"), ("password", "wrong")])
        .await;
    let form_post = alice
        .sign_in(
            &server.authorize(&[("response_mode", "form_post")]),
            "alice",
            PASSWORD,
        )
        .await;
    let choice = alice
        .open(&server.authorize(&[("prompt", "select_account")]))
        .await;
    let link = chancery::setup::link(&server.running.app.store, &server.config, server.clock.now())
        .await
        .unwrap();
    vec![
        ("home", server.get("/").await),
        ("nowhere", server.get("/nowhere").await),
        ("unknown client", server.get("/authorize?client_id=nope").await),
        ("broken link", server.get("/login?i=x").await),
        ("sign-in", sign_in),
        ("refused", refused),
        (
            "second factor",
            browser()
                .sign_in(&server.authorize(&[]), "bob", "bob has a long password too")
                .await,
        ),
        (
            "consent",
            browser().sign_in(&third(server), "alice", PASSWORD).await,
        ),
        ("choice", choice),
        (
            "set-up",
            server
                .get(link.strip_prefix("http://localhost:8080").unwrap())
                .await,
        ),
        ("set-up refused", server.get("/setup?token=x").await),
        ("logout", server.get("/logout").await),
        (
            "forgery",
            server.send(Request::form("/setup", &[("token", "x")])).await,
        ),
        ("form post", form_post),
    ]
}

#[tokio::test]
async fn every_page_is_protected() {
    let server = Server::start().await;
    for (name, page) in every_page(&server).await {
        assert!(
            page.header("content-type")
                .is_some_and(|kind| kind.starts_with("text/html")),
            "{name}"
        );
        for (header, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("x-frame-options", "DENY"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(page.header(header), Some(value), "{name}: {header}");
        }
        assert!(page.header("x-request-id").is_some(), "{name}");
        assert_eq!(page.header("access-control-allow-origin"), None, "{name}");
        let policy = page.header("content-security-policy").unwrap();
        for part in [
            "default-src 'none'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'self'",
        ] {
            assert!(policy.contains(part), "{name}: {policy}");
        }
        assert!(
            !policy.contains("unsafe") && !policy.contains('*'),
            "{name}: {policy}"
        );
        let is_form_post = name == "form post";
        assert_eq!(page.body.contains("<script>"), is_form_post, "{name}");
        let scripts = page.body.matches("<script").count();
        let ours = page.body.matches("<script src=\"/assets/").count();
        assert_eq!(scripts, ours + usize::from(is_form_post), "{name}");
        assert_eq!(policy.contains("script-src"), scripts > 0, "{name}: {policy}");
        assert_eq!(policy.contains("script-src 'self'"), ours > 0, "{name}: {policy}");
        for inline in [
            "<style",
            " style=",
            " onclick=",
            " onload=",
            " onsubmit=",
            "javascript:",
        ] {
            assert!(!page.body.contains(inline), "{name}: {inline}");
        }
    }
}

#[tokio::test]
async fn the_one_script_is_allowed_by_its_hash() {
    let server = Server::start().await;
    let path = server.authorize(&[("response_mode", "form_post")]);
    let page = Browser::new(&server).sign_in(&path, "alice", PASSWORD).await;
    let script = page
        .body
        .split_once("<script>")
        .unwrap()
        .1
        .split_once("</script>")
        .unwrap()
        .0;
    let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(script));
    let policy = page.header("content-security-policy").unwrap();
    assert!(
        policy.contains(&format!("script-src 'sha256-{hash}'")),
        "{policy}"
    );
    let form = Form::of(&page.body);
    assert_eq!(form.action, "https://app.example/cb");
    let names: Vec<_> = form.hidden.iter().map(|(name, _)| name.as_str()).collect();
    for name in ["code", "state", "iss"] {
        assert!(names.contains(&name), "{names:?}");
    }
}

#[tokio::test]
async fn pages_speak_the_readers_language() {
    let server = Server::start().await;
    for (locales, accepted, language, words) in [
        ("", "de", "de", "Anmelden"),
        ("", "de-AT, en;q=0.5", "de", "Anmelden"),
        ("", "en;q=0.9, de;q=0.1", "en", "Sign in"),
        ("", "xx", "en", "Sign in"),
        ("de", "en", "de", "Anmelden"),
        ("xx en", "de", "en", "Sign in"),
    ] {
        let mut browser = Browser::new(&server);
        let path = server.authorize(&[("ui_locales", locales)]);
        let start = browser
            .send(Request::get(path).header("accept-language", accepted))
            .await;
        let page = browser
            .send(Request::get(start.location()).header("accept-language", accepted))
            .await;
        assert!(
            page.body.contains(&format!("lang=\"{language}\"")),
            "{locales} {accepted}: {}",
            page.body
        );
        assert!(page.body.contains(words), "{locales} {accepted}");
    }
}

#[tokio::test]
async fn a_page_that_is_not_there_says_so() {
    let server = Server::start().await;
    for path in [
        "/nowhere",
        "/userinfo/x.css",
        "/token/",
        "/login/x",
        "/.git/config",
        "/..%2fetc/passwd",
    ] {
        let page = server.get(path).await;
        assert_eq!(page.status, 404, "{path}");
        assert!(
            page.body.contains("id=\"error-code\">not_found<"),
            "{path}: {}",
            page.body
        );
        assert!(page.body.contains(page.header("x-request-id").unwrap()), "{path}");
    }
}

/// The path of a new link.
async fn new_link(server: &Server) -> String {
    let store = &server.running.app.store;
    let link = chancery::setup::link(store, &server.config, server.clock.now())
        .await
        .unwrap();
    link.strip_prefix("http://localhost:8080").unwrap().to_owned()
}

const ROOT: [(&str, &str); 3] = [
    ("username", "root-user"),
    ("email", "root@example.test"),
    ("password", "violin gravel umbrella"),
];

#[tokio::test]
async fn the_link_makes_the_first_administrator_once() {
    let server = Server::start().await;
    let link = new_link(&server).await;
    let mut browser = Browser::new(&server);
    let page = browser.open(&link).await;
    assert_eq!(page.status, 200);
    let made = browser.submit(&page, &ROOT).await;
    assert_eq!(made.status, 200, "{}", made.body);
    let read = async |db: &mut Conn| {
        let account = store::accounts::find_by_login(db, "root-user").await?.unwrap();
        store::roles::account_roles(db, account.id, account.created_at).await
    };
    let roles = server.running.app.store.read(read).await.unwrap();
    assert_eq!(roles.into_iter().collect::<Vec<_>>(), ["super_admin"]);

    let again = [
        ("username", "second"),
        ("email", "second@example.test"),
        ("password", "second long password"),
    ];
    assert_eq!(browser.submit(&page, &again).await.status, 400);
    assert_eq!(browser.open(&link).await.status, 400);
    let answer = Browser::new(&server)
        .sign_in(&server.authorize(&[]), "root-user", "violin gravel umbrella")
        .await;
    assert!(answer.location().contains("code="));
}

#[tokio::test]
async fn of_parallel_uses_of_the_link_one_wins() {
    let server = Server::start().await;
    let mut browser = Browser::new(&server);
    let page = browser.open(&new_link(&server).await).await;
    let form = Form::of(&page.body);
    let cookie = format!("chancery-browser={}", browser.cookies["chancery-browser"]);
    let tries = (0..8).map(|index| {
        let (name, email) = (format!("root-{index}"), format!("root-{index}@example.test"));
        let fields = [
            ("username", name.as_str()),
            ("email", &email),
            ("password", "violin gravel umbrella"),
        ];
        server.send(form.filled(&fields).header("cookie", cookie.clone()))
    });
    let answers = futures_util::future::join_all(tries.collect::<Vec<_>>()).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 303).count(), 1);
}

#[tokio::test]
async fn a_late_replaced_or_forged_link_makes_nobody() {
    let server = Server::start().await;
    let replaced = new_link(&server).await;
    let link = new_link(&server).await;
    let mut browser = Browser::new(&server);
    assert_eq!(browser.open(&replaced).await.status, 400);
    let page = browser.open(&link).await;
    let form = Form::of(&page.body);
    let token: Vec<_> = form
        .hidden
        .iter()
        .filter(|(name, _)| name == "token")
        .cloned()
        .collect();
    let without = Form {
        action: form.action.clone(),
        hidden: token,
    };
    assert_eq!(browser.send(without.filled(&ROOT)).await.status, 403);
    let foreign = form.filled(&ROOT).header("origin", "https://evil.example");
    assert_eq!(browser.send(foreign).await.status, 403);
    let [name, email, _] = ROOT;
    for fields in [
        [name, email, ("password", "short")],
        [("username", "a b"), email, ROOT[2]],
        [name, ("email", "x"), ROOT[2]],
    ] {
        let answer = browser.send(form.filled(&fields)).await;
        assert!(
            answer.status == 400 && answer.body.contains("id=\"form-error\""),
            "{fields:?}"
        );
    }
    server.advance(Lifetime::hours(24));
    assert_eq!(browser.send(form.filled(&ROOT)).await.status, 400);
    let count = server
        .running
        .app
        .store
        .read(async |db: &mut Conn| store::accounts::count(db).await)
        .await
        .unwrap();
    assert_eq!(count, 3);
}
