//! Standard claims, the scopes that ask for them and the `claims` parameter (OpenID Connect Core §5).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::json;
use crate::scope::Scope;

/// The claims each standard scope asks for (OpenID Connect Core §5.4).
pub const SCOPE_CLAIMS: [(&str, &[&str]); 4] = [
    (
        "profile",
        &[
            "name",
            "family_name",
            "given_name",
            "middle_name",
            "nickname",
            "preferred_username",
            "profile",
            "picture",
            "website",
            "gender",
            "birthdate",
            "zoneinfo",
            "locale",
            "updated_at",
        ],
    ),
    ("email", &["email", "email_verified"]),
    ("address", &["address"]),
    ("phone", &["phone_number", "phone_number_verified"]),
];

/// Names of all claims that can be had, as `claims_supported`.
pub fn supported() -> Vec<&'static str> {
    let about_sign_in = [
        "sub",
        "iss",
        "aud",
        "exp",
        "iat",
        "auth_time",
        "nonce",
        "acr",
        "amr",
        "sid",
    ];
    let of_scopes = SCOPE_CLAIMS.iter().flat_map(|(_, claims)| claims.iter().copied());
    about_sign_in.into_iter().chain(of_scopes).collect()
}

/// Claims asked for one by one (OpenID Connect Core §5.5).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimsRequest {
    /// For the userinfo answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub userinfo: Vec<String>,
    /// For the ID token.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub id_token: Vec<String>,
    /// Values of `acr` that the ID token must have one of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub essential_acr: Vec<String>,
    /// The `sub` that must be signed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
}

/// The `claims` parameter is not the object that the specification describes.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("claims must be a JSON object with the members userinfo and id_token, each an object of claims")]
pub struct InvalidClaimsRequest;

const MAX_CLAIMS: usize = 64;

impl ClaimsRequest {
    /// Reads the parameter. Unknown claims are dropped, as they must be ignored.
    pub fn parse(text: &str) -> Result<ClaimsRequest, InvalidClaimsRequest> {
        // PostgreSQL keeps no NUL in text, however it is written.
        if text.contains("\\u0000") {
            return Err(InvalidClaimsRequest);
        }
        let document = json::object(text.as_bytes()).map_err(|_| InvalidClaimsRequest)?;
        let members = |name: &str| match document.get(name) {
            None => Ok(Map::new()),
            Some(Value::Object(members)) if members.len() <= MAX_CLAIMS => Ok(members.clone()),
            Some(_) => Err(InvalidClaimsRequest),
        };
        let (userinfo, id_token) = (members("userinfo")?, members("id_token")?);
        let wishes = || userinfo.iter().chain(&id_token);
        if !wishes().all(|(name, wish)| is_wish(name, wish)) {
            return Err(InvalidClaimsRequest);
        }
        let known = |asked: &Map<String, Value>| -> Vec<String> {
            let offered = supported();
            asked
                .keys()
                .filter(|name| offered.contains(&name.as_str()))
                .cloned()
                .collect()
        };
        let text_of = |value: &Value| value.as_str().map(str::to_owned);
        let acr = id_token.get("acr").and_then(Value::as_object);
        let essential_acr = acr
            .filter(|wish| wish.get("essential") == Some(&Value::Bool(true)))
            .map(|wish| {
                let many = wish
                    .get("values")
                    .and_then(Value::as_array)
                    .cloned()
                    .unwrap_or_default();
                many.iter().chain(wish.get("value")).filter_map(text_of).collect()
            })
            .unwrap_or_default();
        let sub = [&id_token, &userinfo]
            .into_iter()
            .find_map(|asked| asked.get("sub")?.get("value").and_then(text_of));
        Ok(ClaimsRequest {
            userinfo: known(&userinfo),
            id_token: known(&id_token),
            essential_acr,
            sub,
        })
    }
}

/// Whether a claim is asked for as OpenID Connect Core §5.5.1 has it. What is demanded of the claims that decide who
/// signs in and how must be understood; a demand of another type would be one that nobody keeps.
fn is_wish(name: &str, wish: &Value) -> bool {
    let Value::Object(wish) = wish else {
        return wish.is_null();
    };
    let fits = |value: &Value| value.is_string() || !matches!(name, "acr" | "sub");
    wish.get("essential").is_none_or(Value::is_boolean)
        && wish.get("value").is_none_or(fits)
        && wish
            .get("values")
            .is_none_or(|values| values.as_array().is_some_and(|values| values.iter().all(fits)))
}

impl ClaimsRequest {
    /// The request without what the scope would not give: no claim can be had by name that cannot be had by scope.
    #[must_use]
    pub fn within(mut self, scope: &Scope) -> ClaimsRequest {
        let open = |name: &String| {
            SCOPE_CLAIMS
                .iter()
                .all(|(token, claims)| scope.contains(token) || !claims.contains(&name.as_str()))
        };
        self.userinfo.retain(open);
        self.id_token.retain(open);
        self
    }
}

/// The claims of `held` that a userinfo answer may carry (OpenID Connect Core §5.3.2). Empty values are left out.
pub fn userinfo(held: &Map<String, Value>, scope: &Scope, request: &ClaimsRequest) -> Map<String, Value> {
    let by_scope = SCOPE_CLAIMS
        .iter()
        .filter(|(name, _)| scope.contains(name))
        .flat_map(|(_, claims)| claims.iter().copied());
    select(held, by_scope.chain(request.userinfo.iter().map(String::as_str)))
}

/// The claims of `held` that the ID token carries because they were asked for by name.
pub fn id_token(held: &Map<String, Value>, request: &ClaimsRequest) -> Map<String, Value> {
    select(held, request.id_token.iter().map(String::as_str))
}

fn select<'a>(held: &Map<String, Value>, names: impl Iterator<Item = &'a str>) -> Map<String, Value> {
    let mut selected = Map::new();
    for name in names {
        match held.get(name) {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) if text.is_empty() => {}
            Some(value) => {
                selected.insert(name.to_owned(), value.clone());
            }
        }
    }
    selected
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn claims_are_asked_for_by_name() {
        let request = ClaimsRequest::parse(
            r#"{"userinfo":{"name":{"essential":true},"made_up":null},"id_token":{"email":null,"acr":{"essential":true,"values":["2"]}}}"#,
        );
        let request = request.unwrap_or_default();
        assert_eq!(request.userinfo, ["name"]);
        assert_eq!(request.id_token, ["email", "acr"]);
        assert_eq!(request.essential_acr, ["2"]);
    }

    #[test]
    fn what_is_no_claims_object_is_refused() {
        for text in [
            r#"{"id_token":{"sub":{"value":"\u0000"}}}"#,
            "",
            "[]",
            "1",
            "{",
            r#"{"userinfo":[]}"#,
            r#"{"id_token":1}"#,
            r#"{"userinfo":{"name":true}}"#,
            r#"{"id_token":{"acr":{"essential":true,"values":[2]}}}"#,
            r#"{"id_token":{"acr":{"essential":true,"values":"2"}}}"#,
            r#"{"id_token":{"acr":{"essential":true,"value":2}}}"#,
            r#"{"id_token":{"acr":{"essential":"true","values":["2"]}}}"#,
            r#"{"id_token":{"acr":{"essential":true,"values":["9"]}},"id_token":{}}"#,
            r#"{"id_token":{"sub":{"value":5}}}"#,
            r#"{"userinfo":{"sub":{"value":["x"]}}}"#,
        ] {
            assert_eq!(ClaimsRequest::parse(text), Err(InvalidClaimsRequest), "{text}");
        }
    }

    #[test]
    fn what_the_scope_does_not_give_cannot_be_had_by_name() {
        let request = ClaimsRequest {
            userinfo: vec!["email".into(), "name".into(), "acr".into()],
            ..Default::default()
        };
        let scope: Scope = "openid profile".parse().unwrap_or_default();
        assert_eq!(request.within(&scope).userinfo, ["name", "acr"]);
    }

    #[test]
    fn a_scope_gives_its_claims_and_no_empty_ones() {
        let held = json!({"name": "Alice", "nickname": "", "email": "a@example.test", "gender": null});
        let held = held.as_object().cloned().unwrap_or_default();
        let scope: Scope = "openid profile".parse().unwrap_or_default();
        assert_eq!(
            Value::Object(userinfo(&held, &scope, &ClaimsRequest::default())),
            json!({"name": "Alice"})
        );
    }
}
