use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

#[test]
fn addresses_inside_are_told_from_addresses_outside() {
    let inside = [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "127.9.9.9",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::808:808",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:20::1",
        "2001:db8::1",
        "2002:7f00:1::1",
        "2002:808:808::1",
        "3ffe::1",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd12:3456::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
    ];
    for text in inside {
        assert!(!is_public(text.parse().unwrap()), "{text}");
    }
    let outside = [
        "1.1.1.1",
        "8.8.8.8",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.1",
        "192.167.255.255",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "2001:4860:4860::8888",
        "2606:4700:4700::1111",
        "2a00:1450::1",
    ];
    for text in outside {
        assert!(is_public(text.parse().unwrap()), "{text}");
    }
}

fn fetch(allowed: &[&str]) -> Fetch {
    Fetch::new(
        &allowed.iter().map(|host| (*host).to_owned()).collect::<Vec<_>>(),
        None,
    )
    .unwrap()
}

/// Answers one request with `answer`.
async fn serve(answer: String) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 1024];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    port
}

fn answer(status: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nLocation: http://127.0.0.1/\r\n\r\n{body}",
        body.len()
    )
}

#[tokio::test]
async fn what_is_inside_is_not_asked() {
    let port = serve(answer("200 OK", "{}")).await;
    let hosts = [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "0x7f000001",
        "2130706433",
        "127.1",
        "[::ffff:127.0.0.1]",
    ];
    for host in hosts {
        let error = fetch(&[])
            .get_json(&format!("https://{host}:{port}/"), MAX_BYTES)
            .await
            .unwrap_err();
        assert!(matches!(error, FetchError::Private(_)), "{host}: {error}");
    }
}

#[tokio::test]
async fn only_plain_https_urls_are_asked() {
    let texts = [
        "http://example.com/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "https://",
        "x",
        "https://user@example.com/",
        "https://example.com/#f",
        "http://127.0.0.1/",
    ];
    for text in texts {
        let error = fetch(&[]).get_json(text, MAX_BYTES).await.unwrap_err();
        assert!(matches!(error, FetchError::Url), "{text}: {error}");
    }
}

#[tokio::test]
async fn an_allowed_host_is_asked() {
    let port = serve(answer("200 OK", "{\"keys\":[]}")).await;
    let url = format!("http://127.0.0.1:{port}/jwks?a=b");
    for allowed in ["127.0.0.1".to_owned(), format!("127.0.0.1:{port}")] {
        let document = fetch(&[&allowed]).get_json(&url, MAX_BYTES).await.unwrap();
        assert_eq!(document, serde_json::json!({ "keys": [] }));
    }
    assert!(fetch(&["127.0.0.1:1"]).get_json(&url, MAX_BYTES).await.is_err());
    assert_eq!(
        fetch(&["127.0.0.1"]).post_form(&url, "a=b".into()).await.unwrap(),
        StatusCode::OK
    );
}

#[tokio::test]
async fn redirects_large_answers_and_nonsense_are_refused() {
    let cases = [
        answer("302 Found", ""),
        answer("404 Not Found", "{}"),
        answer("200 OK", &format!("\"{}\"", "a".repeat(2000))),
        answer("200 OK", "not json"),
        "nonsense\r\n\r\n".to_owned(),
    ];
    for case in cases {
        let port = serve(case.clone()).await;
        let result = fetch(&["127.0.0.1"])
            .get_json(&format!("http://127.0.0.1:{port}/"), 1000)
            .await;
        assert!(result.is_err(), "{case}");
    }
}
