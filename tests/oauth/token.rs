//! The token endpoint (RFC 6749 §3.2, §4.4, §5) and the access tokens it makes (RFC 9068).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::support::{Answer, Browser, Request, Server, VERIFIER, basic, query_of};

const M2M_SECRET: &str = "m2m-secret-of-more-than-32-characters";
const GRANT: (&str, &str) = ("grant_type", "client_credentials");

async fn as_m2m(server: &Server, pairs: &[(&str, &str)]) -> Answer {
    server.token_as("m2m", M2M_SECRET, pairs).await
}

fn header_of(token: &str) -> Value {
    let header = token.split('.').next().unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap()
}

#[tokio::test]
async fn only_post_is_answered() {
    let server = Server::start().await;
    for method in ["GET", "PUT", "DELETE", "PATCH"] {
        let answer = server.send(Request::new(method, "/token")).await;
        assert_eq!(answer.status, 405, "{method}");
        assert!(
            answer.header("allow").is_some_and(|allow| allow.contains("POST")),
            "{method}"
        );
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{method}");
    }
}

#[tokio::test]
async fn only_forms_are_read() {
    let server = Server::start().await;
    let authorization = basic("m2m", M2M_SECRET);
    let form = "grant_type=client_credentials";
    let bodies = [
        (Some("application/json"), r#"{"grant_type":"client_credentials"}"#),
        (
            Some("multipart/form-data; boundary=x"),
            "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n--x--",
        ),
        (Some("text/plain"), form),
        (None, form),
        (None, ""),
    ];
    for (kind, body) in bodies {
        let mut request = Request::new("POST", "/token")
            .header("authorization", authorization.clone())
            .body(body);
        if let Some(kind) = kind {
            request = request.header("content-type", kind);
        }
        let answer = server.send(request).await;
        assert_eq!(answer.refusal(), (400, "invalid_request".into()), "{kind:?}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{kind:?}");
    }
}

#[tokio::test]
async fn parameters_come_once() {
    let server = Server::start().await;
    for name in [
        "grant_type",
        "code",
        "client_id",
        "redirect_uri",
        "scope",
        "code_verifier",
        "unknown",
    ] {
        for second in ["a", "b", ""] {
            let pairs = [(name, "a"), (name, second)];
            let answer = as_m2m(&server, &pairs).await;
            assert_eq!(
                answer.refusal(),
                (400, "invalid_request".into()),
                "{name} {second}"
            );
        }
    }
    let resource = ("resource", "https://api.example/");
    assert_eq!(as_m2m(&server, &[GRANT, resource, resource]).await.status, 200);
}

#[tokio::test]
async fn grants_are_for_clients_registered_for_them() {
    let server = Server::start().await;
    assert_eq!(
        server.token(&[GRANT]).await.refusal(),
        (400, "unauthorized_client".into())
    );
    for pairs in [
        vec![("grant_type", "authorization_code"), ("code", "x")],
        vec![("grant_type", "refresh_token"), ("refresh_token", "x")],
        vec![
            ("grant_type", "password"),
            ("username", "alice"),
            ("password", "x"),
        ],
    ] {
        assert_eq!(
            as_m2m(&server, &pairs).await.refusal(),
            (400, "unauthorized_client".into()),
            "{pairs:?}"
        );
    }
}

#[tokio::test]
async fn unknown_grants_are_refused() {
    let server = Server::start().await;
    for (grant, error) in [
        ("implicit", "unsupported_grant_type"),
        (
            "urn:ietf:params:oauth:grant-type:saml2-bearer",
            "unsupported_grant_type",
        ),
        (
            "urn:ietf:params:oauth:grant-type:token-exchange",
            "unsupported_grant_type",
        ),
        ("CLIENT_CREDENTIALS", "unsupported_grant_type"),
        ("client_credentials ", "unsupported_grant_type"),
        ("", "invalid_request"),
    ] {
        let answer = as_m2m(&server, &[("grant_type", grant)]).await;
        assert_eq!(answer.refusal(), (400, error.into()), "{grant}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{grant}");
    }
}

#[tokio::test]
async fn a_client_gets_an_access_token_for_itself_and_nothing_else() {
    let server = Server::start().await;
    let answer = as_m2m(&server, &[GRANT]).await;
    assert_eq!(
        (answer.status, answer.header("cache-control")),
        (200, Some("no-store")),
        "{}",
        answer.body
    );
    assert_eq!(answer.header("pragma"), Some("no-cache"));
    let body = answer.json();
    assert_eq!(
        (&body["token_type"], &body["expires_in"]),
        (&json!("Bearer"), &json!(600))
    );
    assert_eq!(body["scope"], "books:read");
    assert!(body.get("refresh_token").is_none() && body.get("id_token").is_none());

    let token = answer.text("access_token");
    let header = header_of(&token);
    let members: Vec<_> = header.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["alg", "kid", "typ"]);
    assert_eq!(
        (&header["typ"], &header["alg"]),
        (&json!("at+jwt"), &json!("RS256"))
    );
    let claims = server.claims(&token).await;
    let now = server.clock.now().0;
    for (name, value) in [
        ("iss", json!("http://localhost:8080")),
        ("sub", json!("m2m")),
        ("client_id", json!("m2m")),
        ("aud", json!("https://api.example/")),
        ("iat", json!(now)),
        ("exp", json!(now + 600)),
        ("scope", json!("books:read")),
    ] {
        assert_eq!(claims[name], value, "{name}");
    }
    assert!(claims["jti"].as_str().is_some_and(|jti| jti.len() >= 16));
    for name in ["auth_time", "acr", "amr", "sid", "roles", "permissions"] {
        assert!(!claims.contains_key(name), "{name}");
    }
    let second = server
        .claims(&as_m2m(&server, &[GRANT]).await.text("access_token"))
        .await;
    assert_ne!(second["jti"], claims["jti"]);
}

#[tokio::test]
async fn a_client_gets_no_scope_of_people_and_none_it_is_not_registered_for() {
    let server = Server::start().await;
    for scope in [
        "openid",
        "offline_access",
        "openid offline_access",
        "books:write",
        "admin",
        "books:read openid",
        "a\"b",
    ] {
        let answer = as_m2m(&server, &[GRANT, ("scope", scope)]).await;
        assert_eq!(answer.refusal(), (400, "invalid_scope".into()), "{scope}");
    }
    let target = as_m2m(&server, &[GRANT, ("resource", "https://other.example/")]).await;
    assert_eq!(target.refusal(), (400, "invalid_target".into()));
}

#[tokio::test]
async fn tokens_are_signed_as_the_client_registered() {
    let server = Server::start().await;
    for alg in ["RS256", "PS256", "ES256", "EdDSA"] {
        server
            .apply(&format!(
                "[[client]]\nclient_id = \"c-{alg}\"\nclient_secret = \"a-secret-of-more-than-32-characters\"\n\
                 redirect_uris = [\"https://signed.example/cb\"]\nscope = \"openid\"\n\
                 access_token_signed_response_alg = \"{alg}\"\nid_token_signed_response_alg = \"{alg}\"\n"
            ))
            .await;
        let client = format!("c-{alg}");
        let redirect = ("redirect_uri", "https://signed.example/cb");
        let code = server
            .code(&[("client_id", &client), redirect, ("scope", "openid")])
            .await;
        let pairs = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            redirect,
            ("code_verifier", VERIFIER),
        ];
        let answer = server
            .token_as(&client, "a-secret-of-more-than-32-characters", &pairs)
            .await;
        for (token, typ) in [("access_token", "at+jwt"), ("id_token", "JWT")] {
            let token = answer.text(token);
            let header = header_of(&token);
            assert_eq!((&header["alg"], &header["typ"]), (&json!(alg), &json!(typ)));
            let claims = server.claims(&token).await;
            assert_eq!(claims["iss"], "http://localhost:8080", "{alg}");
        }
    }
}

#[tokio::test]
async fn error_texts_are_constant_and_of_the_allowed_characters() {
    let server = Server::start().await;
    let names = [
        "grant_type",
        "scope",
        "code",
        "redirect_uri",
        "code_verifier",
        "client_id",
        "resource",
        "refresh_token",
    ];
    for name in names {
        for value in [
            "\u{1}\"\\zebra",
            "<script>zebra",
            "zebra\u{e9}\u{202e}",
            "zebra\r\nx: y",
            "zebra\0",
        ] {
            let mut pairs = vec![(name, value)];
            if name != "grant_type" {
                pairs.push(GRANT);
            }
            let answer = as_m2m(&server, &pairs).await;
            assert!(
                [200, 400, 401].contains(&answer.status),
                "{name} {value:?}: {}",
                answer.status
            );
            assert!(
                !answer.body.contains("zebra"),
                "{name} {value:?}: {}",
                answer.body
            );
            if answer.status != 200 {
                let text = answer.text("error_description");
                let allowed = |c: char| matches!(c, '\x20'..='\x21' | '\x23'..='\x5b' | '\x5d'..='\x7e');
                assert!(text.chars().all(allowed), "{name}: {text}");
            }
        }
    }
}

#[tokio::test]
async fn pages_of_registered_origins_may_read_answers() {
    let server = Server::start().await;
    let ask = async |origin: &str, client: &str| {
        let pairs = [
            ("grant_type", "authorization_code"),
            ("code", "x"),
            ("client_id", client),
        ];
        let answer = server
            .send(Request::form("/token", &pairs).header("origin", origin))
            .await;
        assert_eq!(answer.header("access-control-allow-credentials"), None);
        answer.header("access-control-allow-origin").map(str::to_owned)
    };
    assert_eq!(
        ask("https://spa.example", "spa").await.as_deref(),
        Some("https://spa.example")
    );
    for (origin, client) in [
        ("https://evil.example", "spa"),
        ("https://app.example", "spa"),
        ("http://spa.example", "spa"),
        ("https://spa.example:444", "spa"),
        ("null", "spa"),
        ("https://spa.example", "nobody"),
    ] {
        assert_eq!(ask(origin, client).await, None, "{origin} {client}");
    }
}

#[tokio::test]
async fn preflight_is_answered_for_origins_of_clients_only() {
    let server = Server::start().await;
    let preflight = async |origin: &str| {
        let request = Request::new("OPTIONS", "/token")
            .header("origin", origin)
            .header("access-control-request-method", "POST");
        server.send(request).await
    };
    let answer = preflight("https://spa.example").await;
    assert_eq!(
        answer.header("access-control-allow-origin"),
        Some("https://spa.example")
    );
    assert!(
        answer
            .header("access-control-allow-methods")
            .is_some_and(|methods| methods.contains("POST"))
    );
    assert_eq!(answer.header("access-control-allow-credentials"), None);
    for stranger in [
        "null",
        "https://evil.example",
        "https://spa.example:444",
        "http://spa.example",
    ] {
        assert_eq!(
            preflight(stranger).await.header("access-control-allow-origin"),
            None,
            "{stranger}"
        );
    }
}

#[tokio::test]
async fn a_page_of_a_client_learns_that_its_token_has_ended() {
    let server = Server::start().await;
    let userinfo = |origin: &str| {
        Request::get("/userinfo")
            .bearer("at.of.nobody")
            .header("origin", origin)
    };
    let unread = |origin: &str| {
        let twice = [("grant_type", "refresh_token"), ("grant_type", "refresh_token")];
        Request::form("/token", &twice).header("origin", origin)
    };
    let form = |origin: &str| {
        Request::new("POST", "/userinfo")
            .body("{}")
            .header("origin", origin)
    };
    let revoke = |origin: &str| {
        Request::new("POST", "/revoke")
            .body("{}")
            .header("origin", origin)
    };
    for (ask, status) in [
        (&userinfo as &dyn Fn(&str) -> Request, 401),
        (&unread, 400),
        (&form, 400),
        (&revoke, 400),
    ] {
        for (origin, reads) in [
            ("https://spa.example", true),
            ("https://evil.example", false),
            ("null", false),
        ] {
            let answer = server.send(ask(origin)).await;
            assert_eq!(answer.status, status, "{}", answer.body);
            let allowed = answer.header("access-control-allow-origin");
            assert_eq!(allowed, reads.then_some(origin), "{status} {origin}");
        }
    }
}

#[tokio::test]
async fn authorization_pages_are_for_no_other_origin() {
    let server = Server::start().await;
    let mut browser = Browser::new(&server);
    let request = Request::get(server.authorize(&[])).header("origin", "https://app.example");
    let answer = browser.send(request).await;
    assert_eq!(answer.header("access-control-allow-origin"), None);
    let options = Request::new("OPTIONS", "/authorize").header("origin", "https://app.example");
    assert_eq!(
        server.send(options).await.header("access-control-allow-origin"),
        None
    );
    let prompt = server.get(&server.authorize(&[("prompt", "none")])).await;
    assert_eq!(
        query_of(prompt.location(), "error").as_deref(),
        Some("login_required")
    );
}

#[tokio::test]
async fn a_confidential_client_is_no_public_one_and_its_code_stays_good() {
    let server = Server::start().await;
    let code = server.code(&[]).await;
    let pairs = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", "https://app.example/cb"),
        ("code_verifier", VERIFIER),
        ("client_id", "web"),
    ];
    assert_eq!(
        server.send(Request::form("/token", &pairs)).await.refusal(),
        (400, "invalid_client".into())
    );
    assert_eq!(server.redeem(&code).await.status, 200);
}

#[tokio::test]
async fn credentials_in_the_url_count_for_nothing() {
    let server = Server::start().await;
    let query = "client_id=post&client_secret=post-secret-of-more-than-32-characters";
    for path in ["/token", "/introspect", "/revoke"] {
        let answer = server
            .send(Request::form(format!("{path}?{query}"), &[GRANT, ("token", "x")]))
            .await;
        assert!(
            [400, 401].contains(&answer.status),
            "{path} {} {}",
            answer.status,
            answer.body
        );
    }
}
