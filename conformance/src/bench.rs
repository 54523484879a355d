//! What each kind of request costs the server: CPU time of its process, which holds on a busy machine where rates
//! do not, as ratios to one signature (S) and to the emptiest answer (H) of the same run.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant};

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::{Request, header};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tokio::task::{JoinSet, LocalSet};
use url::Url;

use crate::web::Agent;
use crate::{encode, html};

const CONNECTIONS: usize = 32;
const REQUESTS: usize = 4000;
const CODES: usize = 1000;
const LONGEST: Duration = Duration::from_secs(10);
/// What the kernel counts CPU time in: `USER_HZ`, 100 on every Linux we ship for.
const TICK_MICROS: f64 = 10_000.0;
const SECRET: &str = "bench-secret-of-more-than-32-characters";
const PASSWORD: &str = "a long password for the benchmark";
const CALLBACK: &str = "https://bench.example/cb";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const DECLARATION: &str = r#"
[[scope]]
name = "books:read"

[[client]]
client_id = "rs256"
client_secret = "bench-secret-of-more-than-32-characters"
grant_types = ["client_credentials"]
scope = "books:read"
access_token_signed_response_alg = "RS256"

[[client]]
client_id = "es256"
client_secret = "bench-secret-of-more-than-32-characters"
grant_types = ["client_credentials"]
scope = "books:read"
access_token_signed_response_alg = "ES256"

[[client]]
client_id = "refresh"
client_secret = "bench-secret-of-more-than-32-characters"
grant_types = ["password", "refresh_token"]
scope = "books:read"
access_token_signed_response_alg = "RS256"

[[client]]
client_id = "code"
client_secret = "bench-secret-of-more-than-32-characters"
redirect_uris = ["https://bench.example/cb"]
grant_types = ["authorization_code"]
scope = "openid"
access_token_signed_response_alg = "RS256"
id_token_signed_response_alg = "RS256"

[[account]]
username = "bench"
password = "a long password for the benchmark"
"#;

/// The server under test. It ends, and its folder goes, when this is dropped.
struct Target {
    binary: PathBuf,
    folder: PathBuf,
    address: SocketAddr,
    child: Option<Child>,
}

impl Target {
    fn new(binary: &Path) -> Result<Target, String> {
        let binary = binary
            .canonicalize()
            .map_err(|e| format!("{}: {e}; build it with cargo build --release", binary.display()))?;
        let folder = std::env::temp_dir().join(format!("chancery-bench-{}", std::process::id()));
        std::fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        let free = TcpListener::bind("127.0.0.1:0").and_then(|probe| probe.local_addr());
        let address = free.map_err(|e| format!("no free port: {e}"))?;
        Ok(Target {
            binary,
            folder,
            address,
            child: None,
        })
    }

    fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .args(arguments)
            .current_dir(&self.folder)
            .env("CHANCERY_DATABASE__URL", "sqlite:bench.db")
            .env("CHANCERY_KEYS__MASTER_KEY_FILE", "master.key")
            .env("CHANCERY_SERVER__ISSUER", self.base())
            .env("CHANCERY_SERVER__LISTEN", self.address.to_string())
            .env("CHANCERY_TOKENS__AUTHORIZATION_CODE", "10m")
            .env("CHANCERY_RATE_LIMITS__SIGN_IN_PER_ADDRESS", "100000/1m")
            .env("CHANCERY_RATE_LIMITS__SIGN_IN_PER_ACCOUNT", "100000/1m")
            .env("CHANCERY_LOG__LEVEL", "error")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    fn declare(&self) -> Result<(), String> {
        let written = std::fs::write(self.folder.join("bench.toml"), DECLARATION);
        let status = written.and_then(|()| self.command(&["apply", "bench.toml"]).status());
        match status {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(format!("`chancery apply` ended with {status}")),
            Err(e) => Err(format!("`chancery apply` could not run: {e}")),
        }
    }

    /// Starts the server and gives the time to its first answer.
    fn start(&mut self) -> Result<Duration, String> {
        self.stop();
        let started = Instant::now();
        let child = self
            .command(&["serve"])
            .spawn()
            .map_err(|e| format!("`chancery serve`: {e}"))?;
        self.child = Some(child);
        while started.elapsed() < LONGEST {
            if get_plainly(self.address, "/health/ready").is_ok_and(|answer| answer.contains(" 200 ")) {
                return Ok(started.elapsed());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Err("the server does not answer".to_owned())
    }

    fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    fn proc(&self, file: &str) -> Result<String, String> {
        let id = self
            .child
            .as_ref()
            .map(Child::id)
            .ok_or("the server is not running")?;
        std::fs::read_to_string(format!("/proc/{id}/{file}")).map_err(|e| format!("/proc/{id}/{file}: {e}"))
    }

    /// CPU time of the process so far, user and system, in µs.
    fn cpu(&self) -> Result<f64, String> {
        let stat = self.proc("stat")?;
        let (_, fields) = stat.rsplit_once(')').ok_or("/proc stat has no name")?;
        // The 14th and 15th field, of which the first two are before the bracket.
        let ticks = fields
            .split_whitespace()
            .skip(11)
            .take(2)
            .filter_map(|field| field.parse::<f64>().ok());
        Ok(ticks.sum::<f64>() * TICK_MICROS)
    }

    fn resident_mib(&self) -> Result<f64, String> {
        let status = self.proc("status")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
        Ok(kib.ok_or("/proc status has no VmRSS")? / 1024.0)
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        self.stop();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// One request on a connection of its own, without a runtime.
fn get_plainly(address: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// A client that keeps its connections.
#[derive(Clone)]
struct Http {
    client: Client<HttpConnector, Full<Bytes>>,
    base: String,
}

impl Http {
    fn new(base: String) -> Http {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Http {
            client: Client::builder(TokioExecutor::new()).build(connector),
            base,
        }
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> Result<Bytes, String> {
        let answer = self
            .client
            .request(request)
            .await
            .map_err(|e| format!("no answer: {e}"))?;
        let status = answer.status();
        let body = answer
            .into_body()
            .collect()
            .await
            .map_err(|e| format!("no body: {e}"))?
            .to_bytes();
        if status.is_success() {
            Ok(body)
        } else {
            Err(format!("{status}: {}", String::from_utf8_lossy(&body)))
        }
    }

    async fn get(&self, path: &str) -> Result<(), String> {
        let request = Request::get(format!("{}{path}", self.base)).body(Full::default());
        self.send(request.map_err(|e| e.to_string())?).await.map(drop)
    }

    async fn post(&self, path: &str, client: &str, fields: &[(&str, &str)]) -> Result<Value, String> {
        let pair = encode::base64(format!("{client}:{SECRET}").as_bytes());
        let request = Request::post(format!("{}{path}", self.base))
            .header(header::AUTHORIZATION, format!("Basic {pair}"))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Full::from(encode::form(fields)));
        let body = self.send(request.map_err(|e| e.to_string())?).await?;
        serde_json::from_slice(&body).map_err(|e| format!("no JSON from {path}: {e}"))
    }

    async fn client_credentials(&self, client: &str) -> Result<String, String> {
        let fields = [("grant_type", "client_credentials"), ("scope", "books:read")];
        member(&self.post("/token", client, &fields).await?, "access_token")
    }
}

fn member(json: &Value, name: &str) -> Result<String, String> {
    json.get(name)
        .and_then(Value::as_str)
        .map(str::to_owned)
        .ok_or(format!("no {name} in {json}"))
}

/// Does `step` up to `count` times, each state in turn with itself and at once with the others, and gives how often.
async fn drive<S: 'static>(
    states: Vec<S>,
    count: usize,
    step: impl AsyncFn(&mut S) -> Result<(), String> + 'static,
) -> Result<usize, String> {
    let (left, done, step) = (Rc::new(Cell::new(count)), Rc::new(Cell::new(0)), Rc::new(step));
    let end = Instant::now() + LONGEST;
    let mut workers = JoinSet::new();
    for mut state in states {
        let (left, done, step) = (left.clone(), done.clone(), step.clone());
        workers.spawn_local(async move {
            while left.get() > 0 && Instant::now() < end {
                left.set(left.get() - 1);
                step(&mut state).await?;
                done.set(done.get() + 1);
            }
            Ok::<(), String>(())
        });
    }
    while let Some(ended) = workers.join_next().await {
        ended.map_err(|e| format!("a worker broke off: {e}"))??;
    }
    Ok(done.get())
}

/// The CPU time that the server spends on each step, in µs.
async fn cost<S: 'static>(
    target: &Target,
    states: Vec<S>,
    count: usize,
    step: impl AsyncFn(&mut S) -> Result<(), String> + 'static,
) -> Result<f64, String> {
    let before = target.cpu()?;
    let done = drive(states, count, step).await?;
    let spent = target.cpu()? - before;
    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    Ok(spent / done.max(1) as f64)
}

async fn cost_of_get(target: &Target, path: &'static str) -> Result<f64, String> {
    let clients = vec![Http::new(target.base()); CONNECTIONS];
    cost(target, clients, REQUESTS, async move |http: &mut Http| {
        http.get(path).await
    })
    .await
}

async fn cost_of_tokens(target: &Target, client: &'static str) -> Result<f64, String> {
    let clients = vec![Http::new(target.base()); CONNECTIONS];
    let step = async move |http: &mut Http| http.client_credentials(client).await.map(drop);
    cost(target, clients, REQUESTS, step).await
}

async fn cost_of_introspection(target: &Target) -> Result<f64, String> {
    let http = Http::new(target.base());
    let token = http.client_credentials("rs256").await?;
    let step = async move |http: &mut Http| {
        let answer = http.post("/introspect", "rs256", &[("token", &token)]).await?;
        let active = answer.get("active").and_then(Value::as_bool) == Some(true);
        if active {
            Ok(())
        } else {
            Err(format!("the token is not active: {answer}"))
        }
    };
    cost(target, vec![http; CONNECTIONS], REQUESTS, step).await
}

async fn cost_of_refresh(target: &Target) -> Result<f64, String> {
    let http = Http::new(target.base());
    let mut chains = Vec::new();
    for _ in 0..CONNECTIONS {
        let fields = [
            ("grant_type", "password"),
            ("username", "bench"),
            ("password", PASSWORD),
        ];
        let first = http.post("/token", "refresh", &fields).await?;
        chains.push((http.clone(), member(&first, "refresh_token")?));
    }
    let step = async |(http, token): &mut (Http, String)| {
        let fields = [("grant_type", "refresh_token"), ("refresh_token", token.as_str())];
        *token = member(&http.post("/token", "refresh", &fields).await?, "refresh_token")?;
        Ok(())
    };
    cost(target, chains, REQUESTS, step).await
}

async fn cost_of_codes(target: &Target) -> Result<f64, String> {
    let codes = Rc::new(RefCell::new(codes(&target.base()).await?));
    let step = async move |http: &mut Http| {
        let code = codes.borrow_mut().pop_front().ok_or("no code is left")?;
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        http.post("/token", "code", &fields).await.map(drop)
    };
    cost(target, vec![Http::new(target.base()); CONNECTIONS], CODES, step).await
}

/// Codes of one browser that signs in once.
async fn codes(base: &str) -> Result<VecDeque<String>, String> {
    let query = encode::form(&[
        ("client_id", "code"),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("scope", "openid"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]);
    let (start, mut agent) = (format!("{base}/authorize?{query}"), Agent::new());
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
            .next()
            .ok_or("a page without a form")?;
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
async fn median_under_load(target: &Target) -> Result<f64, String> {
    let (address, stop) = (
        target.address,
        std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false)),
    );
    let stopped = stop.clone();
    let probe = std::thread::spawn(move || -> std::io::Result<Vec<Duration>> {
        std::thread::sleep(Duration::from_millis(300));
        let mut taken = Vec::new();
        let mut stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        let request = format!("GET /jwks.json HTTP/1.1\r\nHost: {address}\r\n\r\n");
        let mut buffer = vec![0; 64 * 1024];
        while !stopped.load(std::sync::atomic::Ordering::Relaxed) {
            let started = Instant::now();
            stream.write_all(request.as_bytes())?;
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
    let clients = vec![Http::new(target.base()); 64];
    let load = drive(clients, 3 * REQUESTS, async |http: &mut Http| {
        http.client_credentials("rs256").await.map(drop)
    });
    let load = load.await;
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    let probed = probe.join().map_err(|_| "the probe broke off")?;
    load?;
    let mut taken = probed.map_err(|e| format!("the probe of /jwks.json: {e}"))?;
    taken.sort();
    let median = taken
        .get(taken.len() / 2)
        .ok_or("the load was over before it was measured")?;
    Ok(median.as_secs_f64() * 1000.0)
}

/// One RSA-2048 signature by the machine's OpenSSL, in µs.
fn signature() -> Option<f64> {
    let speed = Command::new("openssl")
        .args(["speed", "-seconds", "2", "rsa2048"])
        .stderr(Stdio::null())
        .output();
    let printed = String::from_utf8(speed.ok()?.stdout).ok()?;
    seconds_of_a_signature(&printed).map(|seconds| seconds * 1_000_000.0)
}

fn seconds_of_a_signature(printed: &str) -> Option<f64> {
    let line = printed
        .lines()
        .find(|line| line.starts_with("rsa") && line.contains("2048"))?;
    line.split_whitespace()
        .find_map(|word| word.strip_suffix('s')?.parse().ok())
}

/// The table as it grows, and whether every must is met.
struct Table {
    met: bool,
}

impl Table {
    fn row(&mut self, work: &str, value: f64, unit: &str, limit: Option<(f64, String)>) {
        let verdict = match &limit {
            None => String::new(),
            Some((most, rule)) => {
                let within = value <= *most;
                self.met &= within;
                let mark = if within { "ok" } else { "TOO MUCH" };
                format!("{:>6.2} of {most:>7.1} ({rule})  {mark}", value / most)
            }
        };
        println!("{work:<34} {value:>9.2} {unit:<4} {verdict}");
    }
}

/// Measures the binary and prints the table; false when something costs more than it must.
pub(crate) async fn run(binary: &str) -> Result<bool, String> {
    LocalSet::new().run_until(measure(Path::new(binary))).await
}

async fn measure(binary: &Path) -> Result<bool, String> {
    let mut target = Target::new(binary)?;
    target.declare()?;
    let mut table = Table { met: true };
    let millis = |time: Duration| time.as_secs_f64() * 1000.0;
    table.row(
        "start, first ever",
        millis(target.start()?),
        "ms",
        Some((1000.0, "1 s".into())),
    );
    table.row(
        "start, existing database",
        millis(target.start()?),
        "ms",
        Some((100.0, "100 ms".into())),
    );
    table.row(
        "resident memory, idle",
        target.resident_mib()?,
        "MiB",
        Some((25.0, "25 MiB".into())),
    );

    let h = cost_of_get(&target, "/health/live").await?;
    table.row("H: GET /health/live", h, "µs", None);
    for (work, path) in [
        ("JWKS", "/jwks.json"),
        ("discovery", "/.well-known/openid-configuration"),
    ] {
        table.row(
            work,
            cost_of_get(&target, path).await?,
            "µs",
            Some((1.3 * h, "1.3 H".into())),
        );
    }
    table.row(
        "introspection",
        cost_of_introspection(&target).await?,
        "µs",
        Some((3.0 * h, "3 H".into())),
    );

    let s = signature();
    match s {
        Some(s) => table.row("S: RSA-2048 signature, OpenSSL", s, "µs", None),
        None => println!("S cannot be measured: there is no openssl"),
    }
    let rs256 = cost_of_tokens(&target, "rs256").await?;
    table.row(
        "client credentials, RS256",
        rs256,
        "µs",
        s.map(|s| (1.2 * s, "1.20 S".into())),
    );
    table.row(
        "client credentials, ES256",
        cost_of_tokens(&target, "es256").await?,
        "µs",
        None,
    );
    let limit = (rs256 + 80.0, "client credentials + 80 µs".into());
    table.row(
        "refresh with rotation",
        cost_of_refresh(&target).await?,
        "µs",
        Some(limit),
    );
    let limit = s.map(|s| (2.0 * s + 120.0, "2 S + 120 µs".into()));
    table.row(
        "code exchange, two RS256",
        cost_of_codes(&target).await?,
        "µs",
        limit,
    );
    let median = median_under_load(&target).await?;
    table.row(
        "JWKS while RS256 saturates, p50",
        median,
        "ms",
        Some((1.0, "1 ms".into())),
    );
    table.row("resident memory, after load", target.resident_mib()?, "MiB", None);
    Ok(table.met)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_a_signature_is_read_from_openssl() {
        let old = "                  sign    verify    sign/s verify/s\nrsa 2048 bits 0.000252s 0.000007s   3968.3 142857.1\n";
        assert_eq!(seconds_of_a_signature(old), Some(0.000_252));
        assert_eq!(seconds_of_a_signature("no such algorithm"), None);
    }
}
