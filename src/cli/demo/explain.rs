//! What each claim of a token means, in a sentence, and a table of them.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::pages::escape;

/// What a claim tells, and in which specification to read on.
pub(super) fn meaning(claim: &str) -> &'static str {
    match claim {
        "iss" => "Who issued the token: the provider's URL. Its keys are found through it.",
        "sub" => "The account, by an identifier that never changes. Names and addresses may; this does not.",
        "aud" => "Whom the token is meant for. Everybody else must refuse it.",
        "exp" => "When the token ends.",
        "iat" => "When the token was issued.",
        "nbf" => "Before this the token does not count yet.",
        "auth_time" => "When the person last proved who they are.",
        "nonce" => "A random value this relying party sent along; it ties the token to this very sign-in.",
        "acr" => "How strong the sign-in was, as a class.",
        "amr" => {
            "How the person proved who they are: pwd is a password, otp a one-time code, mfa more than one factor."
        }
        "azp" => "The client the token was issued to.",
        "sid" => "The browser session at the provider; sign-out refers to it.",
        "at_hash" => "Half a hash of the access token that came along, so that neither can be swapped.",
        "c_hash" => "Half a hash of the authorization code that came along.",
        "jti" => "The name of this one token; revocation refers to it.",
        "client_id" => "The client the token was issued to.",
        "scope" => "What the bearer may do, as the person consented to it.",
        "roles" => "The roles of the account at the time of issue.",
        "permissions" => "What the roles and custom permissions of the account allow.",
        "name" => "The full name, for display.",
        "given_name" => "The given name.",
        "family_name" => "The family name.",
        "preferred_username" => "The user name; it may change, so it is no key.",
        "email" => "The e-mail address.",
        "email_verified" => "Whether the provider has made sure that the address belongs to the person.",
        "updated_at" => "When these details last changed.",
        "cnf" => "The key that the bearer must prove to hold.",
        _ => "A claim of its own.",
    }
}

/// One row for each claim: name, value, meaning.
pub(super) fn table(claims: &Map<String, Value>, now: i64) -> String {
    let mut rows = String::from("<table><tbody>");
    for (name, value) in claims {
        let shown = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let relative = match (name.as_str(), value.as_i64()) {
            ("exp" | "iat" | "nbf" | "auth_time" | "updated_at", Some(at)) => {
                format!(" ({})", distance(at.saturating_sub(now)))
            }
            _ => String::new(),
        };
        // Writing to a String does not fail.
        let _ = write!(
            rows,
            "<tr><th scope=\"row\"><code>{}</code></th><td><code>{}</code>{relative}</td><td>{}</td></tr>",
            escape(name),
            escape(&shown),
            meaning(name),
        );
    }
    rows.push_str("</tbody></table>");
    rows
}

fn distance(seconds: i64) -> String {
    let length = match seconds.unsigned_abs() {
        s @ 0..120 => format!("{s} seconds"),
        s @ 120..7200 => format!("{} minutes", s / 60),
        s @ 7200..172_800 => format!("{} hours", s / 3600),
        s => format!("{} days", s / 86_400),
    };
    if seconds > 0 {
        format!("in {length}")
    } else {
        format!("{length} ago")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_escaped_and_times_told_in_words() {
        let claims = serde_json::json!({ "name": "<b>", "exp": 700 });
        let html = table(claims.as_object().unwrap(), 100);
        assert!(html.contains("&lt;b&gt;") && html.contains("in 10 minutes") && !html.contains("<b>"));
    }
}
