use axum::body::{Body, to_bytes};
use axum::routing::{get, post};
use http::header::HOST;
use serde_json::Value;
use tower::ServiceExt as _;

use super::*;
use form::FormParams;

fn app() -> Router {
    let router = Router::new()
        .route(
            "/live",
            get(|id: RequestId| async move { id.as_str().to_owned() }),
        )
        .route(
            "/panic",
            get(async || -> &'static str { panic!("secret detail") }),
        )
        .route(
            "/form",
            post(async |FormParams(params): FormParams| params.as_pairs().len().to_string()),
        )
        .route("/json", post(async |body: String| body.len().to_string()));
    layers(
        router,
        Settings {
            https: true,
            ..Settings::default()
        },
    )
}

async fn send(request: http::request::Builder, body: impl Into<Body>) -> Response {
    let mut request = request.body(body.into()).unwrap();
    let host = HeaderValue::from_static("a.example");
    request.headers_mut().entry(HOST).or_insert(host);
    app().oneshot(request).await.unwrap()
}

async fn text(response: Response) -> String {
    String::from_utf8(to_bytes(response.into_body(), 4096).await.unwrap().to_vec()).unwrap()
}

fn form(uri: &str) -> http::request::Builder {
    Request::post(uri).header("content-type", "application/x-www-form-urlencoded")
}

#[tokio::test]
async fn the_handler_and_the_answer_have_the_same_id_and_it_is_ours() {
    let response = send(Request::get("/live").header("x-request-id", "theirs"), "").await;
    let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
    assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    assert_eq!(text(response).await, id);
    assert_ne!(id, "theirs");
}

#[tokio::test]
async fn what_is_not_there_is_guarded_too() {
    let response = send(Request::get("/nowhere"), "").await;
    assert_eq!(response.status(), 404);
    assert!(response.headers().contains_key("x-request-id"));
    assert!(response.headers().contains_key("content-security-policy"));
    assert_eq!(
        send(Request::builder().method("TRACE").uri("/live"), "")
            .await
            .status(),
        405
    );
}

#[tokio::test]
async fn a_panic_tells_only_the_id() {
    let response = send(Request::get("/panic"), "").await;
    assert_eq!(response.status(), 500);
    let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
    let text = text(response).await;
    assert!(!text.contains("secret"), "{text}");
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["request_id"], id);
}

#[tokio::test]
async fn what_is_too_large_is_refused() {
    let long = format!("/live?{}", "a".repeat(limits::URI_BYTES));
    assert_eq!(send(Request::get(long), "").await.status(), 414);
    let heavy = Request::get("/live").header("x-a", "a".repeat(limits::HEADER_BYTES));
    assert_eq!(send(heavy, "").await.status(), 431);
    let many = (0..=limits::HEADERS).fold(Request::get("/live"), |r, n| r.header(format!("x-{n}"), "a"));
    assert_eq!(send(many, "").await.status(), 431);
    assert_eq!(
        send(form("/form"), "a".repeat(limits::FORM_BYTES + 1))
            .await
            .status(),
        413
    );
    assert_eq!(
        send(Request::post("/json"), "a".repeat(2 * limits::BODY_BYTES))
            .await
            .status(),
        413
    );
    let endless = futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>("a".repeat(1000)));
    assert_eq!(
        send(Request::post("/json"), Body::from_stream(endless))
            .await
            .status(),
        413
    );
    let hosts = Request::get("/live").header("host", "a").header("host", "b");
    assert_eq!(send(hosts, "").await.status(), 400);
}

#[tokio::test]
async fn a_form_reaches_its_handler() {
    assert_eq!(text(send(form("/form"), "a=1&b=2").await).await, "2");
    let repeated = send(form("/form"), "a=1&a=2").await;
    assert_eq!(repeated.status(), 400);
    assert_eq!(repeated.headers()["cache-control"], "no-store");
    assert!(text(repeated).await.contains("\"invalid_request\""));
}
