//! The form of an app: its members from the registered metadata, and a merge patch from what was typed.

use protocol::client::{Client, ClientAuthMethod, GrantType};
use protocol::session::MfaPolicy;
use serde_json::{Map, Value, json};

use super::permissions::words;
use crate::pages::ClientForm;
use crate::web::form::Params;

/// Members of one line; an empty one is not registered.
const TEXTS: [&str; 6] = [
    "client_name",
    "client_uri",
    "logo_uri",
    "policy_uri",
    "tos_uri",
    "jwks_uri",
];
/// Members that are lists, one entry a line or a word.
const AREAS: [&str; 5] = [
    "redirect_uris",
    "post_logout_redirect_uris",
    "allowed_origins",
    "scope",
    "resources",
];
/// Members that are on or off.
const SWITCHES: [&str; 4] = [
    "require_pkce",
    "require_consent",
    "may_introspect",
    "authority_in_tokens",
];

/// The form that shows a client.
pub(super) fn of(client: &Client) -> ClientForm {
    let shown = serde_json::to_value(client).unwrap_or_default();
    let text = |name: &&str| {
        shown
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let area = |name: &&str| match shown.get(name) {
        Some(Value::Array(entries)) => {
            let entries = entries.iter().filter_map(Value::as_str);
            entries.collect::<Vec<_>>().join("\n")
        }
        _ => text(name).replace(' ', "\n"),
    };
    let choices = choices().into_iter();
    let granted = |grant: GrantType| client.grant_types.contains(&grant);
    ClientForm {
        client_id: client.client_id.0.clone(),
        texts: TEXTS.iter().map(|name| (*name, text(name))).collect(),
        areas: AREAS.iter().map(|name| (*name, area(name))).collect(),
        choices: choices
            .map(|(name, values)| (name, text(&name), values))
            .collect(),
        grant_types: GrantType::ALL
            .into_iter()
            .map(|grant| (grant.as_str(), granted(grant)))
            .collect(),
        switches: SWITCHES
            .iter()
            .map(|name| (*name, shown.get(name) == Some(&Value::Bool(true))))
            .collect(),
        ..ClientForm::default()
    }
}

/// What can be chosen, by member. Nothing is a choice where nothing need be said.
fn choices() -> [(&'static str, Vec<&'static str>); 3] {
    let methods = ClientAuthMethod::ALL.into_iter().map(ClientAuthMethod::as_str);
    let mfa = [MfaPolicy::Off, MfaPolicy::IfEnrolled, MfaPolicy::Required].map(MfaPolicy::as_str);
    [
        ("application_type", vec!["web", "native"]),
        ("token_endpoint_auth_method", methods.collect()),
        ("mfa", [""].into_iter().chain(mfa).collect()),
    ]
}

/// The merge patch that a form stands for. It names each member that the form has, and no other.
pub(super) fn patch(form: &Params) -> Map<String, Value> {
    let text = |name: &str| form.get(name).map(str::trim).filter(|text| !text.is_empty());
    let list = |name: &str| -> Vec<String> { words(form.get(name).unwrap_or_default()).collect() };
    let mut patch = Map::new();
    for name in TEXTS.iter().chain(&["mfa"]) {
        patch.insert((*name).to_owned(), json!(text(name)));
    }
    for name in AREAS {
        let value = match name {
            "scope" => json!(list(name).join(" ")),
            name => json!(list(name)),
        };
        patch.insert(name.to_owned(), value);
    }
    for name in ["application_type", "token_endpoint_auth_method"] {
        patch.insert(name.to_owned(), json!(text(name).unwrap_or_default()));
    }
    let grants: Vec<&str> = form.all("grant_types").collect();
    // A client that sends nobody to the authorization endpoint gets no response there.
    let responses: &[&str] = if grants.contains(&GrantType::AuthorizationCode.as_str()) {
        &["code"]
    } else {
        &[]
    };
    patch.insert("grant_types".to_owned(), json!(grants));
    patch.insert("response_types".to_owned(), json!(responses));
    for name in SWITCHES {
        patch.insert(name.to_owned(), json!(form.get(name).is_some()));
    }
    patch
}

/// The form as it was typed.
pub(super) fn typed(form: &Params) -> ClientForm {
    let text = |name: &str| form.get(name).unwrap_or_default().to_owned();
    let ticked = |name: &str, value: &str| form.all(name).any(|sent| sent == value);
    ClientForm {
        client_id: text("client_id"),
        texts: TEXTS.iter().map(|name| (*name, text(name))).collect(),
        areas: AREAS.iter().map(|name| (*name, text(name))).collect(),
        choices: choices()
            .into_iter()
            .map(|(name, values)| (name, text(name), values))
            .collect(),
        grant_types: GrantType::ALL
            .into_iter()
            .map(|grant| (grant.as_str(), ticked("grant_types", grant.as_str())))
            .collect(),
        switches: SWITCHES
            .iter()
            .map(|name| (*name, form.get(name).is_some()))
            .collect(),
        version: text("version"),
        ..ClientForm::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_sent_back_as_it_was_changes_nothing() {
        let client: Client = serde_json::from_value(json!({
            "client_id": "web",
            "client_name": "Web shop",
            "redirect_uris": ["https://a.example/cb", "https://b.example/cb"],
            "grant_types": ["authorization_code", "refresh_token"],
            "scope": "openid email",
            "require_consent": true,
            "mfa": "required",
        }))
        .unwrap();
        let form = of(&client);
        let mut pairs: Vec<(&str, String)> = Vec::new();
        pairs.extend(form.texts.iter().chain(&form.areas).cloned());
        pairs.extend(form.choices.iter().map(|(name, value, _)| (*name, value.clone())));
        let ticked = form.grant_types.iter().filter(|(_, ticked)| *ticked);
        pairs.extend(ticked.map(|(grant, _)| ("grant_types", (*grant).to_owned())));
        let on = form.switches.iter().filter(|(_, on)| *on);
        pairs.extend(on.map(|(name, _)| (*name, "on".to_owned())));
        let sent = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&pairs)
            .finish();
        let sent = Params::parse(sent.as_bytes(), &["grant_types"]).unwrap();
        let shown = serde_json::to_value(&client).unwrap();
        for (name, value) in patch(&sent) {
            let before = shown.get(&name).cloned().unwrap_or_default();
            assert_eq!(value, before, "{name}");
        }
        assert_eq!(typed(&sent).areas, form.areas);
    }
}
