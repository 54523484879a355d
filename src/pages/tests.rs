//! Every page, in every language, with friendly and with hostile data.

use std::collections::BTreeSet;

use protocol::profile::PROFILE_CLAIMS;
use protocol::time::{Lifetime, Timestamp};
use scraper::{Html, Selector};

use super::*;

const HOSTILE: &str = "<script>\"'&\u{202E}x";

/// Owned data the pages borrow from.
struct Data {
    text: &'static str,
    scopes: Vec<(String, String)>,
    targets: Vec<String>,
    upstreams: Vec<UpstreamCard>,
}

impl Data {
    fn new(text: &'static str) -> Data {
        let scope = |name: &str, description: &str| (name.to_owned(), description.to_owned());
        let scopes = vec![scope("email", ""), scope(text, ""), scope("books", text)];
        let targets = vec!["https://app.example/cb".to_owned(), text.to_owned()];
        let upstreams = vec![UpstreamCard {
            name: "corp".to_owned(),
            title: text.to_owned(),
            action: format!("/login/upstream/corp?i={text}"),
        }];
        Data {
            text,
            scopes,
            targets,
            upstreams,
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
                sign_up: client.map(|_| text),
                forgot: text,
                passkey: client.map(|_| passkey_card(text)),
                upstreams: &data.upstreams,
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
                passkey: Some(passkey_card(text)),
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
        Message::UpstreamRefused,
        Message::UpstreamFailed,
        Message::UpstreamAway,
        Message::UpstreamAccount,
        Message::Plain(text),
    ] {
        for (status, sign_in) in [(400, Some(action)), (404, None), (500, None)] {
            check(
                "error",
                &Page::Error {
                    status,
                    code: text,
                    message,
                    request_id: text,
                    sign_in,
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
        Some(SetUpError::Weak(crate::passwords::Weakness::TooShort)),
        Some(SetUpError::Weak(crate::passwords::Weakness::Common)),
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
    every_account_page(data, &mut check);
    every_sign_up_page(data, &mut check);
    console::samples::every_console_page(data.text, &mut check);
}

fn every_sign_up_page(data: &Data, check: &mut impl FnMut(&str, &Page<'_>)) {
    let (text, client) = (data.text, data.client());
    let errors = [
        SignUpError::Username,
        SignUpError::UsernameTaken,
        SignUpError::Email,
        SignUpError::Name,
        SignUpError::Mismatch,
        SignUpError::Busy,
        SignUpError::TooMany,
    ]
    .map(Some);
    for error in errors.into_iter().chain([None]) {
        for yes in [false, true] {
            let page = SignUpPage {
                client: yes.then_some(client),
                action: text,
                csrf: text,
                invite: if yes { text } else { "" },
                email_is_fixed: yes,
                username: text,
                email: text,
                name: text,
                password_min_length: 15,
                error,
                sign_in: text,
            };
            check("sign-up", &Page::SignUp(page));
            let page = SignUpConfirmPage {
                action: text,
                csrf: text,
                token: text,
                username: text,
                ask_password: yes,
                error,
            };
            check("sign-up-confirm", &Page::SignUpConfirm(page));
        }
    }
    for error in crate::passwords::Weakness::ALL {
        let page = ResetPage {
            action: text,
            csrf: text,
            token: text,
            username: text,
            password_min_length: 15,
            error: Some(SignUpError::Weak(error)),
        };
        check("reset", &Page::Reset(page));
    }
    for too_many in [false, true] {
        let page = ForgotPage {
            client: too_many.then_some(client),
            action: text,
            csrf: text,
            username: text,
            too_many,
            sign_in: text,
        };
        check("forgot", &Page::Forgot(page));
    }
    for notice in Notice::ALL {
        check("notice", &Page::Notice(NoticePage { notice, link: text }));
    }
}

fn upstream_pages(data: &Data, frame: AccountFrame<'_>, check: &mut impl FnMut(&str, &Page<'_>)) {
    let (text, form_targets) = (data.text, data.targets.as_slice());
    for (person, may_create) in [("", false), (text, true)] {
        let page = Page::UpstreamUnknown {
            action: text,
            csrf: text,
            upstream: text,
            person,
            may_create,
            form_targets,
        };
        check("upstream-unknown", &page);
        let page = Page::UpstreamConfirm {
            action: text,
            csrf: text,
            upstream: text,
            person,
            username: text,
            form_targets,
        };
        check("upstream-confirm", &page);
    }
    let identity = |open, last_used_at| IdentityCard {
        title: text,
        id: text,
        open,
        created_at: Timestamp(1_795_271_405),
        last_used_at,
    };
    let held = [
        identity(true, Some(Timestamp(1_795_271_405))),
        identity(false, None),
    ];
    for (identities, upstreams) in [(&held[..], data.upstreams.as_slice()), (&[], &[])] {
        let page = Page::AccountIdentities {
            frame,
            identities,
            upstreams,
        };
        check("account-identities", &page);
    }
}

fn every_account_page(data: &Data, check: &mut impl FnMut(&str, &Page<'_>)) {
    let (text, scopes, moment) = (data.text, data.scopes.as_slice(), Timestamp(1_795_271_405));
    let frame = |part, notice| AccountFrame {
        username: text,
        part,
        csrf: text,
        notice,
    };
    for name in [
        "profile-saved",
        "email-asked",
        "password-changed",
        "session-ended",
        "sessions-ended",
        "app-ended",
        "api-key-revoked",
        "factor-added",
        "factor-renamed",
        "factor-removed",
    ] {
        let frame = frame(AccountPart::Apps, Some(AccountNotice::parse(name).unwrap()));
        check(
            "account-apps",
            &Page::AccountApps {
                frame,
                apps: &[],
                records: &[],
            },
        );
    }
    for wrong in [false, true] {
        let fields = PROFILE_CLAIMS.map(|claim| ProfileField {
            name: claim.name,
            value: text,
            autocomplete: claim.autocomplete,
            max_length: claim.max_length,
            wrong,
        });
        let page = Page::AccountProfile {
            frame: frame(AccountPart::Profile, None),
            email: wrong.then_some(text),
            email_verified: wrong,
            has_password: wrong,
            fields: &fields,
            wrong,
        };
        check("account-profile", &page);
    }
    for error in [
        None,
        Some(EmailError::Invalid),
        Some(EmailError::Same),
        Some(EmailError::TooMany),
    ] {
        let page = Page::AccountEmail {
            frame: frame(AccountPart::Profile, None),
            email: error.is_some().then_some(text),
            both: error.is_some(),
            typed: text,
            error,
        };
        check("account-email", &page);
    }
    for error in [
        None,
        Some(PasswordError::Mismatch),
        Some(PasswordError::TooMany),
        Some(PasswordError::Busy),
    ] {
        let page = Page::AccountPassword {
            frame: frame(AccountPart::Security, None),
            ask_current: error.is_some(),
            password_min_length: 15,
            error,
        };
        check("account-password", &page);
        let page = Page::ChangePassword {
            client: Some(data.client()),
            action: text,
            csrf: text,
            username: text,
            ask_current: error.is_some(),
            password_min_length: 15,
            error,
            form_targets: &data.targets,
        };
        check("change-password", &page);
    }
    let session = |current| SessionCard {
        id: text,
        user_agent: text,
        network: text,
        signed_in_at: moment,
        last_seen_at: moment,
        two_factors: current,
        current,
    };
    let page = Page::AccountSessions {
        frame: frame(AccountPart::Sessions, None),
        sessions: &[session(true), session(false)],
    };
    check("account-sessions", &page);
    let app = |last_used_at| AppCard {
        client_id: text,
        name: text,
        scopes,
        since: moment,
        last_used_at,
    };
    let record = |kind| ConsentCard {
        kind,
        client: text,
        scope: text,
        version: text,
        at: moment,
    };
    let page = Page::AccountApps {
        frame: frame(AccountPart::Apps, None),
        apps: &[app(None), app(Some(moment))],
        records: &[record("given"), record("withdrawn"), record("terms")],
    };
    check("account-apps", &page);
    for (days, error) in [
        (None, None),
        (Some(14), Some(DeletionError::Mismatch)),
        (Some(1), Some(DeletionError::LastAdministrator)),
        (None, Some(DeletionError::Unknown)),
    ] {
        let page = Page::AccountPrivacy {
            frame: frame(AccountPart::Privacy, None),
            days,
            has_email: days == Some(14),
            error,
        };
        check("account-privacy", &page);
    }
    api_key_pages(text, frame(AccountPart::ApiKeys, None), check);
    factor_pages(text, frame(AccountPart::Security, None), check);
    upstream_pages(data, frame(AccountPart::Identities, None), check);
    use EmailLinkState::{Changed, Confirm, Invalid, Keep, Kept, Taken, Undo, Undone, Waiting};
    for state in [
        Confirm, Changed, Waiting, Undo, Undone, Keep, Kept, Taken, Invalid,
    ] {
        let page = Page::EmailLink {
            action: text,
            csrf: text,
            token: text,
            email: text,
            username: text,
            state,
        };
        check("email-link", &page);
    }
}

fn api_key_pages(text: &str, frame: AccountFrame<'_>, check: &mut impl FnMut(&str, &Page<'_>)) {
    let key = |state, end| ApiKeyCard {
        id: "00000000-0000-0000-0000-000000000000",
        name: text,
        prefix: text,
        state,
        everything: false,
        permissions: text,
        networks: text,
        rate: Some(text),
        created_at: Timestamp(0),
        expires_at: end,
        previous_expires_at: end,
        last_used_at: end,
    };
    let keys = [
        key("live", None),
        key("expired", Some(Timestamp(9))),
        key("revoked", None),
    ];
    let permissions = [PermissionChoice {
        name: text,
        chosen: true,
    }];
    let form = ApiKeyForm {
        name: text,
        everything: true,
        permissions: &permissions,
        days: text,
        most_days: Some(90),
        networks: text,
        rate: text,
    };
    let new = NewApiKey {
        name: text,
        secret: text,
    };
    use ApiKeyError::{Beyond, Ended, Expiry, Name, Networks, Permissions, Rate, TooMany};
    for error in [Name, Permissions, Networks, Rate, Expiry, TooMany, Beyond, Ended].map(Some) {
        let page = Page::AccountApiKeys {
            frame,
            new: Some(new),
            keys: &keys,
            form,
            error,
        };
        check("account-api-keys", &page);
    }
    let page = Page::AccountApiKeys {
        frame,
        new: None,
        keys: &[],
        form: ApiKeyForm::default(),
        error: None,
    };
    check("account-api-keys", &page);
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

fn passkey_card(text: &str) -> PasskeyCard<'_> {
    PasskeyCard {
        options: text,
        finish: text,
        csrf: text,
    }
}

/// The pages about second factors.
fn factor_pages<'a>(text: &'a str, frame: AccountFrame<'a>, check: &mut impl FnMut(&str, &Page<'_>)) {
    let totp = TotpCard {
        sealed: text,
        secret: text,
        qr_size: 45,
        qr_path: "M4 4h1v1h-1z",
        name: text,
    };
    let card = |kind, last_used_at| FactorCard {
        id: text,
        kind,
        name: text,
        created_at: Timestamp(1_800_000_000),
        last_used_at,
    };
    let cards = [
        card("totp", None),
        card("passkey", Some(Timestamp(1_800_000_000))),
    ];
    use FactorError::{Expired, Mismatch, Needed, TooMany};
    for error in [None, Some(Mismatch), Some(Expired), Some(TooMany), Some(Needed)] {
        let enrol = Page::Enrol {
            client: None,
            action: text,
            csrf: text,
            totp,
            passkey: Some(passkey_card(text)),
            error,
            form_targets: &[],
        };
        check("enrol", &enrol);
        check("account-totp", &Page::AccountTotp { frame, totp, error });
        for (factors, left, made) in [
            (&cards[..], 7, Some(Timestamp(1_800_000_000))),
            (&cards[..1], 0, None),
            (&[], 1, None),
        ] {
            let page = Page::AccountSecurity {
                frame,
                factors,
                recovery_codes: left,
                recovery_codes_made_at: made,
                required: left == 1,
                passkey: Some(passkey_card(text)),
                error,
            };
            check("account-security", &page);
        }
    }
    let codes = Page::RecoveryCodes {
        csrf: text,
        codes: &[text, text],
        sealed: text,
        next: text,
    };
    check("recovery-codes", &codes);
}
