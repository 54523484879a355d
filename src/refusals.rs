//! Refused OAuth requests, so that whoever runs the server can tell a client's developers what was wrong: the latest of
//! this node in memory, and those of all nodes in Redis where there is one. Never in the database: strangers make them.

mod hints;
mod redaction;
mod sent;
mod shared;

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use axum::response::Response;
use protocol::error::OAuthError;
use protocol::time::{Lifetime, Timestamp};
use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::seal::Sealer;
use crate::shared::Shared;
use crate::statistics::{Kind, Statistics};
use crate::web::request_id::RequestId;

pub use hints::hint;
pub use sent::Sent;

/// Requests kept.
const CAPACITY: usize = 10_000;
/// What they may take of the memory, in bytes.
const MEMORY: usize = 16 * 1024 * 1024;
/// How long they are kept.
pub const KEPT: Lifetime = Lifetime::hours(24);

/// Why a request was refused. It travels beside the answer, from where that is made to where it leaves the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The error code.
    pub code: &'static str,
    /// The rule, as the client was told it.
    pub description: Cow<'static, str>,
    /// What the client was not told, since strangers would learn from it.
    pub cause: Option<&'static str>,
    /// The client, where the request itself does not name it.
    pub client_id: Option<String>,
}

impl Told {
    /// A refusal with this code and rule.
    pub fn new(code: &'static str, description: impl Into<Cow<'static, str>>) -> Told {
        Told {
            code,
            description: description.into(),
            cause: None,
            client_id: None,
        }
    }

    /// With what the client is not told.
    #[must_use]
    pub fn because(mut self, cause: Option<&'static str>) -> Told {
        self.cause = cause;
        self
    }

    /// Of a client that the request does not name.
    #[must_use]
    pub fn client(mut self, id: &str) -> Told {
        self.client_id = Some(id.to_owned());
        self
    }

    /// Puts it beside the answer.
    #[must_use]
    pub fn beside(self, mut answer: Response) -> Response {
        answer.extensions_mut().insert(self);
        answer
    }
}

impl From<&OAuthError> for Told {
    fn from(error: &OAuthError) -> Told {
        Told::new(error.code.as_str(), error.description.clone())
    }
}

/// A request that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RefusedRequest {
    /// The identifier that the answer and the page carried.
    pub request_id: String,
    /// When it was refused.
    pub at: i64,
    /// Where it went, such as `/token`.
    pub endpoint: String,
    /// How it was sent.
    pub method: String,
    /// The client that it names, proved or not.
    pub client_id: Option<String>,
    /// The scheme of its Authorization header.
    pub authorization: Option<String>,
    /// What it said, without secrets.
    pub parameters: Vec<Parameter>,
    /// The error code.
    pub error: String,
    /// The rule that refused it, as the client was told.
    pub description: String,
    /// What more is known about it, and was not told.
    pub cause: Option<String>,
}

/// A parameter of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Parameter {
    /// The name.
    pub name: String,
    /// The value, when it is none that could be a secret or tell of a person.
    pub value: Option<String>,
    /// How many bytes the value had.
    pub length: usize,
}

impl RefusedRequest {
    /// What it takes of the memory, about.
    fn weight(&self) -> usize {
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let parameters = self.parameters.iter();
        let parameters: usize = parameters
            .map(|parameter| 64 + parameter.name.len() + text(&parameter.value))
            .sum();
        256 + parameters + text(&self.client_id) + self.description.len() + text(&self.cause)
    }
}

/// The refused requests that are remembered.
pub struct Refusals {
    clock: Clock,
    statistics: Arc<Statistics>,
    latest: Mutex<Latest>,
    shared: Option<shared::Copies>,
}

#[derive(Default)]
struct Latest {
    requests: VecDeque<Arc<RefusedRequest>>,
    weight: usize,
}

impl Latest {
    fn add(&mut self, request: Arc<RefusedRequest>) {
        self.weight += request.weight();
        self.requests.push_back(request);
        while self.requests.len() > CAPACITY || self.weight > MEMORY {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        if let Some(oldest) = self.requests.pop_front() {
            self.weight = self.weight.saturating_sub(oldest.weight());
        }
    }

    fn drop_older_than(&mut self, moment: Timestamp) {
        while self.requests.front().is_some_and(|oldest| oldest.at < moment.0) {
            self.drop_oldest();
        }
    }
}

impl std::fmt::Debug for Refusals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Refusals")
    }
}

impl Refusals {
    /// A memory of nothing yet, that shares what it learns with other nodes where it can.
    pub fn new(
        clock: Clock,
        statistics: Arc<Statistics>,
        shared: Option<&Shared>,
        sealer: &Arc<Sealer>,
    ) -> Refusals {
        Refusals {
            clock,
            statistics,
            latest: Mutex::default(),
            shared: shared.map(|shared| shared::Copies::new(shared.clone(), sealer.clone())),
        }
    }

    /// Remembers a request that was refused, without its secrets, and counts it.
    pub fn note(&self, id: RequestId, sent: &Sent, told: &Told) {
        self.statistics.count(Kind::Refused(sent.endpoint()), told.code);
        let request = Arc::new(sent.refused(id, self.clock.now(), told));
        self.locked(|latest| latest.add(request.clone()));
        if let Some(shared) = &self.shared {
            shared.put(request);
        }
    }

    /// The request with this identifier, on whatever node it was refused.
    pub async fn find(&self, id: &str) -> Option<Arc<RefusedRequest>> {
        let here = self.locked(|latest| {
            let mut newest_first = latest.requests.iter().rev();
            newest_first.find(|request| request.request_id == id).cloned()
        });
        match (&self.shared, here) {
            (Some(shared), None) => shared.find(id).await.map(Arc::new),
            (_, here) => here,
        }
    }

    /// The latest requests, newest first, of one client or of all.
    pub async fn list(&self, client_id: Option<&str>, limit: usize) -> Vec<Arc<RefusedRequest>> {
        let wanted =
            |request: &RefusedRequest| client_id.is_none() || request.client_id.as_deref() == client_id;
        let mut found: Vec<_> = self.locked(|latest| {
            let newest_first = latest.requests.iter().rev();
            newest_first
                .filter(|request| wanted(request))
                .take(limit)
                .cloned()
                .collect()
        });
        if let Some(shared) = &self.shared {
            let known: Vec<_> = found.iter().map(|request| request.request_id.clone()).collect();
            let others = shared.list().await.into_iter();
            found.extend(
                others
                    .filter(|request| wanted(request) && !known.contains(&request.request_id))
                    .map(Arc::new),
            );
            found.sort_by_key(|request| std::cmp::Reverse(request.at));
            found.truncate(limit);
        }
        found
    }

    fn locked<T>(&self, look: impl FnOnce(&mut Latest) -> T) -> T {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        latest.drop_older_than(self.clock.now() - KEPT);
        look(&mut latest)
    }
}

#[cfg(test)]
mod tests;
