//! `/admin/clients`: the registered apps.

use super::staff::{ADMIN, ROOT, VERA, desk, refusal, send, staffed};
use crate::support::{Answer, Browser, Request, Server, basic};

const FORM: [(&str, &str); 7] = [
    ("client_name", "Film club"),
    ("redirect_uris", "https://films.example/cb"),
    ("grant_types", "authorization_code"),
    ("grant_types", "refresh_token"),
    ("token_endpoint_auth_method", "client_secret_basic"),
    ("application_type", "web"),
    ("scope", "openid profile"),
];

fn secret(page: &Answer) -> String {
    let (_, after) = page
        .body
        .split_once("id=\"client-secret\">")
        .unwrap_or_else(|| panic!("{}", page.body));
    after.split('<').next().unwrap().to_owned()
}

/// Registers the film club.
async fn register<'a>(server: &'a Server) -> (Browser<'a>, Answer) {
    let (mut browser, page) = desk(server, ROOT, "/admin/clients/new").await;
    let fields = [&FORM[..], &[("client_id", "films"), ("require_pkce", "on")]].concat();
    let page = send(&mut browser, &page, "/admin/clients/new", &fields).await;
    assert_eq!(page.status, 200, "{}", page.body);
    (browser, page)
}

async fn is_known(server: &Server, id: &str, secret: &str) -> bool {
    let pairs = [("grant_type", "refresh_token"), ("refresh_token", "none")];
    let request = Request::form("/token", &pairs).header("authorization", basic(id, secret));
    let (_, error) = server.send(request).await.refusal();
    error == "invalid_grant"
}

#[tokio::test]
async fn a_registered_app_gets_a_secret_that_works_and_is_shown_once() {
    let server = staffed().await;
    let (mut browser, page) = register(&server).await;
    let secret = secret(&page);
    assert!(is_known(&server, "films", &secret).await);
    for path in [
        "/admin/clients",
        "/admin/clients/show?id=films",
        "/admin/clients/edit?id=films",
        "/admin/clients/connect?id=films",
    ] {
        let page = browser.open(path).await;
        assert!(
            page.body.contains("films") && !page.body.contains(&secret),
            "{path}: {}",
            page.body
        );
    }
    let page = browser.open("/admin/clients?q=fil").await;
    assert!(
        page.body.contains("Film club") && !page.body.contains("Web shop"),
        "{}",
        page.body
    );
}

#[tokio::test]
async fn an_app_is_changed_and_keeps_what_the_form_does_not_show() {
    let server = staffed().await;
    server
        .apply("[[client]]\nclient_id = \"aged\"\nredirect_uris = [\"https://app.example/cb\"]\ndefault_max_age = 77\n")
        .await;
    let (mut browser, page) = desk(&server, ROOT, "/admin/clients/edit?id=aged").await;
    let fields = [&FORM[..], &[("require_consent", "on")]].concat();
    let page = send(&mut browser, &page, "/admin/clients/edit", &fields).await;
    for shown in [
        "id=\"notice\"",
        "Film club",
        "https://films.example/cb",
        "<code>77</code>",
    ] {
        assert!(page.body.contains(shown), "{shown}: {}", page.body);
    }
    assert!(!page.body.contains("https://app.example/cb"));
}

#[tokio::test]
async fn a_form_that_cannot_be_is_shown_again_with_what_was_typed() {
    let server = staffed().await;
    let (mut browser, page) = desk(&server, ROOT, "/admin/clients/new").await;
    for (name, value) in [
        ("redirect_uris", "http://not-loopback.example/cb"),
        ("redirect_uris", "javascript:alert(1)"),
        ("scope", "openid nobody-defined-this"),
        ("token_endpoint_auth_method", "magic"),
        ("grant_types", "implicit"),
    ] {
        let mut fields: Vec<_> = FORM.into_iter().filter(|(known, _)| *known != name).collect();
        fields.push((name, value));
        let page = send(&mut browser, &page, "/admin/clients/new", &fields).await;
        assert_eq!(
            (page.status, refusal(&page)),
            (400, Some("other")),
            "{name}={value}: {}",
            page.body
        );
        assert!(page.body.contains("value=\"Film club\""), "{}", page.body);
    }
}

#[tokio::test]
async fn a_new_secret_replaces_the_old_one_at_once_or_after_a_while() {
    let server = staffed().await;
    let (mut browser, page) = register(&server).await;
    let first = secret(&page);
    let page = browser.open("/admin/clients/show?id=films").await;
    let shown = send(
        &mut browser,
        &page,
        "/admin/clients/rotate-secret",
        &[("overlap", "24")],
    )
    .await;
    let second = secret(&shown);
    assert!(is_known(&server, "films", &first).await && is_known(&server, "films", &second).await);
    let shown = send(
        &mut browser,
        &page,
        "/admin/clients/rotate-secret",
        &[("overlap", "0")],
    )
    .await;
    let third = secret(&shown);
    assert!(is_known(&server, "films", &third).await);
    assert!(!is_known(&server, "films", &first).await && !is_known(&server, "films", &second).await);
    for overlap in ["-1", "100000", "9223372036854775807", "x"] {
        let answer = send(
            &mut browser,
            &page,
            "/admin/clients/rotate-secret",
            &[("overlap", overlap)],
        )
        .await;
        assert_eq!(answer.status, 400, "{overlap}");
    }
}

#[tokio::test]
async fn an_app_is_shut_out_let_in_and_deleted() {
    let server = staffed().await;
    let (mut browser, page) = register(&server).await;
    let secret = secret(&page);
    let page = browser.open("/admin/clients/show?id=films").await;
    let page = send(&mut browser, &page, "/admin/clients/disable", &[]).await;
    assert!(page.body.contains("Disabled") && !is_known(&server, "films", &secret).await);
    let page = send(&mut browser, &page, "/admin/clients/enable", &[]).await;
    assert!(is_known(&server, "films", &secret).await);
    let answer = send(&mut browser, &page, "/admin/clients/delete", &[("confirm", "")]).await;
    assert_eq!(refusal(&answer), Some("confirm"));
    let page = send(
        &mut browser,
        &page,
        "/admin/clients/delete",
        &[("confirm", "films")],
    )
    .await;
    assert!(
        page.body.contains("id=\"notice\"") && !page.body.contains("Film club"),
        "{}",
        page.body
    );
    assert_eq!(browser.open("/admin/clients/show?id=films").await.status, 404);
}

#[tokio::test]
async fn nobody_registers_an_app_that_reaches_further_than_they_do() {
    let server = staffed().await;
    let (mut browser, page) = desk(&server, ADMIN, "/admin/clients/new").await;
    let fields = [
        ("client_id", "climber"),
        ("grant_types", "client_credentials"),
        ("token_endpoint_auth_method", "client_secret_basic"),
        ("application_type", "web"),
        ("scope", "roles:write keys:rotate"),
    ];
    let page = send(&mut browser, &page, "/admin/clients/new", &fields).await;
    assert_eq!(
        (page.status, refusal(&page)),
        (403, Some("beyond")),
        "{}",
        page.body
    );
}

#[tokio::test]
async fn the_connect_page_is_filled_in_with_the_values_of_the_app() {
    let server = staffed().await;
    let (mut browser, page) = desk(&server, VERA, "/admin/clients/connect?id=web").await;
    for shown in [
        "id=\"issuer\">http://localhost:8080<",
        "http://localhost:8080/.well-known/openid-configuration",
        "http://localhost:8080/token",
        "id=\"snippet-node\"",
        "id=\"snippet-python\"",
        "id=\"snippet-rust\"",
        "id=\"snippet-curl\"",
        "client.ClientSecretBasic(process.env.CLIENT_SECRET)",
        "https://app.example/cb",
    ] {
        assert!(page.body.contains(shown), "{shown}: {}", page.body);
    }
    let page = browser.open("/admin/clients/connect?id=m2m").await;
    assert!(page.body.contains("clientCredentialsGrant") && !page.body.contains("buildAuthorizationUrl"));
    assert_eq!(
        browser.open("/admin/clients/connect?id=nothing").await.status,
        404
    );
}

#[tokio::test]
async fn names_of_apps_are_inert() {
    let server = staffed().await;
    let (mut browser, page) = desk(&server, ROOT, "/admin/clients/new").await;
    let hostile = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>";
    let mut fields: Vec<_> = FORM
        .into_iter()
        .filter(|(name, _)| *name != "client_name")
        .collect();
    fields.extend([("client_name", hostile), ("client_id", "x<b>y'\"")]);
    let page = send(&mut browser, &page, "/admin/clients/new", &fields).await;
    assert_eq!(page.status, 200, "{}", page.body);
    for path in [
        "/admin/clients",
        "/admin/clients/show?id=x%3Cb%3Ey%27%22",
        "/admin/clients/edit?id=x%3Cb%3Ey%27%22",
        "/admin/clients/connect?id=x%3Cb%3Ey%27%22",
    ] {
        let page = browser.open(path).await;
        assert_eq!(page.status, 200, "{path}");
        assert!(
            !page.body.contains("<script>")
                && !page.body.contains("<img src=x")
                && !page.body.contains("x<b>"),
            "{path}: {}",
            page.body
        );
    }
}
