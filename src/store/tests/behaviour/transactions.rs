//! What a transaction leaves behind, and who may write where.

use std::future::Future as _;
use std::task::{Context, Poll, Waker};

use store::{Conn, StoreError, accounts};

use super::database::Database;
use super::{NOW, account};

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

#[tokio::test]
async fn what_was_taken_before_the_end_is_done() {
    let database = Database::migrated().await;
    let store = &database.store;
    if store.is_sqlite() {
        let mut writes: Vec<_> = (0..16)
            .map(|number| {
                let account = account(&format!("eve{number}"), None);
                Box::pin(store.write(async move |db: &mut Conn| accounts::insert(db, &account, NOW).await))
            })
            .collect();
        let mut context = Context::from_waker(Waker::noop());
        // Asked once, each is on its way.
        writes.retain_mut(|write| match write.as_mut().poll(&mut context) {
            Poll::Ready(result) => {
                result.unwrap();
                false
            }
            Poll::Pending => true,
        });
        store.close().await;
        for mut write in writes {
            let ended = write.as_mut().poll(&mut context);
            assert!(matches!(ended, Poll::Ready(Ok(()))), "{ended:?}");
        }
    }
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
