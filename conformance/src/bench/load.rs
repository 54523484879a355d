//! Many at once: what a step costs the server, in CPU time of its process.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::LONGEST;
use super::target::Target;

/// Does `step` up to `count` times, each state in turn with itself and at once with the others, and gives how often
/// and in what time.
pub(super) async fn drive<S: 'static>(
    states: Vec<S>,
    count: usize,
    step: impl AsyncFn(&mut S) -> Result<(), String> + 'static,
) -> Result<(usize, Duration), String> {
    let (left, done, step) = (Rc::new(Cell::new(count)), Rc::new(Cell::new(0)), Rc::new(step));
    let start = Instant::now();
    let mut workers = JoinSet::new();
    for mut state in states {
        let (left, done, step) = (left.clone(), done.clone(), step.clone());
        workers.spawn_local(async move {
            while left.get() > 0 && start.elapsed() < LONGEST {
                left.set(left.get() - 1);
                step(&mut state).await?;
                done.set(done.get() + 1);
            }
            Ok::<(), String>(())
        });
    }
    while let Some(ended) = workers.join_next().await {
        ended.map_err(|e| format!("a worker broke off: {e}"))??;
    }
    Ok((done.get(), start.elapsed()))
}

/// The CPU time that the server spends on each step, in µs.
pub(super) async fn cost<S: 'static>(
    target: &Target,
    states: Vec<S>,
    count: usize,
    step: impl AsyncFn(&mut S) -> Result<(), String> + 'static,
) -> Result<f64, String> {
    let before = target.cpu()?;
    let (done, _) = drive(states, count, step).await?;
    Ok((target.cpu()? - before) / as_f64(done.max(1)))
}

#[expect(clippy::cast_precision_loss, reason = "counts of a few thousand")]
pub(super) fn as_f64(count: usize) -> f64 {
    count as f64
}
