//! Accounts in pieces.

use protocol::id::AccountId;
use protocol::permission;
use serde_json::{Value, json};
use store::Conn;
use store::accounts::search::{self, Order, Position, Search};
use uuid::Uuid;

use super::view::{AccountState, AccountView};
use crate::administration::listing::{Listed, Slice};
use crate::administration::{Actor, Outcome, Refused};
use crate::app::App;

/// What accounts can be sorted by; the first is what they are when nothing is said.
pub(crate) const SORTS: [&str; 3] = ["username", "created_at", "last_login_at"];
/// Longer than any name or address.
const MAX_PREFIX: usize = 320;

/// Which accounts to list.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    /// Those in this state.
    pub(crate) state: Option<AccountState>,
    /// Those that hold this role now, by themselves or through a group.
    pub(crate) role: Option<String>,
    /// Those whose user name or address begins so; they come by name.
    pub(crate) prefix: Option<String>,
}

/// The accounts that match.
pub(crate) async fn list(
    app: &App,
    actor: &Actor,
    filter: Filter,
    slice: &Slice,
) -> Outcome<Listed<AccountView>> {
    actor.require(permission::ACCOUNTS_READ)?;
    let order = match slice.sort {
        "created_at" => Order::CreatedAt,
        "last_login_at" => Order::LastLoginAt,
        _ => Order::Username,
    };
    let prefix = filter.prefix.filter(|prefix| !prefix.is_empty());
    if prefix.is_some() && order != Order::Username {
        return Err(Refused::invalid("sort", "must be username together with q").into());
    }
    if prefix.as_ref().is_some_and(|prefix| prefix.len() > MAX_PREFIX) {
        return Err(Refused::invalid("q", format!("must be at most {MAX_PREFIX} bytes")).into());
    }
    let search = Search {
        state: filter.state.map(Into::into),
        role: filter.role,
        prefix,
    };
    let after = slice.position::<Value>()?.map(|value| position(&value, order));
    let after = after.transpose()?;
    let (order, rows, now) = ((order, slice.descending), slice.rows(), app.now());
    let found = app
        .store
        .scan(async move |db: &mut Conn| search::search(db, &search, order, after.as_ref(), rows, now).await)
        .await?;
    let listed = slice.cut(found, |last| match &last.position {
        Position::Name(name) => json!(name),
        Position::Moment(at, id) => json!([at, id]),
    })?;
    Ok(listed.map(|found| AccountView::new(found.account, found.erase_at)))
}

fn position(value: &Value, order: Order) -> Result<Position, Refused> {
    let position = match order {
        Order::Username => value.as_str().map(|name| Position::Name(name.to_owned())),
        Order::CreatedAt | Order::LastLoginAt => serde_json::from_value::<(i64, Uuid)>(value.clone())
            .ok()
            .map(|(at, id)| Position::Moment(at, AccountId(id))),
    };
    position.ok_or_else(|| Refused::invalid("cursor", "is not one that this list gave"))
}
