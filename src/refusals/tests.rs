use axum::body::Body;
use axum::extract::Request;
use axum::routing::any;
use axum::{Extension, Router};
use bytes::Bytes;
use tower::ServiceExt as _;

use super::*;

fn refusals(clock: &Clock) -> Refusals {
    let statistics = Arc::new(Statistics::new(clock.clone()));
    Refusals::new(clock.clone(), statistics, None, &Arc::new(Sealer::new([7; 32])))
}

/// A request as it looks behind the router.
async fn sent(
    path: &'static str,
    uri: &str,
    authorization: Option<&str>,
    form: &'static str,
) -> Option<Sent> {
    let mut request = Request::post(uri).header("content-type", "application/x-www-form-urlencoded");
    if let Some(authorization) = authorization {
        request = request.header("authorization", authorization);
    }
    let request = request.body(Body::empty()).unwrap();
    let found = Arc::new(Mutex::new(None));
    let kept = found.clone();
    let handler = async move |Extension(kept): Extension<Arc<Mutex<Option<Sent>>>>, request: Request| {
        *kept.lock().unwrap() = Sent::of(&request, &Bytes::from_static(form.as_bytes()));
    };
    let router: Router = Router::new().route(path, any(handler)).layer(Extension(kept));
    router.oneshot(request).await.unwrap();
    found.lock().unwrap().clone()
}

#[tokio::test]
async fn a_request_is_found_again_without_its_secrets() {
    let clock = Clock::manual(Timestamp(1000));
    let refusals = refusals(&clock);
    let form = "grant_type=authorization_code&code=ac_canary&client_secret=canary&redirect_uri=https://a.test/?x=canary";
    let sent = sent(
        "/token",
        "/token?access_token=canary",
        Some("Basic d2ViOmNhbmFyeQ=="),
        form,
    )
    .await;
    let id = RequestId::new();
    refusals.note(
        id,
        &sent.unwrap(),
        &Told::new("invalid_grant", "the code is unknown"),
    );
    let found = refusals.find(id.as_str()).await.unwrap();
    assert_eq!(found.client_id.as_deref(), Some("web"));
    assert_eq!(found.authorization.as_deref(), Some("Basic"));
    assert_eq!((found.at, found.endpoint.as_str()), (1000, "/token"));
    let json = serde_json::to_string(found.as_ref()).unwrap();
    assert!(
        !json.contains("canary") && json.contains("authorization_code"),
        "{json}"
    );
    assert_eq!(refusals.list(Some("web"), 10).await.len(), 1);
    assert!(refusals.list(Some("other"), 10).await.is_empty());
}

#[tokio::test]
async fn other_paths_are_not_looked_at() {
    assert!(sent("/login", "/login", None, "").await.is_none());
    assert!(
        sent("/authorize/{interaction}", "/authorize/x", None, "")
            .await
            .is_some()
    );
}

#[tokio::test]
async fn what_is_remembered_is_bounded_in_number_and_time() {
    let clock = Clock::manual(Timestamp(1000));
    let refusals = refusals(&clock);
    let sent = sent("/token", "/token", None, "grant_type=password")
        .await
        .unwrap();
    let first = RequestId::new();
    refusals.note(first, &sent, &Told::new("invalid_client", ""));
    for _ in 0..CAPACITY {
        refusals.note(RequestId::new(), &sent, &Told::new("invalid_client", ""));
    }
    assert!(refusals.find(first.as_str()).await.is_none());
    assert_eq!(refusals.list(None, usize::MAX).await.len(), CAPACITY);
    clock.advance(Lifetime::hours(25));
    assert!(refusals.list(None, usize::MAX).await.is_empty());
}
