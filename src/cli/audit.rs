//! `chancery audit …`

use std::io::Write as _;

use protocol::id::ClientId;
use protocol::time::Lifetime;
use store::audit::{Event, Filter};
use store::{Conn, accounts, audit};

use super::output::{self, Format};
use super::{Context, Failure, Outcome};
use crate::audit::verify::{Anchor, verify};
use crate::audit::{Keys, export};

/// Events read at a time.
const PAGE: i64 = 1000;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// List events, the newest first
    List {
        #[command(flatten)]
        which: Which,
        /// How many
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(i64).range(1..=10_000))]
        limit: i64,
        #[command(flatten)]
        format: Format,
    },
    /// Print events for other programs, the newest first
    Export {
        #[command(flatten)]
        which: Which,
        /// How: JSON lines, or CSV that no spreadsheet takes for formulas
        #[arg(long, value_enum, default_value_t = As::Jsonl)]
        format: As,
    },
    /// Check that nobody changed, removed or added events since they were sealed
    Verify {
        /// A place that an earlier check printed, kept elsewhere: the trail must still pass it
        #[arg(long, value_name = "SEQ:HASH")]
        anchor: Option<Anchor>,
        #[command(flatten)]
        format: Format,
    },
}

/// How events are exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum As {
    /// One JSON object a line.
    Jsonl,
    /// Comma-separated values (RFC 4180).
    Csv,
}

/// Which events; what is not set does not matter.
#[derive(Debug, clap::Args)]
pub(super) struct Which {
    /// Only this kind, such as account.disabled
    #[arg(long)]
    kind: Option<String>,
    /// Only about this account
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    /// Only about this client
    #[arg(long, value_name = "CLIENT_ID")]
    client: Option<String>,
    /// Only with this outcome: success or failure
    #[arg(long)]
    outcome: Option<String>,
    /// Only done by this actor: cli, account:ID or client:CLIENT_ID
    #[arg(long)]
    actor: Option<String>,
    /// Only of the request with this identifier
    #[arg(long, value_name = "ID")]
    request_id: Option<String>,
    /// Only of so long ago or later, such as 7d
    #[arg(long, value_name = "AGE")]
    since: Option<Lifetime>,
}

impl Which {
    async fn filter(self, context: &Context) -> Result<Filter, Failure> {
        let mut filter = Filter {
            kind: self.kind,
            outcome: self.outcome,
            client_id: self.client.map(ClientId),
            actor: self.actor,
            request_id: self.request_id,
            from: self.since.map(|age| context.now - age),
            ..Filter::default()
        };
        if let Some(name) = self.account {
            let login = name.clone();
            let find = async move |db: &mut Conn| accounts::find_by_login(db, &login).await;
            let found = context.store.read(find).await?;
            filter.account_id = Some(found.ok_or_else(|| Failure::missing("account", &name))?.id);
        }
        Ok(filter)
    }
}

pub(super) async fn run(context: &Context, verb: Verb) -> Outcome {
    match verb {
        Verb::List { which, limit, format } => list(context, which, limit, format).await,
        Verb::Export { which, format } => export(context, which, format).await,
        Verb::Verify { anchor, format } => check(context, anchor, format).await,
    }
}

async fn read(context: &Context, filter: Filter, limit: i64) -> Result<Vec<Event>, Failure> {
    let list = async move |db: &mut Conn| audit::list(db, &filter, limit).await;
    Ok(context.store.read(list).await?)
}

async fn list(context: &Context, which: Which, limit: i64, format: Format) -> Outcome {
    let filter = which.filter(context).await?;
    let events = read(context, filter, limit).await?;
    warn(context, count_unreadable(&events)).await?;
    let columns = [
        "at",
        "kind",
        "outcome",
        "account_id",
        "client_id",
        "actor",
        "address",
        "detail",
    ];
    output::many(format, &columns, events.iter().map(export::json).collect())
}

/// Piece by piece: a trail may be larger than the memory.
async fn export(context: &Context, which: Which, format: As) -> Outcome {
    let mut filter = which.filter(context).await?;
    let mut out = std::io::stdout().lock();
    let (mut first, mut unreadable) = (true, 0);
    loop {
        let events = read(context, filter.clone(), PAGE).await?;
        let text = match format {
            As::Jsonl => export::json_lines(&events).into_bytes(),
            As::Csv => export::csv(&events, first).map_err(|error| Failure::new(error.to_string()))?,
        };
        if out.write_all(&text).is_err() {
            // Whoever reads has enough.
            return Ok(());
        }
        first = false;
        unreadable += count_unreadable(&events);
        match events.last() {
            Some(last) => filter.before = Some((last.at, last.id)),
            None => break,
        }
    }
    warn(context, unreadable).await
}

fn count_unreadable(events: &[Event]) -> usize {
    events.iter().filter(|event| event.is_unreadable()).count()
}

/// Tells of events that are marked, and of those that are not there.
async fn warn(context: &Context, marked: usize) -> Outcome {
    if marked > 0 {
        eprintln!("warning: {marked} events cannot be read and are marked so; run `chancery audit verify`");
    }
    let left_out = context.store.read(audit::count_unidentified).await?;
    if left_out > 0 {
        eprintln!(
            "warning: {left_out} events have no identifier and are left out; run `chancery audit verify`"
        );
    }
    Ok(())
}

async fn check(context: &Context, anchor: Option<Anchor>, format: Format) -> Outcome {
    let keys = Keys::of(&context.sealer()?);
    let mut report = verify(&context.store, keys, anchor, 0, i64::MAX).await?;
    report.look_for_late(&context.store, context.now).await?;
    if format.json {
        output::line(format_args!("{:#}", serde_json::json!(report)));
    } else {
        for finding in &report.findings {
            let place = finding
                .sequence
                .map(|sequence| format!("{sequence}: "))
                .unwrap_or_default();
            let event = finding.event.map(|id| format!(" ({id})")).unwrap_or_default();
            output::line(format_args!("{place}{}{event}", finding.problem));
        }
        output::line(format_args!(
            "{} events checked, {} not sealed yet, {} anonymised",
            report.checked, report.unsealed, report.anonymised
        ));
        if let Some(anchor) = &report.anchor {
            output::line(format_args!("anchor {anchor}"));
        }
    }
    if report.is_clean() {
        return Ok(());
    }
    let problem = "the audit trail is not as it was written; compare it with a backup or with what the webhook received";
    Err(Failure::new(problem))
}
