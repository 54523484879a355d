//! The sample relying party: signs in with the provider, shows what it got, and calls the resource server.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::{Path, RawQuery, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use openidconnect::HttpRequest;
use serde_json::Value;

use super::oidc::{Pending, RelyingParty, Tokens};
use super::sample::Sample;
use super::transport::Http;
use super::{BoxError, chain, pages};
use crate::clock::Clock;

const COOKIE: &str = "demo_relying_party";
const MAX_SESSIONS: usize = 1000;

type Shared = State<Arc<Bookshop>>;

struct Bookshop {
    party: RelyingParty,
    sample: Arc<Sample>,
    http: Http,
    sessions: Mutex<HashMap<String, Session>>,
}

enum Session {
    Leaving(Pending),
    SignedIn(SignedIn),
}

#[derive(Clone)]
struct SignedIn {
    tokens: Tokens,
    call: Option<Call>,
    notice: Option<String>,
}

/// A request to the resource server and its answer, as text.
#[derive(Clone)]
pub(super) struct Call {
    pub(super) request: String,
    pub(super) response: String,
}

/// The routes of the relying party, which has found its provider first.
pub(super) async fn router(sample: Arc<Sample>, http: Http) -> Result<Router, BoxError> {
    let party = RelyingParty::discover(&sample, http.clone()).await?;
    let shop = Arc::new(Bookshop {
        party,
        sample,
        http,
        sessions: Mutex::default(),
    });
    Ok(Router::new()
        .route("/", get(home))
        .route("/sign-in", post(sign_in))
        .route("/callback", get(callback))
        .route("/tokens", get(tokens))
        .route("/call/{what}", post(call))
        .route("/refresh", post(refresh))
        .route("/sign-out", post(sign_out))
        .route("/authenticator", get(authenticator))
        .route("/style.css", get(style))
        .layer(axum::middleware::from_fn_with_state(shop.clone(), guard))
        .with_state(shop))
}

/// Refuses forms posted from elsewhere and sets the headers of every answer.
async fn guard(State(shop): Shared, request: Request, next: Next) -> Response {
    let own = shop.sample.origins.relying_party.as_bytes();
    let foreign = request
        .headers()
        .get(header::ORIGIN)
        .is_some_and(|origin| origin.as_bytes() != own);
    if request.method() != http::Method::GET && foreign {
        return (
            StatusCode::FORBIDDEN,
            Html(pages::problem("This form was sent from another site.")),
        )
            .into_response();
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let policy = format!(
        "default-src 'none'; style-src 'self'; form-action 'self' {}; base-uri 'none'; frame-ancestors 'none'",
        shop.sample.origins.issuer
    );
    if let Ok(policy) = HeaderValue::try_from(policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn home(State(shop): Shared, headers: HeaderMap) -> Response {
    match shop.signed_in(&headers) {
        Some(_) => Redirect::to("/tokens").into_response(),
        None => Html(pages::home()).into_response(),
    }
}

async fn style() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], pages::STYLE)
}

async fn authenticator(State(shop): Shared) -> Html<String> {
    let (code, remaining) = shop.sample.totp.now();
    Html(pages::authenticator(&code, remaining))
}

async fn sign_in(State(shop): Shared, headers: HeaderMap) -> Response {
    let (url, pending) = shop.party.authorization_url();
    shop.begin(&headers, Session::Leaving(pending), url.as_str())
}

async fn callback(State(shop): Shared, headers: HeaderMap, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let response: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect();
    match shop.finish(&headers, &response).await {
        Ok(tokens) => {
            let signed_in = SignedIn {
                tokens,
                call: None,
                notice: None,
            };
            shop.begin(&headers, Session::SignedIn(signed_in), "/tokens")
        }
        Err(error) => (
            StatusCode::BAD_REQUEST,
            Html(pages::problem(&chain(error.as_ref()))),
        )
            .into_response(),
    }
}

async fn tokens(State(shop): Shared, headers: HeaderMap) -> Response {
    let Some(SignedIn { tokens, call, notice }) = shop.signed_in(&headers) else {
        return Redirect::to("/").into_response();
    };
    let userinfo = match shop.party.userinfo(&tokens).await {
        Ok(claims) => serde_json::to_value(claims).unwrap_or_default(),
        Err(error) => Value::String(chain(error.as_ref())),
    };
    let now = Clock::System.now().0;
    Html(pages::tokens(
        &tokens,
        &userinfo,
        call.as_ref(),
        notice.as_deref(),
        now,
    ))
    .into_response()
}

async fn call(State(shop): Shared, headers: HeaderMap, Path(what): Path<String>) -> Response {
    let Some(SignedIn { tokens, .. }) = shop.signed_in(&headers) else {
        return Redirect::to("/").into_response();
    };
    let token = (what != "bare").then_some(tokens.access_token.as_str());
    let call = match shop.call(token, what == "write").await {
        Ok(call) => call,
        Err(error) => Call {
            request: what,
            response: chain(error.as_ref()),
        },
    };
    shop.change(&headers, |session| {
        session.call = Some(call);
        session.notice = None;
    });
    Redirect::to("/tokens").into_response()
}

async fn refresh(State(shop): Shared, headers: HeaderMap) -> Response {
    let Some(SignedIn { tokens, .. }) = shop.signed_in(&headers) else {
        return Redirect::to("/").into_response();
    };
    let outcome = shop.party.refresh(&tokens).await;
    shop.change(&headers, |session| match outcome {
        Ok(tokens) => {
            session.tokens = tokens;
            session.notice =
                Some("Refreshed: new tokens, and the old refresh token has been used up.".to_owned());
        }
        Err(error) => session.notice = Some(format!("The refresh was refused: {}", chain(error.as_ref()))),
    });
    Redirect::to("/tokens").into_response()
}

async fn sign_out(State(shop): Shared, headers: HeaderMap) -> Response {
    let Some(SignedIn { tokens, .. }) = shop.signed_in(&headers) else {
        return Redirect::to("/").into_response();
    };
    if let Some(id) = session_id(&headers) {
        shop.sessions().remove(id);
    }
    let return_to = shop.sample.origins.post_logout_redirect_uri();
    match shop.party.logout_url(&tokens.id_token, &return_to) {
        Ok(url) => Redirect::to(url.as_str()).into_response(),
        Err(_) => Redirect::to("/").into_response(),
    }
}

impl Bookshop {
    fn sessions(&self) -> MutexGuard<'_, HashMap<String, Session>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn signed_in(&self, headers: &HeaderMap) -> Option<SignedIn> {
        match self.sessions().get(session_id(headers)?)? {
            Session::SignedIn(signed_in) => Some(signed_in.clone()),
            Session::Leaving(_) => None,
        }
    }

    fn change(&self, headers: &HeaderMap, change: impl FnOnce(&mut SignedIn)) {
        let mut sessions = self.sessions();
        if let Some(Session::SignedIn(session)) = session_id(headers).and_then(|id| sessions.get_mut(id)) {
            change(session);
        }
    }

    /// Puts `session` under a new identifier and sends the browser on with it.
    fn begin(&self, headers: &HeaderMap, session: Session, location: &str) -> Response {
        let id = crate::random::secret("");
        let mut sessions = self.sessions();
        if let Some(old) = session_id(headers) {
            sessions.remove(old);
        }
        if sessions.len() >= MAX_SESSIONS {
            sessions.clear();
        }
        sessions.insert(id.expose().to_owned(), session);
        drop(sessions);
        let cookie = format!("{COOKIE}={}; Path=/; HttpOnly; SameSite=Lax", id.expose());
        ([(header::SET_COOKIE, cookie)], Redirect::to(location)).into_response()
    }

    /// Turns the authorization response into verified tokens. The pending sign-in is used up by the try.
    async fn finish(&self, headers: &HeaderMap, response: &[(String, String)]) -> Result<Tokens, BoxError> {
        let started = session_id(headers).and_then(|id| self.sessions().remove(id));
        let Some(Session::Leaving(pending)) = started else {
            return Err("no sign-in was started in this browser, or it has been finished already".into());
        };
        let code = self.party.code(&pending, response)?;
        let answer = self.party.exchange(&code, &pending).await?;
        self.party.verify(&answer, &pending)
    }

    async fn call(&self, token: Option<&str>, write: bool) -> Result<Call, BoxError> {
        let url = format!("{}/books", self.sample.origins.resource);
        let method = if write { "POST" } else { "GET" };
        let body = if write {
            r#"{"title":"The Third Policeman","author":"Flann O'Brien"}"#
        } else {
            ""
        };
        let mut request = HttpRequest::new(body.as_bytes().to_vec());
        *request.method_mut() = method.parse()?;
        *request.uri_mut() = url.parse()?;
        let mut told = format!("{method} {url}\n");
        if let Some(token) = token {
            request
                .headers_mut()
                .insert(header::AUTHORIZATION, format!("Bearer {token}").parse()?);
            told.push_str(&format!(
                "Authorization: Bearer {}…\n",
                token.get(..24).unwrap_or_default()
            ));
        }
        if write {
            request
                .headers_mut()
                .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            told.push_str(&format!("Content-Type: application/json\n\n{body}\n"));
        }
        let response = self.http.send(request).await?;
        let mut answer = format!("{}\n", response.status());
        if let Some(challenge) = response.headers().get(header::WWW_AUTHENTICATE) {
            answer.push_str(&format!("WWW-Authenticate: {}\n", challenge.to_str()?));
        }
        let document: Value = serde_json::from_slice(response.body()).unwrap_or_default();
        answer.push_str(&format!("\n{}", pages::pretty(&document)));
        Ok(Call {
            request: told,
            response: answer,
        })
    }
}

fn session_id(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok());
    let mut pairs = cookies
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).map(|(_, value)| value)
}
