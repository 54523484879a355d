//! `chancery scope …`

use protocol::role::ScopeDefinition;
use serde_json::json;
use store::{Conn, roles};

use super::act::actor;
use super::output::{self, Format};
use super::{Context, Failure, Outcome};
use crate::administration::Expected;
use crate::administration::scopes::{self as operations, Changes, ScopeView};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// List the scopes beyond those of OpenID Connect and of the server itself
    List(Format),
    /// Show a scope
    Show {
        /// The scope token
        name: String,
        #[command(flatten)]
        format: Format,
    },
    /// Define a scope
    Create(Fields),
    /// Change what is named, and leave the rest
    Update(Fields),
    /// Remove a scope
    Delete {
        /// The scope token
        name: String,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct Fields {
    /// The scope token
    name: String,
    /// What it allows, in words for the consent page
    #[arg(long)]
    description: Option<String>,
    /// A permission that the account must hold; may be repeated, and an empty one stands for none
    #[arg(long, value_name = "PERMISSION")]
    requires: Vec<String>,
}

impl Fields {
    fn changes(self) -> Changes {
        let named = !self.requires.is_empty();
        let requires = self.requires.into_iter().filter(|name| !name.is_empty());
        Changes {
            description: self.description,
            requires: named.then(|| requires.collect()),
        }
    }
}

pub(super) async fn run(context: &Context, verb: Verb) -> Outcome {
    let now = context.now;
    match verb {
        Verb::List(format) => {
            let all = context
                .store
                .read(async move |db: &mut Conn| roles::list_managed_scopes(db).await)
                .await?;
            let columns = ["name", "requires", "description", "managed_by"];
            let rows = all.into_iter().map(|scope| json!(ScopeView::from(scope)));
            output::many(format, &columns, rows.collect())
        }
        Verb::Show { name, format } => {
            let wanted = name.clone();
            let found = context
                .store
                .read(async move |db: &mut Conn| roles::find_scope(db, &wanted).await)
                .await?;
            let found = found.ok_or_else(|| Failure::missing("scope", &name))?;
            output::one(format, &json!(ScopeView::from(found)))
        }
        Verb::Create(fields) => {
            let name = fields.name.clone();
            let changes = fields.changes();
            let scope = ScopeDefinition {
                name: name.clone(),
                description: changes.description.unwrap_or_default(),
                requires: changes.requires.unwrap_or_default(),
            };
            let make = async move |db: &mut Conn| operations::insert(db, &actor(), scope, now).await;
            context.act("scope", &name, make).await?;
            output::line(format_args!("created scope {name}"));
            Ok(())
        }
        Verb::Update(fields) => {
            let name = fields.name.clone();
            let target = name.clone();
            let changes = fields.changes();
            let change = async move |db: &mut Conn| {
                operations::update(db, &actor(), &target, changes, &Expected::Any, now).await
            };
            context.act("scope", &name, change).await?;
            output::line(format_args!("updated scope {name}"));
            Ok(())
        }
        Verb::Delete { name } => {
            let target = name.clone();
            let remove = async move |db: &mut Conn| {
                operations::remove(db, &actor(), &target, &Expected::Any, now).await
            };
            context.delete("scope", &name, remove).await
        }
    }
}
