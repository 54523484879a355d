//! A table of accounts.

use serde_json::json;

use super::{counts, exists, import, send, signs_in, start};

/// bcrypt of `U*U`, the first vector of crypt_blowfish.
const BCRYPT: &str = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";

fn table() -> String {
    format!(
        "username,email,email_verified,name,password_hash,roles,totp_secret,disabled\n\
         ada,ada@example.org,true,Ada Lovelace,{BCRYPT},editor,,\n\
         grace,grace@example.org,,Grace Hopper,{BCRYPT},,JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP,\n\
         linus,linus@example.org,,,,,,true\n"
    )
}

#[tokio::test]
async fn a_dry_run_says_what_an_import_then_does_and_doing_it_again_changes_nothing() {
    let (server, token) = start("super_admin").await;
    let planned = import(&server, &token, "text/csv", "?dry_run=true", &table()).await;
    assert_eq!(counts(&planned), json!([3, 0, 0]), "{planned}");
    assert!(!exists(&server, "ada").await);
    let mut done = import(&server, &token, "text/csv", "", &table()).await;
    assert_eq!(done["lines"][0]["place"], "row 2");
    done["dry_run"] = json!(true);
    assert_eq!(done, planned);
    let again = import(&server, &token, "text/csv", "", &table()).await;
    assert_eq!(counts(&again), json!([0, 3, 0]), "{again}");

    assert!(signs_in(&server, "ada", "U*U").await.body.contains("account-nav"));
    assert!(
        signs_in(&server, "grace", "U*U")
            .await
            .body
            .contains("name=\"code\"")
    );
    assert!(
        !signs_in(&server, "ada", "wrong")
            .await
            .body
            .contains("account-nav")
    );
    // The hash is another since the sign-in, and the account is still the same to an import.
    let after = import(&server, &token, "text/csv", "", &table()).await;
    assert_eq!(counts(&after), json!([0, 3, 0]), "{after}");
}

#[tokio::test]
async fn an_account_that_is_there_is_never_changed() {
    let (server, token) = start("super_admin").await;
    let text = "username,email,name\n\
                alice,other@example.org,Somebody Else\n\
                newcomer,ALICE@example.test,\n\
                bob@example.test,new@example.org,\n";
    let report = import(&server, &token, "text/csv", "", text).await;
    assert_eq!(counts(&report), json!([0, 0, 3]), "{report}");
    let reason = |at: usize| {
        report["lines"][at]["reason"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    assert!(reason(0).contains("differs in email, claims"), "{}", reason(0));
    assert!(reason(1).contains("belongs to another account"), "{}", reason(1));
    assert!(reason(2).contains("address of another account"), "{}", reason(2));
    assert!(
        signs_in(&server, "alice", super::ALICE)
            .await
            .body
            .contains("account-nav")
    );
    assert!(!exists(&server, "other@example.org").await);
}

#[tokio::test]
async fn a_bad_row_stops_only_itself_unless_asked_otherwise() {
    let (server, token) = start("super_admin").await;
    let text = "username,email,roles\n\
                good,good@example.org,editor\n\
                bad,nonsense,\n\
                twin,GOOD@example.org,\n\
                worse,worse@example.org,no-such-role\n\
                fine,fine@example.org,\n";
    let strict = import(&server, &token, "text/csv", "?strict=true", text).await;
    assert_eq!(
        (&strict["refused"], counts(&strict)),
        (&json!(true), json!([2, 0, 3])),
        "{strict}"
    );
    assert!(!exists(&server, "good").await);
    let report = import(&server, &token, "text/csv", "", text).await;
    assert_eq!(counts(&report), json!([2, 0, 3]), "{report}");
    assert!(exists(&server, "good").await && exists(&server, "fine").await);
    let places: Vec<_> = report["lines"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|line| line["outcome"] == "skipped")
        .map(|line| line["place"].clone())
        .collect();
    assert_eq!(json!(places), json!(["row 3", "row 4", "row 5"]));
}

#[tokio::test]
async fn a_table_that_cannot_be_read_changes_nothing() {
    let (server, token) = start("super_admin").await;
    for (text, says) in [
        ("user,email\na,b@example.org\n", "unknown column"),
        ("email\nb@example.org\n", "no column username"),
        ("", "no column username"),
    ] {
        let refused = send(&server, &token, "text/csv", "", text).await;
        assert_eq!(refused.status, 400, "{}", refused.body);
        assert!(refused.body.contains(says), "{}", refused.body);
    }
}
