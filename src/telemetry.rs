//! Log lines on standard error, as text for people or JSON for machines.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

/// Why logging cannot start.
#[derive(Debug, thiserror::Error)]
#[error(
    "log.level {level:?} is not understood: write a level such as \"info\", or directives such as \"info,chancery::access=debug\""
)]
pub struct InvalidLevel {
    level: String,
}

/// Starts logging at `level` (a level, or a list of `target=level`). A second call changes nothing.
pub fn init(json: bool, level: &str) -> Result<(), InvalidLevel> {
    let filter = EnvFilter::try_new(level).map_err(|_| InvalidLevel {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starting_twice_is_harmless_and_nonsense_is_refused() {
        assert!(init(false, "warn").is_ok());
        assert!(init(true, "info,chancery::access=debug").is_ok());
        assert!(init(false, "a=b=c").is_err());
    }
}
