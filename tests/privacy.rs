//! What people may ask about their data, and what is let go by itself.

use chancery::config::Config;
use protocol::id::AccountId;
use store::Conn;

use crate::support::{Answer, Browser, Form, Server};

mod consent;
mod export;
mod leaving;
mod retention;
mod traces;

const PASSWORD: &str = "a towel is about the most useful";

/// Somebody whose names stand nowhere else.
const ZAPHOD: &str = r#"
[[account]]
username = "zaphod-quux"
email = "zaphod@quux.example"
email_verified = true
password = "a towel is about the most useful"
roles = ["editor"]
permissions = ["reports:view"]
claims = { name = "Zaphod Quuxbrox", nickname = "Zaph" }

[[client]]
client_id = "console"
client_secret = "console-secret-of-more-than-32-characters"
redirect_uris = ["https://console.example/cb"]
grant_types = ["authorization_code", "refresh_token", "password"]
scope = "openid offline_access account:read account:write accounts:export accounts:disable accounts:write scim:provision books:read"
resources = ["https://api.example/"]
"#;
const CONSOLE_SECRET: &str = "console-secret-of-more-than-32-characters";

async fn start(change: impl FnOnce(&mut Config)) -> Server {
    let server = Server::start_with(change).await;
    server.apply(ZAPHOD).await;
    server
}

/// Zaphod at a page of the account.
async fn at<'a>(server: &'a Server, path: &str) -> (Browser<'a>, Answer) {
    let mut browser = Browser::new(server);
    let page = browser.sign_in(path, "zaphod-quux", PASSWORD).await;
    assert!(page.body.contains("account-nav"), "{}", page.body);
    (browser, page)
}

/// Sends the form of a page that goes to `action`; redirects are not followed.
async fn send(browser: &mut Browser<'_>, page: &Answer, action: &str, fields: &[(&str, &str)]) -> Answer {
    browser.send(Form::at(&page.body, action).filled(fields)).await
}

async fn signs_in(server: &Server) -> bool {
    let mut browser = Browser::new(server);
    let page = browser.sign_in("/account", "zaphod-quux", PASSWORD).await;
    page.body.contains("account-nav")
}

async fn token(server: &Server, name: &str, password: &str, scope: &str) -> String {
    let pairs = [
        ("grant_type", "password"),
        ("username", name),
        ("password", password),
        ("scope", scope),
    ];
    let answer = server.token_as("console", CONSOLE_SECRET, &pairs).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.text("access_token")
}

async fn look_after(server: &Server) -> chancery::privacy::Retained {
    chancery::privacy::look_after(&server.running.app).await.unwrap()
}

/// Where anything of zaphod stands.
async fn traces(server: &Server, id: AccountId) -> Vec<String> {
    let find = async move |db: &mut Conn| {
        store::traces::find(db, id, &["zaphod-quux", "zaphod@quux.example", "quuxbrox"]).await
    };
    server.running.app.store.read(find).await.unwrap()
}
