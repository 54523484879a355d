//! Grants and what is redeemed for tokens under them.

use serde::{Deserialize, Serialize};

use crate::claims::ClaimsRequest;
use crate::id::{AccountId, ClientId, GrantId, SessionId};
use crate::pkce::CodeChallenge;
use crate::scope::Scope;
use crate::session::Factor;
use crate::time::Timestamp;

/// What one sign-in at one client allowed. Everything issued under it ends with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The identifier, also inside the `jti` of its access tokens.
    pub id: GrantId,
    /// Who allowed it.
    pub account_id: AccountId,
    /// To whom.
    pub client_id: ClientId,
    /// In which browser session; none for the password grant.
    pub session_id: Option<SessionId>,
    /// The scope allowed, the most that any token may carry.
    pub scope: Scope,
    /// The resource servers allowed (RFC 8707).
    pub resources: Vec<String>,
    /// The `nonce` of the authentication request.
    pub nonce: Option<String>,
    /// The claims asked for one by one (OpenID Connect Core §5.5).
    pub claims: ClaimsRequest,
    /// When the account holder proved the first factor.
    pub auth_time: Timestamp,
    /// The factors proved.
    pub factors: Vec<Factor>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was ended, if it was.
    pub revoked_at: Option<Timestamp>,
}

/// A code as the store keeps it (RFC 6749 §4.1.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizationCode {
    /// What it gives.
    pub grant_id: GrantId,
    /// To whom it was issued.
    pub client_id: ClientId,
    /// Where it was sent.
    pub redirect_uri: String,
    /// The proof its redeemer must bring (RFC 7636).
    pub code_challenge: Option<CodeChallenge>,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was redeemed.
    pub consumed_at: Option<Timestamp>,
}

/// A refresh token as the store keeps it (RFC 6749 §6). All tokens of a grant are one family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshToken {
    /// What it gives.
    pub grant_id: GrantId,
    /// To whom it was issued.
    pub client_id: ClientId,
    /// When this one was issued.
    pub issued_at: Timestamp,
    /// When it ends unless it is used: the idle limit, capped by the absolute one.
    pub expires_at: Timestamp,
    /// When it was rotated.
    pub consumed_at: Option<Timestamp>,
}
