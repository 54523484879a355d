//! `chancery import`.

use std::path::PathBuf;

use super::{Context, Failure, Outcome, links, output};
use crate::administration::Actor;
use crate::administration::import::{self, Options};
use crate::error::{Error, chain};
use crate::import::{Format, Report, Source};

#[derive(Debug, clap::Args)]
pub(super) struct ImportArgs {
    /// A declarative file (.toml), a Keycloak realm export (.json) or a table (.csv)
    file: PathBuf,
    /// How the file is written, when its ending does not say
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Say what would be done and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Do nothing at all when one entry is bad
    #[arg(long)]
    strict: bool,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(context: &Context, args: ImportArgs) -> Outcome {
    let format = args
        .format
        .or_else(|| Format::of_file(&args.file))
        .ok_or_else(|| {
            Failure::new(
                "the file's ending says nothing of its format; add --format chancery, keycloak or csv",
            )
        })?;
    let app = links::services(context).await?;
    let options = Options {
        format,
        dry_run: args.dry_run,
        strict: args.strict,
    };
    let source = Source::File(args.file.clone());
    let report = import::import(&app, &Actor::command_line(), &source, options)
        .await
        .map_err(|error| match error {
            Error::Refused(refused) => Failure(refused.says()),
            Error::Failed(error) => Failure(chain(error.as_ref())),
        })?;
    if args.json {
        let value = serde_json::to_value(&report).map_err(|error| Failure(error.to_string()))?;
        output::line(format_args!("{value:#}"));
    } else {
        show(&report);
    }
    match (&report.ended, report.refused) {
        (Some(ended), _) => Err(Failure(format!("{}: {ended}", args.file.display()))),
        (None, true) => Err(Failure::new(
            "an entry is bad, so nothing was imported; mend it or leave out --strict",
        )),
        (None, false) => Ok(()),
    }
}

fn show(report: &Report) {
    for line in &report.lines {
        let name = line
            .username
            .as_deref()
            .map(crate::import::shown)
            .unwrap_or_default();
        let outcome = match line.outcome {
            crate::import::Outcome::Created => "created",
            crate::import::Outcome::Unchanged => "unchanged",
            crate::import::Outcome::Skipped => "skipped",
        };
        let reason = line
            .reason
            .as_ref()
            .map(|reason| format!(": {reason}"))
            .unwrap_or_default();
        output::line(format_args!("{} {name} {outcome}{reason}", line.place));
        for note in &line.notes {
            output::line(format_args!("  note: {note}"));
        }
    }
    let counted = report.created + report.unchanged + report.skipped;
    if counted > report.lines.len() {
        output::line(format_args!("and {} more", counted - report.lines.len()));
    }
    let verb = if report.dry_run || report.refused {
        "would create"
    } else {
        "created"
    };
    output::line(format_args!(
        "{verb}: {}, unchanged: {}, skipped: {}",
        report.created, report.unchanged, report.skipped
    ));
}
