//! Every page with a text in each place where one can be.

use protocol::time::Lifetime;

use crate::pages::*;
use account::{every_account_page, passkey_card};

mod account;

/// Owned data the pages borrow from.
pub(super) struct Data {
    text: &'static str,
    scopes: Vec<(String, String)>,
    targets: Vec<String>,
    upstreams: Vec<UpstreamCard>,
}

impl Data {
    pub(super) fn new(text: &'static str) -> Data {
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
pub(super) fn every_page(data: &Data, mut check: impl FnMut(&str, &Page<'_>)) {
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
