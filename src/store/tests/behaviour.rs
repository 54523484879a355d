//! What the store promises, on a SQLite file, or on PostgreSQL when `TEST_DATABASE_URL` names a server.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail")]

use std::collections::{BTreeMap, BTreeSet};

use protocol::client::Client;
use protocol::grant::{AuthorizationCode, Grant, RefreshToken};
use protocol::id::{AccountId, GrantId, SessionId};
use protocol::role::Role;
use protocol::secret::TokenHash;
use protocol::session::{Factor, Session};
use protocol::time::Timestamp;
use serde_json::{Map, json};
use store::*;
use uuid::Uuid;

const NOW: Timestamp = Timestamp(1_800_000_000);
const LATER: Timestamp = Timestamp(1_800_000_600);

/// A database of its own, gone with the test.
struct Database {
    store: Store,
    directory: Option<tempfile::TempDir>,
    server: Option<(String, String)>,
}

impl Database {
    async fn empty() -> Database {
        let Ok(server) = std::env::var("TEST_DATABASE_URL") else {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("new/test.db");
            let store = Store::open(&format!("sqlite:{}", path.display()), 4)
                .await
                .unwrap();
            return Database {
                store,
                directory: Some(directory),
                server: None,
            };
        };
        let name = format!("test_{}", Uuid::new_v4().simple());
        statement(&server, &format!("CREATE DATABASE {name}"))
            .await
            .unwrap();
        let (base, query) = server.split_once('?').unwrap_or((&server, ""));
        let (root, _) = base.rsplit_once('/').unwrap();
        let store = Store::open(&format!("{root}/{name}?{query}"), 8).await.unwrap();
        Database {
            store,
            directory: None,
            server: Some((server, name)),
        }
    }

    async fn migrated() -> Database {
        let database = Database::empty().await;
        database.store.migrate().await.unwrap();
        database
    }

    async fn end(self) {
        self.store.close().await;
        if let Some((server, name)) = self.server {
            let _ = statement(&server, &format!("DROP DATABASE {name} WITH (FORCE)")).await;
        }
        drop(self.directory);
    }
}

async fn statement(url: &str, sql: &str) -> Result<(), tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
    let driver = tokio::spawn(connection);
    let result = client.batch_execute(sql).await;
    drop(client);
    let _ = driver.await;
    result
}

fn account(username: &str, email: Option<&str>) -> Account {
    Account {
        id: AccountId(Uuid::new_v4()),
        username: username.into(),
        email: email.map(Into::into),
        email_verified: true,
        claims: Map::from_iter([("name".to_owned(), json!("Ada \u{1F980} L"))]),
        disabled: false,
        mfa: None,
        must_change_password: false,
        last_login_at: None,
        created_at: NOW,
        updated_at: NOW,
        managed_by: None,
    }
}

fn client(id: &str) -> StoredClient {
    StoredClient {
        client: Client {
            client_name: Some("Shop".into()),
            ..Client::new(id.into())
        },
        secret_hash: Some(TokenHash::of("s")),
        secret_sealed: Some(vec![1, 2, 0]),
        disabled: false,
        managed_by: Some("file".into()),
        previous: None,
    }
}

fn grant(account: AccountId) -> Grant {
    Grant {
        id: GrantId(Uuid::new_v4()),
        account_id: account,
        client_id: "shop".into(),
        session_id: Some(SessionId(Uuid::new_v4())),
        scope: "openid email".parse().unwrap(),
        resources: vec!["https://api.example".into()],
        nonce: Some("n".into()),
        claims: Default::default(),
        auth_time: NOW,
        factors: vec![Factor::Password, Factor::Totp],
        created_at: NOW,
        revoked_at: None,
    }
}

fn code(grant: &Grant) -> AuthorizationCode {
    AuthorizationCode {
        grant_id: grant.id,
        client_id: grant.client_id.clone(),
        redirect_uri: "https://app.example/cb".into(),
        code_challenge: None,
        expires_at: LATER,
        consumed_at: None,
    }
}

fn refresh_token(grant: &Grant) -> RefreshToken {
    RefreshToken {
        grant_id: grant.id,
        client_id: grant.client_id.clone(),
        issued_at: NOW,
        expires_at: LATER,
        consumed_at: None,
    }
}

fn session(account: AccountId) -> Session {
    Session {
        id: SessionId(Uuid::new_v4()),
        account_id: account,
        auth_time: NOW,
        factors: vec![Factor::Password],
        created_at: NOW,
        last_seen_at: NOW,
    }
}

fn names(list: &[&str]) -> BTreeSet<String> {
    list.iter().map(|name| (*name).to_owned()).collect()
}

/// One account, client and grant, with one of everything that hangs on them.
async fn furnished(store: &Store) -> (Account, Grant, TotpFactor) {
    let ada = account("Ada", Some("Ada@Example.test"));
    let grant = Grant { ..grant(ada.id) };
    let factor = TotpFactor {
        id: Uuid::new_v4(),
        account_id: ada.id,
        name: "phone".into(),
        secret_sealed: vec![7; 40],
        last_step: None,
        created_at: NOW,
        last_used_at: None,
    };
    let (a, g, f) = (ada.clone(), grant.clone(), factor.clone());
    store
        .write(async move |db: &mut Conn| {
            clients::insert(db, &client("shop"), NOW).await?;
            accounts::insert(db, &a, NOW).await?;
            grants::insert(db, &g).await?;
            codes::insert(db, &TokenHash::of("code"), &code(&g)).await?;
            refresh_tokens::insert(db, &TokenHash::of("refresh"), &refresh_token(&g)).await?;
            credentials::set_password(db, a.id, "$argon2id$1", NOW).await?;
            credentials::insert_totp(db, &f).await?;
            credentials::replace_recovery_codes(db, a.id, &[TokenHash::of("r1"), TokenHash::of("r2")], NOW)
                .await?;
            sessions::insert(
                db,
                &session(a.id),
                &TokenHash::of("cookie"),
                LATER,
                Some("ua"),
                None,
            )
            .await?;
            consents::record(db, a.id, &"shop".into(), &"openid".parse().unwrap(), NOW).await?;
            setup_links::insert(db, &TokenHash::of("setup"), LATER).await?;
            let role = Role {
                name: "editor".into(),
                permissions: names(&["write", "read"]),
                ..Default::default()
            };
            roles::upsert_role(db, &role, None).await?;
            roles::set_account_roles(db, a.id, &names(&["editor"]), NOW).await?;
            roles::set_account_permissions(db, a.id, &names(&["print"])).await
        })
        .await
        .unwrap();
    (ada, grant, factor)
}

/// Lets 64 callers try the same thing at once and counts who was told that it was theirs.
macro_rules! winners {
    ($store:expr, |$db:ident| $body:expr) => {{
        let tries: Vec<_> = (0..64)
            .map(|_| {
                let store = $store.clone();
                tokio::spawn(async move {
                    loop {
                        match store.write(async move |$db: &mut Conn| $body.await).await {
                            Err(StoreError::Busy) => continue,
                            result => return result,
                        }
                    }
                })
            })
            .collect();
        let mut winners = 0;
        for one in tries {
            winners += u32::from(one.await.unwrap().unwrap());
        }
        winners
    }};
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_usable_once_has_one_winner() {
    let database = Database::migrated().await;
    let store = &database.store;
    let (ada, _, factor) = furnished(store).await;
    let (ada, factor) = (ada.id, factor.id);
    assert_eq!(
        winners!(store, |db| codes::consume(db, &TokenHash::of("code"), NOW)),
        1
    );
    assert_eq!(
        winners!(store, |db| refresh_tokens::consume(
            db,
            &TokenHash::of("refresh"),
            NOW
        )),
        1
    );
    assert_eq!(
        winners!(store, |db| credentials::claim_totp_step(db, factor, 100, NOW)),
        1
    );
    assert_eq!(
        winners!(store, |db| credentials::claim_totp_step(db, factor, 99, NOW)),
        0
    );
    assert_eq!(
        winners!(store, |db| credentials::claim_totp_step(db, factor, 101, NOW)),
        1
    );
    assert_eq!(
        winners!(store, |db| credentials::consume_recovery_code(
            db,
            ada,
            &TokenHash::of("r1"),
            NOW
        )),
        1
    );
    assert_eq!(
        winners!(store, |db| replay::record(db, &TokenHash::of("jti"), LATER)),
        1
    );
    assert_eq!(
        winners!(store, |db| setup_links::consume(db, &TokenHash::of("setup"), NOW)),
        1
    );
    let left = store
        .read(async move |db: &mut Conn| credentials::count_recovery_codes(db, ada).await)
        .await
        .unwrap();
    assert_eq!(left, 1);
    database.end().await;
}

#[tokio::test]
async fn what_has_expired_cannot_be_used() {
    let database = Database::migrated().await;
    furnished(&database.store).await;
    let used = database
        .store
        .write(async |db: &mut Conn| {
            Ok([
                codes::consume(db, &TokenHash::of("code"), LATER).await?,
                refresh_tokens::consume(db, &TokenHash::of("refresh"), LATER).await?,
                setup_links::consume(db, &TokenHash::of("setup"), LATER).await?,
                sessions::find_by_secret(db, &TokenHash::of("cookie"), LATER)
                    .await?
                    .is_some(),
            ])
        })
        .await
        .unwrap();
    assert_eq!(used, [false; 4]);
    database.end().await;
}

#[tokio::test]
async fn an_error_or_a_panic_leaves_no_row_and_the_store_goes_on() {
    let database = Database::migrated().await;
    let store = &database.store;
    let failed: Result<(), StoreError> = store
        .write(async |db: &mut Conn| {
            accounts::insert(db, &account("eve", None), NOW).await?;
            Err(StoreError::Corrupt("wish"))
        })
        .await;
    assert!(matches!(failed, Err(StoreError::Corrupt("wish"))));
    let panicked: Result<(), StoreError> = store
        .write(async |db: &mut Conn| {
            accounts::insert(db, &account("eve", None), NOW).await?;
            panic!("on purpose")
        })
        .await;
    assert!(matches!(panicked, Err(StoreError::Panicked)), "{panicked:?}");
    for _ in 0..16 {
        let count = store
            .read(async |db: &mut Conn| accounts::count(db).await)
            .await
            .unwrap();
        assert_eq!(count, 0);
    }
    store
        .write(async |db: &mut Conn| accounts::insert(db, &account("eve", None), NOW).await)
        .await
        .unwrap();
    assert_eq!(
        store
            .read(async |db: &mut Conn| accounts::count(db).await)
            .await
            .unwrap(),
        1
    );
    database.end().await;
}

#[tokio::test]
async fn a_reader_cannot_write_to_sqlite() {
    let database = Database::migrated().await;
    if database.store.is_sqlite() {
        let result = database
            .store
            .read(async |db: &mut Conn| accounts::insert(db, &account("eve", None), NOW).await)
            .await;
        assert!(result.is_err());
    }
    database.end().await;
}

#[tokio::test]
async fn names_are_one_name_space_in_any_case() {
    let database = Database::migrated().await;
    let store = &database.store;
    let (ada, ..) = furnished(store).await;
    for login in ["ada", "ADA", "ada@example.TEST"] {
        let found = store
            .read(async move |db: &mut Conn| accounts::find_by_login(db, login).await)
            .await
            .unwrap();
        assert_eq!(found, Some(ada.clone()), "{login}");
    }
    for taken in [
        account("aDa", None),
        account("bob", Some("ADA@example.test")),
        account("ada@example.test", None),
    ] {
        let result = store
            .write(async move |db: &mut Conn| accounts::insert(db, &taken, NOW).await)
            .await;
        assert!(matches!(result, Err(StoreError::Conflict { .. })), "{result:?}");
    }
    let renamed = Account {
        username: "lovelace".into(),
        email: None,
        ..ada
    };
    let (old, new) = store
        .write(async move |db: &mut Conn| {
            assert!(accounts::update(db, &renamed, LATER).await?);
            Ok((
                accounts::find_by_login(db, "ada").await?,
                accounts::find_by_login(db, "Lovelace").await?,
            ))
        })
        .await
        .unwrap();
    assert!(old.is_none() && new.is_some_and(|a| a.email.is_none() && a.updated_at == LATER));
    database.end().await;
}

#[tokio::test]
async fn what_is_written_is_read_back() {
    let database = Database::migrated().await;
    let store = &database.store;
    let (ada, granted, factor) = furnished(store).await;
    let event = audit::Event {
        id: Uuid::new_v4(),
        at: NOW,
        kind: "login".into(),
        outcome: "success".into(),
        account_id: Some(ada.id),
        client_id: None,
        actor: None,
        address: Some("192.0.2.1".into()),
        request_id: None,
        detail: json!({"a": [1, null]}),
    };
    let key = StoredKey {
        kid: "k1".into(),
        algorithm: Default::default(),
        sealed: vec![0, 255],
        public_jwk: json!({"kty": "OKP"}),
        created_at: NOW,
        activates_at: NOW,
        retires_at: None,
        expires_at: None,
    };
    let wanted = (event.clone(), key.clone());
    store
        .write(async move |db: &mut Conn| {
            assert_eq!(clients::find(db, &"shop".into()).await?, Some(client("shop")));
            assert_eq!(clients::list(db).await?.len(), 1);
            assert_eq!(grants::find(db, granted.id).await?, Some(granted.clone()));
            assert_eq!(
                codes::find(db, &TokenHash::of("code")).await?,
                Some(code(&granted))
            );
            assert_eq!(
                refresh_tokens::find(db, &TokenHash::of("refresh")).await?,
                Some(refresh_token(&granted))
            );
            assert_eq!(credentials::list_totp(db, ada.id).await?, [factor]);
            assert!(credentials::replace_password_hash(db, ada.id, "$argon2id$1", "$2").await?);
            assert!(!credentials::replace_password_hash(db, ada.id, "$argon2id$1", "$3").await?);
            credentials::set_password(db, ada.id, "$4", NOW).await?;
            assert_eq!(
                credentials::find_password(db, ada.id).await?.as_deref(),
                Some("$4")
            );

            consents::record(db, ada.id, &"shop".into(), &"email openid".parse().unwrap(), NOW).await?;
            let agreed = consents::find(db, ada.id, &"shop".into()).await?.unwrap();
            assert_eq!(agreed.to_string(), "openid email");

            let found = sessions::find_by_secret(db, &TokenHash::of("cookie"), NOW)
                .await?
                .unwrap();
            assert_eq!((found.0.account_id, found.1), (ada.id, LATER));
            let (old, new) = (TokenHash::of("cookie"), TokenHash::of("cookie2"));
            let both = [Factor::Password, Factor::Totp];
            assert!(sessions::raise(db, found.0.id, &old, &new, NOW, &both, NOW).await?);
            assert!(!sessions::raise(db, found.0.id, &old, &new, NOW, &both, NOW).await?);
            assert!(sessions::find_by_secret(db, &old, NOW).await?.is_none());
            sessions::touch(db, found.0.id, Timestamp(NOW.0 + 5)).await?;
            let list = sessions::list(db, ada.id, NOW).await?;
            assert_eq!(
                (list.len(), &list[0].factors[..], list[0].last_seen_at.0),
                (1, &both[..], NOW.0 + 5)
            );
            assert_eq!(sessions::end_all(db, ada.id, NOW).await?, 1);
            assert!(!sessions::end(db, found.0.id, NOW).await?);
            assert!(sessions::find_by_secret(db, &new, NOW).await?.is_none());

            let (event, key) = wanted;
            audit::record(db, &event).await?;
            let filter = audit::Filter {
                account_id: Some(ada.id),
                kind: Some("login".into()),
                ..Default::default()
            };
            assert_eq!(audit::list(db, &filter, 10).await?, std::slice::from_ref(&event));
            let filter = audit::Filter {
                before: Some((event.at, event.id)),
                ..Default::default()
            };
            assert_eq!(audit::list(db, &filter, 10).await?, []);

            assert!(keys::insert(db, &key).await?);
            assert!(!keys::insert(db, &key).await?);
            assert_eq!(keys::list(db).await?, [key]);
            assert!(keys::retire(db, "k1", NOW, LATER).await?);
            assert!(keys::delete(db, "k1").await?);

            accounts::record_login(db, ada.id, LATER).await?;
            assert!(accounts::set_disabled(db, ada.id, true, LATER).await?);
            let listed = accounts::list(db, None, 10).await?;
            assert_eq!(
                (listed.len(), listed[0].disabled, listed[0].last_login_at),
                (1, true, Some(LATER))
            );
            assert!(accounts::list(db, Some("Ada"), 10).await?.is_empty());
            locks::lock_apply(db).await
        })
        .await
        .unwrap();
    database.end().await;
}

#[tokio::test]
async fn revoking_a_grant_ends_its_tokens() {
    type Revocation =
        fn(&mut Conn, Grant) -> std::pin::Pin<Box<dyn Future<Output = Result<u64, StoreError>> + Send + '_>>;
    let ways: [Revocation; 5] = [
        |db, g| Box::pin(async move { grants::revoke(db, g.id, NOW).await.map(u64::from) }),
        |db, g| Box::pin(async move { grants::revoke_for_account(db, g.account_id, NOW).await }),
        |db, g| Box::pin(async move { grants::revoke_for_session(db, g.session_id.unwrap(), NOW).await }),
        |db, g| Box::pin(async move { grants::revoke_for_client(db, &g.client_id, NOW).await }),
        |db, g| {
            Box::pin(async move {
                grants::revoke_for_account_and_client(db, g.account_id, &g.client_id, NOW).await
            })
        },
    ];
    let database = Database::migrated().await;
    let (ada, ..) = furnished(&database.store).await;
    for way in ways {
        let granted = grant(ada.id);
        let before = granted.clone();
        let live = database
            .store
            .write(async move |db: &mut Conn| {
                grants::insert(db, &before).await?;
                access_tokens::status(db, "t", Some(before.id)).await
            })
            .await
            .unwrap();
        assert!(live);
        let live = database
            .store
            .write(async move |db: &mut Conn| {
                assert!(way(db, granted.clone()).await? >= 1);
                assert_eq!(way(db, granted.clone()).await?, 0);
                access_tokens::status(db, "t", Some(granted.id)).await
            })
            .await
            .unwrap();
        assert!(!live);
    }
    let single = database
        .store
        .write(async move |db: &mut Conn| {
            let granted = grant(ada.id);
            grants::insert(db, &granted).await?;
            access_tokens::revoke(db, "a", LATER).await?;
            access_tokens::revoke(db, "a", LATER).await?;
            Ok([
                access_tokens::status(db, "a", Some(granted.id)).await?,
                access_tokens::status(db, "b", Some(granted.id)).await?,
                access_tokens::status(db, "a", None).await?,
                access_tokens::status(db, "b", None).await?,
                access_tokens::status(db, "b", Some(GrantId(Uuid::new_v4()))).await?,
            ])
        })
        .await
        .unwrap();
    assert_eq!(single, [false, true, false, true, false]);
    database.end().await;
}

#[tokio::test]
async fn authority_comes_through_roles_and_custom_permissions() {
    let database = Database::migrated().await;
    let (ada, ..) = furnished(&database.store).await;
    database
        .store
        .write(async move |db: &mut Conn| {
            let held = roles::authority(db, ada.id, NOW).await?;
            assert_eq!(
                (held.roles, held.permissions),
                (names(&["editor"]), names(&["print", "read", "write"]))
            );
            let role = Role {
                name: "editor".into(),
                permissions: names(&["read"]),
                ..Default::default()
            };
            roles::upsert_role(db, &role, Some("file")).await?;
            assert_eq!(
                roles::authority(db, ada.id, NOW).await?.permissions,
                names(&["print", "read"])
            );
            assert!(
                roles::list_managed_roles(db)
                    .await?
                    .contains(&(role, Some("file".to_owned())))
            );
            assert!(roles::delete_role(db, "editor").await?);
            let held = roles::authority(db, ada.id, NOW).await?;
            assert_eq!((held.roles, held.permissions), (names(&[]), names(&["print"])));
            Ok(())
        })
        .await
        .unwrap();
    let missing = database
        .store
        .write(async move |db: &mut Conn| {
            roles::set_account_roles(db, ada.id, &names(&["nobody"]), NOW).await
        })
        .await;
    assert!(
        matches!(missing, Err(StoreError::Reference { .. })),
        "{missing:?}"
    );
    database.end().await;
}

/// Counts the rows of a table.
macro_rules! rows {
    ($db:expr, $($table:ident)+) => {{
        use diesel::QueryDsl as _;
        let mut counts = BTreeMap::new();
        $(
            let count: i64 = match &mut *$db {
                Conn::Sqlite(c) => diesel::RunQueryDsl::get_result(schema::$table::table.count(), c)?,
                Conn::Pg(c) => diesel_async::RunQueryDsl::get_result(schema::$table::table.count(), &mut **c).await?,
            };
            counts.insert(stringify!($table), count);
        )+
        counts
    }};
}

#[tokio::test]
async fn deleting_an_account_leaves_nothing_that_refers_to_it() {
    let database = Database::migrated().await;
    let (ada, ..) = furnished(&database.store).await;
    let left = database
        .store
        .write(async move |db: &mut Conn| {
            assert!(accounts::delete(db, ada.id).await?);
            assert!(!accounts::delete(db, ada.id).await?);
            Ok(
                rows!(db, accounts login_names passwords totp_factors recovery_codes sessions consents grants
                authorization_codes refresh_tokens account_roles account_permissions),
            )
        })
        .await
        .unwrap();
    assert!(left.values().all(|count| *count == 0), "{left:?}");
    database.end().await;
}

#[tokio::test]
async fn purging_removes_what_has_expired_and_nothing_else() {
    let database = Database::migrated().await;
    furnished(&database.store).await;
    let store = &database.store;
    let nothing = store
        .write(async |db: &mut Conn| {
            access_tokens::revoke(db, "a", LATER).await?;
            replay::record(db, &TokenHash::of("jti"), LATER).await?;
            purge::expired(db, NOW, 1000).await
        })
        .await
        .unwrap();
    assert_eq!(nothing, 0);
    let soon = store
        .write(async |db: &mut Conn| purge::expired(db, LATER, 1000).await)
        .await
        .unwrap();
    assert_eq!(soon, 4, "session, setup link, replay key, revoked token");
    let left = store
        .write(async |db: &mut Conn| {
            let after_grace = Timestamp(LATER.0 + 90_000);
            assert_eq!(purge::expired(db, after_grace, 1000).await?, 3);
            Ok(rows!(db, authorization_codes refresh_tokens grants sessions replay revoked_tokens setup_links))
        })
        .await
        .unwrap();
    assert!(left.values().all(|count| *count == 0), "{left:?}");
    assert_eq!(
        store
            .read(async |db: &mut Conn| accounts::count(db).await)
            .await
            .unwrap(),
        1
    );
    database.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_nodes_may_migrate_at_once() {
    let database = Database::empty().await;
    let store = &database.store;
    let all = ["0001_foundation", "0002_people", "0003_administration"];
    assert_eq!(store.pending_migrations().await.unwrap(), all);
    let nodes: Vec<_> = (0..4)
        .map(|_| {
            tokio::spawn({
                let s = store.clone();
                async move { s.migrate().await }
            })
        })
        .collect();
    let mut applied = Vec::new();
    for node in nodes {
        applied.extend(node.await.unwrap().unwrap());
    }
    assert_eq!(applied, all);
    assert!(store.pending_migrations().await.unwrap().is_empty());
    store.ping().await.unwrap();
    database.end().await;
}

#[tokio::test]
async fn a_closed_store_refuses() {
    let database = Database::migrated().await;
    database.store.close().await;
    let result = database
        .store
        .write(async |db: &mut Conn| accounts::insert(db, &account("eve", None), NOW).await)
        .await;
    assert!(matches!(result, Err(StoreError::Closed)), "{result:?}");
    database.end().await;
}

#[cfg(unix)]
#[tokio::test]
async fn the_database_file_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let database = Database::migrated().await;
    if let Some(directory) = &database.directory {
        for entry in std::fs::read_dir(directory.path().join("new")).unwrap() {
            let entry = entry.unwrap();
            let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o600, "{:?}", entry.path());
        }
    }
    database.end().await;
}

/// Tables and their columns, as one of the migration files names them.
fn tables(sql: &str) -> BTreeMap<String, Vec<String>> {
    let mut tables: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut current = None;
    for line in sql.lines().map(str::trim) {
        let word = line.split_whitespace().next().unwrap_or_default();
        let created = line.strip_prefix("CREATE TABLE ");
        if let Some(rest) = created.or_else(|| line.strip_prefix("CREATE UNLOGGED TABLE ")) {
            current = Some(rest.trim_end_matches(" (").to_owned());
        } else if line.starts_with(')') {
            current = None;
        } else if let Some((table, column)) = line
            .strip_prefix("ALTER TABLE ")
            .and_then(|rest| rest.split_once(" ADD COLUMN "))
        {
            let column = column.split_whitespace().next().unwrap_or_default();
            tables
                .entry(table.to_owned())
                .or_default()
                .push(column.to_owned());
        } else if let (Some(table), false) = (
            &current,
            matches!(word, "PRIMARY" | "UNIQUE" | "CHECK" | "FOREIGN" | "--"),
        ) {
            tables.entry(table.clone()).or_default().push(word.to_owned());
        }
    }
    tables
}

/// The columns of a table of the schema, and a load of no row of it.
macro_rules! schema_columns {
    ($db:expr, $tables:ident, $($table:ident)+) => {$({
        use diesel::QueryDsl as _;
        let all = schema::$table::table.select(schema::$table::all_columns).limit(0);
        match &mut *$db {
            Conn::Sqlite(c) => { diesel::RunQueryDsl::execute(all, c)?; }
            Conn::Pg(c) => { diesel_async::RunQueryDsl::execute(all, &mut **c).await?; }
        }
        $tables.insert(stringify!($table).to_owned());
    })+};
}

#[tokio::test]
async fn both_migrations_make_the_tables_of_the_schema() {
    let sqlite = tables(concat!(
        include_str!("../../../migrations/sqlite/0001_foundation/up.sql"),
        include_str!("../../../migrations/sqlite/0002_people/up.sql"),
        include_str!("../../../migrations/sqlite/0003_administration/up.sql"),
    ));
    let postgres = tables(concat!(
        include_str!("../../../migrations/postgres/0001_foundation/up.sql"),
        include_str!("../../../migrations/postgres/0002_people/up.sql"),
        include_str!("../../../migrations/postgres/0003_administration/up.sql"),
    ));
    assert_eq!(sqlite, postgres);
    let schema_source = include_str!("../schema.rs");
    let mut schema: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut current = String::new();
    for line in schema_source.lines().map(str::trim) {
        if let Some((column, _)) = line.split_once(" -> ") {
            schema.entry(current.clone()).or_default().push(column.to_owned());
        } else if let Some((table, _)) = line.strip_suffix(") {").and_then(|line| line.split_once(" (")) {
            current = table.to_owned();
        }
    }
    assert_eq!(schema, sqlite);
    let database = Database::migrated().await;
    let loaded = database
        .store
        .write(async |db: &mut Conn| {
            let mut loaded = BTreeSet::new();
            schema_columns!(db, loaded, clients accounts login_names passwords totp_factors recovery_codes sessions
                consents grants authorization_codes refresh_tokens revoked_tokens replay signing_keys roles scopes
                resources account_roles account_permissions setup_links audit_events password_history passkeys
                action_tokens outbox upstreams upstream_identities rate_buckets groups group_members group_roles
                owned_resources resource_permissions api_keys audit_chain statistics consent_records);
            Ok(loaded)
        })
        .await
        .unwrap();
    assert_eq!(loaded, sqlite.into_keys().collect());
    database.end().await;
}

#[tokio::test]
async fn a_role_is_held_until_its_end_and_through_groups() {
    let database = Database::migrated().await;
    let (ada, ..) = furnished(&database.store).await;
    database
        .store
        .write(async move |db: &mut Conn| {
            let role = |name: &str, permission: &str| Role {
                name: name.into(),
                permissions: names(&[permission]),
                ..Default::default()
            };
            for role in [role("guest", "look"), role("staff", "enter")] {
                assert!(roles::insert_role(db, &role, None).await?);
                assert!(!roles::insert_role(db, &role, None).await?, "the name is taken");
            }
            let assignment = roles::Assignment {
                role: "guest".into(),
                expires_at: Some(LATER),
                granted_at: NOW,
                granted_by: Some("cli".into()),
            };
            roles::assign_role(db, ada.id, &assignment).await?;
            let group = groups::Group {
                id: protocol::id::GroupId(Uuid::new_v4()),
                display_name: "People".into(),
                external_id: None,
                created_at: NOW,
                updated_at: NOW,
                version: 1,
            };
            groups::insert(db, &group).await?;
            groups::insert_members(db, group.id, &[ada.id]).await?;
            groups::set_roles(db, group.id, &names(&["staff", "editor"])).await?;

            let before = Timestamp(LATER.0 - 1);
            let held = roles::authority(db, ada.id, before).await?;
            assert_eq!(held.roles, names(&["editor", "guest", "staff"]));
            assert_eq!(
                held.permissions,
                names(&["enter", "look", "print", "read", "write"])
            );
            let held = roles::authority(db, ada.id, LATER).await?;
            assert_eq!(held.roles, names(&["editor", "staff"]));

            let ways = roles::list_held(db, ada.id, before).await?;
            let ways: Vec<_> = ways
                .into_iter()
                .map(|held| (held.role.name, held.group, held.expires_at))
                .collect();
            let people = Some("People".to_owned());
            assert_eq!(
                ways,
                [
                    ("editor".to_owned(), None, None),
                    ("guest".to_owned(), None, Some(LATER)),
                    ("editor".to_owned(), people.clone(), None),
                    ("staff".to_owned(), people, None),
                ]
            );
            for (role, now, holders) in [
                ("editor", NOW, 1),
                ("guest", before, 1),
                ("guest", LATER, 0),
                ("staff", NOW, 1),
                ("nobody", NOW, 0),
            ] {
                assert_eq!(roles::count_holders(db, role, now).await?, holders, "{role}");
            }

            // What stays keeps its end and who gave it.
            roles::set_account_roles(db, ada.id, &names(&["guest"]), before).await?;
            assert_eq!(roles::list_assignments(db, ada.id).await?, [assignment]);
            assert!(roles::unassign_role(db, ada.id, "guest").await?);
            assert!(!roles::unassign_role(db, ada.id, "guest").await?);
            Ok(())
        })
        .await
        .unwrap();
    database.end().await;
}

#[tokio::test]
async fn clients_are_listed_in_pieces_and_keep_their_former_secret() {
    let database = Database::migrated().await;
    database
        .store
        .write(async move |db: &mut Conn| {
            for id in ["a", "b_1", "b%2", "b2", "c"] {
                let mut stored = client(id);
                stored.disabled = id == "c";
                stored.previous = Some(clients::PreviousSecret {
                    hash: TokenHash::of("old"),
                    sealed: Some(vec![3]),
                    expires_at: LATER,
                });
                clients::insert(db, &stored, NOW).await?;
                assert_eq!(clients::find(db, &id.into()).await?.as_ref(), Some(&stored));
                let good = |now| stored.secret_hashes(now).count();
                assert_eq!((good(NOW), good(LATER)), (2, 1));
            }
            let ids = async |db: &mut Conn, filter: clients::Filter| -> Result<Vec<String>, StoreError> {
                let found = clients::list_page(db, &filter, 3).await?;
                Ok(found
                    .into_iter()
                    .map(|stored| stored.client.client_id.0)
                    .collect())
            };
            let mut all: Vec<String> = Vec::new();
            loop {
                let filter = clients::Filter {
                    after: all.last().cloned(),
                    ..Default::default()
                };
                let piece = ids(db, filter).await?;
                if piece.is_empty() {
                    break;
                }
                all.extend(piece);
            }
            assert_eq!(all.len(), 5, "{all:?}");
            let prefixed = clients::Filter {
                prefix: Some("b_".into()),
                ..Default::default()
            };
            assert_eq!(ids(db, prefixed).await?, ["b_1"]);
            let disabled = clients::Filter {
                disabled: Some(true),
                descending: true,
                ..Default::default()
            };
            assert_eq!(ids(db, disabled).await?, ["c"]);
            Ok(())
        })
        .await
        .unwrap();
    database.end().await;
}
