//! `chancery api-key …`

use protocol::id::{AccountId, ApiKeyId};
use protocol::time::Lifetime;
use serde_json::Value;
use store::{Account, Conn};
use uuid::Uuid;

use super::output::{self, Format};
use super::{Context, Failure, Outcome};
use crate::administration::api_keys::{self, KeyView, Made, Wish};
use crate::administration::listing::{MAX_LIMIT, Slice};
use crate::administration::{Actor, Refused};
use crate::app::App;
use crate::clock::Clock;
use crate::error::Error;
use crate::server;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// List API keys, the newest first
    List {
        /// Only those of this account
        #[arg(long, value_name = "NAME")]
        account: Option<String>,
        #[command(flatten)]
        format: Format,
    },
    /// Show an API key, without its secret
    Show {
        /// The key's identifier
        #[arg(value_parser = identifier)]
        id: Uuid,
        #[command(flatten)]
        format: Format,
    },
    /// Make an API key and print its secret, once
    Create(New),
    /// Give an API key another secret and print it, once
    Rotate {
        /// The key's identifier
        #[arg(value_parser = identifier)]
        id: Uuid,
        /// How long the old secret stays good, 7d at most
        #[arg(long, value_name = "TIME", default_value = "0s")]
        overlap: Lifetime,
        #[command(flatten)]
        format: Format,
    },
    /// Revoke an API key and what it was exchanged for
    Delete {
        /// The key's identifier
        #[arg(value_parser = identifier)]
        id: Uuid,
    },
}

fn identifier(text: &str) -> Result<Uuid, String> {
    super::identifier(text, "api-key")
}

#[derive(Debug, clap::Args)]
pub(super) struct New {
    /// The user name or mail address of the account whose authority it carries
    account: String,
    /// What to call it
    #[arg(long)]
    name: String,
    /// A permission it may carry, as far as the account holds it; may be repeated; `*` for all of them
    #[arg(long)]
    permission: Vec<String>,
    /// An address or network it may be used from; may be repeated [default: any]
    #[arg(long, value_name = "CIDR")]
    network: Vec<String>,
    /// How often it may be used, such as 100/1m [default: api_keys.rate]
    #[arg(long, value_name = "RATE")]
    rate: Option<String>,
    /// How long it lives, such as 90d [default: api_keys.max_lifetime, or until it is revoked]
    #[arg(long, value_name = "TIME")]
    lifetime: Option<Lifetime>,
    #[command(flatten)]
    format: Format,
}

/// A refusal with the words of the command line.
fn failure(error: Error<Refused>) -> Failure {
    match error {
        Error::Refused(Refused::NotFound) => Failure::new(
            "there is no such key, or its account may not sign in; `chancery api-key list` shows those that are",
        ),
        Error::Refused(Refused::Beyond) => Failure::new(
            "the account does not hold one of these permissions; `chancery account show` shows what it holds",
        ),
        Error::Refused(refused) => Failure(refused.says()),
        Error::Failed(error) => Failure(crate::error::chain(error.as_ref())),
    }
}

pub(super) async fn run(context: &Context, verb: Verb) -> Outcome {
    let services = server::open(context.config.clone(), Clock::System).await;
    let app = services.map_err(|error| Failure(error.to_string()))?;
    let actor = Actor::command_line();
    match verb {
        Verb::List { account, format } => {
            let account = match account {
                Some(name) => Some(find(&app, &name).await?.id),
                None => None,
            };
            let keys = list(&app, &actor, account).await?;
            let columns = [
                "id",
                "username",
                "name",
                "prefix",
                "state",
                "permissions",
                "expires_at",
                "last_used_at",
            ];
            output::many(format, &columns, documents(&keys)?)
        }
        Verb::Show { id, format } => {
            let key = api_keys::show(&app, &actor, ApiKeyId(id))
                .await
                .map_err(failure)?;
            output::one(format, &document(&key)?)
        }
        Verb::Create(new) => {
            let owner = find(&app, &new.account).await?;
            let format = new.format;
            let made = api_keys::create(&app, &actor, owner.id, wish(&app, new)).await;
            print(format, &made.map_err(failure)?)
        }
        Verb::Rotate { id, overlap, format } => {
            let key = api_keys::show(&app, &actor, ApiKeyId(id))
                .await
                .map_err(failure)?;
            let owner = AccountId(key.account_id);
            let made = api_keys::rotate(&app, &actor, owner, ApiKeyId(id), overlap).await;
            print(format, &made.map_err(failure)?)
        }
        Verb::Delete { id } => {
            api_keys::revoke(&app, &actor, ApiKeyId(id))
                .await
                .map_err(failure)?;
            output::line(format_args!("revoked API key {id}"));
            Ok(())
        }
    }
}

fn wish(app: &App, new: New) -> Wish {
    Wish {
        name: new.name,
        permissions: new.permission.into_iter().collect(),
        networks: new.network,
        rate: new.rate,
        expires_at: new.lifetime.map(|lifetime| app.now() + lifetime),
    }
}

async fn find(app: &App, name: &str) -> Result<Account, Failure> {
    let login = name.to_owned();
    let found = app
        .store
        .read(async move |db: &mut Conn| store::accounts::find_by_login(db, &login).await)
        .await?;
    found.ok_or_else(|| Failure::missing("account", name))
}

/// All keys, piece by piece.
async fn list(app: &App, actor: &Actor, account: Option<AccountId>) -> Result<Vec<KeyView>, Failure> {
    let mut slice = Slice {
        descending: true,
        limit: MAX_LIMIT,
        ..Slice::first("created_at")
    };
    let mut keys = Vec::new();
    loop {
        let piece = api_keys::list(app, actor, account, &slice)
            .await
            .map_err(failure)?;
        keys.extend(piece.items);
        if piece.next.is_none() {
            return Ok(keys);
        }
        slice.after = piece.next;
    }
}

fn document(key: &KeyView) -> Result<Value, Failure> {
    serde_json::to_value(key).map_err(|error| Failure(error.to_string()))
}

fn documents(keys: &[KeyView]) -> Result<Vec<Value>, Failure> {
    keys.iter().map(document).collect()
}

/// Prints a new secret: alone on its line for people, as a member for programs.
fn print(format: Format, made: &Made) -> Outcome {
    let mut value = document(&made.key)?;
    if let Value::Object(members) = &mut value {
        members.insert("secret".to_owned(), made.secret.expose().into());
    }
    output::one(format, &value)
}
