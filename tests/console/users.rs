//! `/admin/users`: the accounts.

use protocol::time::Lifetime;

use super::staff::{
    ADMIN, MODERATOR, NOBODY, ROOT, VERA, asks_to_sign_in, at, desk, events, refusal, send, staffed,
};
use crate::support::{Answer, Browser, Form, Request, Server};

/// The path of somebody's page.
async fn page_of(server: &Server, name: &str) -> String {
    format!("/admin/users/{}", server.account_id(name).await)
}

/// Does something at somebody's page.
async fn act(browser: &mut Browser<'_>, path: &str, act: &str, fields: &[(&str, &str)]) -> Answer {
    let page = browser.open(path).await;
    send(browser, &page, &format!("{path}/{act}"), fields).await
}

fn notice(page: &Answer) -> bool {
    page.status == 200 && page.body.contains("id=\"notice\"")
}

async fn signs_in(server: &Server, (name, password): (&str, &str)) -> bool {
    let mut browser = Browser::new(server);
    browser
        .sign_in("/account", name, password)
        .await
        .body
        .contains("account-nav")
}

#[tokio::test]
async fn accounts_are_found_by_name_address_state_and_role() {
    let server = staffed().await;
    let (mut browser, page) = desk(&server, VERA, "/admin/users").await;
    for name in ["alice", "bob", "dave", "root"] {
        assert!(
            page.body.contains(&format!("<bdi>{name}</bdi></a>")),
            "{name}: {}",
            page.body
        );
    }
    for (query, found, missing) in [
        ("q=ali", "alice", "bob"),
        ("q=BOB%40exam", "bob", "alice"),
        ("state=disabled", "dave", "alice"),
        ("role=editor", "bob", "alice"),
        ("q=al&state=active", "alice", "dave"),
    ] {
        let page = browser.open(&format!("/admin/users?{query}")).await;
        assert!(
            page.body.contains(&format!("<bdi>{found}</bdi></a>")),
            "{query}: {}",
            page.body
        );
        assert!(
            !page.body.contains(&format!("<bdi>{missing}</bdi></a>")),
            "{query}: {}",
            page.body
        );
    }
    let page = browser.open("/admin/users?q=%27%22%3Cb%3E%25_").await;
    assert!(page.status == 200 && page.body.contains("id=\"empty\"") && !page.body.contains("<b>"));
    for sort in ["created_at", "last_login_at", "nonsense"] {
        assert_eq!(
            browser.open(&format!("/admin/users?sort={sort}")).await.status,
            200
        );
    }
}

#[tokio::test]
async fn long_lists_come_in_pages() {
    let server = staffed().await;
    let people: String = (0..70)
        .map(|n| format!("[[account]]\nusername = \"many-{n:02}\"\nemail = \"many-{n:02}@example.test\"\n"))
        .collect();
    server.apply(&people).await;
    let (mut browser, mut page) = desk(&server, ROOT, "/admin/users?q=many").await;
    let mut seen = page.body.matches("<bdi>many-").count();
    while let Some((_, next)) = page.body.split_once("id=\"next-page\" href=\"") {
        let next = next.split('"').next().unwrap().replace("&amp;", "&");
        page = browser.open(&next).await;
        seen += page.body.matches("<bdi>many-").count();
    }
    assert_eq!(seen, 140);
}

#[tokio::test]
async fn the_page_of_an_account_shows_what_it_may_do_and_why() {
    let server = staffed().await;
    server
        .apply("[[account]]\nusername = \"bob\"\npermissions = [\"reports:view\"]\n")
        .await;
    server.tokens(&[]).await;
    let (mut browser, page) = desk(&server, VERA, &page_of(&server, "bob").await).await;
    for shown in [
        "books:write",
        "through role <bdi>editor</bdi>",
        "reports:view",
        "<li>its own</li>",
        "bob@example.test",
    ] {
        assert!(page.body.contains(shown), "{shown}: {}", page.body);
    }
    let page = browser.open(&page_of(&server, "alice").await).await;
    for shown in [
        "id=\"sessions\"",
        "id=\"grants\"",
        "<bdi>web</bdi>",
        "id=\"api-keys\"",
        "session.started",
    ] {
        assert!(page.body.contains(shown), "{shown}: {}", page.body);
    }
    assert!(!page.body.contains("method=\"post\""), "{}", page.body);
}

#[tokio::test]
async fn what_may_not_be_seen_is_not_on_the_page() {
    let server = staffed().await;
    let (_, page) = desk(&server, MODERATOR, &page_of(&server, "alice").await).await;
    for hidden in [
        "id=\"api-keys\"",
        "id=\"events\"",
        "id=\"give-role\"",
        "id=\"delete\"",
        "id=\"edit\"",
    ] {
        assert!(!page.body.contains(hidden), "{hidden}");
    }
    for shown in ["/disable", "/reset-factors", "id=\"sessions\"", "id=\"grants\""] {
        assert!(page.body.contains(shown), "{shown}: {}", page.body);
    }
}

#[tokio::test]
async fn an_account_is_disabled_and_out_at_once_and_enabled_again() {
    let server = staffed().await;
    let path = page_of(&server, "alice").await;
    let (mut alice, _) = at(&server, NOBODY, "/account").await;
    let (mut browser, _) = desk(&server, MODERATOR, &path).await;
    let page = act(&mut browser, &path, "disable", &[]).await;
    assert!(notice(&page) && page.body.contains("Disabled"), "{}", page.body);
    assert!(asks_to_sign_in(&alice.open("/account").await));
    assert!(!signs_in(&server, NOBODY).await);
    let page = act(&mut browser, &path, "enable", &[]).await;
    assert!(notice(&page), "{}", page.body);
    assert!(signs_in(&server, NOBODY).await);
    let recorded = events(&server).await;
    for kind in ["account.disabled", "account.enabled"] {
        assert!(recorded.iter().any(|(known, _)| known == kind), "{kind}");
    }
}

#[tokio::test]
async fn a_role_is_given_for_a_time_and_taken_away() {
    let server = staffed().await;
    let path = page_of(&server, "alice").await;
    let (mut browser, _) = desk(&server, ROOT, &path).await;
    let page = act(
        &mut browser,
        &path,
        "give-role",
        &[("role", "viewer"), ("hours", "1")],
    )
    .await;
    assert!(
        notice(&page) && page.body.contains("2027-01-15 09:00 UTC"),
        "{}",
        page.body
    );
    assert_eq!(at(&server, NOBODY, "/admin").await.1.status, 200);
    server.advance(Lifetime::minutes(61));
    assert_eq!(at(&server, NOBODY, "/admin").await.1.status, 403);
    let (mut browser, _) = desk(&server, ROOT, &path).await;
    act(
        &mut browser,
        &path,
        "give-role",
        &[("role", "viewer"), ("hours", "")],
    )
    .await;
    assert_eq!(at(&server, NOBODY, "/admin").await.1.status, 200);
    let page = browser.open(&path).await;
    let page = send(&mut browser, &page, &format!("{path}/take-role"), &[]).await;
    assert!(notice(&page), "{}", page.body);
    assert_eq!(at(&server, NOBODY, "/admin").await.1.status, 403);
    for (fields, status) in [
        ([("role", "viewer"), ("hours", "0")], 400),
        ([("role", "viewer"), ("hours", "x")], 400),
        ([("role", "no-such-role"), ("hours", "")], 404),
    ] {
        assert_eq!(
            act(&mut browser, &path, "give-role", &fields).await.status,
            status
        );
    }
}

#[tokio::test]
async fn a_permission_of_its_own_is_given_and_taken_away() {
    let server = staffed().await;
    let path = page_of(&server, "alice").await;
    let (mut browser, _) = desk(&server, ROOT, &path).await;
    let page = act(
        &mut browser,
        &path,
        "give-permission",
        &[("permission", "films:watch")],
    )
    .await;
    assert!(
        notice(&page) && page.body.contains("<td><code>films:watch</code></td>"),
        "{}",
        page.body
    );
    let page = send(&mut browser, &page, &format!("{path}/take-permission"), &[]).await;
    assert!(
        notice(&page) && !page.body.contains("<td><code>films:watch</code></td>"),
        "{}",
        page.body
    );
}

#[tokio::test]
async fn nobody_gives_more_than_they_hold_or_touches_who_holds_more() {
    let server = staffed().await;
    let alice = page_of(&server, "alice").await;
    let root = page_of(&server, "root").await;
    let (mut browser, _) = desk(&server, ADMIN, &alice).await;
    let page = act(
        &mut browser,
        &alice,
        "give-role",
        &[("role", "super_admin"), ("hours", "")],
    )
    .await;
    assert_eq!((page.status, refusal(&page)), (403, Some("beyond")));
    let page = act(&mut browser, &alice, "give-permission", &[("permission", "*")]).await;
    assert_eq!((page.status, refusal(&page)), (403, Some("beyond")));
    let page = browser.open(&root).await;
    let csrf = Form::at(&page.body, &format!("{root}/unlock")).hidden[0]
        .1
        .clone();
    for what in [
        "disable",
        "start-reset",
        "reset-factors",
        "end-sessions",
        "unlock",
    ] {
        let page = browser
            .send(Request::form(format!("{root}/{what}"), &[("csrf", &csrf)]))
            .await;
        assert_eq!((page.status, refusal(&page)), (403, Some("beyond")), "{what}");
    }
    let own = page_of(&server, "adele").await;
    let page = act(
        &mut browser,
        &own,
        "give-role",
        &[("role", "viewer"), ("hours", "")],
    )
    .await;
    assert_eq!((page.status, refusal(&page)), (403, Some("oneself")));
    let refused = events(&server).await;
    assert_eq!(
        refused
            .iter()
            .filter(|(kind, _)| kind == "administration.refused")
            .count(),
        8
    );
}

#[tokio::test]
async fn the_last_administrator_cannot_be_lost() {
    let server = staffed().await;
    let path = page_of(&server, "root").await;
    let (mut browser, page) = desk(&server, ROOT, &path).await;
    assert!(!page.body.contains("id=\"delete\"") && !page.body.contains("/disable\""));
    let page = send(&mut browser, &page, &format!("{path}/take-role"), &[]).await;
    assert_eq!(
        (page.status, refusal(&page)),
        (409, Some("last-administrator")),
        "{}",
        page.body
    );
    assert!(browser.open(&path).await.body.contains("super_admin"));
}

#[tokio::test]
async fn who_forgot_the_password_or_lost_the_phone_is_helped() {
    let server = staffed().await;
    let path = page_of(&server, "bob").await;
    let (mut browser, page) = desk(&server, ROOT, &path).await;
    assert!(
        page.body.contains("Authenticator apps</dt><dd>1"),
        "{}",
        page.body
    );
    assert!(notice(&act(&mut browser, &path, "start-reset", &[]).await));
    let page = act(&mut browser, &path, "reset-factors", &[]).await;
    assert!(
        notice(&page) && page.body.contains("Authenticator apps</dt><dd>0"),
        "{}",
        page.body
    );
    assert!(notice(&act(&mut browser, &path, "unlock", &[]).await));
    assert!(signs_in(&server, ("bob", "bob has a long password too")).await);
}

#[tokio::test]
async fn sessions_grants_and_all_sessions_are_ended() {
    let server = staffed().await;
    let tokens = server.tokens(&[("scope", "openid offline_access")]).await;
    server.advance(Lifetime::seconds(1));
    let (mut alice, _) = at(&server, NOBODY, "/account").await;
    let path = page_of(&server, "alice").await;
    let (mut browser, page) = desk(&server, ROOT, &path).await;
    let page = send(&mut browser, &page, &format!("{path}/revoke-grant"), &[]).await;
    assert!(notice(&page), "{}", page.body);
    assert_eq!(server.refresh(&tokens.text("refresh_token")).await.status, 400);
    let page = send(&mut browser, &page, "/admin/sessions/end", &[]).await;
    assert!(
        notice(&page) && page.body.contains("id=\"user\""),
        "{}",
        page.body
    );
    assert!(asks_to_sign_in(&alice.open("/account").await));
    let (mut alice, _) = at(&server, NOBODY, "/account").await;
    assert!(notice(&act(&mut browser, &path, "end-sessions", &[]).await));
    assert!(asks_to_sign_in(&alice.open("/account").await));
}

#[tokio::test]
async fn an_account_is_deleted_after_its_name_was_typed() {
    let server = staffed().await;
    let path = page_of(&server, "alice").await;
    let (mut browser, _) = desk(&server, ROOT, &path).await;
    for typed in ["", "bob", "ALICE"] {
        let page = act(&mut browser, &path, "delete", &[("confirm", typed)]).await;
        assert_eq!((page.status, refusal(&page)), (400, Some("confirm")), "{typed}");
    }
    let page = act(&mut browser, &path, "delete", &[("confirm", "alice")]).await;
    assert!(
        notice(&page) && !page.body.contains("<bdi>alice</bdi>"),
        "{}",
        page.body
    );
    assert_eq!(browser.open(&path).await.status, 404);
    let own = page_of(&server, "root").await;
    let csrf = Form::at(&browser.open("/admin/keys").await.body, "/admin/keys/rotate").hidden[0]
        .1
        .clone();
    let fields = [("csrf", csrf.as_str()), ("confirm", "root")];
    let page = browser
        .send(Request::form(format!("{own}/delete"), &fields))
        .await;
    assert_eq!((page.status, refusal(&page)), (403, Some("oneself")));
}

#[tokio::test]
async fn an_account_is_made_by_an_invitation_and_without_a_password() {
    let server = staffed().await;
    let (mut browser, page) = desk(&server, ADMIN, "/admin/users/new").await;
    let fields = [
        ("username", "carol"),
        ("email", "carol@example.test"),
        ("name", "Carol <b>Example</b>"),
    ];
    let page = send(&mut browser, &page, "/admin/users/new", &fields).await;
    assert!(
        notice(&page) && page.body.contains("Carol &lt;b&gt;Example"),
        "{}",
        page.body
    );
    assert!(page.body.contains("Password</dt><dd>no"), "{}", page.body);
    let page = browser.open("/admin/users/new").await;
    for (fields, kept) in [
        (
            [("username", "carol"), ("email", "other@example.test")],
            "other@example.test",
        ),
        (
            [("username", "a\u{200B}b"), ("email", "x@example.test")],
            "x@example.test",
        ),
        ([("username", "dora"), ("email", "no address")], "dora"),
    ] {
        let page = send(&mut browser, &page, "/admin/users/new", &fields).await;
        assert!([400, 409].contains(&page.status), "{}", page.body);
        assert!(
            page.body.contains("id=\"form-error\"") && page.body.contains(&format!("value=\"{kept}\"")),
            "{}",
            page.body
        );
    }
}

#[tokio::test]
async fn an_account_is_changed_unless_somebody_else_was_faster() {
    let server = staffed().await;
    let path = page_of(&server, "alice").await;
    let (mut browser, page) = desk(&server, ROOT, &format!("{path}/edit")).await;
    let (mut other, old) = desk(&server, ADMIN, &format!("{path}/edit")).await;
    let edit = format!("{path}/edit");
    let fields = [
        ("username", "alicia"),
        ("email", "alice@example.test"),
        ("email_verified", "on"),
        ("name", "Alicia"),
        ("mfa", "required"),
    ];
    let page = send(&mut browser, &page, &edit, &fields).await;
    assert!(
        notice(&page) && page.body.contains("<bdi>alicia</bdi>") && page.body.contains("Alicia"),
        "{}",
        page.body
    );
    assert!(!page.body.contains("<code>given_name</code>"), "{}", page.body);
    let page = send(
        &mut other,
        &old,
        &edit,
        &[("username", "alice"), ("name", "Late")],
    )
    .await;
    assert_eq!(
        (page.status, refusal(&page)),
        (412, Some("stale")),
        "{}",
        page.body
    );
    assert!(page.body.contains("value=\"Late\""));
}

#[tokio::test]
async fn of_ones_own_account_the_console_changes_the_profile_alone() {
    let server = staffed().await;
    let path = page_of(&server, "adele").await;
    let (mut browser, page) = desk(&server, ADMIN, &format!("{path}/edit")).await;
    assert!(!page.body.contains("name=\"username\"") && !page.body.contains("name=\"email\""));
    let fields = [
        ("name", "Adele A."),
        ("email", "thief@example.test"),
        ("username", "root2"),
        ("mfa", "off"),
    ];
    let page = send(&mut browser, &page, &format!("{path}/edit"), &fields).await;
    assert!(notice(&page) && page.body.contains("Adele A."), "{}", page.body);
    assert!(page.body.contains("adele@example.test") && !page.body.contains("root2"));
}

#[tokio::test]
async fn what_people_call_themselves_is_inert() {
    let server = staffed().await;
    let hostile = "<script>alert(1)</script><img src=x onerror=alert(1)>\\\"'{{7191*7193}}";
    server
        .apply(&format!("[[account]]\nusername = \"alice\"\nclaims = {{ name = \"{hostile}\", nickname = \"{hostile}\" }}\n"))
        .await;
    let mut browser = Browser::new(&server);
    let page = browser.open("/login").await;
    let form = Form::of(&page.body).filled(&[("username", NOBODY.0), ("password", NOBODY.1)]);
    browser
        .send(form.header("user-agent", "<script>alert(2)</script>"))
        .await;
    let path = page_of(&server, "alice").await;
    let (mut browser, _) = desk(&server, ROOT, "/admin/users").await;
    for path in [
        "/admin/users",
        "/admin/sessions",
        "/admin/audit",
        path.as_str(),
        &format!("{path}/edit"),
    ] {
        let page = browser.open(path).await;
        assert_eq!(page.status, 200, "{path}");
        assert!(
            !page.body.contains("<script")
                && !page.body.contains("<img src=x")
                && !page.body.contains("51724863"),
            "{path}: {}",
            page.body
        );
    }
}

#[tokio::test]
async fn a_path_that_names_nobody_is_nothing() {
    let server = staffed().await;
    let (mut browser, _) = desk(&server, ROOT, "/admin/users").await;
    let nobody = chancery::random::uuid();
    for path in [
        format!("/admin/users/{nobody}"),
        "/admin/users/%2f%2fevil.test".to_owned(),
        format!("/admin/users/{nobody}/edit"),
    ] {
        let page = browser.open(&path).await;
        assert_eq!((page.status, refusal(&page)), (404, Some("not-found")), "{path}");
    }
    let csrf = Form::at(&browser.open("/admin/keys").await.body, "/admin/keys/rotate").hidden[0]
        .1
        .clone();
    for act in ["disable", "no-such-act", "give-role"] {
        let request = Request::form(format!("/admin/users/{nobody}/{act}"), &[("csrf", &csrf)]);
        assert_eq!(browser.send(request).await.status, 404, "{act}");
    }
}
