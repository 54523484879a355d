//! Log lines on standard error, as text for people or JSON for machines.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

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

/// Starts logging at `level` (a level, or a list of `target=level`). A level alone is ours only: what libraries say
/// below `info` may hold what they were given, such as the parameters of a query. A second call changes nothing.
pub fn init(json: bool, level: &str) -> Result<(), InvalidLevel> {
    let filter = EnvFilter::try_new(directives(level)).map_err(|_| InvalidLevel {
        level: level.to_owned(),
    })?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    // An error only says that logging has already been started.
    let _ = if json {
        builder
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .try_init()
    } else {
        builder.with_ansi(std::io::stderr().is_terminal()).try_init()
    };
    Ok(())
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
        assert!(init(true, "info,chancery::access=debug").is_ok());
        assert!(init(false, "a=b=c").is_err());
    }
}
