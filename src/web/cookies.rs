//! Cookies, all with the attributes of a session cookie (RFC 6265, `__Host-` prefix).

use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue};
use protocol::time::Lifetime;

/// How cookies are named and sent; over plain http (loopback only) browsers take neither prefix nor `Secure`.
#[derive(Clone, Copy, Debug)]
pub struct Cookies {
    https: bool,
}

impl Cookies {
    /// Cookies of an issuer whose scheme is https, or not.
    pub const fn new(https: bool) -> Cookies {
        Cookies { https }
    }

    /// The value of the cookie, unless it is missing or sent with different values.
    pub fn read<'a>(&self, headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
        let mut values = headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|header| header.to_str().ok())
            .flat_map(|header| header.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(key, _)| self.is(key, name))
            .map(|(_, value)| value.trim_matches('"'));
        let value = values.next()?;
        values.all(|other| other == value).then_some(value)
    }

    fn is(self, key: &str, name: &str) -> bool {
        key.strip_prefix(self.prefix()) == Some(name)
    }

    /// Cookies do not tell ports apart: on loopback the applications beside us have a `session` of their own.
    const fn prefix(self) -> &'static str {
        if self.https { "__Host-" } else { "chancery-" }
    }

    /// A `Set-Cookie` value; without a lifetime the cookie ends with the browser's session.
    /// `None` when name or value hold what a cookie cannot.
    pub fn set(&self, name: &str, value: &str, lifetime: Option<Lifetime>) -> Option<HeaderValue> {
        if !is_token(name)
            || !value
                .bytes()
                .all(|b| matches!(b, b'!' | b'#'..=b'+' | b'-'..=b':' | b'<'..=b'[' | b']'..=b'~'))
        {
            return None;
        }
        let prefix = self.prefix();
        let mut cookie = format!("{prefix}{name}={value}; Path=/; HttpOnly; SameSite=Lax");
        if self.https {
            cookie.push_str("; Secure");
        }
        if let Some(lifetime) = lifetime {
            cookie.push_str(&format!("; Max-Age={}", lifetime.as_secs()));
        }
        HeaderValue::try_from(cookie).ok()
    }

    /// A `Set-Cookie` value that removes the cookie.
    pub fn clear(&self, name: &str) -> Option<HeaderValue> {
        self.set(name, "", Some(Lifetime::seconds(0)))
    }

    /// Adds [`Cookies::set`] to an answer.
    pub fn put(&self, headers: &mut HeaderMap, name: &str, value: &str, lifetime: Option<Lifetime>) {
        if let Some(cookie) = self.set(name, value, lifetime) {
            headers.append(SET_COOKIE, cookie);
        }
    }

    /// Adds [`Cookies::clear`] to an answer.
    pub fn remove(&self, headers: &mut HeaderMap, name: &str) {
        if let Some(cookie) = self.clear(name) {
            headers.append(SET_COOKIE, cookie);
        }
    }
}

fn is_token(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HTTPS: Cookies = Cookies::new(true);
    const HTTP: Cookies = Cookies::new(false);

    fn headers(values: &[&'static str]) -> HeaderMap {
        values
            .iter()
            .map(|value| (COOKIE, HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn cookies_carry_every_protection() {
        assert_eq!(
            HTTPS.set("session", "abc", Some(Lifetime::minutes(1))).unwrap(),
            "__Host-session=abc; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=60"
        );
        assert_eq!(
            HTTP.set("session", "abc", None).unwrap(),
            "chancery-session=abc; Path=/; HttpOnly; SameSite=Lax"
        );
        assert_eq!(
            HTTP.clear("session").unwrap(),
            "chancery-session=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"
        );
    }

    #[test]
    fn nothing_can_be_smuggled_into_a_cookie() {
        for value in ["a;b", "a b", "a,b", "a\r\nb", "a\"b", "é"] {
            assert!(HTTPS.set("session", value, None).is_none(), "{value}");
        }
    }

    #[test]
    fn a_cookie_is_found_by_its_exact_name() {
        let sent = headers(&[
            "a=1; __Host-session=secret",
            "session=theirs; chancery-session=toy; chancery-session2=x",
        ]);
        assert_eq!(HTTPS.read(&sent, "session"), Some("secret"));
        assert_eq!(HTTP.read(&sent, "session"), Some("toy"));
        assert_eq!(HTTP.read(&sent, "other"), None);
    }

    #[test]
    fn two_different_values_are_none() {
        assert_eq!(HTTP.read(&headers(&["chancery-s=1; chancery-s=2"]), "s"), None);
        assert_eq!(
            HTTP.read(&headers(&["chancery-s=1", "chancery-s=1"]), "s"),
            Some("1")
        );
    }
}
