//! The one form of token we read: compact, canonical, each member named once (RFC 7515 §4, §5.2; RFC 8725 §3).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::JoseError;
use crate::json;

/// The longest token we look at.
const MAX_BYTES: usize = 16 * 1024;

/// What a token says of itself, before anything is checked.
#[derive(Clone, Debug)]
pub struct Unverified {
    /// The algorithm named in the header.
    pub alg: String,
    /// The key named in the header.
    pub kid: Option<String>,
    /// The kind of token named in the header.
    pub typ: Option<String>,
    /// The claims.
    pub claims: Map<String, Value>,
}

/// Reads a token strictly and checks nothing else; good for finding out whose keys to verify it with.
pub fn parse_unverified(token: &str) -> Result<Unverified, JoseError> {
    parse(token).map(|parsed| parsed.content)
}

/// A token taken apart.
pub(super) struct Parsed<'a> {
    pub(super) content: Unverified,
    pub(super) signing_input: &'a str,
    pub(super) signature: Vec<u8>,
}

pub(super) fn parse(token: &str) -> Result<Parsed<'_>, JoseError> {
    if token.len() > MAX_BYTES {
        return Err(JoseError::Malformed("too long"));
    }
    let three = JoseError::Malformed("not three parts");
    let (signing_input, signature) = token.rsplit_once('.').ok_or_else(|| three.clone())?;
    let (header, payload) = signing_input.split_once('.').ok_or_else(|| three.clone())?;
    if payload.contains('.') {
        return Err(three);
    }
    let signature = decode(signature)?;
    let mut header = object(&decode(header)?)?;
    // We understand no extension, and `b64` changes what is signed (RFC 7515 §4.1.11, RFC 7797 §3).
    if header.contains_key("crit") || header.contains_key("b64") {
        return Err(JoseError::Malformed("a header extension is not understood"));
    }
    let alg = take_text(&mut header, "alg")?.ok_or(JoseError::Malformed("alg is missing"))?;
    let kid = take_text(&mut header, "kid")?;
    let typ = take_text(&mut header, "typ")?;
    let claims = object(&decode(payload)?)?;
    Ok(Parsed {
        content: Unverified {
            alg,
            kid,
            typ,
            claims,
        },
        signing_input,
        signature,
    })
}

fn decode(part: &str) -> Result<Vec<u8>, JoseError> {
    if part.is_empty() {
        return Err(JoseError::Malformed("an empty part"));
    }
    // This engine takes neither padding nor stray trailing bits, so each value has one spelling.
    URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| JoseError::Malformed("not base64url"))
}

fn take_text(header: &mut Map<String, Value>, name: &str) -> Result<Option<String>, JoseError> {
    match header.remove(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(JoseError::Malformed("a header member is no string")),
    }
}

/// An object that names each member once (RFC 7515 §4, RFC 7519 §4).
fn object(bytes: &[u8]) -> Result<Map<String, Value>, JoseError> {
    json::object(bytes).map_err(|_| JoseError::Malformed("not a JSON object with each member named once"))
}
