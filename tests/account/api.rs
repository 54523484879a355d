//! `/api/account/v1`: the account pages for programs (RFC 6750, RFC 9457, RFC 9470).

use protocol::id::SessionId;
use protocol::secret::Secret;
use protocol::session::{Factor, Session};
use protocol::time::Lifetime;
use serde_json::{Value, json};

use super::person::{ALICE, BOB, MALLORY, add_mallory, at, code, is_signed_in, signs_in};
use crate::support::{Answer, Browser, Request, Server, VERIFIER, basic, query_of};

const CONSOLE: &str = r#"
[[client]]
client_id = "console"
client_secret = "console-secret-of-more-than-32-characters"
redirect_uris = ["https://console.example/cb"]
grant_types = ["authorization_code", "refresh_token", "password", "client_credentials"]
scope = "openid offline_access account:read account:write books:read"
resources = ["https://api.example/"]
"#;
const SECRET: &str = "console-secret-of-more-than-32-characters";
const ALL: &str = "openid account:read account:write";

#[tokio::test]
async fn pages_of_registered_origins_may_call_and_no_others() {
    let server = start().await;
    let token = format!("Bearer {}", token(&server, ALICE, ALL).await);
    let call = async |origin: &str, token: &str| {
        let request = Request::get("/api/account/v1/profile")
            .header("origin", origin)
            .header("authorization", token);
        let answer = server.send(request).await;
        assert_eq!(answer.header("access-control-allow-credentials"), None);
        answer.header("access-control-allow-origin").map(str::to_owned)
    };
    let own = "https://console.example";
    assert_eq!(call(own, &token).await.as_deref(), Some(own));
    for (origin, token) in [
        ("https://evil.example", token.as_str()),
        ("null", token.as_str()),
        (own, "Bearer x.y.z"),
    ] {
        assert_eq!(call(origin, token).await, None, "{origin}");
    }
    let question = Request::new("OPTIONS", "/api/account/v1/profile")
        .header("origin", own)
        .header("access-control-request-method", "PATCH");
    let answer = server.send(question).await;
    assert_eq!(answer.status, 204);
    let methods = answer.header("access-control-allow-methods").unwrap();
    assert!(
        methods.contains("PATCH") && methods.contains("DELETE"),
        "{methods}"
    );
}

async fn start() -> Server {
    let server = Server::start().await;
    server.apply(CONSOLE).await;
    server
}

/// An access token for somebody's password, and their code where they have a second factor.
async fn token(server: &Server, (name, password): (&str, &str), scope: &str) -> String {
    let otp = code(server);
    let mut pairs = vec![
        ("grant_type", "password"),
        ("username", name),
        ("password", password),
        ("scope", scope),
    ];
    if name == "bob" {
        pairs.push(("otp", &otp));
    }
    let answer = server.token_as("console", SECRET, &pairs).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.text("access_token")
}

/// An access token for the session of a browser.
async fn session_token(server: &Server, browser: &mut Browser<'_>) -> String {
    let path = server.authorize(&[
        ("client_id", "console"),
        ("redirect_uri", "https://console.example/cb"),
        ("scope", ALL),
    ]);
    let answer = browser.open(&path).await;
    let code = query_of(answer.location(), "code").unwrap();
    let pairs = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", "https://console.example/cb"),
        ("code_verifier", VERIFIER),
    ];
    server
        .token_as("console", SECRET, &pairs)
        .await
        .text("access_token")
}

fn api(method: &'static str, path: &str) -> Request {
    Request::new(method, format!("/api/account/v1{path}"))
}

fn with_json(method: &'static str, path: &str, body: &Value) -> Request {
    api(method, path)
        .header("content-type", "application/json")
        .body(body.to_string())
}

/// Checks that a refusal is a problem document, and gives its status and error.
fn problem(answer: &Answer) -> (u16, String) {
    assert_eq!(
        answer.header("content-type"),
        Some("application/problem+json"),
        "{} {}",
        answer.status,
        answer.body
    );
    assert_eq!(answer.json()["status"], answer.status);
    let error = answer.json()["error"].as_str().unwrap_or_default().to_owned();
    (answer.status, error)
}

/// Every call, with a body where it takes one: whether it changes something, and whether that weighs more.
fn calls() -> Vec<(Request, bool, bool)> {
    let id = "00000000-0000-0000-0000-000000000000";
    vec![
        (api("GET", "/profile"), false, false),
        (
            with_json("PATCH", "/profile", &json!({ "nickname": "x" })),
            true,
            false,
        ),
        (
            with_json("POST", "/email", &json!({ "email": "x@new.example" })),
            true,
            true,
        ),
        (
            with_json(
                "POST",
                "/password",
                &json!({ "current_password": "x", "new_password": "y" }),
            ),
            true,
            true,
        ),
        (api("GET", "/sessions"), false, false),
        (api("DELETE", "/sessions?keep_current=true"), true, true),
        (api("DELETE", &format!("/sessions/{id}")), true, true),
        (api("GET", "/apps"), false, false),
        (api("DELETE", "/apps/nobody"), true, false),
        (api("GET", "/factors"), false, false),
    ]
}

#[tokio::test]
async fn every_call_needs_a_live_token_of_a_person_for_this_server_with_the_scope() {
    let server = start().await;
    let (browser, _) = at(&server, ALICE, "/account").await;
    let cookie = format!(
        "session={}; browser={}",
        browser.cookies["session"], browser.cookies["browser"]
    );
    let reader = token(&server, ALICE, "openid account:read").await;
    let writer = token(&server, ALICE, "openid account:write").await;
    let plain = token(&server, ALICE, "openid").await;
    let pairs = [
        ("grant_type", "password"),
        ("username", ALICE.0),
        ("password", ALICE.1),
        ("scope", "account:read account:write"),
        ("resource", "https://api.example/"),
    ];
    let elsewhere = server
        .token_as("console", SECRET, &pairs)
        .await
        .text("access_token");
    let pairs = [("grant_type", "client_credentials")];
    let machine = server
        .token_as("console", SECRET, &pairs)
        .await
        .text("access_token");
    let revoked = token(&server, ALICE, ALL).await;
    let revoke =
        Request::form("/revoke", &[("token", &revoked)]).header("authorization", basic("console", SECRET));
    assert_eq!(server.send(revoke).await.status, 200);
    for (request, writes, _) in calls() {
        let none = server.send(request.clone()).await;
        assert_eq!(problem(&none), (401, String::new()), "{request:?}");
        assert_eq!(none.header("www-authenticate"), Some("Bearer realm=\"chancery\""));
        let by_cookie = server.send(request.clone().header("cookie", &cookie)).await;
        assert_eq!(problem(&by_cookie), (401, String::new()), "{request:?}");
        for bad in ["junk", &elsewhere, &machine, &revoked] {
            let answer = server.send(request.clone().bearer(bad)).await;
            assert_eq!(problem(&answer), (401, "invalid_token".into()), "{request:?}");
            let challenge = answer.header("www-authenticate").unwrap();
            assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
        }
        let (lacks, needs) = if writes {
            (&reader, "account:write")
        } else {
            (&writer, "account:read")
        };
        for token in [lacks, &plain] {
            let answer = server.send(request.clone().bearer(token)).await;
            assert_eq!(
                problem(&answer),
                (403, "insufficient_scope".into()),
                "{request:?}"
            );
            let challenge = answer.header("www-authenticate").unwrap();
            assert!(challenge.contains(&format!("scope=\"{needs}\"")), "{challenge}");
        }
    }
    let in_url = server
        .get(&format!("/api/account/v1/profile?access_token={reader}"))
        .await;
    assert_eq!(problem(&in_url).0, 400);
}

#[tokio::test]
async fn a_nul_in_a_path_is_refused_before_the_database_sees_it() {
    let server = start().await;
    let token = token(&server, ALICE, ALL).await;
    let answer = server.send(api("DELETE", "/apps/no%00body").bearer(&token)).await;
    assert_eq!(problem(&answer).0, 400, "{}", answer.body);
}

#[tokio::test]
async fn a_token_that_a_resource_server_sees_too_changes_nothing() {
    let server = start().await;
    let shared = token(&server, ALICE, &format!("{ALL} books:read")).await;
    let request = with_json("PATCH", "/profile", &json!({ "nickname": "x" }));
    let answer = server.send(request.bearer(&shared)).await;
    assert_eq!(problem(&answer), (401, "invalid_token".to_owned()));
    assert_eq!(
        server.send(api("GET", "/profile").bearer(&shared)).await.status,
        200
    );
}

#[tokio::test]
async fn no_client_gives_an_account_its_first_password() {
    let server = start().await;
    server.apply("[[account]]\nusername = \"keyless\"\n").await;
    let mut browser = Browser::new(&server);
    browser.open("/login").await;
    let cookie = signed_in_by_passkey(&server, "keyless").await;
    browser.cookies.insert("session".to_owned(), cookie);
    let token = session_token(&server, &mut browser).await;
    let body = json!({ "new_password": "four ferries in the morning rain" });
    let answer = server
        .send(with_json("POST", "/password", &body).bearer(&token))
        .await;
    assert_eq!(problem(&answer).0, 403, "{}", answer.body);
    assert!(!signs_in(&server, "keyless", "four ferries in the morning rain").await);
}

/// The cookie of a session that a passkey began.
async fn signed_in_by_passkey(server: &Server, name: &str) -> String {
    let (cookie, now, name) = ("a-cookie-of-this-test", server.clock.now(), name.to_owned());
    server
        .running
        .app
        .store
        .write(async move |db: &mut store::Conn| {
            let account = store::accounts::find_by_login(db, &name).await?.unwrap();
            let session = Session {
                id: SessionId(uuid::Uuid::from_u128(7)),
                account_id: account.id,
                auth_time: now,
                factors: vec![Factor::Passkey],
                created_at: now,
                last_seen_at: now,
            };
            let hash = Secret::new(cookie).hash();
            store::sessions::insert(db, &session, &hash, now + Lifetime::hours(1), None, None).await
        })
        .await
        .unwrap();
    cookie.to_owned()
}

#[tokio::test]
async fn weighty_changes_need_a_fresh_sign_in_and_the_second_factor() {
    let server = start().await;
    let alice = token(&server, ALICE, ALL).await;
    let (mut browser, _) = at(&server, BOB, "/account").await;
    let bob = session_token(&server, &mut browser).await;
    server.advance(Lifetime::seconds(301));
    for (request, _, weighs) in calls() {
        for (token, acr) in [(&alice, None), (&bob, Some("acr_values=\"2\""))] {
            let answer = server.send(request.clone().bearer(token)).await;
            if !weighs {
                assert_ne!(answer.status, 401, "{request:?}: {}", answer.body);
                continue;
            }
            let expected = (401, "insufficient_user_authentication".to_owned());
            assert_eq!(problem(&answer), expected, "{request:?}");
            let challenge = answer.header("www-authenticate").unwrap();
            assert!(challenge.contains("max_age=\"300\""), "{challenge}");
            assert_eq!(challenge.contains("acr_values"), acr.is_some(), "{challenge}");
        }
    }
    assert_eq!(server.mails().await.len(), 0);
}

#[tokio::test]
async fn a_token_of_one_factor_is_too_weak_once_there_is_a_second() {
    let server = start().await;
    add_mallory(&server).await;
    let weak = token(&server, MALLORY, ALL).await;
    let fresh = token(&server, BOB, ALL).await;
    server
        .apply("[[account]]\nusername = \"mallory\"\ntotp_secret = \"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP\"\n")
        .await;
    for (token, status) in [(weak, 401), (fresh, 200)] {
        let request = api("DELETE", "/sessions").bearer(&token);
        let answer = server.send(request).await;
        assert_eq!(answer.status, status, "{}", answer.body);
    }
}

#[tokio::test]
async fn a_profile_is_read_and_patched() {
    let server = start().await;
    let token = token(&server, ALICE, ALL).await;
    let body = json!({ "nickname": " Ali ", "given_name": null, "zoneinfo": "Europe/Vienna" });
    let patched = server
        .send(with_json("PATCH", "/profile", &body).bearer(&token))
        .await;
    assert_eq!(patched.status, 200, "{}", patched.body);
    let shown = server.send(api("GET", "/profile").bearer(&token)).await;
    assert_eq!(shown.header("cache-control"), Some("no-store"));
    let shown = shown.json();
    assert_eq!(shown, patched.json());
    for (name, value) in [
        ("preferred_username", json!("alice")),
        ("email", json!("alice@example.test")),
        ("email_verified", json!(true)),
        ("name", json!("Alice Example")),
        ("nickname", json!("Ali")),
        ("given_name", Value::Null),
        ("zoneinfo", json!("Europe/Vienna")),
    ] {
        assert_eq!(shown[name], value, "{name}");
    }
}

#[tokio::test]
async fn what_is_not_the_holders_to_set_is_refused() {
    let server = start().await;
    let token = token(&server, ALICE, ALL).await;
    let before = server.send(api("GET", "/profile").bearer(&token)).await.json();
    for body in [
        json!({ "nickname": "x", "is_admin": true }),
        json!({ "roles": ["admin"] }),
        json!({ "groups": [] }),
        json!({ "permissions": ["all"] }),
        json!({ "tenant_id": "1" }),
        json!({ "id": "1" }),
        json!({ "sub": "1" }),
        json!({ "preferred_username": "root" }),
        json!({ "password_hash": "x" }),
        json!({ "email": "x@new.example" }),
        json!({ "email_verified": true }),
        json!({ "mfa": "off" }),
        json!({ "created_at": 1 }),
        json!({ "updated_at": 1 }),
        json!({ "nickname": 1 }),
        json!({ "nickname": ["x"] }),
        json!({ "website": "javascript:alert(1)" }),
        json!({ "name": "x".repeat(101) }),
        json!({ "name": "a\u{0}b" }),
        json!([]),
        json!("x"),
    ] {
        let answer = server
            .send(with_json("PATCH", "/profile", &body).bearer(&token))
            .await;
        assert_eq!(problem(&answer).0, 400, "{body}");
    }
    for body in ["", "{", "nonsense", "{\"nickname\":\"\\ud800\"}"] {
        let request = api("PATCH", "/profile").header("content-type", "application/json");
        let answer = server.send(request.body(body).bearer(&token)).await;
        assert_eq!(problem(&answer).0, 400, "{body}");
    }
    assert_eq!(
        server.send(api("GET", "/profile").bearer(&token)).await.json(),
        before
    );
}

#[tokio::test]
async fn only_json_and_only_the_right_methods_are_taken() {
    let server = start().await;
    let token = token(&server, ALICE, ALL).await;
    let body = r#"{"nickname":"x"}"#;
    for kind in [
        None,
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
        Some("application/jsonp"),
    ] {
        let mut request = api("PATCH", "/profile").body(body).bearer(&token);
        if let Some(kind) = kind {
            request = request.header("content-type", kind);
        }
        let answer = server.send(request).await;
        assert_eq!(problem(&answer).0, 415, "{kind:?}");
    }
    for (method, path) in [
        ("PUT", "/profile"),
        ("POST", "/profile"),
        ("GET", "/password"),
        ("POST", "/sessions"),
    ] {
        let answer = server.send(api(method, path).bearer(&token)).await;
        assert_eq!(problem(&answer).0, 405, "{method} {path}");
    }
    for path in ["/nothing", "/profile/x"] {
        assert_eq!(
            problem(&server.send(api("GET", path).bearer(&token)).await).0,
            404,
            "{path}"
        );
    }
}

#[tokio::test]
async fn an_address_is_changed_by_way_of_the_mailboxes() {
    let server = start().await;
    let token = token(&server, BOB, ALL).await;
    let request = with_json("POST", "/email", &json!({ "email": "bob@new.example" }));
    assert_eq!(server.send(request.bearer(&token)).await.status, 202);
    assert!(
        server
            .mail_to("bob@new.example")
            .await
            .link()
            .starts_with("/account/email/confirm?t=")
    );
    for body in [
        json!({ "email": "nonsense" }),
        json!({ "email": "bob@example.test" }),
        json!({}),
        json!({ "email": "a@new.example", "email_verified": true }),
    ] {
        let answer = server
            .send(with_json("POST", "/email", &body).bearer(&token))
            .await;
        assert_eq!(problem(&answer).0, 400, "{body}");
    }
}

#[tokio::test]
async fn a_password_is_changed_by_who_knows_the_current_one() {
    let server = start().await;
    let token = token(&server, ALICE, ALL).await;
    let new = "four ferries in the morning rain";
    for (current, new, status, member) in [
        ("wrong", new, 403, "current_password"),
        (ALICE.1, "short", 400, "new_password"),
    ] {
        let body = json!({ "current_password": current, "new_password": new });
        let answer = server
            .send(with_json("POST", "/password", &body).bearer(&token))
            .await;
        assert_eq!(problem(&answer).0, status, "{}", answer.body);
        assert_eq!(answer.json()["member"], member);
    }
    let missing = with_json("POST", "/password", &json!({ "new_password": new }));
    assert_eq!(server.send(missing.bearer(&token)).await.status, 403);
    let body = json!({ "current_password": ALICE.1, "new_password": new });
    let done = server
        .send(with_json("POST", "/password", &body).bearer(&token))
        .await;
    assert_eq!(done.status, 204, "{}", done.body);
    assert!(signs_in(&server, "alice", new).await);
    // The token's own grant ends with all others.
    assert_eq!(
        server.send(api("GET", "/profile").bearer(&token)).await.status,
        401
    );
}

#[tokio::test]
async fn sessions_are_listed_and_ended() {
    let server = start().await;
    add_mallory(&server).await;
    let (mut one, _) = at(&server, ALICE, "/account").await;
    let (mut own, _) = at(&server, ALICE, "/account").await;
    let (mut stranger, _) = at(&server, MALLORY, "/account").await;
    let token = session_token(&server, &mut own).await;
    let foreign = session_token(&server, &mut stranger).await;
    let list = async |token: &str| {
        server.send(api("GET", "/sessions").bearer(token)).await.json()["sessions"].clone()
    };
    let listed = list(&token).await;
    let listed = listed.as_array().unwrap();
    assert_eq!(listed.len(), 2, "{listed:?}");
    let other = listed.iter().find(|session| session["current"] == false).unwrap();
    assert_eq!(
        (&other["network"], &other["acr"], &other["amr"]),
        (&json!("127.0.0.0/24"), &json!("1"), &json!(["pwd"]))
    );
    let path = format!("/sessions/{}", other["id"].as_str().unwrap());
    for path in [path.as_str(), "/sessions/nonsense"] {
        assert_eq!(
            problem(&server.send(api("DELETE", path).bearer(&foreign)).await).0,
            404,
            "{path}"
        );
    }
    assert!(is_signed_in(&mut one).await);
    assert_eq!(server.send(api("DELETE", &path).bearer(&token)).await.status, 204);
    assert!(!is_signed_in(&mut one).await);
    assert_eq!(server.send(api("DELETE", &path).bearer(&token)).await.status, 404);
    let (mut one, _) = at(&server, ALICE, "/account").await;
    let others = server
        .send(api("DELETE", "/sessions?keep_current=true").bearer(&token))
        .await;
    assert_eq!(others.json()["ended"], 1);
    assert!(!is_signed_in(&mut one).await && is_signed_in(&mut own).await);
    let wrong = api("DELETE", "/sessions?keep_current=maybe").bearer(&token);
    assert_eq!(server.send(wrong).await.status, 400);
    assert_eq!(
        server
            .send(api("DELETE", "/sessions").bearer(&token))
            .await
            .json()["ended"],
        1
    );
    assert!(!is_signed_in(&mut own).await && is_signed_in(&mut stranger).await);
    // The token was to last no longer than its session.
    assert_eq!(
        server.send(api("GET", "/sessions").bearer(&token)).await.status,
        401
    );
}

#[tokio::test]
async fn apps_and_factors_are_listed_and_apps_ended() {
    let server = start().await;
    server.tokens(&[]).await;
    let alice = token(&server, ALICE, ALL).await;
    let bob = token(&server, BOB, ALL).await;
    let apps = server.send(api("GET", "/apps").bearer(&alice)).await.json();
    let names: Vec<_> = apps["apps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|app| &app["client_id"])
        .collect();
    assert_eq!(names, [&json!("console"), &json!("web")]);
    assert_eq!(
        problem(&server.send(api("DELETE", "/apps/web").bearer(&bob)).await).0,
        404
    );
    assert_eq!(
        server
            .send(api("DELETE", "/apps/web").bearer(&alice))
            .await
            .status,
        204
    );
    assert_eq!(
        problem(&server.send(api("DELETE", "/apps/web").bearer(&alice)).await).0,
        404
    );
    let apps = server.send(api("GET", "/apps").bearer(&alice)).await.json();
    assert_eq!(apps["apps"].as_array().unwrap().len(), 1);
    let factors = server.send(api("GET", "/factors").bearer(&bob)).await.json();
    assert_eq!(factors["factors"][0]["kind"], "totp", "{factors}");
    assert!(!factors.to_string().contains("secret"));
    assert_eq!(
        server
            .send(api("DELETE", "/apps/console").bearer(&alice))
            .await
            .status,
        204
    );
    assert_eq!(
        server.send(api("GET", "/profile").bearer(&alice)).await.status,
        401
    );
}
