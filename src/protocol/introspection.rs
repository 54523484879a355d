//! Token introspection (RFC 7662).

use std::collections::BTreeSet;

use serde::{Serialize, Serializer};

use crate::access_token::Audience;
use crate::scope::Scope;
use crate::session::Acr;
use crate::time::Timestamp;

/// The answer to a question about a token (RFC 7662 §2.2). An inactive one says nothing else.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Introspection {
    /// Whether the token is good.
    pub active: bool,
    /// What it allows.
    #[serde(skip_serializing_if = "Scope::is_empty")]
    pub scope: Scope,
    /// To whom it was issued.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The name of the account, for people to read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// How it is used (RFC 6749 §7.1); none for a refresh token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_type: Option<&'static str>,
    /// When it ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exp: Option<Timestamp>,
    /// When it was issued.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iat: Option<Timestamp>,
    /// Whose authority it carries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
    /// The resource servers it is for.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "audience")]
    pub aud: Vec<String>,
    /// Who issued it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iss: Option<String>,
    /// Its identifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jti: Option<String>,
    /// The class reached (RFC 9470 §6.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acr: Option<Acr>,
    /// When the account holder proved a factor (RFC 9470 §6.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<Timestamp>,
    /// The browser session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// The account's roles.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub roles: BTreeSet<String>,
    /// The account's permissions.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub permissions: BTreeSet<String>,
}

impl Introspection {
    /// The one answer for each token that is not good, or not the asker's business.
    pub fn inactive() -> Introspection {
        Introspection::default()
    }
}

fn audience<S: Serializer>(aud: &[String], serializer: S) -> Result<S::Ok, S::Error> {
    Audience(aud).serialize(serializer)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_inactive_token_says_nothing_else() {
        assert_eq!(
            serde_json::to_string(&Introspection::inactive()).unwrap(),
            r#"{"active":false}"#
        );
    }

    #[test]
    fn an_active_token_tells_what_it_holds() {
        let answer = Introspection {
            active: true,
            scope: "a b".parse().unwrap(),
            token_type: Some("Bearer"),
            exp: Some(Timestamp(5)),
            aud: vec!["https://api.example.test/".into()],
            acr: Some(Acr::MultiFactor),
            roles: BTreeSet::from(["user".into()]),
            ..Default::default()
        };
        assert_eq!(
            serde_json::to_value(&answer).unwrap(),
            json!({
                "active": true, "scope": "a b", "token_type": "Bearer", "exp": 5, "acr": "2", "roles": ["user"],
                "aud": "https://api.example.test/",
            })
        );
    }
}
