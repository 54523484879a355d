//! Every page, in every language, with friendly and with hostile data.

use std::collections::BTreeSet;

use protocol::time::{Lifetime, Timestamp};
use scraper::{Html, Selector};

use super::*;

const HOSTILE: &str = "<script>\"'&\u{202E}x";

/// Owned data the pages borrow from.
struct Data {
    text: &'static str,
    scopes: Vec<(String, String)>,
    targets: Vec<String>,
}

impl Data {
    fn new(text: &'static str) -> Data {
        let scope = |name: &str, description: &str| (name.to_owned(), description.to_owned());
        let scopes = vec![scope("email", ""), scope(text, ""), scope("books", text)];
        let targets = vec!["https://app.example/cb".to_owned(), text.to_owned()];
        Data {
            text,
            scopes,
            targets,
        }
    }

    fn client(&self) -> ClientCard<'_> {
        ClientCard {
            name: self.text,
            logo_uri: Some("https://cdn.example/logo.png"),
            policy_uri: Some("https://app.example/policy?a=\"&b"),
            tos_uri: Some("https://app.example/tos"),
            uri: Some("https://app.example/"),
            verified: false,
        }
    }
}

/// Calls `check` with every page, each in its variations.
fn every_page(data: &Data, mut check: impl FnMut(&str, &Page<'_>)) {
    let (text, client, csrf, action) = (data.text, data.client(), data.text, data.text);
    let form_targets = data.targets.as_slice();
    let scopes = data.scopes.as_slice();
    let sign_in_errors = [
        SignInError::Mismatch,
        SignInError::Busy,
        SignInError::TooMany,
        SignInError::Expired,
    ]
    .map(Some);
    for error in sign_in_errors.into_iter().chain([None]) {
        for client in [None, Some(client)] {
            let page = Page::SignIn {
                client,
                action,
                csrf,
                login_hint: text,
                error,
                form_targets,
            };
            check("sign-in", &page);
        }
    }
    use SecondFactorError as Second;
    for error in [
        None,
        Some(Second::Mismatch),
        Some(Second::Busy),
        Some(Second::TooMany),
        Some(Second::Expired),
    ] {
        for recovery in [false, true] {
            let (has_totp, has_recovery, client) = (true, true, Some(client));
            let recovery_action = text;
            let page = Page::SecondFactor {
                client,
                action,
                csrf,
                recovery_action,
                recovery,
                has_totp,
                has_recovery,
                error,
                form_targets,
            };
            check("second-factor", &page);
        }
    }
    let lifetimes = [Lifetime::days(90), Lifetime::hours(5), Lifetime::minutes(1)].map(Some);
    for lifetime in lifetimes.into_iter().chain([None]) {
        let (redirect_host, username, offline) = (text, text, lifetime.is_some());
        let page = Page::Consent {
            client,
            action,
            csrf,
            redirect_host,
            username,
            scopes,
            offline,
            lifetime,
            form_targets,
        };
        check("consent", &page);
    }
    for client in [None, Some(client)] {
        check(
            "select",
            &Page::SelectAccount {
                client,
                action,
                csrf,
                username: text,
                form_targets,
            },
        );
        check(
            "logout",
            &Page::LogoutConfirm {
                client,
                action,
                csrf,
                username: text,
                form_targets,
            },
        );
        check("logged-out", &Page::LoggedOut { client });
    }
    for error in [None, Some(DeviceError::Mismatch), Some(DeviceError::TooMany)] {
        check(
            "device",
            &Page::DeviceCode {
                action,
                csrf,
                user_code: text,
                error,
            },
        );
    }
    let page = Page::DeviceConfirm {
        client,
        action,
        csrf,
        user_code: text,
        username: text,
        scopes,
    };
    check("device-confirm", &page);
    for yes in [false, true] {
        check("device-done", &Page::DeviceDone { allowed: yes });
        check("home", &Page::Home { signed_in: yes });
    }
    for message in [
        Message::UnknownClient,
        Message::RedirectUri,
        Message::InvalidRequest,
        Message::Expired,
        Message::Forgery,
        Message::Forbidden,
        Message::NotFound,
        Message::TooMany,
        Message::Busy,
        Message::Internal,
        Message::LogoutRequest,
        Message::Plain(text),
    ] {
        for status in [400, 404, 500] {
            check(
                "error",
                &Page::Error {
                    status,
                    code: text,
                    message,
                    request_id: text,
                },
            );
        }
        check(
            "logout-message",
            &Page::LogoutMessage {
                code: text,
                message,
                request_id: text,
            },
        );
    }
    check(
        "form-post",
        &Page::FormPost {
            redirect_uri: text,
            params: scopes,
        },
    );
    for error in [
        None,
        Some(SetUpError::LinkInvalid),
        Some(SetUpError::Username),
        Some(SetUpError::Email),
        Some(SetUpError::Taken),
        Some(SetUpError::PasswordTooShort),
        Some(SetUpError::PasswordTooLong),
        Some(SetUpError::Busy),
    ] {
        let (token, username, email) = (text, text, text);
        let page = Page::SetUp {
            action,
            csrf,
            token,
            username,
            email,
            password_min_length: 15,
            error,
        };
        check("set-up", &page);
    }
    let session = SessionCard {
        id: text,
        user_agent: text,
        address: text,
        signed_in_at: Timestamp(1_795_271_405),
        current: false,
    };
    let app = AppCard {
        client_id: text,
        name: text,
        scopes,
    };
    for (sessions, apps) in [
        (vec![], vec![]),
        (
            vec![
                session,
                SessionCard {
                    current: true,
                    ..session
                },
            ],
            vec![app],
        ),
    ] {
        let page = Page::Account {
            username: text,
            email: Some(text),
            name: Some(text),
            sessions: &sessions,
            apps: &apps,
            csrf,
            sign_out_action: text,
            end_session_action: Some(text),
            withdraw_action: Some(text),
        };
        check("account", &page);
    }
}

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

fn keys(locale: Locale) -> BTreeSet<&'static str> {
    let lines = locale.source().lines();
    lines
        .filter(|l| l.starts_with(|c: char| c.is_ascii_lowercase()))
        .filter_map(|l| l.split(" =").next())
        .collect()
}

fn has(html: &str, parts: &[&str]) {
    for part in parts {
        assert!(html.contains(part), "{part} is missing in {html}");
    }
}

#[test]
fn every_language_has_the_same_texts() {
    assert_eq!(keys(Locale::English), keys(Locale::German));
}

#[test]
fn every_page_renders_in_every_language() {
    let pages = Pages::new().unwrap();
    for locale in Locale::ALL {
        every_page(&Data::new("friendly"), |name, page| {
            let html = pages
                .try_render(locale, page)
                .unwrap_or_else(|e| panic!("{name} {locale:?}: {e:?}"));
            has(
                &html,
                &[
                    &format!("<html lang=\"{}\">", locale.tag()),
                    "</html>",
                    stylesheet().0,
                ],
            );
            assert!(!html.contains('\u{E000}') && !html.contains('\u{2068}'), "{name}");
            assert!(!html.contains(" style=") && !html.contains(" onclick="), "{name}");
            let forms = html.matches("<form ").count();
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
    let pages = Pages::new().unwrap();
    for locale in Locale::ALL {
        let mut friendly = Vec::new();
        every_page(&Data::new("friendly"), |_, page| {
            friendly.push(skeleton(&pages.try_render(locale, page).unwrap()))
        });
        let mut friendly = friendly.into_iter();
        every_page(&Data::new(HOSTILE), |name, page| {
            let html = pages.try_render(locale, page).unwrap();
            assert!(!html.contains("<script>\""), "{name}: {html}");
            assert_eq!(Some(skeleton(&html)), friendly.next(), "{name}");
            if !html.contains("value=") {
                assert!(!html.contains('\u{202E}'), "{name}");
            }
        });
    }
}

#[test]
fn a_policy_is_never_opened_by_what_a_page_says() {
    let pages = Pages::new().unwrap();
    let hostile = Data::new("https://evil.test; script-src *");
    every_page(&hostile, |name, page| {
        let csp = pages.render(Locale::English, page).csp;
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
        assert_eq!(csp.contains("script-src"), name == "form-post", "{csp}");
    });
}

#[test]
fn the_pages_keep_the_outer_contract() {
    let pages = Pages::new().unwrap();
    let data = Data::new("friendly");
    every_page(&data, |name, page| {
        let rendered = pages.render(Locale::English, page);
        let html = rendered.html.as_str();
        match name {
            "sign-in" => {
                has(
                    html,
                    &[
                        "Sign in",
                        "name=\"username\"",
                        "name=\"password\"",
                        "autocomplete=\"username\"",
                    ],
                );
                has(html, &["autocomplete=\"current-password\"", "name=\"csrf\""]);
                assert_eq!(html.matches("<button").count(), 1);
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
                for way_out in ["<a ", "<form", "http-equiv", "<script"] {
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
    let pages = Pages::new().unwrap();
    let params = [
        ("code".to_owned(), "c".to_owned()),
        ("state".to_owned(), HOSTILE.to_owned()),
    ];
    let page = Page::FormPost {
        redirect_uri: "https://app.example/cb?x=1&y=2",
        params: &params,
    };
    let Rendered { html, csp } = pages.render(Locale::English, &page);
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
    let pages = Pages::new().unwrap();
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
        error: None,
        form_targets: &[],
    };
    let Rendered { html, csp } = pages.render(Locale::English, &page);
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
    let pages = Pages::new().unwrap();
    for (ui_locales, accept_language, expected) in [
        (None, None, Locale::English),
        (None, Some("de"), Locale::German),
        (None, Some("de-AT,de;q=0.9,en;q=0.8"), Locale::German),
        (None, Some("en;q=0.5, de;q=0.7"), Locale::German),
        (None, Some("en, de"), Locale::English),
        (None, Some("fr, de;q=0.3"), Locale::German),
        (None, Some("de;q=0, en;q=0.1"), Locale::English),
        (None, Some("*, de;q=0.5"), Locale::English),
        (None, Some(",;q=;;=,"), Locale::English),
        (Some("fr-CA DE en"), Some("en"), Locale::German),
        (Some("fr"), Some("de"), Locale::German),
        (Some(""), Some("xx"), Locale::English),
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
    let pages = Pages::new().unwrap();
    let data = Data::new("Bookshop");
    for locale in Locale::ALL {
        let mut number = 0;
        every_page(&data, |name, page| {
            number += 1;
            let stem = format!("{folder}/{}-{number:03}-{name}", locale.tag());
            let Rendered { html, csp } = pages.render(locale, page);
            std::fs::write(format!("{stem}.html"), html.replace("\"/assets/", "\"assets/")).unwrap();
            std::fs::write(format!("{stem}.csp"), csp).unwrap();
        });
    }
    for asset in assets() {
        let path = format!("{folder}{}", asset.path);
        std::fs::create_dir_all(std::path::Path::new(&path).parent().unwrap()).unwrap();
        std::fs::write(path, asset.bytes).unwrap();
    }
}
