//! Groups as another directory makes, changes and removes them (RFC 7643 §4.2). The configuration maps a group to
//! roles by its name; who touches a group that carries roles must hold all that these carry, and for good what its
//! members get by it.

use std::collections::BTreeSet;
use std::sync::Arc;

use protocol::id::{AccountId, GroupId};
use protocol::permission;
use protocol::role::Role;
use protocol::scim::patch;
use protocol::scim::schema::GROUP;
use protocol::scim::{ScimError, ScimType};
use protocol::time::Timestamp;
use serde_json::{Value, json};
use store::groups::{self, Group};
use store::{Conn, StoreError};

use super::provisioning::{Declined, Edit, Provisioned, Resource, admit, root, settled};
use super::{Actor, Expected, Refused, ensure_administrator_remains, lock_administrators};
use crate::app::App;
use crate::audit::Event;
use crate::random;

mod query;
mod synchronise;
mod view;

pub(crate) use query::list;
use synchronise::mapped;
pub(crate) use synchronise::{is_mapped, missing_roles, synchronise};
use view::{Draft, View};

/// A group with what is shown of it.
pub(crate) async fn find(app: &App, actor: &Actor, id: GroupId) -> Provisioned<Resource> {
    admit(actor)?;
    let found = app
        .store
        .scan(async move |db: &mut Conn| View::find(db, id).await)
        .await?;
    let view = found.ok_or(Declined::Rule(Refused::NotFound))?;
    Ok(view.shown(&root(app)))
}

/// Makes a group.
pub(crate) async fn create(app: &Arc<App>, actor: &Actor, resource: Resource) -> Provisioned<Resource> {
    admit(actor)?;
    let draft = Draft::read(&resource).map_err(Declined::Request)?;
    let change = Change::new(
        app,
        actor,
        GroupId(random::uuid()),
        Expected::Any,
        "group.created",
    );
    let done = app
        .store
        .write(async move |db: &mut Conn| change.create(db, draft).await)
        .await;
    Ok(settled(done)?.shown(&root(app)))
}

/// Changes a group, and gives it as it is then.
pub(crate) async fn update(
    app: &Arc<App>,
    actor: &Actor,
    id: GroupId,
    edit: Edit,
    expected: Expected,
) -> Provisioned<Resource> {
    admit(actor)?;
    let change = Change::new(app, actor, id, expected, "group.updated");
    let done = app
        .store
        .write(async move |db: &mut Conn| change.update(db, edit).await)
        .await;
    Ok(settled(done)?.shown(&root(app)))
}

/// Removes a group; its members stay.
pub(crate) async fn delete(
    app: &Arc<App>,
    actor: &Actor,
    id: GroupId,
    expected: Expected,
) -> Provisioned<()> {
    admit(actor)?;
    let change = Change::new(app, actor, id, expected, "group.deleted");
    let done = app
        .store
        .write(async move |db: &mut Conn| change.delete(db).await)
        .await;
    settled(done)
}

/// A change of one group, in the transaction that makes it.
struct Change {
    app: Arc<App>,
    actor: Actor,
    id: GroupId,
    expected: Expected,
    now: Timestamp,
    event: Event,
}

/// Who comes into a group, and who leaves it.
#[derive(Default)]
struct Moves {
    added: Vec<AccountId>,
    removed: Vec<AccountId>,
}

impl Change {
    fn new(app: &Arc<App>, actor: &Actor, id: GroupId, expected: Expected, kind: &str) -> Change {
        Change {
            app: app.clone(),
            actor: actor.clone(),
            id,
            expected,
            now: app.now(),
            event: Event::now(app, kind).by(actor),
        }
    }

    fn event(&self, kind: &str, name: &str) -> Event {
        let detail = json!({ "group": self.id, "name": name });
        self.event.another(kind).detail(detail)
    }

    /// The roles that are or will be the group's; refused when they carry more than the actor holds, or when those that
    /// somebody gets carry what the actor holds only for a time.
    async fn roles(
        &self,
        db: &mut Conn,
        names: &BTreeSet<String>,
        given: &BTreeSet<String>,
    ) -> Result<Result<Vec<Role>, Refused>, StoreError> {
        if names.is_empty() {
            return Ok(Ok(Vec::new()));
        }
        let all = store::roles::list_roles(db).await?;
        let carried: Vec<Role> = all
            .into_iter()
            .filter(|role| names.contains(&role.name))
            .collect();
        let touched = carried.iter().flat_map(|role| &role.permissions);
        let got = carried.iter().filter(|role| given.contains(&role.name));
        let allowed = self.actor.may_take(touched).and_then(|()| {
            self.actor
                .may_give_for_good(got.flat_map(|role| &role.permissions))
        });
        Ok(allowed.map(|()| carried))
    }

    /// Refuses to name or fill a group that is to carry a role which does not exist: nobody can be asked yet whether
    /// they hold what it will carry, and whoever is in the group would get it unseen once somebody makes it.
    async fn all_roles_exist(&self, db: &mut Conn, name: &str) -> Result<Result<(), Refused>, StoreError> {
        let known = store::roles::list_roles(db).await?;
        let missing = missing_roles(&self.app.config, Some(name), |role| {
            known.iter().any(|known| known.name == role)
        });
        let Some(role) = missing.first() else {
            return Ok(Ok(()));
        };
        let problem = format!(
            "[scim] group_roles gives this group the role {role:?}, which does not exist; make the role first, or take \
             it out of the configuration"
        );
        Ok(Err(Refused::invalid("displayName", problem)))
    }

    /// Whoever loses roles must not hold more than the actor.
    async fn may_take_from(
        &self,
        db: &mut Conn,
        members: &[AccountId],
    ) -> Result<Result<(), Refused>, StoreError> {
        for member in members {
            let authority = store::roles::authority(db, *member, self.now).await?;
            if let Err(refused) = self.actor.may_manage(&authority) {
                return Ok(Err(refused));
            }
        }
        Ok(Ok(()))
    }

    async fn create(self, db: &mut Conn, draft: Draft) -> Result<Result<View, Declined>, StoreError> {
        let names = mapped(&self.app.config, &draft.display_name);
        let allowed = self.roles(db, &names, &names).await?.map(|_| ());
        let allowed = allowed.and(self.all_roles_exist(db, &draft.display_name).await?);
        if let Err(refused) = allowed {
            return Ok(Err(refused.into()));
        }
        let added: Vec<AccountId> = draft.members.iter().copied().collect();
        if let Err(error) = all_exist(db, &added).await? {
            return Ok(Err(error.into()));
        }
        let group = Group {
            id: self.id,
            display_name: draft.display_name,
            external_id: draft.external_id,
            created_at: self.now,
            updated_at: self.now,
            version: 0,
        };
        groups::insert(db, &group).await?;
        groups::set_roles(db, self.id, &names).await?;
        self.event("group.created", &group.display_name)
            .record(db)
            .await?;
        let moves = Moves {
            added,
            removed: Vec::new(),
        };
        self.move_members(db, &group.display_name, &moves).await?;
        Ok(View::find(db, self.id).await?.ok_or(Refused::NotFound.into()))
    }

    async fn target(&self, db: &mut Conn) -> Result<Result<View, Declined>, StoreError> {
        lock_administrators(db).await?;
        groups::find_locked(db, self.id).await?;
        let Some(view) = View::find(db, self.id).await? else {
            return Ok(Err(Refused::NotFound.into()));
        };
        Ok(match self.expected.check(&view.seen()) {
            Ok(()) => Ok(view),
            Err(refused) => Err(refused.into()),
        })
    }

    fn draft(&self, view: &View, edit: Edit) -> Result<Draft, ScimError> {
        match edit {
            Edit::Replace(resource) => Draft::read(&resource),
            Edit::Patch(operations) => {
                let before = view.shown(&root(&self.app));
                Draft::read(&patch::apply(&GROUP, before, &operations)?)
            }
        }
    }

    async fn update(self, db: &mut Conn, edit: Edit) -> Result<Result<View, Declined>, StoreError> {
        let view = match self.target(db).await? {
            Ok(view) => view,
            Err(declined) => return Ok(Err(declined)),
        };
        let draft = match self.draft(&view, edit) {
            Ok(draft) => draft,
            Err(error) => return Ok(Err(error.into())),
        };
        let before = view.ids();
        let moves = Moves {
            added: draft.members.difference(&before).copied().collect(),
            removed: before.difference(&draft.members).copied().collect(),
        };
        let renamed = draft.display_name != view.group.display_name;
        if !renamed
            && draft.external_id == view.group.external_id
            && moves.added.is_empty()
            && moves.removed.is_empty()
        {
            return Ok(Ok(view));
        }
        let held = groups::list_roles(db, self.id).await?;
        let wanted = if renamed {
            mapped(&self.app.config, &draft.display_name)
        } else {
            held.clone()
        };
        // Members that stay lose the roles that the new name does not carry.
        let losing: Vec<AccountId> = if held.is_subset(&wanted) {
            moves.removed.clone()
        } else {
            before.iter().copied().collect()
        };
        // Who comes in gets all that it carries, who is in what the new name adds.
        let given = if moves.added.is_empty() {
            wanted.difference(&held).cloned().collect()
        } else {
            wanted.clone()
        };
        let carried = match self.allowed(db, &held, &wanted, &given, &losing).await? {
            Ok(carried) => carried,
            Err(refused) => return Ok(Err(refused.into())),
        };
        if (renamed || !moves.added.is_empty())
            && let Err(refused) = self.all_roles_exist(db, &draft.display_name).await?
        {
            return Ok(Err(refused.into()));
        }
        if let Err(error) = all_exist(db, &moves.added).await? {
            return Ok(Err(error.into()));
        }
        let group = Group {
            display_name: draft.display_name,
            external_id: draft.external_id,
            ..view.group
        };
        groups::update(db, &group, self.now).await?;
        groups::set_roles(db, self.id, &wanted).await?;
        self.event("group.updated", &group.display_name)
            .record(db)
            .await?;
        self.move_members(db, &group.display_name, &moves).await?;
        if !losing.is_empty() && carries_everything(&carried) {
            ensure_administrator_remains(db).await?;
        }
        Ok(View::find(db, self.id).await?.ok_or(Refused::NotFound.into()))
    }

    /// The roles at stake, when the actor may give and take them.
    async fn allowed(
        &self,
        db: &mut Conn,
        held: &BTreeSet<String>,
        wanted: &BTreeSet<String>,
        given: &BTreeSet<String>,
        losing: &[AccountId],
    ) -> Result<Result<Vec<Role>, Refused>, StoreError> {
        let names = held | wanted;
        let carried = match self.roles(db, &names, given).await? {
            Ok(carried) => carried,
            Err(refused) => return Ok(Err(refused)),
        };
        if held.is_empty() {
            return Ok(Ok(carried));
        }
        Ok(self.may_take_from(db, losing).await?.map(|()| carried))
    }

    async fn move_members(&self, db: &mut Conn, name: &str, moves: &Moves) -> Result<(), StoreError> {
        groups::insert_members(db, self.id, &moves.added).await?;
        groups::delete_members(db, self.id, &moves.removed).await?;
        let added = moves.added.iter().map(|id| ("group.member_added", id));
        let removed = moves.removed.iter().map(|id| ("group.member_removed", id));
        for (kind, id) in added.chain(removed) {
            self.event(kind, name).account(*id).record(db).await?;
        }
        Ok(())
    }

    async fn delete(self, db: &mut Conn) -> Result<Result<(), Declined>, StoreError> {
        let view = match self.target(db).await? {
            Ok(view) => view,
            Err(declined) => return Ok(Err(declined)),
        };
        let held = groups::list_roles(db, self.id).await?;
        let members: Vec<AccountId> = view.ids().into_iter().collect();
        let none = BTreeSet::new();
        let carried = match self.allowed(db, &held, &none, &none, &members).await? {
            Ok(carried) => carried,
            Err(refused) => return Ok(Err(refused.into())),
        };
        groups::delete(db, self.id).await?;
        self.event("group.deleted", &view.group.display_name)
            .record(db)
            .await?;
        if carries_everything(&carried) {
            ensure_administrator_remains(db).await?;
        }
        Ok(Ok(()))
    }
}

fn carries_everything(roles: &[Role]) -> bool {
    roles
        .iter()
        .any(|role| role.permissions.contains(permission::ALL))
}

/// Refuses members that are no accounts.
async fn all_exist(db: &mut Conn, ids: &[AccountId]) -> Result<Result<(), ScimError>, StoreError> {
    if groups::count_accounts(db, ids).await? == ids.len() {
        Ok(Ok(()))
    } else {
        let detail = "members.value names no user";
        Ok(Err(ScimError::of(ScimType::InvalidValue, detail)))
    }
}

/// A member of a resource that is text.
fn text<'a>(resource: &'a Resource, name: &str) -> Option<&'a str> {
    resource.get(name).and_then(Value::as_str)
}
