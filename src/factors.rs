//! Second factors: proving one, whatever its kind, and the list of those an account has.

use protocol::id::AccountId;
use protocol::secret::{Secret, TokenHash};
use protocol::session::{Factor, MfaPolicy};
use protocol::time::Timestamp;
use serde::Serialize;
use serde_json::Value;
use store::{Conn, StoreError};
use uuid::Uuid;

use crate::app::App;
use crate::audit::Event;
use crate::mail::{Letter, Mail};
use crate::rate_limit::{Exceeded, Limit};
use crate::statistics;

pub(crate) mod change;
pub(crate) mod codes_page;
pub(crate) mod foreign;
pub mod passkeys;
pub mod recovery;
pub(crate) mod script;
pub mod totp;

/// What came of a one-time password or a recovery code.
#[derive(Debug)]
pub enum SecondFactor {
    /// It was good, and is used up.
    Proved(Factor),
    /// Wrong, late or used, or too many were wrong before.
    Refused,
    /// Too many attempts lately.
    TooMany(Exceeded),
}

/// Whether the account has a second factor, which it then must prove.
pub async fn has_second_factor(app: &App, id: AccountId) -> Result<bool, StoreError> {
    app.store
        .read(async move |db: &mut Conn| store::credentials::has_second_factor(db, id).await)
        .await
}

/// Checks a one-time password (RFC 6238), or a recovery code, and uses it up. After too many wrong ones in a row
/// none is accepted any more, until a passkey is used or an administrator helps.
pub async fn second_factor(app: &App, id: AccountId, code: &Secret) -> Result<SecondFactor, StoreError> {
    let now = app.now();
    let key = id.to_string();
    if let Err(exceeded) = app.limits.admit(Limit::SecondFactor, &key).await {
        return Ok(SecondFactor::TooMany(exceeded));
    }
    let claim = totp::find_step(app, id, code, now).await?;
    let recovery = recovery_hash(code.expose());
    let max = app.config.accounts.max_failures;
    let refused = Event::now(app, "second_factor.refused").account(id).failed();
    let used = Event::now(app, "recovery_code.used").account(id);
    let told = recovery_letter(app, id, code).await?;
    let proved = app
        .store
        .write(async move |db: &mut Conn| {
            let factor = if !store::factors::charge(db, id, max).await? {
                None
            } else if let Some((generator, step)) = claim
                && store::credentials::claim_totp_step(db, generator, step, now).await?
            {
                Some(Factor::Totp)
            } else if store::credentials::consume_recovery_code(db, id, &recovery, now).await? {
                used.record(db).await?;
                change::queue(db, told.as_ref()).await?;
                Some(Factor::RecoveryCode)
            } else {
                None
            };
            match factor {
                Some(_) => store::factors::forgive(db, id).await.map(drop)?,
                None => refused.record(db).await?,
            }
            Ok(factor)
        })
        .await?;
    if proved.is_some() {
        app.limits.reset(Limit::SecondFactor, &key).await;
    } else {
        let tried = if is_one_time(code) {
            Factor::Totp
        } else {
            Factor::RecoveryCode
        };
        app.statistics
            .count(statistics::Kind::SignInFailure, statistics::factor(tried));
    }
    Ok(proved.map_or(SecondFactor::Refused, SecondFactor::Proved))
}

/// Whether what was typed looks like a one-time password.
fn is_one_time(code: &Secret) -> bool {
    code.expose().chars().all(|c| c.is_ascii_digit() || c == ' ')
}

/// The mail that tells of the use of a recovery code, when what was typed looks like one.
async fn recovery_letter(app: &App, id: AccountId, code: &Secret) -> Result<Option<Letter>, StoreError> {
    if is_one_time(code) {
        return Ok(None);
    }
    let (account, held) = app
        .store
        .read(async move |db: &mut Conn| {
            let account = store::accounts::find(db, id).await?;
            Ok((account, store::credentials::count_recovery_codes(db, id).await?))
        })
        .await?;
    let Some(account) = account else { return Ok(None) };
    let left = usize::try_from(held.saturating_sub(1)).unwrap_or_default();
    let locale = account.claims.get("locale").and_then(Value::as_str);
    let locale = app.pages.locale(locale, None);
    Ok(change::letter(
        app,
        &account,
        locale,
        &Mail::RecoveryCodeUsed { left },
    ))
}

/// Recovery codes are typed by hand: case, spaces and hyphens do not count.
pub fn recovery_hash(code: &str) -> TokenHash {
    let plain: String = code.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
    TokenHash::of(&plain.to_ascii_lowercase())
}

/// The kinds of second factors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// An authenticator app.
    Totp,
    /// A passkey or security key.
    Passkey,
}

impl Kind {
    /// The name in forms.
    pub const fn as_str(self) -> &'static str {
        match self {
            Kind::Totp => "totp",
            Kind::Passkey => "passkey",
        }
    }

    /// The kind of that name.
    pub fn parse(text: &str) -> Option<Kind> {
        match text {
            "totp" => Some(Kind::Totp),
            "passkey" => Some(Kind::Passkey),
            _ => None,
        }
    }
}

/// A second factor as its holder sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// The identifier.
    pub id: Uuid,
    /// What it is.
    pub kind: Kind,
    /// What its holder calls it.
    pub name: String,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it was last used.
    pub last_used_at: Option<Timestamp>,
}

/// How an account stands with second factors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Overview {
    /// Those it has, oldest first within each kind.
    pub factors: Vec<Listed>,
    /// How many recovery codes are left.
    pub recovery_codes: i64,
    /// When they were made.
    pub recovery_codes_made_at: Option<Timestamp>,
    /// Whether it must keep at least one.
    pub required: bool,
}

/// The second factors of an account.
pub async fn list(app: &App, id: AccountId) -> Result<Overview, StoreError> {
    let now = app.now();
    let default = app.config.accounts.mfa;
    app.store
        .read(async move |db: &mut Conn| {
            let generators = store::credentials::list_totp(db, id).await?;
            let generators = generators.into_iter().map(|factor| Listed {
                id: factor.id,
                kind: Kind::Totp,
                name: factor.name,
                created_at: factor.created_at,
                last_used_at: factor.last_used_at,
            });
            let passkeys = store::passkeys::list(db, id).await?;
            let passkeys = passkeys.into_iter().map(|passkey| Listed {
                id: passkey.id,
                kind: Kind::Passkey,
                name: passkey.name,
                created_at: passkey.created_at,
                last_used_at: passkey.last_used_at,
            });
            Ok(Overview {
                factors: generators.chain(passkeys).collect(),
                recovery_codes: store::credentials::count_recovery_codes(db, id).await?,
                recovery_codes_made_at: store::factors::recovery_codes_made(db, id).await?,
                required: policy(db, id, default, now).await? == MfaPolicy::Required,
            })
        })
        .await
}

/// What the account, its roles and the server ask of it together.
pub(crate) async fn policy(
    db: &mut Conn,
    id: AccountId,
    default: MfaPolicy,
    now: Timestamp,
) -> Result<MfaPolicy, StoreError> {
    let account = store::accounts::find(db, id).await?;
    let authority = store::roles::authority(db, id, now).await?;
    let stated = [account.and_then(|account| account.mfa), authority.mfa];
    Ok(MfaPolicy::effective(stated, default))
}

/// The most generators and passkeys of one account.
pub(crate) const MOST: i64 = 20;

/// A name that a person gives a factor: one line without anything that turns or hides text.
pub(crate) fn label(typed: &str, fallback: &str) -> String {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
    };
    let plain: String = typed.chars().filter(|c| !hidden(*c)).collect();
    let words: Vec<&str> = plain.split_whitespace().collect();
    let name: String = words.join(" ").chars().take(64).collect();
    if name.is_empty() {
        fallback.to_owned()
    } else {
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_one_plain_line() {
        for (typed, name) in [
            ("My phone", "My phone"),
            ("  a\u{202e}b \n c ", "ab c"),
            ("", "app"),
            ("\u{200b}\u{0}", "app"),
            ("a\u{61c}\u{ad}\u{e0041}b", "ab"),
        ] {
            assert_eq!(label(typed, "app"), name);
        }
        assert_eq!(label(&"x".repeat(100), "app").len(), 64);
    }
}
