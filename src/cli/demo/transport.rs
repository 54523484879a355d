//! The HTTP client of the samples: bounded in time and size, and it never follows a redirect.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};

use super::BoxError;

const MAX_BODY: usize = 256 * 1024;
const TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Clone)]
pub(super) struct Http(Client<HttpConnector, Full<Bytes>>);

/// A request that got no usable answer.
#[derive(Debug, thiserror::Error)]
#[error("{method} {uri} failed: {source}")]
pub(super) struct HttpError {
    method: http::Method,
    uri: http::Uri,
    source: BoxError,
}

impl Http {
    pub(super) fn new() -> Http {
        Http(Client::builder(TokioExecutor::new()).build_http())
    }

    /// Sends one request and reads the whole answer.
    pub(super) async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let answer = async {
            let response = self
                .0
                .request(request.map(|body| Full::new(Bytes::from(body))))
                .await?;
            let (parts, body) = response.into_parts();
            let body = Limited::new(body, MAX_BODY).collect().await?.to_bytes();
            Ok::<_, BoxError>(HttpResponse::from_parts(parts, body.to_vec()))
        };
        match tokio::time::timeout(TIMEOUT, answer).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(source)) => Err(HttpError { method, uri, source }),
            Err(elapsed) => Err(HttpError {
                method,
                uri,
                source: elapsed.into(),
            }),
        }
    }

    /// `GET`, with a bearer token when there is one.
    pub(super) async fn get(&self, url: &str, bearer: Option<&str>) -> Result<HttpResponse, BoxError> {
        let mut request = http::Request::get(url).header(http::header::ACCEPT, "application/json");
        if let Some(token) = bearer {
            request = request.header(http::header::AUTHORIZATION, format!("Bearer {token}"));
        }
        Ok(self.send(request.body(Vec::new())?).await?)
    }

    /// `POST` of a form by a client that authenticates with HTTP Basic (RFC 6749 §2.3.1).
    pub(super) async fn post_form(
        &self,
        url: &str,
        (client_id, secret): (&str, &str),
        fields: &[(&str, &str)],
    ) -> Result<HttpResponse, BoxError> {
        use base64::Engine as _;
        let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let credentials = format!("{}:{}", encode(client_id), encode(secret));
        let credentials = base64::engine::general_purpose::STANDARD.encode(credentials);
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let request = http::Request::post(url)
            .header(http::header::ACCEPT, "application/json")
            .header(http::header::AUTHORIZATION, format!("Basic {credentials}"))
            .header(http::header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body.into_bytes())?;
        Ok(self.send(request).await?)
    }

    /// `GET` of a JSON document that must be there.
    pub(super) async fn get_json(&self, url: &str) -> Result<(http::HeaderMap, serde_json::Value), BoxError> {
        let response = self.get(url, None).await?;
        if response.status() != http::StatusCode::OK {
            return Err(format!("GET {url} answered {}", response.status()).into());
        }
        let (parts, body) = response.into_parts();
        Ok((parts.headers, serde_json::from_slice(&body)?))
    }
}

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = HttpError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}
