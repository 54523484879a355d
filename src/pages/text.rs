//! Small texts: names other people chose made safe to show, times and spans in words.

const OPEN: char = '\u{E000}';
const CLOSE: char = '\u{E001}';
const LONGEST: usize = 120;

/// A name or sentence from elsewhere, fit to be shown: one line, no invisible or direction-turning
/// characters, not longer than a line or two.
pub(super) fn shown(text: &str) -> String {
    let mut kept = text
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|c| !is_hidden(*c));
    let mut shown: String = kept.by_ref().take(LONGEST).collect();
    if kept.next().is_some() {
        shown.push('…');
    }
    shown
}

/// A text of several lines from elsewhere, without invisible or direction-turning characters.
pub(super) fn lines(text: &str) -> String {
    text.chars().filter(|c| *c == '\n' || !is_hidden(*c)).collect()
}

fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}'
            | OPEN | CLOSE)
}

/// Marks a value inside a sentence for [`escape_isolating`].
pub(super) fn isolate(text: &str) -> String {
    format!("{OPEN}{}{CLOSE}", shown(text))
}

/// A sentence without the marks of [`isolate`].
pub(super) fn plain(text: &str) -> String {
    text.replace([OPEN, CLOSE], "")
}

/// Escapes a text for HTML, between tags and in quoted attributes.
pub(super) fn escape(text: &str) -> String {
    let mut html = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            c => html.push(c),
        }
    }
    html
}

/// Escapes a sentence for HTML and turns the marks of [`isolate`] into `<bdi>` elements.
pub(super) fn escape_isolating(text: &str) -> String {
    escape(text).replace(OPEN, "<bdi>").replace(CLOSE, "</bdi>")
}

/// A length of time in the largest unit that states it well: (`days` | `hours` | `minutes`, count).
pub(super) fn span(seconds: i64) -> (&'static str, i64) {
    match seconds {
        s if s >= 2 * 86_400 => ("days", s / 86_400),
        s if s >= 2 * 3600 => ("hours", s / 3600),
        s => ("minutes", (s / 60).max(1)),
    }
}

/// `2026-11-21 14:30 UTC`.
pub(super) fn moment(seconds: i64) -> String {
    let (year, month, day, hour, minute, _) = civil(seconds);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02} UTC")
}

/// `2026-11-21T14:30:05Z`, for `<time datetime>`.
pub(crate) fn machine_time(seconds: i64) -> String {
    let (year, month, day, hour, minute, second) = civil(seconds);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Calendar date and time of day in UTC. Years are counted from March, so that the leap day is the last
/// day of its year and every 400 years have the same 146 097 days.
fn civil(seconds: i64) -> (i64, i64, i64, i64, i64, i64) {
    let time = seconds.rem_euclid(86_400);
    let days = seconds.div_euclid(86_400).saturating_add(719_468);
    let day_of_cycle = days.rem_euclid(146_097);
    let year_of_cycle =
        (day_of_cycle - day_of_cycle / 1_460 + day_of_cycle / 36_524 - day_of_cycle / 146_096) / 365;
    let day_of_year = day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 {
        march_month + 3
    } else {
        march_month - 9
    };
    let year = days.div_euclid(146_097) * 400 + year_of_cycle + i64::from(month <= 2);
    (year, month, day, time / 3600, time / 60 % 60, time % 60)
}

/// `Firefox · Linux` for a User-Agent header; what is unknown is shown as it is.
pub(super) fn device_name(user_agent: &str) -> String {
    let first = |names: &[(&str, &'static str)]| {
        names
            .iter()
            .find(|(mark, _)| user_agent.contains(mark))
            .map(|(_, name)| *name)
    };
    // The order matters: each browser also carries the names of its elders.
    let browser = first(&[
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("FxiOS/", "Firefox"),
        ("CriOS/", "Chrome"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ]);
    let system = first(&[
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("CrOS", "ChromeOS"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} · {system}"),
        (Some(browser), None) => browser.to_owned(),
        _ => shown(user_agent),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_calendar_times() {
        assert_eq!(machine_time(0), "1970-01-01T00:00:00Z");
        assert_eq!(machine_time(951_782_399), "2000-02-28T23:59:59Z");
        assert_eq!(machine_time(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(machine_time(1_709_251_200), "2024-03-01T00:00:00Z");
        assert_eq!(machine_time(-1), "1969-12-31T23:59:59Z");
        assert_eq!(moment(1_795_271_405), "2026-11-21 14:30 UTC");
        for edge in [i64::MIN, i64::MAX] {
            assert!(moment(edge).ends_with("UTC"));
        }
    }

    #[test]
    fn spans_take_the_unit_that_fits() {
        assert_eq!(span(7_776_000), ("days", 90));
        assert_eq!(span(86_400), ("hours", 24));
        assert_eq!(span(3600), ("minutes", 60));
        assert_eq!(span(1), ("minutes", 1));
    }

    #[test]
    fn names_lose_what_cannot_be_seen_and_keep_what_can() {
        assert_eq!(shown("Ev\u{202E}il\u{200B}\n App"), "Evil  App");
        assert_eq!(shown("Büro 日本 عربى"), "Büro 日本 عربى");
        assert_eq!(shown(&"x".repeat(10_000)).chars().count(), LONGEST + 1);
        assert_eq!(escape_isolating(&isolate("<b>\u{E000}")), "<bdi>&lt;b&gt;</bdi>");
    }

    #[test]
    fn browsers_have_short_names() {
        let chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36";
        assert_eq!(device_name(chrome), "Chrome · Linux");
        assert_eq!(device_name("curl/8.5"), "curl/8.5");
    }
}
