//! The process that is measured.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::LONGEST;

/// What the kernel counts CPU time in: `USER_HZ`, 100 on every Linux we ship for.
const TICK_MICROS: f64 = 10_000.0;

/// How a server is called, given its folder, its address and arguments.
type Call = dyn Fn(&Path, SocketAddr, &[&str]) -> Command;

/// A server with a folder of its own. It ends, and its folder goes, when this is dropped.
pub(super) struct Target {
    command: Box<Call>,
    serve: Vec<&'static str>,
    ready: &'static str,
    pub(super) folder: PathBuf,
    pub(super) address: SocketAddr,
    child: Option<Child>,
}

impl Target {
    /// A server that `command` starts with `serve`, and that answers `ready` once it is up.
    pub(super) fn new(
        name: &str,
        command: impl Fn(&Path, SocketAddr, &[&str]) -> Command + 'static,
        serve: &[&'static str],
        ready: &'static str,
    ) -> Result<Target, String> {
        let folder = std::env::temp_dir().join(format!("{name}-bench-{}", std::process::id()));
        std::fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        let free = TcpListener::bind("127.0.0.1:0").and_then(|probe| probe.local_addr());
        Ok(Target {
            command: Box::new(command),
            serve: serve.to_vec(),
            ready,
            folder,
            address: free.map_err(|e| format!("no free port: {e}"))?,
            child: None,
        })
    }

    /// The binary of ours, with a database and settings for measuring.
    pub(super) fn chancery(binary: &Path) -> Result<Target, String> {
        Target::chancery_on(binary, "sqlite:bench.db")
    }

    /// The same on a database of the caller's.
    pub(super) fn chancery_on(binary: &Path, database: &str) -> Result<Target, String> {
        let database = database.to_owned();
        let binary = binary
            .canonicalize()
            .map_err(|e| format!("{}: {e}; build it with cargo build --release", binary.display()))?;
        let command = move |folder: &Path, address: SocketAddr, arguments: &[&str]| {
            let mut command = Command::new(&binary);
            command
                .args(arguments)
                .current_dir(folder)
                .env("CHANCERY_DATABASE__URL", &database)
                .env("CHANCERY_KEYS__MASTER_KEY_FILE", "master.key")
                .env("CHANCERY_SERVER__ISSUER", format!("http://{address}"))
                .env("CHANCERY_SERVER__LISTEN", address.to_string())
                .env("CHANCERY_TOKENS__AUTHORIZATION_CODE", "10m")
                .env("CHANCERY_RATE_LIMITS__SIGN_IN_PER_ADDRESS", "100000/1m")
                .env("CHANCERY_RATE_LIMITS__SIGN_IN_PER_ACCOUNT", "100000/1m")
                .env("CHANCERY_RATE_LIMITS__TOKEN_PER_CLIENT", "10000000/1m")
                .env("CHANCERY_RATE_LIMITS__REQUESTS_PER_ADDRESS", "10000000/1m")
                .env("CHANCERY_API_KEYS__RATE", "10000000/1m")
                .env("CHANCERY_LOG__LEVEL", "error");
            command
        };
        Target::new("chancery", command, &["serve"], "/health/ready")
    }

    pub(super) fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = (self.command)(&self.folder, self.address, arguments);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    /// Writes a declarative file and applies it.
    pub(super) fn declare(&self, text: &str) -> Result<(), String> {
        let written = std::fs::write(self.folder.join("bench.toml"), text);
        let status = written.and_then(|()| self.command(&["apply", "bench.toml"]).status());
        match status {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(format!("`chancery apply` ended with {status}")),
            Err(e) => Err(format!("`chancery apply` could not run: {e}")),
        }
    }

    /// What a command prints.
    pub(super) fn print(&self, arguments: &[&str]) -> Result<String, String> {
        let what = arguments.join(" ");
        let output = self.command(arguments).stdout(Stdio::piped()).output();
        match output {
            Ok(output) if output.status.success() => {
                String::from_utf8(output.stdout).map_err(|e| format!("`chancery {what}`: {e}"))
            }
            Ok(output) => Err(format!("`chancery {what}` ended with {}", output.status)),
            Err(e) => Err(format!("`chancery {what}` could not run: {e}")),
        }
    }

    /// Starts the server and gives the time to its first answer.
    pub(super) fn start(&mut self) -> Result<Duration, String> {
        self.stop();
        let started = Instant::now();
        let serve = self.serve.clone();
        let child = self
            .command(&serve)
            .spawn()
            .map_err(|e| format!("the server could not be started: {e}"))?;
        self.child = Some(child);
        while started.elapsed() < LONGEST {
            if get_plainly(self.address, self.ready).is_ok_and(|answer| answer.contains(" 200 ")) {
                return Ok(started.elapsed());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Err("the server does not answer".to_owned())
    }

    pub(super) fn stop(&mut self) {
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
    pub(super) fn cpu(&self) -> Result<f64, String> {
        cpu_of(&self.proc("stat")?)
    }

    pub(super) fn resident_mib(&self) -> Result<f64, String> {
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

/// CPU time of this process so far, in µs.
pub(super) fn own_cpu() -> Result<f64, String> {
    cpu_of(&std::fs::read_to_string("/proc/self/stat").map_err(|e| format!("/proc/self/stat: {e}"))?)
}

fn cpu_of(stat: &str) -> Result<f64, String> {
    let (_, fields) = stat.rsplit_once(')').ok_or("/proc stat has no name")?;
    // The 14th and 15th field, of which the first two are before the bracket.
    let ticks = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<f64>().ok());
    Ok(ticks.sum::<f64>() * TICK_MICROS)
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
