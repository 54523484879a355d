//! The one thread that writes to SQLite. It takes what is waiting, and what is likely to follow at once, into one
//! transaction, each job in a savepoint of its own, and answers only after the commit.

use std::collections::VecDeque;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::query_builder::{QueryFragment, QueryId};
use diesel::sql_types::BigInt;
use diesel::sqlite::Sqlite;
use diesel::{QueryableByName, RunQueryDsl, SqliteConnection};
use tokio::sync::oneshot;

use crate::changes::{self, Changes};
use crate::conn::{Conn, SendAsyncFn};
use crate::error::StoreError;
use crate::prepared::{Begin, Commit, Release, Savepoint};
use crate::queue::Queue;

/// Jobs in one transaction at most.
const MAX_BATCH: usize = 256;
/// How long a transaction may collect jobs. Nothing ever waits for it to pass.
const MAX_HOLD: Duration = Duration::from_millis(5);

/// How long the writer waits for jobs that are likely to come: those of callers who wrote at the same time a moment ago.
/// It sleeps meanwhile, and is not woken for each of them. One caller alone does not wait, but for a few times after a
/// crowd.
const GATHER: Duration = Duration::from_millis(2);

/// How often the writer looks whether another process has written, such as a command line beside the server.
pub(crate) const LOOK: Duration = Duration::from_millis(50);

/// Tells a caller how its job ended, once it is known whether the commit held.
type Answer = Box<dyn FnOnce(bool) + Send>;
type Job = Box<dyn FnOnce(&mut Conn) -> Done + Send>;

enum Done {
    /// Nobody waits for the answer any more, so nothing was done.
    Skipped,
    Ran(Answer),
    /// The savepoint is lost, and the transaction with it.
    Broken(Answer),
}

pub(crate) struct Writer {
    changes: Arc<Changes>,
    queue: Arc<Queue<Job>>,
    ended: Mutex<Option<oneshot::Receiver<()>>>,
}

impl Writer {
    pub(crate) fn start(conn: SqliteConnection, changes: Arc<Changes>) -> Result<Writer, StoreError> {
        let queue = Arc::new(Queue::default());
        let (end, ended) = oneshot::channel();
        std::thread::Builder::new()
            .name("sqlite-writer".into())
            .spawn({
                let (queue, changes) = (Closing(queue.clone()), changes.clone());
                move || {
                    run(Conn::Sqlite(conn), &queue.0, &changes);
                    let _ = end.send(());
                }
            })
            .map_err(StoreError::other)?;
        Ok(Writer {
            changes,
            queue,
            ended: Mutex::new(Some(ended)),
        })
    }

    pub(crate) async fn write<R, F>(&self, f: F) -> Result<R, StoreError>
    where
        R: Send + 'static,
        F: for<'c> SendAsyncFn<&'c mut Conn, Result<R, StoreError>> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel::<Result<R, StoreError>>();
        let changes = self.changes.clone();
        self.queue.push(Box::new(move |conn| {
            if answer.is_closed() {
                return Done::Skipped;
            }
            let ((result, intact), changed) = changes::collect(|| in_savepoint(conn, f));
            let tell: Answer = Box::new(move |committed| {
                let result = if committed || result.is_err() {
                    result
                } else {
                    Err(StoreError::other("the transaction could not be committed"))
                };
                if result.is_ok() {
                    changes.add(&changed);
                }
                let _ = answer.send(result);
            });
            if intact {
                Done::Ran(tell)
            } else {
                Done::Broken(tell)
            }
        }))?;
        // A job that is dropped unrun could not get the write lock, or the thread has ended.
        answered.await.unwrap_or(Err(StoreError::Busy))
    }

    pub(crate) async fn close(&self) {
        self.queue.close();
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(ended) = ended {
            let _ = ended.await;
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue.close();
    }
}

/// Closes the queue when the thread ends, however it ends.
struct Closing(Arc<Queue<Job>>);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.close();
        // Who waits for a job that nobody runs learns so when it is dropped.
        self.0.take(0, Duration::ZERO, &mut VecDeque::new());
    }
}

fn run(mut conn: Conn, queue: &Queue<Job>, changes: &Changes) {
    let mut jobs = VecDeque::new();
    let mut answers: Vec<Answer> = Vec::with_capacity(MAX_BATCH);
    let mut watch = Watch::new(&mut conn);
    let mut crowd = Crowd::default();
    loop {
        if jobs.is_empty() {
            let open = queue.take(1, LOOK, &mut jobs);
            if !open && jobs.is_empty() {
                break;
            }
        }
        if watch.is_due() && watch.others_wrote(&mut conn) {
            changes.add_unknown();
        }
        if jobs.is_empty() {
            crowd = Crowd::default();
            continue;
        }
        if jobs.len() < crowd.expected() {
            queue.take(crowd.expected() - jobs.len(), GATHER, &mut jobs);
        }
        if let Err(error) = run_prepared(&mut conn, Begin) {
            tracing::error!(%error, "no write transaction");
            // Each of them would only meet the same.
            jobs.clear();
            continue;
        }
        let started = Instant::now();
        let mut intact = true;
        while answers.len() < MAX_BATCH && started.elapsed() < MAX_HOLD {
            if jobs.is_empty() {
                queue.take(0, Duration::ZERO, &mut jobs);
            }
            let Some(job) = jobs.pop_front() else { break };
            match job(&mut conn) {
                Done::Skipped => {}
                Done::Ran(answer) => answers.push(answer),
                Done::Broken(answer) => {
                    answers.push(answer);
                    intact = false;
                    break;
                }
            }
        }
        crowd.came(answers.len());
        let committed = intact && commit(&mut conn);
        if committed {
            changes.count_commit();
        } else {
            // Fails when the database has rolled back by itself, which is as well.
            let _ = statement(&mut conn, "ROLLBACK");
        }
        for answer in answers.drain(..) {
            answer(committed);
        }
    }
    if let Err(error) = statement(&mut conn, "PRAGMA optimize; PRAGMA wal_checkpoint(TRUNCATE)") {
        tracing::warn!(%error, "the database was closed without a checkpoint");
    }
}

/// How many callers write at once.
#[derive(Default)]
struct Crowd(usize);

impl Crowd {
    /// How many jobs are likely to come for one transaction.
    fn expected(&self) -> usize {
        self.0
    }

    /// Learns how many came. Each wait in vain makes the next one half as likely.
    fn came(&mut self, jobs: usize) {
        self.0 = jobs.max(self.0 / 2);
    }
}

/// What the writer knows of other processes: the number of the database changes when one of them commits, and not when
/// the writer itself does.
struct Watch {
    version: i64,
    looked_at: Instant,
}

#[derive(QueryableByName)]
struct Version {
    #[diesel(sql_type = BigInt)]
    data_version: i64,
}

impl Watch {
    fn new(conn: &mut Conn) -> Watch {
        Watch {
            version: version(conn).unwrap_or_default(),
            looked_at: Instant::now(),
        }
    }

    fn is_due(&self) -> bool {
        self.looked_at.elapsed() >= LOOK
    }

    fn others_wrote(&mut self, conn: &mut Conn) -> bool {
        self.looked_at = Instant::now();
        let Some(version) = version(conn) else {
            return false;
        };
        std::mem::replace(&mut self.version, version) != version
    }
}

fn version(conn: &mut Conn) -> Option<i64> {
    match conn {
        Conn::Sqlite(conn) => {
            let found: Version = diesel::sql_query("PRAGMA data_version").get_result(conn).ok()?;
            Some(found.data_version)
        }
        Conn::Pg(_) => None,
    }
}

fn commit(conn: &mut Conn) -> bool {
    match run_prepared(conn, Commit) {
        Ok(()) => true,
        Err(error) => {
            tracing::error!(%error, "a commit failed");
            false
        }
    }
}

fn statement(conn: &mut Conn, sql: &str) -> Result<(), StoreError> {
    match conn {
        Conn::Sqlite(conn) => Ok(conn.batch_execute(sql)?),
        Conn::Pg(_) => Ok(()),
    }
}

fn run_prepared<Q>(conn: &mut Conn, query: Q) -> Result<(), StoreError>
where
    Q: QueryFragment<Sqlite> + QueryId + RunQueryDsl<SqliteConnection>,
{
    match conn {
        Conn::Sqlite(conn) => query.execute(conn).map(drop)?,
        Conn::Pg(_) => {}
    }
    Ok(())
}

/// Runs a closure in a savepoint. The second value is false when the savepoint could not be ended.
fn in_savepoint<R, F>(conn: &mut Conn, f: F) -> (Result<R, StoreError>, bool)
where
    F: for<'c> SendAsyncFn<&'c mut Conn, Result<R, StoreError>>,
{
    if let Err(error) = run_prepared(conn, Savepoint) {
        return (Err(error), false);
    }
    let result = catch_unwind(AssertUnwindSafe(|| finish(f.run(conn)))).unwrap_or(Err(StoreError::Panicked));
    let ended = if result.is_ok() {
        run_prepared(conn, Release)
    } else {
        statement(conn, "ROLLBACK TO job; RELEASE job")
    };
    match ended {
        Ok(()) => (result, true),
        Err(error) => (result.and(Err(error)), false),
    }
}

/// The output of a future that has nothing to wait for.
pub(crate) fn finish<R>(future: impl Future<Output = Result<R, StoreError>>) -> Result<R, StoreError> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => Err(StoreError::Suspended),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_crowd_is_waited_for() {
        let mut crowd = Crowd::default();
        let mut expected = Vec::new();
        for jobs in [1, 1, 3, 16, 16, 1, 1, 2, 1, 1] {
            crowd.came(jobs);
            expected.push(crowd.expected());
        }
        assert_eq!(expected, [1, 1, 3, 16, 16, 8, 4, 2, 1, 1]);
    }
}
