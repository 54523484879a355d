//! What a client may be, and how far it reaches: whoever has its secret, or chooses where its codes go, can do what it
//! can.

use std::collections::BTreeSet;

use protocol::client::{Client, GrantType, InvalidClient};
use protocol::id::ClientId;
use protocol::permission;
use protocol::role::{ACCOUNT_READ, ACCOUNT_WRITE, ResourceServer, ScopeDefinition, is_known};
use serde_json::{Map, Value};

use crate::administration::Refused;

/// So many clients are named by a refusal at most.
const MAX_SHOWN: usize = 5;

/// What whoever reads the accounts of people with their own tokens sees of them.
const SEEN_OF_ACCOUNTS: [&str; 5] = [
    permission::ACCOUNTS_READ,
    permission::ACCOUNTS_EXPORT,
    permission::SESSIONS_READ,
    permission::GRANTS_READ,
    permission::API_KEYS_READ,
];

/// The permissions that come with a client: those of the server's own that its scope names, in whosever name it uses
/// them; what its scopes require, where it acts for itself or people are not asked; what shows accounts, where people are
/// not asked and it may read theirs; and everything, where people are not asked and it may act with their rights here,
/// change their account, or show services all that they hold.
pub(crate) fn reach(client: &Client, definitions: &[ScopeDefinition]) -> BTreeSet<String> {
    let may = |grant| client.grant_types.contains(&grant);
    let alone = may(GrantType::ClientCredentials);
    let for_people = may(GrantType::AuthorizationCode) || may(GrantType::Password);
    // Whoever is signed in gives a code without noticing, and with it all that they may do.
    let unasked = for_people && !client.require_consent;
    let mut permissions = BTreeSet::new();
    if unasked && client.authority_in_tokens {
        permissions.insert(permission::ALL.to_owned());
    }
    for token in client.scope.iter() {
        if permission::is_own(token) {
            permissions.insert(token.to_owned());
            if unasked {
                permissions.insert(permission::ALL.to_owned());
            }
        } else if token == ACCOUNT_WRITE && unasked {
            permissions.insert(permission::ALL.to_owned());
        } else if token == ACCOUNT_READ && unasked {
            permissions.extend(SEEN_OF_ACCOUNTS.map(str::to_owned));
        } else if alone || unasked {
            let defined = definitions.iter().find(|definition| definition.name == token);
            permissions.extend(
                defined
                    .into_iter()
                    .flat_map(|definition| definition.requires.iter().cloned()),
            );
        }
    }
    permissions
}

/// The client that a merge patch makes of another (RFC 7396). No patch names another client.
pub(crate) fn merged(base: &Client, changes: Map<String, Value>) -> Result<Client, Refused> {
    let same = |id: &Value| id.as_str() == Some(base.client_id.as_str());
    if changes.get("client_id").is_some_and(|id| !same(id)) {
        return Err(Refused::invalid("client_id", "cannot be changed"));
    }
    let mut document = serde_json::to_value(base).unwrap_or_default();
    merge(&mut document, Value::Object(changes));
    serde_path_to_error::deserialize(document).map_err(|error| {
        let member = match error.path().to_string().as_str() {
            "." => "body".to_owned(),
            path => path.to_owned(),
        };
        Refused::invalid(member, error.into_inner().to_string())
    })
}

fn merge(target: &mut Value, patch: Value) {
    let Value::Object(changes) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(members) = target else { return };
    for (name, change) in changes {
        if change.is_null() {
            members.remove(&name);
        } else {
            merge(members.entry(name).or_insert(Value::Null), change);
        }
    }
}

/// Refuses an identifier for a new client that could be an account's: the `sub` of a client's own tokens is its
/// identifier, and must not be anybody's.
pub(crate) fn check_identifier(id: &ClientId) -> Result<(), Refused> {
    if uuid::Uuid::try_parse(id.as_str()).is_err() {
        return Ok(());
    }
    let problem = "must not be a UUID, as accounts are named; choose another";
    Err(Refused::invalid("client_id", problem))
}

/// Refuses a scope as it is about to be, where clients that are registered for it would get more by it than whoever
/// registered them gave: because nothing was defined by this name then, or because it required less.
pub(crate) fn check_gain<'a>(
    clients: impl IntoIterator<Item = &'a Client>,
    definitions: &[ScopeDefinition],
    scope: &ScopeDefinition,
) -> Result<(), Refused> {
    let is_new = !definitions.iter().any(|old| old.name == scope.name);
    let mut after: Vec<ScopeDefinition> = definitions.to_vec();
    after.retain(|old| old.name != scope.name);
    after.push(scope.clone());
    let gains = |client: &&Client| {
        let before = reach(client, definitions);
        client.scope.contains(&scope.name)
            && (is_new || !permission::covers_all(&before, &reach(client, &after)))
    };
    let named: Vec<&str> = clients
        .into_iter()
        .filter(gains)
        .map(|client| client.client_id.as_str())
        .collect();
    if named.is_empty() {
        return Ok(());
    }
    let shown = named.get(..MAX_SHOWN).unwrap_or(&named).join(", ");
    let more = match named.len().saturating_sub(MAX_SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let problem = format!(
        "would give clients more than they were registered with: {shown}{more}; take the scope from them first, \
         and give it back afterwards to those that are to have it"
    );
    let member = if is_new { "name" } else { "requires" };
    Err(Refused::invalid(member, problem))
}

/// Refuses metadata that no channel registers, and scopes and resources that nobody defined; those that the client had
/// before are left to it.
pub(crate) fn check(
    client: &Client,
    before: Option<&Client>,
    definitions: &[ScopeDefinition],
    servers: &[ResourceServer],
) -> Result<(), Refused> {
    if before.is_none() {
        check_identifier(&client.client_id)?;
    }
    client
        .check()
        .map_err(|error| Refused::invalid(member_of(client, &error), error.to_string()))?;
    let had_scope = |name: &str| before.is_some_and(|before| before.scope.contains(name));
    let unknown = |name: &&str| !is_known(name, definitions) && !had_scope(name);
    if let Some(name) = client.scope.iter().find(unknown) {
        return Err(Refused::invalid(
            "scope",
            format!("{name:?} is not defined; define the scope first"),
        ));
    }
    let known = |name: &String| {
        servers.iter().any(|server| server.identifier == *name)
            || before.is_some_and(|before| before.resources.contains(name))
    };
    match client.resources.iter().find(|name| !known(name)) {
        Some(name) => {
            let problem = format!("{name:?} is not defined; define the resource server first");
            Err(Refused::invalid("resources", problem))
        }
        None => Ok(()),
    }
}

/// The member that a refusal is about: the longest name that its words speak of.
fn member_of(client: &Client, error: &InvalidClient) -> String {
    let problem = match error {
        InvalidClient::RedirectUri(uri, _) if client.redirect_uris.contains(uri) => {
            return "redirect_uris".to_owned();
        }
        InvalidClient::RedirectUri(..) => return "post_logout_redirect_uris".to_owned(),
        InvalidClient::Metadata(problem) => problem,
    };
    let Ok(Value::Object(members)) = serde_json::to_value(Client::new(ClientId(String::new()))) else {
        return "body".to_owned();
    };
    let optional = [
        "jwks",
        "jwks_uri",
        "client_name",
        "client_uri",
        "logo_uri",
        "policy_uri",
        "tos_uri",
    ];
    let names = members.keys().map(String::as_str).chain(optional);
    let spoken_of = names
        .filter(|name| problem.contains(name))
        .max_by_key(|name| name.len());
    spoken_of.unwrap_or("body").to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn client(changes: Value) -> Client {
        let Value::Object(changes) = changes else {
            panic!("an object")
        };
        merged(&Client::new("c".into()), changes).unwrap()
    }

    #[test]
    fn a_client_reaches_as_far_as_what_it_can_get() {
        let definitions = [ScopeDefinition {
            name: "books:write".into(),
            requires: BTreeSet::from(["books:write".into()]),
            ..Default::default()
        }];
        let (alone, people) = (json!(["client_credentials"]), json!(["authorization_code"]));
        for (grants, scope, consent, reached) in [
            (&alone, "openid books:write", false, vec!["books:write"]),
            (&people, "openid books:write", false, vec!["books:write"]),
            (&people, "openid books:write", true, vec![]),
            (&people, "accounts:read", false, vec!["*", "accounts:read"]),
            (&alone, "accounts:read", false, vec!["accounts:read"]),
            (&people, "accounts:read books:write", true, vec!["accounts:read"]),
            (&people, "account:write", false, vec!["*"]),
            (&people, "account:write", true, vec![]),
            (&people, "openid account:read", false, SEEN_OF_ACCOUNTS.to_vec()),
            (&people, "account:read", true, vec![]),
            (&alone, "account:read", false, vec![]),
            (&alone, "account:write undefined", false, vec![]),
        ] {
            let client = client(json!({ "grant_types": grants, "scope": scope, "require_consent": consent }));
            let reached: BTreeSet<String> = reached.into_iter().map(str::to_owned).collect();
            assert_eq!(reach(&client, &definitions), reached, "{grants} {scope}");
        }
    }

    #[test]
    fn no_new_client_is_named_as_accounts_are() {
        let uuid = "6f1c2d3e-4b5a-4c6d-8e7f-90a1b2c3d4e5";
        for (id, fine) in [
            ("shop", true),
            ("client_6f1c2d3e4b5a4c6d8e7f90a1b2c3d4e5", true),
            (uuid, false),
            (&uuid.to_uppercase(), false),
            (&uuid.replace('-', ""), false),
            (&format!("urn:uuid:{uuid}"), false),
            (&format!("{{{uuid}}}"), false),
        ] {
            assert_eq!(check_identifier(&id.into()).is_ok(), fine, "{id}");
        }
    }

    #[test]
    fn a_scope_gives_no_client_more_than_it_was_registered_with() {
        let scope = |name: &str, requires: &[&str]| ScopeDefinition {
            name: name.into(),
            requires: requires.iter().map(|name| (*name).to_owned()).collect(),
            ..Default::default()
        };
        let definitions = [
            scope("free", &[]),
            scope("strict", &["a:see"]),
            scope("wide", &["*"]),
        ];
        let (alone, people) = (json!(["client_credentials"]), json!(["authorization_code"]));
        let see: &[&str] = &["a:see"];
        for (grants, names, consent, (name, requires), member) in [
            (&alone, "free", true, ("free", see), Some("requires")),
            (&people, "free", false, ("free", see), Some("requires")),
            (&people, "free", true, ("free", see), None),
            (&alone, "strict", true, ("free", see), None),
            (&alone, "free strict", true, ("free", see), None),
            (&alone, "free wide", true, ("free", see), None),
            (
                &alone,
                "strict",
                true,
                ("strict", &["a:see", "a:do"]),
                Some("requires"),
            ),
            (&alone, "strict", true, ("strict", &[]), None),
            (&alone, "gone", true, ("gone", &[]), Some("name")),
            (&people, "gone", true, ("gone", see), Some("name")),
            (&alone, "free", true, ("gone", see), None),
        ] {
            let new = scope(name, requires);
            let client = client(json!({ "grant_types": grants, "scope": names, "require_consent": consent }));
            let refused = match check_gain([&client], &definitions, &new) {
                Ok(()) => None,
                Err(Refused::Invalid { member, problem }) => {
                    assert!(problem.contains(": c;"), "{problem}");
                    Some(member)
                }
                Err(other) => panic!("{other:?}"),
            };
            assert_eq!(refused.as_deref(), member, "{grants} {names} {new:?}");
        }
    }

    #[test]
    fn a_patch_keeps_what_it_does_not_name() {
        let before =
            client(json!({ "client_name": "Shop", "require_pkce": false, "jwks": { "keys": [], "x": 1 } }));
        let change = |changes: Value| match changes {
            Value::Object(changes) => merged(&before, changes),
            _ => panic!("an object"),
        };
        let after = change(json!({ "client_name": null, "scope": "openid", "client_id": "c" })).unwrap();
        assert_eq!((after.client_name, after.require_pkce), (None, false));
        assert_eq!(after.scope.to_string(), "openid");
        let after = change(json!({ "require_pkce": null, "jwks": { "x": null } })).unwrap();
        assert_eq!(
            (after.require_pkce, after.jwks),
            (true, Some(json!({ "keys": [] })))
        );
        for (changes, member) in [
            (json!({ "client_id": "other" }), "client_id"),
            (json!({ "client_id": null }), "client_id"),
            (json!({ "client_secret": "x" }), "client_secret"),
            (json!({ "managed_by": "file" }), "managed_by"),
            (json!({ "disabled": false }), "disabled"),
            (json!({ "redirect_uris": "https://a.test" }), "redirect_uris"),
            (json!({ "grant_types": ["implicit"] }), "grant_types[0]"),
            (json!({ "mfa": "maybe" }), "mfa"),
        ] {
            let Err(Refused::Invalid {
                member: named,
                problem,
            }) = change(changes.clone())
            else {
                panic!("{changes}")
            };
            assert!(
                named == member || problem.contains(member),
                "{changes}: {named} {problem}"
            );
        }
    }

    #[test]
    fn a_refusal_names_the_member() {
        let of = |changes| match check(&client(changes), None, &[], &[]) {
            Err(Refused::Invalid { member, .. }) => member,
            other => panic!("{other:?}"),
        };
        let uris = json!(["https://a.test/cb"]);
        for (changes, member) in [
            (json!({}), "redirect_uris"),
            (json!({ "redirect_uris": ["javascript:x"] }), "redirect_uris"),
            (
                json!({ "redirect_uris": uris, "post_logout_redirect_uris": ["http://a.test"] }),
                "post_logout_redirect_uris",
            ),
            (json!({ "redirect_uris": uris, "scope": "undefined" }), "scope"),
            (
                json!({ "redirect_uris": uris, "resources": ["https://x.test/"] }),
                "resources",
            ),
            (
                json!({ "redirect_uris": uris, "token_endpoint_auth_method": "private_key_jwt" }),
                "jwks_uri",
            ),
        ] {
            assert_eq!(of(changes.clone()), member, "{changes}");
        }
    }
}
