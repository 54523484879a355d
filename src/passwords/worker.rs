//! The work of one hashing thread.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use crossbeam_channel::{Receiver, RecvTimeoutError};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::argon::{self, OUTPUT_LEN, SALT_LEN, Stored};
use super::foreign::Foreign;
use super::pace::Pace;
use super::policy::normal;
use super::{Busy, Job, MAX_BYTES, MAX_WAIT, Task, Verdict};
use crate::random;

/// How long a thread without work keeps its memory, 19 MiB with the default parameters.
const IDLE: Duration = Duration::from_secs(5);

/// Blocks of 1 KiB that are asked of the allocator, of which those never written to cost nothing. What glibc got from
/// the system in pieces of up to 32 MiB it keeps when it has been given back a few times.
const RESERVED: usize = 33 * 1024;

pub(super) struct Worker {
    params: Params,
    memory: Vec<Block>,
}

/// What a stored text stands for.
enum Kept {
    Ours(Stored),
    Foreign(Foreign),
}

impl Kept {
    fn parse(text: &str) -> Option<Kept> {
        Stored::parse(text)
            .map(Kept::Ours)
            .or_else(|| Foreign::parse(text).map(Kept::Foreign))
    }
}

impl Worker {
    pub(super) fn new(params: Params) -> Worker {
        Worker {
            params,
            memory: Vec::new(),
        }
    }

    pub(super) fn run(mut self, jobs: &Receiver<Job>) {
        let mut pace = Pace::default();
        loop {
            let job = match jobs.recv_timeout(IDLE) {
                Ok(job) => job,
                Err(RecvTimeoutError::Timeout) => {
                    self.memory = Vec::new();
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => return,
            };
            if catch_unwind(AssertUnwindSafe(|| self.serve(job))).is_err() {
                tracing::error!("hashing a password panicked");
                self.memory = Vec::new();
            }
            pace.rest();
        }
    }

    pub(super) fn serve(&mut self, job: Job) {
        let late = job.waiting_since.elapsed() > MAX_WAIT;
        // The receiver is gone when the caller hung up: nobody waits for the result.
        match job.task {
            Task::Hash(_, answer) if answer.is_closed() => {}
            Task::Verify(_, _, answer) if answer.is_closed() => {}
            Task::Hash(password, answer) => {
                let _ = answer.send(if late {
                    Err(Busy)
                } else {
                    self.hash(&password).ok_or(Busy)
                });
            }
            Task::Verify(hash, password, answer) => {
                let _ = answer.send(if late {
                    Err(Busy)
                } else {
                    Ok(self.verify(hash.as_deref(), &password))
                });
            }
            Task::Other(work) if !late => work(),
            Task::Other(_) => {}
        }
    }

    fn hash(&mut self, password: &str) -> Option<String> {
        let salt: [u8; SALT_LEN] = random::bytes();
        let params = self.params.clone();
        let mut out = [0; OUTPUT_LEN];
        let password = normal(password);
        let made = (Algorithm::Argon2id, Version::V0x13, &params);
        self.compute(made, password.as_bytes(), &salt, &mut out)?;
        argon::text(&params, &salt, &out)
    }

    /// Compares in the normal form, and then as it was typed: hashes of other systems may have been made of that.
    fn verify(&mut self, hash: Option<&str>, password: &str) -> Verdict {
        let kept = hash.filter(|_| password.len() <= MAX_BYTES).and_then(Kept::parse);
        let in_normal_form = normal(password);
        let mut forms: Vec<&str> = vec![&in_normal_form];
        if in_normal_form.as_str() != password {
            forms.push(password);
        }
        let mut matches = false;
        let mut current = false;
        for (index, form) in forms.into_iter().enumerate() {
            match &kept {
                None => self.spend(form.as_bytes()),
                Some(_) if matches => {}
                Some(Kept::Foreign(foreign)) => matches = foreign.matches(form.as_bytes()),
                Some(Kept::Ours(stored)) => {
                    matches = self.matches(stored, form.as_bytes());
                    current = matches && index == 0 && stored.is_current(&self.params);
                }
            }
        }
        Verdict {
            matches,
            rehash: if matches && !current {
                self.hash(password)
            } else {
                None
            },
        }
    }

    fn matches(&mut self, stored: &Stored, password: &[u8]) -> bool {
        let mut out = Zeroizing::new(vec![0; stored.output.as_bytes().len()]);
        let made = (stored.algorithm, stored.version, &stored.params);
        self.compute(made, password, &stored.salt, &mut out)
            .is_some_and(|()| out.ct_eq(stored.output.as_bytes()).into())
    }

    /// The work of a check whose answer is already no.
    fn spend(&mut self, password: &[u8]) {
        let params = self.params.clone();
        let password = password.get(..password.len().min(MAX_BYTES)).unwrap_or_default();
        let mut out = [0; OUTPUT_LEN];
        let made = (Algorithm::Argon2id, Version::V0x13, &params);
        let _ = self.compute(made, password, &[0; SALT_LEN], &mut out);
        std::hint::black_box(out);
    }

    fn compute(
        &mut self,
        (algorithm, version, params): (Algorithm, Version, &Params),
        password: &[u8],
        salt: &[u8],
        out: &mut [u8],
    ) -> Option<()> {
        let blocks = params.block_count();
        let usual = self.params.block_count();
        if self.memory.len() < blocks {
            self.memory.reserve(RESERVED.max(blocks));
            self.memory.resize(blocks, Block::new());
        }
        let memory = self.memory.get_mut(..blocks)?;
        let done = Argon2::new(algorithm, version, params.clone())
            .hash_password_into_with_memory(password, salt, out, memory)
            .ok();
        if self.memory.len() > usual {
            self.memory = Vec::new();
        }
        done
    }
}
