use axum::body::to_bytes;
use protocol::error::{invalid_client, invalid_grant};

use super::*;

async fn body(response: Response) -> Value {
    serde_json::from_slice(&to_bytes(response.into_body(), 4096).await.unwrap()).unwrap()
}

#[tokio::test]
async fn a_token_refusal_is_json_that_nobody_keeps() {
    let response = Error::<TokenRefusal>::from(invalid_grant("code expired")).into_response();
    assert_eq!(response.status(), 400);
    assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
    assert_eq!(response.headers()[PRAGMA], "no-cache");
    assert!(!response.headers().contains_key(WWW_AUTHENTICATE));
    let expected = json!({ "error": "invalid_grant", "error_description": "code expired" });
    assert_eq!(body(response).await, expected);
}

#[tokio::test]
async fn a_client_that_asks_too_often_is_told_when_to_come_back() {
    let response = TokenRefusal::too_many(RetryAfter(7)).into_response();
    assert_eq!(response.status(), 429);
    assert_eq!(response.headers()[RETRY_AFTER], "7");
    assert_eq!(body(response).await["error"], "temporarily_unavailable");
}

#[test]
fn a_client_that_used_basic_is_told_the_scheme() {
    let basic = TokenRefusal {
        basic: true,
        ..TokenRefusal::from(invalid_client())
    }
    .into_response();
    assert_eq!(basic.status(), 401);
    assert_eq!(basic.headers()[WWW_AUTHENTICATE], "Basic realm=\"chancery\"");
    let posted = TokenRefusal::from(invalid_client()).into_response();
    assert_eq!(posted.status(), 400);
    assert!(!posted.headers().contains_key(WWW_AUTHENTICATE));
}

#[test]
fn a_bearer_refusal_names_an_error_only_when_a_token_was_sent() {
    let none = BearerRefusal::NoToken.into_response();
    assert_eq!(none.status(), 401);
    assert_eq!(none.headers()[WWW_AUTHENTICATE], "Bearer realm=\"chancery\"");
    let wrong = OAuthError::new(ErrorCode::InvalidToken, "the \"token\" expired");
    let wrong = BearerRefusal::from(wrong).into_response();
    assert_eq!(
        wrong.headers()[WWW_AUTHENTICATE],
        "Bearer realm=\"chancery\", error=\"invalid_token\", error_description=\"the token expired\""
    );
    assert_eq!(
        BearerRefusal::InsufficientScope("openid".into())
            .into_response()
            .status(),
        403
    );
}

#[test]
fn a_call_for_a_stronger_sign_in_says_how_strong() {
    let refusal = BearerRefusal::InsufficientAuthentication {
        max_age: 300,
        acr: Some(Acr::MultiFactor),
    };
    let response = refusal.into_response();
    assert_eq!(response.status(), 401);
    assert_eq!(
        response.headers()[WWW_AUTHENTICATE],
        "Bearer realm=\"chancery\", error=\"insufficient_user_authentication\", \
         error_description=\"a fresh or stronger sign-in is needed\", acr_values=\"2\", max_age=\"300\""
    );
}

#[tokio::test]
async fn a_failure_tells_nothing() {
    let failed = Error::<TokenRefusal>::failed("the disk at /secret burns").into_response();
    assert_eq!(failed.status(), 500);
    assert_eq!(body(failed).await, json!({ "error": "server_error" }));
}

#[test]
fn a_database_that_is_busy_or_away_asks_to_come_back() {
    for error in [
        Error::<Problem>::from(StoreError::Busy),
        Error::from(StoreError::Unavailable("gone".into())),
        Error::from(StoreError::Closed),
        Error::from(passwords::Busy),
    ] {
        let busy = error.into_response();
        assert_eq!(busy.status(), 503);
        assert_eq!(busy.headers()[RETRY_AFTER], "1");
    }
}

#[tokio::test]
async fn a_problem_has_its_members() {
    let response = Problem::new(StatusCode::CONFLICT, "taken")
        .with("field", "username")
        .into_response();
    assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
    let body = body(response).await;
    assert_eq!(
        (&body["title"], &body["status"]),
        (&json!("Conflict"), &json!(409))
    );
    assert_eq!(
        (&body["detail"], &body["field"]),
        (&json!("taken"), &json!("username"))
    );
}
