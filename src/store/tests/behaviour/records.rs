//! What is written is found again.

use protocol::secret::TokenHash;
use protocol::session::Factor;
use protocol::time::Timestamp;
use serde_json::json;
use store::{
    Account, Conn, StoreError, StoredKey, accounts, audit, clients, codes, consents, credentials, grants,
    keys, locks, refresh_tokens, sessions,
};
use uuid::Uuid;

use super::database::Database;
use super::{LATER, NOW, account, client, code, furnished, refresh_token};

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
            let capital = clients::Filter {
                prefix: Some("B_".into()),
                ..clients::Filter::default()
            };
            assert_eq!(ids(db, capital).await?, ["b_1"]);
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
