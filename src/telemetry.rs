//! Log lines on standard error, as text for people or JSON for machines.

use std::io::IsTerminal as _;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, Registry};

/// Why logging cannot start.
#[derive(Debug, thiserror::Error)]
#[error(
    "log.level {level:?} is not understood: write a level such as \"info\", or directives such as \"info,chancery::access=debug\""
)]
pub struct InvalidLevel {
    level: String,
}

/// Our own crates, which log no secrets at any level.
const OURS: [&str; 3] = ["chancery", "protocol", "store"];

/// Decides what is logged.
type Filter = Box<dyn Layer<Registry> + Send + Sync>;

/// The filter that `level` describes: by target and level, or by spans and their fields too where one is named.
fn filter(level: &str) -> Option<Filter> {
    let directives = directives(level);
    if directives.contains('[') {
        return Some(EnvFilter::try_new(directives).ok()?.boxed());
    }
    let directives: Vec<&str> = directives.split(',').map(str::trim).collect();
    // An empty target would be every library's, and an empty level one that nobody wrote.
    let is_whole = |directive: &&str| match directive.split_once('=') {
        Some((target, level)) => {
            !target.is_empty() && !level.is_empty() && level.parse::<LevelFilter>().is_ok()
        }
        None => true,
    };
    if !directives.iter().all(is_whole) {
        return None;
    }
    let targets: Targets = directives.join(",").parse().ok()?;
    Some(targets.boxed())
}

/// Whether logging could start at `level`.
pub fn is_filter(level: &str) -> bool {
    filter(level).is_some()
}

/// Starts logging at `level` (a level, or a list of `target=level`). A level alone is ours only: what libraries say
/// below `info` may hold what they were given, such as the parameters of a query. A second call changes nothing.
pub fn init(json: bool, level: &str) -> Result<(), InvalidLevel> {
    let filter = filter(level).ok_or_else(|| InvalidLevel {
        level: level.to_owned(),
    })?;
    start(json, filter);
    Ok(())
}

fn start(json: bool, filter: Filter) {
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = if json {
        let lines = lines.json().flatten_event(true).with_current_span(false);
        lines.boxed()
    } else {
        lines.with_ansi(std::io::stderr().is_terminal()).boxed()
    };
    // An error only says that logging has already been started.
    let _ = tracing_subscriber::registry().with(filter).with(lines).try_init();
}

/// What a level stands for.
fn directives(level: &str) -> String {
    match level.parse::<LevelFilter>() {
        Ok(alone) if alone > LevelFilter::INFO => {
            let ours = OURS.map(|target| format!("{target}={level}")).join(",");
            format!("info,{ours}")
        }
        _ => level.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_low_level_is_for_our_own_lines_only() {
        assert_eq!(directives("warn"), "warn");
        assert_eq!(
            directives("debug"),
            "info,chancery=debug,protocol=debug,store=debug"
        );
        assert_eq!(directives("warn,hyper=debug"), "warn,hyper=debug");
    }

    #[test]
    fn starting_twice_is_harmless_and_nonsense_is_refused() {
        assert!(init(false, "warn").is_ok());
        assert!(init(true, "info, chancery::access=debug").is_ok());
        assert!(init(true, "info,chancery[request]=debug").is_ok());
        assert!(init(false, "a=b=c").is_err());
    }
}
