//! Proving factors: one path for the pages and for the password grant, so that neither is weaker.

use protocol::id::AccountId;
use protocol::secret::{Secret, TokenHash};
use protocol::session::Factor;
use store::{Account, Conn, StoreError};

use crate::app::App;
use crate::audit::Event;
use crate::browser;
use crate::rate_limit::{self, RetryAfter};
use crate::totp;
use crate::web::client_ip::ClientAddress;

/// What came of a user name and a password.
#[derive(Debug)]
pub enum Attempt {
    /// They belong together, and the account may sign in.
    Proved(Box<Account>),
    /// They do not; the same for unknown, wrong and disabled.
    Refused,
    /// Too many attempts lately.
    TooMany(RetryAfter),
    /// Too many passwords are being checked right now.
    Busy,
}

/// Checks a password. The work is the same whether or not there is such an account.
pub async fn password(
    app: &App,
    login: &str,
    password: &Secret,
    address: ClientAddress,
) -> Result<Attempt, StoreError> {
    let now = app.now();
    let limits = &app.config.rate_limits;
    let network = rate_limit::network(address.0);
    let name = login.to_lowercase();
    let by_address = limits.sign_in_per_address;
    let by_account = limits.sign_in_per_account;
    // The name counts per network, so that a stranger cannot shut the owner out.
    let name_here = format!("{}@{network}", browser::fingerprint(&name));
    let checks = app
        .limits
        .check("sign_in_address", &network, by_address.count, by_address.per, now)
        .and_then(|()| {
            app.limits.check(
                "sign_in_account",
                &name_here,
                by_account.count,
                by_account.per,
                now,
            )
        });
    if let Err(retry_after) = checks {
        return Ok(Attempt::TooMany(retry_after));
    }

    let (account, hash) = app
        .store
        .read(async move |db: &mut Conn| {
            let account = store::accounts::find_by_login(db, &name).await?;
            let hash = match &account {
                Some(account) => store::credentials::find_password(db, account.id).await?,
                None => None,
            };
            Ok((account, hash))
        })
        .await?;
    let Ok(verdict) = app.passwords.verify(hash.clone(), password.expose()).await else {
        return Ok(Attempt::Busy);
    };
    let Some(account) = account.filter(|account| verdict.matches && !account.disabled) else {
        // Logged, not stored: nobody has proved anything, and strangers must not fill the database.
        tracing::info!("a sign-in was refused");
        return Ok(Attempt::Refused);
    };
    app.limits.reset("sign_in_account", &name_here);
    if let (Some(old), Some(new)) = (hash, verdict.rehash) {
        let id = account.id;
        app.store
            .write(async move |db: &mut Conn| {
                store::credentials::replace_password_hash(db, id, &old, &new).await
            })
            .await?;
    }
    Ok(Attempt::Proved(Box::new(account)))
}

/// Whether the account has a second factor, which it then must prove.
pub async fn has_second_factor(app: &App, id: AccountId) -> Result<bool, StoreError> {
    let factors = app
        .store
        .read(async move |db: &mut Conn| store::credentials::list_totp(db, id).await)
        .await?;
    Ok(!factors.is_empty())
}

/// What came of a one-time password or a recovery code.
#[derive(Debug)]
pub enum SecondFactor {
    /// It was good, and is used up.
    Proved(Factor),
    /// Wrong, late or used.
    Refused,
    /// Too many attempts lately.
    TooMany(RetryAfter),
}

/// Checks a one-time password (RFC 6238), or a recovery code, and uses it up.
pub async fn second_factor(app: &App, id: AccountId, code: &Secret) -> Result<SecondFactor, StoreError> {
    let now = app.now();
    let key = id.to_string();
    let rate = app.config.rate_limits.sign_in_per_account;
    if let Err(retry_after) = app.limits.check("second_factor", &key, rate.count, rate.per, now) {
        return Ok(SecondFactor::TooMany(retry_after));
    }
    let factors = app
        .store
        .read(async move |db: &mut Conn| store::credentials::list_totp(db, id).await)
        .await?;
    let mut claim = None;
    for factor in &factors {
        let Some(seed) = app
            .sealer
            .open(&format!("totp/{}", factor.id), &factor.secret_sealed)
        else {
            tracing::error!(totp.id = %factor.id, "a TOTP secret cannot be opened with this master key");
            continue;
        };
        if let Some(step) = totp::verify(&seed, code.expose(), now) {
            claim = Some((factor.id, step));
        }
    }
    let recovery = recovery_hash(code.expose());
    let event = Event::now(app, "second_factor.refused").account(id).failed();
    let proved = app
        .store
        .write(async move |db: &mut Conn| {
            if let Some((factor, step)) = claim
                && store::credentials::claim_totp_step(db, factor, step, now).await?
            {
                return Ok(Some(Factor::Totp));
            }
            if store::credentials::consume_recovery_code(db, id, &recovery, now).await? {
                return Ok(Some(Factor::RecoveryCode));
            }
            event.record(db).await?;
            Ok(None)
        })
        .await?;
    if proved.is_some() {
        app.limits.reset("second_factor", &key);
    }
    Ok(proved.map_or(SecondFactor::Refused, SecondFactor::Proved))
}

/// Recovery codes are typed by hand: case, spaces and hyphens do not count.
pub fn recovery_hash(code: &str) -> TokenHash {
    let plain: String = code.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
    TokenHash::of(&plain.to_ascii_lowercase())
}
