//! `chancery role …`

use protocol::role::Role;
use serde_json::{Value, json};
use store::{Conn, audit, roles};

use super::output::{self, Format};
use super::{Context, Failure, Outcome};
use crate::declarative::{event, is_name};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// List all roles
    List(Format),
    /// Show a role
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
    /// A permission it carries; may be repeated
    #[arg(long)]
    permission: Vec<String>,
}

pub(super) async fn run(context: &Context, verb: Verb) -> Outcome {
    match verb {
        Verb::List(format) => {
            let all = context
                .store
                .read(async move |db: &mut Conn| roles::list_managed_roles(db).await)
                .await?;
            output::many(
                format,
                &["name", "permissions", "description", "managed_by"],
                all.iter().map(document).collect(),
            )
        }
        Verb::Show { name, format } => match find(context, &name).await? {
            Some(found) => output::one(format, &document(&found)),
            None => Err(Failure::missing("role", &name)),
        },
        Verb::Create(fields) => match find(context, &fields.name).await? {
            Some(_) => Err(Failure(format!(
                "role {:?} exists; use `chancery role update`",
                fields.name
            ))),
            None => write(context, Role::default(), None, fields, "role.created").await,
        },
        Verb::Update(fields) => match find(context, &fields.name).await? {
            Some((role, mark)) => write(context, role, mark, fields, "role.updated").await,
            None => Err(Failure::missing("role", &fields.name)),
        },
        Verb::Delete { name } => {
            let (target, now) = (name.clone(), context.now);
            let found = context
                .store
                .write(async move |db: &mut Conn| {
                    let found = roles::delete_role(db, &target).await?;
                    if found {
                        audit::record(db, &event("role.deleted", now, json!({ "name": target }))).await?;
                    }
                    Ok(found)
                })
                .await?;
            if !found {
                return Err(Failure::missing("role", &name));
            }
            output::line(format_args!("deleted role {name}"));
            Ok(())
        }
    }
}

fn document((role, mark): &(Role, Option<String>)) -> Value {
    json!({ "name": role.name, "description": role.description, "permissions": role.permissions, "managed_by": mark })
}

async fn find(context: &Context, name: &str) -> Result<Option<(Role, Option<String>)>, Failure> {
    let all = context
        .store
        .read(async move |db: &mut Conn| roles::list_managed_roles(db).await)
        .await?;
    Ok(all.into_iter().find(|(role, _)| role.name == name))
}

async fn write(
    context: &Context,
    mut role: Role,
    mark: Option<String>,
    fields: Fields,
    kind: &'static str,
) -> Outcome {
    if let Some(bad) = std::iter::once(&fields.name)
        .chain(&fields.permission)
        .find(|name| !is_name(name))
    {
        return Err(Failure(format!(
            "{bad:?} must be 1 to 255 printable ASCII characters without spaces"
        )));
    }
    role.name.clone_from(&fields.name);
    role.description = fields.description.unwrap_or(role.description);
    if !fields.permission.is_empty() {
        role.permissions = fields.permission.into_iter().collect();
    }
    let now = context.now;
    context
        .store
        .write(async move |db: &mut Conn| {
            roles::upsert_role(db, &role, mark.as_deref()).await?;
            audit::record(db, &event(kind, now, json!(role))).await
        })
        .await?;
    output::line(format_args!("{} {}", kind.replace('.', " "), fields.name));
    Ok(())
}
