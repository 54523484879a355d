//! Where an answer may go (RFC 6749 §3.1.2, RFC 8252 §7.3, RFC 9700 §2.1).

use super::{ALICE, assert_page};
use crate::support::{Browser, Server};

#[tokio::test]
async fn an_unknown_client_is_told_on_a_page() {
    let server = Server::start().await;
    for client in ["nope", "", "WEB", "web ", "web\0"] {
        let uri = "https://evil.test/";
        let answer = server
            .get(&server.authorize(&[("client_id", client), ("redirect_uri", uri)]))
            .await;
        assert_page(&answer, client);
        assert!(!answer.body.contains("evil.test"), "{client}");
    }
}

#[tokio::test]
async fn a_redirect_uri_must_be_the_registered_string() {
    let server = Server::start().await;
    for uri in [
        "",
        "https://app.example/cb/",
        "https://app.example/cbx",
        "https://app.example/CB",
        "https://app.example/cb/../evil",
        "https://app.example/cb/./",
        "https://app.example.evil.test/cb",
        "https://evilapp.example/cb",
        "https://app.example.:443/cb",
        "https://app.example:443/cb",
        "https://app.example@evil.test/cb",
        "https://app.example:443@evil.test/cb",
        "https://u:p@app.example/cb",
        "https://app.example\\@evil.test/cb",
        "https:\\\\evil.test\\cb",
        "https://evil.test\\.app.example/cb",
        "https:/app.example/cb",
        "https://app.example/cb/%2e%2e/evil",
        "https://app.example/cb%2F..%2Fevil",
        "https://app.example/cb/..;/evil",
        "https://app.example/cb%252f..",
        "https://app.example/cb#x",
        "https://app.example/cb#",
        "https://app.example/cb%23x",
        "https://app.example/cb?",
        "https://app.example/cb?x=1",
        "http://app.example/cb",
        "HTTPS://app.example/cb",
        "https://APP.example/cb",
        " https://app.example/cb",
        "https://app.example/cb\n",
        "javascript:alert(1)",
        "https://two.example/cb",
    ] {
        let answer = server
            .get(&server.authorize(&[("redirect_uri", uri), ("prompt", "none")]))
            .await;
        assert_page(&answer, uri);
        assert!(
            !answer.body.contains("evil") && (uri.is_empty() || !answer.body.contains(uri)),
            "{uri}"
        );
    }
}

#[tokio::test]
async fn a_registered_query_is_part_of_the_string() {
    let server = Server::start().await;
    server
        .apply(
            "[[client]]\nclient_id = \"q\"\nclient_secret = \"q-secret-of-more-than-32-characters-x\"\n\
             redirect_uris = [\"https://q.example/cb?x=1&z=2\"]\nscope = \"openid\"\n",
        )
        .await;
    let ask = |uri: &str| server.authorize(&[("client_id", "q"), ("redirect_uri", uri), ("prompt", "none")]);
    for query in [
        "",
        "?",
        "?x=1",
        "?z=2&x=1",
        "?x=1&z=2&y=3",
        "?x=1&x=1&z=2",
        "?x=1&z=2#",
    ] {
        assert_page(
            &server.get(&ask(&format!("https://q.example/cb{query}"))).await,
            query,
        );
    }
    let answer = server.get(&ask("https://q.example/cb?x=1&z=2")).await;
    assert!(
        answer
            .location()
            .starts_with("https://q.example/cb?x=1&z=2&error=login_required&")
    );
}

#[tokio::test]
async fn only_the_port_of_a_native_loopback_uri_is_free() {
    let server = Server::start().await;
    let ask = |uri: &str| {
        server.authorize(&[
            ("client_id", "native"),
            ("redirect_uri", uri),
            ("scope", "openid"),
        ])
    };
    for good in [
        "http://127.0.0.1/cb",
        "http://127.0.0.1:1/cb",
        "http://127.0.0.1:80/cb",
        "http://127.0.0.1:65535/cb",
    ] {
        assert!(
            server.get(&ask(good)).await.location().starts_with("/login?"),
            "{good}"
        );
    }
    for bad in [
        "http://127.0.0.2:49152/cb",
        "http://127.1:49152/cb",
        "http://0x7f000001:49152/cb",
        "http://2130706433/cb",
        "http://127.0.0.1.evil.test/cb",
        "http://localhost:49152/cb",
        "http://[::1]:49152/cb",
        "https://127.0.0.1:49152/cb",
        "http://127.0.0.1:49152/cb/x",
        "http://127.0.0.1:/cb",
        "http://127.0.0.1:0/cb",
        "http://127.0.0.1:70000/cb",
        "http://127.0.0.1:49152@evil.test/cb",
        "http://u@127.0.0.1:49152/cb",
        "com.example.app:/cb2",
    ] {
        assert_page(&server.get(&ask(bad)).await, bad);
    }
    let mut browser = Browser::new(&server);
    let consent = browser
        .sign_in(&ask("http://127.0.0.1:49152/cb"), ALICE.0, ALICE.1)
        .await;
    let answer = browser.submit(&consent, &[("decision", "allow")]).await;
    assert!(
        answer.location().starts_with("http://127.0.0.1:49152/cb?code="),
        "{}",
        answer.location()
    );
}
