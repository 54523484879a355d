//! What is stored, written as a declarative file without secrets.

use serde::Serialize;
use serde_json::{Map, Value, json};
use store::accounts::Account;
use store::{Conn, StoreError, accounts, clients, roles, upstreams};

/// Writes all roles, scopes, resources, clients and accounts; parsing it gives the same entries.
pub async fn export(db: &mut Conn) -> Result<String, StoreError> {
    let mut text = String::from("# Secrets are not exported: `apply` keeps those that are stored.\n");
    for role in roles::list_roles(db).await? {
        table(&mut text, "role", &role);
    }
    for scope in roles::list_scopes(db).await? {
        table(&mut text, "scope", &scope);
    }
    for resource in roles::list_resources(db).await? {
        table(&mut text, "resource", &resource);
    }
    for stored in clients::list(db).await? {
        let mut value = serde_json::to_value(&stored.client).unwrap_or_default();
        if let (true, Value::Object(fields)) = (stored.disabled, &mut value) {
            fields.insert("disabled".to_owned(), Value::Bool(true));
        }
        table(&mut text, "client", &value);
    }
    for stored in upstreams::list(db).await? {
        table(&mut text, "upstream", &stored.upstream);
    }
    for account in all_accounts(db).await? {
        let mut fields = Map::new();
        fields.insert("username".to_owned(), json!(account.username));
        if let Some(email) = &account.email {
            fields.insert("email".to_owned(), json!(email));
            fields.insert("email_verified".to_owned(), json!(account.email_verified));
        }
        fields.insert(
            "roles".to_owned(),
            json!(super::diff::permanent_roles(db, account.id).await?),
        );
        fields.insert(
            "permissions".to_owned(),
            json!(roles::account_permissions(db, account.id).await?),
        );
        fields.insert("claims".to_owned(), Value::Object(account.claims.clone()));
        if let Some(mfa) = account.mfa {
            fields.insert("mfa".to_owned(), json!(mfa));
        }
        if account.disabled {
            fields.insert("disabled".to_owned(), Value::Bool(true));
        }
        table(&mut text, "account", &Value::Object(fields));
    }
    Ok(text)
}

/// All accounts by user name, read page by page.
pub(crate) async fn all_accounts(db: &mut Conn) -> Result<Vec<Account>, StoreError> {
    let mut all: Vec<Account> = Vec::new();
    loop {
        let after = all.last().map(|account| account.username.clone());
        let page = accounts::list(db, after.as_deref(), 500).await?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}

/// Writes one entry, each key on its line; tables inside it inline, so that the entry stays one block.
fn table<T: Serialize>(text: &mut String, noun: &str, value: &T) {
    let Ok(Value::Object(fields)) = serde_json::to_value(value) else {
        return;
    };
    text.push_str(&format!("\n[[{noun}]]\n"));
    for (key, value) in fields {
        if let Some(value) = inline(&value) {
            text.push_str(&format!("{key} = {value}\n"));
        }
    }
}

/// A JSON value in TOML's inline form; TOML has no null, so nulls are left out.
fn inline(value: &Value) -> Option<String> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => quoted(text),
        Value::Array(items) => format!(
            "[{}]",
            items.iter().filter_map(inline).collect::<Vec<_>>().join(", ")
        ),
        Value::Object(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .filter_map(|(key, value)| Some(format!("{} = {}", quoted(key), inline(value)?)))
                .collect();
            if fields.is_empty() {
                "{}".to_owned()
            } else {
                format!("{{ {} }}", fields.join(", "))
            }
        }
    })
}

/// A basic string: TOML has JSON's escapes, and wants one more character escaped.
fn quoted(text: &str) -> String {
    Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::declarative::File;
    use protocol::client::Client;

    #[test]
    fn what_is_written_can_be_read_back() {
        let client = Client {
            redirect_uris: vec!["https://a.test/\"x\\y".replace('\\', "/").replace('"', "q")],
            client_name: Some("Ünï \"quoted\" \\ name '''".to_owned()),
            ..Client::new("c".into())
        };
        let mut text = String::new();
        table(&mut text, "client", &client);
        table(
            &mut text,
            "account",
            &json!({ "username": "a", "claims": { "https://x.test/y z": { "deep": [1, 2.5, "a\nb'''"] } } }),
        );
        let file = File::parse(&text).unwrap();
        assert_eq!(file.clients[0].entry.client.client_name, client.client_name);
        assert_eq!(
            file.accounts[0].entry.claims.as_ref().unwrap()["https://x.test/y z"]["deep"][1],
            2.5
        );
        assert_eq!(
            file.accounts[0].entry.claims.as_ref().unwrap()["https://x.test/y z"]["deep"][2],
            "a\nb'''"
        );
    }
}
