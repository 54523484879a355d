//! How the house presents itself: name, logo, colour and links, from `[branding]`.

use std::path::Path;

use serde::Serialize;

use super::PageError;
use super::color::{self, Color};
use crate::config::Branding;

/// The largest logo. It is loaded with every first visit.
const MAX_LOGO: u64 = 256 * 1024;

/// What templates know as `brand`.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Brand {
    /// The name of the service.
    pub(super) name: String,
    pub(super) privacy_url: Option<String>,
    pub(super) terms_url: Option<String>,
    pub(super) support_url: Option<String>,
    #[serde(skip)]
    pub(super) logo: Option<Logo>,
    #[serde(skip)]
    accent: Option<Color>,
}

/// The operator's logo.
#[derive(Clone, Debug)]
pub(super) struct Logo {
    /// The name of the asset.
    pub(super) name: &'static str,
    pub(super) bytes: Vec<u8>,
}

impl Brand {
    /// Takes the settings and reads the logo.
    pub(super) fn new(branding: &Branding) -> Result<Brand, PageError> {
        Ok(Brand {
            name: branding.name.clone(),
            privacy_url: branding.privacy_url.clone(),
            terms_url: branding.terms_url.clone(),
            support_url: branding.support_url.clone(),
            logo: branding.logo_file.as_deref().map(logo).transpose()?,
            accent: branding.accent_color.as_deref().and_then(Color::parse),
        })
    }

    /// What the style sheet needs to know of this house.
    pub(super) fn style(&self) -> String {
        self.accent.map(color::style).unwrap_or_default()
    }
}

fn logo(path: &Path) -> Result<Logo, PageError> {
    let wrong = |problem: String| PageError::Logo {
        file: path.display().to_string(),
        problem,
    };
    let unreadable = |error: std::io::Error| wrong(format!("cannot be read ({error})"));
    let size = std::fs::metadata(path).map_err(unreadable)?.len();
    if size > MAX_LOGO {
        return Err(wrong(format!("has {size} bytes; {MAX_LOGO} are allowed")));
    }
    let bytes = std::fs::read(path).map_err(unreadable)?;
    // The content decides, not the name: a page must not be served as a picture, nor the other way round.
    let name = if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        "logo.png"
    } else if is_svg(&bytes) {
        "logo.svg"
    } else {
        return Err(wrong("is neither an SVG nor a PNG picture".to_owned()));
    };
    Ok(Logo { name, bytes })
}

/// Whether the root element is `svg`, after declaration, comments and document type.
fn is_svg(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return false;
    };
    let mut rest = text.trim_start_matches('\u{FEFF}').trim_start();
    loop {
        let end = match rest {
            _ if rest.starts_with("<?") => "?>",
            _ if rest.starts_with("<!--") => "-->",
            _ if rest.starts_with("<!DOCTYPE") => ">",
            _ => break,
        };
        match rest.split_once(end) {
            Some((_, after)) => rest = after.trim_start(),
            None => return false,
        }
    }
    rest.strip_prefix("<svg")
        .is_some_and(|after| after.starts_with([' ', '>', '\n', '\r', '\t']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_known_by_its_content() {
        for (text, expected) in [
            ("<svg xmlns='http://www.w3.org/2000/svg'/>", true),
            (
                "\u{FEFF}<?xml version=\"1.0\"?>\n<!-- a > b -->\n<!DOCTYPE svg>\n<svg>",
                true,
            ),
            ("<html><svg></svg></html>", false),
            ("<svgx>", false),
            ("<!-- <svg> ", false),
            ("<script>alert(1)</script>", false),
            ("", false),
        ] {
            assert_eq!(is_svg(text.as_bytes()), expected, "{text}");
        }
        assert!(!is_svg(b"\xff\xfe<svg>"));
    }
}
