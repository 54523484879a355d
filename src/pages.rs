//! The pages people see: plain HTML from templates, in the reader's language, each with the
//! Content-Security-Policy that fits it and nothing more. Every page works without JavaScript.

mod account;
mod api_keys;
mod assets;
mod brand;
mod catalogue;
pub(crate) mod color;
mod console;
mod factors;
mod locale;
mod overrides;
mod page;
mod policy;
mod sign_up;
mod text;
mod upstream;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, Value};
use minijinja::{Environment, State, UndefinedBehavior, context, escape_formatter};

pub use account::{
    AccountFrame, AccountNotice, AccountPart, AppCard, ConsentCard, DeletionError, EmailError,
    EmailLinkState, PasswordError, ProfileField, SessionCard,
};
pub use api_keys::{ApiKeyCard, ApiKeyError, ApiKeyForm, NewApiKey, PermissionChoice};
pub use assets::Asset;
pub use console::{
    ApiKeyRow, AuditList, AuditRow, ClientForm, ClientList, ClientPage, ClientRow, ClientSecretPage,
    ConnectView, ConsoleFrame, ConsoleNotice, ConsolePage, ConsolePart, ConsoleRefusal, ConsoleView,
    DiagnosisPage, GrantRow, HeldPermission, HeldRole, HeldWay, InspectedToken, KeyList, KeyRow, NamedForm,
    NamedList, NamedRow, OverviewView, PermissionBox, RequestList, SessionList, SessionRow, Snippet, Tally,
    UserDiagnosis, UserFactors, UserForm, UserList, UserPage, UserRow, chart, console_may,
};
pub use factors::{FactorCard, FactorError, PasskeyCard, TotpCard};
pub use locale::Locale;
pub use page::{ClientCard, DeviceError, Message, Page, SecondFactorError, SetUpError, SignInError};
pub use sign_up::{ForgotPage, Notice, NoticePage, ResetPage, SignUpConfirmPage, SignUpError, SignUpPage};
pub(crate) use text::machine_time;
pub use upstream::{IdentityCard, UpstreamCard};

use crate::config::Branding;
use brand::Brand;
use catalogue::Catalogue;
use overrides::Overrides;

/// The templates that come with the program: every file of the folder.
#[derive(rust_embed::Embed)]
#[folder = "src/pages/templates"]
struct Templates;

/// The names that each rendering fills in, beside the globals.
const CONTEXT_NAMES: [&str; 5] = ["lang", "dir", "page", "scripts", "loop"];

/// Everything needed to render pages: templates and the texts of every language. What comes with the program is read
/// when it is first needed; the tests rule out that it is wrong.
#[derive(Debug)]
pub struct Pages {
    ours: OnceLock<Environment<'static>>,
    /// The same with the operator's templates in place of ours.
    house: Option<Environment<'static>>,
    texts: Arc<Catalogue>,
    brand: Brand,
    locales: Vec<Locale>,
    assets: Vec<Asset>,
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

/// A sentence twice: names in it can neither add markup nor turn the words around them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sentence {
    /// For plain text.
    pub(crate) plain: String,
    /// For HTML.
    pub(crate) html: String,
}

/// Why the pages cannot be built or rendered.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// A template does not parse or names something that does not exist.
    #[error("a page template is wrong: {0:#}")]
    Template(#[from] minijinja::Error),
    /// What a page says cannot be written down.
    #[error("a page's data cannot be used: {0}")]
    Data(#[from] serde_json::Error),
    /// A text file of a language does not parse or names a text twice.
    #[error("{file}, line {line}: {reason}")]
    Texts {
        /// The file.
        file: String,
        /// Where it is wrong.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// A file of the operator's folder cannot be used.
    #[error("branding.templates: {file}, line {line}: {reason}")]
    Override {
        /// The file.
        file: String,
        /// Where it is wrong.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// The operator's logo cannot be used.
    #[error("branding.logo_file: {file} {problem}")]
    Logo {
        /// The file.
        file: String,
        /// What is wrong.
        problem: String,
    },
}

/// Instructions that rendering one page may take; the largest of ours takes a few thousand.
const FUEL: u64 = 500_000;

/// Shown when a template fails, which the tests rule out.
const LAST_RESORT: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Error</title>\
    <p>This page cannot be shown right now. Please try again later.</p></html>";

impl Pages {
    /// Reads and checks the operator's templates and texts, and makes ours ready to be read.
    pub fn new(branding: &Branding) -> Result<Pages, PageError> {
        let brand = Brand::new(branding)?;
        let overrides = Overrides::read(branding.templates.as_deref())?;
        let texts = Arc::new(Catalogue::new(overrides.texts.clone())?);
        let assets = assets::all(&brand);
        let house = if overrides.templates.is_empty() {
            None
        } else {
            let mut house = environment(&texts, &brand, &assets)?;
            overrides.add_to(&mut house, &texts)?;
            Some(house)
        };
        Ok(Pages {
            ours: OnceLock::new(),
            house,
            locales: texts.locales(),
            texts,
            brand,
            assets,
            script_hash: assets::submit_script_hash(),
        })
    }

    fn ours(&self) -> Result<&Environment<'static>, PageError> {
        if let Some(ours) = self.ours.get() {
            return Ok(ours);
        }
        let ours = environment(&self.texts, &self.brand, &self.assets)?;
        Ok(self.ours.get_or_init(|| ours))
    }

    /// Every language, English first.
    pub fn locales(&self) -> &[Locale] {
        &self.locales
    }

    /// The files the pages load.
    pub fn assets(&self) -> &[Asset] {
        &self.assets
    }

    /// Picks the language: `ui_locales` first (OpenID Connect Core §3.1.2.1), then `Accept-Language`
    /// (RFC 9110 §12.5.4), else English.
    pub fn locale(&self, ui_locales: Option<&str>, accept_language: Option<&str>) -> Locale {
        Locale::choose(&self.locales, ui_locales, accept_language)
    }

    /// A sentence of a mail, as plain text and as HTML; `None` when it does not exist or lacks an argument.
    pub(crate) fn sentence(&self, locale: Locale, key: &str, args: &[(&str, Value)]) -> Option<Sentence> {
        let line = self.texts.format(locale, key, args)?;
        Some(Sentence {
            plain: text::plain(&line),
            html: text::escape_isolating(&line),
        })
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
        let data = page::template_value(serde_json::to_value(page)?);
        let (lang, dir) = (locale.tag(), locale.direction());
        let scripts: Value = page.scripts().iter().copied().collect();
        let context = context! { lang, dir, page => data, scripts };
        if let Some(house) = &self.house {
            match house.get_template(page.template())?.render(&context) {
                Ok(html) => return Ok(html),
                Err(error) => {
                    tracing::error!(
                        "branding.templates: {error:#}; the page that comes with the program is shown"
                    );
                }
            }
        }
        Ok(self.ours()?.get_template(page.template())?.render(context)?)
    }
}

/// The source of a template of ours.
fn ours(name: &str) -> Option<String> {
    let file = Templates::get(name).filter(|_| name.ends_with(".html"))?;
    Some(String::from_utf8_lossy(&file.data).into_owned())
}

/// An environment with our templates: how they are written, and what they may use.
fn environment(
    texts: &Arc<Catalogue>,
    brand: &Brand,
    assets: &[Asset],
) -> Result<Environment<'static>, PageError> {
    let mut templates = Environment::new();
    templates.set_loader(|name| Ok(ours(name)));
    templates.set_syntax(
        SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .build()?,
    );
    templates.set_undefined_behavior(UndefinedBehavior::Strict);
    // A template of the operator's may not keep a thread busy for ever.
    templates.set_fuel(Some(FUEL));
    // All templates are HTML. The engine's own escaping also turns every `/` into a reference, which
    // leaves addresses that scripts and people can hardly read.
    templates.set_formatter(|out, state, value| match value.as_str() {
        Some(plain) if !value.is_safe() => Ok(out.write_str(&text::escape(plain))?),
        _ => escape_formatter(out, state, value),
    });
    add_globals(&mut templates, brand, assets)?;
    add_filters(&mut templates);
    let catalogue = Arc::clone(texts);
    templates.add_function("t", move |state: &State<'_, '_>, key: &str, args: Kwargs| {
        translate(&catalogue, state, key, &args)
    });
    let catalogue = Arc::clone(texts);
    templates.add_function(
        "scope_text",
        move |state: &State<'_, '_>, name: &str, description: &str| {
            scope_text(&catalogue, state, name, description)
        },
    );
    Ok(templates)
}

fn add_globals(
    templates: &mut Environment<'static>,
    brand: &Brand,
    assets: &[Asset],
) -> Result<(), PageError> {
    let paths: BTreeMap<String, String> = assets
        .iter()
        .map(|asset| (asset.name.clone(), asset.path.clone()))
        .collect();
    let path = |name: &str| paths.get(name).cloned().unwrap_or_default();
    let logo = brand.logo.as_ref().map(|logo| path(logo.name));
    templates.add_global("stylesheet", path("style.css"));
    templates.add_global("seal", path("seal.svg"));
    templates.add_global("logo", logo.map_or(Value::from(()), Value::from));
    templates.add_global("brand", page::template_value(serde_json::to_value(brand)?));
    templates.add_global(
        "submit_script",
        Value::from_safe_string(assets::SUBMIT_SCRIPT.to_owned()),
    );
    templates.add_function("asset", move |name: &str| {
        paths.get(name).cloned().ok_or_else(|| missing(name))
    });
    Ok(())
}

fn add_filters(templates: &mut Environment<'static>) {
    templates.add_filter("shown", |text: &str| text::shown(text));
    templates.add_filter("lines", |text: &str| text::lines(text));
    templates.add_filter("urlencode", |text: &str| -> String {
        url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
    });
    templates.add_filter("web_link", policy::web_link);
    templates.add_filter("logo", policy::logo);
    templates.add_filter("moment", |seconds: i64| text::moment(seconds));
    templates.add_filter("machine_time", |seconds: i64| text::machine_time(seconds));
    templates.add_filter("device_name", text::device_name);
    templates.add_filter("span", |seconds: i64| {
        let (unit, count) = text::span(seconds);
        context! { unit, count }
    });
}

fn reader(state: &State<'_, '_>) -> Locale {
    let tag = state.lookup("lang");
    Locale::parse(tag.as_ref().and_then(Value::as_str).unwrap_or_default()).unwrap_or_default()
}

fn missing(key: &str) -> minijinja::Error {
    minijinja::Error::new(
        minijinja::ErrorKind::InvalidOperation,
        format!("no usable text or file {key}"),
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
    // A name in the language files has no colon.
    let key = format!("scope-{}", name.replace(':', "-"));
    texts
        .format(reader(state), &key, &[])
        .unwrap_or_else(|| text::shown(name))
}

#[cfg(test)]
mod tests;
