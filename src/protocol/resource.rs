//! Resource indicators and audiences (RFC 8707).

use url::Url;

use crate::client::Client;
use crate::error::{ErrorCode, OAuthError};
use crate::permission;
use crate::role::{ACCOUNT_READ, ACCOUNT_WRITE, ResourceServer, STANDARD_SCOPES};
use crate::scope::Scope;

/// Checks the resources a client asks tokens for (RFC 8707 §2).
pub fn check(asked: &[String], client: &Client) -> Result<(), OAuthError> {
    for resource in asked {
        let well_formed = Url::parse(resource).is_ok_and(|uri| uri.fragment().is_none());
        if !well_formed || !client.resources.contains(resource) {
            return Err(OAuthError::new(
                ErrorCode::InvalidTarget,
                "resource must be an absolute URI without fragment that the client is registered for",
            ));
        }
    }
    Ok(())
}

/// Whom a token is for, and what of the scope means something there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The `aud` values.
    pub audience: Vec<String>,
    /// The scope the token carries.
    pub scope: Scope,
}

/// Decides the audience of an access token. Named resources are all of it; without any, the client's
/// resource servers that know a granted scope, and ourselves for the userinfo endpoint and our own APIs.
pub fn target(
    asked: &[String],
    scope: &Scope,
    client: &Client,
    servers: &[ResourceServer],
    issuer: &str,
) -> Target {
    if !asked.is_empty() {
        let known = |token: &str| {
            let mut named = servers.iter().filter(|server| asked.contains(&server.identifier));
            STANDARD_SCOPES.contains(&token)
                || (permission::is_own(token) && asked.iter().any(|resource| resource == issuer))
                || named.any(|server| server.scopes.iter().any(|s| s == token))
        };
        return Target {
            audience: asked.to_vec(),
            scope: scope.retain(known),
        };
    }
    let mut audience: Vec<String> = servers
        .iter()
        .filter(|server| client.resources.contains(&server.identifier))
        .filter(|server| server.scopes.iter().any(|token| scope.contains(token)))
        .map(|server| server.identifier.clone())
        .collect();
    let is_ours =
        |token: &str| ["openid", ACCOUNT_READ, ACCOUNT_WRITE].contains(&token) || permission::is_own(token);
    if audience.is_empty() || scope.iter().any(is_ours) {
        audience.push(issuer.to_owned());
    }
    Target {
        audience,
        scope: scope.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn audiences_follow_the_request_then_the_scope() {
        let servers = [
            ResourceServer {
                identifier: "https://a.test/".into(),
                scopes: vec!["a:read".into()],
            },
            ResourceServer {
                identifier: "https://b.test/".into(),
                scopes: vec!["b:read".into()],
            },
        ];
        let client = Client {
            resources: vec!["https://a.test/".into(), "https://b.test/".into()],
            ..Client::new("c".into())
        };
        for (asked, scope, audience, granted) in [
            (
                vec![],
                "openid a:read",
                vec!["https://a.test/", "https://op.test"],
                "openid a:read",
            ),
            (vec![], "a:read", vec!["https://a.test/"], "a:read"),
            (
                vec![],
                "a:read account:read",
                vec!["https://a.test/", "https://op.test"],
                "a:read account:read",
            ),
            (vec![], "openid", vec!["https://op.test"], "openid"),
            (
                vec!["https://b.test/"],
                "openid a:read b:read",
                vec!["https://b.test/"],
                "openid b:read",
            ),
        ] {
            let asked: Vec<String> = asked.into_iter().map(str::to_owned).collect();
            let scope: Scope = scope.parse().unwrap_or_default();
            let target = target(&asked, &scope, &client, &servers, "https://op.test");
            assert_eq!(target.audience, audience);
            assert_eq!(target.scope.to_string(), granted);
        }
    }

    #[test]
    fn only_registered_resources_may_be_asked_for() {
        let client = Client {
            resources: vec!["https://a.test/".into()],
            ..Client::new("c".into())
        };
        assert!(check(&["https://a.test/".into()], &client).is_ok());
        for resource in [
            "https://b.test/",
            "https://a.test/#x",
            "a.test",
            "",
            "https://a.test",
        ] {
            assert!(check(&[resource.into()], &client).is_err(), "{resource}");
        }
    }
}
