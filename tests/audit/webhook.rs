//! Events on their way to somebody else.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use chancery::delivery::deliver_due;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer;
use protocol::time::Lifetime;
use serde_json::Value;
use store::outbox::Lane;
use tokio::net::TcpListener;

use super::{events, seal};
use crate::support::Server;

const SECRET: &str = "a secret of the webhook";

#[derive(Default)]
struct Received {
    posts: Mutex<Vec<(HeaderMap, String)>>,
    refuse: Mutex<bool>,
}

async fn receive(State(received): State<Arc<Received>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    if *received.refuse.lock().unwrap() {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    let body = String::from_utf8(body.to_vec()).unwrap();
    received.posts.lock().unwrap().push((headers, body));
    StatusCode::NO_CONTENT
}

async fn start() -> (Server, Arc<Received>) {
    let received = Arc::new(Received::default());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router: Router = Router::new()
        .route("/hook", post(receive))
        .with_state(received.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let server = Server::start_with(|config| {
        config.audit.webhook_url = Some(format!("http://{address}/hook"));
        config.audit.webhook_secret = Some(SECRET.into());
        config.outbound.allowed_private_hosts = vec![address.to_string()];
    })
    .await;
    (server, received)
}

async fn deliver(server: &Server) {
    deliver_due(&server.running.app, Lane::Audit).await.unwrap();
}

fn hmac(text: &str) -> String {
    let key = PKey::hmac(SECRET.as_bytes()).unwrap();
    let mut signer = Signer::new(MessageDigest::sha256(), &key).unwrap();
    let signature = signer.sign_oneshot_to_vec(text.as_bytes()).unwrap();
    signature.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn each_event_arrives_once_and_signed() {
    let (server, received) = start().await;
    server.tokens(&[]).await;
    seal(&server).await;
    deliver(&server).await;
    deliver(&server).await;
    let posts = received.posts.lock().unwrap().clone();
    let mut arrived = Vec::new();
    for (headers, body) in &posts {
        let signature = headers["x-chancery-signature"].to_str().unwrap();
        let (time, rest) = signature.strip_prefix("t=").unwrap().split_once(",v1=").unwrap();
        assert_eq!(rest, hmac(&format!("{time}.{body}")));
        assert_eq!(headers["content-type"], "application/json");
        let event: Value = serde_json::from_str(body).unwrap();
        assert_eq!(event["id"], headers["x-chancery-event-id"].to_str().unwrap());
        arrived.push(event["id"].as_str().unwrap().to_owned());
    }
    arrived.sort();
    let mut kept: Vec<_> = events(&server, Default::default()).await;
    kept.sort_by_key(|event| event.id.to_string());
    let kept: Vec<_> = kept.iter().map(|event| event.id.to_string()).collect();
    assert_eq!(arrived, kept);
    assert!(posts.iter().any(|(_, body)| body.contains("session.started")));
}

#[tokio::test]
async fn what_is_refused_is_sent_again_later() {
    let (server, received) = start().await;
    *received.refuse.lock().unwrap() = true;
    server.tokens(&[]).await;
    seal(&server).await;
    deliver(&server).await;
    *received.refuse.lock().unwrap() = false;
    let kept = events(&server, Default::default()).await.len();
    server.advance(Lifetime::minutes(2));
    deliver(&server).await;
    assert_eq!(received.posts.lock().unwrap().len(), kept);
}

#[tokio::test]
async fn a_webhook_that_is_away_holds_up_no_mail_and_no_request() {
    let (server, received) = start().await;
    *received.refuse.lock().unwrap() = true;
    server.tokens(&[]).await;
    seal(&server).await;
    let app = &server.running.app;
    let mail = chancery::mail::Mail::PasswordChanged;
    let locale = app.pages.locale(None, None);
    let letter = chancery::mail::Letter::write(app, "alice@example.test", locale, &mail);
    app.store
        .write(async move |db: &mut store::Conn| letter.queue(db).await)
        .await
        .unwrap();
    assert!(
        server
            .mails()
            .await
            .iter()
            .any(|mail| mail.to == "alice@example.test")
    );
    assert!(received.posts.lock().unwrap().is_empty());
}

#[tokio::test]
async fn after_three_days_it_is_given_up() {
    let (server, received) = start().await;
    *received.refuse.lock().unwrap() = true;
    server.tokens(&[]).await;
    seal(&server).await;
    deliver(&server).await;
    server.advance(Lifetime::days(4));
    *received.refuse.lock().unwrap() = false;
    deliver(&server).await;
    assert!(received.posts.lock().unwrap().is_empty());
    let count = async |db: &mut store::Conn| store::outbox::count(db).await;
    assert_eq!(server.running.app.store.read(count).await.unwrap(), 0);
}

#[tokio::test]
async fn without_a_webhook_nothing_waits() {
    let server = super::with_events().await;
    let count = async |db: &mut store::Conn| store::outbox::count(db).await;
    assert_eq!(server.running.app.store.read(count).await.unwrap(), 0);
}
