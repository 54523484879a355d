//! Lists in pieces: each entry once, in every order, and only what was asked.

use protocol::time::Lifetime;
use serde_json::Value;

use super::{api, path, problem, start, token};
use crate::support::{Answer, Browser, Server};

async fn get(server: &Server, token: &str, path: &str) -> Answer {
    server.send(api("GET", path, token)).await
}

/// All entries of a list, two at a time.
async fn all(server: &Server, token: &str, path: &str) -> Vec<Value> {
    let (mut found, mut cursor) = (Vec::new(), None::<String>);
    let joint = if path.contains('?') { '&' } else { '?' };
    for _ in 0..100 {
        let more = cursor.map_or_else(String::new, |cursor| format!("&cursor={cursor}"));
        let answer = get(server, token, &format!("{path}{joint}limit=2{more}")).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        let page = answer.json();
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 2);
        found.extend(items.iter().cloned());
        cursor = page["next"].as_str().map(str::to_owned);
        assert_eq!(cursor.is_some(), answer.header("link").is_some());
        if cursor.is_none() {
            return found;
        }
    }
    panic!("{path} does not end")
}

fn names(found: &[Value]) -> Vec<&str> {
    found
        .iter()
        .map(|account| account["username"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn every_account_comes_once_in_every_order() {
    let server = start().await;
    for name in ["zoe", "Zac", "yuri"] {
        server.advance(Lifetime::seconds(5));
        server
            .apply(&format!("[[account]]\nusername = \"{name}\"\n"))
            .await;
    }
    for name in ["vera", "paula"] {
        server.advance(Lifetime::seconds(5));
        Browser::new(&server)
            .sign_in("/login", name, super::PASSWORD)
            .await;
    }
    let root = token(&server, "root").await;
    let by_name = all(&server, &root, "/accounts").await;
    let mut sorted: Vec<String> = names(&by_name).iter().map(|name| name.to_lowercase()).collect();
    sorted.sort();
    let listed: Vec<String> = names(&by_name).iter().map(|name| name.to_lowercase()).collect();
    assert_eq!(listed, sorted);
    assert!(sorted.contains(&"zac".to_owned()) && sorted.len() > 8);
    for sort in ["username", "created_at", "last_login_at"] {
        let up = all(&server, &root, &format!("/accounts?sort={sort}")).await;
        let mut down = all(&server, &root, &format!("/accounts?sort=-{sort}")).await;
        down.reverse();
        assert_eq!(names(&up), names(&down), "{sort}");
        assert_eq!(up.len(), sorted.len(), "{sort}");
        let keys: Vec<i64> = up
            .iter()
            .map(|account| account[sort].as_i64().unwrap_or(0))
            .collect();
        assert!(sort == "username" || keys.is_sorted(), "{sort}: {keys:?}");
    }
}

#[tokio::test]
async fn filters_leave_what_they_name() {
    let server = start().await;
    let root = token(&server, "root").await;
    let paula = path(&server, "paula").await;
    server.send(api("POST", &format!("{paula}/disable"), &root)).await;
    for (filter, expected) in [
        ("role=viewer", vec!["vera"]),
        ("role=nothing", vec![]),
        ("state=disabled", vec!["dave", "paula"]),
        ("state=disabled&role=user", vec!["paula"]),
        ("state=active&role=user", vec![]),
        ("state=pending_erasure", vec![]),
        ("q=PAU", vec!["paula"]),
        ("q=vera%40example", vec!["vera"]),
        ("q=vera&role=viewer&state=active", vec!["vera"]),
        ("q=vera&state=disabled", vec![]),
        ("q=%25", vec![]),
        ("q=_", vec![]),
        ("q=%27%20OR%201%3D1--", vec![]),
        ("role=%27%3B%20DROP%20TABLE%20accounts%3B--", vec![]),
    ] {
        let found = all(&server, &root, &format!("/accounts?{filter}")).await;
        assert_eq!(names(&found), expected, "{filter}");
    }
    let down = all(&server, &root, "/accounts?q=a&sort=-username").await;
    let mut up = all(&server, &root, "/accounts?q=a").await;
    up.reverse();
    assert_eq!(names(&down), names(&up));
    assert!(names(&up).contains(&"anna") && names(&up).contains(&"alice"));
}

#[tokio::test]
async fn what_a_list_does_not_know_is_refused() {
    let server = start().await;
    let root = token(&server, "root").await;
    for query in [
        "limit=0",
        "limit=201",
        "limit=-1",
        "limit=x",
        "limit=1&limit=2",
        "sort=password",
        "sort=username;drop",
        "sort=-",
        "sort=created_at&q=a",
        "state=gone",
        "state=active&state=disabled",
        "other=1",
        "page=2",
        "q=a%00b",
        "cursor=x",
        "cursor=",
    ] {
        let (status, body) = problem(&get(&server, &root, &format!("/accounts?{query}")).await);
        assert!(status == 400 && body["member"].is_string(), "{query}: {body}");
    }
    for path in ["/sessions?account=x", "/grants?sort=scope", "/sessions?role=x"] {
        assert_eq!(problem(&get(&server, &root, path).await).0, 400, "{path}");
    }
}

#[tokio::test]
async fn a_cursor_is_good_only_where_it_was_given() {
    let server = start().await;
    let root = token(&server, "root").await;
    let first = get(&server, &root, "/accounts?limit=2&sort=created_at&state=active")
        .await
        .json();
    let cursor = first["next"].as_str().unwrap();
    let good = format!("/accounts?limit=3&sort=created_at&state=active&cursor={cursor}");
    assert_eq!(get(&server, &root, &good).await.status, 200);
    let mut changed = cursor.to_owned();
    let at = changed.len() / 2;
    let other = if &changed[at..=at] == "A" { "B" } else { "A" };
    changed.replace_range(at..=at, other);
    for path in [
        format!("/accounts?sort=created_at&state=active&cursor={changed}"),
        format!("/accounts?sort=created_at&cursor={cursor}"),
        format!("/accounts?sort=-created_at&state=active&cursor={cursor}"),
        format!("/accounts?sort=username&state=active&cursor={cursor}"),
        format!("/accounts?sort=created_at&state=disabled&cursor={cursor}"),
        format!("/sessions?cursor={cursor}"),
        format!("/grants?cursor={cursor}"),
    ] {
        let (status, body) = problem(&get(&server, &root, &path).await);
        assert_eq!((status, &body["member"]), (400, &"cursor".into()), "{path}");
    }
}

#[tokio::test]
async fn the_link_leads_to_the_next_piece() {
    let server = start().await;
    let root = token(&server, "root").await;
    let first = get(&server, &root, "/accounts?limit=2&state=active").await;
    let link = first.header("link").unwrap();
    let target = link
        .strip_prefix('<')
        .unwrap()
        .strip_suffix(">; rel=\"next\"")
        .unwrap();
    let path = target.strip_prefix("/api/admin/v1").unwrap();
    let second = get(&server, &root, path).await.json();
    assert_eq!(second["items"].as_array().unwrap().len(), 2);
    assert_ne!(second["items"][0]["id"], first.json()["items"][1]["id"]);
}
