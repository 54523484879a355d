//! Every page of the console with a text in each place where one can be.

use protocol::time::Timestamp;

use super::chart::{Bucket, ranking, timeline};
use super::*;
use crate::administration::refusals::Explained;
use crate::pages::Page;
use crate::refusals::{Parameter, RefusedRequest};

const MOMENT: Timestamp = Timestamp(1_795_271_405);

fn texts(text: &str) -> Vec<String> {
    vec![text.to_owned(), "plain".to_owned()]
}

fn refusal(kind: &'static str, text: &str) -> ConsoleRefusal {
    ConsoleRefusal {
        kind,
        detail: text.to_owned(),
    }
}

fn overview(text: &str, statistics: bool) -> ConsoleView {
    let buckets = vec![
        Bucket {
            at: MOMENT,
            counts: vec![3, 1],
        },
        Bucket {
            at: MOMENT,
            counts: vec![0, 0],
        },
    ];
    let chart = |daily| timeline(vec!["success", "failure"], buckets.clone(), daily);
    let names = ["factors", "failures", "grants", "clients", "refusals"];
    let tally = |name| Tally {
        name,
        bars: if name == "grants" {
            Vec::new()
        } else {
            ranking(vec![(text.to_owned(), 3)], 5)
        },
    };
    ConsoleView::Overview(Box::new(OverviewView {
        range: "24h",
        statistics,
        sign_ins: chart(false),
        tokens: chart(true),
        refusals: chart(false),
        tallies: names.map(tally).to_vec(),
    }))
}

fn named(text: &str, check: &mut dyn FnMut(ConsoleView)) {
    for noun in ["role", "scope"] {
        let row = NamedRow {
            name: text.to_owned(),
            description: text.to_owned(),
            permissions: texts(text),
            more: 3,
            mfa: Some("required"),
            managed: true,
        };
        for rows in [vec![row], Vec::new()] {
            check(ConsoleView::NamedList(NamedList {
                noun,
                query: text.to_owned(),
                next: (!rows.is_empty()).then(|| text.to_owned()),
                first: (!rows.is_empty()).then(|| text.to_owned()),
                rows,
                may_write: true,
            }));
        }
        for new in [true, false] {
            check(ConsoleView::NamedForm(NamedForm {
                noun,
                new,
                name: text.to_owned(),
                description: text.to_owned(),
                permissions: vec![PermissionBox {
                    name: "*",
                    held: new,
                    may_give: !new,
                }],
                others: text.to_owned(),
                mfa: "required",
                version: text.to_owned(),
                holders: (!new).then_some(2),
                may_write: true,
                managed: new,
                refusal: new.then(|| refusal("other", text)),
            }));
        }
    }
}

fn clients(text: &str, check: &mut dyn FnMut(ConsoleView)) {
    let row = |disabled| ClientRow {
        client_id: text.to_owned(),
        name: text.to_owned(),
        grant_types: vec!["authorization_code"],
        disabled,
        managed: disabled,
    };
    check(ConsoleView::ClientList(ClientList {
        query: text.to_owned(),
        state: "disabled".to_owned(),
        rows: vec![row(true), row(false)],
        next: None,
        first: Some(text.to_owned()),
    }));
    for yes in [true, false] {
        check(ConsoleView::ClientPage(ClientPage {
            row: row(yes),
            facts: vec![("redirect_uris", texts(text)), ("default_max_age", texts(text))],
            has_secret: yes,
            previous_secret_expires_at: yes.then_some(MOMENT),
            may_write: true,
            version: text.to_owned(),
        }));
        check(ConsoleView::ClientForm(ClientForm {
            new: yes,
            client_id: text.to_owned(),
            texts: vec![("client_name", text.to_owned()), ("logo_uri", text.to_owned())],
            areas: vec![("scope", text.to_owned())],
            choices: vec![
                ("mfa", text.to_owned(), vec!["", "required"]),
                ("application_type", String::new(), vec!["web"]),
            ],
            grant_types: vec![("password", yes)],
            switches: vec![("require_pkce", yes)],
            version: text.to_owned(),
            refusal: yes.then(|| refusal("beyond", text)),
        }));
        check(ConsoleView::Connect(ConnectView {
            client_id: text.to_owned(),
            name: text.to_owned(),
            auth_method: "none",
            has_secret: yes,
            scope: text.to_owned(),
            redirect_uris: texts(text),
            issuer: "https://id.example".to_owned(),
            endpoints: vec![("token_endpoint", "https://id.example/token".to_owned())],
            snippets: yes
                .then(|| Snippet {
                    name: "curl",
                    title: "curl",
                    code: text.to_owned(),
                })
                .into_iter()
                .collect(),
        }));
    }
    check(ConsoleView::ClientSecret(ClientSecretPage {
        client_id: text.to_owned(),
        secret: text.to_owned(),
    }));
}

fn requests(text: &str, check: &mut dyn FnMut(ConsoleView)) {
    let parameter = |value: Option<String>| Parameter {
        name: text.to_owned(),
        value,
        length: 3,
    };
    let explained = |some: bool| Explained {
        request: RefusedRequest {
            request_id: text.to_owned(),
            at: MOMENT.0,
            endpoint: text.to_owned(),
            method: text.to_owned(),
            client_id: some.then(|| text.to_owned()),
            authorization: some.then(|| text.to_owned()),
            parameters: if some {
                vec![parameter(None), parameter(Some(text.to_owned()))]
            } else {
                Vec::new()
            },
            error: text.to_owned(),
            description: text.to_owned(),
            cause: some.then(|| text.to_owned()),
        },
        hint: text.to_owned(),
    };
    for yes in [true, false] {
        check(ConsoleView::RequestList(RequestList {
            missing: yes.then(|| text.to_owned()),
            client: text.to_owned(),
            rows: if yes {
                Vec::new()
            } else {
                vec![explained(true), explained(false)]
            },
        }));
        check(ConsoleView::RefusedRequest(Box::new(explained(yes))));
    }
}

fn keys(text: &str, check: &mut dyn FnMut(ConsoleView)) {
    let row = |state, at| KeyRow {
        kid: text.to_owned(),
        algorithm: text.to_owned(),
        state,
        activates_at: MOMENT,
        retires_at: at,
        expires_at: at,
    };
    let states = ["upcoming", "active", "retired", "expired"];
    check(ConsoleView::KeyList(KeyList {
        rows: states
            .map(|state| row(state, (state == "expired").then_some(MOMENT)))
            .to_vec(),
        algorithms: vec!["ES256"],
        next: None,
        first: None,
    }));
}

fn session(text: &str, agent: &str) -> SessionRow {
    SessionRow {
        id: text.to_owned(),
        account_id: text.to_owned(),
        user_agent: agent.to_owned(),
        address: text.to_owned(),
        created_at: MOMENT,
        last_seen_at: MOMENT,
        amr: texts(text),
    }
}

fn event(text: &str, some: bool) -> AuditRow {
    let maybe = || some.then(|| text.to_owned());
    AuditRow {
        at: MOMENT,
        kind: text.to_owned(),
        success: some,
        account_id: maybe(),
        client_id: maybe(),
        actor: Some(text.to_owned()),
        actor_account: maybe(),
        address: maybe(),
        request_id: maybe(),
        detail: if some { text.to_owned() } else { String::new() },
    }
}

fn trail(text: &str, check: &mut dyn FnMut(ConsoleView)) {
    for yes in [true, false] {
        let sessions = vec![session(text, text), session(text, "")];
        check(ConsoleView::SessionList(SessionList {
            rows: if yes { sessions } else { Vec::new() },
            next: yes.then(|| text.to_owned()),
            first: None,
        }));
        let names = ["kind", "account", "client", "actor", "request", "from", "until"];
        check(ConsoleView::AuditList(AuditList {
            filters: names.map(|name| (name, text.to_owned())).to_vec(),
            outcome: "failure".to_owned(),
            wrong: !yes,
            rows: if yes {
                vec![event(text, true), event(text, false)]
            } else {
                Vec::new()
            },
            exports: [text.to_owned(), text.to_owned()],
            next: None,
            first: yes.then(|| text.to_owned()),
        }));
    }
}

fn user(text: &str, state: &'static str) -> UserRow {
    let active = state == "active";
    UserRow {
        id: text.to_owned(),
        username: text.to_owned(),
        name: if active { text.to_owned() } else { String::new() },
        email: active.then(|| text.to_owned()),
        email_verified: !active,
        state,
        last_login_at: active.then_some(MOMENT),
        created_at: MOMENT,
        managed: active,
    }
}

fn held(text: &str) -> Vec<HeldPermission> {
    let way = |role: bool, group: bool| HeldWay {
        role: role.then(|| text.to_owned()),
        group: group.then(|| text.to_owned()),
    };
    vec![HeldPermission {
        permission: text.to_owned(),
        through: vec![way(false, false), way(true, false), way(true, true)],
    }]
}

fn user_page(text: &str, yes: bool) -> UserPage {
    let role = |group: bool| HeldRole {
        role: text.to_owned(),
        group: group.then(|| text.to_owned()),
        expires_at: group.then_some(MOMENT),
    };
    let key = |state| ApiKeyRow {
        id: text.to_owned(),
        name: text.to_owned(),
        prefix: text.to_owned(),
        permissions: texts(text),
        state,
        expires_at: Some(MOMENT),
        last_used_at: Some(MOMENT),
    };
    let grant = GrantRow {
        id: text.to_owned(),
        client_id: text.to_owned(),
        scope: text.to_owned(),
        created_at: MOMENT,
    };
    UserPage {
        row: user(text, if yes { "active" } else { "pending_erasure" }),
        oneself: false,
        erase_at: (!yes).then_some(MOMENT),
        claims: vec![(text.to_owned(), text.to_owned())],
        must_change_password: yes,
        mfa: if yes { "required" } else { "" },
        roles: if yes {
            vec![role(true), role(false)]
        } else {
            Vec::new()
        },
        permissions: if yes { texts(text) } else { Vec::new() },
        effective: if yes { held(text) } else { Vec::new() },
        more: if yes { 2 } else { 0 },
        known_roles: if yes { texts(text) } else { Vec::new() },
        factors: UserFactors {
            password: yes,
            totp: 1,
            passkeys: 2,
            recovery_codes: 3,
            failures: 4,
        },
        sessions: yes.then(|| vec![session(text, text), session(text, "")]),
        grants: yes.then(|| vec![grant]),
        api_keys: yes.then(|| ["live", "expired", "revoked"].map(key).to_vec()),
        events: yes.then(|| vec![event(text, true), event(text, false)]),
        version: text.to_owned(),
    }
}

fn users(text: &str, check: &mut dyn FnMut(ConsoleView)) {
    let states = ["active", "disabled", "pending_erasure"];
    check(ConsoleView::UserList(UserList {
        query: text.to_owned(),
        state: "active".to_owned(),
        role: text.to_owned(),
        sort: "created_at",
        rows: states.map(|state| user(text, state)).to_vec(),
        next: Some(text.to_owned()),
        first: Some(text.to_owned()),
    }));
    for yes in [true, false] {
        check(ConsoleView::UserPage(Box::new(user_page(text, yes))));
        check(ConsoleView::UserPage(Box::new(UserPage {
            oneself: true,
            ..user_page(text, yes)
        })));
        for oneself in [true, false] {
            check(ConsoleView::UserForm(UserForm {
                new: yes,
                id: text.to_owned(),
                username: text.to_owned(),
                email: text.to_owned(),
                email_verified: yes,
                must_change_password: yes,
                mfa: "off".to_owned(),
                claims: vec![("name", text.to_owned(), 100)],
                version: text.to_owned(),
                oneself,
                refusal: yes.then(|| refusal("oneself", text)),
            }));
        }
    }
}

fn diagnosis(text: &str, check: &mut dyn FnMut(ConsoleView)) {
    use crate::diagnosis::Check;
    use crate::diagnosis::report::Risk;
    use crate::diagnosis::token::{Inspection, Kind};
    let checks = || {
        vec![
            Check::ok("a", text),
            Check::notice("b", text, text),
            Check::problem("c", text, text),
        ]
    };
    for risk in [Risk::Low, Risk::Medium, Risk::High] {
        check(ConsoleView::UserDiagnosis(UserDiagnosis {
            id: text.to_owned(),
            username: text.to_owned(),
            sign_in: checks(),
            risk,
            report: checks(),
        }));
    }
    let found = |kind, some: bool| Inspection {
        kind,
        active: some,
        reason: (!some).then_some("a reason"),
        header: None,
        claims: None,
        signature: some.then(|| text.to_owned()),
        client_id: some.then(|| text.to_owned()),
        account_id: None,
        grant_id: None,
        scope: some.then(|| text.to_owned()),
        issued_at: some.then_some(MOMENT),
        expires_at: some.then_some(MOMENT),
        expired: None,
        revoked: None,
        used: None,
    };
    let kinds = [
        Kind::AccessToken,
        Kind::IdToken,
        Kind::Jwt,
        Kind::RefreshToken,
        Kind::ApiKey,
        Kind::Unknown,
    ];
    for kind in kinds {
        for some in [true, false] {
            let token = InspectedToken {
                found: found(kind, some),
                header_text: if some { text.to_owned() } else { String::new() },
                claims_text: if some { text.to_owned() } else { String::new() },
            };
            check(ConsoleView::Diagnosis(Box::new(DiagnosisPage {
                token: Some(token),
                installation: some.then(checks),
            })));
        }
    }
}

fn every_view(text: &str, check: &mut dyn FnMut(ConsoleView)) {
    for kind in [
        "forbidden",
        "beyond",
        "oneself",
        "last-administrator",
        "not-found",
        "stale",
        "confirm",
        "other",
    ] {
        check(ConsoleView::Refused(refusal(kind, text)));
    }
    check(overview(text, true));
    check(overview(text, false));
    named(text, check);
    clients(text, check);
    requests(text, check);
    keys(text, check);
    trail(text, check);
    users(text, check);
    diagnosis(text, check);
}

/// Calls `check` with every page of the console.
pub(in crate::pages) fn every_console_page(text: &str, check: &mut dyn FnMut(&str, &Page<'_>)) {
    let frame = |notice, may: bool| ConsoleFrame {
        username: text,
        part: ConsolePart::Audit,
        parts: &ConsolePart::ALL,
        csrf: text,
        notice,
        may: console_may(|_| may),
    };
    for name in ConsoleNotice::ALL {
        let page = ConsolePage {
            frame: frame(ConsoleNotice::parse(name), false),
            view: ConsoleView::Refused(refusal("other", "")),
        };
        check("console-notice", &Page::Console(page));
    }
    for may in [true, false] {
        every_view(text, &mut |view| {
            let name = view.template();
            let page = ConsolePage {
                frame: frame(None, may),
                view,
            };
            check(name, &Page::Console(page));
        });
    }
}
