//! The server as a process: what it writes to its log, and the signals that stop it.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::support::Database;

const PATIENCE: Duration = Duration::from_secs(60);
const LOG: &str = "log";

/// `chancery serve`, ended with the test.
struct Served {
    child: Child,
    address: SocketAddr,
    database: Database,
}

impl Served {
    fn start() -> Served {
        let database = Database::empty();
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let child = Command::new(env!("CARGO_BIN_EXE_chancery"))
            .arg("serve")
            .current_dir(database.folder.path())
            .env_clear()
            .env("CHANCERY_DATABASE__URL", &database.url)
            .env(
                "CHANCERY_KEYS__MASTER_KEY_FILE",
                database.folder.path().join("master.key"),
            )
            .env("CHANCERY_SERVER__LISTEN", address.to_string())
            .stdout(Stdio::null())
            .env("CHANCERY_LOG__FORMAT", "json")
            .env("CHANCERY_LOG__LEVEL", "debug")
            .stderr(std::fs::File::create(database.folder.path().join(LOG)).unwrap())
            .spawn()
            .unwrap();
        let served = Served {
            child,
            address,
            database,
        };
        let deadline = Instant::now() + PATIENCE;
        while served.ready() != Some(200) {
            assert!(Instant::now() < deadline, "it does not start");
            std::thread::sleep(Duration::from_millis(50));
        }
        served
    }

    /// The status of `/health/ready`, or nothing where nobody listens.
    fn ready(&self) -> Option<u16> {
        let answer = self.ask("GET /health/ready HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")?;
        answer.split(' ').nth(1)?.parse().ok()
    }

    fn ask(&self, request: &str) -> Option<String> {
        let mut stream = TcpStream::connect(self.address).ok()?;
        stream.write_all(request.as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    }

    fn wait_until_it_leaves(&self) {
        let deadline = Instant::now() + PATIENCE;
        while self.ready() != Some(503) {
            assert!(Instant::now() < deadline, "it does not say that it stops");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn terminate(&self) {
        let told = Command::new("kill")
            .args(["-TERM", &self.child.id().to_string()])
            .status();
        assert!(told.unwrap().success());
    }

    /// What is in the log of a server that has been told to stop.
    fn log(&mut self) -> (String, Vec<serde_json::Value>) {
        self.terminate();
        assert!(self.end(PATIENCE).success());
        let log = std::fs::read_to_string(self.database.folder.path().join(LOG)).unwrap();
        let lines = log
            .lines()
            .filter(|line| !line.starts_with("not fit for production"))
            .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}")))
            .collect();
        (log, lines)
    }

    fn end(&mut self, within: Duration) -> ExitStatus {
        let deadline = Instant::now() + within;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "it does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn it_is_not_ready_before_it_stops_and_a_second_signal_ends_it() {
    let mut served = Served::start();
    served.terminate();
    served.wait_until_it_leaves();
    assert!(served.end(PATIENCE).success());

    let mut served = Served::start();
    // A request under way would hold it for a while.
    let mut stream = TcpStream::connect(served.address).unwrap();
    stream
        .write_all(b"POST /token HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n")
        .unwrap();
    served.terminate();
    served.wait_until_it_leaves();
    served.terminate();
    assert_eq!(served.end(Duration::from_secs(2)).code(), Some(1));
}

#[test]
fn refusals_are_in_the_log_by_their_id_and_secrets_are_not() {
    let mut served = Served::start();
    let body =
        "grant_type=password&username=ada%40example.test&password=swordfish-of-ada&client_secret=hidden-word";
    let answer = served.ask(&format!(
        "POST /token HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Basic d2ViOm9wZW4tc2VzYW1l\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    ));
    let answer = answer.unwrap();
    let id = answer
        .lines()
        .find_map(|line| line.strip_prefix("x-request-id: "))
        .unwrap_or_else(|| panic!("no id in {answer}"));
    let (log, lines) = served.log();
    let about: Vec<_> = lines.iter().filter(|line| line["request.id"] == *id).collect();
    assert!(
        about
            .iter()
            .any(|line| line["path"] == "/token" && line["status"].as_u64() >= Some(400)),
        "{log}"
    );
    for secret in [
        "ada@example.test",
        "ada%40example",
        "swordfish",
        "hidden-word",
        "d2ViOm9",
        "open-sesame",
    ] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}

#[test]
fn the_log_names_routes_and_not_what_stands_in_their_place() {
    let mut served = Served::start();
    let get = |path: &str| {
        let asked = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        let answer = served.ask(&asked).unwrap();
        answer.split(' ').nth(1).unwrap().parse::<u16>().unwrap()
    };
    assert_eq!(
        get("/api/admin/v1/accounts/01890a5d-ac96-774b-bcce-b302099a8057"),
        401
    );
    assert_eq!(get("/api/admin/v1/nothing"), 404);
    assert_eq!(get("/admin/users/01890a5d-ac96-774b-bcce-b302099a8057"), 303);
    assert_eq!(get("/admin/nothing"), 404);
    let (log, lines) = served.log();
    for path in ["/api/admin/v1/accounts/{id}", "/admin/users/{id}"] {
        assert!(lines.iter().any(|line| line["path"] == path), "{path} in {log}");
    }
    assert!(!log.contains("01890a5d"), "{log}");
    assert!(!log.contains("/nothing"), "{log}");
}
