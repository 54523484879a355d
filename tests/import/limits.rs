//! What nobody can do by importing.

use serde_json::json;

use super::{counts, exists, import, send, start};
use crate::support::Request;

#[tokio::test]
async fn nobody_brings_in_more_than_they_hold() {
    let text = "username,roles,permissions\n\
                boss,super_admin,\n\
                half,,accounts:delete\n\
                whole,,*\n\
                editor,editor,\n\
                plain,,\n";
    // One who may import and assign nothing; one who assigns what they hold; one who may do everything.
    for (role, made) in [("importer", 1), ("assigner", 2), ("super_admin", 5)] {
        let (server, token) = start(role).await;
        let report = import(&server, &token, "text/csv", "", text).await;
        assert_eq!(report["created"], made, "{role}: {report}");
        assert_eq!(exists(&server, "boss").await, made == 5);
        assert!(exists(&server, "plain").await);
    }
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
