//! Authorization responses and the modes they travel in (RFC 6749 §4.1.2, RFC 9207, OAuth 2.0 Form Post).

use serde::{Deserialize, Serialize};
use url::form_urlencoded;

use crate::error::OAuthError;

/// How an authorization response reaches the client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseMode {
    /// In the query of the redirect URI.
    #[default]
    Query,
    /// In a form that the browser posts.
    FormPost,
}

impl ResponseMode {
    /// All modes, as `response_modes_supported`.
    pub const ALL: [ResponseMode; 2] = [ResponseMode::Query, ResponseMode::FormPost];

    /// The value of `response_mode`.
    pub const fn as_str(self) -> &'static str {
        match self {
            ResponseMode::Query => "query",
            ResponseMode::FormPost => "form_post",
        }
    }

    /// The mode a `response_mode` names.
    pub fn parse(text: &str) -> Option<ResponseMode> {
        ResponseMode::ALL.into_iter().find(|mode| mode.as_str() == text)
    }
}

/// Where and how to answer, known before all of the request has been checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResponseTarget {
    /// A redirect URI that the client registered.
    pub redirect_uri: String,
    /// The mode asked for, or the default.
    pub mode: ResponseMode,
    /// The client's `state`, to be returned unchanged.
    pub state: Option<String>,
}

impl ResponseTarget {
    /// The parameters of a successful response.
    pub fn success(&self, code: &str, issuer: &str) -> Vec<(String, String)> {
        self.complete(vec![("code".to_owned(), code.to_owned())], issuer)
    }

    /// The parameters of an error response (RFC 6749 §4.1.2.1).
    pub fn error(&self, error: &OAuthError, issuer: &str) -> Vec<(String, String)> {
        let code = ("error".to_owned(), error.code.as_str().to_owned());
        self.complete(
            vec![
                code,
                ("error_description".to_owned(), error.description.to_string()),
            ],
            issuer,
        )
    }

    fn complete(&self, mut params: Vec<(String, String)>, issuer: &str) -> Vec<(String, String)> {
        if let Some(state) = &self.state {
            params.push(("state".to_owned(), state.clone()));
        }
        params.push(("iss".to_owned(), issuer.to_owned()));
        params
    }
}

/// Adds parameters to the query of a URI and leaves what is there untouched (RFC 6749 §3.1.2).
pub fn with_query(uri: &str, params: &[(String, String)]) -> String {
    let separator = match uri.find('?') {
        None => "?",
        Some(_) if uri.ends_with(['?', '&']) => "",
        Some(_) => "&",
    };
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(params);
    format!("{uri}{separator}{}", query.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_follow_what_the_uri_has() {
        let params = [("code".to_owned(), "a&b".to_owned())];
        for (uri, made) in [
            ("https://c.test/cb", "https://c.test/cb?code=a%26b"),
            ("https://c.test/cb?x=1", "https://c.test/cb?x=1&code=a%26b"),
            ("https://c.test/cb?", "https://c.test/cb?code=a%26b"),
        ] {
            assert_eq!(with_query(uri, &params), made);
        }
    }
}
