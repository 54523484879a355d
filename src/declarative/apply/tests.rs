use store::sessions;

use super::*;
use crate::declarative::export;
use crate::random;

const FILE: &str = r#"
[[role]]
name = "editor"
permissions = ["books:write"]
[[scope]]
name = "books:write"
requires = ["books:write"]
[[resource]]
identifier = "https://api.test/"
scopes = ["books:write"]
[[client]]
client_id = "web"
redirect_uris = ["https://web.test/cb"]
scope = "openid books:write"
resources = ["https://api.test/"]
[[client]]
client_id = "signer"
grant_types = ["client_credentials"]
token_endpoint_auth_method = "client_secret_jwt"
client_secret = "0123456789abcdef0123456789abcdef"
[[account]]
username = "Alice"
email = "alice@example.test"
email_verified = true
password = "correct horse battery"
roles = ["editor"]
permissions = ["reports:view"]
totp_secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
claims = { name = "Alice Example" }
"#;

struct Bench {
    _folder: tempfile::TempDir,
    store: Store,
    sealer: Sealer,
    passwords: Passwords,
}

impl Bench {
    async fn new() -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&format!("sqlite:{}", folder.path().join("t.db").display()), 2)
            .await
            .unwrap();
        store.migrate().await.unwrap();
        let params = crate::passwords::Params::new(64, 1, 1, None).unwrap();
        Bench {
            _folder: folder,
            store,
            sealer: Sealer::new([7; 32]),
            passwords: Passwords::new(params, 1, 8),
        }
    }

    async fn apply(&self, text: &str, prune: bool) -> Result<Applied, ApplyError> {
        let accounts = crate::config::Accounts::default();
        let tools = Tools {
            sealer: &self.sealer,
            passwords: &self.passwords,
            accounts: &accounts,
            now: Timestamp(1000),
        };
        apply(&self.store, &File::parse(text).unwrap(), prune, &tools).await
    }

    async fn lines(&self, text: &str, prune: bool) -> Vec<String> {
        self.apply(text, prune)
            .await
            .unwrap()
            .plan
            .changes
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    async fn export(&self) -> String {
        self.store
            .read(async move |db: &mut Conn| export(db).await)
            .await
            .unwrap()
    }
}

#[tokio::test]
async fn applying_twice_changes_nothing_the_second_time() {
    let bench = Bench::new().await;
    let first = bench.apply(FILE, false).await.unwrap();
    let lines: Vec<String> = first.plan.changes.iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "+ role editor",
            "+ scope books:write",
            "+ resource https://api.test/",
            "+ client web",
            "+ client signer",
            "+ account Alice"
        ]
    );
    assert_eq!(first.generated.len(), 1);
    let second = bench.apply(FILE, true).await.unwrap();
    assert!(second.plan.changes.is_empty(), "{:?}", second.plan);
    assert!(second.generated.is_empty());
    assert_eq!(second.plan.unchanged, 6);
}

#[tokio::test]
async fn only_what_differs_is_changed_and_said() {
    let bench = Bench::new().await;
    bench.lines(FILE, false).await;
    let changed = FILE
        .replace(
            "[\"books:write\"]\n[[scope]]",
            "[\"books:write\", \"books:read\"]\n[[scope]]",
        )
        .replace("https://web.test/cb", "https://web.test/cb2")
        .replace("0123456789abcdef0123", "fedcba98765432100123")
        .replace("battery", "batteries");
    assert_eq!(
        bench.lines(&changed, false).await,
        [
            "~ role editor: permissions",
            "~ client web: redirect_uris",
            "~ client signer: client_secret",
            "~ account Alice: password"
        ]
    );
}

#[tokio::test]
async fn pruning_takes_what_a_file_made_and_nothing_else() {
    let bench = Bench::new().await;
    bench.lines(FILE, false).await;
    bench
        .store
        .write(async move |db: &mut Conn| {
            roles::upsert_role(
                db,
                &protocol::role::Role {
                    name: "by hand".into(),
                    ..Default::default()
                },
                None,
            )
            .await
        })
        .await
        .unwrap();
    assert!(bench.lines("", false).await.is_empty());
    assert_eq!(
        bench.lines("", true).await,
        [
            "- account Alice",
            "- client signer",
            "- client web",
            "- resource https://api.test/",
            "- scope books:write",
            "- role editor"
        ]
    );
    assert!(bench.export().await.contains("by hand"));
}

#[tokio::test]
async fn a_wrong_file_changes_nothing_and_names_the_line() {
    let bench = Bench::new().await;
    let before = bench.export().await;
    let wrong = format!("{FILE}\n[[account]]\nusername = \"bob\"\nroles = [\"edtor\"]\n");
    let error = bench.apply(&wrong, false).await.unwrap_err().to_string();
    assert!(
        error.starts_with("line 31: account bob: unknown role \"edtor\"; did you mean editor?"),
        "{error}"
    );
    assert_eq!(bench.export().await, before);
    // A role that pruning would take away cannot be held either.
    bench.lines(FILE, false).await;
    let kept = "[[account]]\nusername = \"Alice\"\nroles = [\"editor\"]";
    assert!(bench.apply(kept, true).await.is_err());
    assert!(bench.lines(kept, false).await.is_empty());
    let stolen = "[[account]]\nusername = \"mallory\"\nemail = \"ALICE@example.test\"";
    assert!(
        bench
            .apply(stolen, false)
            .await
            .unwrap_err()
            .to_string()
            .contains("already belongs to account Alice")
    );
}

#[tokio::test]
async fn what_is_exported_can_be_applied_again() {
    let bench = Bench::new().await;
    bench.lines(FILE, false).await;
    let exported = bench.export().await;
    for secret in ["0123456789abcdef", "correct horse", "$argon2id$", "JBSWY3DP"] {
        assert!(!exported.contains(secret), "{exported}");
    }
    assert!(bench.lines(&exported, true).await.is_empty(), "{exported}");
    let other = Bench::new().await;
    other.lines(&exported, false).await;
    assert_eq!(other.export().await, exported);
}

#[tokio::test]
async fn a_new_password_ends_what_the_old_one_opened() {
    let bench = Bench::new().await;
    bench.lines(FILE, false).await;
    let session = bench
        .store
        .write(async move |db: &mut Conn| {
            let account = accounts::find_by_login(db, "alice").await?.unwrap();
            let session = protocol::session::Session {
                id: protocol::id::SessionId(random::uuid()),
                account_id: account.id,
                auth_time: Timestamp(900),
                factors: vec![protocol::session::Factor::Password],
                created_at: Timestamp(900),
                last_seen_at: Timestamp(900),
            };
            sessions::insert(
                db,
                &session,
                &Secret::new("s").hash(),
                Timestamp(9000),
                None,
                None,
            )
            .await?;
            Ok(session)
        })
        .await
        .unwrap();
    bench.lines(&FILE.replace("battery", "batteries"), false).await;
    let open = bench
        .store
        .read(async move |db: &mut Conn| sessions::list(db, session.account_id, Timestamp(1001)).await)
        .await
        .unwrap();
    assert!(open.is_empty());
}
