//! What nobody can do by importing.

use serde_json::json;

use super::{counts, exists, import, send, start, start_with};
use crate::support::{Request, Server};

#[tokio::test]
async fn nobody_brings_in_more_than_they_hold() {
    let text = "username,roles,permissions\n\
                boss,super_admin,\n\
                half,,accounts:delete\n\
                whole,,*\n\
                editor,editor,\n\
                plain,,\n";
    // One who may import and assign nothing; one who assigns what they hold; one who may do everything.
    for (role, made, refused) in [
        ("importer", 1, "import of 4 entries: "),
        ("assigner", 2, "import of 3 entries: "),
        ("super_admin", 5, ""),
    ] {
        let (server, token) = start(role).await;
        import(&server, &token, "text/csv", "?dry_run=true", text).await;
        assert_eq!(refusals(&server).await, [""; 0]);
        let report = import(&server, &token, "text/csv", "", text).await;
        assert_eq!(report["created"], made, "{role}: {report}");
        let on_record = refusals(&server).await;
        assert_eq!(on_record.len(), usize::from(!refused.is_empty()), "{on_record:?}");
        assert!(
            on_record.iter().all(|operation| operation.starts_with(refused)),
            "{on_record:?}"
        );
        assert_eq!(exists(&server, "boss").await, made == 5);
        assert!(exists(&server, "plain").await);
    }
}

/// What was refused to the importer, as it is on record.
async fn refusals(server: &Server) -> Vec<String> {
    let filter = store::audit::Filter {
        kind: Some("administration.refused".into()),
        outcome: Some("failure".into()),
        ..Default::default()
    };
    let list = async move |db: &mut store::Conn| store::audit::list(db, &filter, 100).await;
    let events = server.running.app.store.read(list).await.unwrap();
    let operation =
        |event: &store::audit::Event| event.detail["operation"].as_str().unwrap_or_default().to_owned();
    events.iter().map(operation).collect()
}

#[tokio::test]
async fn nobody_is_brought_into_a_group_whose_role_does_not_exist_yet() {
    let (server, token) = start_with("super_admin", |config| {
        config.scim.group_roles = [("Ghosts".to_owned(), vec!["ghost".to_owned()])].into();
    })
    .await;
    let group = store::groups::Group {
        id: protocol::id::GroupId(uuid::Uuid::new_v4()),
        display_name: "ghosts".into(),
        external_id: None,
        created_at: server.clock.now(),
        updated_at: server.clock.now(),
        version: 0,
    };
    let add = async move |db: &mut store::Conn| store::groups::insert(db, &group).await;
    server.running.app.store.write(add).await.unwrap();
    let text = "{\"users\":[{\"username\":\"casper\",\"enabled\":true,\"groups\":[\"/ghosts\"]}]}";
    let report = import(&server, &token, "application/json", "", text).await;
    assert_eq!(counts(&report), json!([0, 0, 1]), "{report}");
    let reason = report["lines"][0]["reason"].as_str().unwrap();
    assert!(
        reason.contains("the role \"ghost\", which does not exist"),
        "{reason}"
    );
}

#[tokio::test]
async fn importing_needs_the_permission_and_a_body_of_a_known_kind() {
    let (server, token) = start("viewer").await;
    assert_eq!(
        send(&server, &token, "text/csv", "", "username\na\n")
            .await
            .status,
        403
    );
    let (server, token) = start("importer").await;
    let anonymous = Request::new("POST", "/api/admin/v1/import").body("username\na\n");
    assert_eq!(server.send(anonymous).await.status, 401);
    for kind in ["text/plain", "application/xml", ""] {
        assert_eq!(
            send(&server, &token, kind, "", "username\na\n").await.status,
            415,
            "{kind}"
        );
    }
    for query in ["?dryrun=true", "?dry_run=perhaps"] {
        let answer = send(&server, &token, "text/csv", query, "username\na\n").await;
        assert_eq!(answer.status, 400, "{query} {}", answer.body);
    }
    assert!(!exists(&server, "a").await);
}

#[tokio::test]
async fn a_bomb_is_refused_and_changes_nothing() {
    let (server, token) = start("super_admin").await;
    let long = format!("username,name\na,{}\n", "x".repeat(1024 * 1024));
    assert_eq!(send(&server, &token, "text/csv", "", long).await.status, 413);
    let deep = format!("{{\"users\":{}{}}}", "[".repeat(20_000), "]".repeat(20_000));
    assert_eq!(
        send(&server, &token, "application/json", "", deep).await.status,
        400
    );
    let cell = format!("username,name\na,{}\nb,\n", "x".repeat(20_000));
    let report = import(&server, &token, "text/csv", "", &cell).await;
    assert_eq!(counts(&report), json!([1, 0, 1]), "{report}");
    let costly = "username,password_hash\nc,$2b$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW\n";
    let report = import(&server, &token, "text/csv", "", costly).await;
    assert_eq!(counts(&report), json!([0, 0, 1]), "{report}");
    let nul = "username,name\nd\0,e\n";
    let report = import(&server, &token, "text/csv", "", nul).await;
    assert_eq!(counts(&report), json!([0, 0, 1]), "{report}");
    assert!(!exists(&server, "a").await && !exists(&server, "c").await);
    let many: String = (0..251).map(|n| format!("many{n}\n")).collect();
    let report = import(&server, &token, "text/csv", "", &format!("username\n{many}")).await;
    assert!(
        report["ended"].as_str().unwrap().contains("250"),
        "{}",
        report["ended"]
    );
    assert_eq!(report["created"], 250);
}

#[tokio::test]
async fn a_file_that_was_sent_reads_no_file_of_the_server_and_sets_no_password() {
    let (server, token) = start("super_admin").await;
    let text = "[[account]]\nusername = \"a\"\npassword_file = \"/etc/hostname\"\n\
                [[account]]\nusername = \"b\"\ntotp_secret_file = \"/etc/hostname\"\n\
                [[account]]\nusername = \"c\"\npassword = \"a password that its maker knows\"\n\
                [[account]]\nusername = \"d\"\nadmin = true\n";
    let report = import(&server, &token, "application/toml", "", text).await;
    assert_eq!(counts(&report), json!([0, 0, 4]), "{report}");
    assert!(
        report["lines"][0]["reason"]
            .as_str()
            .unwrap()
            .contains("names a file"),
        "{report}"
    );
}
