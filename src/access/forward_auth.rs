//! `/forward-auth`: whether a request that a proxy holds may pass (nginx `auth_request`, Traefik ForwardAuth, Caddy
//! `forward_auth`). What is needed stands in the query, which the proxy's own configuration writes. 200 lets the
//! request pass, with headers about who sends it for what is behind the proxy; 401 and 403 do not.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use protocol::access::{Entity, ID_LENGTH, NAME_LENGTH, TYPE_LENGTH, is_text, permission_for};
use protocol::api_key;
use protocol::permission::{self, ALL};
use protocol::role::{Authority, narrow};
use protocol::scope::Scope;

use super::decision;
use crate::app::App;
use crate::bearer::refusal::ApiRefusal;
use crate::error::{BearerRefusal, Error, Problem};
use crate::web::form::Params;
use caller::{Caller, Refused};

mod caller;
mod sign_in;

type Refusal = Error<ApiRefusal>;

/// What the proxy's configuration asks for.
#[derive(Debug, Default)]
struct Needed {
    scope: Scope,
    permissions: Vec<String>,
    on: Option<(Entity, String)>,
    audience: Option<String>,
    redirect: bool,
}

/// A mistake in the proxy's configuration; nothing passes until it is put right.
fn wrong(detail: &'static str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, detail)
}

impl Needed {
    fn parse(query: Option<&str>) -> Result<Needed, Problem> {
        let params = Params::from_query(query, &["permission"])
            .map_err(|_| wrong("the query is malformed or repeats a parameter"))?;
        let mut needed = Needed::default();
        let (mut resource, mut action) = (None, None);
        for (name, value) in params.iter() {
            match name {
                "scope" => needed.scope = value.parse().map_err(|_| wrong("scope: is not a scope"))?,
                "permission" if is_text(value, NAME_LENGTH) => needed.permissions.push(value.to_owned()),
                "resource" => resource = Some(entity(value)?),
                "action" if is_text(value, NAME_LENGTH) => action = Some(value.to_owned()),
                "audience" => needed.audience = Some(value.to_owned()),
                "redirect" => needed.redirect = value == "1",
                _ => {
                    let detail =
                        "the query may hold scope, permission, resource with action, audience and redirect";
                    return Err(wrong(detail));
                }
            }
        }
        needed.on = match (resource, action) {
            (Some(resource), Some(action)) => Some((resource, action)),
            (None, None) => None,
            _ => return Err(wrong("resource and action belong together")),
        };
        Ok(needed)
    }
}

/// `TYPE/ID`
fn entity(text: &str) -> Result<Entity, Problem> {
    let parts = text.split_once('/');
    let (kind, id) = parts
        .filter(|(kind, id)| is_text(kind, TYPE_LENGTH) && is_text(id, ID_LENGTH))
        .ok_or_else(|| wrong("resource: must be TYPE/ID"))?;
    Ok(Entity {
        kind: kind.to_owned(),
        id: id.to_owned(),
    })
}

/// Answers the proxy.
pub(super) async fn answer(State(app): State<Arc<App>>, request: Parts) -> Response {
    let needed = match Needed::parse(request.uri.query()) {
        Ok(needed) => needed,
        Err(problem) => return problem.into_response(),
    };
    let refused = match Caller::find(&app, &request, needed.audience.as_deref()).await {
        Ok(caller) => {
            return match allow(&app, &caller, &needed).await {
                Ok(scope) => pass(&caller, &scope),
                Err(error) => error.into_response(),
            };
        }
        Err(refused) => refused,
    };
    match refused {
        Refused::Nobody if needed.redirect => match sign_in::begin(&app, &request).await {
            Some(answer) => answer,
            None => Refusal::from(BearerRefusal::NoToken).into_response(),
        },
        Refused::Nobody => Refusal::from(BearerRefusal::NoToken).into_response(),
        Refused::Credential(answer) => *answer,
    }
}

/// The scope that the caller comes with, when it may do all that is needed.
async fn allow(app: &App, caller: &Caller, needed: &Needed) -> Result<Scope, Refusal> {
    let forbidden = |detail: &'static str| Refusal::from(Problem::new(StatusCode::FORBIDDEN, detail));
    let definitions = &app.catalogue().await?.scopes;
    let scope = match (&caller.scope, &caller.held) {
        // What was taken from the account since the token was made counts no more.
        (Some(scope), Some(held)) => narrow(scope, scope, definitions, &held.authority),
        (Some(scope), None) => scope.clone(),
        (None, _) if caller.by_key => {
            api_key::narrow(&needed.scope, &caller.brought, &caller.authority(), definitions)
        }
        (None, _) => narrow(&needed.scope, &needed.scope, definitions, &caller.authority()),
    };
    if !needed.scope.iter().all(|token| scope.contains(token)) {
        return Err(forbidden("this needs a scope that was not brought along"));
    }
    if !needed
        .permissions
        .iter()
        .all(|permission| caller.holds(permission))
    {
        return Err(forbidden("this needs a permission that is not held"));
    }
    if let Some((resource, action)) = &needed.on {
        let permission = permission_for(&resource.kind, action);
        let may = match &caller.held {
            _ if !caller.brings(&permission) => false,
            Some(held) => decision::on(app, held, action, resource).await?.decision,
            None => true,
        };
        if !may {
            return Err(forbidden("this may not be done to this thing"));
        }
    }
    Ok(scope)
}

/// Lets the request pass. Each header is always there, so that one that a stranger sent is replaced by it.
fn pass(caller: &Caller, scope: &Scope) -> Response {
    let mut answer = StatusCode::OK.into_response();
    let headers = answer.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    put(headers, "x-auth-subject", &plain(&caller.subject));
    put(headers, "x-auth-username", &plain(caller.username()));
    put(headers, "x-auth-scope", &scope.to_string());
    let roles: Vec<String> = caller.roles().iter().map(|role| plain(role)).collect();
    put(headers, "x-auth-roles", &roles.join(","));
    answer
}

fn put(headers: &mut HeaderMap, name: &'static str, value: &str) {
    let value = HeaderValue::try_from(value).unwrap_or(HeaderValue::from_static(""));
    headers.insert(HeaderName::from_static(name), value);
}

/// A text as it may stand in a header: what is not plain, or parts a list, is percent-encoded.
fn plain(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::new(), |mut plain, byte| {
        match byte {
            b'%' | b',' | b'"' | b'\\' => {
                let _ = write!(plain, "%{byte:02X}");
            }
            b'!'..=b'~' => plain.push(char::from(byte)),
            _ => {
                let _ = write!(plain, "%{byte:02X}");
            }
        }
        plain
    })
}

impl Caller {
    /// Whether what it came with lets a permission through.
    fn brings(&self, permission: &str) -> bool {
        permission::covers(&self.brought, permission)
    }

    /// Whether it holds a permission everywhere, and came with it.
    fn holds(&self, permission: &str) -> bool {
        let held = self.held.as_ref();
        self.brings(permission) && held.is_none_or(|held| held.authority.holds(permission))
    }

    /// What it may do here.
    fn authority(&self) -> Authority {
        let permissions: BTreeSet<String> = match &self.held {
            None => self.brought.clone(),
            Some(held) if self.brought.contains(ALL) => held.authority.permissions.clone(),
            Some(held) => {
                let named = self.brought.iter();
                named
                    .filter(|permission| held.authority.holds(permission))
                    .cloned()
                    .collect()
            }
        };
        Authority {
            permissions,
            ..Authority::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_in_the_configuration_lets_nothing_pass() {
        for query in [
            "permision=x",
            "permission=%00",
            "resource=docs/1",
            "action=read",
            "resource=docs&action=read",
            "resource=/1&action=read",
            "scope=a&scope=b",
            "scope=%22",
        ] {
            assert!(Needed::parse(Some(query)).is_err(), "{query}");
        }
        let needed = Needed::parse(Some(
            "permission=a&permission=b&scope=c+d&resource=docs/1/2&action=read&redirect=1",
        ))
        .unwrap();
        assert_eq!(needed.permissions, ["a", "b"]);
        assert!(needed.scope.contains("c") && needed.scope.contains("d") && needed.redirect);
        let (resource, action) = needed.on.unwrap();
        assert_eq!(
            (resource.kind.as_str(), resource.id.as_str(), action.as_str()),
            ("docs", "1/2", "read")
        );
        assert!(Needed::parse(None).is_ok());
    }

    #[test]
    fn a_header_holds_nothing_but_plain_text() {
        for (text, expected) in [
            ("alice", "alice"),
            ("a\r\nX-Auth-Roles: admin", "a%0D%0AX-Auth-Roles:%20admin"),
            ("a,b", "a%2Cb"),
            ("50%", "50%25"),
            ("é", "%C3%A9"),
        ] {
            assert_eq!(plain(text), expected);
        }
    }
}
