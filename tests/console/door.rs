//! Who gets into the console, and for how long.

use protocol::time::Lifetime;

use super::staff::{
    ADMIN, MODERATOR, NOBODY, ROOT, VERA, asks_to_sign_in, at, desk, events, is_console, refusal, send,
    staffed,
};
use crate::support::{Browser, Form, Request};

const PARTS: [(&str, &str); 10] = [
    ("/admin", ""),
    ("/admin/users", "accounts:read"),
    ("/admin/clients", "clients:read"),
    ("/admin/roles", "roles:read"),
    ("/admin/scopes", "roles:read"),
    ("/admin/sessions", "sessions:read"),
    ("/admin/keys", "keys:read"),
    ("/admin/audit", "audit:read"),
    ("/admin/requests", "requests:read"),
    ("/admin/diagnosis", "grants:read"),
];

#[tokio::test]
async fn nobody_sees_the_console_without_a_sign_in() {
    let server = staffed().await;
    for (path, _) in PARTS {
        let page = Browser::new(&server).open(path).await;
        assert!(asks_to_sign_in(&page), "{path}: {}", page.body);
    }
}

#[tokio::test]
async fn an_ordinary_account_is_refused_everywhere() {
    let server = staffed().await;
    let (mut browser, page) = at(&server, NOBODY, "/admin").await;
    assert_eq!(page.status, 403);
    for (path, _) in PARTS {
        let page = browser.open(path).await;
        assert_eq!((page.status, is_console(&page)), (403, false), "{path}");
    }
}

#[tokio::test]
async fn each_sees_the_parts_that_their_permissions_cover_and_no_others() {
    let server = staffed().await;
    let moderator = [
        "",
        "accounts:read",
        "sessions:read",
        "requests:read",
        "grants:read",
    ];
    for (who, may) in [(ROOT, None), (VERA, None), (MODERATOR, Some(moderator))] {
        let (mut browser, page) = desk(&server, who, "/admin").await;
        for (path, permission) in PARTS {
            let allowed = may.is_none_or(|may| may.contains(&permission));
            assert_eq!(
                page.body.contains(&format!("<a href=\"{path}\"")),
                allowed,
                "{path}"
            );
            let opened = browser.open(path).await;
            assert_eq!(
                opened.status,
                if allowed { 200 } else { 403 },
                "{path}: {}",
                opened.body
            );
            assert_eq!(refusal(&opened) == Some("forbidden"), !allowed, "{path}");
        }
    }
}

#[tokio::test]
async fn what_may_not_be_done_has_no_button() {
    let server = staffed().await;
    for path in ["/admin/roles", "/admin/scopes", "/admin/clients"] {
        let (_, page) = desk(&server, ROOT, path).await;
        assert!(page.body.contains("id=\"new\""), "{path}");
        let (_, page) = desk(&server, VERA, path).await;
        assert!(!page.body.contains("id=\"new\""), "{path}");
    }
    let (_, page) = desk(&server, VERA, "/admin/keys").await;
    assert!(!page.body.contains("method=\"post\""), "{}", page.body);
}

#[tokio::test]
async fn a_console_left_alone_asks_for_a_sign_in() {
    let server = staffed().await;
    let (mut browser, _) = desk(&server, ROOT, "/admin").await;
    for _ in 0..4 {
        server.advance(Lifetime::minutes(14));
        assert!(is_console(&browser.open("/admin/roles").await));
    }
    server.advance(Lifetime::minutes(15));
    let page = browser.open("/admin/roles?q=view").await;
    assert!(asks_to_sign_in(&page), "{}", page.body);
    let page = browser
        .submit(&page, &[("username", ROOT.0), ("password", ROOT.1)])
        .await;
    assert!(
        is_console(&page) && page.body.contains("value=\"view\""),
        "{}",
        page.body
    );
}

#[tokio::test]
async fn use_of_the_account_pages_does_not_keep_the_console_open() {
    let server = staffed().await;
    let (mut browser, _) = desk(&server, ROOT, "/admin").await;
    for _ in 0..2 {
        server.advance(Lifetime::minutes(10));
        assert!(browser.open("/account").await.body.contains("account-nav"));
    }
    assert!(asks_to_sign_in(&browser.open("/admin").await));
}

#[tokio::test]
async fn a_sign_in_elsewhere_long_ago_does_not_open_the_console() {
    let server = staffed().await;
    let (mut browser, _) = at(&server, ROOT, "/account").await;
    server.advance(Lifetime::minutes(16));
    assert!(asks_to_sign_in(&browser.open("/admin").await));
}

#[tokio::test]
async fn the_console_closes_hours_after_the_sign_in_however_much_it_is_used() {
    let server = staffed().await;
    let (mut browser, _) = desk(&server, ROOT, "/admin").await;
    for _ in 0..48 {
        server.advance(Lifetime::minutes(10));
        assert!(is_console(&browser.open("/admin").await));
    }
    server.advance(Lifetime::minutes(1));
    assert!(asks_to_sign_in(&browser.open("/admin").await));
}

#[tokio::test]
async fn the_mark_of_one_session_opens_the_console_for_no_other() {
    let server = staffed().await;
    let (mut old, _) = at(&server, ROOT, "/account").await;
    server.advance(Lifetime::minutes(16));
    let (new, _) = desk(&server, ROOT, "/admin").await;
    old.cookies.insert(
        "chancery-console".to_owned(),
        new.cookies["chancery-console"].clone(),
    );
    assert!(asks_to_sign_in(&old.open("/admin").await));
}

#[tokio::test]
async fn a_change_needs_a_sign_in_of_the_last_minutes() {
    let server = staffed().await;
    let (mut browser, page) = desk(&server, ROOT, "/admin/keys").await;
    server.advance(Lifetime::minutes(6));
    let answer = send(
        &mut browser,
        &page,
        "/admin/keys/rotate",
        &[("algorithm", "ES256")],
    )
    .await;
    assert!(asks_to_sign_in(&answer), "{}", answer.body);
    assert!(
        events(&server)
            .await
            .iter()
            .all(|(kind, _)| kind != "key.rotated")
    );
    let page = browser
        .submit(&answer, &[("username", ROOT.0), ("password", ROOT.1)])
        .await;
    assert!(
        page.body.contains("action=\"/admin/keys/rotate\""),
        "{}",
        page.body
    );
    let answer = send(
        &mut browser,
        &page,
        "/admin/keys/rotate",
        &[("algorithm", "ES256")],
    )
    .await;
    assert!(answer.body.contains("id=\"notice\""), "{}", answer.body);
}

#[tokio::test]
async fn a_form_from_elsewhere_changes_nothing() {
    let server = staffed().await;
    let (mut browser, page) = desk(&server, ROOT, "/admin/keys").await;
    let form = Form::at(&page.body, "/admin/keys/rotate");
    let wrong: Vec<Request> = vec![
        Request::form("/admin/keys/rotate", &[]),
        Request::form("/admin/keys/rotate", &[("csrf", "x")]),
        form.filled(&[]).header("origin", "https://evil.test"),
        form.filled(&[]).header("sec-fetch-site", "cross-site"),
    ];
    for request in wrong {
        assert_eq!(browser.send(request).await.status, 403);
    }
    let mut stranger = Browser::new(&server);
    stranger.sign_in("/admin", ADMIN.0, ADMIN.1).await;
    assert_eq!(stranger.send(form.filled(&[])).await.status, 403);
    assert!(
        events(&server)
            .await
            .iter()
            .all(|(kind, _)| kind != "key.rotated")
    );
}

#[tokio::test]
async fn a_refused_change_is_on_record_and_changes_nothing() {
    let server = staffed().await;
    let (mut browser, _) = desk(&server, VERA, "/admin").await;
    let csrf = csrf_of(&mut browser).await;
    let mut count = 0;
    for path in [
        "/admin/keys/rotate",
        "/admin/roles/new",
        "/admin/roles/edit",
        "/admin/scopes/new",
        "/admin/clients/new",
        "/admin/clients/rotate-secret",
        "/admin/clients/disable",
    ] {
        let before = events(&server).await.len();
        let fields = [("csrf", csrf.as_str()), ("name", "viewer"), ("client_id", "web")];
        let answer = browser.send(Request::form(path, &fields)).await;
        assert_eq!(answer.status, 403, "{path}: {}", answer.body);
        assert_eq!(refusal(&answer), Some("forbidden"), "{path}");
        let after = events(&server).await;
        assert_eq!(after.len(), before + 1, "{path}");
        let refused = ("administration.refused".to_owned(), "failure".to_owned());
        count += 1;
        assert_eq!(
            after.iter().filter(|event| **event == refused).count(),
            count,
            "{path}"
        );
    }
}

/// The token of forms, from a page of the account that has one.
async fn csrf_of(browser: &mut Browser<'_>) -> String {
    let page = browser.open("/account").await;
    Form::at(&page.body, "/account").hidden[0].1.clone()
}

#[tokio::test]
async fn pages_of_the_console_stay_out_of_frames_caches_and_foreign_hands() {
    let server = staffed().await;
    let (mut browser, _) = desk(&server, ROOT, "/admin").await;
    for (path, _) in PARTS {
        let answer = browser.send(Request::get(path)).await;
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
        assert!(
            !policy.contains("script-src") && !policy.contains("http"),
            "{policy}"
        );
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
}

#[tokio::test]
async fn a_demoted_or_disabled_administrator_is_out_at_the_next_request() {
    let server = staffed().await;
    let (mut browser, _) = desk(&server, ADMIN, "/admin/clients").await;
    server
        .apply("[[account]]\nusername = \"adele\"\nroles = [\"user\"]\n")
        .await;
    assert_eq!(browser.open("/admin/clients").await.status, 403);
    server
        .apply("[[account]]\nusername = \"adele\"\nroles = [\"admin\"]\ndisabled = true\n")
        .await;
    assert!(asks_to_sign_in(&browser.open("/admin/clients").await));
}
