//! Files the pages load, under names that change with their content, so that they may be cached for ever.

use std::fmt::Write;
use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// A static file.
#[derive(Clone, Copy, Debug)]
pub struct Asset {
    /// Its path on this server.
    pub path: &'static str,
    /// Its media type.
    pub content_type: &'static str,
    /// Its content.
    pub bytes: &'static [u8],
}

const STYLE: &str = include_str!("assets/style.css");
const SEAL: &str = include_str!("assets/seal.svg");

/// Sends a `form_post` response on its way (OAuth 2.0 Form Post Response Mode §2). Taken from the
/// prototype, because a response parameter named `submit` would hide the form's own method.
pub(super) const SUBMIT_SCRIPT: &str = "HTMLFormElement.prototype.submit.call(document.forms[0])";

static STYLE_PATH: LazyLock<String> = LazyLock::new(|| named("style", STYLE, "css"));
static SEAL_PATH: LazyLock<String> = LazyLock::new(|| named("seal", SEAL, "svg"));

/// The style sheet: its path, which is good for ever, and its content.
pub fn stylesheet() -> (&'static str, &'static [u8]) {
    (STYLE_PATH.as_str(), STYLE.as_bytes())
}

/// The seal, an SVG image: favicon and mark on every page.
pub fn favicon() -> (&'static str, &'static [u8]) {
    (SEAL_PATH.as_str(), SEAL.as_bytes())
}

/// Every static file.
pub fn assets() -> [Asset; 2] {
    let (style, style_bytes) = stylesheet();
    let (seal, seal_bytes) = favicon();
    [
        Asset {
            path: style,
            content_type: "text/css; charset=utf-8",
            bytes: style_bytes,
        },
        Asset {
            path: seal,
            content_type: "image/svg+xml",
            bytes: seal_bytes,
        },
    ]
}

/// The CSP source expression that allows [`SUBMIT_SCRIPT`].
pub(super) fn submit_script_hash() -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(SUBMIT_SCRIPT)))
}

fn named(stem: &str, content: &str, extension: &str) -> String {
    let mut path = format!("/assets/{stem}-");
    for byte in Sha256::digest(content).iter().take(6) {
        let _ = write!(path, "{byte:02x}");
    }
    path.push('.');
    path.push_str(extension);
    path
}
