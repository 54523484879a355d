//! Threads that make RSA signatures: as many as cores, behind a short queue.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

use super::KeyError;

const QUEUE: usize = 1024;

type Job = Box<dyn FnOnce() + Send>;

/// A bounded pool. Its threads end when it is dropped.
pub struct SigningPool {
    jobs: SyncSender<Job>,
}

impl SigningPool {
    /// Starts one thread for each core.
    pub fn start() -> SigningPool {
        let (jobs, queue) = sync_channel::<Job>(QUEUE);
        let queue = Arc::new(Mutex::new(queue));
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
            if !reply.is_closed() {
                let _ = reply.send(job());
            }
        });
        match self.jobs.try_send(job) {
            Ok(()) => result.await.map_err(|_| KeyError::Busy),
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => Err(KeyError::Busy),
        }
    }
}

fn work(queue: &Mutex<Receiver<Job>>) {
    loop {
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = job else { return };
        // A job that panics must not take the thread along; its caller sees its reply dropped.
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(job));
    }
}
