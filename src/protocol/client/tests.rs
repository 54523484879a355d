use super::*;

fn client(application_type: ApplicationType, uris: &[&str]) -> Client {
    Client {
        application_type,
        redirect_uris: uris.iter().map(|uri| (*uri).to_owned()).collect(),
        ..Client::new("c".into())
    }
}

#[test]
fn web_redirect_uris_match_as_raw_strings_only() {
    let web = client(
        ApplicationType::Web,
        &[
            "https://app.example/cb",
            "https://app.example/q?x=1",
            "http://127.0.0.1/cb",
        ],
    );
    for uri in [
        "https://app.example/cb",
        "https://app.example/q?x=1",
        "http://127.0.0.1/cb",
    ] {
        assert!(web.allows_redirect_to(uri), "{uri}");
    }
    for uri in [
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
        "https://u:p@app.example/cb",
        "https://app.example\\@evil.test/cb",
        "https:\\\\evil.test\\cb",
        "https:/app.example/cb",
        "https://app.example/cb%2F..%2Fevil",
        "https://app.example/cb#",
        "https://app.example/cb#x",
        "https://app.example/q",
        "https://app.example/q?x=1&y=2",
        "https://app.example/q?x=1&x=1",
        "http://app.example/cb",
        "HTTPS://app.example/cb",
        "https://APP.example/cb",
        "http://127.0.0.1:8000/cb",
        "",
    ] {
        assert!(!web.allows_redirect_to(uri), "{uri}");
    }
}

#[test]
fn a_native_client_may_choose_the_loopback_port_and_nothing_else() {
    let native = client(
        ApplicationType::Native,
        &["http://127.0.0.1/cb", "http://[::1]/cb", "com.example.app:/cb"],
    );
    for uri in [
        "http://127.0.0.1:1/cb",
        "http://127.0.0.1:80/cb",
        "http://127.0.0.1:49152/cb",
        "http://127.0.0.1:65535/cb",
        "http://[::1]:5000/cb",
        "com.example.app:/cb",
    ] {
        assert!(native.allows_redirect_to(uri), "{uri}");
    }
    for uri in [
        "http://127.0.0.2/cb",
        "http://127.1/cb",
        "http://0x7f000001/cb",
        "http://2130706433/cb",
        "http://127.0.0.1.evil.test/cb",
        "http://localhost/cb",
        "http://127.0.0.1:0/cb",
        "http://127.0.0.1:65536/cb",
        "http://127.0.0.1:8000@evil.test/cb",
        "http://127.0.0.1:/cb",
        "http://127.0.0.1:80x/cb",
        "http://127.0.0.1:80/cb?x",
        "https://127.0.0.1:80/cb",
    ] {
        assert!(!native.allows_redirect_to(uri), "{uri}");
    }
}

#[test]
fn dangerous_redirect_uris_are_not_registered() {
    for uri in [
        "http://app.example/cb",
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        " javascript:x",
        "java%0ascript:x",
        "https://*.example/cb",
        "https://app.example/*",
        "*",
        "https://app.example/cb#",
        "https://app.example/cb#x",
        "https://u:p@app.example/cb",
        "https://u@app.example/cb",
        "https://@app.example/cb",
        "https://:@app.example/cb",
        "https:///app.example/cb",
        "http://127.1/cb",
        "http://0x7f000001/cb",
        "http://2130706433/cb",
        "http://127.0.0.1:/cb",
        "http://127.0.0.1:080/cb",
        "http://localhost:/cb",
        "https://app.example:443/cb",
        "https://APP.example/cb",
        "https://app.example/../cb",
        "https://app.example/cb%00",
        "https://app.example/cb%0d%0aX:1",
        "https://app.example/cb?x=%zz",
        "https://app.example/cb?x=%+1",
        "/cb",
        "https:/app.example/cb",
        "https://app.example\\@evil.test/cb",
        "",
    ] {
        for application_type in [ApplicationType::Web, ApplicationType::Native] {
            assert!(client(application_type, &[uri]).check().is_err(), "{uri}");
        }
    }
    assert!(
        client(ApplicationType::Web, &["com.example.app:/cb"])
            .check()
            .is_err()
    );
    assert!(
        client(
            ApplicationType::Native,
            &["com.example.app:/cb", "http://127.0.0.1/cb"]
        )
        .check()
        .is_ok()
    );
    assert!(
        client(
            ApplicationType::Web,
            &["https://app.example/cb?x=1", "http://localhost:8081/cb"]
        )
        .check()
        .is_ok()
    );
}
