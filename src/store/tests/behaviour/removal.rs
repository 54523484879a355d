//! What ends takes along what hangs on it.

use std::collections::BTreeMap;

use protocol::grant::Grant;
use protocol::id::GrantId;
use protocol::secret::TokenHash;
use protocol::time::Timestamp;
use store::{Conn, StoreError, access_tokens, accounts, grants, purge, replay, schema};
use uuid::Uuid;

use super::database::Database;
use super::{LATER, NOW, furnished, grant};

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
