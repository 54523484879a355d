//! One credential of a user: what it is here, or why it cannot be taken over. No reason repeats what it holds.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::shown;
use crate::passwords;
use crate::totp;

/// A credential as the export has it: what is secret and what is not, each as JSON in a text; before version 8 in
/// members of its own.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Credential {
    #[serde(rename = "type")]
    kind: String,
    secret_data: Option<String>,
    credential_data: Option<String>,
    user_label: Option<String>,
    temporary: bool,
    value: Option<String>,
    hashed_salted_value: Option<String>,
    salt: Option<String>,
    hash_iterations: Option<i64>,
    algorithm: Option<String>,
    digits: Option<i64>,
    period: Option<i64>,
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credential")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// What a credential is here.
pub(super) enum Taken {
    /// A hash of a password.
    PasswordHash(String),
    /// A password as it is typed.
    Password {
        /// It.
        clear: String,
        /// Whether it is to be changed at once.
        temporary: bool,
    },
    /// A generator's secret in base32.
    Totp(String),
    /// A passkey, as a declarative file gives it.
    Passkey(Value),
}

/// A member of one of the two texts.
fn member(text: Option<&str>, path: &str) -> Option<Value> {
    let document: Value = serde_json::from_str(text?).ok()?;
    document.pointer(path).cloned()
}

fn text(value: Option<Value>) -> Option<String> {
    match value? {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        // Parameters of algorithms are lists of one.
        Value::Array(values) => text(values.into_iter().next()),
        _ => None,
    }
}

impl Credential {
    fn secret(&self, path: &str) -> Option<String> {
        text(member(self.secret_data.as_deref(), path))
    }

    fn public(&self, path: &str) -> Option<String> {
        text(member(self.credential_data.as_deref(), path))
    }

    /// What it is here.
    pub(super) fn take(&self) -> Result<Taken, String> {
        match self.kind.as_str() {
            "password" => self.password(),
            "otp" | "totp" => self.generator().map(Taken::Totp),
            "webauthn" | "webauthn-passwordless" => self.passkey(),
            "recovery-authn-codes" => Err("recovery codes are left out; new ones can be made".to_owned()),
            other => Err(format!("a credential of the kind {} is left out", shown(other))),
        }
    }

    fn password(&self) -> Result<Taken, String> {
        if let (Some(clear), None) = (&self.value, &self.secret_data) {
            return Ok(Taken::Password {
                clear: clear.clone(),
                temporary: self.temporary,
            });
        }
        let algorithm = self.public("/algorithm").or_else(|| self.algorithm.clone());
        let algorithm = algorithm.unwrap_or_else(|| "pbkdf2".to_owned());
        let unusable = || {
            format!(
                "its password, hashed with {}, cannot be checked here and is left out",
                shown(&algorithm)
            )
        };
        let output = self.secret("/value").or_else(|| self.hashed_salted_value.clone());
        let salt = self.secret("/salt").or_else(|| self.salt.clone());
        let iterations = self.public("/hashIterations");
        let iterations = iterations.or_else(|| self.hash_iterations.map(|count| count.to_string()));
        let (Some(output), Some(salt), Some(iterations)) = (output, salt, iterations) else {
            return Err(unusable());
        };
        let hash = match algorithm.as_str() {
            "pbkdf2" => format!("$pbkdf2${iterations}${salt}${output}"),
            "pbkdf2-sha256" | "pbkdf2-sha512" => format!("${algorithm}${iterations}${salt}${output}"),
            "argon2" => self.argon2(&iterations, &salt, &output).ok_or_else(unusable)?,
            "bcrypt" => output,
            _ => return Err(unusable()),
        };
        if passwords::is_verifiable(&hash) {
            Ok(Taken::PasswordHash(hash))
        } else {
            Err(unusable())
        }
    }

    /// The hash in PHC form, which has base64 without padding.
    fn argon2(&self, iterations: &str, salt: &str, output: &str) -> Option<String> {
        let parameter = |name: &str| self.public(&format!("/additionalParameters/{name}"));
        let kind = parameter("type").unwrap_or_else(|| "id".to_owned());
        let version = match parameter("version").as_deref() {
            None | Some("1.3") => 19,
            Some("1.0") => 16,
            Some(_) => return None,
        };
        let (memory, lanes) = (parameter("memory")?, parameter("parallelism")?);
        let plain = |text: &str| text.trim_end_matches('=').to_owned();
        Some(format!(
            "$argon2{kind}$v={version}$m={memory},t={iterations},p={lanes}${}${}",
            plain(salt),
            plain(output)
        ))
    }

    fn generator(&self) -> Result<String, String> {
        let kind = self.public("/subType").unwrap_or_else(|| "totp".to_owned());
        let digits = self
            .public("/digits")
            .or_else(|| self.digits.map(|n| n.to_string()));
        let period = self
            .public("/period")
            .or_else(|| self.period.map(|n| n.to_string()));
        let algorithm = self.public("/algorithm").or_else(|| self.algorithm.clone());
        let usual = kind == "totp"
            && digits.as_deref().unwrap_or("6") == "6"
            && period.as_deref().unwrap_or("30") == "30"
            && algorithm.as_deref().unwrap_or("HmacSHA1") == "HmacSHA1";
        if !usual {
            return Err(
                "a generator that is not TOTP with SHA-1, 6 digits and 30 seconds is left out".to_owned(),
            );
        }
        let secret = self.secret("/value").or_else(|| self.value.clone());
        let secret = secret.ok_or_else(|| "a generator without a secret is left out".to_owned())?;
        let in_base32 = self
            .public("/secretEncoding")
            .is_some_and(|encoding| encoding == "BASE32");
        let base32 = match in_base32 {
            true => secret,
            // The characters themselves are the key.
            false => totp::encode_base32(secret.as_bytes()),
        };
        let length = totp::decode_base32(&base32).map_or(0, |bytes| bytes.len());
        if (16..=128).contains(&length) {
            Ok(base32)
        } else {
            Err("a generator whose secret has not 16 to 128 bytes is left out".to_owned())
        }
    }

    fn passkey(&self) -> Result<Taken, String> {
        let id = self.public("/credentialId");
        let key = self.public("/credentialPublicKey");
        let counter: Option<u32> = self.public("/counter").and_then(|counter| counter.parse().ok());
        let sound = id
            .as_deref()
            .and_then(decode)
            .zip(key.as_deref().and_then(decode))
            .and_then(|(id, key)| crate::factors::foreign::document(&id, &key, counter.unwrap_or(0)));
        match (id, key, sound) {
            (Some(id), Some(key), Some(_)) => Ok(Taken::Passkey(json!({
                "credential_id": id,
                "public_key": key,
                "counter": counter.unwrap_or(0),
                "name": self.user_label.clone().unwrap_or_default(),
            }))),
            _ => Err("a passkey whose key cannot be read is left out".to_owned()),
        }
    }
}

fn decode(text: &str) -> Option<Vec<u8>> {
    let plain = text.trim_end_matches('=').replace('-', "+").replace('_', "/");
    STANDARD_NO_PAD.decode(plain).ok()
}
