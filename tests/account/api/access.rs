//! Who may call, and with which token.

use protocol::time::Lifetime;
use serde_json::json;

use super::{ALL, SECRET, api, problem, session_token, start, token, with_json};
use crate::account::person::{ALICE, BOB, MALLORY, add_mallory, at};
use crate::support::{Request, basic};

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
        (
            with_json("PATCH", &format!("/factors/{id}"), &json!({ "name": "x" })),
            true,
            true,
        ),
        (api("DELETE", &format!("/factors/{id}")), true, true),
        (api("GET", "/identities"), false, false),
        (api("DELETE", &format!("/identities/{id}")), true, true),
    ]
}

#[tokio::test]
async fn every_call_needs_a_live_token_of_a_person_for_this_server_with_the_scope() {
    let server = start().await;
    let (browser, _) = at(&server, ALICE, "/account").await;
    let cookie = format!(
        "chancery-session={}; chancery-browser={}",
        browser.cookies["chancery-session"], browser.cookies["chancery-browser"]
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
