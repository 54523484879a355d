//! What mails say: sentences in the reader's language, put into one text and one HTML template.

use std::path::Path;
use std::sync::OnceLock;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Value;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, context};
use protocol::time::Lifetime;

use super::Mail;
use crate::app::App;
use crate::config::Branding;
use crate::error::BoxError;
use crate::links::Purpose;
use crate::pages::{Locale, Sentence, color};

const HTML: (&str, &str) = ("letter.html", include_str!("templates/letter.html"));
const TEXT: (&str, &str) = ("letter.txt", include_str!("templates/letter.txt"));

const OURS: [(&str, &str); 2] = [HTML, TEXT];

/// The templates of mails: those of the operator's folder `mail` where there are some, and ours, which are read for the
/// first mail.
pub(super) struct Templates {
    house: Option<Environment<'static>>,
    ours: OnceLock<Environment<'static>>,
}

/// A mail in words.
pub(super) struct Written {
    pub(super) subject: String,
    pub(super) text: String,
    pub(super) html: String,
    pub(super) links: Vec<String>,
}

/// What a template is given.
struct Content {
    paragraphs: Vec<Sentence>,
    buttons: Vec<Button>,
    notes: Vec<Sentence>,
    footer: Sentence,
}

struct Button {
    label: Sentence,
    url: String,
}

impl Button {
    fn value(&self) -> Value {
        let escaped = self
            .url
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('"', "&quot;");
        context! {
            label => sentence(&self.label),
            url => self.url.as_str(),
            href => Value::from_safe_string(escaped),
        }
    }
}

fn sentence(sentence: &Sentence) -> Value {
    context! { plain => sentence.plain.as_str(), html => Value::from_safe_string(sentence.html.clone()) }
}

fn sentences(all: &[Sentence]) -> Vec<Value> {
    all.iter().map(sentence).collect()
}

impl Templates {
    pub(super) fn new(branding: &Branding) -> Result<Templates, BoxError> {
        let folder = branding.templates.as_deref().map(|folder| folder.join("mail"));
        let theirs = |name: &str| match &folder {
            Some(folder) => read(&folder.join(name)),
            None => Ok(None),
        };
        let mut house = None;
        for (name, _) in OURS {
            let Some(source) = theirs(name)? else {
                continue;
            };
            let house = match &mut house {
                Some(house) => house,
                none => none.insert(environment()?),
            };
            let rendered = house
                .add_template_owned(name, source)
                .and_then(|()| house.get_template(name)?.render(sample()));
            if let Err(error) = rendered {
                let line = error.line().unwrap_or(1);
                return Err(format!("branding.templates: mail/{name}, line {line}: {error:#}").into());
            }
        }
        Ok(Templates {
            house,
            ours: OnceLock::new(),
        })
    }

    fn ours(&self) -> Result<&Environment<'static>, minijinja::Error> {
        if let Some(ours) = self.ours.get() {
            return Ok(ours);
        }
        let ours = environment()?;
        Ok(self.ours.get_or_init(|| ours))
    }

    /// What a template of the operator's cannot say after all, ours says.
    fn render(&self, name: &str, values: &Value) -> Result<String, minijinja::Error> {
        if let Some(house) = &self.house {
            match house.get_template(name)?.render(values) {
                Ok(rendered) => return Ok(rendered),
                Err(error) => tracing::error!(
                    "branding.templates: mail/{name}: {error:#}; the template that comes with the program is used"
                ),
            }
        }
        self.ours()?.get_template(name)?.render(values)
    }

    pub(super) fn write(&self, app: &App, locale: Locale, mail: &Mail<'_>) -> Result<Written, BoxError> {
        let writer = Writer { app, locale, mail };
        let subject = writer.say("subject")?;
        let content = writer.content()?;
        let links = content.buttons.iter().map(|button| button.url.clone()).collect();
        let (accent, ink) = color::button(app.config.branding.accent_color.as_deref());
        let values = context! {
            lang => locale.tag(),
            dir => locale.direction(),
            service => app.config.branding.name.as_str(),
            accent,
            ink,
            subject => subject.plain.as_str(),
            paragraphs => sentences(&content.paragraphs),
            buttons => content.buttons.iter().map(Button::value).collect::<Vec<_>>(),
            notes => sentences(&content.notes),
            footer => sentence(&content.footer),
        };
        Ok(Written {
            subject: subject.plain,
            text: self.render(TEXT.0, &values)?,
            html: self.render(HTML.0, &values)?,
            links,
        })
    }
}

/// An environment with our templates.
fn environment() -> Result<Environment<'static>, minijinja::Error> {
    let mut templates = Environment::new();
    let syntax = SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .build()?;
    templates.set_syntax(syntax);
    templates.set_undefined_behavior(UndefinedBehavior::Strict);
    // Sentences and links for HTML come escaped.
    templates.set_auto_escape_callback(|name| match name.ends_with(".html") {
        true => AutoEscape::Html,
        false => AutoEscape::None,
    });
    for (name, source) in OURS {
        templates.add_template(name, source)?;
    }
    Ok(templates)
}

/// A mail with something in every place, to try templates with.
fn sample() -> Value {
    let words = Sentence {
        plain: "Words".to_owned(),
        html: "Words".to_owned(),
    };
    let button = Button {
        label: words.clone(),
        url: "https://id.example/".to_owned(),
    };
    context! {
        lang => "en",
        dir => "ltr",
        service => "Service",
        accent => "#000000",
        ink => "#ffffff",
        subject => "Subject",
        paragraphs => sentences(std::slice::from_ref(&words)),
        buttons => vec![button.value()],
        notes => sentences(std::slice::from_ref(&words)),
        footer => sentence(&words),
    }
}

fn read(path: &Path) -> Result<Option<String>, BoxError> {
    match std::fs::read_to_string(path) {
        Ok(source) => Ok(Some(source)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("the template {} cannot be read ({error})", path.display()).into()),
    }
}

/// One mail on its way into words.
struct Writer<'a> {
    app: &'a App,
    locale: Locale,
    mail: &'a Mail<'a>,
}

impl Writer<'_> {
    fn content(&self) -> Result<Content, BoxError> {
        let account = format!("{}/account", self.app.issuer());
        let mut notes = Vec::new();
        if let Some(purpose) = self.mail.purpose() {
            notes.push(self.lifetime(purpose.lifetime())?);
        }
        let buttons = match *self.mail {
            Mail::ConfirmRegistration { link, .. }
            | Mail::Invitation { link }
            | Mail::ResetPassword { link }
            | Mail::Welcome { link, .. }
            | Mail::ConfirmNewEmail { link, .. } => vec![self.button("action", link)?],
            Mail::AlreadyRegistered { sign_in, reset } => {
                vec![self.button("action", sign_in)?, self.button("other", reset)?]
            }
            Mail::ConfirmEmailChange { link, undo, .. } => {
                vec![self.button("action", link)?, self.button("other", undo)?]
            }
            Mail::EmailChangeAsked { undo, .. } => vec![self.button("action", undo)?],
            Mail::SignInsBlocked { reset } => vec![self.button("action", reset)?],
            Mail::DeletionScheduled { link, .. } => vec![self.button("action", link)?],
            Mail::AccountUnused { sign_in, .. } => vec![self.button("action", sign_in)?],
            Mail::EmailChanged { .. } | Mail::AccountDeleted => Vec::new(),
            _ => vec![Button {
                label: self.text("mail-open-account")?,
                url: account,
            }],
        };
        notes.push(match self.mail.purpose() {
            Some(_) => self.say("note")?,
            None if matches!(
                self.mail,
                Mail::AlreadyRegistered { .. }
                    | Mail::SignInsBlocked { .. }
                    | Mail::DeletionScheduled { .. }
                    | Mail::AccountUnused { .. }
                    | Mail::AccountDeleted
            ) =>
            {
                self.say("note")?
            }
            None => self.text("mail-not-you")?,
        });
        Ok(Content {
            paragraphs: vec![self.say("lead")?],
            buttons,
            notes,
            footer: self.text("mail-footer")?,
        })
    }

    fn button(&self, part: &str, url: &str) -> Result<Button, BoxError> {
        Ok(Button {
            label: self.say(part)?,
            url: url.to_owned(),
        })
    }

    /// A text of this kind of mail.
    fn say(&self, part: &str) -> Result<Sentence, BoxError> {
        self.text(&format!("mail-{}-{part}", self.mail.kind()))
    }

    fn text(&self, key: &str) -> Result<Sentence, BoxError> {
        let mut values = vec![
            ("service", Value::from(self.app.config.branding.name.as_str())),
            ("site", Value::from(self.app.issuer())),
        ];
        match *self.mail {
            Mail::ConfirmRegistration { name, .. }
            | Mail::Welcome { name, .. }
            | Mail::ConfirmNewEmail { name, .. }
            | Mail::FactorAdded { name }
            | Mail::FactorRemoved { name }
            | Mail::ApiKeyMade { name }
            | Mail::UpstreamLinked { name }
            | Mail::UpstreamUnlinked { name } => values.push(("name", Value::from(name))),
            Mail::EmailChangeAsked { new_masked, .. }
            | Mail::ConfirmEmailChange { new_masked, .. }
            | Mail::EmailChanged { new_masked } => values.push(("address", Value::from(new_masked))),
            Mail::DeletionScheduled { date, .. } | Mail::AccountUnused { date, .. } => {
                values.push(("date", Value::from(date)));
            }
            Mail::RecoveryCodeUsed { left } => values.push(("count", Value::from(left))),
            _ => {}
        }
        self.fill(key, &values)
    }

    fn lifetime(&self, lifetime: Lifetime) -> Result<Sentence, BoxError> {
        let (key, count) = match lifetime.as_secs() {
            seconds if seconds >= 2 * 86_400 => ("mail-link-days", seconds / 86_400),
            seconds if seconds >= 2 * 3600 => ("mail-link-hours", seconds / 3600),
            seconds => ("mail-link-minutes", seconds / 60),
        };
        self.fill(key, &[("count", Value::from(count))])
    }

    fn fill(&self, key: &str, values: &[(&str, Value)]) -> Result<Sentence, BoxError> {
        let sentence = self.app.pages.sentence(self.locale, key, values);
        sentence.ok_or_else(|| format!("no usable text {key}").into())
    }
}

impl Mail<'_> {
    /// What its link is for, if it holds one that ends.
    fn purpose(&self) -> Option<Purpose> {
        match self {
            Mail::ConfirmRegistration { .. } => Some(Purpose::Register),
            Mail::Invitation { .. } => Some(Purpose::Invite),
            Mail::ResetPassword { .. } => Some(Purpose::ResetPassword),
            Mail::Welcome { .. } => Some(Purpose::Welcome),
            Mail::ConfirmNewEmail { .. } | Mail::ConfirmEmailChange { .. } => Some(Purpose::ConfirmEmail),
            Mail::EmailChangeAsked { .. } => Some(Purpose::UndoEmail),
            _ => None,
        }
    }

    /// How long it is worth sending: as long as its link is good.
    pub(super) fn lifetime(&self) -> Lifetime {
        self.purpose().map_or(Lifetime::hours(24), Purpose::lifetime)
    }
}
