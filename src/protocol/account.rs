//! What an account may be called: names to sign in with, mail addresses (RFC 5321), full names.

use url::Host;
use uuid::Uuid;

/// Names that sound like the house or like its staff, however they are written.
const RESERVED: [&str; 56] = [
    "abuse",
    "account",
    "accounts",
    "admin",
    "administrator",
    "all",
    "anonymous",
    "api",
    "auth",
    "billing",
    "chancery",
    "contact",
    "daemon",
    "everyone",
    "ftp",
    "guest",
    "help",
    "helpdesk",
    "hostmaster",
    "info",
    "localhost",
    "login",
    "logout",
    "mail",
    "mailerdaemon",
    "me",
    "moderator",
    "nobody",
    "noreply",
    "null",
    "oauth",
    "official",
    "oidc",
    "operator",
    "owner",
    "password",
    "postmaster",
    "privacy",
    "register",
    "root",
    "sales",
    "security",
    "self",
    "service",
    "settings",
    "signin",
    "signup",
    "staff",
    "superadmin",
    "superuser",
    "support",
    "sysadmin",
    "system",
    "undefined",
    "user",
    "webmaster",
];

/// Why a text cannot be a user name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UsernameError {
    /// Too short or too long.
    #[error("must have 3 to 50 characters")]
    Length,
    /// Other characters than are allowed.
    #[error("may hold only letters a to z, digits, _ and -")]
    Characters,
}

/// Checks a user name that its holder chose. ASCII alone, so that no two names look alike by way of other scripts.
pub fn check_username(name: &str) -> Result<(), UsernameError> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
    if !name.bytes().all(allowed) {
        return Err(UsernameError::Characters);
    }
    match name.len() {
        3..=50 => Ok(()),
        _ => Err(UsernameError::Length),
    }
}

/// Whether a user name may not be chosen by whoever comes, because it is reserved always or by `also`, or has the form
/// of the identifier of an account.
pub fn is_reserved(name: &str, also: &[String]) -> bool {
    if Uuid::try_parse(name).is_ok() {
        return true;
    }
    let name = look(name);
    RESERVED
        .into_iter()
        .chain(also.iter().map(String::as_str))
        .any(|reserved| look(reserved) == name)
}

/// What a reader takes a name for: case, separators and the digits that pass for letters do not count.
fn look(name: &str) -> String {
    name.chars()
        .filter(|c| !matches!(c, '_' | '-' | '.'))
        .map(|c| match c.to_ascii_lowercase() {
            '0' => 'o',
            '1' | 'i' => 'l',
            c => c,
        })
        .collect()
}

/// Checks a user name that an administrator gives, as when accounts move here from elsewhere. It may be an identifier
/// of another directory.
pub fn check_given_username(name: &str) -> Result<(), &'static str> {
    if name.is_empty()
        || name.chars().count() > 255
        || name.trim() != name
        || name.chars().any(|c| c.is_control() || is_hidden(c))
    {
        return Err("must be 1 to 255 visible characters without spaces at its ends");
    }
    Ok(())
}

/// Checks a user name that nobody here had before, so that it does not look like another. `normal` is the name in its
/// normal form (Unicode NFKC), for which whoever calls has the tables.
pub fn check_new_username(name: &str, normal: impl Iterator<Item = char>) -> Result<(), &'static str> {
    check_given_username(name)?;
    if !name.chars().eq(normal) {
        return Err(
            "must be written in its normal form (Unicode NFKC), without full-width or decomposed letters",
        );
    }
    // An address in another script has a domain in Latin letters as a rule.
    if name.split('@').any(mixes_scripts) {
        return Err("must not mix Latin, Greek and Cyrillic letters");
    }
    Ok(())
}

/// Scripts whose letters are taken for one another.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Script {
    Latin,
    Greek,
    Cyrillic,
}

fn script(c: char) -> Option<Script> {
    if !c.is_alphabetic() {
        return None;
    }
    match c {
        'A'..='Z'
        | 'a'..='z'
        | '\u{AA}'..='\u{2AF}'
        | '\u{1D00}'..='\u{1D25}'
        | '\u{1D6B}'..='\u{1D77}'
        | '\u{1D79}'..='\u{1D9A}'
        | '\u{1E00}'..='\u{1EFF}'
        | '\u{2C60}'..='\u{2C7F}'
        | '\u{A722}'..='\u{A7FF}'
        | '\u{AB30}'..='\u{AB64}' => Some(Script::Latin),
        '\u{370}'..='\u{3FF}' | '\u{1D26}'..='\u{1D2A}' | '\u{1F00}'..='\u{1FFF}' => Some(Script::Greek),
        '\u{400}'..='\u{52F}'
        | '\u{1C80}'..='\u{1C8F}'
        | '\u{1D2B}'
        | '\u{2DE0}'..='\u{2DFF}'
        | '\u{A640}'..='\u{A69F}' => Some(Script::Cyrillic),
        _ => None,
    }
}

fn mixes_scripts(text: &str) -> bool {
    let mut scripts = text.chars().filter_map(script);
    let first = scripts.next();
    scripts.any(|script| Some(script) != first)
}

/// Why a text is no mail address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no mail address; write it like alice@example.org")]
pub struct EmailError;

/// Reads a mail address: trimmed, its domain in lower case and ASCII (IDNA), its local part as it is (RFC 5321 §4.1.2).
/// Quoted local parts and address literals are refused, for nobody has them and parsers disagree about them.
pub fn parse_email(text: &str) -> Result<String, EmailError> {
    let (local, domain) = text.trim().rsplit_once('@').ok_or(EmailError)?;
    let atom = |part: &str| !part.is_empty() && part.bytes().all(is_atext);
    if local.len() > 64 || !local.split('.').all(atom) {
        return Err(EmailError);
    }
    let email = format!("{local}@{}", parse_domain(domain)?);
    if email.len() > 254 {
        return Err(EmailError);
    }
    Ok(email)
}

fn is_atext(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&b)
}

fn parse_domain(text: &str) -> Result<String, EmailError> {
    // The parser for URLs would decode these.
    if text.contains('%') {
        return Err(EmailError);
    }
    let Ok(Host::Domain(domain)) = Host::parse(text) else {
        return Err(EmailError);
    };
    let sound = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if domain.split('.').all(sound) {
        Ok(domain)
    } else {
        Err(EmailError)
    }
}

/// Enough of an address for its owner to know it by.
pub fn masked(email: &str) -> String {
    match email.rsplit_once('@') {
        Some((local, domain)) => format!("{}•••@{domain}", local.chars().next().unwrap_or('•')),
        None => "•••".to_owned(),
    }
}

/// The most characters of a full name.
pub const FULL_NAME_LENGTH: usize = 100;

/// Why a text cannot be a full name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("may have at most 100 characters")]
pub struct FullNameError;

/// Cleans a full name: no control characters, nothing that is invisible or turns the direction of what follows, single
/// spaces. What is left may be nothing.
pub fn parse_full_name(text: &str) -> Result<Option<String>, FullNameError> {
    let kept: String = text
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|c| !c.is_control() && !is_hidden(*c))
        .collect();
    let name = kept.split_whitespace().collect::<Vec<_>>().join(" ");
    if name.chars().count() > FULL_NAME_LENGTH {
        return Err(FullNameError);
    }
    // Joiners belong into names of some scripts, but they alone are none.
    let visible = name.chars().any(|c| !matches!(c, '\u{200C}' | '\u{200D}'));
    Ok(visible.then_some(name))
}

fn is_hidden(c: char) -> bool {
    matches!(c, '\u{AD}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{180E}' | '\u{200B}' | '\u{200E}' | '\u{200F}'
        | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FEFF}' | '\u{FFA0}'
        | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_names_are_3_to_50_ascii_letters_digits_and_two_signs() {
        use UsernameError::{Characters, Length};
        let (fifty, more) = ("x".repeat(50), "x".repeat(51));
        for (name, verdict) in [
            ("bob", Ok(())),
            ("Alice_B-2", Ok(())),
            ("007", Ok(())),
            ("---", Ok(())),
            (fifty.as_str(), Ok(())),
            ("", Err(Length)),
            ("ab", Err(Length)),
            (more.as_str(), Err(Length)),
            ("al ice", Err(Characters)),
            ("alice ", Err(Characters)),
            ("alice@example", Err(Characters)),
            ("al.ice", Err(Characters)),
            ("a/b/c", Err(Characters)),
            ("аlice", Err(Characters)),
            ("alıce", Err(Characters)),
            ("ａlice", Err(Characters)),
            ("alice\u{200D}", Err(Characters)),
            ("ali\u{202E}ce", Err(Characters)),
            ("alice\0", Err(Characters)),
            ("ali\nce", Err(Characters)),
        ] {
            assert_eq!(check_username(name), verdict, "{name:?}");
        }
    }

    #[test]
    fn names_of_the_house_are_reserved_however_they_are_written() {
        let also = ["Acme".to_owned(), "the_boss".to_owned()];
        for name in [
            "admin",
            "Admin",
            "ROOT",
            "r00t",
            "adm1n",
            "admln",
            "super-admin",
            "super_admin",
            "Post-Master",
            "no-reply",
            "acme",
            "a-c-m-e",
            "theboss",
            "me_",
        ] {
            assert!(is_reserved(name, &also), "{name}");
        }
        for name in ["alice", "badmin", "admins-friend", "boss", "roots"] {
            assert!(!is_reserved(name, &also), "{name}");
        }
    }

    #[test]
    fn administrators_may_give_other_names() {
        for name in ["a", "a@b.c", "Jörg Müller", "x".repeat(255).as_str()] {
            assert_eq!(check_given_username(name), Ok(()), "{name}");
        }
        for name in ["", " a", "a ", "a\nb", "a\u{202E}b", "x".repeat(256).as_str()] {
            assert!(check_given_username(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn nobody_chooses_a_name_that_is_an_identifier_but_a_directory_may_give_one() {
        let uuid = "6f1c2d3e-4b5a-4c6d-8e7f-90a1b2c3d4e5";
        for (name, reserved) in [
            (uuid, true),
            (&uuid.to_uppercase(), true),
            (&uuid.replace('-', ""), true),
            (&format!("x{uuid}"), false),
            ("6f1c2d3e-4b5a", false),
            ("6f1c2d3e4b5a4c6d8e7f90a1b2c3d4e", false),
        ] {
            assert_eq!(is_reserved(name, &[]), reserved, "{name}");
            assert_eq!(check_new_username(name, name.chars()), Ok(()), "{name}");
        }
    }

    #[test]
    fn a_new_user_name_looks_like_no_other() {
        for (name, normal, fine) in [
            ("alice", "alice", true),
            ("J\u{f6}rg M\u{fc}ller", "J\u{f6}rg M\u{fc}ller", true),
            (
                "\u{438}\u{432}\u{430}\u{43d}-2",
                "\u{438}\u{432}\u{430}\u{43d}-2",
                true,
            ),
            (
                "\u{438}\u{432}\u{430}\u{43d}@example.test",
                "\u{438}\u{432}\u{430}\u{43d}@example.test",
                true,
            ),
            (
                "\u{3a3}\u{3c9}\u{3ba}\u{3c1}",
                "\u{3a3}\u{3c9}\u{3ba}\u{3c1}",
                true,
            ),
            ("\u{5c71}\u{7530}taro", "\u{5c71}\u{7530}taro", true),
            ("\u{ff41}lice", "alice", false),
            ("Jo\u{308}rg", "J\u{f6}rg", false),
            ("\u{fb01}nn", "finn", false),
            ("\u{430}lice", "\u{430}lice", false),
            ("ali\u{441}e@example.test", "ali\u{441}e@example.test", false),
            ("alice@ex\u{430}mple.test", "alice@ex\u{430}mple.test", false),
            ("\u{3bf}scar", "\u{3bf}scar", false),
            ("\u{3b1}\u{430}", "\u{3b1}\u{430}", false),
            ("", "", false),
        ] {
            assert_eq!(check_new_username(name, normal.chars()).is_ok(), fine, "{name}");
        }
    }

    #[test]
    fn addresses_are_read_and_their_domain_made_one() {
        for (text, email) in [
            ("alice@example.org", "alice@example.org"),
            ("  Alice@Example.ORG\t", "Alice@example.org"),
            ("a.b+tag@sub.example.org", "a.b+tag@sub.example.org"),
            ("o'neil@example.org", "o'neil@example.org"),
            ("100%@example.org", "100%@example.org"),
            ("alice@Bücher.example", "alice@xn--bcher-kva.example"),
            ("alice@ｅxample。org", "alice@example.org"),
            ("root@localhost", "root@localhost"),
        ] {
            assert_eq!(parse_email(text).as_deref(), Ok(email), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let (long_local, long_label) = (
            format!("{}@b.test", "x".repeat(65)),
            format!("a@{}.test", "x".repeat(64)),
        );
        let long = format!("a@{}test", "abcdefghi.".repeat(25));
        for text in [
            "",
            "alice",
            "@example.org",
            "alice@",
            "a@b@example.org",
            ".a@example.org",
            "a.@example.org",
            "a..b@example.org",
            "\"a b\"@example.org",
            "\"a\"@example.org",
            "a b@example.org",
            "a\r\nBcc: x@evil.test@example.org",
            "a@example.org\nBcc: x",
            "a\0@example.org",
            "аlice@example.org",
            "Alice <alice@example.org>",
            "a,b@example.org",
            "a@[127.0.0.1]",
            "a@[::1]",
            "a@127.0.0.1",
            "a@0x7f.1",
            "a@ex%61mple.org",
            "a@example..org",
            "a@example.org.",
            "a@.example.org",
            "a@-example.org",
            "a@exa_mple.org",
            "a@exa mple.org",
            "a@example.org/x",
            "a@example.org:25",
            long_local.as_str(),
            long_label.as_str(),
            long.as_str(),
        ] {
            assert_eq!(parse_email(text), Err(EmailError), "{text:?}");
        }
    }

    #[test]
    fn full_names_are_cleaned() {
        let (hundred, more) = ("é".repeat(100), "é".repeat(101));
        for (text, name) in [
            ("Alice Example", Ok(Some("Alice Example"))),
            ("  Alice \t\n Example\u{2028}", Ok(Some("Alice Example"))),
            ("Ali\0ce\u{7}\u{9b}", Ok(Some("Alice"))),
            ("Ev\u{202E}il\u{2066}\u{200B}\u{FEFF}", Ok(Some("Evil"))),
            ("محمد\u{200F}", Ok(Some("محمد"))),
            ("می\u{200C}خواهم", Ok(Some("می\u{200C}خواهم"))),
            ("\u{200D}", Ok(None)),
            ("", Ok(None)),
            (" \u{3164} ", Ok(None)),
            (hundred.as_str(), Ok(Some(hundred.as_str()))),
            (more.as_str(), Err(FullNameError)),
        ] {
            assert_eq!(
                parse_full_name(text).as_ref().map(Option::as_deref),
                name.as_ref().map(|n| *n),
                "{text:?}"
            );
        }
    }
}
