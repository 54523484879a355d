//! Lists of groups (RFC 7644 §3.4.2).

use std::collections::BTreeMap;

use protocol::id::{AccountId, GroupId};
use protocol::scim::filter::{Filter, Operand, Operator};
use protocol::scim::schema::MAX_MEMBERS;
use protocol::scim::{ScimError, ScimType};
use store::groups::{self, Group, Selection};
use store::{Conn, StoreError};
use uuid::Uuid;

use super::view::View;
use crate::administration::Actor;
use crate::administration::provisioning::{
    Declined, MAX_SCANNED, Page, Provisioned, Search, admit, root, settled, sort_and_cut, value_of,
};
use crate::app::App;

/// The most members in an answer, over all its groups.
const MAX_LISTED: usize = 2 * MAX_MEMBERS;

/// A list of groups, with their members if they are wanted.
pub(crate) async fn list(app: &App, actor: &Actor, search: Search, members: bool) -> Provisioned<Page> {
    admit(actor)?;
    let root = root(app);
    let done = app
        .store
        .scan(async move |db: &mut Conn| {
            let mut selection = Selection::default();
            let exact = search
                .filter
                .as_ref()
                .is_none_or(|filter| narrow(filter, &mut selection));
            let by_name = search
                .sort
                .as_ref()
                .is_none_or(|path| path.is("displayName") && !search.descending);
            if exact && by_name {
                page(db, &selection, &search, members, &root).await
            } else {
                scan(db, &selection, &search, members, &root).await
            }
        })
        .await;
    settled(done)
}

async fn page(
    db: &mut Conn,
    selection: &Selection,
    search: &Search,
    members: bool,
    root: &str,
) -> Result<Result<Page, Declined>, StoreError> {
    let total = usize::try_from(groups::count(db, selection).await?).unwrap_or_default();
    let offset = i64::try_from(search.start.saturating_sub(1)).unwrap_or(i64::MAX);
    let limit = i64::try_from(search.count).unwrap_or(i64::MAX);
    let found = groups::list(db, selection, offset, limit).await?;
    let views = match views(db, found, members).await? {
        Ok(views) => views,
        Err(error) => return Ok(Err(error.into())),
    };
    Ok(Ok(Page {
        total,
        resources: views.iter().map(|view| view.shown(root)).collect(),
    }))
}

/// Looks at each group that may be meant.
async fn scan(
    db: &mut Conn,
    selection: &Selection,
    search: &Search,
    members: bool,
    root: &str,
) -> Result<Result<Page, Declined>, StoreError> {
    let limit = i64::try_from(MAX_SCANNED + 1).unwrap_or(i64::MAX);
    let found = groups::list(db, selection, 0, limit).await?;
    if found.len() > MAX_SCANNED {
        return Ok(Err(too_many("groups would have to be looked at").into()));
    }
    let needed = members || search.filter.as_ref().is_some_and(asks_for_members);
    Ok(match views(db, found, needed).await? {
        Ok(views) => Ok(sort_and_cut(
            views.iter().map(|view| view.shown(root)).collect(),
            search,
        )),
        Err(error) => Err(error.into()),
    })
}

fn too_many(what: &str) -> ScimError {
    let detail = format!("too many {what}; narrow the filter, ask for fewer, or exclude members");
    ScimError::of(ScimType::TooMany, detail)
}

async fn views(
    db: &mut Conn,
    found: Vec<Group>,
    members: bool,
) -> Result<Result<Vec<View>, ScimError>, StoreError> {
    let ids: Vec<GroupId> = found.iter().map(|group| group.id).collect();
    let sizes: BTreeMap<GroupId, i64> = groups::count_members(db, &ids).await?.into_iter().collect();
    let mut listed: BTreeMap<GroupId, Vec<(AccountId, String)>> = BTreeMap::new();
    if members {
        let all: i64 = sizes.values().sum();
        if usize::try_from(all).unwrap_or(usize::MAX) > MAX_LISTED {
            return Ok(Err(too_many("members would be listed")));
        }
        for (group, id, name) in groups::list_members(db, &ids, all).await? {
            listed.entry(group).or_default().push((id, name));
        }
    }
    let view = |group: Group| View {
        size: sizes.get(&group.id).copied().unwrap_or_default(),
        members: members.then(|| listed.remove(&group.id).unwrap_or_default()),
        group,
    };
    Ok(Ok(found.into_iter().map(view).collect()))
}

fn asks_for_members(filter: &Filter) -> bool {
    match filter {
        Filter::And(all) | Filter::Or(all) => all.iter().any(asks_for_members),
        Filter::Not(one) => asks_for_members(one),
        Filter::Present(path) | Filter::Compare(path, ..) => path.attribute.name == "members",
        Filter::Holds(attribute, _) => attribute.name == "members",
    }
}

/// Narrows a selection by a filter; whether it says all of it then.
fn narrow(filter: &Filter, selection: &mut Selection) -> bool {
    let put_member = |selection: &mut Selection, text: &str| match Uuid::parse_str(text) {
        Ok(id) if selection.member.is_none() => {
            selection.member = Some(AccountId(id));
            // Identifiers are written in one way.
            id.to_string() == text
        }
        _ => false,
    };
    match filter {
        // Each of them narrows, whether or not one before it does so exactly.
        Filter::And(all) => all.iter().filter(|one| !narrow(one, selection)).count() == 0,
        Filter::Compare(path, Operator::Eq, Operand::Text(text)) => {
            if path.is("displayName") && selection.display_name.is_none() {
                selection.display_name = Some(text.to_lowercase());
                true
            } else if path.is("externalId") && selection.external_id.is_none() {
                selection.external_id = Some(text.clone());
                true
            } else if path.is("id") && selection.id.is_none() {
                selection.id = Uuid::parse_str(text).ok().map(GroupId);
                false
            } else {
                path.is("members.value") && put_member(selection, text)
            }
        }
        Filter::Holds(attribute, inner) if attribute.name == "members" => {
            if let Some(value) = value_of(inner) {
                put_member(selection, value);
            }
            false
        }
        _ => false,
    }
}
