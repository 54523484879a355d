//! What an entry leaves out stays as it is stored: its keys are laid over the stored value, and the whole is checked
//! like any other. What is not stored yet has the defaults.

use serde::Serialize;
use serde_json::{Map, Value};

use super::diff::Stored;
use super::entry::Entry;
use super::{At, File, FileError, parse, upstream};

/// The file as if each entry named all of what it is about.
pub(super) fn over(file: &File, stored: &Stored) -> Result<File, FileError> {
    let mut whole = file.clone();
    for at in &mut whole.roles {
        let old = stored.roles.get(&at.entry.name);
        at.lay(old.map(|(role, _)| members(role)), parse::role)?;
    }
    for at in &mut whole.scopes {
        let old = stored.scopes.get(&at.entry.name);
        at.lay(old.map(|(scope, _)| members(scope)), parse::scope)?;
    }
    for at in &mut whole.resources {
        let old = stored.resources.get(&at.entry.identifier);
        at.lay(old.map(|(resource, _)| members(resource)), parse::resource)?;
    }
    for at in &mut whole.clients {
        let old = stored.clients.get(&at.entry.client.client_id).map(|old| {
            let mut members = members(&old.client);
            members.insert("disabled".to_owned(), Value::Bool(old.disabled));
            // A client has its keys in one place: naming the one takes the other out.
            for (named, other) in [("jwks", "jwks_uri"), ("jwks_uri", "jwks")] {
                if at.written.has(named) {
                    members.remove(other);
                }
            }
            members
        });
        at.lay(old, parse::client)?;
    }
    for at in &mut whole.upstreams {
        let old = stored.upstreams.get(&at.entry.upstream.name);
        at.lay(old.map(|old| members(&old.upstream)), upstream::parse)?;
    }
    Ok(whole)
}

fn members<T: Serialize>(value: &T) -> Map<String, Value> {
    match serde_json::to_value(value) {
        Ok(Value::Object(members)) => members,
        _ => Map::new(),
    }
}

impl<T> At<T> {
    fn lay(
        &mut self,
        old: Option<Map<String, Value>>,
        parse: fn(Entry) -> Result<T, FileError>,
    ) -> Result<(), FileError> {
        if let Some(old) = old {
            self.entry = parse(self.written.over(old))?;
        }
        Ok(())
    }
}
