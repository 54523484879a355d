//! The one decision of an authorization: what must still happen before the client gets its answer
//! (OpenID Connect Core §3.1.2.1 to §3.1.2.6).

use serde::{Deserialize, Serialize};

use crate::authorization::AuthorizationRequest;
use crate::client::{ApplicationType, Client};
use crate::error::{ErrorCode, OAuthError};
use crate::id::SessionId;
use crate::scope::Scope;
use crate::session::{Acr, Session};
use crate::time::Timestamp;

/// A request on its way, with what has happened since it came in. It travels sealed with the browser.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interaction {
    /// Random; completed at most once.
    pub id: String,
    /// The checked request.
    pub request: AuthorizationRequest,
    /// Hash of the cookie of the browser that brought it, in base64url.
    pub browser: String,
    /// When it may no longer be completed.
    pub expires_at: Timestamp,
    /// The session in which the person signed in during this request.
    pub signed_in: Option<SessionId>,
    /// Whether the person chose to go on with the account of the session.
    pub account_selected: bool,
    /// The scope the person said yes to during this request.
    pub consented: Option<Scope>,
    /// Whether the person said no.
    pub denied: bool,
}

/// All that the decision depends on.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The request and what has happened since.
    pub interaction: &'a Interaction,
    /// The client as registered now.
    pub client: &'a Client,
    /// The live session of the browser, if there is one.
    pub session: Option<&'a Session>,
    /// The `sub` the client would see for that session's account.
    pub subject: Option<&'a str>,
    /// Whether the account has a second factor.
    pub has_second_factor: bool,
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
    /// Say which account to go on with.
    SelectAccount,
    /// Ask the account holder.
    Consent,
    /// Issue a code.
    Respond,
    /// Tell the client why not.
    Refuse(OAuthError),
}

/// Decides what comes next.
pub fn next(facts: &Facts<'_>) -> Next {
    let request = &facts.interaction.request;
    if facts.interaction.denied {
        return Next::Refuse(OAuthError::new(
            ErrorCode::AccessDenied,
            "the account holder said no",
        ));
    }
    let step = match facts.session {
        None => Next::Login,
        Some(session) => with_session(facts, session),
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
        Next::SelectAccount => refusal(ErrorCode::AccountSelectionRequired, "an account must be chosen"),
        Next::Consent => refusal(ErrorCode::ConsentRequired, "the account holder must be asked"),
        step @ (Next::Respond | Next::Refuse(_)) => step,
    }
}

fn with_session(facts: &Facts<'_>, session: &Session) -> Next {
    let request = &facts.interaction.request;
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
    if facts.has_second_factor && session.acr() < Acr::MultiFactor {
        return Next::StepUp;
    }
    let essential = &request.claims.essential_acr;
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
    if needs_consent(facts) {
        Next::Consent
    } else {
        Next::Respond
    }
}

fn needs_consent(facts: &Facts<'_>) -> bool {
    let covers = |given: Option<&Scope>| given.is_some_and(|given| facts.scope.is_within(given));
    if covers(facts.interaction.consented.as_ref()) {
        return false;
    }
    if facts.interaction.request.prompt.consent {
        return true;
    }
    // Nobody can tell a public native client from an impostor that uses its redirect URI (RFC 8252 §8.6).
    let assured = !(facts.client.is_public() && facts.client.application_type == ApplicationType::Native);
    if !assured {
        return true;
    }
    facts.client.require_consent && !covers(facts.remembered)
}

#[cfg(test)]
#[path = "interaction/tests.rs"]
mod tests;
