//! Deleting one's account: confirmed, and with a way back where the configuration gives time.

use protocol::time::Lifetime;
use serde_json::json;
use store::Conn;

use super::{PASSWORD, at, look_after, send, signs_in, start, token, traces};
use crate::support::{Browser, Form, Request, Server};

const DELETE: &str = "/account/privacy/delete";
const NAME: (&str, &str) = ("username", "zaphod-quux");

async fn with_grace() -> Server {
    start(|config| config.privacy.deletion_grace = Lifetime::days(14)).await
}

#[tokio::test]
async fn only_the_typed_user_name_deletes() {
    let server = start(|_| ()).await;
    let (mut browser, page) = at(&server, "/account/privacy").await;
    for typed in ["", "zaphod", "alice", "ZAPHOD-QUUX"] {
        let refused = send(&mut browser, &page, DELETE, &[("username", typed)]).await;
        assert_eq!(refused.status, 400, "{typed}");
        assert!(refused.body.contains("form-error"));
    }
    let foreign = Request::form(DELETE, &[NAME, ("csrf", "x")]);
    assert_eq!(browser.send(foreign).await.status, 403);
    assert!(signs_in(&server).await);
}

#[tokio::test]
async fn deleting_asks_for_a_fresh_sign_in() {
    let server = start(|_| ()).await;
    let (mut browser, page) = at(&server, "/account/privacy").await;
    server.advance(Lifetime::minutes(6));
    let asked = send(&mut browser, &page, DELETE, &[NAME]).await;
    assert_eq!(asked.status, 303, "{}", asked.body);
    assert!(asked.location().starts_with("/login"), "{}", asked.location());
    assert!(signs_in(&server).await);
}

#[tokio::test]
async fn the_last_administrator_cannot_leave() {
    let server = start(|_| ()).await;
    server
        .apply("[[account]]\nusername = \"zaphod-quux\"\nroles = [\"super_admin\"]\n")
        .await;
    let (mut browser, page) = at(&server, "/account/privacy").await;
    let refused = send(&mut browser, &page, DELETE, &[NAME]).await;
    assert_eq!(refused.status, 409, "{}", refused.body);
    assert!(signs_in(&server).await);
    server
        .apply("[[account]]\nusername = \"alice\"\nroles = [\"super_admin\"]\n")
        .await;
    let gone = send(&mut browser, &page, DELETE, &[NAME]).await;
    assert_eq!(gone.status, 200, "{}", gone.body);
}

#[tokio::test]
async fn in_the_time_of_grace_the_account_is_shut_and_a_link_opens_it_once() {
    let server = with_grace().await;
    let id = server.account_id("zaphod-quux").await;
    let bearer = token(&server, "zaphod-quux", PASSWORD, "openid account:read").await;
    let (mut browser, page) = at(&server, "/account/privacy").await;
    let shut = send(&mut browser, &page, DELETE, &[NAME]).await;
    assert!(shut.body.contains("notice-account-shut"), "{}", shut.body);
    assert!(!signs_in(&server).await);
    assert_eq!(server.userinfo(&bearer).await.status, 401);
    let again = browser.open("/account").await;
    assert!(!again.body.contains("account-nav"));

    let link = server
        .mailed_link("zaphod@quux.example", "/account/privacy/keep")
        .await;
    let mut other = Browser::new(&server);
    let question = other.open(&link).await;
    assert_eq!(question.status, 200);
    // Programs that look at mails open links.
    assert!(!signs_in(&server).await);
    let keep = Form::at(&question.body, "/account/privacy/keep").filled(&[]);
    assert_eq!(other.send(keep.clone()).await.status, 200);
    assert!(signs_in(&server).await);
    assert_eq!(other.send(keep).await.status, 410);
    server.advance(Lifetime::days(15));
    assert_eq!(look_after(&server).await.erased, 0);
    assert_eq!(server.account_id("zaphod-quux").await, id);
}

#[tokio::test]
async fn when_the_time_of_grace_is_over_the_account_is_erased() {
    let server = with_grace().await;
    let id = server.account_id("zaphod-quux").await;
    let (mut browser, page) = at(&server, "/account/privacy").await;
    send(&mut browser, &page, DELETE, &[NAME]).await;
    let link = server
        .mailed_link("zaphod@quux.example", "/account/privacy/keep")
        .await;
    server.advance(Lifetime::days(13));
    assert_eq!(look_after(&server).await.erased, 0);
    server.advance(Lifetime::days(2));
    assert_eq!(look_after(&server).await.erased, 1);
    assert_eq!(traces(&server, id).await, Vec::<String>::new());
    assert_eq!(server.get(&link).await.status, 410);
    assert_eq!(
        server.mail_to("zaphod@quux.example").await.subject,
        "Your account was deleted"
    );
}

#[tokio::test]
async fn an_account_that_an_administrator_opened_again_is_not_erased_later() {
    let server = with_grace().await;
    let id = server.account_id("zaphod-quux").await;
    let (mut browser, page) = at(&server, "/account/privacy").await;
    send(&mut browser, &page, DELETE, &[NAME]).await;
    let now = server.clock.now();
    let set =
        move |disabled| async move |db: &mut Conn| store::accounts::set_disabled(db, id, disabled, now).await;
    server.running.app.store.write(set(false)).await.unwrap();
    look_after(&server).await;
    server.running.app.store.write(set(true)).await.unwrap();
    server.advance(Lifetime::days(30));
    assert_eq!(look_after(&server).await.erased, 0);
    assert_eq!(server.account_id("zaphod-quux").await, id);
}

#[tokio::test]
async fn programs_delete_with_the_user_name_and_a_fresh_sign_in() {
    let server = start(|_| ()).await;
    let reader = token(&server, "zaphod-quux", PASSWORD, "openid account:read").await;
    let writer = token(&server, "zaphod-quux", PASSWORD, "openid account:write").await;
    let erase = |body: serde_json::Value, token: &str| {
        Request::new("POST", "/api/account/v1/erasure")
            .header("content-type", "application/json")
            .body(body.to_string())
            .bearer(token)
    };
    let good = json!({ "username": "zaphod-quux" });
    assert_eq!(server.send(erase(good.clone(), &reader)).await.status, 403);
    for bad in [
        json!({}),
        json!({ "username": "alice" }),
        json!({ "username": "zaphod-quux", "x": "y" }),
    ] {
        assert_eq!(server.send(erase(bad, &writer)).await.status, 400);
    }
    server.advance(Lifetime::minutes(6));
    let stale = server.send(erase(good.clone(), &writer)).await;
    assert_eq!(stale.refusal(), (401, "insufficient_user_authentication".into()));
    let fresh = token(&server, "zaphod-quux", PASSWORD, "openid account:write").await;
    assert_eq!(server.send(erase(good, &fresh)).await.status, 204);
    assert!(!signs_in(&server).await);
}

#[tokio::test]
async fn an_administrator_keeps_an_account_that_was_to_be_deleted() {
    let server = with_grace().await;
    server
        .apply("[[account]]\nusername = \"alice\"\nroles = [\"super_admin\"]\n")
        .await;
    let id = server.account_id("zaphod-quux").await;
    let (mut browser, page) = at(&server, "/account/privacy").await;
    send(&mut browser, &page, DELETE, &[NAME]).await;
    let admin = token(
        &server,
        "alice",
        "correct horse battery staple",
        "openid accounts:disable",
    )
    .await;
    let keep = Request::new("DELETE", format!("/api/admin/v1/accounts/{id}/erasure")).bearer(&admin);
    let kept = server.send(keep.clone()).await;
    assert_eq!(kept.status, 204, "{}", kept.body);
    assert!(signs_in(&server).await);
    assert_eq!(server.send(keep).await.status, 409);
}

/// Zaphod leaves, with time to come back by the link in the mail: the administrator's token and the way back.
async fn leave(server: &Server) -> (String, String) {
    server
        .apply("[[account]]\nusername = \"alice\"\nroles = [\"super_admin\"]\n")
        .await;
    let (mut browser, page) = at(server, "/account/privacy").await;
    send(&mut browser, &page, DELETE, &[NAME]).await;
    let link = server
        .mailed_link("zaphod@quux.example", "/account/privacy/keep")
        .await;
    let scope = "openid accounts:disable accounts:write scim:provision";
    let admin = token(server, "alice", "correct horse battery staple", scope).await;
    (admin, link)
}

/// Checks that the link does not help any more, and that the account goes when its time has come.
async fn goes_for_good(server: &Server, browser: &mut Browser<'_>, link: &str, keep: Request) {
    assert_eq!(server.get(link).await.status, 410);
    assert_eq!(browser.send(keep).await.status, 410);
    assert!(!signs_in(server).await);
    server.advance(Lifetime::days(13));
    assert_eq!(look_after(server).await.erased, 0);
    server.advance(Lifetime::days(2));
    assert_eq!(look_after(server).await.erased, 1);
}

#[tokio::test]
async fn whom_an_administrator_shuts_out_meanwhile_has_no_way_back_and_is_erased_all_the_same() {
    for (method, rest, body) in [
        ("PATCH", "", json!({ "disabled": true })),
        ("POST", "/disable", json!({})),
    ] {
        let server = with_grace().await;
        let (admin, link) = leave(&server).await;
        let id = server.account_id("zaphod-quux").await;
        let mut browser = Browser::new(&server);
        let question = browser.open(&link).await;
        let keep = Form::at(&question.body, "/account/privacy/keep").filled(&[]);
        let shut = Request::new(method, format!("/api/admin/v1/accounts/{id}{rest}"))
            .header("content-type", "application/json")
            .body(body.to_string())
            .bearer(&admin);
        let answer = server.send(shut).await;
        assert!(matches!(answer.status, 200 | 204), "{method}: {}", answer.body);
        goes_for_good(&server, &mut browser, &link, keep).await;
    }
}

#[tokio::test]
async fn whom_a_file_shuts_out_meanwhile_has_no_way_back_and_is_erased_all_the_same() {
    let server = with_grace().await;
    let (_, link) = leave(&server).await;
    let mut browser = Browser::new(&server);
    let question = browser.open(&link).await;
    let keep = Form::at(&question.body, "/account/privacy/keep").filled(&[]);
    let zaphod = "[[account]]\nusername = \"zaphod-quux\"\n";
    // A file that says nothing of it leaves the way back.
    server.apply(zaphod).await;
    assert_eq!(server.get(&link).await.status, 200);
    server.apply(&format!("{zaphod}disabled = true\n")).await;
    goes_for_good(&server, &mut browser, &link, keep).await;
}

#[tokio::test]
async fn whom_a_directory_shuts_out_meanwhile_has_no_way_back_and_is_erased_all_the_same() {
    let off = json!([{ "op": "replace", "path": "active", "value": false }]);
    let name = json!([{ "op": "replace", "path": "title", "value": "President" }]);
    let patch = |operations| json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations });
    let put = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "zaphod-quux", "active": false,
        "emails": [{ "value": "zaphod@quux.example" }],
    });
    for (method, body) in [("PATCH", patch(off)), ("PUT", put)] {
        let server = start(|config| {
            config.privacy.deletion_grace = Lifetime::days(14);
            config.scim.enabled = true;
        })
        .await;
        let (admin, link) = leave(&server).await;
        let id = server.account_id("zaphod-quux").await;
        let change = async |method, body: &serde_json::Value| {
            let request = Request::new(method, format!("/scim/v2/Users/{id}"))
                .header("content-type", "application/scim+json")
                .body(body.to_string())
                .bearer(&admin);
            let answer = server.send(request).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
        };
        // Another change of somebody who waits leaves the way back.
        change("PATCH", &patch(name.clone())).await;
        let mut browser = Browser::new(&server);
        let question = browser.open(&link).await;
        assert_eq!(question.status, 200);
        let keep = Form::at(&question.body, "/account/privacy/keep").filled(&[]);
        change(method, &body).await;
        goes_for_good(&server, &mut browser, &link, keep).await;
    }
}
