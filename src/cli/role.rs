//! `chancery role …`

use protocol::role::Role;
use serde_json::{Value, json};
use store::{Conn, roles};

use super::act::actor;
use super::output::{self, Format};
use super::{Context, Failure, Outcome, factors};
use crate::administration::Expected;
use crate::administration::roles::{self as operations, Changes, RoleView};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// List all roles
    List(Format),
    /// Show a role and how many accounts hold it
    Show {
        /// The role's name
        name: String,
        #[command(flatten)]
        format: Format,
    },
    /// Make a role
    Create(Fields),
    /// Change what is named, and leave the rest
    Update(Fields),
    /// Remove a role and take it from its accounts
    Delete {
        /// The role's name
        name: String,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct Fields {
    /// The role's name
    name: String,
    /// What it is for, in a sentence
    #[arg(long)]
    description: Option<String>,
    /// A permission it carries; may be repeated, and an empty one stands for none
    #[arg(long)]
    permission: Vec<String>,
    /// Whether its holders must prove a second factor: off, if-enrolled, required, or default
    #[arg(long, value_parser = factors::policy)]
    mfa: Option<factors::Policy>,
}

impl Fields {
    fn changes(self) -> Changes {
        let named = !self.permission.is_empty();
        let permissions = self.permission.into_iter().filter(|name| !name.is_empty());
        Changes {
            description: self.description,
            permissions: named.then(|| permissions.collect()),
            mfa: self.mfa.map(|policy| policy.0),
        }
    }
}

pub(super) async fn run(context: &Context, verb: Verb) -> Outcome {
    let now = context.now;
    match verb {
        Verb::List(format) => {
            let all = context
                .store
                .read(async move |db: &mut Conn| roles::list_managed_roles(db).await)
                .await?;
            let columns = ["name", "permissions", "mfa", "description", "managed_by"];
            let rows = all.into_iter().map(|role| json!(RoleView::from(role)));
            output::many(format, &columns, rows.collect())
        }
        Verb::Show { name, format } => output::one(format, &show(context, &name).await?),
        Verb::Create(fields) => {
            let name = fields.name.clone();
            let changes = fields.changes();
            let role = Role {
                name: name.clone(),
                description: changes.description.unwrap_or_default(),
                permissions: changes.permissions.unwrap_or_default(),
                mfa: changes.mfa.flatten(),
            };
            let make = async move |db: &mut Conn| operations::insert(db, &actor(), role, now).await;
            context.act("role", &name, make).await?;
            output::line(format_args!("role created {name}"));
            Ok(())
        }
        Verb::Update(fields) => {
            let name = fields.name.clone();
            let target = name.clone();
            let changes = fields.changes();
            let change = async move |db: &mut Conn| {
                operations::update(db, &actor(), &target, changes, &Expected::Any, now).await
            };
            context.act("role", &name, change).await?;
            output::line(format_args!("role updated {name}"));
            Ok(())
        }
        Verb::Delete { name } => {
            let target = name.clone();
            let remove = async move |db: &mut Conn| {
                operations::remove(db, &actor(), &target, &Expected::Any, now).await
            };
            context.delete("role", &name, remove).await
        }
    }
}

async fn show(context: &Context, name: &str) -> Result<Value, Failure> {
    let (wanted, now) = (name.to_owned(), context.now);
    let found = context
        .store
        .read(async move |db: &mut Conn| {
            let found = roles::find_role(db, &wanted).await?;
            Ok((found, roles::count_holders(db, &wanted, now).await?))
        })
        .await?;
    let (Some(role), holders) = found else {
        return Err(Failure::missing("role", name));
    };
    let mut shown = json!(RoleView::from(role));
    if let Value::Object(fields) = &mut shown {
        fields.insert("holders".to_owned(), json!(holders));
    }
    Ok(shown)
}
