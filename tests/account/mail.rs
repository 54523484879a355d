//! Mails from the write that causes them to the reader, whatever the mail server does.

use chancery::app::App;
use chancery::clock::Clock;
use chancery::config::Config;
use chancery::mail::{Letter, Mail, deliver_due};
use chancery::pages::Locale;
use chancery::server::open;
use protocol::time::Lifetime;
use store::Conn;

use crate::support::{MailServer, ReceivedMail, Server};

const ALICE: &str = "alice@example.org";
const LINK: &str = "http://localhost:8080/reset?t=link_abc&x=1";

async fn queue_in(app: &App, to: &str, locale: Locale, mail: &Mail<'_>) {
    let letter = Letter::write(app, to, locale, mail);
    app.store
        .write(async move |db: &mut Conn| letter.queue(db).await)
        .await
        .unwrap();
}

async fn queue(server: &Server, mail: &Mail<'_>) {
    queue_in(&server.running.app, ALICE, Locale::ENGLISH, mail).await;
}

async fn waiting(app: &App) -> i64 {
    app.store
        .read(async |db: &mut Conn| store::outbox::count(db).await)
        .await
        .unwrap()
}

/// A server that mails through a mail server.
async fn with_mail_server() -> (Server, MailServer) {
    let mail_server = MailServer::start().await;
    let url = mail_server.url();
    let server = Server::start_with(|config| config.mail.smtp_url = Some(url)).await;
    (server, mail_server)
}

async fn deliver(server: &Server) {
    deliver_due(&server.running.app).await.unwrap();
}

#[tokio::test]
async fn a_mail_arrives_with_both_parts_and_the_headers_of_an_automatic_one() {
    let (server, mail_server) = with_mail_server().await;
    queue(&server, &Mail::ResetPassword { link: LINK }).await;
    deliver(&server).await;
    let mails = mail_server.mails();
    assert_eq!(mails.len(), 1);
    let mail = &mails[0];
    assert_eq!(mail_server.recipients(), [ALICE]);
    assert_eq!(mail.to, ALICE);
    assert_eq!(mail.subject, "Choose a new password for Chancery");
    assert!(mail.text.contains(&format!("\n{LINK}\n")), "{}", mail.text);
    assert!(mail.text.contains("for 30 minutes"), "{}", mail.text);
    assert!(
        mail.html
            .contains("href=\"http://localhost:8080/reset?t=link_abc&amp;x=1\"")
    );
    assert_eq!(mail.link(), "/reset?t=link_abc&x=1");
    assert_eq!(mail.header("From"), "Chancery <no-reply@localhost>");
    assert_eq!(mail.header("Auto-Submitted"), "auto-generated");
    assert_eq!(mail.header("Content-Language"), "en");
    assert_eq!(mail.header("Date"), "Fri, 15 Jan 2027 08:00:00 +0000");
    assert!(mail.header("Message-ID").ends_with("@localhost>"));
    assert_eq!(waiting(&server.running.app).await, 0);
}

#[tokio::test]
async fn the_worker_sends_a_mail_without_being_asked() {
    let (server, mail_server) = with_mail_server().await;
    queue(&server, &Mail::PasswordChanged).await;
    let sent = async {
        while mail_server.mails().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), sent)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_refused_mail_stays_and_is_tried_again_later() {
    let (server, mail_server) = with_mail_server().await;
    mail_server.refuse(Some("451 try again, alice@example.org"));
    queue(&server, &Mail::PasswordChanged).await;
    deliver(&server).await;
    assert_eq!(mail_server.refused(), 1);
    mail_server.refuse(None);
    deliver(&server).await;
    assert_eq!(
        (mail_server.mails().len(), waiting(&server.running.app).await),
        (0, 1)
    );
    server.advance(Lifetime::minutes(1));
    deliver(&server).await;
    assert_eq!(
        (mail_server.mails().len(), waiting(&server.running.app).await),
        (1, 0)
    );
}

#[tokio::test]
async fn each_attempt_waits_longer_than_the_one_before() {
    let (server, mail_server) = with_mail_server().await;
    mail_server.refuse(Some("550 no"));
    queue(&server, &Mail::PasswordChanged).await;
    deliver(&server).await;
    for (attempts, pause) in [(1, 1), (2, 5), (3, 30), (4, 120), (5, 120)] {
        assert_eq!(mail_server.refused(), attempts);
        server.advance(Lifetime::seconds(pause * 60 - 1));
        deliver(&server).await;
        assert_eq!(mail_server.refused(), attempts, "{pause}");
        server.advance(Lifetime::seconds(1));
        deliver(&server).await;
    }
    assert_eq!(mail_server.refused(), 6);
}

#[tokio::test]
async fn a_mail_is_given_up_when_its_link_has_ended() {
    let (server, mail_server) = with_mail_server().await;
    mail_server.refuse(Some("451 later"));
    queue(&server, &Mail::ResetPassword { link: LINK }).await;
    queue(&server, &Mail::PasswordChanged).await;
    deliver(&server).await;
    mail_server.refuse(None);
    server.advance(Lifetime::minutes(30));
    deliver(&server).await;
    let subjects: Vec<String> = mail_server.mails().into_iter().map(|mail| mail.subject).collect();
    assert_eq!(subjects, ["Your password was changed"]);
    assert_eq!(waiting(&server.running.app).await, 0);
}

#[tokio::test]
async fn two_nodes_send_each_mail_once() {
    let (server, mail_server) = with_mail_server().await;
    let other = open(server.config.clone(), server.clock.clone()).await.unwrap();
    for n in 0..20 {
        let to = format!("reader{n}@example.org");
        queue_in(&other, &to, Locale::ENGLISH, &Mail::PasswordChanged).await;
    }
    let (one, two) = tokio::join!(deliver_due(&server.running.app), deliver_due(&other));
    one.unwrap();
    two.unwrap();
    // The server's own worker may have taken some of them: its round ends before another begins.
    deliver(&server).await;
    let mut recipients = mail_server.recipients();
    recipients.sort();
    let mut expected: Vec<String> = (0..20).map(|n| format!("reader{n}@example.org")).collect();
    expected.sort();
    assert_eq!(recipients, expected);
}

#[tokio::test]
async fn mails_survive_a_restart() {
    let (server, mail_server) = with_mail_server().await;
    mail_server.refuse(Some("421 not now"));
    queue(&server, &Mail::PasswordChanged).await;
    deliver(&server).await;
    let (config, clock): (Config, Clock) = (server.config.clone(), server.clock.clone());
    let database = server.stop().await;
    mail_server.refuse(None);
    clock.advance(Lifetime::minutes(1));
    let app = open(config, clock).await.unwrap();
    assert_eq!(deliver_due(&app).await.unwrap(), 1);
    assert_eq!(mail_server.mails().len(), 1);
    drop(database);
}

#[tokio::test]
async fn a_shutdown_waits_for_work_behind_the_answers() {
    let server = Server::start().await;
    let app = server.running.app.clone();
    let config = server.config.clone();
    let worker = app.clone();
    app.tasks.spawn(async move {
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
        queue_in(&worker, ALICE, Locale::ENGLISH, &Mail::PasswordChanged).await;
    });
    let clock = server.clock.clone();
    let database = server.stop().await;
    let again = open(config, clock).await.unwrap();
    let mails = std::fs::read_dir(again.config.mail.folder.as_deref().unwrap())
        .unwrap()
        .count();
    assert_eq!(i64::try_from(mails).unwrap() + waiting(&again).await, 1);
    drop(database);
}

#[tokio::test]
async fn a_mail_is_written_in_the_language_of_its_reader() {
    let server = Server::start().await;
    let mail = Mail::RecoveryCodeUsed { left: 1 };
    queue_in(&server.running.app, ALICE, Locale::GERMAN, &mail).await;
    let mail = server.mail_to(ALICE).await;
    assert_eq!(mail.subject, "Ein Wiederherstellungscode wurde benutzt");
    assert!(mail.text.contains("Ein Code ist noch übrig"), "{}", mail.text);
    assert!(mail.html.contains("<html lang=\"de\""), "{}", mail.html);
    assert_eq!(mail.header("Content-Language"), "de");
}

#[tokio::test]
async fn names_can_add_neither_headers_nor_markup() {
    let hostile = "x\r\nBcc: mallory@example.org\r\n\r\n<script>alert(1)</script>\u{202E}";
    let server = Server::start_with(|config| config.branding.name = hostile.to_owned()).await;
    queue(&server, &Mail::FactorAdded { name: hostile }).await;
    queue(&server, &Mail::ResetPassword { link: LINK }).await;
    for mail in server.mails().await {
        assert_eq!(mail.header("Bcc"), "", "{}", mail.headers);
        assert!(!mail.html.contains("<script"), "{}", mail.html);
        assert!(!mail.text.contains("\nBcc:"), "{}", mail.text);
        assert!(!mail.text.contains('\u{202E}'), "{}", mail.text);
    }
}

#[tokio::test]
async fn what_is_no_address_gets_no_mail() {
    let server = Server::start().await;
    for to in [
        "",
        "alice",
        "alice@example.org\r\nBcc: mallory@example.org",
        "alice@example.org, mallory@example.org",
        "Alice <alice@example.org>",
        "alice@example.org>\r\nRCPT TO:<mallory@example.org",
    ] {
        queue_in(&server.running.app, to, Locale::ENGLISH, &Mail::PasswordChanged).await;
    }
    assert_eq!(waiting(&server.running.app).await, 0);
    assert!(server.mails().await.is_empty());
}

#[tokio::test]
async fn nothing_can_be_read_in_the_outbox() {
    let (server, mail_server) = with_mail_server().await;
    mail_server.refuse(Some("451 what do you want of alice@example.org?"));
    queue(&server, &Mail::ResetPassword { link: LINK }).await;
    deliver(&server).await;
    server.advance(Lifetime::minutes(1));
    let now = server.clock.now();
    let store = &server.running.app.store;
    let rows = store
        .read(async move |db: &mut Conn| {
            store::outbox::list_due(db, store::outbox::Lane::Mail, now, 10).await
        })
        .await
        .unwrap();
    assert_eq!(rows.len(), 1);
    let shown = format!(
        "{} {}",
        String::from_utf8_lossy(&rows[0].sealed),
        rows[0].last_error.clone().unwrap()
    );
    assert!(!shown.contains("alice") && !shown.contains("link_"), "{shown}");
    assert!(shown.ends_with("the mail server answered 451"), "{shown}");
}

#[tokio::test]
async fn credentials_of_the_url_reach_the_mail_server() {
    let mail_server = MailServer::start().await;
    let url = mail_server.url_with("chancery%40example.org:p%3A%2Fss%20word@", "");
    let server = Server::start_with(|config| config.mail.smtp_url = Some(url)).await;
    queue(&server, &Mail::PasswordChanged).await;
    deliver(&server).await;
    assert_eq!(mail_server.mails().len(), 1);
    assert_eq!(
        mail_server.sign_in().as_deref(),
        Some("\0chancery@example.org\0p:/ss word")
    );
}

#[tokio::test]
async fn no_mail_leaves_without_tls_where_tls_is_demanded() {
    let mail_server = MailServer::start().await;
    let url = mail_server.url_with("", "?tls=required");
    let server = Server::start_with(|config| config.mail.smtp_url = Some(url)).await;
    queue(&server, &Mail::PasswordChanged).await;
    deliver(&server).await;
    assert!(mail_server.recipients().is_empty());
    assert_eq!(waiting(&server.running.app).await, 1);
}

#[tokio::test]
async fn a_mail_server_must_prove_who_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (authority, key) = (folder.path().join("ca.pem"), folder.path().join("key.pem"));
    std::fs::write(&authority, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let tls = chancery::web::server::tls::tls_config(&authority, &key).unwrap();
    let mail_server = MailServer::start_with(Some(tls.into())).await;
    for (host, trusted, sent) in [
        ("localhost", false, 0),
        ("127.0.0.1", true, 0),
        ("localhost", true, 1),
    ] {
        let url = format!("smtps://{host}:{}", mail_server.port());
        let authority = authority.clone();
        let server = Server::start_with(|config| {
            config.mail.smtp_url = Some(url);
            config.outbound.extra_ca_file = trusted.then_some(authority);
        })
        .await;
        queue(&server, &Mail::PasswordChanged).await;
        deliver(&server).await;
        assert_eq!(mail_server.mails().len(), sent, "{host} {trusted}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_may_read_mails_in_a_folder() {
    use std::os::unix::fs::PermissionsExt as _;
    let server = Server::start().await;
    queue(&server, &Mail::PasswordChanged).await;
    let mails: Vec<ReceivedMail> = server.mails().await;
    assert_eq!(mails.len(), 1);
    let folder = server.config.mail.folder.clone().unwrap();
    for entry in std::fs::read_dir(folder).unwrap() {
        let mode = entry.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

/// Every kind of mail, in every language: the texts exist and take their values.
#[tokio::test]
async fn every_mail_can_be_written_in_every_language() {
    let server = Server::start().await;
    let (name, link, undo) = ("Büro <&>", LINK, "http://localhost:8080/account/email/undo?t=x");
    let (sign_in, reset, new_masked) = ("http://localhost:8080/login", LINK, "n…@example.org");
    let mails = [
        Mail::ConfirmRegistration { name, link },
        Mail::AlreadyRegistered { sign_in, reset },
        Mail::Invitation { link },
        Mail::ResetPassword { link },
        Mail::PasswordChanged,
        Mail::FactorAdded { name },
        Mail::FactorRemoved { name },
        Mail::RecoveryCodesMade,
        Mail::RecoveryCodeUsed { left: 0 },
        Mail::ConfirmNewEmail { name, link },
        Mail::EmailChangeAsked { new_masked, undo },
        Mail::ConfirmEmailChange {
            new_masked,
            link,
            undo,
        },
        Mail::EmailChanged { new_masked },
        Mail::SignInsBlocked { reset },
        Mail::ApiKeyMade { name },
        Mail::UpstreamLinked { name },
        Mail::UpstreamUnlinked { name },
        Mail::DeletionScheduled {
            link,
            date: "2027-01-15",
        },
        Mail::AccountUnused {
            sign_in,
            date: "2027-01-15",
        },
        Mail::AccountDeleted,
    ];
    let locales = [Locale::ENGLISH, Locale::GERMAN];
    for locale in locales {
        for mail in &mails {
            queue_in(&server.running.app, ALICE, locale, mail).await;
        }
    }
    let received = server.mails().await;
    assert_eq!(received.len(), mails.len() * locales.len());
    for (n, mail) in received.iter().enumerate() {
        assert!(!mail.subject.is_empty() && mail.text.contains("Chancery"), "{n}");
        assert!(
            !mail.text.contains("&lt;") && !mail.html.contains("<&>"),
            "{n}: {}",
            mail.text
        );
        assert!(
            !mail.text.contains("{ $") && !mail.text.contains('\u{E000}'),
            "{n}: {}",
            mail.text
        );
    }
}

#[tokio::test]
async fn the_operator_can_replace_the_template_of_mails() {
    let folder = tempfile::tempdir().unwrap();
    let mails = folder.path().join("mail");
    std::fs::create_dir(&mails).unwrap();
    let text = "{{ service }} says: {{ paragraphs[0].plain }} {{ buttons[0].url }}";
    std::fs::write(mails.join("letter.txt"), text).unwrap();
    let templates = folder.path().to_owned();
    let server = Server::start_with(|config| config.branding.templates = Some(templates)).await;
    queue(&server, &Mail::ResetPassword { link: LINK }).await;
    let mail = server.mail_to(ALICE).await;
    assert!(mail.text.starts_with("Chancery says: Somebody"), "{}", mail.text);
    assert!(mail.text.trim().ends_with(LINK), "{}", mail.text);
    assert!(mail.html.starts_with("<!doctype html>"), "{}", mail.html);
    let mut config = server.config.clone();
    for broken in ["{% for %}", "\n{{ nothing }}"] {
        std::fs::write(mails.join("letter.txt"), broken).unwrap();
        let error = chancery::mail::check(&config).unwrap_err().to_string();
        assert!(error.contains("mail/letter.txt, line"), "{error}");
    }
    config.branding.templates = None;
    chancery::mail::check(&config).unwrap();
}

#[test]
fn check_config_says_where_mails_go() {
    for (name, value, says) in [
        ("CHANCERY_LOG__LEVEL", "info", Ok("mails are written to the log")),
        (
            "CHANCERY_MAIL__FOLDER",
            "/tmp/mails",
            Ok("mails are written to /tmp/mails"),
        ),
        (
            "CHANCERY_MAIL__SMTP_URL",
            "smtps://user:hunter2@mail.example",
            Ok("mails go out through mail.example"),
        ),
        (
            "CHANCERY_MAIL__SMTP_URL",
            "smtp://user:hunter2@mail.example?tls=none",
            Err("only ?tls=required"),
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_chancery"))
            .arg("check-config")
            .current_dir(folder.path())
            .env_clear()
            .env(name, value)
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
        assert_eq!(output.status.success(), says.is_ok(), "{value}: {said:?}");
        let (Ok(part) | Err(part)) = says;
        assert!(said.concat().contains(part), "{value}: {said:?}");
        assert!(!said.concat().contains("hunter2"), "{value}: {said:?}");
    }
}
