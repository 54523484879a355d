//! Metadata and keys (OpenID Connect Discovery §3, RFC 8414, RFC 7517).

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::{Request, Server};

const DOCUMENTS: [&str; 2] = [
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server",
];

#[tokio::test]
async fn both_documents_say_the_same() {
    let server = Server::start().await;
    let [one, other] = [server.get(DOCUMENTS[0]).await, server.get(DOCUMENTS[1]).await];
    assert_eq!((one.status, one.body.as_str()), (200, other.body.as_str()));
    assert_eq!(one.header("content-type"), Some("application/json"));
    assert_eq!(one.text("issuer"), "http://localhost:8080");
    assert_eq!(
        one.json()["code_challenge_methods_supported"],
        serde_json::json!(["S256"])
    );
    assert_eq!(
        one.json()["response_types_supported"],
        serde_json::json!(["code"])
    );
    assert_eq!(one.json()["authorization_response_iss_parameter_supported"], true);
    assert!(
        one.json()["scopes_supported"]
            .as_array()
            .unwrap()
            .contains(&"books:read".into())
    );
}

#[tokio::test]
async fn documents_are_for_everybody_and_sent_again_only_when_changed() {
    let server = Server::start().await;
    for path in [DOCUMENTS[0], DOCUMENTS[1], "/jwks.json"] {
        let full = server
            .send(Request::get(path).header("origin", "https://any.example"))
            .await;
        assert_eq!(
            (full.status, full.header("access-control-allow-origin")),
            (200, Some("*")),
            "{path}"
        );
        assert_eq!(full.header("access-control-allow-credentials"), None, "{path}");
        assert!(
            full.header("cache-control")
                .is_some_and(|value| value.contains("max-age=")),
            "{path}"
        );
        let tag = full.header("etag").unwrap();
        let again = server.send(Request::get(path).header("if-none-match", tag)).await;
        assert_eq!(
            (again.status, again.body.as_str(), again.header("etag")),
            (304, "", Some(tag)),
            "{path}"
        );
        let stale = server
            .send(Request::get(path).header("if-none-match", "\"other\""))
            .await;
        assert_eq!((stale.status, stale.body), (200, full.body.clone()), "{path}");
        let preflight = server
            .send(Request::new("OPTIONS", path).header("origin", "https://any.example"))
            .await;
        assert_eq!(
            (preflight.status, preflight.header("access-control-allow-origin")),
            (204, Some("*")),
            "{path}"
        );
    }
}

#[tokio::test]
async fn every_advertised_endpoint_is_there() {
    let server = Server::start().await;
    let metadata = server.get(DOCUMENTS[0]).await.json();
    let mut found = 0;
    for (name, value) in metadata.as_object().unwrap() {
        if !name.ends_with("_endpoint") && name != "jwks_uri" {
            continue;
        }
        let path = value
            .as_str()
            .unwrap()
            .strip_prefix("http://localhost:8080")
            .unwrap();
        let answer = server.get(path).await;
        assert!(
            answer.status != 404 && answer.status < 500,
            "{name}: {}",
            answer.status
        );
        found += 1;
    }
    assert!(found >= 7, "{found}");
}

#[tokio::test]
async fn keys_are_public_unique_and_there_for_each_algorithm() {
    let server = Server::start().await;
    let jwks = server.get("/jwks.json").await.json();
    let keys = jwks["keys"].as_array().unwrap();
    let texts = |name: &str| {
        keys.iter()
            .map(|key| key[name].as_str().unwrap().to_owned())
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(texts("kid").len(), keys.len());
    for key in keys {
        let members: BTreeSet<_> = key.as_object().unwrap().keys().map(String::as_str).collect();
        let public = BTreeSet::from(["kty", "kid", "alg", "use", "n", "e", "crv", "x", "y"]);
        assert!(members.is_subset(&public), "{members:?}");
        assert_eq!(key["use"], "sig");
    }
    let metadata = server.get(DOCUMENTS[0]).await.json();
    let advertised: BTreeSet<_> = metadata["id_token_signing_alg_values_supported"]
        .as_array()
        .unwrap()
        .iter()
        .map(|alg| alg.as_str().unwrap().to_owned())
        .collect();
    assert_eq!(advertised.len(), 4);
    assert!(advertised.is_subset(&texts("alg")), "{advertised:?}");
    assert!(!advertised.contains("none"));
}

#[tokio::test]
async fn the_issuer_does_not_come_from_the_request() {
    let server = Server::start().await;
    let good = server.get(DOCUMENTS[0]).await.body;
    for (name, value) in [
        ("host", "evil.example"),
        ("host", "localhost:8080.evil.example"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-prefix", "/evil"),
        ("forwarded", "host=evil.example;proto=https"),
        ("x-original-url", "/evil"),
    ] {
        let answer = server.send(Request::get(DOCUMENTS[0]).header(name, value)).await;
        assert_eq!((answer.status, &answer.body), (200, &good), "{name}: {value}");
        let request = Request::get(server.authorize(&[("prompt", "none")])).header(name, value);
        let location = server.send(request).await.location().to_owned();
        assert!(
            location.contains("iss=http%3A%2F%2Flocalhost%3A8080"),
            "{name}: {location}"
        );
    }
}

#[tokio::test]
async fn what_is_not_supported_is_not_advertised() {
    let server = Server::start().await;
    let metadata = server.get(DOCUMENTS[0]).await.json();
    let holds = |name: &str, value: &str| metadata[name].as_array().unwrap().contains(&Value::from(value));
    for (grant, there) in [
        ("authorization_code", true),
        ("refresh_token", true),
        ("implicit", false),
    ] {
        assert_eq!(holds("grant_types_supported", grant), there, "{grant}");
    }
    assert!(!holds("introspection_endpoint_auth_methods_supported", "none"));
    assert!(!holds("token_endpoint_auth_signing_alg_values_supported", "none"));
    for path in [DOCUMENTS[0], "/jwks.json"] {
        assert_eq!(
            server.send(Request::new("POST", path)).await.status,
            405,
            "{path}"
        );
    }
}
