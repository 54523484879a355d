//! The texts of every language (Fluent). A language is a file `locales/TAG.ftl`, ours or the operator's.

use std::borrow::Cow;
use std::fmt;
use std::sync::OnceLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use minijinja::value::Value;
use unic_langid::LanguageIdentifier;

use super::text::isolate;
use super::{Locale, PageError};

/// The texts that come with the program.
#[derive(rust_embed::Embed)]
#[folder = "src/pages/locales"]
struct Ours;

/// A file of texts.
#[derive(Clone, Debug)]
pub(super) struct TextFile {
    /// Where it comes from, for messages.
    pub(super) origin: String,
    /// The tag its name begins with.
    pub(super) tag: String,
    /// What it says.
    pub(super) source: Cow<'static, str>,
}

/// Everything that is written on pages and in mails.
pub(super) struct Catalogue {
    /// English comes first.
    languages: Vec<Language>,
}

/// A language and its texts, the operator's before ours.
struct Language {
    locale: Locale,
    layers: Vec<Layer>,
}

/// A file of texts, read when the first of them is needed.
struct Layer {
    locale: Locale,
    file: TextFile,
    /// Nothing where the file is wrong, which is found out before for the operator's and by the tests for ours.
    texts: OnceLock<Option<Texts>>,
}

type Texts = FluentBundle<FluentResource>;

/// The text files that come with the program.
pub(super) fn ours() -> Vec<TextFile> {
    let names = Ours::iter().filter(|name| name.ends_with(".ftl"));
    names
        .filter_map(|name| {
            let file = Ours::get(&name)?;
            Some(TextFile {
                tag: name.trim_end_matches(".ftl").to_owned(),
                source: text_of(file.data),
                origin: format!("locales/{name}"),
            })
        })
        .collect()
}

fn text_of(bytes: Cow<'static, [u8]>) -> Cow<'static, str> {
    match bytes {
        Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes),
        Cow::Owned(bytes) => String::from_utf8_lossy(&bytes).into_owned().into(),
    }
}

impl fmt::Debug for Catalogue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Catalogue").field(&self.locales()).finish()
    }
}

impl Catalogue {
    /// Reads the texts of the operator, and puts ours behind them.
    pub(super) fn new(operator: Vec<TextFile>) -> Result<Catalogue, PageError> {
        let mut languages = vec![Language {
            locale: Locale::ENGLISH,
            layers: Vec::new(),
        }];
        let operator = operator.into_iter().map(|file| Layer::new(file)?.checked());
        for layer in operator.chain(ours().into_iter().map(Layer::new)) {
            let layer = layer?;
            let locale = layer.locale;
            match languages.iter_mut().find(|language| language.locale == locale) {
                Some(language) => language.layers.push(layer),
                None => languages.push(Language {
                    locale,
                    layers: vec![layer],
                }),
            }
        }
        Ok(Catalogue { languages })
    }

    /// Every language there is, English first.
    pub(super) fn locales(&self) -> Vec<Locale> {
        self.languages.iter().map(|language| language.locale).collect()
    }

    /// The text `key` with `args` filled in, in English where the language lacks it; `None` when it does not exist
    /// or lacks an argument.
    pub(super) fn format(&self, locale: Locale, key: &str, args: &[(&str, Value)]) -> Option<String> {
        let filled = filled(args);
        let wanted = self.languages.iter().filter(|language| language.locale == locale);
        let layers = wanted
            .chain(self.languages.first())
            .flat_map(|language| &language.layers);
        layers.filter_map(Layer::texts).find_map(|layer| {
            let pattern = layer.get_message(key)?.value()?;
            let mut errors = Vec::new();
            let text = layer
                .format_pattern(pattern, Some(&filled), &mut errors)
                .into_owned();
            errors.is_empty().then_some(text)
        })
    }

    /// Whether there is a text `key` at all.
    pub(super) fn has(&self, key: &str) -> bool {
        let layers = self.languages.iter().flat_map(|language| &language.layers);
        layers
            .filter_map(Layer::texts)
            .any(|texts| texts.has_message(key))
    }
}

impl Layer {
    fn new(file: TextFile) -> Result<Layer, PageError> {
        let locale = Locale::parse(&file.tag).ok_or_else(|| PageError::Texts {
            file: file.origin.clone(),
            line: 1,
            reason: "a file of texts is named after a language, such as fr.ftl or pt-BR.ftl".to_owned(),
        })?;
        Ok(Layer {
            locale,
            file,
            texts: OnceLock::new(),
        })
    }

    /// The same, when the file can be read.
    fn checked(self) -> Result<Layer, PageError> {
        let texts = read(self.locale, &self.file)?;
        Ok(Layer {
            texts: OnceLock::from(Some(texts)),
            ..self
        })
    }

    fn texts(&self) -> Option<&Texts> {
        let read = || read(self.locale, &self.file).ok();
        self.texts.get_or_init(read).as_ref()
    }
}

fn filled<'a>(args: &[(&'a str, Value)]) -> FluentArgs<'a> {
    let mut filled = FluentArgs::with_capacity(args.len());
    for (name, value) in args {
        let value = match value.as_i64() {
            Some(number) if value.is_number() => FluentValue::from(number),
            _ => FluentValue::from(isolate(value.as_str().unwrap_or_default())),
        };
        filled.set(*name, value);
    }
    filled
}

fn read(locale: Locale, file: &TextFile) -> Result<Texts, PageError> {
    let TextFile { origin, source, .. } = file;
    let wrong = |at: usize, reason: String| PageError::Texts {
        file: origin.clone(),
        line: source.get(..at).unwrap_or_default().matches('\n').count() + 1,
        reason,
    };
    let resource = FluentResource::try_new(source.clone().into_owned()).map_err(|(_, errors)| {
        errors.first().map_or_else(
            || wrong(0, "it cannot be read".to_owned()),
            |error| wrong(error.pos.start, error.kind.to_string()),
        )
    })?;
    let language: LanguageIdentifier = locale
        .tag()
        .parse()
        .map_err(|error| wrong(0, format!("{error}")))?;
    let mut bundle = FluentBundle::new_concurrent(vec![language]);
    // Isolation is ours to do, as <bdi>: invisible characters would end up in what people copy.
    bundle.set_use_isolating(false);
    bundle.add_resource(resource).map_err(|errors| {
        let names = errors.iter().map(ToString::to_string).collect::<Vec<_>>();
        wrong(0, names.join("; "))
    })?;
    Ok(bundle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_of_ours_can_be_read() {
        for file in ours() {
            let name = file.origin.clone();
            let layer = Layer::new(file).and_then(Layer::checked);
            assert!(layer.is_ok_and(|layer| layer.texts().is_some()), "{name}");
        }
    }
}
