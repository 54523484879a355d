//! Every page, in every language, with friendly and with hostile data.

use std::collections::BTreeSet;

use scraper::{Html, Selector};

use super::*;
use samples::{Data, every_page};

mod samples;

const HOSTILE: &str = "<script>\"'&\u{202E}x";

/// The elements of a document with their attribute names: all that markup in a text could change.
fn skeleton(html: &str) -> Vec<String> {
    let document = Html::parse_document(html);
    assert_eq!(
        document.errors.iter().filter(|e| !e.contains("noscript")).count(),
        0,
        "{:?}",
        document.errors
    );
    let all = Selector::parse("*").unwrap();
    document
        .select(&all)
        .map(|element| {
            let mut names: Vec<_> = element.value().attrs().map(|(name, _)| name).collect();
            names.sort_unstable();
            format!("{} {}", element.value().name(), names.join(" "))
        })
        .collect()
}

fn keys(source: &str) -> BTreeSet<&str> {
    let lines = source.lines();
    lines
        .filter(|l| l.starts_with(|c: char| c.is_ascii_lowercase()))
        .filter_map(|l| l.split(" =").next())
        .collect()
}

fn our_pages() -> Pages {
    Pages::new(&Branding::default()).unwrap()
}

fn has(html: &str, parts: &[&str]) {
    for part in parts {
        assert!(html.contains(part), "{part} is missing in {html}");
    }
}

#[test]
fn every_language_has_the_same_texts() {
    let files = catalogue::ours();
    assert!(files.len() > 1);
    let english = files.iter().find(|file| file.tag == "en").unwrap();
    for file in &files {
        assert_eq!(keys(&file.source), keys(&english.source), "{}", file.tag);
    }
}

#[test]
fn every_template_of_ours_compiles() {
    let pages = our_pages();
    for name in Templates::iter().filter(|name| name.ends_with(".html")) {
        let template = pages.ours().unwrap().get_template(&name);
        assert!(template.is_ok(), "{name}: {:?}", template.err());
    }
}

#[test]
fn every_page_renders_in_every_language() {
    let pages = our_pages();
    for locale in pages.locales().to_vec() {
        every_page(&Data::new("friendly"), |name, page| {
            let html = pages
                .try_render(locale, page)
                .unwrap_or_else(|e| panic!("{name} {locale:?}: {e:?}"));
            has(
                &html,
                &[
                    &format!("<html lang=\"{}\" dir=\"{}\">", locale.tag(), locale.direction()),
                    "</html>",
                    &pages
                        .assets
                        .iter()
                        .find(|asset| asset.name == "style.css")
                        .unwrap()
                        .path,
                ],
            );
            assert!(!html.contains('\u{E000}') && !html.contains('\u{2068}'), "{name}");
            assert!(!html.contains(" style=") && !html.contains(" onclick="), "{name}");
            // A search changes nothing.
            let searches = html.matches("<form method=\"get\"").count();
            let forms = html.matches("<form ").count() - searches;
            let tokens = html.matches("name=\"csrf\"").count();
            assert!(
                tokens == forms || name == "form-post",
                "{name}: {forms} forms, {tokens} tokens"
            );
        });
    }
}

#[test]
fn no_text_adds_or_changes_an_element() {
    let pages = our_pages();
    for locale in pages.locales().to_vec() {
        let mut friendly = Vec::new();
        every_page(&Data::new("friendly"), |_, page| {
            friendly.push(skeleton(&pages.try_render(locale, page).unwrap()))
        });
        let mut friendly = friendly.into_iter();
        every_page(&Data::new(HOSTILE), |name, page| {
            let html = pages.try_render(locale, page).unwrap();
            assert!(!html.contains("<script>\""), "{name}: {html}");
            assert_eq!(Some(skeleton(&html)), friendly.next(), "{name}");
            let document = Html::parse_document(&html);
            let mut texts = document.root_element().text();
            assert!(texts.all(|text| !text.contains('\u{202E}')), "{name}");
        });
    }
}

#[test]
fn a_policy_is_never_opened_by_what_a_page_says() {
    let pages = our_pages();
    let hostile = Data::new("https://evil.test; script-src *");
    every_page(&hostile, |name, page| {
        let csp = pages.render(Locale::ENGLISH, page).csp;
        assert!(
            !csp.contains("evil") && !csp.contains("unsafe") && !csp.contains('*'),
            "{name}: {csp}"
        );
        has(
            &csp,
            &[
                "default-src 'none'; ",
                "frame-ancestors 'none'",
                "base-uri 'none'",
            ],
        );
        let scripts = name == "form-post" || !page.scripts().is_empty();
        assert_eq!(csp.contains("script-src"), scripts, "{csp}");
    });
}

#[test]
fn the_pages_keep_the_outer_contract() {
    let pages = our_pages();
    let data = Data::new("friendly");
    every_page(&data, |name, page| {
        let rendered = pages.render(Locale::ENGLISH, page);
        let html = rendered.html.as_str();
        match name {
            "sign-in" => {
                has(
                    html,
                    &[
                        "Sign in",
                        "name=\"username\"",
                        "name=\"password\"",
                        "autocomplete=\"username",
                    ],
                );
                has(html, &["autocomplete=\"current-password\"", "name=\"csrf\""]);
                assert_eq!(html.matches("type=\"submit\"").count(), 1);
                let shown = matches!(page, Page::SignIn { client: Some(_), .. });
                for id in ["client-logo", "client-policy", "client-tos"] {
                    assert_eq!(html.contains(&format!("id=\"{id}\"")), shown, "{id}");
                }
                assert_eq!(
                    rendered.csp.contains("img-src 'self' data: https://cdn.example;"),
                    shown
                );
                has(&rendered.csp, &["form-action 'self' https://app.example;"]);
            }
            "second-factor" => {
                has(html, &["name=\"code\"", "id=\"other-factor\""]);
                let recovery = matches!(page, Page::SecondFactor { recovery: true, .. });
                assert_eq!(html.contains("one-time-code"), !recovery);
                assert_eq!(html.contains("inputmode=\"numeric\""), !recovery);
            }
            "consent" => has(
                html,
                &[
                    "id=\"consent-approve\" type=\"submit\" name=\"decision\" value=\"allow\"",
                    "id=\"consent-deny\" type=\"submit\" name=\"decision\" value=\"deny\"",
                    "See your e-mail address",
                    "has not been checked",
                ],
            ),
            "device" => has(html, &["name=\"user_code\""]),
            "device-confirm" => has(
                html,
                &[
                    "name=\"device_decision\" value=\"allow\"",
                    "name=\"device_decision\" value=\"deny\"",
                ],
            ),
            "error" => {
                has(
                    html,
                    &["id=\"error-code\">friendly<", "id=\"request-id\">friendly<"],
                );
                let back = matches!(page, Page::Error { sign_in: Some(_), .. });
                assert_eq!(html.matches("<a ").count(), usize::from(back));
                assert_eq!(html.contains("<a id=\"sign-in\" href=\"friendly\""), back);
                for way_out in ["<form", "http-equiv", "<script"] {
                    assert!(!html.contains(way_out), "{way_out}");
                }
            }
            "logout" => has(
                html,
                &[
                    "id=\"logout-confirm\" type=\"submit\" name=\"logout\"",
                    "id=\"logout-message\"",
                ],
            ),
            "logged-out" => has(html, &["id=\"logged-out\""]),
            "logout-message" => has(html, &["id=\"logout-message\""]),
            "set-up" => has(
                html,
                &[
                    "name=\"token\"",
                    "name=\"username\"",
                    "name=\"email\"",
                    "name=\"password\"",
                ],
            ),
            _ => {}
        }
    });
}

#[test]
fn a_form_post_allows_its_own_script_and_its_own_target() {
    let pages = our_pages();
    let params = [
        ("code".to_owned(), "c".to_owned()),
        ("state".to_owned(), HOSTILE.to_owned()),
    ];
    let page = Page::FormPost {
        redirect_uri: "https://app.example/cb?x=1&y=2",
        params: &params,
    };
    let Rendered { html, csp } = pages.render(Locale::ENGLISH, &page);
    has(
        &csp,
        &["form-action 'self' https://app.example;", "; script-src 'sha256-"],
    );
    let document = Html::parse_document(&html);
    let form = document.select(&Selector::parse("form").unwrap()).next().unwrap();
    assert_eq!(form.attr("action"), Some("https://app.example/cb?x=1&y=2"));
    let state = document
        .select(&Selector::parse("input[name=state]").unwrap())
        .next()
        .unwrap();
    assert_eq!(state.attr("value"), Some(HOSTILE));
    let script = document
        .select(&Selector::parse("script").unwrap())
        .next()
        .unwrap();
    assert_eq!(script.text().collect::<String>(), assets::SUBMIT_SCRIPT);
    has(&html, &["<noscript>"]);
}

#[test]
fn unfit_addresses_are_not_shown() {
    let pages = our_pages();
    let client = ClientCard {
        name: "App",
        logo_uri: Some("http://app.example/logo.png"),
        policy_uri: Some("javascript:alert(1)"),
        tos_uri: Some("data:text/html,x"),
        ..ClientCard::default()
    };
    let page = Page::SignIn {
        client: Some(client),
        action: "/login",
        csrf: "c",
        login_hint: "",
        sign_up: None,
        forgot: "/forgot",
        passkey: None,
        upstreams: &[],
        error: None,
        form_targets: &[],
    };
    let Rendered { html, csp } = pages.render(Locale::ENGLISH, &page);
    for part in [
        "client-logo",
        "client-policy",
        "client-tos",
        "javascript:",
        "data:text",
    ] {
        assert!(!html.contains(part), "{part}");
    }
    has(&csp, &["img-src 'self' data:;", "form-action 'self';"]);
}

#[test]
fn readers_get_the_language_they_ask_for() {
    let pages = our_pages();
    for (ui_locales, accept_language, expected) in [
        (None, None, Locale::ENGLISH),
        (None, Some("de"), Locale::GERMAN),
        (None, Some("de-AT,de;q=0.9,en;q=0.8"), Locale::GERMAN),
        (None, Some("en;q=0.5, de;q=0.7"), Locale::GERMAN),
        (None, Some("en, de"), Locale::ENGLISH),
        (None, Some("fr, de;q=0.3"), Locale::GERMAN),
        (None, Some("de;q=0, en;q=0.1"), Locale::ENGLISH),
        (None, Some("*, de;q=0.5"), Locale::ENGLISH),
        (None, Some(",;q=;;=,"), Locale::ENGLISH),
        (Some("fr-CA DE en"), Some("en"), Locale::GERMAN),
        (Some("fr"), Some("de"), Locale::GERMAN),
        (Some(""), Some("xx"), Locale::ENGLISH),
    ] {
        assert_eq!(
            pages.locale(ui_locales, accept_language),
            expected,
            "{ui_locales:?} {accept_language:?}"
        );
    }
}

/// Writes sample pages and their policies as files to look at:
/// `CHANCERY_SAMPLE_PAGES=folder cargo test sample_pages`.
#[test]
fn sample_pages() {
    let Ok(folder) = std::env::var("CHANCERY_SAMPLE_PAGES") else {
        return;
    };
    let pages = our_pages();
    let data = Data::new("Bookshop");
    for locale in pages.locales().to_vec() {
        let mut number = 0;
        every_page(&data, |name, page| {
            number += 1;
            let stem = format!("{folder}/{}-{number:03}-{name}", locale.tag());
            let Rendered { html, csp } = pages.render(locale, page);
            std::fs::write(format!("{stem}.html"), html.replace("\"/assets/", "\"assets/")).unwrap();
            std::fs::write(format!("{stem}.csp"), csp).unwrap();
        });
    }
    for asset in pages.assets() {
        let path = format!("{folder}{}", asset.path);
        std::fs::create_dir_all(std::path::Path::new(&path).parent().unwrap()).unwrap();
        std::fs::write(path, &asset.bytes).unwrap();
    }
}
