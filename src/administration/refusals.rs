//! Refused OAuth requests, for whoever helps the developers of clients.

use protocol::permission;
use serde::Serialize;

use super::{Actor, Outcome, Refused};
use crate::app::App;
use crate::refusals::{RefusedRequest, hint};

/// Requests of one list.
pub(crate) const LIMIT: usize = 200;

/// A refused request and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Explained {
    /// The request.
    #[serde(flatten)]
    pub request: RefusedRequest,
    /// How to put it right.
    pub hint: String,
}

impl Explained {
    fn new(request: &RefusedRequest) -> Explained {
        let hint = hint(&request.error, &request.description, request.cause.as_deref());
        Explained {
            request: request.clone(),
            hint: hint.to_owned(),
        }
    }
}

/// The refused request with this identifier, of the last 24 hours.
pub(crate) async fn find(app: &App, actor: &Actor, request_id: &str) -> Outcome<Explained> {
    actor.require(permission::REQUESTS_READ)?;
    // Any other text is none of ours, and is not looked up anywhere.
    if request_id.len() != 32 || !request_id.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(Refused::NotFound.into());
    }
    let found = app.refusals.find(&request_id.to_ascii_lowercase()).await;
    Ok(Explained::new(&*found.ok_or(Refused::NotFound)?))
}

/// The latest refused requests, newest first, of one client or of all.
pub(crate) async fn list(
    app: &App,
    actor: &Actor,
    client_id: Option<&str>,
    limit: usize,
) -> Outcome<Vec<Explained>> {
    actor.require(permission::REQUESTS_READ)?;
    let found = app.refusals.list(client_id, limit.min(LIMIT)).await;
    Ok(found.iter().map(|request| Explained::new(request)).collect())
}
