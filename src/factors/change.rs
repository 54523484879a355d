//! Adding, naming and removing factors. Each change is one write with its audit event; what is added or removed is told
//! to the owner by mail, and leaves the session it was done in with a new cookie.

use axum::http::HeaderMap;
use protocol::id::{AccountId, GrantId, SessionId};
use protocol::secret::TokenHash;
use protocol::session::{Acr, Factor, MfaPolicy};
use protocol::time::Timestamp;
use store::{Account, Conn, StoreError, StoredPasskey, TotpFactor};
use uuid::Uuid;

use super::recovery::Codes;
use super::{Kind, MOST};
use crate::app::App;
use crate::audit::Event;
use crate::browser::{self, Current};
use crate::mail::{Letter, Mail};
use crate::pages::Locale;
use crate::ways_in::{self, WayIn};

/// A factor that was just proved and may be added.
pub(crate) enum New {
    /// An authenticator app.
    Totp(TotpFactor),
    /// A passkey.
    Passkey(StoredPasskey),
}

impl New {
    fn name(&self) -> &str {
        match self {
            New::Totp(factor) => &factor.name,
            New::Passkey(passkey) => &passkey.name,
        }
    }

    /// What the session has proved with it. A passkey that was just registered is a second factor beside the first, and
    /// no more, whether or not its holder was verified: it says nothing of who the session belongs to.
    fn proves(&self) -> Factor {
        match self {
            New::Totp(_) => Factor::Totp,
            New::Passkey(_) => Factor::SecurityKey,
        }
    }

    async fn insert(&self, db: &mut Conn) -> Result<(), StoreError> {
        match self {
            New::Totp(factor) => store::credentials::insert_totp(db, factor).await,
            New::Passkey(passkey) => store::passkeys::insert(db, passkey).await,
        }
    }
}

/// What makes sure that one ceremony adds one factor.
pub(crate) struct Once {
    /// Names the ceremony.
    pub(crate) hash: TokenHash,
    /// When it could not be used any more anyway.
    pub(crate) expires_at: Timestamp,
}

/// What came of adding a factor.
pub(crate) enum Added {
    /// It is there; with it the recovery codes that were made, if the account had none.
    Done(Option<Codes>),
    /// The form was sent before, or the authenticator is registered already.
    Used,
    /// The account has a factor, which must be proved first; or as many as it may have.
    Refused,
}

/// Who changes the factors of their account, and from which session.
#[derive(Clone, Copy)]
pub(crate) struct Holder<'a> {
    /// The session.
    pub(crate) current: &'a Current,
    /// Its account.
    pub(crate) account: &'a Account,
    /// The language of mails.
    pub(crate) locale: Locale,
}

/// A mail to the owner of an account, where there is an address.
pub(super) fn letter(app: &App, account: &Account, locale: Locale, mail: &Mail<'_>) -> Option<Letter> {
    let address = account.email.as_deref()?;
    Some(Letter::write(app, address, locale, mail))
}

pub(super) async fn queue(db: &mut Conn, letter: Option<&Letter>) -> Result<(), StoreError> {
    match letter {
        Some(letter) => letter.queue(db).await,
        None => Ok(()),
    }
}

/// Whether the session has not ended since the request came in; what it changes, it changes before its end.
async fn is_live(db: &mut Conn, cookie: &TokenHash, now: Timestamp) -> Result<bool, StoreError> {
    Ok(store::sessions::find_locked(db, cookie, now).await?.is_some())
}

/// Adds a factor, counts it as proved in this session and gives the session a new cookie. A session that has not
/// proved two is refused when the account has one by now.
pub(crate) async fn add(
    app: &App,
    holder: Holder<'_>,
    new: New,
    once: Once,
    answer: &mut HeaderMap,
) -> Result<Added, StoreError> {
    let Holder {
        current,
        account,
        locale,
    } = holder;
    let (id, now, codes, proved) = (account.id, app.now(), Codes::new(), new.proves());
    let (cookie, first_only) = (current.secret, current.session.acr() < Acr::MultiFactor);
    let event = Event::now(app, "factor.added").account(id);
    let mail = Mail::FactorAdded { name: new.name() };
    let told = letter(app, account, locale, &mail);
    let hashes = codes.hashes();
    let written = app
        .store
        .write(async move |db: &mut Conn| {
            store::factors::lock(db, id).await?;
            let count = store::factors::count(db, id).await?;
            let over = count >= MOST || (first_only && count > 0);
            if over || !is_live(db, &cookie, now).await? {
                return Ok(Added::Refused);
            }
            if !store::replay::record(db, &once.hash, once.expires_at).await? {
                return Ok(Added::Used);
            }
            new.insert(db).await?;
            store::factors::forgive(db, id).await?;
            let codes_left = store::credentials::count_recovery_codes(db, id).await?;
            if codes_left == 0 {
                store::credentials::replace_recovery_codes(db, id, &hashes, now).await?;
            }
            event.record(db).await?;
            queue(db, told.as_ref()).await?;
            Ok(Added::Done((codes_left == 0).then_some(codes)))
        })
        .await;
    let added = match written {
        Err(StoreError::Conflict { .. }) => Added::Used,
        written => written?,
    };
    if matches!(added, Added::Done(_)) {
        browser::step_up(app, current, proved, answer).await?;
    }
    Ok(added)
}

/// Gives a factor another name; false when the account has no such one.
pub(crate) async fn rename(
    app: &App,
    id: AccountId,
    kind: Kind,
    factor: Uuid,
    name: &str,
) -> Result<bool, StoreError> {
    let event = Event::now(app, "factor.renamed").account(id);
    let name = super::label(name, "");
    if name.is_empty() {
        return Ok(false);
    }
    app.store
        .write(async move |db: &mut Conn| {
            let done = match kind {
                Kind::Totp => store::factors::rename_totp(db, id, factor, &name).await?,
                Kind::Passkey => store::passkeys::rename(db, id, factor, &name).await?,
            };
            if done {
                event.record(db).await?;
            }
            Ok(done)
        })
        .await
}

/// What came of removing a factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Removed {
    /// It is gone.
    Done,
    /// The account has no such one.
    Missing,
    /// It is the last one, and the account must have one.
    Needed,
    /// Nothing else signs the account in.
    OnlyWayIn,
}

/// Removes a factor, ends all other sessions and gives this one a new cookie.
pub(crate) async fn remove(
    app: &App,
    holder: Holder<'_>,
    kind: Kind,
    factor: Uuid,
    answer: &mut HeaderMap,
) -> Result<Removed, StoreError> {
    let current = holder.current;
    let removal = Removal {
        account: holder.account,
        locale: holder.locale,
        kept: Some(current.session.id),
        standing: Standing::Session(current.secret),
    };
    let removed = removal.carry_out(app, kind, factor).await?;
    if removed == Removed::Done {
        browser::renew(app, current, answer).await?;
    }
    Ok(removed)
}

/// Who removes a factor, from a page or through a client.
pub(crate) struct Removal<'a> {
    /// Whose it is.
    pub(crate) account: &'a Account,
    /// The language of mails.
    pub(crate) locale: Locale,
    /// The session that stays when all others end.
    pub(crate) kept: Option<SessionId>,
    /// By what it is allowed, which must not have ended meanwhile.
    pub(crate) standing: Standing,
}

/// What allows a change.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Standing {
    /// The session with this cookie.
    Session(TokenHash),
    /// The grant of an access token.
    Grant(GrantId),
}

impl Standing {
    async fn lasts(self, db: &mut Conn, now: Timestamp) -> Result<bool, StoreError> {
        match self {
            Standing::Session(cookie) => is_live(db, &cookie, now).await,
            Standing::Grant(id) => store::grants::is_live(db, id).await,
        }
    }
}

impl Removal<'_> {
    /// Removes a factor and ends all other sessions.
    pub(crate) async fn carry_out(self, app: &App, kind: Kind, factor: Uuid) -> Result<Removed, StoreError> {
        let Removal {
            account,
            locale,
            kept,
            standing,
        } = self;
        let (id, now) = (account.id, app.now());
        let default = app.config.accounts.mfa;
        let event = Event::now(app, "factor.removed").account(id);
        let listed = super::list(app, id).await?.factors;
        let Some(listed) = listed
            .into_iter()
            .find(|listed| listed.id == factor && listed.kind == kind)
        else {
            return Ok(Removed::Missing);
        };
        let mail = Mail::FactorRemoved { name: &listed.name };
        let told = letter(app, account, locale, &mail);
        app.store
            .write(async move |db: &mut Conn| {
                store::factors::lock(db, id).await?;
                if !standing.lasts(db, now).await? {
                    return Ok(Removed::Missing);
                }
                if kind == Kind::Passkey && !ways_in::is_another(db, id, WayIn::Passkey(factor)).await? {
                    return Ok(Removed::OnlyWayIn);
                }
                let last = store::factors::count(db, id).await? <= 1;
                if last && super::policy(db, id, default, now).await? == MfaPolicy::Required {
                    return Ok(Removed::Needed);
                }
                let done = match kind {
                    Kind::Totp => store::credentials::delete_totp(db, id, factor).await?,
                    Kind::Passkey => store::passkeys::delete(db, id, factor).await?,
                };
                if !done {
                    return Ok(Removed::Missing);
                }
                if last {
                    store::factors::delete_recovery_codes(db, id).await?;
                }
                end_others(db, id, kept, now).await?;
                event.record(db).await?;
                queue(db, told.as_ref()).await?;
                Ok(Removed::Done)
            })
            .await
    }
}

async fn end_others(
    db: &mut Conn,
    id: AccountId,
    kept: Option<SessionId>,
    now: Timestamp,
) -> Result<(), StoreError> {
    for session in store::sessions::list(db, id, now).await? {
        if Some(session.id) != kept {
            store::sessions::end(db, session.id, now).await?;
            store::grants::revoke_for_session(db, session.id, now).await?;
        }
    }
    Ok(())
}

/// Makes new recovery codes in place of all the account had; none when it has no factor to recover from.
pub(crate) async fn make_codes(
    app: &App,
    holder: Holder<'_>,
    answer: &mut HeaderMap,
) -> Result<Option<Codes>, StoreError> {
    let Holder {
        current,
        account,
        locale,
    } = holder;
    let (id, now, codes, cookie) = (account.id, app.now(), Codes::new(), current.secret);
    let event = Event::now(app, "recovery_codes.made").account(id);
    let told = letter(app, account, locale, &Mail::RecoveryCodesMade);
    let hashes = codes.hashes();
    let made = app
        .store
        .write(async move |db: &mut Conn| {
            store::factors::lock(db, id).await?;
            if store::factors::count(db, id).await? == 0 || !is_live(db, &cookie, now).await? {
                return Ok(false);
            }
            store::credentials::replace_recovery_codes(db, id, &hashes, now).await?;
            event.record(db).await?;
            queue(db, told.as_ref()).await?;
            Ok(true)
        })
        .await?;
    if made {
        browser::renew(app, current, answer).await?;
    }
    Ok(made.then_some(codes))
}
