//! Accounts as another directory makes, changes and removes them (RFC 7644). Whoever provisions may do with an account
//! what its own authority covers, and nothing to itself.

use std::sync::Arc;

use protocol::id::AccountId;
use protocol::permission::SCIM_PROVISION;
use protocol::role::Authority;
use protocol::scim::patch::{self, Operation};
use protocol::scim::schema::USER;
use protocol::scim::{ScimError, ScimType};
use protocol::secret::Secret;
use protocol::time::Timestamp;
use serde_json::{Map, Value, json};
use store::{Account, Conn, StoreError, scim};

use super::{
    Actor, Expected, Refused, Tenure, accounts, ensure_administrator_remains, holds_everything,
    lock_administrators, settle,
};
use crate::app::App;
use crate::audit::Event;
use crate::credentials::{self, Prepared};
use crate::error::Error;
use crate::mail::{Letter, Mail};
use crate::passwords;
use crate::privacy::Erasure;

mod draft;
mod person;
mod query;

use draft::Draft;
use person::Person;
pub(crate) use query::{MAX_COUNT, MAX_SCANNED, Page, Search, list};
pub(super) use query::{sort_and_cut, value_of};

/// A resource as it is sent and shown.
pub(crate) type Resource = Map<String, Value>;

/// Why a provisioner does not get what it asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Declined {
    /// A rule of the house.
    Rule(Refused),
    /// A rule of the protocol.
    Request(ScimError),
}

impl From<Refused> for Declined {
    fn from(refused: Refused) -> Self {
        Declined::Rule(refused)
    }
}

impl From<ScimError> for Declined {
    fn from(error: ScimError) -> Self {
        Declined::Request(error)
    }
}

impl From<Declined> for Error<Declined> {
    fn from(declined: Declined) -> Self {
        Error::Refused(declined)
    }
}

/// What provisioning comes to.
pub(crate) type Provisioned<T> = Result<T, Error<Declined>>;

/// One result of what the database and the rules say.
pub(super) fn settled<T>(done: Result<Result<T, Declined>, StoreError>) -> Provisioned<T> {
    match done {
        Ok(done) => done.map_err(Error::Refused),
        Err(error) => settle(Err(error)).map_err(|error| error.map_refusal(Declined::Rule)),
    }
}

/// Refuses whoever may not provision.
pub(super) fn admit(actor: &Actor) -> Result<(), Error<Declined>> {
    actor
        .require(SCIM_PROVISION)
        .map_err(|refused| Declined::Rule(refused).into())
}

/// How a resource is to be changed.
#[derive(Clone, Debug)]
pub(crate) enum Edit {
    /// Into this one, which has passed the schema.
    Replace(Resource),
    /// By these operations.
    Patch(Vec<Operation>),
}

/// Where the resources are.
pub(crate) fn root(app: &App) -> String {
    format!("{}/scim/v2", app.issuer())
}

/// An account with what is shown of it.
pub(crate) async fn find(app: &App, actor: &Actor, id: AccountId) -> Provisioned<Resource> {
    admit(actor)?;
    let now = app.now();
    let found = app
        .store
        .read(async move |db: &mut Conn| Person::find(db, id, now).await)
        .await?;
    let person = found.ok_or(Declined::Rule(Refused::NotFound))?;
    Ok(person.shown(&root(app)))
}

/// Makes an account. It holds no roles but those of groups it is put into, and a password only if one is sent, which
/// its holder must change.
pub(crate) async fn create(app: &App, actor: &Actor, resource: Resource) -> Provisioned<Resource> {
    admit(actor)?;
    let draft = Draft::read(&resource, None).map_err(Declined::Request)?;
    let now = app.now();
    let mut account = crate::declarative::blank_account(&draft.username, now);
    account.managed_by = None;
    draft.write_to(&mut account);
    let hash = match resource.get("password").and_then(Value::as_str) {
        Some(password) => Some(prepare(app, &account, password).await?),
        None => None,
    };
    account.must_change_password = hash.is_some();
    let event = Event::now(app, "account.created")
        .by(actor)
        .account(account.id)
        .detail(json!({ "by": "scim" }));
    let id = account.id;
    let done = app
        .store
        .write(async move |db: &mut Conn| {
            store::accounts::insert(db, &account, now).await?;
            scim::update(db, id, draft.external_id.as_deref(), &draft.attributes).await?;
            if let Some(hash) = hash {
                store::credentials::set_password(db, id, &hash, now).await?;
            }
            event.record(db).await?;
            Ok(Person::find(db, id, now)
                .await?
                .ok_or(Declined::Rule(Refused::NotFound)))
        })
        .await;
    Ok(settled(done)?.shown(&root(app)))
}

async fn prepare(app: &App, account: &Account, password: &str) -> Result<String, Error<Declined>> {
    let new = Secret::new(password.to_owned());
    match credentials::prepare(app, account, &new).await? {
        Prepared::Fit(hash) => Ok(hash),
        Prepared::Weak(_) => {
            let problem = "does not meet the rules for passwords of this server";
            Err(Declined::Request(ScimError::value("password", problem)).into())
        }
        Prepared::Busy => Err(passwords::Busy.into()),
    }
}

/// Changes an account, and gives it as it is then. Nobody changes themselves or somebody who holds more than they do.
pub(crate) async fn update(
    app: &Arc<App>,
    actor: &Actor,
    id: AccountId,
    edit: Edit,
    expected: Expected,
) -> Provisioned<Resource> {
    admit(actor)?;
    let change = Change::new(app, actor, id, expected, "account.updated");
    let done = app
        .store
        .write(async move |db: &mut Conn| change.update(db, edit).await)
        .await;
    Ok(settled(done)?.shown(&root(app)))
}

/// Removes an account with everything that hangs on it.
pub(crate) async fn delete(
    app: &Arc<App>,
    actor: &Actor,
    id: AccountId,
    expected: Expected,
) -> Provisioned<()> {
    admit(actor)?;
    let change = Change::new(app, actor, id, expected, "account.deleted");
    let done = app
        .store
        .write(async move |db: &mut Conn| change.delete(db).await)
        .await;
    settled(done)
}

/// A change of one account, in the transaction that makes it.
struct Change {
    app: Arc<App>,
    actor: Actor,
    id: AccountId,
    expected: Expected,
    now: Timestamp,
    event: Event,
}

impl Change {
    fn new(app: &Arc<App>, actor: &Actor, id: AccountId, expected: Expected, kind: &str) -> Change {
        Change {
            app: app.clone(),
            actor: actor.clone(),
            id,
            expected,
            now: app.now(),
            event: Event::now(app, kind).by(actor).account(id),
        }
    }

    /// The account as it is now, if the actor may change it.
    async fn target(&self, db: &mut Conn) -> Result<Result<(Person, Authority), Declined>, StoreError> {
        lock_administrators(db).await?;
        // Who signs in at this moment is seen here, or sees the change.
        store::accounts::find_locked(db, self.id).await?;
        let Some(person) = Person::find(db, self.id, self.now).await? else {
            return Ok(Err(Refused::NotFound.into()));
        };
        if self.actor.account() == Some(self.id) {
            return Ok(Err(Refused::Oneself.into()));
        }
        let authority = store::roles::authority(db, self.id, self.now).await?;
        let allowed = self
            .actor
            .may_manage(&authority)
            .and_then(|()| self.expected.check(&person.resource(&root(&self.app))));
        Ok(allowed.map(|()| (person, authority)).map_err(Declined::Rule))
    }

    fn draft(&self, person: &Person, edit: Edit) -> Result<Draft, ScimError> {
        let before = person.resource(&root(&self.app));
        let after = match edit {
            Edit::Replace(resource) if resource.contains_key("password") => {
                let detail = "password can be given only when the user is made";
                return Err(ScimError::of(ScimType::Mutability, detail));
            }
            Edit::Replace(resource) => resource,
            Edit::Patch(operations) => patch::apply(&USER, before, &operations)?,
        };
        Draft::read(&after, Some(&person.provisioned.account.username))
    }

    /// Whether an edit says itself that the account is not to be used, and does not only leave that as it is.
    fn shuts(&self, person: &Person, edit: &Edit) -> bool {
        let is_off = |resource: &Resource| resource.get("active") == Some(&Value::Bool(false));
        match edit {
            Edit::Replace(resource) => is_off(resource),
            Edit::Patch(operations) => {
                let mut on = person.resource(&root(&self.app));
                on.insert("active".to_owned(), Value::Bool(true));
                patch::apply(&USER, on, operations).is_ok_and(|after| is_off(&after))
            }
        }
    }

    async fn update(self, db: &mut Conn, edit: Edit) -> Result<Result<Person, Declined>, StoreError> {
        let (person, authority) = match self.target(db).await? {
            Ok(found) => found,
            Err(declined) => return Ok(Err(declined)),
        };
        let shuts = self.shuts(&person, &edit)
            && accounts::stands_open(db, &person.provisioned.account, self.now).await?;
        let draft = match self.draft(&person, edit) {
            Ok(draft) => draft,
            Err(error) => return Ok(Err(error.into())),
        };
        let before = &person.provisioned;
        let mut account = before.account.clone();
        draft.write_to(&mut account);
        if !shuts
            && account == before.account
            && draft.external_id == before.external_id
            && draft.attributes == before.attributes
        {
            return Ok(Ok(person));
        }
        // Whoever has the mailbox can choose a new password, and who knows one gets in where a shut account is opened.
        let opens = before.account.disabled && !account.disabled;
        if opens || account.email != before.account.email {
            let tenure = Tenure::read(db, self.id, self.now).await?;
            if let Err(refused) = self.actor.may_become(&authority, &tenure) {
                return Ok(Err(refused.into()));
            }
        }
        if shuts || account.disabled != before.account.disabled {
            self.open_or_shut(db, &account).await?;
        }
        store::accounts::update(db, &account, self.now).await?;
        scim::update(db, self.id, draft.external_id.as_deref(), &draft.attributes).await?;
        if account.email != before.account.email {
            self.tell_old_address(db, &before.account, account.email.as_deref())
                .await?;
        }
        self.event.record(db).await?;
        // The mailbox may have been the only way in.
        let without_mail = account.email.is_none() && before.account.email.is_some();
        if (account.disabled || without_mail) && holds_everything(&authority) {
            ensure_administrator_remains(db).await?;
        }
        let after = Person::find(db, self.id, self.now).await?;
        Ok(after.ok_or(Refused::NotFound.into()))
    }

    /// Ends what a shut account opened; an account that is opened is not to be erased any more.
    async fn open_or_shut(&self, db: &mut Conn, account: &Account) -> Result<(), StoreError> {
        if account.disabled {
            accounts::close(db, self.id, self.now).await?;
            self.event.another("account.disabled").record(db).await
        } else {
            store::erasure::cancel(db, self.id, self.now).await?;
            self.event.another("account.enabled").record(db).await
        }
    }

    /// What was asked for at the old address is void, and it is told of the new one.
    async fn tell_old_address(
        &self,
        db: &mut Conn,
        before: &Account,
        new: Option<&str>,
    ) -> Result<(), StoreError> {
        use crate::links::Purpose;
        for purpose in [
            Purpose::ResetPassword,
            Purpose::ConfirmEmail,
            Purpose::UndoEmail,
            Purpose::KeepAccount,
        ] {
            store::action_tokens::delete_for_account(db, self.id, purpose.as_str()).await?;
        }
        let Some(old) = before.email.as_deref() else {
            return Ok(());
        };
        let named = before.claims.get("locale").and_then(Value::as_str);
        let locale = self.app.pages.locale(named, None);
        let new_masked = &protocol::account::masked(new.unwrap_or_default());
        Letter::write(&self.app, old, locale, &Mail::EmailChanged { new_masked })
            .queue(db)
            .await
    }

    async fn delete(self, db: &mut Conn) -> Result<Result<(), Declined>, StoreError> {
        let (person, authority) = match self.target(db).await? {
            Ok(found) => found,
            Err(declined) => return Ok(Err(declined)),
        };
        // Whom it is about goes with the account.
        self.event.record(db).await?;
        let erasure = Erasure::of(&self.app.sealer, &person.provisioned.account, self.now);
        if !erasure.write(db).await? {
            return Ok(Err(Refused::NotFound.into()));
        }
        if holds_everything(&authority) {
            ensure_administrator_remains(db).await?;
        }
        Ok(Ok(()))
    }
}
