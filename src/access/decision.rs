//! Finds the facts of a question, from copies where there are any, and lets the rule decide.

use std::sync::Arc;

use protocol::access::{Decision, Entity, Question, decide, is_account, permission_for};
use store::StoreError;

use crate::app::App;
use crate::authority::Held;

/// The account behind a subject, when there is one that may come in. That there is none is all that anybody learns.
pub(super) async fn account(app: &App, subject: &Entity) -> Result<Option<Arc<Held>>, StoreError> {
    if !is_account(&subject.kind) {
        return Ok(None);
    }
    let held = app.authority_of(&subject.id).await?;
    Ok(held.filter(|held| !held.disabled))
}

/// Whether somebody may do something.
pub(super) async fn answer(app: &App, question: &Question) -> Result<Decision, StoreError> {
    let Some(held) = account(app, &question.subject).await? else {
        return Ok(Decision::NO);
    };
    on(app, &held, &question.action, &question.resource).await
}

/// Whether an account that may come in may do something to a thing.
pub(super) async fn on(
    app: &App,
    held: &Held,
    action: &str,
    resource: &Entity,
) -> Result<Decision, StoreError> {
    let stands = app.standing(held.account, &resource.kind, &resource.id).await?;
    let permission = permission_for(&resource.kind, action);
    Ok(decide(&permission, &stands.standing, &held.authority))
}
