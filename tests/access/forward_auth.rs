//! `/forward-auth` as proxies ask it.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;
use store::Conn;

use super::{ALICE, assign, give, library, own, token, token_of};
use crate::support::{Answer, Browser, Request, Server};

async fn ask(server: &Server, query: &str, credential: &[(&str, &str)]) -> Answer {
    let mut request = Request::get(format!("/forward-auth{query}"));
    for (name, value) in credential {
        request = request.header(name, *value);
    }
    server.send(request).await
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

/// Signs somebody in and gives the cookies.
async fn cookies(server: &Server, name: &str, password: &str) -> String {
    let mut browser = Browser::new(server);
    browser.sign_in("/account", name, password).await;
    let all = browser
        .cookies
        .iter()
        .map(|(name, value)| format!("{name}={value}"));
    all.collect::<Vec<_>>().join("; ")
}

#[tokio::test]
async fn nobody_passes_without_a_credential() {
    let server = library().await;
    let old = cookies(&server, "alice", ALICE)
        .await
        .replace("session=", "session=x");
    for credential in [
        vec![],
        vec![("authorization", "Bearer nonsense")],
        vec![("authorization", "Bearer ")],
        vec![("authorization", "Basic YWxpY2U6eA==")],
        vec![("cookie", old.as_str())],
        vec![("x-api-key", "chk_nonsense")],
        vec![("x-auth-subject", "alice"), ("x-auth-roles", "super_admin")],
    ] {
        let answer = ask(&server, "", &credential).await;
        assert_eq!(answer.status, 401, "{credential:?}");
        assert!(answer.header("www-authenticate").is_some());
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert!(answer.header("x-auth-subject").is_none());
    }
}

#[tokio::test]
async fn a_session_passes_with_all_that_its_account_holds() {
    let server = library().await;
    let alice = server.account_id("alice").await;
    let cookies = cookies(&server, "alice", ALICE).await;
    let with = [("cookie", cookies.as_str())];
    let answer = ask(&server, "", &with).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let headers = ["subject", "username", "scope", "roles"].map(|name| {
        let value = answer.header(&format!("x-auth-{name}"));
        value.unwrap_or_else(|| panic!("no {name}")).to_owned()
    });
    assert_eq!(
        headers,
        [alice.to_string(), "alice".into(), String::new(), String::new()]
    );

    for query in [
        "?permission=books:write",
        "?scope=books:write",
        "?resource=books/1&action=write",
    ] {
        assert_eq!(ask(&server, query, &with).await.status, 403, "{query}");
    }
    assign(&server, alice, "librarian", None).await;
    for query in [
        "?permission=books:write",
        "?permission=books:write&permission=books:read",
        "?scope=books:write+openid",
        "?resource=books/1&action=write",
    ] {
        let answer = ask(&server, query, &with).await;
        assert_eq!(answer.status, 200, "{query}: {}", answer.body);
        assert_eq!(answer.header("x-auth-roles"), Some("librarian"));
    }
    assert_eq!(ask(&server, "?permission=books:burn", &with).await.status, 403);
    assert_eq!(ask(&server, "?scope=undefined", &with).await.status, 403);
    // A mistake in the proxy's configuration lets nobody pass.
    for query in [
        "?permision=books:read",
        "?resource=books/1",
        "?permission=a&scope=b&scope=c",
    ] {
        assert_eq!(ask(&server, query, &with).await.status, 400, "{query}");
    }

    let now = server.clock.now();
    let disable = async move |db: &mut Conn| store::accounts::set_disabled(db, alice, true, now).await;
    server.running.app.store.write(disable).await.unwrap();
    assert_eq!(ask(&server, "", &with).await.status, 401);
}

#[tokio::test]
async fn a_session_that_lacks_its_second_factor_does_not_pass() {
    let server = library().await;
    let mut browser = Browser::new(&server);
    let page = browser
        .sign_in("/account", "bob", "bob has a long password too")
        .await;
    assert!(page.body.contains("name=\"code\""), "{}", page.body);
    let answer = browser.send(Request::get("/forward-auth")).await;
    assert_eq!(answer.status, 401);
}

#[tokio::test]
async fn things_that_are_owned_or_given_pass() {
    let server = library().await;
    let alice = server.account_id("alice").await;
    own(&server, ("docs", "1"), Some(alice)).await;
    own(&server, ("docs", "2/3"), None).await;
    give(&server, ("docs", "2/3"), alice, "docs:read", None).await;
    let cookies = cookies(&server, "alice", ALICE).await;
    for (query, status) in [
        ("?resource=docs/1&action=shred", 200),
        ("?resource=docs/2/3&action=read", 200),
        ("?resource=docs/2%2F3&action=write", 403),
        ("?resource=docs/4&action=read", 403),
    ] {
        let answer = ask(&server, query, &[("cookie", &cookies)]).await;
        assert_eq!(answer.status, status, "{query}");
    }
}

#[tokio::test]
async fn what_was_taken_from_the_account_since_does_not_pass() {
    let server = library().await;
    let carol = server.account_id("carol").await;
    let token = token_of(&server, "carol", super::CAROL, "openid books:write").await;
    let with = [("authorization", bearer(&token))];
    let with = with.each_ref().map(|(name, value)| (*name, value.as_str()));
    assert_eq!(ask(&server, "?scope=books:write", &with).await.status, 200);
    let take = async move |db: &mut Conn| store::roles::unassign_role(db, carol, "librarian").await;
    server.running.app.store.write(take).await.unwrap();
    assert_eq!(ask(&server, "?scope=books:write", &with).await.status, 403);
    let answer = ask(&server, "", &with).await;
    assert_eq!(answer.header("x-auth-scope"), Some("openid"));
}

#[tokio::test]
async fn a_token_lets_through_what_its_scope_names() {
    let server = library().await;
    let carol = server.account_id("carol").await;
    let all = token_of(&server, "carol", super::CAROL, "openid books:write").await;
    let few = token_of(&server, "carol", super::CAROL, "openid books:read").await;
    own(&server, ("books", "1"), Some(carol)).await;
    for (token, query, status) in [
        (&all, "", 200),
        (&all, "?permission=books:write", 200),
        (&all, "?scope=books:write", 200),
        (&all, "?scope=books:read", 403),
        (&all, "?resource=books/1&action=write", 200),
        (&few, "", 200),
        (&few, "?scope=books:read", 200),
        (&few, "?permission=books:write", 403),
        // She owns it, and may everything; what she gave the client may less.
        (&few, "?resource=books/1&action=write", 403),
        (&few, "?resource=books/1&action=read", 200),
        (&few, "?audience=https://other.example/", 401),
    ] {
        let answer = ask(&server, query, &[("authorization", &bearer(token))]).await;
        assert_eq!(answer.status, status, "{query}: {}", answer.body);
    }
    let answer = ask(&server, "", &[("authorization", &bearer(&few))]).await;
    assert_eq!(answer.header("x-auth-subject"), Some(carol.to_string().as_str()));
    assert_eq!(answer.header("x-auth-username"), Some("carol"));
    assert_eq!(answer.header("x-auth-scope"), Some("openid books:read"));
    assert_eq!(answer.header("x-auth-roles"), Some(""));

    // One that is no good is not made up for by a cookie, and two of them are none.
    let cookies = cookies(&server, "alice", ALICE).await;
    for credential in [
        vec![
            ("authorization", "Bearer nonsense".to_owned()),
            ("cookie", cookies),
        ],
        vec![("authorization", bearer(&all)), ("authorization", bearer(&few))],
        vec![("authorization", bearer(&all)), ("x-api-key", "chk_x".to_owned())],
    ] {
        let credential: Vec<_> = credential
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        assert_eq!(ask(&server, "", &credential).await.status, 401, "{credential:?}");
    }

    let revoke = Request::form("/revoke", &[("token", &all)])
        .header("authorization", crate::support::basic("desk", super::SECRET));
    assert_eq!(server.send(revoke).await.status, 200);
    assert_eq!(
        ask(&server, "", &[("authorization", &bearer(&all))]).await.status,
        401
    );
}

#[tokio::test]
async fn a_client_passes_by_itself_with_what_it_was_registered_for() {
    let server = library().await;
    let service = token(&server, "asking", "access:read docs").await;
    for (query, status) in [
        ("", 200),
        ("?scope=docs", 200),
        ("?permission=access:read", 200),
        ("?permission=docs:*", 200),
        ("?permission=access:write", 403),
        ("?permission=docs", 403),
        ("?resource=docs/1&action=read", 403),
        ("?resource=docs/1&action=docs:*", 200),
    ] {
        let answer = ask(&server, query, &[("authorization", &bearer(&service))]).await;
        assert_eq!(answer.status, status, "{query}: {}", answer.body);
        if status == 200 {
            assert_eq!(answer.header("x-auth-subject"), Some("asking"));
            assert_eq!(answer.header("x-auth-username"), Some(""));
        }
    }
    let other = server
        .token_as(
            "m2m",
            "m2m-secret-of-more-than-32-characters",
            &[("grant_type", "client_credentials")],
        )
        .await
        .text("access_token");
    let other = bearer(&other);
    let for_others = [("authorization", other.as_str())];
    assert_eq!(ask(&server, "", &for_others).await.status, 401);
    let named = "?audience=https://api.example/&scope=books:read";
    assert_eq!(ask(&server, named, &for_others).await.status, 200);
}

#[tokio::test]
async fn any_method_is_answered_alike() {
    let server = library().await;
    let cookies = cookies(&server, "alice", ALICE).await;
    for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
        let path = "/forward-auth?permission=books:write";
        let request = |cookie: &str| Request::new(method, path).header("cookie", cookie);
        assert_eq!(server.send(request(&cookies)).await.status, 403, "{method}");
        assert_eq!(server.send(request("")).await.status, 401, "{method}");
    }
}

#[tokio::test]
async fn a_name_is_a_name_and_nothing_else_in_a_header() {
    let server = library().await;
    server
        .apply(
            "[[role]]\nname = \"chief,of-staff\"\n[[account]]\nusername = \"zoë, the 1st\"\n\
             password = \"zoe has a long password too\"\nroles = [\"chief,of-staff\"]",
        )
        .await;
    let cookies = cookies(&server, "zoë, the 1st", "zoe has a long password too").await;
    let answer = ask(&server, "", &[("cookie", &cookies)]).await;
    assert_eq!(answer.header("x-auth-username"), Some("zo%C3%AB%2C%20the%201st"));
    assert_eq!(answer.header("x-auth-roles"), Some("chief%2Cof-staff"));
}

async fn behind_a_proxy() -> Server {
    let server = Server::start_with(|config| {
        let here = IpNet::from(IpAddr::V4(Ipv4Addr::LOCALHOST));
        config.server.trusted_proxies = vec![here];
    })
    .await;
    server.apply(super::CLIENTS).await;
    server
}

const BROWSER: [(&str, &str); 3] = [
    ("x-forwarded-method", "GET"),
    ("x-forwarded-host", "localhost:8080"),
    ("x-forwarded-uri", "/app/page?x=1"),
];

#[tokio::test]
async fn a_browser_is_sent_to_the_sign_in_and_back_to_where_it_was() {
    let server = behind_a_proxy().await;
    let mut browser = Browser::new(&server);
    let mut request = Request::get("/forward-auth?redirect=1");
    for (name, value) in BROWSER {
        request = request.header(name, value);
    }
    let answer = browser.send(request).await;
    assert_eq!(answer.status, 302);
    let path = answer
        .location()
        .strip_prefix("http://localhost:8080")
        .unwrap()
        .to_owned();
    assert!(path.starts_with("/login?i="), "{path}");
    let page = browser.open(&path).await;
    let fields = [("username", "alice"), ("password", ALICE)];
    let sent = browser
        .send(crate::support::Form::of(&page.body).filled(&fields))
        .await;
    // By way of the one decision.
    let mut location = sent.location().to_owned();
    while location != "/app/page?x=1" {
        let answer = browser.send(Request::get(location)).await;
        location = answer.location().to_owned();
    }
    assert_eq!(
        browser
            .send(Request::get("/forward-auth?redirect=1"))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn only_a_page_of_the_same_host_is_worth_a_sign_in() {
    let server = behind_a_proxy().await;
    let change = |name: &'static str, value: &'static str| {
        let mut headers = BROWSER.to_vec();
        headers.retain(|(header, _)| *header != name);
        headers.push((name, value));
        headers
    };
    for headers in [
        change("x-forwarded-method", "POST"),
        change("x-forwarded-host", "app.example"),
        change("authorization", "Bearer nonsense"),
        change("x-api-key", "chk_nonsense"),
    ] {
        let answer = ask(&server, "?redirect=1", &headers).await;
        assert_eq!(answer.status, 401, "{headers:?}");
    }
    assert_eq!(ask(&server, "", &BROWSER).await.status, 401);
    // Who is signed in and may not is not asked to sign in again.
    let cookies = cookies(&server, "alice", ALICE).await;
    let headers = [BROWSER[0], BROWSER[1], BROWSER[2], ("cookie", cookies.as_str())];
    let answer = ask(&server, "?redirect=1&permission=books:write", &headers).await;
    assert_eq!(answer.status, 403);
}

#[tokio::test]
async fn what_a_stranger_says_about_a_request_is_not_believed() {
    // Nobody is trusted here.
    let server = library().await;
    let mut headers = BROWSER.to_vec();
    headers[1] = ("x-forwarded-host", "evil.example");
    headers[2] = ("x-forwarded-uri", "//evil.example/");
    let answer = ask(&server, "?redirect=1", &headers).await;
    assert_eq!(answer.status, 302);
    assert!(answer.location().starts_with("http://localhost:8080/login?i="));
}
