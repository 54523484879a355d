//! How fast a hashing thread may work: as fast as it can while there is room, and with rests between its jobs when it
//! takes the processors from those who answer everything else.

use std::time::Duration;

/// How many times the work a rest is: one processor spends a seventh of its time on passwords.
const REST: u32 = 6;
/// The share of its time that a thread waits for a processor from which on there is no room.
const CROWDED: f64 = 0.25;
const LONGEST: Duration = Duration::from_millis(300);

/// What the kernel has counted of this thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counted {
    /// Time on a processor.
    worked: Duration,
    /// Time ready to run, but without a processor.
    waited: Duration,
}

/// The pace of one thread.
#[derive(Debug, Default)]
pub(super) struct Pace {
    last: Counted,
    crowded: f64,
}

impl Pace {
    /// Rests as long as the work since the last call makes it right.
    pub(super) fn rest(&mut self) {
        if let Some(now) = counted() {
            let pause = self.pause(now);
            if !pause.is_zero() {
                std::thread::sleep(pause);
            }
        }
    }

    fn pause(&mut self, now: Counted) -> Duration {
        let worked = now.worked.saturating_sub(self.last.worked);
        let waited = now.waited.saturating_sub(self.last.waited);
        self.last = now;
        let total = (worked + waited).as_secs_f64();
        let share = if total > 0.0 {
            waited.as_secs_f64() / total
        } else {
            0.0
        };
        // A thread that has rested is served first, so one job without a wait does not mean that there is room.
        self.crowded = share.max(self.crowded / 2.0);
        if self.crowded < CROWDED {
            return Duration::ZERO;
        }
        (worked * REST).min(LONGEST)
    }
}

/// Reads what Linux counts of the calling thread; elsewhere nothing is known, and nobody rests.
fn counted() -> Option<Counted> {
    parse(&std::fs::read_to_string("/proc/thread-self/schedstat").ok()?)
}

fn parse(line: &str) -> Option<Counted> {
    let mut numbers = line.split_ascii_whitespace().map(str::parse);
    let mut next = || numbers.next()?.ok().map(Duration::from_nanos);
    Some(Counted {
        worked: next()?,
        waited: next()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(worked: u64, waited: u64) -> Counted {
        Counted {
            worked: Duration::from_millis(worked),
            waited: Duration::from_millis(waited),
        }
    }

    #[test]
    fn a_thread_rests_only_where_it_is_crowded() {
        let mut pace = Pace::default();
        let pauses: Vec<_> = [
            at(20, 1),
            at(40, 21),
            at(60, 21),
            at(80, 22),
            at(80, 22),
            at(180, 200),
        ]
        .into_iter()
        .map(|now| u64::try_from(pace.pause(now).as_millis()).unwrap())
        .collect();
        assert_eq!(pauses, [0, 120, 120, 0, 0, 300]);
    }

    #[test]
    fn the_numbers_of_the_kernel_are_nanoseconds() {
        assert_eq!(parse("20000000 3000000 17\n"), Some(at(20, 3)));
        assert_eq!(parse("x"), None);
    }
}
