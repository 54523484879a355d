//! Who a browser is: its session, and the requests it carries with it.

use std::sync::Arc;

use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use protocol::id::{AccountId, SessionId};
use protocol::interaction::{Destination, Interaction};
use protocol::secret::{Secret, TokenHash};
use protocol::session::{Factor, Session};
use protocol::time::{Lifetime, Timestamp};
use serde_json::json;
use store::{Conn, StoreError};

use crate::app::App;
use crate::browser::cache::Live;
use crate::random;
use crate::statistics::{self, Kind};
use crate::web::client_ip::ClientAddress;
use crate::web::cookies::Cookies;
use crate::web::limits::URI_BYTES;

pub mod device;

pub mod cache;

const SESSION: &str = "session";
const BROWSER: &str = "browser";
const INTERACTION: &str = "interaction";

/// How long a person may take from the request to the answer.
pub const INTERACTION_LIFETIME: Lifetime = Lifetime::minutes(15);

fn cookies(app: &App) -> Cookies {
    Cookies::new(app.is_https())
}

/// The value that marks a browser: that of its cookie, or a new one, which goes into the answer.
pub fn mark(app: &App, request: &HeaderMap, answer: &mut HeaderMap) -> String {
    if let Some(mark) = cookies(app)
        .read(request, BROWSER)
        .filter(|mark| mark.len() == 43)
    {
        return mark.to_owned();
    }
    let mark = random::secret("").expose().to_owned();
    cookies(app).put(answer, BROWSER, &mark, None);
    mark
}

/// What an [`Interaction`] keeps of a browser's mark.
pub fn fingerprint(mark: &str) -> String {
    URL_SAFE_NO_PAD.encode(TokenHash::of(mark).as_bytes())
}

/// What CSRF tokens of this browser are bound to.
pub fn csrf_binding(app: &App, headers: &HeaderMap) -> Option<String> {
    cookies(app).read(headers, BROWSER).map(fingerprint)
}

/// A request of the browser with this fingerprint, which has just come in.
pub fn interaction(app: &App, destination: Destination, fingerprint: String) -> Interaction {
    let id = random::secret("").expose().to_owned();
    Interaction::new(id, destination, fingerprint, app.now() + INTERACTION_LIFETIME)
}

/// Seals an interaction into text for a URL.
pub fn seal(app: &App, interaction: &Interaction) -> String {
    let json = serde_json::to_vec(interaction).unwrap_or_default();
    app.sealer.seal_text(INTERACTION, &json)
}

/// Whether an interaction can be carried in the URLs of our pages.
pub fn fits(interaction: &Interaction) -> bool {
    // Base64 makes four bytes of three; the rest of a URL needs little.
    serde_json::to_vec(interaction).is_ok_and(|json| json.len() / 3 * 4 < URI_BYTES - 1024)
}

/// Opens an interaction that this very browser brought and that can still be completed.
pub fn open(app: &App, headers: &HeaderMap, sealed: &str) -> Option<Interaction> {
    let json = app.sealer.open_text(INTERACTION, sealed)?;
    let interaction: Interaction = serde_json::from_slice(&json).ok()?;
    let mark = cookies(app).read(headers, BROWSER)?;
    (interaction.browser == fingerprint(mark) && interaction.expires_at > app.now()).then_some(interaction)
}

/// The live session of a browser.
#[derive(Clone, Debug)]
pub struct Current {
    /// The session.
    pub session: Session,
    /// The hash of its cookie.
    pub secret: TokenHash,
}

/// How many seconds after a session was last noted as seen it is noted again: a minute, or less where it ends soon when
/// nobody uses it.
fn noted_after(idle: i64) -> i64 {
    (idle / 4).clamp(1, 60)
}

/// Finds the session of a browser, and notes now and then that it was seen.
pub async fn session(app: &App, headers: &HeaderMap) -> Result<Option<Current>, StoreError> {
    let Some(cookie) = cookies(app).read(headers, SESSION) else {
        return Ok(None);
    };
    let (secret, now) = (TokenHash::of(cookie), app.now());
    let found = app.sessions.find(&app.store, &secret.0).await;
    let idle = app.config.sessions.idle.as_secs();
    let seen = |live: &Live| now.since(live.session.last_seen_at) < noted_after(idle);
    // Then the database is asked whatever a copy says: one whose end was announced by nobody must not live on.
    let copy = found.copy.as_deref().filter(|live| seen(live)).cloned();
    let known = copy.is_some();
    let live = match copy {
        Some(live) => Some(live).filter(|live| live.expires_at > now),
        None => live(app, secret).await?,
    };
    let Some(mut live) = live.filter(|live| now.since(live.session.last_seen_at) < idle) else {
        return Ok(None);
    };
    if !seen(&live) {
        let id = live.session.id;
        app.store
            .write(async move |db: &mut Conn| store::sessions::touch(db, id, now).await)
            .await?;
        live.session.last_seen_at = now;
    }
    if !known {
        app.sessions.keep(&secret.0, Arc::new(live.clone()), &found).await;
    }
    let session = live.session;
    Ok(Some(Current { session, secret }))
}

/// The session of a cookie as the database has it, unless its account is disabled.
async fn live(app: &App, secret: TokenHash) -> Result<Option<Live>, StoreError> {
    let now = app.now();
    app.store
        .read(async move |db: &mut Conn| {
            let Some((session, expires_at)) = store::sessions::find_by_secret(db, &secret, now).await? else {
                return Ok(None);
            };
            let account = store::accounts::find(db, session.account_id).await?;
            let enabled = account.is_some_and(|account| !account.disabled);
            Ok(enabled.then_some(Live { session, expires_at }))
        })
        .await
}

/// A first factor that was proved.
#[derive(Clone, Copy, Debug)]
pub struct Proved {
    /// By whom.
    pub account: AccountId,
    /// What.
    pub factor: Factor,
    /// When the password was chosen, if it was one.
    pub chosen_at: Option<Timestamp>,
}

/// Begins a session after a first factor that was proved just now. None when what was proved has ended meanwhile.
pub async fn sign_in(
    app: &App,
    proved: Proved,
    old: Option<Current>,
    request: &HeaderMap,
    address: ClientAddress,
    answer: &mut HeaderMap,
) -> Result<Option<SessionId>, StoreError> {
    sign_in_as_of(app, proved, app.now(), old, request, address, answer).await
}

/// Begins a session after a first factor that was proved at `proved_at`, in place of the browser's old one. The cookie
/// is new either way; of more sessions than are allowed the oldest ends. None when what was proved has ended meanwhile.
pub async fn sign_in_as_of(
    app: &App,
    proved: Proved,
    proved_at: Timestamp,
    old: Option<Current>,
    request: &HeaderMap,
    address: ClientAddress,
    answer: &mut HeaderMap,
) -> Result<Option<SessionId>, StoreError> {
    let Proved {
        account,
        factor,
        chosen_at,
    } = proved;
    let now = app.now();
    let proved_at = proved_at.min(now);
    let secret = random::secret("");
    let hash = secret.hash();
    let limit = app.config.sessions.max_per_account;
    let expires_at = now + app.config.sessions.absolute;
    let (kept, other) = match old {
        Some(old) if old.session.account_id == account => (Some(old), None),
        old => (None, old),
    };
    let user_agent: String = request
        .get(header::USER_AGENT)
        .and_then(|value| value.to_str().ok())
        .map(|text| text.chars().take(255).collect())
        .unwrap_or_default();
    let event = crate::audit::Event::now(app, "session.started")
        .account(account)
        .from(address)
        .detail(json!({ "factor": statistics::factor(factor) }));
    let begun = app
        .store
        .write(async move |db: &mut Conn| {
            // Locks the account: what ends its sessions sees this one, or is seen here.
            if !store::accounts::record_login(db, account, now).await? {
                return Ok(None);
            }
            if let Some(chosen_at) = chosen_at
                && !crate::sign_in::still_holds(db, account, chosen_at).await?
            {
                return Ok(None);
            }
            event.record(db).await?;
            let whole = !factor.is_first() || !store::credentials::has_second_factor(db, account).await?;
            if let Some(Current { session, secret }) = kept {
                let (auth_time, factors) = renewed(&session, factor, proved_at);
                if store::sessions::raise(db, session.id, &secret, &hash, auth_time, &factors, now).await? {
                    return Ok(Some((session.id, whole)));
                }
            }
            if let Some(other) = other {
                end(db, other.session.id, now).await?;
            }
            let mut sessions = store::sessions::list(db, account, now).await?;
            // Those that proved less go first: who has the password alone must not end the others.
            sessions.sort_by_key(Session::acr);
            let surplus = (sessions.len() + 1).saturating_sub(limit);
            for oldest in sessions.iter().take(surplus) {
                end(db, oldest.id, now).await?;
            }
            let session = Session {
                id: SessionId(random::uuid()),
                account_id: account,
                auth_time: proved_at,
                factors: vec![factor],
                created_at: now,
                last_seen_at: now,
            };
            let (agent, from) = (Some(user_agent.as_str()), address.0.to_string());
            store::sessions::insert(db, &session, &hash, expires_at, agent, Some(&from)).await?;
            Ok(Some((session.id, whole)))
        })
        .await?;
    let Some((id, whole)) = begun else { return Ok(None) };
    app.statistics
        .count(Kind::SignInSuccess, statistics::factor(factor));
    give_cookie(app, &secret, answer);
    if whole {
        device::remember(app, account, Some(request), answer);
    }
    Ok(Some(id))
}

/// What a session stands for after one more first factor. A proof older than the session's own adds nothing to it.
fn renewed(session: &Session, factor: Factor, proved_at: Timestamp) -> (Timestamp, Vec<Factor>) {
    if proved_at < session.auth_time {
        (session.auth_time, session.factors.clone())
    } else {
        (proved_at, vec![factor])
    }
}

/// Adds a proved factor to a session and changes its cookie; false when the session has ended meanwhile.
pub async fn step_up(
    app: &App,
    current: &Current,
    factor: Factor,
    answer: &mut HeaderMap,
) -> Result<bool, StoreError> {
    let now = app.now();
    let secret = random::secret("");
    // The first factor was not proved again, so `max_age` still counts from when it was.
    let (hash, old, since) = (secret.hash(), current.clone(), current.session.auth_time);
    let event = crate::audit::Event::now(app, "session.raised")
        .account(current.session.account_id)
        .detail(json!({ "factor": statistics::factor(factor) }));
    let mut factors = current.session.factors.clone();
    if !factors.contains(&factor) {
        factors.push(factor);
    }
    let raised = app
        .store
        .write(async move |db: &mut Conn| {
            let raised =
                store::sessions::raise(db, old.session.id, &old.secret, &hash, since, &factors, now).await?;
            if raised {
                event.record(db).await?;
            }
            Ok(raised)
        })
        .await?;
    if raised {
        app.statistics
            .count(Kind::SignInSuccess, statistics::factor(factor));
        give_cookie(app, &secret, answer);
        device::remember(app, current.session.account_id, None, answer);
    }
    Ok(raised)
}

fn give_cookie(app: &App, secret: &Secret, answer: &mut HeaderMap) {
    cookies(app).put(
        answer,
        SESSION,
        secret.expose(),
        Some(app.config.sessions.absolute),
    );
}

/// Ends a session row and the grants that were to last no longer than it.
async fn end(db: &mut Conn, id: SessionId, now: Timestamp) -> Result<bool, StoreError> {
    let ended = store::sessions::end(db, id, now).await?;
    store::grants::revoke_for_session(db, id, now).await?;
    Ok(ended)
}

/// Ends a session with the grants that were to last no longer than it.
pub async fn sign_out(app: &App, session: &Session, answer: &mut HeaderMap) -> Result<(), StoreError> {
    let (id, account, now) = (session.id, session.account_id, app.now());
    let event = crate::audit::Event::now(app, "session.ended").account(account);
    app.store
        .write(async move |db: &mut Conn| {
            if end(db, id, now).await? {
                event.record(db).await?;
            }
            Ok(())
        })
        .await?;
    cookies(app).remove(answer, SESSION);
    Ok(())
}

/// Changes the cookie of a session, as after something that only its holder should have been able to do; false when
/// the session has ended meanwhile.
pub async fn renew(app: &App, current: &Current, answer: &mut HeaderMap) -> Result<bool, StoreError> {
    let (now, old) = (app.now(), current.clone());
    let secret = random::secret("");
    let hash = secret.hash();
    let renewed = app
        .store
        .write(async move |db: &mut Conn| {
            let Session {
                id,
                auth_time,
                factors,
                ..
            } = &old.session;
            store::sessions::raise(db, *id, &old.secret, &hash, *auth_time, factors, now).await
        })
        .await?;
    if renewed {
        give_cookie(app, &secret, answer);
    }
    Ok(renewed)
}

/// Ends one session of an account; false when it is another's or has ended.
pub async fn end_session(app: &App, account: AccountId, id: SessionId) -> Result<bool, StoreError> {
    let now = app.now();
    let event = crate::audit::Event::now(app, "session.ended").account(account);
    app.store
        .write(async move |db: &mut Conn| {
            let found = store::sessions::find(db, id, now).await?;
            let theirs = found.is_some_and(|found| found.session.account_id == account);
            if !theirs || !end(db, id, now).await? {
                return Ok(false);
            }
            event.record(db).await?;
            Ok(true)
        })
        .await
}

/// Ends the sessions of an account but for one that may stay, and counts them.
pub async fn end_sessions(app: &App, account: AccountId, kept: Option<SessionId>) -> Result<u64, StoreError> {
    let now = app.now();
    let event = crate::audit::Event::now(app, "session.all_ended").account(account);
    app.store
        .write(async move |db: &mut Conn| {
            let ended = match kept {
                Some(kept) => store::sessions::end_all_but(db, account, kept, now).await?,
                None => store::sessions::end_all(db, account, now).await?,
            };
            store::grants::revoke_for_sessions(db, account, kept, now).await?;
            event.record(db).await?;
            Ok(ended)
        })
        .await
}

/// Takes the session's cookie from the browser.
pub fn forget(app: &App, answer: &mut HeaderMap) {
    cookies(app).remove(answer, SESSION);
}
