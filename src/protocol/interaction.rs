//! The one decision of a sign-in: what must still happen before a client gets its answer, or a person sees a page
//! of the server's own (OpenID Connect Core §3.1.2.1 to §3.1.2.6).

use serde::{Deserialize, Serialize};

use crate::authorization::AuthorizationRequest;
use crate::client::{ApplicationType, Client};
use crate::error::{ErrorCode, OAuthError};
use crate::id::{AccountId, SessionId};
use crate::scope::Scope;
use crate::session::{Acr, MfaPolicy, Session};
use crate::time::Timestamp;

/// A request on its way, with what has happened since it came in. It travels sealed with the browser.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interaction {
    /// Random; completed at most once.
    pub id: String,
    /// Where it leads.
    pub destination: Destination,
    /// Hash of the cookie of the browser that brought it, in base64url.
    pub browser: String,
    /// When it may no longer be completed.
    pub expires_at: Timestamp,
    /// The session in which the person signed in during this request.
    pub signed_in: Option<SessionId>,
    /// Whether the person chose to go on with the account of the session.
    pub account_selected: bool,
    /// What somebody said yes to during this request.
    pub consented: Option<Consented>,
    /// Whether the person said no.
    pub denied: bool,
}

/// A yes of the holder of an account, which nobody else of the same browser inherits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consented {
    /// Whose.
    pub account: AccountId,
    /// To what.
    pub scope: Scope,
}

/// Where an interaction leads once everything is proved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Destination {
    /// To a client, with the answer to its request.
    Client(Box<AuthorizationRequest>),
    /// To a page of the server itself.
    Own(OwnPage),
}

/// A page of the server's own that needs a signed-in person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnPage {
    /// Its path and query.
    pub path: String,
    /// How old the first factor may be, in seconds.
    pub max_age: Option<i64>,
}

impl Interaction {
    /// A request that has just come in.
    pub fn new(id: String, destination: Destination, browser: String, expires_at: Timestamp) -> Interaction {
        Interaction {
            id,
            destination,
            browser,
            expires_at,
            signed_in: None,
            account_selected: false,
            consented: None,
            denied: false,
        }
    }

    /// Notes who signed in. What was answered before was answered by whoever was signed in then.
    pub fn sign_in(&mut self, session: SessionId) {
        self.signed_in = Some(session);
        self.account_selected = false;
        self.consented = None;
        self.denied = false;
    }

    /// The client's request, when it leads to one.
    pub fn request(&self) -> Option<&AuthorizationRequest> {
        match &self.destination {
            Destination::Client(request) => Some(request),
            Destination::Own(_) => None,
        }
    }
}

/// How an account stands with second factors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecondFactor {
    /// What account, roles, client and server say together.
    pub policy: MfaPolicy,
    /// Whether the account has any.
    pub enrolled: bool,
}

/// How old the first factor may be when a second one is enrolled, in seconds.
pub const FRESH: i64 = 300;

/// All that the decision depends on.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The request and what has happened since.
    pub interaction: &'a Interaction,
    /// The client as registered now, when the interaction leads to one.
    pub client: Option<&'a Client>,
    /// The live session of the browser, if there is one.
    pub session: Option<&'a Session>,
    /// The `sub` the client would see for that session's account.
    pub subject: Option<&'a str>,
    /// Second factors of the account, and what is asked of it.
    pub second_factor: SecondFactor,
    /// Whether the account must choose a new password.
    pub must_change_password: bool,
    /// The scope the account's authority covers.
    pub scope: &'a Scope,
    /// What the account holder has allowed this client before.
    pub remembered: Option<&'a Scope>,
    /// The present.
    pub now: Timestamp,
}

/// What comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Prove the first factor.
    Login,
    /// Prove a second factor.
    StepUp,
    /// Enrol a second factor.
    Enrol,
    /// Choose a new password.
    ChangePassword,
    /// Say which account to go on with.
    SelectAccount,
    /// Ask the account holder.
    Consent,
    /// Issue a code, or show the page.
    Respond,
    /// Tell the client why not.
    Refuse(OAuthError),
}

/// Decides what comes next.
pub fn next(facts: &Facts<'_>) -> Next {
    match &facts.interaction.destination {
        Destination::Own(page) => own_page(facts, page),
        Destination::Client(request) => authorization(facts, request),
    }
}

fn own_page(facts: &Facts<'_>, page: &OwnPage) -> Next {
    let Some(session) = facts.session else {
        return Next::Login;
    };
    let age = facts.now.since(session.auth_time);
    if page.max_age.is_some_and(|max_age| age > max_age) {
        return Next::Login;
    }
    // What asks for a fresh sign-in asks for all of it: whoever has the password alone must not get at the factors.
    let two_demanded = page.max_age.is_some();
    further_proof(facts, session, two_demanded).unwrap_or(Next::Respond)
}

fn authorization(facts: &Facts<'_>, request: &AuthorizationRequest) -> Next {
    if facts.interaction.denied {
        return Next::Refuse(OAuthError::new(
            ErrorCode::AccessDenied,
            "the account holder said no",
        ));
    }
    let step = match facts.session {
        None => Next::Login,
        Some(session) => with_session(facts, request, session),
    };
    if !request.prompt.none {
        return step;
    }
    let refusal = |code, why| Next::Refuse(OAuthError::new(code, why));
    match step {
        Next::Login => refusal(
            ErrorCode::LoginRequired,
            "nobody is signed in as this request demands",
        ),
        Next::StepUp => refusal(ErrorCode::InteractionRequired, "a second factor must be proved"),
        Next::Enrol => refusal(ErrorCode::InteractionRequired, "a second factor must be enrolled"),
        Next::ChangePassword => refusal(ErrorCode::InteractionRequired, "a new password must be chosen"),
        Next::SelectAccount => refusal(ErrorCode::AccountSelectionRequired, "an account must be chosen"),
        Next::Consent => refusal(ErrorCode::ConsentRequired, "the account holder must be asked"),
        step @ (Next::Respond | Next::Refuse(_)) => step,
    }
}

fn with_session(facts: &Facts<'_>, request: &AuthorizationRequest, session: &Session) -> Next {
    let signed_in_now = facts.interaction.signed_in == Some(session.id);
    let wanted = request
        .hinted_subject
        .as_deref()
        .or(request.claims.sub.as_deref());
    if wanted.is_some() && wanted != facts.subject {
        return if signed_in_now {
            Next::Refuse(OAuthError::new(
                ErrorCode::LoginRequired,
                "another account is signed in than the one named",
            ))
        } else {
            Next::Login
        };
    }
    let too_old = request
        .max_age
        .is_some_and(|max_age| max_age == 0 || facts.now.since(session.auth_time) > max_age);
    if (request.prompt.login || too_old) && !signed_in_now {
        return Next::Login;
    }
    if request.prompt.select_account && !facts.interaction.account_selected && !signed_in_now {
        return Next::SelectAccount;
    }
    let essential = &request.claims.essential_acr;
    let demanded = request.acr_values.iter().chain(essential);
    let two_demanded = demanded.into_iter().any(|acr| acr == Acr::MultiFactor.as_str());
    if let Some(step) = further_proof(facts, session, two_demanded) {
        return step;
    }
    if !essential.is_empty() && !essential.iter().any(|acr| acr == session.acr().as_str()) {
        return Next::Refuse(OAuthError::new(
            ErrorCode::AccessDenied,
            "the account cannot reach the acr value that the request makes essential",
        ));
    }
    if facts.scope.is_empty() {
        return Next::Refuse(OAuthError::new(
            ErrorCode::InvalidScope,
            "the account may give none of the scope asked for",
        ));
    }
    if needs_consent(facts, request, session) {
        Next::Consent
    } else {
        Next::Respond
    }
}

/// What the account must still prove or set right after its first factor, whatever the destination.
fn further_proof(facts: &Facts<'_>, session: &Session, two_demanded: bool) -> Option<Next> {
    let SecondFactor { policy, enrolled } = facts.second_factor;
    if session.acr() < Acr::MultiFactor {
        match (policy, enrolled) {
            // Who takes up a session somebody left open must not bind a factor of their own to the account.
            (MfaPolicy::Required, false) if facts.now.since(session.auth_time) > FRESH => {
                return Some(Next::Login);
            }
            (MfaPolicy::Required, false) => return Some(Next::Enrol),
            (MfaPolicy::Off, true) if two_demanded => return Some(Next::StepUp),
            (MfaPolicy::IfEnrolled | MfaPolicy::Required, true) => return Some(Next::StepUp),
            (MfaPolicy::Off | MfaPolicy::IfEnrolled, _) => {}
        }
    }
    facts.must_change_password.then_some(Next::ChangePassword)
}

fn needs_consent(facts: &Facts<'_>, request: &AuthorizationRequest, session: &Session) -> bool {
    let Some(client) = facts.client else { return true };
    let covers = |given: Option<&Scope>| given.is_some_and(|given| facts.scope.is_within(given));
    let consented = facts.interaction.consented.as_ref();
    let theirs = consented.filter(|consented| consented.account == session.account_id);
    if covers(theirs.map(|consented| &consented.scope)) {
        return false;
    }
    if request.prompt.consent {
        return true;
    }
    // Nobody can tell a public native client from an impostor that uses its redirect URI (RFC 8252 §8.6).
    let assured = !(client.is_public() && client.application_type == ApplicationType::Native);
    if !assured {
        return true;
    }
    client.require_consent && !covers(facts.remembered)
}

#[cfg(test)]
#[path = "interaction/tests.rs"]
mod tests;
