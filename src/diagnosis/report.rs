//! How safe an account is, and what would make it safer.

use std::collections::BTreeSet;

use protocol::id::AccountId;
use protocol::permission;
use protocol::session::MfaPolicy;
use protocol::time::Timestamp;
use serde::Serialize;
use store::{Conn, StoreError};
use utoipa::ToSchema;

use super::Check;
use super::sign_in::Facts;
use crate::config::Accounts;

const DAY: i64 = 86_400;
/// After how many days without a sign-in rights are a risk.
const UNUSED: i64 = 90;
/// The most apps and sessions that anybody keeps an eye on.
const MANY: usize = 10;

/// How much there is to fear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// Nothing in particular.
    Low,
    /// Something ought to be done.
    Medium,
    /// Something ought to be done now.
    High,
}

/// How safe an account is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = SecurityReport)]
pub struct Report {
    /// All in all.
    pub risk: Risk,
    /// What was looked at. A problem makes the risk high, two notices make it medium.
    pub checks: Vec<Check>,
}

/// What a report depends on beside what sign-in does.
#[derive(Clone, Debug)]
pub struct Holdings {
    /// What it takes to sign in.
    pub facts: Facts,
    /// What it may do.
    pub permissions: BTreeSet<String>,
    /// Whether the password is kept as strongly as the server keeps them.
    pub password_is_current: bool,
    /// Live sessions.
    pub sessions: usize,
    /// Clients that may act for it.
    pub apps: usize,
    /// Live API keys, and how many of them never end.
    pub api_keys: (usize, usize),
}

impl Holdings {
    /// Reads them; nothing when there is no such account.
    pub async fn find(db: &mut Conn, id: AccountId, now: Timestamp) -> Result<Option<Holdings>, StoreError> {
        let Some(facts) = Facts::find(db, id, now).await? else {
            return Ok(None);
        };
        let hash = store::credentials::find_password(db, id).await?;
        let granted = store::grants::list_granted(db, id).await?;
        let apps: BTreeSet<_> = granted.iter().map(|app| app.client_id.as_str()).collect();
        let keys = store::api_keys::list(db, id, 1000).await?;
        let live = keys
            .iter()
            .filter(|key| key.revoked_at.is_none() && key.expires_at.is_none_or(|at| at > now));
        let (live, endless) = live.fold((0, 0), |(live, endless), key| {
            (live + 1, endless + usize::from(key.expires_at.is_none()))
        });
        Ok(Some(Holdings {
            permissions: store::roles::authority(db, id, now).await?.permissions,
            password_is_current: hash.is_none_or(|hash| hash.starts_with("$argon2id$")),
            sessions: store::sessions::list(db, id, now).await?.len(),
            apps: apps.len(),
            api_keys: (live, endless),
            facts,
        }))
    }

    /// The report.
    pub fn report(&self, config: &Accounts, now: Timestamp) -> Report {
        let checks = vec![
            self.second_factor(config),
            self.rights(),
            self.unused(now),
            self.password(),
            self.guessing(config),
            self.address(),
            self.api_keys(),
            self.open(),
        ];
        let problems = checks
            .iter()
            .filter(|check| check.level == super::Level::Problem)
            .count();
        let notices = checks
            .iter()
            .filter(|check| check.level == super::Level::Notice)
            .count();
        let risk = match (problems, notices) {
            (0, 0 | 1) => Risk::Low,
            (0, _) => Risk::Medium,
            _ => Risk::High,
        };
        Report { risk, checks }
    }

    /// Whether it may look after other accounts or the server.
    fn is_privileged(&self) -> bool {
        let own = |name: &String| name == permission::ALL || permission::is_own(name);
        self.permissions.iter().any(own)
    }

    fn second_factor(&self, config: &Accounts) -> Check {
        let name = "second factor";
        let enrolled = self.facts.generators + self.facts.passkeys > 0;
        let asked = MfaPolicy::effective(self.facts.mfa, config.mfa) != MfaPolicy::Off;
        match (enrolled && asked, self.is_privileged()) {
            (true, _) if self.facts.passkeys > 0 => Check::ok(name, "a passkey, which cannot be phished"),
            (true, true) => Check::notice(
                name,
                "codes that can be phished guard administrative rights",
                "add a passkey",
            ),
            (true, false) => Check::ok(name, "codes"),
            (false, true) => Check::problem(
                name,
                "administrative rights are guarded by a password alone",
                "set up a second factor, and require one for these roles (mfa = \"required\")",
            ),
            (false, false) => Check::notice(name, "a password alone", "set up a second factor"),
        }
    }

    fn rights(&self) -> Check {
        let name = "rights";
        if self.permissions.contains(permission::ALL) {
            return Check::notice(
                name,
                "may do everything",
                "use an account with fewer rights for daily work",
            );
        }
        Check::ok(name, format!("{} permissions", self.permissions.len()))
    }

    fn unused(&self, now: Timestamp) -> Check {
        let name = "last sign-in";
        let last = self
            .facts
            .account
            .last_login_at
            .unwrap_or(self.facts.account.created_at);
        let days = now.since(last) / DAY;
        if days < UNUSED {
            return Check::ok(name, format!("{days} days ago"));
        }
        let finding = format!("{days} days without a sign-in");
        if self.is_privileged() {
            return Check::problem(
                name,
                finding,
                "take the administrative rights away, or disable the account",
            );
        }
        Check::notice(name, finding, "disable the account if nobody needs it")
    }

    fn password(&self) -> Check {
        let name = "password";
        if self.password_is_current {
            return Check::ok(name, "kept as all passwords are here");
        }
        Check::notice(
            name,
            "kept as another system hashed it, until its holder signs in",
            "send a link to a new password if the other system may have leaked",
        )
    }

    fn guessing(&self, config: &Accounts) -> Check {
        let name = "guessing";
        let wrong = self
            .facts
            .password_failures
            .unwrap_or(0)
            .max(self.facts.factor_failures);
        if wrong >= i64::from(config.max_failures) {
            return Check::problem(
                name,
                format!("{wrong} wrong tries in a row: somebody guesses"),
                "send a link to a new password, then unlock the account",
            );
        }
        Check::ok(name, format!("{wrong} wrong tries in a row"))
    }

    fn address(&self) -> Check {
        let name = "e-mail address";
        let account = &self.facts.account;
        if account.email.is_some() && !account.email_verified {
            let finding = "not proved, and links to new passwords go there";
            return Check::notice(name, finding, "let the holder confirm it");
        }
        Check::ok(name, "nothing to say")
    }

    fn api_keys(&self) -> Check {
        let name = "API keys";
        match self.api_keys {
            (live, 0) => Check::ok(name, format!("{live} keys")),
            (live, endless) => Check::notice(
                name,
                format!("{endless} of {live} keys never end"),
                "replace them by keys with an end, or set api_keys.max_lifetime",
            ),
        }
    }

    fn open(&self) -> Check {
        let name = "what is open";
        let finding = format!("{} sessions and {} apps", self.sessions, self.apps);
        if self.sessions + self.apps > MANY {
            return Check::notice(name, finding, "end what is not used any more");
        }
        Check::ok(name, finding)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::declarative::blank_account;

    fn holdings(permissions: &[&str]) -> Holdings {
        let mut account = blank_account("ada", Timestamp(1));
        account.email_verified = true;
        account.last_login_at = Some(Timestamp(1000));
        Holdings {
            facts: Facts {
                account,
                erase_at: None,
                password_failures: Some(0),
                factor_failures: 0,
                generators: 0,
                passkeys: 1,
                recovery_codes: 10,
                identities: 0,
                mfa: [None, None],
                expired_roles: Vec::new(),
                refused: Vec::new(),
            },
            permissions: permissions.iter().map(|name| (*name).to_owned()).collect(),
            password_is_current: true,
            sessions: 1,
            apps: 1,
            api_keys: (1, 0),
        }
    }

    #[test]
    fn the_risk_follows_from_what_is_found() {
        type Change = fn(&mut Holdings);
        let none: Change = |_| {};
        let no_factor: Change = |h| h.facts.passkeys = 0;
        let cases: [(&[&str], Change, i64, Risk); 8] = [
            (&[], none, 0, Risk::Low),
            (&["books:read"], no_factor, 0, Risk::Low),
            (&["accounts:write"], no_factor, 0, Risk::High),
            (&["*"], none, 0, Risk::Low),
            (&["books:read"], none, 100, Risk::Low),
            (&["accounts:read"], none, 100, Risk::High),
            (
                &[],
                |h| (h.password_is_current, h.api_keys) = (false, (2, 1)),
                0,
                Risk::Medium,
            ),
            (&[], |h| h.facts.password_failures = Some(100), 0, Risk::High),
        ];
        for (permissions, change, days, risk) in cases {
            let mut held = holdings(permissions);
            change(&mut held);
            let now = Timestamp(1000 + days * DAY);
            let report = held.report(&Accounts::default(), now);
            assert_eq!(report.risk, risk, "{permissions:?} {days}: {report:?}");
        }
    }
}
