//! Whose account an upstream's person is. Only issuer and subject say so by themselves; a mail address does where
//! both sides are known to have verified it and the upstream is the authority for its domain.

use crate::account::{check_username, is_reserved};

use super::Person;

/// An account here whose mail address is the one the upstream names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Local {
    /// Whether its holder proved the address to us.
    pub email_verified: bool,
    /// Whether it may not sign in.
    pub disabled: bool,
    /// Whether another person of the same upstream is connected to it: then the address has changed hands there.
    pub has_identity_there: bool,
}

/// All that the verdict depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkingFacts {
    /// Whether the account that issuer and subject are connected to may not sign in; none when they are unknown.
    pub known_disabled: Option<bool>,
    /// Whether the upstream says the address is verified, and is trusted for its domain.
    pub vouched: bool,
    /// The account with that address.
    pub local: Option<Local>,
    /// Whether the upstream may bring new accounts.
    pub create_accounts: bool,
}

/// What happens to somebody who comes from an upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The account they are connected to goes on.
    SignIn,
    /// The account with their address is connected and goes on.
    Link,
    /// They get an account with the address that was vouched for.
    Create,
    /// They say whether they have an account here, and prove it, or whether they want one. What is asked does not
    /// depend on whose addresses we know.
    Ask {
        /// Whether they may have a new one.
        may_create: bool,
    },
    /// Nothing.
    Refuse,
}

/// Decides.
pub fn decide(facts: &LinkingFacts) -> Verdict {
    match facts.known_disabled {
        Some(true) => return Verdict::Refuse,
        Some(false) => return Verdict::SignIn,
        None => {}
    }
    let ask = Verdict::Ask {
        may_create: facts.create_accounts,
    };
    // What an upstream cannot vouch for must neither sign in nor tell whether we know the address.
    if !facts.vouched {
        return ask;
    }
    match facts.local {
        // An address that was never proved here may have been entered by somebody else, to lie in wait.
        Some(local) if local.email_verified && !local.disabled && !local.has_identity_there => Verdict::Link,
        Some(_) => ask,
        None if facts.create_accounts => Verdict::Create,
        None => ask,
    }
}

/// A user name for a new account: what the person likes, else the start of their address, made to fit our rules.
/// Names that are reserved are not given away.
pub fn username_candidate(person: &Person, reserved: &[String]) -> Option<String> {
    let local_part = person.email.as_deref().and_then(|email| email.split('@').next());
    [person.preferred_username.as_deref(), local_part]
        .into_iter()
        .flatten()
        .map(fit)
        .find(|name| check_username(name).is_ok() && !is_reserved(name, reserved))
}

/// The part before an `@`, in lower case, with `-` for what a user name may not hold.
fn fit(text: &str) -> String {
    let text = text.split('@').next().unwrap_or_default();
    let mut name = String::new();
    for c in text.chars().take(100) {
        let c = match c.to_ascii_lowercase() {
            c if c.is_ascii_alphanumeric() || c == '_' => c,
            _ if name.ends_with('-') => continue,
            _ => '-',
        };
        name.push(c);
    }
    let fitting: String = name.trim_matches('-').chars().take(40).collect();
    fitting.trim_end_matches('-').to_owned()
}
