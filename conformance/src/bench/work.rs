//! The kinds of requests that are measured.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hyper::header;
use serde_json::{Value, json};
use url::Url;

use super::http::Connection;
use super::load::{as_f64, cost, drive};
use super::target::Target;
use super::{CALLBACK, CHALLENGE, PASSWORD, SECRET, VERIFIER};
use crate::web::Agent;
use crate::{encode, html};

const CONNECTIONS: usize = 32;
const REQUESTS: usize = 6000;
const CODES: usize = 1500;
const SIGN_INS: usize = 100;
const REFUSALS: usize = 90;
/// How long it takes until a server has done what requests for codes leave to be done, such as sealing audit events.
const AFTERMATH: Duration = Duration::from_secs(2);
const SCOPE: [(&str, &str); 2] = [("grant_type", "client_credentials"), ("scope", "books:read")];

async fn connections(target: &Target) -> Result<Vec<Connection>, String> {
    Connection::open_many(target.address, CONNECTIONS).await
}

/// What one request costs, asked again and again.
pub(super) async fn of_one_request(target: &Target, request: Vec<u8>) -> Result<f64, String> {
    let step = async move |connection: &mut Connection| connection.expect_ok(&request).await.map(drop);
    cost(target, connections(target).await?, REQUESTS, step).await
}

pub(super) fn get(target: &Target, path: &str) -> Vec<u8> {
    Connection::get(target.address, path)
}

fn form(target: &Target, path: &str, client: &str, fields: &[(&str, &str)]) -> Vec<u8> {
    Connection::form(target.address, path, (client, SECRET), fields)
}

pub(super) async fn client_credentials(target: &Target, client: &str) -> Result<f64, String> {
    of_one_request(target, form(target, "/token", client, &SCOPE)).await
}

/// The introspection of an access token.
pub(super) async fn introspection(target: &Target) -> Result<Vec<u8>, String> {
    let mut connection = Connection::open(target.address).await?;
    let issued = connection.json(&form(target, "/token", "rs256", &SCOPE)).await?;
    let token = member(&issued, "access_token")?;
    let request = form(target, "/introspect", "rs256", &[("token", &token)]);
    let answer = connection.json(&request).await?;
    if answer.get("active").and_then(Value::as_bool) != Some(true) {
        return Err(format!("the token is not active: {answer}"));
    }
    Ok(request)
}

/// The introspection of an API key whose copy is warm.
pub(super) async fn api_key_introspection(target: &Target) -> Result<Vec<u8>, String> {
    let made = target.print(&[
        "api-key",
        "create",
        "bench",
        "--name",
        "bench",
        "--permission",
        "*",
        "--json",
    ])?;
    let made: Value = serde_json::from_str(&made).map_err(|e| format!("`api-key create`: {e}"))?;
    let key = member(&made, "secret")?;
    let request = form(target, "/introspect", "api", &[("token", &key)]);
    let mut connection = Connection::open(target.address).await?;
    let answer = connection.json(&request).await?;
    if answer.get("active").and_then(Value::as_bool) != Some(true) {
        return Err(format!("the API key is not active: {answer}"));
    }
    Ok(request)
}

/// A decision about somebody who may through a role, from warm copies.
pub(super) async fn evaluation(target: &Target) -> Result<Vec<u8>, String> {
    let mut connection = Connection::open(target.address).await?;
    let scope = [("grant_type", "client_credentials"), ("scope", "access:evaluate")];
    let issued = connection.json(&form(target, "/token", "asking", &scope)).await?;
    let token = member(&issued, "access_token")?;
    let question = json!({
        "subject": { "type": "user", "id": "bench" },
        "action": { "name": "read" },
        "resource": { "type": "books", "id": "1" },
    });
    let request = Connection::post_json(target.address, "/access/v1/evaluation", &token, &question);
    let answer = connection.json(&request).await?;
    if answer.get("decision").and_then(Value::as_bool) != Some(true) {
        return Err(format!("the decision is no: {answer}"));
    }
    Ok(request)
}

const BY_PASSWORD: [(&str, &str); 3] = [
    ("grant_type", "password"),
    ("username", "bench"),
    ("password", PASSWORD),
];

/// A sign-in by password, with the token it leads to.
pub(super) async fn password_sign_in(target: &Target) -> Result<f64, String> {
    let request = form(target, "/token", "password", &BY_PASSWORD);
    let step = async move |connection: &mut Connection| connection.expect_ok(&request).await.map(drop);
    let few = Connection::open_many(target.address, 8).await?;
    cost(target, few, SIGN_INS, step).await
}

/// What two hundred sign-ins at once do to the others.
pub(super) struct Flood {
    /// Token requests answered in a second, beside those without the flood.
    pub(super) share: f64,
    /// The longest wait for a refusal, in ms.
    pub(super) longest_refusal: f64,
    /// How many sign-ins were refused with a time to come back.
    pub(super) refused: usize,
}

/// Asks for tokens with and without two hundred people who sign in with a password again and again, and who come back
/// after a second when they are refused.
pub(super) async fn flood(target: &Target) -> Result<Flood, String> {
    let alone = tokens_in_a_second(target).await?;
    let stop = Arc::new(AtomicBool::new(false));
    let request = Rc::new(form(target, "/token", "password", &BY_PASSWORD));
    let refusals = Rc::new(RefCell::new(Vec::new()));
    let mut people = tokio::task::JoinSet::new();
    for mut connection in Connection::open_many(target.address, 200).await? {
        let (stop, request, refusals) = (stop.clone(), request.clone(), refusals.clone());
        people.spawn_local(async move {
            while !stop.load(Ordering::Relaxed) {
                let started = Instant::now();
                match connection.send(&request).await?.0 {
                    200 => {}
                    429 | 503 => {
                        refusals.borrow_mut().push(started.elapsed());
                        // As they are told to.
                        tokio::time::sleep(Duration::from_secs(1)).await;
                    }
                    status => return Err(format!("a sign-in of the flood was answered with {status}")),
                }
            }
            Ok(())
        });
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let beside = tokens_in_a_second(target).await;
    stop.store(true, Ordering::Relaxed);
    while let Some(ended) = people.join_next().await {
        ended.map_err(|e| format!("a person broke off: {e}"))??;
    }
    let refusals = refusals.borrow();
    let longest = refusals.iter().max().map_or(0.0, Duration::as_secs_f64);
    Ok(Flood {
        share: beside? / alone,
        longest_refusal: longest * 1000.0,
        refused: refusals.len(),
    })
}

async fn tokens_in_a_second(target: &Target) -> Result<f64, String> {
    let request = form(target, "/token", "rs256", &SCOPE);
    let step = async move |connection: &mut Connection| connection.expect_ok(&request).await.map(drop);
    let (done, taken) = drive(connections(target).await?, REQUESTS, step).await?;
    Ok(as_f64(done) / taken.as_secs_f64())
}

/// How much longer a wrong password for somebody takes than one for nobody: the median of the one over that of the
/// other, tried in turns.
pub(super) async fn refusals_compared(target: &Target) -> Result<f64, String> {
    let mut connection = Connection::open(target.address).await?;
    let by = |name: &str| {
        let fields = [
            ("grant_type", "password"),
            ("username", name),
            ("password", "not the password of anybody"),
        ];
        form(target, "/token", "password", &fields)
    };
    let requests = [by("somebody"), by("nobody")];
    let mut taken = [Vec::new(), Vec::new()];
    for _ in 0..REFUSALS {
        for (request, taken) in requests.iter().zip(&mut taken) {
            let started = Instant::now();
            let (status, body) = connection.send(request).await?;
            if status != 400 {
                return Err(format!("{status}: {}", String::from_utf8_lossy(body)));
            }
            taken.push(started.elapsed());
        }
    }
    let [somebody, nobody] = taken.map(|mut times| {
        times.sort();
        times.get(REFUSALS / 2).map_or(0.0, Duration::as_secs_f64)
    });
    Ok(somebody / nobody)
}

/// What a refresh costs, and how many there are in a second with `chains` clients at once.
pub(super) async fn refresh(target: &Target, chains: usize, count: usize) -> Result<(f64, f64), String> {
    let mut states = Vec::new();
    let first = form(target, "/token", "refresh", &BY_PASSWORD);
    for mut connection in Connection::open_many(target.address, chains).await? {
        let token = member(&connection.json(&first).await?, "refresh_token")?;
        states.push((connection, token));
    }
    let address = target.address;
    let step = async move |(connection, token): &mut (Connection, String)| {
        let fields = [("grant_type", "refresh_token"), ("refresh_token", token.as_str())];
        let request = Connection::form(address, "/token", ("refresh", SECRET), &fields);
        *token = member(&connection.json(&request).await?, "refresh_token")?;
        Ok(())
    };
    let before = target.cpu()?;
    let (done, taken) = drive(states, count, step).await?;
    let spent = target.cpu()? - before;
    Ok((spent / as_f64(done.max(1)), as_f64(done) / taken.as_secs_f64()))
}

pub(super) fn member(json: &Value, name: &str) -> Result<String, String> {
    json.get(name)
        .and_then(Value::as_str)
        .map(str::to_owned)
        .ok_or(format!("no {name} in {json}"))
}

/// Where requests for codes go, and where they are redeemed.
pub(super) struct Endpoints {
    pub(super) authorize: &'static str,
    pub(super) token: &'static str,
}

/// Codes to exchange, of a server that has done all that asking for them leaves to be done.
pub(super) async fn prepare_codes(
    target: &Target,
    endpoints: &Endpoints,
) -> Result<VecDeque<String>, String> {
    let codes = codes(&target.base(), endpoints.authorize).await?;
    tokio::time::sleep(AFTERMATH).await;
    Ok(codes)
}

pub(super) async fn code_exchange(
    target: &Target,
    endpoints: &Endpoints,
    codes: VecDeque<String>,
) -> Result<f64, String> {
    let (codes, address, path) = (Rc::new(RefCell::new(codes)), target.address, endpoints.token);
    let step = async move |connection: &mut Connection| {
        let code = codes.borrow_mut().pop_front().ok_or("no code is left")?;
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        let request = Connection::form(address, path, ("code", SECRET), &fields);
        connection.expect_ok(&request).await.map(drop)
    };
    cost(target, connections(target).await?, CODES, step).await
}

/// The front page for a browser in which somebody has signed in.
pub(super) async fn front_page_of_somebody(target: &Target) -> Result<Vec<u8>, String> {
    let mut agent = Agent::new();
    visit(&mut agent, &start(&target.base(), "/authorize")).await?;
    Ok(Connection::get_with(target.address, "/", &agent.cookie()))
}

/// Where a browser begins that is to bring a code.
fn start(base: &str, authorize: &str) -> String {
    let query = encode::form(&[
        ("client_id", "code"),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("scope", "openid"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]);
    format!("{base}{authorize}?{query}")
}

/// Codes of one browser that signs in once.
async fn codes(base: &str, authorize: &str) -> Result<VecDeque<String>, String> {
    let (start, mut agent) = (start(base, authorize), Agent::new());
    let mut codes = VecDeque::new();
    for _ in 0..CODES {
        codes.push_back(visit(&mut agent, &start).await?);
    }
    Ok(codes)
}

async fn visit(agent: &mut Agent, start: &str) -> Result<String, String> {
    let mut url = Url::parse(start).map_err(|e| format!("{start}: {e}"))?;
    let mut answer = agent.get(start).await?;
    for _ in 0..10 {
        if let Some(target) = answer
            .headers
            .get(header::LOCATION)
            .and_then(|value| value.to_str().ok())
        {
            url = url.join(target).map_err(|e| format!("{target}: {e}"))?;
            if target.starts_with(CALLBACK) {
                let code = url
                    .query_pairs()
                    .find(|(name, _)| name == "code")
                    .map(|(_, code)| code.into_owned());
                return code.ok_or(format!("no code in {url}"));
            }
            answer = agent.get(url.as_str()).await?;
            continue;
        }
        let mut form = html::forms(&answer.body)
            .into_iter()
            .find(|form| form.inputs.iter().any(|(name, _)| name == "password"))
            .ok_or_else(|| format!("a page without a sign-in form: {}", answer.status))?;
        form.set("username", "bench");
        form.set("password", PASSWORD);
        url = url
            .join(&form.action)
            .map_err(|e| format!("{}: {e}", form.action))?;
        let fields: Vec<_> = form
            .inputs
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        answer = agent.post_form(url.as_str(), &fields, &[]).await?;
    }
    Err("the sign-in does not end".to_owned())
}

/// The median time of `GET /jwks.json` while 64 connections ask for RS256 tokens, in ms. It is taken on a thread
/// of its own, so that it does not wait for the load's.
pub(super) async fn jwks_under_load(target: &Target) -> Result<f64, String> {
    let (address, stop) = (target.address, Arc::new(AtomicBool::new(false)));
    let stopped = stop.clone();
    let probe = std::thread::spawn(move || -> std::io::Result<Vec<Duration>> {
        std::thread::sleep(Duration::from_millis(300));
        let mut taken = Vec::new();
        let mut stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        let request = Connection::get(address, "/jwks.json");
        let mut buffer = vec![0; 64 * 1024];
        while !stopped.load(Ordering::Relaxed) {
            let started = Instant::now();
            stream.write_all(&request)?;
            let mut answer = Vec::new();
            while !answer.ends_with(b"]}") {
                let read = stream.read(&mut buffer)?;
                if read == 0 {
                    return Err(std::io::ErrorKind::UnexpectedEof.into());
                }
                answer.extend(buffer.iter().take(read));
            }
            taken.push(started.elapsed());
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(taken)
    });
    let request = form(target, "/token", "rs256", &SCOPE);
    let step = async move |connection: &mut Connection| connection.expect_ok(&request).await.map(drop);
    let load = drive(
        Connection::open_many(target.address, 64).await?,
        3 * REQUESTS,
        step,
    )
    .await;
    stop.store(true, Ordering::Relaxed);
    let probed = probe.join().map_err(|_| "the probe broke off")?;
    load?;
    let mut taken = probed.map_err(|e| format!("the probe of /jwks.json: {e}"))?;
    taken.sort();
    let median = taken
        .get(taken.len() / 2)
        .ok_or("the load was over before it was measured")?;
    Ok(median.as_secs_f64() * 1000.0)
}
