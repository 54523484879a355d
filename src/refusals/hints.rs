//! How to put right what was refused, in a sentence for the developer of the client.

/// What to do about a refusal: by its rule where that is known, otherwise by its code.
pub fn hint(code: &str, description: &str, cause: Option<&str>) -> &'static str {
    let told = |(text, hint): &(&str, &'static str)| {
        let known = cause.is_some_and(|cause| cause.contains(text)) || description.contains(text);
        known.then_some(*hint)
    };
    let by_code = |(known, hint): &(&str, &'static str)| (*known == code).then_some(*hint);
    RULES
        .iter()
        .find_map(told)
        .or_else(|| CODES.iter().find_map(by_code))
        .unwrap_or("Compare the request with the client's registration and the rule named here.")
}

/// By a part of the rule or its cause; the first that fits counts.
const RULES: [(&str, &str); 45] = [
    (
        "no client is registered",
        "Check client_id: no enabled client has it. `chancery client list` shows those that are registered.",
    ),
    (
        "the client is registered for",
        "Authenticate in the way the client is registered for, or change token_endpoint_auth_method.",
    ),
    (
        "the secret is wrong",
        "Use the client's present secret, form-encoded before base64 in Basic; make a new one with `chancery client rotate-secret`.",
    ),
    (
        "the assertion",
        "Check the assertion: its key, alg, iss = sub = client_id, aud = the issuer, exp within five minutes, and a jti that is new each time.",
    ),
    (
        "no credentials",
        "Send the client's credentials: HTTP Basic, client_secret or client_assertion, as the client is registered.",
    ),
    (
        "unknown client",
        "Check client_id: no enabled client has it. `chancery client list` shows those that are registered.",
    ),
    (
        "redirect_uri differs",
        "Send the same redirect_uri to the token endpoint as to the authorization endpoint, letter for letter.",
    ),
    (
        "redirect_uri is not registered",
        "Register exactly this redirect_uri for the client, or send one that is registered; each letter counts, the trailing slash too.",
    ),
    (
        "redirect_uri is missing",
        "Send redirect_uri: the client has several registered, or openid is asked for.",
    ),
    (
        "post_logout_redirect_uri needs",
        "Send the ID token as id_token_hint, so that the server knows whose the address is.",
    ),
    (
        "post_logout_redirect_uri is not",
        "Register exactly this post_logout_redirect_uri for the client.",
    ),
    (
        "code_challenge_method",
        "Use code_challenge_method=S256; plain is not accepted.",
    ),
    (
        "code_challenge is missing",
        "Use PKCE: send code_challenge and code_challenge_method=S256; any current OAuth library does.",
    ),
    (
        "code_challenge must be",
        "Send BASE64URL(SHA256(code_verifier)) without padding: 43 characters.",
    ),
    (
        "no code_challenge",
        "Send code_challenge with the authorization request, or leave code_verifier out.",
    ),
    (
        "code_verifier does not match",
        "Keep the code_verifier of the authorization request with the browser's session, and send that one.",
    ),
    (
        "the code was used before",
        "A code is good once and for a short time. Redeem it once, at once; look for a double submit or a browser reload of the callback.",
    ),
    (
        "the code is unknown",
        "Send the code as it came, percent-decoded once; after a change of the database old codes are gone.",
    ),
    (
        "issued to another client",
        "Use the client_id that the authorization request was made with.",
    ),
    (
        "refresh token was used before",
        "Keep the new refresh token of each answer and use it next. A reused one ended the grant: the person must sign in again.",
    ),
    (
        "refresh token has expired",
        "Send the person to sign in again; refresh earlier or let the lifetime be longer ([tokens] refresh_token_idle).",
    ),
    (
        "refresh token is unknown",
        "Send the refresh token that was stored last; the grant may have ended, and then the person must sign in again.",
    ),
    (
        "authorization has ended",
        "The person or an administrator ended the authorization, or the session is over: send the person to sign in again.",
    ),
    (
        "not registered for this grant_type",
        "Add the grant type to the client's grant_types.",
    ),
    (
        "grant_type is not one",
        "Use one of grant_types_supported in the discovery document.",
    ),
    (
        "response_type must be",
        "Use response_type=code; implicit and hybrid flows are not offered to this client.",
    ),
    (
        "response_mode may be",
        "Use response_mode query or form_post, or leave it out.",
    ),
    (
        "client is registered for",
        "Ask for scope that the client is registered for, or register more.",
    ),
    (
        "wider than what was granted",
        "On refresh ask for no more scope than was granted; for more, start a new authorization request.",
    ),
    (
        "may give none of the scope",
        "The account lacks the permissions that the scope requires: give it a role that has them.",
    ),
    (
        "resource must be",
        "Register the resource server, and the client's `resources`; send its identifier letter for letter.",
    ),
    (
        "resource was not part",
        "Send the resource with the authorization request already.",
    ),
    (
        "access token is expired",
        "Refresh the access token; check that it comes from this issuer and was not revoked.",
    ),
    (
        "not for this endpoint",
        "Use an access token of a person with scope openid, issued for this server.",
    ),
    (
        "access token does not belong in the URL",
        "Send the access token in the header: Authorization: Bearer …",
    ),
    (
        "no access token",
        "Send the access token in the header: Authorization: Bearer …",
    ),
    (
        "the token lacks a scope",
        "Ask for the scope that the endpoint needs; for /userinfo that is openid.",
    ),
    (
        "is repeated",
        "Send each parameter once; look for one that is both in the URL and in the form, or added twice.",
    ),
    (
        "belong in the body",
        "Send the parameters as a form in the body, not in the URL.",
    ),
    (
        "must be application/x-www-form-urlencoded",
        "Send a form: Content-Type: application/x-www-form-urlencoded, not JSON.",
    ),
    (
        "the body must be a form",
        "Send a form: Content-Type: application/x-www-form-urlencoded, not JSON.",
    ),
    (
        "too many requests",
        "Wait as long as Retry-After says; keep tokens until they expire rather than asking for new ones.",
    ),
    (
        "id_token_hint",
        "Send the latest ID token that this server issued to this client, or leave id_token_hint out.",
    ),
    (
        "answered before",
        "The person came back through the browser's history or was too slow: start a new authorization request.",
    ),
    (
        "another account is signed in",
        "Leave prompt=none out, so that the person can choose the account.",
    ),
];

/// By the code, where the rule says no more.
const CODES: [(&str, &str); 14] = [
    (
        "invalid_client",
        "Check client_id, the secret or key, and that they are sent in the way the client is registered for (token_endpoint_auth_method).",
    ),
    (
        "invalid_scope",
        "Ask only for scope that exists and that the client is registered for.",
    ),
    (
        "invalid_target",
        "Register the resource for the client and send its identifier letter for letter.",
    ),
    (
        "unauthorized_client",
        "Change the client's registration so that it may do this.",
    ),
    (
        "unsupported_grant_type",
        "Use one of grant_types_supported in the discovery document.",
    ),
    (
        "unsupported_response_type",
        "Use one of response_types_supported in the discovery document.",
    ),
    (
        "access_denied",
        "The person said no, or may not do this. Offer to try again.",
    ),
    (
        "login_required",
        "Nobody is signed in: repeat the request without prompt=none.",
    ),
    (
        "consent_required",
        "The person must agree first: repeat the request without prompt=none.",
    ),
    (
        "interaction_required",
        "The person must do something first: repeat the request without prompt=none.",
    ),
    (
        "account_selection_required",
        "The person must choose an account: repeat the request without prompt=none.",
    ),
    (
        "mfa_required",
        "The account has a second factor: use the authorization code flow, or send otp.",
    ),
    ("insufficient_scope", "Ask for the scope that the endpoint needs."),
    (
        "temporarily_unavailable",
        "Wait as long as Retry-After says, and try again.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_has_its_own_hint_and_the_rest_that_of_the_code() {
        for (code, description, cause, expected) in [
            (
                "invalid_grant",
                "code_verifier does not match the code_challenge",
                None,
                "Keep the code_verifier",
            ),
            (
                "invalid_request",
                "code_challenge is missing: this client must use PKCE with S256",
                None,
                "Use PKCE",
            ),
            (
                "invalid_client",
                "client authentication failed",
                None,
                "Check client_id, the secret",
            ),
            (
                "invalid_client",
                "client authentication failed",
                Some("the secret is wrong"),
                "Use the client's present",
            ),
            (
                "invalid_request",
                "redirect_uri is not registered for this client",
                None,
                "Register exactly",
            ),
            ("login_required", "", None, "Nobody is signed in"),
            ("strange", "strange", None, "Compare the request"),
        ] {
            let hint = hint(code, description, cause);
            assert!(hint.starts_with(expected), "{code} {description}: {hint}");
        }
    }
}
