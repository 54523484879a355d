//! The export of a Keycloak realm (`kc.sh export`, with users in the realm file or in files of their own).

use std::collections::BTreeMap;

use protocol::profile::ProfileClaim;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{Candidate, Row, Rows, shown};
use crate::declarative;

mod credential;

use credential::{Credential, Taken};

/// Roles that each realm has for its own purposes.
const OWN_ROLES: [&str; 2] = ["offline_access", "uma_authorization"];
const MAX_NOTES: usize = 20;
const MAX_GROUPS: usize = 100;

/// A user, as far as we know what to do with it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct User {
    id: Option<String>,
    username: String,
    email: Option<String>,
    email_verified: bool,
    enabled: Option<bool>,
    first_name: Option<String>,
    last_name: Option<String>,
    attributes: BTreeMap<String, Value>,
    credentials: Vec<Credential>,
    realm_roles: Vec<String>,
    client_roles: BTreeMap<String, Vec<String>>,
    groups: Vec<String>,
    required_actions: Vec<String>,
    federated_identities: Vec<Value>,
    service_account_client_id: Option<String>,
}

/// Takes the users out of a realm, of several realms, or of a list of users.
pub(super) fn rows(text: &str) -> Result<Rows, String> {
    // A document that is nested more than a hundred times is refused by the parser.
    let document: Value =
        protocol::json::value(text.as_bytes()).map_err(|error| format!("it is no JSON: {error}"))?;
    let mut users = Vec::new();
    let parts = match document {
        Value::Array(parts) => parts,
        part => vec![part],
    };
    for part in parts {
        match part {
            Value::Object(mut realm) => match realm.remove("users") {
                Some(Value::Array(found)) => users.extend(found),
                Some(_) => return Err("users: must be a list".to_owned()),
                None if realm.contains_key("username") => users.push(Value::Object(realm)),
                None => {}
            },
            _ => return Err("it must be a realm, or a list of users".to_owned()),
        }
    }
    if users.is_empty() {
        return Err("it holds no users; export the realm with them".to_owned());
    }
    Ok(Box::new(
        users
            .into_iter()
            .enumerate()
            .map(|(at, user)| Ok(row(at + 1, user))),
    ))
}

fn row(number: usize, user: Value) -> Row {
    let id = user
        .get("id")
        .and_then(Value::as_str)
        .and_then(|id| Uuid::parse_str(id).ok());
    let place = match id {
        Some(id) => format!("user {number} ({id})"),
        None => format!("user {number}"),
    };
    let candidate = match serde_json::from_value::<User>(user) {
        Ok(user) => candidate(user, id),
        // Its words could repeat a secret.
        Err(_) => Err("is not as Keycloak writes users".to_owned()),
    };
    Row { place, candidate }
}

fn candidate(user: User, id: Option<Uuid>) -> Result<Candidate, String> {
    if let Some(client) = &user.service_account_client_id {
        return Err(format!("is the service account of the client {}", shown(client)));
    }
    let mut notes = Vec::new();
    if user.id.is_some() && id.is_none() {
        notes.push("its id is no UUID; it gets another".to_owned());
    }
    let mut values = Map::new();
    values.insert("username".to_owned(), json!(user.username));
    if let Some(email) = user.email.as_deref().filter(|email| !email.is_empty()) {
        values.insert("email".to_owned(), json!(email));
        values.insert("email_verified".to_owned(), json!(user.email_verified));
    }
    values.insert("disabled".to_owned(), json!(!user.enabled.unwrap_or(true)));
    let claims = claims(&user, &mut notes);
    if !claims.is_empty() {
        values.insert("claims".to_owned(), Value::Object(claims));
    }
    let own = |name: &&String| !OWN_ROLES.contains(&name.as_str()) && !name.starts_with("default-roles-");
    values.insert(
        "roles".to_owned(),
        user.realm_roles.iter().filter(own).cloned().collect(),
    );
    if let Some(client) = user.client_roles.keys().next() {
        notes.push(format!(
            "roles at single clients, such as {}, are left out",
            shown(client)
        ));
    }
    if !user.federated_identities.is_empty() {
        notes.push("sign-ins at other providers are left out; they can be connected anew".to_owned());
    }
    credentials(&user, &mut values, &mut notes);
    notes.truncate(MAX_NOTES);
    let entry = declarative::account_entry(0, values).map_err(|error| error.problem)?;
    let groups = user
        .groups
        .iter()
        .take(MAX_GROUPS)
        .map(|path| leaf(path))
        .collect();
    Ok(Candidate {
        entry,
        id,
        lenient: true,
        groups,
        notes,
    })
}

/// The name of a group, which a path ends with.
fn leaf(path: &str) -> String {
    path.rsplit('/').next().unwrap_or(path).to_owned()
}

/// The claims that names and attributes stand for; other attributes are told and left out.
fn claims(user: &User, notes: &mut Vec<String>) -> Map<String, Value> {
    let full = [&user.first_name, &user.last_name]
        .into_iter()
        .filter_map(|name| name.as_deref())
        .filter(|name| !name.trim().is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    let mut given: Vec<(&str, String)> = vec![("name", full)];
    given.extend(user.first_name.clone().map(|name| ("given_name", name)));
    given.extend(user.last_name.clone().map(|name| ("family_name", name)));
    let mut other = Vec::new();
    for (name, value) in &user.attributes {
        let first = match value {
            Value::Array(values) => values.first(),
            value => Some(value),
        };
        match (ProfileClaim::find(name), first.and_then(Value::as_str)) {
            (Some(claim), Some(text)) => given.push((claim.name, text.to_owned())),
            _ => other.push(shown(name)),
        }
    }
    if !other.is_empty() {
        let more = if other.len() > 5 { ", ..." } else { "" };
        other.truncate(5);
        notes.push(format!("attributes left out: {}{more}", other.join(", ")));
    }
    let mut claims = Map::new();
    for (name, text) in given {
        match ProfileClaim::find(name).map(|claim| claim.parse(&text)) {
            Some(Ok(Some(value))) => {
                claims.insert(name.to_owned(), Value::String(value));
            }
            Some(Err(_)) => notes.push(format!(
                "{name} left out: it does not have the form of this claim"
            )),
            _ => {}
        }
    }
    claims
}

fn credentials(user: &User, values: &mut Map<String, Value>, notes: &mut Vec<String>) {
    let mut passkeys = Vec::new();
    for credential in user.credentials.iter().take(50) {
        match credential.take() {
            Ok(Taken::PasswordHash(hash)) => {
                values.insert("password_hash".to_owned(), Value::String(hash));
            }
            Ok(Taken::Password { clear, temporary }) => {
                values.insert("password".to_owned(), Value::String(clear));
                if temporary {
                    values.insert("must_change_password".to_owned(), Value::Bool(true));
                }
            }
            Ok(Taken::Totp(secret)) => {
                if values
                    .insert("totp_secret".to_owned(), Value::String(secret))
                    .is_some()
                {
                    notes.push("one more one-time password generator is left out".to_owned());
                }
            }
            Ok(Taken::Passkey(passkey)) => passkeys.push(passkey),
            Err(problem) => notes.push(problem),
        }
    }
    if !passkeys.is_empty() {
        values.insert("passkeys".to_owned(), Value::Array(passkeys));
    }
    let has_password = values.contains_key("password_hash") || values.contains_key("password");
    for action in &user.required_actions {
        match action.as_str() {
            "UPDATE_PASSWORD" if has_password => {
                values.insert("must_change_password".to_owned(), Value::Bool(true));
            }
            // Who has no password gets one by the link for a forgotten one.
            "UPDATE_PASSWORD" => {}
            "VERIFY_EMAIL" => {
                if values.contains_key("email") {
                    values.insert("email_verified".to_owned(), Value::Bool(false));
                }
            }
            "CONFIGURE_TOTP" => {
                values.insert("mfa".to_owned(), json!("required"));
            }
            other => notes.push(format!("the required action {} is left out", shown(other))),
        }
    }
    if !has_password && passkeys_missing(values) {
        notes.push("has no password; the holder asks for one as for a forgotten one".to_owned());
    }
}

fn passkeys_missing(values: &Map<String, Value>) -> bool {
    !values.contains_key("passkeys")
}

#[cfg(test)]
mod tests;
