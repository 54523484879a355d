//! Two proofs that a form was sent from our own page: a token bound to the browser, and where the browser says
//! it comes from.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::ORIGIN;
use http::{HeaderMap, HeaderValue};

/// The token of a form shown to the browser that holds `binding`, such as a session or interaction.
pub fn token(key: &[u8; 32], binding: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    URL_SAFE_NO_PAD.encode(hmac::sign(&key, binding.as_bytes()))
}

/// Whether `sent` is the token for `binding`; compares in constant time.
pub fn matches(key: &[u8; 32], binding: &str, sent: Option<&str>) -> bool {
    let Some(sent) = sent.and_then(|sent| URL_SAFE_NO_PAD.decode(sent).ok()) else {
        return false;
    };
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hmac::verify(&key, binding.as_bytes(), &sent).is_ok()
}

/// Whether the browser does not say that another origin sent the request. One that says nothing passes: the
/// token decides.
pub fn same_origin(headers: &HeaderMap, issuer_origin: &str) -> bool {
    let mut sites = headers
        .get_all("sec-fetch-site")
        .iter()
        .map(HeaderValue::as_bytes)
        .peekable();
    let named = sites.peek().is_some();
    let sites_fit = sites.all(|site| matches!(site, b"same-origin" | b"none"));
    // Our pages send no referrer, and then browsers write `null` for their own origin too (Fetch §3.2).
    let is_ours =
        |origin: &HeaderValue| origin.as_bytes() == issuer_origin.as_bytes() || (named && origin == "null");
    sites_fit && headers.get_all(ORIGIN).iter().all(is_ours)
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;

    #[test]
    fn a_token_fits_its_key_and_binding_only() {
        let token = token(&[1; 32], "session-1");
        assert!(matches(&[1; 32], "session-1", Some(&token)));
        assert!(!matches(&[1; 32], "session-2", Some(&token)));
        assert!(!matches(&[2; 32], "session-1", Some(&token)));
        assert!(!matches(&[1; 32], "session-1", None));
        assert!(!matches(&[1; 32], "session-1", Some("")));
        assert!(!matches(&[1; 32], "session-1", Some(&token[..20])));
    }

    #[test]
    fn other_origins_are_refused() {
        let ours = "https://id.example.test";
        let cases: [(&[(&str, &str)], bool); 9] = [
            (&[("origin", "null"), ("sec-fetch-site", "same-origin")], true),
            (&[], true),
            (&[("origin", ours)], true),
            (&[("origin", ours), ("sec-fetch-site", "same-origin")], true),
            (&[("sec-fetch-site", "none")], true),
            (&[("origin", "null")], false),
            (&[("origin", "https://evil.example")], false),
            (&[("origin", "https://id.example.test.evil.example")], false),
            (&[("sec-fetch-site", "same-site")], false),
        ];
        for (sent, allowed) in cases {
            let headers: HeaderMap = sent
                .iter()
                .map(|(name, value)| {
                    (
                        HeaderName::try_from(*name).unwrap(),
                        HeaderValue::try_from(*value).unwrap(),
                    )
                })
                .collect();
            assert_eq!(same_origin(&headers, ours), allowed, "{sent:?}");
        }
    }
}
