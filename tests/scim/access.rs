//! Who is let in.

use serde_json::json;

use super::directory::{Directory, USER, error, is};
use crate::support::{Request, Server};

const CALLS: [(&str, &str); 16] = [
    ("GET", "/Users"),
    ("POST", "/Users"),
    ("POST", "/Users/.search"),
    ("GET", "/Users/00000000-0000-0000-0000-000000000000"),
    ("PUT", "/Users/00000000-0000-0000-0000-000000000000"),
    ("PATCH", "/Users/00000000-0000-0000-0000-000000000000"),
    ("DELETE", "/Users/00000000-0000-0000-0000-000000000000"),
    ("GET", "/Groups"),
    ("POST", "/Groups"),
    ("PUT", "/Groups/00000000-0000-0000-0000-000000000000"),
    ("PATCH", "/Groups/00000000-0000-0000-0000-000000000000"),
    ("DELETE", "/Groups/00000000-0000-0000-0000-000000000000"),
    ("GET", "/ServiceProviderConfig"),
    ("GET", "/Schemas"),
    ("GET", "/ResourceTypes"),
    ("GET", "/nothing"),
];

#[tokio::test]
async fn nothing_is_served_unless_the_configuration_says_so() {
    let server = Server::start().await;
    for (method, path) in CALLS {
        let answer = server.send(Request::new(method, format!("/scim/v2{path}"))).await;
        assert_eq!(answer.status, 404, "{method} {path}");
    }
}

#[tokio::test]
async fn every_call_needs_a_token_for_this_server_with_the_scope() {
    let directory = Directory::start().await;
    let person = directory.server.tokens(&[]).await.text("access_token");
    let reader = directory.client_token("accounts:read").await;
    let root = "root may do everything in this house";
    let unscoped = directory.staff_token("root", root, "openid accounts:read").await;
    // Alice may ask for the scope, but does not hold the permission.
    let alice = directory
        .staff_token("alice", "correct horse battery staple", "openid scim:provision")
        .await;
    for (method, path) in CALLS {
        let at = format!("{method} {path}");
        let bare = directory.server.send(directory.request(method, path, None)).await;
        assert_eq!(error(&bare), is(401, ""), "{at}");
        assert!(
            bare.header("www-authenticate").unwrap().starts_with("Bearer"),
            "{at}"
        );
        for (token, status) in [
            ("nonsense", 401),
            (person.as_str(), 401),
            (reader.as_str(), 403),
            (unscoped.as_str(), 403),
            (alice.as_str(), 403),
        ] {
            let body = json!({ "schemas": [USER], "userName": "sneaky" });
            let request = directory.request(method, path, Some(&body)).bearer(token);
            let answer = directory.server.send(request).await;
            assert_eq!(error(&answer), is(status, ""), "{at}");
        }
    }
    let path = format!("/Users?access_token={}", directory.token);
    let in_url = directory.server.send(directory.request("GET", &path, None)).await;
    assert_eq!(in_url.status, 400, "{}", in_url.body);
    let names = directory.listed("/Users", "userName").await;
    assert!(!names.contains(&"sneaky".to_owned()));
}

#[tokio::test]
async fn what_is_not_there_is_told_in_the_words_of_the_protocol() {
    let directory = Directory::start().await;
    for (method, path, status) in [
        ("GET", "/nothing", 404),
        ("GET", "/Users/nobody", 404),
        ("GET", "/Users/00000000-0000-0000-0000-000000000000", 404),
        ("DELETE", "/Groups/00000000-0000-0000-0000-000000000000", 404),
        ("GET", "/Schemas/urn:nothing", 404),
        ("GET", "/ResourceTypes/Device", 404),
        ("DELETE", "/Users", 405),
        ("POST", "/Bulk", 501),
        ("GET", "/Me", 501),
        ("POST", "/.search", 501),
        ("GET", "/Schemas?filter=id%20pr", 403),
    ] {
        let answer = directory.send(method, path, None).await;
        assert_eq!(error(&answer).0, status, "{method} {path}");
    }
    let plain = directory
        .request("POST", "/Users", None)
        .header("content-type", "text/plain")
        .body("userName=x")
        .bearer(&directory.token);
    assert_eq!(error(&directory.server.send(plain).await).0, 415);
}
