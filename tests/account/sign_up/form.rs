//! What the form takes.

use protocol::session::MfaPolicy;
use store::Conn;

use super::{
    ERIN, PASSWORD, account, asked, confirm, count, is_refused, open_server, open_server_with, register, says,
};
use crate::support::{Browser, Form};

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
