//! `plan`, `apply` and `export`.

use std::path::{Path, PathBuf};

use store::Conn;

use super::{Context, Failure, Outcome, output};
use crate::declarative::{self, ApplyError, File, Plan, Tools};

#[derive(Debug, clap::Args)]
pub(super) struct PlanArgs {
    /// The declarative file (TOML)
    file: PathBuf,
    /// Also count what an earlier `apply` made and this file does not name
    #[arg(long)]
    prune: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct ApplyArgs {
    /// The declarative file (TOML)
    file: PathBuf,
    /// Remove what an earlier `apply` made and this file does not name
    #[arg(long)]
    prune: bool,
}

pub(super) async fn plan(context: &Context, args: PlanArgs) -> Outcome {
    let file = read(&args.file)?;
    let (sealer, passwords) = (context.sealer()?, context.passwords()?);
    let tools = tools(context, &sealer, &passwords);
    let plan = declarative::plan(&context.store, &file, args.prune, &tools)
        .await
        .map_err(|e| located(&args.file, e))?;
    show(&plan, "would change");
    Ok(())
}

pub(super) async fn apply(context: &Context, args: ApplyArgs) -> Outcome {
    let file = read(&args.file)?;
    let (sealer, passwords) = (context.sealer()?, context.passwords()?);
    let tools = tools(context, &sealer, &passwords);
    let applied = declarative::apply(&context.store, &file, args.prune, &tools)
        .await
        .map_err(|e| located(&args.file, e))?;
    show(&applied.plan, "changed");
    for (client_id, secret) in &applied.generated {
        output::line(format_args!(
            "client_secret of {client_id}, shown this once: {}",
            secret.expose()
        ));
    }
    Ok(())
}

pub(super) async fn export(context: &Context) -> Outcome {
    let text = context
        .store
        .read(async |db: &mut Conn| declarative::export(db).await)
        .await?;
    output::line(text.trim_end());
    Ok(())
}

fn tools<'a>(
    context: &'a Context,
    sealer: &'a crate::seal::Sealer,
    passwords: &'a crate::passwords::Passwords,
) -> Tools<'a> {
    Tools {
        sealer,
        passwords,
        accounts: &context.config.accounts,
        now: context.now,
    }
}

fn read(path: &Path) -> Result<File, Failure> {
    File::read(path).map_err(|e| located(path, ApplyError::File(e)))
}

/// A refusal of the file names the file too.
fn located(path: &Path, error: ApplyError) -> Failure {
    match error {
        ApplyError::File(e) if e.line.is_some() => {
            Failure(format!("{} {e}; nothing was changed", path.display()))
        }
        error => Failure::from(error),
    }
}

fn show(plan: &Plan, verb: &str) {
    for change in &plan.changes {
        output::line(change);
    }
    for warning in &plan.warnings {
        eprintln!("warning: {warning}");
    }
    output::line(format_args!(
        "{verb}: {}, unchanged: {}",
        plan.changes.len(),
        plan.unchanged
    ));
}
