//! What of a request may be looked at again: the values of parameters that are known to hold no secret, and of all
//! others only how long they were.

use super::Parameter;

/// Parameters whose values are kept.
const SHOWN: [&str; 21] = [
    "acr_values",
    "audience",
    "claims_locales",
    "client_assertion_type",
    "client_id",
    "code_challenge_method",
    "display",
    "grant_type",
    "issued_token_type",
    "max_age",
    "post_logout_redirect_uri",
    "prompt",
    "redirect_uri",
    "requested_token_type",
    "resource",
    "response_mode",
    "response_type",
    "scope",
    "subject_token_type",
    "token_type_hint",
    "ui_locales",
];
/// Further parameters that are known, and so may be named.
const NAMED: [&str; 26] = [
    "access_token",
    "actor_token",
    "assertion",
    "authorization_details",
    "claims",
    "client_assertion",
    "client_secret",
    "code",
    "code_challenge",
    "code_verifier",
    "csrf",
    "device_code",
    "id_token_hint",
    "login_hint",
    "logout",
    "logout_hint",
    "nonce",
    "otp",
    "password",
    "refresh_token",
    "request",
    "request_uri",
    "state",
    "subject_token",
    "token",
    "username",
];
/// Characters kept of a value.
const VALUE: usize = 256;
/// Characters of a name that may be one.
const NAME: usize = 40;

/// What is kept of a parameter.
pub(super) fn redacted(name: &str, value: &str) -> Parameter {
    let shown = SHOWN.contains(&name).then(|| {
        let shown = if name.ends_with("_uri") || matches!(name, "audience" | "resource") {
            without_values(value)
        } else {
            value.to_owned()
        };
        cut(&shown)
    });
    Parameter {
        name: redacted_name(name, value),
        value: shown,
        length: value.len(),
    }
}

/// A name, unless it could be a value that lost its name.
fn redacted_name(name: &str, value: &str) -> String {
    let is_name =
        !value.is_empty() && name.len() <= NAME && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    if SHOWN.contains(&name) || NAMED.contains(&name) || is_name {
        name.to_owned()
    } else {
        format!("(a name of {} bytes)", name.len())
    }
}

/// A URI whose query and fragment, which may hold codes and tokens, keep only their names.
fn without_values(uri: &str) -> String {
    let end = uri.find(['?', '#']).unwrap_or(uri.len());
    let (start, rest) = uri.split_at(end);
    // What stands before an @ may be a password.
    let start = match (start.find("://"), start.rfind('@')) {
        (Some(scheme), Some(at)) if at > scheme => {
            let (scheme, _) = start.split_at(scheme + 3);
            let (_, host) = start.split_at(at);
            format!("{scheme}…{host}")
        }
        _ => start.to_owned(),
    };
    let mut kept = start;
    for piece in rest.split_inclusive(['?', '&', '#']) {
        let (text, mark) = match piece.strip_suffix(['?', '&', '#']) {
            Some(text) => (text, piece.chars().next_back()),
            None => (piece, None),
        };
        match text.split_once('=') {
            Some((name, _)) => {
                kept.push_str(&redacted_name(name, "…"));
                kept.push_str("=…");
            }
            None if text.is_empty() => {}
            None => kept.push('…'),
        }
        kept.extend(mark);
    }
    kept
}

fn cut(text: &str) -> String {
    let mut kept: String = text.chars().take(VALUE).collect();
    if kept.len() < text.len() {
        kept.push('…');
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_values_of_parameters_without_secrets_are_kept() {
        for (name, value, shown) in [
            ("scope", "openid", Some("openid")),
            ("grant_type", "authorization_code", Some("authorization_code")),
            ("password", "swordfish", None),
            ("code", "ac_123", None),
            ("state", "xyz", None),
            ("nonce", "xyz", None),
            ("username", "alice", None),
            ("login_hint", "alice@example.test", None),
            ("client_secret", "swordfish", None),
            ("something_new", "swordfish", None),
        ] {
            let kept = redacted(name, value);
            assert_eq!(
                (kept.name.as_str(), kept.value.as_deref()),
                (name, shown),
                "{name}"
            );
            assert_eq!(kept.length, value.len());
        }
    }

    #[test]
    fn what_looks_like_a_value_is_not_kept_as_a_name() {
        for name in [
            "eyJhbGciOiJSUzI1NiJ9.e30.x",
            "Swordfish",
            "a\r\nb",
            "",
            &"a".repeat(41),
        ] {
            let kept = redacted(name, "").name;
            assert!(
                kept == name && name.is_empty() || kept.starts_with("(a name of "),
                "{kept}"
            );
        }
    }

    #[test]
    fn a_uri_keeps_the_names_of_its_query() {
        for (uri, kept) in [
            ("https://app.example/cb", "https://app.example/cb"),
            (
                "https://app.example/cb?code=1&state=2",
                "https://app.example/cb?code=…&state=…",
            ),
            (
                "https://app.example/cb#access_token=x&y",
                "https://app.example/cb#access_token=…&…",
            ),
            ("https://me:secret@app.example/cb?", "https://…@app.example/cb?"),
            ("nonsense", "nonsense"),
        ] {
            assert_eq!(without_values(uri), kept);
        }
        assert_eq!(
            redacted("redirect_uri", "https://a.test/?code=1")
                .value
                .as_deref(),
            Some("https://a.test/?code=…")
        );
    }

    #[test]
    fn a_long_value_is_cut() {
        let kept = redacted("scope", &"ä".repeat(1000));
        assert_eq!(kept.value.unwrap().chars().count(), VALUE + 1);
        assert_eq!(kept.length, 2000);
    }

    #[test]
    fn the_lists_are_sorted() {
        assert!(SHOWN.is_sorted() && NAMED.is_sorted());
    }
}
