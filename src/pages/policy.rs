//! The Content-Security-Policy of a page, and which foreign addresses a page may show.

use url::{Host, Url};

use super::page::Page;

/// The policy that allows `page` what it contains, and nothing else.
pub(super) fn content_security_policy(page: &Page<'_>, script_hash: &str) -> String {
    let mut policy = String::from("default-src 'none'; style-src 'self'; img-src 'self' data:");
    if let Some(origin) = page.logo_uri().as_deref().and_then(source) {
        policy.push(' ');
        policy.push_str(&origin);
    }
    policy.push_str("; form-action 'self'");
    let mut targets: Vec<String> = page.form_targets().into_iter().filter_map(source).collect();
    targets.sort_unstable();
    targets.dedup();
    for target in targets {
        policy.push(' ');
        policy.push_str(&target);
    }
    policy.push_str("; frame-ancestors 'none'; base-uri 'none'");
    if let Page::FormPost { .. } = page {
        policy.push_str("; script-src ");
        policy.push_str(script_hash);
    } else if !page.scripts().is_empty() {
        policy.push_str("; script-src 'self'");
        if page.scripts().contains(&"passkey.js") {
            policy.push_str("; connect-src 'self'");
        }
    }
    policy
}

/// The source expression (CSP Level 3 §2.3.1) that covers an address: its origin, or its scheme alone
/// where the grammar has no origin (apps' own schemes, IPv6 addresses).
fn source(address: &str) -> Option<String> {
    let url = Url::parse(address).ok()?;
    match (url.scheme(), url.host()) {
        // These run as, or stand for, the page itself.
        ("javascript" | "data" | "blob" | "about" | "filesystem", _) => None,
        ("http" | "https", Some(Host::Domain(_) | Host::Ipv4(_))) => {
            let origin = url.origin().ascii_serialization();
            let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '/' | '.' | '-' | '_');
            origin.chars().all(safe).then_some(origin)
        }
        ("http" | "https", None) => None,
        (scheme, _) => Some(format!("{scheme}:")),
    }
}

/// An address that may become a link: `https` or `http`, never a script.
pub(super) fn web_link(address: Option<&str>) -> Option<String> {
    let url = Url::parse(address?).ok()?;
    let web = matches!(url.scheme(), "https" | "http") && url.host().is_some();
    (web && url.username().is_empty() && url.password().is_none()).then(|| url.into())
}

/// An address a client's logo may be loaded from: `https`, or `http` on this very machine.
pub(super) fn logo(address: Option<&str>) -> Option<String> {
    let address = web_link(address)?;
    let url = Url::parse(&address).ok()?;
    let local = match url.host()? {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(ip) => ip.is_loopback(),
        Host::Ipv6(_) => return None,
    };
    (url.scheme() == "https" || local).then_some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_origins_or_schemes_and_never_more() {
        for (address, expected) in [
            ("https://app.example/cb?x=1", Some("https://app.example")),
            ("http://127.0.0.1:49152/cb", Some("http://127.0.0.1:49152")),
            ("http://[::1]:49152/cb", Some("http:")),
            ("com.example.app:/cb", Some("com.example.app:")),
            ("https://app.example;script-src *", None),
            ("https://a,b/", None),
            ("javascript:alert(1)", None),
            ("'unsafe-inline'", None),
            ("*", None),
            ("", None),
        ] {
            assert_eq!(source(address).as_deref(), expected, "{address}");
        }
    }

    #[test]
    fn links_and_logos_lead_to_the_web() {
        assert!(web_link(Some("https://app.example/policy")).is_some());
        assert!(logo(Some("https://app.example/logo.png")).is_some());
        assert!(logo(Some("http://localhost:8081/logo.svg")).is_some());
        for address in [
            "javascript:alert(1)",
            "data:text/html,x",
            "//evil.test",
            "https://u:p@evil.test/",
            "",
        ] {
            assert_eq!(web_link(Some(address)), None, "{address}");
            assert_eq!(logo(Some(address)), None, "{address}");
        }
        assert_eq!(logo(Some("http://app.example/logo.png")), None);
    }
}
