//! Client authentication (RFC 6749 §2.3, RFC 7521, RFC 7523).

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use protocol::client_auth::ASSERTION_TYPE;
use protocol::jose::{Algorithm, SigningKey};
use serde_json::{Value, json};

use crate::support::{Answer, Request, Server, basic};

const ISSUER: &str = "http://localhost:8080";
const JWT_SECRET: &str = "jwt-secret-of-more-than-32-characters";
const M2M_SECRET: &str = "m2m-secret-of-more-than-32-characters";
const GRANT: (&str, &str) = ("grant_type", "client_credentials");

/// Good claims of a client, with changes; `null` takes a claim out.
fn claims(server: &Server, client: &str, changes: &[(&str, Value)]) -> Value {
    let now = server.clock.now().0;
    let mut claims = json!({
        "iss": client, "sub": client, "aud": ISSUER, "iat": now, "exp": now + 60,
        "jti": chancery::random::uuid().to_string(),
    });
    for (name, value) in changes {
        claims[name] = value.clone();
    }
    claims
        .as_object_mut()
        .unwrap()
        .retain(|_, value| !value.is_null());
    claims
}

fn compact(header: &Value, claims: &Value, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let text = format!(
        "{}.{}",
        encode(header.to_string().as_bytes()),
        encode(claims.to_string().as_bytes())
    );
    let signature = encode(&sign(text.as_bytes()));
    format!("{text}.{signature}")
}

fn hs256(key: &[u8], claims: &Value) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    compact(&json!({ "alg": "HS256", "typ": "JWT" }), claims, |text| {
        hmac::sign(&key, text).as_ref().to_vec()
    })
}

async fn present(server: &Server, path: &str, assertion: &str) -> Answer {
    let pairs = [
        GRANT,
        ("token", "x"),
        ("client_assertion_type", ASSERTION_TYPE),
        ("client_assertion", assertion),
    ];
    server.send(Request::form(path, &pairs)).await
}

/// How the token endpoint answers to an assertion.
async fn refusal(server: &Server, assertion: &str) -> (u16, String) {
    present(server, "/token", assertion).await.refusal()
}

/// Registers a `private_key_jwt` client that is named as its key.
async fn client_with_key(server: &Server, name: &str, algorithm: Algorithm) -> SigningKey {
    let key = SigningKey::generate(algorithm, name).unwrap();
    let members: Vec<_> = key
        .public_jwk()
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| format!("{name} = {value}"))
        .collect();
    let client = format!(
        "[[client]]\nclient_id = \"{name}\"\ntoken_endpoint_auth_method = \"private_key_jwt\"\n\
         grant_types = [\"client_credentials\"]\nscope = \"books:read\"\njwks = {{ keys = [{{ {} }}] }}\n",
        members.join(", ")
    );
    server.apply(&client).await;
    key
}

/// The answer to who did not use the header.
fn refused() -> (u16, String) {
    (400, "invalid_client".into())
}

/// The answer to who used the header, and to all at introspection.
fn challenged() -> (u16, String) {
    (401, "invalid_client".into())
}

/// All of an answer that does not differ from request to request.
fn lasting(answer: &Answer) -> (u16, Vec<(String, String)>, String) {
    let changing = ["x-request-id", "date"];
    let headers = answer
        .headers
        .iter()
        .filter(|(name, _)| !changing.contains(&name.as_str()));
    let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    (answer.status, headers.collect(), answer.body.clone())
}

#[tokio::test]
async fn secrets_work_by_the_registered_method() {
    let server = Server::start().await;
    assert_eq!(server.token_as("m2m", M2M_SECRET, &[GRANT]).await.status, 200);
    let post = [
        GRANT,
        ("client_id", "post"),
        ("client_secret", "post-secret-of-more-than-32-characters"),
    ];
    assert_eq!(server.send(Request::form("/token", &post)).await.status, 200);
    let assertion = hs256(JWT_SECRET.as_bytes(), &claims(&server, "jwt", &[]));
    assert_eq!(present(&server, "/token", &assertion).await.status, 200);
}

#[tokio::test]
async fn private_keys_of_each_kind_work() {
    let server = Server::start().await;
    for algorithm in Algorithm::SIGNING {
        let name = format!("key-{algorithm}");
        let key = client_with_key(&server, &name, algorithm).await;
        for typ in ["JWT", "client-authentication+jwt"] {
            let assertion = key.sign(typ, &claims(&server, &name, &[])).unwrap();
            let answer = present(&server, "/token", &assertion).await;
            assert_eq!(answer.status, 200, "{algorithm} {typ} {}", answer.body);
        }
        let other_kind = key.sign("at+jwt", &claims(&server, &name, &[])).unwrap();
        assert_eq!(refusal(&server, &other_kind).await, refused(), "{algorithm}");
    }
}

#[tokio::test]
async fn no_other_method_than_the_registered_one_works() {
    let server = Server::start().await;
    client_with_key(&server, "key", Algorithm::Es256).await;
    let posts = [
        ("m2m", M2M_SECRET),
        ("jwt", JWT_SECRET),
        ("key", "whatever"),
        ("spa", "whatever"),
        ("m2m", ""),
        ("jwt", ""),
        ("key", ""),
    ];
    for (client, secret) in posts {
        let pairs = [GRANT, ("client_id", client), ("client_secret", secret)];
        let answer = server.send(Request::form("/token", &pairs)).await;
        assert_eq!(answer.refusal(), refused(), "post {client} {secret}");
    }
    let basics = [
        ("post", "post-secret-of-more-than-32-characters"),
        ("jwt", JWT_SECRET),
        ("key", ""),
        ("spa", ""),
    ];
    for (client, secret) in basics {
        let answer = server.token_as(client, secret, &[GRANT]).await;
        assert_eq!(answer.refusal(), challenged(), "basic {client}");
    }
    let assertion = hs256(M2M_SECRET.as_bytes(), &claims(&server, "m2m", &[]));
    assert_eq!(refusal(&server, &assertion).await, refused());
}

#[tokio::test]
async fn an_assertion_works_once_wherever_it_is_sent() {
    let server = Server::start().await;
    let fresh = || hs256(JWT_SECRET.as_bytes(), &claims(&server, "jwt", &[]));
    for (first, second) in [
        ("/token", "/token"),
        ("/token", "/introspect"),
        ("/introspect", "/token"),
        ("/revoke", "/token"),
    ] {
        let assertion = fresh();
        assert_eq!(present(&server, first, &assertion).await.status, 200, "{first}");
        let expected = if second == "/introspect" {
            challenged()
        } else {
            refused()
        };
        assert_eq!(
            present(&server, second, &assertion).await.refusal(),
            expected,
            "{first} then {second}"
        );
    }
    let assertion = fresh();
    let answers =
        futures_util::future::join_all((0..16).map(|_| present(&server, "/token", &assertion))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
}

#[tokio::test]
async fn claims_of_an_assertion_are_checked() {
    let server = Server::start().await;
    let key = client_with_key(&server, "key", Algorithm::Es256).await;
    let now = server.clock.now().0;
    let mut cases = vec![
        ("aud", json!([ISSUER]), false),
        ("aud", json!([ISSUER, "https://evil.example"]), false),
    ];
    for claim in ["iss", "sub", "aud", "exp", "jti"] {
        cases.extend([(claim, json!(null), false), (claim, json!("m2m"), claim == "jti")]);
    }
    for aud in ["/token", "/introspect", "/"] {
        cases.push(("aud", json!(format!("{ISSUER}{aud}")), false));
    }
    cases.push(("aud", json!("http://LOCALHOST:8080"), false));
    for (claim, ahead, fine) in [
        ("exp", -1, false),
        ("exp", 300, true),
        ("exp", 86_400, false),
        ("nbf", 8, true),
        ("nbf", 61, false),
    ] {
        cases.push((claim, json!(now + ahead), fine));
    }
    cases.extend([("iat", json!(now + 8), true), ("iat", json!(now + 61), false)]);
    for (name, value, fine) in cases {
        let claims = claims(&server, "key", &[(name, value.clone())]);
        let answer = present(&server, "/token", &key.sign("JWT", &claims).unwrap()).await;
        let expected = if fine { (200, String::new()) } else { refused() };
        assert_eq!(answer.refusal(), expected, "{name} {value}");
    }
}

#[tokio::test]
async fn an_assertion_speaks_for_the_holder_of_the_key_only() {
    let server = Server::start().await;
    let key = client_with_key(&server, "key", Algorithm::Es256).await;
    client_with_key(&server, "victim", Algorithm::Es256).await;
    let for_victim = key.sign("JWT", &claims(&server, "victim", &[])).unwrap();
    assert_eq!(refusal(&server, &for_victim).await, refused());
    let own = key.sign("JWT", &claims(&server, "key", &[])).unwrap();
    let kind = ("client_assertion_type", ASSERTION_TYPE);
    let pairs = [
        GRANT,
        kind,
        ("client_assertion", own.as_str()),
        ("client_id", "victim"),
    ];
    let answer = server.send(Request::form("/token", &pairs)).await;
    assert_eq!(answer.refusal(), refused());
}

#[tokio::test]
async fn unsigned_assertions_and_public_keys_as_secrets_are_refused() {
    let server = Server::start().await;
    let key = client_with_key(&server, "key", Algorithm::Rs256).await;
    let pem = openssl::pkey::PKey::private_key_from_pkcs8(&key.to_pkcs8())
        .unwrap()
        .public_key_to_pem()
        .unwrap();
    let jwk = key.public_jwk().to_string().into_bytes();
    for material in [jwk, pem.clone(), pem.trim_ascii().to_vec()] {
        let assertion = hs256(&material, &claims(&server, "key", &[]));
        assert_eq!(refusal(&server, &assertion).await, refused());
    }
    for alg in ["none", "None", "nOnE", ""] {
        for (client, signature) in [("key", ""), ("jwt", ""), ("key", "junk"), ("jwt", "junk")] {
            let header = json!({ "alg": alg, "typ": "JWT" });
            let assertion = compact(&header, &claims(&server, client, &[]), |_| signature.into());
            assert_eq!(refusal(&server, &assertion).await, refused(), "{alg} {client}");
        }
    }
}

/// A certificate of a key, as `x5c` holds it (RFC 7515 §4.1.6).
fn self_signed(key: &SigningKey) -> String {
    let key = rcgen::KeyPair::try_from(&*key.to_pkcs8().to_vec()).unwrap();
    let params = rcgen::CertificateParams::new(vec!["client.example".to_owned()]).unwrap();
    STANDARD.encode(params.self_signed(&key).unwrap().der())
}

#[tokio::test]
async fn keys_in_the_header_are_neither_used_nor_fetched() {
    let server = Server::start().await;
    client_with_key(&server, "key", Algorithm::Es256).await;
    let canary = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    canary.set_nonblocking(true).unwrap();
    let address = format!("http://{}/", canary.local_addr().unwrap());
    let evil = SigningKey::generate(Algorithm::Es256, "key").unwrap();
    let signer = josekit::jws::ES256.signer_from_der(&*evil.to_pkcs8()).unwrap();
    for (name, value) in [
        ("jwk", evil.public_jwk().clone()),
        ("jku", json!(address)),
        ("x5u", json!(address)),
        ("x5c", json!([self_signed(&evil)])),
    ] {
        for kid in [Some("key"), None] {
            let mut header = json!({ "alg": "ES256", "typ": "JWT", name: value });
            if let Some(kid) = kid {
                header["kid"] = json!(kid);
            }
            let assertion = compact(&header, &claims(&server, "key", &[]), |text| {
                josekit::jws::JwsSigner::sign(&signer, text).unwrap()
            });
            assert_eq!(refusal(&server, &assertion).await, refused(), "{name} {kid:?}");
        }
    }
    assert!(canary.accept().is_err(), "somebody called");
}

#[tokio::test]
async fn two_methods_at_once_are_refused() {
    let server = Server::start().await;
    let assertion = hs256(JWT_SECRET.as_bytes(), &claims(&server, "jwt", &[]));
    let (kind, assertion) = (
        ("client_assertion_type", ASSERTION_TYPE),
        ("client_assertion", assertion.as_str()),
    );
    let invalid = (400, "invalid_request".to_owned());
    for pairs in [
        vec![GRANT, ("client_secret", M2M_SECRET)],
        vec![GRANT, kind, assertion],
    ] {
        let answer = server.token_as("m2m", M2M_SECRET, &pairs).await;
        assert_eq!(answer.refusal(), invalid, "{pairs:?}");
    }
    let pairs = [
        GRANT,
        kind,
        assertion,
        ("client_id", "jwt"),
        ("client_secret", JWT_SECRET),
    ];
    let answer = server.send(Request::form("/token", &pairs)).await;
    assert_eq!(answer.refusal(), invalid);
}

#[tokio::test]
async fn basic_takes_encoded_credentials_and_nothing_malformed() {
    let server = Server::start().await;
    let secret = "colon: percent% plus+ and more than 32 characters";
    let client =
        "[[client]]\nclient_id = \"odd\"\ngrant_types = [\"client_credentials\"]\nscope = \"books:read\"\n";
    server
        .apply(&format!("{client}client_secret = \"{secret}\"\n"))
        .await;
    let send = |value: String| {
        let request = Request::form("/token", &[GRANT]).header("authorization", value);
        server.send(request)
    };
    assert_eq!(send(basic("odd", secret)).await.status, 200);
    let lower = basic("m2m", M2M_SECRET).replace("Basic", "bAsIc");
    assert_eq!(send(lower).await.status, 200);
    let encoded = |text: &str| format!("Basic {}", STANDARD.encode(text));
    let good = STANDARD.encode(format!("m2m:{M2M_SECRET}"));
    for value in [
        "Basic".to_owned(),
        "Basic ".to_owned(),
        "Basic !!!".to_owned(),
        "Basic -_-_".to_owned(),
        format!("Basic {good}junk!"),
        format!("Bearer {good}"),
        good,
        encoded("m2m"),
        encoded(":"),
        encoded("m2m:%zz"),
        encoded(&format!("m2m:{M2M_SECRET}%0a")),
        encoded(&format!("m2m:{M2M_SECRET} ")),
    ] {
        let answer = send(value.clone()).await;
        assert_eq!(answer.refusal(), challenged(), "{value}");
    }
}

#[tokio::test]
async fn the_challenge_is_sent_to_who_used_the_header() {
    let server = Server::start().await;
    let by_header = server.token_as("m2m", "wrong", &[GRANT]).await;
    assert!(
        by_header
            .header("www-authenticate")
            .is_some_and(|value| value.starts_with("Basic "))
    );
    let pairs = [GRANT, ("client_id", "post"), ("client_secret", "wrong")];
    let by_form = server.send(Request::form("/token", &pairs)).await;
    assert_eq!(
        (by_form.refusal(), by_form.header("www-authenticate")),
        (refused(), None)
    );
}

#[tokio::test]
async fn an_unknown_client_and_a_wrong_secret_look_the_same() {
    let server = Server::start().await;
    let wrong = server.token_as("m2m", "wrong", &[GRANT]).await;
    let unknown = server.token_as("nobody", "wrong", &[GRANT]).await;
    let other_method = server.token_as("post", "wrong", &[GRANT]).await;
    assert_eq!(lasting(&wrong), lasting(&unknown));
    assert_eq!(lasting(&wrong), lasting(&other_method));
    let post = async |client: &str| {
        let pairs = [GRANT, ("client_id", client), ("client_secret", "wrong")];
        lasting(&server.send(Request::form("/token", &pairs)).await)
    };
    assert_eq!(post("post").await, post("nobody").await);
    let assertion = async |client: &str| {
        let assertion = hs256(
            b"a wrong secret of more than 32 bytes",
            &claims(&server, client, &[]),
        );
        lasting(&present(&server, "/token", &assertion).await)
    };
    assert_eq!(assertion("jwt").await, assertion("nobody").await);
}

/// Serves one JWKS, which can be changed, and counts how often it is asked for.
struct Published {
    address: std::net::SocketAddr,
    jwks: Arc<Mutex<Value>>,
    asked: Arc<AtomicUsize>,
}

impl Published {
    async fn start(jwks: Value) -> Published {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let published = Published {
            address: listener.local_addr().unwrap(),
            jwks: Arc::new(Mutex::new(jwks)),
            asked: Arc::default(),
        };
        let (jwks, asked) = (published.jwks.clone(), published.asked.clone());
        let document = async move || {
            asked.fetch_add(1, Ordering::SeqCst);
            axum::Json(jwks.lock().unwrap().clone())
        };
        let router = axum::Router::new().route("/jwks", axum::routing::get(document));
        tokio::spawn(async move { axum::serve(listener, router).await });
        published
    }

    fn publish(&self, keys: &[&SigningKey]) {
        *self.jwks.lock().unwrap() = jwks_of(keys);
    }
}

fn jwks_of(keys: &[&SigningKey]) -> Value {
    json!({ "keys": keys.iter().map(|key| key.public_jwk().clone()).collect::<Vec<_>>() })
}

#[tokio::test]
async fn published_keys_are_fetched_kept_and_fetched_again_for_a_new_one() {
    let (old, new) = (
        SigningKey::generate(Algorithm::Es256, "old").unwrap(),
        SigningKey::generate(Algorithm::Es256, "new").unwrap(),
    );
    let published = Published::start(jwks_of(&[&old])).await;
    let host = published.address.to_string();
    let server = Server::start_with(|config| config.outbound.allowed_private_hosts = vec![host]).await;
    server
        .apply(&format!(
            "[[client]]\nclient_id = \"far\"\ntoken_endpoint_auth_method = \"private_key_jwt\"\n\
             grant_types = [\"client_credentials\"]\nscope = \"books:read\"\njwks_uri = \"http://{}/jwks\"\n",
            published.address
        ))
        .await;
    let present = async |key: &SigningKey| {
        let assertion = key.sign("JWT", &claims(&server, "far", &[])).unwrap();
        present(&server, "/token", &assertion).await.status
    };
    assert_eq!(present(&old).await, 200);
    assert_eq!(present(&old).await, 200);
    assert_eq!(
        published.asked.load(Ordering::SeqCst),
        1,
        "the keys are kept for a while"
    );
    assert_eq!(present(&new).await, 400, "a key that is not published");
    published.publish(&[&new]);
    server.advance(protocol::time::Lifetime::minutes(2));
    assert_eq!(present(&new).await, 200, "an unknown kid makes us look again");
    assert_eq!(present(&old).await, 400, "a key that was withdrawn");
}

#[tokio::test]
async fn published_keys_of_a_private_address_are_not_fetched() {
    let key = SigningKey::generate(Algorithm::Es256, "key").unwrap();
    let published = Published::start(jwks_of(&[&key])).await;
    let server = Server::start().await;
    server
        .apply(&format!(
            "[[client]]\nclient_id = \"far\"\ntoken_endpoint_auth_method = \"private_key_jwt\"\n\
             grant_types = [\"client_credentials\"]\nscope = \"books:read\"\njwks_uri = \"https://{}/jwks\"\n",
            published.address
        ))
        .await;
    let assertion = key.sign("JWT", &claims(&server, "far", &[])).unwrap();
    assert_eq!(refusal(&server, &assertion).await, refused());
    assert_eq!(published.asked.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn an_endpoint_as_audience_is_for_the_clients_it_was_allowed() {
    let server = Server::start().await;
    let key = client_with_key(&server, "old-style", Algorithm::Es256).await;
    let to_token = || claims(&server, "old-style", &[("aud", json!(format!("{ISSUER}/token")))]);
    let assertion = key.sign("JWT", &to_token()).unwrap();
    assert_eq!(refusal(&server, &assertion).await, refused());
    let members = key.public_jwk().as_object().unwrap().iter();
    let members: Vec<_> = members.map(|(name, value)| format!("{name} = {value}")).collect();
    let server = Server::start().await;
    server
        .apply(&format!(
            "[[client]]\nclient_id = \"old-style\"\ntoken_endpoint_auth_method = \"private_key_jwt\"\n\
             allow_endpoint_audience = true\ngrant_types = [\"client_credentials\"]\nscope = \"books:read\"\n\
             jwks = {{ keys = [{{ {} }}] }}\n",
            members.join(", ")
        ))
        .await;
    let fine = key.sign(
        "JWT",
        &claims(&server, "old-style", &[("aud", json!(format!("{ISSUER}/token")))]),
    );
    assert_eq!(present(&server, "/token", &fine.unwrap()).await.status, 200);
    for aud in ["https://evil.example/token", "http://localhost:8080/authorize"] {
        let wrong = key.sign("JWT", &claims(&server, "old-style", &[("aud", json!(aud))]));
        assert_eq!(refusal(&server, &wrong.unwrap()).await, refused(), "{aud}");
    }
}
