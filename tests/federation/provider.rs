//! A provider that says what it is told to, and the way of a browser to it and back.

use std::sync::{Arc, Mutex};

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::{Json, Router};
use chancery::config::Config;
use http_body_util::BodyExt as _;
use protocol::jose::{Algorithm, SigningKey};
use scraper::{Html, Selector};
use serde_json::{Map, Value, json};

use crate::support::{Answer, Browser, Request as Sent, Server, query_of};

/// What a provider says, and what it was asked.
#[derive(Default)]
struct Script {
    metadata: Map<String, Value>,
    jwks: Value,
    token: Value,
    token_status: StatusCode,
    userinfo: Value,
    asked: Vec<Asked>,
}

/// A request to the provider.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) path: String,
    pub(super) authorization: Option<String>,
    pub(super) body: String,
}

/// A provider on a port of its own.
pub(super) struct Provider {
    pub(super) issuer: String,
    pub(super) key: SigningKey,
    script: Arc<Mutex<Script>>,
}

impl Provider {
    pub(super) async fn start() -> Provider {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let key = SigningKey::generate(Algorithm::Es256, "k1").unwrap();
        let script = Arc::new(Mutex::new(Script {
            jwks: json!({ "keys": [key.public_jwk()] }),
            ..Script::default()
        }));
        let provider = Provider {
            issuer,
            key,
            script: script.clone(),
        };
        for (name, path) in [
            ("authorization_endpoint", "/authorize"),
            ("token_endpoint", "/token"),
            ("jwks_uri", "/jwks"),
            ("userinfo_endpoint", "/userinfo"),
        ] {
            provider.publishes(name, json!(format!("{}{path}", provider.issuer)));
        }
        for (name, value) in [
            ("issuer", json!(provider.issuer)),
            ("response_types_supported", json!(["code"])),
            ("subject_types_supported", json!(["public"])),
            ("id_token_signing_alg_values_supported", json!(["ES256"])),
        ] {
            provider.publishes(name, value);
        }
        let router = Router::new().fallback(answer).with_state(script);
        tokio::spawn(async move { axum::serve(listener, router).await });
        provider
    }

    /// Sets a member of the metadata.
    pub(super) fn publishes(&self, name: &str, value: Value) {
        self.script
            .lock()
            .unwrap()
            .metadata
            .insert(name.to_owned(), value);
    }

    pub(super) fn publishes_keys(&self, keys: &[&SigningKey]) {
        let keys: Vec<_> = keys.iter().map(|key| key.public_jwk()).collect();
        self.script.lock().unwrap().jwks = json!({ "keys": keys });
    }

    /// Sets the ID Token, as it is.
    pub(super) fn sends(&self, id_token: &str) {
        self.script.lock().unwrap().token =
            json!({ "access_token": "at", "token_type": "Bearer", "id_token": id_token });
    }

    /// Has the token endpoint answer with this status and an error.
    pub(super) fn fails_to_redeem(&self, status: u16) {
        let mut script = self.script.lock().unwrap();
        script.token = json!({ "error": "invalid_grant" });
        script.token_status = StatusCode::from_u16(status).unwrap();
    }

    /// Sets what the userinfo endpoint says.
    pub(super) fn tells(&self, userinfo: Value) {
        self.script.lock().unwrap().userinfo = userinfo;
    }

    /// Signs an ID Token that would be good, with changes; a null takes a claim out.
    pub(super) fn says(&self, trip: &Trip, changes: Value) {
        self.sends(&self.key.sign("JWT", &self.claims(trip, changes)).unwrap());
    }

    pub(super) fn claims(&self, trip: &Trip, changes: Value) -> Value {
        let mut claims = json!({
            "iss": self.issuer, "aud": "chancery", "sub": "s1", "nonce": trip.nonce,
            "iat": trip.now, "exp": trip.now + 300,
        });
        for (name, value) in changes.as_object().unwrap() {
            match value {
                Value::Null => claims.as_object_mut().unwrap().remove(name),
                value => claims
                    .as_object_mut()
                    .unwrap()
                    .insert(name.clone(), value.clone()),
            };
        }
        claims
    }

    pub(super) fn asked(&self, path: &str) -> Vec<Asked> {
        let script = self.script.lock().unwrap();
        script
            .asked
            .iter()
            .filter(|asked| asked.path == path)
            .cloned()
            .collect()
    }

    /// A server that knows this provider as `corp`, with more lines about it.
    pub(super) async fn relied_on(&self, lines: &str) -> Server {
        self.relied_on_with(lines, |_| ()).await
    }

    pub(super) async fn relied_on_with(&self, lines: &str, change: impl FnOnce(&mut Config)) -> Server {
        let server = Server::start_with(|config| {
            config.outbound.allowed_private_hosts = vec!["127.0.0.1".to_owned()];
            change(config);
        })
        .await;
        server.apply(&self.entry(lines)).await;
        server
    }

    pub(super) fn entry(&self, lines: &str) -> String {
        format!(
            "[[upstream]]\nname = \"corp\"\ntitle = \"Corporate\"\nissuer = \"{}\"\nclient_id = \"chancery\"\n\
             client_secret = \"a secret: for corp\"\n{lines}\n",
            self.issuer
        )
    }
}

async fn answer(State(script): State<Arc<Mutex<Script>>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let authorization = head.headers.get("authorization");
    let mut script = script.lock().unwrap();
    script.asked.push(Asked {
        path: head.uri.path().to_owned(),
        authorization: authorization.map(|value| value.to_str().unwrap().to_owned()),
        body: String::from_utf8(body.to_vec()).unwrap(),
    });
    let document = match head.uri.path() {
        "/.well-known/openid-configuration" => Value::Object(script.metadata.clone()),
        "/jwks" => script.jwks.clone(),
        "/token" => script.token.clone(),
        "/userinfo" => script.userinfo.clone(),
        _ => Value::Null,
    };
    let status = match head.uri.path() {
        "/token" => script.token_status,
        _ => StatusCode::OK,
    };
    (status, Json(document)).into_response()
}

/// A browser on its way to the provider.
#[derive(Clone, Debug)]
pub(super) struct Trip {
    pub(super) url: String,
    pub(super) state: String,
    pub(super) nonce: String,
    pub(super) now: i64,
}

/// The target of the link with this id.
pub(super) fn link(page: &Answer, id: &str) -> Option<String> {
    let document = Html::parse_document(&page.body);
    let selector = Selector::parse(&format!("a#{id}")).unwrap();
    let found = document.select(&selector).next()?;
    found.value().attr("href").map(str::to_owned)
}

impl Trip {
    /// Asks for what needs a sign-in, and leaves for the provider.
    pub(super) async fn begin(server: &Server, browser: &mut Browser<'_>, path: &str) -> Trip {
        let page = browser.open(path).await;
        let link = link(&page, "upstream-corp").unwrap_or_else(|| panic!("no link: {}", page.body));
        Trip::along(server, browser, link).await
    }

    /// Follows a link to the provider.
    pub(super) async fn along(server: &Server, browser: &mut Browser<'_>, link: String) -> Trip {
        let answer = browser.send(Sent::get(link)).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        let url = answer.location().to_owned();
        Trip {
            state: query_of(&url, "state").unwrap(),
            nonce: query_of(&url, "nonce").unwrap(),
            now: server.clock.now().0,
            url,
        }
    }

    /// The address that the provider sends the browser back to.
    pub(super) fn back(&self, params: &[(&str, &str)]) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("state", &self.state).extend_pairs(params);
        format!("/login/upstream/corp/callback?{}", query.finish())
    }
}

/// The whole way of a new browser, for a provider that says this about the person.
pub(super) async fn visit<'a>(
    server: &'a Server,
    provider: &Provider,
    claims: Value,
) -> (Browser<'a>, Answer) {
    let mut browser = Browser::new(server);
    let trip = Trip::begin(server, &mut browser, &server.authorize(&[])).await;
    provider.says(&trip, claims);
    let answer = browser.open(&trip.back(&[("code", "c")])).await;
    (browser, answer)
}

/// Whether the browser got in.
pub(super) fn got_code(answer: &Answer) -> bool {
    answer
        .header("location")
        .is_some_and(|location| query_of(location, "code").is_some())
}

/// Whether the person is asked what account they have.
pub(super) fn is_asked(answer: &Answer) -> bool {
    answer.status == 200 && answer.body.contains("id=\"upstream-connect\"")
}
