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
use crate::rate_limit::{self, Exceeded, Limit};
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
    TooMany(Exceeded),
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

/// Counts a try of a network before it is known whether it is right, so that many at once are counted.
pub(crate) async fn charge(app: &App, address: ClientAddress) -> Result<(), Exceeded> {
    let network = rate_limit::network(address.0);
    app.limits.admit(Limit::SignInPerAddress, &network).await
}

/// Gives back what a try took that was right: many people may share a network.
pub(crate) async fn give_back(app: &App, address: ClientAddress) {
    let network = rate_limit::network(address.0);
    app.limits.give_back(Limit::SignInPerAddress, &network).await;
}

/// Checks a second factor that comes from an address, which may try only so many.
pub async fn second_factor_from(
    app: &App,
    id: AccountId,
    code: &Secret,
    address: ClientAddress,
) -> Result<SecondFactor, StoreError> {
    if let Err(exceeded) = charge(app, address).await {
        return Ok(SecondFactor::TooMany(exceeded));
    }
    let checked = second_factor(app, id, code).await?;
    if matches!(checked, SecondFactor::Proved(_)) {
        give_back(app, address).await;
    }
    Ok(checked)
}

/// The buckets that a try at an account is taken from.
struct Tries {
    /// Says when it is empty.
    typed: String,
    /// That of the account itself, by whichever name it is called. A name of nobody has one too, for the time it takes.
    /// It is silent: that one name is used up by another would tell whose they are.
    called: Option<String>,
}

impl Tries {
    /// A known browser has a bucket of its own; else tries count per network, so that a stranger cannot shut the owner
    /// out.
    fn of(name: &str, found: Option<&Found>, device: Option<Device>, network: &str) -> Tries {
        if let Some(device) = device {
            let typed = format!("device {}", device.id);
            return Tries { typed, called: None };
        }
        let whose = match found {
            Some(found) => format!("account {}", found.account.id),
            None => format!("nobody {name}"),
        };
        Tries {
            typed: format!("{}@{network}", browser::fingerprint(name)),
            called: Some(format!("{}@{network}", browser::fingerprint(&whose))),
        }
    }

    fn iter(&self) -> impl Iterator<Item = &str> {
        [Some(self.typed.as_str()), self.called.as_deref()]
            .into_iter()
            .flatten()
    }
}

/// Checks a password. The work is the same whether or not there is such an account.
pub async fn password(
    app: &App,
    login: &str,
    password: &Secret,
    origin: impl Into<Origin>,
) -> Result<Attempt, StoreError> {
    let origin = origin.into();
    if let Err(exceeded) = charge(app, origin.address).await {
        return Ok(Attempt::TooMany(exceeded));
    }
    let name = login.to_lowercase();
    let found = find(app, name.clone()).await?;
    let device = origin
        .device
        .filter(|device| found.as_ref().is_some_and(|found| found.knows(device)));
    let network = rate_limit::network(origin.address.0);
    let tries = Tries::of(&name, found.as_ref(), device, &network);
    if let Err(exceeded) = app.limits.admit(Limit::SignInPerAccount, &tries.typed).await {
        return Ok(Attempt::TooMany(exceeded));
    }
    let spare = match &tries.called {
        Some(called) => app.limits.take(Limit::SignInPerAccount, called).await.allowed,
        None => true,
    };
    if password.expose().len() > MAX_BYTES {
        return Ok(Attempt::Refused);
    }

    let stored = found.as_ref().and_then(|found| found.password.clone());
    let hash = stored.as_ref().map(|stored| stored.hash.clone());
    let Ok(verdict) = app.passwords.verify(hash.clone(), password.expose()).await else {
        // Nothing was tried.
        for bucket in tries.iter().take(if spare { 2 } else { 1 }) {
            app.limits.give_back(Limit::SignInPerAccount, bucket).await;
        }
        return Ok(Attempt::Busy);
    };
    let (failures, chosen_at) =
        stored.map_or((0, Timestamp(0)), |stored| (stored.failures, stored.changed_at));
    let max = i64::from(app.config.accounts.max_failures);
    // After too many wrong ones only a known browser may go on.
    let limit = device.is_none().then_some(max);
    let open = spare && limit.is_none_or(|limit| failures < limit);
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
    give_back(app, origin.address).await;
    for bucket in tries.iter() {
        app.limits.reset(Limit::SignInPerAccount, bucket).await;
    }
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
