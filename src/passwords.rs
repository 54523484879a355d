//! Argon2id (RFC 9106) on threads of its own, behind a short queue, so that a flood of sign-ins takes neither
//! the memory nor the threads that answer everything else.

use std::time::{Duration, Instant};

use crossbeam_channel::Sender;
use tokio::sync::oneshot;
use zeroize::Zeroizing;

mod argon;
mod common;
mod foreign;
mod pace;
pub mod policy;
pub(crate) mod range;
mod worker;

pub use argon2::Params;
pub use policy::Weakness;

use worker::Worker;

/// The longest password that can match, in bytes.
pub const MAX_BYTES: usize = 1024;
/// How many jobs may wait.
pub const QUEUE: usize = 64;
const MAX_WAIT: Duration = Duration::from_secs(1);

/// Too many passwords are being checked; the caller should come back in a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many passwords are being checked")]
pub struct Busy;

/// What a check of a password found.
#[derive(Debug)]
pub struct Verdict {
    /// Whether the password is the right one.
    pub matches: bool,
    /// A new hash to keep, when the old one was made with other parameters.
    pub rehash: Option<String>,
}

/// The pool of hashing threads. They end when it is dropped.
pub struct Passwords {
    queue: Sender<Job>,
}

struct Job {
    waiting_since: Instant,
    task: Task,
}

enum Task {
    Hash(Zeroizing<String>, oneshot::Sender<Result<String, Busy>>),
    Verify(
        Option<String>,
        Zeroizing<String>,
        oneshot::Sender<Result<Verdict, Busy>>,
    ),
    Other(Box<dyn FnOnce() + Send>),
}

/// A pool with the parameters of the configuration and a thread for each core.
pub fn configured(accounts: &crate::config::Accounts) -> Result<Passwords, argon2::Error> {
    let (memory, passes) = (accounts.argon2_memory_kib, accounts.argon2_iterations);
    let params = Params::new(memory, passes, accounts.argon2_parallelism, None)?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Ok(Passwords::new(params, cores, QUEUE))
}

impl Passwords {
    /// Starts `workers` threads, at most one per core, behind a queue of `queue` jobs.
    pub fn new(params: Params, workers: usize, queue: usize) -> Passwords {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let (sender, receiver) = crossbeam_channel::bounded(queue);
        for number in 0..workers.clamp(1, cores) {
            let worker = Worker::new(params.clone());
            let jobs = receiver.clone();
            let started = std::thread::Builder::new()
                .name(format!("password-{number}"))
                .spawn(move || worker.run(&jobs));
            if let Err(error) = started {
                tracing::error!(%error, "a password thread did not start");
            }
        }
        Passwords { queue: sender }
    }

    /// Hashes a new password into a PHC string.
    pub async fn hash(&self, password: &str) -> Result<String, Busy> {
        let (sender, answer) = oneshot::channel();
        self.enqueue(Task::Hash(Zeroizing::new(password.to_owned()), sender))?;
        answer.await.unwrap_or(Err(Busy))
    }

    /// Checks a password. Without a hash the work is the same and the answer is no, so that the time taken
    /// does not tell which accounts exist.
    pub async fn verify(&self, hash: Option<String>, password: &str) -> Result<Verdict, Busy> {
        let (sender, answer) = oneshot::channel();
        self.enqueue(Task::Verify(hash, Zeroizing::new(password.to_owned()), sender))?;
        answer.await.unwrap_or(Err(Busy))
    }

    /// Does other slow work on these threads, such as judging a password.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Busy> {
        let (sender, answer) = oneshot::channel();
        self.enqueue(Task::Other(Box::new(move || {
            // The receiver is gone when the caller hung up.
            let _ = sender.send(work());
        })))?;
        answer.await.map_err(|_| Busy)
    }

    fn enqueue(&self, task: Task) -> Result<(), Busy> {
        let waiting_since = Instant::now();
        let job = Job { waiting_since, task };
        self.queue.try_send(job).map_err(|_| Busy)
    }
}

impl std::fmt::Debug for Passwords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Passwords")
    }
}

/// Whether a hash of another system can be verified, at a cost that is bearable.
pub fn is_verifiable(hash: &str) -> bool {
    argon::Stored::parse(hash).is_some() || foreign::Foreign::parse(hash).is_some()
}

#[cfg(test)]
mod tests;
