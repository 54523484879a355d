//! `/sign-up`: who may make an account, what strangers learn, and what the links in the mails do.

use chancery::config::{Config, Rate, Registration};
use protocol::session::MfaPolicy;
use protocol::time::Lifetime;
use store::audit::Filter;
use store::{Account, Conn};

use crate::support::{Answer, Browser, Form, Request, Server, query_of};

const PASSWORD: &str = "a ferry in the morning rain";
const ERIN: [(&str, &str); 4] = [
    ("username", "erin"),
    ("email", "erin@example.org"),
    ("name", "Erin Example"),
    ("password", PASSWORD),
];

async fn open_server() -> Server {
    open_server_with(|_| ()).await
}

async fn open_server_with(change: impl FnOnce(&mut Config)) -> Server {
    Server::start_with(|config| {
        config.accounts.registration = Registration::Open;
        config.rate_limits.register_per_address = Rate {
            count: 100,
            per: Lifetime::minutes(60),
        };
        change(config);
    })
    .await
}

pub(super) async fn account(server: &Server, login: &str) -> Option<Account> {
    let login = login.to_owned();
    let read = async move |db: &mut Conn| store::accounts::find_by_login(db, &login).await;
    server.running.app.store.read(read).await.unwrap()
}

pub(super) async fn count(server: &Server) -> i64 {
    let read = async |db: &mut Conn| store::accounts::count(db).await;
    server.running.app.store.read(read).await.unwrap()
}

/// A page without what differs from request to request.
pub(super) fn lasting(answer: &Answer) -> String {
    let headers: Vec<_> = answer
        .headers
        .iter()
        .filter(|(name, _)| !["date", "x-request-id"].contains(&name.as_str()))
        .map(|(name, value)| format!("{name}: {value:?}"))
        .collect();
    format!("{} {headers:?} {}", answer.status, answer.body)
}

/// Fills the fields of the form in, over those of erin.
fn with<'a>(changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut fields: Vec<_> = ERIN.to_vec();
    fields.retain(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
    fields.extend(changes);
    fields
}

async fn register(browser: &mut Browser<'_>, changes: &[(&str, &str)]) -> Answer {
    let page = browser.open("/sign-up").await;
    assert_eq!(page.status, 200, "{}", page.body);
    browser.submit(&page, &with(changes)).await
}

/// Registers and gives the link of the mail.
async fn asked(server: &Server, browser: &mut Browser<'_>, changes: &[(&str, &str)]) -> String {
    let answer = register(browser, changes).await;
    assert!(
        answer.body.contains("id=\"notice-sign-up-mail\""),
        "{}",
        answer.body
    );
    let email = changes.iter().find(|(name, _)| *name == "email");
    let email = email.map_or("erin@example.org", |(_, email)| email);
    server.mail_to(email).await.link()
}

async fn confirm(browser: &mut Browser<'_>, link: &str, fields: &[(&str, &str)]) -> Answer {
    let page = browser.open(link).await;
    assert!(page.body.contains("id=\"sign-up-confirm\""), "{}", page.body);
    browser.submit(&page, fields).await
}

pub(super) fn says(answer: &Answer, notice: &str) {
    let id = format!("id=\"notice-{notice}\"");
    assert!(answer.body.contains(&id), "{} {}", answer.status, answer.body);
}

fn is_refused(answer: &Answer) -> bool {
    answer.status == 400 && answer.body.contains("id=\"form-error\"")
}

#[tokio::test]
async fn a_person_registers_confirms_and_signs_in() {
    let server = open_server().await;
    server.apply("[[role]]\nname = \"user\"\n").await;
    let mut browser = Browser::new(&server);
    let link = asked(&server, &mut browser, &[]).await;
    assert!(link.starts_with("/sign-up/confirm?t="), "{link}");
    assert!(account(&server, "erin").await.is_none());
    let done = confirm(&mut browser, &link, &[]).await;
    says(&done, "sign-up-done");
    let erin = account(&server, "ERIN@example.org").await.unwrap();
    assert_eq!((erin.username.as_str(), erin.email_verified), ("erin", true));
    assert_eq!(erin.claims["name"], "Erin Example");
    let id = erin.id;
    let now = server.clock.now();
    let roles = async move |db: &mut Conn| store::roles::account_roles(db, id, now).await;
    let roles = server.running.app.store.read(roles).await.unwrap();
    assert_eq!(roles, ["user".to_owned()].into());
    assert!(!browser.cookies.contains_key("session"));
    let answer = browser.sign_in(&server.authorize(&[]), "erin", PASSWORD).await;
    assert!(query_of(answer.location(), "code").is_some());
    let events = async |db: &mut Conn| store::audit::list(db, &Filter::default(), 50).await;
    let events = server.running.app.store.read(events).await.unwrap();
    let made = events
        .iter()
        .find(|event| event.kind == "account.registered")
        .unwrap();
    assert_eq!(
        (made.account_id, made.address.as_deref()),
        (Some(id), Some("127.0.0.1"))
    );
}

#[tokio::test]
async fn who_came_from_an_app_returns_to_it() {
    let server = open_server().await;
    let mut browser = Browser::new(&server);
    let login = browser.open(&server.authorize(&[])).await;
    let sign_up = href(&login, "sign-up");
    let page = browser.open(&sign_up).await;
    assert!(page.body.contains("Web shop"), "{}", page.body);
    let sent = browser.submit(&page, &ERIN).await;
    says(&sent, "sign-up-mail");
    let link = server.mail_to("erin@example.org").await.link();
    let done = confirm(&mut browser, &link, &[]).await;
    let page = browser.open(&href(&done, "go-on")).await;
    let answer = browser
        .submit(&page, &[("username", "erin"), ("password", PASSWORD)])
        .await;
    assert_eq!(query_of(answer.location(), "state").as_deref(), Some("the state"));
}

/// The address of a link by its id.
pub(super) fn href(page: &Answer, id: &str) -> String {
    let html = scraper::Html::parse_document(&page.body);
    let selector = scraper::Selector::parse(&format!("a#{id}")).unwrap();
    let link = html.select(&selector).next();
    let link = link.unwrap_or_else(|| panic!("no link {id} in {}", page.body));
    link.attr("href").unwrap().to_owned()
}

#[tokio::test]
async fn a_known_address_is_answered_like_an_unknown_one() {
    let server = open_server().await;
    let mut pages = Vec::new();
    for email in [
        "new@example.org",
        "alice@example.test",
        "ALICE@EXAMPLE.TEST",
        "dave@example.test",
    ] {
        let mut browser = Browser::new(&server);
        let page = register(&mut browser, &[("email", email)]).await;
        assert_eq!(page.status, 200);
        pages.push(lasting(&page));
    }
    for page in &pages {
        assert_eq!(page, &pages[0]);
    }
    let mails = server.mails().await;
    assert_eq!(mails.len(), 4);
    for mail in mails {
        let confirms = mail.text.contains("/sign-up/confirm?t=");
        assert_eq!(confirms, mail.to == "new@example.org", "{}", mail.text);
        if !confirms {
            assert_eq!(mail.links(), ["/login", "/forgot"]);
            assert!(["alice@example.test", "dave@example.test"].contains(&mail.to.as_str()));
        }
    }
    assert_eq!(count(&server).await, 3);
}

#[tokio::test]
async fn opening_the_link_changes_nothing() {
    let server = open_server().await;
    let mut browser = Browser::new(&server);
    let link = asked(&server, &mut browser, &[]).await;
    for _ in 0..3 {
        assert_eq!(server.get(&link).await.status, 200);
        server.send(Request::new("HEAD", link.clone())).await;
    }
    assert_eq!(count(&server).await, 3);
    says(&confirm(&mut browser, &link, &[]).await, "sign-up-done");
}

#[tokio::test]
async fn of_many_confirmations_one_makes_the_account() {
    let server = open_server().await;
    let mut browser = Browser::new(&server);
    let link = asked(&server, &mut browser, &[]).await;
    let form = Form::of(&browser.open(&link).await.body);
    let cookie = format!("browser={}", browser.cookies["browser"]);
    let tries = (0..6).map(|_| server.send(form.filled(&[]).header("cookie", cookie.clone())));
    let answers = futures_util::future::join_all(tries.collect::<Vec<_>>()).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    assert_eq!(count(&server).await, 4);
    says(&browser.open(&link).await, "sign-up-link");
    assert_eq!(browser.send(form.filled(&[])).await.status, 400);
}

#[tokio::test]
async fn a_late_replaced_or_foreign_link_makes_nobody() {
    let server = open_server().await;
    let mut browser = Browser::new(&server);
    let replaced = asked(&server, &mut browser, &[]).await;
    let link = asked(&server, &mut browser, &[("email", "Erin@example.org")]).await;
    let reset = browser.open("/forgot").await;
    browser.submit(&reset, &[("username", "alice")]).await;
    let reset = server.mail_to("alice@example.test").await.link();
    let token = query_of(&reset, "t").unwrap();
    for dead in [
        replaced.as_str(),
        "/sign-up/confirm",
        "/sign-up/confirm?t=x",
        &format!("/sign-up/confirm?t={token}"),
    ] {
        let answer = browser.open(dead).await;
        assert_eq!(answer.status, 400, "{dead}");
        says(&answer, "sign-up-link");
    }
    let form = Form::of(&browser.open(&link).await.body);
    server.advance(Lifetime::hours(24));
    let late = browser.send(form.filled(&[])).await;
    assert_eq!(late.status, 400);
    says(&late, "sign-up-link");
    assert_eq!(count(&server).await, 3);
}

#[tokio::test]
async fn who_confirms_in_another_browser_must_know_the_password() {
    let server = open_server().await;
    let link = asked(&server, &mut Browser::new(&server), &[]).await;
    let mut owner = Browser::new(&server);
    for wrong in ["", "not the password that was chosen"] {
        let answer = confirm(&mut owner, &link, &[("password", wrong)]).await;
        assert!(is_refused(&answer), "{}", answer.body);
    }
    assert_eq!(count(&server).await, 3);
    let done = confirm(&mut owner, &link, &[("password", PASSWORD)]).await;
    says(&done, "sign-up-done");
}

#[tokio::test]
async fn guessing_the_password_of_a_link_ends() {
    let server = open_server().await;
    let link = asked(&server, &mut Browser::new(&server), &[]).await;
    let mut stranger = Browser::new(&server);
    let page = stranger.open(&link).await;
    for _ in 0..5 {
        assert_eq!(stranger.submit(&page, &[("password", "wrong")]).await.status, 400);
    }
    let limited = stranger.submit(&page, &[("password", PASSWORD)]).await;
    assert_eq!(limited.status, 429);
    assert!(limited.header("retry-after").is_some());
    assert_eq!(count(&server).await, 3);
}

#[tokio::test]
async fn a_name_or_address_taken_meanwhile_makes_nobody() {
    let server = open_server().await;
    let mut browser = Browser::new(&server);
    let name = asked(&server, &mut browser, &[]).await;
    let other = [("username", "frank"), ("email", "frank@example.org")];
    let address = asked(&server, &mut browser, &other).await;
    server
        .apply("[[account]]\nusername = \"Erin\"\nemail = \"Frank@example.org\"\n")
        .await;
    for (link, notice) in [(name, "sign-up-name"), (address, "sign-up-email")] {
        let answer = confirm(&mut browser, &link, &[]).await;
        assert_eq!(answer.status, 409);
        says(&answer, notice);
    }
    assert_eq!(count(&server).await, 4);
}

#[tokio::test]
async fn of_two_who_want_one_name_the_first_to_confirm_has_it() {
    let server = open_server().await;
    let (mut one, mut two) = (Browser::new(&server), Browser::new(&server));
    let first = asked(&server, &mut one, &[]).await;
    let second = asked(
        &server,
        &mut two,
        &[("username", "ERIN"), ("email", "other@example.org")],
    )
    .await;
    let (one, two) = tokio::join!(confirm(&mut one, &first, &[]), confirm(&mut two, &second, &[]));
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    assert_eq!(count(&server).await, 4);
}

#[tokio::test]
async fn nothing_but_the_fields_of_the_form_is_read() {
    let server = open_server().await;
    server.apply("[[role]]\nname = \"super_admin\"\n").await;
    let mut browser = Browser::new(&server);
    let more = [
        ("id", "00000000-0000-0000-0000-000000000000"),
        ("sub", "00000000-0000-0000-0000-000000000000"),
        ("is_admin", "true"),
        ("roles", "super_admin"),
        ("role", "super_admin"),
        ("groups", "super_admin"),
        ("permissions", "books:write"),
        ("email_verified", "true"),
        ("password_hash", "$argon2id$x"),
        ("mfa", "off"),
        ("disabled", "false"),
        ("managed_by", "file"),
        ("created_at", "1"),
        ("must_change_password", "true"),
        ("claims", "{\"name\":\"x\"}"),
        ("claims[zoneinfo]", "x"),
    ];
    let link = asked(&server, &mut browser, &more).await;
    assert!(account(&server, "erin").await.is_none());
    says(&confirm(&mut browser, &link, &more).await, "sign-up-done");
    let erin = account(&server, "erin").await.unwrap();
    assert_ne!(erin.id.to_string(), "00000000-0000-0000-0000-000000000000");
    assert_eq!(
        (erin.mfa, erin.managed_by, erin.must_change_password),
        (None, None, false)
    );
    assert_eq!(erin.claims.keys().collect::<Vec<_>>(), ["name"]);
    assert_eq!(erin.created_at, server.clock.now());
    let authority = async move |db: &mut Conn| store::roles::authority(db, erin.id, erin.created_at).await;
    let authority = server.running.app.store.read(authority).await.unwrap();
    assert!(authority.roles == ["user".to_owned()].into() && authority.permissions.is_empty());
    assert!(
        !server
            .mails()
            .await
            .iter()
            .any(|mail| mail.to != "erin@example.org")
    );
}

#[tokio::test]
async fn names_addresses_and_passwords_that_do_not_fit_are_refused() {
    let server = open_server_with(|config| config.accounts.reserved_usernames = vec!["Acme".into()]).await;
    let mut browser = Browser::new(&server);
    let long = "x".repeat(51);
    let long_name = "é".repeat(101);
    let huge = "x y".repeat(400);
    for (field, value) in [
        ("username", "er"),
        ("username", long.as_str()),
        ("username", "erin example"),
        ("username", "erin@example.org"),
        ("username", "еrin"),
        ("username", "erin\u{200D}"),
        ("username", "admin"),
        ("username", "Adm1n"),
        ("username", "super-admin"),
        ("username", "ACME"),
        ("username", "alice"),
        ("username", "Alice"),
        ("email", "erin"),
        ("email", "\"erin\"@example.org"),
        ("email", "erin@example.org\r\nBcc: all@example.org"),
        ("email", "erin@[127.0.0.1]"),
        ("name", long_name.as_str()),
        ("password", "short"),
        ("password", "aaaaaaaaaaaaaaaaaaaa"),
        ("password", "erinerinerinerin"),
        ("password", huge.as_str()),
    ] {
        let answer = register(&mut browser, &[(field, value)]).await;
        assert!(
            is_refused(&answer),
            "{field} {value}: {} {}",
            answer.status,
            answer.body
        );
        let kept = if field == "name" {
            "value=\"erin\""
        } else {
            "value=\"Erin Example\""
        };
        assert!(answer.body.contains(kept), "{field} {value}");
        assert!(!answer.body.contains(PASSWORD));
    }
    for missing in ["username", "email", "password"] {
        assert!(
            is_refused(&register(&mut browser, &[(missing, "")]).await),
            "{missing}"
        );
    }
    assert!(server.mails().await.is_empty());
}

#[tokio::test]
async fn the_page_says_how_long_a_password_must_be() {
    for (mfa, least) in [(MfaPolicy::IfEnrolled, 15), (MfaPolicy::Required, 8)] {
        let server = open_server_with(|config| config.accounts.mfa = mfa).await;
        let page = server.get("/sign-up").await;
        let attribute = format!("minlength=\"{least}\"");
        assert!(page.body.contains(&attribute), "{}", page.body);
    }
}

#[tokio::test]
async fn names_and_addresses_are_cleaned() {
    let server = open_server().await;
    let mut browser = Browser::new(&server);
    let changes = [
        ("username", " erin "),
        ("email", " Erin@BÜCHER.example "),
        ("name", " Erin \u{202E}\u{7}  Example\u{200B} "),
    ];
    says(&register(&mut browser, &changes).await, "sign-up-mail");
    let mail = server.mail_to("Erin@xn--bcher-kva.example").await;
    assert!(!mail.text.contains("Erin Example") && !mail.html.contains("Erin Example"));
    says(&confirm(&mut browser, &mail.link(), &[]).await, "sign-up-done");
    let erin = account(&server, "erin@xn--bcher-kva.example").await.unwrap();
    assert_eq!(
        (erin.username.as_str(), erin.claims["name"].as_str()),
        ("erin", Some("Erin Example"))
    );
}

#[tokio::test]
async fn a_form_from_elsewhere_registers_nobody() {
    let server = open_server().await;
    let mut browser = Browser::new(&server);
    let form = Form::of(&browser.open("/sign-up").await.body);
    let link = asked(&server, &mut browser, &[("email", "other@example.org")]).await;
    let confirmation = Form::of(&browser.open(&link).await.body);
    for (form, fields) in [(form, &ERIN[..]), (confirmation, &[])] {
        let without: Vec<_> = form
            .hidden
            .iter()
            .filter(|(name, _)| name != "csrf")
            .cloned()
            .collect();
        let without = Form {
            action: form.action.clone(),
            hidden: without,
        };
        for request in [
            without.filled(fields),
            form.filled(fields).header("origin", "https://evil.example"),
            form.filled(fields).header("sec-fetch-site", "cross-site"),
        ] {
            assert_eq!(browser.send(request).await.status, 403);
        }
        assert_eq!(server.send(form.filled(fields)).await.status, 403);
    }
    assert_eq!((server.mails().await.len(), count(&server).await), (1, 3));
}

#[tokio::test]
async fn links_are_made_of_the_issuer_whatever_the_request_says() {
    let server = open_server_with(|config| {
        config.server.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    let mut browser = Browser::new(&server);
    let form = Form::of(&browser.open("/sign-up").await.body);
    for (index, (header, value)) in [
        ("host", "evil.example"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-port", "666"),
        ("x-forwarded-prefix", "/evil"),
        ("forwarded", "host=evil.example;proto=https"),
    ]
    .into_iter()
    .enumerate()
    {
        let email = format!("erin{index}@example.org");
        let request = form.filled(&with(&[("email", &email)])).header(header, value);
        browser.send(request).await;
        for mail in server.mails().await {
            assert!(
                mail.text.contains("\nhttp://localhost:8080/sign-up/confirm?t="),
                "{}",
                mail.text
            );
            let message = format!("{} {}", mail.text, mail.html);
            assert!(!message.contains("evil") && !message.contains("666"), "{header}");
        }
    }
}

#[tokio::test]
async fn one_network_registers_only_so_often() {
    let server = open_server_with(|config| {
        config.rate_limits.register_per_address = Rate {
            count: 3,
            per: Lifetime::minutes(3),
        };
    })
    .await;
    let mut browser = Browser::new(&server);
    for email in ["a@example.org", "alice@example.test", "c@example.org"] {
        assert_eq!(register(&mut browser, &[("email", email)]).await.status, 200);
    }
    let refused = register(&mut browser, &[]).await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("60")));
    assert!(refused.body.contains("value=\"erin@example.org\""));
    server.advance(Lifetime::minutes(1));
    assert_eq!(register(&mut browser, &[]).await.status, 200);
    assert_eq!(server.mails().await.len(), 4);
}

#[tokio::test]
async fn nobody_is_flooded_with_mails() {
    let server = open_server_with(|config| {
        config.rate_limits.mail_per_recipient = Rate {
            count: 2,
            per: Lifetime::minutes(60),
        };
    })
    .await;
    let mut pages = Vec::new();
    for email in [
        "erin@example.org",
        "Erin@Example.ORG",
        "ERIN@example.org",
        "eriN@example.org",
    ] {
        let page = register(&mut Browser::new(&server), &[("email", email)]).await;
        pages.push(lasting(&page));
        assert_eq!(pages.last(), pages.first());
    }
    assert_eq!(server.mails().await.len(), 2);
}

#[tokio::test]
async fn where_registration_is_closed_there_is_no_page() {
    let server = Server::start().await;
    let mut browser = Browser::new(&server);
    let login = browser.open(&server.authorize(&[])).await;
    assert!(!login.body.contains("/sign-up"));
    assert_eq!(server.get("/sign-up").await.status, 404);
    assert_eq!(server.get("/sign-up?invite=x").await.status, 404);
    let csrf = Form::of(&login.body).hidden.remove(0).1;
    let fields = with(&[("csrf", &csrf)]);
    let answer = browser.send(Request::form("/sign-up", &fields)).await;
    assert_eq!(answer.status, 404);
    assert!(server.mails().await.is_empty());
}

#[tokio::test]
async fn pages_and_mails_of_a_registration_speak_german() {
    let server = open_server().await;
    let mut browser = Browser::new(&server);
    let german = |request: Request| request.header("accept-language", "de");
    let page = browser.send(german(Request::get("/sign-up"))).await;
    assert!(
        page.body.contains("lang=\"de\"") && page.body.contains("Konto anlegen"),
        "{}",
        page.body
    );
    let weak = with(&[("password", "kurz")]);
    let refused = browser.send(german(Form::of(&page.body).filled(&weak))).await;
    assert!(is_refused(&refused));
    let sent = browser.send(german(Form::of(&page.body).filled(&ERIN))).await;
    assert!(sent.body.contains("Sehen Sie in Ihre E-Mails"), "{}", sent.body);
    let mail = server.mail_to("erin@example.org").await;
    assert!(mail.subject.contains("Konto"), "{}", mail.subject);
}
