//! `/account/sessions`: where somebody is signed in.

use std::collections::BTreeSet;

use protocol::time::Lifetime;
use scraper::{Html, Selector};

use super::person::{ALICE, BOB, MALLORY, add_mallory, asks_for_password, at, is_signed_in, send};
use crate::support::{Answer, Browser, Form, Request, Server};

const PATH: &str = "/account/sessions";

/// The identifiers that the page would end.
fn ids(page: &Answer) -> BTreeSet<String> {
    let html = Html::parse_document(&page.body);
    let inputs = Selector::parse("input[name=session]").unwrap();
    html.select(&inputs)
        .map(|input| input.attr("value").unwrap().to_owned())
        .collect()
}

fn csrf(page: &Answer) -> String {
    let form = Form::at(&page.body, "/account/sessions/end-others");
    form.hidden[0].1.clone()
}

#[tokio::test]
async fn each_browser_is_listed_with_its_device_and_network() {
    let server = Server::start_with(|config| {
        config.server.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    for (agent, address) in [
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            "192.0.2.77",
        ),
        ("<script>alert(1)</script>", "2001:db8:1:2:3:4:5:6"),
    ] {
        let mut browser = Browser::new(&server);
        let page = browser.open("/login").await;
        let form = Form::of(&page.body).filled(&[("username", ALICE.0), ("password", ALICE.1)]);
        let answer = browser
            .send(
                form.header("user-agent", agent)
                    .header("x-forwarded-for", address),
            )
            .await;
        assert_eq!(answer.status, 303, "{}", answer.body);
    }
    let (_, page) = at(&server, ALICE, PATH).await;
    for shown in [
        "Firefox · Linux",
        "192.0.2.0/24",
        "2001:db8:1::/48",
        "&lt;script&gt;alert(1)",
        "2027-01-15 08:00 UTC",
    ] {
        assert!(page.body.contains(shown), "{shown}: {}", page.body);
    }
    for hidden in ["192.0.2.77", "2001:db8:1:2", "<script>alert"] {
        assert!(!page.body.contains(hidden), "{hidden}: {}", page.body);
    }
    assert_eq!(page.body.matches("This browser").count(), 1);
    assert_eq!(ids(&page).len(), 2);
}

#[tokio::test]
async fn two_factors_are_told_from_one() {
    let server = Server::start().await;
    let (_, page) = at(&server, BOB, PATH).await;
    assert!(page.body.contains("Two factors"), "{}", page.body);
    let (_, page) = at(&server, ALICE, PATH).await;
    assert!(!page.body.contains("Two factors"), "{}", page.body);
}

#[tokio::test]
async fn an_ended_session_is_dead_at_its_next_request() {
    let server = Server::start().await;
    let (mut lost, _) = at(&server, ALICE, "/account").await;
    let (mut kept, page) = at(&server, ALICE, PATH).await;
    let (mut third, _) = at(&server, ALICE, "/account").await;
    let before = ids(&page);
    assert!(is_signed_in(&mut lost).await);
    let fields = [("session", before.first().unwrap().as_str())];
    let csrf = csrf(&page);
    let request = Request::form(
        "/account/sessions/end",
        &[&fields[..], &[("csrf", &csrf)]].concat(),
    );
    let answer = kept.send(request.clone()).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    assert!(!is_signed_in(&mut lost).await);
    assert!(is_signed_in(&mut kept).await && is_signed_in(&mut third).await);
    assert_eq!(kept.send(request).await.status, 404);
}

#[tokio::test]
async fn all_others_or_all_can_be_ended_at_once() {
    let server = Server::start().await;
    add_mallory(&server).await;
    let (mut stranger, _) = at(&server, MALLORY, "/account").await;
    let (mut one, _) = at(&server, ALICE, "/account").await;
    let (mut two, _) = at(&server, ALICE, "/account").await;
    let (mut asking, page) = at(&server, ALICE, PATH).await;
    let page = send(&mut asking, &page, "/account/sessions/end-others", &[]).await;
    assert!(
        page.body.contains("id=\"notice\"") && ids(&page).is_empty(),
        "{}",
        page.body
    );
    assert!(!is_signed_in(&mut one).await && !is_signed_in(&mut two).await);
    assert!(is_signed_in(&mut asking).await);
    let (mut one, _) = at(&server, ALICE, "/account").await;
    let page = asking.open(PATH).await;
    send(&mut asking, &page, "/account/sessions/end-all", &[]).await;
    assert!(!asking.cookies.contains_key("chancery-session"));
    assert!(!is_signed_in(&mut one).await && !is_signed_in(&mut asking).await);
    assert!(is_signed_in(&mut stranger).await);
}

#[tokio::test]
async fn grants_that_were_to_last_no_longer_end_too() {
    let server = Server::start().await;
    let online = server.tokens(&[("scope", "openid")]).await;
    let offline = server.tokens(&[("scope", "openid offline_access")]).await;
    let (mut browser, page) = at(&server, ALICE, PATH).await;
    send(&mut browser, &page, "/account/sessions/end-all", &[]).await;
    assert_eq!(server.refresh(&online.text("refresh_token")).await.status, 400);
    assert_eq!(server.userinfo(&online.text("access_token")).await.status, 401);
    assert_eq!(server.refresh(&offline.text("refresh_token")).await.status, 200);
}

#[tokio::test]
async fn nobody_ends_or_finds_a_session_of_somebody_else() {
    let server = Server::start().await;
    add_mallory(&server).await;
    at(&server, ALICE, "/account").await;
    let (mut alice, page) = at(&server, ALICE, PATH).await;
    let target = ids(&page).pop_first().unwrap();
    let (mut mallory, page) = at(&server, MALLORY, PATH).await;
    let csrf = csrf(&page);
    let unknown = chancery::random::uuid().to_string();
    let mut answers = Vec::new();
    for id in [target.as_str(), unknown.as_str(), "nonsense", ""] {
        let pairs = [("session", id), ("csrf", csrf.as_str())];
        let answer = mallory.send(Request::form("/account/sessions/end", &pairs)).await;
        assert_eq!(answer.status, 404, "{id}");
        let told = answer.body.split("id=\"request-id\"").next().unwrap().to_owned();
        answers.push(told);
    }
    answers.dedup();
    assert_eq!(answers.len(), 1);
    assert!(ids(&alice.open(PATH).await).contains(&target));
}

#[tokio::test]
async fn sessions_that_ended_by_themselves_are_not_listed() {
    let server = Server::start().await;
    at(&server, ALICE, "/account").await;
    server.advance(Lifetime::hours(23));
    let (mut browser, page) = at(&server, ALICE, PATH).await;
    assert_eq!(ids(&page).len(), 1);
    server.advance(Lifetime::hours(2));
    assert_eq!(ids(&browser.open(PATH).await).len(), 0);
}

#[tokio::test]
async fn a_planted_session_cookie_is_replaced_at_sign_in() {
    let server = Server::start().await;
    let mut attacker = Browser::new(&server);
    let planted = "p".repeat(43);
    let mut victim = Browser::new(&server);
    victim
        .cookies
        .insert("chancery-session".to_owned(), planted.clone());
    let page = victim.sign_in("/account", ALICE.0, ALICE.1).await;
    assert!(page.body.contains("account-nav"));
    assert_ne!(victim.cookies["chancery-session"], planted);
    attacker.cookies.insert("chancery-session".to_owned(), planted);
    assert!(asks_for_password(&attacker.open("/account").await));
}

#[tokio::test]
async fn a_changed_or_disabled_account_is_signed_in_nowhere() {
    let server = Server::start().await;
    for change in ["password = \"quite another long phrase\"", "disabled = true"] {
        add_mallory(&server).await;
        server
            .apply("[[account]]\nusername = \"mallory\"\ndisabled = false\n")
            .await;
        let (mut browser, _) = at(&server, MALLORY, "/account").await;
        assert!(is_signed_in(&mut browser).await);
        server
            .apply(&format!("[[account]]\nusername = \"mallory\"\n{change}\n"))
            .await;
        assert!(!is_signed_in(&mut browser).await, "{change}");
    }
}
