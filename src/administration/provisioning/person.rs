//! An account as a provisioner sees it.

use std::collections::{BTreeMap, BTreeSet};

use protocol::id::{AccountId, GroupId};
use protocol::scim::date;
use protocol::scim::schema::{USER, blank};
use protocol::time::Timestamp;
use serde_json::{Map, Value, json};
use store::scim::Provisioned;
use store::{Conn, StoreError, scim};

use super::Resource;
use crate::administration::version;

/// The claims that a provisioner may set, by the attribute that holds them.
pub(super) const NAMES: [(&str, &str); 3] = [
    ("givenName", "given_name"),
    ("middleName", "middle_name"),
    ("familyName", "family_name"),
];

/// An account with its groups and roles.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub(super) provisioned: Provisioned,
    groups: Vec<(GroupId, String)>,
    roles: BTreeSet<String>,
}

impl Person {
    /// The account with this identifier.
    pub(super) async fn find(
        db: &mut Conn,
        id: AccountId,
        now: Timestamp,
    ) -> Result<Option<Person>, StoreError> {
        let found = scim::find(db, id).await?;
        Ok(Person::all(db, found.into_iter().collect(), now).await?.pop())
    }

    /// Accounts with their groups and roles, in the same order.
    pub(super) async fn all(
        db: &mut Conn,
        found: Vec<Provisioned>,
        now: Timestamp,
    ) -> Result<Vec<Person>, StoreError> {
        let ids: Vec<AccountId> = found.iter().map(|found| found.account.id).collect();
        let mut groups: BTreeMap<AccountId, Vec<(GroupId, String)>> = BTreeMap::new();
        for (id, group, name) in scim::list_groups(db, &ids).await? {
            groups.entry(id).or_default().push((group, name));
        }
        let mut roles: BTreeMap<AccountId, BTreeSet<String>> = BTreeMap::new();
        for (id, role) in scim::list_roles(db, &ids, now).await? {
            roles.entry(id).or_default().insert(role);
        }
        let person = |provisioned: Provisioned| Person {
            groups: groups.remove(&provisioned.account.id).unwrap_or_default(),
            roles: roles.remove(&provisioned.account.id).unwrap_or_default(),
            provisioned,
        };
        Ok(found.into_iter().map(person).collect())
    }

    /// What is shown of it, with its version.
    pub(super) fn shown(&self, root: &str) -> Resource {
        let resource = self.resource(root);
        with_version(resource)
    }

    /// What is shown of it, but for its version.
    pub(super) fn resource(&self, root: &str) -> Resource {
        let account = &self.provisioned.account;
        let mut resource = blank(&USER);
        resource.extend(self.provisioned.attributes.clone());
        let mut put = |name: &str, value: Value| {
            if !value.is_null() {
                resource.insert(name.to_owned(), value);
            }
        };
        put("id", json!(account.id));
        put("externalId", json!(self.provisioned.external_id));
        put("userName", json!(account.username));
        put("name", self.name());
        put("displayName", self.claim("name"));
        put("nickName", self.claim("nickname"));
        put("active", json!(!account.disabled));
        put("emails", self.emails());
        let group = |(id, name): &(GroupId, String)| json!({ "value": id, "$ref": format!("{root}/Groups/{id}"), "display": name, "type": "direct" });
        if !self.groups.is_empty() {
            put("groups", self.groups.iter().map(group).collect());
        }
        if !self.roles.is_empty() {
            put(
                "roles",
                self.roles.iter().map(|role| json!({ "value": role })).collect(),
            );
        }
        put(
            "meta",
            json!({
                "resourceType": USER.name,
                "created": date::write(account.created_at),
                "lastModified": date::write(account.updated_at),
                "location": format!("{root}/Users/{}", account.id),
            }),
        );
        if self.provisioned.account.email.is_none() {
            resource.remove("emails");
        }
        resource
    }

    fn claim(&self, name: &str) -> Value {
        self.provisioned
            .account
            .claims
            .get(name)
            .cloned()
            .unwrap_or_default()
    }

    fn name(&self) -> Value {
        let kept = self.provisioned.attributes.get("name").and_then(Value::as_object);
        let mut name: Map<String, Value> = kept.cloned().unwrap_or_default();
        for (attribute, claim) in NAMES {
            let value = self.claim(claim);
            if value.is_string() {
                name.insert(attribute.to_owned(), value);
            }
        }
        if name.is_empty() {
            Value::Null
        } else {
            Value::Object(name)
        }
    }

    fn emails(&self) -> Value {
        let Some(email) = &self.provisioned.account.email else {
            return Value::Null;
        };
        let kept = self
            .provisioned
            .attributes
            .get("emails")
            .and_then(|all| all.get(0));
        let mut one = kept.and_then(Value::as_object).cloned().unwrap_or_default();
        one.insert("value".to_owned(), json!(email));
        one.entry("primary").or_insert(json!(true));
        json!([one])
    }
}

/// A resource with its version in its metadata.
pub(super) fn with_version(mut resource: Resource) -> Resource {
    if let (Ok(tag), Some(meta)) = (
        version::tag(&resource),
        resource.get_mut("meta").and_then(Value::as_object_mut),
    ) {
        meta.insert("version".to_owned(), format!("W/{tag}").into());
    }
    resource
}
