//! Where values come from: the file's tables, and `CHANCERY_SECTION__KEY` variables over them.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use ipnet::IpNet;
use protocol::jose::Algorithm;
use protocol::session::MfaPolicy;
use protocol::time::Lifetime;

use super::nearest::{distance, hint};
use super::{CharacterKind, ConfigError, LogFormat, Rate, RateLimitBackend, Registration};

/// What the product will have one day: refused by name, so that nobody believes it works.
const PLANNED: [(&str, &str); 4] = [
    ("server", "metrics_listen"),
    ("clients", "dynamic_registration"),
    ("clients", ""),
    ("federation", ""),
];

/// One value before its target has read it.
pub(super) enum Raw {
    Toml(toml::Value),
    Text(String),
}

/// What was written and not read yet, and every key that could have been.
pub(super) struct Source {
    file: BTreeMap<(String, String), toml::Value>,
    env: BTreeMap<String, String>,
    known: Vec<(&'static str, &'static str)>,
}

fn variable(section: &str, key: &str) -> String {
    format!("CHANCERY_{}__{}", section.to_uppercase(), key.to_uppercase())
}

impl Source {
    pub(super) fn new(
        table: toml::Table,
        env: impl Iterator<Item = (String, String)>,
    ) -> Result<Source, ConfigError> {
        let mut file = BTreeMap::new();
        for (section, value) in table {
            match value {
                toml::Value::Table(keys) if keys.is_empty() => {
                    file.insert((section, String::new()), toml::Value::Boolean(true));
                }
                toml::Value::Table(keys) => {
                    file.extend(
                        keys.into_iter()
                            .map(|(key, value)| ((section.clone(), key), value)),
                    );
                }
                _ => {
                    return Err(ConfigError::new(
                        section,
                        "stands outside a section; put it under one, such as [server]",
                    ));
                }
            }
        }
        let env = env.filter(|(name, _)| name.starts_with("CHANCERY_")).collect();
        Ok(Source {
            file,
            env,
            known: Vec::new(),
        })
    }

    /// Puts what was written for a key into `slot`, and leaves the default where nothing was.
    pub(super) fn read<T: Setting>(
        &mut self,
        section: &'static str,
        key: &'static str,
        slot: &mut T,
    ) -> Result<(), ConfigError> {
        self.take(section, key, slot, false)
    }

    /// The same for a secret, which may also stand in a file that `…_FILE` names and is never repeated.
    pub(super) fn read_secret<T: Setting>(
        &mut self,
        section: &'static str,
        key: &'static str,
        slot: &mut T,
    ) -> Result<(), ConfigError> {
        let name = variable(section, key);
        let by_file = format!("{name}_FILE");
        if let Some(path) = self.env.remove(&by_file) {
            if self.env.contains_key(&name) {
                return Err(ConfigError::new(
                    by_file,
                    format!("is set beside {name}; set one of them"),
                ));
            }
            let text = std::fs::read_to_string(&path)
                .map_err(|e| ConfigError::new(by_file, format!("{path:?} cannot be read ({e})")))?;
            self.env
                .insert(name, text.trim_end_matches(['\r', '\n']).to_owned());
        }
        self.take(section, key, slot, true)
    }

    fn take<T: Setting>(
        &mut self,
        section: &'static str,
        key: &'static str,
        slot: &mut T,
        secret: bool,
    ) -> Result<(), ConfigError> {
        self.known.push((section, key));
        let written = self.file.remove(&(section.to_owned(), key.to_owned()));
        let name = variable(section, key);
        let (label, raw) = match (self.env.remove(&name), written) {
            (Some(text), _) => (name, Raw::Text(text)),
            (None, Some(value)) => (format!("{section}.{key}"), Raw::Toml(value)),
            (None, None) => return Ok(()),
        };
        *slot = T::take(&raw).map_err(|problem| {
            let shown = if secret {
                "the value".to_owned()
            } else {
                raw.shown()
            };
            ConfigError::new(label, format!("{shown} cannot be used: {problem}"))
        })?;
        Ok(())
    }

    /// Refuses what no key has taken.
    pub(super) fn finish(self) -> Result<(), ConfigError> {
        if let Some((section, key)) = self
            .file
            .keys()
            .find(|(s, k)| !k.is_empty() || !self.has_section(s))
        {
            let label = if key.is_empty() {
                format!("[{section}]")
            } else {
                format!("{section}.{key}")
            };
            return Err(ConfigError::new(label, self.unknown(section, key)));
        }
        let names: Vec<String> = self
            .known
            .iter()
            .map(|(section, key)| variable(section, key))
            .collect();
        for name in self.env.keys() {
            match name
                .strip_prefix("CHANCERY_")
                .and_then(|rest| rest.split_once("__"))
            {
                Some((section, key)) => {
                    let (section, key) = (section.to_lowercase(), key.to_lowercase());
                    if is_planned(&section, &key) {
                        return Err(ConfigError::new(name, self.unknown(&section, &key)));
                    }
                    let hint = hint(name, names.iter().map(String::as_str));
                    return Err(ConfigError::new(name, format!("unknown key{hint}")));
                }
                // Orchestrators set CHANCERY_SERVICE_HOST and the like of their own accord: only what
                // is almost one of our names counts as a slip.
                None => {
                    if let Some(meant) = names.iter().find(|known| distance(name, known) <= 2) {
                        return Err(ConfigError::new(
                            name,
                            format!("unknown key; did you mean {meant}?"),
                        ));
                    }
                }
            }
        }
        Ok(())
    }

    fn has_section(&self, section: &str) -> bool {
        self.known.iter().any(|(known, _)| *known == section)
    }

    fn unknown(&self, section: &str, key: &str) -> String {
        if is_planned(section, key) {
            return "not available in this version; take it out".to_owned();
        }
        if !self.has_section(section) {
            let mut sections: Vec<&str> = self.known.iter().map(|(section, _)| *section).collect();
            sections.dedup();
            return format!("unknown section{}", hint(section, sections));
        }
        if let Some((elsewhere, _)) = self.known.iter().find(|(_, known)| *known == key) {
            return format!("unknown key; it belongs to [{elsewhere}]");
        }
        let here: Vec<&str> = self
            .known
            .iter()
            .filter(|(s, _)| *s == section)
            .map(|(_, key)| *key)
            .collect();
        let hint = hint(key, here.iter().copied());
        if hint.is_empty() {
            format!("unknown key; [{section}] has {}", here.join(", "))
        } else {
            format!("unknown key{hint}")
        }
    }
}

fn is_planned(section: &str, key: &str) -> bool {
    PLANNED.contains(&(section, key)) || PLANNED.contains(&(section, ""))
}

impl Raw {
    fn shown(&self) -> String {
        match self {
            Raw::Toml(value) => value.to_string(),
            Raw::Text(text) => format!("{text:?}"),
        }
    }

    fn text(&self) -> Result<&str, String> {
        match self {
            Raw::Toml(toml::Value::String(text)) | Raw::Text(text) => Ok(text),
            Raw::Toml(_) => Err("it must be a text in quotes".to_owned()),
        }
    }

    fn parse<T: std::str::FromStr>(&self, want: &str) -> Result<T, String> {
        let text = self.text().map_err(|_| want.to_owned())?;
        text.parse().map_err(|_| want.to_owned())
    }

    fn integer(&self) -> Result<i64, String> {
        let want = || "it must be a whole number, 0 or more".to_owned();
        match self {
            Raw::Toml(toml::Value::Integer(number)) => Ok(*number),
            Raw::Text(text) => text.parse().map_err(|_| want()),
            Raw::Toml(_) => Err(want()),
        }
    }
}

/// What a value can be read as.
pub(super) trait Setting: Sized {
    fn take(raw: &Raw) -> Result<Self, String>;
}

impl Setting for String {
    fn take(raw: &Raw) -> Result<Self, String> {
        match raw.text()? {
            "" => Err("it must not be empty; leave the key out for the default".to_owned()),
            text => Ok(text.to_owned()),
        }
    }
}

impl Setting for PathBuf {
    fn take(raw: &Raw) -> Result<Self, String> {
        String::take(raw).map(PathBuf::from)
    }
}

impl Setting for bool {
    fn take(raw: &Raw) -> Result<Self, String> {
        match raw {
            Raw::Toml(toml::Value::Boolean(value)) => Ok(*value),
            Raw::Text(text) if text == "true" => Ok(true),
            Raw::Text(text) if text == "false" => Ok(false),
            _ => Err("it must be true or false".to_owned()),
        }
    }
}

impl Setting for u32 {
    fn take(raw: &Raw) -> Result<Self, String> {
        raw.integer()?
            .try_into()
            .map_err(|_| "it must be a whole number from 0 to 4294967295".to_owned())
    }
}

impl Setting for usize {
    fn take(raw: &Raw) -> Result<Self, String> {
        raw.integer()?
            .try_into()
            .map_err(|_| "it must be a whole number, 0 or more".to_owned())
    }
}

impl Setting for SocketAddr {
    fn take(raw: &Raw) -> Result<Self, String> {
        raw.parse("it must be an IP address and a port, like 127.0.0.1:8080 or [::]:8080")
    }
}

impl Setting for Lifetime {
    fn take(raw: &Raw) -> Result<Self, String> {
        raw.parse(
            "a lifetime is a whole number and a unit in quotes, like \"30s\", \"10m\", \"24h\" or \"90d\"",
        )
    }
}

impl Setting for Rate {
    fn take(raw: &Raw) -> Result<Self, String> {
        raw.text()?.parse()
    }
}

impl Setting for Algorithm {
    fn take(raw: &Raw) -> Result<Self, String> {
        let text = raw.text()?;
        let names = Algorithm::SIGNING.map(Algorithm::as_str);
        Algorithm::SIGNING
            .into_iter()
            .find(|algorithm| algorithm.as_str() == text)
            .ok_or_else(|| format!("{text:?} is not one of {}", names.join(", ")))
    }
}

impl Setting for IpNet {
    fn take(raw: &Raw) -> Result<Self, String> {
        let text = raw.text()?;
        let want = || format!("{text:?} is not an address or a network like 10.0.0.0/8");
        text.parse::<IpNet>()
            .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
            .map_err(|_| want())
    }
}

/// Settings that are one word of several.
macro_rules! words {
    ($type:ty: $first:literal => $value:expr $(, $word:literal => $other:expr)*) => {
        impl Setting for $type {
            fn take(raw: &Raw) -> Result<Self, String> {
                match raw.text()? {
                    $first => Ok($value),
                    $($word => Ok($other),)*
                    _ => Err(concat!("it must be \"", $first $(, "\" or \"", $word)*, "\"").to_owned()),
                }
            }
        }
    };
}

words!(Registration: "closed" => Registration::Closed, "invite" => Registration::Invite,
    "open" => Registration::Open);
words!(MfaPolicy: "off" => MfaPolicy::Off, "if-enrolled" => MfaPolicy::IfEnrolled,
    "required" => MfaPolicy::Required);
words!(CharacterKind: "lower" => CharacterKind::Lower, "upper" => CharacterKind::Upper,
    "digit" => CharacterKind::Digit, "symbol" => CharacterKind::Symbol);
words!(RateLimitBackend: "auto" => RateLimitBackend::Auto, "memory" => RateLimitBackend::Memory,
    "redis" => RateLimitBackend::Redis, "database" => RateLimitBackend::Database);
words!(LogFormat: "text" => LogFormat::Text, "json" => LogFormat::Json);

impl<T: Setting> Setting for Option<T> {
    fn take(raw: &Raw) -> Result<Self, String> {
        match raw {
            Raw::Text(text) if text.is_empty() => Ok(None),
            _ => T::take(raw).map(Some),
        }
    }
}

/// A table of lists; as text, `name=one,two;other=three`.
impl<T: Setting> Setting for BTreeMap<String, Vec<T>> {
    fn take(raw: &Raw) -> Result<Self, String> {
        match raw {
            Raw::Toml(toml::Value::Table(table)) => table
                .iter()
                .map(|(name, items)| Ok((name.clone(), Vec::take(&Raw::Toml(items.clone()))?)))
                .collect(),
            Raw::Toml(_) => Err("it must be a table of lists, such as { Staff = [\"editor\"] }".to_owned()),
            Raw::Text(text) => text
                .split(';')
                .filter(|pair| !pair.trim().is_empty())
                .map(|pair| {
                    let (name, items) = pair
                        .split_once('=')
                        .ok_or_else(|| format!("{pair:?} must read name=one,two"))?;
                    Ok((name.trim().to_owned(), Vec::take(&Raw::Text(items.to_owned()))?))
                })
                .collect(),
        }
    }
}

impl<T: Setting> Setting for Vec<T> {
    fn take(raw: &Raw) -> Result<Self, String> {
        match raw {
            Raw::Toml(toml::Value::Array(items)) => items
                .iter()
                .map(|item| T::take(&Raw::Toml(item.clone())))
                .collect(),
            Raw::Toml(_) => Err("it must be a list in brackets".to_owned()),
            Raw::Text(text) => text
                .split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty())
                .map(|item| T::take(&Raw::Text(item.to_owned())))
                .collect(),
        }
    }
}
