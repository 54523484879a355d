//! Links in mails: 256 random bits of which only the hash is stored, what they carry sealed, each good once and
//! only until a newer one is made. They are built on the issuer, whatever the request said about the host.

use aws_lc_rs::hmac;
use protocol::id::AccountId;
use protocol::secret::TokenHash;
use protocol::time::{Lifetime, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;
use store::action_tokens::ActionToken;
use store::{Conn, StoreError, action_tokens};
use zeroize::Zeroizing;

use crate::app::App;
use crate::hex;
use crate::random;

/// What following a link does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Makes the account that somebody asked for.
    Register,
    /// Lets somebody make an account.
    Invite,
    /// Lets somebody choose a new password.
    ResetPassword,
    /// Lets somebody choose the first one.
    Welcome,
    /// Says that an address is theirs.
    ConfirmEmail,
    /// Takes a change of address back.
    UndoEmail,
    /// Takes the deletion of an account back.
    KeepAccount,
}

impl Purpose {
    /// The name in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Purpose::Register => "register",
            Purpose::Invite => "invite",
            // One kind, so that either makes the other void.
            Purpose::ResetPassword | Purpose::Welcome => "reset-password",
            Purpose::ConfirmEmail => "confirm-email",
            Purpose::UndoEmail => "undo-email",
            Purpose::KeepAccount => "keep-account",
        }
    }

    /// How long such a link is good.
    pub fn lifetime(self) -> Lifetime {
        match self {
            Purpose::Register | Purpose::ConfirmEmail => Lifetime::hours(24),
            Purpose::Invite | Purpose::UndoEmail | Purpose::KeepAccount | Purpose::Welcome => {
                Lifetime::days(7)
            }
            Purpose::ResetPassword => Lifetime::minutes(30),
        }
    }

    /// Path and query up to the token.
    fn path(self) -> &'static str {
        match self {
            Purpose::Register => "/sign-up/confirm?t=",
            Purpose::Invite => "/sign-up?invite=",
            Purpose::ResetPassword | Purpose::Welcome => "/reset?t=",
            Purpose::ConfirmEmail => "/account/email/confirm?t=",
            Purpose::UndoEmail => "/account/email/undo?t=",
            Purpose::KeepAccount => "/account/privacy/keep?t=",
        }
    }
}

/// A link to be mailed, and what is to be stored of it. It can move into a closure of the store.
#[derive(Clone)]
pub struct NewLink {
    /// What the mail says; whoever has it can use it.
    pub url: String,
    /// Until when it is good.
    pub expires_at: Timestamp,
    token: ActionToken,
}

impl NewLink {
    /// Makes a link for a subject: an account's identifier, or an address in the form that is unique.
    pub fn new<T: Serialize>(
        app: &App,
        purpose: Purpose,
        subject: &str,
        account: Option<AccountId>,
        content: &T,
    ) -> NewLink {
        let expires_at = app.now() + purpose.lifetime();
        NewLink::until(app, purpose, subject, account, content, expires_at)
    }

    /// The same with an end of its own.
    pub fn until<T: Serialize>(
        app: &App,
        purpose: Purpose,
        subject: &str,
        account: Option<AccountId>,
        content: &T,
        expires_at: Timestamp,
    ) -> NewLink {
        let secret = random::secret("link_");
        let (hash, now) = (secret.hash(), app.now());
        let plain = Zeroizing::new(serde_json::to_vec(content).unwrap_or_else(|error| {
            tracing::error!(link.kind = purpose.as_str(), %error, "a link cannot carry its content");
            Vec::new()
        }));
        NewLink {
            url: format!("{}{}{}", app.issuer(), purpose.path(), secret.expose()),
            expires_at,
            token: ActionToken {
                hash,
                kind: purpose.as_str().to_owned(),
                subject: disguise(app, subject),
                account_id: account,
                sealed: app.sealer.seal(&context(purpose, &hash), &plain),
                created_at: now,
                expires_at,
            },
        }
    }

    /// Stores it; older ones of its purpose for its subject are void from then on.
    pub async fn insert(&self, db: &mut Conn) -> Result<(), StoreError> {
        action_tokens::insert(db, &self.token).await
    }
}

/// A link that somebody followed, not used up yet: `store::action_tokens::consume` with its hash does that, in the
/// write that does what it stands for.
#[derive(Clone, Debug)]
pub struct Link<T> {
    /// What it carries.
    pub content: T,
    /// The account it belongs to.
    pub account_id: Option<AccountId>,
    /// Its name in the database.
    pub hash: TokenHash,
    /// Until when it is good.
    pub expires_at: Timestamp,
}

/// The link of a purpose that a token stands for, if it can be used now.
pub async fn find<T: DeserializeOwned>(
    app: &App,
    purpose: Purpose,
    token: &str,
) -> Result<Option<Link<T>>, StoreError> {
    let (hash, now) = (TokenHash::of(token), app.now());
    let found = app
        .store
        .read(async move |db: &mut Conn| action_tokens::find(db, purpose.as_str(), &hash, now).await)
        .await?;
    let Some(found) = found else { return Ok(None) };
    let content = app
        .sealer
        .open(&context(purpose, &hash), &found.sealed)
        .map(Zeroizing::new)
        .and_then(|plain| serde_json::from_slice(&plain).ok());
    Ok(content.map(|content| Link {
        content,
        account_id: found.account_id,
        hash,
        expires_at: found.expires_at,
    }))
}

/// Bound to the token, so that nothing sealed for one link opens another.
fn context(purpose: Purpose, hash: &TokenHash) -> String {
    format!("link/{}/{}", purpose.as_str(), hex::encode(hash.as_bytes()))
}

/// A subject that can be compared and not read, not even by trying all addresses.
fn disguise(app: &App, subject: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, &app.sealer.derive("link-subject"));
    hex::encode(hmac::sign(&key, subject.as_bytes()).as_ref())
}
