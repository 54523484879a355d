//! `/sign-up`: who may make an account, what strangers learn, and what the links in the mails do.

use chancery::config::{Config, Rate, Registration};
use protocol::time::Lifetime;
use store::{Account, Conn};

use crate::support::{Answer, Browser, Server};

mod form;
mod limits;
mod link;
mod person;

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

/// The address of a link by its id.
pub(super) fn href(page: &Answer, id: &str) -> String {
    let html = scraper::Html::parse_document(&page.body);
    let selector = scraper::Selector::parse(&format!("a#{id}")).unwrap();
    let link = html.select(&selector).next();
    let link = link.unwrap_or_else(|| panic!("no link {id} in {}", page.body));
    link.attr("href").unwrap().to_owned()
}
