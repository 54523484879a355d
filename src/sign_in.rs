//! Proving factors: one path for the pages and for the password grant, so that neither is weaker.

use axum::http::HeaderMap;
use protocol::id::AccountId;
use protocol::secret::Secret;
use protocol::time::Timestamp;
use serde_json::Value;
use store::passwords::StoredPassword;
use store::{Account, Conn, StoreError};

use crate::app::App;
use crate::audit::Event;
use crate::browser::{self, device::Device};
pub use crate::factors::{SecondFactor, has_second_factor, recovery_hash, second_factor};
use crate::mail::{Letter, Mail};
use crate::passwords::MAX_BYTES;
use crate::random;
use crate::rate_limit::{self, Limit, RetryAfter};
use crate::statistics::Kind;
use crate::web::client_ip::ClientAddress;

/// What came of a user name and a password.
#[derive(Debug)]
pub enum Attempt {
    /// They belong together, and the account may sign in.
    Proved(Box<Proof>),
    /// They do not; the same for unknown, wrong, disabled and blocked.
    Refused,
    /// Too many attempts lately.
    TooMany(RetryAfter),
    /// Too many passwords are being checked right now.
    Busy,
}

/// A password that was right.
#[derive(Debug)]
pub struct Proof {
    /// Whose it is.
    pub account: Account,
    /// When it was chosen.
    pub chosen_at: Timestamp,
}

/// Whether the password that was chosen then is still the account's.
pub(crate) async fn still_holds(
    db: &mut Conn,
    account: AccountId,
    chosen_at: Timestamp,
) -> Result<bool, StoreError> {
    let found = store::passwords::find(db, account).await?;
    Ok(found.is_some_and(|found| found.changed_at == chosen_at))
}

/// Where a password comes from.
#[derive(Clone, Copy, Debug)]
pub struct Origin {
    /// The address.
    pub address: ClientAddress,
    /// The browser, where it is known from before.
    pub device: Option<Device>,
}

impl Origin {
    /// Where a request comes from.
    pub fn of(app: &App, headers: &HeaderMap, address: ClientAddress) -> Origin {
        let device = browser::device::known(app, headers);
        Origin { address, device }
    }
}

impl From<ClientAddress> for Origin {
    fn from(address: ClientAddress) -> Self {
        let device = None;
        Origin { address, device }
    }
}

/// An account as a sign-in finds it.
struct Found {
    account: Account,
    password: Option<StoredPassword>,
}

impl Found {
    /// Whether a browser signed this account in since its password was last changed.
    fn knows(&self, device: &Device) -> bool {
        let since = self.password.as_ref().map(|password| password.changed_at);
        device.account == self.account.id && since.is_none_or(|since| device.issued_at >= since)
    }
}

async fn find(app: &App, name: String) -> Result<Option<Found>, StoreError> {
    app.store
        .read(async move |db: &mut Conn| {
            let Some(account) = store::accounts::find_by_login(db, &name).await? else {
                return Ok(None);
            };
            let password = store::passwords::find(db, account.id).await?;
            Ok(Some(Found { account, password }))
        })
        .await
}

/// Checks a password. The work is the same whether or not there is such an account.
pub async fn password(
    app: &App,
    login: &str,
    password: &Secret,
    origin: impl Into<Origin>,
) -> Result<Attempt, StoreError> {
    let origin = origin.into();
    let network = rate_limit::network(origin.address.0);
    if let Err(retry_after) = app.limits.take(Limit::SignInPerAddress, &network).await.allowed() {
        return Ok(Attempt::TooMany(retry_after));
    }
    let name = login.to_lowercase();
    let found = find(app, name.clone()).await?;
    let device = origin
        .device
        .filter(|device| found.as_ref().is_some_and(|found| found.knows(device)));
    // A known browser has its own; else the name counts per network, so that a stranger cannot shut the owner out.
    let bucket = match device {
        Some(device) => format!("device {}", device.id),
        None => format!("{}@{network}", browser::fingerprint(&name)),
    };
    if let Err(retry_after) = app.limits.take(Limit::SignInPerAccount, &bucket).await.allowed() {
        return Ok(Attempt::TooMany(retry_after));
    }
    if password.expose().len() > MAX_BYTES {
        return Ok(Attempt::Refused);
    }

    let stored = found.as_ref().and_then(|found| found.password.clone());
    let hash = stored.as_ref().map(|stored| stored.hash.clone());
    let Ok(verdict) = app.passwords.verify(hash.clone(), password.expose()).await else {
        // Nothing was tried.
        app.limits.give_back(Limit::SignInPerAccount, &bucket).await;
        return Ok(Attempt::Busy);
    };
    let (failures, chosen_at) =
        stored.map_or((0, Timestamp(0)), |stored| (stored.failures, stored.changed_at));
    let max = i64::from(app.config.accounts.max_failures);
    // After too many wrong ones only a known browser may go on.
    let limit = device.is_none().then_some(max);
    let open = limit.is_none_or(|limit| failures < limit);
    let found = found.filter(|found| open && !found.account.disabled);
    let Some(found) = found.filter(|found| verdict.matches || found.password.is_some()) else {
        return refuse(app, None).await;
    };
    if !verdict.matches {
        return refuse(app, Some(&found.account)).await;
    }
    if failures > 0 && !forget_failures(app, found.account.id, limit).await? {
        return refuse(app, None).await;
    }
    app.limits.reset(Limit::SignInPerAccount, &bucket).await;
    if let (Some(old), Some(new)) = (hash, verdict.rehash) {
        replace_hash(app, found.account.id, old, new).await?;
    }
    let account = found.account;
    Ok(Attempt::Proved(Box::new(Proof { account, chosen_at })))
}

/// Counts a wrong password where there is an account that it counts for; elsewhere it only takes as long. Nothing else
/// is stored: nobody has proved anything, and strangers must not fill the database.
async fn refuse(app: &App, account: Option<&Account>) -> Result<Attempt, StoreError> {
    tracing::info!("a sign-in was refused");
    app.statistics.count(Kind::SignInFailure, "password");
    let id = account.map(|account| account.id);
    let failures = app
        .store
        .write(async move |db: &mut Conn| store::passwords::count_failure(db, id).await)
        .await?;
    if let Some(account) = account
        && failures == i64::from(app.config.accounts.max_failures)
    {
        tell_of_block(app, account);
    }
    Ok(Attempt::Refused)
}

/// Tells the owner that strangers have guessed for long, without the answer waiting for it.
fn tell_of_block(app: &App, account: &Account) {
    let id = account.id;
    let locale = account.claims.get("locale").and_then(Value::as_str);
    let locale = app.pages.locale(locale, None);
    let reset = format!("{}/forgot", app.issuer());
    let mail = Mail::SignInsBlocked { reset: &reset };
    let to = account.email.as_deref();
    let letter = to.map(|to| Letter::write(app, to, locale, &mail));
    let event = Event::now(app, "sign_in.blocked").account(id).failed();
    let store = app.store.clone();
    app.tasks.spawn(async move {
        let told = store
            .write(async move |db: &mut Conn| {
                event.record(db).await?;
                match letter {
                    Some(letter) => letter.queue(db).await,
                    None => Ok(()),
                }
            })
            .await;
        if let Err(error) = told {
            tracing::error!(account.id = %id, %error, "the owner was not told that sign-ins are blocked");
        }
    });
}

async fn forget_failures(app: &App, id: AccountId, limit: Option<i64>) -> Result<bool, StoreError> {
    app.store
        .write(async move |db: &mut Conn| store::passwords::forget_failures(db, id, limit).await)
        .await
}

/// Keeps a better hash of the same password. The old one goes into the history, by which a declarative file that
/// brought it is known to be carried out.
async fn replace_hash(app: &App, id: AccountId, old: String, new: String) -> Result<bool, StoreError> {
    let kept = app.config.accounts.password_history.max(1);
    app.store
        .write(async move |db: &mut Conn| {
            if store::credentials::find_password(db, id).await?.as_ref() != Some(&old) {
                return Ok(false);
            }
            store::passwords::retire(db, id, random::uuid(), kept).await?;
            store::credentials::replace_password_hash(db, id, &old, &new).await
        })
        .await
}
