//! Why somebody cannot sign in: each thing that sign-in asks for, in the order it is asked.

use protocol::id::AccountId;
use protocol::session::MfaPolicy;
use protocol::time::Timestamp;
use store::{Account, Conn, StoreError, audit};

use super::Check;
use crate::config::Accounts;
use crate::pages::machine_time;

/// All that sign-in depends on.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The account.
    pub account: Account,
    /// When it is to be erased.
    pub erase_at: Option<Timestamp>,
    /// Wrong passwords in a row; nothing when there is no password.
    pub password_failures: Option<i64>,
    /// Second factors refused in a row.
    pub factor_failures: i64,
    /// Generators of one-time codes.
    pub generators: usize,
    /// Passkeys.
    pub passkeys: usize,
    /// Recovery codes that are left.
    pub recovery_codes: i64,
    /// Sign-ins at other providers.
    pub identities: usize,
    /// What the account and its roles say about second factors.
    pub mfa: [Option<MfaPolicy>; 2],
    /// Roles that it held until lately.
    pub expired_roles: Vec<(String, Timestamp)>,
    /// What was refused last, newest first.
    pub refused: Vec<audit::Event>,
}

/// How many refusals are told.
const REFUSED: i64 = 5;

impl Facts {
    /// Reads them; nothing when there is no such account.
    pub async fn find(db: &mut Conn, id: AccountId, now: Timestamp) -> Result<Option<Facts>, StoreError> {
        let Some(account) = store::accounts::find(db, id).await? else {
            return Ok(None);
        };
        let authority = store::roles::authority(db, id, now).await?;
        let assignments = store::roles::list_assignments(db, id).await?;
        let expired = |at: &Timestamp| *at <= now;
        let filter = audit::Filter {
            account_id: Some(id),
            outcome: Some("failure".to_owned()),
            ..audit::Filter::default()
        };
        Ok(Some(Facts {
            erase_at: store::erasure::due_at(db, id).await?,
            password_failures: store::passwords::find(db, id)
                .await?
                .map(|stored| stored.failures),
            factor_failures: store::factors::failures(db, id).await?,
            generators: store::credentials::list_totp(db, id).await?.len(),
            passkeys: store::passkeys::list(db, id).await?.len(),
            recovery_codes: store::credentials::count_recovery_codes(db, id).await?,
            identities: store::upstream_identities::list(db, id).await?.len(),
            mfa: [account.mfa, authority.mfa],
            expired_roles: assignments
                .into_iter()
                .filter_map(|held| Some((held.role, held.expires_at.filter(expired)?)))
                .collect(),
            refused: audit::list(db, &filter, REFUSED).await?,
            account,
        }))
    }

    /// What each check says.
    pub fn checks(&self, config: &Accounts) -> Vec<Check> {
        let mut checks = vec![
            self.state(),
            self.first_factor(),
            self.password(config),
            self.second_factor(config),
            self.factors(config),
            self.new_password(),
            self.address(),
        ];
        checks.extend(self.expired_roles.iter().map(|(role, at)| {
            let finding = format!("the role {role} ended {}", machine_time(at.0));
            Check::notice(
                "roles",
                finding,
                format!("give the role {role} again where it is still needed"),
            )
        }));
        checks.push(self.refusals());
        checks
    }

    fn state(&self) -> Check {
        let name = "state";
        match (self.account.disabled, self.erase_at) {
            (_, Some(at)) => Check::problem(
                name,
                format!("the account is shut and will be erased {}", machine_time(at.0)),
                "enable it before that moment; the link in its holder's mail does that too, unless somebody shut it since",
            ),
            (true, None) => Check::problem(name, "the account is disabled", "enable it"),
            (false, None) => Check::ok(name, "the account may sign in"),
        }
    }

    fn first_factor(&self) -> Check {
        let name = "first factor";
        let mut ways = Vec::new();
        if self.password_failures.is_some() {
            ways.push("a password");
        }
        if self.passkeys > 0 {
            ways.push("a passkey");
        }
        if self.identities > 0 {
            ways.push("another provider");
        }
        if ways.is_empty() {
            return Check::problem(
                name,
                "there is no password, no passkey and no other provider to sign in with",
                "send a link to a new password",
            );
        }
        Check::ok(name, format!("can sign in with {}", ways.join(" or ")))
    }

    fn password(&self, config: &Accounts) -> Check {
        let (name, most) = ("wrong passwords", i64::from(config.max_failures));
        match self.password_failures {
            Some(failures) if failures >= most => Check::problem(
                name,
                format!("{failures} wrong passwords in a row: only browsers that signed in before may try"),
                "unlock the account, or let its holder set a new password with the link for a forgotten one",
            ),
            Some(failures) if failures > 0 => Check::notice(
                name,
                format!("{failures} wrong passwords in a row; after {most} only known browsers may try"),
                "nothing to do; a network that tries too often waits and may go on by itself",
            ),
            _ => Check::ok(name, "none in a row"),
        }
    }

    fn second_factor(&self, config: &Accounts) -> Check {
        let name = "second factor";
        let enrolled = self.generators + self.passkeys > 0;
        match (MfaPolicy::effective(self.mfa, config.mfa), enrolled) {
            (MfaPolicy::Required, false) => Check::notice(
                name,
                "a second factor is required and none is set up",
                "the next sign-in asks to set one up; the password grant refuses until then",
            ),
            (MfaPolicy::Off, true) => Check::ok(name, "set up, and not asked for"),
            (_, true) if self.recovery_codes == 0 => Check::notice(
                name,
                "set up, without recovery codes: whoever loses the device cannot sign in",
                "ask the holder to make recovery codes; if the device is lost, remove the second factors",
            ),
            (_, true) => Check::ok(
                name,
                format!("set up, with {} recovery codes", self.recovery_codes),
            ),
            (_, false) => Check::ok(name, "not set up and not required"),
        }
    }

    fn factors(&self, config: &Accounts) -> Check {
        let (name, most) = ("wrong codes", i64::from(config.max_failures));
        match self.factor_failures {
            failures if failures >= most => Check::problem(
                name,
                format!("{failures} second factors were refused in a row, and none is tried any more"),
                "unlock the account; if the device is lost, remove the second factors",
            ),
            failures if failures > 0 => Check::notice(
                name,
                format!("{failures} second factors were refused in a row"),
                "check the clock of the device that shows the codes",
            ),
            _ => Check::ok(name, "none in a row"),
        }
    }

    fn new_password(&self) -> Check {
        if self.account.must_change_password {
            let finding = "a new password must be chosen at the next sign-in";
            let remedy = "the sign-in page asks for it; the password grant refuses until then";
            return Check::notice("new password", finding, remedy);
        }
        Check::ok("new password", "none has to be chosen")
    }

    fn address(&self) -> Check {
        let name = "e-mail address";
        match (&self.account.email, self.account.email_verified) {
            (None, _) => Check::notice(
                name,
                "there is none, so no link can be mailed",
                "add an address, or hand over a link to a new password",
            ),
            (Some(_), false) => Check::notice(
                name,
                "it was never proved to be the holder's",
                "its holder can confirm it on the account page",
            ),
            (Some(_), true) => Check::ok(name, "proved to be the holder's"),
        }
    }

    fn refusals(&self) -> Check {
        let told = |event: &audit::Event| format!("{} {}", machine_time(event.at.0), event.kind);
        let told: Vec<String> = self.refused.iter().map(told).collect();
        if told.is_empty() {
            return Check::ok("refused lately", "nothing on record");
        }
        let remedy = "look at these events in the audit trail; their request ids lead to what was sent";
        Check::notice("refused lately", told.join(", "), remedy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::declarative::blank_account;
    use crate::diagnosis::{Level, worst};

    fn fit() -> Facts {
        let mut account = blank_account("ada", Timestamp(1));
        account.email = Some("ada@example.test".to_owned());
        account.email_verified = true;
        Facts {
            account,
            erase_at: None,
            password_failures: Some(0),
            factor_failures: 0,
            generators: 1,
            passkeys: 0,
            recovery_codes: 10,
            identities: 0,
            mfa: [None, None],
            expired_roles: Vec::new(),
            refused: Vec::new(),
        }
    }

    #[test]
    fn an_account_that_can_sign_in_passes_each_check() {
        let checks = fit().checks(&Accounts::default());
        assert_eq!(worst(&checks), Level::Ok, "{checks:?}");
    }

    #[test]
    fn each_hindrance_is_named_with_its_remedy() {
        type Change = fn(&mut Facts);
        let most = i64::from(Accounts::default().max_failures);
        assert!(most <= 100);
        let cases: [(Change, &str, Level); 10] = [
            (|f| f.account.disabled = true, "state", Level::Problem),
            (|f| f.erase_at = Some(Timestamp(9)), "state", Level::Problem),
            (|f| f.password_failures = None, "first factor", Level::Problem),
            (
                |f| f.password_failures = Some(100),
                "wrong passwords",
                Level::Problem,
            ),
            (
                |f| f.password_failures = Some(1),
                "wrong passwords",
                Level::Notice,
            ),
            (|f| f.factor_failures = 100, "wrong codes", Level::Problem),
            (|f| f.recovery_codes = 0, "second factor", Level::Notice),
            (
                |f| f.account.must_change_password = true,
                "new password",
                Level::Notice,
            ),
            (
                |f| f.account.email_verified = false,
                "e-mail address",
                Level::Notice,
            ),
            (
                |f| f.expired_roles = vec![("editor".to_owned(), Timestamp(5))],
                "roles",
                Level::Notice,
            ),
        ];
        for (change, name, level) in cases {
            let mut facts = fit();
            change(&mut facts);
            let checks = facts.checks(&Accounts::default());
            let found = checks.iter().find(|check| check.level != Level::Ok);
            let found = found.unwrap_or_else(|| panic!("{name} is not noticed"));
            assert_eq!((found.name, found.level), (name, level));
            assert!(found.remedy.is_some());
        }
    }

    #[test]
    fn a_factor_that_is_required_and_missing_is_a_notice() {
        let facts = Facts {
            generators: 0,
            mfa: [None, Some(MfaPolicy::Required)],
            ..fit()
        };
        let checks = facts.checks(&Accounts::default());
        assert!(
            checks
                .iter()
                .any(|c| c.name == "second factor" && c.level == Level::Notice)
        );
    }
}
