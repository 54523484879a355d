//! The description of the API, and the edges of what it describes.

use std::collections::BTreeSet;

use protocol::permission;

use super::{api, problem, start, start_with, token};
use crate::support::Server;

pub(crate) const METHODS: [&str; 5] = ["get", "put", "post", "patch", "delete"];

#[tokio::test]
async fn the_document_is_served_only_where_it_is_wanted() {
    let server = start_with(|config| config.admin.openapi = false).await;
    let root = token(&server, "root").await;
    assert_eq!(problem(&server.get("/api/admin/v1/openapi.json").await).0, 404);
    assert_eq!(
        problem(&server.send(api("GET", "/openapi.json", &root)).await).0,
        404
    );
    let server = Server::start().await;
    assert_eq!(server.get("/api/admin/v1/openapi.json").await.status, 404);
}

#[tokio::test]
async fn every_operation_is_described_with_the_permission_it_needs() {
    let server = start().await;
    let answer = server.get("/api/admin/v1/openapi.json").await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let document = answer.json();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(
        document["servers"][0]["url"],
        "http://localhost:8080/api/admin/v1"
    );
    let mut names = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in METHODS {
            let Some(operation) = item.get(method) else {
                continue;
            };
            let needed = operation["x-permission"].as_str().unwrap_or_default();
            assert!(permission::is_own(needed), "{method} {path}: {needed}");
            let name = operation["operationId"].as_str().unwrap_or_default().to_owned();
            assert!(
                !name.is_empty() && names.insert(name.clone()),
                "{method} {path}: {name}"
            );
            assert!(operation["responses"]["4XX"].is_object(), "{method} {path}");
            let described = operation["parameters"].as_array().map_or(0, |all| {
                all.iter().filter(|parameter| parameter["in"] == "path").count()
            });
            assert_eq!(described, path.matches('{').count(), "{method} {path}");
        }
    }
    assert!(names.len() > 20, "{names:?}");
    assert!(names.contains("list_accounts") && names.contains("give_role"));
}

#[tokio::test]
async fn what_is_not_there_is_a_problem_document_too() {
    let server = start().await;
    let root = token(&server, "root").await;
    for path in [
        "/nothing",
        "/accounts/x/y/z",
        "/accounts/not-a-uuid",
        "/accounts/00000000-0000-0000-0000-000000000000",
        "/sessions/%FF",
    ] {
        assert_eq!(
            problem(&server.send(api("GET", path, &root)).await).0,
            404,
            "{path}"
        );
    }
    for (method, path, allowed) in [
        ("PUT", "/accounts", "GET, POST"),
        ("POST", "/openapi.json", "GET, HEAD"),
        (
            "GET",
            "/accounts/00000000-0000-0000-0000-000000000000/disable",
            "POST",
        ),
    ] {
        let answer = server.send(api(method, path, &root)).await;
        assert_eq!(problem(&answer).0, 405, "{method} {path}");
        let told = answer.header("allow").unwrap_or_default();
        assert!(
            allowed.split(", ").all(|method| told.contains(method)),
            "{method} {path}: {told}"
        );
    }
    let in_url = server.get("/api/admin/v1/accounts?access_token=x").await;
    assert_eq!(problem(&in_url).0, 400);
}
