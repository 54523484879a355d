//! What is done to an account at the buttons of its page.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use protocol::id::{ApiKeyId, GrantId};
use protocol::time::Timestamp;
use uuid::Uuid;

use super::users::{LIST, PART, at, named};
use super::{Answer, Desk};
use crate::administration::{Outcome, Refused, accounts, api_keys, grants, sessions};
use crate::app::App;

/// The most hours that a role can be given for: a hundred years.
const MAX_HOURS: i64 = 876_000;

/// Does what the last part of the path says.
pub(super) async fn act(
    State(app): State<Arc<App>>,
    Path((id, act)): Path<(String, String)>,
    request: Request,
) -> Answer {
    let desk = Desk::act(&app, request, PART, &format!("{LIST}/{}", safe(&id))).await?;
    let id = named(&app, &desk, &id)?;
    let actor = &desk.actor;
    let text = |name| desk.form.get(name).unwrap_or_default().trim();
    let uuid = |name| Uuid::parse_str(text(name)).map_err(|_| Refused::NotFound);
    let done: Outcome<&'static str> = async {
        Ok(match act.as_str() {
            "disable" => accounts::disable(&app, actor, id)
                .await
                .map(|()| "account-disabled")?,
            "enable" => accounts::enable(&app, actor, id)
                .await
                .map(|()| "account-enabled")?,
            "unlock" => accounts::unlock(&app, actor, id)
                .await
                .map(|()| "account-unlocked")?,
            "start-reset" => accounts::start_reset(&app, actor, id)
                .await
                .map(|()| "reset-started")?,
            "reset-factors" => accounts::reset_factors(&app, actor, id)
                .await
                .map(|_| "factors-reset")?,
            "end-sessions" => sessions::end_all(&app, actor, id)
                .await
                .map(|_| "sessions-ended")?,
            "give-role" => {
                let until = until(text("hours"), app.now())?;
                let given = accounts::give_role(&app, actor, id, text("role"), until).await;
                given.map(|()| "role-given")?
            }
            "take-role" => {
                let taken = accounts::take_role(&app, actor, id, text("role")).await;
                taken.map(|()| "role-taken")?
            }
            "give-permission" => {
                let given = accounts::give_permission(&app, actor, id, text("permission")).await;
                given.map(|()| "permission-given")?
            }
            "take-permission" => {
                let taken = accounts::take_permission(&app, actor, id, text("permission")).await;
                taken.map(|()| "permission-taken")?
            }
            "revoke-grant" => {
                let revoked = grants::revoke(&app, actor, GrantId(uuid("grant")?)).await;
                revoked.map(|()| "grant-revoked")?
            }
            "revoke-api-key" => {
                let revoked = api_keys::revoke(&app, actor, ApiKeyId(uuid("key")?)).await;
                revoked.map(|()| "api-key-revoked")?
            }
            _ => return Err(Refused::NotFound.into()),
        })
    }
    .await;
    match done {
        Ok(notice) => Ok(desk.done(&at(id), notice)),
        Err(error) => Err(desk.fail(&app, error)),
    }
}

/// The part of a path that a way back may hold: an identifier, or nothing.
fn safe(id: &str) -> String {
    Uuid::parse_str(id).map(|id| id.to_string()).unwrap_or_default()
}

/// When something ends that is given for so many hours; never when none are said.
fn until(hours: &str, now: Timestamp) -> Result<Option<Timestamp>, Refused> {
    if hours.is_empty() {
        return Ok(None);
    }
    match hours.parse::<i64>() {
        Ok(hours @ 1..=MAX_HOURS) => Ok(Some(Timestamp(now.0.saturating_add(hours * 3600)))),
        _ => Err(Refused::invalid("hours", format!("must be 1 to {MAX_HOURS}"))),
    }
}

/// Deletes an account whose name was typed once more.
pub(super) async fn delete(State(app): State<Arc<App>>, Path(id): Path<String>, request: Request) -> Answer {
    let desk = Desk::act(&app, request, PART, &format!("{LIST}/{}", safe(&id))).await?;
    let id = named(&app, &desk, &id)?;
    let deleted: Outcome<bool> = async {
        // The name is that of the account, not one that the form says.
        let found = accounts::read(&app, &desk.actor, id).await?;
        if desk.confirmed(&app, &found.account.username).is_err() {
            return Ok(false);
        }
        accounts::delete(&app, &desk.actor, id, desk.expected()).await?;
        Ok(true)
    }
    .await;
    match deleted {
        Ok(true) => Ok(desk.done(LIST, "account-deleted")),
        Ok(false) => Err(desk.unconfirmed(&app)),
        Err(error) => Err(desk.fail(&app, error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_ends_after_hours_or_never() {
        let now = Timestamp(1000);
        assert_eq!(until("", now), Ok(None));
        assert_eq!(until("2", now), Ok(Some(Timestamp(8200))));
        for hours in ["0", "-1", "x", "876001", "9223372036854775807"] {
            assert!(until(hours, now).is_err(), "{hours}");
        }
    }

    #[test]
    fn a_way_back_is_an_identifier_or_nothing() {
        for hostile in ["//evil.test", "..", "\\evil", "javascript:x", "%2f%2fevil"] {
            assert_eq!(safe(hostile), "");
        }
    }
}
