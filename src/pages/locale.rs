//! Languages: which ones there are, which one a reader gets, and their texts (Fluent).

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use minijinja::value::Value;
use unic_langid::LanguageIdentifier;

use super::PageError;
use super::text::isolate;

/// A language the pages are written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Locale {
    /// English, also for readers of languages we do not have.
    #[default]
    English,
    /// German.
    German,
}

/// More preferences than anybody has; the rest of the header is ignored.
const MAX_PREFERENCES: usize = 32;

impl Locale {
    /// Every language.
    pub const ALL: [Locale; 2] = [Locale::English, Locale::German];

    /// The language tag (RFC 5646), as in the `lang` attribute.
    pub fn tag(self) -> &'static str {
        match self {
            Locale::English => "en",
            Locale::German => "de",
        }
    }

    /// The language of a tag by its primary subtag; `de-AT` is German.
    pub fn from_tag(tag: &str) -> Option<Locale> {
        let primary = tag.split(['-', '_']).next()?.trim();
        Locale::ALL
            .into_iter()
            .find(|locale| primary.eq_ignore_ascii_case(locale.tag()))
    }

    pub(super) fn choose(ui_locales: Option<&str>, accept_language: Option<&str>) -> Locale {
        let asked = ui_locales
            .unwrap_or_default()
            .split_ascii_whitespace()
            .take(MAX_PREFERENCES);
        let asked = asked.filter_map(Locale::from_tag).next();
        asked
            .or_else(|| Locale::accepted(accept_language?))
            .unwrap_or_default()
    }

    fn accepted(header: &str) -> Option<Locale> {
        let mut best: Option<(f32, Locale)> = None;
        for range in header.split(',').take(MAX_PREFERENCES) {
            let mut parts = range.split(';').map(str::trim);
            let tag = parts.next().unwrap_or_default();
            let quality = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
            let quality = quality.map_or(1.0, |value| value.trim().parse::<f32>().unwrap_or(0.0));
            let found = if tag == "*" {
                Some(Locale::default())
            } else {
                Locale::from_tag(tag)
            };
            let Some(locale) = found else { continue };
            if quality > best.map_or(0.0, |(quality, _)| quality) {
                best = Some((quality, locale));
            }
        }
        best.map(|(_, locale)| locale)
    }

    pub(super) fn source(self) -> &'static str {
        match self {
            Locale::English => include_str!("locales/en.ftl"),
            Locale::German => include_str!("locales/de.ftl"),
        }
    }
}

/// The texts of every language.
pub(super) struct Catalogue {
    english: FluentBundle<FluentResource>,
    german: FluentBundle<FluentResource>,
}

impl Catalogue {
    pub(super) fn new() -> Result<Catalogue, PageError> {
        Ok(Catalogue {
            english: bundle(Locale::English)?,
            german: bundle(Locale::German)?,
        })
    }

    /// The text `key` with `args` filled in; `None` when it does not exist or lacks an argument.
    pub(super) fn format(&self, locale: Locale, key: &str, args: &[(&str, Value)]) -> Option<String> {
        let bundle = match locale {
            Locale::English => &self.english,
            Locale::German => &self.german,
        };
        let pattern = bundle.get_message(key)?.value()?;
        let mut filled = FluentArgs::with_capacity(args.len());
        for (name, value) in args {
            let value = match value.as_i64() {
                Some(number) if value.is_number() => FluentValue::from(number),
                _ => FluentValue::from(isolate(value.as_str().unwrap_or_default())),
            };
            filled.set((*name).to_owned(), value);
        }
        let mut errors = Vec::new();
        let text = bundle
            .format_pattern(pattern, Some(&filled), &mut errors)
            .into_owned();
        errors.is_empty().then_some(text)
    }
}

fn bundle(locale: Locale) -> Result<FluentBundle<FluentResource>, PageError> {
    let wrong = |reason: String| PageError::Texts {
        locale: locale.tag(),
        reason,
    };
    let resource = FluentResource::try_new(locale.source().to_owned())
        .map_err(|(_, errors)| wrong(format!("{errors:?}")))?;
    let language: LanguageIdentifier = locale.tag().parse().map_err(|error| wrong(format!("{error}")))?;
    let mut bundle = FluentBundle::new_concurrent(vec![language]);
    // Isolation is ours to do, as <bdi>: invisible characters would end up in what people copy.
    bundle.set_use_isolating(false);
    bundle
        .add_resource(resource)
        .map_err(|errors| wrong(format!("{errors:?}")))?;
    Ok(bundle)
}
