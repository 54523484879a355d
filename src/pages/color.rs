//! The operator's accent colour, made readable (WCAG 2.2 §1.4.3, §1.4.11).

use std::fmt;

/// A colour in sRGB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Color(u8, u8, u8);

const BLACK: Color = Color(0, 0, 0);
const WHITE: Color = Color(255, 255, 255);

/// The contrast of text with what is behind it.
const READABLE: f64 = 4.5;

impl Color {
    /// Reads `#rrggbb`.
    pub(super) fn parse(text: &str) -> Option<Color> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6)?;
        let part = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
        Some(Color(part(0)?, part(2)?, part(4)?))
    }

    fn luminance(self) -> f64 {
        let linear = |part: u8| {
            let part = f64::from(part) / 255.0;
            if part <= 0.04045 {
                part / 12.92
            } else {
                ((part + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * linear(self.0) + 0.7152 * linear(self.1) + 0.0722 * linear(self.2)
    }

    /// From 1, the same, to 21, black and white.
    fn contrast(self, other: Color) -> f64 {
        let (a, b) = (self.luminance() + 0.05, other.luminance() + 0.05);
        if a > b { a / b } else { b / a }
    }

    /// This colour with `percent` of another in it.
    fn mixed(self, other: Color, percent: u16) -> Color {
        let part = |a: u8, b: u8| {
            let sum = u16::from(a) * (100 - percent) + u16::from(b) * percent;
            u8::try_from(sum / 100).unwrap_or(u8::MAX)
        };
        Color(
            part(self.0, other.0),
            part(self.1, other.1),
            part(self.2, other.2),
        )
    }

    /// Black or white, whichever is easier to read on this colour; one of them always is.
    fn ink(self) -> Color {
        if self.contrast(BLACK) > self.contrast(WHITE) {
            BLACK
        } else {
            WHITE
        }
    }

    /// This colour, as far towards `end` as text on `paper` needs.
    fn readable_on(self, paper: Color, end: Color) -> Color {
        let steps = (0..=100).step_by(4).map(|percent| self.mixed(end, percent));
        steps
            .into_iter()
            .find(|color| color.contrast(paper) >= READABLE)
            .unwrap_or(end)
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }
}

/// The darkest thing links stand on in the light scheme, and the lightest in the dark one; see `style.css`.
const LIGHT_PAPER: Color = Color(0xee, 0xf1, 0xf7);
const DARK_PAPER: Color = Color(0x22, 0x28, 0x38);

/// The rules that give the pages this accent, in both schemes.
pub(super) fn style(accent: Color) -> String {
    let light = rules(accent, accent.readable_on(LIGHT_PAPER, BLACK));
    let lighter = accent.readable_on(DARK_PAPER, WHITE);
    let dark = rules(lighter, lighter);
    format!("\n:root {{{light}}}\n@media (prefers-color-scheme: dark) {{ :root {{{dark}}} }}\n")
}

/// Background and text of a button in a mail, whose reader has neither our style sheet nor a scheme we know of.
pub(crate) fn button(accent: Option<&str>) -> (String, String) {
    let accent = accent.and_then(Color::parse).unwrap_or(Color(0x2b, 0x4c, 0x8c));
    (accent.to_string(), accent.ink().to_string())
}

fn rules(accent: Color, link: Color) -> String {
    let ink = accent.ink();
    // Under the pointer the colour moves away from its text.
    let deep = accent.mixed(if ink == WHITE { BLACK } else { WHITE }, 20);
    format!(" --accent: {accent}; --accent-deep: {deep}; --on-accent: {ink}; --link: {link}; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_on_any_accent_and_links_of_any_accent_can_be_read() {
        for text in [
            "#000000", "#ffffff", "#2b4c8c", "#ffd400", "#ff0000", "#00ff00", "#767676", "#808080", "#e10098",
        ] {
            let accent = Color::parse(text).unwrap();
            assert_eq!(accent.to_string(), text);
            assert!(accent.contrast(accent.ink()) >= READABLE, "{text}");
            let deep = accent.mixed(if accent.ink() == WHITE { BLACK } else { WHITE }, 20);
            assert!(deep.contrast(accent.ink()) >= READABLE, "{text}");
            for (paper, end) in [(LIGHT_PAPER, BLACK), (DARK_PAPER, WHITE)] {
                assert!(
                    accent.readable_on(paper, end).contrast(paper) >= READABLE,
                    "{text}"
                );
            }
        }
        assert!((BLACK.contrast(WHITE) - 21.0).abs() < 0.01);
    }

    #[test]
    fn only_hexadecimal_colours_are_colours() {
        for text in ["", "#fff", "red", "#12345g", "#1234567", "#12345é"] {
            assert_eq!(Color::parse(text), None, "{text}");
        }
    }

    #[test]
    fn an_accent_that_can_be_read_stays_as_it_is() {
        let style = style(Color::parse("#2b4c8c").unwrap());
        assert!(
            style.contains(":root { --accent: #2b4c8c;") && style.contains("--link: #2b4c8c;"),
            "{style}"
        );
    }
}
