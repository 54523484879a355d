//! What administrators do, whatever they do it through: the admin API, the console, provisioning or the command line.
//! The rules are here, once: who may do what, that nobody gives what they do not hold, and that each act is on record.

use std::fmt;

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use protocol::id::{AccountId, ClientId};
use protocol::permission;
use protocol::role::Authority;
use protocol::time::Timestamp;
use store::{Conn, StoreError};

use crate::app::App;
use crate::error::{Error, Failure, Problem, Refusal};
use crate::pages::machine_time;
use crate::web::client_ip::ClientAddress;
use crate::web::request_id::{self, RequestId};

pub(crate) mod access;
pub(crate) mod accounts;
pub(crate) mod api_keys;
pub(crate) mod audit;
pub(crate) mod audit_chain;
mod authenticate;
pub(crate) mod catalogue;
pub(crate) mod clients;
mod denied;
pub(crate) mod diagnosis;
pub(crate) mod grants;
pub(crate) mod groups;
pub(crate) mod import;
pub(crate) mod keys;
mod last;
pub(crate) mod listing;
pub(crate) mod privacy;
pub(crate) mod provisioning;
pub(crate) mod refusals;
pub(crate) mod resource_servers;
pub(crate) mod roles;
pub(crate) mod scopes;
pub(crate) mod sessions;
pub(crate) mod statistics;
mod tenure;
pub(crate) mod upstreams;
pub(crate) mod version;

pub(crate) use authenticate::{authenticate, named_by};
pub(crate) use denied::{REFUSED, Target, denied_about};
pub(crate) use last::{ensure_administrator_remains, holds_everything, is_administered, lock_administrators};
pub(crate) use tenure::Tenure;
pub(crate) use version::Expected;

/// Whoever acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// An account, through a client or in the console.
    Account(AccountId),
    /// A client by itself.
    Client(ClientId),
    /// Whoever has a shell on the server.
    CommandLine,
}

/// Whoever acts, and what they may do here.
#[derive(Clone, Debug)]
pub struct Actor {
    /// Who it is.
    pub who: Who,
    /// What they hold, and so may give to others.
    pub authority: Authority,
    /// When permissions end that they hold for a time only.
    pub(crate) tenure: Tenure,
    /// What they came with, where that is not all that they hold: what the scope of a token names or stands for.
    pub presented: Option<Authority>,
    /// Where from.
    pub address: Option<ClientAddress>,
    /// The request in which they act; a transaction may run where it cannot be asked for.
    pub request: Option<RequestId>,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.who {
            Who::Account(id) => write!(f, "account:{id}"),
            Who::Client(id) => write!(f, "client:{}", id.as_str()),
            Who::CommandLine => f.write_str("cli"),
        }
    }
}

impl Actor {
    /// Somebody who holds this much for good and came with all of it.
    fn new(who: Who, authority: Authority, address: Option<ClientAddress>) -> Actor {
        Actor {
            who,
            authority,
            tenure: Tenure::default(),
            presented: None,
            address,
            request: request_id::current(),
        }
    }

    /// The holder of an account, with all that they hold now.
    pub(crate) async fn person(
        app: &App,
        id: AccountId,
        address: ClientAddress,
    ) -> Result<Actor, StoreError> {
        let now = app.now();
        let (authority, tenure) = app
            .store
            .read(async move |db: &mut Conn| {
                let authority = store::roles::authority(db, id, now).await?;
                Ok((authority, Tenure::read(db, id, now).await?))
            })
            .await?;
        Ok(Actor {
            tenure,
            ..Actor::new(Who::Account(id), authority, Some(address))
        })
    }

    /// Whoever has a shell on the server, and so may do everything.
    pub fn command_line() -> Actor {
        let everything = Authority {
            permissions: [permission::ALL.to_owned()].into(),
            ..Authority::default()
        };
        Actor::new(Who::CommandLine, everything, None)
    }

    /// The account that acts, unless it is none.
    pub fn account(&self) -> Option<AccountId> {
        match self.who {
            Who::Account(id) => Some(id),
            Who::Client(_) | Who::CommandLine => None,
        }
    }

    /// Refuses what needs a permission that the actor did not come with.
    pub fn require(&self, permission: &'static str) -> Result<(), Refused> {
        let came_with = |presented: &Authority| presented.holds(permission);
        if self.presented.as_ref().is_none_or(came_with) && self.authority.holds(permission) {
            Ok(())
        } else {
            Err(Refused::Forbidden(permission))
        }
    }

    /// Refuses to give what the actor does not hold, or for longer than they hold it; without an end it is for good.
    pub fn may_give<'a>(
        &self,
        permissions: impl IntoIterator<Item = &'a String>,
        expires_at: Option<Timestamp>,
    ) -> Result<(), Refused> {
        for permission in permissions {
            if !self.authority.holds(permission) {
                return Err(Refused::Beyond);
            }
            let Some(end) = self.tenure.of_permission(permission) else {
                continue;
            };
            if expires_at.is_none_or(|at| at > end) {
                let permission = permission.clone();
                return Err(Refused::Outlasts { permission, end });
            }
        }
        Ok(())
    }

    /// Refuses to give for good what the actor does not hold for good: in roles, scopes, clients and groups.
    pub fn may_give_for_good<'a>(
        &self,
        permissions: impl IntoIterator<Item = &'a String>,
    ) -> Result<(), Refused> {
        self.may_give(permissions, None)
    }

    /// Refuses to take or touch what the actor does not hold.
    pub fn may_take<'a>(&self, permissions: impl IntoIterator<Item = &'a String>) -> Result<(), Refused> {
        if self.authority.holds_all(permissions) {
            Ok(())
        } else {
            Err(Refused::Beyond)
        }
    }

    /// Refuses to act on somebody who holds more than the actor: whoever can change an account can become it.
    pub fn may_manage(&self, target: &Authority) -> Result<(), Refused> {
        self.may_take(&target.permissions)
    }

    /// Refuses what lets the actor become somebody who holds something for longer than they do.
    pub(crate) fn may_become(&self, target: &Authority, tenure: &Tenure) -> Result<(), Refused> {
        let mut permissions = target.permissions.iter();
        permissions.try_for_each(|name| self.may_give([name], tenure.of_permission(name)))
    }
}

/// Why something is not done. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// This permission is needed.
    Forbidden(&'static str),
    /// It would give, take or touch more than the actor holds.
    Beyond,
    /// It would give something for longer than the actor holds it.
    Outlasts {
        /// The permission.
        permission: String,
        /// When the actor does not hold it any more.
        end: Timestamp,
    },
    /// The actor did not come with this permission, and so cannot take it away in a key.
    NotPresented(String),
    /// Nobody does this to themselves.
    Oneself,
    /// Nobody would be left who may do everything.
    LastAdministrator,
    /// There is no such thing.
    NotFound,
    /// Something else has this name, or stands in the way.
    Conflict(&'static str),
    /// It has changed since it was read.
    Stale,
    /// A member has a value that cannot be.
    Invalid {
        /// The member, as the interface calls it.
        member: String,
        /// What is wrong with it and what would be right.
        problem: String,
    },
}

impl Refused {
    /// A member has a value that cannot be.
    pub fn invalid(member: impl Into<String>, problem: impl Into<String>) -> Refused {
        Refused::Invalid {
            member: member.into(),
            problem: problem.into(),
        }
    }

    /// Why, in a sentence for the one who asked.
    pub fn says(&self) -> String {
        match self {
            Refused::Forbidden(permission) => format!("this needs the permission {permission}"),
            Refused::Beyond => "nobody can give, take or change more than they hold".to_owned(),
            Refused::Outlasts { permission, end } => format!(
                "you hold the permission {permission} only until {}; give it with an end until then where there can be \
                 one, or have it done by somebody who holds it for longer",
                machine_time(end.0)
            ),
            Refused::NotPresented(permission) => format!(
                "the access token does not carry the permission {permission}; ask for a scope that stands for it, or \
                 make the key on the account page"
            ),
            Refused::Oneself => "nobody can do this to their own account".to_owned(),
            Refused::LastAdministrator => {
                "nobody would be left who may do everything; give somebody else the role first".to_owned()
            }
            Refused::NotFound => "there is no such thing here".to_owned(),
            Refused::Conflict(what) => format!("{what} is already taken or in use"),
            Refused::Stale => "this has changed since it was read; read it again".to_owned(),
            Refused::Invalid { member, problem } => format!("{member}: {problem}"),
        }
    }

    /// The HTTP status that says the same.
    pub fn status(&self) -> StatusCode {
        match self {
            Refused::Forbidden(_)
            | Refused::Beyond
            | Refused::Outlasts { .. }
            | Refused::NotPresented(_)
            | Refused::Oneself => StatusCode::FORBIDDEN,
            Refused::NotFound => StatusCode::NOT_FOUND,
            Refused::LastAdministrator | Refused::Conflict(_) => StatusCode::CONFLICT,
            Refused::Stale => StatusCode::PRECONDITION_FAILED,
            Refused::Invalid { .. } => StatusCode::BAD_REQUEST,
        }
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Problem {
        let problem = Problem::new(refused.status(), refused.says());
        match refused {
            Refused::Forbidden(permission) => problem.with("permission", permission),
            Refused::Outlasts { permission, end } => {
                problem.with("permission", permission).with("until", end.0)
            }
            Refused::NotPresented(permission) => problem.with("permission", permission),
            Refused::Invalid { member, .. } => problem.with("member", member),
            _ => problem,
        }
    }
}

impl From<Refused> for Error<Refused> {
    fn from(refused: Refused) -> Self {
        Error::Refused(refused)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut answer = Problem::from(self.clone()).into_response();
        // For whoever keeps the record of what was refused.
        answer.extensions_mut().insert(self);
        answer
    }
}

impl Refusal for Refused {
    fn failure(failure: Failure) -> Response {
        Problem::failure(failure)
    }
}

/// What an administrative act comes to. A refusal inside a transaction is data: the closure returns
/// `Ok(Err(refused))` before it has written anything, and [`settle`] makes one result of both.
pub type Outcome<T> = Result<T, Error<Refused>>;

/// One result of what the database and the rules say.
pub fn settle<T>(done: Result<Result<T, Refused>, StoreError>) -> Outcome<T> {
    match done {
        Ok(done) => done.map_err(Error::Refused),
        Err(StoreError::Conflict { .. }) => Err(Refused::Conflict("the name or address").into()),
        Err(StoreError::Withdrawn(last::REASON)) => Err(Refused::LastAdministrator.into()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder(permissions: &[&str]) -> Authority {
        Authority {
            permissions: permissions.iter().map(|name| (*name).to_owned()).collect(),
            ..Authority::default()
        }
    }

    #[test]
    fn a_token_that_carries_less_allows_less_and_gives_the_same() {
        let mut actor = Actor::new(
            Who::CommandLine,
            holder(&["accounts:read", "roles:assign", "books:write"]),
            None,
        );
        actor.presented = Some(holder(&["roles:assign"]));
        assert_eq!(
            actor.require(permission::ACCOUNTS_READ),
            Err(Refused::Forbidden(permission::ACCOUNTS_READ))
        );
        assert_eq!(actor.require(permission::ROLES_ASSIGN), Ok(()));
        assert_eq!(actor.may_give_for_good(&["books:write".to_owned()]), Ok(()));
        assert_eq!(
            actor.may_give_for_good(&["books:write".to_owned(), "*".to_owned()]),
            Err(Refused::Beyond)
        );
        assert_eq!(actor.may_manage(&holder(&["keys:rotate"])), Err(Refused::Beyond));
        assert_eq!(actor.may_manage(&holder(&[])), Ok(()));
    }

    #[test]
    fn what_a_token_carries_counts_only_as_long_as_it_is_held() {
        let mut actor = Actor::new(Who::CommandLine, holder(&[]), None);
        actor.presented = Some(holder(&["accounts:read"]));
        assert!(actor.require(permission::ACCOUNTS_READ).is_err());
    }
}
