//! What people may say about themselves: the standard claims that an account's holder sets (OpenID Connect Core §5.1).

use url::Url;

use crate::account::{FULL_NAME_LENGTH, parse_full_name};

/// A claim that its holder may set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProfileClaim {
    /// Its name.
    pub name: &'static str,
    /// The most characters of its value.
    pub max_length: usize,
    /// What browsers fill in there (HTML §4.10.18.7).
    pub autocomplete: &'static str,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Web,
    Birthdate,
    Zone,
    Language,
}

const fn claim(
    name: &'static str,
    kind: Kind,
    max_length: usize,
    autocomplete: &'static str,
) -> ProfileClaim {
    ProfileClaim {
        name,
        max_length,
        autocomplete,
        kind,
    }
}

/// The claims that their holder may set, in the order of the form.
pub const PROFILE_CLAIMS: [ProfileClaim; 12] = [
    claim("name", Kind::Text, FULL_NAME_LENGTH, "name"),
    claim("nickname", Kind::Text, FULL_NAME_LENGTH, "nickname"),
    claim("given_name", Kind::Text, FULL_NAME_LENGTH, "given-name"),
    claim("middle_name", Kind::Text, FULL_NAME_LENGTH, "additional-name"),
    claim("family_name", Kind::Text, FULL_NAME_LENGTH, "family-name"),
    claim("gender", Kind::Text, 50, "sex"),
    claim("birthdate", Kind::Birthdate, 10, "bday"),
    claim("website", Kind::Web, 500, "url"),
    claim("profile", Kind::Web, 500, "off"),
    claim("picture", Kind::Web, 500, "photo"),
    claim("locale", Kind::Language, 35, "language"),
    claim("zoneinfo", Kind::Zone, 50, "off"),
];

/// The text cannot be the value of the claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("does not have the form of this claim")]
pub struct InvalidClaim;

impl ProfileClaim {
    /// The claim of that name, unless its holder may not set it.
    pub fn find(name: &str) -> Option<&'static ProfileClaim> {
        PROFILE_CLAIMS.iter().find(|claim| claim.name == name)
    }

    /// The value that a text stands for; nothing when nothing visible is in it.
    pub fn parse(&self, text: &str) -> Result<Option<String>, InvalidClaim> {
        let Some(text) = parse_plain(text, self.max_length)? else {
            return Ok(None);
        };
        let fits = match self.kind {
            Kind::Text => true,
            Kind::Web => is_web(&text),
            Kind::Birthdate => is_birthdate(&text),
            Kind::Zone => is_zone(&text),
            Kind::Language => is_language(&text),
        };
        if fits { Ok(Some(text)) } else { Err(InvalidClaim) }
    }
}

/// Cleans a text the way names are cleaned, whatever its length.
fn parse_plain(text: &str, max_length: usize) -> Result<Option<String>, InvalidClaim> {
    let text = text.trim();
    if text.chars().count() > max_length {
        return Err(InvalidClaim);
    }
    if max_length > FULL_NAME_LENGTH {
        // What is not a name has no reason to hold anything but ASCII.
        let plain = text.bytes().all(|b| b.is_ascii_graphic());
        return if plain {
            Ok((!text.is_empty()).then(|| text.to_owned()))
        } else {
            Err(InvalidClaim)
        };
    }
    parse_full_name(text).map_err(|_| InvalidClaim)
}

/// An address that may become a link, never a script, and tells no password.
fn is_web(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "https" | "http")
            && url.host().is_some()
            && url.username().is_empty()
            && url.password().is_none()
    })
}

/// `YYYY-MM-DD`, `YYYY` alone, or the year `0000` for those who keep it to themselves.
fn is_birthdate(text: &str) -> bool {
    let number = |part: Option<&str>, length: usize| {
        part.filter(|part| part.len() == length && part.bytes().all(|b| b.is_ascii_digit()))
            .and_then(|part| part.parse::<u32>().ok())
    };
    let mut parts = text.split('-');
    let year = number(parts.next(), 4);
    if text.len() == 4 {
        return year.is_some_and(|year| year > 0);
    }
    let (month, day) = (number(parts.next(), 2), number(parts.next(), 2));
    let (Some(year), Some(month), Some(day), None) = (year, month, day, parts.next()) else {
        return false;
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    (1..=days).contains(&day)
}

/// The shape of a name in the time zone database, such as `Europe/Berlin`.
fn is_zone(text: &str) -> bool {
    let sound = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic())
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'+'))
    };
    let parts = text.split('/').count();
    (parts == 2 || parts == 3 || text == "UTC") && text.split('/').all(sound)
}

/// The shape of a language tag (RFC 5646 §2.1), such as `de-AT`.
fn is_language(text: &str) -> bool {
    let mut parts = text.split('-');
    let primary = parts.next().unwrap_or_default();
    (2..=3).contains(&primary.len())
        && primary.bytes().all(|b| b.is_ascii_alphabetic())
        && parts.all(|part| (2..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(name: &str, text: &str) -> Result<Option<String>, InvalidClaim> {
        ProfileClaim::find(name).unwrap().parse(text)
    }

    #[test]
    fn values_of_the_right_form_are_kept() {
        for (name, text, kept) in [
            ("name", "  Alice   Example ", Some("Alice Example")),
            ("name", "Ali\u{202E}ce\u{0}\n B", Some("Alice B")),
            ("given_name", "Žofie", Some("Žofie")),
            ("nickname", " \t ", None),
            (
                "website",
                "https://alice.example/?a=1#b",
                Some("https://alice.example/?a=1#b"),
            ),
            (
                "picture",
                "http://alice.example/a.png",
                Some("http://alice.example/a.png"),
            ),
            ("picture", "", None),
            ("birthdate", "2000-02-29", Some("2000-02-29")),
            ("birthdate", "1984", Some("1984")),
            ("birthdate", "0000-12-31", Some("0000-12-31")),
            ("zoneinfo", "Europe/Berlin", Some("Europe/Berlin")),
            (
                "zoneinfo",
                "America/Argentina/Ushuaia",
                Some("America/Argentina/Ushuaia"),
            ),
            ("zoneinfo", "UTC", Some("UTC")),
            ("locale", "de", Some("de")),
            ("locale", "zh-Hant-TW", Some("zh-Hant-TW")),
        ] {
            assert_eq!(parse(name, text), Ok(kept.map(str::to_owned)), "{name}: {text:?}");
        }
    }

    #[test]
    fn values_of_another_form_are_refused() {
        let long = "x".repeat(101);
        for (name, text) in [
            ("name", long.as_str()),
            ("website", "javascript:alert(1)"),
            ("website", "data:text/html,x"),
            ("website", "//alice.example/"),
            ("website", "alice.example"),
            ("website", "https://u:p@alice.example/"),
            ("website", "https://alice.example/ x"),
            ("profile", "https://alice.example/\u{202E}"),
            ("picture", "file:///etc/passwd"),
            ("birthdate", "2001-02-29"),
            ("birthdate", "1900-02-29"),
            ("birthdate", "2000-13-01"),
            ("birthdate", "2000-1-1"),
            ("birthdate", "2000-01-00"),
            ("birthdate", "0000"),
            ("birthdate", "2000-01"),
            ("birthdate", "2000-01-01-01"),
            ("birthdate", "+200-01-01"),
            ("zoneinfo", "Berlin"),
            ("zoneinfo", "../etc"),
            ("zoneinfo", "Europe//Berlin"),
            ("zoneinfo", "Europe/Ber lin"),
            ("locale", "d"),
            ("locale", "de_AT"),
            ("locale", "german"),
            ("locale", "de-"),
        ] {
            assert_eq!(parse(name, text), Err(InvalidClaim), "{name}: {text:?}");
        }
    }

    #[test]
    fn what_others_vouch_for_is_not_for_its_holder_to_set() {
        for name in [
            "sub",
            "email",
            "email_verified",
            "phone_number_verified",
            "preferred_username",
            "updated_at",
            "roles",
            "permissions",
        ] {
            assert_eq!(ProfileClaim::find(name), None, "{name}");
        }
    }
}
