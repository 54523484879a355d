//! Threads that make RSA signatures: as many as cores, behind a short queue.

use crossbeam_channel::{Receiver, Sender, bounded};
use tokio::sync::oneshot;

use super::KeyError;

const QUEUE: usize = 1024;

/// Jobs done in one go while more are waiting. Each reply wakes a thread that answers; a few replies at once wake it
/// once, which saves more than a tenth of what a token costs under load. The first of them waits for the last: 4 ms at
/// most, where each takes 253 µs.
const BATCH: usize = 16;

/// Does the work and gives what delivers its result.
type Job = Box<dyn FnOnce() -> Reply + Send>;
type Reply = Box<dyn FnOnce()>;

/// A bounded pool. Its threads end when it is dropped.
pub struct SigningPool {
    jobs: Sender<Job>,
}

impl SigningPool {
    /// Starts one thread for each core.
    pub fn start() -> SigningPool {
        let (jobs, queue) = bounded::<Job>(QUEUE);
        for number in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            let queue = queue.clone();
            let spawned = std::thread::Builder::new()
                .name(format!("sign-{number}"))
                .spawn(move || work(&queue));
            if let Err(error) = spawned {
                tracing::error!(%error, "a signing thread could not be started");
            }
        }
        SigningPool { jobs }
    }

    /// Runs `job` on one of the threads. A full queue refuses at once; a caller that is gone is skipped.
    pub async fn run<R: Send + 'static>(
        &self,
        job: impl FnOnce() -> R + Send + 'static,
    ) -> Result<R, KeyError> {
        let (reply, result) = oneshot::channel();
        let job: Job = Box::new(move || {
            if reply.is_closed() {
                return Box::new(|| ());
            }
            let result = job();
            Box::new(move || drop(reply.send(result)))
        });
        match self.jobs.try_send(job) {
            Ok(()) => result.await.map_err(|_| KeyError::Busy),
            Err(_) => Err(KeyError::Busy),
        }
    }
}

fn work(queue: &Receiver<Job>) {
    let mut replies = Vec::with_capacity(BATCH);
    while let Ok(job) = queue.recv() {
        replies.extend(run(job));
        while replies.len() < BATCH
            && let Ok(job) = queue.try_recv()
        {
            replies.extend(run(job));
        }
        for reply in replies.drain(..) {
            reply();
        }
    }
}

/// A job that panics must not take the thread along; its caller sees its reply dropped.
fn run(job: Job) -> Option<Reply> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(job)).ok()
}
