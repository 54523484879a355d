//! Giving an account a password: judged, hashed, and written with all that the change ends. Every way in which a
//! password is set leads through here.

use protocol::id::{AccountId, SessionId};
use protocol::secret::{Secret, TokenHash};
use protocol::session::MfaPolicy;
use protocol::time::Timestamp;
use serde_json::Value;
use store::{Account, Conn, Store, StoreError};

use crate::app::App;
use crate::audit::Event;
use crate::config::Config;
use crate::fetch::Fetch;
use crate::links::Purpose;
use crate::mail::{Letter, Mail};
use crate::pages::Locale;
use crate::passwords::policy::{self, LENGTH_WITH_SECOND_FACTOR, Rules};
use crate::passwords::{Busy, Passwords, Weakness, range};
use crate::random;

/// Claims that name a person.
const NAMES: [&str; 5] = [
    "name",
    "given_name",
    "family_name",
    "nickname",
    "preferred_username",
];

/// A new password, judged and hashed.
#[derive(Debug, PartialEq, Eq)]
pub enum Prepared {
    /// The hash to keep.
    Fit(String),
    /// It was not taken.
    Weak(Weakness),
    /// Too many passwords are being hashed right now.
    Busy,
}

/// What judging and hashing a password needs.
#[expect(missing_docs, reason = "the fields are those of App")]
#[derive(Clone, Copy)]
pub struct Tools<'a> {
    pub config: &'a Config,
    pub store: &'a Store,
    pub passwords: &'a Passwords,
    pub fetch: &'a Fetch,
    pub now: Timestamp,
}

/// Judges a new password for an account, stored or yet to be made, and hashes it.
pub async fn prepare(app: &App, account: &Account, new: &Secret) -> Result<Prepared, StoreError> {
    let tools = Tools {
        config: &app.config,
        store: &app.store,
        passwords: &app.passwords,
        fetch: &app.fetch,
        now: app.now(),
    };
    tools.prepare(account, new).await
}

impl Tools<'_> {
    /// The same without a running server.
    pub async fn prepare(&self, account: &Account, new: &Secret) -> Result<Prepared, StoreError> {
        let history = i64::from(self.config.accounts.password_history);
        let (id, now) = (account.id, self.now);
        let (authority, known) = self
            .store
            .read(async move |db: &mut Conn| {
                let authority = store::roles::authority(db, id, now).await?;
                let mut known = Vec::new();
                if history > 0 {
                    known.extend(store::credentials::find_password(db, id).await?);
                    known.extend(store::passwords::list_former(db, id, history - 1).await?);
                }
                Ok((authority, known))
            })
            .await?;
        let stated = [account.mfa, authority.mfa];
        let rules = rules(
            self.config,
            account,
            MfaPolicy::effective(stated, self.config.accounts.mfa),
        );
        Ok(self
            .judge_and_hash(rules, known, new)
            .await
            .unwrap_or(Prepared::Busy))
    }

    async fn judge_and_hash(&self, rules: Rules, known: Vec<String>, new: &Secret) -> Result<Prepared, Busy> {
        let judged = new.clone();
        let verdict = self.passwords.run(move || policy::judge(&judged, &rules)).await?;
        if let Err(weakness) = verdict {
            return Ok(Prepared::Weak(weakness));
        }
        for hash in known {
            if self.passwords.verify(Some(hash), new.expose()).await?.matches {
                return Ok(Prepared::Weak(Weakness::Used));
            }
        }
        if let Some(url) = &self.config.accounts.password_range_url
            && range::is_breached(self.fetch, url, new).await
        {
            return Ok(Prepared::Weak(Weakness::Breached));
        }
        self.passwords.hash(new.expose()).await.map(Prepared::Fit)
    }
}

/// The fewest characters of a new password: fewer are enough where a second factor is required.
pub fn min_length(config: &Config, second_factor: MfaPolicy) -> usize {
    let least = config.accounts.password_min_length;
    match second_factor {
        MfaPolicy::Required => least.min(LENGTH_WITH_SECOND_FACTOR),
        MfaPolicy::Off | MfaPolicy::IfEnrolled => least,
    }
}

/// What a new password of an account must be like.
pub fn rules(config: &Config, account: &Account, second_factor: MfaPolicy) -> Rules {
    let accounts = &config.accounts;
    let claims = NAMES
        .iter()
        .filter_map(|name| account.claims.get(*name).and_then(Value::as_str));
    let names = [account.username.as_str(), config.branding.name.as_str()];
    Rules {
        min_length: min_length(config, second_factor),
        min_strength: accounts.password_min_strength,
        must_contain: accounts.password_must_contain.clone(),
        words: policy::words(names.into_iter().chain(account.email.as_deref()).chain(claims)),
    }
}

/// A change of password.
#[derive(Debug)]
pub struct PasswordChange<'a> {
    /// Whose.
    pub account: &'a Account,
    /// The new one.
    pub new: &'a Secret,
    /// The session that stays, where the holder is signed in.
    pub keep: Option<SessionId>,
    /// The link that led here, to be used up together with the change.
    pub link: Option<TokenHash>,
    /// The language of the mail that tells of it.
    pub locale: Locale,
}

/// What came of a change of password.
#[derive(Debug, PartialEq, Eq)]
pub enum Changed {
    /// It is done.
    Done,
    /// The new one was not taken.
    Weak(Weakness),
    /// The link was used meanwhile.
    LinkUsed,
    /// Too many passwords are being hashed right now.
    Busy,
}

/// Gives an account a new password in one write: the old one goes into the history, failures are forgotten, all
/// sessions but `keep` and all grants end, open links to reset it or to change the address are void, an event and a
/// mail tell of it.
pub async fn change_password(app: &App, change: PasswordChange<'_>) -> Result<Changed, StoreError> {
    let hash = match prepare(app, change.account, change.new).await? {
        Prepared::Fit(hash) => hash,
        Prepared::Weak(weakness) => return Ok(Changed::Weak(weakness)),
        Prepared::Busy => return Ok(Changed::Busy),
    };
    let now = app.now();
    let (id, link) = (change.account.id, change.link);
    let replacement = Replacement {
        account: id,
        hash,
        keep: change.keep,
        history: app.config.accounts.password_history,
        must_change: false,
        now,
    };
    let event = Event::now(app, "password.changed").account(id);
    let email = change.account.email.as_deref();
    let letter = email.map(|to| Letter::write(app, to, change.locale, &Mail::PasswordChanged));
    let done = app
        .store
        .write(async move |db: &mut Conn| {
            // The account before its links: every change locks them in this order.
            let found = store::accounts::find_locked(db, id).await?;
            let open = found.is_some_and(|account| !account.disabled);
            if let Some(link) = link
                && !(open && store::action_tokens::consume(db, &link, now).await?)
            {
                return Ok(false);
            }
            replacement.write(db).await?;
            event.record(db).await?;
            if let Some(letter) = letter {
                letter.queue(db).await?;
            }
            Ok(true)
        })
        .await?;
    Ok(if done { Changed::Done } else { Changed::LinkUsed })
}

/// The rows of a change of password.
#[derive(Clone)]
pub(crate) struct Replacement {
    pub(crate) account: AccountId,
    pub(crate) hash: String,
    /// The session that stays.
    pub(crate) keep: Option<SessionId>,
    /// How many former passwords are remembered, the new one among them.
    pub(crate) history: u32,
    /// Whether it is to be changed at the next sign-in.
    pub(crate) must_change: bool,
    pub(crate) now: Timestamp,
}

impl Replacement {
    /// Puts the new hash in place of the old one and ends what the old one opened; counts the sessions that ended.
    pub(crate) async fn write(&self, db: &mut Conn) -> Result<u64, StoreError> {
        let (id, now) = (self.account, self.now);
        let former = self.history.saturating_sub(1);
        store::passwords::retire(db, id, random::uuid(), former).await?;
        store::credentials::set_password(db, id, &self.hash, now).await?;
        store::accounts::set_must_change_password(db, id, self.must_change, now).await?;
        // Whoever knew the old one may have asked for another address.
        for purpose in [Purpose::ResetPassword, Purpose::ConfirmEmail] {
            store::action_tokens::delete_for_account(db, id, purpose.as_str()).await?;
        }
        // Sessions first: whoever makes a grant holds the session until it is there to be revoked.
        let ended = match self.keep {
            Some(kept) => store::sessions::end_all_but(db, id, kept, now).await?,
            None => store::sessions::end_all(db, id, now).await?,
        };
        store::grants::revoke_for_account(db, id, now).await?;
        Ok(ended)
    }
}
