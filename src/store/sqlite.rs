//! SQLite: reader connections that are used on the spot or, for long reads, on threads of their own, and the writer
//! thread.

use std::fs::OpenOptions;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::panic::resume_unwind;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use tokio::sync::Semaphore;
use tokio::task::JoinError;
use tokio::time::timeout;

use crate::changes::Changes;
use crate::conn::{Conn, SendAsyncFn};
use crate::error::StoreError;
use crate::writer::{Writer, finish};

const PRAGMAS: &str = "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
     PRAGMA foreign_keys = ON; PRAGMA cache_size = -4000; PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF;";
/// What a reader has cached is void after each change by the writer. Mapping the file would not help: SQLite takes the
/// mapping down after each change too, which costs more than reading the pages again.
const READER: &str = "PRAGMA query_only = 1; PRAGMA cache_size = -2000;";

/// Long reads at one time.
const SCANS: usize = 4;
/// How long one waits for its turn, as long as a write for the lock; and how long the end waits for all of them.
const PATIENCE: Duration = Duration::from_secs(5);

pub(crate) struct Sqlite {
    path: String,
    writer: Writer,
    readers: Mutex<Vec<Conn>>,
    max_readers: usize,
    scans: Arc<Semaphore>,
    patience: Duration,
}

impl Sqlite {
    pub(crate) fn open(path: &str, max_readers: usize, changes: Arc<Changes>) -> Result<Sqlite, StoreError> {
        if path.is_empty() || path.starts_with(':') {
            return Err(StoreError::Url(
                "the database URL must name a file, as in sqlite:data/chancery.db".into(),
            ));
        }
        make_file(Path::new(path)).map_err(|error| StoreError::Url(format!("{path}: {error}")))?;
        let writer = Writer::start(connect(path)?, changes)?;
        Ok(Sqlite {
            path: path.to_owned(),
            writer,
            readers: Mutex::new(Vec::new()),
            max_readers: max_readers.max(1),
            scans: Arc::new(Semaphore::new(SCANS)),
            patience: PATIENCE,
        })
    }

    /// Runs on the calling thread from start to end, so no more connections are out than threads read.
    pub(crate) fn read<R, F>(&self, f: F) -> Result<R, StoreError>
    where
        F: for<'c> SendAsyncFn<&'c mut Conn, Result<R, StoreError>>,
    {
        let idle = self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut conn = match idle {
            Some(conn) => conn,
            None => {
                let mut conn = connect(&self.path)?;
                conn.batch_execute(READER)?;
                Conn::Sqlite(conn)
            }
        };
        let result = finish(f.run(&mut conn));
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if readers.len() < self.max_readers && !self.scans.is_closed() {
            readers.push(conn);
        }
        result
    }

    /// Runs on a thread that may be held up. It goes on when its caller has gone, and counts until then.
    pub(crate) async fn scan<R, F>(self: &Arc<Self>, f: F) -> Result<R, StoreError>
    where
        R: Send + 'static,
        F: for<'c> SendAsyncFn<&'c mut Conn, Result<R, StoreError>> + Send + 'static,
    {
        let turn = timeout(self.patience, self.scans.clone().acquire_owned()).await;
        let turn = turn
            .map_err(|_| StoreError::Busy)?
            .map_err(|_| StoreError::Closed)?;
        let sqlite = self.clone();
        let scan = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            sqlite.read(f)
        });
        match scan.await.map_err(JoinError::try_into_panic) {
            Ok(result) => result,
            Err(Ok(panic)) => resume_unwind(panic),
            Err(Err(_)) => Err(StoreError::Closed),
        }
    }

    pub(crate) async fn write<R, F>(&self, f: F) -> Result<R, StoreError>
    where
        R: Send + 'static,
        F: for<'c> SendAsyncFn<&'c mut Conn, Result<R, StoreError>> + Send + 'static,
    {
        self.writer.write(f).await
    }

    pub(crate) async fn close(&self) {
        // Those whose callers have gone may still run, and would keep the writer from its last checkpoint.
        let all = u32::try_from(SCANS).unwrap_or(u32::MAX);
        let ended = timeout(self.patience, self.scans.acquire_many(all)).await;
        if ended.is_err() {
            tracing::warn!("the database is closed while it is still read");
        }
        self.scans.close();
        self.readers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
        self.writer.close().await;
    }
}

/// Makes the file before SQLite would, for its mode: it holds password hashes. The journal files
/// inherit it.
fn make_file(path: &Path) -> std::io::Result<()> {
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(parent)?;
    }
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
        .map(drop)
}

fn connect(path: &str) -> Result<SqliteConnection, StoreError> {
    let mut conn = SqliteConnection::establish(path).map_err(StoreError::other)?;
    conn.batch_execute(PRAGMAS)?;
    Ok(conn)
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::mpsc::{self, RecvTimeoutError};
    use std::task::{Context, Waker};

    use diesel::prelude::*;
    use diesel::sql_types::Text;

    use super::*;
    use crate::conn::ping;
    use crate::{Backend, Store};

    #[derive(QueryableByName)]
    struct CompileOption {
        #[diesel(sql_type = Text)]
        compile_options: String,
    }

    /// What `.cargo/config.toml` says reaches the library that is linked in.
    #[test]
    fn sqlite_is_compiled_as_it_is_meant_to_be() {
        let mut conn = SqliteConnection::establish(":memory:").unwrap();
        let options: Vec<CompileOption> = diesel::sql_query("PRAGMA compile_options")
            .load(&mut conn)
            .unwrap();
        let has = |name: &str| options.iter().any(|option| option.compile_options == name);
        assert!(has("OMIT_LOAD_EXTENSION") && has("DEFAULT_MEMSTATUS=0"));
        assert!(!has("ENABLE_MEMORY_MANAGEMENT") && !has("ENABLE_API_ARMOR"));
    }

    /// On one thread, which a scan that did not leave it would keep from all others.
    #[tokio::test]
    async fn a_scan_holds_up_nobody_and_only_so_many_run() {
        let (_folder, store) = store().await;
        let (started, starts) = mpsc::channel();
        let mut goes = Vec::new();
        let mut scans = tokio::task::JoinSet::new();
        for _ in 0..=SCANS {
            let (go, wait) = mpsc::channel();
            goes.push(go);
            scans.spawn(scan(&store, started.clone(), wait));
        }
        let mut running = 0;
        while running < SCANS {
            store.read(async |db: &mut Conn| ping(db).await).await.unwrap();
            tokio::task::yield_now().await;
            running += starts.try_iter().count();
        }
        // Each has asked for its turn by now, and one has not got it.
        assert_eq!(
            starts.recv_timeout(Duration::from_millis(100)),
            Err(RecvTimeoutError::Timeout)
        );
        for go in goes {
            go.send(()).unwrap();
        }
        while let Some(scan) = scans.join_next().await {
            assert!(scan.unwrap().unwrap());
        }
        assert_eq!(starts.try_iter().count(), 1);
    }

    #[tokio::test]
    async fn the_end_waits_for_scans_and_no_more_begin() {
        let (_folder, store) = store().await;
        let (started, starts) = mpsc::channel();
        let (go, wait) = mpsc::channel();
        let running = tokio::spawn(scan(&store, started, wait));
        while starts.try_recv().is_err() {
            tokio::task::yield_now().await;
        }
        // Its caller goes, and it does not.
        running.abort();
        let mut end = pin!(store.close());
        for _ in 0..10 {
            let polled = end.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert!(polled.is_pending());
            tokio::task::yield_now().await;
        }
        go.send(()).unwrap();
        end.await;
        let refused = store.scan(async |db: &mut Conn| ping(db).await).await;
        assert!(matches!(refused, Err(StoreError::Closed)));
    }

    #[tokio::test]
    async fn who_waits_too_long_for_a_turn_is_refused_and_the_end_comes_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let changes = Arc::new(Changes::default());
        let path = folder.path().join("s.db");
        let mut sqlite = Sqlite::open(path.to_str().unwrap(), 8, changes.clone()).unwrap();
        sqlite.patience = Duration::from_millis(20);
        let every = u32::try_from(SCANS).unwrap();
        let held = sqlite.scans.clone().acquire_many_owned(every).await.unwrap();
        let store = Store(Arc::new(Backend::Sqlite(Arc::new(sqlite))), changes);
        let scan = async || store.scan(async |db: &mut Conn| ping(db).await).await;
        assert!(matches!(scan().await, Err(StoreError::Busy)));
        drop(held);
        scan().await.unwrap();
        let _running = match &*store.0 {
            Backend::Sqlite(sqlite) => sqlite.scans.clone().acquire_owned().await.unwrap(),
            Backend::Postgres(_) => unreachable!(),
        };
        store.close().await;
        assert!(matches!(scan().await, Err(StoreError::Closed)));
    }

    async fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("s.db").display());
        let store = Store::open(&url, 8).await.unwrap();
        (folder, store)
    }

    /// A scan that says when it begins, and ends when it is told to.
    fn scan(
        store: &Store,
        started: mpsc::Sender<()>,
        wait: mpsc::Receiver<()>,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send + 'static {
        let store = store.clone();
        async move {
            store
                .scan(async move |_: &mut Conn| {
                    started.send(()).unwrap();
                    Ok(wait.recv_timeout(Duration::from_secs(60)).is_ok())
                })
                .await
        }
    }
}
