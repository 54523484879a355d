//! Which language a reader gets (OpenID Connect Core §3.1.2.1, RFC 9110 §12.5.4, RFC 4647 §3.4).

use std::fmt;

use unic_langid::LanguageIdentifier;

const LONGEST: usize = 11;

/// More preferences than anybody has; the rest of the header is ignored.
const MAX_PREFERENCES: usize = 32;

/// Longer than any tag of a language people read.
const MAX_TAG: usize = 35;

/// A language, by its tag (RFC 5646): language, script and region at most. There are as many as there are text
/// files; [`super::Pages::languages`] lists them.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Locale([u8; LONGEST]);

impl Locale {
    /// English, also for readers of languages we do not have.
    pub const ENGLISH: Locale = Locale(*b"en\0\0\0\0\0\0\0\0\0");

    /// German.
    pub const GERMAN: Locale = Locale(*b"de\0\0\0\0\0\0\0\0\0");

    /// Reads a tag such as `de`, `pt-BR` or `zh-Hant-TW`, in any case.
    pub fn parse(tag: &str) -> Option<Locale> {
        let language: LanguageIdentifier = tag.parse().ok()?;
        if language.variants().len() > 0 {
            return None;
        }
        let canonical = language.to_string();
        let mut bytes = [0; LONGEST];
        bytes
            .get_mut(..canonical.len())?
            .copy_from_slice(canonical.as_bytes());
        Some(Locale(bytes))
    }

    /// The tag, as in the `lang` attribute.
    pub fn tag(&self) -> &str {
        std::str::from_utf8(&self.0)
            .unwrap_or("en")
            .trim_end_matches('\0')
    }

    /// Which way the language is written, as in the `dir` attribute.
    pub fn direction(&self) -> &'static str {
        let primary = self.tag().split('-').next().unwrap_or_default();
        let script = self.tag().split('-').nth(1).filter(|part| part.len() == 4);
        let right_to_left = match script {
            Some(script) => ["Arab", "Hebr", "Thaa", "Syrc", "Nkoo", "Adlm"].contains(&script),
            None => [
                "ar", "arc", "ckb", "dv", "fa", "he", "ks", "ps", "sd", "syr", "ug", "ur", "yi",
            ]
            .contains(&primary),
        };
        if right_to_left { "rtl" } else { "ltr" }
    }

    /// The first of `known` that fits a tag: the same, else a more general one, else one of the same language.
    pub(super) fn find(known: &[Locale], tag: &str) -> Option<Locale> {
        let tag = tag.trim().replace('_', "-");
        if tag.len() > MAX_TAG {
            return None;
        }
        let mut range = tag.as_str();
        loop {
            let same = |locale: &&Locale| locale.tag().eq_ignore_ascii_case(range);
            if let Some(found) = known.iter().find(same) {
                return Some(*found);
            }
            let Some((shorter, _)) = range.rsplit_once('-') else {
                break;
            };
            range = shorter;
        }
        let related = |locale: &&Locale| {
            let primary = locale.tag().split('-').next();
            primary.is_some_and(|primary| primary.eq_ignore_ascii_case(range))
        };
        known.iter().find(related).copied()
    }

    /// The language among `known` for a request that asks with `ui_locales` and a browser that asks with
    /// `Accept-Language`.
    pub(super) fn choose(
        known: &[Locale],
        ui_locales: Option<&str>,
        accept_language: Option<&str>,
    ) -> Locale {
        let asked = ui_locales
            .unwrap_or_default()
            .split_ascii_whitespace()
            .take(MAX_PREFERENCES);
        let asked = asked.filter_map(|tag| Locale::find(known, tag)).next();
        asked
            .or_else(|| Locale::accepted(known, accept_language?))
            .unwrap_or_default()
    }

    fn accepted(known: &[Locale], header: &str) -> Option<Locale> {
        let mut best: Option<(f32, Locale)> = None;
        for range in header.split(',').take(MAX_PREFERENCES) {
            let mut parts = range.split(';').map(str::trim);
            let tag = parts.next().unwrap_or_default();
            let quality = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
            let quality = quality.map_or(1.0, |value| value.trim().parse::<f32>().unwrap_or(0.0));
            let found = if tag == "*" {
                Some(Locale::default())
            } else {
                Locale::find(known, tag)
            };
            let Some(locale) = found else { continue };
            if quality > best.map_or(0.0, |(quality, _)| quality) {
                best = Some((quality, locale));
            }
        }
        best.map(|(_, locale)| locale)
    }
}

impl Default for Locale {
    fn default() -> Locale {
        Locale::ENGLISH
    }
}

impl fmt::Debug for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.tag())
    }
}

impl fmt::Display for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.tag())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_in_any_case_and_written_in_one() {
        for (tag, expected) in [
            ("de", Some("de")),
            ("DE", Some("de")),
            ("pt_br", Some("pt-BR")),
            ("zh-hant-tw", Some("zh-Hant-TW")),
            ("", None),
            ("../en", None),
            ("de-AT-1996", None),
            ("english please", None),
        ] {
            let found = Locale::parse(tag);
            assert_eq!(found.as_ref().map(Locale::tag), expected, "{tag}");
        }
        assert_eq!(Locale::parse("de"), Some(Locale::GERMAN));
        assert_eq!(Locale::parse("en"), Some(Locale::default()));
    }

    #[test]
    fn a_reader_gets_the_closest_language_there_is() {
        let known = ["en", "pt-BR", "zh-Hans", "zh-Hant"].map(|tag| Locale::parse(tag).unwrap());
        for (tag, expected) in [
            ("pt-BR", Some("pt-BR")),
            ("pt-PT", Some("pt-BR")),
            ("pt", Some("pt-BR")),
            ("zh-Hant-TW", Some("zh-Hant")),
            ("EN_us", Some("en")),
            ("fr", None),
            ("", None),
        ] {
            let found = Locale::find(&known, tag);
            assert_eq!(found.as_ref().map(Locale::tag), expected, "{tag}");
        }
    }

    #[test]
    fn some_languages_run_from_right_to_left() {
        for (tag, expected) in [
            ("en", "ltr"),
            ("ar", "rtl"),
            ("he-IL", "rtl"),
            ("fa", "rtl"),
            ("az-Arab", "rtl"),
            ("ks-Deva", "ltr"),
        ] {
            assert_eq!(Locale::parse(tag).unwrap().direction(), expected, "{tag}");
        }
    }
}
