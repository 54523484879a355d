//! The pages of an account, its factors, keys and upstream identities.

use protocol::profile::PROFILE_CLAIMS;
use protocol::time::Timestamp;

use super::Data;
use crate::pages::*;

pub(super) fn every_account_page(data: &Data, check: &mut impl FnMut(&str, &Page<'_>)) {
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

pub(super) fn passkey_card(text: &str) -> PasskeyCard<'_> {
    PasskeyCard {
        options: text,
        finish: text,
        csrf: text,
    }
}
