//! What an account may do, by its roles, its groups and by itself.

use protocol::role::Role;
use protocol::time::Timestamp;
use store::{Conn, StoreError, groups, roles};
use uuid::Uuid;

use super::database::Database;
use super::{LATER, NOW, furnished, names};

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
