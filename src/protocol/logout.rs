//! RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0): when to ask, and where to go afterwards.

use crate::client::Client;
use crate::error::{OAuthError, invalid_request};
use crate::id_token::IdTokenHint;
use crate::session::Session;

/// A logout request whose hint, if there is one, has been verified.
#[derive(Clone, Copy, Debug)]
pub struct LogoutRequest<'a> {
    /// The verified `id_token_hint`.
    pub hint: Option<&'a IdTokenHint>,
    /// The client named by the hint or by `client_id`.
    pub client: Option<&'a Client>,
    /// `client_id`, as sent.
    pub client_id: Option<&'a str>,
    /// `post_logout_redirect_uri`, as sent.
    pub redirect_uri: Option<&'a str>,
}

/// What to do with a logout request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Logout {
    /// The hint proves who asks: end the session at once.
    End,
    /// Ask the person first.
    Confirm,
}

/// Checks a request and says whether the person must be asked. With a redirect URI there must be a hint whose
/// client registered exactly that URI; a fault is told on a page and redirects nowhere.
pub fn check(
    request: &LogoutRequest<'_>,
    session: Option<&Session>,
    subject: Option<&str>,
) -> Result<Logout, OAuthError> {
    if let (Some(hint), Some(client_id)) = (request.hint, request.client_id)
        && !hint.aud.iter().any(|aud| aud == client_id)
    {
        return Err(invalid_request(
            "id_token_hint was issued to another client than client_id",
        ));
    }
    if let Some(uri) = request.redirect_uri {
        if request.hint.is_none() {
            return Err(invalid_request("post_logout_redirect_uri needs an id_token_hint"));
        }
        let registered = request
            .client
            .is_some_and(|c| c.post_logout_redirect_uris.iter().any(|known| known == uri));
        if !registered {
            return Err(invalid_request(
                "post_logout_redirect_uri is not registered for this client",
            ));
        }
    }
    Ok(match (request.hint, session) {
        (Some(_), None) => Logout::End,
        (Some(hint), Some(session)) => {
            let same_session = hint
                .sid
                .as_deref()
                .is_none_or(|sid| sid == session.id.to_string());
            if same_session && subject == Some(hint.sub.as_str()) {
                Logout::End
            } else {
                Logout::Confirm
            }
        }
        (None, _) => Logout::Confirm,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{AccountId, SessionId};
    use crate::time::Timestamp;
    use uuid::Uuid;

    #[test]
    fn a_redirect_needs_a_hint_and_registration() {
        let client = Client {
            post_logout_redirect_uris: vec!["https://c.test/out".into()],
            ..Client::new("c".into())
        };
        let session = Session {
            id: SessionId(Uuid::from_u128(1)),
            account_id: AccountId(Uuid::from_u128(2)),
            auth_time: Timestamp(0),
            factors: vec![],
            created_at: Timestamp(0),
            last_seen_at: Timestamp(0),
        };
        let hint = IdTokenHint {
            sub: "alice".into(),
            aud: vec!["c".into()],
            sid: Some(session.id.to_string()),
        };
        let ask = |hint: Option<&IdTokenHint>, client_id, redirect_uri, subject| {
            check(
                &LogoutRequest {
                    hint,
                    client: Some(&client),
                    client_id,
                    redirect_uri,
                },
                Some(&session),
                subject,
            )
        };
        let alice = Some("alice");
        assert_eq!(
            ask(Some(&hint), None, Some("https://c.test/out"), alice),
            Ok(Logout::End)
        );
        assert_eq!(
            ask(Some(&hint), None, Some("https://c.test/out"), Some("bob")),
            Ok(Logout::Confirm)
        );
        assert_eq!(ask(None, None, None, alice), Ok(Logout::Confirm));
        assert!(ask(Some(&hint), None, Some("https://c.test/out?foo=bar"), alice).is_err());
        assert!(ask(Some(&hint), None, Some("https://evil.test/"), alice).is_err());
        assert!(ask(None, Some("c"), Some("https://c.test/out"), alice).is_err());
        assert!(ask(Some(&hint), Some("d"), None, alice).is_err());
    }
}
