//! The binary as an operator runs it.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Database, Server};

mod api_keys;
mod doctor;
mod factors;
mod import;
mod links;
mod master_key;
mod nouns;
mod passwords;
mod roles;
mod upstreams;

const SAMPLE: &str = include_str!("../support/sample.toml");

/// A folder to run the binary in, and a database.
struct Machine {
    folder: TempDir,
    database: String,
    master_key: PathBuf,
    _own: Option<Database>,
}

/// What a command said.
#[derive(Debug)]
struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Machine {
    fn new() -> Machine {
        let folder = TempDir::new().unwrap();
        let own = Database::empty();
        Machine {
            database: own.url.clone(),
            master_key: folder.path().join("master.key"),
            folder,
            _own: Some(own),
        }
    }

    /// On the database of a server that runs.
    fn beside(server: &Server) -> Machine {
        Machine {
            folder: TempDir::new().unwrap(),
            database: server.config.database.url.clone(),
            master_key: server.config.keys.master_key_file.clone(),
            _own: None,
        }
    }

    fn with_sample() -> Machine {
        let machine = Machine::new();
        machine.write("sample.toml", SAMPLE);
        machine.ok("apply sample.toml");
        machine
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    fn run(&self, line: &str) -> Ran {
        self.run_with(line, "")
    }

    fn run_with(&self, line: &str, stdin: &str) -> Ran {
        run(self.folder.path(), &self.database, &self.master_key, line, stdin)
    }

    /// What a command prints that must succeed.
    fn ok(&self, line: &str) -> String {
        self.ok_with(line, "")
    }

    fn ok_with(&self, line: &str, stdin: &str) -> String {
        let ran = self.run_with(line, stdin);
        assert_eq!(ran.code, Some(0), "{line}: {ran:?}");
        ran.out
    }

    fn json(&self, line: &str) -> Value {
        serde_json::from_str(&self.ok(line)).unwrap()
    }

    /// The one line that a command is refused with.
    fn refusal(&self, line: &str) -> String {
        let ran = self.run(line);
        assert_eq!(ran.code, Some(1), "{line}: {ran:?}");
        let refusal = ran
            .err
            .lines()
            .filter(|line| line.starts_with("chancery: "))
            .collect::<Vec<_>>();
        assert_eq!(refusal.len(), 1, "{line}: {ran:?}");
        refusal[0].to_owned()
    }
}

fn run(folder: &Path, database: &str, master_key: &Path, line: &str, stdin: &str) -> Ran {
    let mut child = Command::new(env!("CARGO_BIN_EXE_chancery"))
        .args(line.split_whitespace())
        .current_dir(folder)
        .env_clear()
        .env("CHANCERY_DATABASE__URL", database)
        .env("CHANCERY_KEYS__MASTER_KEY_FILE", master_key)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that reads nothing may be gone by now.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ran {
        code: output.status.code(),
        out: text(&output.stdout),
        err: text(&output.stderr),
    }
}

#[tokio::test]
async fn check_config_names_what_is_wrong() {
    let machine = Machine::new();
    machine.write("good.toml", "[server]\nissuer = \"https://id.example.org\"\n");
    assert!(
        machine
            .ok("check-config --config good.toml")
            .contains("https://id.example.org")
    );
    for (text, named) in [
        ("[server]\nissuer = \"http://id.example.org\"\n", "server.issuer"),
        (
            "[server]\nissuer = \"https://id.example.org/\"\n",
            "server.issuer",
        ),
        ("[server]\nisuer = \"https://id.example.org\"\n", "server.isuer"),
        (
            "[server]\ntls_certificate = \"cert.pem\"\n",
            "server.tls_certificate",
        ),
        ("[tokens]\naccess_token = \"tomorrow\"\n", "tokens.access_token"),
        ("[tokens]\naccess_token = \"2d\"\n", "tokens.access_token"),
        ("[keys]\nalgorithms = []\n", "keys.algorithms"),
        ("[keys]\nalgorithms = [\"none\"]\n", "keys.algorithms"),
        ("[keys]\nalgorithms = [\"ES256\"]\n", "keys.algorithms"),
        ("[log]\nlevel = \"inof\"\n", "log.level"),
        (
            "[accounts]\nargon2_iterations = 1\n",
            "accounts.argon2_iterations",
        ),
        ("[redis]\nurl = \"localhost\"\n", "redis.url"),
        ("[server]\nissuer = \n", "line 2"),
    ] {
        machine.write("bad.toml", text);
        let refusal = machine.refusal("check-config --config bad.toml");
        assert!(refusal.contains(named), "{text}: {refusal}");
        assert!(
            machine.refusal("serve --config bad.toml").contains(named),
            "{text}"
        );
    }
}

#[tokio::test]
async fn check_config_reads_the_branding() {
    let machine = Machine::new();
    for (text, named) in [
        (
            "[branding]\nlogo_file = \"nowhere.svg\"\n",
            "branding.logo_file: nowhere.svg cannot be read",
        ),
        (
            "[branding]\ntemplates = \"nowhere\"\n",
            "branding.templates: nowhere",
        ),
    ] {
        machine.write("bad.toml", text);
        let refusal = machine.refusal("check-config --config bad.toml");
        assert!(refusal.contains(named), "{text}: {refusal}");
    }
}

#[tokio::test]
async fn the_packaged_configuration_says_where_everything_lies() {
    let machine = Machine::new();
    let text = include_str!("../../.packaging/chancery.toml");
    machine.write("packaged.toml", text);
    machine.ok("check-config --config packaged.toml");
    let table: toml::Table = text.parse().unwrap();
    assert!(table["database"]["url"].is_str() && table["keys"]["master_key_file"].is_str());
    // What the unit alone knew, commands would not find.
    assert!(!include_str!("../../.packaging/chancery.service").contains("CHANCERY_"));
}

#[tokio::test]
async fn check_config_loads_the_certificates() {
    let machine = Machine::new();
    let made = || rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
    let (ours, other) = (made(), made());
    machine.write("cert.pem", &ours.cert.pem());
    machine.write("key.pem", &ours.signing_key.serialize_pem());
    machine.write("other.pem", &other.signing_key.serialize_pem());
    machine.write("empty.pem", "");
    let pair = |certificate: &str, key: &str| {
        format!("[server]\ntls_certificate = \"{certificate}\"\ntls_key = \"{key}\"\n")
    };
    let authority = |file: &str| format!("[outbound]\nextra_ca_file = \"{file}\"\n");
    for (text, named) in [
        (pair("cert.pem", "key.pem"), None),
        (authority("cert.pem"), None),
        (
            pair("cert.pem", "other.pem"),
            Some("server.tls_key: other.pem cannot be used"),
        ),
        (pair("cert.pem", "empty.pem"), Some("server.tls_key: empty.pem")),
        (
            pair("empty.pem", "key.pem"),
            Some("server.tls_certificate: empty.pem"),
        ),
        (
            pair("nowhere.pem", "key.pem"),
            Some("server.tls_certificate: nowhere.pem"),
        ),
        (authority("empty.pem"), Some("outbound.extra_ca_file empty.pem")),
        (authority("key.pem"), Some("outbound.extra_ca_file key.pem")),
    ] {
        machine.write("tls.toml", &text);
        match named {
            None => {
                machine.ok("check-config --config tls.toml");
            }
            Some(named) => {
                let refusal = machine.refusal("check-config --config tls.toml");
                assert!(refusal.contains(named), "{text}: {refusal}");
            }
        }
    }
}

#[tokio::test]
async fn what_only_looks_makes_no_database() {
    let machine = Machine::new();
    for line in [
        "client list",
        "account list",
        "export",
        "audit list",
        "api-key list",
        "plan sample.toml",
        "doctor",
    ] {
        machine.write("sample.toml", SAMPLE);
        let folder = machine.folder.path();
        let ran = run(folder, "sqlite:data/new.db", &folder.join("new.key"), line, "");
        assert_eq!(ran.code, Some(1), "{line}: {ran:?}");
        let said = ran.out + &ran.err;
        assert!(
            said.contains("there is no database at data/new.db") && said.contains("`chancery migrate`"),
            "{line}: {said}"
        );
        assert!(
            !folder.join("data").exists() && !folder.join("new.key").exists(),
            "{line}"
        );
    }
}

#[tokio::test]
async fn what_is_no_identifier_is_said_to_be_none() {
    let machine = Machine::new();
    for (line, list) in [
        ("api-key show nope", "api-key list"),
        ("api-key rotate nope", "api-key list"),
        ("api-key delete nope", "api-key list"),
        ("session show nope", "session list"),
        ("session delete nope", "session list"),
    ] {
        let ran = machine.run(line);
        assert_eq!(ran.code, Some(2), "{line}: {ran:?}");
        let says = format!("must be an identifier; see `chancery {list}`");
        assert!(ran.err.contains(&says), "{line}: {ran:?}");
    }
}

#[tokio::test]
async fn commands_that_do_not_exist_exit_with_2() {
    let machine = Machine::new();
    for line in [
        "",
        "nonsense",
        "client",
        "client nonsense",
        "apply",
        "client show",
        "serve --nonsense",
    ] {
        assert_eq!(machine.run(line).code, Some(2), "{line}");
    }
}

#[tokio::test]
async fn a_plan_shows_and_writes_nothing() {
    let machine = Machine::new();
    machine.write("sample.toml", SAMPLE);
    machine.ok("migrate");
    let plan = machine.ok("plan sample.toml");
    for line in [
        "+ role editor",
        "+ scope books:read",
        "+ client web",
        "+ account alice",
    ] {
        assert!(plan.lines().any(|shown| shown == line), "{line}: {plan}");
    }
    assert_eq!(machine.ok("plan sample.toml"), plan);
    assert!(!machine.master_key.exists());
    assert_eq!(machine.json("key list --json"), Value::Array(vec![]));
    assert!(machine.refusal("role show editor").contains("\"editor\""));
    for noun in ["client", "account", "scope"] {
        assert_eq!(
            machine.json(&format!("{noun} list --json")),
            Value::Array(vec![]),
            "{noun}"
        );
    }
}

#[tokio::test]
async fn what_is_applied_twice_changes_once() {
    let machine = Machine::with_sample();
    let (plan, again) = (machine.ok("plan sample.toml"), machine.ok("apply sample.toml"));
    let entries = SAMPLE.lines().filter(|line| line.starts_with("[[")).count();
    assert_eq!(plan.trim(), format!("would change: 0, unchanged: {entries}"));
    assert_eq!(again.trim(), format!("changed: 0, unchanged: {entries}"));
    machine.write("sample.toml", &SAMPLE.replace("\"Web shop\"", "\"Book shop\""));
    let changed = machine.ok("apply sample.toml");
    assert!(
        changed.starts_with("~ client web: client_name\nchanged: 1,"),
        "{changed}"
    );
    assert_eq!(machine.json("client show web --json")["client_name"], "Book shop");
}

#[tokio::test]
async fn a_wrong_file_changes_nothing_and_the_line_is_named() {
    let machine = Machine::new();
    machine.ok("migrate");
    let line = SAMPLE.lines().count() + 2;
    for (text, named) in [
        (
            "[[client]]\nclient_id = \"bad\"\nredirect_uri = \"https://a.example/\"\n",
            "redirect_uri",
        ),
        (
            "[[client]]\nclient_id = \"bad\"\nredirect_uris = [\"/relative\"]\n",
            "redirect_uris",
        ),
        (
            "[[client]]\nclient_id = \"bad\"\nredirect_uris = [\"https://a.example/\"]\nscope = \"no:such\"\n",
            "no:such",
        ),
        (
            "[[client]]\nclient_id = \"web\"\nredirect_uris = [\"https://a.example/\"]\n",
            "web",
        ),
        (
            "[[account]]\nusername = \"eve\"\nroles = [\"no-such-role\"]\n",
            "no-such-role",
        ),
        ("[[account]]\nusername = \"ALICE\"\n", "alice"),
        ("[[nonsense]]\n", "nonsense"),
    ] {
        machine.write("bad.toml", &format!("{SAMPLE}\n{text}"));
        for command in ["plan", "apply"] {
            let refusal = machine.refusal(&format!("{command} bad.toml"));
            let lines = line..line + text.lines().count();
            assert!(
                lines
                    .into_iter()
                    .any(|line| refusal.contains(&format!("line {line}:"))),
                "{text}: {refusal}"
            );
            assert!(refusal.contains(named), "{text}: {refusal}");
        }
    }
    assert_eq!(machine.json("client list --json"), Value::Array(vec![]));
    assert!(machine.refusal("apply nowhere.toml").contains("nowhere.toml"));
}

#[tokio::test]
async fn prune_removes_what_a_file_made_and_nothing_else() {
    let machine = Machine::with_sample();
    machine.ok("client create by-hand --redirect-uri https://hand.example/cb");
    machine.ok("role create by-hand --permission p");
    machine.write(
        "small.toml",
        "[[role]]\nname = \"editor\"\npermissions = [\"books:read\", \"books:write\"]\n",
    );
    machine.ok("apply small.toml");
    machine.ok("client show web");
    let plan = machine.ok("plan small.toml --prune");
    assert!(
        plan.contains("- client web") && !plan.contains("by-hand"),
        "{plan}"
    );
    machine.ok("client show web");
    machine.ok("apply small.toml --prune");
    assert!(machine.refusal("client show web").contains("\"web\""));
    let names = |value: Value, name: &str| -> Vec<String> {
        value
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row[name].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        names(machine.json("client list --json"), "client_id"),
        ["by-hand"]
    );
    assert_eq!(
        names(machine.json("role list --json"), "name"),
        [
            "admin",
            "by-hand",
            "editor",
            "moderator",
            "super_admin",
            "user",
            "viewer"
        ]
    );
    assert_eq!(machine.json("account list --json"), Value::Array(vec![]));
}

#[tokio::test]
async fn an_export_applied_changes_nothing_and_makes_the_same_elsewhere() {
    let machine = Machine::with_sample();
    let export = machine.ok("export");
    machine.write("export.toml", &export);
    assert!(machine.ok("apply export.toml").starts_with("changed: 0,"));
    let other = Machine::new();
    other.write("export.toml", &export);
    other.ok("apply export.toml");
    assert_eq!(other.ok("export"), export);
}

/// The kinds of the mails that wait in the outbox. The clock of the command line is not that of the server here, so
/// they are not sent.
async fn waiting(server: &Server) -> Vec<String> {
    let now = server.clock.now();
    let list = async move |db: &mut store::Conn| {
        store::outbox::list_due(db, store::outbox::Lane::Mail, now, 20).await
    };
    let due = server.running.app.store.read(list).await.unwrap();
    due.into_iter().map(|parcel| parcel.kind).collect()
}
