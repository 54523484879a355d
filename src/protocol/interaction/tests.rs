use super::*;
use crate::authorization::Prompt;
use crate::claims::ClaimsRequest;
use crate::client::ClientAuthMethod;
use crate::id::AccountId;
use crate::response::{ResponseMode, ResponseTarget};
use crate::session::Factor;
use uuid::Uuid;

const NOW: Timestamp = Timestamp(10_000);

/// What makes a case differ from the plain one.
type Change = fn(&mut Case);

struct Case {
    client: Client,
    interaction: Interaction,
    session: Option<Session>,
    has_second_factor: bool,
    policy: MfaPolicy,
    must_change_password: bool,
    scope: Scope,
    remembered: Option<Scope>,
}

impl Case {
    fn request(&mut self) -> &mut AuthorizationRequest {
        match &mut self.interaction.destination {
            Destination::Client(request) => request,
            Destination::Own(_) => panic!("the case leads to a page of our own"),
        }
    }
}

fn scope(text: &str) -> Scope {
    text.parse().unwrap()
}

fn case() -> Case {
    Case {
        client: Client::new("web".into()),
        interaction: Interaction {
            id: "i".into(),
            destination: Destination::Client(Box::new(AuthorizationRequest {
                client_id: "web".into(),
                target: ResponseTarget {
                    redirect_uri: "https://app.example/cb".into(),
                    mode: ResponseMode::Query,
                    state: None,
                },
                scope: scope("openid"),
                resources: vec![],
                nonce: None,
                code_challenge: None,
                prompt: Prompt::default(),
                max_age: None,
                acr_values: vec![],
                login_hint: None,
                hinted_subject: None,
                ui_locales: None,
                claims: ClaimsRequest::default(),
            })),
            browser: String::new(),
            expires_at: Timestamp(20_000),
            signed_in: None,
            account_selected: false,
            consented: None,
            denied: false,
        },
        session: Some(Session {
            id: SessionId(Uuid::from_u128(1)),
            account_id: AccountId(Uuid::from_u128(2)),
            auth_time: Timestamp(9_900),
            factors: vec![Factor::Password],
            created_at: Timestamp(9_900),
            last_seen_at: Timestamp(9_900),
        }),
        has_second_factor: false,
        policy: MfaPolicy::IfEnrolled,
        must_change_password: false,
        scope: scope("openid"),
        remembered: None,
    }
}

fn after(change: impl FnOnce(&mut Case)) -> Next {
    let mut case = case();
    change(&mut case);
    next(&Facts {
        interaction: &case.interaction,
        client: Some(&case.client),
        session: case.session.as_ref(),
        subject: case.session.as_ref().map(|_| "alice"),
        second_factor: SecondFactor {
            policy: case.policy,
            enrolled: case.has_second_factor,
        },
        must_change_password: case.must_change_password,
        scope: &case.scope,
        remembered: case.remembered.as_ref(),
        now: NOW,
    })
}

fn code(next: Next) -> Option<ErrorCode> {
    match next {
        Next::Refuse(error) => Some(error.code),
        _ => None,
    }
}

#[test]
fn a_session_is_all_a_trusted_client_needs() {
    assert_eq!(after(|_| ()), Next::Respond);
    assert_eq!(after(|c| c.session = None), Next::Login);
}

#[test]
fn a_second_factor_that_exists_must_be_proved() {
    assert_eq!(after(|c| c.has_second_factor = true), Next::StepUp);
    assert_eq!(
        after(|c| {
            c.has_second_factor = true;
            c.session.as_mut().unwrap().factors = vec![Factor::Password, Factor::Totp];
        }),
        Next::Respond
    );
}

#[test]
fn a_demand_for_a_fresh_sign_in_is_met_only_within_the_request() {
    let demands: [Change; 3] = [
        |c| c.request().prompt.login = true,
        |c| c.request().max_age = Some(0),
        |c| c.request().max_age = Some(99),
    ];
    for demand in demands {
        assert_eq!(after(demand), Next::Login);
        assert_eq!(
            after(|c| {
                demand(c);
                c.interaction.signed_in = Some(SessionId(Uuid::from_u128(1)));
            }),
            Next::Respond
        );
        assert_eq!(
            after(|c| {
                demand(c);
                c.interaction.signed_in = Some(SessionId(Uuid::from_u128(7)));
            }),
            Next::Login
        );
    }
    assert_eq!(after(|c| c.request().max_age = Some(100)), Next::Respond);
}

#[test]
fn a_hint_at_another_account_is_not_answered_for_this_one() {
    let hint: Change = |c| c.request().hinted_subject = Some("bob".into());
    assert_eq!(after(hint), Next::Login);
    assert_eq!(
        code(after(|c| {
            hint(c);
            c.interaction.signed_in = Some(SessionId(Uuid::from_u128(1)));
        })),
        Some(ErrorCode::LoginRequired)
    );
    assert_eq!(
        after(|c| c.request().hinted_subject = Some("alice".into())),
        Next::Respond
    );
}

#[test]
fn consent_is_asked_and_remembered() {
    let third_party: Change = |c| c.client.require_consent = true;
    assert_eq!(after(third_party), Next::Consent);
    let remembered = |given: &'static str| {
        after(move |c| {
            third_party(c);
            c.remembered = Some(scope(given));
        })
    };
    assert_eq!(remembered("openid profile"), Next::Respond);
    assert_eq!(remembered("profile"), Next::Consent);
    assert_eq!(
        after(|c| {
            c.request().prompt.consent = true;
            c.remembered = Some(scope("openid"));
        }),
        Next::Consent
    );
    assert_eq!(
        after(|c| {
            c.client.application_type = ApplicationType::Native;
            c.client.token_endpoint_auth_method = ClientAuthMethod::None;
            c.remembered = Some(scope("openid"));
        }),
        Next::Consent
    );
    assert_eq!(
        after(|c| {
            third_party(c);
            c.interaction.consented = Some(yes_of(2));
        }),
        Next::Respond
    );
    assert_eq!(
        after(|c| {
            third_party(c);
            c.interaction.consented = Some(yes_of(3));
        }),
        Next::Consent,
        "the yes of another account"
    );
}

fn yes_of(account: u128) -> Consented {
    Consented {
        account: AccountId(Uuid::from_u128(account)),
        scope: scope("openid"),
    }
}

#[test]
fn prompt_none_turns_each_page_into_its_error() {
    use ErrorCode::{ConsentRequired, InteractionRequired, LoginRequired};
    let cases: [(Change, ErrorCode); 3] = [
        (|c| c.session = None, LoginRequired),
        (|c| c.has_second_factor = true, InteractionRequired),
        (|c| c.client.require_consent = true, ConsentRequired),
    ];
    for (change, error) in cases {
        assert_eq!(
            code(after(|c| {
                c.request().prompt.none = true;
                change(c);
            })),
            Some(error)
        );
    }
    assert_eq!(after(|c| c.request().prompt.none = true), Next::Respond);
}

#[test]
fn an_account_is_selected_once() {
    assert_eq!(
        after(|c| c.request().prompt.select_account = true),
        Next::SelectAccount
    );
    assert_eq!(
        after(|c| {
            c.request().prompt.select_account = true;
            c.interaction.account_selected = true;
        }),
        Next::Respond
    );
}

#[test]
fn an_essential_acr_that_cannot_be_reached_is_refused() {
    let essential =
        |acr: &'static str| after(move |c| c.request().claims.essential_acr = vec![acr.to_owned()]);
    assert_eq!(code(essential("2")), Some(ErrorCode::AccessDenied));
    assert_eq!(essential("1"), Next::Respond);
}

#[test]
fn a_scope_the_account_cannot_give_at_all_is_refused() {
    assert_eq!(
        code(after(|c| c.scope = Scope::empty())),
        Some(ErrorCode::InvalidScope)
    );
}

#[test]
fn a_no_ends_the_request() {
    assert_eq!(
        code(after(|c| c.interaction.denied = true)),
        Some(ErrorCode::AccessDenied)
    );
}

#[test]
fn the_policy_says_when_a_second_factor_is_asked_for() {
    use MfaPolicy::{IfEnrolled, Off, Required};
    for (policy, enrolled, demanded, age, expected) in [
        (Off, false, false, 100, Next::Respond),
        (Off, true, false, 100, Next::Respond),
        (Off, true, true, 100, Next::StepUp),
        (Off, false, true, 100, Next::Respond),
        (IfEnrolled, false, false, 100, Next::Respond),
        (IfEnrolled, true, false, 100, Next::StepUp),
        (Required, true, false, 9_000, Next::StepUp),
        (Required, false, false, 100, Next::Enrol),
        (Required, false, false, FRESH + 1, Next::Login),
    ] {
        let found = after(|c| {
            (c.policy, c.has_second_factor) = (policy, enrolled);
            c.session.as_mut().unwrap().auth_time = Timestamp(NOW.0 - age);
            if demanded {
                c.request().acr_values = vec!["2".into()];
            }
        });
        assert_eq!(found, expected, "{policy:?} {enrolled} {demanded} {age}");
    }
}

#[test]
fn a_page_of_our_own_needs_the_same_proof() {
    let own = |change: Change, max_age| {
        after(|c| {
            c.interaction.destination = Destination::Own(OwnPage {
                path: "/account".into(),
                max_age,
            });
            change(c);
        })
    };
    assert_eq!(own(|_| (), None), Next::Respond);
    assert_eq!(own(|c| c.session = None, None), Next::Login);
    assert_eq!(own(|_| (), Some(99)), Next::Login);
    assert_eq!(own(|_| (), Some(100)), Next::Respond);
    assert_eq!(own(|c| c.has_second_factor = true, None), Next::StepUp);
    assert_eq!(own(|c| c.policy = MfaPolicy::Required, None), Next::Enrol);
    let off: Change = |c| (c.policy, c.has_second_factor) = (MfaPolicy::Off, true);
    assert_eq!(own(off, None), Next::Respond);
    assert_eq!(own(off, Some(100)), Next::StepUp);
    assert_eq!(own(|c| c.must_change_password = true, None), Next::ChangePassword);
}
