//! What can be used once, and in its time.

use protocol::secret::TokenHash;
use store::{Conn, StoreError, codes, credentials, refresh_tokens, replay, sessions, setup_links};

use super::database::Database;
use super::{LATER, NOW, furnished};

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
