//! `chancery scope …`

use protocol::role::ScopeDefinition;
use serde_json::{Value, json};
use store::{Conn, audit, roles};

use super::output::{self, Format};
use super::{Context, Failure, Outcome};
use crate::declarative::{check_scope_name, event, is_name};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// List the scopes beyond those of OpenID Connect
    List(Format),
    /// Show a scope
    Show {
        /// The scope token
        name: String,
        #[command(flatten)]
        format: Format,
    },
    /// Define a scope
    Create {
        /// The scope token
        name: String,
        /// What it allows, in words for the consent page
        #[arg(long, default_value = "")]
        description: String,
        /// A permission that the account must hold; may be repeated
        #[arg(long, value_name = "PERMISSION")]
        requires: Vec<String>,
    },
    /// Remove a scope
    Delete {
        /// The scope token
        name: String,
    },
}

pub(super) async fn run(context: &Context, verb: Verb) -> Outcome {
    let all = context
        .store
        .read(async move |db: &mut Conn| roles::list_managed_scopes(db).await)
        .await?;
    let now = context.now;
    match verb {
        Verb::List(format) => output::many(
            format,
            &["name", "requires", "description", "managed_by"],
            all.iter().map(document).collect(),
        ),
        Verb::Show { name, format } => match all.iter().find(|(scope, _)| scope.name == name) {
            Some(found) => output::one(format, &document(found)),
            None => Err(Failure::missing("scope", &name)),
        },
        Verb::Create {
            name,
            description,
            requires,
        } => {
            check_scope_name(&name).map_err(Failure)?;
            if all.iter().any(|(scope, _)| scope.name == name) {
                return Err(Failure(format!("scope {name:?} exists; delete it first")));
            }
            if let Some(bad) = requires.iter().find(|name| !is_name(name)) {
                return Err(Failure(format!(
                    "permission {bad:?} must be printable ASCII without spaces"
                )));
            }
            let scope = ScopeDefinition {
                name: name.clone(),
                description,
                requires: requires.into_iter().collect(),
            };
            context
                .store
                .write(async move |db: &mut Conn| {
                    roles::upsert_scope(db, &scope, None).await?;
                    audit::record(db, &event("scope.created", now, json!(scope))).await
                })
                .await?;
            output::line(format_args!("created scope {name}"));
            Ok(())
        }
        Verb::Delete { name } => {
            let target = name.clone();
            let found = context
                .store
                .write(async move |db: &mut Conn| {
                    let found = roles::delete_scope(db, &target).await?;
                    if found {
                        audit::record(db, &event("scope.deleted", now, json!({ "name": target }))).await?;
                    }
                    Ok(found)
                })
                .await?;
            if !found {
                return Err(Failure::missing("scope", &name));
            }
            output::line(format_args!("deleted scope {name}"));
            Ok(())
        }
    }
}

fn document((scope, mark): &(ScopeDefinition, Option<String>)) -> Value {
    json!({ "name": scope.name, "description": scope.description, "requires": scope.requires, "managed_by": mark })
}
