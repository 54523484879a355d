//! A database of its own for each test, gone when the test is over; what they are copied from stays.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;

use tempfile::TempDir;
use tokio::sync::OnceCell;

use super::server::first_start;

/// A database and the folder of its server, in which it lies where it is a file.
pub(crate) struct Database {
    pub(crate) url: String,
    pub(crate) folder: TempDir,
    /// The server that holds it and its name there.
    held: Option<(String, String)>,
}

/// What a first start leaves.
struct Template {
    name: String,
    files: Vec<(OsString, Vec<u8>)>,
}

impl Database {
    /// One without a table.
    pub(crate) fn empty() -> Database {
        let database = Database::named();
        database.create("template0");
        database
    }

    /// One that is not made yet, but has its folder and its name.
    pub(crate) fn named() -> Database {
        let folder = TempDir::new().unwrap();
        let Some(server) = server() else {
            return Database {
                url: format!("sqlite:{}", folder.path().join("test.db").display()),
                folder,
                held: None,
            };
        };
        let name = format!("test_{}", chancery::random::uuid().simple());
        let (base, query) = server.split_at(server.find('?').unwrap_or(server.len()));
        let (root, _) = base.rsplit_once('/').expect("TEST_DATABASE_URL names a database");
        Database {
            url: format!("{root}/{name}{query}"),
            folder,
            held: Some((server, name)),
        }
    }

    /// Makes it as a first start leaves it, with the files beside it. It is a copy: to find primes for each test would
    /// take longer than most tests do.
    pub(crate) async fn fill(&self) {
        static TEMPLATE: OnceCell<Template> = OnceCell::const_new();
        let template = TEMPLATE.get_or_init(Template::make).await;
        self.create(&template.name);
        for (name, content) in &template.files {
            let path = self.folder.path().join(name);
            let mut options = OpenOptions::new();
            let mut file = options
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(path)
                .unwrap();
            file.write_all(content).unwrap();
        }
    }

    /// Makes it. A file is made by whoever opens it.
    pub(crate) fn create(&self, template: &str) {
        if let Some((server, name)) = &self.held {
            tell(server, &format!("CREATE DATABASE {name} TEMPLATE {template}")).unwrap();
        }
    }
}

impl Template {
    async fn make() -> Template {
        let mut database = Database::empty();
        first_start(&database).await;
        let files = std::fs::read_dir(database.folder.path())
            .unwrap()
            .map(Result::unwrap);
        let files = files.filter(|file| file.file_type().unwrap().is_file());
        let template = Template {
            name: String::new(),
            files: files
                .map(|file| (file.file_name(), std::fs::read(file.path()).unwrap()))
                .collect(),
        };
        let Some((server, name)) = database.held.take() else {
            return template;
        };
        // Nothing may look at what is copied.
        let leave = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname =";
        tell(&server, &format!("{leave} '{name}'")).unwrap();
        Template { name, ..template }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some((server, name)) = &self.held {
            // A test that fails must fail of its own reason.
            let _ = tell(server, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        }
    }
}

fn server() -> Option<String> {
    std::env::var("TEST_DATABASE_URL").ok()
}

/// Says something to the server that holds the databases. It may be called where a runtime is running, which must not be
/// held up by another.
fn tell(server: &str, statement: &str) -> Result<(), tokio_postgres::Error> {
    std::thread::scope(|scope| {
        let say = || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async {
                let (client, connection) = tokio_postgres::connect(server, tokio_postgres::NoTls).await?;
                let driver = tokio::spawn(connection);
                let told = client.batch_execute(statement).await;
                drop(client);
                let _ = driver.await;
                told
            })
        };
        scope.spawn(say).join().unwrap()
    })
}
