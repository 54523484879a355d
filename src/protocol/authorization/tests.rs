use super::*;

const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn client() -> Client {
    Client {
        redirect_uris: vec!["https://app.example/cb".into()],
        scope: "openid profile books:read".parse().unwrap(),
        ..Client::new("web".into())
    }
}

fn request(changes: &[(&str, &str)]) -> Result<AuthorizationRequest, OAuthError> {
    request_of(&client(), changes)
}

fn request_of(client: &Client, changes: &[(&str, &str)]) -> Result<AuthorizationRequest, OAuthError> {
    let mut pairs = vec![
        ("client_id", "web"),
        ("redirect_uri", "https://app.example/cb"),
        ("response_type", "code"),
        ("scope", "openid"),
        ("state", "s"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    pairs.retain(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
    pairs.extend(changes);
    let params = AuthorizationParams::from_pairs(
        pairs
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned())),
    );
    params.client_id()?;
    let target = params.response_target(client)?;
    check(&params, client, target, None)
}

#[test]
fn a_plain_request_passes() {
    let request = request(&[("foo", "1"), ("scope", "openid other profile")]).unwrap();
    assert_eq!(request.scope.to_string(), "openid profile");
    assert_eq!(request.target.state.as_deref(), Some("s"));
}

#[test]
fn each_fault_has_its_error() {
    use ErrorCode::{
        InvalidRequest, InvalidScope, InvalidTarget, RegistrationNotSupported, RequestNotSupported,
        RequestUriNotSupported, UnsupportedResponseType,
    };
    for (changes, code) in [
        (
            vec![("code_challenge", ""), ("code_challenge_method", "")],
            InvalidRequest,
        ),
        (vec![("code_challenge_method", "plain")], InvalidRequest),
        (vec![("code_challenge_method", "")], InvalidRequest),
        (vec![("code_challenge", "")], InvalidRequest),
        (vec![("code_challenge", "short")], InvalidRequest),
        (vec![("response_type", "")], UnsupportedResponseType),
        (vec![("response_type", "token")], UnsupportedResponseType),
        (vec![("response_type", "id_token")], UnsupportedResponseType),
        (vec![("response_type", "code id_token")], UnsupportedResponseType),
        (vec![("response_type", "code code")], UnsupportedResponseType),
        (vec![("response_mode", "fragment")], InvalidRequest),
        (vec![("response_mode", "x")], InvalidRequest),
        (vec![("scope", "")], InvalidScope),
        (vec![("scope", "nothing")], InvalidScope),
        (vec![("scope", "openid  profile")], InvalidScope),
        (vec![("scope", "openid"), ("scope", "profile")], InvalidRequest),
        (vec![("nonce", "a"), ("nonce", "a")], InvalidRequest),
        (vec![("prompt", "none login")], InvalidRequest),
        (vec![("prompt", "sing")], InvalidRequest),
        (vec![("max_age", "-1")], InvalidRequest),
        (vec![("max_age", "1e99")], InvalidRequest),
        (vec![("max_age", "9223372036854775808")], InvalidRequest),
        (vec![("max_age", "1 ")], InvalidRequest),
        (vec![("max_age", "0x10")], InvalidRequest),
        (vec![("max_age", "+1")], InvalidRequest),
        (vec![("request", "x.y.z")], RequestNotSupported),
        (
            vec![("request_uri", "https://app.example/r")],
            RequestUriNotSupported,
        ),
        (vec![("registration", "{}")], RegistrationNotSupported),
        (vec![("claims", "[]")], InvalidRequest),
        (vec![("resource", "https://elsewhere.test/")], InvalidTarget),
    ] {
        assert_eq!(
            request(&changes).map_err(|error| error.code),
            Err(code),
            "{changes:?}"
        );
    }
}

#[test]
fn max_age_is_read_or_defaulted() {
    assert_eq!(request(&[("max_age", "0")]).unwrap().max_age, Some(0));
    assert_eq!(
        request(&[("max_age", "999999999999")]).unwrap().max_age,
        Some(999_999_999_999)
    );
    assert_eq!(request(&[("max_age", "")]).unwrap().max_age, None);
    let client = Client {
        default_max_age: Some(60),
        ..client()
    };
    assert_eq!(request_of(&client, &[]).unwrap().max_age, Some(60));
}

#[test]
fn only_a_confidential_client_can_be_excused_from_pkce() {
    let excused = Client {
        require_pkce: false,
        ..client()
    };
    let none = [("code_challenge", ""), ("code_challenge_method", "")];
    assert!(request_of(&excused, &none).is_ok());
    let public = Client {
        token_endpoint_auth_method: crate::client::ClientAuthMethod::None,
        ..excused
    };
    assert!(request_of(&public, &none).is_err());
}
