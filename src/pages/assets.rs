//! Files the pages load, under names that change with their content, so that they may be cached for ever. Each file
//! in `assets` is one; templates name it with `asset("style.css")`.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::brand::Brand;
use crate::hex;

/// The files that come with the program.
#[derive(rust_embed::Embed)]
#[folder = "src/pages/assets"]
struct Ours;

/// A static file.
#[derive(Clone, Debug)]
pub struct Asset {
    /// What templates call it.
    pub name: String,
    /// Its path on this server.
    pub path: String,
    /// Its media type.
    pub content_type: &'static str,
    /// Its content.
    pub bytes: Cow<'static, [u8]>,
}

/// Sends a `form_post` response on its way (OAuth 2.0 Form Post Response Mode §2). Taken from the
/// prototype, because a response parameter named `submit` would hide the form's own method.
pub(super) const SUBMIT_SCRIPT: &str = "HTMLFormElement.prototype.submit.call(document.forms[0])";

/// Every static file, those of the operator's house among them.
pub(super) fn all(brand: &Brand) -> Vec<Asset> {
    let ours = Ours::iter().filter_map(|name| {
        let mut bytes = Ours::get(&name)?.data;
        if name == "style.css" {
            bytes.to_mut().extend_from_slice(brand.style().as_bytes());
        }
        asset(&name, bytes)
    });
    let logo = brand
        .logo
        .as_ref()
        .and_then(|logo| asset(logo.name, Cow::Owned(logo.bytes.clone())));
    ours.chain(logo).collect()
}

fn asset(name: &str, bytes: Cow<'static, [u8]>) -> Option<Asset> {
    let (stem, extension) = name.rsplit_once('.')?;
    let content_type = match extension {
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        _ => return None,
    };
    let digest = Sha256::digest(&bytes);
    let tag = hex::encode(digest.get(..6).unwrap_or_default());
    let path = format!("/assets/{stem}-{tag}.{extension}");
    Some(Asset {
        name: name.to_owned(),
        path,
        content_type,
        bytes,
    })
}

/// The CSP source expression that allows [`SUBMIT_SCRIPT`].
pub(super) fn submit_script_hash() -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(SUBMIT_SCRIPT)))
}
