//! SQLite: reader connections that are used on the spot, and the writer thread.

use std::fs::OpenOptions;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};

use crate::changes::Changes;
use crate::conn::{Conn, SendAsyncFn};
use crate::error::StoreError;
use crate::writer::{Writer, finish};

const PRAGMAS: &str = "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
     PRAGMA foreign_keys = ON; PRAGMA cache_size = -4000; PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF;";
/// What a reader has cached is void after each change by the writer. Mapping the file would not help: SQLite takes the
/// mapping down after each change too, which costs more than reading the pages again.
const READER: &str = "PRAGMA query_only = 1; PRAGMA cache_size = -2000;";

pub(crate) struct Sqlite {
    path: String,
    writer: Writer,
    readers: Mutex<Vec<Conn>>,
    max_readers: usize,
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
        if readers.len() < self.max_readers {
            readers.push(conn);
        }
        result
    }

    pub(crate) async fn write<R, F>(&self, f: F) -> Result<R, StoreError>
    where
        R: Send + 'static,
        F: for<'c> SendAsyncFn<&'c mut Conn, Result<R, StoreError>> + Send + 'static,
    {
        self.writer.write(f).await
    }

    pub(crate) async fn close(&self) {
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
    use diesel::prelude::*;
    use diesel::sql_types::Text;

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
}
