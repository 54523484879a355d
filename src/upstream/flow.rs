//! What travels with the browser while somebody signs in elsewhere: sealed, bound to that browser, used once.

use axum::http::HeaderMap;
use protocol::interaction::{Destination, FRESH, Interaction};
use protocol::secret::TokenHash;
use protocol::time::Timestamp;
use protocol::upstream::{Person, Upstream};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::browser;
use crate::random;

const FLOW: &str = "upstream-flow";
const PENDING: &str = "upstream-pending";

/// A sign-in at an upstream on its way; sealed it is the `state` (RFC 6749 §10.12).
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Flow {
    /// Random; answered at most once.
    pub(crate) id: String,
    /// The upstream's name.
    pub(crate) upstream: String,
    /// Its issuer when the flow began: the answer comes from nobody else.
    pub(crate) issuer: String,
    /// Comes back in the ID Token.
    pub(crate) nonce: String,
    /// Proves that who redeems the code began the flow (RFC 7636).
    pub(crate) verifier: String,
    /// How old the sign-in there may be, in seconds, where that matters.
    pub(crate) max_age: Option<i64>,
    /// The moment that follows from it.
    pub(crate) authenticated_since: Option<Timestamp>,
    /// Whether somebody who is signed in, and has just proved it, wants to be connected.
    pub(crate) connect: bool,
    /// What the sign-in is for.
    pub(crate) interaction: Interaction,
}

impl Flow {
    pub(crate) fn new(upstream: &Upstream, interaction: Interaction, now: Timestamp) -> Flow {
        let secret = || random::secret("").expose().to_owned();
        let max_age = demanded_age(&interaction);
        Flow {
            id: secret(),
            upstream: upstream.name.clone(),
            issuer: upstream.issuer.clone(),
            nonce: secret(),
            verifier: secret(),
            max_age,
            authenticated_since: max_age.map(|age| Timestamp(now.0.saturating_sub(age))),
            connect: false,
            interaction,
        }
    }

    /// From when on the account must be proved that this person is connected with: after they came back, unless
    /// that was done before they went.
    pub(crate) fn proved_since(&self, now: Timestamp) -> Timestamp {
        let early = if self.connect { FRESH } else { 0 };
        Timestamp(now.0.saturating_sub(early))
    }

    pub(crate) fn seal(&self, app: &App) -> String {
        seal(app, FLOW, self)
    }

    /// Opens a flow that began in this very browser and is still on its way.
    pub(crate) fn open(app: &App, headers: &HeaderMap, sealed: &str) -> Option<Flow> {
        open(app, FLOW, sealed).filter(|flow: &Flow| is_ours(app, headers, &flow.interaction))
    }

    /// What is remembered of a flow that was answered.
    pub(crate) fn once(&self) -> TokenHash {
        TokenHash::of(&format!("{FLOW}/{}", self.id))
    }
}

/// How old a sign-in may be where it is to be a fresh one. The upstream's own session must not stand in for it.
fn demanded_age(interaction: &Interaction) -> Option<i64> {
    // Who has signed in for this and is asked again was not fresh enough.
    if interaction.signed_in.is_some() {
        return Some(0);
    }
    match &interaction.destination {
        // What is left of it must do for the way back and for the page.
        Destination::Own(page) => page.max_age.map(|age| age.saturating_sub(FRESH).max(0)),
        Destination::Client(request) if request.prompt.login => Some(0),
        Destination::Client(request) => request.max_age,
    }
}

/// Somebody whom an upstream knows and we do not, about to say what shall become of it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Pending {
    /// Random; settled at most once.
    pub(crate) id: String,
    /// The upstream's name.
    pub(crate) upstream: String,
    /// Who they are there.
    pub(crate) person: Person,
    /// From when on the account must be proved that they are connected with.
    pub(crate) since: Timestamp,
    /// What they came for.
    pub(crate) interaction: Interaction,
}

impl Pending {
    pub(crate) fn new(
        upstream: &Upstream,
        person: Person,
        interaction: Interaction,
        since: Timestamp,
    ) -> Pending {
        Pending {
            id: random::secret("").expose().to_owned(),
            upstream: upstream.name.clone(),
            person,
            since,
            interaction,
        }
    }

    pub(crate) fn seal(&self, app: &App) -> String {
        seal(app, PENDING, self)
    }

    /// Opens what this very browser brought back from an upstream a short while ago.
    pub(crate) fn open(app: &App, headers: &HeaderMap, sealed: &str) -> Option<Pending> {
        open(app, PENDING, sealed).filter(|pending: &Pending| is_ours(app, headers, &pending.interaction))
    }

    /// What is remembered of one that was settled.
    pub(crate) fn once(&self) -> TokenHash {
        TokenHash::of(&format!("{PENDING}/{}", self.id))
    }

    /// What the person will recognise themselves by.
    pub(crate) fn shown(&self) -> &str {
        let person = &self.person;
        [&person.email, &person.preferred_username, &person.name]
            .into_iter()
            .find_map(|text| text.as_deref())
            .unwrap_or_default()
    }
}

fn is_ours(app: &App, headers: &HeaderMap, interaction: &Interaction) -> bool {
    interaction.expires_at > app.now()
        && browser::csrf_binding(app, headers).is_some_and(|browser| browser == interaction.browser)
}

fn seal<T: Serialize>(app: &App, context: &str, value: &T) -> String {
    let json = serde_json::to_vec(value).unwrap_or_default();
    app.sealer.seal_text(context, &json)
}

fn open<T: DeserializeOwned>(app: &App, context: &str, sealed: &str) -> Option<T> {
    let json = app.sealer.open_text(context, sealed)?;
    serde_json::from_slice(&json).ok()
}
