//! Other OpenID providers that people may sign in at: how they are registered here, and what is asked of their
//! answers beyond what every relying party asks.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::client::ClientAuthMethod;
use crate::scope::Scope;

mod id_token;
mod linking;

pub use id_token::{Expected, Person, check_userinfo, read_person};
pub use linking::{LinkingFacts, Local, Verdict, decide, username_candidate};

/// A provider we rely on, as it is registered. Its client secret is kept apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upstream {
    /// The name in addresses and files.
    pub name: String,
    /// The name people see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Its issuer identifier, compared as a raw string.
    pub issuer: String,
    /// Who we are to it.
    pub client_id: String,
    /// How we authenticate at its token endpoint: `client_secret_basic` or `client_secret_post`.
    #[serde(default)]
    pub token_endpoint_auth_method: ClientAuthMethod,
    /// What we ask for.
    #[serde(default = "default_scope")]
    pub scope: Scope,
    /// Domains whose mail addresses are its own to vouch for.
    #[serde(default)]
    pub trusted_email_domains: BTreeSet<String>,
    /// Whether people who have no account here get one.
    #[serde(default)]
    pub create_accounts: bool,
    /// Whether it may be used at all.
    #[serde(default = "yes")]
    pub enabled: bool,
}

fn yes() -> bool {
    true
}

fn default_scope() -> Scope {
    ["openid", "email", "profile"].into_iter().collect()
}

/// Why an upstream cannot be registered: the key, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} {1}")]
pub struct InvalidUpstream(pub &'static str, pub &'static str);

impl Upstream {
    /// An upstream with the defaults and nothing else.
    pub fn new(name: String, issuer: String, client_id: String) -> Upstream {
        Upstream {
            name,
            title: None,
            issuer,
            client_id,
            token_endpoint_auth_method: ClientAuthMethod::default(),
            scope: default_scope(),
            trusted_email_domains: BTreeSet::new(),
            create_accounts: false,
            enabled: true,
        }
    }

    /// The name to show people.
    pub fn display_name(&self) -> &str {
        self.title.as_deref().unwrap_or(&self.name)
    }

    /// Checks what is about to be registered, by any channel.
    pub fn check(&self) -> Result<(), InvalidUpstream> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
        if !(1..=50).contains(&self.name.len()) || !self.name.bytes().all(plain) {
            return Err(InvalidUpstream(
                "name",
                "must be 1 to 50 lower-case letters, digits, - or _",
            ));
        }
        if self.display_name().chars().count() > 100 || self.display_name().chars().any(char::is_control) {
            return Err(InvalidUpstream(
                "title",
                "must be at most 100 characters without line breaks",
            ));
        }
        if !is_issuer(&self.issuer) {
            return Err(InvalidUpstream(
                "issuer",
                "must be an https URL without query and fragment; http is for loopback only",
            ));
        }
        if !(1..=255).contains(&self.client_id.len()) || !self.client_id.bytes().all(|b| b.is_ascii_graphic())
        {
            return Err(InvalidUpstream(
                "client_id",
                "must be 1 to 255 printable ASCII characters without spaces",
            ));
        }
        if !matches!(
            self.token_endpoint_auth_method,
            ClientAuthMethod::ClientSecretBasic | ClientAuthMethod::ClientSecretPost
        ) {
            return Err(InvalidUpstream(
                "token_endpoint_auth_method",
                "must be client_secret_basic or client_secret_post",
            ));
        }
        if !self.scope.contains("openid") {
            return Err(InvalidUpstream("scope", "must hold openid"));
        }
        if self.trusted_email_domains.iter().any(|name| !is_domain(name)) {
            return Err(InvalidUpstream(
                "trusted_email_domains",
                "must be domain names in lower case, such as example.org",
            ));
        }
        Ok(())
    }

    /// Whether the provider's word is enough for who holds this address. Subdomains are domains of their own.
    pub fn vouches_for(&self, email: &str) -> bool {
        email
            .rsplit_once('@')
            .is_some_and(|(_, domain)| self.trusted_email_domains.contains(&domain.to_ascii_lowercase()))
    }
}

fn is_domain(name: &str) -> bool {
    name.len() <= 253
        && name.contains('.')
        && name.split('.').all(|label| {
            !label.is_empty()
                && label
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        })
}

/// Whether anything may be sent there: `https` anywhere, `http` on this very machine, and nobody's password in it.
pub fn is_endpoint(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else { return false };
    let scheme = match url.scheme() {
        "https" => url.has_host(),
        "http" => matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]")),
        _ => false,
    };
    scheme
        && url.username().is_empty()
        && url.password().is_none()
        && url.fragment().is_none()
        && text.bytes().all(|b| b.is_ascii_graphic())
}

fn is_issuer(text: &str) -> bool {
    is_endpoint(text) && !text.contains('?') && text.len() <= 500
}

/// Whether an authorization response with this `iss` may be the issuer's, who may have `promised` to name itself
/// (RFC 9207 §2.4).
pub fn may_have_sent(issuer: &str, promised: bool, iss: Option<&str>) -> bool {
    iss.map_or(!promised, |iss| iss == issuer)
}

#[cfg(test)]
mod tests;
