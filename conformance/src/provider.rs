//! The provider under test as a relying party and its user see it.

use std::collections::BTreeMap;

use hyper::{Method, StatusCode};
use openidconnect::core::{CoreIdToken, CoreIdTokenVerifier, CoreJsonWebKeySet};
use openidconnect::{ClientId, ClientSecret, CsrfToken, IssuerUrl, Nonce};
use serde::Deserialize;
use serde_json::{Map, Value};
use url::Url;

use crate::web::{Agent, Answer};
use crate::{encode, html};

/// A client registered at the provider beforehand.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct StaticClient {
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    pub(crate) redirect_uri: String,
}

/// Who takes part.
#[derive(Debug, Deserialize)]
pub(crate) struct Config {
    pub(crate) username: String,
    pub(crate) password: String,
    /// Authenticates with `client_secret_basic`.
    pub(crate) basic: StaticClient,
    /// A second one of the kind.
    pub(crate) basic2: StaticClient,
    /// Authenticates with `client_secret_post`.
    pub(crate) post: StaticClient,
}

/// What a journey through the authorization endpoint came to.
#[derive(Debug)]
pub(crate) struct Visit {
    pub(crate) logins: u32,
    pub(crate) end: End,
}

/// Where the browser ended.
#[derive(Debug)]
pub(crate) enum End {
    /// Back at the client, with these parameters.
    Callback(BTreeMap<String, String>),
    /// At a page of the provider that asks for nothing we know.
    Page { status: StatusCode, body: String },
}

/// A token response with its ID token checked.
#[derive(Debug)]
pub(crate) struct Tokens {
    pub(crate) code: String,
    pub(crate) response: Value,
    pub(crate) access_token: String,
    pub(crate) id_token: String,
    pub(crate) claims: Map<String, Value>,
}

impl Tokens {
    pub(crate) fn claim(&self, name: &str) -> Result<&Value, String> {
        self.claims
            .get(name)
            .ok_or_else(|| format!("the ID token has no `{name}`"))
    }

    pub(crate) fn auth_time(&self) -> Result<i64, String> {
        self.claim("auth_time")?
            .as_i64()
            .ok_or_else(|| "`auth_time` is not a number".to_owned())
    }
}

/// The provider, found by discovery.
pub(crate) struct Provider {
    pub(crate) config: Config,
    pub(crate) issuer: String,
    pub(crate) metadata: Value,
    pub(crate) jwks: CoreJsonWebKeySet,
    pub(crate) jwks_document: Value,
}

/// `Err(why())` unless it holds.
pub(crate) fn ensure(holds: bool, why: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(why()) }
}

/// A value nobody guesses, of `length` characters.
pub(crate) fn random(length: usize) -> String {
    let mut text = CsrfToken::new_random_len(96).secret().clone();
    text.truncate(length);
    text
}

#[expect(
    clippy::disallowed_methods,
    reason = "tokens of a running server are judged by the wall clock"
)]
pub(crate) fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since
        .ok()
        .and_then(|elapsed| i64::try_from(elapsed.as_secs()).ok())
        .unwrap_or_default()
}

impl Provider {
    pub(crate) async fn discover(issuer: &str, config: Config) -> Result<Provider, String> {
        let mut agent = Agent::new();
        let answer = agent
            .get(&format!("{issuer}/.well-known/openid-configuration"))
            .await?;
        ensure(answer.status == StatusCode::OK, || {
            format!("discovery answered {}", answer.status)
        })?;
        let metadata = answer.json()?;
        let jwks_uri = metadata
            .get("jwks_uri")
            .and_then(Value::as_str)
            .ok_or("no jwks_uri")?;
        let jwks_document: Value = serde_json::from_str(&agent.get(jwks_uri).await?.body)
            .map_err(|e| format!("the JWKS is not JSON: {e}"))?;
        let jwks = serde_json::from_value(jwks_document.clone()).map_err(|e| format!("not a JWKS: {e}"))?;
        Ok(Provider {
            config,
            issuer: issuer.to_owned(),
            metadata,
            jwks,
            jwks_document,
        })
    }

    pub(crate) fn endpoint(&self, name: &str) -> Result<&str, String> {
        self.metadata
            .get(name)
            .and_then(Value::as_str)
            .ok_or_else(|| format!("the metadata has no `{name}`"))
    }

    pub(crate) fn lists(&self, name: &str, value: &str) -> bool {
        let list = self.metadata.get(name).and_then(Value::as_array);
        list.is_some_and(|list| list.iter().any(|known| known.as_str() == Some(value)))
    }

    /// Sends the browser to the authorization endpoint and acts for the user until it ends somewhere.
    pub(crate) async fn visit(
        &self,
        agent: &mut Agent,
        method: Method,
        redirect_uri: &str,
        parameters: &[(&str, &str)],
    ) -> Result<Visit, String> {
        let endpoint = self.endpoint("authorization_endpoint")?;
        let mut at = Url::parse(endpoint).map_err(|e| format!("authorization_endpoint: {e}"))?;
        let origin = at.origin().ascii_serialization();
        let mut answer = if method == Method::POST {
            agent
                .post_form(endpoint, parameters, &[("origin", "https://client.example.test")])
                .await?
        } else {
            at.query_pairs_mut().extend_pairs(parameters);
            agent.get(at.as_str()).await?
        };
        let (mut logins, mut consents) = (0, 0);
        for _ in 0..20 {
            if answer.status.is_redirection() {
                let location = answer.header("location");
                let rest = location.strip_prefix(redirect_uri);
                if let Some(rest) = rest.filter(|rest| rest.is_empty() || rest.starts_with(['?', '#', '&'])) {
                    return Ok(Visit {
                        logins,
                        end: End::Callback(callback_parameters(rest)?),
                    });
                }
                at = at
                    .join(location)
                    .map_err(|e| format!("Location `{location}`: {e}"))?;
                if at.origin().ascii_serialization() != origin {
                    return Err(format!(
                        "sent to {at}, which is neither the provider nor the client"
                    ));
                }
                answer = agent.get(at.as_str()).await?;
                continue;
            }
            let mut next = None;
            for mut form in html::forms(&answer.body) {
                if form.has_input("username") && form.has_input("password") && logins < 2 {
                    logins += 1;
                    ensure(answer.body.contains("Sign in"), || {
                        "the sign-in page lacks the words".to_owned()
                    })?;
                    form.set("username", &self.config.username);
                    form.set("password", &self.config.password);
                    form.submit();
                    next = Some(form);
                    break;
                }
                if consents < 2 && form.press("consent-approve") {
                    consents += 1;
                    next = Some(form);
                    break;
                }
            }
            let Some(form) = next else {
                return Ok(Visit {
                    logins,
                    end: End::Page {
                        status: answer.status,
                        body: answer.body,
                    },
                });
            };
            if !form.action.is_empty() {
                at = at
                    .join(&form.action)
                    .map_err(|e| format!("form action `{}`: {e}", form.action))?;
            }
            ensure(form.post, || {
                "a form that changes something is not sent by POST".to_owned()
            })?;
            let fields: Vec<(&str, &str)> = form
                .inputs
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect();
            let headers = [("origin", origin.as_str()), ("sec-fetch-site", "same-origin")];
            answer = agent.post_form(at.as_str(), &fields, &headers).await?;
        }
        Err("the browser was sent round in circles".to_owned())
    }

    /// A request for a code with `extra` parameters; ends with a code and the state checked.
    pub(crate) async fn code(
        &self,
        agent: &mut Agent,
        client: &StaticClient,
        extra: &[(&str, &str)],
    ) -> Result<(Visit, String), String> {
        let state = random(32);
        let mut parameters = request(client, &state);
        parameters.retain(|(name, _)| !extra.iter().any(|(other, _)| other == name));
        parameters.extend_from_slice(extra);
        let visit = self
            .visit(agent, Method::GET, &client.redirect_uri, &parameters)
            .await?;
        let code = self.code_of(&visit, &state)?;
        Ok((visit, code))
    }

    /// The code of a successful response (RFC 6749 §4.1.2, RFC 9207).
    pub(crate) fn code_of(&self, visit: &Visit, state: &str) -> Result<String, String> {
        let parameters = returned(visit)?;
        if let Some(error) = parameters.get("error") {
            let description = parameters.get("error_description").map_or("", String::as_str);
            return Err(format!("came back with `{error}`: {description}"));
        }
        check_response(
            parameters,
            &self.issuer,
            state,
            &["code", "state", "iss", "session_state"],
        )?;
        parameters
            .get("code")
            .cloned()
            .ok_or_else(|| "came back without a code".to_owned())
    }

    /// A POST to the token endpoint with HTTP Basic.
    pub(crate) async fn token(
        &self,
        client: &StaticClient,
        fields: &[(&str, &str)],
    ) -> Result<Answer, String> {
        let encoded = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let pair = format!(
            "{}:{}",
            encoded(&client.client_id),
            encoded(&client.client_secret)
        );
        let basic = format!("Basic {}", encode::base64(pair.as_bytes()));
        Agent::new()
            .post_form(
                self.endpoint("token_endpoint")?,
                fields,
                &[("authorization", &basic)],
            )
            .await
    }

    /// Redeems a code with HTTP Basic.
    pub(crate) async fn redeem(&self, client: &StaticClient, code: &str) -> Result<Answer, String> {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &client.redirect_uri),
        ];
        self.token(client, &fields).await
    }

    /// Signs in (or not, when there is a session) and redeems the code.
    pub(crate) async fn tokens(
        &self,
        agent: &mut Agent,
        client: &StaticClient,
        extra: &[(&str, &str)],
    ) -> Result<(Visit, Tokens), String> {
        let (visit, code) = self.code(agent, client, extra).await?;
        let answer = self.redeem(client, &code).await?;
        let tokens = self.read_tokens(client, &answer, code)?;
        let nonce = extra
            .iter()
            .find(|(name, _)| *name == "nonce")
            .map(|(_, value)| *value);
        let echoed = tokens.claims.get("nonce").and_then(Value::as_str);
        ensure(nonce == echoed, || {
            format!("sent nonce {nonce:?}, the ID token has {echoed:?}")
        })?;
        Ok((visit, tokens))
    }

    /// Checks a token response as the suite does for every module.
    pub(crate) fn read_tokens(
        &self,
        client: &StaticClient,
        answer: &Answer,
        code: String,
    ) -> Result<Tokens, String> {
        ensure(answer.status == StatusCode::OK, || {
            format!("the token endpoint answered {} {}", answer.status, answer.body)
        })?;
        ensure(answer.header("cache-control").contains("no-store"), || {
            "no `Cache-Control: no-store`".to_owned()
        })?;
        let response = answer.json()?;
        let text = |name: &str| {
            response
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        ensure(text("token_type").eq_ignore_ascii_case("bearer"), || {
            "token_type is not Bearer".to_owned()
        })?;
        let lifetime = response
            .get("expires_in")
            .and_then(Value::as_i64)
            .unwrap_or_default();
        ensure((1..=31_536_000).contains(&lifetime), || {
            format!("expires_in is {lifetime}")
        })?;
        let (access_token, id_token) = (text("access_token"), text("id_token"));
        ensure(!access_token.is_empty(), || "no access token".to_owned())?;
        let claims = self.id_token(client, &id_token)?;
        Ok(Tokens {
            code,
            response,
            access_token,
            id_token,
            claims,
        })
    }

    /// Verifies an ID token (OpenID Connect Core §3.1.3.7) and that it is lean.
    pub(crate) fn id_token(&self, client: &StaticClient, token: &str) -> Result<Map<String, Value>, String> {
        let verifier = CoreIdTokenVerifier::new_confidential_client(
            ClientId::new(client.client_id.clone()),
            ClientSecret::new(client.client_secret.clone()),
            IssuerUrl::new(self.issuer.clone()).map_err(|e| e.to_string())?,
            self.jwks.clone(),
        );
        let parsed: CoreIdToken = token.parse().map_err(|e| format!("not an ID token: {e}"))?;
        let anyone = |_: Option<&Nonce>| Ok(());
        parsed
            .claims(&verifier, anyone)
            .map_err(|e| format!("the ID token does not verify: {e}"))?;
        let claims = jwt_part(token, 1)?;
        for (name, value) in &claims {
            let lean = [
                "iss",
                "sub",
                "aud",
                "exp",
                "iat",
                "auth_time",
                "nonce",
                "acr",
                "amr",
                "azp",
                "at_hash",
                "c_hash",
                "nbf",
                "jti",
                "sid",
                "s_hash",
                "txn",
            ];
            ensure(lean.contains(&name.as_str()), || {
                format!("the ID token carries `{name}` unasked")
            })?;
            ensure(!value.is_null() && *value != "" && *value != "null", || {
                format!("`{name}` is empty")
            })?;
        }
        let number = |name: &str| claims.get(name).and_then(Value::as_i64).unwrap_or_default();
        ensure((now() - number("iat")).abs() <= 300, || {
            "iat is not now".to_owned()
        })?;
        ensure(number("exp") > now(), || "exp is past".to_owned())?;
        Ok(claims)
    }

    /// Asks userinfo with the token in the header.
    pub(crate) async fn userinfo(&self, access_token: &str) -> Result<Map<String, Value>, String> {
        let headers = [("authorization", format!("Bearer {access_token}"))];
        let headers: Vec<(&str, &str)> = headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let endpoint = self.endpoint("userinfo_endpoint")?;
        read_userinfo(
            &Agent::new()
                .send(Method::GET, endpoint, &headers, String::new())
                .await?,
        )
    }
}

/// The parameters of an ordinary request.
pub(crate) fn request<'a>(client: &'a StaticClient, state: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("response_type", "code"),
        ("client_id", &client.client_id),
        ("redirect_uri", &client.redirect_uri),
        ("scope", "openid"),
        ("state", state),
    ]
}

pub(crate) fn read_userinfo(answer: &Answer) -> Result<Map<String, Value>, String> {
    ensure(answer.status == StatusCode::OK, || {
        format!("userinfo answered {} {}", answer.status, answer.body)
    })?;
    match answer.json()? {
        Value::Object(claims) => Ok(claims),
        other => Err(format!("userinfo is not an object: {other}")),
    }
}

/// The parameters that came back to the client.
pub(crate) fn returned(visit: &Visit) -> Result<&BTreeMap<String, String>, String> {
    match &visit.end {
        End::Callback(parameters) => Ok(parameters),
        End::Page { status, body } => {
            let text: String = body
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
                .chars()
                .take(300)
                .collect();
            Err(format!(
                "ended at a page ({status}) and not at the client: {text}"
            ))
        }
    }
}

/// Checks an error response and returns its code.
pub(crate) fn error_of(visit: &Visit, issuer: &str, state: &str) -> Result<String, String> {
    let parameters = returned(visit)?;
    let known = [
        "error",
        "error_description",
        "error_uri",
        "state",
        "session_state",
        "iss",
    ];
    check_response(parameters, issuer, state, &known)?;
    if let Some(description) = parameters.get("error_description") {
        let printable = description.bytes().all(|byte| (0x20..0x7f).contains(&byte));
        ensure(printable, || {
            "error_description is not printable ASCII".to_owned()
        })?;
    }
    parameters
        .get("error")
        .cloned()
        .ok_or_else(|| "came back without an error".to_owned())
}

fn check_response(
    parameters: &BTreeMap<String, String>,
    issuer: &str,
    state: &str,
    known: &[&str],
) -> Result<(), String> {
    if let Some(stray) = parameters.keys().find(|name| !known.contains(&name.as_str())) {
        return Err(format!("came back with a stray `{stray}`"));
    }
    let returned = parameters.get("state").map(String::as_str);
    ensure(returned == Some(state), || {
        format!("sent state {state}, got {returned:?}")
    })?;
    let iss = parameters.get("iss").map(String::as_str);
    ensure(iss.is_none_or(|iss| iss == issuer), || format!("iss is {iss:?}"))
}

fn callback_parameters(rest: &str) -> Result<BTreeMap<String, String>, String> {
    ensure(!rest.contains('#'), || {
        "parameters of a code flow in the fragment".to_owned()
    })?;
    let mut parameters = BTreeMap::new();
    for (name, value) in url::form_urlencoded::parse(rest.trim_start_matches(['?', '&']).as_bytes()) {
        let twice = parameters
            .insert(name.clone().into_owned(), value.into_owned())
            .is_some();
        ensure(!twice, || format!("`{name}` came back twice"))?;
    }
    Ok(parameters)
}

/// The header (0) or the claims (1) of a JWT.
pub(crate) fn jwt_part(token: &str, index: usize) -> Result<Map<String, Value>, String> {
    let part = token
        .split('.')
        .nth(index)
        .and_then(encode::from_base64url)
        .ok_or("not a JWT")?;
    serde_json::from_slice(&part).map_err(|e| format!("not a JWT: {e}"))
}
