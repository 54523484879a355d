//! `/admin/keys`: the keys that sign tokens.

use super::staff::{ROOT, VERA, desk, events, send, staffed};

#[tokio::test]
async fn the_published_keys_are_listed() {
    let server = staffed().await;
    let (_, page) = desk(&server, VERA, "/admin/keys").await;
    let published = server.get("/jwks.json").await.json();
    let published = published["keys"].as_array().unwrap().clone();
    assert!(!published.is_empty());
    for key in published {
        assert!(page.body.contains(key["kid"].as_str().unwrap()), "{}", page.body);
    }
}

#[tokio::test]
async fn keys_are_changed_at_a_button() {
    let server = staffed().await;
    let (mut browser, page) = desk(&server, ROOT, "/admin/keys").await;
    let page = send(
        &mut browser,
        &page,
        "/admin/keys/rotate",
        &[("algorithm", "ES256")],
    )
    .await;
    assert!(page.body.contains("id=\"notice\""), "{}", page.body);
    assert!(
        events(&server)
            .await
            .iter()
            .any(|(kind, _)| kind == "key.rotated")
    );
}
