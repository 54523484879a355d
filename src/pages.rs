//! The pages people see: plain HTML from templates, in the reader's language, each with the
//! Content-Security-Policy that fits it and nothing more. Every page works without JavaScript.

mod assets;
mod locale;
mod page;
mod policy;
mod text;

use std::sync::Arc;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, Value};
use minijinja::{Environment, State, UndefinedBehavior, context, escape_formatter};

pub use assets::{Asset, assets, favicon, stylesheet};
pub use locale::Locale;
pub use page::{
    AppCard, ClientCard, DeviceError, Message, Page, SecondFactorError, SessionCard, SetUpError, SignInError,
};

use locale::Catalogue;

/// Everything needed to render pages: compiled templates and the texts of every language.
#[derive(Debug)]
pub struct Pages {
    templates: Environment<'static>,
    script_hash: String,
}

/// A finished page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// The document.
    pub html: String,
    /// The value of `Content-Security-Policy` for exactly this document.
    pub csp: String,
}

/// Why the pages cannot be built or rendered. All causes lie in the files shipped with the program.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// A template does not parse or names something that does not exist.
    #[error("a page template is wrong: {0:#}")]
    Template(#[from] minijinja::Error),
    /// What a page says cannot be written down.
    #[error("a page's data cannot be used: {0}")]
    Data(#[from] serde_json::Error),
    /// A text file of a language does not parse or names a text twice.
    #[error("the texts for {locale} are wrong: {reason}")]
    Texts {
        /// The language.
        locale: &'static str,
        /// What is wrong.
        reason: String,
    },
}

/// Shown when a template fails, which the tests rule out.
const LAST_RESORT: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Error</title>\
    <p>This page cannot be shown right now. Please try again later.</p></html>";

impl Pages {
    /// Compiles all templates and reads all texts.
    pub fn new() -> Result<Pages, PageError> {
        let texts = Arc::new(Catalogue::new()?);
        let mut templates = Environment::new();
        templates.set_syntax(
            SyntaxConfig::builder()
                .trim_blocks(true)
                .lstrip_blocks(true)
                .build()?,
        );
        templates.set_undefined_behavior(UndefinedBehavior::Strict);
        // All templates are HTML. The engine's own escaping also turns every `/` into a reference, which
        // leaves addresses that scripts and people can hardly read.
        templates.set_formatter(|out, state, value| match value.as_str() {
            Some(plain) if !value.is_safe() => Ok(out.write_str(&text::escape(plain))?),
            _ => escape_formatter(out, state, value),
        });
        for (name, source) in page::TEMPLATES {
            templates.add_template(name, source)?;
        }
        templates.add_global("stylesheet", stylesheet().0);
        templates.add_global("favicon", favicon().0);
        templates.add_global(
            "submit_script",
            Value::from_safe_string(assets::SUBMIT_SCRIPT.to_owned()),
        );
        templates.add_filter("shown", |text: &str| text::shown(text));
        templates.add_filter("web_link", policy::web_link);
        templates.add_filter("logo", policy::logo);
        templates.add_filter("moment", |seconds: i64| text::moment(seconds));
        templates.add_filter("machine_time", |seconds: i64| text::machine_time(seconds));
        templates.add_filter("device_name", text::device_name);
        templates.add_filter("span", |seconds: i64| {
            let (unit, count) = text::span(seconds);
            context! { unit, count }
        });
        let catalogue = Arc::clone(&texts);
        templates.add_function("t", move |state: &State<'_, '_>, key: &str, args: Kwargs| {
            translate(&catalogue, state, key, &args)
        });
        templates.add_function(
            "scope_text",
            move |state: &State<'_, '_>, name: &str, description: &str| {
                scope_text(&texts, state, name, description)
            },
        );
        Ok(Pages {
            templates,
            script_hash: assets::submit_script_hash(),
        })
    }

    /// Picks the language: `ui_locales` first (OpenID Connect Core §3.1.2.1), then `Accept-Language`
    /// (RFC 9110 §12.5.4), else English.
    pub fn locale(&self, ui_locales: Option<&str>, accept_language: Option<&str>) -> Locale {
        Locale::choose(ui_locales, accept_language)
    }

    /// Renders `page` in the language `locale`.
    pub fn render(&self, locale: Locale, page: &Page<'_>) -> Rendered {
        let csp = policy::content_security_policy(page, &self.script_hash);
        let html = self.try_render(locale, page).unwrap_or_else(|error| {
            tracing::error!(page.template = page.template(), %error, "a page could not be rendered");
            LAST_RESORT.to_owned()
        });
        Rendered { html, csp }
    }

    fn try_render(&self, locale: Locale, page: &Page<'_>) -> Result<String, PageError> {
        let template = self.templates.get_template(page.template())?;
        let data = serde_json::to_value(page)?;
        let lang = locale.tag();
        Ok(template.render(context! { lang, page => page::template_value(data) })?)
    }
}

fn reader(state: &State<'_, '_>) -> Locale {
    let tag = state.lookup("lang");
    Locale::from_tag(tag.as_ref().and_then(Value::as_str).unwrap_or_default()).unwrap_or_default()
}

fn missing(key: &str) -> minijinja::Error {
    minijinja::Error::new(
        minijinja::ErrorKind::InvalidOperation,
        format!("no usable text {key}"),
    )
}

/// `t("key", name=value)`: the text, escaped, with each value in a `<bdi>` of its own so that what
/// somebody chose as a name can neither add markup nor turn the sentence around it.
fn translate(
    texts: &Catalogue,
    state: &State<'_, '_>,
    key: &str,
    args: &Kwargs,
) -> Result<Value, minijinja::Error> {
    let mut values = Vec::new();
    for name in args.args() {
        values.push((name, args.get::<Value>(name)?));
    }
    let plain = values.is_empty();
    let line = texts
        .format(reader(state), key, &values)
        .ok_or_else(|| missing(key))?;
    Ok(if plain {
        Value::from(line)
    } else {
        Value::from_safe_string(text::escape_isolating(&line))
    })
}

/// What a scope means: the operator's description, else our own words, else its bare name.
fn scope_text(texts: &Catalogue, state: &State<'_, '_>, name: &str, description: &str) -> String {
    if !description.is_empty() {
        return text::shown(description);
    }
    let key = format!("scope-{name}");
    texts
        .format(reader(state), &key, &[])
        .unwrap_or_else(|| text::shown(name))
}

#[cfg(test)]
mod tests;
