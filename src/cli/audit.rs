//! `chancery audit …`

use protocol::id::ClientId;
use serde_json::json;
use store::{Conn, accounts, audit};

use super::output::{self, Format};
use super::{Context, Failure, Outcome};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// List events, the newest first
    List {
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
        /// How many
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(i64).range(1..=10_000))]
        limit: i64,
        #[command(flatten)]
        format: Format,
    },
}

pub(super) async fn run(context: &Context, verb: Verb) -> Outcome {
    let Verb::List {
        kind,
        account,
        client,
        outcome,
        limit,
        format,
    } = verb;
    let mut filter = audit::Filter {
        kind,
        outcome,
        client_id: client.map(ClientId),
        ..audit::Filter::default()
    };
    if let Some(name) = account {
        let login = name.clone();
        let found = context
            .store
            .read(async move |db: &mut Conn| accounts::find_by_login(db, &login).await)
            .await?;
        filter.account_id = Some(found.ok_or_else(|| Failure::missing("account", &name))?.id);
    }
    let events = context
        .store
        .read(async move |db: &mut Conn| audit::list(db, &filter, limit).await)
        .await?;
    let rows = events.iter().map(|event| {
        json!({
            "id": event.id, "at": event.at, "kind": event.kind, "outcome": event.outcome,
            "account_id": event.account_id, "client_id": event.client_id, "actor": event.actor,
            "address": event.address, "request_id": event.request_id, "detail": event.detail,
        })
    });
    output::many(
        format,
        &[
            "at",
            "kind",
            "outcome",
            "account_id",
            "client_id",
            "actor",
            "address",
            "detail",
        ],
        rows.collect(),
    )
}
