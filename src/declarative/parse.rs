//! Text to `File`: each key known, each value of its type, nothing named twice.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use protocol::account::{check_given_username, parse_email};
use protocol::client::{Client, ClientAuthMethod};
use protocol::role::{ResourceServer, Role, STANDARD_SCOPES, ScopeDefinition};
use protocol::scope::Scope;
use protocol::secret::Secret;
use serde_json::{Map, Value};
use toml::de::{DeTable, DeValue};
use url::Url;

use super::entry::Entry;
use super::{AccountEntry, At, ClientEntry, File, FileError, PasswordSource, SecretSource};
use super::{passkey, upstream};
use crate::config::nearest::{hint, line_of};
use crate::passwords;

const NOUNS: [&str; 6] = ["role", "scope", "resource", "client", "account", "upstream"];
const ROLE_KEYS: [&str; 4] = ["name", "description", "permissions", "mfa"];
const SCOPE_KEYS: [&str; 3] = ["name", "description", "requires"];
const RESOURCE_KEYS: [&str; 2] = ["identifier", "scopes"];
/// What of a client can be taken out by an empty text.
const CLIENT_OPTIONS: [&str; 10] = [
    "client_name",
    "client_uri",
    "logo_uri",
    "policy_uri",
    "tos_uri",
    "token_endpoint_auth_signing_alg",
    "jwks",
    "jwks_uri",
    "default_max_age",
    "mfa",
];
const CLIENT_KEYS: [&str; 31] = [
    "client_id",
    "client_secret",
    "client_secret_file",
    "client_name",
    "client_uri",
    "logo_uri",
    "policy_uri",
    "tos_uri",
    "application_type",
    "redirect_uris",
    "post_logout_redirect_uris",
    "allowed_origins",
    "grant_types",
    "response_types",
    "token_endpoint_auth_method",
    "token_endpoint_auth_signing_alg",
    "allow_endpoint_audience",
    "scope",
    "resource",
    "resources",
    "jwks",
    "jwks_uri",
    "id_token_signed_response_alg",
    "access_token_signed_response_alg",
    "default_max_age",
    "default_acr_values",
    "require_pkce",
    "require_consent",
    "may_introspect",
    "authority_in_tokens",
    "mfa",
];
const ACCOUNT_KEYS: [&str; 16] = [
    "username",
    "email",
    "email_verified",
    "password",
    "password_hash",
    "password_file",
    "must_change_password",
    "roles",
    "permissions",
    "totp_secret",
    "totp_secret_file",
    "passkeys",
    "claims",
    "disabled",
    "mfa",
    "name",
];

/// Claims that the server alone may say.
const OWN_CLAIMS: [&str; 22] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "iat",
    "nbf",
    "jti",
    "nonce",
    "auth_time",
    "acr",
    "amr",
    "azp",
    "sid",
    "at_hash",
    "c_hash",
    "cnf",
    "scope",
    "client_id",
    "roles",
    "permissions",
    "email",
    "email_verified",
];

/// An account that is described somewhere else than in a file of ours, by the same keys and the same rules.
pub(crate) fn account_entry(line: usize, values: Map<String, Value>) -> Result<AccountEntry, FileError> {
    account(Entry::of(line, "account", values, &ACCOUNT_KEYS)?)
}

/// An entry by itself, and its line.
pub(crate) type NumberedEntry = (usize, Result<AccountEntry, FileError>);

/// The accounts of a declarative file, the first so many, each by itself and with its line; whatever else the file
/// names is not looked at.
pub(crate) fn account_entries(text: &str, most: usize) -> Result<Vec<NumberedEntry>, FileError> {
    let document = DeTable::parse(text).map_err(|e| {
        let line = e.span().map_or(1, |span| line_of(text, span.start));
        FileError::at(line, e.message())
    })?;
    let Some((key, accounts)) = document
        .get_ref()
        .iter()
        .find(|(key, _)| key.get_ref() == "account")
    else {
        return Ok(Vec::new());
    };
    let wants = |line| FileError::at(line, "account: must be written [[account]]");
    let DeValue::Array(items) = accounts.get_ref() else {
        return Err(wants(line_of(text, key.span().start)));
    };
    let read = |item: &toml::Spanned<DeValue<'_>>| {
        let line = line_of(text, item.span().start);
        let DeValue::Table(table) = item.get_ref() else {
            return (line, Err(wants(line)));
        };
        let entry = Entry::read(text, line, "account", table, &ACCOUNT_KEYS).and_then(account);
        (line, entry)
    };
    Ok(items.iter().take(most).map(read).collect())
}

impl<T> At<T> {
    fn read(written: Entry, parse: fn(Entry) -> Result<T, FileError>) -> Result<At<T>, FileError> {
        Ok(At {
            line: written.line,
            entry: parse(written.clone())?,
            written,
        })
    }
}

impl File {
    /// Reads the text of a declarative file.
    pub fn parse(text: &str) -> Result<File, FileError> {
        let document = DeTable::parse(text).map_err(|e| {
            let line = e.span().map_or(1, |span| line_of(text, span.start));
            FileError::at(line, e.message())
        })?;
        let mut file = File::default();
        for (key, value) in document.get_ref() {
            let (noun, line) = (key.get_ref().as_ref(), line_of(text, key.span().start));
            let Some(noun) = NOUNS.into_iter().find(|known| *known == noun) else {
                return Err(FileError::at(
                    line,
                    format!("{noun}: unknown key{}", hint(noun, NOUNS)),
                ));
            };
            let wants = || FileError::at(line, format!("{noun}: must be written [[{noun}]]"));
            let DeValue::Array(items) = value.get_ref() else {
                return Err(wants());
            };
            for item in items {
                let DeValue::Table(table) = item.get_ref() else {
                    return Err(wants());
                };
                file.add(text, noun, line_of(text, item.span().start), table)?;
            }
        }
        file.refuse_twins()?;
        Ok(file)
    }

    fn add(
        &mut self,
        text: &str,
        noun: &'static str,
        line: usize,
        table: &DeTable<'_>,
    ) -> Result<(), FileError> {
        match noun {
            "role" => {
                let mut written = Entry::read(text, line, noun, table, &ROLE_KEYS)?;
                written.clear(&["mfa"]);
                self.roles.push(At::read(written, role)?);
            }
            "scope" => {
                let written = Entry::read(text, line, noun, table, &SCOPE_KEYS)?;
                self.scopes.push(At::read(written, scope)?);
            }
            "resource" => {
                let written = Entry::read(text, line, noun, table, &RESOURCE_KEYS)?;
                self.resources.push(At::read(written, resource)?);
            }
            "client" => {
                let known: Vec<&str> = CLIENT_KEYS.into_iter().chain(["disabled"]).collect();
                let mut written = Entry::read(text, line, noun, table, &known)?;
                written.rename("resource", "resources")?;
                written.clear(&CLIENT_OPTIONS);
                self.clients.push(At::read(written, client)?);
            }
            "upstream" => {
                let mut written = Entry::read(text, line, noun, table, &upstream::KEYS)?;
                written.clear(&["title"]);
                self.upstreams.push(At::read(written, upstream::parse)?);
            }
            _ => {
                let written = Entry::read(text, line, noun, table, &ACCOUNT_KEYS)?;
                self.accounts.push(At::read(written, account)?);
            }
        }
        Ok(())
    }

    /// Refuses two entries under one name. Accounts share one space of user names and addresses,
    /// because either signs in.
    fn refuse_twins(&self) -> Result<(), FileError> {
        twins(
            "role",
            self.roles.iter().map(|at| (at.line, at.entry.name.clone())),
        )?;
        twins(
            "scope",
            self.scopes.iter().map(|at| (at.line, at.entry.name.clone())),
        )?;
        twins(
            "resource",
            self.resources
                .iter()
                .map(|at| (at.line, at.entry.identifier.clone())),
        )?;
        twins(
            "client",
            self.clients
                .iter()
                .map(|at| (at.line, at.entry.client.client_id.to_string())),
        )?;
        twins(
            "upstream",
            self.upstreams
                .iter()
                .map(|at| (at.line, at.entry.upstream.name.clone())),
        )?;
        twins(
            "account",
            self.accounts.iter().flat_map(|at| {
                let username = at.entry.username.to_lowercase();
                let email = at
                    .entry
                    .email
                    .as_ref()
                    .map(|e| e.to_lowercase())
                    .filter(|e| *e != username);
                [Some(username), email]
                    .into_iter()
                    .flatten()
                    .map(|name| (at.line, name))
            }),
        )
    }
}

fn twins(noun: &str, names: impl Iterator<Item = (usize, String)>) -> Result<(), FileError> {
    let mut seen = BTreeMap::new();
    for (line, name) in names {
        if let Some(first) = seen.get(&name) {
            return Err(FileError::at(
                line,
                format!("{noun} {name:?} is already on line {first}; keep one of them"),
            ));
        }
        seen.insert(name, line);
    }
    Ok(())
}

/// Whether a text can name a role or a permission.
pub(crate) fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= 255 && text.bytes().all(|b| b.is_ascii_graphic())
}

fn names(entry: &Entry, key: &str, names: &BTreeSet<String>) -> Result<(), FileError> {
    match names.iter().find(|name| !is_name(name)) {
        Some(name) => Err(entry.wrong(
            key,
            format!("{name:?} must be 1 to 255 printable ASCII characters without spaces"),
        )),
        None => Ok(()),
    }
}

pub(super) fn role(mut entry: Entry) -> Result<Role, FileError> {
    let role: Role = entry.rest()?;
    names(&entry, "name", &BTreeSet::from([role.name.clone()]))?;
    names(&entry, "permissions", &role.permissions)?;
    Ok(role)
}

/// Whether a text is one scope token that may be defined.
pub(crate) fn check_scope_name(name: &str) -> Result<(), String> {
    if STANDARD_SCOPES.contains(&name) {
        return Err(format!("{name:?} is a standard scope and needs no definition"));
    }
    if protocol::permission::is_own(name) {
        return Err(format!(
            "{name:?} is a scope of the server's own interfaces and needs no definition"
        ));
    }
    match name.parse::<Scope>() {
        Ok(scope) if scope.iter().count() == 1 && name.len() <= 255 => Ok(()),
        _ => Err(format!(
            "{name:?} must be one scope token of printable ASCII, without spaces and quotes"
        )),
    }
}

pub(super) fn scope(mut entry: Entry) -> Result<ScopeDefinition, FileError> {
    let scope: ScopeDefinition = entry.rest()?;
    check_scope_name(&scope.name).map_err(|problem| entry.wrong("name", problem))?;
    names(&entry, "requires", &scope.requires)?;
    Ok(scope)
}

pub(super) fn resource(mut entry: Entry) -> Result<ResourceServer, FileError> {
    let resource: ResourceServer = entry.rest()?;
    if Url::parse(&resource.identifier).is_err() || resource.identifier.contains('#') {
        let problem = format!(
            "{:?} must be an absolute URI without a fragment",
            resource.identifier
        );
        return Err(entry.wrong("identifier", problem));
    }
    Ok(resource)
}

/// The one of several keys that was written.
fn one_of<'a>(entry: &Entry, keys: &[&'a str]) -> Result<Option<&'a str>, FileError> {
    let mut written = keys.iter().filter(|key| entry.has(key));
    match (written.next(), written.next()) {
        (Some(first), Some(second)) => {
            Err(entry.wrong(second, format!("stands beside {first}; write one of them")))
        }
        (first, _) => Ok(first.copied()),
    }
}

pub(super) fn secret(
    entry: &mut Entry,
    text_key: &str,
    file_key: &str,
) -> Result<Option<SecretSource>, FileError> {
    one_of(entry, &[text_key, file_key])?;
    if let Some(path) = entry.take::<PathBuf>(file_key)? {
        return Ok(Some(SecretSource::File(path)));
    }
    Ok(entry
        .take_secret(text_key)?
        .map(|text| SecretSource::Text(Secret::new(text))))
}

pub(super) fn client(mut entry: Entry) -> Result<ClientEntry, FileError> {
    let secret_key = one_of(&entry, &["client_secret", "client_secret_file"])?;
    let secret = secret(&mut entry, "client_secret", "client_secret_file")?;
    let disabled = entry.take("disabled")?.unwrap_or(false);
    let client: Client = entry.rest()?;
    client.check().map_err(|e| {
        let problem = e.to_string();
        // The key that the reason begins with or speaks of, so that the line is the right one.
        let key = CLIENT_KEYS
            .into_iter()
            .filter(|key| problem.contains(key))
            .max_by_key(|key| key.len());
        let key = if problem.starts_with("redirect URI") {
            Some("redirect_uris")
        } else {
            key
        };
        entry.wrong(key.unwrap_or("client_id"), problem)
    })?;
    let method = client.token_endpoint_auth_method;
    if let (Some(key), false) = (secret_key, method.has_secret()) {
        let problem = format!(
            "token_endpoint_auth_method {} has no secret; take it out",
            method.as_str()
        );
        return Err(entry.wrong(key, problem));
    }
    if let (Some(SecretSource::Text(text)), Some(key)) = (&secret, secret_key) {
        check_client_secret(text, method).map_err(|problem| entry.wrong(key, problem))?;
    }
    Ok(ClientEntry {
        client,
        secret,
        disabled,
    })
}

/// Checks a secret that somebody chose (RFC 6749 appendix A.2, RFC 7518 §3.2).
pub(crate) fn check_client_secret(secret: &Secret, method: ClientAuthMethod) -> Result<(), &'static str> {
    let text = secret.expose();
    if text.is_empty() || text.len() > 1024 || !text.bytes().all(|b| matches!(b, 0x20..=0x7e)) {
        return Err("must be 1 to 1024 printable ASCII characters");
    }
    if method == ClientAuthMethod::ClientSecretJwt && text.len() < 32 {
        return Err("client_secret_jwt needs at least 32 characters");
    }
    Ok(())
}

/// Checks a password in clear before it is hashed.
pub(crate) fn check_password(password: &Secret, least: usize) -> Result<(), String> {
    let characters = password.expose().chars().count();
    if characters < least {
        return Err(format!("has {characters} characters; it needs at least {least}"));
    }
    if characters > 256 || password.expose().len() > 1024 {
        return Err("is longer than 256 characters".to_owned());
    }
    Ok(())
}

/// Checks a hash that another system made.
pub(crate) fn check_password_hash(text: &str) -> Result<(), &'static str> {
    if passwords::is_verifiable(text) {
        Ok(())
    } else {
        Err(
            "must be a hash of Argon2, bcrypt, PBKDF2, scrypt or SHA-crypt in a form that is known, and not cost too much",
        )
    }
}

fn account(mut entry: Entry) -> Result<AccountEntry, FileError> {
    let password_key = one_of(&entry, &["password", "password_hash", "password_file"])?;
    let password = if password_key == Some("password_hash") {
        let hash = entry.take_secret("password_hash")?.unwrap_or_default();
        check_password_hash(&hash).map_err(|problem| entry.wrong("password_hash", problem))?;
        Some(PasswordSource::Hash(hash))
    } else {
        secret(&mut entry, "password", "password_file")?.map(PasswordSource::Clear)
    };
    if let Some(PasswordSource::Clear(SecretSource::Text(text))) = &password {
        check_password(text, 8).map_err(|problem| entry.wrong("password", problem))?;
    }
    let totp = secret(&mut entry, "totp_secret", "totp_secret_file")?;
    if let Some(SecretSource::Text(text)) = &totp {
        totp_bytes(text).map_err(|problem| entry.wrong("totp_secret", problem))?;
    }
    let passkeys = passkey::parse(&mut entry)?;
    let Some(username) = entry.take::<String>("username")? else {
        return Err(FileError::at(entry.line, "account: username is missing"));
    };
    check_given_username(&username).map_err(|problem| entry.wrong("username", problem))?;
    let email = match entry.take::<String>("email")? {
        None => None,
        Some(address) => Some(
            parse_email(&address)
                .map_err(|problem| entry.wrong("email", format!("{address:?} {problem}")))?,
        ),
    };
    let claims: Option<Map<String, Value>> = entry.take("claims")?;
    if let Some(own) = claims
        .iter()
        .flat_map(Map::keys)
        .find(|claim| OWN_CLAIMS.contains(&claim.as_str()))
    {
        return Err(entry.wrong(
            "claims",
            format!("{own:?} is set by the server or has a key of its own"),
        ));
    }
    let (roles, permissions) = (entry.take("roles")?, entry.take("permissions")?);
    for (key, list) in [("roles", &roles), ("permissions", &permissions)] {
        names(&entry, key, list.as_ref().unwrap_or(&BTreeSet::new()))?;
    }
    let email_verified = entry.take("email_verified")?;
    if email_verified == Some(true) && email.is_none() {
        return Err(entry.wrong("email_verified", "needs email beside it"));
    }
    if entry.has("name") {
        return Err(entry.wrong(
            "name",
            "unknown key; the full name stands in claims = { name = \"…\" }",
        ));
    }
    let disabled = entry.take("disabled")?;
    let mfa = entry.take("mfa")?;
    let must_change_password: Option<bool> = entry.take("must_change_password")?;
    if must_change_password.is_some() && password.is_none() {
        return Err(entry.wrong("must_change_password", "needs a password beside it"));
    }
    Ok(AccountEntry {
        username,
        email,
        email_verified,
        password,
        roles,
        permissions,
        totp,
        passkeys,
        claims,
        must_change_password,
        disabled,
        mfa,
    })
}

/// The bytes of a TOTP secret (RFC 4226 §4 asks for 128 bits at least).
pub(crate) fn totp_bytes(secret: &Secret) -> Result<zeroize::Zeroizing<Vec<u8>>, &'static str> {
    let bytes = crate::totp::decode_base32(secret.expose().trim())
        .ok_or("is not base32 (letters A to Z, digits 2 to 7)")?;
    match bytes.len() {
        16..=128 => Ok(bytes),
        _ => Err("must stand for 16 to 128 bytes, that is at least 26 characters of base32"),
    }
}

#[cfg(test)]
mod tests;
