//! What a resource says of an account: what has a place here, and what is kept for the provisioner alone.

use protocol::account::parse_email;
use protocol::profile::ProfileClaim;
use protocol::scim::ScimError;
use serde_json::{Map, Value};
use store::Account;

use super::Resource;
use super::person::NAMES;
use crate::administration::accounts::check_username;

/// Attributes that have a place of their own, or are for the server to say.
const PLACED: [&str; 12] = [
    "schemas",
    "id",
    "externalId",
    "userName",
    "displayName",
    "nickName",
    "active",
    "password",
    "emails",
    "groups",
    "roles",
    "meta",
];

/// An account as a provisioner wants it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Draft {
    pub(super) username: String,
    pub(super) external_id: Option<String>,
    pub(super) attributes: Map<String, Value>,
    email: Option<String>,
    active: Option<bool>,
    claims: Vec<(&'static str, Option<String>)>,
}

impl Draft {
    /// Reads a resource that has passed the schema, of somebody who is `called` something already or is new.
    pub(super) fn read(resource: &Resource, called: Option<&str>) -> Result<Draft, ScimError> {
        let text = |name: &str| resource.get(name).and_then(Value::as_str);
        let username = text("userName").unwrap_or_default();
        if called != Some(username) {
            check_username(username).map_err(|problem| ScimError::value("userName", problem))?;
        }
        let address = kept_address(resource);
        let email = match address.and_then(|one| one.get("value")).and_then(Value::as_str) {
            Some(value) => Some(
                parse_email(value).map_err(|error| ScimError::value("emails.value", error.to_string()))?,
            ),
            // Many directories have nothing but addresses for user names.
            None => parse_email(username).ok(),
        };
        Ok(Draft {
            username: username.to_owned(),
            external_id: text("externalId").map(str::to_owned),
            attributes: rest(resource, address),
            email,
            active: resource.get("active").and_then(Value::as_bool),
            claims: claims(resource)?,
        })
    }

    /// Makes an account what is wanted. An address that is new is not known to be its holder's.
    pub(super) fn write_to(&self, account: &mut Account) {
        account.username.clone_from(&self.username);
        if account.email != self.email {
            account.email_verified = false;
            account.email.clone_from(&self.email);
        }
        if let Some(active) = self.active {
            account.disabled = !active;
        }
        for (claim, value) in &self.claims {
            match value {
                Some(value) => account.claims.insert((*claim).to_owned(), value.clone().into()),
                None => account.claims.remove(*claim),
            };
        }
    }
}

/// The address that is kept: the primary, or else the first.
fn kept_address(resource: &Resource) -> Option<&Map<String, Value>> {
    let all = resource.get("emails").and_then(Value::as_array)?;
    let primary = |one: &&Value| one.get("primary") == Some(&Value::Bool(true));
    all.iter().find(primary).or_else(|| all.first())?.as_object()
}

fn claims(resource: &Resource) -> Result<Vec<(&'static str, Option<String>)>, ScimError> {
    let name = resource.get("name");
    let part = |part: &str| name.and_then(|name| name.get(part)).and_then(Value::as_str);
    let text = |name: &str| resource.get(name).and_then(Value::as_str);
    let mut claims = vec![
        (
            "displayName",
            "name",
            text("displayName").or_else(|| part("formatted")),
        ),
        ("nickName", "nickname", text("nickName")),
    ];
    claims.extend(NAMES.map(|(attribute, claim)| (attribute, claim, part(attribute))));
    let read = |(attribute, claim, value): (&'static str, &'static str, Option<&str>)| {
        let value = match (ProfileClaim::find(claim), value) {
            (Some(known), Some(value)) => known
                .parse(value)
                .map_err(|_| ScimError::value(attribute, "has too many characters"))?,
            _ => None,
        };
        Ok((claim, value))
    };
    claims.into_iter().map(read).collect()
}

/// What has no place of its own.
fn rest(resource: &Resource, address: Option<&Map<String, Value>>) -> Map<String, Value> {
    let unplaced = |(name, _): &(&String, &Value)| !PLACED.contains(&name.as_str());
    let cloned = |(name, value): (&String, &Value)| (name.clone(), value.clone());
    let mut rest: Map<String, Value> = resource.iter().filter(unplaced).map(cloned).collect();
    if let Some(name) = rest.get_mut("name").and_then(Value::as_object_mut) {
        name.retain(|part, _| !NAMES.iter().any(|(attribute, _)| attribute == part));
        if name.is_empty() {
            rest.remove("name");
        }
    }
    let told = |(name, _): &(&String, &Value)| matches!(name.as_str(), "type" | "display" | "primary");
    let told: Map<String, Value> = address.into_iter().flatten().filter(told).map(cloned).collect();
    if !told.is_empty() {
        rest.insert("emails".to_owned(), Value::Array(vec![Value::Object(told)]));
    }
    rest
}

#[cfg(test)]
mod tests {
    use protocol::time::Timestamp;
    use serde_json::json;

    use super::*;

    fn draft(resource: &Value) -> Result<Draft, ScimError> {
        Draft::read(resource.as_object().unwrap(), None)
    }

    #[test]
    fn what_has_a_place_is_put_there_and_the_rest_is_kept() {
        let draft = draft(&json!({
            "schemas": ["x"], "userName": "bjensen", "externalId": "7", "active": false, "title": "Boss",
            "name": { "familyName": "Jensen", "formatted": "Ms. Barbara Jensen" },
            "emails": [{ "value": "a@a.test" }, { "value": "B@B.test", "type": "work", "primary": true }],
        }))
        .unwrap();
        let mut account = crate::declarative::blank_account("old", Timestamp(0));
        account.claims.insert("nickname".into(), json!("Babs"));
        account.email_verified = true;
        draft.write_to(&mut account);
        assert_eq!(account.username, "bjensen");
        assert_eq!(account.email.as_deref(), Some("B@b.test"));
        assert!(account.disabled && !account.email_verified);
        assert_eq!(
            Value::Object(account.claims),
            json!({ "name": "Ms. Barbara Jensen", "family_name": "Jensen" })
        );
        assert_eq!(
            Value::Object(draft.attributes),
            json!({ "title": "Boss", "name": { "formatted": "Ms. Barbara Jensen" }, "emails": [{ "type": "work", "primary": true }] })
        );
    }

    #[test]
    fn an_address_for_a_name_is_the_address_unless_there_is_another() {
        for (resource, email) in [
            (json!({ "userName": "a@corp.test" }), Some("a@corp.test")),
            (
                json!({ "userName": "a@corp.test", "emails": [{ "value": "b@corp.test" }] }),
                Some("b@corp.test"),
            ),
            (json!({ "userName": "a" }), None),
        ] {
            assert_eq!(draft(&resource).unwrap().email.as_deref(), email, "{resource}");
        }
        for wrong in [
            json!({ "userName": " a" }),
            json!({ "userName": "a\u{202E}b" }),
            json!({ "userName": "a", "emails": [{ "value": "nowhere" }] }),
        ] {
            assert!(draft(&wrong).is_err(), "{wrong}");
        }
    }
}
