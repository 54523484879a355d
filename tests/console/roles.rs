//! `/admin/roles` and `/admin/scopes`.

use super::staff::{ROOT, VERA, desk, refusal, send, staffed};

#[tokio::test]
async fn a_role_is_made_changed_and_deleted() {
    let server = staffed().await;
    let (mut browser, page) = desk(&server, ROOT, "/admin/roles/new").await;
    let fields = [
        ("name", "librarian"),
        ("description", "Looks after the books"),
        ("permissions", "accounts:read"),
        ("permissions", "audit:read"),
        ("others", "books:read\nbooks:write"),
        ("mfa", "required"),
    ];
    let page = send(&mut browser, &page, "/admin/roles/new", &fields).await;
    for shown in [
        "id=\"notice\"",
        "librarian",
        "Looks after the books",
        "<code>audit:read</code>",
        "<code>books:write</code>",
    ] {
        assert!(page.body.contains(shown), "{shown}: {}", page.body);
    }
    let page = browser.open("/admin/roles/edit?name=librarian").await;
    assert!(
        page.body.contains("value=\"audit:read\" checked"),
        "{}",
        page.body
    );
    assert!(page.body.contains("books:read\nbooks:write</textarea>"));
    let fields = [
        ("description", "Reads"),
        ("permissions", "accounts:read"),
        ("others", ""),
    ];
    let page = send(&mut browser, &page, "/admin/roles/edit", &fields).await;
    assert!(page.body.contains("<td>Reads</td>"), "{}", page.body);
    let page = browser.open("/admin/roles/edit?name=librarian").await;
    assert!(!page.body.contains("value=\"audit:read\" checked") && !page.body.contains("books:read"));
    let answer = send(
        &mut browser,
        &page,
        "/admin/roles/delete",
        &[("confirm", "Librarian")],
    )
    .await;
    assert_eq!((answer.status, refusal(&answer)), (400, Some("confirm")));
    let page = send(
        &mut browser,
        &page,
        "/admin/roles/delete",
        &[("confirm", "librarian")],
    )
    .await;
    assert!(
        page.body.contains("id=\"notice\"") && !page.body.contains("librarian"),
        "{}",
        page.body
    );
}

#[tokio::test]
async fn what_was_typed_is_not_lost_when_it_is_refused() {
    let server = staffed().await;
    let (mut browser, page) = desk(&server, ROOT, "/admin/roles/new").await;
    let fields = [
        ("name", "two words"),
        ("description", "Kept"),
        ("permissions", "audit:read"),
        ("others", "x:y"),
    ];
    let page = send(&mut browser, &page, "/admin/roles/new", &fields).await;
    assert_eq!((page.status, refusal(&page)), (400, Some("other")));
    for kept in [
        "value=\"two words\"",
        "value=\"Kept\"",
        "value=\"audit:read\" checked",
        "x:y</textarea>",
    ] {
        assert!(page.body.contains(kept), "{kept}: {}", page.body);
    }
    let fields = [("name", "viewer")];
    let page = send(&mut browser, &page, "/admin/roles/new", &fields).await;
    assert_eq!(page.status, 409, "{}", page.body);
}

#[tokio::test]
async fn a_form_that_is_older_than_the_role_does_not_overwrite_it() {
    let server = staffed().await;
    let (mut one, mine) = desk(&server, ROOT, "/admin/roles/edit?name=editor").await;
    let (mut other, theirs) = desk(&server, ROOT, "/admin/roles/edit?name=editor").await;
    let page = send(
        &mut other,
        &theirs,
        "/admin/roles/edit",
        &[("description", "Theirs"), ("others", "books:read")],
    )
    .await;
    assert!(page.body.contains("id=\"notice\""));
    let page = send(&mut one, &mine, "/admin/roles/edit", &[("description", "Mine")]).await;
    assert_eq!((page.status, refusal(&page)), (412, Some("stale")));
    assert!(one.open("/admin/roles").await.body.contains("<td>Theirs</td>"));
}

#[tokio::test]
async fn a_scope_is_made_changed_and_deleted() {
    let server = staffed().await;
    let (mut browser, page) = desk(&server, ROOT, "/admin/scopes/new").await;
    let fields = [
        ("name", "films:read"),
        ("description", "See your films"),
        ("others", "films:read"),
    ];
    let page = send(&mut browser, &page, "/admin/scopes/new", &fields).await;
    assert!(page.body.contains("<td>See your films</td>"), "{}", page.body);
    let page = browser.open("/admin/scopes/edit?name=films%3Aread").await;
    let page = send(
        &mut browser,
        &page,
        "/admin/scopes/edit",
        &[("description", "Films"), ("others", "")],
    )
    .await;
    assert!(page.body.contains("<td>Films</td>"), "{}", page.body);
    let page = browser.open("/admin/scopes/edit?name=films%3Aread").await;
    let page = send(
        &mut browser,
        &page,
        "/admin/scopes/delete",
        &[("confirm", "films:read")],
    )
    .await;
    assert!(!page.body.contains("films:read"), "{}", page.body);
}

#[tokio::test]
async fn who_only_looks_gets_no_button_that_saves() {
    let server = staffed().await;
    for path in [
        "/admin/roles/edit?name=editor",
        "/admin/scopes/edit?name=books%3Aread",
    ] {
        let (_, page) = desk(&server, VERA, path).await;
        assert!(!page.body.contains("type=\"submit\""), "{path}: {}", page.body);
    }
    let (mut browser, _) = desk(&server, VERA, "/admin/roles").await;
    assert_eq!(browser.open("/admin/roles/edit?name=nothing").await.status, 404);
}

#[tokio::test]
async fn a_page_of_a_list_is_for_its_own_filter_only() {
    let server = staffed().await;
    let mut file = String::new();
    for number in 0..60 {
        file.push_str(&format!(
            "[[role]]\nname = \"many-{number:02}\"\npermissions = []\n"
        ));
    }
    server.apply(&file).await;
    let (mut browser, page) = desk(&server, ROOT, "/admin/roles?q=many").await;
    assert_eq!(page.body.matches("href=\"/admin/roles/edit").count(), 50);
    let (_, next) = page.body.split_once("id=\"next-page\" href=\"").unwrap();
    let next = next.split('"').next().unwrap().replace("&amp;", "&");
    let page = browser.open(&next).await;
    assert_eq!(page.body.matches("href=\"/admin/roles/edit").count(), 10);
    assert!(page.body.contains("id=\"first-page\"") && !page.body.contains("id=\"next-page\""));
    for tampered in [
        next.replace("q=many", "q=man"),
        next.replace("after=", "after=A"),
        "/admin/roles?after=x".to_owned(),
    ] {
        assert_eq!(browser.open(&tampered).await.status, 400, "{tampered}");
    }
}
