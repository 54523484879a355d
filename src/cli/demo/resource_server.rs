//! The sample resource server: a shelf of books behind access tokens (RFC 9068) that it verifies by the
//! provider's published keys alone.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use protocol::access_token::VerifiedAccessToken;
use protocol::jose::{self, KeySet};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::sample::Origins;
use super::transport::Http;
use super::{BoxError, chain};
use crate::clock::Clock;

const DEFAULT_MAX_AGE: Duration = Duration::from_secs(300);
/// A token with an unknown key may make us ask again, but not more often than this.
const REFETCH_PAUSE: Duration = Duration::from_secs(5);
const MAX_BOOKS: usize = 100;

/// The routes of the resource server.
pub(super) fn router(origins: &Origins, http: Http) -> Router {
    let books = [
        ("Middlemarch", "George Eliot"),
        ("The Leopard", "Giuseppe Tomasi di Lampedusa"),
    ]
    .map(|(title, author)| Book {
        title: title.to_owned(),
        author: author.to_owned(),
    });
    let server = Arc::new(ResourceServer {
        issuer: origins.issuer.clone(),
        identifier: origins.resource.clone(),
        http,
        keys: tokio::sync::Mutex::new(None),
        books: Mutex::new(books.to_vec()),
    });
    Router::new()
        .route("/books", get(list).post(add))
        .with_state(server)
}

struct ResourceServer {
    issuer: String,
    identifier: String,
    http: Http,
    keys: tokio::sync::Mutex<Option<PublishedKeys>>,
    books: Mutex<Vec<Book>>,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Book {
    title: String,
    author: String,
}

struct PublishedKeys {
    set: Arc<KeySet>,
    kids: BTreeSet<String>,
    fetched_at: Instant,
    max_age: Duration,
}

/// A refusal as RFC 6750 §3 words it.
enum Refusal {
    NoToken,
    InvalidToken(String),
    InsufficientScope(&'static str),
    Unavailable,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, challenge, error, description) = match self {
            Refusal::NoToken => (
                StatusCode::UNAUTHORIZED,
                "Bearer realm=\"books\"".to_owned(),
                None,
                "send an access token".to_owned(),
            ),
            Refusal::InvalidToken(why) => {
                let why = why.replace(['"', '\\'], "'");
                let why: String = why.chars().filter(|c| matches!(c, ' '..='~')).collect();
                let challenge =
                    format!("Bearer realm=\"books\", error=\"invalid_token\", error_description=\"{why}\"");
                (StatusCode::UNAUTHORIZED, challenge, Some("invalid_token"), why)
            }
            Refusal::InsufficientScope(scope) => {
                let challenge =
                    format!("Bearer realm=\"books\", error=\"insufficient_scope\", scope=\"{scope}\"");
                let why = format!("the access token lacks the scope {scope}");
                (StatusCode::FORBIDDEN, challenge, Some("insufficient_scope"), why)
            }
            Refusal::Unavailable => {
                let why = json!({ "error_description": "the provider's keys cannot be read" });
                return (StatusCode::SERVICE_UNAVAILABLE, Json(why)).into_response();
            }
        };
        let body = Json(json!({ "error": error, "error_description": description }));
        (status, [(header::WWW_AUTHENTICATE, challenge)], body).into_response()
    }
}

/// `GET /books`
async fn list(State(server): State<Arc<ResourceServer>>, headers: HeaderMap) -> Result<Json<Value>, Refusal> {
    let subject = server.authorize(&headers, "books:read").await?;
    let books = server
        .books
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    Ok(Json(json!({ "reader": subject, "books": books })))
}

/// `POST /books`
async fn add(
    State(server): State<Arc<ResourceServer>>,
    headers: HeaderMap,
    body: Result<Json<Book>, axum::extract::rejection::JsonRejection>,
) -> Result<Response, Refusal> {
    server.authorize(&headers, "books:write").await?;
    let Ok(Json(book)) = body else {
        let why = json!({ "error_description": "send {\"title\": …, \"author\": …}" });
        return Ok((StatusCode::BAD_REQUEST, Json(why)).into_response());
    };
    let mut books = server.books.lock().unwrap_or_else(PoisonError::into_inner);
    if books.len() < MAX_BOOKS {
        books.push(book.clone());
    }
    Ok((StatusCode::CREATED, Json(book)).into_response())
}

impl ResourceServer {
    /// Who is calling, when the token is good for `scope` here (RFC 9068 §4).
    async fn authorize(&self, headers: &HeaderMap, scope: &'static str) -> Result<String, Refusal> {
        let token = bearer(headers).ok_or(Refusal::NoToken)?;
        let invalid = |error: &dyn std::fmt::Display| Refusal::InvalidToken(error.to_string());
        let unverified = jose::parse_unverified(token).map_err(|error| invalid(&error))?;
        let keys = self.keys(unverified.kid.as_deref()).await.map_err(|error| {
            tracing::warn!(
                error = chain(error.as_ref()),
                "the provider's keys cannot be read"
            );
            Refusal::Unavailable
        })?;
        let now = Clock::System.now();
        let verified =
            VerifiedAccessToken::verify(token, &keys, &self.issuer, now).map_err(|error| invalid(&error))?;
        if !verified.is_for(&self.identifier) {
            return Err(Refusal::InvalidToken(
                "the token is for another resource".to_owned(),
            ));
        }
        if verified.scope.contains(scope) {
            Ok(verified.sub)
        } else {
            Err(Refusal::InsufficientScope(scope))
        }
    }

    /// The provider's keys, as long as its `max-age` allows; once more when a `kid` is new.
    async fn keys(&self, kid: Option<&str>) -> Result<Arc<KeySet>, BoxError> {
        let mut keys = self.keys.lock().await;
        if let Some(known) = keys.as_ref() {
            let age = known.fetched_at.elapsed();
            let knows_kid = kid.is_none_or(|kid| known.kids.contains(kid));
            if age < known.max_age && (knows_kid || age < REFETCH_PAUSE) {
                return Ok(known.set.clone());
            }
        }
        let fetched = self.fetch_keys().await?;
        let set = fetched.set.clone();
        *keys = Some(fetched);
        Ok(set)
    }

    async fn fetch_keys(&self) -> Result<PublishedKeys, BoxError> {
        let location = format!("{}/.well-known/openid-configuration", self.issuer);
        let (_, metadata) = self.http.get_json(&location).await?;
        let text = |name: &str| metadata.get(name).and_then(Value::as_str);
        if text("issuer") != Some(&self.issuer) {
            return Err("the discovery document names another issuer".into());
        }
        let (headers, jwks) = self
            .http
            .get_json(text("jwks_uri").ok_or("the discovery document has no jwks_uri")?)
            .await?;
        let kids = jwks.get("keys").and_then(Value::as_array).into_iter().flatten();
        let kids = kids
            .filter_map(|key| key.get("kid")?.as_str())
            .map(str::to_owned)
            .collect();
        Ok(PublishedKeys {
            set: Arc::new(KeySet::from_jwks(&jwks)?),
            kids,
            fetched_at: Instant::now(),
            max_age: max_age(&headers).unwrap_or(DEFAULT_MAX_AGE),
        })
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let directives = headers.get(header::CACHE_CONTROL)?.to_str().ok()?.split(',');
    let seconds = directives
        .filter_map(|directive| directive.trim().strip_prefix("max-age="))
        .next()?;
    seconds.parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use protocol::access_token::TokenId;
    use protocol::jose::{Algorithm, SigningKey};

    use super::*;

    const ISSUER: &str = "http://localhost:1";
    const IDENTIFIER: &str = "http://localhost:3";

    fn server(key: &SigningKey) -> ResourceServer {
        let known = PublishedKeys {
            set: Arc::new(KeySet::new(vec![key.verification_key()])),
            kids: BTreeSet::from([key.kid().to_owned()]),
            fetched_at: Instant::now(),
            max_age: Duration::from_secs(3600),
        };
        ResourceServer {
            issuer: ISSUER.into(),
            identifier: IDENTIFIER.into(),
            http: Http::new(),
            keys: tokio::sync::Mutex::new(Some(known)),
            books: Mutex::new(Vec::new()),
        }
    }

    fn claims() -> Value {
        let now = Clock::System.now().0;
        json!({ "iss": ISSUER, "aud": [IDENTIFIER, ISSUER], "sub": "a", "client_id": "c", "iat": now, "exp": now + 60,
            "jti": TokenId::without_grant([1; 16]), "scope": "books:read" })
    }

    async fn status(server: &ResourceServer, token: Option<&str>, scope: &'static str) -> StatusCode {
        let mut headers = HeaderMap::new();
        if let Some(token) = token {
            headers.insert(header::AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
        }
        match server.authorize(&headers, scope).await {
            Ok(_) => StatusCode::OK,
            Err(refusal) => {
                let response = refusal.into_response();
                assert!(response.headers().contains_key(header::WWW_AUTHENTICATE));
                response.status()
            }
        }
    }

    #[tokio::test]
    async fn a_token_opens_what_its_scope_names() {
        let key = SigningKey::generate(Algorithm::Es256, "k").unwrap();
        let server = server(&key);
        let token = key.sign("at+jwt", &claims()).unwrap();
        assert_eq!(status(&server, Some(&token), "books:read").await, StatusCode::OK);
        assert_eq!(
            status(&server, Some(&token), "books:write").await,
            StatusCode::FORBIDDEN
        );
        assert_eq!(
            status(&server, None, "books:read").await,
            StatusCode::UNAUTHORIZED
        );
        assert_eq!(
            status(&server, Some("x"), "books:read").await,
            StatusCode::UNAUTHORIZED
        );
    }

    #[tokio::test]
    async fn a_token_for_someone_or_something_else_is_refused() {
        let key = SigningKey::generate(Algorithm::Es256, "k").unwrap();
        let server = server(&key);
        let id_token = key.sign("JWT", &claims()).unwrap();
        assert_eq!(
            status(&server, Some(&id_token), "books:read").await,
            StatusCode::UNAUTHORIZED
        );
        for (name, value) in [
            ("iss", json!("http://evil")),
            ("aud", json!(ISSUER)),
            ("exp", json!(1)),
        ] {
            let mut claims = claims();
            claims[name] = value;
            let token = key.sign("at+jwt", &claims).unwrap();
            assert_eq!(
                status(&server, Some(&token), "books:read").await,
                StatusCode::UNAUTHORIZED,
                "{name}"
            );
        }
    }

    #[test]
    fn max_age_is_read_from_cache_control() {
        let headers = |value: &'static str| {
            HeaderMap::from_iter([(header::CACHE_CONTROL, axum::http::HeaderValue::from_static(value))])
        };
        assert_eq!(
            max_age(&headers("public, max-age=60")),
            Some(Duration::from_secs(60))
        );
        assert_eq!(max_age(&headers("no-store")), None);
    }
}
