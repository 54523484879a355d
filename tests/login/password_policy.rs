//! Which passwords are taken, wherever one is set.

use chancery::credentials::{Changed, PasswordChange, change_password};
use chancery::pages::Locale;
use chancery::passwords::Weakness;
use protocol::secret::Secret;
use protocol::session::MfaPolicy;
use store::{Account, Conn};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::support::{Browser, Form, Server};

const OLD: &str = "correct horse battery staple";

async fn account(server: &Server, name: &str) -> Account {
    let id = server.account_id(name).await;
    let read = async move |db: &mut Conn| store::accounts::find(db, id).await;
    server.running.app.store.read(read).await.unwrap().unwrap()
}

/// Changes the password of alice.
async fn change(server: &Server, new: &str) -> Changed {
    change_of(server, &account(server, "alice").await, new).await
}

async fn change_of(server: &Server, account: &Account, new: &str) -> Changed {
    let change = PasswordChange {
        account,
        new: &Secret::new(new),
        keep: None,
        link: None,
        locale: Locale::default(),
    };
    change_password(&server.running.app, change).await.unwrap()
}

async fn signs_in(server: &Server, password: &str) -> bool {
    let answer = Browser::new(server)
        .sign_in(&server.authorize(&[]), "alice", password)
        .await;
    answer.header("location").is_some()
}

#[tokio::test]
async fn the_page_says_what_is_wrong_with_a_password() {
    let server = Server::start().await;
    let app = &server.running.app;
    let link = chancery::setup::link(&app.store, &app.config, app.now())
        .await
        .unwrap();
    let path = link.strip_prefix("http://localhost:8080").unwrap();
    let mut browser = Browser::new(&server);
    let mut page = browser.open(path).await;
    let mut submit = async |password: &str| {
        page = browser
            .submit(
                &page,
                &[
                    ("username", "walter"),
                    ("email", "walter@meadow.example"),
                    ("password", password),
                ],
            )
            .await;
        page.clone()
    };
    for (password, says) in [
        ("", "at least 15 characters"),
        ("violin gravel5", "at least 15 characters"),
        (&"violin gravel ".repeat(20), "256 characters are the most"),
        (&"x".repeat(3000), "256 characters are the most"),
        ("123456789qwerty", "one of the most common"),
        ("walter and the gravel", "holds your name"),
        ("gravel in a meadow here", "holds your name"),
        ("the chancery umbrella", "holds your name"),
        ("abcabcabcabcabcabcabc", "easily guessed"),
    ] {
        let answer = submit(password).await;
        assert_eq!(answer.status, 400, "{password}");
        assert!(answer.body.contains(says), "{password}: {}", answer.body);
        assert!(!answer.body.contains(&format!("value=\"{password}\"")) || password.is_empty());
    }
    submit(" violin gravel umbrella ").await;
    assert_eq!(account(&server, "walter").await.username, "walter");
}

#[tokio::test]
async fn the_page_says_it_in_german_too() {
    let server = Server::start().await;
    let app = &server.running.app;
    let link = chancery::setup::link(&app.store, &app.config, app.now())
        .await
        .unwrap();
    let path = link.strip_prefix("http://localhost:8080").unwrap();
    let mut browser = Browser::new(&server);
    let page = browser.open(path).await;
    let fields = [
        ("username", "walter"),
        ("email", "walter@meadow.example"),
        ("password", "123456789qwerty"),
    ];
    let form = Form::of(&page.body).filled(&fields);
    let answer = browser.send(form.header("accept-language", "de")).await;
    assert!(answer.body.contains("häufigsten Passwörter"), "{}", answer.body);
}

#[tokio::test]
async fn former_passwords_are_not_taken_until_five_others_were_used() {
    let server = Server::start().await;
    let others = [
        "violin gravel umbrella",
        "seven green lamps over water",
        "nobody counts the quiet hills",
        "a ferry in the morning rain",
        "brass kettles under the stairs",
    ];
    let used = Changed::Weak(Weakness::Used);
    assert_eq!(change(&server, OLD).await, used);
    for (number, new) in others.into_iter().enumerate() {
        server.advance(protocol::time::Lifetime::seconds(1));
        assert_eq!(change(&server, new).await, Changed::Done, "{new}");
        assert_eq!(change(&server, new).await, used, "{new}");
        if number < 4 {
            assert_eq!(change(&server, OLD).await, used, "{number}");
        }
    }
    assert_eq!(change(&server, OLD).await, Changed::Done);
    assert!(signs_in(&server, OLD).await);
}

#[tokio::test]
async fn without_a_history_nothing_is_remembered() {
    let server = Server::start_with(|config| config.accounts.password_history = 0).await;
    assert_eq!(change(&server, OLD).await, Changed::Done);
    let id = server.account_id("alice").await;
    let read = async move |db: &mut Conn| store::passwords::list_former(db, id, 9).await;
    assert_eq!(
        server.running.app.store.read(read).await.unwrap(),
        Vec::<String>::new()
    );
}

#[tokio::test]
async fn eight_characters_do_only_where_a_second_factor_is_required() {
    let server = Server::start().await;
    let mut alice = account(&server, "alice").await;
    let short = Changed::Weak(Weakness::TooShort);
    assert_eq!(change_of(&server, &alice, "vioGrav5").await, short);
    alice.mfa = Some(MfaPolicy::Required);
    assert_eq!(change_of(&server, &alice, "vioGra5").await, short);
    assert_eq!(change_of(&server, &alice, "vioGrav5").await, Changed::Done);
}

#[tokio::test]
async fn a_password_is_kept_whole() {
    let server = Server::start().await;
    let long: String = "Zwölf \u{1F984} jumping over quiet hills, "
        .chars()
        .cycle()
        .take(128)
        .collect();
    let long = long.trim_end().to_owned() + "!";
    assert_eq!(change(&server, &long).await, Changed::Done);
    let first: String = long.chars().take(100).collect();
    let mut lower = long.clone();
    lower.replace_range(..1, "z");
    for other in [
        first,
        long[..72].to_owned(),
        format!("{long} "),
        format!(" {long}"),
        lower,
    ] {
        assert!(!signs_in(&server, &other).await, "{other}");
        server.advance(protocol::time::Lifetime::minutes(4));
    }
    let decomposed = long.replace('ö', "o\u{308}");
    assert!(signs_in(&server, &decomposed).await);
    assert!(signs_in(&server, &long).await);
}

#[tokio::test]
async fn a_declarative_file_is_warned_of() {
    let server = Server::start().await;
    let app = &server.running.app;
    let text = "[[account]]\nusername = \"walter\"\npassword = \"123456789qwerty\"\n\
        [[account]]\nusername = \"erna\"\npassword = \"violin gravel umbrella\"\n\
        [[account]]\nusername = \"gustav\"\npassword = \"vioGrav5\"\n";
    let applied = chancery::declarative::apply_text(&app.store, &app.sealer, &app.passwords, text, app.now())
        .await
        .unwrap();
    let warnings = applied.plan.warnings;
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings[0].contains("account walter: the password is one of the most common"));
    assert!(warnings[1].contains("account gustav: the password is too short"));
    assert!(!warnings.concat().contains("vioGrav5"));
}

/// A range service that knows one suffix, and what it was asked.
async fn range_service(suffix: &'static str) -> (String, tokio::sync::mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let (asked, questions) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = [0; 2048];
            let read = stream.read(&mut head).await.unwrap();
            let line = String::from_utf8_lossy(&head[..read])
                .lines()
                .next()
                .unwrap()
                .to_owned();
            asked.send(line).unwrap();
            let body = format!("0018A45C4D1DEF81644B54AB7F969B88D65:1\r\n{suffix}:42\r\n");
            let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (host, questions)
}

#[tokio::test]
async fn a_breached_password_is_not_taken_and_only_five_digits_leave_the_house() {
    // SHA-1 of "violin gravel umbrella"
    let (host, mut questions) = range_service("A8E9A085356E453CF97A29B7BA88B67FDA1").await;
    let server = Server::start_with(|config| {
        config.accounts.password_range_url = Some(format!("http://{host}/range/"));
        config.outbound.allowed_private_hosts = vec![host];
    })
    .await;
    assert_eq!(
        change(&server, "violin gravel umbrella").await,
        Changed::Weak(Weakness::Breached)
    );
    assert_eq!(questions.recv().await.unwrap(), "GET /range/E2A36 HTTP/1.1");
    assert_eq!(
        change(&server, "seven green lamps over water").await,
        Changed::Done
    );
}

#[tokio::test]
async fn a_range_service_that_cannot_be_asked_stops_nobody() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    drop(listener);
    let server = Server::start_with(|config| {
        config.accounts.password_range_url = Some(format!("http://{host}/range/"));
        config.outbound.allowed_private_hosts = vec![host];
    })
    .await;
    assert_eq!(change(&server, "violin gravel umbrella").await, Changed::Done);
}
