//! `chancery doctor`, and the checks of single accounts.

use serde_json::{Value, json};
use store::{Conn, Store};

use super::output::{self, Format};
use super::{Context, Failure, Outcome};
use crate::clock::Clock;
use crate::config::Config;
use crate::diagnosis::installation::Installation;
use crate::diagnosis::report::Holdings;
use crate::diagnosis::sign_in::Facts;
use crate::diagnosis::{Check, Level, worst};
use crate::random;
use crate::seal::{self, Sealer};

/// Examines the installation as it is; a problem is a failure.
pub(super) async fn run(config: Config, format: Format) -> Outcome {
    if let Some(path) = super::missing_database(&config) {
        let finding = format!("there is no database at {}", path.display());
        let remedy = "start the server or run `chancery migrate`; else name the file with database.url";
        return tell(format, &[Check::problem("database", finding, remedy)]);
    }
    let store = Store::open(&config.database.url, config.database.max_connections).await?;
    // What stands in for a key that cannot be had opens nothing, and that is a finding.
    let sealer = seal::load(&config.keys.master_key_file).unwrap_or_else(|_| Sealer::new(random::bytes()));
    let installation = Installation {
        config: &config,
        store: &store,
        sealer: &sealer,
        now: Clock::System.now(),
    };
    tell(format, &installation.examine().await)
}

/// Says why an account cannot sign in; a problem is a failure.
pub(super) async fn diagnose(context: &Context, name: &str, format: Format) -> Outcome {
    let (id, now) = (super::account::find(context, name).await?.id, context.now);
    let found = context
        .store
        .read(async move |db: &mut Conn| Facts::find(db, id, now).await)
        .await?;
    let facts = found.ok_or_else(|| Failure::missing("account", name))?;
    tell(format, &facts.checks(&context.config.accounts))
}

/// Says how safe an account is.
pub(super) async fn report(context: &Context, name: &str, format: Format) -> Outcome {
    let (id, now) = (super::account::find(context, name).await?.id, context.now);
    let found = context
        .store
        .read(async move |db: &mut Conn| Holdings::find(db, id, now).await)
        .await?;
    let holdings = found.ok_or_else(|| Failure::missing("account", name))?;
    let report = holdings.report(&context.config.accounts, now);
    if format.json {
        output::line(format_args!("{:#}", json!(report)));
        return Ok(());
    }
    let risk = json!(report.risk);
    output::line(format_args!("risk: {}", risk.as_str().unwrap_or_default()));
    show(&report.checks);
    Ok(())
}

fn tell(format: Format, checks: &[Check]) -> Outcome {
    if format.json {
        let rows: Vec<Value> = checks.iter().map(|check| json!(check)).collect();
        output::line(format_args!("{:#}", Value::Array(rows)));
    } else {
        show(checks);
    }
    match worst(checks) {
        Level::Problem => {
            let count = checks
                .iter()
                .filter(|check| check.level == Level::Problem)
                .count();
            Err(Failure(format!(
                "{count} of {} checks found a problem",
                checks.len()
            )))
        }
        Level::Ok | Level::Notice => Ok(()),
    }
}

/// One line for each check, and the remedy under it.
fn show(checks: &[Check]) {
    for check in checks {
        let mark = match check.level {
            Level::Ok => "ok     ",
            Level::Notice => "notice ",
            Level::Problem => "PROBLEM",
        };
        output::line(format_args!("{mark}  {}: {}", check.name, check.finding));
        if let Some(remedy) = &check.remedy {
            output::line(format_args!("         -> {remedy}"));
        }
    }
}
