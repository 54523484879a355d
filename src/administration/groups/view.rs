//! A group as a provisioner sees it, and as it wants it.

use std::collections::BTreeSet;

use protocol::id::{AccountId, GroupId};
use protocol::scim::schema::{GROUP, MAX_MEMBERS, blank};
use protocol::scim::{ScimError, date};
use serde_json::{Value, json};
use store::groups::{self, Group};
use store::{Conn, StoreError};
use uuid::Uuid;

use super::{Resource, text};
use crate::administration::version;

/// A group with its members.
#[derive(Clone, Debug)]
pub(super) struct View {
    pub(super) group: Group,
    /// How many members it has.
    pub(super) size: i64,
    /// Who they are, unless that was not asked for.
    pub(super) members: Option<Vec<(AccountId, String)>>,
}

impl View {
    /// The group with this identifier.
    pub(super) async fn find(db: &mut Conn, id: GroupId) -> Result<Option<View>, StoreError> {
        let Some(group) = groups::find(db, id).await? else {
            return Ok(None);
        };
        let limit = i64::try_from(MAX_MEMBERS).unwrap_or(i64::MAX);
        let members = groups::list_members(db, &[id], limit).await?;
        let members: Vec<_> = members.into_iter().map(|(_, id, name)| (id, name)).collect();
        Ok(Some(View {
            group,
            size: i64::try_from(members.len()).unwrap_or(i64::MAX),
            members: Some(members),
        }))
    }

    /// Its members.
    pub(super) fn ids(&self) -> BTreeSet<AccountId> {
        self.members.iter().flatten().map(|(id, _)| *id).collect()
    }

    /// What its version stands for: its members are too many to be read for it. One that is gone with its account shows
    /// in their number.
    pub(super) fn seen(&self) -> (GroupId, i64, i64) {
        (self.group.id, self.group.version, self.size)
    }

    /// What is shown of it.
    pub(super) fn shown(&self, root: &str) -> Resource {
        let group = &self.group;
        let mut resource = blank(&GROUP);
        resource.insert("id".to_owned(), json!(group.id));
        if let Some(external_id) = &group.external_id {
            resource.insert("externalId".to_owned(), json!(external_id));
        }
        resource.insert("displayName".to_owned(), json!(group.display_name));
        let member = |(id, _): &(AccountId, String)| json!({ "value": id, "$ref": format!("{root}/Users/{id}"), "type": "User" });
        if let Some(members) = self.members.as_ref().filter(|members| !members.is_empty()) {
            resource.insert("members".to_owned(), members.iter().map(member).collect());
        }
        let mut meta = json!({
            "resourceType": GROUP.name,
            "created": date::write(group.created_at),
            "lastModified": date::write(group.updated_at),
            "location": format!("{root}/Groups/{}", group.id),
        });
        if let (Ok(tag), Some(meta)) = (version::tag(&self.seen()), meta.as_object_mut()) {
            meta.insert("version".to_owned(), format!("W/{tag}").into());
        }
        resource.insert("meta".to_owned(), meta);
        resource
    }
}

/// A group as a provisioner wants it.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) display_name: String,
    pub(super) external_id: Option<String>,
    pub(super) members: BTreeSet<AccountId>,
}

impl Draft {
    /// Reads a resource that has passed the schema.
    pub(super) fn read(resource: &Resource) -> Result<Draft, ScimError> {
        let display_name = text(resource, "displayName").unwrap_or_default();
        if display_name.trim() != display_name || display_name.contains(['\n', '\r', '\t']) {
            let problem = "must have no spaces at its ends and no line breaks";
            return Err(ScimError::value("displayName", problem));
        }
        let mut members = BTreeSet::new();
        let listed = resource.get("members").and_then(Value::as_array);
        for member in listed.into_iter().flatten() {
            let of = |name: &str| member.get(name).and_then(Value::as_str);
            if of("type").is_some_and(|kind| !kind.eq_ignore_ascii_case("User")) {
                return Err(ScimError::value(
                    "members.type",
                    "must be User; groups hold no groups",
                ));
            }
            let id = of("value").and_then(|id| Uuid::parse_str(id).ok());
            let id = id.ok_or_else(|| ScimError::value("members.value", "names no user"))?;
            members.insert(AccountId(id));
        }
        Ok(Draft {
            display_name: display_name.to_owned(),
            external_id: text(resource, "externalId").map(str::to_owned),
            members,
        })
    }
}
