//! The roles that groups carry, as the configuration maps them by name.

use std::collections::BTreeSet;

use serde_json::json;
use store::groups::{self, Selection};
use store::{Conn, StoreError};

use crate::administration::{ensure_administrator_remains, is_administered};
use crate::app::App;
use crate::audit::Event;
use crate::config::Config;

/// How many groups are looked at in one go.
const BATCH: i64 = 500;

/// The roles of a group with this name.
pub(super) fn mapped(config: &Config, display_name: &str) -> BTreeSet<String> {
    let name = display_name.to_lowercase();
    let of_it = |(group, _): &(&String, &Vec<String>)| group.to_lowercase() == name;
    let roles = config.scim.group_roles.iter().filter(of_it);
    roles.flat_map(|(_, roles)| roles.iter().cloned()).collect()
}

/// Whether the configuration gives a role to some group.
pub(crate) fn is_mapped(config: &Config, role: &str) -> bool {
    let mut named = config.scim.group_roles.values().flatten();
    named.any(|name| name == role)
}

/// The roles that the configuration gives to groups, or to the group of this name, and that do not exist.
pub(crate) fn missing_roles(
    config: &Config,
    group: Option<&str>,
    exists: impl Fn(&str) -> bool,
) -> BTreeSet<String> {
    let mut named = match group {
        Some(group) => mapped(config, group),
        None => config.scim.group_roles.values().flatten().cloned().collect(),
    };
    named.retain(|role| !exists(role));
    named
}

/// Makes each group carry what the configuration says now, when a server starts. Roles that do not exist are left out;
/// a change after which nobody could do everything any more is not made.
pub(crate) async fn synchronise(app: &App) -> Result<(), StoreError> {
    let known = app
        .store
        .read(async |db: &mut Conn| store::roles::list_roles(db).await)
        .await?;
    let exists = |name: &str| known.iter().any(|role| role.name == name);
    for name in missing_roles(&app.config, None, exists) {
        tracing::warn!(role = %name, "[scim] group_roles names a role that does not exist");
    }
    let mut offset = 0;
    loop {
        let changed = synchronise_some(app, offset).await;
        match changed {
            Ok(0) => return Ok(()),
            Ok(_) => offset += BATCH,
            Err(StoreError::Withdrawn(reason)) => {
                tracing::error!("groups keep their roles: {reason}");
                return Ok(());
            }
            Err(error) => return Err(error),
        }
    }
}

/// Looks at some groups, and counts them.
async fn synchronise_some(app: &App, offset: i64) -> Result<usize, StoreError> {
    let found = app
        .store
        .read(async move |db: &mut Conn| {
            let mut found = Vec::new();
            for group in groups::list(db, &Selection::default(), offset, BATCH).await? {
                let held = groups::list_roles(db, group.id).await?;
                found.push((group, held));
            }
            Ok(found)
        })
        .await?;
    let count = found.len();
    let config = &app.config;
    let differ: Vec<_> = found
        .into_iter()
        .map(|(group, held)| (mapped(config, &group.display_name), group, held))
        .filter(|(wanted, _, held)| wanted != held)
        .collect();
    if differ.is_empty() {
        return Ok(count);
    }
    let event = Event::now(app, "group.roles_changed");
    app.store
        .write(async move |db: &mut Conn| {
            let administered = is_administered(db).await?;
            for (wanted, group, held) in differ {
                if !groups::set_roles(db, group.id, &wanted).await? {
                    continue;
                }
                let detail = json!({
                    "group": group.id, "name": group.display_name, "before": held, "configured": wanted,
                });
                let event = event.another("group.roles_changed").detail(detail);
                event.record(db).await?;
            }
            if administered {
                ensure_administrator_remains(db).await?;
            }
            Ok(count)
        })
        .await
}
