//! The operator's own templates and texts, checked before anything starts: a page that cannot be shown is found by
//! who wrote it, not by who wants to sign in.

use std::fs;
use std::path::Path;

use minijinja::Environment;

use super::catalogue::{Catalogue, TextFile};
use super::{CONTEXT_NAMES, PageError, ours};

/// The largest file taken from the folder.
const MAX_FILE: u64 = 256 * 1024;

/// A template.
#[derive(Clone, Debug)]
pub(super) struct Template {
    /// The name of the one it replaces; an underscore at its beginning makes a new one, to be included.
    pub(super) name: String,
    /// What it says.
    pub(super) source: String,
    /// Its path, for messages.
    file: String,
}

/// What the folder holds.
#[derive(Clone, Debug, Default)]
pub(super) struct Overrides {
    pub(super) templates: Vec<Template>,
    pub(super) texts: Vec<TextFile>,
}

impl Overrides {
    /// Reads the folder; none is an empty one.
    pub(super) fn read(folder: Option<&Path>) -> Result<Overrides, PageError> {
        let Some(folder) = folder else {
            return Ok(Overrides::default());
        };
        let mut found = Overrides::default();
        for (name, file, source) in files(folder, "html")? {
            let template = Template { name, source, file };
            template.check_name()?;
            found.templates.push(template);
        }
        let locales = folder.join("locales");
        if locales.is_dir() {
            for (name, origin, source) in files(&locales, "ftl")? {
                let tag = name.trim_end_matches(".ftl").to_owned();
                let origin = format!("branding.templates: {origin}");
                found.texts.push(TextFile {
                    origin,
                    tag,
                    source: source.into(),
                });
            }
        }
        Ok(found)
    }

    /// Adds the templates to an environment that holds ours, and checks what can be checked without a page.
    pub(super) fn add_to(
        self,
        environment: &mut Environment<'static>,
        texts: &Catalogue,
    ) -> Result<(), PageError> {
        for template in self.templates {
            template.check_texts(texts)?;
            template.check_form()?;
            let Template { name, source, file } = template;
            environment
                .add_template_owned(name.clone(), source)
                .map_err(|error| wrong(&file, error.line(), reason(&error)))?;
            check_variables(environment, &name, &file)?;
        }
        Ok(())
    }
}

impl Template {
    fn check_name(&self) -> Result<(), PageError> {
        if self.name.starts_with('_') || ours(&self.name).is_some() {
            return Ok(());
        }
        let reason =
            "there is no template of this name to replace; begin the name of a new one with an underscore";
        Err(wrong(&self.file, None, reason.to_owned()))
    }

    /// Texts that are named outright must exist.
    fn check_texts(&self, texts: &Catalogue) -> Result<(), PageError> {
        for (index, line) in self.source.lines().enumerate() {
            for call in line.split("t(\"").skip(1) {
                let Some((key, rest)) = call.split_once('"') else {
                    continue;
                };
                let whole = rest.trim_start().starts_with([')', ',']);
                if whole && !texts.has(key) {
                    return Err(wrong(
                        &self.file,
                        Some(index + 1),
                        format!("there is no text {key}"),
                    ));
                }
            }
        }
        Ok(())
    }

    /// A form without its token would be refused when it is sent.
    fn check_form(&self) -> Result<(), PageError> {
        let token = "name=\"csrf\"";
        let needs = ours(&self.name).is_some_and(|ours| ours.contains(token));
        if needs && !self.source.contains(token) && self.source.contains("<form") {
            let reason = "its forms need <input type=\"hidden\" name=\"csrf\" value=\"{{ page.csrf }}\">";
            return Err(wrong(&self.file, None, reason.to_owned()));
        }
        Ok(())
    }
}

/// Names that are neither ours nor the template's own would end the page when it is shown.
fn check_variables(environment: &Environment<'_>, name: &str, file: &str) -> Result<(), PageError> {
    let Ok(template) = environment.get_template(name) else {
        return Ok(());
    };
    let known = |wanted: &str| {
        CONTEXT_NAMES.contains(&wanted) || environment.globals().any(|(name, _)| name == wanted)
    };
    let mut unknown: Vec<_> = template
        .undeclared_variables(false)
        .into_iter()
        .filter(|wanted| !known(wanted))
        .collect();
    unknown.sort_unstable();
    let Some(first) = unknown.first() else {
        return Ok(());
    };
    let line = template
        .source()
        .lines()
        .position(|line| line.contains(first.as_str()));
    Err(wrong(
        file,
        line.map(|index| index + 1),
        format!("nothing is called {first}"),
    ))
}

/// The files of a folder with this ending: name, path and content.
fn files(folder: &Path, extension: &str) -> Result<Vec<(String, String, String)>, PageError> {
    let unreadable = |path: &Path, error: &std::io::Error| {
        wrong(
            &path.display().to_string(),
            None,
            format!("it cannot be read ({error})"),
        )
    };
    let entries = fs::read_dir(folder).map_err(|error| unreadable(folder, &error))?;
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| unreadable(folder, &error))?.path();
        let (Some(name), true) = (
            path.file_name().and_then(|name| name.to_str()),
            path.extension().is_some_and(|ending| ending == extension),
        ) else {
            continue;
        };
        let size = fs::metadata(&path)
            .map_err(|error| unreadable(&path, &error))?
            .len();
        let file = path.display().to_string();
        if size > MAX_FILE {
            return Err(wrong(
                &file,
                None,
                format!("it has {size} bytes; {MAX_FILE} are allowed"),
            ));
        }
        let source = fs::read_to_string(&path).map_err(|error| unreadable(&path, &error))?;
        found.push((name.to_owned(), file, source));
    }
    found.sort_unstable();
    Ok(found)
}

fn reason(error: &minijinja::Error) -> String {
    match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    }
}

fn wrong(file: &str, line: Option<usize>, reason: String) -> PageError {
    PageError::Override {
        file: file.to_owned(),
        line: line.unwrap_or(1),
        reason,
    }
}
