//! Whether a file can be applied to what is stored: each name in it is defined, and no client gets more than
//! administrators may give.

use std::collections::BTreeSet;

use protocol::client::Client;
use protocol::id::ClientId;
use protocol::role::{STANDARD_SCOPES, ScopeDefinition};
use store::clients::StoredClient;

use super::super::{At, ClientEntry, File, FileError, MANAGED_BY};
use super::Stored;
use crate::administration;

/// Names used but defined nowhere: not in this file, and not among what stays in the store.
pub(super) fn references(file: &File, stored: &Stored, prune: bool) -> Result<(), FileError> {
    let stays = |mark: &Option<String>| !(prune && mark.as_deref() == Some(MANAGED_BY));
    let mut roles: BTreeSet<&str> = file.roles.iter().map(|at| at.entry.name.as_str()).collect();
    roles.extend(
        stored
            .roles
            .values()
            .filter(|(_, mark)| stays(mark))
            .map(|(role, _)| role.name.as_str()),
    );
    let mut scopes: BTreeSet<&str> = STANDARD_SCOPES.into_iter().collect();
    scopes.extend(protocol::permission::OWN.iter().map(|(name, _)| *name));
    scopes.extend(file.scopes.iter().map(|at| at.entry.name.as_str()));
    scopes.extend(
        stored
            .scopes
            .values()
            .filter(|(_, mark)| stays(mark))
            .map(|(scope, _)| scope.name.as_str()),
    );
    let mut resources: BTreeSet<&str> = file
        .resources
        .iter()
        .map(|at| at.entry.identifier.as_str())
        .collect();
    resources.extend(
        stored
            .resources
            .values()
            .filter(|(_, m)| stays(m))
            .map(|(r, _)| r.identifier.as_str()),
    );

    let unknown = |line: usize, who: String, noun: &str, name: &str, known: &BTreeSet<&str>| {
        let meant = crate::config::nearest::hint(name, known.iter().copied());
        let fix = if meant.is_empty() {
            format!("; define it with [[{noun}]]")
        } else {
            meant
        };
        FileError::at(line, format!("{who}: unknown {noun} {name:?}{fix}"))
    };
    for At { line, entry, .. } in &file.resources {
        if let Some(name) = entry.scopes.iter().find(|name| !scopes.contains(name.as_str())) {
            return Err(unknown(
                *line,
                format!("resource {}", entry.identifier),
                "scope",
                name,
                &scopes,
            ));
        }
    }
    for At { line, entry, .. } in &file.clients {
        let who = || format!("client {}", entry.client.client_id);
        if let Some(name) = entry.client.scope.iter().find(|name| !scopes.contains(name)) {
            return Err(unknown(*line, who(), "scope", name, &scopes));
        }
        if let Some(name) = entry
            .client
            .resources
            .iter()
            .find(|name| !resources.contains(name.as_str()))
        {
            return Err(unknown(*line, who(), "resource", name, &resources));
        }
    }
    for At { line, entry, .. } in &file.accounts {
        let mut named = entry.roles.iter().flatten();
        if let Some(name) = named.find(|name| !roles.contains(name.as_str())) {
            return Err(unknown(
                *line,
                format!("account {}", entry.username),
                "role",
                name,
                &roles,
            ));
        }
    }
    Ok(())
}

/// What administrators may not do to clients either: name a new one as accounts are, or let a scope give one more than
/// it was registered with. Those of the file are registered by it.
pub(super) fn clients(file: &File, stored: &Stored, prune: bool) -> Result<(), FileError> {
    for At { line, entry, .. } in &file.clients {
        let id = &entry.client.client_id;
        if !stored.clients.contains_key(id) {
            administration::clients::check_identifier(id)
                .map_err(|refused| FileError::at(*line, format!("client {id}: {}", refused.says())))?;
        }
    }
    let named: BTreeSet<&ClientId> = file.clients.iter().map(|at| &at.entry.client.client_id).collect();
    let goes = |old: &StoredClient| prune && old.managed_by.as_deref() == Some(MANAGED_BY);
    let others = stored.clients.values();
    let mut others: Vec<&Client> = others
        .filter(|old| !named.contains(&old.client.client_id) && !goes(old))
        .map(|old| &old.client)
        .collect();
    // Those that are named without their scope keep it, and so are registered no further than they were.
    let keeps = |at: &&At<ClientEntry>| {
        !at.written.has("scope") && stored.clients.contains_key(&at.entry.client.client_id)
    };
    others.extend(file.clients.iter().filter(keeps).map(|at| &at.entry.client));
    let definitions = stored.scopes.values().map(|(scope, _)| scope.clone());
    let definitions: Vec<ScopeDefinition> = definitions.collect();
    for At { line, entry, .. } in &file.scopes {
        let gain = administration::clients::check_gain(others.iter().copied(), &definitions, entry);
        if let Err(refused) = gain {
            let (name, says) = (&entry.name, refused.says());
            let problem = format!("scope {name}: {says}, or name them with their scope in this file");
            return Err(FileError::at(*line, problem));
        }
    }
    Ok(())
}
