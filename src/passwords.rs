//! Argon2id (RFC 9106) on threads of its own, behind a short queue, so that a flood of sign-ins takes neither
//! the memory nor the threads that answer everything else.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use argon2::{Algorithm, Argon2, Block, Version};
use password_hash::phc::{Ident, Output, ParamsString, PasswordHash, Salt};
use subtle::ConstantTimeEq as _;
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use crate::random;

pub use argon2::Params;

/// The longest password that can match, in bytes.
pub const MAX_BYTES: usize = 1024;
/// How many jobs may wait.
pub const QUEUE: usize = 64;
const MAX_WAIT: Duration = Duration::from_secs(1);
const OUTPUT_LEN: usize = 32;
const SALT_LEN: usize = 16;
/// Imported hashes may cost this much at most: 256 MiB, 16 passes, 16 lanes.
const MAX_COST: (u32, u32, u32) = (256 * 1024, 16, 16);

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
    queue: SyncSender<Job>,
}

struct Job {
    password: Zeroizing<Vec<u8>>,
    waiting_since: Instant,
    task: Task,
}

enum Task {
    Hash(oneshot::Sender<Result<String, Busy>>),
    Verify(Option<String>, oneshot::Sender<Result<Verdict, Busy>>),
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
        let (sender, receiver) = sync_channel(queue);
        let receiver = Arc::new(Mutex::new(receiver));
        for number in 0..workers.clamp(1, cores) {
            let worker = Worker::new(params.clone());
            let jobs = Arc::clone(&receiver);
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
        self.enqueue(password, Task::Hash(sender))?;
        answer.await.unwrap_or(Err(Busy))
    }

    /// Checks a password. Without a hash the work is the same and the answer is no, so that the time taken
    /// does not tell which accounts exist.
    pub async fn verify(&self, hash: Option<String>, password: &str) -> Result<Verdict, Busy> {
        let (sender, answer) = oneshot::channel();
        self.enqueue(password, Task::Verify(hash, sender))?;
        answer.await.unwrap_or(Err(Busy))
    }

    fn enqueue(&self, password: &str, task: Task) -> Result<(), Busy> {
        let password = Zeroizing::new(password.as_bytes().to_vec());
        let job = Job {
            password,
            waiting_since: Instant::now(),
            task,
        };
        self.queue.try_send(job).map_err(|_| Busy)
    }
}

impl std::fmt::Debug for Passwords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Passwords")
    }
}

struct Worker {
    params: Params,
    memory: Vec<Block>,
}

impl Worker {
    fn new(params: Params) -> Worker {
        Worker {
            params,
            memory: Vec::new(),
        }
    }

    fn run(mut self, jobs: &Mutex<Receiver<Job>>) {
        loop {
            let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(job) = next else { return };
            if catch_unwind(AssertUnwindSafe(|| self.serve(job))).is_err() {
                tracing::error!("hashing a password panicked");
                self.memory = Vec::new();
            }
        }
    }

    fn serve(&mut self, job: Job) {
        let late = job.waiting_since.elapsed() > MAX_WAIT;
        // The receiver is gone when the caller hung up: nobody waits for the result.
        match job.task {
            Task::Hash(answer) if answer.is_closed() => {}
            Task::Verify(_, answer) if answer.is_closed() => {}
            Task::Hash(answer) => {
                let _ = answer.send(if late {
                    Err(Busy)
                } else {
                    self.hash(&job.password).ok_or(Busy)
                });
            }
            Task::Verify(hash, answer) => {
                let verdict = if late {
                    Err(Busy)
                } else {
                    Ok(self.verify(hash.as_deref(), &job.password))
                };
                let _ = answer.send(verdict);
            }
        }
    }

    fn hash(&mut self, password: &[u8]) -> Option<String> {
        let salt: [u8; SALT_LEN] = random::bytes();
        let params = self.params.clone();
        let mut out = [0; OUTPUT_LEN];
        self.compute(
            Algorithm::Argon2id,
            Version::V0x13,
            &params,
            password,
            &salt,
            &mut out,
        )?;
        let phc = PasswordHash {
            algorithm: Ident::new("argon2id").ok()?,
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(&params).ok()?,
            salt: Some(Salt::new(&salt).ok()?),
            hash: Some(Output::new(&out).ok()?),
        };
        Some(phc.to_string())
    }

    fn verify(&mut self, hash: Option<&str>, password: &[u8]) -> Verdict {
        let stored = hash
            .filter(|_| password.len() <= MAX_BYTES)
            .and_then(Stored::parse);
        let Some(stored) = stored else {
            self.spend(password);
            return Verdict {
                matches: false,
                rehash: None,
            };
        };
        if !self.matches(&stored, password) {
            return Verdict {
                matches: false,
                rehash: None,
            };
        }
        let rehash = if stored.is_current(&self.params) {
            None
        } else {
            self.hash(password)
        };
        Verdict {
            matches: true,
            rehash,
        }
    }

    fn matches(&mut self, stored: &Stored, password: &[u8]) -> bool {
        let mut out = vec![0; stored.output.as_bytes().len()];
        let salt = &stored.salt;
        self.compute(
            stored.algorithm,
            stored.version,
            &stored.params,
            password,
            salt,
            &mut out,
        )
        .is_some_and(|()| out.ct_eq(stored.output.as_bytes()).into())
    }

    /// The work of a check whose answer is already no.
    fn spend(&mut self, password: &[u8]) {
        let params = self.params.clone();
        let password = password.get(..password.len().min(MAX_BYTES)).unwrap_or_default();
        let mut out = [0; OUTPUT_LEN];
        let salt = [0; SALT_LEN];
        let _ = self.compute(
            Algorithm::Argon2id,
            Version::V0x13,
            &params,
            password,
            &salt,
            &mut out,
        );
        std::hint::black_box(out);
    }

    fn compute(
        &mut self,
        algorithm: Algorithm,
        version: Version,
        params: &Params,
        password: &[u8],
        salt: &[u8],
        out: &mut [u8],
    ) -> Option<()> {
        let blocks = params.block_count();
        let usual = self.params.block_count();
        if self.memory.len() < blocks {
            self.memory.resize(blocks, Block::new());
        }
        let memory = self.memory.get_mut(..blocks)?;
        let done = Argon2::new(algorithm, version, params.clone())
            .hash_password_into_with_memory(password, salt, out, memory)
            .ok();
        if self.memory.len() > usual {
            self.memory.truncate(usual);
            self.memory.shrink_to_fit();
        }
        done
    }
}

/// A PHC string taken apart.
struct Stored {
    algorithm: Algorithm,
    version: Version,
    params: Params,
    salt: Salt,
    output: Output,
}

impl Stored {
    /// `None` for what is no Argon2 hash, or one that would cost too much to check.
    fn parse(text: &str) -> Option<Stored> {
        let phc = PasswordHash::new(text).ok()?;
        let params = Params::try_from(&phc).ok()?;
        let (memory, passes, lanes) = MAX_COST;
        if params.m_cost() > memory || params.t_cost() > passes || params.p_cost() > lanes {
            return None;
        }
        Some(Stored {
            algorithm: Algorithm::try_from(phc.algorithm.as_str()).ok()?,
            version: phc
                .version
                .map_or(Some(Version::V0x10), |number| Version::try_from(number).ok())?,
            params,
            salt: phc.salt?,
            output: phc.hash?,
        })
    }

    fn is_current(&self, wanted: &Params) -> bool {
        self.algorithm == Algorithm::Argon2id
            && self.version == Version::V0x13
            && self.params.m_cost() == wanted.m_cost()
            && self.params.t_cost() == wanted.t_cost()
            && self.params.p_cost() == wanted.p_cost()
            && self.output.as_bytes().len() == OUTPUT_LEN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cheap(t: u32) -> Params {
        Params::new(64, t, 1, None).unwrap()
    }

    fn pool() -> Passwords {
        Passwords::new(cheap(1), 2, QUEUE)
    }

    #[tokio::test]
    async fn a_password_matches_its_own_hash_only() {
        let pool = pool();
        let hash = pool.hash("correct horse").await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{hash}");
        let right = pool.verify(Some(hash.clone()), "correct horse").await.unwrap();
        assert!(right.matches && right.rehash.is_none());
        assert!(!pool.verify(Some(hash), "wrong horse").await.unwrap().matches);
    }

    #[tokio::test]
    async fn without_a_hash_nothing_matches() {
        let pool = pool();
        assert!(!pool.verify(None, "").await.unwrap().matches);
        assert!(
            !pool
                .verify(Some("$argon2id$broken".into()), "x")
                .await
                .unwrap()
                .matches
        );
    }

    #[tokio::test]
    async fn a_password_beyond_the_limit_never_matches() {
        let pool = pool();
        let long = "a".repeat(MAX_BYTES + 1);
        let hash = pool.hash(&long).await.unwrap();
        assert!(!pool.verify(Some(hash), &long).await.unwrap().matches);
    }

    #[tokio::test]
    async fn a_hash_with_other_parameters_is_renewed() {
        let old = Passwords::new(cheap(2), 1, 1).hash("secret").await.unwrap();
        let verdict = pool().verify(Some(old), "secret").await.unwrap();
        assert!(verdict.matches);
        let renewed = verdict.rehash.unwrap();
        assert!(renewed.contains("t=1"), "{renewed}");
        assert!(pool().verify(Some(renewed), "secret").await.unwrap().matches);
    }

    #[tokio::test]
    async fn a_hash_of_another_program_is_understood() {
        // The reference implementation's own test vector: "password", "somesalt", t=2, m=256, p=1.
        let hash = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
        assert!(
            pool()
                .verify(Some(hash.into()), "password")
                .await
                .unwrap()
                .matches
        );
    }

    #[tokio::test]
    async fn a_hash_that_costs_too_much_is_not_computed() {
        let hash = "$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
        assert!(
            !pool()
                .verify(Some(hash.into()), "password")
                .await
                .unwrap()
                .matches
        );
    }

    #[tokio::test]
    async fn a_full_queue_answers_busy() {
        let slow = Passwords::new(Params::new(19_456, 4, 1, None).unwrap(), 1, 1);
        let many = futures_util::future::join_all((0..8).map(|_| slow.hash("x"))).await;
        assert!(many.iter().any(Result::is_ok));
        assert!(many.contains(&Err(Busy)));
    }

    #[tokio::test]
    async fn a_job_that_waited_too_long_is_not_done() {
        let (answer, result) = oneshot::channel();
        let waiting_since = Instant::now().checked_sub(Duration::from_secs(2)).unwrap();
        let job = Job {
            password: Zeroizing::new(b"x".to_vec()),
            waiting_since,
            task: Task::Hash(answer),
        };
        Worker::new(cheap(1)).serve(job);
        assert_eq!(result.await.unwrap(), Err(Busy));
    }
}
