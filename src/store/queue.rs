//! Jobs on their way to the thread that does them.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::error::StoreError;

/// Jobs waiting at most, beside those that the receiver has taken; one more is refused at once.
const QUEUE: usize = 4096;

/// A bounded queue of many senders and one receiver, who is woken once for as many jobs as it waits for.
pub(crate) struct Queue<J> {
    state: Mutex<State<J>>,
    enough: Condvar,
}

struct State<J> {
    jobs: VecDeque<J>,
    /// How many jobs the receiver waits for; none when it does not wait.
    wanted: usize,
    closed: bool,
}

impl<J> Default for Queue<J> {
    fn default() -> Queue<J> {
        Queue {
            state: Mutex::new(State {
                jobs: VecDeque::new(),
                wanted: 0,
                closed: false,
            }),
            enough: Condvar::new(),
        }
    }
}

impl<J> Queue<J> {
    /// Adds a job. [`StoreError::Busy`] when too many wait, [`StoreError::Closed`] when nobody takes them any more.
    pub(crate) fn push(&self, job: J) -> Result<(), StoreError> {
        let mut state = self.state();
        if state.closed {
            return Err(StoreError::Closed);
        }
        if state.jobs.len() >= QUEUE {
            return Err(StoreError::Busy);
        }
        state.jobs.push_back(job);
        if state.jobs.len() == state.wanted {
            drop(state);
            self.enough.notify_one();
        }
        Ok(())
    }

    /// Moves all jobs to the end of `taken`, once `wanted` of them are there or `at_most` has passed. False when the
    /// queue is closed: these were the last.
    pub(crate) fn take(&self, wanted: usize, at_most: Duration, taken: &mut VecDeque<J>) -> bool {
        let mut state = self.state();
        if state.jobs.len() < wanted && !state.closed {
            state.wanted = wanted;
            state = self
                .enough
                .wait_timeout_while(state, at_most, |state| state.jobs.len() < wanted && !state.closed)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
            state.wanted = 0;
        }
        taken.append(&mut state.jobs);
        !state.closed
    }

    /// Takes no more jobs. Those that wait can still be taken.
    pub(crate) fn close(&self) {
        self.state().closed = true;
        self.enough.notify_one();
    }

    fn state(&self) -> MutexGuard<'_, State<J>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn jobs_come_out_as_they_went_in() {
        let queue = Queue::default();
        for job in 0..3 {
            queue.push(job).unwrap();
        }
        let mut taken = VecDeque::from([9]);
        assert!(queue.take(1, LONG, &mut taken));
        assert_eq!(taken, [9, 0, 1, 2]);
        assert!(queue.take(2, Duration::from_millis(1), &mut taken));
        assert_eq!(taken.len(), 4);
    }

    #[test]
    fn the_receiver_is_woken_by_the_job_that_makes_enough_and_by_the_end() {
        let (queue, started) = (Queue::default(), Instant::now());
        std::thread::scope(|scope| {
            let receiver = scope.spawn(|| {
                let mut taken = VecDeque::new();
                let open = queue.take(3, LONG, &mut taken);
                (open, taken, queue.take(1, LONG, &mut VecDeque::new()))
            });
            let asleep_for = |wanted| {
                while queue.state().wanted != wanted {
                    std::thread::yield_now();
                }
            };
            asleep_for(3);
            for job in 0..3 {
                queue.push(job).unwrap();
            }
            asleep_for(1);
            queue.close();
            assert_eq!(receiver.join().unwrap(), (true, VecDeque::from([0, 1, 2]), false));
        });
        assert!(started.elapsed() < LONG);
    }

    #[test]
    fn a_closed_queue_gives_what_it_holds_and_takes_no_more() {
        let queue = Queue::default();
        queue.push(1).unwrap();
        queue.close();
        assert!(matches!(queue.push(2), Err(StoreError::Closed)));
        let mut taken = VecDeque::new();
        assert!(!queue.take(5, LONG, &mut taken));
        assert_eq!(taken, [1]);
    }

    #[test]
    fn a_full_queue_refuses() {
        let queue = Queue::default();
        for job in 0..QUEUE {
            queue.push(job).unwrap();
        }
        assert!(matches!(queue.push(QUEUE), Err(StoreError::Busy)));
    }
}
