//! After a deletion no table knows the person.

use protocol::api_key::ApiKey;
use protocol::id::{AccountId, ApiKeyId, GroupId};
use protocol::secret::TokenHash;
use store::Conn;
use store::groups::Group;
use store::resource_permissions::ResourcePermission;

use super::{CONSOLE_SECRET, PASSWORD, at, send, start, token, traces};
use crate::support::{Browser, Form, Request, Server, query_of};

/// Leaves something of zaphod in every place where people leave something.
async fn live(server: &Server, id: AccountId) {
    let mut browser = Browser::new(server);
    let third = server.authorize(&[
        ("client_id", "third"),
        ("redirect_uri", "https://third.example/cb"),
        ("scope", "openid profile books:read"),
    ]);
    let question = browser.sign_in(&third, "zaphod-quux", PASSWORD).await;
    let answer = browser.submit(&question, &[("decision", "allow")]).await;
    assert!(query_of(answer.location(), "code").is_some(), "{}", answer.body);
    let pairs = [
        ("grant_type", "password"),
        ("username", "zaphod@quux.example"),
        ("password", PASSWORD),
        ("scope", "openid offline_access"),
    ];
    let refreshable = server.token_as("console", CONSOLE_SECRET, &pairs).await;
    assert!(
        refreshable.json()["refresh_token"].is_string(),
        "{}",
        refreshable.body
    );
    // A wrong password, a forgotten one, and a new one.
    let page = Browser::new(server).open("/login").await;
    let wrong = Form::of(&page.body).filled(&[("username", "zaphod-quux"), ("password", "wrong")]);
    server.send(wrong).await;
    let mut forgetful = Browser::new(server);
    let page = forgetful.open("/forgot").await;
    forgetful.submit(&page, &[("username", "zaphod-quux")]).await;
    server.mails().await;
    server
        .apply(
            "[[account]]\nusername = \"zaphod-quux\"\ntotp_secret = \"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP\"\n",
        )
        .await;
    own(server, id, server.account_id("bob").await).await;
}

/// What other systems and administrators make for an account.
async fn own(server: &Server, id: AccountId, bob: AccountId) {
    let now = server.clock.now();
    let key = ApiKey {
        id: ApiKeyId(chancery::random::uuid()),
        account_id: id,
        name: "towel".into(),
        prefix: "key_abc".into(),
        permissions: ["books:read".to_owned()].into(),
        networks: Vec::new(),
        rate: None,
        created_at: now,
        rotated_at: None,
        previous_expires_at: None,
        expires_at: None,
        revoked_at: None,
        last_used_at: None,
    };
    let group = Group {
        id: GroupId(chancery::random::uuid()),
        display_name: "Presidents".into(),
        external_id: None,
        created_at: now,
        updated_at: now,
        version: 1,
    };
    let given = move |account, by: AccountId| ResourcePermission {
        account,
        permission: "read".into(),
        expires_at: None,
        granted_at: now,
        granted_by: Some(format!("account:{by}")),
    };
    let write = async move |db: &mut Conn| {
        store::api_keys::insert(db, &key, &TokenHash([7; 32])).await?;
        store::groups::insert(db, &group).await?;
        store::groups::insert_members(db, group.id, &[id]).await?;
        store::owned_resources::insert(db, "ship", "heart-of-gold", Some(id), now).await?;
        store::owned_resources::insert(db, "ship", "other", Some(bob), now).await?;
        store::resource_permissions::grant(db, "ship", "heart-of-gold", &given(bob, id)).await?;
        store::resource_permissions::grant(db, "ship", "other", &given(id, bob)).await?;
        store::upstream_identities::insert(db, "https://up.example", "42", id, now).await?;
        let role = store::roles::Assignment {
            role: "editor".into(),
            expires_at: None,
            granted_at: now,
            granted_by: Some(format!("account:{id}")),
        };
        store::roles::assign_role(db, bob, &role).await
    };
    server.running.app.store.write(write).await.unwrap();
}

#[tokio::test]
async fn after_a_deletion_no_table_holds_a_trace_of_the_person() {
    let server = start(|_| ()).await;
    let id = server.account_id("zaphod-quux").await;
    live(&server, id).await;
    let before = traces(&server, id).await;
    for place in [
        "accounts.id",
        "login_names.name_key",
        "passwords.account_id",
        "totp_factors.account_id",
        "sessions.account_id",
        "consents.account_id",
        "consent_records.account_id",
        "grants.account_id",
        "account_roles.account_id",
        "account_roles.granted_by",
        "account_permissions.account_id",
        "action_tokens.account_id",
        "upstream_identities.account_id",
        "group_members.account_id",
        "owned_resources.owner_id",
        "resource_permissions.account_id",
        "resource_permissions.granted_by",
        "api_keys.account_id",
        "audit_events.account_id",
    ] {
        assert!(before.iter().any(|found| found == place), "{place} of {before:?}");
    }
    // The second factor that came in between is asked for with the fresh sign-in.
    server.advance(protocol::time::Lifetime::seconds(30));
    let mut browser = Browser::new(&server);
    let mut page = browser.sign_in("/account/privacy", "zaphod-quux", PASSWORD).await;
    let seed = chancery::totp::decode_base32("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP").unwrap();
    let code = chancery::totp::code(&seed, server.clock.now());
    page = browser.submit(&page, &[("code", &code)]).await;
    let gone = send(
        &mut browser,
        &page,
        "/account/privacy/delete",
        &[("username", "zaphod-quux")],
    )
    .await;
    assert_eq!(gone.status, 200, "{}", gone.body);
    assert!(gone.body.contains("notice-account-deleted"), "{}", gone.body);
    assert_eq!(
        server.mail_to("zaphod@quux.example").await.subject,
        "Your account was deleted"
    );
    assert_eq!(traces(&server, id).await, Vec::<String>::new());
    // What happened is still told, of nobody.
    let events = async move |db: &mut Conn| store::audit::list(db, &Default::default(), 200).await;
    let events = server.running.app.store.read(events).await.unwrap();
    assert!(
        events
            .iter()
            .any(|event| event.kind == "account.deleted" && event.account_id.is_none())
    );
    assert!(
        events
            .iter()
            .any(|event| event.kind == "consent.given" && event.account_id.is_none())
    );
}

#[tokio::test]
async fn a_file_that_names_an_account_no_more_leaves_no_trace_either() {
    let server = start(|_| ()).await;
    let id = server.account_id("zaphod-quux").await;
    at(&server, "/account").await;
    assert!(!traces(&server, id).await.is_empty());
    let app = &server.running.app;
    let accounts = chancery::config::Accounts::default();
    let tools = chancery::declarative::Tools {
        sealer: &app.sealer,
        passwords: &app.passwords,
        accounts: &accounts,
        now: server.clock.now(),
    };
    let file = chancery::declarative::File::parse("").unwrap();
    chancery::declarative::apply(&app.store, &file, true, &tools)
        .await
        .unwrap();
    assert_eq!(traces(&server, id).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_mail_that_waits_goes_with_its_account() {
    let server = start(|config| {
        config.mail.folder = None;
        // Nobody listens there.
        config.mail.smtp_url = Some("smtp://127.0.0.1:9".into());
    })
    .await;
    let mut forgetful = Browser::new(&server);
    let page = forgetful.open("/forgot").await;
    forgetful.submit(&page, &[("username", "zaphod-quux")]).await;
    let waiting = async || {
        let app = &server.running.app;
        app.tasks.close();
        app.tasks.wait().await;
        app.tasks.reopen();
        let count = async |db: &mut Conn| store::outbox::count(db).await;
        app.store.read(count).await.unwrap()
    };
    assert_eq!(waiting().await, 1);
    let bearer = token(&server, "zaphod-quux", PASSWORD, "openid account:write").await;
    let erase = Request::new("POST", "/api/account/v1/erasure")
        .header("content-type", "application/json")
        .body("{\"username\":\"zaphod-quux\"}")
        .bearer(&bearer);
    assert_eq!(server.send(erase).await.status, 204);
    // The one that says so is the only one left.
    assert_eq!(waiting().await, 1);
    let due = async |db: &mut Conn| {
        let end = protocol::time::Timestamp(i64::MAX);
        store::outbox::list_due(db, store::outbox::Lane::Mail, end, 10).await
    };
    let due = server.running.app.store.read(due).await.unwrap();
    assert_eq!(due[0].kind, "account-deleted");
}
